//! Masks for many sequences at once.

use rayon::prelude::*;

use crate::matcher::{FillError, Matcher};

/// Fills the rows of a batch on its own threads, which live as long as it does.
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

    /// Fills one row per matcher. `rows` holds the rows one after the other, [`words_per_row`] words each; a matcher
    /// whose row fails leaves zeroes and its error at its place in the answer.
    ///
    /// # Errors
    /// When `rows` is not exactly one row of `words_per_row` words for each matcher.
    ///
    /// [`words_per_row`]: crate::Vocabulary::words_per_row
    pub fn fill(
        &self,
        matchers: &mut [Matcher],
        rows: &mut [u32],
        words_per_row: usize,
    ) -> Result<Vec<Result<(), FillError>>, FillError> {
        let expected = matchers.len() * words_per_row;
        if rows.len() != expected || (words_per_row == 0 && !matchers.is_empty()) {
            return Err(FillError::RowLength { found: rows.len(), expected });
        }
        if matchers.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.pool.install(|| {
            matchers
                .par_iter_mut()
                .zip(rows.par_chunks_exact_mut(words_per_row))
                .map(|(matcher, row)| matcher.fill(row))
                .collect()
        }))
    }
}
