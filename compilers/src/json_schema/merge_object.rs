//! Object constraints merged: declared keys, classes of other keys, counts.

use std::rc::Rc;

use grammar_ir::regular::CharAutomaton;
use grammar_ir::{Budget, LimitError};
use rustc_hash::FxHashMap;
use serde_json::Value;

use super::ast::{Additional, ObjectKeywords, SchemaId, Type};
use super::evaluate;
use super::expand::{self, Atom, Part};
use super::merge::{self, Merged, Shape, least};
use super::normal::{Context, Free, FreeKeys, Goal, Literal, Named, ObjectShape};
use super::string;

/// More classes of undeclared keys than this in one object are refused.
const MAX_CLASSES: usize = 64;

/// Merges the constraints of `alternative` on objects.
pub(super) fn objects(context: &mut Context<'_>, alternative: &[Atom], merged: &mut Merged, budget: &mut Budget<'_>) {
    let mut builder = Builder { locals: Vec::new(), keys: Keys::default(), min: 0, max: None };
    for atom in alternative {
        match atom {
            Atom::Local(id) => {
                let object = &context.ast.get(*id).object;
                builder.locals.push((*id, object));
                object.properties.iter().for_each(|(key, _)| builder.keys.declare(key));
                for (trigger, names) in &object.dependent_required {
                    builder.keys.declare(trigger);
                    names.iter().for_each(|key| builder.keys.declare(key));
                }
                object.dependent_schemas.iter().for_each(|(trigger, _)| builder.keys.declare(trigger));
                builder.min = builder.min.max(object.min);
                builder.max = least(builder.max, object.max);
            }
            Atom::Not(id, part) => {
                let object = &context.ast.get(*id).object;
                match part {
                    Part::MinProperties => builder.max = least(builder.max, Some(object.min.saturating_sub(1))),
                    Part::MaxProperties => {
                        builder.min = builder.min.max(object.max.map_or(u32::MAX, |max| max.saturating_add(1)));
                    }
                    Part::Values(index) => merge::refuse_values(context, *id, *index, Type::Object, merged),
                    _ => {}
                }
            }
            Atom::Requires(_) | Atom::Lacks(_) => {}
        }
    }
    // Names that are only required come after all declared ones, whichever schema requires them.
    for atom in alternative {
        match atom {
            Atom::Local(id) => context.ast.get(*id).object.required.iter().for_each(|key| builder.keys.require(key)),
            Atom::Requires(key) => builder.keys.require(key),
            Atom::Lacks(key) => builder.keys.forbid(key),
            Atom::Not(id, Part::Property(index)) => {
                let (key, schema) = &context.ast.get(*id).object.properties[*index];
                builder.keys.require(key);
                builder.keys.constrain(key, Literal { schema: *schema, positive: false });
            }
            Atom::Not(..) => {}
        }
    }
    if let Some(shape) = builder.finish(context, merged, budget) {
        merged.shapes.push(Shape::Object(shape));
    }
}

/// What is known of a declared key besides the schemas that apply to it.
#[derive(Debug, Default)]
struct Key {
    name: String,
    required: bool,
    forbidden: bool,
    extra: Goal,
}

/// The declared keys, in the order in which they are written.
#[derive(Debug, Default)]
struct Keys {
    list: Vec<Key>,
    index: FxHashMap<String, usize>,
}

impl Keys {
    fn entry(&mut self, name: &str) -> &mut Key {
        let index = match self.index.get(name) {
            Some(&index) => index,
            None => {
                self.index.insert(name.to_owned(), self.list.len());
                self.list.push(Key { name: name.to_owned(), ..Key::default() });
                self.list.len() - 1
            }
        };
        &mut self.list[index]
    }

    fn declare(&mut self, name: &str) {
        self.entry(name);
    }

    fn require(&mut self, name: &str) {
        self.entry(name).required = true;
    }

    fn forbid(&mut self, name: &str) {
        self.entry(name).forbidden = true;
    }

    fn constrain(&mut self, name: &str, literal: Literal) {
        self.entry(name).extra.push(literal);
    }
}

struct Builder<'a> {
    locals: Vec<(SchemaId, &'a ObjectKeywords)>,
    keys: Keys,
    min: u32,
    max: Option<u32>,
}

/// A class of undeclared keys: its language (`None` is every one) and what each schema's patterns say of it.
struct Class {
    language: Option<Rc<CharAutomaton>>,
    matched: Vec<(SchemaId, usize)>,
}

