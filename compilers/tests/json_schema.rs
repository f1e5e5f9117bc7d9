//! What each keyword accepts and rejects, judged by the oracle and by an independent validator.

use compilers::diagnostic::{Code, Place};
use compilers::json_schema::{AdditionalProperties, Digits, Formats, KeyOrder, Options, Whitespace, any_json, compile};
use grammar_ir::Limits;
use grammar_ir::interp::{Recognizer, accepts};

mod json_schema_common;
use json_schema_common::{check, check_dead, check_with, grammar};

#[test]
fn types() {
    check(
        "true",
        &["null", "1", "\"a\"", "[1, {\"a\": []}]", "-0.5e+3"],
        &["", "nul", "[1,]", "{a:1}", "01", "\"\n\""],
    );
    check(r#"{"type": "null"}"#, &["null"], &["0", "false", "\"null\""]);
    check(r#"{"type": "boolean"}"#, &["true", "false"], &["null", "1"]);
    check(r#"{"type": ["string", "integer"]}"#, &["\"\"", "1", "1.0", "-0"], &["1.5", "null", "[]"]);
    check(r#"{"type": ["number", "integer"]}"#, &["1.5", "1e400"], &["\"1\""]);
    check(r#"{"type": "array"}"#, &["[]", "[null, 1]"], &["{}"]);
    check(r#"{"type": "object"}"#, &["{}", "{\"a\": 1, \"b\": {}}"], &["[]"]);
}

#[test]
fn enum_and_const_obey_their_siblings() {
    check(r#"{"type": "string", "enum": ["a", 1]}"#, &["\"a\"", "\"\\u0061\""], &["1", "\"b\""]);
    check(
        r#"{"enum": [1, 2.50, null, [1], {"a": 1, "b": []}], "maximum": 2}"#,
        &["1", "1.0", "1.000", "null", "[1]", "[1.0]", "{\"a\": 1, \"b\": []}"],
        &["2.5", "2", "[]", "[1, 1]", "{\"a\": 1}"],
    );
    check(r#"{"const": 0}"#, &["0", "-0", "0.00"], &["false", "1", "00"]);
    check(r#"{"const": 1e2}"#, &["1e2", "100", "100.0"], &["10", "1000"]);
    check(
        r#"{"enum": ["ab", "abc", "", "é😀"], "minLength": 2, "pattern": "^[^c]*$"}"#,
        &["\"ab\"", "\"é😀\"", "\"\\u00e9\\ud83d\\uDE00\""],
        &["\"\"", "\"abc\"", "\"ab", "\"\\u00e9\""],
    );
    check(r#"{"enum": [[1, 2], [3]], "items": {"minimum": 2}, "uniqueItems": true}"#, &["[3]"], &["[1, 2]"]);
}

#[test]
fn listed_values_obey_keywords_that_nothing_else_can_enforce() {
    check(
        r#"{"allOf": [{"enum": [{"x": 2}, {"ab": 2}, {}]}, {"not": {"additionalProperties": false, "patternProperties": {"^a": {}}}}]}"#,
        &["{\"x\": 2}"],
        &["{\"ab\": 2}", "{}"],
    );
    check(
        r#"{"enum": [[1, 1], [1, 2], [2]], "uniqueItems": true, "contains": {"const": 1}}"#,
        &["[1, 2]"],
        &["[1, 1]", "[2]"],
    );
    check(r#"{"enum": [[1, 1], [1, 2]], "not": {"uniqueItems": true}}"#, &["[1, 1]"], &["[1, 2]"]);
}

#[test]
fn string_lengths_count_decoded_code_points() {
    let schema = r#"{"type": "string", "minLength": 1, "maxLength": 2}"#;
    check(
        schema,
        &["\"a\"", "\"\\n\"", "\"\\\"\\\\\"", "\"😀😀\"", "\"\\ud83d\\ude00é\"", "\"\\/\\u0000\""],
        &["\"\"", "\"abc\"", "\"\\ud83d\\ude00ab\"", "\"\t\""],
    );
    check_dead(r#"{"type": "string", "maxLength": 1}"#, "\"\\ud83d\"");
    check_dead(r#"{"type": "string", "maxLength": 1}"#, "\"\\udc00");
    let large = grammar(r#"{"type": "string", "minLength": 9000, "maxLength": 10000}"#, &Options::default());
    assert!(large.exprs().len() < 1_000);
}

#[test]
fn patterns_search_the_decoded_value() {
    check(r#"{"type": "string", "pattern": "b"}"#, &["\"abc\"", "\"\\u0062\""], &["\"ac\"", "\"\""]);
    check(r#"{"type": "string", "pattern": "^[^a]$"}"#, &["\"\\\"\"", "\"\\n\"", "\"😀\""], &["\"\\u0061\"", "\"bb\""]);
    check(
        r#"{"type": "string", "pattern": "^(ab)*$", "minLength": 3, "maxLength": 5}"#,
        &["\"abab\""],
        &["\"ab\"", "\"ababab\"", "\"abb\""],
    );
    check_dead(
        r#"{"anyOf": [{"type": "string", "pattern": "^(ab)*$", "minLength": 3, "maxLength": 3}, {"const": 1}]}"#,
        "\"",
    );
    check(r#"{"allOf": [{"pattern": "a"}, {"pattern": "b"}], "type": "string"}"#, &["\"xbya\""], &["\"a\"", "\"b\""]);
}

#[test]
fn the_end_of_a_pattern_is_counted_without_states() {
    let long = "a".repeat(29_995);
    let schema = r#"{"type": "string", "pattern": "^(x|yy:|zzz$)[a-c]*$", "minLength": 3, "maxLength": 30000}"#;
    check(
        schema,
        &["\"xaa\"", "\"yy:\"", "\"zzz\"", "\"yy:\\u0061\"", &format!("\"x{long}\""), &format!("\"yy:{long}ab\"")],
        &["\"xa\"", "\"x\"", "\"zzza\"", "\"yyaa\"", "\"xad\"", &format!("\"yy:{long}abc\"")],
    );
    assert!(grammar(schema, &Options::default()).exprs().len() < 2_000);
    check(
        r#"{"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": 255}"#,
        &["\"a\"", &format!("\"{}\"", "a".repeat(255))],
        &["\"\"", "\"1\"", "\"a-\"", &format!("\"{}\"", "a".repeat(256))],
    );
    check(
        r#"{"type": "object", "propertyNames": {"pattern": "^[a-z]+$", "minLength": 2, "maxLength": 30}}"#,
        &["{\"ab\": 1}"],
        &["{\"a\": 1}", "{\"a1\": 1}", &format!("{{\"{}\": 1}}", "a".repeat(31))],
    );
    check(
        r#"{"type": "string", "pattern": "^(ab|c)$|^d*$", "minLength": 20}"#,
        &[&format!("\"{}\"", "d".repeat(20))],
        &["\"ab\"", "\"\"", "\"ddd\""],
    );
}

#[test]
fn a_large_pattern_that_stands_alone_keeps_its_counts() {
    let schema = r#"{"type": "string", "pattern": "^$|(^(?:\\S+\\s+){0,199}\\S+$)"}"#;
    let words = |count: usize| format!("\"{}\"", vec!["w\\u00e9"; count].join(" "));
    check(schema, &["\"\"", &words(1), &words(200)], &["\" a\"", "\"a \"", &words(201)]);
    assert!(grammar(schema, &Options::default()).exprs().len() < 1_000);
    check(
        r#"{"type": "string", "not": {"pattern": "^a{0,400}$"}, "maxLength": 500}"#,
        &["\"b\"", &format!("\"{}\"", "a".repeat(401))],
        &["\"\"", &format!("\"{}\"", "a".repeat(400)), &format!("\"{}\"", "a".repeat(501))],
    );
}

#[test]
fn numbers_are_exact_decimals() {
    check(
        r#"{"type": "integer", "minimum": 5, "maximum": 7}"#,
        &["5", "6.0", "7.00"],
        &["4", "8", "50", "6.5", "-6", "06"],
    );
    check_dead(r#"{"type": "integer", "minimum": 5, "maximum": 7}"#, "8");
    check(
        r#"{"type": "integer", "minimum": -12, "exclusiveMaximum": 3}"#,
        &["-12", "-9", "-0", "0", "2"],
        &["-13", "3", "-120", "12"],
    );
    check(
        r#"{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}"#,
        &["0.5", "0.001", "0.999"],
        &["0", "0.0", "1", "1.0", "-0.5"],
    );
    check(r#"{"type": "number", "minimum": 0}"#, &["0", "-0", "1e-5", "2E+10", "-0.0e5"], &["-1e-5", "-1"]);
    check(r#"{"type": "number", "exclusiveMinimum": 0}"#, &["1e-5"], &["0e5", "-0", "-1"]);
    check(
        r#"{"type": "number", "minimum": 0.05, "maximum": 10.25}"#,
        &["0.05", "0.050", "0.1", "9", "10", "10.25", "10.249999"],
        &["0.0499", "10.26", "10.2500001", "11", "100", "0"],
    );
    check(
        r#"{"type": "number", "minimum": -1.5, "maximum": -0.25}"#,
        &["-1.5", "-1", "-0.25", "-0.3"],
        &["-1.51", "-2", "-0.2", "0", "1"],
    );
    // With an exponent, as programs write numbers of any size.
    check(
        r#"{"type": "number", "minimum": 0, "maximum": 1}"#,
        &["1e-7", "1e0", "9.5367431640625e-07", "1E-300"],
        &["1e1", "1.1e0", "-1e-7", "9e-0"],
    );
    let large = r#"{"type": "integer", "maximum": 9007199254740993}"#;
    let grammar = grammar(large, &Options::default());
    assert!(accepts(&grammar, b"9007199254740993"));
    assert!(!accepts(&grammar, b"9007199254740994"));
    check(r#"{"type": "integer", "multipleOf": 7, "minimum": 10}"#, &["14", "21.0", "700"], &["7", "15", "14.7"]);
}

#[test]
fn large_divisors_take_few_states_where_only_the_last_digits_count() {
    check(
        r#"{"type": "integer", "multipleOf": 1000000}"#,
        &["0", "-0", "1000000", "-123000000", "90000000.0"],
        &["1", "100000", "1000001", "1234567"],
    );
    check(
        r#"{"type": "number", "multipleOf": 10240}"#,
        &["10240", "51200", "102400", "1034240"],
        &["1024", "10250", "102401"],
    );
    check(r#"{"type": "integer", "multipleOf": 0.00000001}"#, &["12391239123", "-7"], &["0.5"]);
    check(
        r#"{"type": "number", "allOf": [{"multipleOf": 11}, {"multipleOf": 24}, {"not": {"multipleOf": 5}}], "minimum": 1}"#,
        &["264", "264.00", "1056"],
        &["0", "-264", "1320", "263", "264.5"],
    );
    check(
        r#"{"type": "number", "multipleOf": 0.25, "not": {"multipleOf": 0.5}}"#,
        &["0.25", "-1.750", "10.25"],
        &["0", "0.5", "1", "0.125", "0.250001"],
    );
    check(
        r#"{"type": "number", "not": {"anyOf": [{"multipleOf": 2}, {"multipleOf": 0.3}]}}"#,
        &["1", "0.5", "0.31", "-7.00"],
        &["2", "0.3", "0.60", "-4.0", "0"],
    );
}

#[test]
fn multiples_of_decimals_are_exact() {
    // Binary floats say that 0.3 is no multiple of 0.1, so the validator is no witness here.
    let grammar = grammar(r#"{"type": "number", "multipleOf": 0.1}"#, &Options::default());
    for text in ["0.3", "1.10", "-7", "0"] {
        assert!(accepts(&grammar, text.as_bytes()), "{text}");
    }
    for text in ["0.35", "1.01"] {
        assert!(!accepts(&grammar, text.as_bytes()), "{text}");
    }
}

#[test]
fn arrays() {
    check(
        r#"{"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3}"#,
        &["[1]", "[1, 2,3]", "[ 1 , 2 ]"],
        &["[]", "[1, 2, 3, 4]", "[\"a\"]", "[1,]"],
    );
    check(
        r#"{"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": false}"#,
        &["[]", "[1]", "[1, \"a\"]"],
        &["[\"a\"]", "[1, \"a\", 2]"],
    );
    check(
        r#"{"type": "array", "prefixItems": [{"const": 1}, {"const": 2}, {"const": 3}], "items": {"const": 4}, "minItems": 2, "maxItems": 5}"#,
        &["[1, 2]", "[1, 2, 3]", "[1, 2, 3, 4]", "[1, 2, 3, 4, 4]"],
        &["[]", "[1]", "[1, 2, 4]", "[1, 2, 3, 4, 4, 4]"],
    );
    check(r#"{"type": "array", "prefixItems": [true, false], "items": true}"#, &["[]", "[1]"], &["[1, 2]"]);
    check(r#"{"type": "array", "maxItems": 0}"#, &["[]", "[ ]"], &["[1]"]);
    let large = grammar(r#"{"type": "array", "maxItems": 100000}"#, &Options::default());
    assert!(large.exprs().len() < 1_000);
    check(
        r#"{"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "null"}], "additionalItems": {"type": "boolean"}}"#,
        &["[null]", "[null, true]", "1"],
        &["[true]", "[null, null]"],
    );
}

#[test]
fn objects() {
    let schema = r#"{"type": "object", "properties": {"a": {"type": "integer"}, "b": {}, "c": {"type": "null"}}, "required": ["b"]}"#;
    check(
        schema,
        &[
            "{\"b\": 1}",
            "{\"a\": 1, \"b\": 1, \"c\": null}",
            "{\"b\":0, \"aa\": 1, \"d\": []}",
            "{\"\\u0061\": 1, \"b\": 2}",
        ],
        &["{}", "{\"a\": 1}", "{\"a\": \"x\", \"b\": 1}", "{\"b\": 1, \"\\u0061\": \"x\"}", "{\"b\": 1, \"c\": 1}"],
    );
    check_dead(schema, "{\"b\": 1, \"\\u0061\"");
    check(
        r#"{"type": "object", "properties": {"a": {}}, "additionalProperties": false}"#,
        &["{}", "{\"a\": 1}"],
        &["{\"b\": 1}", "{\"\": 1}"],
    );
    check(
        r#"{"type": "object", "properties": {"": {"type": "integer"}, "ab": false}, "additionalProperties": {"type": "string"}}"#,
        &["{\"\": 1, \"a\": \"x\", \"abc\": \"\"}"],
        &["{\"\": \"a\"}", "{\"ab\": \"a\"}", "{\"a\": 1}"],
    );
    check(
        r#"{"type": "object", "required": ["a", "b"], "additionalProperties": {"type": "integer"}}"#,
        &["{\"a\": 1, \"b\": 2, \"c\": 3}"],
        &["{\"a\": 1}", "{\"a\": 1, \"b\": \"\"}"],
    );
}

#[test]
fn object_counts_and_key_classes() {
    check(
        r#"{"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "additionalProperties": false, "minProperties": 2}"#,
        &["{\"a\": 1, \"c\": 1}", "{\"a\": 1, \"b\": 1, \"c\": 1}"],
        &["{}", "{\"b\": 1}"],
    );
    check_dead(
        r#"{"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": false, "minProperties": 2}"#,
        "{\"b\"",
    );
    check(
        r#"{"type": "object", "required": ["a", "b"], "maxProperties": 2}"#,
        &["{\"a\": 1, \"b\": 2}"],
        &["{\"a\": 1}", "{\"a\": 1, \"b\": 2, \"c\": 3}"],
    );
    check(
        r#"{"type": "object", "properties": {"a": {}}, "minProperties": 1, "maxProperties": 3}"#,
        &["{\"a\": 1}", "{\"x\": 1}", "{\"x\": 1, \"y\": 2, \"z\": 3}", "{\"a\": 1, \"y\": 2, \"z\": 3}"],
        &["{}", "{\"a\": 1, \"x\": 1, \"y\": 2, \"z\": 3}"],
    );
    check(
        r#"{"type": "object", "patternProperties": {"^a": {"type": "integer"}, "b$": {"minimum": 10}}, "properties": {"ab": {"maximum": 20}}}"#,
        &["{\"ab\": 15}", "{\"b\": \"s\"}", "{\"x\": null}", "{\"axb\": 12}"],
        &["{\"ab\": 5}", "{\"axb\": 5}", "{\"a\": \"s\"}", "{\"b\": 1}", "{\"ab\": 21}"],
    );
    check(
        r#"{"type": "object", "patternProperties": {"a": {"type": "integer"}}, "additionalProperties": false}"#,
        &["{}", "{\"cab\": 1}"],
        &["{\"b\": 1}", "{\"a\": \"\"}"],
    );
    check(
        r#"{"type": "object", "propertyNames": {"enum": ["a", "b"]}, "minProperties": 2}"#,
        &["{\"a\": 1, \"b\": 1}"],
        &["{\"a\": 1}", "{\"a\": 1, \"c\": 1}"],
    );
    check(
        r#"{"type": "object", "propertyNames": {"pattern": "^x", "maxLength": 2}}"#,
        &["{}", "{\"x\": 1, \"xy\": 2}"],
        &["{\"y\": 1}", "{\"xyz\": 1}"],
    );
}

#[test]
fn combinations_apply_to_their_siblings() {
    check(
        r#"{"type": "integer", "anyOf": [{"minimum": 10}, {"maximum": -10}, {"type": "string"}]}"#,
        &["10", "-10"],
        &["0", "\"a\""],
    );
    check(
        r#"{"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}"#,
        &["{\"a\": 1}", "{\"b\": 1}", "{\"a\": 1, \"b\": 1}"],
        &["{}", "{\"c\": 1}", "{\"a\": \"\", \"b\": 1}"],
    );
    check(
        r#"{"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"minimum": 3}, "b": {"type": "null"}}, "required": ["b"]}]}"#,
        &["{\"a\": 3, \"b\": null}", "{\"b\": null}"],
        &["{\"a\": 2, \"b\": null}", "{\"a\": 3}", "{\"a\": \"\", \"b\": null}"],
    );
    check(
        r#"{"oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 5}]}"#,
        &["3", "5", "-9"],
        &["15", "0", "7"],
    );
    check(
        r#"{"oneOf": [{"properties": {"k": {"const": "a"}, "x": {"type": "integer"}}, "required": ["k", "x"]}, {"properties": {"k": {"const": "b"}}, "required": ["k"]}], "type": "object"}"#,
        &["{\"k\": \"a\", \"x\": 1}", "{\"k\": \"b\", \"x\": \"\"}"],
        &["{\"k\": \"a\"}", "{\"k\": \"c\"}", "{}"],
    );
    check(r#"{"not": {"type": ["string", "object"]}}"#, &["1", "[]"], &["\"\"", "{}"]);
    check(
        r#"{"type": "string", "not": {"enum": ["a", "b"]}}"#,
        &["\"c\"", "\"\"", "\"ab\""],
        &["\"a\"", "\"\\u0062\""],
    );
    check(
        r#"{"type": "object", "not": {"required": ["a"]}}"#,
        &["{}", "{\"aa\": 1}"],
        &["{\"a\": 1}", "{\"b\": 1, \"\\u0061\": 1}"],
    );
    check(r#"{"type": "integer", "not": {"minimum": 3, "maximum": 5}}"#, &["2", "6"], &["3", "4", "5"]);
    check(
        r#"{"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "null"}}"#,
        &["\"ab\"", "null"],
        &["\"a\"", "1"],
    );
    check(
        r#"{"type": "object", "properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}}"#,
        &["{}", "{\"b\": 1}", "{\"a\": 1, \"b\": 1}"],
        &["{\"a\": 1}"],
    );
    check(
        r#"{"type": "object", "properties": {"a": {}, "b": {}}, "dependentSchemas": {"a": {"properties": {"b": {"type": "null"}}}}}"#,
        &["{\"b\": 1}", "{\"a\": 1, \"b\": null}", "{\"a\": 1}"],
        &["{\"a\": 1, \"b\": 1}"],
    );
}

#[test]
fn references() {
    check(
        r##"{"type": "object", "properties": {"v": {"type": "integer"}, "n": {"$ref": "#"}}, "required": ["v"], "additionalProperties": false}"##,
        &["{\"v\": 1}", "{\"v\": 1, \"n\": {\"v\": 2, \"n\": {\"v\": 3}}}"],
        &["{\"n\": {\"v\": 1}}", "{\"v\": 1, \"n\": {}}", "{\"v\": 1, \"n\": 1}"],
    );
    check(
        r##"{"$ref": "#/$defs/a~1b%25", "minimum": 5, "$defs": {"a/b%": {"type": "integer"}}}"##,
        &["5"],
        &["4", "5.5", "\"\""],
    );
    check(
        r##"{"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a", "minimum": 5, "definitions": {"a": {"type": "integer"}}}"##,
        &["4"],
        &["4.5"],
    );
    check(
        r##"{"$defs": {"n": {"type": "object", "properties": {"c": {"$ref": "#/$defs/n"}}, "required": ["c"]}}, "anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]}"##,
        &["null"],
        &["{\"c\": null}", "{}"],
    );
    check(
        r##"{"$ref": "#tree", "$defs": {"t": {"$anchor": "tree", "type": "array", "items": {"$ref": "#tree"}}}}"##,
        &["[]", "[[], [[]]]"],
        &["[1]"],
    );
}

#[test]
fn drafts_differ() {
    check(
        r#"{"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer", "minimum": 3, "exclusiveMinimum": true}"#,
        &["4"],
        &["3"],
    );
    check(
        r#"{"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer", "maximum": 5}"#,
        &["4", "-12", "0"],
        &["4.0", "1e0", "6", "0.5"],
    );
    check(
        r#"{"$schema": "http://json-schema.org/draft-04/schema#", "not": {"type": "integer"}, "type": "number"}"#,
        &["4.0", "0.5"],
        &["4", "-1"],
    );
    check(
        r#"{"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer", "enum": [1, 2.5, 3]}"#,
        &["1", "3"],
        &["1.0", "2.5", "2"],
    );
    check(r#"{"$schema": "http://json-schema.org/draft-04/schema#", "const": 1}"#, &["1", "2", "\"\""], &[]);
    check(
        r#"{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "dependencies": {"a": ["b"], "c": {"required": ["d"]}}}"#,
        &["{}", "{\"a\": 1, \"b\": 1}", "{\"c\": 1, \"d\": 1}"],
        &["{\"a\": 1}", "{\"c\": 1}"],
    );
}

#[test]
fn whitespace_is_what_the_option_says() {
    let schema = r#"{"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}, "additionalProperties": false}"#;
    let texts = [
        r#"{"a":[1,2]}"#,
        r#"{"a": [1, 2]}"#,
        "{\n  \"a\": [\n    1,\n    2\n  ]\n}",
        "{ \"a\" :\n\t[ 1 , 2\n ] }",
        " { \"a\"\r\n:  [1,2]} ",
    ];
    for (whitespace, expected) in [
        (Whitespace::Any, [true, true, true, true, true]),
        (Whitespace::Bounded, [true, true, true, true, false]),
        (Whitespace::Conventional, [true, true, true, false, false]),
        (Whitespace::Compact, [true, false, false, false, false]),
        (Whitespace::Python, [false, true, false, false, false]),
        (Whitespace::Indent(2), [false, false, true, false, false]),
    ] {
        let mut options = Options::default();
        options.whitespace = whitespace;
        let grammar = grammar(schema, &options);
        for (text, expected) in texts.iter().zip(expected) {
            assert_eq!(accepts(&grammar, text.as_bytes()), expected, "{whitespace:?} {text:?}");
        }
    }
    let mut options = Options::default();
    options.whitespace = Whitespace::Indent(1);
    let deep = any_json(&options, &Limits::default()).unwrap();
    assert!(accepts(&deep, b"[\n {\n  \"a\": []\n },\n {}\n]"));
    assert!(!accepts(&deep, b"[\n {\n \"a\": []\n }\n]"));
}

/// What the schema names is written in one way; what else a string or a key may be, in all.
#[test]
fn names_are_written_in_one_way_if_asked() {
    let schema = r#"{"type": "object", "properties": {"kind": {"enum": ["a/b", "\n", {"k": "v"}]}, "text": {"type": "string"}},
                     "required": ["kind"], "additionalProperties": {"enum": ["\"", 7]}}"#;
    let generation = grammar(schema, &Options::generation());
    let default = grammar(schema, &Options::default());
    for (text, is_minimal) in [
        (r#"{"kind": "a/b"}"#, true),
        (r#"{"kind": "a\/b"}"#, false),
        (r#"{"\u006bind": "a/b"}"#, false),
        (r#"{"kind": "\n"}"#, true),
        (r#"{"kind": "\u000a"}"#, false),
        (r#"{"kind": {"k": "v"}}"#, true),
        (r#"{"kind": {"\u006b": "v"}}"#, false),
        (r#"{"kind": {"k": "\u0076"}}"#, false),
        (r#"{"kind": "\n", "text": "\u0074\/"}"#, true),
        (r#"{"kind": "\n", "\u0078": "\""}"#, true),
        (r#"{"kind": "\n", "x": "\u0022"}"#, false),
    ] {
        assert!(accepts(&default, text.as_bytes()), "{text}");
        assert_eq!(accepts(&generation, text.as_bytes()), is_minimal, "{text}");
    }
    // A declared key is no other key, however it is spelled.
    for grammar in [&default, &generation] {
        assert!(!accepts(grammar, br#"{"kind": "\n", "\u0074ext": 7}"#));
    }
    let report = compile(schema, &Options::generation(), &Limits::default()).unwrap().report;
    assert!(report.narrowings.iter().any(|narrowing| narrowing.starts_with("escapes: ")), "{:?}", report.narrowings);
}

#[test]
fn digits_are_bounded_unless_asked() {
    let bounded = grammar(r#"{"type": "number"}"#, &Options::default());
    let exact = grammar(r#"{"type": "number"}"#, &Options::exact());
    for (text, is_short) in [
        ("1".repeat(20), true),
        ("1".repeat(21), false),
        (format!("0.{}", "1".repeat(20)), true),
        (format!("0.{}", "1".repeat(21)), false),
        ("1e999".to_owned(), true),
        ("1e1000".to_owned(), false),
    ] {
        assert_eq!(accepts(&bounded, text.as_bytes()), is_short, "{text}");
        assert!(accepts(&exact, text.as_bytes()), "{text}");
    }
    // A bound never empties what the schema allows, and never rejects a literal.
    let far = grammar(r#"{"type": "integer", "exclusiveMinimum": 99999999999999999999999999}"#, &Options::default());
    assert!(accepts(&far, b"100000000000000000000000000"));
    let literal = grammar(r#"{"const": 123456789012345678901234567890.5}"#, &Options::default());
    assert!(accepts(&literal, b"123456789012345678901234567890.5"));
    let narrow = r#"{"type": "number", "exclusiveMinimum": 0.1, "exclusiveMaximum": 0.1000000000000000000000001}"#;
    assert!(accepts(&grammar(narrow, &Options::default()), b"0.10000000000000000000000005"));
}

#[test]
fn exponents_are_exact_unless_digits_are_bounded() {
    let exact = Options::exact();
    let range = r#"{"type": "integer", "minimum": 5, "maximum": 7}"#;
    check_with(
        &exact,
        range,
        &["60e-1", "0.6e1", "5e0", "7.0", "0.00007e+5"],
        &["80e-1", "6e1", "6.5e0", "55e-1", "0e5"],
    );
    let grammar = grammar(range, &exact);
    for (prefix, lives) in [
        ("8", false),
        ("1", false),
        ("60", true),
        ("61", false),
        ("6.5", false),
        ("0.0", true),
        ("60e", true),
        ("60e1", false),
    ] {
        assert_eq!(Recognizer::new(&grammar).push_bytes(prefix.as_bytes()), lives, "{prefix}");
    }
    check_with(&exact, r#"{"type": "integer"}"#, &["1e40", "-120e-1", "0e-7"], &["1e-1", "1.25e1"]);
    check_with(&exact, r#"{"const": 0}"#, &["0e5", "-0.00E-3", "0"], &["1e-5", "false"]);
    check_with(&exact, r#"{"enum": [1, -250]}"#, &["1e0", "0.1e+1", "-2.5e2", "-2500E-1"], &["10e0", "2.5e2", "-25"]);
    let unique = r#"{"items": {"type": "integer", "minimum": 1, "maximum": 3}, "uniqueItems": true, "minItems": 3}"#;
    check_with(&exact, unique, &["[1, 20e-1, 0.3e1]"], &["[1, 2, 10e-1]", "[1, 2, 3, 3e0]"]);
}

#[test]
fn options_that_change_what_is_valid() {
    let mut options = Options::default();
    options.additional_properties = AdditionalProperties::Closed;
    let closed = grammar(r#"{"type": "object", "properties": {"a": {"type": "object"}}}"#, &options);
    assert!(accepts(&closed, b"{\"a\": {\"x\": 1}}"));
    assert!(!accepts(&closed, b"{\"b\": 1}"));
    let mut options = Options::default();
    options.formats = Formats::Annotation;
    assert!(accepts(&grammar(r#"{"type": "string", "format": "uri-template"}"#, &options), b"\"{\""));
    assert_eq!(Options::exact().numbers, Digits::Unbounded);
}

#[test]
fn literals_and_keys_keep_their_order() {
    let grammar = grammar(r#"{"const": {"b": 1, "a": [{"x": "y"}]}}"#, &Options::default());
    assert!(accepts(&grammar, b"{\"b\": 1, \"a\": [{\"x\": \"y\"}]}"));
    assert!(!accepts(&grammar, b"{\"a\": [{\"x\": \"y\"}], \"b\": 1}"));
    assert!(accepts(&grammar, b"{\"\\u0062\":1.0,\"a\":[{\"x\":\"\\u0079\"}]}"));
}

#[test]
fn many_optional_keys_take_linear_size() {
    let size = |count: usize| {
        let keys: Vec<String> = (0..count).map(|index| format!("\"key{index}\": {{}}")).collect();
        let schema = format!("{{\"type\": \"object\", \"properties\": {{{}}}}}", keys.join(","));
        grammar(&schema, &Options::default()).exprs().len()
    };
    let (small, large) = (size(200), size(2_000));
    assert!(large < 12 * small, "{small} {large}");
}

#[test]
fn the_report_names_what_constrains_nothing() {
    let schema = r#"{"type": "string", "format": "no-such", "properties": {"a": {"x-y": 1}}, "title": "t"}"#;
    let report = compile(schema, &Options::default(), &Limits::default()).unwrap().report;
    let pointers: Vec<&str> = report.annotations.iter().map(|annotation| annotation.pointer.as_str()).collect();
    assert_eq!(pointers, ["/format", "/properties/a/x-y"]);
    assert!(report.narrowings.is_empty(), "{report:?}");
    let report = |schema: &str| compile(schema, &Options::default(), &Limits::default()).unwrap().report;
    let open = report(r#"{"type": "object", "properties": {"a": {"type": "integer"}}}"#);
    for start in ["key order", "whitespace", "exponents", "digits"] {
        assert!(open.narrowings.iter().any(|narrowing| narrowing.starts_with(start)), "{start}: {open:?}");
    }
    let closed = report(r#"{"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": false}"#);
    for start in ["key order", "exponents"] {
        assert!(!closed.narrowings.iter().any(|narrowing| narrowing.starts_with(start)), "{start}: {closed:?}");
    }
}

#[test]
fn unsatisfiable_schemas_are_errors() {
    for (schema, place) in [
        ("false", ""),
        (r#"{"type": "string", "enum": [1]}"#, "/enum"),
        (r#"{"type": "integer", "minimum": 0.2, "maximum": 0.8}"#, "/maximum"),
        (r##"{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}"##, "/properties/a/$ref"),
        (r#"{"type": "array", "items": false, "minItems": 1}"#, "/items"),
        (r#"{"type": "object", "required": ["a", "b"], "maxProperties": 1}"#, "/maxProperties"),
        (r#"{"type": "object", "propertyNames": {"maxLength": 1}, "required": ["ab"]}"#, "/required"),
        (
            r#"{"allOf": [{"properties": {"a": {}}, "additionalProperties": false}, {"required": ["b"]}], "type": "object"}"#,
            "/allOf",
        ),
        (r#"{"type": "string", "minLength": 2, "maxLength": 1}"#, "/maxLength"),
    ] {
        let error = compile(schema, &Options::default(), &Limits::default()).expect_err(schema);
        let first = error.iter().next().unwrap();
        assert_eq!(first.code.as_str(), "unsatisfiable", "{schema}: {error}");
        assert_eq!(first.place, Place::Pointer(place.to_owned()), "{schema}: {error}");
    }
}

/// Mistakes of the author are not called unsupported, and are reported where they stand.
#[test]
fn mistakes_are_reported_where_they_stand() {
    for (schema, code, pointer) in [
        (r##"{"properties": {"x": {"$ref": "#/$defs/missing"}}}"##, Code::Undefined, "/properties/x/$ref"),
        (r##"{"$ref": "#anchor"}"##, Code::Undefined, "/$ref"),
        (r##"{"$ref": "#/%zz"}"##, Code::Invalid, "/$ref"),
        (r##"{"$ref": "other.json"}"##, Code::Unsupported, "/$ref"),
        (r#"{"pattern": "("}"#, Code::Invalid, "/pattern"),
        (r#"{"patternProperties": {"^a": {}, "(": {}}}"#, Code::Invalid, "/patternProperties/("),
        (r#"{"pattern": "(a)\\1"}"#, Code::Unsupported, "/pattern"),
    ] {
        let diagnostics = compile(schema, &Options::default(), &Limits::default()).err();
        let found: Vec<_> =
            diagnostics.iter().flat_map(|list| list.iter()).map(|one| (one.code, one.place.clone())).collect();
        assert_eq!(found, [(code, Place::Pointer(pointer.to_owned()))], "{schema}");
    }
}

#[test]
fn meta_schemas_are_known() {
    let mut options = Options::default();
    options.key_order = KeyOrder::Any;
    options.formats = Formats::Annotation;
    for (meta_schema, invalid) in [
        ("http://json-schema.org/draft-04/schema#", r#"{"minimum": "1"}"#),
        ("http://json-schema.org/draft-06/schema#", r#"{"exclusiveMinimum": true}"#),
        ("http://json-schema.org/draft-07/schema", r#"{"if": 1}"#),
        ("https://json-schema.org/draft/2019-09/schema", r#"{"$recursiveAnchor": 1}"#),
        ("https://json-schema.org/draft/2020-12/schema", r#"{"$defs": {"a": {"prefixItems": []}}}"#),
    ] {
        let grammar = grammar(&format!(r#"{{"$ref": "{meta_schema}"}}"#), &options);
        assert!(
            accepts(&grammar, br#"{"type": ["null", "array"], "maxItems": 3, "properties": {"a": {}}}"#),
            "{meta_schema}"
        );
        assert!(!accepts(&grammar, invalid.as_bytes()), "{meta_schema}: {invalid}");
        assert!(!accepts(&grammar, b"[]"), "{meta_schema}");
    }
    let part =
        grammar(r##"{"$ref": "http://json-schema.org/draft-04/schema#/properties/title"}"##, &Options::default());
    assert!(accepts(&part, b"\"a\"") && !accepts(&part, b"1"));
}
