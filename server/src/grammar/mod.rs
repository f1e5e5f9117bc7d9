//! Constraints to grammars: off the threads that serve, once for equal ones, within limits.
//!
//! ```text
//! Constraint ┬ stored ───────────────────────────────────────────────────┬→ CompiledConstraint → TokenMatcher, one an answer
//!            └ cache ─┬ hit ─────────────────────────────────────────────┤
//!                     └ in flight? wait : lanes → thread, Backend ───────┘
//! ```

mod backend;
mod cache;
mod constraint;
mod grammarc;
mod lanes;
mod stored;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mask_runtime::artifact::Artifact;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use crate::error::{ApiError, COMPILE_PATIENCE};
use crate::metrics::{Metrics, Occupancy};
use cache::{Cache, Outcome};
use lanes::Lanes;
use stored::StoredGrammars;

pub use backend::{Backend, BackendEntry, BackendSetup, CompileBudget, CompileError, CompiledConstraint};
pub(crate) use constraint::Requested;
pub use constraint::{Constraint, ConstraintKind, JsonStyle};
pub use grammarc::GRAMMARC;
pub use stored::grammars_unlike_requests;

/// How much compiling grammars may cost.
#[derive(Debug, Clone)]
pub struct GrammarOptions {
    /// Bytes of compiled grammars that are kept. Default 256 MB.
    pub cache_bytes: usize,
    /// Grammars compiled at the same time in each of four lanes, for ever longer compiles. Default 1.
    pub compile_threads: usize,
    /// Wall-clock time of each half of a compile. Default 10 s.
    pub compile_time: Duration,
    /// Requests that wait for a quick compile, and as many again for one that has turned out to be slow; further ones are
    /// answered with 429. Default 128.
    pub waiting: usize,
    /// Bytes of a constraint's text. Default 4 MB.
    pub source_bytes: usize,
    /// Expressions, and states, of a grammar. Default 1 million, about 100 MB while compiling.
    pub states: usize,
    /// Bytes that a compile may take at a time, where the program's allocator is
    /// [`CountingAllocator`](counting_allocator::CountingAllocator). At most one in each lane for each of `compile_threads` runs,
    /// those of the quicker ones with a fraction of it. Default 256 MB.
    pub compile_memory: usize,
    /// Files of grammars that need not be compiled: a constraint with the text of one of them takes it. Default none.
    pub stored: Vec<Artifact>,
}

impl Default for GrammarOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 256_000_000,
            compile_threads: 1,
            compile_time: Duration::from_secs(10),
            waiting: 128,
            source_bytes: 4_000_000,
            states: 1_000_000,
            compile_memory: 256_000_000,
            stored: Vec::new(),
        }
    }
}

/// Compiles and keeps the grammars of one model.
#[derive(Debug)]
pub(crate) struct Grammars {
    options: GrammarOptions,
    lanes: Lanes,
    stored: StoredGrammars,
    state: Arc<Mutex<State>>,
    /// The number of places of each of the two kinds below.
    places: usize,
    /// Places of requests whose compile may be quick, and of those whose compile is not: who has many of these keeps nobody out
    /// whose compiles are quick.
    quick_places: Arc<Semaphore>,
    slow_places: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

/// The permission to wait for compiles.
#[derive(Debug)]
pub(crate) struct Place {
    permit: OwnedSemaphorePermit,
    is_slow: bool,
    /// Whether it waits for a place among the slow ones, too.
    waits: bool,
}

/// How far a compile is.
#[derive(Debug, Clone)]
enum Progress {
    /// It may be quick.
    Quick,
    /// It is not.
    Slow,
    /// It is done.
    Done(Outcome),
}

#[derive(Debug)]
struct State {
    cache: Cache,
    in_flight: HashMap<Constraint, Arc<Compile>>,
}

/// Until when a request waits for its grammar.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// `None` is for ever.
    end: Option<Instant>,
    time: Duration,
}

impl Deadline {
    /// `None` is for ever.
    pub(crate) fn end(self) -> Option<Instant> {
        self.end
    }
}

/// A compile that is waited for.
#[derive(Debug)]
struct Compile {
    progress: watch::Receiver<Progress>,
    waiting: AtomicUsize,
    /// Set when nobody waits any more.
    cancel: Arc<AtomicBool>,
    /// What has the constraint wait for its turn; ended when nobody waits any more.
    task: AbortHandle,
}

/// One who waits. The last one to leave ends the compile.
struct Waiting<'a> {
    grammars: &'a Grammars,
    constraint: &'a Constraint,
    compile: Arc<Compile>,
}

