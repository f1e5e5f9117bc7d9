//! Whether a value is valid, decided on the schemas themselves: what filters `enum` and `const`.

use std::rc::Rc;

use grammar_ir::Budget;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::ast::{Additional, Ast, Bound, Schema, SchemaId, Type};
use super::decimal::Decimal;
use super::expand::{Atom, Part};
use super::format::{REGEX, Side, is_regex, longest};
use super::normal::Context;
use super::string::Patterns;

/// Schemas nested deeper than this, for one value or for the values inside it, are not followed.
const MAX_DEPTH: usize = 400;

/// Whether something holds, or the keyword for which that cannot be told.
pub(super) type Verdict = Result<bool, Undecided>;

/// A keyword for which it cannot be told whether it holds.
#[derive(Debug, Clone)]
pub(super) struct Undecided {
    /// The schema that has the keyword.
    pub(super) schema: SchemaId,
    /// The keyword.
    pub(super) keyword: &'static str,
    /// Why.
    pub(super) reason: Rc<str>,
}

/// Whether `value` satisfies every atom of `alternative`.
pub(super) fn holds(
    context: &mut Context<'_>,
    alternative: &[Atom],
    value: &Value,
    budget: &mut Budget<'_>,
) -> Verdict {
    let mut evaluator = Evaluator::new(context, budget);
    all(alternative.iter().map(|atom| evaluator.atom(atom, value)))
}

/// Whether `value` is valid against every schema of `schemas`.
pub(super) fn is_valid(
    context: &mut Context<'_>,
    schemas: &[SchemaId],
    value: &Value,
    budget: &mut Budget<'_>,
) -> Verdict {
    let mut evaluator = Evaluator::new(context, budget);
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
fn all(parts: impl IntoIterator<Item = Verdict>) -> Verdict {
    let mut verdict = Ok(true);
    for part in parts {
        match part {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(undecided) => verdict = verdict.and(Err(undecided)),
        }
    }
    verdict
}

/// Three-valued negation.
fn not(part: Verdict) -> Verdict {
    part.map(|holds| !holds)
}

/// Whether the number of parts that hold is in `min..=max`.
fn count_in(parts: impl IntoIterator<Item = Verdict>, min: usize, max: usize) -> Verdict {
    let (mut holding, mut unknown) = (0, 0);
    let mut first = None;
    for part in parts {
        match part {
            Ok(true) => holding += 1,
            Ok(false) => {}
            Err(undecided) => {
                unknown += 1;
                first.get_or_insert(undecided);
            }
        }
    }
    match first {
        _ if holding > max || holding + unknown < min => Ok(false),
        Some(undecided) if holding < min || holding + unknown > max => Err(undecided),
        _ => Ok(true),
    }
}

/// A schema and a value in the one that is judged, by its address: the values do not move while one is.
type Question = (SchemaId, *const Value);

struct Evaluator<'e, 'a, 'b> {
    ast: &'a Ast,
    patterns: &'e mut Patterns,
    budget: &'e mut Budget<'b>,
    /// Whether time is up, so that nothing more is looked at.
    stopped: bool,
    answers: FxHashMap<Question, Verdict>,
    /// What is being looked at, and how deep.
    open: FxHashMap<Question, usize>,
    /// Answers that are not known only for want of the answer to what is being looked at. They are forgotten with it.
    provisional: Vec<Question>,
    /// The least depth whose answer was wanted for what has been looked at since the last one was opened.
    wanted: Option<usize>,
}

impl<'e, 'a, 'b> Evaluator<'e, 'a, 'b> {
    fn new(context: &'e mut Context<'a>, budget: &'e mut Budget<'b>) -> Self {
        Self {
            ast: context.ast,
            patterns: &mut context.patterns,
            stopped: budget.check_time().is_err(),
            budget,
            answers: FxHashMap::default(),
            open: FxHashMap::default(),
            provisional: Vec::new(),
            wanted: None,
        }
    }

