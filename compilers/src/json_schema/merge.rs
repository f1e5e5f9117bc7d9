//! One alternative of constraints, merged into shapes of its type.

use super::language::Language;
use std::sync::Arc;

use grammar_ir::Budget;
use grammar_ir::regular::CharAutomaton;
use serde_json::Value;

use super::ast::{Bound, SchemaId, Type, TypeSet};
use super::decimal::Decimal;
use super::evaluate;
use super::expand::{Atom, Part};
use super::format::{self, REGEX, Side};
use super::normal::{ArrayShape, Context, Goal, Literal, ObjectShape, StringShape, Texts};
use super::number::{Fraction, NumberSet, Numbers};
use super::options::Digits;
use super::string;
use super::{merge_array, merge_object};

/// Why a keyword cannot be negated.
pub(super) const COMPLEMENT: &str = "its complement, which a `not`, `oneOf` or `if` needs, is not implemented";

/// Values of one type.
#[derive(Debug)]
pub(super) enum Shape {
    /// This value.
    Value(Value),
    /// The numbers with these texts.
    Number(Numbers),
    /// Strings.
    String(StringShape),
    /// The strings of the format `regex`.
    Regex,
    /// Arrays.
    Array(ArrayShape<Goal>),
    /// Objects.
    Object(ObjectShape<Goal>),
}

/// The union of `shapes`, if nothing was refused; otherwise a superset.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// The shapes.
    pub(super) shapes: Vec<Shape>,
    /// Schema, keyword and reason of each keyword that could not be merged exactly.
    pub(super) refused: Vec<(SchemaId, &'static str, String)>,
}

impl Merged {
    /// Remembers that `keyword` of `schema` is not enforced.
    pub(super) fn refuse(&mut self, schema: SchemaId, keyword: &'static str, reason: &str) {
        self.refused.push((schema, keyword, reason.to_owned()));
    }
}

/// Merges the constraints of `alternative` on values of type `kind`.
pub(super) fn merge(context: &mut Context<'_>, kind: Type, alternative: &[Atom], budget: &mut Budget<'_>) -> Merged {
    let mut merged = Merged::default();
    if let Some(candidates) = candidates(context, kind, alternative) {
        enumerate(context, alternative, candidates, &mut merged, budget);
        return merged;
    }
    for atom in alternative {
        let (Atom::Local(id) | Atom::Not(id, _)) = atom else { continue };
        let unsupported = &context.ast.get(*id).unsupported;
        for &(_, keyword, reason) in unsupported.iter().filter(|entry| entry.0.is_none_or(|entry| entry == kind)) {
            merged.refuse(*id, keyword, reason);
        }
        if let Atom::Not(_, Part::Unsupported(keyword)) = atom {
            merged.refuse(*id, keyword, COMPLEMENT);
        }
    }
    match kind {
        Type::Null | Type::Boolean => {}
        Type::Number => numbers(context, alternative, None, &mut merged, budget),
        Type::String => strings(context, alternative, &mut merged, budget),
        Type::Array => merge_array::arrays(context, alternative, &mut merged, budget),
        Type::Object => merge_object::objects(context, alternative, &mut merged, budget),
    }
    merged
}

/// The finitely many values that could satisfy `alternative`, when that is plain.
fn candidates(context: &Context<'_>, kind: Type, alternative: &[Atom]) -> Option<Vec<Value>> {
    match kind {
        Type::Null => return Some(vec![Value::Null]),
        Type::Boolean => return Some(vec![Value::Bool(false), Value::Bool(true)]),
        _ => {}
    }
    let lists = alternative.iter().filter_map(|atom| match atom {
        Atom::Local(id) => context.ast.get(*id).values.iter().min_by_key(|list| list.len()),
        _ => None,
    });
    let shortest = lists.min_by_key(|list| list.len())?;
    Some(shortest.iter().filter(|value| Type::of(value) == kind).cloned().collect())
}

