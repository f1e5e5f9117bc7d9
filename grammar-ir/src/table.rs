//! Arrays that are owned, or lie in the bytes of a loaded file.
//!
//! A compiled automaton is a few long arrays that are only read. Made by a compile they are vectors; loaded from a file
//! they stay where the file is mapped, so that loading copies nothing and processes share the memory. Readers see a slice
//! in both cases, at the cost of a slice.
#![allow(unsafe_code, reason = "a slice into bytes that the table keeps alive: see the SAFETY comments")]

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::ptr::NonNull;
use std::sync::Arc;

use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};

/// Bytes that are shared and do not change, aligned to [`ALIGNMENT`].
#[derive(Clone)]
pub struct SharedBytes {
    /// Into what `owner` holds.
    bytes: NonNull<[u8]>,
    owner: Arc<dyn Any + Send + Sync>,
}

/// The alignment of [`SharedBytes`]: a cache line.
pub const ALIGNMENT: usize = 64;

/// A cache line.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; ALIGNMENT]);

// SAFETY: what is pointed to is read only, and belongs to `owner`, which may be sent and shared between threads.
unsafe impl Send for SharedBytes {}
// SAFETY: as above.
unsafe impl Sync for SharedBytes {}

impl SharedBytes {
    /// A copy of `bytes`.
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut lines = vec![Line([0; ALIGNMENT]); bytes.len().div_ceil(ALIGNMENT)];
        bytemuck::cast_slice_mut::<Line, u8>(&mut lines)[..bytes.len()].copy_from_slice(bytes);
        let owner = Arc::new(lines);
        let whole: &[u8] = bytemuck::cast_slice(owner.as_slice());
        Self { bytes: NonNull::from(&whole[..bytes.len()]), owner }
    }

    /// The bytes of `owner` (of a mapped file, say), or a copy of them if they are not aligned.
    pub fn of<T: AsRef<[u8]> + Any + Send + Sync>(owner: T) -> Self {
        let owner = Arc::new(owner);
        let bytes: &[u8] = (*owner).as_ref();
        if !bytes.as_ptr().addr().is_multiple_of(ALIGNMENT) {
            return Self::copy_of(bytes);
        }
        Self { bytes: NonNull::from(bytes), owner }
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `bytes` came from a shared reference into what `owner` holds. That is neither moved (it is behind an
        // `Arc`) nor borrowed mutably (no `Arc` in this module is ever asked for that) before `owner` is dropped, and the
        // slice that is returned does not outlive `self`.
        unsafe { self.bytes.as_ref() }
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedBytes({} bytes)", self.len())
    }
}

/// Why bytes are not an array of some type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The range is not one of the bytes.
    #[error("bytes {start}..{end} of {length}")]
    OutOfBounds {
        /// The first byte.
        start: usize,
        /// The byte after the last one.
        end: usize,
        /// How many bytes there are.
        length: usize,
    },
    /// The length is no multiple of that of an item, an item is not aligned, or its bytes are no value of its type.
    #[error("bytes {start}..{end} are not an array of {item}: {reason}")]
    NoArray {
        /// The first byte.
        start: usize,
        /// The byte after the last one.
        end: usize,
        /// The type of the items.
        item: &'static str,
        /// What is wrong.
        reason: bytemuck::checked::CheckedCastError,
    },
}

/// An array that is only read.
pub struct Table<T: 'static> {
    /// Into what `owner` holds.
    items: NonNull<[T]>,
    owner: Arc<dyn Any + Send + Sync>,
    /// Whether the items are this table's own, not part of the bytes of a file.
    is_owned: bool,
    _items: PhantomData<T>,
}

// SAFETY: items are only read, and what holds them may be sent and shared between threads.
unsafe impl<T: Send + Sync> Send for Table<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Table<T> {}

impl<T: Send + Sync> From<Vec<T>> for Table<T> {
    fn from(items: Vec<T>) -> Self {
        let owner = Arc::new(items);
        Self { items: NonNull::from(owner.as_slice()), owner, is_owned: true, _items: PhantomData }
    }
}

