//! Bounds on how many items or members satisfy something: what `contains` and the complements of the keywords about
//! every item or member come to.
//!
//! Each item is read together with a *claim*: the tallies whose condition it is held to. A text may be read with
//! several claims, and one that meets the bounds is enough, so "at least n" needs no complement of its condition, and
//! "all but n" only that complement.

use rustc_hash::FxHashMap;

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

    /// The bound as a rule of a scope, where [`Claim::tallies`] says what is added up.
    pub(super) fn rule(self) -> grammar_ir::Tally {
        match self {
            Self::AtLeast(count) => grammar_ir::Tally { min: count, max: Some(count) },
            Self::AllBut(count) => grammar_ir::Tally { min: 0, max: Some(count) },
        }
    }
}

/// More tallies than this in one shape are refused: each claim of several has a node of its own.
pub(super) const MAX_TALLIES: usize = 4;

/// More combinations of counts than this are not kept in registers: whether they can still be met is found by going
/// through them.
pub(super) const MAX_REGISTER_COMBINATIONS: usize = 1_000;

/// How many combinations of counts there are.
pub(super) fn combinations(tallies: impl IntoIterator<Item = Tally>) -> usize {
    tallies.into_iter().map(|tally| (tally.bound() as usize).saturating_add(1)).fold(1, usize::saturating_mul)
}

/// A set of tallies, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim(u8);

impl Claim {
    fn contains(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }

    /// The tallies that an item with this claim is added to, as the bits of [`grammar_ir::Element::tallies`].
    pub(super) fn tallies(self, tallies: &[Tally]) -> u16 {
        let is_added = |(index, tally): (usize, &Tally)| match tally {
            Tally::AtLeast(_) => self.contains(index),
            Tally::AllBut(_) => !self.contains(index),
        };
        tallies.iter().enumerate().map(|entry| u16::from(is_added(entry)) << entry.0).sum()
    }
}

/// What has been counted so far, one number per tally.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Counts([u32; MAX_TALLIES]);

impl Counts {
    /// The counts after an item that is read with `claim`; `None` when a bound is exceeded, or when the claim says more
    /// than is still needed.
    pub(super) fn after(mut self, tallies: &[Tally], claim: Claim) -> Option<Self> {
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

    /// How an item at this place may be read: with which claim, and what its value is then.
    pub(super) fn claimed(&self) -> impl Iterator<Item = (Claim, V)> + '_ {
        self.value.map(|value| (Claim(0), value)).into_iter().chain(self.claims.iter().copied())
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
        self.claimed().filter_map(move |(claim, value)| Some((value, counts.after(tallies, claim)?)))
    }
}

/// What can be selected in a container: slots of which each is selected once, and what is selected any number of times.
#[derive(Debug, Default)]
pub(super) struct Selections {
    /// Per slot: whether it is required, and with which claims it can be selected.
    pub(super) slots: Vec<(bool, Vec<Claim>)>,
    /// The claims with which something new can be selected at any time.
    pub(super) unlimited: Vec<Claim>,
}

impl Selections {
    /// Whether some selections, between `min` and `max` in number, have all that is required and meet `tallies`.
    pub(super) fn can_meet(&self, tallies: &[Tally], min: u32, max: Option<u32>) -> bool {
        let fits = |least: u32, most: u32| max.is_none_or(|max| least <= max) && most >= min;
        if tallies.is_empty() {
            let least = self.slots.iter().filter(|slot| slot.0).count() as u32;
            let most = if self.unlimited.is_empty() { self.slots.len() as u32 } else { u32::MAX };
            return self.slots.iter().all(|(required, claims)| !required || !claims.is_empty()) && fits(least, most);
        }
        // The least and the greatest number of selections for each combination of counts.
        let mut ways: FxHashMap<Counts, (u32, u32)> = FxHashMap::from_iter([(Counts::default(), (0, 0))]);
        let improve = |ways: &mut FxHashMap<Counts, (u32, u32)>, counts: Counts, range: (u32, u32)| {
            let known = ways.get(&counts).copied();
            let wider = known.map_or(range, |known| (known.0.min(range.0), known.1.max(range.1)));
            ways.insert(counts, wider);
            known != Some(wider)
        };
        for (required, claims) in &self.slots {
            let mut next = if *required { FxHashMap::default() } else { ways.clone() };
            for (&counts, &(least, most)) in &ways {
                for counts in claims.iter().filter_map(|&claim| counts.after(tallies, claim)) {
                    improve(&mut next, counts, (least + 1, most + 1));
                }
            }
            ways = next;
        }
        let mut work: Vec<Counts> = ways.keys().copied().collect();
        while let Some(from) = work.pop() {
            let (least, most) = ways[&from];
            for counts in self.unlimited.iter().filter_map(|&claim| from.after(tallies, claim)) {
                let most = if counts == from { u32::MAX } else { most.saturating_add(1) };
                if improve(&mut ways, counts, (least.saturating_add(1), most)) {
                    work.push(counts);
                }
            }
        }
        ways.into_iter().any(|(counts, (least, most))| counts.is_enough(tallies) && fits(least, most))
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
