//! What the caller should know about a compiled schema.

use super::ast::Ast;
use super::normal::{Node, Normal};
use super::options::{AdditionalProperties, Annotation, Digits, Formats, Options, Report, Whitespace};

/// The report on a (pruned) schema: of the narrowings that `options` put in force, those that concern it.
pub(super) fn report(normal: &Normal, ast: &Ast, options: &Options, annotations: Vec<Annotation>) -> Report {
    let any = |holds: fn(&Node) -> bool| normal.nodes.iter().any(holds);
    let mut narrowings = Vec::new();
    if any(|node| {
        node.objects.iter().any(|object| !object.named.is_empty() && object.named.len() + object.free.len() > 1)
    }) {
        narrowings.push("key order: declared keys in schema order, then the others");
    }
    if any(|node| !node.arrays.is_empty() || !node.objects.is_empty() || node.values.iter().any(has_parts)) {
        narrowings.extend(match options.whitespace {
            Whitespace::Any => None,
            Whitespace::Bounded => Some("whitespace: bounded"),
            Whitespace::Compact => Some("whitespace: compact"),
            Whitespace::Python => Some("whitespace: python"),
            Whitespace::Indent(_) => Some("whitespace: indent"),
        });
    }
    if options.formats == Formats::Assertion {
        let formats = ast.schemas.iter().filter_map(|schema| schema.string.format.as_deref());
        for narrowing in formats.filter_map(super::format::narrowing) {
            if !narrowings.contains(&narrowing) {
                narrowings.push(narrowing);
            }
        }
    }
    if any(|node| !node.numbers.is_empty() || node.values.iter().any(serde_json::Value::is_number)) {
        narrowings
            .push("exponents: only where a number has no bound other than 0, is no integer and has no multipleOf");
        if options.numbers == Digits::Bounded {
            narrowings.push("digits: at most 20 before the point, 20 after it, 3 in the exponent");
        }
    }
    if options.additional_properties == AdditionalProperties::Closed {
        narrowings.push("additional properties: closed where `properties` is present");
    }
    let open = any(|node| {
        node.objects
            .iter()
            .any(|object| object.max != Some(1) && object.free.iter().any(|free| free.place.value.is_some()))
    });
    let widenings = open.then_some(
        "undeclared keys: one may be repeated in an object, which JSON parsers mostly read as its last value",
    );
    Report { annotations, narrowings, widenings: widenings.into_iter().collect() }
}

fn has_parts(value: &serde_json::Value) -> bool {
    value.is_array() || value.is_object()
}
