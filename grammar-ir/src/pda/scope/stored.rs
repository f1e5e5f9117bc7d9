//! A scope as words, and back without trust.

use super::{CLOSE, Facts, RETURN, Scope, present};
use crate::pda::EdgeMarks;
use crate::words::{Words, push_list, push_option};
use crate::{Element, ElementOrder, ScopeRules, Tally};

/// Tallies whose sums can be so many, times the elements, are not read: whether the rules can still be met is found by
/// looking at all of them.
const MAX_SUMS: u64 = 1 << 16;

impl Scope {
    /// Appends the rules and what was found out from the edges.
    pub(in crate::pda) fn write(&self, words: &mut Vec<u32>) {
        let ScopeRules { elements, required, order, min, max, tallies } = &self.rules;
        words.extend([u32::from(*order == ElementOrder::Slots), u32::from(self.has_traps), *min]);
        push_option(words, *max);
        push_list(
            words,
            3,
            elements.iter().flat_map(|&Element { slot, tallies, distinct }| {
                [u32::from(slot.is_some()), slot.unwrap_or(0), u32::from(tallies) | u32::from(distinct) << 16]
            }),
        );
        push_list(words, 1, required.iter().copied().map(u32::from));
        push_list(
            words,
            3,
            tallies.iter().flat_map(|&Tally { min, max }| [min, u32::from(max.is_some()), max.unwrap_or(0)]),
        );
        words.extend(self.guard_of.iter().zip(&self.part_ends).map(|(&guard, &ends)| guard << 1 | u32::from(ends)));
        words.push(self.guards.len() as u32);
        self.guards.iter().for_each(|guard| push_list(words, 1, guard.iter().copied()));
    }

    /// What [`write`](Self::write) wrote, for a procedure of `states` states from `first_state` on, with edges that have
    /// these marks; `None` where these are no rules, or not for such edges.
    pub(in crate::pda) fn read(
        words: &mut Words<'_>,
        first_state: u32,
        states: usize,
        marks: impl Iterator<Item = EdgeMarks>,
    ) -> Option<Self> {
        let order = if words.take_bool()? { ElementOrder::Slots } else { ElementOrder::Any };
        let has_traps = words.take_bool()?;
        let (min, max) = (words.take()?, words.take_option()?);
        let elements = words.take_list(3)?.chunks_exact(3).map(element).collect::<Option<Box<[_]>>>()?;
        let required = words.take_list(1)?.iter().map(|&word| (word < 2).then_some(word == 1));
        let required = required.collect::<Option<Box<[_]>>>()?;
        let tallies = words.take_list(3)?.chunks_exact(3).map(tally).collect::<Option<Box<[_]>>>()?;
        let rules = ScopeRules { elements, required, order, min, max, tallies };
        if !is_sound(&rules) {
            return None;
        }
        let present = present(marks);
        if present.last().is_some_and(|&last| last as usize >= rules.elements.len()) {
            return None;
        }
        let per_state = (0..states).map(|_| words.take()).collect::<Option<Vec<u32>>>()?;
        let mut guards = Vec::new();
        for _ in 0..words.take()? {
            let guard = words.take_list(1)?;
            let known = |&event: &u32| event == CLOSE || event == RETURN || present.binary_search(&event).is_ok();
            if !guard.iter().all(known) {
                return None;
            }
            guards.push(guard.to_vec());
        }
        let guard_of: Vec<u32> = per_state.iter().map(|word| word >> 1).collect();
        let part_ends = per_state.iter().map(|word| word & 1 == 1).collect();
        // What may return without closing needs no guard.
        let guards_state = |guard: &Vec<u32>| !guard.contains(&RETURN);
        let used = guard_of.iter().filter_map(|guard| guard.checked_sub(1));
        let sound = used.into_iter().all(|guard| guards.get(guard as usize).is_some_and(guards_state));
        sound.then(|| Self::of_facts(rules, &present, first_state, Facts { guard_of, guards, part_ends, has_traps }))
    }
}

fn element(words: &[u32]) -> Option<Element> {
    let &[has_slot, slot, rest] = words else { return None };
    let (tallies, distinct) = (rest as u16, rest >> 16);
    let sound = (has_slot == 1 || (has_slot, slot) == (0, 0)) && distinct < 2;
    sound.then(|| Element { slot: (has_slot == 1).then_some(slot), tallies, distinct: distinct == 1 })
}

fn tally(words: &[u32]) -> Option<Tally> {
    let &[min, has_max, max] = words else { return None };
    let sound = has_max == 1 || (has_max, max) == (0, 0);
    sound.then(|| Tally { min, max: (has_max == 1).then_some(max) })
}

/// What [`verify`](crate::verify()) asks of rules, and that following them takes no more than some time.
fn is_sound(rules: &ScopeRules) -> bool {
    let tallies = rules.tallies.len();
    let element = |element: &Element| {
        element.slot.is_none_or(|slot| (slot as usize) < rules.required.len())
            && u32::from(element.tallies).checked_shr(tallies as u32).unwrap_or(0) == 0
    };
    let sums = rules.tallies.iter().try_fold(rules.elements.len() as u64 + 1, |sums, tally| {
        sums.checked_mul(u64::from(tally.max.unwrap_or(tally.min)) + 1).filter(|&sums| sums <= MAX_SUMS)
    });
    tallies <= ScopeRules::MAX_TALLIES && rules.elements.iter().all(element) && sums.is_some()
}
