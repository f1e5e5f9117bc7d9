//! The registers of a scope: what has been selected, and whether the rules can still be met.
//!
//! A scope's registers are a slice of words: the number of selections; for scopes in any order how many required and
//! optional slots have been selected, for scopes in the order of slots how far selection has come; the sums of the
//! tallies; and in any order one bit per slot. All zero at the beginning. Numbers are kept only as far as they matter, so
//! that configurations with the same future are equal.
//!
//! Whether the rules can still be met ([`Scope::is_completable`]) supposes that the body of the scope allows the elements
//! it has not selected yet in any sequence that the rules allow, until it closes.

mod guards;
mod stored;

use rustc_hash::{FxHashMap, FxHashSet};

use super::determinize::{Machine, Symbol};
use super::graph::Graph;
use super::nfa::Nfa;
use crate::{Element, ElementOrder, ScopeRules};

/// A scope's rules, made ready to be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    rules: ScopeRules,
    has_distinct: bool,
    has_traps: bool,
    /// Whether an element without a slot can be selected.
    has_repeatable: bool,
    /// Whether some required slot has no element.
    is_impossible: bool,
    /// Per slot, and one more: the numbers of required and of optional slots before it.
    before: Vec<(u32, u32)>,
    /// Per slot: its elements.
    slots: Vec<Vec<u32>>,
    /// The elements without a slot.
    repeatable: Vec<u32>,
    first_state: u32,
    /// Per state: its guard, plus one, or 0.
    guard_of: Vec<u32>,
    guards: Vec<Vec<u32>>,
    /// Per state: whether a distinct part has ended there.
    part_ends: Vec<bool>,
    /// Per guard: whether the scope cannot close and a distinct element can be selected.
    wants_part: Vec<bool>,
}

/// In a guard: the scope may close. Other entries are elements.
const CLOSE: u32 = u32::MAX;
/// In a guard: the procedure may return without closing.
const RETURN: u32 = u32::MAX - 1;

/// What is found out from the edges of a scope's procedure.
struct Facts {
    guard_of: Vec<u32>,
    guards: Vec<Vec<u32>>,
    part_ends: Vec<bool>,
    has_traps: bool,
}

const COUNT: usize = 0;
/// In any order: how many required slots have been selected.
const REQUIRED: usize = 1;
/// In any order: how many optional slots have been selected.
const OPTIONAL: usize = 2;
/// In the order of slots: the first slot that can still be selected.
const NEXT: usize = 1;
const TALLIES: usize = 3;

impl Scope {
    /// The rules, for the procedure of `machine`, whose states are numbered from `first_state`. It was made from `nfa`, if
    /// that is given, and has not the empty word then.
    pub(super) fn new(rules: ScopeRules, machine: &Machine, nfa: Option<&Nfa>, first_state: u32) -> Self {
        let present = present(machine.edges.iter().map(|edge| edge.marks));
        let (guard_of, guards) = guards::guards(machine, nfa, present.len());
        let part_ends = part_ends(machine, &rules);
        let compares = present.iter().any(|&index| rules.elements[index as usize].distinct);
        let facts = Facts { guard_of, guards, part_ends, has_traps: compares && has_traps(machine) };
        Self::of_facts(rules, &present, first_state, facts)
    }

    /// The rules, for a procedure whose edges select the elements `present`.
    fn of_facts(rules: ScopeRules, present: &[u32], first_state: u32, facts: Facts) -> Self {
        let Facts { guard_of, guards, part_ends, has_traps } = facts;
        let mut slots = vec![Vec::new(); rules.required.len()];
        let mut repeatable = Vec::new();
        for &index in present {
            match rules.elements[index as usize].slot {
                Some(slot) => slots[slot as usize].push(index),
                None => repeatable.push(index),
            }
        }
        let mut before = vec![(0, 0)];
        let mut is_impossible = false;
        for (elements, &required) in slots.iter().zip(&rules.required) {
            let (mut needed, mut optional) = before[before.len() - 1];
            is_impossible |= required && elements.is_empty();
            needed += u32::from(required);
            optional += u32::from(!required && !elements.is_empty());
            before.push((needed, optional));
        }
        let has_distinct = present.iter().any(|&index| rules.elements[index as usize].distinct);
        Self {
            has_distinct,
            has_traps: has_distinct && has_traps,
            part_ends,
            wants_part: guards
                .iter()
                .map(|events| {
                    let distinct = |&event: &u32| event < RETURN && rules.elements[event as usize].distinct;
                    events.iter().all(|&event| event < RETURN) && events.iter().any(distinct)
                })
                .collect(),
            has_repeatable: !repeatable.is_empty(),
            is_impossible,
            before,
            slots,
            repeatable,
            first_state,
            guard_of,
            guards,
            rules,
        }
    }

