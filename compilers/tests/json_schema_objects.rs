//! Objects in both orders of keys: what must be there, what must not come twice, and how many members there are.

use compilers::json_schema::{KeyOrder, Options, Whitespace, compile};
use grammar_ir::Limits;
use grammar_ir::interp::{Recognizer, accepts};

mod json_schema_common;
use json_schema_common::{check, check_dead, check_with, grammar};

fn any_order() -> Options {
    let mut options = Options::default();
    options.key_order = KeyOrder::Any;
    options
}

/// Checks that no word starts with `prefix`, in any order of keys.
fn check_dead_in_any_order(schema: &str, prefix: &str) {
    let grammar = grammar(schema, &any_order());
    assert!(!Recognizer::new(&grammar).push_bytes(prefix.as_bytes()), "{schema}: {prefix} is viable");
}

#[test]
fn declared_keys_come_in_their_order_unless_any_is_asked_for() {
    let schema =
        r#"{"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "null"}}, "required": ["a"]}"#;
    let in_order = ["{\"a\": null}", "{\"b\": 1, \"a\": null}", "{\"b\": 1, \"a\": null, \"c\": 1, \"ab\": {}}"];
    let out_of_order = ["{\"a\": null, \"b\": 1}", "{\"c\": 1, \"a\": null}", "{\"a\": null, \"c\": 1, \"b\": 1}"];
    let invalid = ["{}", "{\"b\": 1}", "{\"a\": 1}", "{\"c\": 1, \"b\": null, \"a\": null}"];
    check(schema, &in_order, &invalid);
    let declared = grammar(schema, &Options::default());
    assert!(out_of_order.iter().all(|text| !accepts(&declared, text.as_bytes())));
    check_with(&any_order(), schema, &[in_order, out_of_order].concat(), &invalid);
}

