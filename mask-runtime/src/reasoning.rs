//! Reasoning before the answer: nothing is constrained until the marker that ends it.

use std::sync::Arc;

use crate::bitmask;
use crate::history::History;
use crate::marker::Marker;
use crate::matcher::{AcceptError, FillError, Matcher, RollbackError};
use crate::vocab::TokenKind;

/// Options of a [`ReasoningMatcher`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReasoningOptions {
    /// The tokens of the marker that ends the reasoning, one or several. They are not part of the answer.
    pub end_marker: Vec<u32>,
    /// The number of tokens after which only the marker may follow. Tokens of the marker do not count once it is forced.
    pub budget: Option<usize>,
}

impl ReasoningOptions {
    /// Reasoning that this marker ends, of any length.
    pub fn new(end_marker: impl Into<Vec<u32>>) -> Self {
        Self { end_marker: end_marker.into(), budget: None }
    }

    /// The same with at most so many tokens before the marker is forced.
    #[must_use]
    pub fn with_budget(mut self, tokens: usize) -> Self {
        self.budget = Some(tokens);
        self
    }
}

/// A marker that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarkerError {
    /// It has no token.
    #[error("the marker that ends the reasoning has no token")]
    Empty,
    /// The vocabulary has no such token.
    #[error("the marker that ends the reasoning names token {0}, which is no token of this vocabulary")]
    NoSuchToken(u32),
}

/// A [`Matcher`] that begins to constrain after the marker that ends the reasoning.
///
/// Before, every token of the vocabulary is allowed, stop tokens and special tokens included, and none is given to the
/// grammar. Each accepted token is one step, on either side of the marker, and [`rollback`](Self::rollback) works across it.
///
/// ```
/// use grammar_ir::{Limits, text};
/// use mask_runtime::{CompiledGrammar, Matcher, ReasoningMatcher, ReasoningOptions, Token, Tokenizer, Vocabulary};
/// let vocabulary = Vocabulary::from_tokens(
///     ["a", "b", "yes"].map(|text| Token::Text(text.into())).into_iter().chain([Token::Special("</think>".into())]),
/// )?;
/// let grammar = text::parse("root = \"yes\" ;")?;
/// let compiled = CompiledGrammar::new(&grammar, Tokenizer::new(vocabulary), &Limits::default())?;
/// let mut matcher = ReasoningMatcher::new(Matcher::new(compiled), ReasoningOptions::new([3]))?;
/// let mut row = matcher.matcher().row();
/// matcher.fill(&mut row)?;
/// assert_eq!(row, [0b1111]);
/// matcher.accept_token(1)?;
/// matcher.accept_token(3)?;
/// matcher.fill(&mut row)?;
/// assert_eq!(row, [0b0100]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReasoningMatcher {
    matcher: Matcher,
    options: ReasoningOptions,
    /// The row of all tokens.
    everything: Arc<[u32]>,
    marker: Marker,
    /// Per token of the reasoning, markers included: how many tokens of the marker are matched after it.
    matched: Vec<usize>,
}

impl ReasoningMatcher {
    /// Puts reasoning before what `matcher`, which is at its beginning, constrains.
    ///
    /// # Errors
    /// When the marker is empty or names a token that the vocabulary lacks.
    pub fn new(mut matcher: Matcher, options: ReasoningOptions) -> Result<Self, MarkerError> {
        let vocabulary = matcher.grammar().vocabulary();
        let is_token = |id: u32| (id as usize) < vocabulary.size() && vocabulary.kind(id) != TokenKind::Hole;
        let marker = Marker::new(options.end_marker.as_slice())?;
        if let Some(&id) = marker.tokens().iter().find(|&&id| !is_token(id)) {
            return Err(MarkerError::NoSuchToken(id));
        }
        matcher.reset();
        let vocabulary = matcher.grammar().vocabulary();
        let mut everything = bitmask::row_for(vocabulary.size());
        (0..vocabulary.size() as u32)
            .filter(|&id| vocabulary.kind(id) != TokenKind::Hole)
            .for_each(|id| bitmask::set(&mut everything, id));
        Ok(Self { matcher, options, everything: everything.into(), marker, matched: Vec::new() })
    }

