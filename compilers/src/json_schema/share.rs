//! Equal schemas become one, so that a schema and the complement of an equal one meet.
//!
//! Branches of a `oneOf` often repeat the same properties. What a branch says of such a property then contradicts the
//! complement of what another one says, which keeps the products of branches small.

use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::ast::{Ast, Schema};

/// Makes all references to equal schemas refer to one of them, which gets the place of the first. Schemas that are
/// equal only because they refer to themselves alike stay apart.
pub(super) fn share(ast: &mut Ast) {
    let is_negated = |schema: &Schema| schema.one_of.is_some() || schema.not.is_some() || schema.conditional.is_some();
    if !ast.schemas.iter().any(is_negated) {
        return;
    }
    let schemas = &mut ast.schemas;
    // Where a schema stands and how its keywords are spelled is no part of what it says.
    let take = |schema: &mut Schema| (std::mem::take(&mut schema.pointer), std::mem::take(&mut schema.written));
    let mut places: Vec<(String, Vec<Box<str>>)> = schemas.iter_mut().map(take).collect();
    let mut chosen: Vec<usize> = (0..schemas.len()).collect();
    let mut known: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
    // A schema comes after the one that it was reached from, so most children are settled before their parents.
    for id in (0..schemas.len()).rev() {
        schemas[id].children().for_each(|child| child.0 = chosen[child.0 as usize] as u32);
        let schema = &schemas[id];
        // Listed containers are written in the order of their members, which equality does not look at.
        if schema.values.iter().flatten().any(|value| value.is_array() || value.is_object()) {
            continue;
        }
        let alike = known.entry(FxBuildHasher.hash_one(schema)).or_default();
        match alike.iter().find(|&&other| schemas[other] == *schema) {
            Some(&other) => {
                chosen[id] = other;
                places[other] = places[id].clone();
            }
            None => alike.push(id),
        }
    }
    // What refers back to an earlier schema was settled before that one.
    for (schema, place) in schemas.iter_mut().zip(places) {
        schema.children().for_each(|child| child.0 = chosen[child.0 as usize] as u32);
        (schema.pointer, schema.written) = place;
    }
}
