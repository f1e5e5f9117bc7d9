//! `Matcher`: one generation's way through a grammar.

use std::sync::Arc;

use grammar_ir::{ByteSet, Grammar};

use crate::bitmask;
use crate::budget::end_spent;
use crate::captures::Accepted;
use crate::compiled::{CompiledGrammar, GrammarFault, TokenSetMembers};
use crate::distinct::is_live;
use crate::fill::fill_text;
use crate::history::History;
use crate::known_rows::KnownId;
use crate::stack::{Frame, Mark, NodeId, Stack, sort_frames};
use crate::step::{Byte, Scratch, Survey, Token, can_end, step};
use crate::vocab::TokenKind;
use crate::walk::WalkScratch;

/// Options of a [`Matcher`].
///
/// ```
/// let options = mask_runtime::MatcherOptions { stop_tokens: Some(vec![2]), ..Default::default() };
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatcherOptions {
    /// Stop tokens to use instead of the vocabulary's. The vocabulary's own are then never allowed.
    pub stop_tokens: Option<Vec<u32>>,
    /// Let [`Matcher::is_terminated`] be true whenever the text is complete, without waiting for a stop token. It is a
    /// hint to stop and changes nothing else: the mask shows what could follow, which may be accepted.
    pub terminate_when_complete: bool,
    /// Bound on the stack's frames, 12 bytes each. Default 16 million. There can be one entry of the registers of scopes for
    /// 16 frames.
    pub max_frames: Option<usize>,
}

/// A stop token that the vocabulary does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stop token {token} is out of range: the vocabulary has {size} ids")]
pub struct StopTokenError {
    token: u32,
    size: usize,
}

/// A token or text that does not fit. The matcher is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The grammar does not allow the token here.
    #[error("token {token} is not allowed here")]
    NotAllowed {
        /// The token.
        token: u32,
    },
    /// The grammar does not allow the text here.
    #[error("byte {offset} of the text is not allowed here")]
    BytesNotAllowed {
        /// The offset of the first byte that does not fit.
        offset: usize,
    },
    /// The vocabulary has no such id.
    #[error("token {token} is out of range: the vocabulary has {size} ids")]
    OutOfRange {
        /// The token.
        token: u32,
        /// [`Vocabulary::size`](crate::Vocabulary::size).
        size: usize,
    },
    /// A stop token has been accepted; only stop tokens may follow.
    #[error("the generation has ended: only a stop token may follow")]
    Terminated,
    /// The stack has reached [`MatcherOptions::max_frames`].
    #[error("the parse needs more than the limit of {limit} stack frames")]
    StackLimit {
        /// The limit.
        limit: usize,
    },
    /// The grammar is from a file, and damaged.
    #[error(transparent)]
    Damaged(GrammarFault),
}

/// Why there is no mask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FillError {
    /// The text can go on, but not with any token of the vocabulary.
    #[error(
        "no token of the vocabulary fits here: the grammar asks for one of the bytes {expected:?}; the vocabulary \
         cannot spell this language (see `CompiledGrammar::missing_bytes`)"
    )]
    NoTokenFits {
        /// The bytes that could come next.
        expected: ByteSet,
    },
    /// The text is complete, no token can follow it, and there is no stop token to say so.
    #[error("the text is complete and no token can follow; without stop tokens there is none left to allow")]
    Finished,
    /// The row has the wrong length. It is left as it was.
    #[error("the row has {found} words, the vocabulary needs {expected}")]
    RowLength {
        /// The length given.
        found: usize,
        /// [`Vocabulary::words_per_row`](crate::Vocabulary::words_per_row).
        expected: usize,
    },
    /// The stack has reached [`MatcherOptions::max_frames`].
    #[error("the mask needs more than the limit of {limit} stack frames")]
    StackLimit {
        /// The limit.
        limit: usize,
    },
    /// The grammar is from a file, and damaged.
    #[error(transparent)]
    Damaged(GrammarFault),
}

/// More steps were to be undone than were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot undo {asked} steps: only {made} were made")]
pub struct RollbackError {
    pub(crate) asked: usize,
    pub(crate) made: usize,
}

const DEFAULT_MAX_FRAMES: usize = 16_000_000;

