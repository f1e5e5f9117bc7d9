//! llguidance as a backend of the server.

use std::fmt;
use std::sync::Arc;

use compilers::json_schema::Whitespace;
use gpu_runtime::engine::{Fill, SequenceError, TokenMatcher};
use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use mask_runtime::{TokenKind, Vocabulary};
use serde_json::{Value, json};
use server::{
    Backend, BackendEntry, BackendSetup, CompileBudget, CompileError, CompiledConstraint, Constraint, ConstraintKind,
};
use toktrie::{TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use crate::ends::Ends;

/// llguidance. It bounds its compiles itself.
pub(crate) const BACKEND: BackendEntry = BackendEntry { name: "llguidance", version: "1.9.1", start };

fn start(setup: BackendSetup) -> Result<Arc<dyn Backend>, String> {
    let vocabulary = setup.tokenizer.vocabulary();
    let &eos = vocabulary.stop_tokens().last().ok_or("the vocabulary has no stop token")?;
    let size = vocabulary.size();
    let trie = TokTrie::from(&TokRxInfo::new(size as u32, eos), &words(vocabulary));
    let environment: TokEnv = Arc::new(Environment { trie, encoder: setup.encoder });
    let mut factory = ParserFactory::new_simple(&environment).map_err(|error| error.to_string())?;
    factory.quiet();
    Ok(Arc::new(LlGuidance { factory, eos, size }))
}

/// The tokens in the form of toktrie: special ones are marked, holes are empty.
fn words(vocabulary: &Vocabulary) -> Vec<Vec<u8>> {
    let word = |id| match vocabulary.kind(id) {
        TokenKind::Text => vocabulary.bytes(id).to_vec(),
        TokenKind::Special => {
            let mut word = vec![TokTrie::SPECIAL_TOKEN_MARKER];
            word.extend_from_slice(vocabulary.name(id).as_bytes());
            word
        }
        TokenKind::Hole => Vec::new(),
    };
    (0..vocabulary.size() as u32).map(word).collect()
}

struct Environment {
    trie: TokTrie,
    encoder: gpu_runtime::Encoder,
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, text: &[u8]) -> Vec<TokenId> {
        self.trie.tokenize_with_greedy_fallback(text, |text| {
            self.encoder.encode(text).unwrap_or_else(|_| self.trie.greedy_tokenize(text.as_bytes()))
        })
    }
}

struct LlGuidance {
    factory: ParserFactory,
    eos: TokenId,
    size: usize,
}

impl fmt::Debug for LlGuidance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LlGuidance").field("eos", &self.eos).finish_non_exhaustive()
    }
}

impl Backend for LlGuidance {
    fn compile(&self, constraint: &Constraint, _: &CompileBudget) -> Result<Arc<dyn CompiledConstraint>, CompileError> {
        let Constraint { kind, text, .. } = constraint;
        let refused = |message: String| CompileError::new(*kind, message);
        let grammar = match kind {
            ConstraintKind::Json => json_schema(constraint).map(TopLevelGrammar::from_json_schema).map_err(refused)?,
            ConstraintKind::Regex => TopLevelGrammar::from_regex(text),
            ConstraintKind::Ebnf => return Err(refused("llguidance has a language of its own, not EBNF".to_owned())),
            ConstraintKind::StructuralTag => {
                return Err(refused("llguidance's crate reads no structural tags".to_owned()));
            }
        };
        let parser = self.factory.create_parser(grammar).map_err(|error| refused(error.to_string()))?;
        let matcher = Matcher::new(Ok(parser));
        Ok(Arc::new(Compiled { matcher, eos: self.eos, size: self.size, bytes: text.len() }))
    }
}

/// The schema, with white space as the request wants it.
fn json_schema(constraint: &Constraint) -> Result<Value, String> {
    let mut schema: Value = serde_json::from_str(&constraint.text).map_err(|error| error.to_string())?;
    let options = match constraint.style.whitespace {
        Whitespace::Compact => json!({"whitespace_flexible": false, "item_separator": ",", "key_separator": ":"}),
        Whitespace::Python => json!({"whitespace_flexible": false, "item_separator": ", ", "key_separator": ": "}),
        Whitespace::Bounded | Whitespace::Conventional => json!({"whitespace_pattern": "( |\\n {0,20})?"}),
        _ => return Ok(schema),
    };
    if let Some(members) = schema.as_object_mut() {
        members.entry("x-guidance").or_insert(options);
    }
    Ok(schema)
}

struct Compiled {
    /// Never advanced.
    matcher: Matcher,
    eos: TokenId,
    size: usize,
    /// The length of the source: the crate does not tell what a parser occupies.
    bytes: usize,
}

impl fmt::Debug for Compiled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Compiled").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl CompiledConstraint for Compiled {
    fn matcher(&self, stop_tokens: Vec<u32>) -> Result<Box<dyn TokenMatcher>, String> {
        let ends = Ends { eos: self.eos, stop_tokens };
        Ok(Box::new(LlGuidanceMatcher { matcher: self.matcher.deep_clone(), ends, size: self.size, terminated: false }))
    }

    fn memory(&self) -> usize {
        // Lexers grow with use, to some hundred kilobytes for a schema of some hundred bytes.
        self.bytes.saturating_mul(1_000)
    }
}

struct LlGuidanceMatcher {
    matcher: Matcher,
    ends: Ends,
    size: usize,
    terminated: bool,
}

impl fmt::Debug for LlGuidanceMatcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LlGuidanceMatcher").field("ends", &self.ends).finish_non_exhaustive()
    }
}

fn failed(error: impl fmt::Display) -> SequenceError {
    SequenceError::Engine(error.to_string())
}

impl TokenMatcher for LlGuidanceMatcher {
    fn vocabulary_size(&self) -> usize {
        self.size
    }

    fn stop_tokens(&self) -> &[u32] {
        &self.ends.stop_tokens
    }

    fn fill(&mut self, row: &mut [u32]) -> Result<Fill, SequenceError> {
        let mask = self.matcher.compute_mask_or_eos().map_err(failed)?;
        row.fill(0);
        row.iter_mut().zip(mask.as_slice()).for_each(|(word, &mask)| *word = mask);
        self.ends.translate(row);
        Ok(if row.iter().all(|&word| word == 0) { Fill::Ended } else { Fill::Masked })
    }

    fn accept_token(&mut self, token: u32) -> Result<(), SequenceError> {
        if self.ends.stop_tokens.contains(&token) {
            if !self.is_complete() {
                return Err(failed(format!("the end token {token} is not allowed here")));
            }
            self.terminated = true;
            return Ok(());
        }
        self.matcher.consume_token(token).map_err(failed)
    }

    fn is_complete(&mut self) -> bool {
        self.is_ended() || self.matcher.is_accepting().unwrap_or(false)
    }

    fn is_terminated(&self) -> bool {
        self.terminated
    }

    fn is_ended(&mut self) -> bool {
        self.matcher.is_stopped() && !self.matcher.is_error()
    }

    fn rollback(&mut self, steps: usize) -> Result<(), SequenceError> {
        self.matcher.rollback(steps).map_err(failed)
    }
}
