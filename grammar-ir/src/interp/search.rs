//! Whether a goal can be reached in a finite graph, remembering what is known.

use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};

/// What earlier searches in one graph found.
#[derive(Debug, Clone)]
pub(super) struct Known<N>(FxHashMap<N, bool>);

impl<N> Default for Known<N> {
    fn default() -> Self {
        Self(FxHashMap::default())
    }
}

impl<N: Clone + Eq + Hash> Known<N> {
    /// Whether a path leads from `start` to a node for which `look` answers `None`; for any other node it answers with
    /// the nodes next to it. Those named first are tried first.
    pub(super) fn reaches(&mut self, start: N, mut look: impl FnMut(&N) -> Option<Vec<N>>) -> bool {
        if let Some(&known) = self.0.get(&start) {
            return known;
        }
        let mut seen = FxHashSet::from_iter([start.clone()]);
        let mut path: Vec<(N, std::vec::IntoIter<N>)> = Vec::new();
        let mut next = Some(start);
        loop {
            if let Some(node) = next.take() {
                match self.0.get(&node).map_or_else(|| look(&node), |&known| (!known).then(Vec::new)) {
                    Some(successors) => path.push((node, successors.into_iter())),
                    None => {
                        self.0.insert(node, true);
                        self.0.extend(path.into_iter().map(|(node, _)| (node, true)));
                        return true;
                    }
                }
            }
            match path.last_mut() {
                Some((_, rest)) => match rest.find(|node| seen.insert(node.clone())) {
                    Some(node) => next = Some(node),
                    None => drop(path.pop()),
                },
                // A node that was left may only have failed because it leads back to the path, so nothing is known of
                // any until all have failed.
                None => {
                    self.0.extend(seen.into_iter().map(|node| (node, false)));
                    return false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_left_and_remembered_rightly() {
        // 0 → 1 → 0, and 0 → 2 → 3; 4 leads only to itself and 5.
        let edges: [&[usize]; 6] = [&[1, 2], &[0], &[3], &[], &[4, 5], &[]];
        let mut known = Known::default();
        let mut looks = 0;
        let mut reaches = |start: usize| {
            known.reaches(start, |&node| {
                looks += 1;
                (node != 3).then(|| edges[node].to_vec())
            })
        };
        assert!(reaches(0) && reaches(1) && reaches(2));
        assert!(!reaches(4) && !reaches(5));
        assert_eq!(looks, 7, "1 is looked at again, as it was left before 0 was known");
    }
}