impl Builder<'_> {
    fn finish(
        mut self,
        context: &mut Context<'_>,
        merged: &mut Merged,
        budget: &mut Budget<'_>,
    ) -> Option<ObjectShape<Goal>> {
        if self.max.is_some_and(|max| max < self.min) {
            return None;
        }
        let patterns = self.patterns(context, merged, budget);
        let names: Vec<(SchemaId, SchemaId)> =
            self.locals.iter().filter_map(|(id, object)| object.names.map(|names| (*id, names))).collect();
        let listed = self.declare_listed_names(context, &names, budget);
        let mut named = Vec::with_capacity(self.keys.list.len());
        let properties: Vec<FxHashMap<&str, SchemaId>> = self
            .locals
            .iter()
            .map(|(_, object)| object.properties.iter().map(|(key, child)| (key.as_str(), *child)).collect())
            .collect();
        let keys = std::mem::take(&mut self.keys.list);
        for key in keys {
            let matches = |id: SchemaId, index: usize| {
                patterns
                    .iter()
                    .any(|pattern| pattern.uses.contains(&(id, index)) && pattern.language.accepts(&key.name))
            };
            let mut value = self.value(|position| properties[position].get(key.name.as_str()).copied(), matches);
            if let Some(goal) = &mut value {
                key.extra.iter().for_each(|&literal| add(goal, literal));
            }
            let as_value = Value::String(key.name.clone());
            for &(id, schema) in &names {
                match evaluate::is_valid(context, &[schema], &as_value, budget) {
                    Some(true) => {}
                    Some(false) => value = None,
                    None => {
                        merged.refuse(context, id, "propertyNames", "whether a declared key satisfies it is not known")
                    }
                }
            }
            let value = value.filter(|_| !key.forbidden);
            if value.is_none() && key.required {
                return None;
            }
            named.push(Named { key: key.name, required: key.required, value });
        }
        let free = if listed { Vec::new() } else { self.free(context, &named, &patterns, &names, merged, budget) };
        Some(ObjectShape { named, free, min: self.min, max: self.max })
    }

    /// What a member may hold: for each schema the declared one and those of the matching patterns, or else the
    /// additional one; `None` when one of the schemas has no place for it.
    fn value(
        &self,
        declared: impl Fn(usize) -> Option<SchemaId>,
        matches: impl Fn(SchemaId, usize) -> bool,
    ) -> Option<Goal> {
        let mut goal = Goal::new();
        for (position, (id, object)) in self.locals.iter().enumerate() {
            let mut is_additional = true;
            if let Some(child) = declared(position) {
                is_additional = false;
                add(&mut goal, Literal::holds(child));
            }
            for (index, (_, child)) in object.patterns.iter().enumerate() {
                if matches(*id, index) {
                    is_additional = false;
                    add(&mut goal, Literal::holds(*child));
                }
            }
            match object.additional {
                Additional::Schema(child) if is_additional => add(&mut goal, Literal::holds(child)),
                Additional::Closed if is_additional => return None,
                _ => {}
            }
        }
        Some(goal)
    }

    /// When some `propertyNames` lists all names there can be, they are all declared keys and no other key is left.
    fn declare_listed_names(
        &mut self,
        context: &mut Context<'_>,
        names: &[(SchemaId, SchemaId)],
        budget: &mut Budget<'_>,
    ) -> bool {
        for &(_, schema) in names {
            let alternatives = expand::goal(context, Type::String, &vec![Literal::holds(schema)], budget);
            let shapes: Vec<Shape> = alternatives
                .iter()
                .flat_map(|alternative| merge::merge(context, Type::String, alternative, budget).shapes)
                .collect();
            if shapes.iter().all(|shape| matches!(shape, Shape::Value(_))) {
                for shape in shapes {
                    if let Shape::Value(Value::String(name)) = shape {
                        self.keys.declare(&name);
                    }
                }
                return true;
            }
        }
        false
    }

    /// The distinct patterns of `patternProperties` and where each is used.
    fn patterns(&self, context: &mut Context<'_>, merged: &mut Merged, budget: &mut Budget<'_>) -> Vec<Pattern> {
        let mut list: Vec<Pattern> = Vec::new();
        for &(id, object) in &self.locals {
            for (index, (source, _)) in object.patterns.iter().enumerate() {
                match context.patterns.get(source, budget) {
                    Ok(language) => match list.iter_mut().find(|pattern| pattern.language == language) {
                        Some(pattern) => pattern.uses.push((id, index)),
                        None => list.push(Pattern { language, uses: vec![(id, index)] }),
                    },
                    Err(reason) => merged.refuse(context, id, "patternProperties", &reason),
                }
            }
        }
        list
    }

    /// The classes of undeclared keys.
    fn free(
        &self,
        context: &mut Context<'_>,
        named: &[Named<Goal>],
        patterns: &[Pattern],
        names: &[(SchemaId, SchemaId)],
        merged: &mut Merged,
        budget: &mut Budget<'_>,
    ) -> Vec<Free<Goal>> {
        let keys: Rc<[String]> = named.iter().map(|member| member.key.clone()).collect();
        let is_closed = self.locals.iter().any(|(_, object)| object.additional == Additional::Closed);
        if is_closed && patterns.is_empty() {
            return Vec::new();
        }
        let mut classes = vec![Class { language: None, matched: Vec::new() }];
        if !patterns.is_empty() || !names.is_empty() {
            let id = self.locals.first().map_or(super::ast::Ast::ROOT, |local| local.0);
            let keyword = if patterns.is_empty() { "propertyNames" } else { "patternProperties" };
            let limits = string::limits(budget);
            let budget = &mut Budget::new(&limits);
            let allowed = self.allowed(context, &keys, names, merged, budget);
            match allowed.and_then(|allowed| split(&allowed, patterns, budget)) {
                Ok(Some(split)) => classes = split,
                Ok(None) => merged.refuse(context, id, keyword, "the patterns overlap in too many ways"),
                Err(error) => merged.refuse(context, id, keyword, &error.to_string()),
            }
        }
        classes
            .into_iter()
            .filter_map(|class| {
                let value = self.value(|_| None, |id, index| class.matched.contains(&(id, index)))?;
                let keys = match class.language {
                    Some(language) => FreeKeys::Language(language),
                    None => FreeKeys::AllBut(Rc::clone(&keys)),
                };
                Some(Free { keys, value: Some(value) })
            })
            .collect()
    }

    /// The language of keys that are not declared and that every `propertyNames` allows.
    fn allowed(
        &self,
        context: &mut Context<'_>,
        keys: &[String],
        names: &[(SchemaId, SchemaId)],
        merged: &mut Merged,
        budget: &mut Budget<'_>,
    ) -> Result<CharAutomaton, LimitError> {
        let declared = CharAutomaton::union_of(keys.iter().map(|key| CharAutomaton::literal(key)).collect(), budget)?;
        let mut allowed = declared.complement(budget)?;
        for &(_, schema) in names {
            let mut union = Vec::new();
            for alternative in expand::goal(context, Type::String, &vec![Literal::holds(schema)], budget) {
                let strings = merge::merge(context, Type::String, &alternative, budget);
                merged.refused.extend(strings.refused);
                for shape in strings.shapes {
                    union.push(match shape {
                        Shape::Value(Value::String(name)) => CharAutomaton::literal(&name),
                        Shape::String(string) => match string.language {
                            Some(language) => CharAutomaton::clone(&language),
                            None => CharAutomaton::length_between(string.min, string.max, budget)?,
                        },
                        _ => continue,
                    });
                }
            }
            allowed = allowed.intersection(&CharAutomaton::union_of(union, budget)?, budget)?;
        }
        Ok(allowed)
    }
}

