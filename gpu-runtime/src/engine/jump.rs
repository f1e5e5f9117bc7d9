//! Jump-forward: text that the grammar forces, as the tokens that the model would have seen.

use mask_runtime::{TokenIndex, TokenKind, Vocabulary};

use super::token_matcher::TokenMatcher;
use crate::text::Encoder;

/// The longest forced text that is looked for at once.
const MAX_BYTES: usize = 512;

/// How many tokens before the forced text are encoded with it.
const CONTEXT_TOKENS: usize = 8;

/// What is needed to find forced tokens, the same for all sequences.
#[derive(Debug)]
pub(super) struct Jumper<'a> {
    pub(super) encoder: &'a Encoder,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) index: &'a TokenIndex,
}

impl Jumper<'_> {
    /// Accepts forced tokens after the tokens `before`, at most `max`, and answers them.
    ///
    /// A token is only taken if encoding the whole text could not give another one there, whatever follows: the text is
    /// encoded together with what stands before it, and tokens at the end that a longer token could take in are left to
    /// the model.
    pub(super) fn jump(&self, matcher: &mut dyn TokenMatcher, before: &[u32], max: usize) -> Vec<u32> {
        let forced = matcher.forced_bytes(MAX_BYTES);
        // A single byte is as quickly sampled.
        if forced.len() < 2 || max == 0 {
            return Vec::new();
        }
        let Some(mut tokens) = self.encode_after(before, &forced) else { return Vec::new() };
        tokens.truncate(self.settled(&tokens));
        tokens.truncate(max);
        for (accepted, &token) in tokens.iter().enumerate() {
            if matcher.accept_token(token).is_err() {
                // Each accept is one step, so this takes back exactly those made here.
                let undone = matcher.rollback(accepted);
                debug_assert!(undone.is_ok());
                return Vec::new();
            }
        }
        tokens
    }

    /// The tokens of `forced` after `before`, if there is a boundary of tokens between them.
    fn encode_after(&self, before: &[u32], forced: &[u8]) -> Option<Vec<u32>> {
        let forced = &forced[..forced.len() - unfinished_length(forced)];
        let is_text = |token: &&u32| self.vocabulary.kind(**token) == TokenKind::Text;
        let context: Vec<u32> = before.iter().rev().take(CONTEXT_TOKENS).take_while(is_text).copied().collect();
        let mut text: Vec<u8> = context.iter().rev().flat_map(|&token| self.vocabulary.bytes(token)).copied().collect();
        text.extend_from_slice(forced);
        let mut tokens = self.encoder.encode(std::str::from_utf8(&text).ok()?).ok()?;
        let mut start = tokens.len();
        let mut length = 0;
        while length < forced.len() {
            start = start.checked_sub(1)?;
            length += self.vocabulary.bytes(tokens[start]).len();
        }
        let is_boundary = length == forced.len() && tokens[..start].last() == context.first();
        let tokens = tokens.split_off(start);
        let is_same = tokens.iter().flat_map(|&token| self.vocabulary.bytes(token)).eq(forced);
        (is_boundary && is_same).then_some(tokens)
    }

    /// How many of `tokens` stay as they are whatever follows.
    fn settled(&self, tokens: &[u32]) -> usize {
        let longest = self.index.max_depth();
        let mut settled = tokens.len();
        let mut rest = Vec::new();
        for position in (0..tokens.len()).rev() {
            rest.splice(0..0, self.vocabulary.bytes(tokens[position]).iter().copied());
            if rest.len() >= longest {
                break;
            }
            if self.is_prefix_of_longer(&rest) {
                settled = position;
            }
        }
        settled
    }

    /// Whether a text token begins with `text` and is longer.
    fn is_prefix_of_longer(&self, text: &[u8]) -> bool {
        let tokens = self.index.tokens();
        let after = tokens.partition_point(|&token| self.vocabulary.bytes(token) <= text);
        tokens.get(after).is_some_and(|&token| self.vocabulary.bytes(token).starts_with(text))
    }
}

/// The length of a character at the end of `text` that is not finished.
fn unfinished_length(text: &[u8]) -> usize {
    match std::str::from_utf8(text) {
        Err(error) if error.error_len().is_none() => text.len() - error.valid_up_to(),
        _ => 0,
    }
}
