//! By the size of the grammar, and by how deep it nests.

use std::sync::Arc;

use mask_runtime::Tokenizer;
use serde_json::{Map, Value, json};

use super::walk::{Source, Walk, mean};

const ROUNDS: usize = 3;
const PROPERTIES: [usize; 4] = [10, 100, 1_000, 10_000];
const SCHEMA_DEPTHS: [usize; 3] = [1, 10, 30];
const TEXT_DEPTHS: [usize; 4] = [1, 10, 100, 1_000];
const JSON: &str = include_str!("../../../fuzz/grammars/json.gbnf");

/// An object of so many properties; the text has four of them, from all over.
pub(super) fn print_properties(tokenizer: &Arc<Tokenizer>) -> Result<(), String> {
    print_head("properties");
    for count in PROPERTIES {
        let name = |number: usize| format!("property_{number}");
        let properties: Map<String, Value> =
            (0..count).map(|number| (name(number), json!({"type": "string"}))).collect();
        let schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
        let members = [0, count / 3, count / 2, count - 1].map(|number| (name(number), json!("some words")));
        let text = Value::Object(Map::from_iter(members)).to_string();
        print_row(&count.to_string(), &Walk::new(&Source::Schema(schema), &text, tokenizer, ROUNDS)?);
    }
    Ok(())
}

/// Objects in objects by a schema, and arrays in arrays by a grammar that is recursive.
pub(super) fn print_nesting(tokenizer: &Arc<Tokenizer>) -> Result<(), String> {
    print_head("nesting");
    for depth in SCHEMA_DEPTHS {
        let schema = (0..depth).fold(json!({"type": "string"}), |inner, _| {
            json!({"type": "object", "properties": {"next": inner}, "required": ["next"], "additionalProperties": false})
        });
        let text = (0..depth).fold(json!("the end"), |inner, _| json!({"next": inner})).to_string();
        print_row(&format!("{depth}, schema"), &Walk::new(&Source::Schema(schema), &text, tokenizer, ROUNDS)?);
    }
    for depth in TEXT_DEPTHS {
        let text = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        print_row(&format!("{depth}, JSON"), &Walk::new(&Source::Gbnf(JSON), &text, tokenizer, ROUNDS)?);
    }
    Ok(())
}

fn print_head(title: &str) {
    println!(
        "\n{title:<20} {:>7} {:>12} {:>9} {:>9} {:>7} {:>12} {:>12}",
        "tokens", "first mask", "mask new", "max", "again", "grammar, KB", "matcher, KB"
    );
}

fn print_row(name: &str, walk: &Walk) {
    println!(
        "{name:<20} {:>7} {:>12.0} {:>9.2} {:>9.0} {:>7.2} {:>12.0} {:>12.1}",
        walk.new.len(),
        walk.first_mask,
        mean(&walk.new),
        walk.new.iter().copied().fold(0.0, f64::max),
        mean(&walk.again),
        walk.matcher.grammar().memory() as f64 / 1e3,
        walk.matcher.memory() as f64 / 1e3,
    );
}
