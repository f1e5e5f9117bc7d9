//! What bounds each stage, and the budget that carries the bounds through a compile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bounds on a compile. The defaults are on; raise one when a [`LimitError`] names it.
///
/// ```
/// use grammar_ir::Limits;
/// let limits = Limits { states: 10_000, ..Limits::default() };
/// assert!(limits.nesting < 10_000);
/// ```
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of source text that a frontend reads. Default 50 MB; a syntax tree takes about 20 × the text.
    pub source_bytes: usize,
    /// Nesting of brackets in a source text. Default 1,000; each level costs stack in recursive-descent parts.
    pub nesting: usize,
    /// Expressions in a [`Grammar`](crate::Grammar), where an automaton takes as many as it has states. Default 4 million,
    /// about 200 MB.
    pub expressions: usize,
    /// States of the automaton before and after determinisation. Default 4 million, about 150 MB.
    pub states: usize,
    /// Whether procedures are determinised. One whose deterministic form would be more than 16 times as large (and of
    /// more than 4,096 states), or would take more than about 32 MB to work out, stays non-deterministic in any case:
    /// slower masks, same language. Default true.
    pub determinize: bool,
    /// A repetition whose unrolled copies take at most this many states is unrolled; a larger one becomes a counter.
    /// Default 64.
    pub unroll_states: usize,
    /// Wall-clock time of each half of a compile: the frontend, and the passes with the automaton. It is looked at now and
    /// then, so a compile may run over by a fraction. Default 10 s.
    pub time: Option<Duration>,
    /// Memory of the compile, where there is a way to find out what it takes. Default none.
    pub memory: Option<MemoryLimit>,
    /// Set to `true` by another thread to end the compile.
    pub cancel: Option<Arc<AtomicBool>>,
}

/// A bound on the memory that a compile takes at a time, whatever it is for.
#[derive(Debug, Clone, Copy)]
pub struct MemoryLimit {
    /// The greatest number of bytes. They are looked at now and then, so a compile may run over by a fraction.
    pub bytes: usize,
    /// How many bytes the compile holds: with an allocator that keeps an account for each thread, what the calling thread does.
    pub held: fn() -> usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            source_bytes: 50_000_000,
            nesting: 1_000,
            expressions: 4_000_000,
            states: 4_000_000,
            determinize: true,
            unroll_states: 64,
            time: Some(Duration::from_secs(10)),
            memory: None,
            cancel: None,
        }
    }
}

/// Which bound was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitKind {
    /// [`Limits::source_bytes`].
    SourceBytes,
    /// [`Limits::nesting`].
    Nesting,
    /// [`Limits::expressions`].
    Expressions,
    /// [`Limits::states`].
    States,
    /// [`Limits::time`].
    Time,
    /// [`Limits::memory`].
    Memory,
    /// [`Limits::cancel`].
    Cancelled,
}

/// A compile met one of its [`Limits`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LimitError {
    kind: LimitKind,
    message: String,
}

impl LimitError {
    /// The error for `kind`, whose bound is `limit`.
    pub fn new(kind: LimitKind, limit: usize) -> Self {
        let message = match kind {
            LimitKind::SourceBytes => format!("the source is longer than the limit of {limit} bytes"),
            LimitKind::Nesting => format!("nested deeper than the limit of {limit} levels"),
            LimitKind::Expressions => format!("the grammar needs more than the limit of {limit} expressions"),
            LimitKind::States => format!("the automaton needs more than the limit of {limit} states"),
            LimitKind::Time => format!("compiling took longer than the limit of {limit} ms"),
            LimitKind::Memory => format!("compiling took more memory than the limit of {limit} bytes"),
            LimitKind::Cancelled => "compiling was cancelled".to_owned(),
        };
        Self { kind, message }
    }

    /// Which limit.
    pub fn kind(&self) -> LimitKind {
        self.kind
    }
}

/// The limits of one compile together with its start time; passed by reference through every stage.
#[derive(Debug)]
pub struct Budget<'a> {
    limits: &'a Limits,
    deadline: Option<Instant>,
    ticks: u32,
}

impl<'a> Budget<'a> {
    /// Starts the clock.
    pub fn new(limits: &'a Limits) -> Self {
        Self { limits, deadline: limits.time.map(|time| Instant::now() + time), ticks: 0 }
    }

    /// The limits.
    pub fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// To be called in loops; looks at the clock and the cancel flag every 1,024 calls, and at the memory every 16.
    ///
    /// # Errors
    /// When time is up, there is too little memory, or the compile was cancelled.
    pub fn tick(&mut self) -> Result<(), LimitError> {
        self.ticks = self.ticks.wrapping_add(1);
        match self.ticks {
            ticks if ticks.is_multiple_of(1024) => self.check_time(),
            // Between two looks at it a large grammar can take as many times the memory of one of its states.
            ticks if ticks.is_multiple_of(16) => self.check_memory(),
            _ => Ok(()),
        }
    }

    fn check_memory(&self) -> Result<(), LimitError> {
        match self.limits.memory {
            Some(MemoryLimit { bytes, held }) if held() > bytes => Err(LimitError::new(LimitKind::Memory, bytes)),
            _ => Ok(()),
        }
    }

    /// Looks at the clock, the memory and the cancel flag now.
    ///
    /// # Errors
    /// When time is up, there is too little memory, or the compile was cancelled.
    pub fn check_time(&self) -> Result<(), LimitError> {
        self.check_memory()?;
        if let Some(cancel) = &self.limits.cancel
            && cancel.load(Ordering::Relaxed)
        {
            return Err(LimitError::new(LimitKind::Cancelled, 0));
        }
        match (self.deadline, self.limits.time) {
            (Some(deadline), Some(time)) if Instant::now() > deadline => {
                Err(LimitError::new(LimitKind::Time, usize::try_from(time.as_millis()).unwrap_or(usize::MAX)))
            }
            _ => Ok(()),
        }
    }

    /// Checks a number of automaton states.
    ///
    /// # Errors
    /// When there are more than [`Limits::states`].
    pub fn check_states(&self, states: usize) -> Result<(), LimitError> {
        if states > self.limits.states {
            return Err(LimitError::new(LimitKind::States, self.limits.states));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_looked_at_every_few_calls() {
        let limits = |bytes| Limits { memory: Some(MemoryLimit { bytes, held: || 1_000 }), ..Limits::default() };
        let (enough, too_little) = (limits(1_000), limits(999));
        let mut budget = Budget::new(&enough);
        assert!((0..100).all(|_| budget.tick().is_ok()) && budget.check_time().is_ok());
        let mut budget = Budget::new(&too_little);
        let error = (0..16).find_map(|_| budget.tick().err()).expect("it is too little");
        assert_eq!(error.kind(), LimitKind::Memory);
        assert_eq!(error.to_string(), "compiling took more memory than the limit of 999 bytes");
        assert_eq!(budget.check_time(), Err(error));
    }
}
