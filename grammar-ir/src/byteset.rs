//! A set of bytes.

use std::fmt;

/// A set of bytes as a 256-bit map.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ByteSet {
    words: [u64; 4],
}

impl ByteSet {
    /// The empty set.
    pub const EMPTY: Self = Self { words: [0; 4] };
    /// All 256 bytes.
    pub const FULL: Self = Self { words: [u64::MAX; 4] };

    /// The bytes `low..=high`; empty when `low > high`.
    pub fn range(low: u8, high: u8) -> Self {
        let mut set = Self::EMPTY;
        set.insert_range(low, high);
        set
    }

    /// Adds one byte.
    pub fn insert(&mut self, byte: u8) {
        self.words[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Adds `low..=high`.
    pub fn insert_range(&mut self, low: u8, high: u8) {
        for byte in low..=high {
            self.insert(byte);
        }
    }

    /// Whether `byte` is in the set.
    pub fn contains(&self, byte: u8) -> bool {
        self.words[usize::from(byte >> 6)] & (1 << (byte & 63)) != 0
    }

    /// Whether no byte is in the set.
    pub fn is_empty(&self) -> bool {
        self.words == [0; 4]
    }

    /// The number of bytes in the set.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The bytes in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut words = self.words;
        words.iter_mut().zip(other.words).for_each(|(word, other)| *word |= other);
        Self { words }
    }

    /// The bytes in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut words = self.words;
        words.iter_mut().zip(other.words).for_each(|(word, other)| *word &= other);
        Self { words }
    }

    /// The bytes not in the set.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self { words: self.words.map(|word| !word) }
    }

    /// The bytes, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|&byte| self.contains(byte))
    }

    /// The maximal runs `(low, high)` of consecutive bytes, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = (u8, u8)> + '_ {
        let mut next = 0u16;
        std::iter::from_fn(move || {
            while next < 256 && !self.contains(next as u8) {
                next += 1;
            }
            if next == 256 {
                return None;
            }
            let low = next as u8;
            while next < 256 && self.contains(next as u8) {
                next += 1;
            }
            Some((low, (next - 1) as u8))
        })
    }
}

impl FromIterator<u8> for ByteSet {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let mut set = Self::EMPTY;
        bytes.into_iter().for_each(|byte| set.insert(byte));
        set
    }
}

impl fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, (low, high)) in self.ranges().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            if low == high {
                write!(f, "{separator}{low:02x}")?;
            } else {
                write!(f, "{separator}{low:02x}-{high:02x}")?;
            }
        }
        f.write_str("]")
    }
}
