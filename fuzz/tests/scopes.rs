//! Minimal forms of differences that random grammars with scopes have shown.

use std::sync::Arc;

use grammar_ir::interp::Recognizer;
use grammar_ir::{Grammar, Limits, text};
use mask_runtime::{CompiledGrammar, Matcher, Token, Tokenizer, Vocabulary, bitmask};

fn compile(source: &str) -> (Grammar, Arc<CompiledGrammar>) {
    let grammar = text::parse(source).unwrap_or_else(|error| panic!("{error}"));
    let bytes = (0..=u8::MAX).map(|byte| Token::Text(vec![byte]));
    let vocabulary = Vocabulary::from_tokens(bytes).unwrap_or_else(|error| panic!("{error}"));
    let compiled = CompiledGrammar::new(&grammar, Tokenizer::new(vocabulary), &Limits::default());
    let compiled = compiled.unwrap_or_else(|error| panic!("{error}"));
    (grammar, compiled)
}

/// Each of `words` is allowed byte by byte, and no byte is that the definition forbids.
fn allows(source: &str, words: &[&str]) {
    let (grammar, compiled) = compile(source);
    for word in words {
        let mut matcher = Matcher::new(Arc::clone(&compiled));
        let mut recognizer = Recognizer::new(&grammar);
        for (length, &byte) in word.as_bytes().iter().enumerate() {
            let before = &word[..length];
            let mut row = matcher.row();
            matcher.fill(&mut row).unwrap_or_else(|error| panic!("after `{before}`: {error}"));
            let expected = recognizer.expected_bytes();
            for allowed in bitmask::iter(&row).filter_map(|id| u8::try_from(id).ok()) {
                assert!(expected.contains(allowed), "mask after `{before}` has {allowed:#x}\n{}", compiled.pda());
            }
            assert!(bitmask::contains(&row, u32::from(byte)), "mask after `{before}` lacks {byte:#x}");
            assert_eq!(recognizer.is_accepting(), matcher.is_complete(), "end after `{before}`");
            assert!(recognizer.push_byte(byte), "`{word}` is no word");
            assert!(matcher.accept_bytes(&[byte]).is_ok(), "`{before}` is not followed by {byte:#x}");
        }
        assert!(recognizer.is_accepting() && matcher.is_complete(), "end after `{word}`");
    }
}

/// A part that has a text that was there before, beside a close that begins with the same text.
#[test]
fn a_repeated_part_beside_a_close() {
    allows(r#"root = %scope { 0: distinct ; } (%0("a" | "ab")* %close("a")) ;"#, &["aaba"]);
}

/// In a search for a new text, the count of a repetition in a part was taken for the number of a scope's registers.
#[test]
fn a_part_that_counts() {
    allows(
        r#"root = %scope { 0: distinct ; } (%0("b"{1,200} "c")* %close(";")) ;"#,
        &["bc;", "bcbbc;", "bbbbbbbbbcbbbbbbbbcbbbbbbbc;"],
    );
}

/// A mask allows a token only if accepting it is possible.
#[test]
fn a_distinct_part_that_is_a_token() {
    let (_, compiled) = compile(r#"root = %scope { 0: distinct ; } ((%0(%token(1, 97)) ",")* %close(";")) ;"#);
    let mut matcher = Matcher::new(Arc::clone(&compiled));
    for token in [97, u32::from(b','), 1, u32::from(b',')] {
        let mut row = matcher.row();
        matcher.fill(&mut row).unwrap_or_else(|error| panic!("{error}"));
        for id in 0..256 {
            let accepted = matcher.fork().accept_token(id).is_ok();
            assert_eq!(bitmask::contains(&row, id), accepted, "token {id} before token {token}");
        }
        matcher.accept_token(token).unwrap_or_else(|error| panic!("{error}"));
    }
}
