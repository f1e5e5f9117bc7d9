//! Rule attributes, `name[max_chars=10, lazy] ::= …`: read here. Those that change the texts of the rule are enforced by
//! `restrict`, the others are for the matcher.

use grammar_ir::{EndMarker, HiddenFrom, RuleAttributes, Temperature};

use super::ast::{AstBuilder, Span};
use super::rules::Header;
use super::suggest;

/// The attributes there are.
const KNOWN: [&str; 10] = [
    "max_tokens",
    "max_chars",
    "capture",
    "lazy",
    "temperature",
    "stop_capture",
    "capture_hidden_suffix_bytes",
    "capture_hidden_stop_bytes",
    "capture_hidden_body_rule_id",
    "capture_hidden_marker_rule_id",
];

/// What is said of the marker that ends the words of a rule. Each with the place where it is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct MarkerAttributes {
    /// How many bytes it has, and which captures leave it out.
    pub(super) bytes: Option<(u32, HiddenFrom, Span)>,
    /// The number of the rule for what comes before it.
    pub(super) body: Option<(u32, Span)>,
    /// The number of the rule for the marker itself.
    pub(super) marker: Option<(u32, Span)>,
    /// The name under which it is reported, a literal.
    pub(super) capture: Option<Span>,
}

/// The attributes of a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    /// The greatest number of characters.
    pub(super) max_chars: Option<u32>,
    /// Whether a word of the rule ends as soon as it can.
    pub(super) is_lazy: bool,
    /// The number of tokens after which a word of the rule ends as soon as it can.
    pub(super) max_tokens: Option<u32>,
    /// The name under which the words of the rule are reported: a literal, or the name of the rule.
    pub(super) capture: Option<Span>,
    /// The temperature for sampling in the rule.
    pub(super) temperature: Option<Temperature>,
    /// The marker at the end.
    pub(super) marker: MarkerAttributes,
    /// Where they stand.
    pub(super) brackets: Option<Span>,
}

impl Attributes {
    /// Whether some of them change the texts of the rule.
    pub(super) fn restrict(&self) -> bool {
        self.max_chars.is_some() || self.is_lazy
    }

    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self { brackets: self.brackets, ..Self::default() }
    }

    /// Those that are for the matcher; `capture` is the name to report.
    pub(super) fn for_matcher(&self, capture: Option<String>, marker: Option<EndMarker>) -> RuleAttributes {
        let Self { max_tokens, temperature, .. } = *self;
        RuleAttributes { max_tokens, temperature, capture: capture.map(Into::into), marker: marker.map(Box::new) }
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
    let mut seen: Vec<&str> = Vec::new();
    for item in text.split(separator) {
        let trimmed = item.trim();
        let (name, value) = match trimmed.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (trimmed, None),
        };
        let begin = start + item.len() - item.trim_start().len();
        let end = begin + trimmed.len();
        let span = if trimmed.is_empty() { brackets } else { Span::new(begin, end) };
        start += item.len() + 1;
        if KNOWN.contains(&name) && seen.contains(&name) {
            let message = format!("the attribute `{name}` is given twice");
            builder.bad_attribute(span, &message, "keep one of the two");
            continue;
        }
        seen.push(name);
        let number = || value.and_then(|value| value.parse::<u32>().ok());
        match (name, value) {
            ("lazy", None) => attributes.is_lazy = true,
            ("lazy", Some(_)) => builder.bad_attribute(span, "`lazy` has no value", "write `lazy`"),
            ("max_chars", _) => match number() {
                Some(max) => attributes.max_chars = Some(max),
                None => {
                    let message = format!("`max_chars` must be a number from 0 to {}", u32::MAX);
                    builder.bad_attribute(span, &message, "write `max_chars=100`");
                }
            },
            ("max_tokens", _) => match number().filter(|&max| max > 0) {
                Some(max) => attributes.max_tokens = Some(max),
                None => {
                    let message = format!("`max_tokens` must be a number from 1 to {}", u32::MAX);
                    builder.bad_attribute(span, &message, "write `max_tokens=100`");
                }
            },
            ("temperature", _) => match value.and_then(|value| value.parse().ok()).and_then(Temperature::new) {
                Some(temperature) => attributes.temperature = Some(temperature),
                None => {
                    let message = "`temperature` must be a finite number that is not negative";
                    builder.bad_attribute(span, message, "write `temperature=0.7`");
                }
            },
            ("capture", None) => attributes.capture = Some(header.name),
            ("capture" | "stop_capture", _) => {
                let quoted = value.and_then(|value| value.strip_prefix('"')?.strip_suffix('"'));
                match quoted.filter(|inner| !inner.is_empty()) {
                    Some(inner) => {
                        let literal = Some(Span::new(end - inner.len() - 2, end));
                        let place =
                            if name == "capture" { &mut attributes.capture } else { &mut attributes.marker.capture };
                        *place = literal;
                    }
                    None => {
                        let message = format!("`{name}` must be a name in quotes");
                        let help = match name {
                            "capture" => "write `capture=\"name\"`, or `capture` for the rule's name",
                            _ => "write `stop_capture=\"name\"`",
                        };
                        builder.bad_attribute(span, &message, help);
                    }
                }
            }
            ("capture_hidden_suffix_bytes" | "capture_hidden_stop_bytes", _) => {
                let is_stop = name == "capture_hidden_stop_bytes";
                let hidden_from = if is_stop { HiddenFrom::AllCaptures } else { HiddenFrom::OwnCapture };
                match number().filter(|&bytes| bytes > 0) {
                    Some(_) if attributes.marker.bytes.is_some() => {
                        let message = "a marker is hidden either as a suffix or as a stop";
                        builder.bad_attribute(span, message, "keep one of the two attributes");
                    }
                    Some(bytes) => attributes.marker.bytes = Some((bytes, hidden_from, span)),
                    None => {
                        let message = format!("`{name}` must be a number from 1 to {}", u32::MAX);
                        builder.bad_attribute(span, &message, "give the number of bytes of the marker");
                    }
                }
            }
            ("capture_hidden_body_rule_id" | "capture_hidden_marker_rule_id", _) => match number() {
                Some(rule) if name == "capture_hidden_body_rule_id" => attributes.marker.body = Some((rule, span)),
                Some(rule) => attributes.marker.marker = Some((rule, span)),
                None => {
                    let message = format!("`{name}` must be the number of a rule");
                    builder.bad_attribute(span, &message, "rules are numbered from 0, in the order of the source");
                }
            },
            _ => {
                let help = match suggest::nearest(name, KNOWN.into_iter()) {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => {
                        "the attributes are `max_tokens`, `max_chars`, `capture`, `lazy` and `temperature`".to_owned()
                    }
                };
                builder.bad_attribute(span, "unknown rule attribute", &help);
            }
        }
    }
    attributes
}
