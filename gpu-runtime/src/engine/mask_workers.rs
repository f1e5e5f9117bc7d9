//! Masks filled beside the forward pass.
//!
//! Jobs own what they need, so the thread that runs the forward pass can take back those that no worker has begun: when
//! it is done it fills the rest itself. A mask that takes microseconds then does not wait for a thread to be woken; it still
//! waits for a worker that has begun it, whatever becomes of that worker's core.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::guide::{Filled, Guide};
use super::outcome::SequenceError;
use crate::thread::processor_time;

/// To wake a thread takes about as long as masks that are filled in less than this.
const QUICK_FILL: Duration = Duration::from_micros(10);

/// In a longer forward pass it does not matter how long it takes to wake a thread, and it might be that the next mask takes
/// longer than the last one.
const SHORT_FORWARD: Duration = Duration::from_millis(1);

/// One mask to be filled.
#[derive(Debug)]
pub(super) struct FillJob {
    /// The index of the sequence.
    pub(super) sequence: usize,
    /// How many tokens it has generated.
    pub(super) generated: usize,
    pub(super) guide: Guide,
    pub(super) row: Vec<u32>,
    /// The answer, once it has run.
    pub(super) filled: Result<Filled, SequenceError>,
    /// The processor time that the sequence's last one took, if there was one.
    pub(super) expected: Option<Duration>,
    /// The processor time it took.
    pub(super) time: Duration,
}

impl FillJob {
    pub(super) fn run(&mut self, not_stopping: &[u32]) {
        let start = processor_time();
        self.filled = self.guide.fill(self.generated, not_stopping, &mut self.row);
        self.time = processor_time().saturating_sub(start);
    }
}

/// Threads that fill masks.
#[derive(Debug)]
pub(super) struct MaskWorkers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// There is something in the queue, or the end has come.
    work: Condvar,
    /// A job is finished, or lost.
    done: Condvar,
    /// See [`Guide::fill`].
    not_stopping: Arc<[u32]>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<FillJob>,
    in_progress: usize,
    finished: Vec<FillJob>,
    closed: bool,
    panicked: bool,
}

impl MaskWorkers {
    /// Starts `threads` threads; with 0 all masks are filled in [`finish`](Self::finish).
    pub(super) fn start(threads: usize, not_stopping: Arc<[u32]>) -> io::Result<Self> {
        let (state, work, done) = Default::default();
        let shared = Arc::new(Shared { state, work, done, not_stopping });
        let mut workers = Self { shared, threads: Vec::new() };
        for index in 0..threads {
            let shared = Arc::clone(&workers.shared);
            let builder = std::thread::Builder::new().name(format!("grammarc-mask-{index}"));
            workers.threads.push(builder.spawn(move || shared.work_until_closed())?);
        }
        Ok(workers)
    }

    /// Hands out jobs, to be done beside a forward pass that takes about as long as `forward`.
    pub(super) fn begin(&self, jobs: impl Iterator<Item = FillJob>, forward: Duration) {
        let mut state = self.shared.lock();
        state.queue.extend(jobs);
        let expected: Option<Duration> = state.queue.iter().map(|job| job.expected).sum();
        let not_worth_it = forward < SHORT_FORWARD && expected.is_some_and(|expected| expected < QUICK_FILL);
        let waking = if not_worth_it { 0 } else { state.queue.len().min(self.threads.len()) };
        drop(state);
        (0..waking).for_each(|_| self.shared.work.notify_one());
    }

    /// Fills what no worker has begun, waits for the others, and answers all jobs, in no order.
    ///
    /// # Panics
    /// When a worker has panicked, which is a bug in filling masks.
    pub(super) fn finish(&self) -> Vec<FillJob> {
        let mut state = self.shared.lock();
        while let Some(mut job) = state.queue.pop_front() {
            drop(state);
            job.run(&self.shared.not_stopping);
            state = self.shared.lock();
            state.finished.push(job);
        }
        while state.in_progress > 0 {
            state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        assert!(!state.panicked, "a mask thread has panicked");
        std::mem::take(&mut state.finished)
    }
}

impl Drop for MaskWorkers {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A panic has been reported by `finish`.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_until_closed(&self) {
        let mut state = self.lock();
        while !state.closed {
            let Some(mut job) = state.queue.pop_front() else {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.in_progress += 1;
            drop(state);
            let loss = Loss(self);
            job.run(&self.not_stopping);
            std::mem::forget(loss);
            state = self.lock();
            state.in_progress -= 1;
            state.finished.push(job);
            self.done.notify_one();
        }
    }
}

/// Dropped when filling a mask panics, so that nobody waits for the job.
struct Loss<'a>(&'a Shared);

impl Drop for Loss<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.in_progress -= 1;
        state.panicked = true;
        self.0.done.notify_one();
    }
}