    /// The rules.
    pub fn rules(&self) -> &ScopeRules {
        &self.rules
    }

    /// Whether texts are compared.
    pub fn has_distinct(&self) -> bool {
        self.has_distinct
    }

    /// Whether a part that must be distinct could be begun in a way that leaves only values that have been seen. Where
    /// there is always a loop ahead, there is always a new value.
    pub fn has_traps(&self) -> bool {
        self.has_traps
    }

    /// The number of registers.
    #[inline]
    pub fn register_count(&self) -> usize {
        let bits = match self.rules.order {
            ElementOrder::Any => self.slots.len().div_ceil(32),
            ElementOrder::Slots => 0,
        };
        TALLIES + self.rules.tallies.len() + bits
    }

    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + std::mem::size_of_val(&*self.rules.elements)
            + self.before.len() * size_of::<(u32, u32)>()
            + self.slots.iter().chain(&self.guards).map(|list| size_of_val(list) + size_of_val(&**list)).sum::<usize>()
            + self.guard_of.len() * (size_of::<u32>() + size_of::<bool>())
    }

    /// Selects `element`: changes `registers` and answers whether that is possible and the rules can still be met.
    pub fn select(&self, element: u32, registers: &mut [u32]) -> bool {
        let Element { slot, tallies, .. } = self.rules.elements[element as usize];
        match (self.rules.order, slot) {
            (ElementOrder::Any, Some(slot)) => {
                let bits = TALLIES + self.rules.tallies.len();
                let (word, bit) = (&mut registers[bits + slot as usize / 32], 1 << (slot % 32));
                if *word & bit != 0 {
                    return false;
                }
                *word |= bit;
                let required = self.rules.required[slot as usize];
                registers[if required { REQUIRED } else { OPTIONAL }] += 1;
            }
            (ElementOrder::Any, None) => {}
            (ElementOrder::Slots, slot) => {
                let (next, slot) = (registers[NEXT] as usize, slot.map_or(self.slots.len(), |slot| slot as usize));
                if slot < next || self.before[slot].0 != self.before[next].0 {
                    return false;
                }
                registers[NEXT] = (slot + 1).min(self.slots.len()) as u32;
            }
        }
        for (index, tally) in self.rules.tallies.iter().enumerate() {
            if tallies >> index & 1 == 1 && !add(&mut registers[TALLIES + index], tally.min, tally.max) {
                return false;
            }
        }
        add(&mut registers[COUNT], self.rules.min, self.rules.max) && self.is_completable(registers)
    }

    /// Whether enough has been selected for the scope to close.
    pub fn may_close(&self, registers: &[u32]) -> bool {
        let (required, _) = self.left(registers);
        required == 0
            && !self.is_impossible
            && registers[COUNT] >= self.rules.min
            && self.rules.tallies.iter().zip(&registers[TALLIES..]).all(|(tally, &sum)| sum >= tally.min)
    }

    /// Whether a state of the procedure can be left in a way that the rules allow. `scratch` is overwritten.
    pub fn is_alive(&self, state: u32, registers: &[u32], scratch: &mut Vec<u32>) -> bool {
        self.guard_of(state).is_none_or(|guard| self.lets_pass(guard, registers, scratch))
    }

    /// The number of the guard of `state`, if it has one: states with the same guard are alive with the same registers.
    #[inline]
    pub fn guard_of(&self, state: u32) -> Option<u32> {
        self.guard_of[(state - self.first_state) as usize].checked_sub(1)
    }

    /// The elements that can come first from `state` on, beside closing the scope or returning; `None` where that is all that are
    /// possible at all, or where the procedure may return before any.
    pub fn first_events(&self, state: u32) -> Option<&[u32]> {
        let events = &self.guards[self.guard_of(state)? as usize];
        Some(&events[..events.partition_point(|&event| event < RETURN)])
    }

    /// Whether an element of `slot` has been selected, or can be no more.
    pub fn is_selected(&self, slot: u32, registers: &[u32]) -> bool {
        !registers.is_empty() && self.is_behind(slot as usize, registers)
    }

    /// The first of the states of the scope's procedure.
    pub fn first_state(&self) -> u32 {
        self.first_state
    }

    /// Whether the states of a guard are alive.
    pub fn lets_pass(&self, guard: u32, registers: &[u32], scratch: &mut Vec<u32>) -> bool {
        self.guards[guard as usize].iter().any(|&way| {
            if way == CLOSE {
                return self.may_close(registers);
            }
            if let (ElementOrder::Any, Some(slot)) = (self.rules.order, self.rules.elements[way as usize].slot)
                && self.is_behind(slot as usize, registers)
            {
                return false;
            }
            scratch.clear();
            scratch.extend_from_slice(registers);
            self.select(way, scratch)
        })
    }

    /// Whether a state is alive with some registers and not with others.
    pub(super) fn is_guarded(&self, state: u32) -> bool {
        let state = (state - self.first_state) as usize;
        self.guard_of[state] != 0 || self.part_ends[state]
    }

    /// Whether nothing can be done in a state but to select a distinct element by the text that has just ended, so that
    /// it is of no use to come here with a text that has been seen.
    pub fn ends_part(&self, state: u32) -> bool {
        self.part_ends[(state - self.first_state) as usize]
    }

    /// Whether the scope cannot close in a state before something more is selected, and that may be a distinct element.
    pub fn wants_part(&self, state: u32) -> bool {
        self.guard_of[(state - self.first_state) as usize]
            .checked_sub(1)
            .is_some_and(|guard| self.wants_part[guard as usize])
    }

    /// How many required slots must and how many optional ones can still be selected.
    fn left(&self, registers: &[u32]) -> (u32, u32) {
        let all = self.before[self.slots.len()];
        let done = match self.rules.order {
            ElementOrder::Any => (registers[REQUIRED], registers[OPTIONAL]),
            ElementOrder::Slots => self.before[registers[NEXT] as usize],
        };
        (all.0 - done.0, all.1 - done.1)
    }

    /// Whether some sequence of selections leads to where the scope may close.
    pub fn is_completable(&self, registers: &[u32]) -> bool {
        if self.is_impossible {
            return false;
        }
        let count = registers[COUNT];
        let fits = |least: u32, most: u32| {
            self.rules.max.is_none_or(|max| count.saturating_add(least) <= max)
                && count.saturating_add(most) >= self.rules.min
        };
        if !self.rules.tallies.is_empty() {
            let sums = &registers[TALLIES..TALLIES + self.rules.tallies.len()];
            let ways = self.ways(registers, sums);
            let met = |sums: &[u32]| self.rules.tallies.iter().zip(sums).all(|(tally, &sum)| sum >= tally.min);
            return ways.iter().any(|(sums, &(least, most))| met(sums) && fits(least, most));
        }
        let (required, optional) = self.left(registers);
        fits(required, if self.has_repeatable { u32::MAX } else { required + optional })
    }

    /// The sums that further selections can lead to, each with the least and the greatest number of selections.
    fn ways(&self, registers: &[u32], sums: &[u32]) -> FxHashMap<Vec<u32>, (u32, u32)> {
        let mut ways = FxHashMap::from_iter([(sums.to_vec(), (0, 0))]);
        for (slot, elements) in self.slots.iter().enumerate() {
            if self.is_behind(slot, registers) {
                continue;
            }
            let mut next = if self.rules.required[slot] { FxHashMap::default() } else { ways.clone() };
            for (sums, &(least, most)) in &ways {
                for &element in elements {
                    if let Some(sums) = self.sums_after(sums, element) {
                        widen(&mut next, sums, (least + 1, most.saturating_add(1)));
                    }
                }
            }
            ways = next;
        }
        let mut work: Vec<Vec<u32>> = ways.keys().cloned().collect();
        let mut queued: FxHashSet<Vec<u32>> = work.iter().cloned().collect();
        while let Some(from) = work.pop() {
            queued.remove(&from);
            let (least, most) = ways[&from];
            for &element in &self.repeatable {
                let Some(sums) = self.sums_after(&from, element) else { continue };
                // What leaves the sums as they are can be selected any number of times.
                let most = if sums == from { u32::MAX } else { most.saturating_add(1) };
                if widen(&mut ways, sums.clone(), (least.saturating_add(1), most)) && queued.insert(sums.clone()) {
                    work.push(sums);
                }
            }
        }
        ways
    }

    fn is_behind(&self, slot: usize, registers: &[u32]) -> bool {
        match self.rules.order {
            ElementOrder::Any => {
                let bits = TALLIES + self.rules.tallies.len();
                registers[bits + slot / 32] >> (slot % 32) & 1 == 1
            }
            ElementOrder::Slots => slot < registers[NEXT] as usize,
        }
    }

    fn sums_after(&self, sums: &[u32], element: u32) -> Option<Vec<u32>> {
        let mut sums = sums.to_vec();
        let tallies = self.rules.elements[element as usize].tallies;
        for (index, tally) in self.rules.tallies.iter().enumerate() {
            if tallies >> index & 1 == 1 && !add(&mut sums[index], tally.min, tally.max) {
                return None;
            }
        }
        Some(sums)
    }
}