impl Grammars {
    /// # Errors
    /// When one of the files of grammars cannot be used.
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        options: GrammarOptions,
        metrics: Arc<Metrics>,
    ) -> Result<Self, String> {
        let stored = StoredGrammars::load(&options.stored, &*backend)?;
        let lanes = Lanes::new(backend, &options, metrics.clone());
        let state = State { cache: Cache::new(options.cache_bytes), in_flight: HashMap::new() };
        let places = options.waiting.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Self {
            options,
            lanes,
            stored,
            state: Arc::new(Mutex::new(state)),
            places,
            quick_places: Arc::new(Semaphore::new(places)),
            slow_places: Arc::new(Semaphore::new(places)),
            metrics,
        })
    }

    /// How much there is.
    pub(crate) fn occupancy(&self) -> Occupancy {
        let (entries, bytes) = lock(&self.state).cache.size();
        let taken = |places: &Semaphore| self.places.saturating_sub(places.available_permits());
        let (waiting_for_quick, waiting_for_slow) = (taken(&self.quick_places), taken(&self.slow_places));
        Occupancy { entries, bytes, waiting_for_quick, waiting_for_slow }
    }

    /// A place among the requests that wait for compiles. If `waits`, this does so until there is one.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn place(&self, waits: bool) -> Result<Place, ApiError> {
        let what = "requests that wait for a grammar to be compiled";
        let permit = self.permit(&self.quick_places, waits, what).await?;
        Ok(Place { permit, is_slow: false, waits })
    }

    /// Moves `place` to those whose compile is slow.
    async fn move_to_slow(&self, place: &mut Place) -> Result<(), ApiError> {
        if !place.is_slow {
            let what = "requests that wait for a grammar that takes long to compile";
            place.permit = self.permit(&self.slow_places, place.waits, what).await?;
            place.is_slow = true;
        }
        Ok(())
    }

    async fn permit(
        &self,
        places: &Arc<Semaphore>,
        waits: bool,
        what: &'static str,
    ) -> Result<OwnedSemaphorePermit, ApiError> {
        let places = places.clone();
        let permit = if waits { places.acquire_owned().await.ok() } else { places.try_acquire_owned().ok() };
        permit.ok_or(ApiError::Overloaded { limit: self.places, what })
    }

    /// Until when a request that comes now waits for its grammar.
    pub(crate) fn deadline(&self) -> Deadline {
        let time = self.options.compile_time.saturating_mul(COMPILE_PATIENCE);
        Deadline { end: Instant::now().checked_add(time), time }
    }

    /// The grammar of a constraint, if there is no need to wait for it.
    ///
    /// # Errors
    /// When it is known not to compile.
    pub(crate) fn ready(&self, requested: &Requested) -> Result<Option<Arc<dyn CompiledConstraint>>, ApiError> {
        let Requested { constraint, field } = requested;
        let (length, most) = (constraint.text.len(), self.options.source_bytes);
        if length > most {
            // Before it waits for its turn, and takes room until then.
            let message = format!("its text has {length} bytes, more than the limit of {most}");
            return Err(ApiError::Invalid(CompileError::new(constraint.kind, message).in_field(field)));
        }
        if let Some(grammar) = self.stored.get(constraint) {
            self.metrics.grammar_stored_hits.add(1);
            return Ok(Some(grammar));
        }
        let Some(outcome) = lock(&self.state).cache.get(constraint) else { return Ok(None) };
        self.metrics.grammar_cache_hits.add(1);
        outcome.map(Some).map_err(|error| ApiError::Invalid(error.in_field(field)))
    }

    /// The grammar of a constraint, once it is compiled.
    ///
    /// # Errors
    /// When it does not compile, not within the limits, or not until the deadline; when it is slow, and there is no place for
    /// another one that is.
    pub(crate) async fn get(
        &self,
        requested: &Requested,
        deadline: Option<Deadline>,
        place: &mut Place,
    ) -> Result<Arc<dyn CompiledConstraint>, ApiError> {
        if let Some(grammar) = self.ready(requested)? {
            return Ok(grammar);
        }
        let Requested { constraint, field } = requested;
        let fault = |error: CompileError| ApiError::Invalid(error.in_field(field));
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
        let mut progress = waiting.compile.progress.clone();
        let compiled = async {
            loop {
                let so_far = progress.borrow_and_update().clone();
                match so_far {
                    Progress::Done(outcome) => return outcome.map_err(fault),
                    Progress::Slow => self.move_to_slow(place).await?,
                    Progress::Quick => {}
                }
                let lost = "the grammar compiler has failed; please report this grammar";
                progress.changed().await.map_err(|_| ApiError::Internal(lost.to_owned()))?;
            }
        };
        match deadline.and_then(|Deadline { end, time }| Some((end?, time))) {
            None => compiled.await,
            Some((end, time)) => {
                let seconds = time.as_secs_f64();
                timeout_at(end, compiled).await.map_err(|_| ApiError::CompileWait { seconds })?
            }
        }
    }

    /// Begins to compile.
    fn start(&self, constraint: Constraint) -> Arc<Compile> {
        let (sender, progress) = watch::channel(Progress::Quick);
        let cancel = Arc::new(AtomicBool::new(false));
        let budget = CompileBudget {
            time: self.options.compile_time,
            source_bytes: self.options.source_bytes,
            states: self.options.states,
            memory: self.options.compile_memory,
            cancel: cancel.clone(),
        };
        let (lanes, state, abandoned) = (self.lanes.clone(), self.state.clone(), cancel.clone());
        let task = tokio::spawn(async move {
            // Nobody may be waiting any more, here and below.
            let is_slow = || drop(sender.send(Progress::Slow));
            let compiled = lanes.compile(constraint.clone(), budget, is_slow).await;
            let mut state = lock(&state);
            if !abandoned.load(Ordering::Relaxed) {
                state.in_flight.remove(&constraint);
            }
            if let Some(compiled) = compiled {
                // Being slow, or not awaited, says nothing about the grammar.
                if compiled.is_final {
                    state.cache.insert(constraint, compiled.outcome.clone());
                }
                let _ = sender.send(Progress::Done(compiled.outcome));
            }
        });
        Arc::new(Compile { progress, waiting: AtomicUsize::new(0), cancel, task: task.abort_handle() })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Under the lock, so that nobody joins a compile that is being ended.
        let mut state = lock(&self.grammars.state);
        if self.compile.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.compile.cancel.store(true, Ordering::Relaxed);
            self.compile.task.abort();
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
