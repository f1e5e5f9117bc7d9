//! Disjunctive normal form: a conjunction of schemas, seen from one type, as alternatives of plain constraints.
//!
//! Working per type keeps the alternatives few: a branch of another type is already gone, and a keyword that says
//! nothing about the type leaves no trace.

use std::rc::Rc;

use grammar_ir::{Budget, LimitError};
use rustc_hash::{FxHashMap, FxHashSet};

use super::ast::{Additional, Ast, Schema, SchemaId, Type};
use super::named_keyword::named;
use super::normal::{Context, Goal, Literal};
use super::unevaluated::{self, Evaluation, Unevaluated};
use super::{contradiction, merge};

/// One constraint on values of one type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Atom {
    /// The keywords of the schema that concern the type, other than those that hold schemas for the same value.
    Local(SchemaId),
    /// One keyword of the schema does not hold.
    Not(SchemaId, Part),
    /// The object has this key.
    Requires(Rc<str>),
    /// The object has not this key.
    Lacks(Rc<str>),
    /// The object has the property of the schema at this index, and its value is valid.
    Has(SchemaId, usize),
    /// The schema, which holds, is one whose keywords evaluate items or members. Only while the schemas around it are
    /// expanded that ask for it.
    Evaluates(SchemaId),
}

/// A keyword that can be negated on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// The list of values at this index.
    Values(usize),
    /// `type: integer`.
    Integer,
    /// The lower bound at this index.
    Lower(usize),
    /// The upper bound at this index.
    Upper(usize),
    /// `multipleOf`.
    MultipleOf,
    /// `minLength`.
    MinLength,
    /// `maxLength`.
    MaxLength,
    /// `pattern`.
    Pattern,
    /// `format`.
    Format,
    /// `minItems`.
    MinItems,
    /// `maxItems`.
    MaxItems,
    /// The item of the prefix at this index.
    PrefixItem(usize),
    /// The items after the prefix.
    Items,
    /// `minContains`, or `contains` without it.
    MinContains,
    /// `maxContains`.
    MaxContains,
    /// `uniqueItems`.
    UniqueItems,
    /// The property at this index.
    Property(usize),
    /// The property at this index, whose key is required, together with its being required.
    RequiredProperty(usize),
    /// The pattern of `patternProperties` at this index.
    PatternProperty(usize),
    /// `additionalProperties`.
    AdditionalProperties,
    /// `propertyNames`.
    PropertyNames,
    /// `minProperties`.
    MinProperties,
    /// `maxProperties`.
    MaxProperties,
    /// A keyword whose complement is not implemented.
    Unsupported(&'static str),
}

/// Constraints that hold together, in the order in which the schemas state them.
pub(super) type Alternative = Vec<Atom>;

/// More alternatives than this for one value and type are refused.
const MAX_ALTERNATIVES: usize = 1_024;
/// More alternatives than this are not compared with each other to drop those that repeat others.
const MAX_UNION: usize = 8_192;
/// More pairs than this are not looked at to find the alternatives among them.
const MAX_PAIRS: usize = 16_384;
/// Schemas for the same value nested deeper than this are refused.
const MAX_DEPTH: usize = 200;
/// How deep two branches of `oneOf` are compared to prove that no value is in both.
const DISJOINT_DEPTH: usize = 3;

/// More pairs of alternatives than this are not merged to prove that no value is in both; they are taken to overlap.
const MAX_COMPARISONS: u32 = 10_000;

/// How the alternatives of the complement of a schema are stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tell {
    /// One for each way to fail.
    Together,
    /// By a required property with listed values: it fails, or it holds and something else fails. Branches that differ in
    /// the value of one key then contradict each other, so that their complements have few alternatives together.
    Apart,
}

/// How a schema is part of one around it that is for the same value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Step {
    /// It must hold: `$ref`, `allOf`.
    All,
    /// It is one of several that may hold: `anyOf`, `oneOf`.
    Any,
    /// In some other way, perhaps negated.
    #[default]
    Other,
}