#[test]
fn no_key_comes_twice() {
    // A JSON parser keeps one of the members, so that the validator is no witness here.
    for options in [Options::default(), any_order()] {
        let open = grammar(r#"{"type": "object", "properties": {"a": {}}}"#, &options);
        assert!(accepts(&open, b"{\"a\": 1, \"b\": 1, \"c\": 1, \"B\": {\"b\": 1}}"));
        for text in [
            "{\"a\": 1, \"a\": 1}",
            "{\"b\": 1, \"b\": 2}",
            "{\"b\": 1, \"c\": 1, \"\\u0062\": 2}",
            "{\"x\": {\"b\": 1, \"b\": 1}}",
            "{\"\": 1, \"\": 1}",
        ] {
            assert!(!accepts(&open, text.as_bytes()), "{options:?}: {text}");
        }
    }
}

#[test]
fn required_keys_keep_room_among_the_members() {
    let schema = r#"{"type": "object", "required": ["a", "b"], "maxProperties": 3}"#;
    check_with(
        &any_order(),
        schema,
        &["{\"b\": 1, \"a\": 2}", "{\"x\": 1, \"b\": 1, \"a\": 2}", "{\"b\": 1, \"x\": 1, \"a\": 2}"],
        &["{\"x\": 1, \"a\": 1}", "{\"x\": 1, \"y\": 1, \"a\": 1, \"b\": 1}", "{}"],
    );
    check_dead(schema, "{\"b");
    check_dead_in_any_order(schema, "{\"x\": 1, \"y");
    check_dead_in_any_order(schema, "{\"x\": 1}");
}

#[test]
fn undeclared_keys_are_counted() {
    for options in [Options::default(), any_order()] {
        check_with(
            &options,
            r#"{"type": "object", "properties": {"a": {}}, "minProperties": 3}"#,
            &["{\"a\": 1, \"b\": 1, \"c\": 1}", "{\"x\": 1, \"y\": 1, \"z\": 1, \"zz\": 1}"],
            &["{\"a\": 1, \"b\": 1}", "{}"],
        );
        // The key is one of three: no way to have four.
        let few = r#"{"type": "object", "patternProperties": {"^[abc]$": {}}, "additionalProperties": false, "minProperties": N}"#;
        check_with(
            &options,
            &few.replace('N', "3"),
            &["{\"b\": 1, \"a\": 1, \"c\": 1}"],
            &["{\"a\": 1, \"b\": 1}", "{\"a\": 1, \"b\": 1, \"d\": 1}"],
        );
        let error = compile(&few.replace('N', "4"), &options, &Limits::default()).expect_err(few);
        assert_eq!(error.iter().next().unwrap().code.as_str(), "unsatisfiable");
    }
    check_dead_in_any_order(
        r#"{"type": "object", "propertyNames": {"enum": ["a", "b"]}, "minProperties": 2}"#,
        "{\"b\": 1, \"a\": 1,",
    );
    check_dead_in_any_order(r#"{"type": "object", "propertyNames": {"pattern": "^(a|bc)$"}}"#, "{\"bc\": 1, \"b");
}

#[test]
fn members_that_must_be_found_are_found_in_any_order() {
    check_with(
        &any_order(),
        r#"{"type": "object", "properties": {"b": {"type": "integer"}}, "not": {"properties": {"a": {}}, "additionalProperties": false}}"#,
        &["{\"b\": 1}", "{\"c\": 2, \"b\": 1, \"a\": 1}", "{\"a\": 1, \"c\": 1}"],
        &["{}", "{\"a\": 1}", "{\"b\": \"s\"}"],
    );
    let schema = r#"{"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": false, "maxProperties": 1, "not": {"additionalProperties": {"type": "null"}}}"#;
    check_with(&any_order(), schema, &["{\"b\": 1}", "{\"a\": 1}"], &["{\"a\": null}", "{\"b\": 1, \"a\": 1}"]);
    check_dead_in_any_order(schema, "{\"b\": n");
    check_with(
        &any_order(),
        r#"{"type": "object", "dependentSchemas": {"t": {"maxProperties": 2}}, "dependentRequired": {"a": ["b"]}, "properties": {"b": {"type": "null"}}}"#,
        &[
            "{\"x\": 1, \"y\": 1, \"z\": 1}",
            "{\"b\": null, \"t\": 1}",
            "{\"b\": null, \"a\": 1}",
            "{\"a\": 1, \"b\": null}",
        ],
        &["{\"x\": 1, \"y\": 1, \"t\": 1}", "{\"a\": 1}", "{\"a\": 1, \"b\": 1}"],
    );
}

#[test]
fn listed_objects_follow_the_order_of_keys() {
    let schema = r#"{"enum": [{"a": 1, "b": [{"c": 2, "d": 3}]}, {}]}"#;
    let turned = "{\"b\": [{\"d\": 3, \"c\": 2.0}], \"a\": 1}";
    check(schema, &["{\"a\": 1, \"b\": [{\"c\": 2, \"d\": 3}]}", "{}"], &["{\"a\": 1}"]);
    assert!(!accepts(&grammar(schema, &Options::default()), turned.as_bytes()));
    check_with(
        &any_order(),
        schema,
        &[turned, "{\"a\": 1, \"b\": [{\"c\": 2, \"d\": 3}]}", "{}"],
        &["{\"a\": 1}", "{\"b\": [{\"c\": 2, \"d\": 3}]}", "{\"b\": [{\"d\": 3}], \"a\": 1}"],
    );
}

#[test]
fn spaces_stay_where_the_style_puts_them() {
    let schema = r#"{"type": "object", "properties": {"a": {"type": "object"}, "b": {}}, "required": ["b"]}"#;
    for (style, text) in [
        (Whitespace::Compact, "{\"b\":1,\"a\":{}}"),
        (Whitespace::Python, "{\"b\": 1, \"a\": {}}"),
        (Whitespace::Indent(1), "{\n \"b\": 1,\n \"a\": {}\n}"),
        (Whitespace::Bounded, "{\"b\":1 , \"a\": { }\n}"),
        (Whitespace::Any, "\t{ \"b\" :1,\r\n\"a\":{}} "),
    ] {
        let mut options = any_order();
        options.whitespace = style;
        assert!(accepts(&grammar(schema, &options), text.as_bytes()), "{style:?}");
    }
}

#[test]
fn large_objects_take_a_rule_of_the_scope_for_each_key() {
    let keys: Vec<String> = (0..300).map(|key| format!("\"k{key}\": {{\"type\": \"null\"}}")).collect();
    let schema = format!(
        r#"{{"type": "object", "properties": {{{}}}, "additionalProperties": false, "minProperties": 150, "maxProperties": 160}}"#,
        keys.join(",")
    );
    for options in [Options::default(), any_order()] {
        let grammar = grammar(&schema, &options);
        assert!(grammar.rules().len() < 400, "{}", grammar.rules().len());
    }
}
