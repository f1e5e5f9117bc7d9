//! Formats that are not regular, or too large to be an automaton: what they accept, and what the report says of them.

use compilers::json_schema::{Options, compile};
use grammar_ir::Limits;
use grammar_ir::interp::accepts;

mod json_schema_common;
use json_schema_common::{check, check_dead, grammar};

fn format(name: &str, valid: &[&str], invalid: &[&str]) {
    let grammar = grammar(&format!(r#"{{"type": "string", "format": "{name}"}}"#), &Options::default());
    let is_word = |text: &&str| accepts(&grammar, serde_json::to_string(text).unwrap().as_bytes());
    valid.iter().for_each(|text| assert!(is_word(text), "{name} rejects {text}"));
    invalid.iter().for_each(|text| assert!(!is_word(text), "{name} accepts {text}"));
}

#[test]
fn regular_expressions_nest() {
    let deep = format!("{}a{}", "(".repeat(40), ")".repeat(40));
    format(
        "regex",
        &[
            "",
            "a|b|",
            "^([abc])+\\s+$",
            "(?:a(?=b)(?<!c))*?",
            "[]",
            "[^]",
            "[^^]",
            "[-a-z0-9_.-]",
            "[\\w-]",
            "[a-z-]",
            "\\cA\\x20\\u12ef\\u{10FFFF}\\p{Lu}",
            "a{2}b{2,}c{2,10}d{12,12}e{19,20}",
            "(?<name>x)",
            "(?<=a+)b",
            "[\u{400}-\u{4ff}\\u0000-\\u001F]",
            "^[^\\s@]+@[^\\s@]+\\.[^\\s@]{2,}$",
            &deep,
        ],
        &[
            "^(abc]",
            "(",
            ")",
            "*a",
            "a**",
            "a{2,1}",
            "a{21,20}",
            "a{100,20}",
            "{1}",
            "a{",
            "]",
            "[z-a]",
            "[\\u0020-\\u0010]",
            "[a",
            "\\a",
            "\\",
            "\\1",
            "(?i)abc",
            "(?P<name>x)",
            "(?#c)a",
            "(?=a)*",
            "(?<n>a)(?<n>b)",
            "\\u{110000}",
            "^*",
            &deep[1..],
        ],
    );
}

#[test]
fn host_names_end_where_nothing_more_fits() {
    let schema = r#"{"type": "string", "format": "hostname", "minLength": 1, "maxLength": 255}"#;
    check(schema, &["\"a.b-c\"", "\"\\u0061\""], &["\"\"", "\"a..b\"", "\"-a\""]);
    check_dead(schema, "\"a..");
    check_dead(schema, &format!("\"{}", "a".repeat(64)));
    check_dead(schema, &format!("\"{}", "a.".repeat(127)));
}

#[test]
fn host_names_have_253_characters_in_any_number_of_labels() {
    let longest = "a.".repeat(126) + "a";
    let reverse = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa";
    let valid = [&longest, reverse, &longest.replacen("aa", "a.", 1)].map(|name| format!("\"{name}\""));
    let too_long = [longest.clone() + "a", longest.replacen('a', "aa", 1)].map(|name| format!("\"{name}\""));
    for schema in [
        r#"{"type": "string", "format": "hostname"}"#,
        r#"{"type": "string", "format": "hostname", "maxLength": 300}"#,
        r#"{"$schema": "http://json-schema.org/draft-06/schema#", "type": "string", "format": "hostname"}"#,
    ] {
        check(schema, &valid.each_ref().map(String::as_str), &too_long.each_ref().map(String::as_str));
    }
    let listed = |name: &str, schema: &str| format!(r#"{{"enum": ["{name}"], {schema}}}"#);
    check(&listed(reverse, r#""format": "hostname""#), &[&valid[1]], &[&valid[0]]);
    check(&listed(&(longest + "a"), r#""not": {"format": "hostname"}"#), &[&too_long[0]], &[&too_long[1]]);
}

#[test]
fn listed_values_conform_or_are_refused() {
    check(
        r#"{"enum": ["(a)", "b.c", "-b", "["], "anyOf": [{"format": "hostname"}, {"format": "regex", "pattern": "a"}]}"#,
        &["\"(a)\"", "\"b.c\""],
        &["\"-b\"", "\"[\""],
    );
}

#[test]
fn complements_of_narrowed_formats_let_nothing_in() {
    let grammar = grammar(r#"{"type": "string", "not": {"format": "time"}}"#, &Options::default());
    for (text, expected) in [("12:00:00", true), ("12:00:00Z", false), ("23:59:60Z", false), ("00:00:60+00:01", false)]
    {
        assert_eq!(accepts(&grammar, format!("\"{text}\"").as_bytes()), expected, "{text}");
    }
}

#[test]
fn the_report_names_what_a_format_leaves_out() {
    for (format, expected) in [("hostname", 1), ("regex", 1), ("time", 1), ("date", 0), ("uri-template", 0)] {
        let schema = format!(r#"{{"type": "string", "format": "{format}"}}"#);
        let report = compile(&schema, &Options::default(), &Limits::default()).unwrap().report;
        assert_eq!(report.narrowings.iter().filter(|line| line.starts_with(format)).count(), expected, "{report:?}");
    }
}

#[test]
fn a_pattern_may_hold_regular_expressions_only() {
    let schema = r#"{"type": "string", "minLength": 1, "format": "regex", "pattern": "^(?:-?[0-9]+\\.)?(?:[0-9]+:)?[0-9]{0,2}$"}"#;
    check(schema, &["\"1.2:30\"", "\"7\""], &["\"\"", "\"1+\"", "\"a\""]);
}
