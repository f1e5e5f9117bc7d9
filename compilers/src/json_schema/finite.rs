//! Arrays and objects of which there are few, listed one by one where no value may occur twice.
//!
//! A closed object without properties is one value, so an array of such objects without equal items has at most one item.
//! Values are told apart as JSON Schema does it: their spelling does not matter.

use std::rc::Rc;

use grammar_ir::{Budget, LimitError};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value};

use super::few;
use super::normal::{ArrayShape, FreeKeys, Node, NodeId, ObjectShape};
use super::tally::{Claim, Counts, Place, Selections};
use super::unique::{few_numbers, few_texts};
use super::value_key::value_key;

/// The values of a language.
#[derive(Debug, Clone)]
pub(super) enum Values {
    /// These, each once.
    Few(Rc<[Listed]>),
    /// More than [`MAX_LISTED`], if not endlessly many.
    Many,
    /// It would take too long to tell.
    Unknown,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) value: Value,
    /// How many values there are in it, itself included.
    pub(super) size: usize,
}

/// Languages of more values than this are not listed.
pub(super) const MAX_LISTED: usize = 1_024;
/// More beginnings of containers than this are not followed at a time.
const MAX_BEGINNINGS: usize = 4_096;
/// Containers nested deeper than this are not looked into.
const MAX_DEPTH: usize = 100;
/// Longer arrays are not listed.
const MAX_LENGTH: usize = 2_048;
/// Sizes of what is put together for all lists of one schema.
const MAX_WORK: usize = 4_000_000;

/// Lists the values of nodes. What has no value must have been removed from these, as far as that does not depend on
/// items that differ.
pub(super) struct Lister<'a> {
    nodes: &'a [Node],
    done: FxHashMap<NodeId, Values>,
    open: FxHashSet<NodeId>,
    work: usize,
}

/// What one item or member can be, by how it is claimed.
#[derive(Default)]
struct Choices {
    required: bool,
    values: Vec<(Claim, Values)>,
}

impl Choices {
    fn claims(&self, wanted: impl Fn(&Values) -> bool) -> Vec<Claim> {
        self.values.iter().filter(|(_, values)| wanted(values)).map(|(claim, _)| *claim).collect()
    }

    fn have(&self, wanted: impl Fn(&Values) -> bool) -> bool {
        self.values.iter().any(|(_, values)| wanted(values))
    }
}

fn are_few(values: &Values) -> bool {
    matches!(values, Values::Few(_))
}

fn are_many(values: &Values) -> bool {
    matches!(values, Values::Many)
}

impl<'a> Lister<'a> {
    pub(super) fn new(nodes: &'a [Node]) -> Self {
        Self { nodes, done: FxHashMap::default(), open: FxHashSet::default(), work: 0 }
    }

    /// The values of `id`.
    fn node(&mut self, id: NodeId, budget: &mut Budget<'_>) -> Result<Values, LimitError> {
        if let Some(done) = self.done.get(&id) {
            return Ok(done.clone());
        }
        // What contains itself, and has a value at all, has one more for each it has.
        if self.open.contains(&id) {
            return Ok(Values::Many);
        }
        if self.open.len() >= MAX_DEPTH {
            return Ok(Values::Unknown);
        }
        budget.tick()?;
        self.open.insert(id);
        let values = self.union(&self.nodes[id.index()], budget);
        self.open.remove(&id);
        let values = values?;
        self.done.insert(id, values.clone());
        Ok(values)
    }