    fn atom(&mut self, atom: &Atom, value: &Value) -> Verdict {
        let has = |name: &str| value.as_object().is_some_and(|members| members.contains_key(name));
        match atom {
            Atom::Local(id) => self.local(*id, value),
            Atom::Requires(name) => Ok(has(name)),
            Atom::Lacks(name) => Ok(!has(name)),
            Atom::Has(id, index) => {
                let (key, child) = &self.ast.get(*id).object.properties[*index];
                value
                    .as_object()
                    .and_then(|members| members.get(key))
                    .map_or(Ok(false), |member| self.schema(*child, member))
            }
            Atom::Not(id, part) => not(self.part(*id, *part, value)),
            Atom::Evaluates(_) => Ok(true),
        }
    }

    /// Whether one keyword holds for a value of its type.
    fn part(&mut self, id: SchemaId, part: Part, value: &Value) -> Verdict {
        let schema = self.ast.get(id);
        let length = value.as_str().map_or(0, |text| text.chars().count());
        let items = value.as_array().map_or(0, Vec::len);
        let members = value.as_object().map_or(0, serde_json::Map::len);
        match part {
            Part::Values(index) => Ok(schema.values[index].lists(value)),
            Part::Integer => decimal(id, "type", value).map(|value| value.is_integer()),
            Part::Lower(index) => {
                decimal(id, "minimum", value).map(|value| is_above(&value, &schema.number.lower[index]))
            }
            Part::Upper(index) => {
                decimal(id, "maximum", value).map(|value| is_below(&value, &schema.number.upper[index]))
            }
            Part::MultipleOf => is_multiple(id, value, schema.number.multiple_of.as_ref()),
            Part::MinLength => Ok(length >= schema.string.min as usize),
            Part::MaxLength => Ok(is_at_most(length, schema.string.max)),
            Part::Pattern => self.pattern(id, value),
            Part::Format => self.format(id, value),
            Part::MinItems => Ok(items >= schema.array.min as usize),
            Part::MaxItems => Ok(is_at_most(items, schema.array.max)),
            Part::MinProperties => Ok(members >= schema.object.min as usize),
            Part::MaxProperties => Ok(is_at_most(members, schema.object.max)),
            Part::Property(index) | Part::RequiredProperty(index) => {
                let (key, child) = &schema.object.properties[index];
                match value.as_object().and_then(|members| members.get(key)) {
                    Some(member) => self.schema(*child, member),
                    None => Ok(matches!(part, Part::Property(_))),
                }
            }
            Part::PrefixItem(index) => match value.get(index) {
                Some(item) => self.schema(schema.array.prefix[index], item),
                None => Ok(true),
            },
            Part::Items => {
                let Some(rest) = schema.array.rest else { return Ok(true) };
                let items = value.as_array().into_iter().flatten().skip(schema.array.prefix.len());
                all(items.map(|item| self.schema(rest, item)).collect::<Vec<_>>())
            }
            Part::MinContains | Part::MaxContains => {
                let Some(contains) = schema.array.contains else { return Ok(true) };
                let (min, max) = match part {
                    Part::MinContains => (contains.min as usize, usize::MAX),
                    _ => (0, contains.max.map_or(usize::MAX, |max| max as usize)),
                };
                let items = value.as_array().into_iter().flatten();
                count_in(items.map(|item| self.schema(contains.schema, item)).collect::<Vec<_>>(), min, max)
            }
            Part::UniqueItems => Ok(are_unique(value.as_array().map_or(&[], Vec::as_slice))),
            Part::PatternProperty(index) => {
                let (pattern, child) = &schema.object.patterns[index];
                let language = self.patterns.get(pattern, self.budget);
                let language = language.map_err(|reason| undecided(id, "patternProperties", reason))?;
                let members = value.as_object().into_iter().flatten().filter(|(key, _)| language.accepts(key));
                all(members.map(|(_, member)| self.schema(*child, member)).collect::<Vec<_>>())
            }
            Part::AdditionalProperties | Part::PropertyNames => {
                let mut parts = Vec::new();
                value.as_object().into_iter().for_each(|members| self.members(id, members, &mut parts));
                let keyword = match part {
                    Part::PropertyNames => "propertyNames",
                    _ => "additionalProperties",
                };
                all(parts.into_iter().filter(|(name, _)| *name == keyword).map(|(_, holds)| holds))
            }
            Part::Unsupported(keyword) => {
                let reason = schema.unsupported.iter().find(|entry| entry.1 == keyword).map_or("", |entry| entry.2);
                Err(undecided(id, keyword, reason))
            }
        }
    }

