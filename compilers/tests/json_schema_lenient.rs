//! `Options::lenient`: every valid instance is accepted, and the report says what is not enforced.

use compilers::json_schema::{Options, compile};
use grammar_ir::Limits;
use grammar_ir::interp::accepts;
use proptest::prelude::*;
use serde_json::{Value, json};

fn lenient() -> Options {
    let mut options = Options::default();
    options.lenient = true;
    options
}

/// Checks what is accepted, and the pointers of what is left out.
fn check(schema: &Value, accepted: &[Value], rejected: &[Value], left_out: &[&str]) {
    let source = schema.to_string();
    assert!(compile(&source, &Options::default(), &Limits::default()).is_err(), "{schema} is not refused");
    let compiled = compile(&source, &lenient(), &Limits::default()).unwrap_or_else(|error| panic!("{schema}: {error}"));
    grammar_ir::verify(&compiled.grammar).unwrap();
    for value in accepted {
        assert!(accepts(&compiled.grammar, value.to_string().as_bytes()), "{schema} rejects {value}");
    }
    for value in rejected {
        assert!(!accepts(&compiled.grammar, value.to_string().as_bytes()), "{schema} accepts {value}");
    }
    let pointers: Vec<&str> = compiled.report.relaxations.iter().map(|left_out| left_out.pointer.as_str()).collect();
    assert_eq!(pointers, left_out, "{schema}");
    for relaxation in &compiled.report.relaxations {
        assert!(relaxation.pointer.ends_with(&format!("/{}", relaxation.keyword)), "{relaxation:?}");
        assert!(!relaxation.reason.is_empty(), "{relaxation:?}");
    }
}

#[test]
fn only_what_cannot_be_enforced_is_left_out() {
    check(
        &json!({"type": "array", "prefixItems": [{}, {"const": 1}], "minItems": 2, "maxItems": 2, "uniqueItems": true}),
        &[json!([2, 1]), json!([1, 1])],
        &[json!([1]), json!([1, 2]), json!([1, 1, 3])],
        &["/uniqueItems"],
    );
    check(
        &json!({"type": "integer", "multipleOf": 1234567, "minimum": 10}),
        &[json!(1234567), json!(11)],
        &[json!(9), json!(10.5), json!("a")],
        &["/multipleOf"],
    );
    check(
        &json!({"type": "object", "properties": {"a": {"$ref": "other.json"}, "b": {"type": "null"}}}),
        &[json!({"a": 1, "b": null})],
        &[json!({"b": 1})],
        &["/properties/a/$ref"],
    );
    check(
        &json!({"enum": ["aa", "ab", 1], "type": "string", "pattern": "(a)\\1"}),
        &[json!("aa")],
        &[json!(1), json!("b")],
        &["/pattern"],
    );
}

/// Dropping a keyword widens the schema that it stands in, and narrows what stands around a `not`.
#[test]
fn under_a_complement_nothing_is_narrowed() {
    check(
        &json!({"not": {"type": "array", "uniqueItems": true}, "type": ["array", "string"]}),
        &[json!("a"), json!([1, 1])],
        &[json!(1)],
        &["/not/uniqueItems"],
    );
    check(
        &json!({"type": "string", "maxLength": 4, "not": {"pattern": "(a)\\1", "minLength": 2}}),
        &[json!("a"), json!("ab")],
        &[json!("abcde")],
        &["/not/pattern"],
    );
    check(
        &json!({"type": "string", "maxLength": 3, "oneOf": [{"pattern": "(a)\\1"}, {"minLength": 2}]}),
        &[json!("aab"), json!("ab")],
        &[json!("abcd")],
        &["/oneOf/0/pattern"],
    );
    check(&json!({"not": {"$ref": "other.json"}}), &[json!(1)], &[], &["/not/$ref"]);
}

