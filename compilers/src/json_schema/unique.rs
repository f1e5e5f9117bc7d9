//! How arrays remember what has been read: `uniqueItems`, and counts of items that satisfy something.

use std::collections::hash_map::Entry;
use std::rc::Rc;

use grammar_ir::{Budget, CharSet, LimitError};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::ast::Type;
use super::few;
use super::finite::{Lister, Values};
use super::merge;
use super::normal::{ArrayShape, Context, Memory, Node, NodeId, StringShape, Texts};
use super::number::Numbers;
use super::tally::{self, Place};
use super::value_key::value_key;

/// More transitions than this between sets of seen items are not written out.
const MAX_TRANSITIONS: usize = 40_000;
/// More states than this for counts are kept in registers where that can be.
const MAX_COUNT_STATES: usize = 256;
/// More positions than this are not compared pair by pair.
const MAX_POSITIONS: usize = 64;
/// More values than this have no slot each.
const MAX_SLOTS: usize = 4_096;
/// A language of more values than this is taken for one that always has one more.
const MAX_FEW: usize = 1_024;
/// Containers of a node have no slots if there are more of them, which only their number is known of then.
const MAX_CONTAINERS: usize = 128;
/// The same for how many values there are in these containers.
const MAX_CONTAINER_SIZE: usize = 2_048;

/// Settles for every array how it remembers what has been read, or refuses its `uniqueItems`.
///
/// # Errors
/// When the time is up.
pub(super) fn settle(nodes: &mut [Node], context: &mut Context<'_>, budget: &mut Budget<'_>) -> Result<(), LimitError> {
    let containers = list_containers(nodes, budget)?;
    for index in 0..nodes.len() {
        for shape in 0..nodes[index].arrays.len() {
            let array = &nodes[index].arrays[shape];
            let (memory, max) = match array.unique {
                Some(schema) if !always_differ(&positions(array, nodes), nodes) => {
                    match unique(array, nodes, &containers) {
                        Ok(settled) => settled,
                        Err(reason) => {
                            context.refusals.unsupported(context.ast.get(schema), "uniqueItems", reason);
                            continue;
                        }
                    }
                }
                _ => (counting(array), array.max),
            };
            let array = &mut nodes[index].arrays[shape];
            (array.memory, array.max) = (memory, max);
        }
    }
    Ok(())
}

/// How many arrays and objects the items of a node may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Containers {
    /// All have a slot each, or there are always more.
    Settled,
    /// So many, without a slot each.
    Counted(usize),
    /// It would take too long to tell.
    Unknown,
}

/// Lists the arrays and objects among the items of arrays whose items must differ, for each node where there are few.
fn list_containers(nodes: &mut [Node], budget: &mut Budget<'_>) -> Result<FxHashMap<NodeId, Containers>, LimitError> {
    let mut items: Vec<NodeId> = Vec::new();
    for array in nodes.iter().flat_map(|node| &node.arrays) {
        if array.unique.is_some() && !always_differ(&positions(array, nodes), nodes) {
            items.extend(array.prefix.iter().chain([&array.rest]).flat_map(|place| place.values()));
        }
    }
    items.sort_unstable_by_key(|node| node.0);
    items.dedup();
    for id in &items {
        let node = &mut nodes[id.index()];
        node.arrays.iter_mut().for_each(|shape| shape.few = None);
        node.objects.iter_mut().for_each(|shape| shape.few = None);
    }
    let mut containers = FxHashMap::default();
    let mut listed = Vec::new();
    let mut lister = Lister::new(nodes);
    for &id in &items {
        let node = &nodes[id.index()];
        let mut arrays = Vec::new();
        for shape in &node.arrays {
            arrays.push(lister.array(shape, budget)?);
        }
        let mut objects = Vec::new();
        for shape in &node.objects {
            objects.push(lister.object(shape, budget)?);
        }
        let all = || arrays.iter().chain(&objects);
        let few = || {
            all()
                .filter_map(|values| if let Values::Few(few) = values { Some(few) } else { None })
                .flat_map(|few| few.iter())
        };
        let known = if all().any(|values| matches!(values, Values::Unknown)) {
            Containers::Unknown
        } else if few().count() <= MAX_CONTAINERS
            && few().map(|listed| listed.size).sum::<usize>() <= MAX_CONTAINER_SIZE
        {
            listed.push((id, arrays, objects));
            Containers::Settled
        } else if all().all(|values| matches!(values, Values::Few(_))) {
            let different: FxHashSet<String> = few().map(|listed| value_key(&listed.value)).collect();
            Containers::Counted(different.len())
        } else {
            Containers::Settled
        };
        containers.insert(id, known);
    }
    for (id, arrays, objects) in listed {
        let values = |values| match values {
            Values::Few(few) => Some(few.iter().map(|listed| listed.value.clone()).collect::<Rc<[Value]>>()),
            Values::Many | Values::Unknown => None,
        };
        let node = &mut nodes[id.index()];
        node.arrays.iter_mut().zip(arrays).for_each(|(shape, few)| shape.few = values(few));
        node.objects.iter_mut().zip(objects).for_each(|(shape, few)| shape.few = values(few));
    }
    Ok(containers)
}

