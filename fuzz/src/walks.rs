//! Masks on states of real grammars with a real vocabulary, against brute force.

use std::sync::Arc;

use grammar_ir::Limits;
use grammar_ir::interp::Recognizer;
use mask_runtime::{CompiledGrammar, Matcher, Thresholds, Tokenizer, Vocabulary, bitmask};

use crate::random::Random;
use crate::{BruteForce, corpus, stored};

/// What a comparison has seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Compared {
    /// Masks compared, all equal.
    pub masks: usize,
    /// Bits set in them.
    pub bits: usize,
}

/// Where the grammars come from whose masks are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// They were compiled.
    Compiled,
    /// They were compiled, for a tokenizer whose thresholds are the least, so that every shortcut is taken that can be.
    Shortcuts,
    /// They were compiled, written to a file with tables for all states, and read again.
    Stored,
}

/// Steps of one walk.
const STEPS: usize = 24;

/// From the start of each committed grammar, random walks over the masks lead to the states that are compared: every bit
/// of every mask, and whether the text may end. `states` masks, shared evenly between the grammars.
///
/// A step chooses a first byte among those allowed, and then a token: chosen by token, nearly every step would be another
/// word of whatever text it is in, and no walk would come to the end of a string.
///
/// # Errors
/// The first difference, with the text that leads to it.
pub fn compare(vocabulary: Vocabulary, form: Form, states: usize, seed: u64) -> Result<Compared, String> {
    let tokenizer = match form {
        Form::Compiled | Form::Stored => Tokenizer::new(vocabulary),
        Form::Shortcuts => Tokenizer::with_thresholds(vocabulary, Thresholds::LEAST),
    };
    let brute_force = BruteForce::new(tokenizer.vocabulary());
    let mut random = Random::new(seed);
    let mut compared = Compared::default();
    let limits = Limits::default();
    for (index, (name, text)) in corpus::GRAMMARS.iter().enumerate() {
        let grammar = corpus::compile(name, text, &limits)?;
        let compiled = CompiledGrammar::new(&grammar, Arc::clone(&tokenizer), &limits)
            .map_err(|error| format!("{name}: {error}"))?;
        let compiled = match form {
            Form::Compiled | Form::Shortcuts => compiled,
            Form::Stored => stored::round_trip(&compiled).map_err(|error| format!("{name}: {error}"))?,
        };
        let grammars = corpus::GRAMMARS.len();
        let share = states * (index + 1) / grammars - states * index / grammars;
        let mut left = share;
        while left > 0 {
            let mut matcher = Matcher::new(Arc::clone(&compiled));
            let mut recognizer = Recognizer::new(&grammar);
            let mut prefix = Vec::new();
            let steps = left.min(STEPS);
            let walked = walk(&brute_force, &grammar, &mut matcher, &mut recognizer, &mut random, steps, &mut prefix);
            let walked =
                walked.map_err(|error| format!("{name}: after {:?}: {error}", String::from_utf8_lossy(&prefix)))?;
            left = left.saturating_sub(walked.masks);
            compared.masks += walked.masks;
            compared.bits += walked.bits;
        }
    }
    Ok(compared)
}

fn walk(
    brute_force: &BruteForce<'_>,
    grammar: &grammar_ir::Grammar,
    matcher: &mut Matcher,
    recognizer: &mut Recognizer<'_>,
    random: &mut Random,
    steps: usize,
    prefix: &mut Vec<u8>,
) -> Result<Compared, String> {
    let compiled = Arc::clone(matcher.grammar());
    let vocabulary = compiled.vocabulary();
    let (mut row, mut expected) = (matcher.row(), matcher.row());
    let mut compared = Compared::default();
    for _ in 0..steps {
        matcher.fill(&mut row).map_err(|error| error.to_string())?;
        brute_force.fill(grammar, recognizer, &mut expected);
        if row != expected || matcher.is_complete() != recognizer.is_accepting() {
            return Err(difference(&row, &expected));
        }
        compared.masks += 1;
        compared.bits += bitmask::count(&row);
        let allowed: Vec<u32> = bitmask::iter(&row).filter(|&id| !vocabulary.is_stop(id)).collect();
        let Some(token) = choose(&allowed, vocabulary, random) else { break };
        let bytes = vocabulary.bytes(token);
        if matcher.accept_token(token).is_err() || !recognizer.push_token(token, bytes, false) {
            return Err(format!("token {token} is set but not accepted"));
        }
        prefix.extend_from_slice(bytes);
    }
    Ok(compared)
}

/// A first byte, then the shorter of two tokens that begin with it.
fn choose(allowed: &[u32], vocabulary: &Vocabulary, random: &mut Random) -> Option<u32> {
    let first = |id: u32| vocabulary.bytes(id).first().copied();
    let mut firsts: Vec<Option<u8>> = allowed.iter().map(|&id| first(id)).collect();
    firsts.sort_unstable();
    firsts.dedup();
    let chosen = *firsts.get(random.below(firsts.len()))?;
    let tokens: Vec<u32> = allowed.iter().copied().filter(|&id| first(id) == chosen).collect();
    let two = [tokens[random.below(tokens.len())], tokens[random.below(tokens.len())]];
    two.into_iter().min_by_key(|&id| vocabulary.bytes(id).len())
}

fn difference(row: &[u32], expected: &[u32]) -> String {
    let only = |left: &[u32], right: &[u32]| {
        let only: Vec<u32> = left.iter().zip(right).map(|(left, right)| left & !right).collect();
        bitmask::iter(&only).take(10).collect::<Vec<_>>()
    };
    format!("wrongly allowed {:?}, wrongly forbidden {:?}", only(row, expected), only(expected, row))
}
