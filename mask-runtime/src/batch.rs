//! Masks for many sequences at once.

use rayon::prelude::*;

use crate::matcher::{FillError, Matcher};

/// Fills the rows of a batch on its own threads, which live as long as it does.
///
/// ```
/// # use grammar_ir::{GrammarBuilder, Limits};
/// # use mask_runtime::{BatchFiller, CompiledGrammar, Matcher, Tokenizer, embedded_tiny};
/// # let mut builder = GrammarBuilder::new();
/// # let root = builder.declare("root");
/// # let body = builder.literal("yes");
/// # builder.define(root, body);
/// # let grammar = CompiledGrammar::new(&builder.finish(root)?, Tokenizer::new(embedded_tiny()), &Limits::default())?;
/// let filler = BatchFiller::new(2)?;
/// let mut matchers = vec![Matcher::new(grammar.clone()), Matcher::new(grammar)];
/// let words = matchers[0].grammar().vocabulary().words_per_row();
/// let mut rows = vec![0u32; matchers.len() * words];
/// let mut jobs: Vec<_> = matchers.iter_mut().zip(rows.chunks_exact_mut(words)).collect();
/// let results = filler.fill(&mut jobs);
/// assert!(results.iter().all(Result::is_ok));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BatchFiller {
    pool: rayon::ThreadPool,
}

/// The threads could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {threads} mask threads: {source}")]
pub struct ThreadError {
    threads: usize,
    source: rayon::ThreadPoolBuildError,
}

impl BatchFiller {
    /// A filler with `threads` threads; 0 means one per core.
    ///
    /// # Errors
    /// When the system does not give the threads.
    pub fn new(threads: usize) -> Result<Self, ThreadError> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("grammarc-mask-{index}"))
            .build()
            .map(|pool| Self { pool })
            .map_err(|source| ThreadError { threads, source })
    }

    /// Fills the row of each matcher, as [`Matcher::fill`] does; the answers are in the order of the jobs.
    pub fn fill(&self, jobs: &mut [(&mut Matcher, &mut [u32])]) -> Vec<Result<(), FillError>> {
        self.pool.install(|| jobs.par_iter_mut().map(|(matcher, row)| matcher.fill(row)).collect())
    }
}
