//! Removes what no finite value satisfies: the least fixpoint of "has a value".

use grammar_ir::{Budget, LimitError};
use rustc_hash::FxHashSet;
use serde_json::Value;

use super::array_state::State;
use super::normal::{ArrayShape, FreeKeys, Memory, Node, NodeId, Normal, ObjectShape};
use super::tally::{Claim, Place, Selections};
use super::unique::{Items, Slots};

/// Whether something was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pruned {
    /// Something may have been.
    Some,
    /// Nothing was.
    Nothing,
}

/// Drops shapes and members without values.
///
/// # Errors
/// When there is no time left. The inner error is that the root has no value: a node that is to blame.
pub(super) fn prune(nodes: &mut [Node], budget: &mut Budget<'_>) -> Result<Result<Pruned, NodeId>, LimitError> {
    let before = extent(nodes);
    let productive = fixpoint(nodes, budget)?;
    if !productive[Normal::ROOT.index()] {
        return Ok(Err(blame(nodes, &productive)));
    }
    // What an array can select depends on the arrays among its items, so those that are left are looked at again when some
    // are gone.
    loop {
        let arrays = |node: &Node| budget.check_time().map(|()| pruned_arrays(node, nodes, &productive));
        let pruned: Vec<Vec<_>> = nodes.iter().map(arrays).collect::<Result<_, _>>()?;
        let mut is_settled = true;
        for (node, arrays) in nodes.iter_mut().zip(pruned) {
            is_settled &= arrays.len() == node.arrays.len();
            node.arrays = arrays;
        }
        if is_settled {
            break;
        }
    }
    for node in nodes.iter_mut() {
        budget.check_time()?;
        node.objects.retain_mut(|shape| prune_object(shape, &productive));
    }
    Ok(Ok(if extent(nodes) < before { Pruned::Some } else { Pruned::Nothing }))
}

/// From a node without values to one that each step needs, as deep as that goes.
fn blame(nodes: &[Node], productive: &[bool]) -> NodeId {
    let mut seen = FxHashSet::from_iter([Normal::ROOT]);
    let mut blamed = Normal::ROOT;
    let is_dead = |place: &&Place<NodeId>| !place.values().any(|node| productive[node.index()]);
    loop {
        let node = &nodes[blamed.index()];
        let members = node.objects.iter().flat_map(|shape| shape.named.iter().filter(|member| member.required));
        let items =
            node.arrays.iter().flat_map(|shape| shape.prefix.iter().chain([&shape.rest]).take(shape.min as usize));
        let needed = members.map(|member| &member.place).chain(items).filter(is_dead);
        let next = needed.flat_map(|place| place.values()).find(|&child| seen.insert(child));
        match next {
            Some(child) => blamed = child,
            None => return blamed,
        }
    }
}

/// How many shapes and references there are.
fn extent(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| node.arrays.len() + node.objects.len() + children(node).count()).sum()
}

fn pruned_arrays(node: &Node, nodes: &[Node], productive: &[bool]) -> Vec<ArrayShape<NodeId>> {
    let mut arrays = node.arrays.clone();
    arrays.retain_mut(|shape| prune_array(shape, nodes, productive));
    arrays
}

/// Per node: whether it has a value. Each node is looked at again only when one that it refers to gained a value.
fn fixpoint(nodes: &[Node], budget: &mut Budget<'_>) -> Result<Vec<bool>, LimitError> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        children(node).for_each(|child| users[child.index()].push(index));
    }
    let mut productive = vec![false; nodes.len()];
    // Nodes mostly come before those that they refer to, so the last ones are looked at first.
    let mut work: Vec<usize> = (0..nodes.len()).collect();
    while let Some(index) = work.pop() {
        budget.check_time()?;
        if !productive[index] && has_value(&nodes[index], nodes, &productive) {
            productive[index] = true;
            work.extend(users[index].iter().copied().filter(|&user| !productive[user]));
        }
    }
    Ok(productive)
}

fn children(node: &Node) -> impl Iterator<Item = NodeId> + '_ {
    let items =
        node.arrays.iter().flat_map(|shape| shape.prefix.iter().chain([&shape.rest])).flat_map(|item| item.values());
    let members = node.objects.iter().flat_map(|shape| {
        let named = shape.named.iter().flat_map(|member| member.place.values());
        named.chain(shape.free.iter().flat_map(|class| class.place.values()))
    });
    items.chain(members)
}

