//! Work that takes long, or much memory, for one request.

use std::panic::resume_unwind;
use std::thread;

use gpu_runtime::run_behind_others;
use tokio::sync::Semaphore;

/// Has such work done one piece at a time, while the threads that serve go on with other requests, and those of the model go
/// before.
#[derive(Debug)]
pub(crate) struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(1))
    }
}

impl Turns {
    /// Does `work` when it is its turn.
    pub(crate) async fn take<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        // It is never closed.
        let _turn = self.0.acquire().await;
        tokio::task::block_in_place(|| behind_others(work))
    }
}

/// Does `work` on a thread that others go before.
fn behind_others<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let mut work = Some(work);
    let mut done = None;
    thread::scope(|scope| {
        let (work, done) = (&mut work, &mut done);
        let run = move || {
            run_behind_others();
            *done = work.take().map(|work| work());
        };
        // Without a thread it is done here, below.
        if let Ok(thread) = thread::Builder::new().name("grammarc-large".to_owned()).spawn_scoped(scope, run)
            && let Err(panic) = thread.join()
        {
            resume_unwind(panic);
        }
    });
    match (done, work) {
        (Some(done), _) => done,
        (None, Some(work)) => work(),
        (None, None) => unreachable!("who takes the work does it"),
    }
}
