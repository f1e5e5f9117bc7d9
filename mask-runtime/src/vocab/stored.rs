//! A vocabulary as bytes, and back without trust.
//!
//! What masks and grammars depend on is kept: width, kinds, bytes and names of tokens, texts of added tokens, stop tokens.
//! What else was detected about the tokenizer's files is not, but for their kind.
//!
//! | items | |
//! |---|---|
//! | numbers of ids, of stop tokens, of texts of added tokens; kind of the tokenizer | 4 bytes each |
//! | end of each id's bytes among the bytes of all | 4 bytes each |
//! | stop tokens, ascending | 4 bytes each |
//! | id and end of the text of each added token, by text | 8 bytes each |
//! | kind of each id | 1 byte each |
//! | bytes of all ids; texts of added tokens | |

use rustc_hash::FxHashMap;

use super::{
    MAX_TOKEN_BYTES, MAX_VOCABULARY_SIZE, StopTokenSource, TokenKind, TokenizerKind, TokenizerModel, Vocabulary,
};

/// Bytes are no vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part} {index}: {fault}")]
pub struct StoredVocabularyError {
    part: &'static str,
    index: usize,
    fault: &'static str,
}

/// The kinds of tokenizers, by their numbers.
const KINDS: [TokenizerKind; 5] = [
    TokenizerKind::ByteLevelBpe,
    TokenizerKind::SentencePieceByteFallback,
    TokenizerKind::SentencePiece,
    TokenizerKind::Tiktoken,
    TokenizerKind::Custom,
];

/// The numbers at the beginning.
const COUNTS: usize = 4;

impl Vocabulary {
    /// The bytes that [`from_stored`](Self::from_stored) reads. Equal vocabularies have equal bytes.
    pub(crate) fn to_stored(&self) -> Vec<u8> {
        let mut texts: Vec<(&str, u32)> = self.ids_by_text.iter().map(|(text, &id)| (&**text, id)).collect();
        texts.sort_unstable();
        let kind = KINDS.iter().position(|&kind| kind == self.model.kind).unwrap_or(KINDS.len() - 1);
        // The builder bounds all of these.
        let mut words = vec![self.size() as u32, self.stop_tokens.len() as u32, texts.len() as u32, kind as u32];
        words.extend(&self.offsets[1..]);
        words.extend(&self.stop_tokens);
        let mut end = 0;
        for &(text, id) in &texts {
            end += text.len() as u32;
            words.extend([id, end]);
        }
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(self.kinds.iter().map(|&kind| kind as u8));
        bytes.extend_from_slice(&self.buffer);
        texts.iter().for_each(|(text, _)| bytes.extend_from_slice(text.as_bytes()));
        bytes
    }

