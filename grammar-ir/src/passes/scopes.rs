//! Whether the rules of a scope can be met at all.

use rustc_hash::FxHashSet;

use crate::{Budget, Element, LimitError, ScopeRules};

/// How much is selected in all, and of each tally. What has no maximum is counted up to its minimum only.
type Sums = Vec<u32>;

/// Whether some sequence of selections of the elements `present` lets a scope with these rules close.
///
/// A selection that is neither of a required slot nor one of too few of anything can be left out, so the search is as
/// large as the minimums, and not as the maximums.
pub(super) fn can_be_met(rules: &ScopeRules, present: &[u32], budget: &mut Budget<'_>) -> Result<bool, LimitError> {
    let elements = present.iter().filter_map(|&element| rules.elements.get(element as usize));
    let mut slots: Vec<Vec<u16>> = vec![Vec::new(); rules.required.len()];
    let mut slotless: Vec<u16> = Vec::new();
    for &Element { slot, tallies, .. } in elements {
        match slot {
            Some(slot) => slots.get_mut(slot as usize).into_iter().for_each(|ways| ways.push(tallies)),
            None => slotless.push(tallies),
        }
    }
    let required = || rules.required.iter().zip(&slots).filter(|(required, _)| **required).map(|(_, ways)| ways);
    let optional = || rules.required.iter().zip(&slots).filter(|(required, _)| !**required).map(|(_, ways)| ways);
    if required().any(|ways| ways.is_empty()) {
        return Ok(false);
    }
    if rules.tallies.is_empty() {
        let (least, more) = (required().count(), optional().filter(|ways| !ways.is_empty()).count());
        let (min, max) = (rules.min as usize, rules.max.map_or(usize::MAX, |max| max as usize));
        return Ok(min <= max && least <= max && (!slotless.is_empty() || min <= least + more));
    }
    let bounds = Bounds::of(rules);
    let mut reached: FxHashSet<Sums> = FxHashSet::from_iter([vec![0; bounds.0.len()]]);
    for (ways, is_required) in required().map(|ways| (ways, true)).chain(optional().map(|ways| (ways, false))) {
        let mut next = if is_required { FxHashSet::default() } else { reached.clone() };
        for sums in &reached {
            for &tallies in ways.iter().filter(|&&tallies| is_required || bounds.wants(sums, tallies)) {
                budget.tick()?;
                next.extend(bounds.after(sums, tallies));
            }
        }
        reached = next;
    }
    let mut agenda: Vec<Sums> = reached.iter().cloned().collect();
    while let Some(sums) = agenda.pop() {
        if bounds.are_met(&sums) {
            return Ok(true);
        }
        for &tallies in slotless.iter().filter(|&&tallies| bounds.wants(&sums, tallies)) {
            budget.tick()?;
            agenda.extend(bounds.after(&sums, tallies).filter(|after| reached.insert(after.clone())));
        }
    }
    Ok(false)
}

/// The bounds on the number of selections, then those of the tallies.
struct Bounds(Vec<(u32, Option<u32>)>);

impl Bounds {
    fn of(rules: &ScopeRules) -> Self {
        let tallies = rules.tallies.iter().map(|tally| (tally.min, tally.max));
        Self(std::iter::once((rules.min, rules.max)).chain(tallies).collect())
    }

    /// Whether a selection with `tallies` adds to the sum with this index.
    fn adds(index: usize, tallies: u16) -> bool {
        index == 0 || tallies >> (index - 1) & 1 == 1
    }

    /// Whether too little is selected of something that a selection with `tallies` adds to.
    fn wants(&self, sums: &Sums, tallies: u16) -> bool {
        let bounds = self.0.iter().zip(sums).enumerate();
        bounds.into_iter().any(|(index, ((min, _), sum))| sum < min && Self::adds(index, tallies))
    }

    /// The sums after such a selection, if no bound is against it.
    fn after(&self, sums: &Sums, tallies: u16) -> Option<Sums> {
        let mut after = sums.clone();
        for (index, ((min, max), sum)) in self.0.iter().zip(&mut after).enumerate() {
            if Self::adds(index, tallies) {
                match max {
                    Some(max) if *sum >= *max => return None,
                    Some(_) => *sum += 1,
                    None => *sum = (*sum + 1).min(*min),
                }
            }
        }
        Some(after)
    }

    fn are_met(&self, sums: &Sums) -> bool {
        self.0.iter().zip(sums).all(|((min, _), sum)| sum >= min)
    }
}