/// One step of the history: the configuration after it.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Where its heads begin in `Matcher::heads`; they end where the next step's begin.
    first_head: u32,
    stack: Mark,
    /// The number of tokens so far, a text that was accepted at once counting as one.
    tokens: u32,
    terminated: bool,
}

/// The state of one generation: which tokens may come next, and what has been accepted.
///
/// `fill` sets exactly the bits of the tokens that [`accept_token`](Self::accept_token) would accept, and changes
/// nothing that can be seen. Each successful accept is one step; [`rollback`](Self::rollback) undoes steps exactly.
///
/// ```
/// use grammar_ir::{CharSet, GrammarBuilder, Limits};
/// use mask_runtime::{CompiledGrammar, Matcher, Token, Tokenizer, Vocabulary};
///
/// let mut builder = GrammarBuilder::new();
/// let root = builder.declare("root");
/// let digit = builder.class(CharSet::range('0', '9'));
/// let digits = builder.repeat(digit, 2, Some(2));
/// builder.define(root, digits);
/// let grammar = builder.finish(root)?;
///
/// let vocabulary = Vocabulary::from_tokens([
///     Token::Text(b"1".to_vec()), Token::Text(b"42".to_vec()), Token::Text(b"x".to_vec()), Token::Special("</s>".into()),
/// ])?.with_stop_tokens([3])?;
/// let compiled = CompiledGrammar::new(&grammar, Tokenizer::new(vocabulary), &Limits::default())?;
/// let mut matcher = Matcher::new(compiled);
/// let mut row = matcher.row();
/// matcher.fill(&mut row)?;
/// assert_eq!(row, [0b0011]);
/// matcher.accept_token(1)?;
/// matcher.fill(&mut row)?;
/// assert_eq!(row, [0b1000]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Matcher {
    grammar: Arc<CompiledGrammar>,
    stop_tokens: Vec<u32>,
    terminate_when_complete: bool,
    max_frames: usize,
    stack: Stack,
    heads: Vec<Frame>,
    /// The configuration before the first step, then one after each step.
    steps: Vec<Step>,
    /// What each step accepted, if parts of the text are to be reported.
    accepted: Vec<Accepted>,
    /// What [`mask`](Self::mask) answered with, if it has been called.
    own_row: Vec<u32>,
    own_row_holds: Option<KnownId>,
    scratch: Buffers,
}

#[derive(Debug, Clone, Default)]
struct Buffers {
    step: Scratch,
    walk: WalkScratch,
    current: Vec<Frame>,
    next: Vec<Frame>,
    survey: Survey,
}

impl Matcher {
    /// A matcher at the beginning, with default options.
    pub fn new(grammar: Arc<CompiledGrammar>) -> Self {
        let stop_tokens = grammar.vocabulary().stop_tokens().to_vec();
        Self::at_start(grammar, MatcherOptions::default(), stop_tokens)
    }

    /// A matcher at the beginning.
    ///
    /// # Errors
    /// When a stop token is out of range.
    pub fn with_options(grammar: Arc<CompiledGrammar>, mut options: MatcherOptions) -> Result<Self, StopTokenError> {
        let size = grammar.vocabulary().size();
        let stop_tokens = options.stop_tokens.take().unwrap_or_else(|| grammar.vocabulary().stop_tokens().to_vec());
        match stop_tokens.iter().find(|&&token| token as usize >= size) {
            Some(&token) => Err(StopTokenError { token, size }),
            None => Ok(Self::at_start(grammar, options, stop_tokens)),
        }
    }

    fn at_start(grammar: Arc<CompiledGrammar>, options: MatcherOptions, stop_tokens: Vec<u32>) -> Self {
        let max_frames = options.max_frames.unwrap_or(DEFAULT_MAX_FRAMES);
        let stack = Stack::new(grammar.pda(), max_frames);
        let start = Frame { state: grammar.pda().start(), count: 0, below: NodeId::BOTTOM };
        let steps = vec![Step { first_head: 0, stack: stack.mark(), tokens: 0, terminated: false }];
        Self {
            grammar,
            stop_tokens,
            terminate_when_complete: options.terminate_when_complete,
            max_frames,
            stack,
            heads: vec![start],
            steps,
            accepted: Vec::new(),
            own_row: Vec::new(),
            own_row_holds: None,
            scratch: Buffers::default(),
        }
    }

