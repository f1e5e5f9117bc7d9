//! Constraints to grammars: off the threads that serve, once for equal ones, within limits.
//!
//! ```text
//! Constraint ─ cache ─┬ hit ──────────────────────────────────────────────┬→ Arc<CompiledGrammar>
//!                     └ in flight? wait : permit → blocking thread, limits ┘
//! ```

mod cache;
mod compile;
mod constraint;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use grammar_ir::Limits;
use mask_runtime::{CompiledGrammar, Tokenizer};
use tokio::sync::{Semaphore, watch};

use crate::error::ApiError;
use crate::metrics::Metrics;
use cache::{Cache, Outcome};

pub use compile::CompileError;
pub use constraint::{Constraint, ConstraintKind, JsonStyle};

/// How much compiling grammars may cost.
#[derive(Debug, Clone)]
pub struct GrammarOptions {
    /// Bytes of compiled grammars that are kept. Default 256 MB.
    pub cache_bytes: usize,
    /// Grammars compiled at the same time. Default 2.
    pub compile_threads: usize,
    /// Wall-clock time of each half of a compile. Default 5 s.
    pub compile_time: Duration,
    /// Bytes of a constraint's text. Default 4 MB.
    pub source_bytes: usize,
    /// Expressions, and states, of a grammar. Default 1 million, about 100 MB while compiling.
    pub states: usize,
}

impl Default for GrammarOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 256_000_000,
            compile_threads: 2,
            compile_time: Duration::from_secs(5),
            source_bytes: 4_000_000,
            states: 1_000_000,
        }
    }
}

/// Compiles and keeps the grammars of one model.
#[derive(Debug)]
pub(crate) struct Grammars {
    tokenizer: Arc<Tokenizer>,
    options: GrammarOptions,
    permits: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct State {
    cache: Cache,
    in_flight: HashMap<Constraint, Arc<Compile>>,
}

/// A compile that is waited for.
#[derive(Debug)]
struct Compile {
    outcome: watch::Receiver<Option<Outcome>>,
    waiting: AtomicUsize,
    /// Set when nobody waits any more.
    cancel: Arc<AtomicBool>,
}

/// One who waits. The last one to leave ends the compile.
struct Waiting<'a> {
    grammars: &'a Grammars,
    constraint: &'a Constraint,
    compile: Arc<Compile>,
}

impl Grammars {
    pub(crate) fn new(tokenizer: Arc<Tokenizer>, options: GrammarOptions, metrics: Arc<Metrics>) -> Self {
        let permits = Arc::new(Semaphore::new(options.compile_threads.max(1)));
        let state = State { cache: Cache::new(options.cache_bytes), in_flight: HashMap::new() };
        Self { tokenizer, options, permits, state: Arc::new(Mutex::new(state)), metrics }
    }

    /// The number of grammars kept, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        lock(&self.state).cache.size()
    }

    /// The grammar of `constraint`.
    ///
    /// # Errors
    /// When it does not compile, or not within the limits.
    pub(crate) async fn get(&self, constraint: &Constraint) -> Result<Arc<CompiledGrammar>, ApiError> {
        let waiting = {
            let mut state = lock(&self.state);
            if let Some(outcome) = state.cache.get(constraint) {
                self.metrics.grammar_cache_hits.add(1);
                return outcome.map_err(fault);
            }
            let compile = match state.in_flight.get(constraint) {
                Some(compile) => {
                    self.metrics.grammar_cache_hits.add(1);
                    compile.clone()
                }
                None => {
                    self.metrics.grammar_cache_misses.add(1);
                    let compile = self.start(constraint.clone());
                    state.in_flight.insert(constraint.clone(), compile.clone());
                    compile
                }
            };
            compile.waiting.fetch_add(1, Ordering::Relaxed);
            Waiting { grammars: self, constraint, compile }
        };
        let mut outcome = waiting.compile.outcome.clone();
        let lost = || ApiError::Internal("the grammar compiler has failed; please report this grammar".to_owned());
        let outcome = outcome.wait_for(Option::is_some).await.map_err(|_| lost())?.clone();
        outcome.ok_or_else(lost)?.map_err(fault)
    }

    /// Begins to compile.
    fn start(&self, constraint: Constraint) -> Arc<Compile> {
        let (sender, outcome) = watch::channel(None);
        let cancel = Arc::new(AtomicBool::new(false));
        let limits = Limits {
            source_bytes: self.options.source_bytes,
            expressions: self.options.states,
            states: self.options.states,
            time: Some(self.options.compile_time),
            cancel: Some(cancel.clone()),
            ..Limits::default()
        };
        let Self { tokenizer, permits, state, metrics, .. } = self;
        let (tokenizer, permits, state, metrics) = (tokenizer.clone(), permits.clone(), state.clone(), metrics.clone());
        let abandoned = cancel.clone();
        tokio::spawn(async move {
            let Ok(permit) = permits.acquire_owned().await else { return };
            let source = constraint.clone();
            let compiling = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                let start = Instant::now();
                let outcome = compile::compile(&source, &tokenizer, &limits);
                let took = start.elapsed();
                metrics.grammar_compiles.add(1);
                metrics.grammar_compile_time.add(took.as_micros() as u64);
                let in_time = limits.time.is_none_or(|time| took < time);
                (outcome, in_time)
            });
            let compiled = compiling.await;
            let mut state = lock(&state);
            let abandoned = abandoned.load(Ordering::Relaxed);
            if !abandoned {
                state.in_flight.remove(&constraint);
            }
            if let Ok((outcome, in_time)) = compiled {
                // Being slow, or not awaited, says nothing about the grammar.
                if in_time && !abandoned || !outcome.as_ref().is_err_and(|error| error.is_limit) {
                    state.cache.insert(constraint, outcome.clone());
                }
                // Nobody may be waiting any more.
                let _ = sender.send(Some(outcome));
            }
        });
        Arc::new(Compile { outcome, waiting: AtomicUsize::new(0), cancel })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Under the lock, so that nobody joins a compile that is being ended.
        let mut state = lock(&self.grammars.state);
        if self.compile.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.compile.cancel.store(true, Ordering::Relaxed);
            let is_this = |other: &Arc<Compile>| Arc::ptr_eq(other, &self.compile);
            if state.in_flight.get(self.constraint).is_some_and(is_this) {
                state.in_flight.remove(self.constraint);
            }
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fault(error: CompileError) -> ApiError {
    ApiError::Invalid(error.to_string())
}