fn has_value(node: &Node, nodes: &[Node], productive: &[bool]) -> bool {
    !(node.values.is_empty() && node.numbers.is_empty() && node.strings.is_empty() && !node.regexes)
        || node.arrays.iter().any(|shape| prune_array(&mut shape.clone(), nodes, productive))
        || node.objects.iter().any(|shape| {
            if shape.tallies.is_empty() {
                can_be(shape, productive)
            } else {
                prune_object(&mut shape.clone(), productive)
            }
        })
}

/// [`prune_object`] without pruning, for a shape without tallies: only how many members there can be matters.
fn can_be(shape: &ObjectShape<NodeId>, productive: &[bool]) -> bool {
    let is_possible = |place: &Place<NodeId>| place.values().any(|node| productive[node.index()]);
    let (mut least, mut most) = (0u32, 0u32);
    for member in &shape.named {
        let possible = is_possible(&member.place);
        if member.required && !possible {
            return false;
        }
        least += u32::from(member.required);
        most += u32::from(possible);
    }
    for class in shape.free.iter().filter(|class| is_possible(&class.place)) {
        let keys = match &class.keys {
            FreeKeys::Few(keys) => keys.len() as u32,
            FreeKeys::AllBut(_) | FreeKeys::Language(_) => u32::MAX,
        };
        most = most.saturating_add(keys);
    }
    shape.max.is_none_or(|max| least <= max) && most >= shape.min
}

/// Prunes one shape; whether an array is left. Listed values are looked up in `nodes`.
fn prune_array(shape: &mut ArrayShape<NodeId>, nodes: &[Node], productive: &[bool]) -> bool {
    shape.prefix.iter_mut().chain([&mut shape.rest]).for_each(|item| item.retain(|node| productive[node.index()]));
    let reachable = match shape.prefix.iter().position(|item| item.value.is_none()) {
        Some(position) => Some(position as u32),
        None if shape.rest.value.is_none() => Some(shape.prefix.len() as u32),
        None => None,
    };
    shape.max = super::merge::least(shape.max, reachable);
    shape.max.is_none_or(|max| shape.min <= max)
        && match &shape.memory {
            Memory::Length => true,
            Memory::States(distinct) => can_end(shape, distinct, nodes),
            Memory::Registers { slots, .. } => {
                !shape.prefix.is_empty()
                    || selections(shape, slots, nodes).can_meet(&shape.tallies, shape.min, shape.max)
            }
        }
}

/// What can be selected in an array whose items are all of one kind.
fn selections(shape: &ArrayShape<NodeId>, slots: &[Value], nodes: &[Node]) -> Selections {
    let slots = Slots::of(slots);
    let mut selections = Selections { slots: vec![(false, Vec::new()); slots.len()], unlimited: Vec::new() };
    for (claim, node) in shape.rest.claimed() {
        let items = Items::of(&nodes[node.index()], &slots);
        items.few.into_iter().for_each(|(slot, _)| selections.slots[slot].1.push(claim));
        selections.unlimited.extend(items.is_open.then_some(claim));
    }
    selections
}

/// Whether some end of an array can be reached.
fn can_end(shape: &ArrayShape<NodeId>, distinct: &[Value], nodes: &[Node]) -> bool {
    let mut seen = FxHashSet::from_iter([State::default()]);
    let mut work = vec![State::default()];
    while let Some(state) = work.pop() {
        if state.is_end(shape) {
            return true;
        }
        let steps = state.steps(shape, distinct, nodes);
        work.extend(steps.into_iter().map(|step| step.1).filter(|&next| seen.insert(next)));
    }
    false
}

/// Prunes one shape; whether an object is left.
fn prune_object(shape: &mut ObjectShape<NodeId>, productive: &[bool]) -> bool {
    shape.named.iter_mut().for_each(|member| member.place.retain(|node| productive[node.index()]));
    shape.free.iter_mut().for_each(|class| class.place.retain(|node| productive[node.index()]));
    let mut selections = Selections::default();
    for member in shape.named.iter().filter(|member| member.required || member.place.value.is_some()) {
        selections.slots.push((member.required, member.place.claimed().map(|reading| reading.0).collect()));
    }
    for class in &shape.free {
        let claims = class.place.claimed().map(|reading| reading.0);
        match &class.keys {
            FreeKeys::Few(keys) => {
                let claims: Vec<Claim> = claims.collect();
                if !claims.is_empty() {
                    selections.slots.extend(keys.iter().map(|_| (false, claims.clone())));
                }
            }
            FreeKeys::AllBut(_) | FreeKeys::Language(_) => selections.unlimited.extend(claims),
        }
    }
    selections.can_meet(&shape.tallies, shape.min, shape.max)
}