/// Adds one to a number that matters up to its bounds; false when it is over them.
fn add(number: &mut u32, min: u32, max: Option<u32>) -> bool {
    match max {
        Some(max) if *number >= max => return false,
        Some(_) => *number += 1,
        None => *number = (*number + 1).min(min),
    }
    true
}

/// Makes the entry of `sums` hold `range`, too; whether that changed it.
fn widen(ways: &mut FxHashMap<Vec<u32>, (u32, u32)>, sums: Vec<u32>, range: (u32, u32)) -> bool {
    match ways.entry(sums) {
        std::collections::hash_map::Entry::Vacant(entry) => {
            entry.insert(range);
            true
        }
        std::collections::hash_map::Entry::Occupied(mut entry) => {
            let known = *entry.get();
            let wider = (known.0.min(range.0), known.1.max(range.1));
            entry.insert(wider);
            wider != known
        }
    }
}

/// The elements that edges with these marks select, ascending.
fn present(marks: impl Iterator<Item = super::EdgeMarks>) -> Vec<u32> {
    let mut present: Vec<u32> = marks.filter_map(super::EdgeMarks::selected).collect();
    present.sort_unstable();
    present.dedup();
    present
}

/// Per state: whether all edges select distinct elements, so that a distinct part has ended there.
fn part_ends(machine: &Machine, rules: &ScopeRules) -> Vec<bool> {
    let selects_distinct =
        |marks: super::EdgeMarks| marks.selected().is_some_and(|element| rules.elements[element as usize].distinct);
    (0..machine.len())
        .map(|state| {
            let edges = machine.edges(state);
            !edges.is_empty() && !machine.accepting[state] && edges.iter().all(|edge| selects_distinct(edge.marks))
        })
        .collect()
}

