//! Which tokens contain which ASCII characters, as rows: an inverted index.
//!
//! The tokens in *S*\* are all but those with a character that is not in *S*: a few rows put together.

use std::ops::Range;
use std::sync::Arc;

use crate::bitmask;
use crate::loops::{LoopSet, is_beginning};
use crate::past_ascii::PastAscii;
use crate::rare::RareCharacters;
use crate::token_index::is_indexed;
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
    /// The characters of these.
    rare: RareCharacters,
    /// Per id: the number of characters, if the token consists of them.
    characters: Arc<[u16]>,
}

/// The words of a cache line.
const LINE: usize = 16;

impl InvertedIndex {
    /// The rows of the tokens that are in the index of `vocabulary`.
    pub(crate) fn new(vocabulary: &Vocabulary) -> Self {
        let words = bitmask::words_for(vocabulary.size());
        let row = || bitmask::row_for(vocabulary.size());
        let mut made = Self {
            containing: vec![0; 128 * words],
            words,
            ascii: row(),
            others: row(),
            readable: row(),
            rare: RareCharacters::default(),
            characters: Arc::default(),
        };
        let mut characters_of = vec![0; vocabulary.size()];
        // A cache line of each row at a time: row by row, each byte of a token would be another place in megabytes.
        let mut lines = [[0u32; LINE]; 128];
        for begin in (0..words).step_by(LINE) {
            let end = words.min(begin + LINE);
            for (word, column) in (begin..end).zip(0..) {
                let first = word as u32 * u32::BITS;
                for id in (first..first + u32::BITS).filter(|&id| is_indexed(vocabulary, id)) {
                    let (text, bit) = (vocabulary.bytes(id), 1 << (id - first));
                    let (mut all, mut characters) = (0, 0);
                    for &byte in text {
                        all |= byte;
                        characters += u16::from(byte & 0xc0 != 0x80);
                        if let Some(line) = lines.get_mut(usize::from(byte)) {
                            line[column] |= bit;
                        }
                    }
                    characters_of[id as usize] = characters;
                    if all.is_ascii() {
                        made.ascii[word] |= bit;
                    } else {
                        made.others[word] |= bit;
                        if is_beginning(text) {
                            made.readable[word] |= bit;
                        }
                    }
                }
            }
            for (row, line) in made.containing.chunks_exact_mut(words).zip(&mut lines) {
                row[begin..end].copy_from_slice(&line[..end - begin]);
                *line = [0; LINE];
            }
        }
        made.characters = characters_of.into();
        made.rare = RareCharacters::new(bitmask::iter(&made.readable).map(|id| (id, vocabulary.bytes(id))));
        made
    }

    fn row_of(&self, byte: u8) -> Range<usize> {
        let start = usize::from(byte) * self.words;
        start..start + self.words
    }

    /// The row of the tokens in *S*\*.
    pub(crate) fn within(&self, set: &LoopSet) -> Vec<u32> {
        let mut row = self.ascii.clone();
        if !set.past_ascii.is_empty() {
            row.iter_mut().zip(&self.readable).for_each(|(word, readable)| *word |= readable);
        }
        for byte in (0..0x80u8).filter(|&byte| set.ascii >> byte & 1 == 0) {
            let containing = &self.containing[self.row_of(byte)];
            row.iter_mut().zip(containing).for_each(|(word, containing)| *word &= !containing);
        }
        if !set.past_ascii.is_empty() && set.past_ascii != PastAscii::All {
            self.rare.clear_others(&set.past_ascii, &mut row);
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

    /// The tokens that contain the ASCII character `byte`.
    pub(crate) fn containing_byte(&self, byte: u8) -> impl Iterator<Item = u32> {
        bitmask::iter(&self.containing[self.row_of(byte)])
    }

    /// Per id: the number of characters, if the token consists of characters, of which the last may be incomplete.
    pub(crate) fn characters(&self) -> &Arc<[u16]> {
        &self.characters
    }

    pub(crate) fn memory(&self) -> usize {
        size_of_val(self.containing.as_slice())
            + 3 * self.words * size_of::<u32>()
            + size_of_val(&*self.characters)
            + self.rare.memory()
    }
}