    /// The grammar it follows.
    pub fn grammar(&self) -> &Arc<CompiledGrammar> {
        &self.grammar
    }

    /// The stop tokens in force.
    pub fn stop_tokens(&self) -> &[u32] {
        &self.stop_tokens
    }

    /// A zeroed row of the right length.
    pub fn row(&self) -> Vec<u32> {
        bitmask::row_for(self.grammar.vocabulary().size())
    }

    /// Writes the mask: bit *t* (LSB first in word *t* / 32) says whether token *t* may come next. Bits past the
    /// vocabulary are 0.
    ///
    /// A stop token is set exactly when the text so far is complete, or the grammar names it here. After termination
    /// only stop tokens are set.
    ///
    /// # Errors
    /// When there is nothing to allow (no token of the vocabulary fits, or the text is finished and there are no stop
    /// tokens), the row has the wrong length, the stack limit is met, or the grammar is from a file that is damaged. But for a
    /// wrong length the row is then zero.
    pub fn fill(&mut self, row: &mut [u32]) -> Result<(), FillError> {
        self.fill_over(row, None).map(|_| ())
    }

    /// The same mask in a row of the matcher's own, which is written only where it is not the one of the last call: in a text most
    /// tokens have the mask of the token before. The row is made in the first call.
    ///
    /// # Errors
    /// As for [`fill`](Self::fill), but for the length.
    pub fn mask(&mut self) -> Result<&[u32], FillError> {
        let mut row = std::mem::take(&mut self.own_row);
        if row.is_empty() {
            row = self.row();
        }
        let held = self.own_row_holds.take();
        let filled = self.fill_over(&mut row, held);
        self.own_row = row;
        self.own_row_holds = filled?;
        Ok(&self.own_row)
    }

    /// [`fill`](Self::fill), where `row` has the mask `held` already, but for stop tokens, if that is known; answers with the one that
    /// it has then.
    fn fill_over(&mut self, row: &mut [u32], held: Option<KnownId>) -> Result<Option<KnownId>, FillError> {
        let expected = self.grammar.vocabulary().words_per_row();
        if row.len() != expected {
            return Err(FillError::RowLength { found: row.len(), expected });
        }
        if self.is_terminated_by_stop() {
            bitmask::clear_all(row);
            bitmask::set_each(row, &self.stop_tokens);
            return Ok(None);
        }
        let last = self.steps[self.steps.len() - 1];
        self.stack.tokens = last.tokens;
        let heads = &self.heads[last.first_head as usize..];
        let mut holds = fill_text(&self.grammar, heads, &mut self.stack, &mut self.scratch.walk, row, held);
        for &stop in &self.stop_tokens {
            bitmask::clear(row, stop);
        }
        if !self.grammar.pda().token_sets().is_empty() {
            self.fill_token_sets(row);
            holds = None;
        }
        if self.stack.take_full() {
            bitmask::clear_all(row);
            return Err(FillError::StackLimit { limit: self.max_frames });
        }
        let complete = self.is_complete();
        if complete {
            bitmask::set_each(row, &self.stop_tokens);
        }
        let mut filled = Ok(holds);
        if bitmask::is_empty(row) {
            filled = Err(if complete {
                FillError::Finished
            } else {
                FillError::NoTokenFits { expected: self.next_bytes() }
            });
        }
        if let Some(fault) = self.grammar.fault() {
            bitmask::clear_all(row);
            return Err(FillError::Damaged(fault));
        }
        filled
    }

    fn fill_token_sets(&mut self, row: &mut [u32]) {
        let mark = self.stack.mark();
        let full = self.stack.take_full();
        self.survey(false);
        self.stack.truncate(mark, false);
        self.stack.set_full(full);
        let mut sets = std::mem::take(&mut self.scratch.survey.token_sets);
        sets.sort_unstable();
        sets.dedup();
        // Complements first: what they leave out, another set may list.
        for &set in &sets {
            if let TokenSetMembers::AllBut(members) = self.grammar.token_set_members(set) {
                row.iter_mut().zip(members).for_each(|(word, members)| *word |= members);
                self.stop_tokens.iter().for_each(|&stop| bitmask::clear(row, stop));
            }
        }
        for &set in &sets {
            if let TokenSetMembers::Listed(ids) = self.grammar.token_set_members(set) {
                bitmask::set_each(row, ids);
            }
        }
        self.scratch.survey.token_sets = sets;
    }

