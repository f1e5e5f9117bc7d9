//! Object constraints merged: declared keys, classes of other keys, counts.

use super::language::Language;
use std::rc::Rc;
use std::sync::Arc;

use grammar_ir::regular::CharAutomaton;
use grammar_ir::{Budget, LimitError};
use rustc_hash::FxHashMap;
use serde_json::Value;

use super::ast::{Additional, ObjectKeywords, SchemaId, Type};
use super::evaluate;
use super::expand::{self, Atom, Part};
use super::few;
use super::merge::{self, Merged, Shape, least};
use super::normal::{Context, Free, FreeKeys, Goal, Literal, Named, ObjectShape};
use super::options::KeyOrder;
use super::string;
use super::tally::{MAX_TALLIES, Place, Tally};

/// More classes of undeclared keys than this in one object are refused.
const MAX_CLASSES: usize = 64;

/// Up to so many undeclared keys of one object that can be used up are told apart.
const MAX_FEW_KEYS: usize = 256;

/// Merges the constraints of `alternative` on objects.
pub(super) fn objects(context: &mut Context<'_>, alternative: &[Atom], merged: &mut Merged, budget: &mut Budget<'_>) {
    let mut builder = Builder {
        locals: Vec::new(),
        wanted: Vec::new(),
        keys: Keys::default(),
        min: 0,
        max: None,
        unknown: Vec::new(),
    };
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
                    Part::Property(index) | Part::RequiredProperty(index) => {
                        builder.keys.declare(&object.properties[*index].0);
                    }
                    _ => {}
                }
            }
            Atom::Has(id, index) => builder.keys.declare(&context.ast.get(*id).object.properties[*index].0),
            Atom::Requires(_) | Atom::Lacks(_) | Atom::Evaluates(_) => {}
        }
    }
    // Names that are only required come after all declared ones, whichever schema requires them.
    for atom in alternative {
        match atom {
            Atom::Local(id) => context.ast.get(*id).object.required.iter().for_each(|key| builder.keys.require(key)),
            Atom::Requires(key) => builder.keys.require(key),
            Atom::Lacks(key) => builder.keys.forbid(key),
            Atom::Evaluates(_) => {}
            Atom::Has(id, index) => {
                let (key, schema) = &context.ast.get(*id).object.properties[*index];
                builder.keys.require(key);
                builder.keys.constrain(key, Literal::holds(*schema));
            }
            Atom::Not(id, Part::Property(index)) => {
                let (key, schema) = &context.ast.get(*id).object.properties[*index];
                builder.keys.require(key);
                builder.keys.constrain(key, Literal { schema: *schema, positive: false });
            }
            Atom::Not(id, Part::RequiredProperty(index)) => {
                let (key, schema) = &context.ast.get(*id).object.properties[*index];
                builder.keys.constrain(key, Literal { schema: *schema, positive: false });
            }
            Atom::Not(id, part) => builder.want(context, *id, *part),
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

/// The complement of a keyword about every member: some member must violate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The pattern of `patternProperties` at this index.
    Pattern(SchemaId, usize),
    /// `additionalProperties`.
    Additional(SchemaId),
    /// `propertyNames`.
    Names(SchemaId),
}

impl Wanted {
    fn schema(self) -> SchemaId {
        match self {
            Self::Pattern(id, _) | Self::Additional(id) | Self::Names(id) => id,
        }
    }

    fn keyword(self) -> &'static str {
        match self {
            Self::Pattern(..) => "patternProperties",
            Self::Additional(_) => "additionalProperties",
            Self::Names(_) => "propertyNames",
        }
    }
}

/// What a language of keys is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// The keys that match the pattern of `patternProperties` at this index.
    Pattern(SchemaId, usize),
    /// The keys that violate `propertyNames`.
    BadName(SchemaId),
}

struct Builder<'a> {
    locals: Vec<(SchemaId, &'a ObjectKeywords)>,
    wanted: Vec<Wanted>,
    keys: Keys,
    min: u32,
    max: Option<u32>,
    /// Schemas with a language of keys that is refused: which of their keywords concern a key is not known.
    unknown: Vec<SchemaId>,
}

/// What a member may be, before it is settled which of the things wanted are told apart.
#[derive(Debug, Clone)]
struct OpenPlace {
    /// Its value; `None` when there is no such member.
    value: Option<Goal>,
    /// The index of each thing wanted that it can be, and what it must satisfy for that in addition, if anything.
    conditions: Vec<(usize, Option<Literal>)>,
    /// Whether it must be there.
    required: bool,
}

