//! The fast paths against the definition.

use std::sync::Arc;

use grammar_ir::interp::Recognizer;
use grammar_ir::pda::LowerError;
use grammar_ir::{Grammar, Limits};
use mask_runtime::{
    BindError, CompiledGrammar, FillError, Matcher, MatcherOptions, Thresholds, TokenKind, Tokenizer, Vocabulary,
    bitmask,
};

use crate::Source;

/// Two things that should agree and do not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Disagreement(String);

/// What masks have in common with the definition: see `docs/ir.md` on what is known of a scope's future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// They are equal.
    Equal,
    /// A mask may leave out what the definition allows, if no word is found that goes on so.
    Between,
    /// It may also hold what the definition forbids.
    NoFewerThanNeeded,
}

macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(Disagreement(format!($($message)+)));
        }
    };
}

/// Compiles `grammar`, to make masks by shortcuts from `thresholds` on; `None` when it is refused for a limit, or has no words (which `interp` must confirm).
///
/// # Errors
/// When `interp` sees words where the compiler sees none.
pub fn compile(
    grammar: &Grammar,
    vocabulary: Vocabulary,
    thresholds: Thresholds,
    limits: &Limits,
) -> Result<Option<Arc<CompiledGrammar>>, Disagreement> {
    match CompiledGrammar::new(grammar, Tokenizer::with_thresholds(vocabulary, thresholds), limits) {
        Ok(compiled) => Ok(Some(compiled)),
        Err(BindError::Lower(LowerError::EmptyLanguage)) => {
            ensure!(!Recognizer::new(grammar).is_viable(), "compiled to an empty language, but interp finds words");
            Ok(None)
        }
        Err(_) => Ok(None),
    }
}

/// The mask by definition: each token of the vocabulary pushed through the recogniser. `stops` are the stop tokens in
/// force; the vocabulary's own are not text in any case.
pub fn brute_force_mask(recognizer: &mut Recognizer<'_>, vocabulary: &Vocabulary, stops: &[u32], row: &mut [u32]) {
    bitmask::clear_all(row);
    let position = recognizer.position();
    let accepting = recognizer.is_accepting();
    for id in 0..vocabulary.size() as u32 {
        let is_stop = stops.contains(&id);
        let fits = push(recognizer, vocabulary, stops, id);
        if fits || (is_stop && accepting) {
            bitmask::set(row, id);
        }
        recognizer.truncate(position);
    }
}

/// Pushes a token the way the matcher should read it.
fn push(recognizer: &mut Recognizer<'_>, vocabulary: &Vocabulary, stops: &[u32], id: u32) -> bool {
    let is_stop = stops.contains(&id) || vocabulary.is_stop(id);
    match vocabulary.kind(id) {
        TokenKind::Hole => false,
        _ => recognizer.push_token(id, if is_stop { &[] } else { vocabulary.bytes(id) }, is_stop),
    }
}

