//! Removes what no finite value satisfies: the least fixpoint of "has a value".

use super::ast::Ast;
use super::normal::{ArrayShape, Node, NodeId, Normal, ObjectShape};
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
    for node in &mut normal.nodes {
        node.arrays.retain_mut(|shape| prune_array(shape, &productive));
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
    let mut work: Vec<usize> = (0..normal.nodes.len()).rev().collect();
    while let Some(index) = work.pop() {
        if !productive[index] && has_value(&normal.nodes[index], &productive) {
            productive[index] = true;
            work.extend(users[index].iter().copied().filter(|&user| !productive[user]));
        }
    }
    productive
}

fn children(node: &Node) -> impl Iterator<Item = NodeId> + '_ {
    let items = node.arrays.iter().flat_map(|shape| shape.prefix.iter().chain([&shape.rest]).filter_map(|item| *item));
    let members = node.objects.iter().flat_map(|shape| {
        let named = shape.named.iter().filter_map(|member| member.value);
        named.chain(shape.free.iter().filter_map(|class| class.value))
    });
    items.chain(members)
}

fn has_value(node: &Node, productive: &[bool]) -> bool {
    !(node.values.is_empty() && node.numbers.is_empty() && node.strings.is_empty())
        || node.arrays.iter().any(|shape| prune_array(&mut shape.clone(), productive))
        || node.objects.iter().any(|shape| prune_object(&mut shape.clone(), productive))
}

fn keep(value: &mut Option<NodeId>, productive: &[bool]) {
    *value = value.filter(|node| productive[node.index()]);
}

/// Prunes one shape; whether an array is left.
fn prune_array(shape: &mut ArrayShape<NodeId>, productive: &[bool]) -> bool {
    shape.prefix.iter_mut().chain([&mut shape.rest]).for_each(|item| keep(item, productive));
    let reachable = match shape.prefix.iter().position(Option::is_none) {
        Some(position) => Some(position as u32),
        None if shape.rest.is_none() => Some(shape.prefix.len() as u32),
        None => None,
    };
    shape.max = super::merge::least(shape.max, reachable);
    shape.max.is_none_or(|max| shape.min <= max)
}

/// Prunes one shape; whether an object is left.
fn prune_object(shape: &mut ObjectShape<NodeId>, productive: &[bool]) -> bool {
    shape.named.iter_mut().for_each(|member| keep(&mut member.value, productive));
    shape.free.iter_mut().for_each(|class| keep(&mut class.value, productive));
    let possible = shape.named.iter().filter(|member| member.value.is_some()).count();
    let required = shape.named.iter().filter(|member| member.required).count();
    let is_open = shape.free.iter().any(|class| class.value.is_some());
    shape.named.iter().all(|member| !member.required || member.value.is_some())
        && shape.max.is_none_or(|max| required <= max as usize)
        && (is_open || possible >= shape.min as usize)
}