    /// Accepts a token.
    ///
    /// A stop token is taken as part of the text if the grammar names it here, else it ends the generation.
    ///
    /// # Errors
    /// Exactly when the token's bit is not set, or there is no mask; the matcher is then unchanged.
    pub fn accept_token(&mut self, token: u32) -> Result<(), AcceptError> {
        let size = self.grammar.vocabulary().size();
        if token as usize >= size {
            return Err(AcceptError::OutOfRange { token, size });
        }
        let is_stop = self.stop_tokens.contains(&token);
        if self.is_terminated_by_stop() {
            if !is_stop {
                return Err(AcceptError::Terminated);
            }
            self.push_end();
            return Ok(());
        }
        let mark = self.stack.mark();
        self.stack.tokens = self.steps[self.steps.len() - 1].tokens;
        let own_stop = self.grammar.vocabulary().is_stop(token);
        // Before the token's bytes are, as a part that it ends does not have them.
        let mut by_id = Vec::new();
        if !self.grammar.pda().token_sets().is_empty() && self.grammar.vocabulary().kind(token) != TokenKind::Hole {
            let pda = self.grammar.pda();
            let heads = &self.heads[self.steps[self.steps.len() - 1].first_head as usize..];
            let mut symbol = Token { id: token, is_stop: is_stop || own_stop };
            step(pda, heads, &mut symbol, &mut self.stack, true, &mut self.scratch.step, &mut by_id);
        }
        self.scratch.next.clear();
        if !is_stop && !own_stop && self.grammar.vocabulary().kind(token) == TokenKind::Text {
            self.step_token_bytes(token);
        }
        if !by_id.is_empty() {
            self.scratch.next.append(&mut by_id);
            sort_frames(self.grammar.pda(), &mut self.scratch.next, 0);
        }
        self.end_spent_budgets();
        if self.stack.take_full() {
            self.stack.truncate(mark, true);
            return Err(AcceptError::StackLimit { limit: self.max_frames });
        }
        let ends = self.scratch.next.is_empty() && is_stop && self.is_complete();
        if let Some(fault) = self.grammar.fault() {
            self.stack.truncate(mark, true);
            return Err(AcceptError::Damaged(fault));
        }
        if !self.scratch.next.is_empty() {
            self.push_step(1, || Accepted::Token(token));
            return Ok(());
        }
        self.stack.truncate(mark, true);
        if ends {
            self.push_end();
            return Ok(());
        }
        Err(AcceptError::NotAllowed { token })
    }

    /// Accepts text, whatever the tokens: one step for the whole of it (none for an empty text), which counts as one token
    /// where the grammar counts tokens.
    ///
    /// # Errors
    /// When some byte does not fit; the matcher is then unchanged.
    pub fn accept_bytes(&mut self, text: &[u8]) -> Result<(), AcceptError> {
        self.accept_text(text, 1)
    }

    /// Accepts text that counts as so many tokens, one or none: as a part of a token whose rest is to come.
    fn accept_text(&mut self, text: &[u8], tokens: u32) -> Result<(), AcceptError> {
        if text.is_empty() {
            return Ok(());
        }
        if self.is_terminated_by_stop() {
            return Err(AcceptError::Terminated);
        }
        let mark = self.stack.mark();
        self.stack.tokens = self.steps[self.steps.len() - 1].tokens;
        let consumed = self.step_text(text);
        if tokens > 0 {
            self.end_spent_budgets();
        }
        let full = self.stack.take_full();
        if let Some(fault) = self.grammar.fault() {
            self.stack.truncate(mark, true);
            return Err(AcceptError::Damaged(fault));
        }
        if full || consumed < text.len() {
            self.stack.truncate(mark, true);
            return Err(if full {
                AcceptError::StackLimit { limit: self.max_frames }
            } else {
                AcceptError::BytesNotAllowed { offset: consumed }
            });
        }
        self.push_step(tokens, || Accepted::Text(text.into()));
        Ok(())
    }