impl OpenPlace {
    /// The place with a tally for each of `kept`.
    fn settle(self, kept: &[usize]) -> Place<Goal> {
        let tally = |(index, condition)| Some((kept.binary_search(&index).ok()?, condition));
        let conditions: Vec<_> = self.conditions.into_iter().filter_map(tally).collect();
        Place::new(self.value, &conditions)
    }
}

/// A class of undeclared keys: its language (`None` is every one) and what each schema's patterns say of it.
struct Class {
    language: Option<Arc<Language>>,
    matched: Vec<Use>,
}

impl Builder<'_> {
    /// Takes note of a violation that must be found.
    fn want(&mut self, context: &Context<'_>, id: SchemaId, part: Part) {
        let wanted = match part {
            Part::PatternProperty(index) => Wanted::Pattern(id, index),
            Part::AdditionalProperties => {
                // Only a key that is declared somewhere is told apart from the others.
                context.ast.get(id).object.properties.iter().for_each(|(key, _)| self.keys.declare(key));
                Wanted::Additional(id)
            }
            Part::PropertyNames => Wanted::Names(id),
            _ => return,
        };
        self.wanted.push(wanted);
    }

    /// How a member whose key is matched by `matched` can be what is wanted; `name` is its key when it is declared.
    fn conditions(&self, context: &Context<'_>, name: Option<&str>, matched: &[Use]) -> Vec<(usize, Option<Literal>)> {
        let fails = |schema| Literal { schema, positive: false };
        let condition = |wanted: &Wanted| match *wanted {
            Wanted::Pattern(id, index) => {
                let is_matched = matched.contains(&Use::Pattern(id, index));
                is_matched.then(|| Some(fails(context.ast.get(id).object.patterns[index].1)))
            }
            Wanted::Names(id) => matched.contains(&Use::BadName(id)).then_some(None),
            Wanted::Additional(id) => {
                let object = &context.ast.get(id).object;
                let is_declared = name.is_some_and(|name| object.properties.iter().any(|(key, _)| key == name));
                let is_matched = matched.iter().any(|used| matches!(used, Use::Pattern(other, _) if *other == id));
                match object.additional {
                    _ if is_declared || is_matched => None,
                    Additional::Open => None,
                    Additional::Closed => Some(None),
                    Additional::Schema(child) => Some(Some(fails(child))),
                }
            }
        };
        self.wanted.iter().enumerate().filter_map(|(index, wanted)| Some((index, condition(wanted)?))).collect()
    }

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
        let unknown = &self.unknown;
        self.wanted.retain(|wanted| !unknown.contains(&wanted.schema()));
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
            let matching = patterns.iter().filter(|pattern| pattern.language.accepts(&key.name));
            let matched: Vec<Use> = matching.flat_map(|pattern| pattern.uses.iter().copied()).collect();
            let mut value = self.value(|position| properties[position].get(key.name.as_str()).copied(), &matched);
            if let Some(goal) = &mut value {
                key.extra.iter().for_each(|&literal| add(goal, literal));
            }
            let as_value = Value::String(key.name.clone());
            for &(_, schema) in &names {
                match evaluate::is_valid(context, &[schema], &as_value, budget) {
                    Ok(true) => {}
                    Ok(false) => value = None,
                    Err(undecided) => merged.refuse(undecided.schema, undecided.keyword, &undecided.reason),
                }
            }
            let value = value.filter(|_| !key.forbidden);
            if value.is_none() && key.required {
                return None;
            }
            let conditions = self.conditions(context, Some(&key.name), &matched);
            let place = OpenPlace { value, conditions, required: key.required };
            named.push((key.name, place));
        }
        let before = merged.refused.len();
        let free = if listed { Vec::new() } else { self.free(context, &named, &patterns, &names, merged, budget) };
        let mut kept = self.not_implied(named.iter().map(|member| &member.1).chain(free.iter().map(|class| &class.1)));
        if let Some(&refused) = kept.get(MAX_TALLIES) {
            let reason = "more complements than can be told apart meet in one object";
            merged.refuse(self.wanted[refused].schema(), self.wanted[refused].keyword(), reason);
            kept.truncate(MAX_TALLIES);
        }
        let named =
            named.into_iter().map(|(key, place)| Named { key, required: place.required, place: place.settle(&kept) });
        let named = named.collect();
        let free = free.into_iter().map(|(keys, place)| Free { keys, place: place.settle(&kept) }).collect();
        let mut tallies = vec![Tally::AtLeast(1); kept.len()];
        // What might not be reached must not be asked for.
        if merged.refused[before..].iter().any(|refused| refused.1 == "minProperties") {
            self.min = 0;
            tallies.fill(Tally::AtLeast(0));
        }
        Some(ObjectShape { named, free, min: self.min, max: self.max, tallies, few: None })
    }

    /// Of what is wanted, by index, that which is not there anyway once the rest is: where each member that is one thing is
    /// another, too, and where a required member is.
    fn not_implied<'p>(&self, places: impl Iterator<Item = &'p OpenPlace>) -> Vec<usize> {
        let count = self.wanted.len();
        let mut members: Vec<Vec<(usize, Option<Literal>)>> = vec![Vec::new(); count];
        let mut is_met = vec![false; count];
        for (position, place) in places.enumerate().filter(|(_, place)| place.value.is_some()) {
            for &(index, condition) in &place.conditions {
                members[index].push((position, condition));
                is_met[index] |= place.required && condition.is_none();
            }
        }
        let implies = |one: usize, other: usize| {
            members[one].iter().all(|(position, condition)| {
                let found = members[other].binary_search_by_key(position, |member| member.0);
                found.is_ok_and(|found| {
                    let weaker = members[other][found].1;
                    weaker.is_none() || weaker == *condition
                })
            })
        };
        let is_implied = |index: usize| {
            let by =
                |other: usize| other != index && implies(other, index) && (other < index || !implies(index, other));
            is_met[index] || (0..count).any(by)
        };
        (0..count).filter(|&index| !is_implied(index)).collect()
    }

    /// What a member may hold: for each schema the declared one and those of the matching patterns, or else the
    /// additional one; `None` when one of the schemas has no place for it.
    fn value(&self, declared: impl Fn(usize) -> Option<SchemaId>, matched: &[Use]) -> Option<Goal> {
        let mut goal = Goal::new();
        for (position, (id, object)) in self.locals.iter().enumerate() {
            let mut is_additional = !self.unknown.contains(id);
            if let Some(child) = declared(position) {
                is_additional = false;
                add(&mut goal, Literal::holds(child));
            }
            for (index, (_, child)) in object.patterns.iter().enumerate() {
                if matched.contains(&Use::Pattern(*id, index)) {
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

    /// The distinct languages of keys that matter and what each is there for.
    fn patterns(&mut self, context: &mut Context<'_>, merged: &mut Merged, budget: &mut Budget<'_>) -> Vec<Pattern> {
        let mut uses: Vec<Use> = Vec::new();
        let mut add = |used| {
            if !uses.contains(&used) {
                uses.push(used);
            }
        };
        for &(id, object) in &self.locals {
            (0..object.patterns.len()).for_each(|index| add(Use::Pattern(id, index)));
        }
        for wanted in &self.wanted {
            match *wanted {
                Wanted::Pattern(id, index) => add(Use::Pattern(id, index)),
                Wanted::Additional(id) => {
                    let count = context.ast.get(id).object.patterns.len();
                    (0..count).for_each(|index| add(Use::Pattern(id, index)));
                }
                Wanted::Names(id) => add(Use::BadName(id)),
            }
        }
        let mut list: Vec<Pattern> = Vec::new();
        for used in uses {
            let ast = context.ast;
            let (id, keyword, language) = match used {
                Use::Pattern(id, index) => {
                    let source = &ast.get(id).object.patterns[index].0;
                    (id, "patternProperties", context.patterns.get(source, budget))
                }
                Use::BadName(id) => {
                    let Some(schema) = ast.get(id).object.names else { continue };
                    let limits = string::limits(budget);
                    let bad = Literal { schema, positive: false };
                    let language = texts(context, bad, merged, &mut Budget::new(&limits));
                    (id, "propertyNames", language.map(Language::new).map_err(|error| error.to_string()))
                }
            };
            match language {
                Ok(language) => match list.iter_mut().find(|pattern| pattern.language == language) {
                    Some(pattern) => pattern.uses.push(used),
                    None => list.push(Pattern { language, uses: vec![used] }),
                },
                Err(reason) => {
                    merged.refuse(id, keyword, &reason);
                    self.unknown.push(id);
                }
            }
        }
        list
    }

    /// The classes of undeclared keys.
    fn free(
        &self,
        context: &mut Context<'_>,
        named: &[(String, OpenPlace)],
        patterns: &[Pattern],
        names: &[(SchemaId, SchemaId)],
        merged: &mut Merged,
        budget: &mut Budget<'_>,
    ) -> Vec<(FreeKeys, OpenPlace)> {
        let keys: Rc<[String]> = named.iter().map(|member| member.0.clone()).collect();
        let is_closed = self.locals.iter().any(|(_, object)| object.additional == Additional::Closed);
        if is_closed && patterns.is_empty() && self.unknown.is_empty() {
            return Vec::new();
        }
        let mut classes = vec![Class { language: None, matched: Vec::new() }];
        if !patterns.is_empty() || !names.is_empty() {
            let id = self.locals.first().map_or(super::ast::Ast::ROOT, |local| local.0);
            let keyword = if patterns.is_empty() { "propertyNames" } else { "patternProperties" };
            let limits = string::limits(budget);
            let budget = &mut Budget::new(&limits);
            let allowed = self.allowed(context, &keys, names, merged, budget);
            let split = allowed.and_then(|allowed| split(&allowed, patterns, budget));
            let reason = match split {
                Ok(Some(split)) => {
                    classes = split;
                    None
                }
                Ok(None) => Some("the patterns overlap in too many ways".to_owned()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(reason) = reason {
                merged.refuse(id, keyword, &reason);
                // Any of the patterns may concern a key, or none.
                let conditions = (0..self.wanted.len()).map(|index| (index, None)).collect();
                let place = OpenPlace { value: Some(Goal::new()), conditions, required: false };
                return vec![(FreeKeys::AllBut(keys), place)];
            }
        }
        let mut free = Vec::new();
        // In the declared order slots come one after the other, which undeclared keys should only where they must be
        // counted.
        let needs_count =
            !self.wanted.is_empty() || self.min as usize > named.iter().filter(|member| member.1.required).count();
        let has_slots = context.options.key_order == KeyOrder::Any || named.is_empty() || needs_count;
        let mut room = if has_slots { MAX_FEW_KEYS } else { 0 };
        for Class { language, matched } in classes {
            let Some(value) = self.value(|_| None, &matched) else { continue };
            let conditions = self.conditions(context, None, &matched);
            let place = OpenPlace { value: Some(value), conditions, required: false };
            let Some(language) = language else {
                free.push((FreeKeys::AllBut(Rc::clone(&keys)), place));
                continue;
            };
            // A language that cannot be split stays one class.
            let (few, rest) = few::split(&language, room, budget).unwrap_or((Vec::new(), (*language).clone()));
            room -= few.len();
            let wanted = u64::from(self.min).max(self.wanted.len() as u64);
            if needs_count && rest.text_count().is_some_and(|count| 0 < count && count < wanted) {
                let id = self.locals.first().map_or(super::ast::Ast::ROOT, |local| local.0);
                merged.refuse(id, "minProperties", "there are too few different keys, and too many to list");
            }
            if !rest.is_empty() {
                free.push((FreeKeys::Language(Language::new(rest)), place.clone()));
            }
            if !few.is_empty() {
                free.push((FreeKeys::Few(few), place));
            }
        }
        free
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
            let names = texts(context, Literal::holds(schema), merged, budget)?;
            allowed = allowed.intersection(&names, budget)?;
        }
        Ok(allowed)
    }
}

/// The strings that satisfy `literal`.
fn texts(
    context: &mut Context<'_>,
    literal: Literal,
    merged: &mut Merged,
    budget: &mut Budget<'_>,
) -> Result<CharAutomaton, LimitError> {
    let mut union = Vec::new();
    for alternative in expand::goal(context, Type::String, &vec![literal], budget) {
        let strings = merge::merge(context, Type::String, &alternative, budget);
        merged.refused.extend(strings.refused);
        for shape in strings.shapes {
            if matches!(shape, Shape::Regex) {
                merged.refuse(literal.schema, "format", "the names of members have no nested format");
            }
            union.push(match shape {
                Shape::Value(Value::String(name)) => CharAutomaton::literal(&name),
                Shape::String(string) => CharAutomaton::clone(&*string.language(budget)?),
                _ => continue,
            });
        }
    }
    CharAutomaton::union_of(union, budget)
}

struct Pattern {
    language: Arc<Language>,
    uses: Vec<Use>,
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
    let class = |(language, matched)| Class { language: Some(Language::new(language)), matched };
    Ok(Some(classes.into_iter().filter(|class| !class.0.is_empty()).map(class).collect()))
}

fn add(goal: &mut Goal, literal: Literal) {
    if !goal.contains(&literal) {
        goal.push(literal);
    }
}