/// What has been expanded.
#[derive(Debug, Default)]
pub(super) struct Expansions {
    done: FxHashMap<(Type, Literal, Evaluation), Rc<Vec<Alternative>>>,
    /// What is being expanded, with its place on the path.
    open: FxHashMap<(Type, Literal, Evaluation), usize>,
    /// How each of them was come to.
    path: Vec<Step>,
    /// How the next one is come to.
    step: Step,
    /// The first place on the path that has been left out where it comes back, in what has been expanded since the last
    /// place was opened.
    left_out: Option<usize>,
    pub(super) unevaluated: Unevaluated,
    /// What stands among evaluators for a schema that is not known, which may evaluate everything.
    pub(super) everything: Option<SchemaId>,
    /// The first negation of a property, by whether the key is optional, the key and the schema of its value.
    properties: FxHashMap<(bool, String, SchemaId), (SchemaId, Part)>,
    /// How many pairs of alternatives have been merged to prove that no value is in both.
    comparisons: u32,
}

/// The alternatives of the conjunction `goal` for values of type `kind`.
pub(super) fn goal(context: &mut Context<'_>, kind: Type, goal: &Goal, budget: &mut Budget<'_>) -> Vec<Alternative> {
    // Most schemas have a `type`, so that there is nothing to expand for most types.
    if goal.iter().any(|literal| literal.positive && !context.ast.get(literal.schema).types.contains(kind)) {
        return Vec::new();
    }
    let mut alternatives = vec![Vec::new()];
    for &literal in goal {
        let expanded = expand(context, kind, literal, Evaluation::Unknown, budget);
        alternatives = product(context.ast, kind, alternatives, &expanded).unwrap_or_else(|without| {
            refuse(context, literal.schema, context.ast.get(literal.schema).main_keyword());
            if context.refusals.is_lenient() { without } else { Vec::new() }
        });
    }
    if matches!(kind, Type::Array | Type::Object) {
        let unlisted = alternatives.into_iter().flat_map(|atoms| unlisted(context, kind, atoms, budget));
        alternatives = unlisted.collect();
    }
    absorb(alternatives)
}

/// Arrays or objects that are not in some lists: those that differ from each one listed. Next to a list of what the
/// value may be that is not needed, as each value is looked at.
fn unlisted(context: &mut Context<'_>, kind: Type, atoms: Alternative, budget: &mut Budget<'_>) -> Vec<Alternative> {
    let ast = context.ast;
    if atoms.iter().any(|atom| matches!(atom, Atom::Local(id) if !ast.get(*id).values.is_empty())) {
        return vec![atoms];
    }
    let mut result = vec![Vec::new()];
    for atom in atoms {
        let containers = match atom {
            Atom::Not(id, Part::Values(index)) => ast.get(id).containers[index].as_ref().map(|list| (id, list)),
            _ => None,
        };
        let Some((id, containers)) = containers else {
            result.iter_mut().for_each(|alternative| alternative.push(atom.clone()));
            continue;
        };
        for &schema in containers {
            let negated = expand(context, kind, Literal { schema, positive: false }, Evaluation::Unknown, budget);
            result = product(ast, kind, result, &negated).unwrap_or_else(|without| {
                refuse(context, id, "enum");
                if context.refusals.is_lenient() { without } else { Vec::new() }
            });
        }
    }
    result
}

