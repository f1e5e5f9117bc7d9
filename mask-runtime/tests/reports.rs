//! What a matcher reports of rules with attributes: the parts of the text that they match, and the temperature.

use grammar_ir::{Limits, text};
use mask_runtime::{CaptureError, CompiledGrammar, Matcher, MatcherOptions, Token, Tokenizer, Vocabulary};

/// Ids: letters `a` to `e` are 0 to 4, `ab` is 5, `<x>` is 6, the stop token is 7.
fn matcher(grammar: &str) -> Matcher {
    let texts = ["a", "b", "c", "d", "e", "ab"].map(|text| Token::Text(text.into()));
    let specials = ["<x>", "</s>"].map(|name| Token::Special(name.into()));
    let vocabulary = Vocabulary::from_tokens(texts.into_iter().chain(specials)).unwrap().with_stop_tokens([7]).unwrap();
    let grammar = text::parse(grammar).unwrap();
    Matcher::new(CompiledGrammar::new(&grammar, Tokenizer::new(vocabulary), &Limits::default()).unwrap())
}

fn captures(matcher: &Matcher) -> Vec<(String, String)> {
    let captures = matcher.captures().unwrap().into_iter();
    captures.map(|capture| (capture.name, String::from_utf8(capture.text).unwrap())).collect()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec()
}

#[test]
fn parts_are_reported_once_the_text_is_complete() {
    let mut matcher = matcher(
        r#"root = "a" inner "d"? ; inner %capture("inner") = ("b" | %token(6))* last ; last %capture("last") = "c"? ;"#,
    );
    assert_eq!(captures(&matcher), []);
    matcher.accept_token(5).unwrap();
    assert_eq!(captures(&matcher), pairs([("last", ""), ("inner", "b")]));
    matcher.accept_token(6).unwrap();
    matcher.accept_bytes(b"bc").unwrap();
    let whole = pairs([("last", "c"), ("inner", "b<x>bc")]);
    assert_eq!(captures(&matcher), whole);
    let fork = matcher.fork();
    matcher.accept_token(3).unwrap();
    matcher.accept_token(7).unwrap();
    assert_eq!(captures(&matcher), whole);
    matcher.rollback(4).unwrap();
    assert_eq!(captures(&matcher), pairs([("last", ""), ("inner", "b")]));
    assert_eq!(captures(&fork), whole);
    matcher.reset();
    assert_eq!(captures(&matcher), []);
}

#[test]
fn budgets_decide_which_part_is_whose() {
    let mut matcher = matcher(r#"root = r "a"* ; r %max_tokens(2) %capture("r") = "a"* ;"#);
    for _ in 0..4 {
        matcher.accept_token(0).unwrap();
    }
    assert_eq!(captures(&matcher), pairs([("r", "aa")]));
}

#[test]
fn markers_are_left_out_of_what_is_reported() {
    let mut matcher =
        matcher(r#"root %capture("all") = r "d" ; r %capture("r") %stop(2, "end") = [a-c]* ("<"|%token(6)) ; "#);
    matcher.accept_token(5).unwrap();
    matcher.accept_token(6).unwrap();
    matcher.accept_token(3).unwrap();
    // Positions are symbols: a token without bytes is one.
    assert_eq!(captures(&matcher), pairs([("end", "b<x>"), ("r", "a"), ("all", "ad")]));
}

/// A grammar that reads a text in exponentially many ways, and captures in captures, end in time with an error.
#[test]
fn what_takes_too_long_is_an_error() {
    let mut ambiguous = matcher(r#"root %capture("all") = root root root | "a" | "" ;"#);
    ambiguous.accept_bytes(&b"a".repeat(20)).unwrap();
    assert_eq!(ambiguous.captures().unwrap().last().map(|all| all.text.len()), Some(20));
    ambiguous.accept_bytes(&b"a".repeat(3_000)).unwrap();
    let error = ambiguous.captures().unwrap_err();
    assert!(matches!(error, CaptureError::Steps { .. }), "{error}");

    let mut nested = matcher(r#"root %capture("all") = root "a" | "" ;"#);
    nested.accept_bytes(&b"a".repeat(1_000)).unwrap();
    assert_eq!(nested.captures().unwrap().len(), 1_001);
    nested.accept_bytes(&b"a".repeat(9_000)).unwrap();
    let error = nested.captures().unwrap_err();
    assert!(matches!(error, CaptureError::Length { .. }), "{error}");
}

#[test]
fn nothing_is_reported_without_names() {
    let mut matcher = matcher(r#"root = inner ; inner %max_tokens(3) = "a" ;"#);
    matcher.accept_token(0).unwrap();
    assert_eq!(captures(&matcher), []);
}

#[test]
fn the_temperature_is_that_of_the_innermost_rule() {
    let mut matcher = matcher(
        r#"root = "a" hot "d" ; hot %temperature("0.5") = "b"+ cold? ; cold %temperature("0.25") = "c" deep "c" ; deep = "e" ;"#,
    );
    assert_eq!(matcher.temperature(), None);
    matcher.accept_token(0).unwrap();
    assert_eq!(matcher.temperature(), Some(0.5));
    matcher.accept_token(1).unwrap();
    assert_eq!(matcher.temperature(), Some(0.5), "of those that can come next, the greatest");
    matcher.accept_token(2).unwrap();
    assert_eq!(matcher.temperature(), Some(0.25), "also in what is called by it");
    matcher.accept_token(4).unwrap();
    assert_eq!(matcher.temperature(), Some(0.25));
    matcher.accept_token(2).unwrap();
    assert_eq!(matcher.temperature(), None, "after the rules nothing is advised");
    matcher.rollback(2).unwrap();
    assert_eq!(matcher.temperature(), Some(0.25));
    matcher.accept_bytes(b"ecd").unwrap();
    matcher.accept_token(7).unwrap();
    assert_eq!(matcher.temperature(), None);
}

#[test]
fn the_temperature_of_the_root_holds_everywhere_and_deep_stacks_are_no_trap() {
    let mut matcher = matcher(r#"root %temperature("1") = nested | %token(6) ; nested = "a" nested "b" | "c" ;"#);
    assert_eq!(matcher.temperature(), Some(1.0));
    for _ in 0..100_000 {
        matcher.accept_token(0).unwrap();
    }
    assert_eq!(matcher.temperature(), Some(1.0));
}

#[test]
fn what_ends_the_text_has_no_temperature() {
    let options = MatcherOptions { terminate_when_complete: true, ..Default::default() };
    let grammar = matcher(r#"root = "a" | "a" more ; more %temperature("2") = "b" ;"#).grammar().clone();
    let mut matcher = Matcher::with_options(grammar, options).unwrap();
    matcher.accept_token(0).unwrap();
    assert!(matcher.is_terminated());
    assert_eq!(matcher.temperature(), Some(2.0), "more could come, and the advice is for that");
}