/// How often [`self_loops_ahead`] goes through the states.
const SWEEPS: usize = 6;

/// Whether going around a loop with such an edge, again and again, comes to values that have not been read, in a part that is not
/// a string alone: blanks are no part of a value, and digits may be zeros that change nothing.
fn makes_values_differ(symbol: Symbol) -> bool {
    let changes_nothing = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'0'..=b'9' | b'+' | b'-' | b'.');
    match symbol {
        Symbol::Bytes { low, high } => (low..=high).any(|byte| !changes_nothing(byte)),
        Symbol::Call(_) | Symbol::Token(_) => false,
    }
}

/// Whether each of `states`, the ones inside marked parts, has ahead of it in its part a state that some byte of which `counts` is
/// true leads to itself, or has nothing ahead there. That is mostly so, as strings go on with any character, and it is seen without
/// looking for loops of several states.
fn self_loops_ahead(machine: &Machine, states: &[u32], counts: impl Fn(Symbol) -> bool) -> bool {
    let mut loops_ahead = vec![false; machine.len()];
    let inner = |state: u32| machine.edges(state as usize).iter().filter(|edge| edge.marks.is_none());
    let mut missing: Vec<u32> = states.iter().copied().filter(|&state| inner(state).next().is_some()).collect();
    missing.sort_unstable();
    for _ in 0..SWEEPS {
        missing = missing.into_iter().rev().collect();
        missing.retain(|&state| {
            let found = inner(state)
                .any(|edge| loops_ahead[edge.target as usize] || edge.target == state && counts(edge.symbol));
            loops_ahead[state as usize] = found;
            !found
        });
    }
    missing.is_empty()
}