fn expand(
    context: &mut Context<'_>,
    kind: Type,
    literal: Literal,
    evaluation: Evaluation,
    budget: &mut Budget<'_>,
) -> Rc<Vec<Alternative>> {
    // What does not hold evaluates nothing.
    let evaluation = if literal.positive { evaluation } else { Evaluation::Unknown };
    let key = (kind, literal, evaluation);
    if let Some(done) = context.expansions.done.get(&key) {
        return Rc::clone(done);
    }
    let ast = context.ast;
    let schema = ast.get(literal.schema);
    if let Err(error) = budget.tick() {
        out_of_time(context, schema, schema.main_keyword(), &error);
        return Rc::default();
    }
    if context.expansions.open.len() > MAX_DEPTH {
        let reason = format!("schemas for one value are nested deeper than {MAX_DEPTH} levels");
        context.refusals.limit(schema, schema.main_keyword(), reason);
        return Rc::new(unenforced(context, evaluation, vec![Vec::new()]));
    }
    let step = std::mem::take(&mut context.expansions.step);
    if let Some(&place) = context.expansions.open.get(&key) {
        context.expansions.come_back(place, step).unwrap_or_else(|| {
            let (place, keyword) = named(schema, schema.main_keyword());
            let message =
                format!("by its `{keyword}` the schema refers to itself for the same value, so it has no meaning");
            context.refusals.invalid(place, message);
        });
        return Rc::default();
    }
    let place = context.expansions.path.len();
    context.expansions.open.insert(key, place);
    context.expansions.path.push(step);
    let left_out_before = context.expansions.left_out.take();
    let mut expander = Expander { ast, schema, id: literal.schema, kind, evaluation, keyword: "type", context, budget };
    let mut alternatives = if literal.positive { expander.positive() } else { expander.negative() };
    if alternatives.len() > MAX_UNION {
        refuse(context, literal.schema, schema.main_keyword());
        alternatives = unenforced(context, evaluation, vec![Vec::new()]);
    }
    let alternatives = Rc::new(absorb(alternatives));
    let expansions = &mut context.expansions;
    expansions.open.remove(&key);
    expansions.path.pop();
    // What leaves out a schema depends on where that began. Of a cycle that is told from each of its schemas anew.
    let left_out = expansions.left_out.take();
    if left_out.is_none() {
        expansions.done.insert(key, Rc::clone(&alternatives));
    }
    let further_out = left_out.filter(|&left_out| left_out < place);
    expansions.left_out = [further_out, left_out_before].into_iter().flatten().min();
    alternatives
}

impl Expansions {
    /// A schema that is at `place` on the path is come to again. As one of several that may hold, which it is if no step on
    /// the way could be a negation, it adds nothing to what it holds anyway: it is left out. Otherwise there is no telling
    /// what it means.
    fn come_back(&mut self, place: usize, step: Step) -> Option<()> {
        let mut steps = self.path[place + 1..].iter().copied().chain([step]);
        let is_choice = steps.try_fold(false, |any, step| match step {
            Step::All => Some(any),
            Step::Any => Some(true),
            Step::Other => None,
        })?;
        is_choice.then(|| self.left_out = Some(self.left_out.map_or(place, |before| before.min(place))))
    }
}

struct Expander<'c, 'a, 'b> {
    ast: &'a Ast,
    schema: &'a Schema,
    id: SchemaId,
    kind: Type,
    /// What the alternatives of the schemas in it are to say of what they evaluate.
    evaluation: Evaluation,
    /// The keyword that is being looked at.
    keyword: &'static str,
    context: &'c mut Context<'a>,
    budget: &'c mut Budget<'b>,
}