    /// The number of tokens, from the first, that could be accepted one after the other: the longest legal prefix of
    /// a draft. The matcher is unchanged.
    pub fn validate_tokens(&mut self, draft: &[u32]) -> usize {
        self.validate(draft)
    }

    /// Undoes the last `steps` accepts.
    ///
    /// # Errors
    /// When fewer were made; nothing is undone then.
    pub fn rollback(&mut self, steps: usize) -> Result<(), RollbackError> {
        self.undo_checked(steps)
    }

    /// Back to the beginning.
    pub fn reset(&mut self) {
        self.undo(self.step_count());
    }

    /// An independent matcher in the same state and with the same history. Stack and history are copied: about 40 bytes
    /// for each token accepted so far.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            grammar: Arc::clone(&self.grammar),
            stop_tokens: self.stop_tokens.clone(),
            terminate_when_complete: self.terminate_when_complete,
            max_frames: self.max_frames,
            stack: self.stack.clone(),
            heads: self.heads.clone(),
            steps: self.steps.clone(),
            accepted: self.accepted.clone(),
            own_row: Vec::new(),
            own_row_holds: None,
            scratch: Buffers::default(),
        }
    }

    /// The number of steps accepted and not undone.
    pub fn step_count(&self) -> usize {
        self.steps.len() - 1
    }

    /// Whether the text so far is a word of the language: the generation may end here.
    pub fn is_complete(&self) -> bool {
        let heads = &self.heads[self.steps[self.steps.len() - 1].first_head as usize..];
        can_end(self.grammar.pda(), heads, &self.stack)
    }

    /// Whether a stop token has been accepted, or, with [`MatcherOptions::terminate_when_complete`], the text is
    /// complete now; in that case it is false again when more text is accepted.
    pub fn is_terminated(&self) -> bool {
        self.is_terminated_by_stop() || (self.terminate_when_complete && self.is_complete())
    }

    pub(crate) fn is_terminated_by_stop(&self) -> bool {
        self.steps[self.steps.len() - 1].terminated
    }

    /// The bytes that could come next.
    pub fn next_bytes(&mut self) -> ByteSet {
        if self.is_terminated_by_stop() {
            return ByteSet::EMPTY;
        }
        let mark = self.stack.mark();
        self.survey(true);
        self.stack.truncate(mark, false);
        let bytes = self.scratch.survey.bytes;
        if !self.grammar.pda().has_traps() {
            return bytes;
        }
        let lives = |&byte: &u8| {
            let fits = self.step_text(&[byte]) == 1;
            self.stack.take_full();
            self.stack.truncate(mark, true);
            fits
        };
        bytes.iter().filter(lives).collect()
    }

    /// The text that must come next: as long as exactly one byte can follow, nothing else can (no token terminal) and
    /// the generation cannot end. At most `max` bytes. The matcher is unchanged.
    pub fn forced_bytes(&mut self, max: usize) -> Vec<u8> {
        let steps = self.step_count();
        let mut forced = Vec::new();
        while forced.len() < max && !self.is_complete() {
            let next = self.next_bytes();
            let Some(byte) = next.iter().next() else { break };
            if next.len() != 1 || !self.scratch.survey.token_sets.is_empty() || self.accept_text(&[byte], 0).is_err() {
                break;
            }
            forced.push(byte);
        }
        self.undo(self.step_count() - steps);
        forced
    }

    /// Bytes of memory, without the grammar's and without the buffers of the last mask, which hold a few heads for each
    /// byte of the longest token; with the row of [`mask`](Self::mask), if that has been called.
    pub fn memory(&self) -> usize {
        self.stack.memory()
            + self.heads.capacity() * size_of::<Frame>()
            + self.steps.capacity() * size_of::<Step>()
            + self.accepted.capacity() * size_of::<Accepted>()
            + self.own_row.capacity() * size_of::<u32>()
            + size_of::<Self>()
    }

    fn survey(&mut self, with_bytes: bool) {
        let survey = &mut self.scratch.survey;
        survey.bytes = ByteSet::EMPTY;
        survey.token_sets.clear();
        survey.with_bytes = with_bytes;
        let heads = &self.heads[self.steps[self.steps.len() - 1].first_head as usize..];
        self.scratch.next.clear();
        step(self.grammar.pda(), heads, survey, &mut self.stack, false, &mut self.scratch.step, &mut self.scratch.next);
        // Where the stack is full, what is entered returns to nowhere. A survey returns from nothing it has entered.
        self.stack.take_full();
    }

    fn step_token_bytes(&mut self, token: u32) {
        let Self { grammar, stack, heads, steps, scratch, .. } = self;
        let heads = &heads[steps[steps.len() - 1].first_head as usize..];
        step_bytes(grammar, heads, grammar.vocabulary().bytes(token), stack, scratch);
    }

    fn step_text(&mut self, text: &[u8]) -> usize {
        let Self { grammar, stack, heads, steps, scratch, .. } = self;
        step_bytes(grammar, &heads[steps[steps.len() - 1].first_head as usize..], text, stack, scratch)
    }

    /// After a token: leaves procedures whose budget is spent, where they may be left.
    fn end_spent_budgets(&mut self) {
        if self.stack.has_budgets() {
            let tokens = self.stack.tokens.saturating_add(1);
            end_spent(self.grammar.pda(), &mut self.scratch.next, tokens, &mut self.stack);
        }
    }

    fn push_step(&mut self, tokens: u32, accepted: impl FnOnce() -> Accepted) {
        let tokens = self.steps[self.steps.len() - 1].tokens.saturating_add(tokens);
        let first_head = self.heads.len() as u32;
        self.steps.push(Step { first_head, stack: self.stack.mark(), tokens, terminated: false });
        self.heads.extend_from_slice(&self.scratch.next);
        if self.grammar.captures().is_some() {
            self.accepted.push(accepted());
        }
    }

    /// A stop token that ends the text.
    fn push_end(&mut self) {
        let last = self.steps[self.steps.len() - 1];
        let past = self.heads.len();
        self.steps.push(Step { first_head: past as u32, stack: self.stack.mark(), terminated: true, ..last });
        self.heads.extend_from_within(last.first_head as usize..past);
        if self.grammar.captures().is_some() {
            self.accepted.push(Accepted::End);
        }
    }

    /// What is reported of, and what has been accepted, if something is to be reported.
    pub(crate) fn captured(&self) -> Option<(&Grammar, &[Accepted])> {
        Some((self.grammar.captures()?, &self.accepted))
    }

    /// The heads and the stack.
    pub(crate) fn configuration(&self) -> (&[Frame], &Stack) {
        (&self.heads[self.steps[self.steps.len() - 1].first_head as usize..], &self.stack)
    }
}

