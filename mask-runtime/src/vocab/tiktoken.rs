//! Reads a tiktoken rank file: one token a line, in base64, a space, and the rank, which is the id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::builder::VocabularyBuilder;
use super::{TokenKind, TokenizerKind, TokenizerModel, Vocabulary, VocabularyError};

impl Vocabulary {
    /// Reads the text of a `*.tiktoken` rank file. Such a file does not hold the special tokens: `special` names
    /// them. There are no stop tokens yet; give them with [`with_stop_tokens`](Self::with_stop_tokens).
    ///
    /// ```
    /// use mask_runtime::Vocabulary;
    /// let vocabulary = Vocabulary::from_tiktoken_ranks(b"YQ== 0\nYWI= 1\n", &[("<|end|>".to_owned(), 2)])?;
    /// assert_eq!(vocabulary.bytes(1), b"ab");
    /// assert_eq!(vocabulary.special_id("<|end|>"), Some(2));
    /// # Ok::<(), mask_runtime::VocabularyError>(())
    /// ```
    ///
    /// # Errors
    /// A line of another form, two tokens with one id, an id or a token that exceeds its limit.
    pub fn from_tiktoken_ranks(text: &[u8], special: &[(String, u32)]) -> Result<Self, VocabularyError> {
        let mut builder = VocabularyBuilder::new();
        let mut bytes = Vec::new();
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let fail = |problem: String| VocabularyError::Tiktoken { line: index + 1, problem };
            let separator = line.iter().position(|&byte| byte == b' ').ok_or_else(|| fail("no space".to_owned()))?;
            let (token, rank) = (&line[..separator], line[separator..].trim_ascii());
            let rank = std::str::from_utf8(rank).ok().and_then(|rank| rank.parse().ok()).ok_or_else(|| {
                fail(format!("the rank {:?} is not a number of 32 bits", String::from_utf8_lossy(rank)))
            })?;
            bytes.clear();
            STANDARD.decode_vec(token, &mut bytes).map_err(|error| fail(format!("not base64: {error}")))?;
            builder.add_text(rank, &bytes)?;
        }
        for (name, id) in special {
            if let Some(bytes) = builder.base_bytes(*id) {
                return Err(VocabularyError::DuplicateId {
                    id: *id,
                    first: String::from_utf8_lossy(bytes).into_owned(),
                    second: name.clone(),
                });
            }
            builder.add_added(*id, name, name.as_bytes(), TokenKind::Special)?;
        }
        builder.finish(TokenizerModel { added_tokens: special.len(), ..TokenizerModel::new(TokenizerKind::Tiktoken) })
    }
}
