//! Which pages of the key/value cache are free.

/// Hands out pages. A sequence gets all it can ever need at once, so that one that has begun never has to wait.
#[derive(Debug)]
pub(super) struct Pages {
    free: Vec<u32>,
    length: usize,
}

impl Pages {
    /// `count` free pages of `length` positions.
    pub(super) fn new(count: usize, length: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Self { free: (0..count).rev().collect(), length }
    }

    /// Pages for `positions` positions, if there are enough.
    pub(super) fn take(&mut self, positions: usize) -> Option<Vec<u32>> {
        let kept = self.free.len().checked_sub(positions.div_ceil(self.length))?;
        Some(self.free.split_off(kept))
    }

    /// Takes pages back.
    pub(super) fn give_back(&mut self, pages: Vec<u32>) {
        self.free.extend(pages);
    }
}
