//! Minimal forms of differences that random grammars with scopes have shown.

use std::sync::Arc;

use grammar_ir::interp::Recognizer;
use grammar_ir::{Limits, text};
use mask_runtime::{CompiledGrammar, Matcher, Token, Tokenizer, Vocabulary, bitmask};

/// After each beginning of `texts`, the bytes that masks and accepts allow are those of the definition.
fn agree(source: &str, texts: &[&str]) {
    let grammar = text::parse(source).unwrap_or_else(|error| panic!("{error}"));
    let bytes = (0..=u8::MAX).map(|byte| Token::Text(vec![byte]));
    let vocabulary = Vocabulary::from_tokens(bytes).unwrap_or_else(|error| panic!("{error}"));
    let compiled = CompiledGrammar::new(&grammar, Tokenizer::new(vocabulary), &Limits::default())
        .unwrap_or_else(|error| panic!("{error}"));
    for text in texts {
        let mut matcher = Matcher::new(Arc::clone(&compiled));
        let mut recognizer = Recognizer::new(&grammar);
        for length in 0..=text.len() {
            let expected = recognizer.expected_bytes();
            let mut row = matcher.row();
            let filled = matcher.fill(&mut row).is_ok();
            let allowed = bitmask::iter(&row).filter_map(|id| u8::try_from(id).ok()).filter(|_| filled).collect();
            assert_eq!(expected, allowed, "mask after `{}`\n{}", &text[..length], compiled.pda());
            assert_eq!(recognizer.is_accepting(), matcher.is_complete(), "end after `{}`", &text[..length]);
            if let Some(&byte) = text.as_bytes().get(length) {
                assert!(recognizer.push_byte(byte), "`{text}` is no beginning of a word");
                assert!(matcher.accept_bytes(&[byte]).is_ok(), "`{}` is not accepted", &text[..=length]);
            }
        }
    }
}

/// A part that has a text that was there before, beside a close that begins with the same text.
#[test]
fn a_repeated_part_beside_a_close() {
    agree(r#"root = %scope { 0: distinct ; } (%0("a" | "ab")* %close("a")) ;"#, &["aab"]);
}
