//! The states of an array whose items are counted or remembered.

use serde_json::Value;

use super::evaluate::is_equal;
use super::normal::{ArrayShape, Node, NodeId};
use super::tally::Counts;

/// What has been read of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct State {
    /// The number of items; beyond the last one that matters they are not told apart.
    index: u32,
    /// Which of the distinct values have been seen.
    seen: u64,
    counts: Counts,
}

/// The next item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// A value of this node.
    Any(NodeId),
    /// The distinct value at this index.
    Listed(usize),
}

impl State {
    /// Whether no item has been read.
    pub(super) fn is_start(self) -> bool {
        self.index == 0
    }

    /// Whether the array may end here.
    pub(super) fn is_end(self, shape: &ArrayShape<NodeId>) -> bool {
        self.index >= shape.min
            && shape.max.is_none_or(|max| self.index <= max)
            && self.counts.is_enough(&shape.tallies)
    }

    /// What may come next, and the states after it. `distinct` are the values of the items, if no two may be equal.
    pub(super) fn steps(self, shape: &ArrayShape<NodeId>, distinct: &[Value], nodes: &[Node]) -> Vec<(Item, Self)> {
        if shape.max.is_some_and(|max| self.index >= max) {
            return Vec::new();
        }
        let place = shape.prefix.get(self.index as usize).unwrap_or(&shape.rest);
        let last = (shape.prefix.len() as u32).max(shape.min).max(shape.max.unwrap_or(0)).max(1);
        let index = (self.index + 1).min(last);
        let mut steps = Vec::new();
        for (node, counts) in place.readings(&shape.tallies, self.counts) {
            if distinct.is_empty() {
                steps.push((Item::Any(node), Self { index, counts, ..self }));
                continue;
            }
            for (number, value) in distinct.iter().enumerate() {
                let bit = 1 << number;
                let fits = || nodes[node.index()].values.iter().any(|own| is_equal(own, value));
                let step = (Item::Listed(number), Self { index, counts, seen: self.seen | bit });
                if self.seen & bit == 0 && fits() {
                    steps.push(step);
                }
            }
        }
        steps
    }
}
