//! Where compiles run: two lanes, so that those that take long do not hold up those that do not.
//!
//! ```text
//! Constraint → quick lane: a tenth of a second ─ over? → slow lane: all of the budget, at a lower priority → outcome
//! ```
//!
//! Nearly every constraint compiles in milliseconds. What does not is tried again from the beginning, which costs little
//! beside what it takes there.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};

use super::GrammarOptions;
use super::backend::{Backend, CompileBudget};
use super::cache::Outcome;
use super::constraint::Constraint;
use crate::metrics::Metrics;

/// The time of each half of a compile in the quick lane.
const QUICK: Duration = Duration::from_millis(100);

/// How much lower the priority of compiles is than that of the model, as Unix counts niceness: the threads of the model
/// wait for each other many times in a step, so one that has to wait for a core holds up all.
const QUICK_NICENESS: i32 = 5;
const SLOW_NICENESS: i32 = 15;

/// Where compiles run.
#[derive(Debug, Clone)]
pub(super) struct Lanes {
    backend: Arc<dyn Backend>,
    quick: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    time: Duration,
    metrics: Arc<Metrics>,
}

/// What a compile has given.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) outcome: Outcome,
    /// Whether it would be the same with more time.
    pub(super) is_final: bool,
}

impl Lanes {
    pub(super) fn new(backend: Arc<dyn Backend>, options: &GrammarOptions, metrics: Arc<Metrics>) -> Self {
        let lane = || Arc::new(Semaphore::new(options.compile_threads.max(1)));
        Self { backend, quick: lane(), slow: lane(), time: options.compile_time, metrics }
    }

    /// Compiles; `None` when the compiler has panicked, or could not be started.
    pub(super) async fn compile(&self, constraint: Constraint, budget: CompileBudget) -> Option<Compiled> {
        let quick = CompileBudget { time: self.time.min(QUICK), ..budget.clone() };
        let is_all = quick.time == self.time;
        let compiled = self.run(&self.quick, constraint.clone(), quick, QUICK_NICENESS).await?;
        if compiled.is_final || is_all || budget.cancel.load(Ordering::Relaxed) {
            return Some(compiled);
        }
        self.run(&self.slow, constraint, CompileBudget { time: self.time, ..budget }, SLOW_NICENESS).await
    }

    /// Compiles on a thread of its own, once the lane has room.
    async fn run(
        &self,
        lane: &Arc<Semaphore>,
        constraint: Constraint,
        budget: CompileBudget,
        niceness: i32,
    ) -> Option<Compiled> {
        let permit = lane.clone().acquire_owned().await.ok()?;
        let (sender, receiver) = oneshot::channel();
        let (backend, metrics) = (self.backend.clone(), self.metrics.clone());
        let compile = move || {
            let _permit = permit;
            lower_priority(niceness);
            let start = Instant::now();
            let outcome = backend.compile(&constraint, &budget);
            let took = start.elapsed();
            metrics.grammar_compiles.add(1);
            metrics.grammar_compile_time.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            let was_stopped = took >= budget.time || budget.cancel.load(Ordering::Relaxed);
            let is_final = !(was_stopped && outcome.as_ref().is_err_and(|error| error.is_over_budget));
            // Whoever waited may have gone.
            let _ = sender.send(Compiled { outcome, is_final });
        };
        std::thread::Builder::new().name("grammarc-compile".to_owned()).spawn(compile).ok()?;
        receiver.await.ok()
    }
}

/// Lets other threads go first, where the system has priorities of threads.
fn lower_priority(niceness: i32) {
    // On Linux this is the niceness of the calling thread. Without it compiles are merely less polite.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(niceness);
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}