/// Limits are met by single keywords, so that these say nothing and the others hold.
#[test]
fn a_keyword_that_meets_a_limit_is_left_out() {
    let pairs = |keyword: &str| {
        let pairs = (0..11).map(|index| (format!("a{index}"), json!([format!("b{index}")])));
        json!({"type": "object", "maxProperties": 2, keyword: Value::Object(pairs.collect())})
    };
    check(
        &pairs("dependentRequired"),
        &[json!({}), json!({"a0": 1, "b0": 1}), json!({"a10": 1, "b10": 2})],
        &[json!(1), json!({"x": 1, "y": 2, "z": 3})],
        &["/dependentRequired"],
    );
    let product = |keyword: &str| {
        let branch = |index: usize| {
            let branches =
                (0..40).map(|other| json!({"required": [format!("a{index}_{other}"), format!("b{index}_{other}")]}));
            json!({keyword: branches.collect::<Vec<_>>()})
        };
        json!({"type": "object", "maxProperties": 4, "allOf": [branch(0), branch(1)]})
    };
    check(
        &product("anyOf"),
        &[json!({"a0_0": 1, "b0_0": 1, "a1_0": 1, "b1_0": 1})],
        &[json!({}), json!([])],
        &["/allOf"],
    );
    check(
        &json!({"not": product("anyOf"), "type": "object", "required": ["x"]}),
        &[json!({"x": 1})],
        &[json!({}), json!(1)],
        &["/not/allOf/0/anyOf", "/not/allOf/1/anyOf"],
    );
    let chain: serde_json::Map<String, Value> =
        (0..300).map(|index| (format!("d{index}"), json!({"$ref": format!("#/$defs/d{}", index + 1)}))).collect();
    let mut deep =
        json!({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": chain, "required": ["a"], "type": "object"});
    deep["$defs"]["d300"] = json!({"type": "integer"});
    check(&deep, &[json!({"a": 1}), json!({"a": "x"})], &[json!({}), json!(2)], &["/$defs/d200/$ref"]);
    check(
        &json!({"type": "number", "minimum": serde_json::from_str::<Value>("-1e3000").unwrap(), "maximum": 5}),
        &[json!(1)],
        &[json!(6)],
        &["/minimum"],
    );
    check(
        &json!({"type": "string", "not": {"minLength": 99_999_999_999_u64, "pattern": "^a"}}),
        &[json!("b"), json!("a")],
        &[json!(1)],
        &["/not/minLength"],
    );
}

/// What is left out may have evaluated anything.
#[test]
fn what_is_left_out_may_have_evaluated_anything() {
    let branches = |index: usize| {
        let branches = (0..40).map(|other| {
            let key = format!("k{index}_{other}");
            json!({"required": [key], "properties": {key.as_str(): {"type": "integer"}}})
        });
        json!({"anyOf": branches.collect::<Vec<_>>()})
    };
    let schema = json!({"type": "object", "allOf": [branches(0), branches(1)], "unevaluatedProperties": false});
    let compiled = compile(&schema.to_string(), &lenient(), &Limits::default()).unwrap();
    assert!(!compiled.report.relaxations.is_empty());
    let valid = br#"{"k0_3": 1, "k1_7": 2}"#;
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&serde_json::from_slice(valid).unwrap()));
    assert!(accepts(&compiled.grammar, valid));
    assert!(!accepts(&compiled.grammar, b"1"));
    let negated = json!({"type": "object", "not": schema});
    let compiled = compile(&negated.to_string(), &lenient(), &Limits::default()).unwrap();
    assert!(accepts(&compiled.grammar, br#"{"k0_3": 1, "k1_7": 2, "x": 3}"#));
}

/// A key that may or may not match a pattern may or may not be additional.
#[test]
fn keys_that_cannot_be_told_apart_are_allowed() {
    check(
        &json!({
            "patternProperties": {"^(a|b)\\1$": {"type": "integer"}},
            "properties": {"c": {"type": "null"}},
            "additionalProperties": false,
            "type": "object",
        }),
        &[json!({"c": null, "aa": 1}), json!({})],
        &[json!({"c": 1})],
        &["/patternProperties"],
    );
    check(
        &json!({"type": "object", "not": {"patternProperties": {"^(a|b)\\1$": {"type": "integer"}}}}),
        &[json!({"aa": "x"}), json!({})],
        &[json!(1)],
        &["/not/patternProperties"],
    );
}

#[test]
fn what_is_wrong_stays_an_error() {
    for schema in [r#"{"type": "foo"}"#, r#"{"$schema": "http://json-schema.org/draft-03/schema#"}"#, "{"] {
        assert!(compile(schema, &lenient(), &Limits::default()).is_err(), "{schema}");
    }
}

#[test]
fn what_can_be_enforced_is_the_same() {
    for schema in [r#"{"type": "object", "properties": {"a": {"minimum": 3}}}"#, r#"{"not": {"enum": [1, "a"]}}"#] {
        let exact = compile(schema, &Options::default(), &Limits::default()).unwrap();
        let compiled = compile(schema, &lenient(), &Limits::default()).unwrap();
        assert_eq!(exact.grammar, compiled.grammar);
        assert_eq!(exact.report, compiled.report);
    }
}

/// Schemas around keywords that are refused.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop::sample::select(vec![
        json!({"uniqueItems": true}),
        json!({"multipleOf": 1234567}),
        json!({"pattern": "^(a|b)\\1"}),
        json!({"patternProperties": {"^(a|b)\\1": {"type": "string"}}, "additionalProperties": {"type": "integer"}}),
        json!({"patternProperties": {"^(a|b)\\1": false}}),
        json!({"propertyNames": {"pattern": "^(a|b)\\1"}}),
        json!({"enum": ["aa", "ab", [1, 1], 1]}),
        json!({"type": ["array", "string"], "minItems": 1}),
        json!({"minLength": 2}),
        json!({"required": ["a"]}),
    ]);
    leaf.prop_recursive(3, 12, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|schema| json!({"not": schema})),
            two.clone().prop_map(|(left, right)| json!({"allOf": [left, right]})),
            two.clone().prop_map(|(left, right)| json!({"anyOf": [left, right]})),
            two.clone().prop_map(|(left, right)| json!({"oneOf": [left, right]})),
            (two.clone(), inner.clone())
                .prop_map(|((condition, then), other)| json!({"if": condition, "then": then, "else": other})),
            inner.clone().prop_map(|schema| json!({"items": schema})),
            inner.clone().prop_map(|schema| json!({"contains": schema, "maxContains": 1})),
            inner.clone().prop_map(|schema| json!({"properties": {"a": schema}})),
            inner.clone().prop_map(|schema| json!({"patternProperties": {"^a": schema}})),
            two.prop_map(|(left, right)| json!({"properties": {"a": left}, "additionalProperties": right})),
            inner.prop_map(|schema| json!({"dependentSchemas": {"a": schema}})),
        ]
    })
}

