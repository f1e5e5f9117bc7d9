//! Keywords about how many items or members satisfy something, and complements of those about every one.

use compilers::json_schema::{Options, Whitespace, compile};
use grammar_ir::Limits;
use grammar_ir::interp::accepts;

mod json_schema_common;
use json_schema_common::{check, check_dead, grammar};

#[test]
fn contains_counts_items() {
    check(
        r#"{"type": "array", "contains": {"type": "integer"}}"#,
        &["[1]", "[\"a\", 1]", "[1, \"a\", 2]", "[[], {}, 3, null]"],
        &["[]", "[\"a\"]", "[1.5, null]"],
    );
    check(
        r#"{"type": "array", "contains": {"type": "integer"}, "minContains": 2, "maxContains": 3}"#,
        &["[1, 2]", "[1, \"a\", 2, \"b\", 3]"],
        &["[1]", "[]", "[1, 2, 3, 4]", "[1, 2, 3, \"a\", 4]"],
    );
    check(
        r#"{"type": "array", "contains": {"const": 1}, "minContains": 0, "maxContains": 0}"#,
        &["[]", "[2, 3]"],
        &["[1]", "[2, 1]"],
    );
    check(
        r#"{"type": "array", "contains": {"const": 0}, "items": {"type": "integer"}, "minItems": 2, "maxItems": 3}"#,
        &["[0, 1]", "[1, 0]", "[1, 2, 0]"],
        &["[0]", "[1, 2, 3]", "[1, 2, 3, 0]", "[0, \"a\"]"],
    );
    check(
        r#"{"type": "array", "prefixItems": [{"type": "string"}], "contains": {"minimum": 5, "type": "number"}, "maxItems": 2}"#,
        &["[\"a\", 6]"],
        &["[6]", "[\"a\"]", "[\"a\", 4]", "[\"a\", 1, 6]"],
    );
    check(
        r#"{"type": "array", "allOf": [{"contains": {"multipleOf": 2}}, {"contains": {"multipleOf": 3}}], "items": {"type": "integer"}}"#,
        &["[6]", "[2, 3]", "[3, 5, 2]"],
        &["[2, 4]", "[3]", "[]"],
    );
    check_dead(
        r#"{"type": "array", "contains": {"type": "integer"}, "maxItems": 2, "items": {"type": ["integer", "string"]}}"#,
        "[\"a\", \"",
    );
}

#[test]
fn counts_that_cannot_be_met_have_no_instance() {
    for schema in [
        r#"{"type": "array", "contains": {"type": "integer"}, "items": {"type": "string"}}"#,
        r#"{"type": "array", "contains": true, "minContains": 3, "maxItems": 2}"#,
        r#"{"type": "array", "contains": {"type": "integer"}, "minContains": 2, "maxContains": 1}"#,
        r#"{"type": "object", "properties": {"a": true}, "additionalProperties": false, "not": {"additionalProperties": {"type": "null"}, "properties": {"a": true}}}"#,
        r#"{"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": true, "minItems": 3}"#,
        r#"{"type": "array", "prefixItems": [{"const": 1}, {"const": 1}], "items": false, "uniqueItems": true, "minItems": 2}"#,
        r#"{"type": "array", "items": {"enum": [1, 2, 3]}, "contains": {"const": 2}, "minContains": 2, "uniqueItems": true}"#,
    ] {
        let error = compile(schema, &Options::default(), &Limits::default()).expect_err(schema);
        assert_eq!(error.iter().next().unwrap().code.as_str(), "unsatisfiable", "{schema}: {error}");
    }
}

#[test]
fn complements_of_keywords_about_items() {
    check(
        r#"{"type": "array", "not": {"items": {"type": "integer"}}}"#,
        &["[\"a\"]", "[1, 1.5]", "[1, null, 2]"],
        &["[]", "[1]", "[1, 2]"],
    );
    check(
        r#"{"type": "array", "not": {"prefixItems": [{"const": 1}, {"const": 2}], "items": {"const": 3}}}"#,
        &["[2]", "[1, 3]", "[1, 2, 4]", "[1, 2, 3, 4]", "[0, 2, 3]"],
        &["[]", "[1]", "[1, 2]", "[1, 2, 3, 3]"],
    );
    check(
        r#"{"type": "array", "not": {"prefixItems": [true, true], "items": false}, "maxItems": 3}"#,
        &["[1, 2, 3]"],
        &["[1, 2]", "[]", "[1, 2, 3, 4]"],
    );
    check(
        r#"{"type": "array", "not": {"contains": {"type": "null"}, "minContains": 2}}"#,
        &["[]", "[null]", "[1, null, 2]"],
        &["[null, null]", "[null, 1, null]"],
    );
    check(
        r#"{"type": "array", "not": {"contains": {"type": "null"}, "maxContains": 1}}"#,
        &["[]", "[1]", "[null, 1, null]"],
        &["[null]", "[1, null]"],
    );
    check(
        r#"{"oneOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "array", "items": {"minimum": 3}}]}"#,
        &["[1]", "[\"a\"]", "[3.5]", "[3, \"a\"]"],
        &["[]", "[3]", "[1, \"a\"]", "[1.5]"],
    );
}

