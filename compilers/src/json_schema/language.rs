//! Regular languages of texts, with the JSON strings that spell them.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use grammar_ir::regular::CharAutomaton;
use grammar_ir::{Budget, ByteAutomaton, LimitError};

use super::spelling::JsonString;
use super::string;

/// A language of texts. Its JSON strings are worked out at most once, however many grammars have it.
#[derive(Debug)]
pub(super) struct Language {
    texts: CharAutomaton,
    strings: OnceLock<Arc<ByteAutomaton>>,
}

impl Language {
    /// The language of `texts`.
    pub(super) fn new(texts: CharAutomaton) -> Arc<Self> {
        Arc::new(Self { texts, strings: OnceLock::new() })
    }

    /// The JSON strings of the texts, quotes included.
    ///
    /// # Errors
    /// When that takes too many states.
    pub(super) fn strings(&self, budget: &mut Budget<'_>) -> Result<Arc<ByteAutomaton>, LimitError> {
        if let Some(strings) = self.strings.get() {
            budget.check_states(strings.edges.len())?;
            return Ok(Arc::clone(strings));
        }
        let strings = Arc::new(string::between_quotes(&self.texts.to_bytes(&JsonString, budget)?));
        Ok(Arc::clone(self.strings.get_or_init(|| strings)))
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl Deref for Language {
    type Target = CharAutomaton;

    fn deref(&self) -> &CharAutomaton {
        &self.texts
    }
}