    /// The matcher of the answer.
    pub fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    /// Whether the marker has not come yet.
    pub fn is_reasoning(&self) -> bool {
        self.progress() < self.options.end_marker.len()
    }

    /// How many tokens of the marker are matched.
    fn progress(&self) -> usize {
        self.matched.last().copied().unwrap_or(0)
    }

    /// The token of the marker that has to come now because the budget is spent.
    pub fn forced_token(&self) -> Option<u32> {
        let spent = self.options.budget.is_some_and(|budget| self.matched.len() >= budget);
        if spent { self.options.end_marker.get(self.progress()).copied() } else { None }
    }

    /// Writes the mask; see [`Matcher::fill`].
    ///
    /// # Errors
    /// As [`Matcher::fill`].
    pub fn fill(&mut self, row: &mut [u32]) -> Result<(), FillError> {
        if !self.is_reasoning() {
            return self.matcher.fill(row);
        }
        let expected = self.everything.len();
        if row.len() != expected {
            return Err(FillError::RowLength { found: row.len(), expected });
        }
        match self.forced_token() {
            Some(token) => {
                bitmask::clear_all(row);
                bitmask::set(row, token);
            }
            None => row.copy_from_slice(&self.everything),
        }
        Ok(())
    }

    /// Accepts a token.
    ///
    /// # Errors
    /// Exactly when the token's bit is not set; nothing is changed then.
    pub fn accept_token(&mut self, token: u32) -> Result<(), AcceptError> {
        if !self.is_reasoning() {
            return self.matcher.accept_token(token);
        }
        let vocabulary = self.matcher.grammar().vocabulary();
        let size = vocabulary.size();
        if token as usize >= size {
            return Err(AcceptError::OutOfRange { token, size });
        }
        if vocabulary.kind(token) == TokenKind::Hole || self.forced_token().is_some_and(|forced| forced != token) {
            return Err(AcceptError::NotAllowed { token });
        }
        self.matched.push(self.marker.advance(self.progress(), token));
        Ok(())
    }

    /// The number of tokens, from the first, that could be accepted one after the other. Nothing is changed.
    pub fn validate_tokens(&mut self, draft: &[u32]) -> usize {
        self.validate(draft)
    }

    /// Undoes the last `steps` accepts, on either side of the marker.
    ///
    /// # Errors
    /// When fewer were made; nothing is undone then.
    pub fn rollback(&mut self, steps: usize) -> Result<(), RollbackError> {
        self.undo_checked(steps)
    }

    /// Back to the beginning of the reasoning.
    pub fn reset(&mut self) {
        self.matcher.reset();
        self.matched.clear();
    }

    /// The number of tokens accepted and not undone.
    pub fn step_count(&self) -> usize {
        self.matched.len() + self.matcher.step_count()
    }

    /// Whether the answer may end here.
    pub fn is_complete(&self) -> bool {
        !self.is_reasoning() && self.matcher.is_complete()
    }

    /// Whether the answer has ended; see [`Matcher::is_terminated`].
    pub fn is_terminated(&self) -> bool {
        !self.is_reasoning() && self.matcher.is_terminated()
    }
}

impl History for ReasoningMatcher {
    fn made(&self) -> usize {
        self.step_count()
    }

    fn accept(&mut self, token: u32) -> Result<(), AcceptError> {
        self.accept_token(token)
    }

    fn undo(&mut self, steps: usize) {
        let in_answer = steps.min(self.matcher.step_count());
        self.matcher.undo(in_answer);
        self.matched.truncate(self.matched.len() - (steps - in_answer));
    }
}
