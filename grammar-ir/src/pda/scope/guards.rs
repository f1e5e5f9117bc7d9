//! What can come first in the states of a scope's procedure: selections, closing, and returning.

use rustc_hash::FxHashMap;

use super::{CLOSE, RETURN};
use crate::pda::EdgeMarks;
use crate::pda::determinize::{KernelLists, Machine};
use crate::pda::graph::Graph;
use crate::pda::nfa::{Label, Nfa};

/// Per state the number of its guard, plus one, or 0 where it needs none; and the guards: what can come first among
/// selections, closing, and returning. A state from which everything that is possible at all can come first needs none,
/// as registers that can still meet the rules allow one of these. That is closing, and `elements` different selections.
///
/// `nfa` is what `machine` was made from, if that is known; then it has not the empty word.
pub(super) fn guards(machine: &Machine, nfa: Option<&Nfa>, elements: usize) -> (Vec<u32>, Vec<Vec<u32>>) {
    let mut sets = EventSets::new();
    let set_of = match (nfa, &machine.kernels) {
        (Some(nfa), Some(kernels)) => {
            let set_of = of_kernels(nfa, kernels, machine.len(), &mut sets);
            debug_assert_eq!(set_of, of_machine(machine, &mut sets), "kernels tell what edges tell");
            set_of
        }
        _ => of_machine(machine, &mut sets),
    };
    let needless =
        |events: &[u32]| events.contains(&RETURN) || (events.last() == Some(&CLOSE) && events.len() == elements + 1);
    let mut guard_of_set: Vec<Option<u32>> = vec![None; sets.lists.len()];
    let mut guards: Vec<Vec<u32>> = Vec::new();
    let guard_of = set_of.into_iter().map(|set| {
        *guard_of_set[set as usize].get_or_insert_with(|| {
            let events = &sets.lists[set as usize];
            if needless(events) {
                return 0;
            }
            guards.push(events.clone());
            guards.len() as u32
        })
    });
    (guard_of.collect(), guards)
}

/// Sets of events, ascending lists, by number.
struct EventSets {
    lists: Vec<Vec<u32>>,
    numbers: FxHashMap<Vec<u32>, u32>,
}

/// The number of the empty set.
const EMPTY: u32 = 0;

impl EventSets {
    fn new() -> Self {
        Self { lists: vec![Vec::new()], numbers: FxHashMap::from_iter([(Vec::new(), EMPTY)]) }
    }

    /// The number of the union of `sets` with `events`, which are sorted here.
    fn union(&mut self, sets: impl Iterator<Item = u32>, events: &mut Vec<u32>) -> u32 {
        sets.for_each(|set| events.extend_from_slice(&self.lists[set as usize]));
        events.sort_unstable();
        events.dedup();
        if let Some(&number) = self.numbers.get(events) {
            return number;
        }
        let number = self.lists.len() as u32;
        self.lists.push(events.clone());
        self.numbers.insert(events.clone(), number);
        number
    }
}

fn first_event(marks: EdgeMarks) -> Option<u32> {
    marks.selected().or(marks.closes().then_some(CLOSE))
}

/// Per state of `machine`: the set of what can come first.
fn of_machine(machine: &Machine, sets: &mut EventSets) -> Vec<u32> {
    let mut graph = Graph::default();
    for state in 0..machine.len() {
        let unmarked = machine.edges(state).iter().filter(|edge| first_event(edge.marks).is_none());
        graph.push(unmarked.map(|edge| edge.target));
    }
    by_components(&graph, sets, |state, events| {
        events.extend(machine.accepting[state as usize].then_some(RETURN));
        events.extend(machine.edges(state as usize).iter().filter_map(|edge| first_event(edge.marks)));
    })
}

/// The same for the machine of `nfa` whose states stand for `kernels`: what can come first after any of these. From a state
/// of an embedded automaton that is what can come first after the automaton, and most states are of this kind.
fn of_kernels(nfa: &Nfa, kernels: &KernelLists, states: usize, sets: &mut EventSets) -> Vec<u32> {
    let outer: Vec<u32> = nfa.outer_states().collect();
    let event = |label| match label {
        Label::Select(element) => Some(element),
        Label::Close => Some(CLOSE),
        _ => None,
    };
    let mut graph = Graph::default();
    for &state in &outer {
        let unmarked = nfa.edges(state).filter(|&(label, _)| event(label).is_none());
        graph.push(unmarked.map(|(_, target)| nfa.outer(target)));
    }
    let set_of = by_components(&graph, sets, |number, events| {
        let state = outer[number as usize];
        events.extend((state == nfa.finish).then_some(RETURN));
        events.extend(nfa.edges(state).filter_map(|(label, _)| event(label)));
    });
    let set_of = nfa.spread(&set_of);
    let mut events: Vec<u32> = Vec::new();
    let ahead = |&state: &u32| set_of[state as usize];
    let of_kernel = |kernel: &[u32]| {
        let first = ahead(&kernel[0]);
        if kernel.iter().all(|state| ahead(state) == first) {
            return first;
        }
        events.clear();
        sets.union(kernel.iter().map(ahead), &mut events)
    };
    (0..states).map(|state| kernels.get(state)).map(of_kernel).collect()
}

/// Per node of `graph`: the set of its own events and of those of all nodes ahead.
fn by_components(graph: &Graph, sets: &mut EventSets, own: impl Fn(u32, &mut Vec<u32>)) -> Vec<u32> {
    let mut set_of = vec![EMPTY; graph.len()];
    let mut ahead: Vec<u32> = Vec::new();
    let mut events: Vec<u32> = Vec::new();
    for component in graph.components().iter() {
        ahead.clear();
        events.clear();
        for &node in component {
            own(node, &mut events);
            ahead.extend(graph.successors(node).iter().map(|&target| set_of[target as usize]));
        }
        ahead.sort_unstable();
        ahead.dedup();
        let set = match ahead.as_slice() {
            // From most nodes nothing new can come first.
            [EMPTY, set] | [set] if events.is_empty() => *set,
            _ => sets.union(ahead.iter().copied(), &mut events),
        };
        component.iter().for_each(|&node| set_of[node as usize] = set);
    }
    set_of
}