impl Expander<'_, '_, '_> {
    fn positive(&mut self) -> Vec<Alternative> {
        if unevaluated::keyword(self.schema, self.kind).is_none_or(|others| others == Additional::Open) {
            return self.keywords();
        }
        let outer = self.evaluation;
        if outer == Evaluation::Unknown {
            self.evaluation = Evaluation::Least;
        }
        let mut result = self.keywords();
        self.evaluation = outer;
        for alternative in &mut result {
            let evaluators = unevaluated::take_evaluators(alternative);
            let place = unevaluated::schema(self.context, self.kind, self.id, &evaluators);
            alternative.extend(place.map(Atom::Local));
            alternative.extend((outer != Evaluation::Unknown).then_some(Atom::Evaluates(self.id)));
        }
        result
    }

    /// Every keyword but `unevaluatedItems` and `unevaluatedProperties`.
    fn keywords(&mut self) -> Vec<Alternative> {
        let schema = self.schema;
        if !schema.types.contains(self.kind) {
            return Vec::new();
        }
        let mut result = vec![Vec::new()];
        if self.evaluation != Evaluation::Unknown && unevaluated::evaluates(schema, self.kind) {
            result[0].push(Atom::Evaluates(self.id));
        }
        if !schema.is_silent_about(self.kind) || self.is_unsupported() {
            result[0].push(Atom::Local(self.id));
        }
        for (keyword, child) in conjuncts(schema) {
            self.keyword = keyword;
            let child = self.part(child, Step::All);
            result = self.product(result, &child);
        }
        if let Some(branches) = &schema.any_of {
            self.keyword = "anyOf";
            let union = self.any_of(branches);
            result = self.product(result, &union);
        }
        if let Some(branches) = &schema.one_of {
            self.keyword = "oneOf";
            result = self.one_of(&result, branches);
        }
        if let Some(child) = schema.not {
            self.keyword = "not";
            let child = self.child(child, false);
            result = self.product(result, &child);
        }
        if let Some(conditional) = schema.conditional {
            self.keyword = "if";
            let mut union = Vec::new();
            for (holds, branch) in [(true, conditional.consequence), (false, conditional.alternative)] {
                let mut side = self.child(conditional.condition, holds).to_vec();
                if let Some(branch) = branch {
                    let branch = self.child(branch, true);
                    side = self.product(side, &branch);
                }
                union.extend(side);
            }
            result = self.product(result, &union);
        }
        if self.kind == Type::Object {
            self.keyword = "dependentRequired";
            for (trigger, names) in &schema.object.dependent_required {
                let all = names.iter().map(|name| Atom::Requires(name.as_str().into())).collect();
                let union = vec![vec![Atom::Lacks(trigger.as_str().into())], all];
                result = self.product(result, &union);
            }
            self.keyword = "dependentSchemas";
            for (trigger, child) in &schema.object.dependent_schemas {
                let mut union = vec![vec![Atom::Lacks(trigger.as_str().into())]];
                let mut triggered = self.child(*child, true).to_vec();
                if self.evaluation != Evaluation::Unknown {
                    // Without the key it evaluates nothing, even if it holds.
                    triggered = self.product(vec![vec![Atom::Requires(trigger.as_str().into())]], &triggered);
                }
                union.extend(triggered);
                result = self.product(result, &union);
            }
        }
        result
    }

    fn negative(&mut self) -> Vec<Alternative> {
        let schema = self.schema;
        if !schema.types.contains(self.kind) {
            return vec![Vec::new()];
        }
        let mut result = self.unevaluated_fails();
        result.extend(self.parts().into_iter().map(|atom| vec![atom]));
        for (keyword, child) in conjuncts(schema) {
            self.keyword = keyword;
            result.extend(self.child(child, false).iter().cloned());
        }
        if let Some(branches) = &schema.any_of {
            self.keyword = "anyOf";
            result.extend(self.none_of(branches));
        }
        if let Some(branches) = &schema.one_of {
            self.keyword = "oneOf";
            result.extend(self.none_of(branches));
            for (index, &first) in branches.iter().enumerate() {
                for &second in &branches[index + 1..] {
                    // That is refused as a whole.
                    if result.len() > MAX_UNION {
                        return result;
                    }
                    let (first, second) = (self.child(first, true), self.child(second, true));
                    result.extend(self.product(first.to_vec(), &second));
                }
            }
        }
        if let Some(child) = schema.not {
            self.keyword = "not";
            result.extend(self.child(child, true).iter().cloned());
        }
        if let Some(conditional) = schema.conditional {
            self.keyword = "if";
            for (holds, branch) in [(true, conditional.consequence), (false, conditional.alternative)] {
                if let Some(branch) = branch {
                    let (side, branch) = (self.child(conditional.condition, holds), self.child(branch, false));
                    result.extend(self.product(side.to_vec(), &branch));
                }
            }
        }
        if self.kind == Type::Object {
            self.keyword = "dependentRequired";
            for (trigger, names) in &schema.object.dependent_required {
                for name in names {
                    result.push(vec![Atom::Requires(trigger.as_str().into()), Atom::Lacks(name.as_str().into())]);
                }
            }
            self.keyword = "dependentSchemas";
            for (trigger, child) in &schema.object.dependent_schemas {
                let child = self.child(*child, false);
                result.extend(self.product(vec![vec![Atom::Requires(trigger.as_str().into())]], &child));
            }
        }
        result
    }

    /// The negation of `part`. That of a property is the same atom for all schemas that say the same of that property,
    /// so that one member which fails several branches is one alternative.
    fn failing(&mut self, part: Part) -> Atom {
        let (Part::Property(index) | Part::RequiredProperty(index)) = part else { return Atom::Not(self.id, part) };
        let (key, child) = &self.schema.object.properties[index];
        let key = (matches!(part, Part::Property(_)), key.clone(), *child);
        let (id, part) = *self.context.expansions.properties.entry(key).or_insert((self.id, part));
        Atom::Not(id, part)
    }

    /// The negations of the plain keywords, one for each way not to be valid.
    fn parts(&mut self) -> Vec<Atom> {
        let schema = self.schema;
        let mut parts: Vec<Part> = (0..schema.values.len()).map(Part::Values).collect();
        let mut flag = |part, present: bool| parts.extend(present.then_some(part));
        match self.kind {
            Type::Null | Type::Boolean => {}
            Type::Number => {
                flag(Part::Integer, schema.integer);
                (0..schema.number.lower.len()).for_each(|index| flag(Part::Lower(index), true));
                (0..schema.number.upper.len()).for_each(|index| flag(Part::Upper(index), true));
                flag(Part::MultipleOf, schema.number.multiple_of.is_some());
            }
            Type::String => {
                flag(Part::MinLength, schema.string.min > 0);
                flag(Part::MaxLength, schema.string.max.is_some());
                flag(Part::Pattern, schema.string.pattern.is_some());
                flag(Part::Format, schema.string.format.is_some());
            }
            Type::Array => {
                let array = &schema.array;
                flag(Part::MinItems, array.min > 0);
                flag(Part::MaxItems, array.max.is_some());
                (0..array.prefix.len()).for_each(|index| flag(Part::PrefixItem(index), true));
                flag(Part::Items, array.rest.is_some());
                flag(Part::UniqueItems, array.unique);
                flag(Part::MinContains, array.contains.is_some_and(|contains| contains.min > 0));
                flag(Part::MaxContains, array.contains.is_some_and(|contains| contains.max.is_some()));
            }
            Type::Object => {
                let object = &schema.object;
                for (index, (name, _)) in object.properties.iter().enumerate() {
                    // Not to be there and not to hold are one alternative, which halves the products of branches.
                    let is_required = object.required.contains(name);
                    flag(if is_required { Part::RequiredProperty(index) } else { Part::Property(index) }, true);
                }
                flag(Part::MinProperties, object.min > 0);
                flag(Part::MaxProperties, object.max.is_some());
                (0..object.patterns.len()).for_each(|index| flag(Part::PatternProperty(index), true));
                flag(Part::AdditionalProperties, object.additional != Additional::Open);
                flag(Part::PropertyNames, object.names.is_some());
            }
        }
        for &(kind, keyword, _) in &schema.unsupported {
            flag(Part::Unsupported(keyword), kind.is_none_or(|kind| kind == self.kind));
        }
        let mut atoms: Vec<Atom> = parts.into_iter().map(|part| self.failing(part)).collect();
        if self.kind == Type::Object {
            let object = &schema.object;
            let is_declared = |name: &String| object.properties.iter().any(|(key, _)| key == name);
            let undeclared = object.required.iter().filter(|&name| !is_declared(name));
            atoms.extend(undeclared.map(|name| Atom::Lacks(name.as_str().into())));
        }
        atoms
    }

    /// What satisfies `base` and exactly one of `branches`: one of them and none of those that it might overlap. That
    /// `base` is known makes many a pair of branches disjoint.
    fn one_of(&mut self, base: &[Alternative], branches: &[SchemaId]) -> Vec<Alternative> {
        let expanded: Vec<(SchemaId, Rc<Vec<Alternative>>)> = branches
            .iter()
            .map(|&branch| (branch, self.part(branch, Step::Any)))
            .filter(|(_, alternatives)| !alternatives.is_empty())
            .collect();
        let mut union = Vec::new();
        for (index, (_, alternatives)) in expanded.iter().enumerate() {
            let mut earlier: FxHashSet<Atom> = FxHashSet::default();
            let mut result = self.product(base.to_vec(), alternatives);
            let only = [Tell::Together, Tell::Apart]
                .into_iter()
                .find_map(|tell| self.only(result.clone(), index, &expanded, tell, &mut earlier));
            result = only.unwrap_or_else(|| {
                refuse(self.context, self.id, self.keyword);
                if self.context.refusals.is_lenient() { result } else { Vec::new() }
            });
            // Keys are written in the order of the atoms, which is to be that of the document.
            let of_base: FxHashSet<&Atom> = base.iter().flatten().collect();
            let of_branch: FxHashSet<&Atom> = alternatives.iter().flatten().collect();
            for alternative in result.iter_mut().filter(|_| !earlier.is_empty()) {
                alternative.sort_by_key(|atom| match atom {
                    atom if of_base.contains(atom) => 0,
                    atom if of_branch.contains(atom) => 2,
                    atom if earlier.contains(atom) => 1,
                    _ => 3,
                });
            }
            union.extend(result);
            if union.len() > MAX_UNION {
                refuse(self.context, self.id, self.keyword);
                return unenforced(self.context, self.evaluation, base.to_vec());
            }
        }
        absorb(union)
    }

    /// What satisfies one of `alternatives`, which are of the branch at `index`, and none of the other branches; `None` if
    /// there are too many. The atoms of the complements of earlier branches are added to `earlier`.
    fn only(
        &mut self,
        alternatives: Vec<Alternative>,
        index: usize,
        branches: &[(SchemaId, Rc<Vec<Alternative>>)],
        tell: Tell,
        earlier: &mut FxHashSet<Atom>,
    ) -> Option<Vec<Alternative>> {
        let mut result = alternatives;
        for (other, (branch, others)) in branches.iter().enumerate() {
            let (mut apart, mut together) = (Vec::new(), Vec::new());
            for alternative in result {
                let is_apart = other == index || self.are_disjoint(std::slice::from_ref(&alternative), others);
                if is_apart { &mut apart } else { &mut together }.push(alternative);
            }
            result = apart;
            if !together.is_empty() {
                let negated = self.complement(*branch, tell);
                if other < index {
                    earlier.extend(negated.iter().flatten().cloned());
                }
                result.extend(self.try_product(together, &negated).ok()?);
            }
        }
        Some(result)
    }

    /// The complement of `branch`.
    fn complement(&mut self, branch: SchemaId, tell: Tell) -> Rc<Vec<Alternative>> {
        let negated = self.child(branch, false);
        if tell == Tell::Together {
            return negated;
        }
        let is_key = |alternative: &Alternative| match alternative.as_slice() {
            [Atom::Not(id, Part::RequiredProperty(index))] => {
                let (_, child) = self.ast.get(*id).object.properties[*index];
                (!contradiction::follow(self.ast, child).values.is_empty()).then_some((*id, *index))
            }
            _ => None,
        };
        let Some((id, index)) = negated.iter().find_map(is_key) else { return negated };
        let fails = Atom::Not(id, Part::RequiredProperty(index));
        let apart = negated.iter().map(|alternative| {
            let mut alternative = alternative.clone();
            if alternative != [fails.clone()] {
                // The key that tells branches apart is most often written first.
                alternative.insert(0, Atom::Has(id, index));
            }
            alternative
        });
        Rc::new(apart.collect())
    }

    fn are_disjoint(&mut self, first: &[Alternative], second: &[Alternative]) -> bool {
        first.iter().all(|first| {
            second.iter().all(|second| {
                let both = join(first, second);
                contradiction::is_plain(self.ast, self.kind, &both) || {
                    let comparisons = &mut self.context.expansions.comparisons;
                    *comparisons += 1;
                    *comparisons <= MAX_COMPARISONS
                        && merge::is_surely_empty(self.context, self.kind, &both, DISJOINT_DEPTH, self.budget)
                }
            })
        })
    }

    fn none_of(&mut self, branches: &[SchemaId]) -> Vec<Alternative> {
        let none = [Tell::Together, Tell::Apart].into_iter().find_map(|tell| {
            branches.iter().try_fold(vec![Vec::new()], |result, &branch| {
                let negated = self.complement(branch, tell);
                self.try_product(result, &negated).ok()
            })
        });
        none.unwrap_or_else(|| {
            refuse(self.context, self.id, self.keyword);
            if self.context.refusals.is_lenient() { vec![Vec::new()] } else { Vec::new() }
        })
    }

    /// At least one of `branches`. Where it matters what they evaluate, each one that evaluates something is in or out.
    fn any_of(&mut self, branches: &[SchemaId]) -> Vec<Alternative> {
        let branches: Vec<(SchemaId, Rc<Vec<Alternative>>)> =
            branches.iter().map(|&branch| (branch, self.part(branch, Step::Any))).collect();
        let is_silent = |alternatives: &[Alternative]| {
            !alternatives.iter().flatten().any(|atom| matches!(atom, Atom::Evaluates(_)))
        };
        let (silent, evaluating): (Vec<_>, Vec<_>) =
            branches.into_iter().partition(|(_, alternatives)| is_silent(alternatives));
        let silent: Vec<Alternative> = silent.iter().flat_map(|(_, alternatives)| alternatives.to_vec()).collect();
        if evaluating.is_empty() {
            return silent;
        }
        self.subsets(evaluating, &silent).unwrap_or_else(|_| {
            refuse(self.context, self.id, self.keyword);
            unenforced(self.context, self.evaluation, vec![Vec::new()])
        })
    }

    /// Each set of `evaluating` branches that hold together, or one of the alternatives `silent`; an error if there are too
    /// many.
    fn subsets(
        &mut self,
        evaluating: Vec<(SchemaId, Rc<Vec<Alternative>>)>,
        silent: &[Alternative],
    ) -> Result<Vec<Alternative>, Vec<Alternative>> {
        let mut none: Vec<Alternative> = vec![Vec::new()];
        let mut some: Vec<Alternative> = Vec::new();
        for (branch, alternatives) in evaluating {
            let mut with = self.try_product(none.clone(), &alternatives)?;
            with.extend(self.try_product(some.clone(), &alternatives)?);
            if self.evaluation == Evaluation::Exact {
                let negated = self.child(branch, false);
                none = self.try_product(none, &negated)?;
                some = self.try_product(some, &negated)?;
            }
            some.extend(with);
        }
        some.extend(self.try_product(none, silent)?);
        Ok(some)
    }

    /// The ways in which `unevaluatedItems` or `unevaluatedProperties` fails while all other keywords hold.
    fn unevaluated_fails(&mut self) -> Vec<Alternative> {
        if unevaluated::keyword(self.schema, self.kind).is_none_or(|others| others == Additional::Open) {
            return Vec::new();
        }
        self.evaluation = Evaluation::Exact;
        let alternatives = self.keywords();
        self.evaluation = Evaluation::Unknown;
        let part = if self.kind == Type::Array { Part::Items } else { Part::AdditionalProperties };
        let fail = |mut alternative: Alternative| {
            let evaluators = unevaluated::take_evaluators(&mut alternative);
            let everything = self.context.expansions.everything;
            if everything.is_some_and(|everything| evaluators.contains(&everything)) {
                // What is evaluated is not known, so it may fail.
                return Some(alternative);
            }
            let schema = unevaluated::schema(self.context, self.kind, self.id, &evaluators)?;
            alternative.push(Atom::Not(schema, part));
            Some(alternative)
        };
        alternatives.into_iter().filter_map(fail).collect()
    }

    /// The alternatives of a schema that holds, which is a part of this one by `step`.
    fn part(&mut self, schema: SchemaId, step: Step) -> Rc<Vec<Alternative>> {
        self.context.expansions.step = step;
        self.child(schema, true)
    }

    fn child(&mut self, schema: SchemaId, positive: bool) -> Rc<Vec<Alternative>> {
        expand(self.context, self.kind, Literal { schema, positive }, self.evaluation, self.budget)
    }

    fn product(&mut self, left: Vec<Alternative>, right: &[Alternative]) -> Vec<Alternative> {
        self.try_product(left, right).unwrap_or_else(|left| {
            refuse(self.context, self.id, self.keyword);
            unenforced(self.context, self.evaluation, left)
        })
    }

    /// The same; `left` if there are too many.
    fn try_product(
        &mut self,
        left: Vec<Alternative>,
        right: &[Alternative],
    ) -> Result<Vec<Alternative>, Vec<Alternative>> {
        if let Err(error) = self.budget.check_time() {
            out_of_time(self.context, self.schema, self.keyword, &error);
            return Ok(Vec::new());
        }
        product(self.ast, self.kind, left, right)
    }

    fn is_unsupported(&self) -> bool {
        self.schema.unsupported.iter().any(|&(kind, ..)| kind.is_none_or(|kind| kind == self.kind))
    }
}

