//! Constraints that contradict each other, as far as that can be seen without merging them.
//!
//! Products of branches grow with the number of pairs, and most pairs of a `oneOf` or of several `if` contradict each
//! other in one key that tells the branches apart. Dropping them at once keeps the products small.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::ast::{Additional, Ast, Schema, SchemaId, Type, TypeSet};
use super::expand::{Atom, Part};
use super::value_list::ValueList;

/// What is known of one key.
#[derive(Clone, Copy)]
struct Key<'a> {
    required: bool,
    lacking: bool,
    types: TypeSet,
    /// The shortest list of values that it may have.
    values: Option<&'a ValueList>,
}

impl<'a> Key<'a> {
    /// Takes note that its value satisfies `schema`.
    fn hold(&mut self, ast: &'a Ast, schema: SchemaId) {
        let schema = follow(ast, schema);
        self.types = self.types.intersection(schema.types);
        let lists = schema.values.iter().chain(self.values);
        self.values = lists.min_by_key(|values| values.len());
    }
}

/// More `$ref` in a row than this are not followed.
const MAX_HOPS: usize = 8;

/// Whether it is plain that no value of type `kind` satisfies all of `alternative`.
pub(super) fn is_plain(ast: &Ast, kind: Type, alternative: &[Atom]) -> bool {
    let holds = |id| alternative.iter().any(|atom| matches!(atom, Atom::Local(held) if *held == id));
    let fails_what_holds = |atom: &Atom| matches!(atom, Atom::Not(id, _) if holds(*id));
    alternative.iter().any(fails_what_holds) || (kind == Type::Object && is_plain_of_objects(ast, alternative))
}

fn is_plain_of_objects(ast: &Ast, alternative: &[Atom]) -> bool {
    let mut keys: FxHashMap<&str, Key<'_>> = FxHashMap::default();
    let mut excluded: Vec<(&str, &ValueList)> = Vec::new();
    // What the values of keys satisfy and what they do not.
    let mut held: FxHashSet<(&str, SchemaId)> = FxHashSet::default();
    let mut failed: Vec<(&str, SchemaId)> = Vec::new();
    let mut closed: Vec<&Schema> = Vec::new();
    let unknown = Key { required: false, lacking: false, types: TypeSet::ALL, values: None };
    for atom in alternative {
        match atom {
            Atom::Requires(name) => keys.entry(name).or_insert(unknown).required = true,
            Atom::Lacks(name) => keys.entry(name).or_insert(unknown).lacking = true,
            Atom::Not(id, part @ (Part::Property(index) | Part::RequiredProperty(index))) => {
                let (name, child) = &ast.get(*id).object.properties[*index];
                keys.entry(name).or_insert(unknown).required |= matches!(part, Part::Property(_));
                failed.push((name, *child));
                excluded.extend(listed_only(ast, *child).map(|values| (name.as_str(), values)));
            }
            Atom::Not(..) | Atom::Evaluates(_) => {}
            Atom::Has(id, index) => {
                let (name, child) = &ast.get(*id).object.properties[*index];
                let key = keys.entry(name).or_insert(unknown);
                key.required = true;
                key.hold(ast, *child);
                held.insert((name, *child));
            }
            Atom::Local(id) => {
                let schema = ast.get(*id);
                let object = &schema.object;
                object.required.iter().for_each(|name| keys.entry(name).or_insert(unknown).required = true);
                for (name, child) in &object.properties {
                    keys.entry(name).or_insert(unknown).hold(ast, *child);
                    held.insert((name, *child));
                }
                if object.additional == Additional::Closed && object.patterns.is_empty() {
                    closed.push(schema);
                }
            }
        }
    }
    let is_required = |name: &str| keys.get(name).is_some_and(|key| key.required);
    if failed.iter().any(|entry| held.contains(entry) && is_required(entry.0)) {
        return true;
    }
    keys.iter().filter(|(_, key)| key.required).any(|(&name, key)| {
        let fits = |schema: &&Schema| schema.object.properties.iter().any(|(known, _)| known == name);
        key.lacking || key.types == TypeSet::NONE || !closed.iter().all(&fits) || {
            let others = excluded.iter().filter(|(other, _)| *other == name).map(|(_, values)| values);
            let is_possible = |value: &Value| {
                !others.clone().any(|list| list.lists(value)) && is_allowed(ast, alternative, name, value)
            };
            key.values.is_some_and(|values| !values.iter().any(is_possible))
        }
    })
}

/// Says what fails in `alternative` as shortly as what holds allows: where the values that a key may have are all among
/// those that a property excludes, the property fails once the key is there. Alternatives that differ only in which of
/// several such properties fail become one.
pub(super) fn simplify(ast: &Ast, kind: Type, alternative: &mut Vec<Atom>) {
    if kind != Type::Object {
        return;
    }
    let mut index = 0;
    while let Some(atom) = alternative.get(index) {
        index += 1;
        let Atom::Not(id, part @ (Part::Property(property) | Part::RequiredProperty(property))) = atom else {
            continue;
        };
        let (name, child) = &ast.get(*id).object.properties[*property];
        let excluded = &follow(ast, *child).values;
        let is_excluded = |value: &Value| excluded.iter().any(|list| !list.lists(value));
        let is_apart = |list: &ValueList| list.iter().all(is_excluded);
        let fails = !excluded.is_empty()
            && alternative.iter().any(|held| {
                property_of(ast, held, name).is_some_and(|schema| follow(ast, schema).values.iter().any(is_apart))
            });
        if !fails {
            continue;
        }
        let requires = Atom::Requires(name.as_str().into());
        if matches!(part, Part::RequiredProperty(_)) || alternative.contains(&requires) {
            index -= 1;
            alternative.remove(index);
        } else {
            alternative[index - 1] = requires;
        }
    }
}

/// The schema that an atom holds the value of `name` to, if the key is there.
fn property_of(ast: &Ast, atom: &Atom, name: &str) -> Option<SchemaId> {
    let (_, schema) = match atom {
        Atom::Local(id) => ast.get(*id).object.properties.iter().find(|(key, _)| key == name)?,
        Atom::Has(id, index) => Some(&ast.get(*id).object.properties[*index]).filter(|(key, _)| key == name)?,
        _ => return None,
    };
    Some(*schema)
}

/// Whether every schema that lists the values of `name` lists `value`.
fn is_allowed(ast: &Ast, alternative: &[Atom], name: &str, value: &Value) -> bool {
    alternative.iter().all(|atom| {
        property_of(ast, atom, name).is_none_or(|child| follow(ast, child).values.iter().all(|list| list.lists(value)))
    })
}

/// A schema that must hold when `id` does, and says more about types and values where `id` only refers to it.
pub(super) fn follow(ast: &Ast, id: SchemaId) -> &Schema {
    let mut schema = ast.get(id);
    for _ in 0..MAX_HOPS {
        match schema.reference {
            Some(target) if schema.types == TypeSet::ALL && schema.values.is_empty() => schema = ast.get(target),
            _ => break,
        }
    }
    schema
}

/// The values of a schema that says nothing but what they are.
fn listed_only(ast: &Ast, id: SchemaId) -> Option<&ValueList> {
    let schema = ast.get(id);
    match schema.values.as_slice() {
        [values] if schema.is_only_a_list() => Some(values),
        _ => None,
    }
}
