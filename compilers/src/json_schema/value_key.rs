//! What JSON values are told apart by.

use std::fmt::Write;

use serde_json::Value;

use super::decimal::Decimal;

/// A text that equal values share, as [`is_equal`](super::evaluate::is_equal) has it: numbers by value, objects without
/// order. Nesting is bounded by the parser.
pub(super) fn value_key(value: &Value) -> String {
    let mut key = String::new();
    write_key(value, &mut key);
    key
}

fn write_key(value: &Value, key: &mut String) {
    match value {
        Value::Number(number) => match Decimal::from_json(number) {
            Some(decimal) => decimal.write_key(key),
            None => key.push_str(&number.to_string()),
        },
        Value::Array(items) => {
            key.push('[');
            for item in items {
                write_key(item, key);
                key.push(',');
            }
            key.push(']');
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            key.push('{');
            for name in names {
                write_text(name, key);
                write_key(&members[name], key);
                key.push(',');
            }
            key.push('}');
        }
        Value::String(text) => write_text(text, key),
        Value::Null | Value::Bool(_) => key.push_str(&value.to_string()),
    }
}

/// With its length, a text needs no escapes.
fn write_text(text: &str, key: &mut String) {
    // Writing to a string does not fail.
    let _ = write!(key, "{}:", text.len());
    key.push_str(text);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::evaluate::is_equal;
    use super::*;

    #[test]
    fn keys_are_equal_where_values_are() {
        let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let values = [
            json!(null),
            json!(true),
            json!("true"),
            json!(""),
            json!("0:"),
            number("0"),
            number("-0.0"),
            number("1"),
            number("10e-1"),
            number("1.0"),
            number("-1"),
            number("10"),
            number("1e99999999999999999999"),
            number("1e99999999999999999998"),
            json!([]),
            json!([[]]),
            json!([1, 2]),
            json!([12]),
            json!(["1", 2]),
            json!({}),
            json!({"a": 1, "b": [2]}),
            json!({"b": [number("2.0")], "a": number("1e0")}),
            json!({"a": 1, "b": 2}),
            json!({"a1:b": 1}),
        ];
        for left in &values {
            for right in &values {
                assert_eq!(value_key(left) == value_key(right), is_equal(left, right), "{left} and {right}");
            }
        }
    }
}