    fn schema(&mut self, id: SchemaId, value: &Value) -> Verdict {
        let question = (id, std::ptr::from_ref(value));
        if let Some(answer) = self.answers.get(&question) {
            return answer.clone();
        }
        let cannot = |reason: &str| Err(undecided(id, self.ast.get(id).main_keyword(), reason));
        self.stopped = self.stopped || self.budget.tick().is_err();
        if self.stopped {
            return cannot("compiling took too long");
        }
        let depth = self.open.len();
        if let Some(&opened) = self.open.get(&question) {
            self.wanted = least(self.wanted, Some(opened));
            return cannot("a listed value depends on itself in it");
        }
        if depth >= MAX_DEPTH {
            self.wanted = Some(0);
            return cannot("schemas for a listed value are nested too deep");
        }
        let wanted_before = self.wanted.take();
        let provisional = self.provisional.len();
        self.open.insert(question, depth);
        let answer = self.whole(id, value);
        self.open.remove(&question);
        let further_out = self.wanted.filter(|&wanted| wanted < depth);
        if further_out.is_none() {
            for question in self.provisional.drain(provisional..) {
                self.answers.remove(&question);
            }
        } else if answer.is_err() {
            self.provisional.push(question);
        }
        self.answers.insert(question, answer.clone());
        self.wanted = least(wanted_before, further_out);
        answer
    }

