//! Where compiles run: lanes for ever longer compiles, so that those that take long do not hold up those that do not.
//!
//! ```text
//! Constraint → 5 ms ─ over? → 40 ms ─ over? → 300 ms ─ over? → all of the budget → outcome
//! ```
//!
//! Nobody can tell from a constraint how long it takes, so each begins in the quickest lane. Nearly all end there. What
//! does not is tried again from the beginning in the next lane, which has several times as long, so that what is lost is
//! little beside what is needed. What needs more than a part of the memory goes to the last lane in the same way. A lane waits for compiles of its own length only.
//!
//! The threads of the model wait for each other many times in a step, so one that has to wait for a core holds up all
//! sequences. Compiles of the lanes in the middle therefore run only on cores that nothing else wants. If there is no such
//! core they run out of time, and end in the last lane, where others merely go before them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use counting_allocator::peak_of_this_thread;
use gpu_runtime::{run_behind_others, run_when_idle};
use tokio::sync::{Semaphore, oneshot};

use super::GrammarOptions;
use super::backend::{Backend, CompileBudget};
use super::cache::Outcome;
use super::constraint::Constraint;
use crate::metrics::Metrics;

/// The time of each half of a compile in the lanes before the last.
const TIMES: [Duration; 3] = [Duration::from_millis(5), Duration::from_millis(40), Duration::from_millis(300)];

/// The part of the memory of a compile that one has in the lanes before the last: what is quick takes little.
const MEMORY_PART: usize = 8;

/// Where compiles run.
#[derive(Debug, Clone)]
pub(super) struct Lanes {
    backend: Arc<dyn Backend>,
    /// From the quickest to the last, whose time and memory are all there is.
    lanes: Arc<[Lane]>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Lane {
    time: Duration,
    memory: usize,
    /// Has others go before the thread that calls it.
    give_way: fn(),
    room: Arc<Semaphore>,
}

/// What a compile has given.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) outcome: Outcome,
    /// Whether it would be the same with more time, or memory.
    pub(super) is_final: bool,
}

impl Lanes {
    pub(super) fn new(backend: Arc<dyn Backend>, options: &GrammarOptions, metrics: Arc<Metrics>) -> Self {
        let all = options.compile_time;
        let times = TIMES.into_iter().filter(|&time| time < all).chain([all]);
        let lane = |(index, time)| Lane {
            time,
            memory: if time < all { options.compile_memory / MEMORY_PART } else { options.compile_memory },
            give_way: match index {
                0 => || {},
                _ if time < all => run_when_idle,
                _ => run_behind_others,
            },
            room: Arc::new(Semaphore::new(options.compile_threads.max(1))),
        };
        Self { backend, lanes: times.enumerate().map(lane).collect(), metrics }
    }

    /// Compiles; `None` when the compiler has panicked, or could not be started. `is_slow` is called when it turns out to take
    /// longer than the quickest lane has.
    pub(super) async fn compile(
        &self,
        constraint: Constraint,
        budget: CompileBudget,
        is_slow: impl Fn(),
    ) -> Option<Compiled> {
        let mut compiled = None;
        for (index, lane) in self.lanes.iter().enumerate() {
            if index == 1 {
                is_slow();
            }
            let budget = CompileBudget { time: lane.time, memory: lane.memory, ..budget.clone() };
            let cancel = budget.cancel.clone();
            let outcome = self.run(lane, constraint.clone(), budget).await?;
            let is_last = outcome.is_final || cancel.load(Ordering::Relaxed);
            compiled = Some(outcome);
            if is_last {
                break;
            }
        }
        compiled
    }

    /// Compiles on a thread of its own, once the lane has room.
    async fn run(&self, lane: &Lane, constraint: Constraint, budget: CompileBudget) -> Option<Compiled> {
        let permit = lane.room.clone().acquire_owned().await.ok()?;
        let (sender, receiver) = oneshot::channel();
        let (backend, metrics, give_way) = (self.backend.clone(), self.metrics.clone(), lane.give_way);
        let all_memory = self.lanes.last().map_or(0, |last| last.memory);
        let compile = move || {
            let _permit = permit;
            give_way();
            let start = Instant::now();
            let outcome = backend.compile(&constraint, &budget);
            let took = start.elapsed();
            metrics.grammar_compiles.add(1);
            metrics.grammar_compile_time.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            let was_stopped = took >= budget.time || budget.cancel.load(Ordering::Relaxed);
            // More time may help, and so may more memory, as long as there is a lane that has it.
            let is_short = peak_of_this_thread() > budget.memory && budget.memory < all_memory;
            // An engine may find that it cannot do something because of how long it would take.
            let is_final = !((was_stopped || is_short) && outcome.is_err());
            // Whoever waited may have gone.
            let _ = sender.send(Compiled { outcome, is_final });
        };
        std::thread::Builder::new().name("grammarc-compile".to_owned()).spawn(compile).ok()?;
        receiver.await.ok()
    }
}
