//! Sets of numbers: large divisors, and what the bound on digits leaves.
#![allow(clippy::unwrap_used, reason = "tests")]

use compilers::json_schema::{Digits, Options};
use grammar_ir::interp::accepts;

mod json_schema_common;

use json_schema_common::{check, check_dead, check_with, grammar};

#[test]
fn the_bound_on_digits_leaves_room_for_different_items() {
    let unique = |min: u32, items: &str| {
        format!(r#"{{"type": "array", "uniqueItems": true, "minItems": {min}, "items": {{"type": {items}}}}}"#)
    };
    for (min, items, first, step) in [
        (200, r#""integer", "multipleOf": 9973, "minimum": 1"#, 9973, 9973),
        (1000, r#""integer", "multipleOf": 7, "minimum": 1000000000000000000000000"#, 0, 0),
        (100, r#""number", "exclusiveMinimum": 0.5, "exclusiveMaximum": 0.50000000000000000001"#, 0, 0),
        (1000, r#""number", "minimum": 0, "exclusiveMaximum": 1e-20"#, 0, 0),
    ] {
        let values: Vec<String> = (0..u64::from(min)).map(|index| (first + index * step).to_string()).collect();
        let all = format!("[{}]", values.join(", "));
        let valid: &[&str] = if step > 0 { &[&all] } else { &[] };
        check(&unique(min, items), valid, &["[]", "[1]"]);
    }
}

#[test]
fn large_divisors_have_all_their_multiples() {
    for (schema, valid, invalid) in [
        (r#""multipleOf": 604800"#, &["0", "604800", "-1209600", "604800000000"][..], &["1", "302400", "60480"][..]),
        (r#""multipleOf": 9973"#, &["9973", "99730", "997300", "99730000000000000000000"], &["9972", "99731"]),
        (r#""multipleOf": 1237"#, &["123700000"], &["1", "123700001"]),
        (r#""multipleOf": 4999, "minimum": 1"#, &["4999", "4999000"], &["0", "4998"]),
        (r#""multipleOf": 2999, "minimum": 0, "maximum": 1000000"#, &["0", "2999", "998667"], &["1001666", "2998"]),
        (r#""multipleOf": 1048576"#, &["1048576", "104857600000"], &["524288", "1"]),
    ] {
        let schema = format!(r#"{{"type": "integer", {schema}}}"#);
        check(&schema, valid, invalid);
        check_with(&Options::exact(), &schema, valid, invalid);
    }
    check_dead(r#"{"type": "integer", "multipleOf": 2999, "minimum": 0, "maximum": 1000000}"#, "999999");
}

#[test]
fn conventional_integers_have_no_fraction() {
    let mut options = Options::default();
    options.numbers = Digits::Conventional;
    for (schema, written, left_out) in [
        (r#"{"type": "integer"}"#, &["0", "-7", "12345678901234567890"][..], &["1.0", "1e3", "-0.0"][..]),
        (r#"{"type": "integer", "minimum": 5, "multipleOf": 5}"#, &["5", "1000"], &["5.0", "5e0"]),
        (r#"{"type": ["integer", "string"], "minimum": 0}"#, &["3", "\"x\""], &["3.00"]),
        (r#"{"type": "number"}"#, &["1", "1.5", "2e-7", "1.0"], &[]),
        (r#"{"const": 1}"#, &["1"], &["1.0", "1.00000000000000000000"]),
        (r#"{"enum": [1.50, 2e3, -0.0]}"#, &["1.50", "1.5", "2e3", "2000", "-0.0", "0"], &["1.500", "2000.0"]),
        (r#"{"type": "integer", "enum": [1.0, 2]}"#, &["1.0", "1", "2"], &["2.0"]),
        (r#"{"items": {"const": [1, {"a": 2}]}}"#, &["[[1, {\"a\": 2}]]"], &["[[1.0, {\"a\": 2}]]"]),
        (r#"{"type": "number", "not": {"type": "integer"}}"#, &["1.5"], &["1", "1.0"]),
    ] {
        let grammar = grammar(schema, &options);
        for (texts, expected) in [(written, true), (left_out, false)] {
            for text in texts {
                assert_eq!(accepts(&grammar, text.as_bytes()), expected, "{schema}: {text}");
            }
        }
    }
}