/// Values that tell the schemas apart; keys in order.
fn instances() -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(1),
        json!(1234567),
        json!(2.5),
        json!(""),
        json!("a"),
        json!("aa"),
        json!("ab"),
        json!([]),
        json!({}),
    ];
    for inner in
        [json!(1), json!("aa"), json!("ab"), json!([1, 1]), json!([1, 2]), json!({"aa": 1}), json!({"ab": "x"})]
    {
        values.push(json!([inner]));
        values.push(json!([inner, inner]));
        values.push(json!([inner, 7]));
        values.push(json!({"a": inner}));
        values.push(json!({"a": 1, "aa": inner}));
        values.push(json!({"a": "ab", "ab": inner}));
        values.push(json!({"b": inner}));
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_valid_instance_is_accepted(schema in schema()) {
        let validator = jsonschema::options().build(&schema).unwrap();
        match compile(&schema.to_string(), &lenient(), &Limits::default()) {
            Ok(compiled) => {
                for value in instances() {
                    let valid = validator.is_valid(&value);
                    let accepted = accepts(&compiled.grammar, value.to_string().as_bytes());
                    prop_assert!(accepted || !valid, "{schema} rejects {value}");
                    if compiled.report.relaxations.is_empty() {
                        prop_assert_eq!(accepted, valid, "{} on {}", &schema, &value);
                    }
                }
            }
            Err(error) => {
                let code = error.iter().next().unwrap().code.as_str();
                prop_assert!(code == "unsatisfiable" || code == "limit", "{schema}: {error}");
                prop_assert!(code == "limit" || instances().iter().all(|value| !validator.is_valid(value)), "{schema}");
            }
        }
    }
}
