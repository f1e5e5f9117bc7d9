//! `unevaluatedProperties` and `unevaluatedItems`, next to everything that evaluates.

use compilers::json_schema::Options;
use grammar_ir::interp::accepts;

mod json_schema_common;
use json_schema_common::{check, check_dead, grammar};

#[test]
fn schemas_that_hold_evaluate_their_properties() {
    check(
        r#"{
            "type": "object",
            "properties": {"a": {"type": "integer"}},
            "allOf": [{"patternProperties": {"^p": {"type": "null"}}}],
            "anyOf": [{"properties": {"b": {"const": 1}}}, {"properties": {"c": {"const": 2}}, "required": ["c"]}],
            "unevaluatedProperties": false
        }"#,
        &["{}", r#"{"a": 1, "b": 1}"#, r#"{"b": 1, "c": 2}"#, r#"{"c": 2}"#, r#"{"a": 0, "p1": null}"#],
        &[r#"{"d": 1}"#, r#"{"c": 1}"#, r#"{"b": 2, "c": 2}"#, r#"{"a": 1, "p1": 1}"#, r#"{"a": 1, "q": null}"#],
    );
    check(
        r#"{
            "oneOf": [{"properties": {"k": {"const": 1}, "x": true}, "required": ["k"]}, {"properties": {"y": true}}],
            "unevaluatedProperties": {"type": "string"}
        }"#,
        &[r#"{"k": "s", "y": 1}"#, r#"{"y": 1, "z": "s"}"#, "{}"],
        &[r#"{"k": 1, "x": 1}"#, r#"{"y": 1, "z": 1}"#, r#"{"x": 1}"#],
    );
}

#[test]
fn conditions_and_dependencies_evaluate_only_where_they_apply() {
    check(
        r#"{
            "type": "object",
            "if": {"properties": {"k": {"const": 1}}, "required": ["k"]},
            "then": {"properties": {"t": true}},
            "else": {"properties": {"k": true, "e": true}},
            "unevaluatedProperties": false
        }"#,
        &["{}", r#"{"k": 1, "t": 0}"#, r#"{"k": 2, "e": 0}"#, r#"{"e": 0}"#],
        &[r#"{"k": 1, "e": 0}"#, r#"{"k": 2, "t": 0}"#, r#"{"t": 0}"#],
    );
    check(
        r#"{
            "properties": {"a": true},
            "dependentSchemas": {"a": {"properties": {"b": true}}},
            "unevaluatedProperties": false
        }"#,
        &["{}", r#"{"a": 1}"#, r#"{"a": 1, "b": 1}"#],
        &[r#"{"b": 1}"#, r#"{"a": 1, "c": 1}"#],
    );
    check(
        r#"{"not": {"not": {"properties": {"a": true}}}, "unevaluatedProperties": false}"#,
        &["{}", "1"],
        &[r#"{"a": 1}"#],
    );
}

#[test]
fn what_is_nested_is_evaluated_by_itself() {
    check(
        r#"{
            "properties": {"a": true},
            "allOf": [{"properties": {"b": true}, "unevaluatedProperties": {"type": "null"}}],
            "unevaluatedProperties": false
        }"#,
        &[r#"{"a": null, "b": 1}"#, r#"{"b": 1, "z": null}"#],
        &[r#"{"a": 1}"#, r#"{"z": 1}"#],
    );
    check(
        r##"{
            "$ref": "#/$defs/tree",
            "unevaluatedProperties": false,
            "$defs": {"tree": {
                "type": "object",
                "properties": {"leaf": true, "child": {"$ref": "#/$defs/tree", "unevaluatedProperties": false}}
            }}
        }"##,
        &[r#"{"child": {"child": {"leaf": 1}}}"#],
        &[r#"{"child": {"child": {"lea": 1}}}"#, r#"{"x": {}}"#],
    );
}

#[test]
fn items_that_are_evaluated() {
    check(
        r#"{
            "type": "array",
            "prefixItems": [{"type": "integer"}],
            "anyOf": [{"prefixItems": [true, {"const": "x"}]}, true],
            "contains": {"const": null},
            "unevaluatedItems": {"type": "boolean"}
        }"#,
        &["[1, \"x\", null]", "[1, null, true]", "[1, true, null, null]"],
        &["[1]", "[1, \"y\", null]", "[1, \"x\", null, 0]", "[true, null]"],
    );
    check(r#"{"items": {}, "unevaluatedItems": false}"#, &["[1, 2]"], &[]);
    check(r#"{"prefixItems": [true], "unevaluatedItems": false}"#, &["[]", "[1]", "{}"], &["[1, 2]"]);
    check(
        r#"{"$schema": "https://json-schema.org/draft/2019-09/schema",
            "items": [true], "contains": {"const": 1}, "unevaluatedItems": {"const": 2}}"#,
        &["[1]", "[1, 2]"],
        &["[2, 2]"],
    );
}

#[test]
fn contains_evaluates_from_2020_12_on() {
    for (draft, expected) in [("2019-09", false), ("2020-12", true)] {
        let schema = format!(
            r#"{{"$schema": "https://json-schema.org/draft/{draft}/schema", "contains": {{"const": 1}}, "unevaluatedItems": false}}"#
        );
        let grammar = grammar(&schema, &Options::default());
        assert_eq!(accepts(&grammar, b"[1, 1]"), expected, "{draft}");
        assert!(!accepts(&grammar, b"[1, 2]"), "{draft}");
    }
}

#[test]
fn complements_look_for_something_unevaluated() {
    check(
        r#"{
            "type": "object",
            "not": {
                "properties": {"a": true},
                "anyOf": [{"properties": {"b": {"type": "null"}}}, {"properties": {"c": true}}],
                "unevaluatedProperties": {"type": "integer"}
            }
        }"#,
        &[r#"{"d": "x"}"#, r#"{"b": "x"}"#, r#"{"a": 1, "d": null}"#],
        &["{}", r#"{"a": "x", "b": null, "c": "x"}"#, r#"{"d": 1}"#, r#"{"b": 1, "c": "x"}"#],
    );
    check(
        r#"{"type": "array", "not": {"prefixItems": [true], "contains": {"const": 1}, "unevaluatedItems": false}}"#,
        &["[]", "[1, 2]", "[2]"],
        &["[1]", "[2, 1]", "[2, 1, 1]"],
    );
}

#[test]
fn listed_values_are_evaluated() {
    check(
        r#"{
            "enum": [{"a": 1}, {"b": 1}, {"a": 1, "c": 1}, [1, 2], [1]],
            "anyOf": [{"properties": {"a": true}}, {"required": ["c"], "properties": {"c": true}}],
            "prefixItems": [true],
            "unevaluatedProperties": false,
            "unevaluatedItems": false
        }"#,
        &[r#"{"a": 1}"#, r#"{"a": 1, "c": 1}"#, "[1]"],
        &[r#"{"b": 1}"#, "[1, 2]"],
    );
    check(
        r#"{"properties": {"v": {"enum": [{"a": 1}, {"b": 1}], "not": {"properties": {"a": true}, "unevaluatedProperties": false}}}}"#,
        &[r#"{"v": {"b": 1}}"#],
        &[r#"{"v": {"a": 1}}"#],
    );
}

#[test]
fn a_key_that_nothing_evaluates_cannot_be_begun() {
    let schema = r#"{
        "type": "object",
        "anyOf": [{"properties": {"ab": {"type": "integer"}}}, {"properties": {"ac": {"type": "string"}}}],
        "unevaluatedProperties": false
    }"#;
    check_dead(schema, r#"{"b"#);
    check_dead(schema, r#"{"ab": 1, "ac": 1"#);
}
