//! What each token id of a model stands for.
//!
//! ```text
//! tokenizer.json ─huggingface→ decoder ─┐
//! *.tiktoken ─────tiktoken─────────────┼→ builder → Vocabulary
//! any other engine ─from_tokens────────┘               ▲
//! generation_config.json, config.json, tokenizer_config.json ─stop_tokens
//! ```

mod builder;
mod byte_level;
mod decoder;
mod embedded;
mod error;
mod huggingface;
mod model_folder;
mod stop_tokens;
mod stored;
mod tiktoken;

use std::borrow::Cow;

use grammar_ir::ByteSet;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::bitmask;
use builder::VocabularyBuilder;
pub use embedded::embedded_tiny;
pub use error::VocabularyError;
pub use model_folder::HuggingFaceFiles;
pub use stored::StoredVocabularyError;

/// The greatest number of ids a [`Vocabulary`] can have. The largest vocabularies in use have about a million
/// ids; the bound keeps one absurd id in a damaged file from allocating more than about 80 MB.
pub const MAX_VOCABULARY_SIZE: usize = 1 << 22;

/// The greatest number of bytes of one token. Real tokens end at a few hundred bytes.
pub const MAX_TOKEN_BYTES: usize = u16::MAX as usize;

/// What a token id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TokenKind {
    /// Bytes of text.
    Text = 0,
    /// A control token: it has a name and no bytes, so no text ever matches it.
    Special = 1,
    /// No token: a gap in the numbering, or padding of the logits. Never allowed unless it is a stop token.
    Hole = 2,
}

/// One entry for [`Vocabulary::from_tokens`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A token that stands for these bytes.
    Text(Vec<u8>),
    /// A control token with this name.
    Special(String),
    /// No token has this id.
    Hole,
}

/// How the tokens of a [`Vocabulary`] are written in its source, which decides their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenizerKind {
    /// Each character of a token stands for one byte, by the table of GPT-2.
    ByteLevelBpe,
    /// `▁` stands for a space and `<0x0A>` for the byte 0A.
    SentencePieceByteFallback,
    /// `▁` stands for a space; bytes outside the pieces cannot be written.
    SentencePiece,
    /// A rank file, which holds the bytes themselves.
    Tiktoken,
    /// Given token by token.
    Custom,
}

impl TokenizerKind {
    /// The name used in messages and at the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ByteLevelBpe => "byte-level BPE",
            Self::SentencePieceByteFallback => "SentencePiece with byte fallback",
            Self::SentencePiece => "SentencePiece without byte fallback",
            Self::Tiktoken => "tiktoken ranks",
            Self::Custom => "custom",
        }
    }
}

/// Where the stop tokens of a [`Vocabulary`] come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopTokenSource {
    /// Nothing names one; a matcher over this vocabulary never ends by itself.
    None,
    /// `eos_token_id` of `generation_config.json`.
    GenerationConfig,
    /// `eos_token_id` of `config.json`.
    ModelConfig,
    /// `eos_token` of `tokenizer_config.json`.
    TokenizerConfig,
    /// [`Vocabulary::with_stop_tokens`].
    Explicit,
}

impl StopTokenSource {
    /// The name used in messages and at the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::GenerationConfig => "generation_config.json",
            Self::ModelConfig => "config.json",
            Self::TokenizerConfig => "tokenizer_config.json",
            Self::Explicit => "explicit",
        }
    }
}

/// What was detected when a [`Vocabulary`] was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenizerModel {
    /// How tokens are written.
    pub kind: TokenizerKind,
    /// The value of `model.type` in `tokenizer.json`, if there was one to read.
    pub algorithm: Option<&'static str>,
    /// The types of the normalizers, outermost first; text may come back from the model in a normalized form.
    pub normalizers: Vec<String>,
    /// The number of added tokens, special or not.
    pub added_tokens: usize,
    /// Where the stop tokens come from.
    pub stop_token_source: StopTokenSource,
}

impl TokenizerModel {
    fn new(kind: TokenizerKind) -> Self {
        Self {
            kind,
            algorithm: None,
            normalizers: Vec::new(),
            added_tokens: 0,
            stop_token_source: StopTokenSource::None,
        }
    }
}