    fn union(&mut self, node: &'a Node, budget: &mut Budget<'_>) -> Result<Values, LimitError> {
        let mut list = Distinct::default();
        node.values.iter().for_each(|value| list.add(value.clone(), size(value)));
        let small = node.numbers.iter().map(few_numbers).chain(node.strings.iter().map(few_texts));
        for few in small {
            let Some(few) = few else { return Ok(Values::Many) };
            few.into_iter().for_each(|value| list.add(value, 1));
        }
        if node.regexes {
            return Ok(Values::Many);
        }
        let mut is_unknown = false;
        for index in 0..node.objects.len() + node.arrays.len() {
            let values = match node.objects.get(index) {
                Some(shape) => self.object(shape, budget)?,
                None => self.array(&node.arrays[index - node.objects.len()], budget)?,
            };
            match values {
                Values::Few(few) => few.iter().for_each(|sized| list.add(sized.value.clone(), sized.size)),
                Values::Many => return Ok(Values::Many),
                Values::Unknown => is_unknown = true,
            }
        }
        Ok(if is_unknown { Values::Unknown } else { list.into_values() })
    }

    fn choices(
        &mut self,
        required: bool,
        place: &Place<NodeId>,
        budget: &mut Budget<'_>,
    ) -> Result<Choices, LimitError> {
        let mut values = Vec::new();
        for (claim, node) in place.claimed() {
            values.push((claim, self.node(node, budget)?));
        }
        values.retain(|(_, values)| !matches!(values, Values::Few(few) if few.is_empty()));
        Ok(Choices { required, values })
    }

    /// Whether there may be something more of this size.
    fn afford(&mut self, size: usize) -> bool {
        self.work = self.work.saturating_add(size);
        self.work <= MAX_WORK
    }

    /// The objects of `shape`.
    pub(super) fn object(
        &mut self,
        shape: &ObjectShape<NodeId>,
        budget: &mut Budget<'_>,
    ) -> Result<Values, LimitError> {
        let mut members: Vec<(&str, Rc<Choices>)> = Vec::new();
        for member in &shape.named {
            members.push((&member.key, Rc::new(self.choices(member.required, &member.place, budget)?)));
        }
        let mut listed: Vec<(Vec<String>, Rc<Choices>)> = Vec::new();
        let mut endless = Vec::new();
        for class in &shape.free {
            let choices = self.choices(false, &class.place, budget)?;
            let keys = match &class.keys {
                FreeKeys::Few(keys) => Some(keys.clone()),
                FreeKeys::Language(language) => few::all(language, MAX_LISTED),
                FreeKeys::AllBut(_) => None,
            };
            match keys {
                Some(keys) => listed.push((keys, Rc::new(choices))),
                None => endless.extend(choices.claims(|_| true)),
            }
        }
        for (keys, choices) in &listed {
            members.extend(keys.iter().map(|key| (key.as_str(), Rc::clone(choices))));
        }
        let members = Members { list: members, endless, shape };
        if members.can_be_endless() || members.can_have(are_many) {
            return Ok(Values::Many);
        }
        if members.can_have(|values| matches!(values, Values::Unknown)) {
            return Ok(Values::Unknown);
        }
        self.objects_of(&members.list, shape, budget)
    }

    /// The objects with some of `members`, those of few values.
    fn objects_of(
        &mut self,
        members: &[(&str, Rc<Choices>)],
        shape: &ObjectShape<NodeId>,
        budget: &mut Budget<'_>,
    ) -> Result<Values, LimitError> {
        let (min, max) = (shape.min as usize, shape.max.map_or(usize::MAX, |max| max as usize));
        let mut required_left = members.iter().filter(|(_, choices)| choices.required).count();
        let mut possible_left = members.iter().filter(|(_, choices)| choices.have(are_few)).count();
        let mut beginnings = vec![(Map::new(), Counts::default(), 1)];
        for (key, choices) in members {
            required_left -= usize::from(choices.required);
            possible_left -= usize::from(choices.have(are_few));
            let mut next = Vec::new();
            for (object, counts, size) in beginnings {
                budget.tick()?;
                for (claim, values) in &choices.values {
                    let Some(counts) = counts.after(&shape.tallies, *claim) else { continue };
                    let Values::Few(few) = values else { continue };
                    if object.len() >= max.saturating_sub(required_left) {
                        continue;
                    }
                    for sized in few.iter() {
                        let size = size + sized.size;
                        if !self.afford(size) {
                            return Ok(Values::Unknown);
                        }
                        let mut longer = object.clone();
                        longer.insert((*key).to_owned(), sized.value.clone());
                        next.push((longer, counts, size));
                    }
                }
                if !choices.required && object.len() + possible_left >= min {
                    next.push((object, counts, size));
                }
                if next.len() > MAX_BEGINNINGS {
                    // Without counts each of them leads to a value of its own.
                    return Ok(if shape.tallies.is_empty() { Values::Many } else { Values::Unknown });
                }
            }
            beginnings = next;
        }
        let mut list = Distinct::default();
        for (object, counts, size) in beginnings {
            if (min..=max).contains(&object.len()) && counts.is_enough(&shape.tallies) {
                list.add(Value::Object(object), size);
            }
        }
        Ok(list.into_values())
    }