struct Pattern {
    language: Rc<CharAutomaton>,
    uses: Vec<(SchemaId, usize)>,
}

/// The keys of `allowed` split by which patterns they match; `None` when there are too many classes.
fn split(
    allowed: &CharAutomaton,
    patterns: &[Pattern],
    budget: &mut Budget<'_>,
) -> Result<Option<Vec<Class>>, LimitError> {
    let mut classes = vec![(allowed.clone(), Vec::new())];
    for pattern in patterns {
        let mut refined = Vec::new();
        for (language, matched) in classes {
            let inside = language.intersection(&pattern.language, budget)?;
            let outside = language.difference(&pattern.language, budget)?;
            if !inside.is_empty() {
                let mut matched = matched.clone();
                matched.extend_from_slice(&pattern.uses);
                refined.push((inside, matched));
            }
            if !outside.is_empty() {
                refined.push((outside, matched));
            }
        }
        if refined.len() > MAX_CLASSES {
            return Ok(None);
        }
        classes = refined;
    }
    let class = |(language, matched)| Class { language: Some(Rc::new(language)), matched };
    Ok(Some(classes.into_iter().filter(|class| !class.0.is_empty()).map(class).collect()))
}

fn add(goal: &mut Goal, literal: Literal) {
    if !goal.contains(&literal) {
        goal.push(literal);
    }
}
