//! Minimal forms of differences that random grammars with counted loops have shown, and loops without bounds beside them:
//! masks against brute force over a small vocabulary of long tokens.

use std::sync::Arc;

use grammar_ir::interp::Recognizer;
use grammar_ir::{Limits, text};
use grammarc_fuzz::oracles::brute_force_mask;
use mask_runtime::{CompiledGrammar, Matcher, Token, Tokenizer, Vocabulary, bitmask};

/// Compares the masks after every prefix of `words`.
fn masks_are_exact(source: &str, tokens: &[&str], words: &[&str]) {
    let grammar = text::parse(source).unwrap_or_else(|error| panic!("{error}"));
    let tokens = tokens.iter().map(|token| Token::Text(token.as_bytes().to_vec()));
    let vocabulary = Vocabulary::from_tokens(tokens).unwrap_or_else(|error| panic!("{error}"));
    let compiled = CompiledGrammar::new(&grammar, Tokenizer::new(vocabulary), &Limits::default());
    let compiled = compiled.unwrap_or_else(|error| panic!("{error}"));
    for word in words {
        let mut matcher = Matcher::new(Arc::clone(&compiled));
        let mut recognizer = Recognizer::new(&grammar);
        for length in 0..=word.len() {
            let (mut row, mut expected) = (matcher.row(), matcher.row());
            brute_force_mask(&mut recognizer, compiled.vocabulary(), &[], &mut expected);
            if matcher.fill(&mut row).is_err() {
                bitmask::clear_all(&mut row);
            }
            let (has, needs): (Vec<u32>, Vec<u32>) =
                (bitmask::iter(&row).collect(), bitmask::iter(&expected).collect());
            assert_eq!(has, needs, "after {:?} of\n{source}\n{}", &word[..length], compiled.pda());
            if let Some(&byte) = word.as_bytes().get(length) {
                assert!(recognizer.push_byte(byte), "{word}");
                assert!(matcher.accept_bytes(&[byte]).is_ok(), "{word}");
            }
        }
    }
}

const LETTERS: &str = "abcdefghijklm";
const TOKENS: &[&str] = &[
    "a",
    "b",
    "ab",
    "aaa",
    "aaaa",
    "aaaaaaaaaaaa",
    ";",
    "a;",
    "aa;",
    "aaaa;",
    "aaaaaaaaa;",
    ";a",
    ";;",
    "a;b;",
    "ab;ab",
    "\"",
    "\"a",
    "a\"",
    "aaaa\"",
    "\",\"",
    "\"a\"",
    "\"aaaaaaaaaa",
    ",",
    "z",
];

/// Below the least count nothing can follow the loop, but after some more of it.
#[test]
fn what_follows_a_loop_depends_on_its_count() {
    let source = format!("root = [{LETTERS}]{{3,70}} \";\" [{LETTERS}]{{0,2}} ;");
    masks_are_exact(&source, TOKENS, &["aaa;", "aaaaaaaaaaaaa;ab"]);
}

/// The tokens that are too long for one head may fit another.
#[test]
fn two_heads_in_loops_of_different_bounds() {
    let source = format!("root = \"b\"? ([{LETTERS}]{{2,66}} | [{LETTERS}]{{0,80}} \";\") ;");
    let long = "a".repeat(64);
    masks_are_exact(&source, TOKENS, &["baaaa;", &long, &format!("b{long};")]);
}

/// Near a bound some tokens are judged one by one.
#[test]
fn near_the_greatest_count() {
    let source =
        format!("root = \"\\\"\" [{LETTERS}]{{0,90}} \"\\\"\" (\",\" \"\\\"\" [{LETTERS}]{{1,90}} \"\\\"\")* ;");
    let word = format!("\"{}\",\"{}\"", "a".repeat(90), "b".repeat(89));
    masks_are_exact(&source, TOKENS, &[&word]);
}

/// Every letter leads on to some state that reads every letter, and only one of them ends.
#[test]
fn states_that_letters_lead_to_and_fro_among() {
    let source = format!("root = [{LETTERS}]* \"ab\" [{LETTERS}] [{LETTERS}] \";\" ;");
    masks_are_exact(&source, TOKENS, &["aaabab;", "abcd;", "ababababab;"]);
    let bounded = format!("root = ([{LETTERS}] [a] [{LETTERS}] \";\"?){{1,20}} \".\" ;");
    masks_are_exact(&bounded, TOKENS, &["aaabab;", "aaaaaa;aaa"]);
}
