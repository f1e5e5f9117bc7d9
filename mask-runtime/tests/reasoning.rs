//! Reasoning before an answer: masks, markers of several tokens, budgets, rollback.

use grammar_ir::{Limits, text};
use mask_runtime::{
    CompiledGrammar, MarkerError, Matcher, ReasoningMatcher, ReasoningOptions, Token, Tokenizer, Vocabulary, bitmask,
};

const TEXTS: [&str; 6] = ["a", "b", "</", "think", ">", "ab"];
/// A hole, a special token and the stop token come after the texts.
const SPECIAL: u32 = 7;
const STOP: u32 = 8;

fn matcher(options: ReasoningOptions) -> Result<ReasoningMatcher, MarkerError> {
    let texts = TEXTS.iter().map(|text| Token::Text(text.as_bytes().to_vec()));
    let others = [Token::Hole, Token::Special("<x>".to_owned()), Token::Special("</s>".to_owned())];
    let vocabulary = Vocabulary::from_tokens(texts.chain(others)).unwrap().with_stop_tokens([STOP]).unwrap();
    let grammar = text::parse("root = \"a\" \"b\"* ;").unwrap();
    let compiled = CompiledGrammar::new(&grammar, Tokenizer::new(vocabulary), &Limits::default()).unwrap();
    ReasoningMatcher::new(Matcher::new(compiled), options)
}

fn allowed(matcher: &mut ReasoningMatcher) -> Vec<u32> {
    let mut row = matcher.matcher().row();
    matcher.fill(&mut row).unwrap();
    let allowed: Vec<u32> = bitmask::iter(&row).collect();
    for token in 0..10 {
        let mut copy = matcher.clone();
        assert_eq!(copy.accept_token(token).is_ok(), allowed.contains(&token), "token {token}");
    }
    allowed
}

const EVERYTHING: [u32; 8] = [0, 1, 2, 3, 4, 5, SPECIAL, STOP];

#[test]
fn nothing_is_constrained_before_a_marker_of_several_tokens() {
    let mut matcher = matcher(ReasoningOptions::new([2, 3, 4])).unwrap();
    for token in [0, STOP, SPECIAL, 2, 2, 3, 0, 3, 4, 2, 3] {
        assert_eq!(allowed(&mut matcher), EVERYTHING);
        assert!(matcher.is_reasoning() && !matcher.is_complete() && !matcher.is_terminated());
        matcher.accept_token(token).unwrap();
    }
    matcher.accept_token(4).unwrap();
    assert!(!matcher.is_reasoning());
    assert_eq!(allowed(&mut matcher), [0, 5]);
    matcher.accept_token(5).unwrap();
    assert_eq!(allowed(&mut matcher), [1, STOP]);
    assert!(matcher.is_complete());
    matcher.accept_token(STOP).unwrap();
    assert!(matcher.is_terminated());
}

#[test]
fn a_marker_that_overlaps_itself_is_found_at_its_first_occurrence() {
    for (marker, tokens) in [
        (vec![0, 0, 1], vec![0, 0, 0, 1]),
        (vec![0, 1, 0, 2], vec![0, 1, 0, 1, 0, 2]),
        (vec![0, 1, 0, 1], vec![0, 0, 1, 1, 0, 1, 0, 1]),
        (vec![0], vec![1, 1, 0]),
    ] {
        let mut matcher = matcher(ReasoningOptions::new(marker.clone())).unwrap();
        for (index, &token) in tokens.iter().enumerate() {
            assert!(matcher.is_reasoning(), "{marker:?} before {index}");
            matcher.accept_token(token).unwrap();
        }
        assert!(!matcher.is_reasoning(), "{marker:?}");
    }
}

#[test]
fn rollback_across_the_marker_restores_every_mask() {
    for budget in [None, Some(3)] {
        let mut options = ReasoningOptions::new([2, 3, 4]);
        options.budget = budget;
        let mut matcher = matcher(options).unwrap();
        let tokens = [0, 0, 2, 3, 4, 5, 1, 1, STOP];
        let mut masks = Vec::new();
        for token in tokens {
            masks.push((allowed(&mut matcher), matcher.is_reasoning(), matcher.forced_token()));
            matcher.accept_token(token).unwrap();
        }
        for back in 1..=tokens.len() {
            let mut copy = matcher.clone();
            copy.rollback(back).unwrap();
            for (&token, mask) in tokens.iter().zip(&masks).skip(tokens.len() - back) {
                assert_eq!((allowed(&mut copy), copy.is_reasoning(), copy.forced_token()), *mask);
                copy.accept_token(token).unwrap();
            }
        }
        assert!(matcher.rollback(tokens.len() + 1).is_err());
        assert_eq!(matcher.step_count(), tokens.len());
        matcher.reset();
        assert_eq!(allowed(&mut matcher), masks[0].0);
        assert_eq!(matcher.validate_tokens(&[0, 0, 2, 3, 4, 5, 0]), 6);
        assert_eq!(matcher.step_count(), 0);
    }
}

#[test]
fn a_spent_budget_forces_the_marker_and_the_answer_begins() {
    let mut matcher = matcher(ReasoningOptions::new([2, 3, 4]).with_budget(2)).unwrap();
    matcher.accept_token(0).unwrap();
    matcher.accept_token(2).unwrap();
    // One token of the marker was there already.
    for forced in [3, 4] {
        assert_eq!(matcher.forced_token(), Some(forced));
        assert_eq!(allowed(&mut matcher), [forced]);
        matcher.accept_token(forced).unwrap();
    }
    assert_eq!(matcher.forced_token(), None);
    assert_eq!(allowed(&mut matcher), [0, 5]);
}

#[test]
fn without_a_budget_to_spend_the_marker_comes_first() {
    let mut matcher = matcher(ReasoningOptions::new([SPECIAL]).with_budget(0)).unwrap();
    assert_eq!(allowed(&mut matcher), [SPECIAL]);
    matcher.accept_token(SPECIAL).unwrap();
    assert_eq!(allowed(&mut matcher), [0, 5]);
}

#[test]
fn markers_are_checked() {
    assert_eq!(matcher(ReasoningOptions::new([])).err(), Some(MarkerError::Empty));
    assert_eq!(matcher(ReasoningOptions::new([0, 6])).err(), Some(MarkerError::NoSuchToken(6)));
    assert_eq!(matcher(ReasoningOptions::new([9])).err(), Some(MarkerError::NoSuchToken(9)));
}
