//! Harmony: an answer is a row of messages, each in a channel.

use serde_json::{Value, json};

use super::pieces::{Pieces, sequence};
use super::request::{Choice, Reasoning, Request};

/// What the model writes after `<|start|>assistant`.
pub(super) fn format(request: &Request, pieces: &Pieces<'_>) -> Value {
    let mut calls = Vec::new();
    if request.choice != Choice::None {
        for tool in &request.tools {
            let name = &tool.name;
            for before in [
                format!("<|channel|>commentary to=functions.{name}<|constrain|>json<|message|>"),
                format!(" to=functions.{name}<|channel|>commentary <|constrain|>json<|message|>"),
                format!(" to=functions.{name}<|channel|>commentary json<|message|>"),
            ] {
                let mut call = pieces.of(&before);
                call.push(tool.arguments(None));
                call.extend(pieces.of("<|call|>"));
                calls.push(sequence(call));
            }
        }
    }
    let analysis = message("<|channel|>analysis<|message|>", &["<|end|>"], pieces);
    let answer = if request.choice == Choice::Named {
        json!({"type": "or", "elements": calls})
    } else {
        let preamble = message("<|channel|>commentary<|message|>", &["<|end|>"], pieces);
        let last = message("<|channel|>final<|message|>", &["<|end|>", "<|return|>"], pieces);
        let single = !request.parallel_tool_calls;
        let call = (!calls.is_empty()).then(|| json!({"type": "or", "elements": calls}));
        match (request.choice == Choice::Required, call) {
            (true, Some(call)) if single => call,
            (true, Some(call)) => {
                let any = json!({"type": "or", "elements": [call, preamble, last]});
                sequence(vec![call, repeated(any, pieces)])
            }
            (_, call) => {
                let ends: Vec<Value> = call.iter().cloned().chain([last]).collect();
                let ends = json!({"type": "or", "elements": ends});
                let mut messages = vec![preamble];
                messages.extend(call.filter(|_| !single));
                let mut before = vec![json!({"type": "or", "elements": messages})];
                before.extend(pieces.of(SEPARATOR));
                sequence(vec![json!({"type": "star", "content": sequence(before)}), ends])
            }
        }
    };
    let mut thinking = vec![analysis];
    thinking.extend(pieces.of(SEPARATOR));
    let thinking = sequence(thinking);
    match request.reasoning {
        Reasoning::Disabled => answer,
        Reasoning::Enabled => sequence(vec![json!({"type": "plus", "content": thinking}), answer]),
        Reasoning::Auto => sequence(vec![json!({"type": "star", "content": thinking}), answer]),
    }
}

/// What stands between two messages.
const SEPARATOR: &str = "<|start|>assistant";

fn repeated(message: Value, pieces: &Pieces<'_>) -> Value {
    let mut another = pieces.of(SEPARATOR);
    another.push(message);
    json!({"type": "star", "content": sequence(another)})
}

fn message(begin: &str, ends: &[&str], pieces: &Pieces<'_>) -> Value {
    let mut parts = pieces.of(begin);
    parts.push(json!({"type": "any_text", "excludes": ends}));
    let ends: Vec<Value> = ends.iter().map(|end| sequence(pieces.of(end))).collect();
    parts.push(json!({"type": "or", "elements": ends}));
    sequence(parts)
}
