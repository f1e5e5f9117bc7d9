//! By the length of the output: a step must not become dearer as a generation goes on.

use std::sync::Arc;

use mask_runtime::Tokenizer;
use serde_json::{Map, Value, json};

use super::walk::{Source, Walk, mean};

const ROUNDS: usize = 2;
const ITEMS: usize = 10_000;
/// Parts of the output whose means are compared.
const PARTS: usize = 10;

pub(super) fn print(tokenizer: &Arc<Tokenizer>) -> Result<(), String> {
    print!("\n{:<36} {:>7}", "output: mask + accept by tenths", "tokens");
    (1..=PARTS).for_each(|part| print!("{part:>8}"));
    println!("{:>12} {:>12}", "10th / 2nd", "matcher, KB");
    for (name, schema, text) in cases() {
        let walk = Walk::new(&Source::Schema(schema), &text, tokenizer, ROUNDS)?;
        let means: Vec<f64> = walk.again.chunks(walk.again.len().div_ceil(PARTS)).map(mean).collect();
        print!("{name:<36} {:>7}", walk.again.len());
        means.iter().for_each(|mean| print!("{mean:>8.2}"));
        let growth = means.last().unwrap_or(&f64::NAN) / means.get(1).unwrap_or(&f64::NAN);
        println!("{growth:>12.2} {:>12.1}", walk.matcher.memory() as f64 / 1e3);
    }
    Ok(())
}

fn cases() -> Vec<(&'static str, Value, String)> {
    let words: Vec<String> =
        (0..ITEMS).map(|number| ["some", "more", "words", "of", "it"][number % 5].to_owned()).collect();
    let numbers: Vec<usize> = (0..ITEMS).map(|number| number % 1_000).collect();
    let members = |value: &dyn Fn(usize) -> Value| {
        Value::Object(Map::from_iter((0..ITEMS).map(|number| (format!("key_{number}"), value(number))))).to_string()
    };
    let records: Vec<Value> =
        (0..ITEMS / 10).map(|number| json!({"name": "someone", "age": number, "tags": ["a", "b"]})).collect();
    let record = json!({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["name", "age"]});
    vec![
        ("a string of 10,000 words", json!({"type": "string"}), json!(words.join(" ")).to_string()),
        (
            "the same, maxLength: 1000000",
            json!({"type": "string", "maxLength": 1_000_000}),
            json!(words.join(" ")).to_string(),
        ),
        ("10,000 integers", json!({"type": "array", "items": {"type": "integer"}}), json!(numbers).to_string()),
        (
            "the same, maxItems: 100000",
            json!({"type": "array", "items": {"type": "integer"}, "maxItems": 100_000}),
            json!(numbers).to_string(),
        ),
        ("1,000 objects", json!({"type": "array", "items": record}), json!(records).to_string()),
        (
            "10,000 members",
            json!({"type": "object", "additionalProperties": {"type": "integer"}}),
            members(&|number| json!(number)),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use mask_runtime::embedded_tiny;

    use super::super::walk::Source;
    use super::*;

    #[test]
    fn every_text_is_of_its_schema() {
        let tokenizer = Tokenizer::new(embedded_tiny());
        for (name, schema, text) in cases() {
            let mut matcher = Source::Schema(schema).matcher(&tokenizer).unwrap();
            matcher.accept_bytes(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(matcher.is_complete(), "{name}");
        }
    }
}
