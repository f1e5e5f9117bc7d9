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
    #[inline]
    pub fn insert(&mut self, byte: u8) {
        self.words[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Adds `low..=high`.
    #[inline]
    pub fn insert_range(&mut self, low: u8, high: u8) {
        for byte in low..=high {
            self.insert(byte);
        }
    }

    /// Whether `byte` is in the set.
    #[inline]
    pub fn contains(&self, byte: u8) -> bool {
        self.words[usize::from(byte >> 6)] & (1 << (byte & 63)) != 0
    }

    /// The bytes *b* below 128 for which bit *b* is set.
    pub fn of_ascii(bits: u128) -> Self {
        Self { words: [bits as u64, (bits >> 64) as u64, 0, 0] }
    }

    /// The bytes below 128: bit *b* for byte *b*.
    pub fn ascii(&self) -> u128 {
        u128::from(self.words[1]) << 64 | u128::from(self.words[0])
    }

    /// As four words: bit *b* % 64 of word *b* / 64 for byte *b*.
    pub(crate) fn to_words(self) -> [u64; 4] {
        self.words
    }

    /// What [`to_words`](Self::to_words) gave.
    pub(crate) fn from_words(words: [u64; 4]) -> Self {
        Self { words }
    }

    /// Whether no byte is in the set.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.words == [0; 4]
    }

    /// The number of bytes in the set.
    #[inline]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The bytes in either set.
    #[must_use]
    #[inline]
    pub fn union(&self, other: &Self) -> Self {
        let mut words = self.words;
        words.iter_mut().zip(other.words).for_each(|(word, other)| *word |= other);
        Self { words }
    }

    /// The bytes in both sets.
    #[must_use]
    #[inline]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut words = self.words;
        words.iter_mut().zip(other.words).for_each(|(word, other)| *word &= other);
        Self { words }
    }

    /// The bytes not in the set.
    #[must_use]
    #[inline]
    pub fn complement(&self) -> Self {
        Self { words: self.words.map(|word| !word) }
    }

    /// The bytes, ascending.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|&byte| self.contains(byte))
    }

    /// The maximal runs `(low, high)` of consecutive bytes, ascending.
    #[inline]
    pub fn ranges(&self) -> impl Iterator<Item = (u8, u8)> + use<> {
        let set = *self;
        let mut next = 0;
        std::iter::from_fn(move || {
            let low = set.next_where(next, true)?;
            let past = set.next_where(low, false).unwrap_or(256);
            next = past;
            Some((low as u8, (past - 1) as u8))
        })
    }

    /// The first byte from `from` on that is in the set, or that is not.
    fn next_where(&self, from: usize, member: bool) -> Option<usize> {
        let mut word = from / 64;
        let mut below = (1u64 << (from % 64)) - 1;
        while word < 4 {
            let bits = if member { self.words[word] } else { !self.words[word] } & !below;
            if bits != 0 {
                return Some(word * 64 + bits.trailing_zeros() as usize);
            }
            below = 0;
            word += 1;
        }
        None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_the_maximal_runs() {
        for ranges in [
            &[][..],
            &[(0, 255)],
            &[(0, 0), (2, 2), (63, 64), (127, 128), (255, 255)],
            &[(5, 62), (64, 126), (192, 254)],
        ] {
            let mut set = ByteSet::EMPTY;
            ranges.iter().for_each(|&(low, high)| set.insert_range(low, high));
            assert_eq!(set.ranges().collect::<Vec<_>>(), ranges);
            assert_eq!(set.iter().collect::<ByteSet>(), set);
            assert_eq!(set.len(), ranges.iter().map(|&(low, high)| usize::from(high - low) + 1).sum());
        }
    }
}
