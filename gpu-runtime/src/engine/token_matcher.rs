//! What the loop asks of a constraint on one sequence; [`Matcher`] is the engine of this project, others can take its
//! place.

use std::fmt::Debug;

use mask_runtime::{FillError, Matcher};

use super::outcome::SequenceError;

/// What there is in a row after [`TokenMatcher::fill`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// The mask.
    Masked,
    /// Nothing: the text is complete, and nothing may follow, not even a stop token.
    Ended,
}

/// The constraint on one sequence, and how far the sequence has come.
pub trait TokenMatcher: Send + Debug {
    /// The number of token ids it knows.
    fn vocabulary_size(&self) -> usize;

    /// The tokens that end a generation. [`fill`](Self::fill) allows them where the text is complete.
    fn stop_tokens(&self) -> &[u32];

    /// Writes which tokens may come next: bit *t* mod 32 of word ⌊*t* / 32⌋ is token *t*, 1 for allowed. Bits beyond
    /// the vocabulary are 0.
    ///
    /// # Errors
    /// When no token may come and the text is not complete; failures of the engine.
    fn fill(&mut self, row: &mut [u32]) -> Result<Fill, SequenceError>;

    /// Takes a token over.
    ///
    /// # Errors
    /// When it is not allowed; nothing is changed then. Failures of the engine.
    fn accept_token(&mut self, token: u32) -> Result<(), SequenceError>;

    /// Whether the text may end here.
    fn is_complete(&mut self) -> bool;

    /// Whether a stop token has been accepted.
    fn is_terminated(&self) -> bool;

    /// Whether the text is complete and nothing but a stop token may follow; `false` if that is not easily told.
    fn is_ended(&mut self) -> bool;

    /// The bytes that have to come next, at most `max`; none if that is not easily told.
    fn forced_bytes(&mut self, _max: usize) -> Vec<u8> {
        Vec::new()
    }

    /// Takes back the last `steps` accepted tokens. Engines without [`forced_bytes`](Self::forced_bytes) are never asked.
    ///
    /// # Errors
    /// When fewer were accepted; failures of the engine.
    fn rollback(&mut self, steps: usize) -> Result<(), SequenceError>;
}

impl TokenMatcher for Matcher {
    fn vocabulary_size(&self) -> usize {
        self.grammar().vocabulary().size()
    }

    fn stop_tokens(&self) -> &[u32] {
        self.stop_tokens()
    }

    fn fill(&mut self, row: &mut [u32]) -> Result<Fill, SequenceError> {
        match self.fill(row) {
            Ok(()) => Ok(Fill::Masked),
            Err(FillError::Finished) => Ok(Fill::Ended),
            Err(error) => Err(error.into()),
        }
    }

    fn accept_token(&mut self, token: u32) -> Result<(), SequenceError> {
        Ok(self.accept_token(token)?)
    }

    fn is_complete(&mut self) -> bool {
        Self::is_complete(self)
    }

    fn is_terminated(&self) -> bool {
        self.is_terminated()
    }

    fn is_ended(&mut self) -> bool {
        self.grammar().pda().token_sets().is_empty() && Self::is_complete(self) && self.next_bytes().is_empty()
    }

    fn forced_bytes(&mut self, max: usize) -> Vec<u8> {
        self.forced_bytes(max)
    }

    fn rollback(&mut self, steps: usize) -> Result<(), SequenceError> {
        self.rollback(steps).map_err(|error| SequenceError::Engine(error.to_string()))
    }
}
