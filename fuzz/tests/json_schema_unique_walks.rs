//! Arrays without equal items, of random schemas: nothing runs out unnoticed.

use std::time::Duration;

use compilers::json_schema::{KeyOrder, Options};
use grammar_ir::Limits;
use grammarc_fuzz::json_schema::subject::Subject;
use grammarc_fuzz::json_schema::validator::validator;
use grammarc_fuzz::json_schema::walk::{self, Fault, Plan};
use mask_runtime::Matcher;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Schemas of few values, of many, and of some of which there are few.
fn items() -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "null"})),
        Just(json!({"enum": [1, "a", null, [], {}]})),
        Just(json!({"enum": ["a", "b", {"a": 1}]})),
        Just(json!({"type": "integer", "minimum": 1, "maximum": 3})),
        Just(json!({"type": "string", "maxLength": 1, "pattern": "^[ab]*$"})),
        Just(json!({"type": "string", "pattern": "^a*$"})),
        Just(json!({"type": "string", "pattern": "^a*$", "minLength": 2})),
        Just(json!({"type": "string", "pattern": "^a*$", "maxLength": 3})),
        Just(json!({"type": "string", "pattern": "^(a|ba*)$"})),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            3 => object(inner.clone()),
            3 => array(inner.clone(), any::<bool>().boxed()),
            1 => prop::collection::vec(inner, 2).prop_map(|branches| json!({"anyOf": branches})),
        ]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let required = prop::sample::subsequence(vec!["a", "b"], 0..=2);
    let keys = prop::option::weighted(0.4, prop::sample::select(vec!["^c*$", "^(c|d)$"]));
    let bounds = (prop::option::of(0..3u32), prop::option::of(0..3u32));
    (prop::collection::vec(inner, 3), required, any::<bool>(), keys, bounds).prop_map(
        |(schemas, required, has_b, keys, (min, max))| {
            let mut schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
            schema["properties"]["a"] = schemas[0].clone();
            if has_b {
                schema["properties"]["b"] = schemas[1].clone();
            }
            if let Some(keys) = keys {
                schema["patternProperties"] = json!({keys: schemas[2]});
            }
            schema["required"] = json!(required);
            schema.as_object_mut().unwrap().extend(min.map(|min| ("minProperties".to_owned(), json!(min))));
            schema.as_object_mut().unwrap().extend(max.map(|max| ("maxProperties".to_owned(), json!(max))));
            schema
        },
    )
}

fn array(inner: impl Strategy<Value = Value> + Clone, unique: BoxedStrategy<bool>) -> impl Strategy<Value = Value> {
    let count = || prop::option::of(0..5u32);
    let prefix = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(inner.clone(), 1..3)];
    let contains = prop::option::weighted(0.2, (inner.clone(), 1..3u32));
    (inner, prefix, unique, count(), count(), contains).prop_map(|(items, prefix, unique, min, max, contains)| {
        let mut schema = json!({"type": "array", "items": items, "uniqueItems": unique});
        let members = schema.as_object_mut().unwrap();
        if !prefix.is_empty() {
            members.insert("prefixItems".to_owned(), json!(prefix));
        }
        members.extend(min.map(|min| ("minItems".to_owned(), json!(min))));
        members.extend(max.map(|max| ("maxItems".to_owned(), json!(max))));
        if let Some((contains, least)) = contains {
            members.insert("contains".to_owned(), contains);
            members.insert("minContains".to_owned(), json!(least));
        }
        schema
    })
}

/// Values from which arrays are made to see whether some array is valid.
fn pool() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(1),
        json!("a"),
        json!("b"),
        json!([]),
        json!({}),
        json!({"a": 1}),
        json!({"a": null}),
        json!({"c": null}),
        json!({"c": 1}),
        json!("aa"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn walks_end_in_valid_texts(schema in array(items().boxed(), Just(true).boxed()), any_order in any::<bool>()) {
        let tokenizer = walk::bytes().unwrap();
        let mut options = Options::default();
        if any_order {
            options.key_order = KeyOrder::Any;
        }
        let validator = validator(&schema).unwrap();
        match Subject::new(&schema, &options, &tokenizer, &Limits::default()) {
            Subject::Language(compiled) => {
                // Where arrays without equal items are items of such an array, a search for a new one can take long.
                let time = Some(Duration::from_secs(10));
                let plan = Plan { texts: 6, length: 60, prefixes: 3, seed: 1, time };
                let walked = walk::walk(&compiled, Some(&validator), plan);
                if let Some(fault) = walked.faults.iter().find(|fault| !matches!(fault, Fault::Late(_))) {
                    return Err(TestCaseError::fail(format!("{schema}: {fault}")));
                }
            }
            Subject::Empty => {
                let pool = pool();
                let arrays = pool.iter().flat_map(|first| pool.iter().map(move |second| json!([first, second])));
                let arrays = arrays.chain(pool.iter().map(|item| json!([item]))).chain([json!([])]);
                for array in arrays {
                    prop_assert!(!validator.is_valid(&array), "{schema} is said to be empty, yet {array} is valid");
                }
            }
            Subject::Refused(_) => {}
            Subject::Faulty(reason) | Subject::Nameless(reason) => return Err(TestCaseError::fail(format!("{schema}: {reason}"))),
        }
    }
}

