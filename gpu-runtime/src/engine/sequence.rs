//! One sequence that is being generated.

use std::time::Duration;

use super::guide::{Filled, Guide};
use super::outcome::{SequenceError, SequenceId};
use crate::sampler::Sampler;

/// The state of one sequence.
#[derive(Debug)]
pub(super) struct Sequence {
    pub(super) id: SequenceId,
    /// The prompt and what has been generated.
    pub(super) tokens: Vec<u32>,
    pub(super) prompt_length: usize,
    /// How many of the tokens have been in an event.
    pub(super) reported: usize,
    /// How many of the tokens since then were forced.
    pub(super) forced: usize,
    /// How many of the tokens have keys and values in the cache.
    pub(super) computed: usize,
    /// The greatest length of `tokens`.
    pub(super) max_length: usize,
    /// Whether it is the context that sets `max_length`, not the request.
    pub(super) context_bound: bool,
    pub(super) pages: Vec<u32>,
    pub(super) guide: Guide,
    pub(super) sampler: Sampler,
    pub(super) jump_forward: bool,
    /// The answer of the last mask, and how long it took.
    pub(super) filled: Result<Filled, SequenceError>,
    pub(super) fill_time: Duration,
}

impl Sequence {
    /// The number of tokens generated so far.
    pub(super) fn generated(&self) -> usize {
        self.tokens.len() - self.prompt_length
    }

    /// How many more tokens there may be.
    pub(super) fn room(&self) -> usize {
        self.max_length - self.tokens.len()
    }

    /// Adds tokens that were not sampled.
    pub(super) fn force(&mut self, tokens: impl Iterator<Item = u32>) {
        let before = self.tokens.len();
        self.tokens.extend(tokens);
        self.forced += self.tokens.len() - before;
    }

    /// How many tokens wait to be computed; at least one.
    pub(super) fn pending(&self) -> usize {
        self.tokens.len() - self.computed
    }
}
