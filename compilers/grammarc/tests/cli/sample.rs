//! `sample`.

use crate::process::{file, grammarc};

const EXPRESSIONS: &str = "root ::= sum\nsum ::= product (\"+\" product)*\nproduct ::= [0-9]+ | \"(\" sum \")\"";

fn sample(args: &[&str]) -> Vec<serde_json::Value> {
    let run = grammarc(&[&["sample", "--json"], args].concat());
    assert_eq!(run.code, 0, "{}", run.stdout);
    run.json_lines()
}

#[test]
fn texts_are_of_the_language_and_end() {
    let schema = r#"{"type": "object", "properties": {"a": {"type": "array"}}, "required": ["a"]}"#;
    let sources = [
        ["--grammar", EXPRESSIONS],
        ["--json-schema", schema],
        ["--regex", "(ab){20,30}c|x*"],
        ["--grammar", "root ::= \"a\" root \"b\" root \"c\" | \"d\""],
        ["--grammar", "root ::= root root | \"a\" | \"\""],
    ];
    for source in sources {
        let rows = sample(&[&source[..], &["-n", "20", "--max-tokens", "60", "--seed", "1"]].concat());
        assert_eq!(rows.len(), 20);
        for row in rows {
            assert_eq!(row["complete"], true, "{row}");
            assert!(row["tokens"].as_array().is_some_and(|tokens| tokens.len() <= 60), "{row}");
            let text = file("sample", "text", row["text"].as_str().expect("a text").as_bytes());
            let run = grammarc(&["accept", source[0], source[1], "--file", &text]);
            assert_eq!(run.code, 0, "{row}: {}", run.stdout);
        }
    }
}

#[test]
fn seeds_decide() {
    let draw = |number: &str, seed: &str| sample(&["--grammar", EXPRESSIONS, "-n", number, "--seed", seed]);
    assert_eq!(draw("3", "5"), draw("3", "5"));
    assert_eq!(draw("3", "5")[..], draw("6", "5")[..3]);
    assert_ne!(draw("3", "5"), draw("3", "6"));
}

#[test]
fn a_text_that_does_not_fit_is_marked() {
    let run = grammarc(&["sample", "--regex", "[ab]{50}", "--max-tokens", "3"]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("truncated 3 tokens"), "{}", run.stdout);
    assert_eq!(sample(&["--regex", "[ab]{50}", "--max-tokens", "3"])[0]["complete"], false);
    assert_eq!(sample(&["--regex", "a*", "--max-tokens", "0"])[0]["complete"], true);
}

#[test]
fn token_terminals_are_drawn() {
    let rows = sample(&["--grammar", "root ::= <[3]> \"x\" (<[7]> | <|eom_id|>)", "-n", "10"]);
    for row in rows {
        let tokens = row["tokens"].as_array().expect("a list");
        assert_eq!((tokens.len(), &tokens[0]), (3, &3.into()), "{row}");
    }
}

#[test]
fn characters_that_steer_terminals_are_written_as_they_are() {
    for text in ["a\u{7f}b", "a\u{1b}[31mred\u{1b}[0m", "a\0b\u{9b}c\r\u{7}"] {
        let regex = text.replace('[', r"\[").replace('\0', r"\x00");
        let raw = grammarc(&["sample", "--raw", "-n", "1", "--regex", &regex]);
        assert_eq!(raw.stdout, format!("{text}\n"));
        assert_eq!(sample(&["-n", "1", "--regex", &regex])[0]["text"], text);
    }
    let constant = r#"{"const": "a\u007fb"}"#;
    let texts = sample(&["-n", "1", "--json-schema", constant, "--escapes", "minimal"]);
    assert_eq!(texts[0]["text"], "\"a\u{7f}b\"");
}