    /// The vocabulary that was written.
    ///
    /// # Errors
    /// When the bytes are none.
    pub(crate) fn from_stored(bytes: &[u8]) -> Result<Self, StoredVocabularyError> {
        let fault = |part, index, fault| StoredVocabularyError { part, index, fault };
        let mut rest = bytes;
        let counts = words(&mut rest, COUNTS).ok_or(fault("number", 0, "there is none"))?;
        let &[size, stops, texts, kind] = counts.as_slice() else { return Err(fault("number", 0, "there is none")) };
        let [size, stops, texts] = [size, stops, texts].map(|count| count as usize);
        if size > MAX_VOCABULARY_SIZE {
            return Err(fault("number", 0, "there are more ids than a vocabulary can have"));
        }
        let kind = *KINDS.get(kind as usize).ok_or(fault("number", 3, "there is no such kind of tokenizers"))?;
        let ends = words(&mut rest, size).ok_or(fault("end", 0, "the bytes are too few for the ids"))?;
        let stop_tokens = words(&mut rest, stops).ok_or(fault("stop token", 0, "the bytes are too few for them"))?;
        if let Some(index) = stop_tokens.iter().position(|&id| id as usize >= size) {
            return Err(fault("stop token", index, "there is no such id"));
        }
        if let Some(index) = stop_tokens.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(fault("stop token", index + 1, "it is not after the one before"));
        }
        let named = texts.checked_mul(2).and_then(|count| words(&mut rest, count));
        let named = named.ok_or(fault("added token", 0, "the bytes are too few for them"))?;
        let (kinds, rest) = rest.split_at_checked(size).ok_or(fault("kind", 0, "the bytes are too few for the ids"))?;
        let length = ends.last().map_or(0, |&end| end as usize);
        let (buffer, rest) = rest.split_at_checked(length).ok_or(fault("id", size, "the bytes are too few for it"))?;
        let mut offsets = Vec::with_capacity(size + 1);
        offsets.push(0);
        let mut begin = 0;
        let mut of_kinds = Vec::with_capacity(size);
        for (id, (&end, &kind)) in ends.iter().zip(kinds).enumerate() {
            let token = buffer.get(begin..end as usize).ok_or(fault("id", id, "its bytes are not among the bytes"))?;
            let kind = match kind {
                0 => TokenKind::Text,
                1 if std::str::from_utf8(token).is_err() => return Err(fault("id", id, "its name is not UTF-8")),
                1 => TokenKind::Special,
                2 if !token.is_empty() => return Err(fault("id", id, "it has bytes and is no token")),
                2 => TokenKind::Hole,
                _ => return Err(fault("id", id, "there is no such kind of tokens")),
            };
            if token.len() > MAX_TOKEN_BYTES {
                return Err(fault("id", id, "it is longer than tokens can be"));
            }
            of_kinds.push(kind);
            offsets.push(end);
            begin = end as usize;
        }
        let mut ids_by_text: FxHashMap<Box<str>, u32> = FxHashMap::default();
        let (mut begin, mut last) = (0, None);
        for (index, pair) in named.chunks_exact(2).enumerate() {
            let (id, end) = (pair[0], pair[1] as usize);
            let text = rest.get(begin..end).and_then(|text| std::str::from_utf8(text).ok());
            let text = text.ok_or(fault("added token", index, "its text is not among the texts, or not UTF-8"))?;
            if last.is_some_and(|last| last >= text) || id as usize >= size {
                return Err(fault("added token", index, "it is not after the one before, or there is no such id"));
            }
            ids_by_text.insert(text.into(), id);
            (begin, last) = (end, Some(text));
        }
        if begin != rest.len() {
            return Err(fault("added token", texts, "there is none, though there are bytes left"));
        }
        let mut model = TokenizerModel::new(kind);
        model.added_tokens = texts;
        model.stop_token_source = if stops == 0 { StopTokenSource::None } else { StopTokenSource::Explicit };
        Ok(Self { buffer: buffer.to_vec(), offsets, kinds: of_kinds, ids_by_text, stop_tokens, model })
    }
}

/// The next numbers, if there are so many.
fn words(rest: &mut &[u8], count: usize) -> Option<Vec<u32>> {
    let (words, left) = rest.split_at_checked(count.checked_mul(4)?)?;
    *rest = left;
    Some(words.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::{Token, embedded_tiny};

    #[test]
    fn what_is_written_is_read() {
        let padded = embedded_tiny().with_size(1_100).expect("it is wider");
        for vocabulary in [embedded_tiny(), padded, Vocabulary::from_tokens([]).expect("no token is none too many")] {
            let bytes = vocabulary.to_stored();
            let read = Vocabulary::from_stored(&bytes).expect("it was just written");
            assert_eq!(read.fingerprint(), vocabulary.fingerprint());
            assert_eq!(read.ids_by_text, vocabulary.ids_by_text);
            assert_eq!(read.model().kind, vocabulary.model().kind);
            assert_eq!(read.to_stored(), bytes);
        }
    }

    /// Whatever byte is another one, and wherever the bytes end: reading says what is wrong, or makes a vocabulary of which
    /// every id can be looked at.
    #[test]
    fn any_byte_may_be_wrong() {
        let tokens = [Token::Text(b"ab".to_vec()), Token::Hole, Token::Special("<end>".to_owned())];
        let vocabulary = Vocabulary::from_tokens(tokens).expect("three").with_stop_tokens([2]).expect("there is one");
        let bytes = vocabulary.to_stored();
        let mut refused = 0;
        for position in 0..bytes.len() {
            assert!(Vocabulary::from_stored(&bytes[..position]).is_err(), "{position} bytes");
            for change in [1, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[position] ^= change;
                match Vocabulary::from_stored(&damaged) {
                    Ok(read) => assert!((0..read.size() as u32).all(|id| read.bytes(id).len() < bytes.len())),
                    Err(error) => {
                        refused += 1;
                        assert!(!error.to_string().is_empty());
                    }
                }
            }
        }
        assert!(refused > bytes.len(), "{refused}");
        assert!(Vocabulary::from_stored(&[&bytes[..], b"x"].concat()).is_err(), "something is left");
    }
}
