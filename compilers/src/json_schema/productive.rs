//! Removes what no finite value satisfies: the least fixpoint of "has a value".

use rustc_hash::{FxHashMap, FxHashSet};

use super::array_state::State;
use super::ast::Ast;
use super::normal::{ArrayShape, Node, NodeId, Normal, ObjectShape};
use super::tally::Counts;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// Drops shapes and members without values.
///
/// # Errors
/// When nothing satisfies the root schema.
pub(super) fn prune(normal: &mut Normal, ast: &Ast) -> Result<(), Diagnostics> {
    let productive = fixpoint(normal);
    if !productive[Normal::ROOT.index()] {
        let place = Place::Pointer(ast.get(Ast::ROOT).pointer.clone());
        let message = "no instance can satisfy the schema";
        let help = "look for constraints that exclude each other, or a required member that needs itself";
        return Err(Diagnostic::new(Code::Unsatisfiable, place, message).with_help(help).into());
    }
    let mut arrays: Vec<_> = normal.nodes.iter_mut().map(|node| std::mem::take(&mut node.arrays)).collect();
    for array in &mut arrays {
        array.retain_mut(|shape| prune_array(shape, &normal.nodes, &productive));
    }
    for (node, arrays) in normal.nodes.iter_mut().zip(arrays) {
        node.arrays = arrays;
        node.objects.retain_mut(|shape| prune_object(shape, &productive));
    }
    Ok(())
}

/// Per node: whether it has a value. Each node is looked at again only when one that it refers to gained a value.
fn fixpoint(normal: &Normal) -> Vec<bool> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); normal.nodes.len()];
    for (index, node) in normal.nodes.iter().enumerate() {
        children(node).for_each(|child| users[child.index()].push(index));
    }
    let mut productive = vec![false; normal.nodes.len()];
    // Nodes mostly come before those that they refer to, so the last ones are looked at first.
    let mut work: Vec<usize> = (0..normal.nodes.len()).collect();
    while let Some(index) = work.pop() {
        if !productive[index] && has_value(&normal.nodes[index], &normal.nodes, &productive) {
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
    shape.max.is_none_or(|max| shape.min <= max) && (!shape.has_states() || can_end(shape, nodes))
}

/// Whether some end of an array can be reached.
fn can_end(shape: &ArrayShape<NodeId>, nodes: &[Node]) -> bool {
    let mut seen = FxHashSet::from_iter([State::default()]);
    let mut work = vec![State::default()];
    while let Some(state) = work.pop() {
        if state.is_end(shape) {
            return true;
        }
        work.extend(state.steps(shape, nodes).into_iter().map(|step| step.1).filter(|&next| seen.insert(next)));
    }
    false
}

/// Prunes one shape; whether an object is left.
fn prune_object(shape: &mut ObjectShape<NodeId>, productive: &[bool]) -> bool {
    shape.named.iter_mut().for_each(|member| member.place.retain(|node| productive[node.index()]));
    shape.free.iter_mut().for_each(|class| class.place.retain(|node| productive[node.index()]));
    let possible = shape.named.iter().filter(|member| member.place.value.is_some()).count();
    let is_open = shape.free.iter().any(|class| class.place.value.is_some());
    shape.named.iter().all(|member| !member.required || member.place.value.is_some())
        && least_members(shape).is_some_and(|least| shape.max.is_none_or(|max| least <= max))
        && (is_open || possible >= shape.min as usize)
}

/// The least number of members with which everything required is there and everything to be found is found. More
/// members never hurt.
fn least_members(shape: &ObjectShape<NodeId>) -> Option<u32> {
    let tallies = &shape.tallies;
    let mut least: FxHashMap<Counts, u32> = FxHashMap::from_iter([(Counts::default(), 0)]);
    let improve = |least: &mut FxHashMap<Counts, u32>, counts: Counts, members: u32| {
        let known = least.entry(counts).or_insert(u32::MAX);
        let better = members < *known;
        *known = members.min(*known);
        better
    };
    for member in &shape.named {
        let mut next = if member.required { FxHashMap::default() } else { least.clone() };
        for (&counts, &members) in &least {
            for (_, counts) in member.place.readings(tallies, counts) {
                improve(&mut next, counts, members + 1);
            }
        }
        least = next;
    }
    let mut work: Vec<Counts> = least.keys().copied().collect();
    while let Some(from) = work.pop() {
        let members = least[&from];
        for class in &shape.free {
            for (_, counts) in class.place.readings(tallies, from) {
                if improve(&mut least, counts, members.saturating_add(1)) {
                    work.push(counts);
                }
            }
        }
    }
    least.into_iter().filter(|(counts, _)| counts.is_enough(tallies)).map(|(_, members)| members).min()
}
