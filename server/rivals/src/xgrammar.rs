//! XGrammar as a backend of the server.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use compilers::json_schema::Whitespace;
use dlpark::traits::TensorView;
use dlpark::versioned::SafeManagedTensorVersioned;
use gpu_runtime::engine::{Fill, SequenceError, TokenMatcher};
use mask_runtime::{TokenKind, Vocabulary};
use serde_json::{Map, Value, json};
use server::{
    Backend, BackendEntry, BackendSetup, CompileBudget, CompileError, CompiledConstraint, Constraint, ConstraintKind,
};
use xgrammar::{CompiledGrammar, Grammar, GrammarCompiler, GrammarMatcher, TokenizerInfo};

/// XGrammar. Its compiles cannot be bounded.
pub(crate) const BACKEND: BackendEntry = BackendEntry { name: "xgrammar", version: "0.6.0", start };

/// White space between two tokens of JSON, where a request wants it bounded.
const MAX_WHITESPACE: i32 = 20;

fn start(setup: BackendSetup) -> Result<Arc<dyn Backend>, String> {
    let vocabulary = setup.tokenizer.vocabulary();
    let stop_tokens = vocabulary.stop_tokens().iter().map(|&token| token as i32).collect();
    let tokenizer = tokenizer_json(vocabulary).to_string();
    let info = TokenizerInfo::from_backend_str(&tokenizer, Some(vocabulary.size()), stop_tokens)
        .map_err(|error| error.to_string())?;
    // The server has a cache of its own.
    let compiler = GrammarCompiler::with(&info, Some(1), Some(false), None);
    Ok(Arc::new(XGrammar { compiler, size: vocabulary.size() }))
}

/// The ordinary tokens as a `tokenizer.json`, which is all that the crate takes. Of tokens with the same bytes it can
/// hold one; XGrammar never allows those that are not in it.
fn tokenizer_json(vocabulary: &Vocabulary) -> Value {
    let mut seen = HashSet::new();
    let mut words = Map::new();
    for id in 0..vocabulary.size() as u32 {
        let bytes = vocabulary.bytes(id);
        if vocabulary.kind(id) == TokenKind::Text && seen.insert(bytes) {
            words.insert(bytes.iter().map(|&byte| byte_character(byte)).collect(), id.into());
        }
    }
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({
        "version": "1.0",
        "added_tokens": [],
        "decoder": byte_level,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "unknown"},
    })
}

/// The character that stands for a byte in byte-level vocabularies: itself if it can be seen, else one from U+0100 on.
fn byte_character(byte: u8) -> char {
    let is_seen = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    match is_seen(byte) {
        true => char::from(byte),
        false => {
            let before = (0..byte).filter(|&other| !is_seen(other)).count() as u32;
            char::from_u32(0x100 + before).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
    }
}

struct XGrammar {
    compiler: GrammarCompiler,
    size: usize,
}

impl fmt::Debug for XGrammar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("XGrammar").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Backend for XGrammar {
    fn compile(&self, constraint: &Constraint, _: &CompileBudget) -> Result<Arc<dyn CompiledConstraint>, CompileError> {
        let Constraint { kind, text, style } = constraint;
        let refused = |error: xgrammar::XGrammarErr| CompileError::new(*kind, error.to_string());
        let grammar = match kind {
            ConstraintKind::Json => {
                let separators = |item: &str, key: &str| Some((item.to_owned(), key.to_owned()));
                let (any, separators, bound) = match style.whitespace {
                    Whitespace::Compact => (false, separators(",", ":"), None),
                    Whitespace::Python => (false, separators(", ", ": "), None),
                    Whitespace::Bounded | Whitespace::Conventional => (true, None, Some(MAX_WHITESPACE)),
                    _ => (true, None, None),
                };
                self.compiler.compile_json_schema(text, Some(any), None, separators, Some(false), bound, None)
            }
            ConstraintKind::Regex => self.compiler.compile_regex(text),
            ConstraintKind::Ebnf => {
                Grammar::from_ebnf(text, None).and_then(|grammar| self.compiler.compile_grammar(&grammar))
            }
            ConstraintKind::StructuralTag => self.compiler.compile_structural_tag(text),
        };
        Ok(Arc::new(Compiled { grammar: grammar.map_err(refused)?, size: self.size }))
    }
}

struct Compiled {
    grammar: CompiledGrammar,
    size: usize,
}

impl fmt::Debug for Compiled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Compiled").field("bytes", &self.memory()).finish_non_exhaustive()
    }
}

