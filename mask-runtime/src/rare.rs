//! Which tokens contain which characters past ASCII.
//!
//! A set of characters past ASCII has thousands of them, or lacks a few. Either way a vocabulary has fewer distinct characters than
//! tokens with some, so the set is asked for each of these once, not for each token.

use crate::bitmask;
use crate::past_ascii::PastAscii;

/// The tokens of each character past ASCII, or of each beginning of one that a token ends with.
#[derive(Debug, Default)]
pub(crate) struct RareCharacters {
    /// UTF-8, filled up with zeros.
    characters: Box<[[u8; 4]]>,
    /// Where the tokens of each one end in `tokens`; they begin where those of the one before end.
    ends: Box<[u32]>,
    tokens: Box<[u32]>,
}

impl RareCharacters {
    /// Those of `tokens`, each of which consists of characters, of which the last may be incomplete.
    pub(crate) fn new<'t>(tokens: impl Iterator<Item = (u32, &'t [u8])>) -> Self {
        let mut found: Vec<u64> = Vec::new();
        for (id, text) in tokens {
            let mut rest = text;
            while let Some(&lead) = rest.first() {
                let length = length(lead).min(rest.len());
                let (character, others) = rest.split_at(length);
                if !lead.is_ascii() {
                    let mut bytes = [0; 4];
                    bytes[..length].copy_from_slice(character);
                    found.push(u64::from(u32::from_be_bytes(bytes)) << u32::BITS | u64::from(id));
                }
                rest = others;
            }
        }
        found.sort_unstable();
        found.dedup();
        let (mut characters, mut ends, mut last) = (Vec::new(), Vec::new(), None);
        for (&entry, place) in found.iter().zip(1..) {
            let character = (entry >> u32::BITS) as u32;
            if last == Some(character) {
                ends.pop();
            } else {
                characters.push(character.to_be_bytes());
                last = Some(character);
            }
            ends.push(place);
        }
        let tokens = found.iter().map(|&entry| entry as u32).collect();
        Self { characters: characters.into(), ends: ends.into(), tokens }
    }

    /// Clears the bits of the tokens in `row` with a character that is not in `set`, or with a beginning of one at the end that may become
    /// another one.
    pub(crate) fn clear_others(&self, set: &PastAscii, row: &mut [u32]) {
        let mut begin = 0;
        for (bytes, &end) in self.characters.iter().zip(&self.ends) {
            let length = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            if !set.reads(&bytes[..length]) {
                self.tokens[begin..end as usize].iter().for_each(|&token| bitmask::clear(row, token));
            }
            begin = end as usize;
        }
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        size_of_val(&*self.characters) + size_of_val(&*self.ends) + size_of_val(&*self.tokens)
    }
}

/// The length of the character that `lead` begins.
fn length(lead: u8) -> usize {
    match lead {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::{LoopSet, is_beginning};

    #[test]
    fn a_row_has_the_tokens_that_a_set_reads() {
        let characters = ["é", "ß", "日", "本", "\u{ac00}", "😀", "\u{10ffff}", "a", "-"];
        let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
        for length in 0..3 {
            let longer = |text: &Vec<u8>| characters.map(|next| [text.as_slice(), next.as_bytes()].concat());
            let level: Vec<Vec<u8>> = texts.iter().filter(|text| text.len() >= length).flat_map(longer).collect();
            texts.extend(level);
        }
        // Characters of which the last bytes are missing.
        let cut: Vec<Vec<u8>> =
            texts.iter().filter_map(|text| Some(text[..text.len().checked_sub(1)?].to_vec())).collect();
        texts.extend(cut);
        texts.retain(|text| is_beginning(text) && !text.is_ascii());
        texts.sort();
        texts.dedup();
        let rare = RareCharacters::new((0..).zip(texts.iter().map(Vec::as_slice)));
        for exceptions in
            [vec!['日'..='日'], vec!['\u{80}'..='\u{ff}', '😀'..='🙏'], vec!['\u{e8}'..='\u{d7ff}'], vec![]]
        {
            let ranges = exceptions.into_iter().map(|range| (u32::from(*range.start()), u32::from(*range.end())));
            let past_ascii = PastAscii::All.without(ranges);
            let mut row = vec![u32::MAX; bitmask::words_for(texts.len())];
            rare.clear_others(&past_ascii, &mut row);
            let set = LoopSet { ascii: u128::MAX, past_ascii };
            for (text, token) in texts.iter().zip(0..) {
                assert_eq!(bitmask::contains(&row, token), set.prefix(text).0 == text.len(), "{text:x?} {set:?}");
            }
        }
    }
}