/// The memory of an array whose items may be equal, or cannot be.
fn counting(array: &ArrayShape<NodeId>) -> Memory {
    if array.tallies.is_empty() {
        return Memory::Length;
    }
    let counts = tally::combinations(array.tallies.iter().copied());
    let positions = array.min.max(array.max.unwrap_or(0)).max(1) as usize;
    if array.prefix.is_empty()
        && counts <= tally::MAX_REGISTER_COMBINATIONS
        && counts.saturating_mul(positions) > MAX_COUNT_STATES
    {
        return Memory::Registers { slots: Vec::new(), compares: false };
    }
    Memory::States(Vec::new())
}

/// The memory of an array without equal items and its greatest length, or why it has none.
fn unique(
    array: &ArrayShape<NodeId>,
    nodes: &[Node],
    containers: &FxHashMap<NodeId, Containers>,
) -> Result<(Memory, Option<u32>), &'static str> {
    let places: Vec<&Place<NodeId>> = array.prefix.iter().chain([&array.rest]).collect();
    let mut slots = Slots::default();
    let mut kinds: FxHashMap<NodeId, Kinds> = FxHashMap::default();
    for node in places.iter().flat_map(|place| place.values()) {
        if let Entry::Vacant(entry) = kinds.entry(node) {
            let counted = match containers.get(&node) {
                Some(Containers::Unknown) => {
                    return Err("whether its items can run out of different values is not known");
                }
                Some(Containers::Counted(count)) => Some(*count),
                Some(Containers::Settled) | None => None,
            };
            let node = &nodes[node.index()];
            let few = few(node);
            few.iter().for_each(|value| slots.add(value));
            entry.insert(Kinds { few: few.len(), listed: types_of(&few), open: open_types(node), counted });
            if slots.values.len() > MAX_SLOTS {
                return Err("the items have too many listed values");
            }
        }
    }
    let compares = kinds.values().any(|kinds| kinds.open != [false; TYPES]);
    if compares && array.min as usize > MAX_FEW {
        return Err("whether there are so many different items is not known");
    }
    // Where all values can be counted, there are no more items.
    let different = match kinds.values().next() {
        Some(only) if array.prefix.is_empty() && kinds.len() == 1 => only.count(),
        _ => None,
    };
    let max = merge::least(array.max, different.and_then(|count| u32::try_from(count).ok()));
    let counts = tally::combinations(array.tallies.iter().copied());
    let is_small = array.tallies.is_empty()
        || (counts <= tally::MAX_REGISTER_COMBINATIONS && counts.saturating_mul(slots.values.len()) <= MAX_SLOTS);
    let in_registers = is_small
        && if array.prefix.is_empty() { true } else { array.tallies.is_empty() && never_runs_out(array, &kinds) };
    if in_registers {
        return Ok((Memory::Registers { slots: slots.values, compares }, max));
    }
    let (positions, _) = positions(array, nodes);
    let states = listed(array, &positions, nodes).map(|values| (Memory::States(values), array.max));
    states.ok_or(if array.prefix.is_empty() {
        "together with the counts of `contains` it needs too many combinations"
    } else {
        "the items of `prefixItems` have so few values that they can run out, and too many to remember which ones have \
         been seen"
    })
}

const TYPES: usize = Type::ALL.len();

/// What is known of the items of one node.
struct Kinds {
    /// How many values have a slot.
    few: usize,
    /// The types of these.
    listed: [bool; TYPES],
    /// The types of all others.
    open: [bool; TYPES],
    /// How many arrays and objects there are, where that is known of more than have slots.
    counted: Option<usize>,
}

