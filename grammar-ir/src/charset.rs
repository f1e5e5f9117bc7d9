//! A set of Unicode scalar values.

/// A set of Unicode scalar values (code points without surrogates) as sorted, disjoint, non-adjacent inclusive ranges.
///
/// Equal sets are equal values: the form is canonical. Adjacency is judged on scalar values, so a range that would
/// span the surrogates is one range `(low, high)` with the surrogates implied absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CharSet {
    ranges: Vec<(char, char)>,
}

impl CharSet {
    /// The empty set.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every Unicode scalar value.
    pub fn full() -> Self {
        Self { ranges: vec![('\0', char::MAX)] }
    }

    /// The set of one character.
    pub fn single(character: char) -> Self {
        Self { ranges: vec![(character, character)] }
    }

    /// The scalar values in `low..=high`; empty when `low > high`.
    pub fn range(low: char, high: char) -> Self {
        if low > high { Self::empty() } else { Self { ranges: vec![(low, high)] } }
    }

    /// The union of inclusive ranges in any order; a range with `low > high` is empty.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (char, char)>) -> Self {
        let mut ranges: Vec<(char, char)> = ranges.into_iter().filter(|(low, high)| low <= high).collect();
        ranges.sort_unstable();
        let mut merged: Vec<(char, char)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match merged.last_mut() {
                Some(last) if low <= last.1 || successor(last.1) == Some(low) => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Self { ranges: merged }
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> &[(char, char)] {
        &self.ranges
    }

    /// Whether no character is in the set.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether `character` is in the set.
    pub fn contains(&self, character: char) -> bool {
        self.ranges
            .binary_search_by(|&(low, high)| {
                if high < character {
                    std::cmp::Ordering::Less
                } else if low > character {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Equal
                }
            })
            .is_ok()
    }

    /// The characters in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_ranges(self.ranges.iter().chain(&other.ranges).copied())
    }

    /// The characters in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        let mut ranges = Vec::new();
        while let (Some(&&(left_low, left_high)), Some(&&(right_low, right_high))) = (left.peek(), right.peek()) {
            let (low, high) = (left_low.max(right_low), left_high.min(right_high));
            if low <= high {
                ranges.push((low, high));
            }
            if left_high < right_high {
                left.next();
            } else {
                right.next();
            }
        }
        Self { ranges }
    }

    /// The scalar values not in the set.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = Some('\0');
        for &(low, high) in &self.ranges {
            if let (Some(from), Some(to)) = (next, predecessor(low))
                && from <= to
            {
                ranges.push((from, to));
            }
            next = successor(high);
        }
        if let Some(from) = next {
            ranges.push((from, char::MAX));
        }
        Self { ranges }
    }

    /// The characters in `self` and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.intersection(&other.complement())
    }

    /// The number of scalar values in the set.
    pub fn len(&self) -> usize {
        self.ranges.iter().map(|&(low, high)| (low..=high).size_hint().0).sum()
    }
}

impl FromIterator<char> for CharSet {
    fn from_iter<I: IntoIterator<Item = char>>(characters: I) -> Self {
        Self::from_ranges(characters.into_iter().map(|character| (character, character)))
    }
}

/// The next scalar value, stepping over the surrogates.
fn successor(character: char) -> Option<char> {
    match character {
        '\u{d7ff}' => Some('\u{e000}'),
        _ => char::from_u32(character as u32 + 1),
    }
}

/// The previous scalar value, stepping over the surrogates.
fn predecessor(character: char) -> Option<char> {
    match character {
        '\u{e000}' => Some('\u{d7ff}'),
        '\0' => None,
        _ => char::from_u32(character as u32 - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complement_is_an_involution_and_partitions() {
        let cases: [CharSet; 6] = [
            CharSet::empty(),
            CharSet::full(),
            CharSet::single('\0'),
            CharSet::single(char::MAX),
            CharSet::range('\u{d000}', '\u{d7ff}'),
            CharSet::from_ranges([('a', 'f'), ('c', 'z'), ('\u{e000}', '\u{ffff}'), ('{', '{')]),
        ];
        for set in cases {
            assert_eq!(set.complement().complement(), set);
            assert_eq!(set.union(&set.complement()), CharSet::full());
            assert!(set.intersection(&set.complement()).is_empty());
            assert_eq!(set.len() + set.complement().len(), CharSet::full().len());
        }
    }

    #[test]
    fn ranges_that_meet_at_the_surrogates_are_one() {
        let set = CharSet::from_ranges([('\u{e000}', '\u{e001}'), ('\u{d7fe}', '\u{d7ff}')]);
        assert_eq!(set.ranges(), [('\u{d7fe}', '\u{e001}')]);
        assert_eq!(set.len(), 4);
    }
}
