//! Something for each of many things, made when it is first asked for.

use std::sync::OnceLock;

/// So many are made at once.
const CHUNK: usize = 64;

/// An array whose items are what they are by default until they are changed through a shared reference. Parts of it that
/// nobody has asked for take nearly no memory, and no time to make.
#[derive(Debug)]
pub(crate) struct Chunks<T>(Box<[OnceLock<Box<[T; CHUNK]>>]>);

impl<T: Default> Chunks<T> {
    /// An array of so many items, or a few more.
    pub(crate) fn new(count: usize) -> Self {
        Self(std::iter::repeat_with(OnceLock::new).take(count.div_ceil(CHUNK)).collect())
    }

    /// An item that there is.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> &T {
        let chunk = self.0[index / CHUNK].get_or_init(|| Box::new(std::array::from_fn(|_| T::default())));
        &chunk[index % CHUNK]
    }

    /// Bytes of memory, `of_item` being what an item has elsewhere.
    pub(crate) fn memory(&self, of_item: impl Fn(&T) -> usize) -> usize {
        let made = self.0.iter().filter_map(OnceLock::get);
        let chunks = made.map(|chunk| size_of_val(&**chunk) + chunk.iter().map(&of_item).sum::<usize>());
        size_of_val(&*self.0) + chunks.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn items_are_kept_apart() {
        let items: Chunks<AtomicU32> = Chunks::new(200);
        let empty = items.memory(|_| 0);
        for index in [0, 63, 199] {
            items.get(index).store(index as u32 + 1, Ordering::Relaxed);
        }
        let values: Vec<u32> = (0..200).map(|index| items.get(index).load(Ordering::Relaxed)).collect();
        let expected = |index: usize| if matches!(index, 0 | 63 | 199) { index as u32 + 1 } else { 0 };
        assert_eq!(values, (0..200).map(expected).collect::<Vec<_>>());
        assert_eq!(items.memory(|_| 1), empty + 4 * CHUNK * (size_of::<AtomicU32>() + 1));
    }
}
