//! One sequence that is being generated.

use std::time::Duration;

use super::guide::{Accepted, Filled, Guide};
use super::jump::Jumper;
use super::mask_workers::FillJob;
use super::outcome::{Event, Finish, SequenceError, SequenceId};
use super::pages::SequencePages;
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
    pub(super) pages: SequencePages,
    pub(super) guide: Guide,
    /// Room for its mask, kept between steps.
    pub(super) row: Vec<u32>,
    pub(super) sampler: Sampler,
    pub(super) jump_forward: bool,
    /// See [`Request::logprobs`](super::Request::logprobs).
    pub(super) logprobs: Option<usize>,
    /// The answer of the last mask.
    pub(super) filled: Result<Filled, SequenceError>,
    /// Whether the next token's mask is in `row` already.
    pub(super) has_mask: bool,
    /// What the last mask took.
    pub(super) fill_time: Duration,
    /// The same, unless there was none.
    pub(super) expected_fill: Option<Duration>,
    /// What the constraint took for the last token and its mask.
    pub(super) constraint_time: Duration,
    /// What it took for all of them.
    pub(super) constraint_total: Duration,
}

impl Sequence {
    /// The number of tokens generated so far.
    pub(super) fn generated(&self) -> usize {
        self.tokens.len() - self.prompt_length
    }

    /// The job to fill the mask of the next token, if it needs one. It takes the guide along, until
    /// [`take_back`](Self::take_back).
    pub(super) fn fill_job(&mut self, sequence: usize, words_per_row: usize) -> Option<FillJob> {
        let generated = self.generated();
        (!self.has_mask && self.guide.needs_row(generated)).then(|| {
            self.row.resize(words_per_row, 0);
            let (guide, row) = (std::mem::take(&mut self.guide), std::mem::take(&mut self.row));
            let expected = self.expected_fill;
            FillJob { sequence, generated, guide, row, filled: Ok(Filled::Free), expected, time: Duration::ZERO }
        })
    }

    /// Takes over what a job brings back.
    pub(super) fn take_back(&mut self, job: FillJob) {
        self.guide = job.guide;
        self.row = job.row;
        self.filled = job.filled;
        self.fill_time = job.time;
        self.expected_fill = Some(job.time);
        self.has_mask = true;
    }

    /// Takes down what the constraint took for a token and its mask.
    pub(super) fn spend(&mut self, time: Duration) {
        self.constraint_time = time;
        self.constraint_total += time;
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

    /// Takes one sampled token over.
    pub(super) fn advance(&mut self, token: Result<u32, SequenceError>, jumper: &Jumper<'_>) -> Event {
        self.has_mask = false;
        let filled = std::mem::replace(&mut self.filled, Ok(Filled::Free));
        let finish = match (filled, token) {
            (Ok(Filled::Ended), _) => Some(Finish::GrammarEnd),
            (Err(error), _) | (_, Err(error)) => Some(Finish::Failed(error)),
            (Ok(_), Ok(token)) => self.take(token, jumper),
        };
        let tokens = self.tokens[self.reported..].to_vec();
        self.reported = self.tokens.len();
        Event { sequence: self.id, tokens, forced: std::mem::take(&mut self.forced), logprobs: None, finish }
    }

    /// Adds `token` and what it forces; answers whether that was the last.
    fn take(&mut self, token: u32, jumper: &Jumper<'_>) -> Option<Finish> {
        match self.guide.accept(token, jumper.vocabulary.is_stop(token)) {
            Err(error) => return Some(Finish::Failed(error)),
            Ok(Accepted::Stop) => return Some(Finish::StopToken(token)),
            Ok(Accepted::Text) => self.tokens.push(token),
            Ok(Accepted::ReasoningEnd(separator)) => {
                self.tokens.push(token);
                let room = self.room();
                self.force(separator.into_iter().take(room));
            }
        }
        let room = self.room();
        if let Some(matcher) = self.guide.matcher().filter(|_| self.jump_forward) {
            let forced = jumper.jump(matcher, &self.tokens, room);
            self.force(forced.into_iter());
        }
        if self.guide.is_ended() {
            return Some(Finish::GrammarEnd);
        }
        (self.room() == 0).then(|| {
            let complete = self.guide.is_complete();
            match self.context_bound {
                true => Finish::ContextFull { complete },
                false => Finish::MaxTokens { complete },
            }
        })
    }
}
