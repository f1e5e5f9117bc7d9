//! Arrays: counts are bounds of repetitions, never copies.

use grammar_ir::{Budget, Element, ElementOrder, ExprId, RuleId};
use rustc_hash::FxHashMap;
use serde_json::Value;

use super::array_state::{Item, State};
use super::container::{self, Elements};
use super::lower::Lowerer;
use super::normal::{ArrayShape, Memory, NodeId};
use super::tally::Place;
use super::unique::{Items, Slots};
use crate::diagnostic::Diagnostics;

/// The texts of the arrays of a (pruned) shape.
pub(super) fn lower(
    lowerer: &mut Lowerer<'_>,
    shape: &ArrayShape<NodeId>,
    level: u32,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    match &shape.memory {
        Memory::Length => Ok(with_length(lowerer, shape, level)),
        Memory::States(distinct) => with_states(lowerer, shape, distinct, level, budget),
        Memory::Registers { slots, compares } => with_registers(lowerer, shape, (slots, *compares), level, budget),
    }
}

/// The same for an array of which only the number of items matters.
fn with_length(lowerer: &mut Lowerer<'_>, shape: &ArrayShape<NodeId>, level: u32) -> ExprId {
    let layout = lowerer.spaces.layout(level, &mut lowerer.builder);
    let allowed = |length: usize| shape.min as usize <= length && shape.max.is_none_or(|max| length <= max as usize);
    let limit = shape.max.map_or(usize::MAX, |max| max as usize);
    let prefix: Vec<ExprId> = shape
        .prefix
        .iter()
        .take(limit)
        .map_while(|place| place.value)
        .map(|node| lowerer.value(node, level + 1))
        .collect();
    let reaches_rest = prefix.len() == shape.prefix.len() && prefix.len() < limit;
    let rest = shape.rest.value.filter(|_| reaches_rest).map(|node| lowerer.value(node, level + 1));
    let builder = &mut lowerer.builder;
    let count = prefix.len();
    // What may follow the first item: `tail` after `index` items, built from the end.
    let mut tail = match rest {
        Some(item) => {
            let another = builder.sequence([layout.comma, item]);
            let left = |bound: u32| bound.saturating_sub(count.max(1) as u32);
            builder.repeat(another, left(shape.min), shape.max.map(left))
        }
        None if allowed(count) => builder.empty(),
        None => builder.never(),
    };
    let mut first = rest;
    for (index, &item) in prefix.iter().enumerate().rev() {
        if index == 0 {
            first = Some(item);
        } else {
            tail = builder.sequence([layout.comma, item, tail]);
            if allowed(index) {
                tail = builder.optional(tail);
            }
        }
    }
    let (open, close) = (builder.literal("["), builder.literal("]"));
    let mut arms = Vec::new();
    if allowed(0) {
        arms.push(builder.sequence([open, layout.empty, close]));
    }
    if let Some(first) = first
        && limit > 0
    {
        arms.push(builder.sequence([open, layout.open, first, tail, layout.close, close]));
    }
    builder.choice(arms)
}

/// The same for an array whose items are remembered in states: one rule for each.
fn with_states(
    lowerer: &mut Lowerer<'_>,
    shape: &ArrayShape<NodeId>,
    distinct: &[Value],
    level: u32,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let nodes = &lowerer.normal.nodes;
    let layout = lowerer.spaces.layout(level, &mut lowerer.builder);
    let start = lowerer.fresh("items");
    let mut rules: FxHashMap<State, RuleId> = FxHashMap::from_iter([(State::default(), start)]);
    let mut queue = vec![(State::default(), start)];
    while let Some((state, rule)) = queue.pop() {
        let mut arms = Vec::new();
        if state.is_end(shape) {
            arms.push(if state.is_start() { layout.empty } else { layout.close });
        }
        let separator = if state.is_start() { layout.open } else { layout.comma };
        for (item, next) in state.steps(shape, distinct, nodes) {
            let item = match item {
                Item::Any(node) => lowerer.value(node, level + 1),
                Item::Listed(index) => lowerer.listed(&distinct[index], level + 1, budget)?,
            };
            let next = match rules.get(&next) {
                Some(&rule) => rule,
                None => {
                    let rule = lowerer.fresh("items");
                    rules.insert(next, rule);
                    queue.push((next, rule));
                    rule
                }
            };
            let next = lowerer.builder.rule(next);
            arms.push(lowerer.builder.sequence([separator, item, next]));
        }
        let body = lowerer.builder.choice(arms);
        lowerer.builder.define(rule, body);
    }
    let builder = &mut lowerer.builder;
    let (open, close) = (builder.literal("["), builder.literal("]"));
    let start = builder.rule(start);
    Ok(builder.sequence([open, start, close]))
}

