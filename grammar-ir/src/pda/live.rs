//! Dead ends of procedures that count the edges of an automaton: states that cannot be completed with every count.

use super::determinize::{Edge, Machine};
use super::minimize::trim;
use crate::counting::CountedEdge;
use crate::{Budget, Counter, LimitError, LiveCounts};

/// The live counts of the states of `machine`. States that differ in them have different languages of edges, so merging
/// equal states has kept them apart.
pub(super) fn live_counts(
    machine: &Machine,
    counter: Counter,
    budget: &mut Budget<'_>,
) -> Result<LiveCounts, LimitError> {
    LiveCounts::of(counter, &machine.accepting, counted_edges(machine), budget)
}

/// Drops the edges that no word takes, whatever its count when it gets there; all of them if there is no word.
pub(super) fn prune(machine: Machine, counter: Counter, budget: &mut Budget<'_>) -> Result<Machine, LimitError> {
    let live = live_counts(&machine, counter, budget)?;
    let deterministic = machine.deterministic;
    if !live.contains(0, 0) {
        let mut empty = Machine { deterministic, ..Machine::default() };
        empty.push_state(false, []);
        return Ok(empty);
    }
    if counted_edges(&machine).all(|edge| live.admits(counter, edge)) {
        return Ok(machine);
    }
    let mut pruned = Machine { deterministic, ..Machine::default() };
    for state in 0..machine.len() {
        let kept = machine.edges(state).iter().filter(|edge| live.admits(counter, counted_edge(state, edge)));
        pruned.push_state(machine.accepting[state], kept.copied());
    }
    Ok(trim(pruned))
}

fn counted_edges(machine: &Machine) -> impl Iterator<Item = CountedEdge> {
    (0..machine.len()).flat_map(|state| machine.edges(state).iter().map(move |edge| counted_edge(state, edge)))
}

fn counted_edge(source: usize, edge: &Edge) -> CountedEdge {
    CountedEdge { source: source as u32, counts: edge.counts, target: edge.target }
}