    /// The arrays of `shape`.
    pub(super) fn array(&mut self, shape: &ArrayShape<NodeId>, budget: &mut Budget<'_>) -> Result<Values, LimitError> {
        let (min, max) = (shape.min as usize, shape.max.map_or(usize::MAX, |max| max as usize));
        let mut places = Vec::new();
        for place in shape.prefix.iter().chain([&shape.rest]).take(max) {
            places.push(self.choices(true, place, budget)?);
            if places.last().is_some_and(|choices| choices.values.is_empty()) {
                break;
            }
        }
        let reaches_rest = places.len() > shape.prefix.len() && places.last().is_some_and(|rest| rest.have(|_| true));
        let is_unique = shape.unique.is_some();
        if !is_unique && shape.tallies.is_empty() {
            let reached = if reaches_rest { usize::MAX } else { places.iter().filter(|at| at.have(|_| true)).count() };
            let is_endless = reaches_rest && shape.max.is_none();
            if reached >= min && (is_endless || places.iter().any(|choices| choices.have(are_many))) {
                return Ok(Values::Many);
            }
        }
        let bounds = shape.tallies.iter().map(|tally| tally.bound() as usize).fold(0, usize::saturating_add);
        // In a longer array some item after the prefix changes no count, and could be there any number of times.
        let longest = shape.prefix.len().max(min).saturating_add(bounds);
        let is_enough = |choices: &Choices| match choices.values.as_slice() {
            [(_, Values::Few(few))] => few.len() >= if is_unique { min } else { 1 },
            _ => false,
        };
        let all_lead_on = shape.tallies.is_empty()
            && (!is_unique || shape.prefix.is_empty())
            && places.len() > shape.prefix.len().min(max.saturating_sub(1))
            && places.iter().all(is_enough);
        let mut list = Distinct::default();
        let mut is_unknown = false;
        let mut beginnings = vec![Beginning::default()];
        for length in 0..=max {
            let is_long_enough = |beginning: &&Beginning| length >= min && beginning.counts.is_enough(&shape.tallies);
            for beginning in beginnings.iter().filter(is_long_enough) {
                if beginning.has_many || (!is_unique && shape.max.is_none() && length > longest) {
                    return Ok(Values::Many);
                }
                match beginning.has_unknown {
                    true => is_unknown = true,
                    false => list.add(Value::Array(beginning.items.clone()), beginning.size + 1),
                }
            }
            if list.values.len() > MAX_LISTED {
                return Ok(Values::Many);
            }
            let choices =
                if length < max { places.get(length).or(places.last().filter(|_| reaches_rest)) } else { None };
            let Some(choices) = choices else { break };
            if length >= MAX_LENGTH {
                return Ok(Values::Unknown);
            }
            let mut next = Vec::new();
            for beginning in &beginnings {
                budget.tick()?;
                for (claim, values) in &choices.values {
                    let Some(counts) = beginning.counts.after(&shape.tallies, *claim) else { continue };
                    let added = match values {
                        Values::Few(few) => few.iter().map(|sized| sized.size + beginning.size).sum(),
                        Values::Many | Values::Unknown => beginning.size + 1,
                    };
                    if next.len() > MAX_BEGINNINGS {
                        return Ok(if all_lead_on { Values::Many } else { Values::Unknown });
                    }
                    if !self.afford(added) {
                        return Ok(Values::Unknown);
                    }
                    beginning.extend(values, is_unique, counts, &mut next);
                }
            }
            if next.is_empty() {
                break;
            }
            beginnings = next;
        }
        Ok(if is_unknown { Values::Unknown } else { list.into_values() })
    }
}

