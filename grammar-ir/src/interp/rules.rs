//! What the rules of a scope allow, by search.
//!
//! Nothing is worked out but the definition: a selection is possible if it breaks no rule at once and some sequence of
//! further selections leads to where all rules are met. The search does not tell slots apart whose elements would do the
//! same, so that objects with many optional members stay within reach.

use super::search::Known;
use crate::{Element, ElementOrder, ScopeRules};

/// What has been selected in a scope, as far as its future depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Selected {
    /// In any order: the slots of which an element has been selected, ascending. In the order of slots: how many slots
    /// are behind.
    slots: Vec<u32>,
    total: u32,
    sums: Vec<u32>,
}

/// The rules of one scope.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    rules: ScopeRules,
    /// Per slot: the tallies of its elements that stand in the body.
    slots: Vec<Vec<u16>>,
    /// The tallies of the elements without a slot that stand in the body.
    slotless: Vec<u16>,
    /// In any order: what slots differ in, required ones first, and which of these each slot is.
    kinds: Vec<(bool, Vec<u16>)>,
    kind_of: Vec<usize>,
    known: Known<Left>,
}

/// What can still be selected.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Left {
    /// In any order: per kind, the slots left. In the order of slots: how many slots are behind.
    slots: Vec<u32>,
    total: u32,
    sums: Vec<u32>,
}

impl Rules {
    /// The rules, where the body has the elements `present`.
    pub(super) fn new(rules: &ScopeRules, present: &[u32]) -> Self {
        let mut slots = vec![Vec::new(); rules.required.len()];
        let mut slotless = Vec::new();
        for &element in present {
            if let Some(&Element { slot, tallies, .. }) = rules.elements.get(element as usize) {
                match slot {
                    Some(slot) => slots.get_mut(slot as usize).into_iter().for_each(|ways| ways.push(tallies)),
                    None => slotless.push(tallies),
                }
            }
        }
        for ways in slots.iter_mut().chain([&mut slotless]) {
            ways.sort_unstable();
            ways.dedup();
        }
        let of_slot = |slot: usize| (rules.required[slot], slots[slot].clone());
        let mut kinds: Vec<(bool, Vec<u16>)> = (0..slots.len()).map(of_slot).collect();
        kinds.sort_unstable_by(|a, b| b.cmp(a));
        kinds.dedup();
        let kind_of = (0..slots.len()).map(|slot| kinds.partition_point(|kind| *kind > of_slot(slot))).collect();
        Self { rules: rules.clone(), slots, slotless, kinds, kind_of, known: Known::default() }
    }

    /// Nothing selected.
    pub(super) fn start(&self) -> Selected {
        let slots = match self.rules.order {
            ElementOrder::Any => Vec::new(),
            ElementOrder::Slots => vec![0],
        };
        Selected { slots, total: 0, sums: vec![0; self.rules.tallies.len()] }
    }

    /// Whether texts of `element` are compared.
    pub(super) fn is_distinct(&self, element: u32) -> bool {
        self.rules.elements.get(element as usize).is_some_and(|element| element.distinct)
    }

    /// What is selected with `element` after `selected`, if that is possible.
    pub(super) fn select(&mut self, selected: &Selected, element: u32) -> Option<Selected> {
        let &Element { slot, tallies, .. } = self.rules.elements.get(element as usize)?;
        let mut slots = selected.slots.clone();
        match (self.rules.order, slot) {
            (ElementOrder::Any, None) => {}
            (ElementOrder::Any, Some(slot)) => {
                let place = slots.binary_search(&slot).err()?;
                slots.insert(place, slot);
            }
            (ElementOrder::Slots, slot) => slots[0] = self.slots_behind(slots[0], slot)?,
        }
        let total = one_more(selected.total, self.rules.min, self.rules.max)?;
        let sums = self.sums_with(&selected.sums, tallies)?;
        let selected = Selected { slots, total, sums };
        self.can_be_met(&selected).then_some(selected)
    }

    /// Whether the scope may close.
    pub(super) fn are_met(&self, selected: &Selected) -> bool {
        let required = self.rules.required.iter().enumerate().filter(|(_, required)| **required);
        let mut slots = required.map(|(slot, _)| slot as u32);
        let selected_slots = match self.rules.order {
            ElementOrder::Any => slots.all(|slot| selected.slots.binary_search(&slot).is_ok()),
            ElementOrder::Slots => slots.all(|slot| slot < selected.slots[0]),
        };
        selected_slots && self.bounds_are_met(selected.total, &selected.sums)
    }

