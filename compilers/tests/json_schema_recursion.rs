//! Schemas that contain themselves, at random and where that once went wrong: compiling ends, and the verdicts are right.

use std::time::Duration;

use compilers::json_schema::{KeyOrder, Options, Whitespace, compile};
use grammar_ir::Limits;
use grammar_ir::interp::accepts;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

mod json_schema_common;
use json_schema_common::{check, check_dead};

/// An array of what it is itself, next to values that have a slot each.
#[test]
fn items_that_differ_may_be_the_array_itself() {
    check(
        r##"{"uniqueItems": true, "items": {"$ref": "#"}}"##,
        &["[]", "[null, true, 1, [], [[]], {}]", "[[1, [1]], [1, [2]]]", "\"a\""],
        &["[1, 1]", "[null, null]", "[[], []]", "[[true, true]]", "[[[1, 1.0]]]"],
    );
    check_dead(r##"{"uniqueItems": true, "items": {"$ref": "#"}}"##, "[[null, n");
    check(
        r##"{"type": ["array", "null"], "uniqueItems": true, "items": {"$ref": "#"}}"##,
        &["null", "[null, []]", "[[null], [], [[], null]]"],
        &["[null, null]", "[[], []]", "[[null, null]]", "[1]"],
    );
    check(
        r##"{"uniqueItems": true, "prefixItems": [{"$ref": "#"}]}"##,
        &["[[[1, 2], 3], 4]", "[null, 1]"],
        &["[[1, 1]]", "[null, null]", "[[[1, 1]]]"],
    );
    check(
        r##"{"properties": {"a": {"$ref": "#/$defs/t"}}, "$defs": {"t": {"type": ["array", "null"], "uniqueItems": true,
            "prefixItems": [{"$ref": "#/$defs/t"}, {"type": "integer"}]}}}"##,
        &[r#"{"a": [[null, 1], 1]}"#, r#"{"a": null}"#, r#"{"a": [[null, 1], 1, null]}"#],
        &[r#"{"a": [1]}"#, r#"{"a": [null, 1, null]}"#, r#"{"a": [[null, 1, 1], 1]}"#],
    );
}

fn within(milliseconds: u64) -> Limits {
    Limits { time: Some(Duration::from_millis(milliseconds)), ..Limits::default() }
}

