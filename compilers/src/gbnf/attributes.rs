//! Rule attributes, `name[max_tokens=10, lazy] ::= …`: recognised and refused by name.

use super::ast::{AstBuilder, Span};
use super::rules::Header;

const KNOWN: [&str; 5] = ["max_tokens", "max_chars", "capture", "lazy", "temperature"];

/// Reports each attribute of a rule.
pub(super) fn refuse(header: Header, source: &str, builder: &mut AstBuilder<'_>) {
    let Some(brackets) = header.attributes else { return };
    let inner = brackets.range();
    let mut start = inner.start + 1;
    let text = source.get(start..inner.end - 1).unwrap_or("");
    for item in text.split(',') {
        let name = item.split('=').next().unwrap_or("").trim();
        let leading = item.len() - item.trim_start().len();
        let span = if item.trim().is_empty() {
            brackets
        } else {
            Span::new(start + leading, start + leading + item.trim().len())
        };
        if KNOWN.contains(&name) {
            builder.unsupported(span, &format!("the rule attribute `{name}`"));
        } else {
            builder.unknown_attribute(span, &KNOWN.join("`, `"));
        }
        start += item.len() + 1;
    }
}