/// The tokens of a model: for each id its kind and its bytes, and which ids end a generation.
///
/// ```
/// use mask_runtime::{Token, TokenKind, Vocabulary};
/// let vocabulary = Vocabulary::from_tokens([
///     Token::Text(b"a".to_vec()),
///     Token::Hole,
///     Token::Special("<end>".to_owned()),
/// ])?
/// .with_stop_tokens([2])?
/// .with_size(64)?;
/// assert_eq!(vocabulary.bytes(0), b"a");
/// assert_eq!(vocabulary.bytes(2), b"");
/// assert_eq!(vocabulary.special_id("<end>"), Some(2));
/// assert_eq!(vocabulary.kind(63), TokenKind::Hole);
/// assert_eq!(vocabulary.words_per_row(), 2);
/// # Ok::<(), mask_runtime::VocabularyError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// The bytes of text tokens and the names of special tokens, by id.
    buffer: Vec<u8>,
    /// Where each id begins in `buffer`; one more entry than there are ids.
    offsets: Vec<u32>,
    kinds: Vec<TokenKind>,
    /// Special and added tokens by their text.
    ids_by_text: FxHashMap<Box<str>, u32>,
    /// Ascending and distinct.
    stop_tokens: Vec<u32>,
    model: TokenizerModel,
}

impl Vocabulary {
    /// The vocabulary whose id *i* is the *i*-th of `tokens`, without stop tokens.
    ///
    /// # Errors
    /// When there are more than [`MAX_VOCABULARY_SIZE`] tokens or one is longer than [`MAX_TOKEN_BYTES`].
    pub fn from_tokens(tokens: impl IntoIterator<Item = Token>) -> Result<Self, VocabularyError> {
        let mut builder = VocabularyBuilder::new();
        let mut size = 0;
        for token in tokens {
            if size == MAX_VOCABULARY_SIZE {
                return Err(VocabularyError::too_many(size + 1));
            }
            let id = size as u32;
            match token {
                Token::Text(bytes) => builder.add_text(id, &bytes)?,
                Token::Special(name) => builder.add_added(id, &name, name.as_bytes(), TokenKind::Special)?,
                Token::Hole => {}
            }
            size += 1;
        }
        builder.finish(TokenizerModel::new(TokenizerKind::Custom))?.with_size(size)
    }

    /// Makes the vocabulary as wide as the model's logits; ids that the tokenizer lacks are holes.
    ///
    /// # Errors
    /// When a token, or a stop token, has an id of `logits_width` or more, or the width exceeds
    /// [`MAX_VOCABULARY_SIZE`].
    pub fn with_size(mut self, logits_width: usize) -> Result<Self, VocabularyError> {
        if logits_width > MAX_VOCABULARY_SIZE {
            return Err(VocabularyError::too_many(logits_width));
        }
        let last_token = self.kinds.iter().rposition(|&kind| kind != TokenKind::Hole);
        let last_stop = self.stop_tokens.last().map(|&id| id as usize);
        if let Some(last) = last_token.max(last_stop)
            && last >= logits_width
        {
            return Err(VocabularyError::WidthTooSmall { width: logits_width, needed: last + 1 });
        }
        let end = self.offsets.last().copied().unwrap_or(0);
        self.kinds.resize(logits_width, TokenKind::Hole);
        self.offsets.resize(logits_width + 1, end);
        Ok(self)
    }

    /// Replaces the stop tokens. Special tokens that no longer stop stay special: they are never allowed as text.
    /// A text token that becomes a stop token is not allowed as text as long as it is one.
    ///
    /// # Errors
    /// When an id is not smaller than [`size`](Self::size); padded ids need [`with_size`](Self::with_size) first.
    pub fn with_stop_tokens(mut self, ids: impl IntoIterator<Item = u32>) -> Result<Self, VocabularyError> {
        self.set_stop_tokens(ids, StopTokenSource::Explicit)?;
        Ok(self)
    }