impl<T: CheckedBitPattern + Send + Sync> Table<T> {
    /// The items that lie in a range of `bytes`.
    ///
    /// # Errors
    /// When the range is not part of them, or no array of items.
    pub fn in_bytes(bytes: &SharedBytes, range: Range<usize>) -> Result<Self, TableError> {
        let Range { start, end } = range;
        let part = bytes.get(range).ok_or(TableError::OutOfBounds { start, end, length: bytes.len() })?;
        let items: &[T] = bytemuck::checked::try_cast_slice(part).map_err(|reason| TableError::NoArray {
            start,
            end,
            item: std::any::type_name::<T>(),
            reason,
        })?;
        Ok(Self { items: NonNull::from(items), owner: bytes.owner.clone(), is_owned: false, _items: PhantomData })
    }
}

impl<T: NoUninit> Table<T> {
    /// The bytes of the items.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }
}

impl<T> Table<T> {
    /// Bytes of memory of its own.
    #[inline]
    pub fn memory(&self) -> usize {
        if self.is_owned { size_of_val(&**self) } else { 0 }
    }
}

impl<T> Deref for Table<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: as for `SharedBytes`: `items` came from a shared reference into what `owner` holds.
        unsafe { self.items.as_ref() }
    }
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { items: self.items, owner: self.owner.clone(), is_owned: self.is_owned, _items: PhantomData }
    }
}

impl<T: Send + Sync> Default for Table<T> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl<T: fmt::Debug> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: PartialEq> PartialEq for Table<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Table<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_outlive_what_they_were_made_from() {
        let owned: Table<u32> = Table::from(vec![1, 2, 3]);
        let other = owned.clone();
        drop(owned);
        assert_eq!(*other, [1, 2, 3]);
        assert_eq!(other.memory(), 12);

        let bytes = SharedBytes::copy_of(&[9, 0, 0, 0, 7, 0, 0, 0, 1]);
        let table: Table<[u8; 4]> = Table::in_bytes(&bytes, 0..8).expect("two items");
        assert_eq!((bytes.len(), &*table, table.memory()), (9, &[[9, 0, 0, 0], [7, 0, 0, 0]][..], 0));
        drop(bytes);
        let moved = std::thread::spawn(move || table.len()).join();
        assert_eq!(moved.expect("no panic"), 2);
    }

    #[test]
    fn bytes_that_are_aligned_are_not_copied() {
        let lines = vec![Line([5; ALIGNMENT]); 2];
        struct Lines(Vec<Line>);
        impl AsRef<[u8]> for Lines {
            fn as_ref(&self) -> &[u8] {
                bytemuck::cast_slice(&self.0)
            }
        }
        let address = lines.as_ptr().addr();
        let shared = SharedBytes::of(Lines(lines));
        assert_eq!(shared.as_ptr().addr(), address);
        let unaligned = SharedBytes::of(shared[1..].to_vec());
        assert!(unaligned.as_ptr().addr().is_multiple_of(ALIGNMENT));
        assert_eq!(*unaligned, [5; 127]);
    }

    #[test]
    fn what_is_no_array_is_refused() {
        let bytes = SharedBytes::copy_of(&[0, 1, 2, 0, 0, 0, 0, 0]);
        assert!(matches!(Table::<u32>::in_bytes(&bytes, 4..12), Err(TableError::OutOfBounds { length: 8, .. })));
        assert!(matches!(Table::<u32>::in_bytes(&bytes, 0..6), Err(TableError::NoArray { .. })));
        assert!(matches!(Table::<u32>::in_bytes(&bytes, 2..6), Err(TableError::NoArray { .. })));
        // Two is no truth value.
        assert!(matches!(Table::<bool>::in_bytes(&bytes, 0..3), Err(TableError::NoArray { .. })));
        assert_eq!(*Table::<bool>::in_bytes(&bytes, 0..2).expect("truth values"), [false, true]);
    }
}