impl Kinds {
    /// How many values there are, where that is known.
    fn count(&self) -> Option<usize> {
        let is_container = |kind| matches!(kind, Type::Array | Type::Object);
        let only_containers = Type::ALL.into_iter().zip(self.open).all(|(kind, open)| !open || is_container(kind));
        let others = if self.open == [false; TYPES] { Some(0) } else { self.counted };
        others.filter(|_| only_containers).map(|others| others + self.few)
    }
}

/// Whether each item that must be there finds a value however the items before it were chosen, and no item that is
/// compared takes a value away from where it is listed.
fn never_runs_out(array: &ArrayShape<NodeId>, kinds: &FxHashMap<NodeId, Kinds>) -> bool {
    let max = array.max.map_or(usize::MAX, |max| max as usize);
    let min = array.min as usize;
    let has_items = |kinds: &&Kinds| kinds.few > 0 || kinds.open != [false; TYPES];
    let at = |place: &Place<NodeId>| place.value.and_then(|node| kinds.get(&node)).filter(has_items);
    let places: Vec<&Kinds> = array.prefix.iter().take(max).map_while(at).collect();
    let rest = if places.len() == array.prefix.len() && places.len() < max { at(&array.rest) } else { None };
    let has_enough = |kinds: &Kinds, before: usize| kinds.count().is_none_or(|count| count > before);
    let enough = places.iter().take(min).enumerate().all(|(before, kinds)| has_enough(kinds, before))
        && (min <= places.len() || rest.is_none_or(|kinds| has_enough(kinds, min - 1)));
    let all: Vec<&Kinds> = places.into_iter().chain(rest).collect();
    let is_open_somewhere = |kind: usize| all.iter().any(|kinds| kinds.open[kind]);
    let contested =
        |kinds: &Kinds| (0..TYPES).any(|kind| kinds.listed[kind] && !kinds.open[kind] && is_open_somewhere(kind));
    enough && !all.iter().any(|kinds| contested(kinds))
}

/// The values of `node` that have a slot each: those that are listed, and those of languages that are small.
fn few(node: &Node) -> Vec<Value> {
    let numbers = node.numbers.iter().filter_map(few_numbers).flatten();
    let texts = node.strings.iter().filter_map(few_texts).flatten();
    let arrays = node.arrays.iter().filter_map(|shape| shape.few.as_deref());
    let containers = arrays.chain(node.objects.iter().filter_map(|shape| shape.few.as_deref())).flatten().cloned();
    let mut known = FxHashSet::default();
    let all = node.values.iter().cloned().chain(numbers).chain(texts).chain(containers);
    all.filter(|value| known.insert(value_key(value))).collect()
}

/// The numbers of a small language.
pub(super) fn few_numbers(numbers: &Numbers) -> Option<Vec<Value>> {
    few::numbers(&numbers.plain, MAX_FEW)
}

/// The texts of a small language.
pub(super) fn few_texts(shape: &StringShape) -> Option<Vec<Value>> {
    let texts = match &shape.texts {
        Texts::Run(None) => (shape.max == Some(0)).then(|| vec![String::new()])?,
        Texts::Run(Some(set)) => few_runs(set, shape.max?)?,
        Texts::Language(language) | Texts::Pattern { language: Some(language), .. } => few::all(language, MAX_FEW)?,
        // Bounds that are not worked into the language are wide.
        Texts::Pattern { language: None, .. } | Texts::Counted { .. } => return None,
    };
    let has_length = |text: &String| {
        let length = text.chars().count();
        shape.min as usize <= length && shape.max.is_none_or(|max| length <= max as usize)
    };
    Some(texts.into_iter().filter(has_length).map(Value::String).collect())
}

/// The texts of up to `max` characters of `set`, if they are few.
fn few_runs(set: &CharSet, max: u32) -> Option<Vec<String>> {
    let mut texts = vec![String::new()];
    let mut longest = 0..1;
    for _ in 0..max {
        let wanted = set.len().checked_mul(longest.len())?;
        if wanted == 0 {
            break;
        }
        if texts.len().checked_add(wanted)? > MAX_FEW {
            return None;
        }
        let characters = || set.ranges().iter().flat_map(|&(low, high)| low..=high);
        let longer: Vec<String> = texts[longest]
            .iter()
            .flat_map(|text| characters().map(move |character| format!("{text}{character}")))
            .collect();
        longest = texts.len()..texts.len() + longer.len();
        texts.extend(longer);
    }
    Some(texts)
}

fn types_of(values: &[Value]) -> [bool; TYPES] {
    Type::ALL.map(|kind| values.iter().any(|value| Type::of(value) == kind))
}