/// The members that an object can have.
struct Members<'s> {
    list: Vec<(&'s str, Rc<Choices>)>,
    /// The claims of members with keys of which there are many.
    endless: Vec<Claim>,
    shape: &'s ObjectShape<NodeId>,
}

impl Members<'_> {
    /// Whether an object can have a member with one of many keys.
    fn can_be_endless(&self) -> bool {
        !self.endless.is_empty() && self.can_meet(None, |_| true)
    }

    /// Whether an object can have a member whose values are `wanted`.
    fn can_have(&self, wanted: impl Fn(&Values) -> bool + Copy) -> bool {
        (0..self.list.len()).any(|index| self.list[index].1.have(wanted) && self.can_meet(Some(index), wanted))
    }

    /// Whether there is an object with the member at `index`, if its values are `wanted`, or with an endless one.
    fn can_meet(&self, index: Option<usize>, wanted: impl Fn(&Values) -> bool) -> bool {
        let mut slots: Vec<(bool, Vec<Claim>)> =
            self.list.iter().map(|(_, choices)| (choices.required, choices.claims(|_| true))).collect();
        match index {
            Some(index) => slots[index] = (true, self.list[index].1.claims(wanted)),
            None => slots.push((true, self.endless.clone())),
        }
        let selections = Selections { slots, unlimited: self.endless.clone() };
        selections.can_meet(&self.shape.tallies, self.shape.min, self.shape.max)
    }
}

/// The first items of an array.
#[derive(Default)]
struct Beginning {
    /// Those that can be listed.
    items: Vec<Value>,
    keys: FxHashSet<String>,
    counts: Counts,
    size: usize,
    /// Whether some item is one of many.
    has_many: bool,
    has_unknown: bool,
}

impl Beginning {
    /// Adds what there is with one item more to `longer`.
    fn extend(&self, values: &Values, is_unique: bool, counts: Counts, longer: &mut Vec<Self>) {
        let with = |size: usize| Self {
            items: self.items.clone(),
            keys: self.keys.clone(),
            counts,
            size: self.size + size,
            has_many: self.has_many,
            has_unknown: self.has_unknown,
        };
        match values {
            Values::Many => longer.push(Self { has_many: true, ..with(1) }),
            Values::Unknown => longer.push(Self { has_unknown: true, ..with(1) }),
            Values::Few(few) => {
                for Listed { value, size } in few.iter() {
                    let mut next = with(*size);
                    if !is_unique || next.keys.insert(value_key(value)) {
                        next.items.push(value.clone());
                        longer.push(next);
                    }
                }
            }
        }
    }
}

/// How many values there are in `value`, itself included. Nesting is bounded by the parser.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// Values that differ from each other.
#[derive(Default)]
struct Distinct {
    keys: FxHashSet<String>,
    values: Vec<Listed>,
}

impl Distinct {
    fn add(&mut self, value: Value, size: usize) {
        if self.keys.insert(value_key(&value)) {
            self.values.push(Listed { value, size });
        }
    }

    fn into_values(self) -> Values {
        if self.values.len() > MAX_LISTED { Values::Many } else { Values::Few(self.values.into()) }
    }
}