fn enumerate(
    context: &mut Context<'_>,
    alternative: &[Atom],
    candidates: Vec<Value>,
    merged: &mut Merged,
    budget: &mut Budget<'_>,
) {
    let is_written = |atom: &Atom| match atom {
        Atom::Local(id) | Atom::Not(id, Part::Integer) => context.ast.get(*id).written_integer,
        _ => false,
    };
    // Whether a number is an integer that is one by how it is written is not up to its value.
    let depends_on_writing = alternative.iter().any(is_written);
    let about_value: Vec<Atom> =
        alternative.iter().filter(|atom| !matches!(atom, Atom::Not(..)) || !is_written(atom)).cloned().collect();
    for value in candidates {
        if depends_on_writing
            && let Value::Number(number) = &value
            && let Some(decimal) = Decimal::from_json(number)
            && matches!(evaluate::holds(context, &about_value, &value, budget), Ok(true))
        {
            numbers(context, alternative, Some(&decimal), merged, budget);
            continue;
        }
        match evaluate::holds(context, alternative, &value, budget) {
            Ok(true) => merged.shapes.push(Shape::Value(value)),
            Ok(false) => {}
            Err(_) => {
                for atom in alternative {
                    if let Err(undecided) = evaluate::holds(context, std::slice::from_ref(atom), &value, budget) {
                        merged.refuse(undecided.schema, undecided.keyword, &undecided.reason);
                    }
                }
                merged.shapes.push(Shape::Value(value));
            }
        }
    }
}

/// The numbers that satisfy everything but positive lists; of these `only` the given one.
fn numbers(
    context: &mut Context<'_>,
    alternative: &[Atom],
    only: Option<&Decimal>,
    merged: &mut Merged,
    budget: &mut Budget<'_>,
) {
    let mut set = only.map_or_else(NumberSet::default, NumberSet::single);
    let mut excluded: Vec<Decimal> = Vec::new();
    let mut divisor_source = None;
    for atom in alternative {
        let (Atom::Local(id) | Atom::Not(id, _)) = atom else { continue };
        let schema = context.ast.get(*id);
        match atom {
            Atom::Local(_) => {
                schema.number.lower.iter().for_each(|bound| set.bound_below(bound));
                schema.number.upper.iter().for_each(|bound| set.bound_above(bound));
                if schema.written_integer {
                    set.write(Fraction::Absent);
                } else if schema.integer {
                    set.require_multiple(Decimal::one());
                    if context.options.numbers == Digits::Conventional {
                        set.write(Fraction::Absent);
                    }
                }
                if let Some(divisor) = &schema.number.multiple_of {
                    set.require_multiple(divisor.clone());
                    divisor_source = Some(*id);
                }
            }
            Atom::Not(_, Part::Lower(index)) => set.bound_above(&opposite(&schema.number.lower[*index])),
            Atom::Not(_, Part::Upper(index)) => set.bound_below(&opposite(&schema.number.upper[*index])),
            Atom::Not(_, Part::Integer) if schema.written_integer => set.write(Fraction::Present),
            Atom::Not(_, Part::Integer) => set.exclude_multiples(Decimal::one()),
            Atom::Not(_, Part::MultipleOf) => {
                schema.number.multiple_of.iter().for_each(|divisor| set.exclude_multiples(divisor.clone()));
                divisor_source = Some(*id);
            }
            Atom::Not(_, Part::Values(index)) => {
                let numbers = schema.values[*index].iter().filter_map(Value::as_number);
                for number in numbers {
                    match Decimal::from_json(number) {
                        Some(value) => excluded.push(value),
                        None => merged.refuse(*id, "enum", "the exponent of a number in it is out of all bounds"),
                    }
                }
            }
            _ => {}
        }
    }
    for set in set.without(excluded) {
        match context.patterns.numbers(&set, context.options.numbers, budget) {
            Ok(Some(numbers)) => merged.shapes.push(Shape::Number(numbers)),
            Ok(None) => {}
            Err(reason) => {
                let id = divisor_source.or_else(|| first_schema(alternative)).unwrap_or(super::ast::Ast::ROOT);
                let keyword = if divisor_source.is_some() { "multipleOf" } else { "minimum" };
                merged.refuse(id, keyword, &reason);
                let wider = [set.without_divisors(), NumberSet::default()];
                let numbers = wider.iter().find_map(|set| set.texts(context.options.numbers, budget).ok());
                merged.shapes.extend(numbers.flatten().map(Shape::Number));
            }
        }
    }
}

fn opposite(bound: &Bound) -> Bound {
    Bound { value: bound.value.clone(), exclusive: !bound.exclusive }
}

fn first_schema(alternative: &[Atom]) -> Option<SchemaId> {
    alternative.iter().find_map(|atom| match atom {
        Atom::Local(id) | Atom::Not(id, _) => Some(*id),
        _ => None,
    })
}

