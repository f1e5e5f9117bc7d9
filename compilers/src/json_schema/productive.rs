//! Removes what no finite value satisfies: the least fixpoint of "has a value".

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
/// When the root has no value: a node that is to blame.
pub(super) fn prune(nodes: &mut [Node]) -> Result<Pruned, NodeId> {
    let before = extent(nodes);
    let productive = fixpoint(nodes);
    if !productive[Normal::ROOT.index()] {
        return Err(blame(nodes, &productive));
    }
    // What an array can select depends on the arrays among its items, so those that are left are looked at again when some
    // are gone.
    loop {
        let pruned: Vec<Vec<_>> = nodes.iter().map(|node| pruned_arrays(node, nodes, &productive)).collect();
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
        node.objects.retain_mut(|shape| prune_object(shape, &productive));
    }
    Ok(if extent(nodes) < before { Pruned::Some } else { Pruned::Nothing })
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
fn fixpoint(nodes: &[Node]) -> Vec<bool> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        children(node).for_each(|child| users[child.index()].push(index));
    }
    let mut productive = vec![false; nodes.len()];
    // Nodes mostly come before those that they refer to, so the last ones are looked at first.
    let mut work: Vec<usize> = (0..nodes.len()).collect();
    while let Some(index) = work.pop() {
        if !productive[index] && has_value(&nodes[index], nodes, &productive) {
            productive[index] = true;
            work.extend(users[index].iter().copied().filter(|&user| !productive[user]));
        }
    }
    productive
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
        || node.objects.iter().any(|shape| prune_object(&mut shape.clone(), productive))
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
                selections.slots.extend(keys.iter().map(|_| (false, claims.clone())));
            }
            FreeKeys::AllBut(_) | FreeKeys::Language(_) => selections.unlimited.extend(claims),
        }
    }
    selections.can_meet(&shape.tallies, shape.min, shape.max)
}
