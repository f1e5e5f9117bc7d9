//! The meaning of each kind of expression: what it begins with, what advances it, when it is complete.
//!
//! Progress is a number whose reading depends on the expression:
//!
//! | expression | progress |
//! |---|---|
//! | `Bytes`, `Sequence` | how many bytes or operands are behind |
//! | `ByteSet`, `Token`, `Choice`, `Rule` | 0 before, 1 after |
//! | `Class` | 0 before, 1 after; in between the bytes of the character so far, in base 256 after a leading 1 |
//! | `Repeat` | how many repetitions are behind; without an upper bound, at most `min` |
//! | `Automaton` | the state; with a counter, the count times the number of states and the state |
//! | `Scope` | a number that the scope knows the meaning of |

use crate::{ByteAutomaton, CharSet, Counter, Expr, ExprId, Grammar};

/// The progress with which every expression begins.
pub(super) const START: usize = 0;
/// The progress of an expression of one step that has been taken.
pub(super) const DONE: usize = 1;

/// What an expression needs next in order to advance.
pub(super) enum Step<'g> {
    /// It cannot advance.
    Nothing,
    /// A byte.
    Byte,
    /// A token.
    Token,
    /// A word of one of these.
    OneOf(&'g [ExprId]),
    /// What its progress says, which is for `scope` to read.
    Scope,
}

pub(super) fn next<'g>(grammar: &'g Grammar, expr: &'g Expr, progress: usize) -> Step<'g> {
    match expr {
        Expr::Bytes(bytes) if progress < bytes.len() => Step::Byte,
        Expr::ByteSet(_) | Expr::Class(_) if progress != DONE => Step::Byte,
        Expr::Automaton(_) => Step::Byte,
        Expr::Token(_) if progress == START => Step::Token,
        Expr::Sequence(operands) => Step::OneOf(operands.get(progress).map_or(&[], std::slice::from_ref)),
        Expr::Choice(operands) if progress == START => Step::OneOf(operands),
        Expr::Rule(rule) if progress == START => Step::OneOf(std::slice::from_ref(&grammar.rule(*rule).body)),
        Expr::Scope { .. } => Step::Scope,
        Expr::Repeat { body, max, .. } if max.is_none_or(|max| progress < max as usize) => {
            Step::OneOf(std::slice::from_ref(body))
        }
        _ => Step::Nothing,
    }
}

/// Whether what is behind is a word of the expression.
pub(super) fn is_complete(expr: &Expr, progress: usize) -> bool {
    match expr {
        Expr::Empty => true,
        // Marked parts are for the scope around them to wait for.
        Expr::Never | Expr::Scope { .. } | Expr::Marked { .. } => false,
        Expr::Bytes(bytes) => progress == bytes.len(),
        Expr::Sequence(operands) => progress == operands.len(),
        Expr::ByteSet(_) | Expr::Class(_) | Expr::Token(_) | Expr::Choice(_) | Expr::Rule(_) => progress == DONE,
        Expr::Repeat { min, .. } => progress >= *min as usize,
        Expr::Automaton(automaton) => {
            let (state, count) = state_and_count(automaton, progress);
            automaton.accepting[state] && automaton.counter.is_none_or(|counter| count >= counter.min as usize)
        }
    }
}

/// The progress after `byte`, if the expression has a word that goes on with it. (For an automaton it is for the
/// caller to know whether the state can still accept.)
pub(super) fn on_byte(expr: &Expr, progress: usize, byte: u8) -> Option<usize> {
    match expr {
        Expr::Bytes(bytes) => (bytes.get(progress) == Some(&byte)).then_some(progress + 1),
        Expr::ByteSet(set) => (progress == START && set.contains(byte)).then_some(DONE),
        Expr::Class(set) => {
            let mut bytes = class_bytes(progress);
            bytes.push(byte);
            let whole = encoded_len(bytes[0]) == Some(bytes.len());
            let after = if whole { DONE } else { progress.max(1) << 8 | usize::from(byte) };
            has_character_starting_with(set, &bytes).then_some(after)
        }
        Expr::Automaton(automaton) => {
            let (state, count) = state_and_count(automaton, progress);
            let edge = automaton.edge(u32::try_from(state).ok()?, byte)?;
            let count = count + usize::from(edge.counts);
            // Without an upper bound, counts past the lower one do not differ; with one, no word has more.
            let count = match automaton.counter {
                Some(Counter { min, max: None }) => count.min(min as usize),
                Some(Counter { max: Some(max), .. }) if count > max as usize => return None,
                _ => count,
            };
            Some(count * automaton.edges.len() + edge.target as usize)
        }
        _ => None,
    }
}

