//! Which tokens contain which ASCII characters, as rows: an inverted index.
//!
//! The tokens in *S*\* are all but those with a character that is not in *S*: a few rows put together.

use std::ops::Range;

use crate::bitmask;
use crate::loops::{LoopSet, is_beginning};
use crate::past_ascii::PastAscii;
use crate::token_index::TokenIndex;
use crate::vocab::Vocabulary;

/// Rows of the text tokens of a vocabulary.
#[derive(Debug)]
pub(crate) struct InvertedIndex {
    /// 128 rows, one after the other.
    containing: Vec<u32>,
    /// The words of a row.
    words: usize,
    /// The tokens that have nothing but ASCII characters.
    ascii: Vec<u32>,
    /// The tokens that have other bytes.
    others: Vec<u32>,
    /// Those of them that consist of characters, of which the last may be incomplete.
    readable: Vec<u32>,
}

impl InvertedIndex {
    pub(crate) fn new(vocabulary: &Vocabulary, index: &TokenIndex) -> Self {
        let words = bitmask::words_for(vocabulary.size());
        let row = || bitmask::row_for(vocabulary.size());
        let mut made = Self { containing: vec![0; 128 * words], words, ascii: row(), others: row(), readable: row() };
        for &id in index.tokens() {
            let text = vocabulary.bytes(id);
            let (word, bit) = (id as usize / 32, 1 << (id % 32));
            for byte in text.iter().filter(|byte| byte.is_ascii()) {
                made.containing[usize::from(*byte) * words + word] |= bit;
            }
            if text.is_ascii() {
                bitmask::set(&mut made.ascii, id);
            } else {
                bitmask::set(&mut made.others, id);
                if is_beginning(text) {
                    bitmask::set(&mut made.readable, id);
                }
            }
        }
        made
    }

    fn row_of(&self, byte: u8) -> Range<usize> {
        let start = usize::from(byte) * self.words;
        start..start + self.words
    }

    /// The row of the tokens in *S*\*.
    pub(crate) fn within(&self, set: LoopSet, vocabulary: &Vocabulary) -> Vec<u32> {
        let mut row = self.ascii.clone();
        if !set.past_ascii.is_empty() {
            row.iter_mut().zip(&self.readable).for_each(|(word, readable)| *word |= readable);
        }
        for byte in (0..0x80u8).filter(|&byte| set.ascii >> byte & 1 == 0) {
            let containing = &self.containing[self.row_of(byte)];
            row.iter_mut().zip(containing).for_each(|(word, containing)| *word &= !containing);
        }
        if !set.past_ascii.is_empty() && set.past_ascii != PastAscii::ALL {
            let candidates: Vec<u32> = row.iter().zip(&self.others).map(|(row, others)| row & others).collect();
            for id in bitmask::iter(&candidates) {
                let text = vocabulary.bytes(id);
                if set.prefix(text).0 < text.len() {
                    bitmask::clear(&mut row, id);
                }
            }
        }
        row
    }

    /// The row of the tokens that contain one of these ASCII characters, or any byte that is not ASCII.
    pub(crate) fn containing(&self, ascii: u128, non_ascii: bool) -> Vec<u32> {
        let mut row = if non_ascii { self.others.clone() } else { vec![0; self.words] };
        for byte in (0..0x80u8).filter(|&byte| ascii >> byte & 1 == 1) {
            let containing = &self.containing[self.row_of(byte)];
            row.iter_mut().zip(containing).for_each(|(word, containing)| *word |= containing);
        }
        row
    }

    pub(crate) fn memory(&self) -> usize {
        std::mem::size_of_val(self.containing.as_slice()) + 3 * self.words * size_of::<u32>()
    }
}
