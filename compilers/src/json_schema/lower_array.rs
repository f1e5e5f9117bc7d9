//! Arrays: counts are bounds of repetitions, never copies.

use grammar_ir::{ExprId, RuleId};
use rustc_hash::FxHashMap;

use super::array_state::{Item, State};
use super::lower::Lowerer;
use super::normal::{ArrayShape, NodeId};

/// The texts of the arrays of a (pruned) shape.
pub(super) fn lower(lowerer: &mut Lowerer<'_>, shape: &ArrayShape<NodeId>, level: u32) -> ExprId {
    if shape.has_states() {
        return with_states(lowerer, shape, level);
    }
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

/// The same for an array whose items are counted or remembered: one rule for each state.
fn with_states(lowerer: &mut Lowerer<'_>, shape: &ArrayShape<NodeId>, level: u32) -> ExprId {
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
        for (item, next) in state.steps(shape, nodes) {
            let item = match item {
                Item::Any(node) => lowerer.value(node, level + 1),
                Item::Listed(index) => lowerer.listed(&shape.distinct[index], level + 1),
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
    builder.sequence([open, start, close])
}
