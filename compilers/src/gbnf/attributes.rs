//! Rule attributes, `name[max_chars=10, lazy] ::= …`: read here, enforced by `restrict`, or refused by name.

use super::ast::{AstBuilder, Span};
use super::rules::Header;
use super::suggest;

/// The attributes that change the language of a rule.
const ENFORCED: [&str; 2] = ["max_chars", "lazy"];

/// The attributes that are about something else than the texts of a rule.
const REFUSED: [&str; 8] = [
    "max_tokens",
    "capture",
    "temperature",
    "stop_capture",
    "capture_hidden_suffix_bytes",
    "capture_hidden_stop_bytes",
    "capture_hidden_body_rule_id",
    "capture_hidden_marker_rule_id",
];

/// The attributes of a rule that change its language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    /// The greatest number of characters.
    pub(super) max_chars: Option<u32>,
    /// Whether a word of the rule ends as soon as it can.
    pub(super) is_lazy: bool,
    /// Where they stand.
    pub(super) brackets: Option<Span>,
}

impl Attributes {
    /// Whether there are any.
    pub(super) fn restrict(&self) -> bool {
        self.max_chars.is_some() || self.is_lazy
    }
}

/// Reads the attributes of a rule, and reports each that is none or is not supported.
pub(super) fn read(header: Header, source: &str, builder: &mut AstBuilder<'_>) -> Attributes {
    let mut attributes = Attributes { brackets: header.attributes, ..Attributes::default() };
    let Some(brackets) = header.attributes else { return attributes };
    let inner = brackets.range();
    let mut start = inner.start + 1;
    let text = source.get(start..inner.end - 1).unwrap_or("");
    let mut in_quotes = false;
    let separator = |character: char| {
        in_quotes ^= character == '"';
        character == ',' && !in_quotes
    };
    for item in text.split(separator) {
        let (name, value) = match item.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (item.trim(), None),
        };
        let leading = item.len() - item.trim_start().len();
        let span = if item.trim().is_empty() {
            brackets
        } else {
            Span::new(start + leading, start + leading + item.trim().len())
        };
        match (name, value) {
            ("lazy", None) => attributes.is_lazy = true,
            ("lazy", Some(_)) => builder.bad_attribute(span, "`lazy` has no value", "write `lazy`"),
            ("max_chars", value) => match value.and_then(|value| value.parse().ok()) {
                Some(max) => attributes.max_chars = Some(max),
                None => {
                    let message = format!("`max_chars` must be a number from 0 to {}", u32::MAX);
                    builder.bad_attribute(span, &message, "write `max_chars=100`");
                }
            },
            _ if REFUSED.contains(&name) => {
                builder.unsupported(span, &format!("the rule attribute `{name}`"));
            }
            _ => {
                let known = ENFORCED.into_iter().chain(REFUSED);
                let help = match suggest::nearest(name, known) {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => format!("the attributes are `{}`", ENFORCED.join("`, `")),
                };
                builder.bad_attribute(span, "unknown rule attribute", &help);
            }
        }
        start += item.len() + 1;
    }
    attributes
}