/// The progress after a word of the part that was waited for; `empty` says that it is the empty word.
pub(super) fn over_part(expr: &Expr, progress: usize, empty: bool) -> usize {
    match expr {
        Expr::Sequence(_) => progress + 1,
        // A body that has the empty word can fill up to the least number of repetitions with it. More of them would
        // only take from the number that is left, so counting every empty repetition adds nothing.
        Expr::Repeat { min, .. } if empty => progress.max(*min as usize),
        Expr::Repeat { min, max: None, .. } => (progress + 1).min(*min as usize),
        Expr::Repeat { max: Some(_), .. } => progress + 1,
        _ => DONE,
    }
}

/// The state of an automaton, and how many edges that count are behind.
pub(super) fn state_and_count(automaton: &ByteAutomaton, progress: usize) -> (usize, usize) {
    (progress % automaton.edges.len(), progress / automaton.edges.len())
}

/// The bytes that the progress of a class stands for, at most three.
fn class_bytes(progress: usize) -> Vec<u8> {
    let bytes: Vec<u8> = progress.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    bytes.get(1..).map_or(Vec::new(), <[u8]>::to_vec)
}

/// How long an encoding is that begins with `lead`. By RFC 3629, section 3.
fn encoded_len(lead: u8) -> Option<usize> {
    match lead {
        0x00..=0x7f => Some(1),
        0xc2..=0xdf => Some(2),
        0xe0..=0xef => Some(3),
        0xf0..=0xf4 => Some(4),
        _ => None,
    }
}

/// Whether the UTF-8 encoding of some character of `set` starts with `bytes`.
fn has_character_starting_with(set: &CharSet, bytes: &[u8]) -> bool {
    let Some((&lead, rest)) = bytes.split_first() else { return !set.is_empty() };
    let Some(len) = encoded_len(lead) else { return false };
    let Some(missing) = len.checked_sub(bytes.len()) else { return false };
    if rest.iter().any(|byte| !(0x80..=0xbf).contains(byte)) {
        return false;
    }
    // The code points whose encodings of `len` bytes start so are one range: the bits that are missing, all 0 to all 1.
    let lead_bits = u32::from(lead) & [0x7f, 0x1f, 0x0f, 0x07][len - 1];
    let bits = rest.iter().fold(lead_bits, |bits, &byte| bits << 6 | u32::from(byte & 0x3f));
    let (low, high) = (bits << (6 * missing), ((bits + 1) << (6 * missing)) - 1);
    // Shorter encodings are not allowed to be written longer, and surrogates are not characters.
    let (shortest, longest) = [(0, 0x7f), (0x80, 0x7ff), (0x800, 0xffff), (0x10000, 0x10ffff)][len - 1];
    let (low, high) = (low.max(shortest), high.min(longest));
    let candidates = [(low, high.min(0xd7ff)), (low.max(0xe000), high)];
    candidates.iter().any(|&(low, high)| {
        set.ranges().iter().any(|&(first, last)| low.max(u32::from(first)) <= high.min(u32::from(last)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_enumeration(set: &CharSet, bytes: &[u8]) -> bool {
        let mut buffer = [0; 4];
        set.ranges()
            .iter()
            .any(|&(low, high)| (low..=high).any(|c| c.encode_utf8(&mut buffer).as_bytes().starts_with(bytes)))
    }

    #[test]
    fn class_prefixes_agree_with_enumeration() {
        let sets = [
            CharSet::full(),
            CharSet::range('\u{d7fe}', '\u{e001}'),
            CharSet::range('\u{7f}', '\u{80}'),
            CharSet::range('\u{7ff}', '\u{800}'),
            CharSet::range('\u{ffff}', '\u{10000}'),
            CharSet::single(char::MAX),
        ];
        let edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1];
        let leads = (0..=255u8).step_by(7).chain([0x7f, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5]);
        for lead in leads {
            for second in edges {
                for bytes in [vec![lead], vec![lead, second], vec![lead, second, 0x80], vec![lead, second, 0xbf, 0xbf]]
                {
                    for set in &sets[1..] {
                        let expected = by_enumeration(set, &bytes);
                        assert_eq!(has_character_starting_with(set, &bytes), expected, "{set:?} {bytes:x?}");
                    }
                    assert_eq!(has_character_starting_with(&sets[0], &bytes), begins_a_character(&bytes), "{bytes:x?}");
                }
            }
        }
    }

    /// Whether the standard library finds `bytes` to be one character or the beginning of one.
    fn begins_a_character(bytes: &[u8]) -> bool {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.chars().count() == 1,
            Err(error) => error.valid_up_to() == 0 && error.error_len().is_none(),
        }
    }
}