    fn whole(&mut self, id: SchemaId, value: &Value) -> Verdict {
        let schema = self.ast.get(id);
        if !schema.types.contains(Type::of(value)) {
            return Ok(false);
        }
        let mut parts = vec![self.local(id, value)];
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
            parts.push(self.schema(conditional.condition, value).and_then(|holds| {
                let branch = if holds { conditional.consequence } else { conditional.alternative };
                branch.map_or(Ok(true), |branch| self.schema(branch, value))
            }));
        }
        if let Value::Object(members) = value {
            for (trigger, names) in &schema.object.dependent_required {
                let paid = names.iter().all(|name| members.contains_key(name));
                parts.push(Ok(!members.contains_key(trigger) || paid));
            }
            for (trigger, child) in &schema.object.dependent_schemas {
                if members.contains_key(trigger) {
                    parts.push(self.schema(*child, value));
                }
            }
        }
        parts.push(self.unevaluated(id, value));
        all(parts)
    }

    /// Whether what no keyword evaluates satisfies `unevaluatedItems` or `unevaluatedProperties`.
    fn unevaluated(&mut self, id: SchemaId, value: &Value) -> Verdict {
        let schema = self.ast.get(id);
        let others = match value {
            Value::Array(_) => schema.array.unevaluated,
            Value::Object(_) => schema.object.unevaluated,
            _ => None,
        };
        let Some(others) = others.filter(|&others| others != Additional::Open) else { return Ok(true) };
        let parts: Vec<&Value> = parts(value).collect();
        let mut evaluated = vec![false; parts.len()];
        // Each schema marks what it evaluates once.
        let mut marking = vec![id];
        let mut known = FxHashSet::default();
        while let Some(next) = marking.pop() {
            if known.insert(next) {
                self.mark(next, value, next == id, &mut evaluated, &mut marking)?;
            }
        }
        let rest = parts.into_iter().zip(evaluated).filter(|(_, evaluated)| !evaluated);
        let holds = rest.map(|(part, _)| match others {
            Additional::Open => Ok(true),
            Additional::Closed => Ok(false),
            Additional::Schema(child) => self.schema(child, part),
        });
        all(holds.collect::<Vec<_>>())
    }

    /// Marks the items or members of `value` that the keywords of a schema evaluate, given that they hold, and adds the
    /// schemas in it that hold, too. The own `unevaluatedItems` and `unevaluatedProperties` of the one that asks do not
    /// count.
    fn mark(
        &mut self,
        id: SchemaId,
        value: &Value,
        asks: bool,
        evaluated: &mut [bool],
        holding: &mut Vec<SchemaId>,
    ) -> Result<(), Undecided> {
        let schema = self.ast.get(id);
        let all = if value.is_array() { schema.array.unevaluated } else { schema.object.unevaluated };
        if all.is_some() && !asks {
            evaluated.fill(true);
        }
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
                        let language = self.patterns.get(pattern, self.budget);
                        let language = language.map_err(|reason| undecided(id, "patternProperties", reason))?;
                        evaluated[index] |= language.accepts(key);
                    }
                }
            }
            _ => return Ok(()),
        }
        holding.extend(schema.reference.iter().chain(&schema.all_of));
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
        Ok(())
    }

    fn branches(&mut self, branches: &[SchemaId], value: &Value) -> Vec<Verdict> {
        branches.iter().map(|&branch| self.schema(branch, value)).collect()
    }

    /// The keywords that do not hold schemas for the same value.
    fn local(&mut self, id: SchemaId, value: &Value) -> Verdict {
        let schema = self.ast.get(id);
        let kind = Type::of(value);
        let concerns = |concerned: Option<Type>| concerned.is_none_or(|concerned| concerned == kind);
        let unsupported = schema.unsupported.iter().filter(|entry| concerns(entry.0));
        let mut parts: Vec<Verdict> =
            unsupported.map(|&(_, keyword, reason)| Err(undecided(id, keyword, reason))).collect();
        parts.extend(schema.values.iter().map(|list| Ok(list.lists(value))));
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(_) => {
                let is_below = |number: Decimal| schema.number.upper.iter().all(|bound| is_below(&number, bound));
                let is_above = |number: Decimal| schema.number.lower.iter().all(|bound| is_above(&number, bound));
                if schema.integer {
                    parts.push(decimal(id, "type", value).map(|number| number.is_integer()));
                }
                if !schema.number.lower.is_empty() {
                    parts.push(decimal(id, "minimum", value).map(is_above));
                }
                if !schema.number.upper.is_empty() {
                    parts.push(decimal(id, "maximum", value).map(is_below));
                }
                parts.push(is_multiple(id, value, schema.number.multiple_of.as_ref()));
            }
            Value::String(text) => {
                let length = text.chars().count();
                parts.push(Ok(length >= schema.string.min as usize && is_at_most(length, schema.string.max)));
                parts.push(self.pattern(id, value));
                parts.push(self.format(id, value));
            }
            Value::Array(items) => {
                let length = items.len();
                parts.push(Ok(length >= schema.array.min as usize && is_at_most(length, schema.array.max)));
                self.items(schema, items, &mut parts);
            }
            Value::Object(members) => {
                let count = members.len();
                parts.push(Ok(count >= schema.object.min as usize && is_at_most(count, schema.object.max)));
                parts.push(Ok(schema.object.required.iter().all(|name| members.contains_key(name))));
                let mut found = Vec::new();
                self.members(id, members, &mut found);
                parts.extend(found.into_iter().map(|(_, holds)| holds));
            }
        }
        all(parts)
    }

    /// What the keywords with schemas for items say.
    fn items(&mut self, schema: &Schema, items: &[Value], parts: &mut Vec<Verdict>) {
        let array = &schema.array;
        for (index, item) in items.iter().enumerate() {
            if let Some(child) = array.prefix.get(index).copied().or(array.rest) {
                parts.push(self.schema(child, item));
            }
        }
        parts.push(Ok(!array.unique || are_unique(items)));
        if let Some(contains) = array.contains {
            let found: Vec<_> = items.iter().map(|item| self.schema(contains.schema, item)).collect();
            let max = contains.max.map_or(usize::MAX, |max| max as usize);
            parts.push(count_in(found, contains.min as usize, max));
        }
    }

    /// What the keywords with schemas for members say, by keyword.
    fn members(
        &mut self,
        id: SchemaId,
        members: &serde_json::Map<String, Value>,
        parts: &mut Vec<(&'static str, Verdict)>,
    ) {
        let object = &self.ast.get(id).object;
        for (key, member) in members {
            let mut is_additional = Ok(true);
            if let Some((_, child)) = object.properties.iter().find(|(name, _)| name == key) {
                is_additional = Ok(false);
                parts.push(("properties", self.schema(*child, member)));
            }
            for (pattern, child) in &object.patterns {
                match self.patterns.get(pattern, self.budget).map(|language| language.accepts(key)) {
                    Ok(true) => {
                        is_additional = Ok(false);
                        parts.push(("patternProperties", self.schema(*child, member)));
                    }
                    Ok(false) => {}
                    Err(reason) => {
                        let undecided = undecided(id, "patternProperties", reason);
                        parts.push(("patternProperties", Err(undecided.clone())));
                        if matches!(is_additional, Ok(true)) {
                            is_additional = Err(undecided);
                        }
                    }
                }
            }
            let additional = match (object.additional, is_additional) {
                (Additional::Open, _) | (_, Ok(false)) => Ok(true),
                (_, Err(undecided)) => Err(undecided),
                (Additional::Closed, Ok(true)) => Ok(false),
                (Additional::Schema(child), Ok(true)) => self.schema(child, member),
            };
            parts.push(("additionalProperties", additional));
            if let Some(names) = object.names {
                parts.push(("propertyNames", self.name(names, key)));
            }
        }
    }

    /// Whether a key is valid against `schema`.
    fn name(&mut self, schema: SchemaId, key: &str) -> Verdict {
        let name = Value::String(key.to_owned());
        // The address of a value made here is soon that of another one. No schema for a text leads out of it.
        let outer = std::mem::take(&mut self.answers);
        let holds = self.schema(schema, &name);
        self.answers = outer;
        holds
    }

    fn pattern(&mut self, id: SchemaId, value: &Value) -> Verdict {
        let Some(pattern) = &self.ast.get(id).string.pattern else { return Ok(true) };
        let language = self.patterns.get(pattern, self.budget);
        let language = language.map_err(|reason| undecided(id, "pattern", reason))?;
        Ok(value.as_str().is_none_or(|text| language.accepts(text)))
    }

    fn format(&mut self, id: SchemaId, value: &Value) -> Verdict {
        let (Some(format), Some(text)) = (&self.ast.get(id).string.format, value.as_str()) else { return Ok(true) };
        let unknown = || undecided(id, "format", "whether a listed value conforms to it is not known");
        if format == REGEX {
            return is_regex(text).ok_or_else(unknown);
        }
        if longest(format).is_some_and(|longest| text.chars().count() > longest as usize) {
            return Ok(false);
        }
        let mut accepts = |side| {
            let language = self.patterns.format(format, side, self.budget);
            language.map(|language| language.accepts(text)).map_err(|reason| undecided(id, "format", reason))
        };
        if accepts(Side::Inner)? {
            return Ok(true);
        }
        if accepts(Side::Outer)? { Err(unknown()) } else { Ok(false) }
    }
}

