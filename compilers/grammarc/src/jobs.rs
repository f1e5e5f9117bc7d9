//! Threads for several grammars.

use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure::Failure;

/// The threads that were asked for, 0 being one per core, but no more than can have something to do: a thread that waits
/// costs memory, and time whenever it looks for work.
pub(crate) fn pool(asked: usize, grammars: usize) -> Result<ThreadPool, Failure> {
    let pool = ThreadPoolBuilder::new().num_threads(count(asked, grammars)).build();
    pool.map_err(|error| Failure::Input(format!("cannot start threads: {error}; ask for fewer with --jobs")))
}

fn count(asked: usize, grammars: usize) -> usize {
    let wanted = if asked == 0 { available_parallelism().map_or(1, usize::from) } else { asked };
    wanted.min(grammars).clamp(1, MAX_THREADS)
}

/// More than there are cores in machines, and few enough to be started in no time.
const MAX_THREADS: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn there_are_no_more_threads_than_grammars() {
        assert_eq!((count(5_000, 1), count(5_000, 3), count(2, 3), count(5_000, 0)), (1, 3, 2, 1));
        assert_eq!(count(usize::MAX, usize::MAX), 1_024);
        assert!(count(0, usize::MAX) >= 1 && count(0, 1) == 1);
    }
}