    /// Whether some sequence of selections leads to where the scope may close.
    pub(super) fn can_be_met(&mut self, selected: &Selected) -> bool {
        let slots = match self.rules.order {
            ElementOrder::Slots => selected.slots.clone(),
            ElementOrder::Any => {
                let mut left = vec![0; self.kinds.len()];
                let unused = |slot: &usize| selected.slots.binary_search(&(*slot as u32)).is_err();
                (0..self.slots.len()).filter(unused).for_each(|slot| left[self.kind_of[slot]] += 1);
                left
            }
        };
        let left = Left { slots, total: selected.total, sums: selected.sums.clone() };
        let mut known = std::mem::take(&mut self.known);
        let reaches = known.reaches(left, |left| (!self.is_end(left)).then(|| self.after(left)));
        self.known = known;
        reaches
    }

    fn is_end(&self, left: &Left) -> bool {
        let required_left = match self.rules.order {
            ElementOrder::Any => self.kinds.iter().zip(&left.slots).any(|((required, _), left)| *required && *left > 0),
            ElementOrder::Slots => self.rules.required[left.slots[0] as usize..].contains(&true),
        };
        !required_left && self.bounds_are_met(left.total, &left.sums)
    }

    /// What one more selection leaves.
    fn after(&self, left: &Left) -> Vec<Left> {
        let mut choices: Vec<(Vec<u32>, &[u16])> = Vec::new();
        match self.rules.order {
            ElementOrder::Any => {
                for (kind, (_, ways)) in self.kinds.iter().enumerate().filter(|(kind, _)| left.slots[*kind] > 0) {
                    let mut slots = left.slots.clone();
                    slots[kind] -= 1;
                    choices.push((slots, ways));
                }
                choices.push((left.slots.clone(), &self.slotless));
            }
            ElementOrder::Slots => {
                let behind = |slot| self.slots_behind(left.slots[0], slot).map(|behind| vec![behind]);
                for (slot, ways) in self.slots.iter().enumerate() {
                    choices.extend(behind(Some(slot as u32)).map(|behind| (behind, ways.as_slice())));
                }
                choices.extend(behind(None).map(|behind| (behind, self.slotless.as_slice())));
            }
        }
        let mut after = Vec::new();
        for (slots, ways) in choices {
            let sums = ways.iter().filter_map(|&tallies| self.sums_with(&left.sums, tallies));
            if let Some(total) = one_more(left.total, self.rules.min, self.rules.max) {
                after.extend(sums.map(|sums| Left { slots: slots.clone(), total, sums }));
            }
        }
        after
    }

    /// How many slots are behind after one of `slot` is selected, or one of an element without a slot, in the order of
    /// slots where `behind` are behind before.
    fn slots_behind(&self, behind: u32, slot: Option<u32>) -> Option<u32> {
        let slot_count = self.slots.len() as u32;
        let place = slot.unwrap_or(slot_count);
        let skipped = self.rules.required.get(behind as usize..place as usize)?;
        (!skipped.contains(&true)).then_some(place.saturating_add(1).min(slot_count))
    }

    fn sums_with(&self, sums: &[u32], tallies: u16) -> Option<Vec<u32>> {
        let bounds = self.rules.tallies.iter().zip(sums).enumerate();
        let sums_after = bounds.map(|(index, (tally, &sum))| match tallies.checked_shr(index as u32) {
            Some(bits) if bits & 1 == 1 => one_more(sum, tally.min, tally.max),
            _ => Some(sum),
        });
        sums_after.collect()
    }

    fn bounds_are_met(&self, total: u32, sums: &[u32]) -> bool {
        total >= self.rules.min && self.rules.tallies.iter().zip(sums).all(|(tally, &sum)| sum >= tally.min)
    }
}

/// The number after `count`, which is not told apart from others once nothing depends on it; `None` over the maximum.
fn one_more(count: u32, min: u32, max: Option<u32>) -> Option<u32> {
    match max {
        Some(max) => (count < max).then(|| count + 1),
        None => Some(count.saturating_add(1).min(min)),
    }
}
