//! `unevaluatedItems` and `unevaluatedProperties`.
//!
//! What they speak of depends on which schemas hold of the same value. Every alternative of an expansion says which do,
//! so for each one the keyword is like `items` or `additionalProperties` next to all that those schemas say: a derived
//! schema.
//!
//! The more is evaluated, the more is allowed. So where the keyword must hold, it is enough that each branch of an
//! `anyOf` is once taken to hold and once not looked at; where it must fail, each branch is once taken to fail.

use rustc_hash::FxHashMap;

use super::ast::{Additional, Ast, MAX_DERIVED, Schema, SchemaId, Type};
use super::expand::{Alternative, Atom};
use super::normal::Context;

/// What alternatives say of what is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Evaluation {
    /// Nothing.
    Unknown,
    /// Some schemas that evaluate something. For every set of such schemas that hold together there is an alternative.
    Least,
    /// All schemas that evaluate something.
    Exact,
}

/// The derived schemas by type, the schema that has the keyword, and what evaluates next to it.
pub(super) type Unevaluated = FxHashMap<(Type, SchemaId, Vec<SchemaId>), Option<SchemaId>>;

/// The value of the keyword that is about `kind`.
pub(super) fn keyword(schema: &Schema, kind: Type) -> Option<Additional> {
    match kind {
        Type::Array => schema.array.unevaluated,
        Type::Object => schema.object.unevaluated,
        _ => None,
    }
}

/// Whether the keywords of `schema` itself evaluate anything.
pub(super) fn evaluates(schema: &Schema, kind: Type) -> bool {
    match kind {
        Type::Array => {
            is_complete(schema, kind)
                || !schema.array.prefix.is_empty()
                || schema.array.contains.is_some_and(|contains| contains.evaluates)
        }
        Type::Object => {
            is_complete(schema, kind) || !schema.object.properties.is_empty() || !schema.object.patterns.is_empty()
        }
        _ => false,
    }
}

/// Whether the keywords of `schema` itself evaluate everything.
fn is_complete(schema: &Schema, kind: Type) -> bool {
    match kind {
        Type::Array => schema.array.rest.is_some() || schema.array.unevaluated.is_some(),
        Type::Object => schema.object.additional != Additional::Open || schema.object.unevaluated.is_some(),
        _ => false,
    }
}

/// Takes the schemas that evaluate something out of `alternative`.
pub(super) fn take_evaluators(alternative: &mut Alternative) -> Vec<SchemaId> {
    let mut evaluators: Vec<SchemaId> = alternative
        .iter()
        .filter_map(|atom| match atom {
            Atom::Evaluates(id) => Some(*id),
            _ => None,
        })
        .collect();
    alternative.retain(|atom| !matches!(atom, Atom::Evaluates(_)));
    evaluators.sort_unstable();
    evaluators
}

/// The schema that says what the keyword of `owner` says where `evaluators`, and no others, evaluate something; `None`
/// where that is nothing.
pub(super) fn schema(
    context: &mut Context<'_>,
    kind: Type,
    owner: SchemaId,
    evaluators: &[SchemaId],
) -> Option<SchemaId> {
    let ast = context.ast;
    let is_complete = |&id: &SchemaId| {
        let schema = ast.get(id);
        if id == owner {
            schema.array.rest.is_some() && kind == Type::Array
                || schema.object.additional != Additional::Open && kind == Type::Object
        } else {
            is_complete(schema, kind)
        }
    };
    if evaluators.iter().any(is_complete) {
        return None;
    }
    let key = (kind, owner, evaluators.to_vec());
    if let Some(&known) = context.expansions.unevaluated.get(&key) {
        return known;
    }
    let others = keyword(ast.get(owner), kind)?;
    let derived = match kind {
        Type::Array => items(context, owner, others, evaluators),
        _ => {
            let mut schema = derived_from(ast, owner, kind);
            for &id in evaluators {
                let object = &ast.get(id).object;
                let is_new =
                    |(name, _): &&(String, SchemaId)| schema.object.properties.iter().all(|known| known.0 != *name);
                let properties: Vec<_> = object.properties.iter().filter(is_new).cloned().collect();
                schema.object.properties.extend(properties);
                schema.object.patterns.extend(object.patterns.iter().cloned());
            }
            schema.object.additional = others;
            ast.derive(schema)
        }
    };
    if derived.is_none() {
        let reason = format!("what is unevaluated differs in more than {MAX_DERIVED} ways");
        context.refusals.limit(ast.get(owner), keyword_of(kind), reason);
    }
    context.expansions.unevaluated.insert(key, derived);
    derived
}

/// The name of the keyword that is about `kind`.
fn keyword_of(kind: Type) -> &'static str {
    if kind == Type::Array { "unevaluatedItems" } else { "unevaluatedProperties" }
}

/// A schema that stands for the keyword of `owner`.
fn derived_from(ast: &Ast, owner: SchemaId, kind: Type) -> Schema {
    let mut schema = Schema::anything(ast.get(owner).pointer.clone());
    schema.written.push(keyword_of(kind).into());
    schema
}

/// What stands for a schema that is not known, which may evaluate everything.
pub(super) fn everything(context: &mut Context<'_>) -> Option<SchemaId> {
    if context.expansions.everything.is_none() {
        let mut schema = Schema::anything(String::new());
        schema.array.rest = Some(Ast::ROOT);
        schema.object.additional = Additional::Schema(Ast::ROOT);
        context.expansions.everything = context.ast.derive(schema);
        if context.expansions.everything.is_none() {
            let reason = format!("what is unevaluated differs in more than {MAX_DERIVED} ways");
            context.refusals.limit_at(String::new(), "", &reason);
        }
    }
    context.expansions.everything
}

fn items(context: &Context<'_>, owner: SchemaId, others: Additional, evaluators: &[SchemaId]) -> Option<SchemaId> {
    let ast = context.ast;
    let nothing = || {
        let mut nothing = derived_from(ast, owner, Type::Array);
        nothing.types = super::ast::TypeSet::NONE;
        ast.derive(nothing)
    };
    let mut choices: Vec<SchemaId> = Vec::new();
    if let Additional::Schema(child) = others {
        choices.push(child);
    }
    let mut schema = derived_from(ast, owner, Type::Array);
    for &id in evaluators {
        let array = &ast.get(id).array;
        if array.prefix.len() > schema.array.prefix.len() {
            schema.array.prefix.clone_from(&array.prefix);
        }
        choices.extend(array.contains.filter(|contains| contains.evaluates).map(|contains| contains.schema));
    }
    schema.array.rest = match choices.as_slice() {
        [] => Some(nothing()?),
        [only] => Some(*only),
        _ => {
            let mut choice = derived_from(ast, owner, Type::Array);
            choice.any_of = Some(choices);
            Some(ast.derive(choice)?)
        }
    };
    ast.derive(schema)
}
