//! What the caller should know about a compiled schema.

use serde_json::Value;

use super::ast::Ast;
use super::normal::{Node, NodeId, Normal, ObjectShape};
use super::options::{
    AdditionalProperties, Annotation, Digits, Escapes, Formats, KeyOrder, Options, Report, Whitespace,
};

/// The report on a (pruned) schema: of the narrowings that `options` put in force, those that concern it.
pub(super) fn report(normal: &Normal, ast: &Ast, options: &Options, annotations: Vec<Annotation>) -> Report {
    let any = |holds: fn(&Node) -> bool| normal.nodes.iter().any(holds);
    let mut narrowings = Vec::new();
    if options.key_order == KeyOrder::Declared
        && (any(|node| node.objects.iter().any(has_order)) || any(|node| node.values.iter().any(lists_order)))
    {
        narrowings.push("key order: declared keys in schema order, then the others; listed objects as listed");
    }
    if any(|node| !node.arrays.is_empty() || !node.objects.is_empty() || node.values.iter().any(has_parts)) {
        narrowings.extend(match options.whitespace {
            Whitespace::Any => None,
            Whitespace::Bounded | Whitespace::AtMost(_) => Some("whitespace: bounded"),
            Whitespace::Conventional => Some("whitespace: conventional"),
            Whitespace::Compact => Some("whitespace: compact"),
            Whitespace::Python => Some("whitespace: python"),
            Whitespace::Indent(_) => Some("whitespace: indent"),
        });
    }
    if options.escapes == Escapes::Minimal
        && (any(|node| node.values.iter().any(has_text))
            || any(|node| node.objects.iter().any(|object| !object.named.is_empty())))
    {
        narrowings.push("escapes: strings that the schema names are written with as few as JSON allows");
    }
    if options.formats == Formats::Assertion {
        let formats = ast.schemas.iter().filter_map(|schema| schema.string.format.as_deref());
        for narrowing in formats.filter_map(super::format::narrowing) {
            if !narrowings.contains(&narrowing) {
                narrowings.push(narrowing);
            }
        }
    }
    if any(|node| !node.numbers.is_empty() || node.values.iter().any(Value::is_number)) {
        narrowings.extend(match options.numbers {
            Digits::Bounded => [
                "exponents: none of integers, multiples and listed numbers; next to a bound other than 0 one digit before \
                 the point, which is not 0",
                "digits: at most 20 before the point, 20 after it, 3 in the exponent; more where a number of the schema has \
                 more; any number next to a divisor with more than 500 residues",
            ]
            .as_slice(),
            Digits::Conventional => &[
                "numbers: integers without fraction and exponent, listed numbers as listed or in plain notation; next to a \
                 bound other than 0 an exponent only after one digit before the point, which is not 0",
                "digits: at most 20 before the point, 20 after it, 3 in the exponent; more where a number of the schema has \
                 more; any number next to a divisor with more than 500 residues",
            ],
            Digits::Unbounded => &[
                "exponents: none of multiples; of integers, listed numbers and next to a bound other than 0 after at most \
                 20 digits",
            ],
        });
    }
    if options.additional_properties == AdditionalProperties::Closed {
        narrowings.push("additional properties: closed where `properties` is present");
    }
    Report { annotations, narrowings, relaxations: normal.relaxations.clone() }
}

/// Whether the keys of `object` can be written in several orders.
fn has_order(object: &ObjectShape<NodeId>) -> bool {
    !object.named.is_empty() && object.max != Some(1) && object.named.len() + object.free.len() > 1
}

/// Whether some object in `value` has several members. Nesting is bounded by the parser.
fn lists_order(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.len() > 1 || members.values().any(lists_order),
        Value::Array(items) => items.iter().any(lists_order),
        _ => false,
    }
}

/// Whether some string or key is in `value`. Nesting is bounded by the parser.
fn has_text(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => items.iter().any(has_text),
        _ => false,
    }
}

fn has_parts(value: &Value) -> bool {
    value.is_array() || value.is_object()
}