impl CompiledConstraint for Compiled {
    fn matcher(&self, stop_tokens: Vec<u32>) -> Result<Box<dyn TokenMatcher>, String> {
        if let Some(token) = stop_tokens.iter().find(|&&token| token as usize >= self.size) {
            return Err(format!("there is no token {token}"));
        }
        let ids: Vec<i32> = stop_tokens.iter().map(|&token| token as i32).collect();
        let matcher = GrammarMatcher::with(&self.grammar, Some(&ids), Some(false), None);
        Ok(Box::new(XGrammarMatcher { matcher, stop_tokens, size: self.size }))
    }

    fn memory(&self) -> usize {
        self.grammar.memory_size_bytes()
    }
}

struct XGrammarMatcher {
    matcher: GrammarMatcher,
    stop_tokens: Vec<u32>,
    size: usize,
}

impl fmt::Debug for XGrammarMatcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("XGrammarMatcher").field("stop_tokens", &self.stop_tokens).finish_non_exhaustive()
    }
}

fn failed(error: impl fmt::Display) -> SequenceError {
    SequenceError::Engine(error.to_string())
}

impl TokenMatcher for XGrammarMatcher {
    fn vocabulary_size(&self) -> usize {
        self.size
    }

    fn stop_tokens(&self) -> &[u32] {
        &self.stop_tokens
    }

    fn fill(&mut self, row: &mut [u32]) -> Result<Fill, SequenceError> {
        let words = vec![0_i32; self.size.div_ceil(32)];
        let mut tensor = SafeManagedTensorVersioned::new(words).map_err(failed)?;
        self.matcher.fill_next_token_bitmask(&mut tensor, None, None).map_err(failed)?;
        row.fill(0);
        let words = tensor.as_slice_untyped().chunks_exact(4);
        for (word, bytes) in row.iter_mut().zip(words) {
            *word = bytes.try_into().map(u32::from_ne_bytes).unwrap_or_default();
        }
        // Bits beyond the vocabulary mean nothing there, and have to be 0 here.
        if let Some(last) = row.get_mut(self.size / 32) {
            *last &= (1 << (self.size % 32)) - 1;
        }
        match row.iter().any(|&word| word != 0) {
            true => Ok(Fill::Masked),
            false => Err(failed("no token of the vocabulary fits here")),
        }
    }

    fn accept_token(&mut self, token: u32) -> Result<(), SequenceError> {
        let accepts = (token as usize) < self.size && self.matcher.accept_token(token as i32, None);
        accepts.then_some(()).ok_or_else(|| failed(format!("token {token} is not allowed here")))
    }

    fn is_complete(&mut self) -> bool {
        self.matcher.is_completed()
    }

    fn is_terminated(&self) -> bool {
        self.matcher.is_terminated()
    }

    fn is_ended(&mut self) -> bool {
        false
    }

    fn rollback(&mut self, steps: usize) -> Result<(), SequenceError> {
        self.matcher.rollback(Some(i32::try_from(steps).map_err(failed)?)).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::byte_character;

    #[test]
    fn bytes_have_characters_of_their_own() {
        let mut characters: Vec<char> = (0..=u8::MAX).map(byte_character).collect();
        assert_eq!((characters[b' ' as usize], characters[b'\n' as usize], characters[0xAD]), ('Ġ', 'Ċ', 'Ń'));
        characters.sort_unstable();
        characters.dedup();
        assert_eq!(characters.len(), 256);
    }
}
