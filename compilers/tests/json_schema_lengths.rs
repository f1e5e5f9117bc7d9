//! Strings with a pattern or format and with lengths: characters are counted, and no prefix is a dead end.

use compilers::json_schema::Options;
use grammar_ir::interp::{Recognizer, accepts};
use grammar_ir::pda::Pda;
use grammar_ir::{Budget, Limits, passes};
use proptest::prelude::*;
use serde_json::json;

mod json_schema_common;
use json_schema_common::{check, check_dead, grammar};

/// The number of states of the automaton of a schema.
fn states(schema: &str) -> usize {
    let limits = Limits::default();
    let mut budget = Budget::new(&limits);
    let grammar = passes::run(grammar(schema, &Options::default()), &mut budget).unwrap();
    Pda::new(&grammar, &mut budget).unwrap().state_count()
}

#[test]
fn formats_with_lengths() {
    let local = "a".repeat(40);
    let email = |length: usize| format!("\"{local}@{}.org\"", "b".repeat(length - 45));
    let schema = r#"{"type": "string", "format": "email", "minLength": 60, "maxLength": 64}"#;
    check(schema, &[&email(60), &email(64)], &[&email(59), &email(65), "\"a@b.org\""]);
    check_dead(schema, &format!("\"{local}@{}", "b".repeat(24)));
    let wide = r#"{"type": "string", "format": "uri", "minLength": 1, "maxLength": 65536}"#;
    let uri = |length: usize| format!("\"https:{}\"", "x".repeat(length - 6));
    check(wide, &["\"a:\"", &uri(65_536)], &["\"\"", "\"a\"", &uri(65_537)]);
    // The bound takes no states; the format alone takes as many.
    let bounded = states(r#"{"type": "string", "format": "email", "maxLength": 1024}"#);
    let unbounded = states(r#"{"type": "string", "format": "email"}"#);
    assert!(bounded <= unbounded + 8, "{bounded} states with a bound, {unbounded} without");
}

#[test]
fn lengths_that_a_language_has_anyway_are_not_counted() {
    for schema in [
        r#"{"type": "string", "format": "date", "maxLength": 29}"#,
        r#"{"type": "string", "format": "ipv4", "minLength": 3}"#,
        r#"{"type": "string", "pattern": "^x{30}y*$", "minLength": 29}"#,
    ] {
        let without = schema
            .replace(", \"maxLength\": 29", "")
            .replace(", \"minLength\": 3}", "}")
            .replace(", \"minLength\": 29", "");
        assert_eq!(states(schema), states(&without), "{schema}");
    }
}

#[test]
fn patterns_of_words_with_lengths() {
    let schema = r#"{"type": "string", "pattern": "^(?:\\S+\\s+){0,49}\\S+$", "minLength": 5, "maxLength": 500}"#;
    let words = |count: usize, length: usize| format!("\"{}\"", vec!["w".repeat(length); count].join(" "));
    check(
        schema,
        &[&words(1, 5), &words(1, 500), &words(50, 9), &words(2, 249), "\"w\\u0020\\u00a0\\ud83d\\ude00w\""],
        &[&words(1, 4), &words(1, 501), &words(51, 1), &words(50, 10), "\"ab cd \"", "\"w\\ud83d\\ude00\\u00e9w\""],
    );
    // A space at the last place but one leaves room for one more word of one character; at the last one there is none.
    let almost = "a".repeat(499);
    let recognizer = |text: &str| Recognizer::new(&grammar(schema, &Options::default())).push_bytes(text.as_bytes());
    assert!(recognizer(&format!("\"{} ", &almost[1..])));
    assert!(!recognizer(&format!("\"{almost} ")));
}

#[test]
fn lengths_that_no_text_has_leave_nothing() {
    check_dead(
        r#"{"anyOf": [{"type": "string", "pattern": "^(ab)*$", "minLength": 41, "maxLength": 41}, {"const": 1}]}"#,
        "\"",
    );
    check(
        r#"{"type": "string", "pattern": "^(ab)*$", "minLength": 39, "maxLength": 41}"#,
        &[&format!("\"{}\"", "ab".repeat(20))],
        &[&format!("\"{}\"", "ab".repeat(19)), &format!("\"{}\"", "ab".repeat(21))],
    );
}

#[test]
fn complements_with_lengths() {
    check(
        r#"{"type": "string", "not": {"pattern": "^a*$", "maxLength": 30}, "maxLength": 40}"#,
        &["\"b\"", &format!("\"{}\"", "a".repeat(31)), &format!("\"{}\"", "b".repeat(40))],
        &["\"\"", &format!("\"{}\"", "a".repeat(30)), &format!("\"{}\"", "a".repeat(41))],
    );
    check(
        r#"{"type": "string", "pattern": "^[ab]*c$", "not": {"minLength": 20, "maxLength": 30}}"#,
        &[&format!("\"{}c\"", "a".repeat(18)), &format!("\"{}c\"", "b".repeat(30))],
        &[&format!("\"{}c\"", "a".repeat(19)), &format!("\"{}c\"", "b".repeat(29)), "\"ab\""],
    );
}

#[test]
fn a_pattern_too_large_for_an_automaton_stands_alone() {
    check(
        r#"{"type": "string", "pattern": "((c1d3g3).{4,8}){6,6}"}"#,
        &[&format!("\"x{}\"", "c1d3g3.....".repeat(6))],
        &["\"\"", &format!("\"{}\"", "c1d3g3.....".repeat(5))],
    );
}

const PATTERNS: [&str; 8] = [
    "^(a|bé)*$",
    "^(?:\\S+\\s){0,9}\\S+$",
    "a(ba|\\\\)*$",
    "^[^a]",
    "^(aa|bbb)*$",
    "(^|b)a{3}b*$",
    "^(a[ab]{4}|b)*\\\\?$",
    "^([ab]{17}|é*)$",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn verdicts_agree_with_the_validator(
        pattern in prop::sample::select(PATTERNS.to_vec()),
        other in prop::option::of(prop::sample::select(PATTERNS.to_vec())),
        min in 0..24u32,
        more in prop::option::of(0..24u32),
        texts in prop::collection::vec("([ab]{0,30}|[abé\\\\ ]{0,24}|(aa|bbb){4,12}|(ab|\\\\){8,20}|é{10,30})", 8),
        escaped in prop::collection::vec(any::<bool>(), 64),
    ) {
        let max = more.map(|more| min.max(17) + more);
        let mut schema = json!({"type": "string", "pattern": pattern, "minLength": min});
        if let Some(max) = max {
            schema["maxLength"] = json!(max);
        }
        if let Some(other) = other {
            schema["not"] = json!({"pattern": other, "minLength": 3});
        }
        let validator = jsonschema::validator_for(&schema).unwrap();
        let compiled = compilers::json_schema::compile(&schema.to_string(), &Options::default(), &Limits::default());
        let grammar = compiled.ok().map(|compiled| compiled.grammar);
        for text in texts {
            let expected = validator.is_valid(&json!(text));
            let Some(grammar) = &grammar else {
                prop_assert!(!expected, "{} was refused and has {:?}", schema, text);
                continue;
            };
            let spelled: String = text
                .chars()
                .zip(escaped.iter().cycle())
                .map(|(character, &escape)| match character {
                    '\\' if !escape => "\\\\".to_owned(),
                    _ if escape => format!("\\u{:04x}", u32::from(character)),
                    _ => character.to_string(),
                })
                .collect();
            let spelled = format!("\"{spelled}\"");
            prop_assert_eq!(accepts(grammar, spelled.as_bytes()), expected, "{} {}", schema, spelled);
        }
    }
}
