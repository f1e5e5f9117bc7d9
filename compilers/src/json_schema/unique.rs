//! `uniqueItems`, where the items have few values.

use serde_json::Value;

use super::ast::Type;
use super::evaluate::is_equal;
use super::normal::{ArrayShape, Context, Node, NodeId};
use super::tally::Place;

/// More transitions than this between sets of seen items are refused.
const MAX_TRANSITIONS: usize = 40_000;
/// More positions than this are not compared pair by pair.
const MAX_POSITIONS: usize = 64;

/// Settles `uniqueItems` on every array: it cannot be violated, or the items are listed, or it is refused.
pub(super) fn settle(nodes: &mut [Node], context: &mut Context<'_>) {
    for index in 0..nodes.len() {
        for shape in 0..nodes[index].arrays.len() {
            let array = &nodes[index].arrays[shape];
            let Some(schema) = array.unique else { continue };
            let positions = positions(array, nodes);
            let distinct =
                if always_differ(&positions, nodes) { Some(Vec::new()) } else { listed(array, &positions.0, nodes) };
            match distinct {
                Some(distinct) => nodes[index].arrays[shape].distinct = distinct,
                None => {
                    let reason = "equal items can be excluded only where the items have few values (about ten), as \
                                  with `enum`, or differ in type";
                    context.refusals.unsupported(&context.ast.get(schema).pointer, "uniqueItems", reason);
                }
            }
        }
    }
}

/// The nodes of the positions that an array can have, and whether the last one is repeated.
fn positions(array: &ArrayShape<NodeId>, nodes: &[Node]) -> (Vec<NodeId>, bool) {
    let max = array.max.map_or(usize::MAX, |max| max as usize);
    let inhabited = |place: &Place<NodeId>| {
        place.value.filter(|node| Type::ALL.into_iter().any(|kind| nodes[node.index()].has(kind)))
    };
    let mut list: Vec<NodeId> = array.prefix.iter().take(max).map_while(inhabited).collect();
    let rest = inhabited(&array.rest).filter(|_| list.len() == array.prefix.len() && list.len() < max);
    list.extend(rest);
    (list, rest.is_some() && array.prefix.len() + 1 < max)
}

/// Whether no two items can be equal because of their types.
fn always_differ((positions, repeats): &(Vec<NodeId>, bool), nodes: &[Node]) -> bool {
    let disjoint = |left: &NodeId, right: &NodeId| {
        let (left, right) = (&nodes[left.index()], &nodes[right.index()]);
        !Type::ALL.into_iter().any(|kind| left.has(kind) && right.has(kind))
    };
    !repeats
        && positions.len() <= MAX_POSITIONS
        && positions
            .iter()
            .enumerate()
            .all(|(index, left)| positions[index + 1..].iter().all(|right| disjoint(left, right)))
}

/// All values of the items, when they are few enough to remember which ones have been seen.
fn listed(array: &ArrayShape<NodeId>, positions: &[NodeId], nodes: &[Node]) -> Option<Vec<Value>> {
    let mut values: Vec<Value> = Vec::new();
    for node in positions {
        let node = &nodes[node.index()];
        if !node.is_listed() {
            return None;
        }
        for value in &node.values {
            if !values.iter().any(|known| is_equal(known, value)) {
                values.push(value.clone());
            }
            // Sets of seen items are bits of a word.
            if values.len() > 63 {
                return None;
            }
        }
    }
    let length = array.max.map_or(values.len(), |max| values.len().min(max as usize));
    let (mut sets, mut choices) = (0usize, 1usize);
    for size in 0..=length {
        sets = sets.saturating_add(choices);
        choices = choices.saturating_mul(values.len() - size) / (size + 1);
    }
    let counts = array.tallies.iter().map(|tally| (tally.bound() as usize).saturating_add(1));
    let transitions = counts.fold(sets.saturating_mul(values.len()), usize::saturating_mul);
    (transitions <= MAX_TRANSITIONS).then_some(values)
}
