//! Delimiters as formats: special tokens where the vocabulary has them, text otherwise.

use serde_json::{Value, json};

use crate::delimiters::{self, Piece};
use crate::gbnf::TokenNames;

/// Makes formats of delimiters.
pub(super) struct Pieces<'t> {
    tokens: Option<&'t dyn TokenNames>,
}

impl<'t> Pieces<'t> {
    /// Delimiters for a vocabulary; without one, all are text.
    pub(super) fn new(tokens: Option<&'t dyn TokenNames>) -> Self {
        Self { tokens }
    }

    /// Whether the delimiter is a special token, and no text.
    pub(super) fn is_token(&self, marker: &str) -> bool {
        self.tokens.is_some_and(|tokens| tokens.special_id(marker).is_some())
    }

    /// The parts of `text`, one after the other.
    pub(super) fn of(&self, text: &str) -> Vec<Value> {
        let pieces = delimiters::pieces(text, |name| self.tokens?.special_id(name));
        let format = |piece| match piece {
            Piece::Text(text) => literal(text),
            Piece::Token(name, _) => json!({"type": "token", "token": name}),
        };
        pieces.into_iter().map(format).collect()
    }

    /// Whether a special token, and no text, is in `text`.
    fn has_token(&self, text: &str) -> bool {
        delimiters::pieces(text, |name| self.tokens?.special_id(name))
            .iter()
            .any(|piece| matches!(piece, Piece::Token(..)))
    }

    /// Free text and `unit` in turn; `unit` begins with `trigger`.
    pub(super) fn interleaved(
        &self,
        trigger: &str,
        unit: Vec<Value>,
        excludes: &[&str],
        at_least_one: bool,
        stop_after_first: bool,
    ) -> Value {
        let text = json!({"type": "any_text", "excludes": excludes});
        if !self.has_token(trigger) {
            let tag = json!({"begin": trigger, "content": without(trigger, sequence(unit)), "end": ""});
            return json!({
                "type": "triggered_tags", "triggers": [trigger], "tags": [tag], "excludes": excludes,
                "at_least_one": at_least_one, "stop_after_first": stop_after_first,
            });
        }
        // A special token is no text, so nothing in the text has to be kept from being read as one.
        let unit = sequence(unit);
        let after_text = sequence(vec![text.clone(), unit.clone()]);
        match (at_least_one, stop_after_first) {
            (true, true) => unit,
            (false, true) => json!({"type": "or", "elements": [after_text, text]}),
            (at_least_one, false) => {
                let others = json!({"type": "star", "content": after_text});
                let mut parts = vec![others, text];
                if at_least_one {
                    parts.insert(0, unit);
                }
                sequence(parts)
            }
        }
    }
}

/// A format that begins with the text `trigger`, without it.
fn without(trigger: &str, format: Value) -> Value {
    match format["type"].as_str() {
        Some("const_string") => {
            let value = format["value"].as_str().unwrap_or_default();
            literal(value.strip_prefix(trigger).unwrap_or(value))
        }
        Some("sequence") => {
            let mut elements = format["elements"].as_array().cloned().unwrap_or_default();
            if let Some(first) = elements.first_mut() {
                *first = without(trigger, first.take());
            }
            sequence(elements)
        }
        Some("or") => {
            let elements = format["elements"].as_array().cloned().unwrap_or_default();
            let elements: Vec<Value> = elements.into_iter().map(|element| without(trigger, element)).collect();
            json!({"type": "or", "elements": elements})
        }
        _ => format,
    }
}

fn literal(text: &str) -> Value {
    json!({"type": "const_string", "value": text})
}

/// Formats one after the other.
pub(super) fn sequence(mut formats: Vec<Value>) -> Value {
    match formats.len() {
        0 => literal(""),
        1 => formats.swap_remove(0),
        _ => json!({"type": "sequence", "elements": formats}),
    }
}