impl History for Matcher {
    fn made(&self) -> usize {
        self.step_count()
    }

    fn accept(&mut self, token: u32) -> Result<(), AcceptError> {
        self.accept_token(token)
    }

    fn undo(&mut self, steps: usize) {
        if steps == 0 {
            return;
        }
        let kept = self.steps.len() - steps;
        self.heads.truncate(self.steps[kept].first_head as usize);
        self.steps.truncate(kept);
        self.accepted.truncate(kept - 1);
        self.stack.truncate(self.steps[kept - 1].stack, true);
    }
}

impl Clone for Matcher {
    fn clone(&self) -> Self {
        self.fork()
    }
}

/// Leaves in `scratch.next` the heads after `text`, none if it does not fit; answers how many bytes fit.
fn step_bytes(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    text: &[u8],
    stack: &mut Stack,
    scratch: &mut Buffers,
) -> usize {
    let pda = grammar.pda();
    let Buffers { step: scratch, current, next, walk, .. } = scratch;
    let parts = &mut walk.parts;
    current.clear();
    current.extend_from_slice(heads);
    for (offset, &byte) in text.iter().enumerate() {
        next.clear();
        step(pda, current, &mut Byte(byte), stack, true, scratch, next);
        stack.registers.push_text(byte);
        if next.is_empty() || !is_live(grammar, next, stack, parts) {
            next.clear();
            return offset;
        }
        std::mem::swap(current, next);
    }
    std::mem::swap(current, next);
    text.len()
}