/// White space can stand in many places of an item, which must not hide that every way on repeats a value.
#[test]
fn an_item_that_can_only_repeat_one_is_not_begun() {
    let schema = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "a": {"type": "boolean"},
                "b": {
                    "type": "object",
                    "properties": {"a": {"type": "string", "maxLength": 1, "pattern": "^[ab]*$"}},
                    "additionalProperties": false
                }
            },
            "additionalProperties": false,
            "maxProperties": 1
        },
        "uniqueItems": true,
        "minItems": 2
    });
    let tokenizer = walk::bytes().unwrap();
    let Subject::Language(compiled) = Subject::new(&schema, &Options::default(), &tokenizer, &Limits::default()) else {
        panic!("it compiles");
    };
    let mut matcher = Matcher::new(compiled);
    matcher.accept_bytes(br#"[{}, {"a": true}, {"a":"#).unwrap();
    let next = matcher.next_bytes();
    assert!(next.contains(b'f') && !next.contains(b't'), "{next:?}");
}

/// The same where an item can be read in two ways, as one that `contains` counts and as one that it does not.
#[test]
fn an_item_read_in_two_ways_does_not_repeat_one() {
    let schema = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"a": {"type": "array", "items": {"type": "string", "pattern": "^a*$"}}},
            "additionalProperties": false,
            "maxProperties": 1
        },
        "uniqueItems": true,
        "contains": {"type": "object", "properties": {"a": {"maxItems": 0}}, "required": ["a"]},
        "minItems": 3
    });
    let tokenizer = walk::bytes().unwrap();
    for key_order in [KeyOrder::Declared, KeyOrder::Any] {
        let mut options = Options::default();
        options.key_order = key_order;
        let Subject::Language(compiled) = Subject::new(&schema, &options, &tokenizer, &Limits::default()) else {
            panic!("it compiles");
        };
        let mut matcher = Matcher::new(compiled);
        matcher.accept_bytes(br#"[{}, {"a": []}, { "a": ["#).unwrap();
        let next = matcher.next_bytes();
        assert!(next.contains(b'"') && !next.contains(b']'), "{next:?}");
    }
}

/// The same where the item has been closed, and others like it may have any number of letters.
#[test]
fn an_item_that_has_been_closed_does_not_repeat_one() {
    let schema = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"a": {"type": "string", "pattern": "^a*$"}},
            "additionalProperties": false
        },
        "uniqueItems": true,
        "contains": {
            "type": "object",
            "properties": {"a": {"type": "string", "maxLength": 1, "pattern": "^[ab]*$"}},
            "additionalProperties": false
        },
        "minContains": 2
    });
    let tokenizer = walk::bytes().unwrap();
    let Subject::Language(compiled) = Subject::new(&schema, &Options::default(), &tokenizer, &Limits::default()) else {
        panic!("it compiles");
    };
    for seen in ["[{}", r#"[{"a":"aa"},{}"#] {
        let mut matcher = Matcher::new(compiled.clone());
        matcher.accept_bytes(format!("{seen},{{").as_bytes()).unwrap();
        let next = matcher.next_bytes();
        assert!(next.contains(b'"') && !next.contains(b'}'), "{next:?}");
    }
}

/// The same where a number in the item can have any number of zeros after its point.
#[test]
fn zeros_of_a_fraction_do_not_hide_that_an_item_repeats_one() {
    let schema = json!({
        "type": "array",
        "items": {
            "type": "array",
            "items": {
                "type": "array",
                "items": {"type": "integer", "minimum": 1, "maximum": 3},
                "uniqueItems": true,
                "minItems": 1
            },
            "uniqueItems": true,
            "minItems": 3,
            "maxItems": 3
        },
        "uniqueItems": true,
        "minItems": 4
    });
    let tokenizer = walk::bytes().unwrap();
    let Subject::Language(compiled) = Subject::new(&schema, &Options::default(), &tokenizer, &Limits::default()) else {
        panic!("it compiles");
    };
    let mut matcher = Matcher::new(compiled);
    matcher.accept_bytes(b"[[[1],[2],[3]],[[1],[2],[3,1]],[[1],[2],[3,1,2]],[[1],[2],[3,").unwrap();
    let next = matcher.next_bytes();
    assert!(next.contains(b'2') && !next.contains(b'1'), "{next:?}");
}
