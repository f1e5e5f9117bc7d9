//! Arrays: counts are bounds of repetitions, never copies.

use grammar_ir::ExprId;

use super::lower::Lowerer;
use super::normal::{ArrayShape, NodeId};

/// The texts of the arrays of a (pruned) shape.
pub(super) fn lower(lowerer: &mut Lowerer<'_>, shape: &ArrayShape<NodeId>, level: u32) -> ExprId {
    let layout = lowerer.spaces.layout(level, &mut lowerer.builder);
    let allowed = |length: usize| shape.min as usize <= length && shape.max.is_none_or(|max| length <= max as usize);
    let limit = shape.max.map_or(usize::MAX, |max| max as usize);
    let prefix: Vec<ExprId> =
        shape.prefix.iter().take(limit).map_while(|node| *node).map(|node| lowerer.value(node, level + 1)).collect();
    let reaches_rest = prefix.len() == shape.prefix.len() && prefix.len() < limit;
    let rest = shape.rest.filter(|_| reaches_rest).map(|node| lowerer.value(node, level + 1));
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
