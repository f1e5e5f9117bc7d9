//! Grammars in files: the same masks from them, and files that were tampered with.

use std::sync::Arc;

use grammar_ir::Limits;
use mask_runtime::artifact::{Artifact, ArtifactWriter, Tabulated, TabulatedStates, reseal};
use mask_runtime::{CompiledGrammar, Matcher, MatcherOptions, Tokenizer, bitmask};

use crate::{Source, generators};

/// The grammar after it was written to a file, with tables for all states, and read again.
///
/// # Errors
/// When it cannot be written or read, or the file is not sound.
pub fn round_trip(grammar: &Arc<CompiledGrammar>) -> Result<Arc<CompiledGrammar>, String> {
    let file = file(grammar)?;
    let artifact = Artifact::from_bytes(&file).map_err(|error| error.to_string())?;
    artifact.check().map_err(|error| error.to_string())?;
    artifact.grammar(0, grammar.tokenizer().clone()).map_err(|error| error.to_string())
}

fn file(grammar: &Arc<CompiledGrammar>) -> Result<Vec<u8>, String> {
    let mut writer = ArtifactWriter::with_tables(grammar.tokenizer().clone());
    let tables = Tabulated::of(grammar, TabulatedStates::All);
    writer.add_tables("grammar", &tables, "").map_err(|error| error.to_string())?;
    writer.finish("").map_err(|error| error.to_string())
}

/// Walks a random way through two forms of a grammar and compares their masks at every step.
///
/// # Errors
/// The first difference.
pub fn same_masks(
    one: &Arc<CompiledGrammar>,
    other: &Arc<CompiledGrammar>,
    source: &mut Source<'_>,
    steps: usize,
) -> Result<(), String> {
    let (mut one, mut other) = (Matcher::new(one.clone()), Matcher::new(other.clone()));
    let (mut row, mut other_row) = (one.row(), other.row());
    let mut tokens = Vec::new();
    for _ in 0..steps {
        let (filled, other_filled) = (one.fill(&mut row), other.fill(&mut other_row));
        if filled != other_filled || row != other_row {
            return Err(format!(
                "after the tokens {tokens:?} one mask is {filled:?} {:?}, the other {other_filled:?} {:?}",
                bitmask::iter(&row).collect::<Vec<_>>(),
                bitmask::iter(&other_row).collect::<Vec<_>>(),
            ));
        }
        let allowed: Vec<u32> = bitmask::iter(&row).collect();
        let Some(&token) = allowed.get(source.below(allowed.len())) else { return Ok(()) };
        tokens.push(token);
        if let Err(error) = one.accept_token(token).and_then(|()| other.accept_token(token)) {
            return Err(format!("after a mask that allows {tokens:?}: {error}"));
        }
        if one.is_terminated() {
            return Ok(());
        }
    }
    Ok(())
}

/// The file of a random grammar, with its tokenizer; none if the grammar does not compile.
pub fn random_file(
    source: &mut Source<'_>,
    limits: &Limits,
    shape: generators::Shape,
) -> Option<(Vec<u8>, Arc<Tokenizer>)> {
    let grammar = generators::grammar(source, shape);
    let tokenizer = Tokenizer::new(generators::vocabulary(source).ok()?);
    let compiled = CompiledGrammar::new(&grammar, tokenizer.clone(), limits).ok()?;
    Some((file(&compiled).ok()?, tokenizer))
}

/// The file with up to eight words of its sections, of its header, or of its lists of sections changed; mostly with
/// checksums that are right for it.
pub fn damaged(file: &[u8], source: &mut Source<'_>) -> Vec<u8> {
    let mut damaged = file.to_vec();
    let sections = Artifact::from_bytes(file).and_then(|artifact| artifact.section_infos()).unwrap_or_default();
    for _ in 0..source.below(9) {
        let section = sections.get(source.below(sections.len() + 2));
        let (start, length) = match section {
            Some(section) => (section.offset as usize, section.length as usize),
            None => (0, file.len()),
        };
        let position = start + (source.below(65_536) * 4) % length.max(1);
        let Some(word) = damaged.get_mut(position..position + 4).and_then(|word| word.first_chunk_mut::<4>()) else {
            continue;
        };
        let old = u32::from_le_bytes(*word);
        let new = match source.below(8) {
            0 => 0,
            1 => u32::MAX,
            2 => old.wrapping_add(1),
            3 => old.wrapping_sub(1),
            4 => old ^ 1 << source.below(32),
            5 => u32::from(source.byte()),
            6 => old.wrapping_mul(2),
            _ => u32::from_le_bytes([source.byte(), source.byte(), source.byte(), source.byte()]),
        };
        *word = new.to_le_bytes();
    }
    if !source.one_in(8) {
        reseal(&mut damaged);
    }
    damaged
}

/// Stack frames of a matcher on a grammar that nobody vouches for.
const MAX_FRAMES: usize = 20_000;

/// Uses what there is in a file, for good or ill.
pub fn follow(file: &[u8], tokenizer: &Arc<Tokenizer>, source: &mut Source<'_>) {
    let Ok(artifact) = Artifact::from_bytes(file) else { return };
    // What it says does not matter; it has to say something.
    let _ = (artifact.check().is_ok(), artifact.metadata().is_ok(), artifact.section_infos().is_ok());
    for index in 0..artifact.len().min(4) {
        let _ = artifact.entry(index).is_ok();
        let Ok(grammar) = artifact.grammar(index, tokenizer.clone()) else { continue };
        let options = MatcherOptions { max_frames: Some(MAX_FRAMES), ..MatcherOptions::default() };
        let Ok(mut matcher) = Matcher::with_options(grammar, options) else { continue };
        let mut row = matcher.row();
        for _ in 0..6 {
            if matcher.fill(&mut row).is_err() {
                break;
            }
            let allowed: Vec<u32> = bitmask::iter(&row).collect();
            let Some(&token) = allowed.get(source.below(allowed.len())) else { break };
            if matcher.accept_token(token).is_err() {
                let _ = matcher.accept_bytes(&[source.byte()]);
            }
            let _ = matcher.forced_bytes(8);
        }
        let _ = matcher.rollback(1);
    }
}
