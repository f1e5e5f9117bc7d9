//! Random schemas and instances against an independent validator, and texts that no one wrote.

use compilers::diagnostic::{Code, Diagnostics};
use compilers::json_schema::{KeyOrder, Options, Whitespace, compile};
use grammar_ir::interp::{Recognizer, accepts};
use grammar_ir::{Grammar, Limits};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Small values over few keys and scalars, so that random schemas are sometimes satisfied.
fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-3..12i64).prop_map(Value::from),
        prop_oneof![Just(json!(0.5)), Just(json!(-1.25)), Just(json!(2.0)), Just(json!(10.75))],
        "[ab\n\"é😀]{0,3}".prop_map(Value::from),
    ];
    scalar.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(inner, 4).prop_flat_map(|values| {
                prop::sample::subsequence(vec!["a", "b", "c", "d"], 0..4).prop_map(move |keys| {
                    Value::Object(keys.into_iter().map(str::to_owned).zip(values.clone()).collect())
                })
            }),
        ]
    })
}

const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];

/// A keyword with a value; several of them make a schema.
fn keyword(schema: BoxedStrategy<Value>) -> BoxedStrategy<(&'static str, Value)> {
    let kind = prop::sample::select(TYPES.to_vec());
    let name = prop::sample::select(vec!["a", "b", "c", "d"]);
    let names = prop::sample::subsequence(vec!["a", "b", "c", "d"], 0..3);
    let number = prop_oneof![(-3..12i64).prop_map(Value::from), Just(json!(0.5)), Just(json!(-1.25))];
    let branches = prop::collection::vec(schema.clone(), 1..3).prop_map(Value::from);
    prop_oneof![
        kind.prop_map(|kind| ("type", json!(kind))),
        prop::sample::subsequence(TYPES.to_vec(), 1..4).prop_map(|kinds| ("type", json!(kinds))),
        prop::collection::vec(value(), 1..4).prop_map(|values| ("enum", Value::from(values))),
        value().prop_map(|value| ("const", value)),
        number.clone().prop_map(|bound| ("minimum", bound)),
        number.clone().prop_map(|bound| ("exclusiveMaximum", bound)),
        number.prop_map(|bound| ("maximum", bound)),
        (1..5u32).prop_map(|divisor| ("multipleOf", json!(divisor))),
        (0..3u32).prop_map(|count| ("minLength", json!(count))),
        (0..3u32).prop_map(|count| ("maxLength", json!(count))),
        prop::sample::select(vec!["a", "^a", "b$", "^[^a]*$", "^.$"]).prop_map(|pattern| ("pattern", json!(pattern))),
        schema.clone().prop_map(|items| ("items", items)),
        prop::collection::vec(schema.clone(), 1..3).prop_map(|items| ("prefixItems", Value::from(items))),
        schema.clone().prop_map(|items| ("contains", items)),
        (0..3u32).prop_map(|count| ("minContains", json!(count))),
        (0..3u32).prop_map(|count| ("maxContains", json!(count))),
        any::<bool>().prop_map(|unique| ("uniqueItems", json!(unique))),
        schema.clone().prop_map(|names| ("propertyNames", names)),
        schema.clone().prop_map(|condition| ("if", condition)),
        schema.clone().prop_map(|consequence| ("then", consequence)),
        schema.clone().prop_map(|alternative| ("else", alternative)),
        (0..3u32).prop_map(|count| ("minItems", json!(count))),
        (0..3u32).prop_map(|count| ("maxItems", json!(count))),
        (prop::collection::vec(schema.clone(), 4), names.clone()).prop_map(|(schemas, names)| {
            ("properties", Value::Object(names.into_iter().map(str::to_owned).zip(schemas).collect()))
        }),
        (name.clone(), schema.clone()).prop_map(|(name, schema)| ("patternProperties", json!({ name: schema }))),
        schema.clone().prop_map(|schema| ("additionalProperties", schema)),
        names.clone().prop_map(|names| ("required", json!(names))),
        (0..3u32).prop_map(|count| ("minProperties", json!(count))),
        (0..3u32).prop_map(|count| ("maxProperties", json!(count))),
        (name.clone(), names).prop_map(|(name, names)| ("dependentRequired", json!({ name: names }))),
        (name.clone(), schema.clone()).prop_map(|(name, schema)| ("dependentSchemas", json!({ name: schema }))),
        schema.clone().prop_map(|schema| ("unevaluatedProperties", schema)),
        schema.clone().prop_map(|schema| ("unevaluatedItems", schema)),
        branches.clone().prop_map(|branches| ("anyOf", branches)),
        branches.clone().prop_map(|branches| ("allOf", branches)),
        branches.prop_map(|branches| ("oneOf", branches)),
        schema.prop_map(|schema| ("not", schema)),
    ]
    .boxed()
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![3 => Just(json!({})), 1 => any::<bool>().prop_map(Value::from)];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::vec(keyword(inner.boxed()), 1..5).prop_map(|keywords| {
            Value::Object(keywords.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        })
    })
}

/// `value` with its members in every order: which one the grammar wants is not the question here.
fn orders(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(members) if members.len() > 1 => permutations(members.iter().collect())
            .into_iter()
            .map(|members| {
                Value::Object(members.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect())
            })
            .collect(),
        _ => vec![value.clone()],
    }
}

