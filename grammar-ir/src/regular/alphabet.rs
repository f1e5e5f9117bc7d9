//! A partition of the characters into classes that an automaton does not tell apart.

use rustc_hash::FxHashMap;

use crate::CharSet;

/// A partition of all Unicode scalar values into numbered classes.
///
/// Classes are numbered in the order of their smallest characters, so equal partitions are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Alphabet {
    /// The first character of each run, ascending; the first run starts at U+0000.
    starts: Vec<char>,
    /// The class of each run; neighbouring runs differ.
    classes: Vec<u32>,
    /// The first character of each class.
    representatives: Vec<char>,
}

impl Alphabet {
    /// The partition with a single class.
    pub fn whole() -> Self {
        Self { starts: vec!['\0'], classes: vec![0], representatives: vec!['\0'] }
    }

    /// The coarsest partition of which each of `sets` is a union of classes.
    pub fn from_sets<'a>(sets: impl IntoIterator<Item = &'a CharSet>) -> Self {
        let mut changes: Vec<(char, u32)> = Vec::new();
        for (index, set) in sets.into_iter().enumerate() {
            for &(low, high) in set.ranges() {
                changes.push((low, index as u32));
                changes.extend(successor(high).map(|after| (after, index as u32)));
            }
        }
        changes.sort_unstable();
        // The sets that hold the current character, sorted. A change toggles membership.
        let mut members: Vec<u32> = Vec::new();
        let mut builder = RunBuilder::default();
        let mut position = 0;
        if changes.first().is_none_or(|&(first, _)| first != '\0') {
            builder.push('\0', members.clone());
        }
        while let Some(&(start, _)) = changes.get(position) {
            while let Some(&(_, set)) = changes.get(position).filter(|change| change.0 == start) {
                match members.binary_search(&set) {
                    Ok(place) => drop(members.remove(place)),
                    Err(place) => members.insert(place, set),
                }
                position += 1;
            }
            builder.push(start, members.clone());
        }
        builder.finish()
    }

    /// The coarsest common refinement, and per class of it the class of `self` and of `other` that it is part of.
    pub(super) fn refine(&self, other: &Self) -> (Self, Vec<(u32, u32)>) {
        let mut builder = RunBuilder::default();
        let (mut left, mut right) = (0, 0);
        let mut start = '\0';
        loop {
            builder.push(start, (self.classes[left], other.classes[right]));
            let next_left = self.starts.get(left + 1).copied();
            let next_right = other.starts.get(right + 1).copied();
            let Some(next) = next_left.into_iter().chain(next_right).min() else { break };
            left += usize::from(next_left == Some(next));
            right += usize::from(next_right == Some(next));
            start = next;
        }
        let pairs = builder.representatives.iter().map(|&first| (self.class_of(first), other.class_of(first)));
        let pairs = pairs.collect();
        (builder.finish(), pairs)
    }

    /// The partition in which the classes with equal `label` are one, and per new class one old class.
    pub(super) fn merge(&self, labels: &[u32]) -> (Self, Vec<u32>) {
        let mut builder = RunBuilder::default();
        for (&start, &class) in self.starts.iter().zip(&self.classes) {
            builder.push(start, labels[class as usize]);
        }
        let merged = builder.finish();
        let old = merged.representatives.iter().map(|&first| self.class_of(first)).collect();
        (merged, old)
    }

    /// The number of classes, at least one.
    pub fn class_count(&self) -> usize {
        self.representatives.len()
    }

    /// The class of `character`.
    pub fn class_of(&self, character: char) -> u32 {
        self.classes[self.starts.partition_point(|&start| start <= character) - 1]
    }

    /// The smallest character of `class`.
    pub fn representative(&self, class: u32) -> char {
        self.representatives[class as usize]
    }

    /// The runs `(low, high, class)`, ascending; together they are all scalar values.
    pub fn runs(&self) -> impl Iterator<Item = (char, char, u32)> + '_ {
        self.starts.iter().enumerate().map(|(index, &low)| {
            let high = self.starts.get(index + 1).map_or(char::MAX, |&next| predecessor(next));
            (low, high, self.classes[index])
        })
    }

    /// The characters of the classes for which `wanted` holds.
    pub fn set_of(&self, wanted: impl Fn(u32) -> bool) -> CharSet {
        CharSet::from_ranges(self.runs().filter(|run| wanted(run.2)).map(|(low, high, _)| (low, high)))
    }

    /// The classes that make up `set`, ascending; `set` must be one of those that the alphabet was made from, or a
    /// union of such.
    pub fn classes_of(&self, set: &CharSet) -> Vec<u32> {
        let mut classes = Vec::new();
        for &(low, high) in set.ranges() {
            let first = self.starts.partition_point(|&start| start <= low) - 1;
            let last = self.starts.partition_point(|&start| start <= high);
            classes.extend_from_slice(&self.classes[first..last]);
        }
        classes.sort_unstable();
        classes.dedup();
        classes
    }
}

/// Collects runs with labels and numbers the labels in order of appearance.
struct RunBuilder<L> {
    numbers: FxHashMap<L, u32>,
    starts: Vec<char>,
    classes: Vec<u32>,
    representatives: Vec<char>,
}

impl<L> Default for RunBuilder<L> {
    fn default() -> Self {
        Self { numbers: FxHashMap::default(), starts: Vec::new(), classes: Vec::new(), representatives: Vec::new() }
    }
}

impl<L: Eq + std::hash::Hash> RunBuilder<L> {
    fn push(&mut self, start: char, label: L) {
        let next = self.representatives.len() as u32;
        let class = *self.numbers.entry(label).or_insert(next);
        if class == next {
            self.representatives.push(start);
        }
        if self.classes.last() != Some(&class) {
            self.starts.push(start);
            self.classes.push(class);
        }
    }

    fn finish(self) -> Alphabet {
        Alphabet { starts: self.starts, classes: self.classes, representatives: self.representatives }
    }
}

fn successor(character: char) -> Option<char> {
    match character {
        '\u{d7ff}' => Some('\u{e000}'),
        _ => char::from_u32(character as u32 + 1),
    }
}

/// The scalar value before a `character` that is not U+0000.
fn predecessor(character: char) -> char {
    match character {
        '\u{e000}' => '\u{d7ff}',
        _ => char::from_u32((character as u32).saturating_sub(1)).unwrap_or('\0'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_partition_and_respect_the_sets() {
        let sets = [CharSet::range('a', 'z'), CharSet::from_ranges([('m', 'p'), ('\u{d000}', '\u{f000}')])];
        let alphabet = Alphabet::from_sets(&sets);
        assert_eq!(alphabet.class_count(), 4);
        let all: usize = alphabet.runs().map(|(low, high, _)| (low..=high).count()).sum();
        assert_eq!(all, CharSet::full().len());
        for set in &sets {
            let classes = alphabet.classes_of(set);
            assert_eq!(&alphabet.set_of(|class| classes.contains(&class)), set);
        }
    }

    #[test]
    fn refinement_maps_back() {
        let left = Alphabet::from_sets([&CharSet::range('a', 'm')]);
        let right = Alphabet::from_sets([&CharSet::range('g', 'z'), &CharSet::full()]);
        let (both, pairs) = left.refine(&right);
        assert_eq!(both.class_count(), 4);
        for character in ['\0', 'a', 'g', 'm', 'n', 'z', '{', char::MAX] {
            let pair = pairs[both.class_of(character) as usize];
            assert_eq!(pair, (left.class_of(character), right.class_of(character)));
        }
    }
}
