//! Work that takes long, or much memory, for one request.

use tokio::sync::Semaphore;

/// Has such work done one piece at a time, while the threads that serve go on with other requests.
#[derive(Debug)]
pub(crate) struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(1))
    }
}

impl Turns {
    /// Does `work` when it is its turn.
    pub(crate) async fn take<T>(&self, work: impl FnOnce() -> T) -> T {
        // It is never closed.
        let _turn = self.0.acquire().await;
        tokio::task::block_in_place(work)
    }
}
