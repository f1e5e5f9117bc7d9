//! Masks in rows of states, such as those of `[0-9a-f]{8}-`, against trying every token.
//!
//! Rows are only looked at where a vocabulary has thousands of tokens of their characters, so this one has.

use std::sync::Arc;

use compilers::{gbnf, json_schema, regex};
use grammar_ir::{Grammar, Limits};
use grammarc_fuzz::trials::wrong_bits;
use mask_runtime::{Token, Tokenizer, Vocabulary};

const DIGITS: &[u8] = b"0123456789abcdef";

/// All texts of one to three hexadecimal digits, those of up to two before what may follow some, every byte, and a few long texts.
fn tokenizer() -> Arc<Tokenizer> {
    let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
    let mut begin = 0;
    for _ in 0..3 {
        let end = texts.len();
        for index in begin..end {
            let text = texts[index].clone();
            texts.extend(DIGITS.iter().map(|&digit| [text.as_slice(), &[digit]].concat()));
        }
        begin = end;
    }
    for index in 0..=16 + 256 {
        for after in ["-", "-0", "--", "\"", "\",", "\\", "\\u", " ", "x", "]"] {
            texts.push([texts[index].as_slice(), after.as_bytes()].concat());
        }
    }
    texts.extend((0..=u8::MAX).map(|byte| vec![byte]));
    let long = [
        "0123456789abcdef",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "01234567-89ab-",
        "0000000000000000000000000000000000-",
    ];
    texts.extend(long.map(|text| text.as_bytes().to_vec()));
    texts.retain(|text| !text.is_empty());
    texts.sort();
    texts.dedup();
    let tokens = texts.into_iter().map(Token::Text);
    Tokenizer::new(Vocabulary::from_tokens(tokens).unwrap_or_else(|error| panic!("{error}")))
}

fn masks_are_exact(tokenizer: &Arc<Tokenizer>, grammar: &Grammar, text: &str) {
    assert_eq!(wrong_bits(tokenizer, grammar, text), [""; 0]);
}

#[test]
fn of_patterns() {
    let tokenizer = tokenizer();
    for (pattern, text) in [
        ("[0-9a-f]{8}-[0-9a-f]{4}", "01234567-89ab"),
        ("[0-9a-f]{24}", "0123456789abcdef01234567"),
        ("[0-9a-f]{2,}x?", "0123x"),
        ("[0-9a-f]{3}-[0-9a-f]+-", "012-0a-"),
        ("[0-9a-f]{5}(-|[0-9])[0-9a-f]{3}", "0123491a2"),
        ("([0-9a-f]{3}-){2,4}x", "012-345-678-x"),
        ("[0-9a-f]{3}[0-9a-fx]{3} ?[0-9a-f]*", "0120x2 0"),
        ("([0-9a-f]{2})*([0-9a-f]{3}x)?", "0123012x"),
    ] {
        let grammar = regex::compile(pattern, &regex::Options::default(), &Limits::default());
        masks_are_exact(&tokenizer, &grammar.unwrap_or_else(|error| panic!("{error}")), text);
    }
}

#[test]
fn of_strings_and_keys() {
    let tokenizer = tokenizer();
    for (schema, text) in [
        (r#"{"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}$"}"#, r#""01234567-89ab""#),
        (r#"{"type": "string", "pattern": "^[0-9a-f]{6,}$"}"#, r#""0123456789""#),
        (r#"{"type": "array", "items": {"type": "string", "pattern": "^[0-9a-f]{3}$"}}"#, r#"["012","345"]"#),
        (
            r#"{"type": "array", "items": {"type": "string", "pattern": "^[0-9a-f]{2}$"}, "uniqueItems": true}"#,
            r#"["01","02","03"]"#,
        ),
        (
            r#"{"patternProperties": {"^[0-9a-f]{4}$": {"const": 0}}, "additionalProperties": false, "type": "object"}"#,
            r#"{"0123":0,"0124":0}"#,
        ),
        (
            r#"{"properties": {"0a": {"const": 1}}, "additionalProperties": {"type": "integer"}, "type": "object"}"#,
            r#"{"0a":1,"0ab":0,"0b":12}"#,
        ),
    ] {
        let compiled = json_schema::compile(schema, &json_schema::Options::default(), &Limits::default());
        masks_are_exact(&tokenizer, &compiled.unwrap_or_else(|error| panic!("{error}")).grammar, text);
    }
}

/// What is called returns to where the same characters are read, so that more than the row can read them.
#[test]
fn of_rules_that_return_to_the_same_characters() {
    let source = format!(
        r#"root ::= item [0-9a-f]* "!" item "?" item
           item ::= [0-9a-f] [0-9a-f] [0-9a-f] [0-9a-f] ("-" "{}")?"#,
        "long ".repeat(100)
    );
    let compiled = gbnf::compile(&source, &gbnf::Options::default(), None, &Limits::default());
    masks_are_exact(&tokenizer(), &compiled.unwrap_or_else(|error| panic!("{error}")), "0123ab!0123?0123");
}
