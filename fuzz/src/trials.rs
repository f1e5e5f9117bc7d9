//! Masks against trying every token.

use std::sync::Arc;

use grammar_ir::{Grammar, Limits};
use mask_runtime::{CompiledGrammar, FillError, Matcher, Tokenizer, bitmask};

/// What is wrong with the masks on the way through `text`, byte by byte: tokens that a mask has and that are not accepted there, or
/// the reverse. Twice, as the second time masks are known.
///
/// # Panics
/// When the grammar cannot be compiled, or does not accept `text`.
pub fn wrong_bits(tokenizer: &Arc<Tokenizer>, grammar: &Grammar, text: &str) -> Vec<String> {
    let compiled = CompiledGrammar::new(grammar, Arc::clone(tokenizer), &Limits::default());
    let compiled = compiled.unwrap_or_else(|error| panic!("{error}"));
    let mut wrong = Vec::new();
    for _ in 0..2 {
        let mut matcher = Matcher::new(Arc::clone(&compiled));
        let mut row = matcher.row();
        for place in 0..=text.len() {
            let before = &text[..place];
            let filled = matcher.fill(&mut row);
            if let Err(error) = filled
                && error != FillError::Finished
            {
                wrong.push(format!("{error} after {before:?}"));
            }
            for token in 0..tokenizer.vocabulary().size() as u32 {
                let is_accepted = matcher.accept_token(token).is_ok();
                if is_accepted {
                    assert!(matcher.rollback(1).is_ok());
                }
                if bitmask::contains(&row, token) != is_accepted {
                    let bytes = String::from_utf8_lossy(tokenizer.vocabulary().bytes(token));
                    let fault = if is_accepted { "forbidden, but accepted" } else { "allowed, but not accepted" };
                    wrong.push(format!("{bytes:?} is {fault} after {before:?}"));
                }
            }
            if let Some(&byte) = text.as_bytes().get(place) {
                assert!(matcher.accept_bytes(&[byte]).is_ok(), "byte {place} of {text:?}");
            }
        }
    }
    wrong
}
