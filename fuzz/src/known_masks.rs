//! Masks that a grammar has kept, against those of a grammar that has made none yet.

use std::sync::Arc;

use grammar_ir::{Limits, text};
use mask_runtime::{CompiledGrammar, Matcher, Thresholds, Tokenizer, bitmask};

use crate::random::Random;
use crate::{Source, generators};

/// Generations of one grammar, which share their masks.
const WALKS: usize = 12;

/// Tokens of one generation.
const STEPS: usize = 10;

/// Goes many random ways through a random grammar. Each mask must be the one that is made by a grammar without any, for a
/// matcher that has been led to the same place; and with the least thresholds the one that is made with the usual ones.
///
/// # Errors
/// The first difference, with the grammar.
pub fn known_masks_agree(data: &[u8], limits: &Limits, shape: generators::Shape) -> Result<(), String> {
    let mut source = Source::new(data);
    let grammar = generators::grammar(&mut source, shape);
    let vocabulary = generators::vocabulary(&mut source).map_err(|error| error.to_string())?;
    let usual = Tokenizer::new(vocabulary.clone());
    let mut random = Random::new(data.iter().fold(1, |seed, &byte| seed * 31 % 1_000_003 + u64::from(byte)));
    for tokenizer in [Arc::clone(&usual), Tokenizer::with_thresholds(vocabulary, Thresholds::LEAST)] {
        let Ok(compiled) = CompiledGrammar::new(&grammar, tokenizer, limits) else { return Ok(()) };
        for _ in 0..WALKS {
            walk(&compiled, &usual, &mut random)
                .map_err(|error| format!("{error}\n{}\n{}", text::print(&grammar), compiled.pda()))?;
        }
    }
    Ok(())
}

fn walk(compiled: &Arc<CompiledGrammar>, usual: &Arc<Tokenizer>, random: &mut Random) -> Result<(), String> {
    let mut matcher = Matcher::new(Arc::clone(compiled));
    let (mut row, mut fresh_row) = (matcher.row(), matcher.row());
    let mut tokens = Vec::new();
    for _ in 0..STEPS {
        let fresh = CompiledGrammar::from_pda(compiled.pda().clone(), Arc::clone(usual));
        let mut fresh = Matcher::new(fresh.map_err(|error| error.to_string())?);
        tokens.iter().try_for_each(|&token| fresh.accept_token(token)).map_err(|error| error.to_string())?;
        let (filled, fresh_filled) = (matcher.fill(&mut row), fresh.fill(&mut fresh_row));
        if filled.is_ok() && matcher.mask() != Ok(&row) {
            return Err(format!("after the tokens {tokens:?} the matcher's own row is another one"));
        }
        if filled != fresh_filled || row != fresh_row {
            let texts = |tokens: &mut dyn Iterator<Item = u32>| -> Vec<String> {
                tokens.map(|token| String::from_utf8_lossy(compiled.vocabulary().bytes(token)).into_owned()).collect()
            };
            let different = |&token: &u32| bitmask::contains(&row, token) != bitmask::contains(&fresh_row, token);
            let size = compiled.vocabulary().size() as u32;
            return Err(format!(
                "after {:?} the mask is {filled:?}, made afresh {fresh_filled:?}; they differ in {:?}",
                texts(&mut tokens.iter().copied()),
                texts(&mut (0..size).filter(different)),
            ));
        }
        let allowed: Vec<u32> = bitmask::iter(&row).collect();
        let Some(&token) = allowed.get(random.below(allowed.len())) else { return Ok(()) };
        matcher.accept_token(token).map_err(|error| format!("after a mask that allows {token}: {error}"))?;
        if matcher.is_terminated() {
            return Ok(());
        }
        tokens.push(token);
    }
    Ok(())
}
