//! What the next token of one sequence may be: grammar, reasoning before it, stop tokens.

use mask_runtime::bitmask;

use super::outcome::SequenceError;
use super::request::Reasoning;
use super::token_matcher::{Fill, TokenMatcher};

/// The rules that one sequence follows; the default allows everything.
#[derive(Debug, Default)]
pub(super) struct Guide {
    matcher: Option<Box<dyn TokenMatcher>>,
    /// Set as long as the free text before the answer lasts.
    reasoning: Option<Reasoning>,
    /// How many tokens it has.
    reasoned: usize,
    /// How many tokens of the marker that ends it have come.
    marked: usize,
    min_tokens: usize,
    ignore_eos: bool,
}

/// What there is in a row after [`Guide::fill`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// Nothing: any token may follow.
    Free,
    /// The mask.
    Masked,
    /// Nothing, as nothing may follow: the answer is complete.
    Ended,
}

/// What a token has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Accepted {
    /// It is part of the text.
    Text,
    /// With it the marker is complete that ends the free text; the separator has to follow.
    ReasoningEnd(Vec<u32>),
    /// It ended the generation.
    Stop,
}

impl Guide {
    pub(super) fn new(
        matcher: Option<Box<dyn TokenMatcher>>,
        reasoning: Option<Reasoning>,
        min_tokens: usize,
        ignore_eos: bool,
    ) -> Self {
        let reasoning = reasoning.filter(|reasoning| matcher.is_some() || reasoning.budget.is_some());
        Self { matcher, reasoning, reasoned: 0, marked: 0, min_tokens, ignore_eos }
    }

    /// Whether a row is needed after `generated` tokens.
    pub(super) fn needs_row(&self, generated: usize) -> bool {
        self.matcher.is_some() || self.reasoning.is_some() || self.holds_back(generated)
    }

    /// Whether stop tokens are held back after `generated` tokens.
    fn holds_back(&self, generated: usize) -> bool {
        self.ignore_eos || generated < self.min_tokens
    }

    /// Writes the mask after `generated` tokens to `row`. `not_stopping` is the row of all ids but stop tokens.
    pub(super) fn fill(
        &mut self,
        generated: usize,
        not_stopping: &[u32],
        row: &mut [u32],
    ) -> Result<Filled, SequenceError> {
        let holds_back = self.holds_back(generated);
        let Some(matcher) = self.matcher.as_mut().filter(|_| self.reasoning.is_none()) else {
            if !holds_back && self.reasoning.is_none() {
                return Ok(Filled::Free);
            }
            // Reasoning has no end but its own: a stop token in it would leave the answer out.
            match &self.reasoning {
                Some(reasoning) if reasoning.budget.is_some_and(|budget| self.reasoned >= budget) => row.fill(0),
                _ => row.copy_from_slice(not_stopping),
            }
            if let Some(reasoning) = &self.reasoning {
                bitmask::set(row, reasoning.end_marker.tokens()[self.marked]);
            }
            return Ok(Filled::Masked);
        };
        if matcher.fill(row)? == Fill::Ended {
            return Ok(Filled::Ended);
        }
        // Where the text is not complete, a stop token in the row is one that the grammar names as part of the text.
        if holds_back && matcher.is_complete() {
            matcher.stop_tokens().iter().for_each(|&stop| bitmask::clear(row, stop));
            if bitmask::is_empty(row) {
                return Ok(Filled::Ended);
            }
        }
        Ok(Filled::Masked)
    }

    /// Takes note of a sampled token. `is_stop` says whether it is one of the vocabulary's stop tokens.
    pub(super) fn accept(&mut self, token: u32, is_stop: bool) -> Result<Accepted, SequenceError> {
        if let Some(reasoning) = &self.reasoning {
            self.marked = reasoning.end_marker.advance(self.marked, token);
            self.reasoned += 1;
        }
        let is_marked = |reasoning: &mut Reasoning| self.marked == reasoning.end_marker.tokens().len();
        if let Some(reasoning) = self.reasoning.take_if(is_marked) {
            return Ok(Accepted::ReasoningEnd(reasoning.separator));
        }
        let Some(matcher) = self.matcher.as_mut().filter(|_| self.reasoning.is_none()) else {
            return Ok(if is_stop { Accepted::Stop } else { Accepted::Text });
        };
        matcher.accept_token(token)?;
        Ok(if matcher.is_terminated() { Accepted::Stop } else { Accepted::Text })
    }

    /// The matcher, if the answer has begun.
    pub(super) fn matcher(&mut self) -> Option<&mut dyn TokenMatcher> {
        match &mut self.matcher {
            Some(matcher) if self.reasoning.is_none() => Some(matcher.as_mut()),
            _ => None,
        }
    }

    /// Whether what there is is an answer of the grammar.
    pub(super) fn is_complete(&mut self) -> bool {
        self.matcher().is_some_and(|matcher| matcher.is_complete())
    }

    /// Whether the answer is complete and nothing but a stop token can follow. Then there is no need to ask the model.
    pub(super) fn is_ended(&mut self) -> bool {
        self.matcher().is_some_and(|matcher| matcher.is_ended())
    }
}