#[test]
fn complements_of_keywords_about_members() {
    check(
        r#"{"type": "object", "not": {"properties": {"a": {}}, "additionalProperties": {"type": "null"}}}"#,
        &["{\"b\": 1}", "{\"a\": null, \"b\": null, \"c\": 0}"],
        &["{}", "{\"a\": 1}", "{\"b\": null}", "{\"a\": 1, \"b\": null}"],
    );
    check(
        r#"{"type": "object", "properties": {"b": {"type": "integer"}}, "not": {"properties": {"a": {}}, "additionalProperties": false}}"#,
        &["{\"b\": 1}", "{\"b\": 1, \"a\": 1, \"c\": 2}", "{\"c\": 1}"],
        &["{}", "{\"a\": 1}", "{\"b\": \"s\"}"],
    );
    check(
        r#"{"type": "object", "not": {"patternProperties": {"^x": {"type": "integer"}, "y$": {"type": "string"}}}}"#,
        &["{\"x\": \"s\"}", "{\"y\": 1}", "{\"xy\": 1}", "{\"xy\": null}", "{\"a\": 1, \"xz\": null}"],
        &["{}", "{\"x\": 1}", "{\"y\": \"s\"}", "{\"a\": null}"],
    );
    check(
        r#"{"type": "object", "not": {"patternProperties": {"^x": true}, "additionalProperties": false}}"#,
        &["{\"a\": 1}", "{\"x\": 1, \"a\": 1}"],
        &["{}", "{\"x\": 1}"],
    );
    check(
        r#"{"type": "object", "not": {"propertyNames": {"pattern": "^x"}}, "properties": {"xa": {}, "b": {"type": "null"}}}"#,
        &["{\"b\": null}", "{\"xa\": 1, \"c\": 2}", "{\"xq\": 1, \"q\": 2}"],
        &["{}", "{\"xa\": 1}", "{\"b\": 1}", "{\"xq\": 1}"],
    );
    check(
        r#"{"type": "object", "not": {"additionalProperties": {"type": "null"}}, "maxProperties": 2}"#,
        &["{\"a\": 1}", "{\"a\": null, \"b\": 1}", "{\"a\": 1, \"b\": null}"],
        &["{}", "{\"a\": null}", "{\"a\": null, \"b\": null}", "{\"a\": null, \"b\": null, \"c\": 1}"],
    );
    check(
        r#"{"type": "object", "allOf": [{"not": {"additionalProperties": {"type": "null"}}}, {"not": {"additionalProperties": {"type": "integer"}}}], "required": ["a"], "minProperties": 2}"#,
        &["{\"a\": \"s\", \"b\": null}", "{\"a\": null, \"b\": 1}", "{\"a\": 1, \"b\": null, \"c\": 2}"],
        &["{\"a\": \"s\"}", "{\"a\": null, \"b\": null}", "{\"a\": 1, \"b\": 2}"],
    );
    check_dead(
        r#"{"type": "object", "not": {"additionalProperties": {"type": "null"}}, "maxProperties": 1}"#,
        "{\"a\": n",
    );
}

