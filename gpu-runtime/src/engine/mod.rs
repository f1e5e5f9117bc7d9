//! The loop: prefill, decode, masks, sampling, for sequences that come and go between steps.
//!
//! ```text
//! submit → waiting ─ pages free → running ─ step: plan rows ─┬ forward pass ────────┬ mask → sample → accept → jump → Event
//!                                    ↑                       └ fill masks (threads) ┘                            │
//!                                    └───────────────────────── not finished ────────────────────────────────────┘
//! ```
//!
//! A sequence whose constraint takes longer than the forward pass is taken out of the loop for as long; see `aside`.

mod aside;
mod guide;
mod jump;
mod logprobs;
mod mask_workers;
mod outcome;
mod pages;
mod request;
mod schedule;
mod sequence;
mod timing;
mod token_matcher;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mask_runtime::{TokenKind, Tokenizer, bitmask};

use crate::device::{Device, DeviceError, Draw, MaskRows, RowPlacement};
use crate::model::Llama;
use crate::sampler::Sampler;
use crate::text::Encoder;
use crate::thread::processor_time;
use aside::{Advanced, Advancing, Aside, Sampled};
use guide::{Filled, Guide};
use mask_workers::MaskWorkers;
use pages::{Pages, SequencePages};
use schedule::Schedule;
use sequence::Sequence;

pub use logprobs::TokenLogprobs;
pub use outcome::{Event, Finish, SequenceError, SequenceId, Step};
pub use request::{Reasoning, Request, RequestError};
pub use timing::StepTiming;
pub use token_matcher::{Fill, TokenMatcher};

/// What a constraint may take for a token without being taken out of the loop, however short the forward pass is.
const SLOW: Duration = Duration::from_millis(2);

/// How long a step waits for sequences that are aside when there are no others.
const ASIDE_PATIENCE: Duration = Duration::from_millis(5);

/// Options of an [`Engine`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineOptions {
    /// Threads that fill masks while the model computes. What they have not begun when the forward pass is over, the
    /// thread that calls [`Engine::step`] fills; with 0 threads that is everything.
    pub mask_threads: usize,
    /// Waits for the device between the parts of a step, so that [`StepTiming`] tells them apart. Costs a little on
    /// devices that queue work.
    pub detailed_timing: bool,
    /// Processor time that the constraint of one sequence may take in all; it ends with
    /// [`SequenceError::ConstraintTime`] then. Masks mostly take microseconds; an ambiguous grammar of a line can take a
    /// second for each. Default 10 s.
    pub constraint_time: Duration,
    /// Sequences at a time whose constraints are slow to follow; a further one ends with [`SequenceError::TooManySlow`].
    /// They keep the memory of what they follow, and each other waiting. Default no bound.
    pub max_slow: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        let constraint_time = Duration::from_secs(10);
        Self { mask_threads: 1, detailed_timing: false, constraint_time, max_slow: usize::MAX }
    }
}

/// The mask threads could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {threads} mask threads: {source}")]
pub struct EngineThreadError {
    threads: usize,
    source: io::Error,
}

/// Generates any number of sequences with one model.
pub struct Engine<D: Device> {
    model: Llama<D>,
    advancing: Advancing,
    mask_workers: MaskWorkers,
    aside: Aside,
    detailed_timing: bool,
    constraint_time: Duration,
    max_slow: usize,
    next_id: u64,
    waiting: VecDeque<Sequence>,
    /// Those that were aside and wait for a place again; they go first.
    returning: VecDeque<Sequence>,
    running: Vec<Sequence>,
    pages: Pages,
    schedule: Schedule,
    /// One mask row for each row of logits.
    mask_words: Vec<u32>,
    row_indices: Vec<i32>,
    draws: Vec<Draw>,
    words_per_row: usize,
    /// What the last step took but for masks: the time in which masks cost nothing.
    last_forward: Duration,
}

