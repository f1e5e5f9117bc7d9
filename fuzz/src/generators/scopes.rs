//! Random scopes.

use grammar_ir::{Element, ElementOrder, ExprId, GrammarBuilder, Mark, RuleId, ScopeRules, Tally};

use super::{Scopes, Shape, expression};
use crate::Source;

/// A scope whose parts are expressions of the given depth.
pub(super) fn scope(
    source: &mut Source<'_>,
    builder: &mut GrammarBuilder,
    rules: &[RuleId],
    shape: Shape,
    depth: usize,
) -> ExprId {
    let scope_rules = scope_rules(source, shape);
    let elements = scope_rules.elements.len();
    let body = if shape.scopes == Scopes::Any {
        let body = body(source, builder, rules, shape, depth, elements, 3);
        // The automaton selects an element with the symbol that comes after it, so there must be one.
        let end = if source.one_in(3) { builder.literal("c") } else { close(source, builder) };
        builder.sequence([body, end])
    } else {
        list(source, builder, rules, shape, depth, elements)
    };
    builder.scope(body, scope_rules)
}

fn scope_rules(source: &mut Source<'_>, shape: Shape) -> ScopeRules {
    let required: Vec<bool> = (0..source.below(4)).map(|_| source.one_in(3)).collect();
    let mut bounds = |often: usize| {
        let min = if source.one_in(often) { source.below(4) as u32 } else { 0 };
        (min, source.one_in(2).then(|| min + source.below(3) as u32))
    };
    let (min, max) = bounds(3);
    let second = bounds(2);
    let first = bounds(3);
    let tallies: Vec<Tally> = [first, second].into_iter().map(|(min, max)| Tally { min, max }).collect();
    let tallies = &tallies[..source.below(5).saturating_sub(2)];
    // Of parts that are distinct alike, and no others: an automaton is not exact where one can no longer be selected for
    // its text, and another with the same text for its slot or tallies.
    let all_distinct = shape.scopes == Scopes::Distinct && !source.one_in(3);
    let common = source.below(1 << tallies.len()) as u16;
    let elements = (0..1 + source.below(4)).map(|_| {
        let slot = (!required.is_empty() && !source.one_in(3)).then(|| source.below(required.len()) as u32);
        let tallies = source.below(1 << tallies.len()) as u16;
        match shape.scopes {
            _ if all_distinct => Element { slot: None, tallies: common, distinct: true },
            _ => Element { slot, tallies, distinct: false },
        }
    });
    ScopeRules {
        elements: elements.collect(),
        required: required.into(),
        order: if source.one_in(3) { ElementOrder::Slots } else { ElementOrder::Any },
        min,
        max,
        tallies: tallies.into(),
    }
}

/// `[a,b,c]` or `abc;` of all elements, each with something around its marked part or not.
fn list(
    source: &mut Source<'_>,
    builder: &mut GrammarBuilder,
    rules: &[RuleId],
    shape: Shape,
    depth: usize,
    elements: usize,
) -> ExprId {
    let members: Vec<ExprId> = (0..elements)
        .map(|element| {
            let part = part(source, builder, rules, shape, depth);
            let marked = builder.marked(Mark::Element(element as u32), part);
            match source.below(4) {
                0 if shape.scopes != Scopes::Distinct => {
                    let value = expression(source, builder, rules, shape, depth.saturating_sub(1));
                    builder.sequence([marked, value])
                }
                1 => {
                    let name = builder.literal(["c", "a"][source.below(2)]);
                    builder.sequence([name, marked])
                }
                _ => marked,
            }
        })
        .collect();
    let member = builder.choice(members);
    let close = close(source, builder);
    if source.one_in(2) {
        let members = builder.repeat(member, 0, None);
        return builder.sequence([members, close]);
    }
    let open = builder.literal(["", "a"][source.below(2)]);
    let separator = builder.literal(["c", "b"][source.below(2)]);
    let another = builder.sequence([separator, member]);
    let others = builder.repeat(another, 0, None);
    let members = builder.sequence([member, others]);
    let members = builder.optional(members);
    builder.sequence([open, members, close])
}

/// Anything with marks in it.
fn body(
    source: &mut Source<'_>,
    builder: &mut GrammarBuilder,
    rules: &[RuleId],
    shape: Shape,
    depth: usize,
    elements: usize,
    nesting: usize,
) -> ExprId {
    match source.below(if nesting == 0 { 5 } else { 10 }) {
        0 => expression(source, builder, rules, shape, depth.min(1)),
        1..=4 => {
            let part = part(source, builder, rules, shape, depth.min(2));
            builder.marked(Mark::Element(source.below(elements) as u32), part)
        }
        kind => {
            let inner: Vec<ExprId> = (0..2 + source.below(2))
                .map(|_| body(source, builder, rules, shape, depth, elements, nesting - 1))
                .collect();
            match kind {
                5 | 6 => builder.sequence(inner),
                7 => builder.choice(inner),
                _ => {
                    let (min, max) = [(0, Some(1)), (0, None), (1, None)][source.below(3)];
                    builder.repeat(inner[0], min, max)
                }
            }
        }
    }
}

/// Mostly something short. Where parts are distinct, each way to tell a text into parts leads to other things seen, so
/// among them are none that a text could be cut into anywhere.
fn part(source: &mut Source<'_>, builder: &mut GrammarBuilder, rules: &[RuleId], shape: Shape, depth: usize) -> ExprId {
    match source.below(4) {
        3 if shape.scopes != Scopes::Distinct => return expression(source, builder, rules, shape, depth),
        3 if depth > 0 => return scope(source, builder, rules, shape, depth - 1),
        _ => {}
    }
    match source.below(8) {
        0 => {
            let (letter, end) = (builder.literal("a"), builder.literal("b"));
            let letters = builder.repeat(letter, 1, None);
            if shape.scopes == Scopes::Distinct { builder.sequence([letters, end]) } else { letters }
        }
        1 => {
            let words = ["a", "ab", "b"].map(|word| builder.literal(word));
            builder.choice(words)
        }
        kind => builder.literal(["a", "b", "c", "aa", "ab", "1"][kind - 2]),
    }
}

fn close(source: &mut Source<'_>, builder: &mut GrammarBuilder) -> ExprId {
    let end = builder.literal([";", "a", "b", "c"][source.below(4)]);
    builder.marked(Mark::Close, end)
}