#[test]
fn complements_of_listed_containers() {
    check(
        r#"{"type": "array", "not": {"enum": [[1, [2]], []]}}"#,
        &["[1]", "[1, 2]", "[1, []]", "[1, [2], 3]", "[[2], 1]", "[1, [2, 2]]"],
        &["[]", "[1, [2]]", "[1.0, [2.0]]"],
    );
    check(
        r#"{"type": "object", "not": {"const": {"a": 1, "b": null}}, "properties": {"a": {}, "b": {}}}"#,
        &["{}", "{\"a\": 1}", "{\"a\": 2, \"b\": null}", "{\"a\": 1, \"b\": null, \"c\": 1}"],
        &["{\"a\": 1, \"b\": null}", "{\"a\": 1.0, \"b\": null}", "[]"],
    );
    check(r#"{"not": {"enum": [{}, 1, "a"]}}"#, &["{\"a\": 1}", "[]", "2", "\"\""], &["{}", "1", "\"a\""]);
}

#[test]
fn lists_that_exclude_lists_are_looked_at_value_by_value() {
    let lists: Vec<String> =
        (0..40).map(|index| format!("[[{index}, {}], [{index}], [0, 1, {index}]]", index + 1)).collect();
    let branches: Vec<String> = lists.iter().map(|list| format!(r#"{{"enum": {list}}}"#)).collect();
    check(
        &format!(r#"{{"type": "array", "oneOf": [{}, {{"enum": [[3], [99]]}}]}}"#, branches.join(",")),
        &["[99]", "[4, 5]", "[0, 1, 7]"],
        &["[3]", "[]", "[4, 6]"],
    );
}

#[test]
fn unique_items_of_few_values() {
    check(
        r#"{"type": "array", "items": {"enum": ["a", "b", 1, 1.0, true]}, "uniqueItems": true}"#,
        &["[]", "[\"a\"]", "[\"b\", \"a\"]", "[1, true, \"a\", \"b\"]"],
        &["[\"a\", \"a\"]", "[\"a\", \"b\", \"\\u0061\"]", "[1, 1.0]", "[true, \"a\", true]", "[\"c\"]"],
    );
    check_dead(r#"{"type": "array", "items": {"type": "boolean"}, "uniqueItems": true}"#, "[true, t");
    check_dead(r#"{"type": "array", "items": {"type": "boolean"}, "uniqueItems": true}"#, "[true, false,");
    check(
        r#"{"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": false, "uniqueItems": true}"#,
        &["[]", "[\"a\", 1]"],
        &["[1, \"a\"]", "[\"a\", 1, 2]"],
    );
    check(
        r#"{"type": "array", "prefixItems": [{"enum": [1, 2]}, {"enum": [2, 3]}], "items": {"const": 1}, "uniqueItems": true}"#,
        &["[1, 2]", "[1, 3]", "[2, 3, 1]", "[2, 3]"],
        &["[2, 2]", "[1, 2, 1]", "[2, 3, 1, 1]"],
    );
    check(
        r#"{"type": "array", "items": {"enum": [1, 2, 3]}, "contains": {"const": 2}, "minItems": 2, "uniqueItems": true}"#,
        &["[1, 2]", "[2, 3]", "[1, 3, 2]"],
        &["[2]", "[1, 3]", "[2, 2]"],
    );
}

#[test]
fn listed_containers_are_spelled_at_their_level() {
    let mut options = Options::default();
    options.whitespace = Whitespace::Indent(2);
    let grammar = grammar(r#"{"type": "array", "items": {"enum": [[1], []]}, "uniqueItems": true}"#, &options);
    assert!(accepts(&grammar, b"[\n  [\n    1\n  ],\n  []\n]"));
    assert!(!accepts(&grammar, b"[\n  [],\n  []\n]"));
}

#[test]
fn branches_that_one_key_tells_apart_stay_few() {
    // Each `if` doubles the alternatives unless those that contradict each other in `kind` are dropped at once.
    let rules: Vec<String> = (0..24)
        .map(|index| {
            format!(
                r#"{{"if": {{"properties": {{"kind": {{"const": "k{index}"}}}}}}, "then": {{"required": ["a{index}"]}}}}"#
            )
        })
        .collect();
    let kinds: Vec<String> = (0..24).map(|index| format!("\"k{index}\"")).collect();
    let schema = format!(
        r#"{{"type": "object", "properties": {{"kind": {{"enum": [{}]}}}}, "required": ["kind"], "allOf": [{}]}}"#,
        kinds.join(","),
        rules.join(",")
    );
    check(
        &schema,
        &["{\"kind\": \"k3\", \"a3\": 1}", "{\"kind\": \"k23\", \"a23\": 1, \"b\": 2}"],
        &["{\"kind\": \"k3\"}", "{\"kind\": \"k3\", \"a4\": 1}", "{\"kind\": \"x\"}", "{}"],
    );
    // Exactly one of nine open objects: not to have a key and to have a wrong value there are one alternative.
    let branches: Vec<String> = (0..9)
        .map(|index| format!(r#"{{"required": ["a{index}"], "properties": {{"a{index}": {{"type": "integer"}}}}}}"#))
        .collect();
    let schema = format!(r#"{{"type": "object", "oneOf": [{}]}}"#, branches.join(","));
    check(
        &schema,
        &["{\"a0\": 1}", "{\"a0\": \"s\", \"a3\": 1}", "{\"a8\": 1, \"z\": 1}"],
        &["{}", "{\"a0\": 1, \"a3\": 1}", "{\"a0\": \"s\"}"],
    );
}

#[test]
fn equal_properties_of_branches_are_told_apart_from_different_ones() {
    // Seven branches with the same four properties and a key that tells them apart, which may be absent: without it
    // every branch holds, and so more than one.
    let branches: Vec<String> = (0..7)
        .map(|index| {
            format!(
                r#"{{"type": "object", "properties": {{"kind": {{"enum": ["k{index}"]}}, "id": {{"type": "string", "maxLength": 4}}, "at": {{"type": "array", "items": {{"type": "integer"}}}}, "on": {{"type": "boolean"}}, "x": {{"type": "integer"}}}}}}"#
            )
        })
        .collect();
    check(
        &format!(r#"{{"oneOf": [{}]}}"#, branches.join(",")),
        &["{\"kind\": \"k0\"}", "{\"kind\": \"k6\", \"id\": \"abcd\", \"at\": [1], \"on\": true}"],
        &[
            "{}",
            "{\"id\": \"a\"}",
            "{\"kind\": \"k7\"}",
            "{\"kind\": \"k1\", \"id\": \"abcde\"}",
            "{\"kind\": \"k1\", \"at\": [0.5]}",
        ],
    );
    check(
        r#"{"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["a"]}, {"required": ["b"]}]}"#,
        &["{\"b\": 1}"],
        &["{\"a\": 1}", "{}", "{\"b\": 1, \"a\": 1}"],
    );
    check(
        r#"{"anyOf": [{"const": {"a": 1, "b": 2}}, {"not": {"const": {"b": 2, "a": 1}}}]}"#,
        &["{\"a\": 1, \"b\": 2}", "1"],
        &[],
    );
}

#[test]
fn siblings_tell_the_branches_of_one_of_apart() {
    // Only the sibling requires the key, and says which values there are.
    let kinds: Vec<String> = (0..12).map(|index| format!("\"k{index}\"")).collect();
    let branch = |index: usize| {
        let properties: Vec<String> =
            (0..6).map(|key| format!(r#""p{key}": {{"maxLength": {}}}"#, index + key)).collect();
        format!(r#"{{"properties": {{"kind": {{"enum": ["k{index}"]}}, {}}}}}"#, properties.join(","))
    };
    let branches: Vec<String> = (0..12).map(branch).collect();
    check(
        &format!(
            r#"{{"type": "object", "properties": {{"kind": {{"enum": [{}]}}}}, "required": ["kind"], "oneOf": [{}]}}"#,
            kinds.join(","),
            branches.join(",")
        ),
        &["{\"kind\": \"k0\", \"p0\": \"\"}", "{\"kind\": \"k11\", \"p0\": \"aaaaaaaaaaa\"}"],
        &["{\"kind\": \"k0\", \"p0\": \"a\"}", "{\"p0\": \"\"}", "{\"kind\": \"k12\"}"],
    );
}

#[test]
fn a_member_that_fails_several_branches_is_one_alternative() {
    // Without a key that tells them apart: eight branches that share most properties.
    let shared: Vec<String> = (0..8).map(|key| format!(r#""s{key}": {{"type": "integer"}}"#)).collect();
    let branch = |index: usize| {
        format!(
            r#"{{"required": ["r{index}"], "properties": {{"r{index}": {{"type": "string"}}, {}}}}}"#,
            shared.join(",")
        )
    };
    let branches: Vec<String> = (0..6).map(branch).collect();
    check(
        &format!(r#"{{"type": "object", "oneOf": [{}]}}"#, branches.join(",")),
        &["{\"r2\": \"a\"}", "{\"r0\": 1, \"r2\": \"a\", \"s1\": 1}"],
        &["{}", "{\"r0\": \"a\", \"r2\": \"a\"}", "{\"r2\": \"a\", \"s1\": \"x\"}"],
    );
}

/// Six closed branches that share keys: each excludes the five others by a member that they have no place for.
#[test]
fn complements_that_imply_each_other_are_one() {
    let branch = |keys: &[&str]| {
        let properties: Vec<String> = keys.iter().map(|key| format!("\"{key}\": {{}}")).collect();
        format!(r#"{{"type": "object", "properties": {{{}}}, "additionalProperties": false}}"#, properties.join(", "))
    };
    let branches = [
        branch(&["id", "grid", "max", "min", "step"]),
        branch(&["id", "grid", "color"]),
        branch(&["id", "grid"]),
        branch(&["id", "grid", "options"]),
        branch(&["id", "help"]),
        branch(&["id", "action", "payload"]),
    ];
    let schema = format!(r#"{{"oneOf": [{}]}}"#, branches.join(", "));
    check(
        &schema,
        &[
            r#"{"id": 1, "grid": 2, "min": 3}"#,
            r#"{"step": 1}"#,
            r#"{"id": 1, "color": 2}"#,
            r#"{"help": 1}"#,
            r#"{"id": 0, "action": 1, "payload": 2}"#,
        ],
        &[
            "{}",
            r#"{"id": 1}"#,
            r#"{"id": 1, "grid": 2}"#,
            r#"{"grid": 1, "help": 2}"#,
            r#"{"color": 1, "options": 2}"#,
            r#"{"action": 1, "max": 2}"#,
        ],
    );
}

#[test]
fn items_that_are_apart_anyway_need_no_tally() {
    let of = |values: &str| format!(r#"{{"type": "array", "maxItems": 25, "items": {{"enum": [{values}]}}}}"#);
    let branches = [of(r#""a", "b""#), of(r#""c", "d""#), of(r#""e""#), of(r#""f", 1"#), of("2, 3"), of("true")];
    let schema = format!(r#"{{"oneOf": [{}]}}"#, branches.join(", "));
    check(
        &schema,
        &[r#"["a", "b", "a"]"#, r#"["e"]"#, "[1]", r#"[1, "f"]"#, "[2, 3.0]", "[true]"],
        &["[]", r#"["a", "c"]"#, "[1, 2]", r#"["x"]"#, "[true, 1]"],
    );
    let after = r#"{"type": "array", "prefixItems": [{}], "items": {"type": "string"}, "not": {"prefixItems": [{}], "items": {"type": "integer"}}}"#;
    check(after, &[r#"[1, "a"]"#, r#"["a", "b", "c"]"#], &["[]", "[1]", r#"["a", 1]"#]);
}

/// Seven branches told apart by one key, under a complement: none of them holds.
#[test]
fn complements_of_branches_are_told_apart_by_a_key() {
    let branch = |index: usize| {
        let optional: Vec<String> = (0..8).map(|key| format!(r#""o{key}": {{"maxLength": {index}}}"#)).collect();
        format!(
            r#"{{"type": "object", "required": ["kind", "r{index}"], "properties": {{"kind": {{"enum": ["k{index}"]}}, {}}}}}"#,
            optional.join(", ")
        )
    };
    let branches: Vec<String> = (0..7).map(branch).collect();
    let none = format!(r#"{{"type": "object", "not": {{"anyOf": [{}]}}}}"#, branches.join(", "));
    check(
        &none,
        &[
            "{}",
            r#"{"kind": "k7"}"#,
            r#"{"kind": "k2"}"#,
            r#"{"kind": "k2", "o5": "abc", "r2": 1}"#,
            r#"{"kind": 3, "r0": 1}"#,
        ],
        &[
            r#"{"kind": "k2", "r2": 1}"#,
            r#"{"kind": "k2", "o5": "ab", "r2": 1}"#,
            r#"{"kind": "k0", "r0": 1, "o0": ""}"#,
        ],
    );
    // The last branch, whose key is optional, overlaps every other one.
    let one = format!(
        r#"{{"oneOf": [{}, {{"type": "object", "properties": {{"kind": {{"enum": ["x"]}}}}}}]}}"#,
        branches.join(", ")
    );
    check(
        &one,
        &["{}", r#"{"kind": "x"}"#, r#"{"kind": "k3", "r3": 0}"#, r#"{"a": 1}"#],
        &[r#"{"kind": "k3"}"#, r#"{"kind": "y"}"#, r#"{"kind": "k3", "o1": "abcd", "r3": 0}"#],
    );
}