/// The same for an array whose items are remembered in registers: one scope. An item selects the slot of its value, or
/// an element that its text must be new to.
fn with_registers(
    lowerer: &mut Lowerer<'_>,
    shape: &ArrayShape<NodeId>,
    (values, compares): (&[Value], bool),
    level: u32,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let layout = lowerer.spaces.layout(level, &mut lowerer.builder);
    let slots = Slots::of(values);
    let mut elements = Elements::default();
    values.iter().for_each(|_| {
        elements.slot(false);
    });
    let mut choice = Choice { shape, slots, compares, elements, level: level + 1 };
    let limit = shape.max.map_or(usize::MAX, |max| max as usize);
    let mut prefix = Vec::new();
    for place in shape.prefix.iter().take(limit).take_while(|place| place.value.is_some()) {
        prefix.push(choice.item(lowerer, place, budget)?);
    }
    let reaches_rest = prefix.len() == shape.prefix.len() && prefix.len() < limit && shape.rest.value.is_some();
    let rest = if reaches_rest { Some(choice.item(lowerer, &shape.rest, budget)?) } else { None };
    let builder = &mut lowerer.builder;
    let mut tail = match rest {
        Some(item) => {
            let another = builder.sequence([layout.comma, item]);
            builder.repeat(another, 0, None)
        }
        None => builder.empty(),
    };
    for &item in prefix.iter().skip(1).rev() {
        tail = builder.sequence([layout.comma, item, tail]);
        tail = builder.optional(tail);
    }
    let first = prefix.first().copied().or(rest);
    let body = container::enclosed(["[", "]"], first.map(|first| [first, tail]), layout, builder);
    let rules = choice.elements.rules(ElementOrder::Any, shape.min, shape.max, &shape.tallies);
    Ok(builder.scope(body, rules))
}

/// The items of an array that is remembered in registers.
struct Choice<'a> {
    shape: &'a ArrayShape<NodeId>,
    slots: Slots,
    /// Whether the texts of items are compared.
    compares: bool,
    elements: Elements,
    level: u32,
}

impl Choice<'_> {
    /// The item at `place`, marked.
    fn item(
        &mut self,
        lowerer: &mut Lowerer<'_>,
        place: &Place<NodeId>,
        budget: &mut Budget<'_>,
    ) -> Result<ExprId, Diagnostics> {
        let normal = lowerer.normal;
        let mut arms = Vec::new();
        for (claim, id) in place.claimed() {
            let node = &normal.nodes[id.index()];
            let items = Items::of(node, &self.slots);
            let element = |slot| Element { slot, tallies: claim.tallies(&self.shape.tallies), distinct: self.compares };
            for (slot, value) in items.few.iter().map(|(slot, value)| (*slot as u32, value)) {
                let value = lowerer.listed(value, self.level, budget)?;
                arms.push(lowerer.builder.marked(self.elements.mark(element(Some(slot))), value));
            }
            if items.is_open {
                let others =
                    if items.few.is_empty() { lowerer.value(id, self.level) } else { lowerer.open(id, self.level) };
                arms.push(lowerer.builder.marked(self.elements.mark(element(None)), others));
            }
        }
        Ok(lowerer.builder.choice(arms))
    }
}
