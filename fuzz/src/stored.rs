//! Grammars in files: the same masks from them, and files that were tampered with.

use std::sync::Arc;

use grammar_ir::Limits;
use mask_runtime::artifact::{Artifact, ArtifactWriter, SectionKind, Tabulated, TabulatedStates, reseal};
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
        if one.temperature() != other.temperature() {
            return Err(format!("after the tokens {tokens:?}: {:?}, not {:?}", one.temperature(), other.temperature()));
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

/// The most grammars of a random file.
const MAX_GRAMMARS: usize = 4;

/// A file of one to four random grammars for one random tokenizer, which may be in the file, with its index or without;
/// some of them with attributes of rules. None if a grammar does not compile.
pub fn random_file(
    source: &mut Source<'_>,
    limits: &Limits,
    shape: generators::Shape,
) -> Option<(Vec<u8>, Arc<Tokenizer>)> {
    let tokenizer = Tokenizer::new(generators::vocabulary(source).ok()?);
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
    let is_embedded = source.one_in(2);
    if is_embedded {
        writer = writer.embed_tokenizer();
    }
    let mut grammars = Vec::new();
    for index in 0..1 + source.below(MAX_GRAMMARS) {
        let grammar = generators::grammar(source, shape);
        let name = format!("{index}{}", "n".repeat(source.below(40)));
        let metadata = "m".repeat(source.below(100));
        let states = if source.one_in(4) { TabulatedStates::Start } else { TabulatedStates::All };
        grammars.push((grammar, name, metadata, states));
    }
    // Last of all, so that the inputs in `regressions` stay the files that they were.
    for (mut grammar, name, metadata, states) in grammars {
        if source.one_in(2) {
            grammar = generators::with_attributes(source, &grammar);
        }
        let compiled = CompiledGrammar::new(&grammar, tokenizer.clone(), limits).ok()?;
        writer.add_tables(&name, &Tabulated::of(&compiled, states), &metadata).ok()?;
    }
    if is_embedded && source.one_in(2) {
        writer = writer.embed_index();
    }
    Some((writer.finish("").ok()?, tokenizer))
}

/// The file with up to eight words of its sections, of its header, or of its lists of sections changed; mostly with
/// checksums that are right for it.
pub fn damaged(file: &[u8], source: &mut Source<'_>) -> Vec<u8> {
    let (original, mut damaged) = (file, file.to_vec());
    let infos = Artifact::from_bytes(file).and_then(|artifact| artifact.section_infos()).unwrap_or_default();
    let mut sections: Vec<(usize, usize)> = Vec::new();
    for info in infos {
        let (offset, length) = (info.offset as usize, info.length as usize);
        sections.push((offset, length));
        if info.kind == SectionKind::EntryChecksums {
            // After the last section of a grammar comes the list of its sections.
            sections.push(((offset + length).next_multiple_of(64), 12 * 32));
        }
    }
    for _ in 0..source.below(9) {
        let section = sections.get(source.below(sections.len() + 2));
        let (start, length) = section.copied().unwrap_or((0, file.len()));
        let position = start + (source.below(65_536) * 4) % length.max(1);
        let Some(word) = damaged.get_mut(position..position + 4).and_then(|word| word.first_chunk_mut::<4>()) else {
            continue;
        };
        let old = u32::from_le_bytes(*word);
        let new = match source.below(9) {
            0 => 0,
            1 => u32::MAX,
            2 => old.wrapping_add(1),
            3 => old.wrapping_sub(1),
            4 => old ^ 1 << source.below(32),
            5 => u32::from(source.byte()),
            6 => old.wrapping_mul(2),
            // As in the record before, perhaps.
            7 => original
                .get(position.saturating_sub(32)..)
                .and_then(|before| before.first_chunk())
                .map_or(0, |&word| u32::from_le_bytes(word)),
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

/// Uses what there is in a file, for good or ill; how many masks there were.
pub fn follow(file: &[u8], tokenizer: &Arc<Tokenizer>, source: &mut Source<'_>) -> usize {
    let Ok(artifact) = Artifact::from_bytes(file) else { return 0 };
    let mut masks = 0;
    // What it says does not matter; it has to say something.
    let _ = (artifact.metadata().is_ok(), artifact.section_infos().is_ok());
    let embedded = artifact.tokenizer().ok().flatten().filter(|_| source.one_in(2));
    let tokenizer = embedded.as_ref().unwrap_or(tokenizer);
    for index in 0..artifact.len().min(MAX_GRAMMARS) {
        let _ = artifact.entry(index).is_ok_and(|entry| artifact.find(entry.name).is_ok());
        let Ok(grammar) = artifact.grammar(index, tokenizer.clone()) else { continue };
        let options = MatcherOptions { max_frames: Some(MAX_FRAMES), ..MatcherOptions::default() };
        let Ok(mut matcher) = Matcher::with_options(grammar.clone(), options) else { continue };
        let mut row = matcher.row();
        for _ in 0..6 {
            if matcher.fill(&mut row).is_err() {
                break;
            }
            masks += 1;
            let allowed: Vec<u32> = bitmask::iter(&row).collect();
            let Some(&token) = allowed.get(source.below(allowed.len())) else { break };
            if matcher.accept_token(token).is_err() {
                let _ = matcher.accept_bytes(&[source.byte()]);
            }
            let _ = (matcher.forced_bytes(8), matcher.temperature(), matcher.captures());
        }
        let _ = matcher.rollback(1);
        if source.one_in(8) {
            let _ = Tabulated::of(&grammar, TabulatedStates::Loaded).report();
        }
    }
    // Last of all, so that what was used above had not been looked at before.
    let _ = artifact.check().is_ok();
    masks
}
