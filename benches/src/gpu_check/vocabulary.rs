//! A vocabulary as large as a real one, made of short texts: no tokenizer of that size is in the repository.

use std::collections::HashSet;

use mask_runtime::{Token, Vocabulary};

use super::report::Failure;

/// A vocabulary of `size` ids: all bytes, then words of one to four letters in several spellings, numbers and pairs of
/// punctuation marks. It has no stop tokens, so that a model of random weights does not end an answer by chance.
pub(super) fn vocabulary(size: usize) -> Result<Vocabulary, Failure> {
    let bytes = (0..=u8::MAX).map(|byte| vec![byte]);
    let marks = || (b'!'..=b'~').filter(|byte| !byte.is_ascii_alphanumeric());
    let pairs = marks().flat_map(|first| marks().map(move |second| vec![first, second]));
    let numbers = (0..1000).map(|number| number.to_string().into_bytes());
    let words = (1..=4).flat_map(words).flat_map(|word| {
        let capital = [word[..1].to_ascii_uppercase(), word[1..].to_vec()].concat();
        let spaced = |word: &[u8]| [b" ", word].concat();
        [spaced(&word), spaced(&capital), capital, word]
    });
    let mut seen = HashSet::new();
    let texts = bytes.chain(pairs).chain(numbers).chain(words).filter(|text| seen.insert(text.clone()));
    Ok(Vocabulary::from_tokens(texts.take(size).map(Token::Text))?.with_size(size)?)
}

/// All words of `length` letters, those that follow each other in the alphabet far apart.
fn words(length: u32) -> impl Iterator<Item = Vec<u8>> {
    let count = 26_u32.pow(length);
    // Has no factor in common with 26, so that every word comes once.
    const STRIDE: u32 = 9_973;
    (0..count).map(move |index| {
        let mut rest = (u64::from(index) * u64::from(STRIDE) % u64::from(count)) as u32;
        (0..length)
            .map(|_| {
                let letter = b'a' + (rest % 26) as u8;
                rest /= 26;
                letter
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use mask_runtime::TokenKind;

    use super::*;

    #[test]
    fn every_id_is_a_text_of_its_own() {
        let vocabulary = vocabulary(128_256).unwrap();
        assert_eq!(vocabulary.count(TokenKind::Text), 128_256);
        let texts: HashSet<&[u8]> = (0..128_256).map(|id| vocabulary.bytes(id)).collect();
        assert_eq!(texts.len(), 128_256);
        assert!(vocabulary.stop_tokens().is_empty() && vocabulary.missing_bytes().is_empty());
    }
}
