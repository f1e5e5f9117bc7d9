//! Rule attributes, `name[max_tokens=10, lazy] ::= …`: recognised and refused by name.

use super::ast::{AstBuilder, Span};
use super::rules::Header;
use super::suggest;

/// The attributes that authors write.
const DOCUMENTED: [&str; 5] = ["max_tokens", "max_chars", "capture", "lazy", "temperature"];

/// The attributes that XGrammar's converters from other notations write.
const GENERATED: [&str; 5] = [
    "stop_capture",
    "capture_hidden_suffix_bytes",
    "capture_hidden_stop_bytes",
    "capture_hidden_body_rule_id",
    "capture_hidden_marker_rule_id",
];

/// Reports each attribute of a rule.
pub(super) fn refuse(header: Header, source: &str, builder: &mut AstBuilder<'_>) {
    let Some(brackets) = header.attributes else { return };
    let inner = brackets.range();
    let mut start = inner.start + 1;
    let text = source.get(start..inner.end - 1).unwrap_or("");
    let mut in_quotes = false;
    let separator = |character: char| {
        in_quotes ^= character == '"';
        character == ',' && !in_quotes
    };
    for item in text.split(separator) {
        let name = item.split('=').next().unwrap_or("").trim();
        let leading = item.len() - item.trim_start().len();
        let span = if item.trim().is_empty() {
            brackets
        } else {
            Span::new(start + leading, start + leading + item.trim().len())
        };
        let known = || DOCUMENTED.into_iter().chain(GENERATED);
        if known().any(|attribute| attribute == name) {
            builder.unsupported(span, &format!("the rule attribute `{name}`"));
        } else {
            let help = match suggest::nearest(name, known()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("the attributes are `{}`", DOCUMENTED.join("`, `")),
            };
            builder.unknown_attribute(span, help);
        }
        start += item.len() + 1;
    }
}