/// It cannot be told whether `keyword` of `schema` holds.
fn undecided(schema: SchemaId, keyword: &'static str, reason: impl Into<Rc<str>>) -> Undecided {
    Undecided { schema, keyword, reason: reason.into() }
}

/// The smaller of two depths.
fn least(left: Option<usize>, right: Option<usize>) -> Option<usize> {
    [left, right].into_iter().flatten().min()
}

/// The items or the values of the members of `value`.
fn parts(value: &Value) -> impl Iterator<Item = &Value> {
    let items = value.as_array().into_iter().flatten();
    items.chain(value.as_object().into_iter().flat_map(|members| members.values()))
}

fn are_unique(items: &[Value]) -> bool {
    (0..items.len()).all(|index| !items[..index].iter().any(|other| is_equal(other, &items[index])))
}

/// The number `value`, as `keyword` asks for it.
fn decimal(schema: SchemaId, keyword: &'static str, value: &Value) -> Result<Decimal, Undecided> {
    let number = value.as_number().and_then(Decimal::from_json);
    number.ok_or_else(|| undecided(schema, keyword, "the exponent of a listed number is out of all bounds"))
}

fn is_multiple(schema: SchemaId, value: &Value, divisor: Option<&Decimal>) -> Verdict {
    let Some(divisor) = divisor else { return Ok(true) };
    let number = decimal(schema, "multipleOf", value)?;
    let reason = "whether a listed number is a multiple would take too many digits to tell";
    number.is_multiple_of(divisor).ok_or_else(|| undecided(schema, "multipleOf", reason))
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
