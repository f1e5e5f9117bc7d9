//! Whether a value is valid, decided on the schemas themselves: what filters `enum` and `const`.

use grammar_ir::Budget;
use serde_json::Value;

use super::ast::{Additional, Ast, Bound, Schema, SchemaId, Type};
use super::decimal::Decimal;
use super::expand::{Atom, Part};
use super::format::{REGEX, Side, is_regex};
use super::normal::Context;
use super::string::Patterns;

/// Schemas nested deeper than this, for one value or for the values inside it, are not followed.
const MAX_DEPTH: usize = 400;

/// Whether `value` satisfies every atom of `alternative`; `None` when that cannot be told.
pub(super) fn holds(
    context: &mut Context<'_>,
    alternative: &[Atom],
    value: &Value,
    budget: &mut Budget<'_>,
) -> Option<bool> {
    let mut evaluator = Evaluator { ast: context.ast, patterns: &mut context.patterns, budget, depth: 0 };
    all(alternative.iter().map(|atom| evaluator.atom(atom, value)))
}

/// Whether `value` is valid against every schema of `schemas`; `None` when that cannot be told.
pub(super) fn is_valid(
    context: &mut Context<'_>,
    schemas: &[SchemaId],
    value: &Value,
    budget: &mut Budget<'_>,
) -> Option<bool> {
    let mut evaluator = Evaluator { ast: context.ast, patterns: &mut context.patterns, budget, depth: 0 };
    all(schemas.iter().map(|&schema| evaluator.schema(schema, value)))
}

/// Whether two values are equal as JSON Schema has it: numbers by value, objects without order.
pub(super) fn is_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || Decimal::from_json(left).is_some_and(|left| Some(left) == Decimal::from_json(right))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| is_equal(left, right)))
        }
        _ => left == right,
    }
}

/// Three-valued conjunction.
fn all(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = true;
    for part in parts {
        match part {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = false,
        }
    }
    known.then_some(true)
}

/// Three-valued negation.
fn not(part: Option<bool>) -> Option<bool> {
    part.map(|holds| !holds)
}

/// Whether the number of parts that hold is in `min..=max`.
fn count_in(parts: impl IntoIterator<Item = Option<bool>>, min: usize, max: usize) -> Option<bool> {
    let (mut holding, mut unknown) = (0, 0);
    for part in parts {
        match part {
            Some(true) => holding += 1,
            Some(false) => {}
            None => unknown += 1,
        }
    }
    if holding > max || holding + unknown < min {
        return Some(false);
    }
    (holding >= min && holding + unknown <= max).then_some(true)
}

struct Evaluator<'e, 'a, 'b> {
    ast: &'a Ast,
    patterns: &'e mut Patterns,
    budget: &'e mut Budget<'b>,
    depth: usize,
}

