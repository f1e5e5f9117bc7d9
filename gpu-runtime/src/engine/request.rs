//! What is to be generated.

use mask_runtime::Marker;

use super::token_matcher::TokenMatcher;
use crate::sampler::{SamplingParameterError, SamplingParameters};

/// One sequence to be generated.
#[derive(Debug)]
pub struct Request {
    /// The tokens of the prompt, at least one.
    pub prompt: Vec<u32>,
    /// What the answer has to follow; `None` for any text.
    pub matcher: Option<Box<dyn TokenMatcher>>,
    /// A free text before the answer. It makes no difference without a `matcher`, but for its budget.
    pub reasoning: Option<Reasoning>,
    /// How tokens are chosen.
    pub sampling: SamplingParameters,
    /// The greatest number of tokens, at least 1, a stop token not counted. The context length is a bound too.
    pub max_tokens: usize,
    /// No stop token before this many tokens, unless the grammar leaves nothing else.
    pub min_tokens: usize,
    /// No stop token at all, unless the grammar leaves nothing else.
    pub ignore_eos: bool,
    /// Whether text that the grammar forces is taken over without asking the model.
    pub jump_forward: bool,
    /// Whether to say how probable each sampled token was, and how many of the most probable ones to name. Text is then
    /// never jumped over.
    pub logprobs: Option<usize>,
}

/// A free text before the answer: everything up to and including a marker that ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reasoning {
    /// What ends the free text, such as `</think>`.
    pub end_marker: Marker,
    /// What stands between it and the answer, as tokens; it is put there, not generated.
    pub separator: Vec<u32>,
    /// The greatest number of tokens before the marker, which is then put there. What has come of it by then is kept.
    pub budget: Option<usize>,
}

impl Request {
    /// A request without constraints: the default sampling, up to `max_tokens` tokens.
    pub fn new(prompt: Vec<u32>, max_tokens: usize) -> Self {
        Self {
            prompt,
            matcher: None,
            reasoning: None,
            sampling: SamplingParameters::default(),
            max_tokens,
            min_tokens: 0,
            ignore_eos: false,
            jump_forward: true,
            logprobs: None,
        }
    }
}

/// A request that cannot be served.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The prompt is empty.
    #[error("the prompt has no tokens; give at least one")]
    EmptyPrompt,
    /// No tokens may be generated.
    #[error("max_tokens is 0; ask for at least one token")]
    NoTokens,
    /// The prompt fills the context.
    #[error("the prompt has {tokens} tokens, which leaves no room in a context of {context}; shorten it")]
    TooLong {
        /// The length of the prompt.
        tokens: usize,
        /// The greatest number of positions of a sequence.
        context: usize,
    },
    /// A token of the request is none of the model's.
    #[error("token {token} is out of range: the model has {size} ids")]
    OutOfRange {
        /// The token.
        token: u32,
        /// The number of ids.
        size: usize,
    },
    /// The grammar was compiled for another vocabulary.
    #[error("the grammar was compiled for a vocabulary of {found} ids, the model's has {expected}")]
    Vocabulary {
        /// The size of the grammar's vocabulary.
        found: usize,
        /// The size of the model's vocabulary.
        expected: usize,
    },
    /// A sampling parameter is out of its range.
    #[error(transparent)]
    Sampling(#[from] SamplingParameterError),
}