/// The types of the values of `node` that have no slot.
fn open_types(node: &Node) -> [bool; TYPES] {
    Type::ALL.map(|kind| match kind {
        Type::Null | Type::Boolean => false,
        Type::Number => node.numbers.iter().any(|language| few_numbers(language).is_none()),
        Type::String => node.strings.iter().any(|shape| few_texts(shape).is_none()),
        Type::Array => node.arrays.iter().any(|shape| shape.few.is_none()),
        Type::Object => node.objects.iter().any(|shape| shape.few.is_none()),
    })
}

/// Different values, numbered.
#[derive(Debug, Default)]
pub(super) struct Slots {
    values: Vec<Value>,
    numbers: FxHashMap<String, usize>,
}

impl Slots {
    /// The slots of these different values.
    pub(super) fn of(values: &[Value]) -> Self {
        let mut slots = Self::default();
        values.iter().for_each(|value| slots.add(value));
        slots
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The slot of a value equal to `value`.
    pub(super) fn find(&self, value: &Value) -> Option<usize> {
        self.numbers.get(&value_key(value)).copied()
    }

    fn add(&mut self, value: &Value) {
        if let Entry::Vacant(entry) = self.numbers.entry(value_key(value)) {
            entry.insert(self.values.len());
            self.values.push(value.clone());
        }
    }
}

/// The items of one node in an array that is remembered in registers.
pub(super) struct Items {
    /// The slots of those that have one, with their values.
    pub(super) few: Vec<(usize, Value)>,
    /// Whether there are others.
    pub(super) is_open: bool,
}

impl Items {
    /// The items of `node`; without `slots` none of them has one.
    pub(super) fn of(node: &Node, slots: &Slots) -> Self {
        if slots.values.is_empty() {
            return Self { few: Vec::new(), is_open: true };
        }
        let few = few(node).into_iter().filter_map(|value| Some((slots.find(&value)?, value))).collect();
        Self { few, is_open: open_types(node) != [false; TYPES] }
    }
}

/// The nodes of the positions that an array can have, and whether the last one is repeated.
fn positions(array: &ArrayShape<NodeId>, nodes: &[Node]) -> (Vec<NodeId>, bool) {
    let max = array.max.map_or(usize::MAX, |max| max as usize);
    let inhabited = |place: &Place<NodeId>| {
        place.value.filter(|node| Type::ALL.into_iter().any(|kind| nodes[node.index()].has(kind)))
    };
    let mut list: Vec<NodeId> = array.prefix.iter().take(max).map_while(inhabited).collect();
    let rest = inhabited(&array.rest).filter(|_| list.len() == array.prefix.len() && list.len() < max);
    list.extend(rest);
    (list, rest.is_some() && array.prefix.len() + 1 < max)
}

/// Whether no two items can be equal because of their types.
fn always_differ((positions, repeats): &(Vec<NodeId>, bool), nodes: &[Node]) -> bool {
    let disjoint = |left: &NodeId, right: &NodeId| {
        let (left, right) = (&nodes[left.index()], &nodes[right.index()]);
        !Type::ALL.into_iter().any(|kind| left.has(kind) && right.has(kind))
    };
    !repeats
        && positions.len() <= MAX_POSITIONS
        && positions
            .iter()
            .enumerate()
            .all(|(index, left)| positions[index + 1..].iter().all(|right| disjoint(left, right)))
}

/// All values of the items, when they are few enough to remember in states which ones have been seen.
fn listed(array: &ArrayShape<NodeId>, positions: &[NodeId], nodes: &[Node]) -> Option<Vec<Value>> {
    let mut slots = Slots::default();
    for node in positions {
        let node = &nodes[node.index()];
        if !node.is_listed() {
            return None;
        }
        node.values.iter().for_each(|value| slots.add(value));
        // Sets of seen items are bits of a word.
        if slots.values.len() > 63 {
            return None;
        }
    }
    let values = slots.values;
    let length = array.max.map_or(values.len(), |max| values.len().min(max as usize));
    let (mut sets, mut choices) = (0usize, 1usize);
    for size in 0..=length {
        sets = sets.saturating_add(choices);
        choices = choices.saturating_mul(values.len() - size) / (size + 1);
    }
    let counts = tally::combinations(array.tallies.iter().copied());
    let transitions = sets.saturating_mul(values.len()).saturating_mul(counts);
    (transitions <= MAX_TRANSITIONS).then_some(values)
}
