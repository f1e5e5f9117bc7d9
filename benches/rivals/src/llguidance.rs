//! llguidance, as its own users run it: general slices, and the model's tokenizer for forced text.

use std::sync::Arc;

use grammarc_benches::maskbench::{CompileError, Engine, EngineEntry, Session, Setup};
use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use mask_runtime::{TokenKind, Vocabulary};
use tokenizers::Tokenizer;
use toktrie::{SimpleVob, TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

/// llguidance with the default options of its JSON Schema frontend.
pub(crate) const LLGUIDANCE: EngineEntry = EngineEntry { name: "llguidance", version: "1.9.1", start };

fn start(setup: Setup) -> Result<Box<dyn Engine>, String> {
    let info = TokRxInfo::new(setup.vocabulary.size() as u32, setup.eos);
    let environment = Environment {
        trie: TokTrie::from(&info, &words(&setup.vocabulary)),
        tokenizer: Tokenizer::from_file(setup.folder.join("tokenizer.json")).map_err(|error| error.to_string())?,
    };
    let environment: TokEnv = Arc::new(environment);
    let mut factory = ParserFactory::new_simple(&environment).map_err(|error| error.to_string())?;
    factory.quiet();
    Ok(Box::new(LlGuidance { factory, eos: setup.eos }))
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
    tokenizer: Tokenizer,
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, text: &[u8]) -> Vec<TokenId> {
        self.trie.tokenize_with_greedy_fallback(text, |text| match self.tokenizer.encode_fast(text, false) {
            Ok(encoding) => encoding.get_ids().to_vec(),
            Err(_) => self.trie.greedy_tokenize(text.as_bytes()),
        })
    }
}

struct LlGuidance {
    factory: ParserFactory,
    eos: TokenId,
}

impl Engine for LlGuidance {
    fn compile(&self, schema: &str) -> Result<Box<dyn Session>, CompileError> {
        let refused = |error: anyhow::Error| CompileError::new(format!("refused: {error}"));
        let grammar = TopLevelGrammar::from_tagged_str("json_schema", schema).map_err(refused)?;
        let parser = self.factory.create_parser(grammar).map_err(refused)?;
        let matcher = Matcher::new(Ok(parser));
        Ok(Box::new(LlGuidanceSession { unused: matcher.clone(), matcher, eos: self.eos, mask: SimpleVob::new() }))
    }
}

struct LlGuidanceSession {
    matcher: Matcher,
    /// The matcher as it was after the compile.
    unused: Matcher,
    eos: TokenId,
    mask: SimpleVob,
}

impl Session for LlGuidanceSession {
    fn reset(&mut self) -> Result<(), String> {
        // A matcher that has met an error stays with it.
        if self.matcher.is_error() {
            self.matcher = self.unused.clone();
            return Ok(());
        }
        self.matcher.reset().map_err(|error| error.to_string())
    }

    fn fill(&mut self) -> Result<(), String> {
        self.mask = self.matcher.compute_mask_or_eos().map_err(|error| error.to_string())?;
        Ok(())
    }

    fn allows(&self, token: u32) -> bool {
        self.mask.is_allowed(token)
    }

    fn accept(&mut self, token: u32) -> Result<(), String> {
        // Where nothing but the end can follow, the matcher has stopped by itself and takes no more tokens.
        if token == self.eos && self.matcher.is_stopped() && !self.matcher.is_error() {
            return Ok(());
        }
        self.matcher.consume_token(token).map_err(|error| error.to_string())
    }
}