impl Evaluator<'_, '_, '_> {
    fn atom(&mut self, atom: &Atom, value: &Value) -> Option<bool> {
        let has = |name: &str| value.as_object().is_some_and(|members| members.contains_key(name));
        match atom {
            Atom::Local(id) => self.local(self.ast.get(*id), value),
            Atom::Requires(name) => Some(has(name)),
            Atom::Lacks(name) => Some(!has(name)),
            Atom::Has(id, index) => {
                let (key, child) = &self.ast.get(*id).object.properties[*index];
                value
                    .as_object()
                    .and_then(|members| members.get(key))
                    .map_or(Some(false), |member| self.schema(*child, member))
            }
            Atom::Not(id, part) => not(self.part(self.ast.get(*id), *part, value)),
            Atom::Evaluates(_) => Some(true),
        }
    }

    /// Whether one keyword holds for a value of its type.
    fn part(&mut self, schema: &Schema, part: Part, value: &Value) -> Option<bool> {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        let items = value.as_array().map_or(0, Vec::len);
        let members = value.as_object().map_or(0, serde_json::Map::len);
        match part {
            Part::Values(index) => Some(schema.values[index].lists(value)),
            Part::Integer => decimal(value).map(|value| value.is_integer()),
            Part::Lower(index) => decimal(value).map(|value| is_above(&value, &schema.number.lower[index])),
            Part::Upper(index) => decimal(value).map(|value| is_below(&value, &schema.number.upper[index])),
            Part::MultipleOf => is_multiple(value, schema.number.multiple_of.as_ref()),
            Part::MinLength => Some(length >= schema.string.min as usize),
            Part::MaxLength => Some(is_at_most(length, schema.string.max)),
            Part::Pattern => self.pattern(schema, value),
            Part::Format => self.format(schema, value),
            Part::MinItems => Some(items >= schema.array.min as usize),
            Part::MaxItems => Some(is_at_most(items, schema.array.max)),
            Part::MinProperties => Some(members >= schema.object.min as usize),
            Part::MaxProperties => Some(is_at_most(members, schema.object.max)),
            Part::Property(index) | Part::RequiredProperty(index) => {
                let (key, child) = &schema.object.properties[index];
                match value.as_object().and_then(|members| members.get(key)) {
                    Some(member) => self.schema(*child, member),
                    None => Some(matches!(part, Part::Property(_))),
                }
            }
            Part::PrefixItem(index) => match value.get(index) {
                Some(item) => self.schema(schema.array.prefix[index], item),
                None => Some(true),
            },
            Part::Items => {
                let rest = schema.array.rest?;
                let items = value.as_array().into_iter().flatten().skip(schema.array.prefix.len());
                all(items.map(|item| self.schema(rest, item)).collect::<Vec<_>>())
            }
            Part::MinContains | Part::MaxContains => {
                let contains = schema.array.contains?;
                let (min, max) = match part {
                    Part::MinContains => (contains.min as usize, usize::MAX),
                    _ => (0, contains.max.map_or(usize::MAX, |max| max as usize)),
                };
                let items = value.as_array().into_iter().flatten();
                count_in(items.map(|item| self.schema(contains.schema, item)).collect::<Vec<_>>(), min, max)
            }
            Part::UniqueItems => Some(are_unique(value.as_array().map_or(&[], Vec::as_slice))),
            Part::PatternProperty(index) => {
                let (pattern, child) = &schema.object.patterns[index];
                let language = self.patterns.get(pattern, self.budget).ok()?;
                let members = value.as_object().into_iter().flatten().filter(|(key, _)| language.accepts(key));
                all(members.map(|(_, member)| self.schema(*child, member)).collect::<Vec<_>>())
            }
            Part::AdditionalProperties | Part::PropertyNames => {
                let mut parts = Vec::new();
                value.as_object().into_iter().for_each(|members| self.members(schema, members, &mut parts));
                let keyword = match part {
                    Part::PropertyNames => "propertyNames",
                    _ => "additionalProperties",
                };
                all(parts.into_iter().filter(|(name, _)| *name == keyword).map(|(_, holds)| holds))
            }
            Part::Unsupported(_) => None,
        }
    }

    fn schema(&mut self, id: SchemaId, value: &Value) -> Option<bool> {
        if self.depth >= MAX_DEPTH || self.budget.tick().is_err() {
            return None;
        }
        self.depth += 1;
        let holds = self.whole(self.ast.get(id), value);
        self.depth -= 1;
        holds
    }

    fn whole(&mut self, schema: &Schema, value: &Value) -> Option<bool> {
        if !schema.types.contains(Type::of(value)) {
            return Some(false);
        }
        let mut parts = vec![self.local(schema, value)];
        for &child in schema.reference.iter().chain(&schema.all_of) {
            parts.push(self.schema(child, value));
        }
        if let Some(branches) = &schema.any_of {
            parts.push(count_in(self.branches(branches, value), 1, usize::MAX));
        }
        if let Some(branches) = &schema.one_of {
            parts.push(count_in(self.branches(branches, value), 1, 1));
        }
        if let Some(child) = schema.not {
            parts.push(not(self.schema(child, value)));
        }
        if let Some(conditional) = schema.conditional {
            let branch = match self.schema(conditional.condition, value) {
                Some(true) => Some(conditional.consequence),
                Some(false) => Some(conditional.alternative),
                None => None,
            };
            parts.push(match branch {
                Some(Some(branch)) => self.schema(branch, value),
                Some(None) => Some(true),
                None => None,
            });
        }
        if let Value::Object(members) = value {
            for (trigger, names) in &schema.object.dependent_required {
                let paid = names.iter().all(|name| members.contains_key(name));
                parts.push(Some(!members.contains_key(trigger) || paid));
            }
            for (trigger, child) in &schema.object.dependent_schemas {
                if members.contains_key(trigger) {
                    parts.push(self.schema(*child, value));
                }
            }
        }
        parts.push(self.unevaluated(schema, value));
        all(parts)
    }

    /// Whether what no keyword evaluates satisfies `unevaluatedItems` or `unevaluatedProperties`.
    fn unevaluated(&mut self, schema: &Schema, value: &Value) -> Option<bool> {
        let others = match value {
            Value::Array(_) => schema.array.unevaluated,
            Value::Object(_) => schema.object.unevaluated,
            _ => None,
        };
        let Some(others) = others.filter(|&others| others != Additional::Open) else { return Some(true) };
        let parts: Vec<&Value> = parts(value).collect();
        let mut evaluated = vec![false; parts.len()];
        self.mark(schema, value, &mut evaluated)?;
        let rest = parts.into_iter().zip(evaluated).filter(|(_, evaluated)| !evaluated);
        let holds = rest.map(|(part, _)| match others {
            Additional::Open => Some(true),
            Additional::Closed => Some(false),
            Additional::Schema(child) => self.schema(child, part),
        });
        all(holds.collect::<Vec<_>>())
    }

    /// Marks the items or members of `value` that the keywords of `schema` evaluate, its own `unevaluatedItems` and
    /// `unevaluatedProperties` aside, given that they hold; `None` when that cannot be told.
    fn mark(&mut self, schema: &Schema, value: &Value, evaluated: &mut [bool]) -> Option<()> {
        match value {
            Value::Array(items) => {
                let array = &schema.array;
                for (index, item) in items.iter().enumerate() {
                    evaluated[index] |= index < array.prefix.len() || array.rest.is_some();
                    if let Some(contains) = array.contains.filter(|contains| contains.evaluates) {
                        evaluated[index] |= self.schema(contains.schema, item)?;
                    }
                }
            }
            Value::Object(members) => {
                let object = &schema.object;
                for (index, key) in members.keys().enumerate() {
                    evaluated[index] |=
                        object.additional != Additional::Open || object.properties.iter().any(|(name, _)| name == key);
                    for (pattern, _) in &object.patterns {
                        evaluated[index] |= self.patterns.get(pattern, self.budget).ok()?.accepts(key);
                    }
                }
            }
            _ => return Some(()),
        }
        let mut holding: Vec<SchemaId> = schema.reference.iter().chain(&schema.all_of).copied().collect();
        for &branch in schema.any_of.iter().chain(&schema.one_of).flatten() {
            if self.schema(branch, value)? {
                holding.push(branch);
            }
        }
        if let Some(conditional) = schema.conditional {
            if self.schema(conditional.condition, value)? {
                holding.push(conditional.condition);
                holding.extend(conditional.consequence);
            } else {
                holding.extend(conditional.alternative);
            }
        }
        let has = |name: &str| value.as_object().is_some_and(|members| members.contains_key(name));
        let triggered = schema.object.dependent_schemas.iter().filter(|(trigger, _)| has(trigger));
        holding.extend(triggered.map(|(_, child)| *child));
        for child in holding {
            let child = self.ast.get(child);
            let is_all = if value.is_array() { child.array.unevaluated } else { child.object.unevaluated }.is_some();
            if is_all {
                evaluated.fill(true);
            }
            if self.depth >= MAX_DEPTH || self.budget.tick().is_err() {
                return None;
            }
            self.depth += 1;
            let marked = self.mark(child, value, evaluated);
            self.depth -= 1;
            marked?;
        }
        Some(())
    }

    fn branches(&mut self, branches: &[SchemaId], value: &Value) -> Vec<Option<bool>> {
        branches.iter().map(|&branch| self.schema(branch, value)).collect()
    }

    /// The keywords that do not hold schemas for the same value.
    fn local(&mut self, schema: &Schema, value: &Value) -> Option<bool> {
        let kind = Type::of(value);
        if schema.unsupported.iter().any(|&(concerned, ..)| concerned.is_none_or(|concerned| concerned == kind)) {
            return None;
        }
        let mut parts: Vec<Option<bool>> = schema.values.iter().map(|list| Some(list.lists(value))).collect();
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(_) => {
                let number = decimal(value)?;
                parts.push(Some(!schema.integer || number.is_integer()));
                parts.extend(schema.number.lower.iter().map(|bound| Some(is_above(&number, bound))));
                parts.extend(schema.number.upper.iter().map(|bound| Some(is_below(&number, bound))));
                parts.push(is_multiple(value, schema.number.multiple_of.as_ref()));
            }
            Value::String(text) => {
                let length = text.chars().count();
                parts.push(Some(length >= schema.string.min as usize && is_at_most(length, schema.string.max)));
                parts.push(self.pattern(schema, value));
                parts.push(self.format(schema, value));
            }
            Value::Array(items) => {
                let length = items.len();
                parts.push(Some(length >= schema.array.min as usize && is_at_most(length, schema.array.max)));
                self.items(schema, items, &mut parts);
            }
            Value::Object(members) => {
                let count = members.len();
                parts.push(Some(count >= schema.object.min as usize && is_at_most(count, schema.object.max)));
                parts.push(Some(schema.object.required.iter().all(|name| members.contains_key(name))));
                let mut found = Vec::new();
                self.members(schema, members, &mut found);
                parts.extend(found.into_iter().map(|(_, holds)| holds));
            }
        }
        all(parts)
    }

    /// What the keywords with schemas for items say.
    fn items(&mut self, schema: &Schema, items: &[Value], parts: &mut Vec<Option<bool>>) {
        let array = &schema.array;
        for (index, item) in items.iter().enumerate() {
            if let Some(child) = array.prefix.get(index).copied().or(array.rest) {
                parts.push(self.schema(child, item));
            }
        }
        parts.push(Some(!array.unique || are_unique(items)));
        if let Some(contains) = array.contains {
            let found: Vec<_> = items.iter().map(|item| self.schema(contains.schema, item)).collect();
            let max = contains.max.map_or(usize::MAX, |max| max as usize);
            parts.push(count_in(found, contains.min as usize, max));
        }
    }

    /// What the keywords with schemas for members say, by keyword.
    fn members(
        &mut self,
        schema: &Schema,
        members: &serde_json::Map<String, Value>,
        parts: &mut Vec<(&'static str, Option<bool>)>,
    ) {
        let object = &schema.object;
        for (key, member) in members {
            let mut is_additional = Some(true);
            if let Some((_, child)) = object.properties.iter().find(|(name, _)| name == key) {
                is_additional = Some(false);
                parts.push(("properties", self.schema(*child, member)));
            }
            for (pattern, child) in &object.patterns {
                match self.patterns.get(pattern, self.budget).map(|language| language.accepts(key)) {
                    Ok(true) => {
                        is_additional = Some(false);
                        parts.push(("patternProperties", self.schema(*child, member)));
                    }
                    Ok(false) => {}
                    Err(_) => {
                        is_additional = is_additional.filter(|additional| !additional);
                        parts.push(("patternProperties", None));
                    }
                }
            }
            let additional = match (object.additional, is_additional) {
                (Additional::Open, _) | (_, Some(false)) => Some(true),
                (_, None) => None,
                (Additional::Closed, Some(true)) => Some(false),
                (Additional::Schema(child), Some(true)) => self.schema(child, member),
            };
            parts.push(("additionalProperties", additional));
            if let Some(names) = object.names {
                parts.push(("propertyNames", self.schema(names, &Value::String(key.clone()))));
            }
        }
    }

    fn pattern(&mut self, schema: &Schema, value: &Value) -> Option<bool> {
        let Some(pattern) = &schema.string.pattern else { return Some(true) };
        let language = self.patterns.get(pattern, self.budget).ok()?;
        Some(language.accepts(value.as_str()?))
    }

    fn format(&mut self, schema: &Schema, value: &Value) -> Option<bool> {
        let Some(format) = &schema.string.format else { return Some(true) };
        let text = value.as_str()?;
        if format == REGEX {
            return is_regex(text);
        }
        if self.patterns.format(format, Side::Inner, self.budget).ok()?.accepts(text) {
            return Some(true);
        }
        (!self.patterns.format(format, Side::Outer, self.budget).ok()?.accepts(text)).then_some(false)
    }
}

/// The items or the values of the members of `value`.
fn parts(value: &Value) -> impl Iterator<Item = &Value> {
    let items = value.as_array().into_iter().flatten();
    items.chain(value.as_object().into_iter().flat_map(|members| members.values()))
}

fn are_unique(items: &[Value]) -> bool {
    (0..items.len()).all(|index| !items[..index].iter().any(|other| is_equal(other, &items[index])))
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::from_json(number),
        _ => None,
    }
}

fn is_multiple(value: &Value, divisor: Option<&Decimal>) -> Option<bool> {
    match divisor {
        Some(divisor) => decimal(value)?.is_multiple_of(divisor),
        None => Some(true),
    }
}

fn is_above(value: &Decimal, bound: &Bound) -> bool {
    *value > bound.value || (!bound.exclusive && *value == bound.value)
}

fn is_below(value: &Decimal, bound: &Bound) -> bool {
    *value < bound.value || (!bound.exclusive && *value == bound.value)
}

fn is_at_most(count: usize, max: Option<u32>) -> bool {
    max.is_none_or(|max| count <= max as usize)
}