impl<D: Device> Engine<D> {
    /// An engine without sequences. `tokenizer` and `encoder` are the model's.
    ///
    /// # Errors
    /// When the system does not give the threads.
    pub fn new(
        model: Llama<D>,
        tokenizer: Arc<Tokenizer>,
        encoder: Encoder,
        options: EngineOptions,
    ) -> Result<Self, EngineThreadError> {
        let pages = Pages::new(model.options().pages, model.options().page_length);
        let vocabulary = tokenizer.vocabulary();
        let mut not_stopping = bitmask::row_for(vocabulary.size());
        (0..vocabulary.size() as u32)
            .filter(|&id| vocabulary.kind(id) != TokenKind::Hole && !vocabulary.is_stop(id))
            .for_each(|id| bitmask::set(&mut not_stopping, id));
        let words_per_row = not_stopping.len();
        let threads = options.mask_threads;
        let failed = |source| EngineThreadError { threads: threads + 1, source };
        let not_stopping: Arc<[u32]> = not_stopping.into();
        let mask_workers = MaskWorkers::start(threads, not_stopping.clone()).map_err(failed)?;
        let advancing = Advancing { tokenizer, encoder, not_stopping };
        Ok(Self {
            model,
            aside: Aside::start(advancing.clone()).map_err(failed)?,
            advancing,
            mask_workers,
            detailed_timing: options.detailed_timing,
            constraint_time: options.constraint_time,
            max_slow: options.max_slow,
            next_id: 0,
            waiting: VecDeque::new(),
            returning: VecDeque::new(),
            running: Vec::new(),
            pages,
            schedule: Schedule::default(),
            mask_words: Vec::new(),
            row_indices: Vec::new(),
            draws: Vec::new(),
            words_per_row,
            last_forward: Duration::ZERO,
        })
    }

    /// The model.
    pub fn model(&self) -> &Llama<D> {
        &self.model
    }

