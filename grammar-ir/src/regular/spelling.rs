//! How characters are written as bytes.

use regex_syntax::utf8::Utf8Sequences;

use crate::{ByteSet, CharSet, ExprId, GrammarBuilder};

/// How a character is written as bytes: plain UTF-8, or the inside of a JSON string, where one character has several
/// spellings (`A`, `\u0041`).
///
/// Spellings of different characters are different, and no spelling is a proper prefix of another one, so a text of
/// spellings has exactly one reading.
pub trait Spelling {
    /// The spellings of the characters of `set`, as sequences of byte sets; each combination of one byte per set is a
    /// spelling of a character of `set`, and all of them are listed.
    fn sequences(&self, set: &CharSet) -> Vec<Vec<ByteSet>>;

    /// The expression for one character of `set`.
    fn class(&self, builder: &mut GrammarBuilder, set: &CharSet) -> ExprId {
        let mut arms = Vec::new();
        for sequence in self.sequences(set) {
            let bytes: Vec<ExprId> = sequence.into_iter().map(|bytes| builder.byte_set(bytes)).collect();
            arms.push(builder.sequence(bytes));
        }
        builder.choice(arms)
    }
}

/// Plain UTF-8.
#[derive(Debug, Clone, Copy, Default)]
pub struct Utf8;

impl Utf8 {
    /// The encodings of the characters of `set`, as sequences of inclusive byte ranges.
    pub fn range_sequences(set: &CharSet) -> Vec<Vec<(u8, u8)>> {
        set.ranges()
            .iter()
            .flat_map(|&(low, high)| Utf8Sequences::new(low, high))
            .map(|sequence| sequence.as_slice().iter().map(|range| (range.start, range.end)).collect())
            .collect()
    }
}

impl Spelling for Utf8 {
    fn sequences(&self, set: &CharSet) -> Vec<Vec<ByteSet>> {
        let to_sets = |ranges: Vec<(u8, u8)>| ranges.into_iter().map(|(low, high)| ByteSet::range(low, high)).collect();
        Self::range_sequences(set).into_iter().map(to_sets).collect()
    }

    fn class(&self, builder: &mut GrammarBuilder, set: &CharSet) -> ExprId {
        builder.class(set.clone())
    }
}
