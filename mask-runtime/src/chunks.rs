//! Something for each of many things, made when it is first asked for.

use std::sync::OnceLock;

/// So many are made at once.
const CHUNK: usize = 64;

/// Up to so many, all are made at once.
const FEW: usize = 4_096;

/// An array whose items are what they are by default until they are changed through a shared reference. Parts of a long one
/// that nobody has asked for take nearly no memory, and no time to make.
#[derive(Debug)]
pub(crate) enum Chunks<T> {
    /// A short one, as it is.
    Whole(Box<[T]>),
    /// A long one, in chunks.
    Long(Box<[OnceLock<Box<[T; CHUNK]>>]>),
}

impl<T: Default> Chunks<T> {
    /// An array of so many items, or a few more.
    pub(crate) fn new(count: usize) -> Self {
        if count <= FEW {
            return Self::Whole(std::iter::repeat_with(T::default).take(count).collect());
        }
        Self::Long(std::iter::repeat_with(OnceLock::new).take(count.div_ceil(CHUNK)).collect())
    }

    /// An item that there is.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> &T {
        match self {
            Self::Whole(items) => &items[index],
            Self::Long(chunks) => {
                let make = || Box::new(std::array::from_fn(|_| T::default()));
                &chunks[index / CHUNK].get_or_init(make)[index % CHUNK]
            }
        }
    }

    /// Bytes of memory, `of_item` being what an item has elsewhere.
    pub(crate) fn memory(&self, of_item: impl Fn(&T) -> usize) -> usize {
        let of_items = |items: &[T]| size_of_val(items) + items.iter().map(&of_item).sum::<usize>();
        match self {
            Self::Whole(items) => of_items(items),
            Self::Long(chunks) => {
                let made = chunks.iter().filter_map(OnceLock::get);
                size_of_val(&**chunks) + made.map(|chunk| of_items(&**chunk)).sum::<usize>()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn items_are_kept_apart() {
        for count in [200, 5_000] {
            let items: Chunks<AtomicU32> = Chunks::new(count);
            let changed = [0, 63, count - 1];
            for index in changed {
                items.get(index).store(index as u32 + 1, Ordering::Relaxed);
            }
            let size = size_of::<AtomicU32>();
            let made = if count > FEW { 2 * CHUNK } else { count };
            assert_eq!(items.memory(|_| 1) - items.memory(|_| 0), made);
            assert!(items.memory(|_| 0) >= made * size && items.memory(|_| 0) < (count + 2 * CHUNK) * size);
            let values: Vec<u32> = (0..count).map(|index| items.get(index).load(Ordering::Relaxed)).collect();
            let expected = |index: usize| if changed.contains(&index) { index as u32 + 1 } else { 0 };
            assert_eq!(values, (0..count).map(expected).collect::<Vec<_>>());
        }
    }
}
