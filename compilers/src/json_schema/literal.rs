//! The texts of one given value.

use grammar_ir::{Budget, ByteSet, Element, ElementOrder, ExprId, GrammarBuilder, LimitError};
use serde_json::{Number, Value};

use super::container::{self, Elements};
use super::decimal::Decimal;
use super::number::NumberSet;
use super::options::{Digits, KeyOrder, Options};
use super::string;
use super::whitespace::Spaces;

/// Zeros after the point that [`Digits::Bounded`] allows.
const ZEROS: u32 = 20;
/// A number with more digits than this is written as the schema writes it only.
const MAX_PLAIN: usize = 4_096;

/// The texts of `value` at nesting `level`: strings and keys in the spellings of `options`, numbers with any zeros at their end,
/// members in the order that `options` ask for. Nesting is bounded by the parser.
///
/// # Errors
/// When a string takes too many states.
pub(super) fn lower(
    value: &Value,
    level: u32,
    spaces: &Spaces,
    options: &Options,
    builder: &mut GrammarBuilder,
    budget: &mut Budget<'_>,
) -> Result<ExprId, LimitError> {
    let inner = (level + 1).min(spaces.levels());
    Ok(match value {
        Value::Null => builder.literal("null"),
        Value::Bool(true) => builder.literal("true"),
        Value::Bool(false) => builder.literal("false"),
        Value::Number(value) => number(value, options.numbers, builder, budget),
        Value::String(text) => string::literals([text.as_str()], options.escapes, builder, budget)?,
        Value::Array(items) => {
            let layout = spaces.layout(level, builder);
            let items: Result<Vec<ExprId>, LimitError> =
                items.iter().map(|item| lower(item, inner, spaces, options, builder, budget)).collect();
            let items = items?;
            bracketed(["[", "]"], items, layout, builder)
        }
        Value::Object(members) => {
            let layout = spaces.layout(level, builder);
            let in_any_order = options.key_order == KeyOrder::Any && members.len() > 1;
            let mut elements = Elements::default();
            let members: Result<Vec<ExprId>, LimitError> = members
                .iter()
                .map(|(key, member)| {
                    let mut key = string::literals([key.as_str()], options.escapes, builder, budget)?;
                    if in_any_order {
                        let slot = elements.slot(true);
                        let element = Element { slot: Some(slot), tallies: 0, distinct: false };
                        key = builder.marked(elements.mark(element), key);
                    }
                    let member = lower(member, inner, spaces, options, builder, budget)?;
                    Ok(builder.sequence([key, layout.colon, member]))
                })
                .collect();
            let members = members?;
            if !in_any_order {
                return Ok(bracketed(["{", "}"], members, layout, builder));
            }
            let member = builder.choice(members);
            let body = container::repeated(["{", "}"], member, layout, builder);
            builder.scope(body, elements.rules(ElementOrder::Any, 0, None, &[]))
        }
    })
}

fn bracketed(
    brackets: [&str; 2],
    items: Vec<ExprId>,
    layout: super::whitespace::Layout,
    builder: &mut GrammarBuilder,
) -> ExprId {
    let mut parts = vec![builder.literal(brackets[0])];
    if items.is_empty() {
        parts.push(layout.empty);
    } else {
        parts.push(layout.open);
        for (index, item) in items.into_iter().enumerate() {
            parts.extend((index > 0).then_some(layout.comma));
            parts.push(item);
        }
        parts.push(layout.close);
    }
    parts.push(builder.literal(brackets[1]));
    builder.sequence(parts)
}

fn number(number: &Number, digits: Digits, builder: &mut GrammarBuilder, budget: &mut Budget<'_>) -> ExprId {
    let source = as_written(&number.to_string(), builder);
    let Some(decimal) = Decimal::from_json(number) else { return source };
    let source = match digits {
        Digits::Bounded | Digits::Conventional => source,
        // One number takes few states; should the time be up, others take note.
        Digits::Unbounded => match NumberSet::single(&decimal).scientific(digits, budget) {
            Ok(Some(automaton)) => {
                let scientific = builder.automaton(automaton);
                builder.choice([source, scientific])
            }
            Ok(None) | Err(_) => source,
        },
    };
    let Some(plain) = decimal.to_plain(MAX_PLAIN) else { return source };
    if digits == Digits::Conventional {
        let plain = builder.literal(&plain);
        return builder.choice([source, plain]);
    }
    let max = (digits == Digits::Bounded).then_some(ZEROS);
    let zero = builder.literal("0");
    let has_point = plain.contains('.');
    let zeros = builder.repeat(zero, u32::from(!has_point), max);
    let value = builder.literal(&plain);
    let value = if plain == "0" {
        let minus = builder.literal("-");
        let minus = builder.optional(minus);
        builder.sequence([minus, value])
    } else {
        value
    };
    let written = if has_point {
        builder.sequence([value, zeros])
    } else {
        let point = builder.literal(".");
        let tail = builder.sequence([point, zeros]);
        let tail = builder.optional(tail);
        builder.sequence([value, tail])
    };
    builder.choice([written, source])
}

/// A number as the schema writes it. The parser keeps its digits, but not how it spells the exponent.
fn as_written(text: &str, builder: &mut GrammarBuilder) -> ExprId {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return builder.literal(text) };
    let mantissa = builder.literal(mantissa);
    let letter = builder.byte_set(ByteSet::from_iter(*b"eE"));
    let sign = match exponent.strip_prefix('-') {
        Some(_) => builder.literal("-"),
        None => {
            let plus = builder.literal("+");
            builder.optional(plus)
        }
    };
    let exponent = builder.literal(exponent.trim_start_matches(['+', '-']));
    builder.sequence([mantissa, letter, sign, exponent])
}
