//! Places of sequences in work.
//!
//! Whoever waits for several places takes none before there are as many: collecting them one by one would keep out all others
//! who find what they need, for as long as the longest answer in work takes. So who asks for many may wait in vain, and waits
//! for a bounded time. Where all wait, and nobody is refused, each takes its turn instead.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// A number of places.
#[derive(Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    capacity: usize,
    returned: Arc<Notify>,
}

/// Some of the places, until it is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    permit: Option<OwnedSemaphorePermit>,
    returned: Arc<Notify>,
}

impl Places {
    pub(crate) fn new(capacity: usize) -> Self {
        // A request for as many as there are is to be possible.
        let capacity = capacity.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Self { free: Arc::new(Semaphore::new(capacity)), capacity, returned: Arc::default() }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// `count` places, if they are free.
    pub(crate) fn take(&self, count: usize) -> Option<Taken> {
        let permit = self.free.clone().try_acquire_many_owned(u32::try_from(count).ok()?).ok()?;
        Some(self.taken(permit))
    }

    /// `count` places, once they are free; `None` if they are not until `end`.
    pub(crate) async fn take_until(&self, count: usize, end: Option<Instant>) -> Option<Taken> {
        loop {
            let mut returned = std::pin::pin!(self.returned.notified());
            // From here on, so that none that comes back is missed.
            returned.as_mut().enable();
            if let Some(taken) = self.take(count) {
                return Some(taken);
            }
            match end {
                None => returned.await,
                Some(end) => timeout_at(end, returned).await.ok()?,
            }
        }
    }

    /// `count` places, when it is their turn: what comes free is theirs until there are as many.
    pub(crate) async fn take_in_turn(&self, count: usize) -> Option<Taken> {
        let permit = self.free.clone().acquire_many_owned(u32::try_from(count).ok()?).await.ok()?;
        Some(self.taken(permit))
    }

    fn taken(&self, permit: OwnedSemaphorePermit) -> Taken {
        Taken { permit: Some(permit), returned: self.returned.clone() }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        drop(self.permit.take());
        self.returned.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn who_waits_for_many_keeps_nobody_out() {
        let places = Places::new(4);
        let one = places.take(1).expect("all are free");
        let waiting = places.take_until(4, None);
        let mut waiting = std::pin::pin!(waiting);
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut waiting).await.is_err(), "one is taken");
        let three = places.take(3).expect("three are free, whoever waits");
        assert!(places.take(1).is_none());
        drop(one);
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut waiting).await.is_err(), "three are taken");
        drop(three);
        let all = waiting.await.expect("all are free");
        assert!(places.take_until(1, Some(Instant::now())).await.is_none(), "none comes back in time");
        drop(all);
        assert!(places.take(4).is_some());
    }

    #[tokio::test]
    async fn in_turn_the_first_comes_first() {
        let places = Places::new(2);
        let one = places.take(1).expect("both are free");
        let mut both = std::pin::pin!(places.take_in_turn(2));
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut both).await.is_err(), "one is taken");
        let mut another = std::pin::pin!(places.take_in_turn(1));
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut another).await.is_err(), "it is not its turn");
        drop(one);
        drop(both.await.expect("both are free"));
        assert!(another.await.is_some());
    }
}
