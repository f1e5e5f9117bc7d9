//! `uniqueItems`: items of few values, of endlessly many, and both.

use compilers::json_schema::{KeyOrder, Options, compile};
use grammar_ir::Limits;
use grammar_ir::interp::accepts;

mod json_schema_common;
use json_schema_common::{check, check_dead, check_with, grammar};

#[test]
fn items_of_any_kind_differ_by_value() {
    let mut any_order = Options::default();
    any_order.key_order = KeyOrder::Any;
    check_with(
        &any_order,
        r#"{"type": "array", "uniqueItems": true}"#,
        &["[]", "[1, true, \"1\"]", "[0, false]", "[[], {}, [[]], null]", "[[1, 1], [1, 2]]", "[1, 10, 11]"],
        &[
            "[1, 1.0]",
            "[0, -0]",
            "[1, \"a\", 1]",
            "[\"a\", \"\\u0061\"]",
            "[{\"a\": 1, \"b\": 2}, {\"b\": 2, \"a\": 1}]",
            "[null, null]",
            "[[1, [2]], [1, [2]]]",
        ],
    );
    check(
        r#"{"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": true, "minItems": 2, "maxItems": 3}"#,
        &["[\"a\", \"b\"]", "[\"a\", \"aa\", \"b\"]"],
        &["[\"a\"]", "[\"a\", \"a\"]", "[\"a\", \"b\", \"c\", \"d\"]", "[\"a\", \"\"]"],
    );
}