    /// The model's tokens, for which grammars have to be compiled.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.advancing.tokenizer
    }

    /// Turns prompts into tokens.
    pub fn encoder(&self) -> &Encoder {
        &self.advancing.encoder
    }

    /// Whether there is nothing to do.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.returning.is_empty() && self.running.is_empty() && self.aside.is_empty()
    }

    /// The number of sequences that are being generated, and of those that wait for room.
    pub fn load(&self) -> (usize, usize) {
        (self.running.len() + self.returning.len() + self.aside.len(), self.waiting.len())
    }

    /// Takes a request on. It joins the running sequences as soon as there is room for all it may need.
    ///
    /// # Errors
    /// A request that can never be served, or with parameters out of range.
    pub fn submit(&mut self, request: Request) -> Result<SequenceId, RequestError> {
        let sampler = Sampler::new(request.sampling)?;
        self.check(&request)?;
        let Request { prompt, matcher, reasoning, max_tokens, min_tokens, ignore_eos, jump_forward, logprobs, .. } =
            request;
        let jump_forward = jump_forward && logprobs.is_none();
        let prompt_length = prompt.len();
        let max_length = prompt_length.saturating_add(max_tokens).min(self.context());
        let context_bound = max_length - prompt_length < max_tokens;
        let mut guide = Guide::new(matcher, reasoning, min_tokens, ignore_eos);
        let mut tokens = prompt;
        if let Some(matcher) = guide.matcher().filter(|_| jump_forward) {
            // The last token is left to the first step, which has to have one.
            let forced = self.advancing.jumper().jump(matcher, &tokens, max_length - prompt_length - 1);
            tokens.extend(forced);
        }
        let id = SequenceId(self.next_id);
        self.next_id += 1;
        self.waiting.push_back(Sequence {
            id,
            forced: tokens.len() - prompt_length,
            tokens,
            prompt_length,
            reported: prompt_length,
            computed: 0,
            max_length,
            context_bound,
            pages: SequencePages::default(),
            guide,
            row: Vec::new(),
            sampler,
            jump_forward,
            logprobs,
            filled: Ok(Filled::Free),
            fill_time: Duration::ZERO,
            expected_fill: None,
            constraint_time: Duration::ZERO,
            constraint_total: Duration::ZERO,
            has_mask: false,
        });
        Ok(id)
    }

    /// Ends a sequence without a further event; `false` if it has ended already.
    pub fn cancel(&mut self, id: SequenceId) -> bool {
        if let Some(index) = self.running.iter().position(|sequence| sequence.id == id) {
            let sequence = self.running.remove(index);
            self.pages.give_back(sequence.pages);
            return true;
        }
        for queue in [&mut self.waiting, &mut self.returning] {
            let place = queue.iter().position(|sequence| sequence.id == id);
            if let Some(sequence) = place.and_then(|place| queue.remove(place)) {
                self.pages.give_back(sequence.pages);
                return true;
            }
        }
        self.aside.cancel(id, &mut self.pages)
    }

    /// The greatest number of positions of a sequence.
    fn context(&self) -> usize {
        let options = self.model.options();
        options.max_positions.min(options.pages.saturating_mul(options.page_length))
    }

    fn check(&self, request: &Request) -> Result<(), RequestError> {
        let tokens = request.prompt.len();
        if tokens == 0 {
            return Err(RequestError::EmptyPrompt);
        }
        if request.max_tokens == 0 {
            return Err(RequestError::NoTokens);
        }
        let context = self.context();
        if tokens >= context {
            return Err(RequestError::TooLong { tokens, context });
        }
        let size = self.model.config().vocabulary;
        let reasoning = request.reasoning.iter();
        let reasoning = reasoning.flat_map(|reasoning| reasoning.separator.iter().chain(reasoning.end_marker.tokens()));
        if let Some(&token) = request.prompt.iter().chain(reasoning).find(|&&token| token as usize >= size) {
            return Err(RequestError::OutOfRange { token, size });
        }
        let expected = self.tokenizer().vocabulary().size();
        match request.matcher.as_ref().map(|matcher| matcher.vocabulary_size()) {
            Some(found) if found != expected => Err(RequestError::Vocabulary { found, expected }),
            _ => Ok(()),
        }
    }

    /// Lets waiting sequences join, in the order they came.
    fn admit(&mut self) {
        let options = self.model.options();
        let most = options.max_logits.min(options.max_rows);
        while self.running.len() < most {
            let is_returning = !self.returning.is_empty();
            let queue = if is_returning { &mut self.returning } else { &mut self.waiting };
            let Some(mut sequence) = queue.pop_front() else { break };
            while sequence.pages.is_none() {
                match self.pages.set_aside(sequence.max_length) {
                    Some(pages) => sequence.pages = pages,
                    None if self.aside.release_pages(&mut self.pages) => {}
                    None => {
                        let queue = if is_returning { &mut self.returning } else { &mut self.waiting };
                        return queue.push_front(sequence);
                    }
                }
            }
            self.running.push(sequence);
        }
    }

    /// Computes one step: a token for every sequence whose prompt is through, a piece of the prompt for the others.
    ///
    /// # Errors
    /// Failures of the device. The sequences are then as they were, but what is in the cache is not known: the engine
    /// should be given up.
    pub fn step(&mut self) -> Result<Step, DeviceError> {
        let start = Instant::now();
        let mut step = Step::default();
        self.take_back(Duration::ZERO, &mut step);
        self.admit();
        if self.running.is_empty() {
            self.take_back(ASIDE_PATIENCE, &mut step);
            self.admit();
        }
        if self.running.is_empty() {
            return Ok(step);
        }
        self.schedule.plan(&mut self.running, &mut self.pages, self.model.options().max_rows);
        step.rows = self.schedule.tokens.len();
        self.forward_and_fill(&mut step)?;
        let sampled = self.sample(&mut step)?;
        let logits = self.read_logits()?;
        self.last_forward = start.elapsed().saturating_sub(step.timing.mask_wait);
        // All constraints of a step have the time of its forward pass.
        let slow = SLOW.max(self.last_forward / sampled.len().max(1) as u32);
        self.accept(&sampled, &logits, slow, &mut step);
        step.timing.total = start.elapsed();
        Ok(step)
    }

    /// Steps until no sequence is left, and hands each step over when it is done: its events are what to stream.
    ///
    /// # Errors
    /// Those of [`step`](Self::step).
    pub fn run(&mut self, mut on_step: impl FnMut(Step)) -> Result<(), DeviceError> {
        while !self.is_idle() {
            on_step(self.step()?);
        }
        Ok(())
    }

    /// Takes sequences back that were aside. Waits for one up to `patience`.
    fn take_back(&mut self, mut patience: Duration, step: &mut Step) {
        while let Some(Advanced { sequence, event }) = self.aside.take_back(patience) {
            patience = Duration::ZERO;
            if event.finish.is_some() {
                self.pages.give_back(sequence.pages);
            } else {
                self.returning.push_back(sequence);
            }
            step.events.push(event);
        }
    }

    /// Runs the forward pass, and meanwhile fills the masks of the sequences that get a token.
    fn forward_and_fill(&mut self, step: &mut Step) -> Result<(), DeviceError> {
        let Self {
            model, schedule, running, mask_workers, mask_words, row_indices, words_per_row, last_forward, ..
        } = self;
        let words = *words_per_row;
        let jobs = schedule.sampled.iter().filter_map(|&index| running[index].fill_job(index, words));
        mask_workers.begin(jobs, *last_forward);
        let start = Instant::now();
        let placement = RowPlacement {
            positions: &schedule.positions,
            sequences: &schedule.sequences,
            page_table: &schedule.page_table,
            pages_per_sequence: schedule.pages_per_sequence,
        };
        let mut forward = model.forward(&schedule.tokens, placement, &schedule.selected);
        if self.detailed_timing {
            forward = forward.and_then(|()| model.device_and_logits().0.synchronize());
        }
        step.timing.forward = start.elapsed();
        let start = Instant::now();
        let jobs = mask_workers.finish();
        step.timing.mask_wait = start.elapsed();

        mask_words.resize(schedule.sampled.len() * words, 0);
        row_indices.clear();
        row_indices.resize(schedule.sampled.len(), -1);
        for job in jobs {
            step.timing.masks += job.time;
            running[job.sequence].take_back(job);
        }
        for (row, &index) in schedule.sampled.iter().enumerate() {
            let sequence = &running[index];
            if sequence.filled == Ok(Filled::Masked) {
                mask_words[row * words..][..words].copy_from_slice(&sequence.row);
                row_indices[row] = row as i32;
            }
        }
        forward
    }

    /// A token, or why there is none, for each sequence that gets one.
    fn sample(&mut self, step: &mut Step) -> Result<Vec<Result<u32, SequenceError>>, DeviceError> {
        let Self { model, schedule, running, draws, .. } = self;
        draws.clear();
        draws.extend(schedule.sampled.iter().map(|&index| {
            let sequence = &running[index];
            Draw { sampler: sequence.sampler, step: sequence.generated() as u64 }
        }));
        let masks =
            MaskRows { words: &self.mask_words, words_per_row: self.words_per_row, row_indices: &self.row_indices };
        let (device, logits) = model.device_and_logits();
        let mut start = Instant::now();
        let wants_logits = schedule.sampled.iter().any(|&index| running[index].logprobs.is_some());
        let tokens = if self.detailed_timing || wants_logits {
            device.apply_bitmask(logits, masks)?;
            device.synchronize()?;
            step.timing.apply = start.elapsed();
            start = Instant::now();
            device.sample(logits, draws)?
        } else {
            device.mask_and_sample(logits, masks, draws)?
        };
        step.timing.sample = start.elapsed();
        Ok(tokens.into_iter().map(|token| token.map_err(SequenceError::from)).collect())
    }

    /// The masked logits of the step, if a sequence that got a token wants to know of them.
    fn read_logits(&mut self) -> Result<Vec<f32>, DeviceError> {
        let Self { model, schedule, running, .. } = self;
        if !schedule.sampled.iter().any(|&index| running[index].logprobs.is_some()) {
            return Ok(Vec::new());
        }
        let (device, logits) = model.device_and_logits();
        device.read(schedule.sampled.len(), logits)
    }

    /// Takes the sampled tokens over, jumps over forced text, and lets the finished go. Sequences whose constraint took
    /// longer than `slow` go aside.
    fn accept(&mut self, sampled: &[Result<u32, SequenceError>], logits: &[f32], slow: Duration, step: &mut Step) {
        let start = Instant::now();
        let mut leaving = Vec::new();
        let width = logits.len() / sampled.len().max(1);
        for (row, (&index, token)) in self.schedule.sampled.iter().zip(sampled).enumerate() {
            let sequence = &mut self.running[index];
            let is_sampled = sequence.filled != Ok(Filled::Ended);
            let logprobs = match (sequence.logprobs, token) {
                (Some(top), &Ok(token)) if is_sampled => {
                    Some(TokenLogprobs::of(&logits[row * width..][..width], token, top))
                }
                _ => None,
            };
            let is_slow = sequence.constraint_time > slow;
            let token = if sequence.constraint_total > self.constraint_time {
                Err(SequenceError::ConstraintTime { seconds: self.constraint_time.as_secs_f64() })
            } else if is_slow && self.aside.len() + leaving.len() >= self.max_slow {
                Err(SequenceError::TooManySlow { limit: self.max_slow })
            } else {
                token.clone()
            };
            if is_slow && token.is_ok() {
                leaving.push((index, token, logprobs));
                continue;
            }
            let start = processor_time();
            step.events.push(Event { logprobs, ..sequence.advance(token, &self.advancing.jumper()) });
            sequence.spend(sequence.fill_time + processor_time().saturating_sub(start));
        }
        let finished = |sequence: &Sequence| {
            step.events.iter().any(|event| event.sequence == sequence.id && event.finish.is_some())
        };
        for index in (0..self.running.len()).rev() {
            if leaving.last().is_some_and(|&(leaving, ..)| leaving == index) {
                let sequence = self.running.remove(index);
                if let Some((_, token, logprobs)) = leaving.pop() {
                    self.aside.hand_over(Sampled { sequence, token, logprobs });
                }
            } else if finished(&self.running[index]) {
                let sequence = self.running.remove(index);
                self.pages.give_back(sequence.pages);
            }
        }
        step.timing.accept = start.elapsed();
    }
}