/// Walks a random way through `grammar` and compares, at every step, the mask with brute force, each accept with its bit,
/// completeness, forced text, drafts, and what rollback and forks restore.
///
/// # Errors
/// The first disagreement.
pub fn matcher_agrees(
    grammar: &Grammar,
    compiled: &Arc<CompiledGrammar>,
    source: &mut Source<'_>,
    steps: usize,
    exactness: Exactness,
) -> Result<(), Disagreement> {
    let vocabulary = compiled.vocabulary();
    let overridden = source
        .one_in(4)
        .then(|| (0..source.below(3)).map(|_| source.below(vocabulary.size()) as u32).collect::<Vec<u32>>());
    let stops = overridden.clone().unwrap_or_else(|| vocabulary.stop_tokens().to_vec());
    let options = MatcherOptions { stop_tokens: overridden, ..MatcherOptions::default() };
    let mut matcher =
        Matcher::with_options(Arc::clone(compiled), options).map_err(|error| Disagreement(error.to_string()))?;
    let mut recognizer = Recognizer::new(grammar);
    let mut history: Vec<(usize, Vec<u32>)> = Vec::new();
    let mut tokens: Vec<u32> = Vec::new();
    let (mut row, mut expected) = (matcher.row(), matcher.row());
    for _ in 0..steps {
        brute_force_mask(&mut recognizer, vocabulary, &stops, &mut expected);
        match matcher.fill(&mut row) {
            Ok(()) => {}
            Err(FillError::NoTokenFits { .. }) => {
                ensure!(!recognizer.is_accepting(), "no token fits, but the text may end");
                bitmask::clear_all(&mut row);
                return compare(&row, &expected, &mut recognizer, vocabulary, &stops, &tokens, exactness);
            }
            Err(FillError::Finished) => {
                ensure!(recognizer.is_accepting(), "finished, but not at an end");
                bitmask::clear_all(&mut row);
                return compare(&row, &expected, &mut recognizer, vocabulary, &stops, &tokens, exactness);
            }
            Err(error) => return Err(Disagreement(error.to_string())),
        }
        compare(&row, &expected, &mut recognizer, vocabulary, &stops, &tokens, exactness)?;
        ensure!(matcher.mask() == Ok(&row), "the matcher's own row is another one");
        ensure!(matcher.is_complete() == recognizer.is_accepting(), "is_complete is {}", matcher.is_complete());
        let (next, viable) = (matcher.next_bytes(), recognizer.expected_bytes());
        let agree = match exactness {
            Exactness::Equal => next == viable,
            Exactness::Between => next.union(&viable) == viable,
            Exactness::NoFewerThanNeeded => true,
        };
        ensure!(agree, "next bytes are {next:?}, not {viable:?}");
        for id in 0..vocabulary.size() as u32 {
            let mut fork = matcher.fork();
            let accepted = fork.accept_token(id).is_ok();
            ensure!(accepted == bitmask::contains(&row, id), "token {id}: accept says {accepted}, the mask does not");
        }
        if exactness != Exactness::NoFewerThanNeeded {
            forced_text_is_forced(&mut matcher, &mut recognizer, exactness)?;
        }
        draft_is_cut_where_it_stops_fitting(&mut matcher, source)?;
        history.push((recognizer.position(), row.clone()));

        // What only one of the two allows leads nowhere.
        let allowed: Vec<u32> = bitmask::iter(&row).filter(|&id| bitmask::contains(&expected, id)).collect();
        if source.one_in(4) {
            let back = source.below(history.len());
            ensure!(matcher.rollback(back).is_ok(), "cannot roll back {back} steps");
            history.truncate(history.len() - back);
            if let Some((position, before)) = history.last() {
                recognizer.truncate(*position);
                ensure!(matcher.fill(&mut row).is_ok() && row == *before, "rollback by {back} changed the mask");
            }
            history.pop();
            tokens.truncate(history.len());
            continue;
        }
        let Some(&token) = allowed.get(source.below(allowed.len())) else { return Ok(()) };
        let before = matcher.fork();
        ensure!(matcher.accept_token(token).is_ok(), "token {token} is set but not accepted");
        // The one that stayed behind is not moved by the one that went on; one time in two it goes on in its place.
        let mut stayed = before;
        ensure!(stayed.fill(&mut expected).is_ok() && expected == row, "a fork was changed by its origin");
        if source.one_in(2) {
            ensure!(stayed.accept_token(token).is_ok(), "a fork does not accept what its origin does");
            matcher = stayed;
        }
        tokens.push(token);
        if !push(&mut recognizer, vocabulary, &stops, token) {
            // A stop token that the grammar reads as well may go on to where nothing leads: only the recogniser knows it.
            let is_read = compiled.pda().token_sets().iter().any(|set| set.contains(token, true));
            if exactness == Exactness::NoFewerThanNeeded && is_read && !matcher.is_terminated() {
                return Ok(());
            }
            return terminated(&mut matcher, &stops, &row);
        }
    }
    Ok(())
}

/// Each forced byte is the only way on, and the text is not an end before it.
fn forced_text_is_forced(
    matcher: &mut Matcher,
    recognizer: &mut Recognizer<'_>,
    exactness: Exactness,
) -> Result<(), Disagreement> {
    let start = recognizer.position();
    for byte in matcher.forced_bytes(20) {
        let alone = exactness != Exactness::Equal || recognizer.expected_bytes().len() == 1;
        ensure!(!recognizer.is_accepting() && alone, "byte {byte:#x} is not forced");
        ensure!(recognizer.push_byte(byte), "byte {byte:#x} is forced and does not fit");
    }
    recognizer.truncate(start);
    Ok(())
}