/// The schemas that hold whenever `schema` does, by keyword.
fn conjuncts(schema: &Schema) -> impl Iterator<Item = (&'static str, SchemaId)> {
    let reference = schema.reference.iter().map(|&child| ("$ref", child));
    reference.chain(schema.all_of.iter().map(|&child| ("allOf", child)))
}

/// Every alternative of `left` together with every one of `right`; `left` if there are too many.
fn product(
    ast: &Ast,
    kind: Type,
    left: Vec<Alternative>,
    right: &[Alternative],
) -> Result<Vec<Alternative>, Vec<Alternative>> {
    if let [single] = right
        && single.is_empty()
    {
        return Ok(left);
    }
    if left.len().saturating_mul(right.len()) > MAX_PAIRS {
        return Err(left);
    }
    let pairs = left.iter().flat_map(|left| right.iter().map(move |right| join(left, right)));
    let possible = pairs.filter(|pair| !contradiction::is_plain(ast, kind, pair)).map(|mut pair| {
        contradiction::simplify(ast, kind, &mut pair);
        pair
    });
    let joined: Vec<Alternative> = possible.take(2 * MAX_ALTERNATIVES).collect();
    // Absorbing takes quadratic time; twice the limit is rarely brought below it.
    if joined.len() == 2 * MAX_ALTERNATIVES {
        return Err(left);
    }
    let joined = absorb(joined);
    if joined.len() <= MAX_ALTERNATIVES { Ok(joined) } else { Err(left) }
}

