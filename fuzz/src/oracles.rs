//! The fast paths against the definition.

use std::sync::Arc;

use grammar_ir::interp::Recognizer;
use grammar_ir::pda::LowerError;
use grammar_ir::{Grammar, Limits};
use mask_runtime::{BindError, CompiledGrammar, FillError, Matcher, TokenKind, Tokenizer, Vocabulary, bitmask};

use crate::Source;

/// Two things that should agree and do not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Disagreement(String);

macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(Disagreement(format!($($message)+)));
        }
    };
}

/// Compiles `grammar`; `None` when it is refused for a limit, or has no words (which `interp` must confirm).
///
/// # Errors
/// When `interp` sees words where the compiler sees none.
pub fn compile(
    grammar: &Grammar,
    vocabulary: Vocabulary,
    limits: &Limits,
) -> Result<Option<Arc<CompiledGrammar>>, Disagreement> {
    match CompiledGrammar::new(grammar, Tokenizer::new(vocabulary), limits) {
        Ok(compiled) => Ok(Some(compiled)),
        Err(BindError::Lower(LowerError::EmptyLanguage)) => {
            ensure!(!Recognizer::new(grammar).is_viable(), "compiled to an empty language, but interp finds words");
            Ok(None)
        }
        Err(_) => Ok(None),
    }
}

/// The mask by definition: each token of the vocabulary pushed through the recogniser.
pub fn brute_force_mask(recognizer: &mut Recognizer<'_>, vocabulary: &Vocabulary, row: &mut [u32]) {
    bitmask::clear_all(row);
    let position = recognizer.position();
    let accepting = recognizer.is_accepting();
    for id in 0..vocabulary.size() as u32 {
        if vocabulary.kind(id) == TokenKind::Hole {
            continue;
        }
        let is_stop = vocabulary.is_stop(id);
        let bytes = if is_stop { &[] } else { vocabulary.bytes(id) };
        if recognizer.push_token(id, bytes, is_stop) || (is_stop && accepting) {
            bitmask::set(row, id);
        }
        recognizer.truncate(position);
    }
}

/// Walks a random way through `grammar` and compares, at every step, the mask with brute force, each accept with its
/// bit, completeness, and what rollback and fork restore.
///
/// # Errors
/// The first disagreement.
pub fn matcher_agrees(
    grammar: &Grammar,
    compiled: &Arc<CompiledGrammar>,
    source: &mut Source<'_>,
    steps: usize,
) -> Result<(), Disagreement> {
    let vocabulary = compiled.vocabulary();
    let mut recognizer = Recognizer::new(grammar);
    let mut matcher = Matcher::new(Arc::clone(compiled));
    let mut history: Vec<(usize, Vec<u32>)> = Vec::new();
    let (mut row, mut expected) = (matcher.row(), matcher.row());
    for _ in 0..steps {
        brute_force_mask(&mut recognizer, vocabulary, &mut expected);
        match matcher.fill(&mut row) {
            Ok(()) => {}
            Err(FillError::NoTokenFits { .. }) => {
                ensure!(bitmask::count(&expected) == 0 && !recognizer.is_accepting(), "an empty mask is not empty");
                return Ok(());
            }
            Err(error) => return Err(Disagreement(error.to_string())),
        }
        compare(&row, &expected, vocabulary, &history)?;
        ensure!(matcher.is_complete() == recognizer.is_accepting(), "is_complete is {}", matcher.is_complete());
        for id in 0..vocabulary.size() as u32 {
            let mut fork = matcher.fork();
            let accepted = fork.accept_token(id).is_ok();
            ensure!(accepted == bitmask::contains(&row, id), "token {id}: accept says {accepted}, the mask does not");
        }
        history.push((recognizer.position(), row.clone()));

        let allowed: Vec<u32> = bitmask::iter(&row).collect();
        if source.one_in(4) {
            let back = source.below(history.len());
            ensure!(matcher.rollback(back).is_ok(), "cannot roll back {back} steps");
            history.truncate(history.len() - back);
            if let Some((position, before)) = history.last() {
                recognizer.truncate(*position);
                ensure!(matcher.fill(&mut row).is_ok() && row == *before, "rollback by {back} changed the mask");
            }
            history.pop();
            continue;
        }
        let Some(&token) = allowed.get(source.below(allowed.len())) else { return Ok(()) };
        ensure!(matcher.accept_token(token).is_ok(), "token {token} is set but not accepted");
        let is_stop = vocabulary.is_stop(token);
        let bytes = if is_stop { &[] } else { vocabulary.bytes(token) };
        if !recognizer.push_token(token, bytes, is_stop) {
            return terminated(&mut matcher, vocabulary, &row);
        }
    }
    Ok(())
}

/// After a stop token: stop tokens only, and rolling it back restores the mask.
fn terminated(matcher: &mut Matcher, vocabulary: &Vocabulary, before: &[u32]) -> Result<(), Disagreement> {
    let mut row = matcher.row();
    ensure!(matcher.is_terminated(), "a stop token did not terminate");
    ensure!(matcher.fill(&mut row).is_ok(), "no mask after termination");
    let stops: Vec<u32> = bitmask::iter(&row).collect();
    ensure!(stops == vocabulary.stop_tokens(), "after termination the mask holds {stops:?}");
    ensure!(matcher.rollback(1).is_ok() && matcher.fill(&mut row).is_ok(), "cannot undo termination");
    ensure!(row == before, "undoing termination changed the mask");
    Ok(())
}

fn compare(
    row: &[u32],
    expected: &[u32],
    vocabulary: &Vocabulary,
    history: &[(usize, Vec<u32>)],
) -> Result<(), Disagreement> {
    let list = |left: &[u32], right: &[u32]| {
        let only: Vec<u32> = left.iter().zip(right).map(|(left, right)| left & !right).collect();
        bitmask::iter(&only).take(8).map(|id| format!("{id} {:?}", vocabulary.name(id))).collect::<Vec<_>>().join(", ")
    };
    ensure!(
        row == expected,
        "after {} steps the mask wrongly allows [{}] and wrongly forbids [{}]",
        history.len(),
        list(row, expected),
        list(expected, row)
    );
    Ok(())
}
