//! References into other documents, dynamic references, and meta-schemas with fewer vocabularies.

use compilers::diagnostic::Place;
use compilers::json_schema::{Document, Options, compile, compile_with_documents};
use grammar_ir::Limits;
use grammar_ir::interp::accepts;

fn check(schema: &str, documents: &[Document<'_>], valid: &[&str], invalid: &[&str]) {
    let compiled = compile_with_documents(schema, documents, &Options::default(), &Limits::default());
    let grammar = compiled.unwrap_or_else(|error| panic!("{schema}: {error}")).grammar;
    valid.iter().for_each(|text| assert!(accepts(&grammar, text.as_bytes()), "{schema} rejects {text}"));
    invalid.iter().for_each(|text| assert!(!accepts(&grammar, text.as_bytes()), "{schema} accepts {text}"));
}

#[test]
fn references_lead_to_other_documents_and_on_from_there() {
    let documents = [
        Document {
            uri: "https://x.org/a/list.json",
            source: r##"{"items": {"$ref": "item.json#/$defs/i"}, "$defs": {"self": {"$ref": "#"}}}"##,
        },
        Document {
            uri: "https://x.org/a/item.json",
            source: r#"{"$id": "https://x.org/b/", "$defs": {"i": {"$ref": "other"}, "o": {"$id": "other", "type": "integer"}}}"#,
        },
    ];
    check(
        r#"{"properties": {"l": {"$ref": "https://x.org/a/list.json#/$defs/self"}, "o": {"$ref": "https://x.org/b/other"}}}"#,
        &documents,
        &[r#"{"l": [1, 2], "o": 3}"#],
        &[r#"{"l": ["x"]}"#, r#"{"o": "x"}"#],
    );
}

#[test]
fn drafts_are_those_of_the_documents() {
    let documents = [Document {
        uri: "https://x.org/old",
        source: r#"{"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "null"}], "dependentRequired": {"a": ["b"]}}"#,
    }];
    check(
        r#"{"$ref": "https://x.org/old", "dependentRequired": {"c": ["d"]}}"#,
        &documents,
        &["[null, 1]", r#"{"a": 1}"#, r#"{"c": 1, "d": 1}"#],
        &["[1]", r#"{"c": 1}"#],
    );
}

#[test]
fn faults_in_documents_are_reported_where_they_are() {
    for (document, expected) in [
        (r#"{"$defs": {"x": {"minLength": -1}}}"#, "https://x.org/d#/$defs/x/minLength"),
        (r#"{"$defs": {"x": {"$ref": "nowhere"}}}"#, "https://x.org/d#/$defs/x/$ref"),
        (r#"{"#, "https://x.org/d#"),
        (r#"{"a": 1, "a": 2}"#, "https://x.org/d#/a"),
    ] {
        let documents = [Document { uri: "https://x.org/d", source: document }];
        let schema = r#"{"$ref": "https://x.org/d#/$defs/x"}"#;
        let error = compile_with_documents(schema, &documents, &Options::default(), &Limits::default()).unwrap_err();
        let places: Vec<_> = error.iter().map(|fault| fault.place.clone()).collect();
        assert_eq!(places, [Place::Pointer(expected.to_owned())], "{document}");
    }
}

#[test]
fn dynamic_references_find_the_outermost_anchor() {
    let tree = r##"{
        "$id": "https://x.org/tree",
        "$dynamicAnchor": "node",
        "type": "object",
        "properties": {"data": true, "children": {"type": "array", "items": {"$dynamicRef": "#node"}}}
    }"##;
    let documents = [Document { uri: "https://x.org/tree", source: tree }];
    check(
        r#"{
            "$id": "https://x.org/strict",
            "$dynamicAnchor": "node",
            "$ref": "tree",
            "unevaluatedProperties": false
        }"#,
        &documents,
        &[r#"{"children": [{"data": 1, "children": []}]}"#],
        &[r#"{"children": [{"daat": 1}]}"#, r#"{"daat": 1}"#],
    );
    check(
        r#"{"$ref": "https://x.org/tree", "required": ["data"]}"#,
        &documents,
        &[r#"{"data": 1, "children": [{"daat": 1}]}"#],
        &[r#"{"children": [1]}"#, "{}"],
    );
}

#[test]
fn one_schema_means_different_things_in_different_scopes() {
    let schema = r##"{
        "$id": "https://x.org/main",
        "properties": {"n": {"$ref": "numbers"}, "s": {"$ref": "strings"}},
        "$defs": {
            "list": {
                "$id": "list",
                "items": {"$dynamicRef": "#item"},
                "$defs": {"item": {"$dynamicAnchor": "item"}}
            },
            "numbers": {"$id": "numbers", "$ref": "list", "$defs": {"i": {"$dynamicAnchor": "item", "type": "number"}}},
            "strings": {"$id": "strings", "$ref": "list", "$defs": {"i": {"$dynamicAnchor": "item", "type": "string"}}}
        }
    }"##;
    check(schema, &[], &[r#"{"n": [1], "s": ["x"]}"#], &[r#"{"n": ["x"]}"#, r#"{"s": [1]}"#]);
}

#[test]
fn recursive_references_are_dynamic_only_between_anchors() {
    let schema = |outer: bool, inner: bool| {
        format!(
            r##"{{
                "$schema": "https://json-schema.org/draft/2019-09/schema",
                "$id": "https://x.org/outer",
                "$recursiveAnchor": {outer},
                "anyOf": [{{"type": "integer"}}, {{"$ref": "inner"}}],
                "$defs": {{"inner": {{
                    "$id": "inner",
                    "$recursiveAnchor": {inner},
                    "type": "object",
                    "additionalProperties": {{"$recursiveRef": "#"}}
                }}}}
            }}"##
        )
    };
    check(&schema(true, true), &[], &["1", r#"{"a": {"b": 1}}"#], &[r#"{"a": "x"}"#]);
    check(&schema(false, true), &[], &["1", r#"{"a": {}}"#], &[r#"{"a": 1}"#]);
    check(&schema(true, false), &[], &["1", r#"{"a": {}}"#], &[r#"{"a": 1}"#]);
}

#[test]
fn a_meta_schema_without_a_vocabulary_leaves_its_keywords_out() {
    let applicator = "https://json-schema.org/draft/2020-12/vocab/applicator";
    let meta = |other: &str, required: bool| {
        format!(
            r#"{{"$schema": "https://json-schema.org/draft/2020-12/schema", "$vocabulary": {{"{applicator}": true, "{other}": {required}}}}}"#
        )
    };
    let schema = r#"{"$schema": "https://x.org/meta", "properties": {"a": {"minimum": 10}, "b": false}}"#;
    let source = meta("https://x.org/vocabulary", false);
    let document = Document { uri: "https://x.org/meta", source: &source };
    check(schema, &[document], &[r#"{"a": 1}"#], &[r#"{"b": 1}"#]);
    let source = meta("https://json-schema.org/draft/2020-12/vocab/validation", true);
    let document = Document { uri: "https://x.org/meta", source: &source };
    check(schema, &[document], &[r#"{"a": 10}"#], &[r#"{"a": 1}"#]);
    let source = meta("https://x.org/vocabulary", true);
    let document = Document { uri: "https://x.org/meta", source: &source };
    let error = compile_with_documents(schema, &[document], &Options::default(), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("https://x.org/vocabulary"), "{error}");
    let report = compile(schema, &Options::default(), &Limits::default()).unwrap().report;
    assert!(report.annotations.iter().any(|annotation| annotation.pointer == "/$schema"));
}

/// What only looks like a schema, in data or under a keyword that is not known, takes no name away from one.
#[test]
fn names_are_those_of_schemas() {
    for (schema, valid, invalid) in [
        (
            r##"{"$defs": {"real": {"$anchor": "a", "type": "string"}, "data": {"const": {"$anchor": "a", "type": "null"}}}, "$ref": "#a"}"##,
            "\"x\"",
            "null",
        ),
        (
            r##"{"$defs": {"data": {"unknown": [{"$id": "urn:a", "type": "null"}]}, "real": {"$id": "urn:a", "type": "string"}}, "$ref": "urn:a"}"##,
            "\"x\"",
            "null",
        ),
        // A property may be called as a keyword is.
        (r##"{"properties": {"enum": {"$anchor": "a", "type": "string"}}, "$ref": "#a"}"##, "\"x\"", "null"),
        // Nothing else has the name.
        (r##"{"unknown": {"$anchor": "a", "type": "string"}, "$ref": "#a"}"##, "\"x\"", "null"),
    ] {
        let compiled = compile_with_documents(schema, &[], &Options::default(), &Limits::default()).expect(schema);
        assert!(accepts(&compiled.grammar, valid.as_bytes()), "{schema}");
        assert!(!accepts(&compiled.grammar, invalid.as_bytes()), "{schema}");
    }
}