/// What is left where a keyword met a limit: `without` it, if that is asked for. What the keyword would have evaluated is
/// not known then.
fn unenforced(context: &mut Context<'_>, evaluation: Evaluation, mut without: Vec<Alternative>) -> Vec<Alternative> {
    if !context.refusals.is_lenient() {
        return Vec::new();
    }
    if evaluation != Evaluation::Unknown
        && let Some(everything) = unevaluated::everything(context)
    {
        let mark = Atom::Evaluates(everything);
        without.iter_mut().filter(|alternative| !alternative.contains(&mark)).for_each(|alternative| {
            alternative.push(mark.clone());
        });
    }
    without
}

fn out_of_time(context: &mut Context<'_>, schema: &Schema, keyword: &str, error: &LimitError) {
    let (place, name) = named(schema, keyword);
    context.refusals.limit_at(place, &name, &error.to_string());
}

/// `keyword` of a schema needs too many alternatives.
fn refuse(context: &mut Context<'_>, schema: SchemaId, keyword: &str) {
    let reason = format!("the combination of branches needs more than {MAX_ALTERNATIVES} alternatives for one value");
    context.refusals.limit(context.ast.get(schema), keyword, reason);
}

fn join(left: &[Atom], right: &[Atom]) -> Alternative {
    let mut joined = left.to_vec();
    for atom in right {
        if !joined.contains(atom) {
            joined.push(atom.clone());
        }
    }
    joined
}

/// Drops alternatives that only repeat a wider one that evaluates the same.
fn absorb(alternatives: Vec<Alternative>) -> Vec<Alternative> {
    if alternatives.len() < 2 {
        return alternatives;
    }
    let is_evaluator = |atom: &&Atom| matches!(atom, Atom::Evaluates(_));
    let sets: Vec<FxHashSet<&Atom>> = alternatives.iter().map(|alternative| alternative.iter().collect()).collect();
    let evaluators: Vec<usize> = sets.iter().map(|set| set.iter().copied().filter(is_evaluator).count()).collect();
    let is_kept = |index: usize| {
        !(0..sets.len()).any(|other| {
            other != index
                && sets[other].len() <= sets[index].len()
                && (sets[other].len() < sets[index].len() || other < index)
                && evaluators[other] == evaluators[index]
                && sets[other].is_subset(&sets[index])
        })
    };
    let kept: Vec<bool> = (0..sets.len()).map(is_kept).collect();
    alternatives.into_iter().zip(kept).filter_map(|(alternative, kept)| kept.then_some(alternative)).collect()
}