fn permutations<T: Clone>(items: Vec<T>) -> Vec<Vec<T>> {
    if items.len() <= 1 {
        return vec![items];
    }
    (0..items.len())
        .flat_map(|first| {
            let mut rest = items.clone();
            let head = rest.remove(first);
            permutations(rest).into_iter().map(move |mut tail| {
                tail.insert(0, head.clone());
                tail
            })
        })
        .collect()
}

/// Whether some object below the top has several keys, whose order [`orders`] does not vary.
fn has_inner_orders(value: &Value) -> bool {
    let deep = |value: &Value| value.as_object().is_some_and(|members| members.len() > 1) || has_inner_orders(value);
    match value {
        Value::Array(items) => items.iter().any(deep),
        Value::Object(members) => members.values().any(deep),
        _ => false,
    }
}

/// Whether the validator judges the value of `text` as the standard does: it computes in binary floats and has Rust's
/// regular expressions.
fn is_comparable(text: &str) -> bool {
    let numbers = text.split(|character: char| !"0123456789.eE+-".contains(character));
    // Its `.` matches these, and that of ECMA-262 does not.
    let ends_lines = |character| matches!(character, '\r' | '\u{2028}' | '\u{2029}');
    let value: Value = serde_json::from_str(text).unwrap();
    numbers.into_iter().all(|number| number.len() <= 15)
        && !value.to_string().contains(ends_lines)
        && !value.to_string().contains("\\r")
}

/// Whether some object in `text` has a key twice.
fn has_repeated_keys(text: &str) -> bool {
    let is_repeat = |error: Diagnostics| error.iter().any(|diagnostic| diagnostic.code == Code::Duplicate);
    compile(text, &Options::default(), &Limits::default()).is_err_and(is_repeat)
}

/// A short word of the grammar: bytes drawn with `seed`, then the first that goes on from a fixed list.
fn word(grammar: &Grammar, mut seed: u64) -> Option<String> {
    let mut recognizer = Recognizer::new(grammar);
    let mut text = Vec::new();
    for step in 0..120 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if recognizer.is_accepting() && (seed >> 33).is_multiple_of(2) {
            return String::from_utf8(text).ok();
        }
        let next = recognizer.expected_bytes();
        let closing = [b'"', b']', b'}'].into_iter().filter(|&byte| step > 30 && next.contains(byte));
        let printable = next.iter().filter(|byte| (b' '..0x7f).contains(byte));
        let choices: Vec<u8> = closing.chain(printable).collect();
        let byte = match choices.as_slice() {
            [] => next.iter().next()?,
            _ if step > 30 => choices[0],
            _ => choices[(seed >> 35) as usize % choices.len()],
        };
        recognizer.push_byte(byte);
        text.push(byte);
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_agree_with_the_validator(
        schema in schema(),
        values in prop::collection::vec(value(), 12),
        order in prop::sample::select(vec![KeyOrder::Declared, KeyOrder::Any]),
    ) {
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut options = Options::default();
        options.whitespace = Whitespace::Compact;
        options.key_order = order;
        match compile(&schema.to_string(), &options, &Limits::default()) {
            Ok(compiled) => {
                grammar_ir::verify(&compiled.grammar).unwrap();
                for value in &values {
                    let orders = if order == KeyOrder::Any { vec![value.clone()] } else { orders(value) };
                    let accepted = orders.iter().any(|value| accepts(&compiled.grammar, value.to_string().as_bytes()));
                    let valid = validator.is_valid(value);
                    let undecided = order == KeyOrder::Declared && valid && has_inner_orders(value);
                    prop_assert!(accepted == valid || undecided, "{schema}: {value} accepted {accepted} valid {valid}");
                }
                for seed in 0..4 {
                    if let Some(text) = word(&compiled.grammar, seed * 77 + 5).filter(|text| is_comparable(text)) {
                        let value: Value = serde_json::from_str(&text).unwrap();
                        prop_assert!(validator.is_valid(&value), "{schema} generates {text}");
                        prop_assert!(!has_repeated_keys(&text), "{schema} generates {text}");
                    }
                }
            }
            Err(error) if error.iter().all(|diagnostic| diagnostic.code.as_str() == "unsatisfiable") => {
                for value in &values {
                    prop_assert!(!validator.is_valid(value), "{schema} is said to be unsatisfiable, yet {value} is valid");
                }
            }
            Err(_) => {}
        }
    }

    #[test]
    fn no_json_document_makes_it_panic(document in value(), keys in prop::collection::vec("(type|items|\\$ref|enum|not|minimum|properties|format|\\$id|[a-z]{1,3})", 4)) {
        let object: serde_json::Map<String, Value> =
            keys.into_iter().map(|key| (key, document.clone())).collect();
        let _ = compile(&Value::Object(object).to_string(), &Options::default(), &Limits::default());
        let _ = compile(&document.to_string(), &Options::exact(), &Limits::default());
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\a-z0-9 .$#/-]{0,60}") {
        let _ = compile(&text, &Options::default(), &Limits::default());
    }
}