#[test]
fn many_listed_values_are_told_apart() {
    let values: Vec<String> = (0..24).map(|index| format!("\"v{index}\"")).collect();
    let schema = |more: &str| {
        format!(r#"{{"type": "array", "items": {{"enum": [{}]}}, "uniqueItems": true{more}}}"#, values.join(","))
    };
    check(
        &schema(""),
        &["[]", "[\"v23\", \"v0\", \"v12\", \"v1\"]", &format!("[{}]", values.join(", "))],
        &["[\"v1\", \"v12\", \"v\\u0031\"]", "[\"v24\"]"],
    );
    check_dead(&schema(""), "[\"v7\", \"v7\"");
    check_dead(&schema(""), &format!("[{},", values.join(", ")));
    check(
        &schema(r#", "contains": {"enum": ["v3", "v5"]}, "minContains": 2, "maxItems": 3"#),
        &["[\"v3\", \"v5\"]", "[\"v5\", \"v0\", \"v3\"]"],
        &["[\"v3\"]", "[\"v3\", \"v1\", \"v2\"]", "[\"v5\", \"v5\"]"],
    );
    check_dead(
        &schema(r#", "contains": {"enum": ["v3", "v5"]}, "minContains": 2, "maxItems": 3"#),
        "[\"v3\", \"v1\", \"v1",
    );
}

#[test]
fn few_values_are_counted_however_they_are_spelled() {
    let schema = r#"{"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 3}, "uniqueItems": true}"#;
    check(schema, &["[3, 1, 2]", "[2.0]"], &["[1, 2, 1.0]", "[4]", "[1, 2, 3, 1]"]);
    check_dead(schema, "[1, 1");
    check_dead(schema, "[1, 3, 2,");
    let halves = r#"{"type": "array", "items": {"type": "number", "multipleOf": 0.5, "minimum": 0, "maximum": 1}, "uniqueItems": true}"#;
    check(halves, &["[0.5, 1, 0.0]"], &["[0.5, 0.50]", "[1, 0.5, 0, 1.0]"]);
    check_dead(halves, "[0, 0.5, 1,");
    check(
        r#"{"type": "array", "items": {"type": "string", "pattern": "^[ab]$"}, "uniqueItems": true, "minItems": 2}"#,
        &["[\"a\", \"b\"]", "[\"b\", \"\\u0061\"]"],
        &["[\"a\", \"a\"]", "[\"a\"]"],
    );
    for schema in [
        r#"{"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 3}, "uniqueItems": true, "minItems": 4}"#,
        r#"{"type": "array", "items": {"type": "boolean"}, "uniqueItems": true, "minItems": 3}"#,
        r#"{"type": "array", "items": {"type": "string", "maxLength": 0}, "uniqueItems": true, "minItems": 2}"#,
    ] {
        let error = compile(schema, &Options::default(), &Limits::default()).expect_err(schema);
        assert_eq!(error.iter().next().unwrap().code.as_str(), "unsatisfiable", "{schema}: {error}");
    }
}

#[test]
fn listed_values_and_others_stand_side_by_side() {
    let schema =
        r#"{"type": "array", "items": {"anyOf": [{"enum": [1, "a", null]}, {"type": "string"}]}, "uniqueItems": true}"#;
    check(
        schema,
        &["[1, \"a\", null, \"b\"]", "[\"ab\", \"a\"]"],
        &["[\"a\", \"a\"]", "[null, null]", "[1, 1.0]", "[\"b\", \"b\"]", "[2]"],
    );
    check_dead(schema, "[null, n");
}

#[test]
fn items_of_a_prefix_differ_from_each_other_and_from_the_rest() {
    check(
        r#"{"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": {"type": ["integer", "string"]}, "uniqueItems": true, "minItems": 1, "maxItems": 4}"#,
        &["[1]", "[1, \"a\"]", "[1, \"a\", 2, \"b\"]"],
        &["[]", "[\"a\"]", "[1, 2]", "[1, \"a\", 1]", "[1, \"a\", \"a\"]", "[1, \"a\", 2, 3, 4]"],
    );
    // The second item can take the only value of the first.
    let schema = r#"{"type": "array", "prefixItems": [{"enum": ["p", "q"]}, {"enum": ["p"]}], "items": false, "uniqueItems": true, "minItems": 2}"#;
    check(schema, &["[\"q\", \"p\"]"], &["[\"p\", \"p\"]", "[\"q\"]"]);
    check_dead(schema, "[\"p");
    let schema = r#"{"type": "array", "prefixItems": [{"enum": ["p", "q", "r"]}, {"enum": ["p", "q"]}], "items": {"enum": ["p", "r"]}, "uniqueItems": true}"#;
    check(
        schema,
        &["[\"p\", \"q\", \"r\"]", "[\"p\"]", "[\"r\", \"q\", \"p\"]"],
        &["[\"q\", \"p\", \"p\"]", "[\"p\", \"p\"]"],
    );
    check_dead(schema, "[\"r\", \"p\",");
}

#[test]
fn counted_items_of_many_positions_are_kept_in_registers() {
    let schema = r#"{"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 5}, "minContains": 2, "maxContains": 3, "minItems": 3, "maxItems": 4000}"#;
    check(schema, &["[5, 6, 1]", "[1, 1, 7, 7, 7]"], &["[5, 6]", "[1, 2, 3, 5]", "[5, 5, 5, 5]", "[5, 6, \"a\"]"]);
    assert!(grammar(schema, &Options::default()).rules().len() < 50);
    assert!(!accepts(&grammar(schema, &Options::default()), b"[]"));
}

#[test]
fn arrays_among_the_items_count_as_different_values() {
    let schema = |types: &str, min: u32| {
        format!(r#"{{"type": "array", "uniqueItems": true, "minItems": {min}, "items": {{"type": {types}}}}}"#)
    };
    check(&schema(r#"["null", "array"]"#, 2), &["[null, []]", "[[], [1]]"], &["[null]", "[null, null]", "[[], []]"]);
    check(&schema(r#"["boolean", "array"]"#, 4), &["[true, false, [], [[]]]"], &["[true, false, []]"]);
    check(
        &format!(r#"{{"type": "object", "properties": {{"x": {}}}}}"#, schema(r#"["null", "array"]"#, 2)),
        &[r#"{"x": [null, []]}"#, "{}"],
        &[r#"{"x": [null]}"#],
    );
}