/// `validate_tokens` counts what can be accepted one after the other, and changes nothing.
fn draft_is_cut_where_it_stops_fitting(matcher: &mut Matcher, source: &mut Source<'_>) -> Result<(), Disagreement> {
    let size = matcher.grammar().vocabulary().size();
    let draft: Vec<u32> = (0..source.below(5)).map(|_| source.below(size + 1) as u32).collect();
    let mut fork = matcher.fork();
    let expected = draft.iter().take_while(|&&token| fork.accept_token(token).is_ok()).count();
    let steps = matcher.step_count();
    ensure!(matcher.validate_tokens(&draft) == expected, "of {draft:?} {expected} tokens fit");
    ensure!(matcher.step_count() == steps, "validating a draft moved the matcher");
    Ok(())
}

/// After a stop token: stop tokens only, and rolling it back restores the mask.
fn terminated(matcher: &mut Matcher, stops: &[u32], before: &[u32]) -> Result<(), Disagreement> {
    let mut row = matcher.row();
    ensure!(matcher.is_terminated(), "a stop token did not terminate");
    ensure!(matcher.fill(&mut row).is_ok(), "no mask after termination");
    let mut stops = stops.to_vec();
    stops.sort_unstable();
    stops.dedup();
    let set: Vec<u32> = bitmask::iter(&row).collect();
    ensure!(set == stops, "after termination the mask holds {set:?}");
    ensure!(matcher.rollback(1).is_ok() && matcher.fill(&mut row).is_ok(), "cannot undo termination");
    ensure!(row == before, "undoing termination changed the mask");
    Ok(())
}

fn compare(
    row: &[u32],
    expected: &[u32],
    recognizer: &mut Recognizer<'_>,
    vocabulary: &Vocabulary,
    stops: &[u32],
    tokens: &[u32],
    exactness: Exactness,
) -> Result<(), Disagreement> {
    let only = |left: &[u32], right: &[u32]| {
        let only: Vec<u32> = left.iter().zip(right).map(|(left, right)| left & !right).collect();
        bitmask::iter(&only).collect::<Vec<u32>>()
    };
    let (mut allows, mut forbids) = (only(row, expected), only(expected, row));
    if exactness == Exactness::NoFewerThanNeeded {
        allows.clear();
    }
    if exactness != Exactness::Equal {
        let position = recognizer.position();
        forbids.retain(|&id| {
            push(recognizer, vocabulary, stops, id);
            let needed = ends_within(recognizer, MAX_SEARCH);
            recognizer.truncate(position);
            needed
        });
    }
    let list = |ids: &[u32]| {
        let names = ids.iter().take(8).map(|&id| format!("{id} {:?}", vocabulary.name(id)));
        names.collect::<Vec<_>>().join(", ")
    };
    ensure!(
        allows.is_empty() && forbids.is_empty(),
        "after [{}] the mask wrongly allows [{}] and wrongly forbids [{}]",
        list(tokens),
        list(&allows),
        list(&forbids)
    );
    Ok(())
}

/// How many texts are tried to find a word.
const MAX_SEARCH: usize = 300;

/// Whether a word is found among the shortest ways on.
fn ends_within(recognizer: &mut Recognizer<'_>, texts: usize) -> bool {
    let start = recognizer.position();
    let mut queue = std::collections::VecDeque::from([Vec::new()]);
    for _ in 0..texts {
        let Some(text) = queue.pop_front() else { return false };
        recognizer.truncate(start);
        recognizer.push_bytes(&text);
        if recognizer.is_accepting() {
            return true;
        }
        // Of bytes that are alike in a random grammar one is enough: a letter, and what begins or continues a character.
        let next = recognizer.expected_bytes();
        let some = next.iter().filter(|byte| b"abc;1\xc3\xa9\xe2\x82\xac".contains(byte));
        queue.extend(some.map(|byte| [text.as_slice(), &[byte]].concat()));
    }
    false
}
