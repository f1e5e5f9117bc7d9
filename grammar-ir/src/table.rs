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

/// An array whose items may turn out to be no values of their type: each is looked at before it is used, not all of them at
/// once.
pub struct Unchecked<T: CheckedBitPattern + NoUninit>(Table<T::Bits>);

impl<T: CheckedBitPattern + NoUninit + Send + Sync> From<Vec<T>> for Unchecked<T> {
    fn from(items: Vec<T>) -> Self {
        let Table { items, owner, is_owned, .. } = Table::from(items);
        // The bits of a value are laid out as the value is (`CheckedBitPattern` asks for that), and all of its bytes are
        // there (`NoUninit`).
        let items = NonNull::slice_from_raw_parts(items.cast(), items.len());
        Self(Table { items, owner, is_owned, _items: PhantomData })
    }
}

impl<T: CheckedBitPattern + NoUninit> Unchecked<T> {
    /// The items that lie in a range of `bytes`, whatever they are.
    ///
    /// # Errors
    /// When the range is not part of the bytes, not as long as a number of items, or not aligned.
    pub fn in_bytes(bytes: &SharedBytes, range: Range<usize>) -> Result<Self, TableError>
    where
        T::Bits: Send + Sync,
    {
        Table::in_bytes(bytes, range).map(Self)
    }

    /// The number of items.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no item.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The items of a range, if all of them are there and are values.
    pub fn checked(&self, range: Range<usize>) -> Option<&[T]> {
        let bits = self.0.get(range.clone())?;
        // SAFETY: the bits of each item have just been looked at.
        bits.iter().all(T::is_valid_bit_pattern).then(|| unsafe { self.items(range) })
    }

    /// The items of a range; none if they are not there.
    ///
    /// # Safety
    /// [`checked`](Self::checked) must have found values there, or the array must have been made from values.
    #[inline]
    pub unsafe fn items(&self, range: Range<usize>) -> &[T] {
        let Some(bits) = self.0.get(range) else { return no_items() };
        // SAFETY: `Bits` is laid out as `T` is, and the caller knows that these are values.
        unsafe { std::slice::from_raw_parts(bits.as_ptr().cast(), bits.len()) }
    }

    /// The bytes of the items.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        let bits = &*self.0;
        // SAFETY: all bytes of the items are there: they are those of a file, or of values of a type without padding.
        unsafe { std::slice::from_raw_parts(bits.as_ptr().cast(), size_of_val(bits)) }
    }

    /// Bytes of memory of its own.
    #[inline]
    pub fn memory(&self) -> usize {
        self.0.memory()
    }
}

/// No items. Out of the way, so that nobody waits to know whether there are some.
#[cold]
#[inline(never)]
fn no_items<'a, T>() -> &'a [T] {
    &[]
}

impl<T: CheckedBitPattern + NoUninit> Clone for Unchecked<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: CheckedBitPattern + NoUninit> PartialEq for Unchecked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<T: CheckedBitPattern + NoUninit> Eq for Unchecked<T> {}

impl<T: CheckedBitPattern + NoUninit> fmt::Debug for Unchecked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unchecked({} items)", self.len())
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

    #[test]
    fn items_are_looked_at_one_by_one() {
        let bytes = SharedBytes::copy_of(&[0, 1, 2, 1]);
        let items: Unchecked<bool> = Unchecked::in_bytes(&bytes, 0..4).expect("there are so many bytes");
        assert_eq!((items.checked(0..2), items.checked(1..3)), (Some(&[false, true][..]), None));
        assert_eq!((items.checked(3..4), items.checked(3..5)), (Some(&[true][..]), None));
        assert!(Unchecked::<bool>::in_bytes(&bytes, 0..5).is_err());
        let own = Unchecked::from(vec![true, false]);
        // SAFETY: it was made from values.
        assert_eq!(unsafe { own.items(0..2) }, [true, false]);
        assert_eq!((own.as_bytes(), own.memory(), items.memory()), (&[1, 0][..], 2, 0));
    }
}