    fn set_stop_tokens(
        &mut self,
        ids: impl IntoIterator<Item = u32>,
        source: StopTokenSource,
    ) -> Result<(), VocabularyError> {
        let mut ids: Vec<u32> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        if let Some(&id) = ids.last()
            && id as usize >= self.size()
        {
            return Err(VocabularyError::StopTokenOutOfRange { id, size: self.size(), origin: source.name() });
        }
        self.stop_tokens = ids;
        self.model.stop_token_source = source;
        Ok(())
    }

    /// The number of ids, holes included: the width of the logits.
    pub fn size(&self) -> usize {
        self.kinds.len()
    }

    /// The number of 32-bit words in a mask row.
    pub fn words_per_row(&self) -> usize {
        bitmask::words_for(self.size())
    }

    /// What `id` stands for; ids beyond the vocabulary are holes.
    pub fn kind(&self, id: u32) -> TokenKind {
        self.kinds.get(id as usize).copied().unwrap_or(TokenKind::Hole)
    }

    /// The number of ids of one kind.
    pub fn count(&self, kind: TokenKind) -> usize {
        self.kinds.iter().filter(|&&other| other == kind).count()
    }

    /// The bytes of a text token. Empty for special tokens and holes: they are never text.
    pub fn bytes(&self, id: u32) -> &[u8] {
        match self.kind(id) {
            TokenKind::Text => self.entry(id),
            TokenKind::Special | TokenKind::Hole => &[],
        }
    }

    fn entry(&self, id: u32) -> &[u8] {
        let index = id as usize;
        match self.offsets.get(index..=index.saturating_add(1)) {
            Some(&[start, end]) => self.buffer.get(start as usize..end as usize).unwrap_or(&[]),
            _ => &[],
        }
    }

    /// A text to show for any token: its bytes, those that are not UTF-8 as `\xHH`; the name of a special token;
    /// nothing for a hole. For display only: different tokens may show the same text.
    pub fn name(&self, id: u32) -> Cow<'_, str> {
        let entry = self.entry(id);
        if let Ok(text) = std::str::from_utf8(entry) {
            return Cow::Borrowed(text);
        }
        let mut text = String::with_capacity(entry.len() * 2);
        for chunk in entry.utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                text.push_str(&format!("\\x{byte:02X}"));
            }
        }
        Cow::Owned(text)
    }

    /// The id of the special or added token with this text.
    pub fn special_id(&self, text: &str) -> Option<u32> {
        self.ids_by_text.get(text).copied()
    }

    /// The ids that end a generation, ascending.
    pub fn stop_tokens(&self) -> &[u32] {
        &self.stop_tokens
    }

    /// Whether `id` ends a generation.
    pub fn is_stop(&self, id: u32) -> bool {
        self.stop_tokens.binary_search(&id).is_ok()
    }

    /// What was detected when the vocabulary was read.
    pub fn model(&self) -> &TokenizerModel {
        &self.model
    }

    /// The bytes that no text token stands for on its own: in some context, text that holds one may have no
    /// tokenization.
    pub fn missing_bytes(&self) -> ByteSet {
        let mut present = ByteSet::EMPTY;
        for id in 0..self.size() as u32 {
            if let &[byte] = self.bytes(id)
                && !self.is_stop(id)
            {
                present.insert(byte);
            }
        }
        present.complement()
    }

    /// A SHA-256 hash of all that masks depend on: the width, every token's kind and bytes or name, the stop tokens.
    /// Equal vocabularies have equal fingerprints on every machine. Computed at each call, in time linear in the
    /// vocabulary.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"grammarc vocabulary 1\0");
        hash.update((self.size() as u64).to_le_bytes());
        let mut header = Vec::with_capacity(self.size() * 5);
        for (kind, bounds) in self.kinds.iter().zip(self.offsets.windows(2)) {
            header.push(*kind as u8);
            header.extend_from_slice(&(bounds[1] - bounds[0]).to_le_bytes());
        }
        hash.update(&header);
        hash.update(&self.buffer);
        for id in &self.stop_tokens {
            hash.update(id.to_le_bytes());
        }
        hash.finalize().into()
    }
}
