//! A random walk over token masks.

use std::collections::BTreeMap;

use mask_runtime::{AcceptError, FillError, Matcher, TokenKind, Vocabulary, bitmask};
use oorandom::Rand64;

use super::derivation::Derivation;
use super::distance::Distances;

/// The probability that a text ends at the first place where it may; it grows to one as the tokens run out.
const FIRST_END: f64 = 0.2;
/// How much of a completion is looked at to choose one token.
const COMPLETION_BYTES: usize = 64;

/// Why a walk could not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// There is no mask.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// A token that the mask allows is not accepted.
    #[error(transparent)]
    Accept(#[from] AcceptError),
}

/// A text that was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// Its tokens, without a stop token.
    pub tokens: Vec<u32>,
    /// Their bytes.
    pub text: Vec<u8>,
    /// Whether it is a word of the language, and not cut off.
    pub complete: bool,
}

impl Walk {
    /// Draws a text of at most `max_tokens` tokens. The matcher is at the beginning.
    ///
    /// # Errors
    /// When there is no mask, or a token of a mask is not accepted.
    pub fn draw(
        matcher: &mut Matcher,
        distances: &Distances,
        mut random: Rand64,
        max_tokens: usize,
    ) -> Result<Self, WalkError> {
        let compiled = matcher.grammar().clone();
        let vocabulary = compiled.vocabulary();
        let mut derivation = Derivation::new(compiled.pda(), distances);
        let mut walk = Self { tokens: Vec::new(), text: Vec::new(), complete: false };
        let mut row = matcher.row();
        loop {
            let used = walk.tokens.len();
            walk.complete = matcher.is_complete();
            if walk.complete {
                let share = used as f64 / max_tokens.max(1) as f64;
                if used >= max_tokens || random.rand_float() < FIRST_END + (1.0 - FIRST_END) * share {
                    return Ok(walk);
                }
            }
            if used >= max_tokens {
                return Ok(walk);
            }
            match matcher.fill(&mut row) {
                Ok(()) => {}
                Err(FillError::Finished) => return Ok(walk),
                Err(error) => return Err(error.into()),
            }
            if walk.complete {
                matcher.stop_tokens().iter().for_each(|&stop| bitmask::clear(&mut row, stop));
            }
            let steps_left = (max_tokens - used - 1) as u64;
            let Some(token) = next(&mut derivation, vocabulary, &row, &mut random, steps_left, max_tokens as u64)
            else {
                // Nothing but the end can follow.
                return Ok(walk);
            };
            matcher.accept_token(token)?;
            walk.text.extend_from_slice(vocabulary.bytes(token));
            walk.tokens.push(token);
        }
    }
}

/// Chooses a token and reads it: any allowed one in the first half of the walk, then with a growing probability one on
/// the way to the end, and always one of those if the end could not be reached in the steps left otherwise.
fn next(
    derivation: &mut Derivation<'_>,
    vocabulary: &Vocabulary,
    row: &[u32],
    random: &mut Rand64,
    steps_left: u64,
    max_tokens: u64,
) -> Option<u32> {
    let share_left = steps_left as f64 / max_tokens as f64;
    let hurry = random.rand_float() < 1.0 - 2.0 * share_left;
    let free = choose(vocabulary, row, random)?;
    let before = derivation.position();
    if !hurry {
        derivation.read_token(free, vocabulary.bytes(free));
        if derivation.distance().is_none_or(|distance| distance <= steps_left) {
            return Some(free);
        }
        derivation.go_back(&before);
    }
    let token = on_the_way(derivation, vocabulary, row).unwrap_or(free);
    derivation.read_token(token, vocabulary.bytes(token));
    Some(token)
}

/// The longest allowed token that a shortest completion begins with.
fn on_the_way(derivation: &mut Derivation<'_>, vocabulary: &Vocabulary, row: &[u32]) -> Option<u32> {
    let completion = derivation.completion(COMPLETION_BYTES);
    let fitting = bitmask::iter(row).filter(|&id| {
        let bytes = vocabulary.bytes(id);
        !bytes.is_empty() && completion.starts_with(bytes)
    });
    fitting.max_by_key(|&id| (vocabulary.bytes(id).len(), std::cmp::Reverse(id)))
}

/// First a first byte, each as likely as the others, then a token that begins with it: the tokens that end things are
/// few in number, and would hardly ever be chosen among all. Tokens without bytes are together one more choice.
fn choose(vocabulary: &Vocabulary, row: &[u32], random: &mut Rand64) -> Option<u32> {
    let mut groups: BTreeMap<Option<u8>, Vec<u32>> = BTreeMap::new();
    for id in bitmask::iter(row).filter(|&id| vocabulary.kind(id) != TokenKind::Hole) {
        groups.entry(vocabulary.bytes(id).first().copied()).or_default().push(id);
    }
    let groups: Vec<Vec<u32>> = groups.into_values().collect();
    one_of(one_of(&groups, random)?, random).copied()
}

fn one_of<'a, T>(list: &'a [T], random: &mut Rand64) -> Option<&'a T> {
    if list.is_empty() {
        return None;
    }
    list.get(usize::try_from(random.rand_range(0..list.len() as u64)).ok()?)
}