/// Whether some state inside a marked part has no loop ahead in the part, or it is not plain that a loop makes values
/// different: parts with calls are not looked into, loops in a number may add zeros, and blanks are not compared. Nor have parts
/// of one byte a loop ahead.
fn has_traps(machine: &Machine) -> bool {
    let mut inside = vec![false; machine.len()];
    // The states inside, as they are met.
    let mut order: Vec<u32> = Vec::with_capacity(machine.len());
    let mut meet = |state: u32, order: &mut Vec<u32>| {
        if !std::mem::replace(&mut inside[state as usize], true) {
            order.push(state);
        }
    };
    let mut are_strings = true;
    for edge in machine.edges.iter().filter(|edge| edge.marks.begins()) {
        match edge.symbol {
            // The way to a part of one byte is on before the part begins.
            _ if machine.edges(edge.target as usize).iter().all(|next| !next.marks.is_none()) => return true,
            Symbol::Bytes { low, high } if low > b'9' || high < b'-' => meet(edge.target, &mut order),
            _ => return true,
        }
        are_strings &= edge.symbol == Symbol::Bytes { low: b'"', high: b'"' };
    }
    let counts = |symbol: Symbol| are_strings || makes_values_differ(symbol);
    let mut next = 0;
    while let Some(&state) = order.get(next) {
        for edge in machine.edges(state as usize).iter().filter(|edge| edge.marks.is_none()) {
            match edge.symbol {
                Symbol::Bytes { .. } => meet(edge.target, &mut order),
                Symbol::Call(_) | Symbol::Token(_) => return true,
            }
        }
        next += 1;
    }
    if self_loops_ahead(machine, &order, counts) {
        return false;
    }
    let mut graph = Graph::default();
    for (state, &inside) in inside.iter().enumerate() {
        let own = machine.edges(state).iter().filter(|edge| inside && edge.marks.is_none());
        graph.push(own.map(|edge| edge.target));
    }
    let mut loops_ahead = vec![false; machine.len()];
    let mut component_of = vec![u32::MAX; machine.len()];
    for (number, component) in graph.components().iter().enumerate() {
        component.iter().for_each(|&state| component_of[state as usize] = number as u32);
        let ahead = component.iter().filter(|&&state| inside[state as usize]).any(|&state| {
            machine.edges(state as usize).iter().filter(|edge| edge.marks.is_none()).any(|edge| {
                let target = edge.target as usize;
                loops_ahead[target] || component_of[target] == number as u32 && counts(edge.symbol)
            })
        });
        component.iter().for_each(|&state| loops_ahead[state as usize] = ahead);
    }
    // A part that has ended needs no loop: whether it is new is asked on the way there.
    order.into_iter().any(|state| !loops_ahead[state as usize] && !graph.successors(state).is_empty())
}
