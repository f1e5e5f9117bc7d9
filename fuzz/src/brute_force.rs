//! The mask by definition, for large vocabularies.

use grammar_ir::interp::Recognizer;
use grammar_ir::{Expr, Grammar};
use mask_runtime::{TokenKind, Vocabulary, bitmask};

/// Pushes every token of a vocabulary through the recogniser.
///
/// Tokens are taken in the order of their bytes, and the recogniser is only taken back to where the next token differs.
/// That is the whole difference from pushing each on its own; nothing is known here of tries or automata.
#[derive(Debug)]
pub struct BruteForce<'v> {
    vocabulary: &'v Vocabulary,
    /// Text tokens by their bytes.
    sorted: Vec<u32>,
}

impl<'v> BruteForce<'v> {
    /// Sorts the vocabulary.
    pub fn new(vocabulary: &'v Vocabulary) -> Self {
        let mut sorted: Vec<u32> = (0..vocabulary.size() as u32)
            .filter(|&id| vocabulary.kind(id) == TokenKind::Text && !vocabulary.is_stop(id))
            .filter(|&id| !vocabulary.bytes(id).is_empty())
            .collect();
        sorted.sort_by_key(|&id| vocabulary.bytes(id));
        Self { vocabulary, sorted }
    }

    /// Writes the mask after what `recognizer` has read of a word of `grammar`.
    pub fn fill(&self, grammar: &Grammar, recognizer: &mut Recognizer<'_>, row: &mut [u32]) {
        bitmask::clear_all(row);
        let start = recognizer.position();
        let mut previous: &[u8] = &[];
        // Up to where the previous token's bytes were viable.
        let mut viable = 0;
        for &id in &self.sorted {
            let bytes = self.vocabulary.bytes(id);
            let shared = bytes.iter().zip(previous).take_while(|(a, b)| a == b).count();
            previous = bytes;
            if shared > viable {
                continue;
            }
            viable = shared;
            recognizer.truncate(start + shared);
            while viable < bytes.len() && recognizer.push_byte(bytes[viable]) {
                viable += 1;
            }
            if viable == bytes.len() {
                bitmask::set(row, id);
            }
        }
        recognizer.truncate(start);
        if grammar.exprs().iter().any(|expr| matches!(expr, Expr::Token(_))) {
            for id in (0..self.vocabulary.size() as u32).filter(|&id| self.vocabulary.kind(id) != TokenKind::Hole) {
                if recognizer.push_token(id, &[], self.vocabulary.is_stop(id)) {
                    bitmask::set(row, id);
                }
                recognizer.truncate(start);
            }
        }
        if recognizer.is_accepting() {
            bitmask::set_each(row, self.vocabulary.stop_tokens());
        }
    }
}
