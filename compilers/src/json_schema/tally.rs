//! Bounds on how many items or members satisfy something: what `contains` and the complements of the keywords about
//! every item or member come to.
//!
//! Each item is read together with a *claim*: the tallies whose condition it is held to. A text may be read with
//! several claims, and one that meets the bounds is enough, so "at least n" needs no complement of its condition, and
//! "all but n" only that complement.

use super::normal::{Goal, Literal};

/// A bound on the number of items or members that are claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tally {
    /// At least so many are.
    AtLeast(u32),
    /// At most so many are not.
    AllBut(u32),
}

impl Tally {
    /// The greatest count that is told apart.
    pub(super) fn bound(self) -> u32 {
        match self {
            Self::AtLeast(count) | Self::AllBut(count) => count,
        }
    }
}

/// More tallies than this in one shape are refused: each claim of several has a node of its own.
pub(super) const MAX_TALLIES: usize = 4;

/// A set of tallies, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim(u8);

impl Claim {
    fn contains(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }
}

/// What has been counted so far, one number per tally.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Counts([u32; MAX_TALLIES]);

impl Counts {
    /// The counts after an item that is read with `claim`; `None` when a bound is exceeded, or when the claim says more
    /// than is still needed.
    fn after(mut self, tallies: &[Tally], claim: Claim) -> Option<Self> {
        for (index, (count, tally)) in self.0.iter_mut().zip(tallies).enumerate() {
            let added = match tally {
                Tally::AtLeast(bound) if claim.contains(index) && *count == *bound => return None,
                Tally::AtLeast(_) => claim.contains(index),
                Tally::AllBut(_) => !claim.contains(index),
            };
            *count += u32::from(added);
            if *count > tally.bound() {
                return None;
            }
        }
        Some(self)
    }

    /// Whether a text may end here.
    pub(super) fn is_enough(self, tallies: &[Tally]) -> bool {
        self.0.iter().zip(tallies).all(|(&count, tally)| match tally {
            Tally::AtLeast(bound) => count == *bound,
            Tally::AllBut(_) => true,
        })
    }
}

/// What one item or member may be.
#[derive(Debug, Clone)]
pub(super) struct Place<V> {
    /// Its value, when it is claimed for nothing; `None` when there is no such item or member.
    pub(super) value: Option<V>,
    /// Its value for each claim that it can have.
    pub(super) claims: Vec<(Claim, V)>,
}

impl<V> Place<V> {
    /// The place with other values.
    pub(super) fn map<W>(self, mut change: impl FnMut(V) -> W) -> Place<W> {
        let value = self.value.map(&mut change);
        Place { value, claims: self.claims.into_iter().map(|(claim, value)| (claim, change(value))).collect() }
    }
}

impl<V: Copy> Place<V> {
    /// All values, claimed or not.
    pub(super) fn values(&self) -> impl Iterator<Item = V> + '_ {
        self.value.into_iter().chain(self.claims.iter().map(|&(_, value)| value))
    }

    /// Drops the values that are not wanted.
    pub(super) fn retain(&mut self, wanted: impl Fn(V) -> bool) {
        self.value = self.value.filter(|&value| wanted(value));
        self.claims.retain(|&(_, value)| wanted(value));
    }

    /// How an item at this place may be read after `counts`: its value, and the counts after it.
    pub(super) fn readings<'p>(
        &'p self,
        tallies: &'p [Tally],
        counts: Counts,
    ) -> impl Iterator<Item = (V, Counts)> + 'p {
        let unclaimed = self.value.map(|value| (Claim(0), value));
        let readings = unclaimed.into_iter().chain(self.claims.iter().copied());
        readings.filter_map(move |(claim, value)| Some((value, counts.after(tallies, claim)?)))
    }
}

impl Place<Goal> {
    /// A place that must satisfy `value` and can be claimed for each of `conditions`: the index of the tally, and what
    /// the item must satisfy in addition, if anything. The indices are below [`MAX_TALLIES`].
    pub(super) fn new(value: Option<Goal>, conditions: &[(usize, Option<Literal>)]) -> Self {
        let mut claims = Vec::new();
        for chosen in 1..1u32 << conditions.len() {
            let Some(mut goal) = value.clone() else { break };
            let mut claim = Claim(0);
            for (position, &(index, condition)) in conditions.iter().enumerate() {
                if chosen & (1 << position) != 0 {
                    claim.0 |= 1 << index;
                    goal.extend(condition.filter(|condition| !goal.contains(condition)));
                }
            }
            claims.push((claim, goal));
        }
        Self { value, claims }
    }
}
