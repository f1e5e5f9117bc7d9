//! What is kept: of the tokenizer, of a grammar, of a generation.

use std::sync::Arc;

use mask_runtime::Tokenizer;
use serde_json::{Map, Value, json};

use super::walk::{Source, Walk};

pub(super) fn print(tokenizer: &Arc<Tokenizer>) -> Result<(), String> {
    println!("\nmemory: the tokenizer's index {:.1} MB", tokenizer.memory() as f64 / 1e6);
    println!("{:<26} {:>8} {:>14} {:>14}", "after a text", "tokens", "grammar, KB", "matcher, KB");
    let kilobytes = |bytes: usize| bytes as f64 / 1e3;
    for (name, (source, text)) in [("object of 5", object(5)), ("object of 20", object(20)), ("tree", tree(6))] {
        let walk = Walk::new(&source, &text, tokenizer, 1)?;
        println!(
            "{name:<26} {:>8} {:>14.1} {:>14.1}",
            walk.new.len(),
            kilobytes(walk.matcher.grammar().memory()),
            kilobytes(walk.matcher.memory())
        );
    }
    println!("and then the tokenizer's index {:.1} MB", tokenizer.memory() as f64 / 1e6);
    Ok(())
}

/// An object of the kinds of properties that schemas mostly have, and an instance with all of them.
pub(super) fn object(properties: usize) -> (Source, String) {
    let kinds = [
        (json!({"type": "string"}), json!("some words of a text")),
        (json!({"type": "integer", "minimum": 0}), json!(365)),
        (json!({"enum": ["low", "medium", "high"]}), json!("medium")),
        (json!({"type": "array", "items": {"type": "number"}}), json!([1.5, 20, 300])),
    ];
    let mut schema = Map::new();
    let mut instance = Map::new();
    for number in 0..properties {
        let (property, value) = &kinds[number % kinds.len()];
        schema.insert(format!("property_{number}"), property.clone());
        instance.insert(format!("property_{number}"), value.clone());
    }
    let schema = json!({"type": "object", "properties": schema, "required": ["property_0"]});
    (Source::Schema(schema), Value::Object(instance).to_string())
}

/// A recursive schema, and an instance of it.
fn tree(depth: usize) -> (Source, String) {
    let schema = json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object",
        "properties": {"value": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
        "required": ["value", "children"]}}});
    let instance = (0..depth).fold(json!({"value": "leaf", "children": []}), |inner, depth| {
        json!({"value": format!("depth {depth}"), "children": [inner, {"value": "sibling", "children": []}]})
    });
    (Source::Schema(schema), instance.to_string())
}