fn strings(context: &mut Context<'_>, alternative: &[Atom], merged: &mut Merged, budget: &mut Budget<'_>) {
    let limits = string::limits(budget);
    let budget = &mut Budget::new(&limits);
    if let Some(shape) = lone_pattern(context, alternative, budget) {
        return merged.shapes.push(Shape::String(shape));
    }
    let (mut min, mut max) = (0u32, None::<u32>);
    let mut languages: Vec<(SchemaId, &'static str, Arc<Language>)> = Vec::new();
    let mut regex = None;
    for atom in alternative {
        let (Atom::Local(id) | Atom::Not(id, _)) = atom else { continue };
        let schema = context.ast.get(*id);
        let mut wanted: Vec<(&'static str, bool)> = Vec::new();
        match atom {
            Atom::Local(_) => {
                min = min.max(schema.string.min);
                max = least(max, schema.string.max);
                max = least(max, schema.string.format.as_deref().and_then(format::longest));
                wanted.extend(schema.string.pattern.is_some().then_some(("pattern", true)));
                wanted.extend(schema.string.format.is_some().then_some(("format", true)));
            }
            Atom::Not(_, Part::MinLength) => max = least(max, Some(schema.string.min.saturating_sub(1))),
            Atom::Not(_, Part::MaxLength) => {
                min = min.max(schema.string.max.map_or(u32::MAX, |max| max.saturating_add(1)));
            }
            Atom::Not(_, Part::Pattern) => wanted.push(("pattern", false)),
            Atom::Not(_, Part::Format) => wanted.push(("format", false)),
            Atom::Not(_, Part::Values(index)) => {
                let texts =
                    schema.values[*index].iter().filter_map(Value::as_str).map(CharAutomaton::literal).collect();
                let language = CharAutomaton::union_of(texts, budget).and_then(|texts| texts.complement(budget));
                match language {
                    Ok(language) => languages.push((*id, "enum", Language::new(language))),
                    Err(error) => merged.refuse(*id, "enum", &error.to_string()),
                }
            }
            _ => {}
        }
        for (keyword, positive) in wanted {
            let language = match (keyword, &schema.string.pattern, &schema.string.format) {
                ("pattern", Some(pattern), _) => context.patterns.get(pattern, budget),
                (_, _, Some(format)) if format == REGEX && positive => {
                    regex = Some(*id);
                    continue;
                }
                (_, _, Some(format)) => {
                    let side = if positive { Side::Inner } else { Side::Outer };
                    context.patterns.format(format, side, budget)
                }
                _ => continue,
            };
            let language = language.and_then(|language| {
                if positive {
                    return Ok(language);
                }
                language.complement(budget).map(Language::new).map_err(|error| error.to_string())
            });
            match language {
                Ok(language) => languages.push((*id, keyword, language)),
                Err(reason) => merged.refuse(*id, keyword, &reason),
            }
        }
    }
    if max.is_some_and(|max| max < min) {
        return;
    }
    if let Some(id) = regex {
        if languages.is_empty() && min == 0 && max.is_none() {
            return merged.shapes.push(Shape::Regex);
        }
        let is_plain = |text: &(SchemaId, &'static str, Arc<Language>)| format::are_regexes(&text.2, budget);
        if !languages.iter().any(is_plain)
            && let Err(reason) = context.patterns.format(REGEX, Side::Inner, &mut Budget::new(&limits))
        {
            merged.refuse(id, "format", &reason);
        }
    }
    let Some((id, keyword, first)) = languages.pop() else {
        merged.shapes.push(Shape::String(StringShape::of_length(min, max)));
        return;
    };
    let mut language = first;
    let mut narrow = |other: &CharAutomaton| {
        language.intersection(other, budget).map(|narrowed| language = Language::new(narrowed)).is_ok()
    };
    let shape = if languages.iter().all(|(_, _, other)| narrow(other)) {
        string::of_length(language, min, max, budget).ok()
    } else {
        None
    };
    match shape {
        Some(shape) => merged.shapes.extend(shape.map(Shape::String)),
        None => {
            let reason = "together with the other constraints on the string it needs too many states";
            merged.refuse(id, keyword, reason);
            merged.shapes.push(Shape::String(StringShape::of_length(min, max)));
        }
    }
}

/// The strings of an alternative that asks for one large pattern and nothing else: they are written with the counts of the
/// pattern.
fn lone_pattern(context: &mut Context<'_>, alternative: &[Atom], budget: &mut Budget<'_>) -> Option<StringShape> {
    let mut pattern = None;
    for atom in alternative {
        match atom {
            Atom::Local(id) => {
                let string = &context.ast.get(*id).string;
                if string.min > 0 || string.max.is_some() || string.format.is_some() {
                    return None;
                }
                if string.pattern.is_some() && std::mem::replace(&mut pattern, string.pattern.as_deref()).is_some() {
                    return None;
                }
            }
            Atom::Not(_, Part::MinLength | Part::MaxLength | Part::Pattern | Part::Format | Part::Values(_)) => {
                return None;
            }
            _ => {}
        }
    }
    let pattern = pattern?;
    let language = context.patterns.get(pattern, budget).ok();
    let tree = context.patterns.tree(pattern)?;
    if language.as_ref().is_some_and(|language| language.is_empty()) {
        return None;
    }
    Some(StringShape { texts: Texts::Pattern { tree, language }, min: 0, max: None })
}

/// Refuses the complement of listed values when it would exclude a container.
pub(super) fn refuse_values(context: &Context<'_>, id: SchemaId, index: usize, kind: Type, merged: &mut Merged) {
    if context.ast.get(id).values[index].iter().any(|value| Type::of(value) == kind) {
        merged.refuse(id, "enum", "the complement of a list of so many arrays and objects is not implemented");
    }
}

/// The smaller of two optional upper bounds.
pub(super) fn least(left: Option<u32>, right: Option<u32>) -> Option<u32> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    }
}

/// Whether it is plain that no value of type `kind` satisfies `alternative`. Looks `depth` levels into objects.
pub(super) fn is_surely_empty(
    context: &mut Context<'_>,
    kind: Type,
    alternative: &[Atom],
    depth: usize,
    budget: &mut Budget<'_>,
) -> bool {
    merge(context, kind, alternative, budget).shapes.iter().all(|shape| match shape {
        Shape::Object(object) => object.named.iter().any(|member| {
            member.required
                && member.place.value.as_ref().is_none_or(|goal| is_goal_surely_empty(context, goal, depth, budget))
        }),
        Shape::Array(array) => (0..array.min as usize).take(array.prefix.len() + 1).any(|index| {
            let item = array.prefix.get(index).unwrap_or(&array.rest);
            item.value.as_ref().is_none_or(|goal| is_goal_surely_empty(context, goal, depth, budget))
        }),
        _ => false,
    })
}

/// How deep a goal is compared with a schema to prove that no value satisfies both.
const APART_DEPTH: usize = 1;

/// Whether it is plain that no value satisfies `goal` and `schema`.
pub(super) fn is_apart(context: &mut Context<'_>, goal: &Goal, schema: SchemaId, budget: &mut Budget<'_>) -> bool {
    let mut both = goal.clone();
    both.push(Literal::holds(schema));
    is_goal_surely_empty(context, &both, APART_DEPTH, budget)
}

/// Judges a goal by the types and values that its schemas list, following `$ref` and `allOf` only: expanding it here
/// could need the very `oneOf` that is being expanded.
fn is_goal_surely_empty(context: &mut Context<'_>, goal: &Goal, depth: usize, budget: &mut Budget<'_>) -> bool {
    let mut schemas: Vec<SchemaId> =
        goal.iter().filter(|literal| literal.positive).map(|literal| literal.schema).collect();
    let mut next = 0;
    while next < schemas.len() && schemas.len() < 64 {
        let schema = context.ast.get(schemas[next]);
        for &child in schema.reference.iter().chain(&schema.all_of) {
            if !schemas.contains(&child) {
                schemas.push(child);
            }
        }
        next += 1;
    }
    let mut types = TypeSet::ALL;
    schemas.iter().for_each(|&id| types = types.intersection(context.ast.get(id).types));
    if types == TypeSet::NONE {
        return true;
    }
    let lists = schemas.iter().flat_map(|&id| &context.ast.get(id).values);
    if let Some(list) = lists.min_by_key(|list| list.len()) {
        return list.iter().all(|value| matches!(evaluate::is_valid(context, &schemas, value, budget), Ok(false)));
    }
    let only = Type::ALL.into_iter().filter(|&kind| types.contains(kind)).collect::<Vec<_>>();
    let [kind] = only.as_slice() else { return false };
    depth > 0 && {
        let alternative: Vec<Atom> = schemas.into_iter().map(Atom::Local).collect();
        is_surely_empty(context, *kind, &alternative, depth - 1, budget)
    }
}
