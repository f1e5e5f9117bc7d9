//! What a step answers.

use mask_runtime::{AcceptError, FillError};

use super::logprobs::TokenLogprobs;
use super::timing::StepTiming;
use crate::sampler::SampleError;

/// Names a sequence within its engine; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceId(pub(super) u64);

/// Why a generation ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Finish {
    /// The model chose a stop token.
    StopToken(u32),
    /// The answer is complete and the grammar allows nothing more.
    GrammarEnd,
    /// The answer was cut off by `max_tokens`.
    MaxTokens {
        /// Whether what there is happens to be a complete answer of the grammar; `false` without one.
        complete: bool,
    },
    /// The answer was cut off by the end of the context.
    ContextFull {
        /// Whether what there is happens to be a complete answer of the grammar; `false` without one.
        complete: bool,
    },
    /// No token could be chosen.
    Failed(SequenceError),
}

impl Finish {
    /// Whether the answer was cut off, and is not a whole one.
    pub fn is_truncated(&self) -> bool {
        match self {
            Self::StopToken(_) | Self::GrammarEnd => false,
            Self::MaxTokens { complete } | Self::ContextFull { complete } => !complete,
            Self::Failed(_) => true,
        }
    }
}

/// Why no token could be chosen for one sequence. The others go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SequenceError {
    /// There is no mask.
    #[error("no token can follow: {0}")]
    Fill(#[from] FillError),
    /// No token can be sampled.
    #[error("no token can be sampled: {0}")]
    Sample(#[from] SampleError),
    /// The sampled token does not fit the grammar, which the mask should have prevented.
    #[error("the sampled token is refused: {0}")]
    Accept(#[from] AcceptError),
    /// The engine of the constraint has failed.
    #[error("the engine of the constraint has failed: {0}")]
    Engine(String),
    /// The constraint is so slow to follow that it took more processor time than a sequence may spend on it.
    #[error(
        "the constraint took {seconds} s of processor time for this answer, which is the limit; a grammar that is less \
         ambiguous, or a shorter answer, takes less"
    )]
    ConstraintTime {
        /// [`EngineOptions::constraint_time`](super::EngineOptions::constraint_time).
        seconds: f64,
    },
    /// There are too many sequences whose constraints are slow to follow.
    #[error(
        "{limit} answers whose constraints are slow to follow are in work, as many as there may be; try again later"
    )]
    TooManySlow {
        /// The greatest number of them.
        limit: usize,
    },
}

impl SequenceError {
    /// Whether the constraint is at fault: it has no text that the vocabulary can spell, or it is so ambiguous that
    /// following it costs more than the limits.
    pub fn is_of_constraint(&self) -> bool {
        matches!(
            self,
            Self::Fill(FillError::NoTokenFits { .. } | FillError::StackLimit { .. })
                | Self::Accept(AcceptError::StackLimit { .. })
                | Self::ConstraintTime { .. }
        )
    }
}

/// What happened to one sequence in a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The sequence.
    pub sequence: SequenceId,
    /// The new tokens, without a stop token.
    pub tokens: Vec<u32>,
    /// How many of them were not sampled: forced by the grammar, or put between reasoning and answer.
    pub forced: usize,
    /// How probable the sampled token was, if the request wants to know: the first of `tokens`, or the stop token.
    pub logprobs: Option<TokenLogprobs>,
    /// Set in the last event of a sequence.
    pub finish: Option<Finish>,
}

/// What happened in a step.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// One for each sequence that got tokens or ended.
    pub events: Vec<Event>,
    /// The number of positions computed.
    pub rows: usize,
    /// What took how long.
    pub timing: StepTiming,
}