/// Listed values are judged by each schema once, however many ways lead to it.
#[test]
fn listed_values_are_judged_in_time() {
    let doubling = |keyword: &str, count: usize| {
        let definitions: Vec<String> = (0..count)
            .map(|index| {
                let next = format!(r##"{{"$ref": "#/$defs/d{}"}}"##, index + 1);
                format!(r#""d{index}": {{"{keyword}": [{next}, {next}]}}"#)
            })
            .collect();
        format!(r#""$defs": {{{}, "d{count}": {{"minimum": 1}}}}"#, definitions.join(","))
    };
    let all = |source: &str| {
        let compiled = compile(source, &Options::default(), &within(20_000));
        compiled.unwrap_or_else(|error| panic!("{source}: {error}")).grammar
    };
    for keyword in ["allOf", "anyOf"] {
        let grammar =
            all(&format!(r##"{{"enum": [[1], [0]], "items": {{"$ref": "#/$defs/d0"}}, {}}}"##, doubling(keyword, 40)));
        assert!(accepts(&grammar, b"[1]") && !accepts(&grammar, b"[0]"));
        let names = doubling(keyword, 40).replace("\"minimum\": 1", "\"maxLength\": 1");
        let grammar = all(&format!(
            r##"{{"enum": [{{"a": 1}}, {{"ab": 1}}], "propertyNames": {{"$ref": "#/$defs/d0"}}, {names}}}"##
        ));
        assert!(accepts(&grammar, br#"{"a": 1}"#) && !accepts(&grammar, br#"{"ab": 1}"#));
        let evaluated = doubling(keyword, 40).replace("\"minimum\": 1", r#""properties": {"a": true}"#);
        let grammar = all(&format!(
            r##"{{"enum": [{{"a": 1}}, {{"b": 1}}], "unevaluatedProperties": false, "$ref": "#/$defs/d0", {evaluated}}}"##
        ));
        assert!(accepts(&grammar, br#"{"a": 1}"#) && !accepts(&grammar, br#"{"b": 1}"#));
    }
}

/// What depends on itself is said to, and the value is not taken apart again for each way to see that.
#[test]
fn listed_values_that_depend_on_themselves_are_refused() {
    let cycle: Vec<String> = (0..40)
        .map(|index| {
            let next = format!(r##"{{"$ref": "#/$defs/d{}"}}"##, (index + 1) % 40);
            format!(r#""d{index}": {{"allOf": [{next}, {next}]}}"#)
        })
        .collect();
    for definitions in
        [r##""d0": {"allOf": [{"$ref": "#/$defs/d0"}, {"$ref": "#/$defs/d0"}]}"##.to_owned(), cycle.join(",")]
    {
        let source = format!(r##"{{"const": [{{}}], "items": {{"$ref": "#/$defs/d0"}}, "$defs": {{{definitions}}}}}"##);
        let error = compile(&source, &Options::default(), &within(20_000)).expect_err(&source);
        assert!(error.to_string().contains("depends on itself"), "{source}: {error}");
    }
}

/// A time limit ends the judging of listed values, however many there are.
#[test]
fn a_time_limit_holds_while_values_are_judged() {
    let values: Vec<String> = (0..20_000).map(|index| format!(r#"[["v{index}"]]"#)).collect();
    let source = format!(r#"{{"enum": [{}], "items": {{"items": {{"pattern": "^v"}}}}}}"#, values.join(","));
    let error = compile(&source, &Options::default(), &within(1)).expect_err("no time");
    assert!(error.to_string().contains("took longer than"), "{error}");
}

/// A time limit ends looking for what has no value, however many objects there are.
#[test]
fn looking_for_values_stops_in_time() {
    let branch = |index: usize| {
        format!(r#"{{"type": "object", "properties": {{"k{index}": {{"type": "string"}}}}, "required": ["k{index}"]}}"#)
    };
    let branches: Vec<String> = (0..100).map(branch).collect();
    let source = format!(r#"{{"oneOf": [{}]}}"#, branches.join(","));
    let begin = std::time::Instant::now();
    let error = compile(&source, &Options::default(), &within(100)).expect_err("no time");
    assert!(error.to_string().contains("took longer than"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

/// Chains of schemas for one value that are too deep are told from a want of time.
#[test]
fn depth_and_time_are_told_apart() {
    let chain: Vec<String> =
        (0..300).map(|index| format!(r##""d{index}": {{"$ref": "#/$defs/d{}"}}"##, index + 1)).collect();
    let source = format!(r##"{{"$ref": "#/$defs/d0", "$defs": {{{}, "d300": {{}}}}}}"##, chain.join(","));
    let error = compile(&source, &Options::default(), &Limits::default()).expect_err("deep").to_string();
    assert!(error.contains("nested deeper than") && !error.contains("took"), "{error}");
}

/// A schema of one definition: references stand where they are about parts, so that each has a meaning.
fn definition() -> impl Strategy<Value = Value> {
    let part = prop_oneof![
        4 => (0..3usize).prop_map(|index| json!({"$ref": format!("#/$defs/d{index}")})),
        1 => Just(json!({"$ref": "#"})),
        1 => prop::sample::select(vec![
            json!({"type": "integer"}),
            json!({"type": "null"}),
            json!({"type": "boolean"}),
            json!({"enum": [1, "a", []]}),
            json!({"type": ["array", "null"], "maxItems": 1}),
            json!({}),
        ]),
    ]
    .boxed();
    let kinds = prop::sample::subsequence(vec!["null", "boolean", "integer", "string", "array", "object"], 1..4);
    let keyword = prop_oneof![
        3 => Just(("uniqueItems", json!(true))),
        2 => kinds.prop_map(|kinds| ("type", json!(kinds))),
        3 => part.clone().prop_map(|part| ("items", part)),
        2 => prop::collection::vec(part.clone(), 1..3).prop_map(|parts| ("prefixItems", Value::from(parts))),
        1 => part.clone().prop_map(|part| ("contains", part)),
        1 => (0..3u32).prop_map(|count| ("minItems", json!(count))),
        1 => (0..3u32).prop_map(|count| ("maxItems", json!(count))),
        2 => part.clone().prop_map(|part| ("properties", json!({"a": part}))),
        1 => part.clone().prop_map(|part| ("additionalProperties", part)),
        1 => Just(("required", json!(["a"]))),
        1 => part.clone().prop_map(|part| ("not", json!({"items": part}))),
        1 => prop::collection::vec(part, 1..3)
            .prop_map(|parts| ("anyOf", parts.into_iter().map(|part| json!({"items": part})).collect::<Value>())),
    ];
    prop::collection::vec(keyword, 1..5).prop_map(|keywords| {
        Value::Object(keywords.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
    })
}

/// Values that tell such schemas apart.
fn instances() -> Vec<Value> {
    let scalars = [json!(null), json!(true), json!(1), json!("a"), json!([]), json!({})];
    let mut values = scalars.to_vec();
    for first in &scalars {
        values.push(json!([first]));
        values.push(json!([[first]]));
        values.push(json!({"a": first}));
        values.push(json!({"a": [first, first]}));
        values.push(json!([[first, 1], first]));
        values.extend(scalars.iter().map(|second| json!([first, second])));
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn schemas_that_contain_themselves_compile_or_are_refused(
        definitions in prop::collection::vec(definition(), 4),
        order in prop::sample::select(vec![KeyOrder::Declared, KeyOrder::Any]),
        lenient in any::<bool>(),
    ) {
        let mut schema = definitions[3].clone();
        let named = definitions[..3].iter().enumerate().map(|(index, definition)| (format!("d{index}"), definition.clone()));
        schema["$defs"] = Value::Object(named.collect());
        let mut options = Options::default();
        (options.whitespace, options.key_order, options.lenient) = (Whitespace::Compact, order, lenient);
        let Ok(compiled) = compile(&schema.to_string(), &options, &Limits::default()) else { return Ok(()) };
        grammar_ir::verify(&compiled.grammar).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for value in instances() {
            let accepted = accepts(&compiled.grammar, value.to_string().as_bytes());
            let valid = validator.is_valid(&value);
            let is_right = accepted == valid || (accepted && !compiled.report.relaxations.is_empty());
            prop_assert!(is_right, "{schema}: {value} accepted {accepted} valid {valid}");
        }
    }
}
