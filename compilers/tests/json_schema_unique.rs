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

/// Arrays and objects of which there are few run out as other values do.
#[test]
fn few_containers_are_counted_like_other_values() {
    let unique =
        |items: &str, more: &str| format!(r#"{{"type": "array", "items": {items}, "uniqueItems": true{more}}}"#);
    let empty = r#"{"type": "object", "additionalProperties": false}"#;
    check(&unique(empty, ""), &["[]", "[{}]"], &["[{}, {}]", "[{\"a\": 1}]"]);
    check_dead(&unique(empty, ""), "[{},");
    let flags = r#"{"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"const": 1}}, "additionalProperties": false}"#;
    check(
        &unique(flags, r#", "minItems": 6"#),
        &[r#"[{}, {"a": true}, {"a": false}, {"b": 1}, {"a": true, "b": 1}, {"a": false, "b": 1.0}]"#],
        &[r#"[{}, {"a": true}, {"a": false}, {"b": 1}, {"a": true, "b": 1}]"#, r#"[{"b": 1}, {"b": 1.0}]"#],
    );
    check_dead(
        &unique(flags, ""),
        r#"[{}, {"a": true}, {"a": false}, {"b": 1}, {"a": true, "b": 1}, {"a": false, "b": 1},"#,
    );
    check_dead(&unique(flags, ""), r#"[{"b": 1}, {"a": true, "b": 1}, {"a": false, "b": 1}, {"b"#);
    let pairs = r#"{"type": "array", "items": {"enum": [0, 1]}, "minItems": 1, "maxItems": 2, "uniqueItems": true}"#;
    check(&unique(pairs, ""), &["[[0], [1], [0, 1], [1, 0]]"], &["[[0], [0.0]]", "[[0, 0]]", "[[]]"]);
    check_dead(&unique(pairs, ""), "[[0], [1], [0, 1], [1, 0],");
    check_dead(&unique(pairs, ""), "[[0], [0, 1], [0");
    // The inner arrays run out of items without a bound on them: there are five.
    let booleans = unique(r#"{"type": "boolean"}"#, "");
    check(&unique(&booleans, ""), &["[[], [true], [false], [true, false], [false, true]]"], &["[[], []]"]);
    check_dead(&unique(&booleans, ""), "[[], [true], [false], [true, false], [false, true],");
    // Next to values without end.
    let mixed = r#"{"anyOf": [{"type": "string"}, {"type": "array", "maxItems": 0}, {"type": "null"}]}"#;
    check(&unique(mixed, ""), &[r#"["a", [], null, "b"]"#], &["[[], []]", "[null, null]"]);
    check_dead(&unique(mixed, ""), "[[], [");
    check_dead(&unique(mixed, ""), "[[], null, n");
    for schema in [
        unique(empty, r#", "minItems": 2"#),
        unique(flags, r#", "minItems": 7"#),
        unique(pairs, r#", "minItems": 5"#),
        unique(&unique(pairs, r#", "maxItems": 0"#), r#", "minItems": 2"#),
        r#"{"type": "object", "required": ["a"], "properties": {"a": {"minItems": 2, "uniqueItems": true, "type": "array", "items": {"maxItems": 0, "type": "array"}}}}"#.to_owned(),
    ] {
        let error = compile(&schema, &Options::default(), &Limits::default()).expect_err(&schema);
        assert_eq!(error.iter().next().unwrap().code.as_str(), "unsatisfiable", "{schema}: {error}");
    }
}

/// Too many to have a slot each, but counted: there are 3 to the power of 5 objects.
#[test]
fn more_containers_are_counted() {
    let properties: Vec<String> = (0..5).map(|index| format!(r#""p{index}": {{"type": "boolean"}}"#)).collect();
    let schema = |least: usize| {
        format!(
            r#"{{"type": "array", "uniqueItems": true, "minItems": {least}, "items": {{"type": "object", "properties": {{{}}}, "additionalProperties": false}}}}"#,
            properties.join(",")
        )
    };
    assert!(compile(&schema(243), &Options::default(), &Limits::default()).is_ok());
    let error = compile(&schema(244), &Options::default(), &Limits::default()).expect_err("too many");
    assert_eq!(error.iter().next().unwrap().code.as_str(), "unsatisfiable", "{error}");
}

/// Values that double in size with each level are not written out.
#[test]
fn values_of_huge_size_are_not_listed() {
    let levels: Vec<String> = (0..60)
        .map(|level| {
            let next = format!(r##"{{"$ref": "#/$defs/d{}"}}"##, level + 1);
            format!(
                r#""d{level}": {{"type": "object", "properties": {{"a": {next}, "b": {next}}}, "required": ["a", "b"], "additionalProperties": false}}"#
            )
        })
        .collect();
    let schema = format!(
        r##"{{"$defs": {{{}, "d60": {{"type": "null"}}}}, "type": "array", "uniqueItems": true, "items": {{"$ref": "#/$defs/d0"}}}}"##,
        levels.join(",")
    );
    let error = compile(&schema, &Options::default(), &Limits::default()).expect_err("not known");
    assert!(error.to_string().contains("uniqueItems"), "{error}");
}
