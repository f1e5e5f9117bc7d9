//! Why a vocabulary could not be read.

use std::path::PathBuf;

use super::{MAX_TOKEN_BYTES, MAX_VOCABULARY_SIZE};

/// A tokenizer, or what was asked of it, cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VocabularyError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A JSON file is not JSON, or not of the expected form.
    #[error("{file} is not a {file} of the expected form: {source}")]
    Json {
        /// The name of the file, without its folder.
        file: &'static str,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// A tokenizer of a kind whose tokens cannot be turned into bytes.
    #[error("{pointer} of tokenizer.json: {found} is not supported; supported are {supported}")]
    Unsupported {
        /// The JSON Pointer of the offending part.
        pointer: String,
        /// What is there.
        found: String,
        /// What could be there instead.
        supported: &'static str,
    },
    /// Two tokens claim one id.
    #[error("the tokens {first:?} and {second:?} both have the id {id}; every id must name one token")]
    DuplicateId {
        /// The id.
        id: u32,
        /// The token read first.
        first: String,
        /// The token read second.
        second: String,
    },
    /// The vocabulary is too large.
    #[error("the vocabulary needs {size} ids, more than the limit of {limit}; check the file for a damaged id")]
    TooManyTokens {
        /// The number of ids needed.
        size: usize,
        /// The limit: [`MAX_VOCABULARY_SIZE`].
        limit: usize,
    },
    /// A token is too long.
    #[error("the token with the id {id} has {length} bytes, more than the limit of {MAX_TOKEN_BYTES}")]
    TokenTooLong {
        /// The token.
        id: u32,
        /// Its length in bytes.
        length: usize,
    },
    /// All tokens together are too long.
    #[error("the tokens have more than {} bytes in total; is this a vocabulary?", u32::MAX)]
    TooManyBytes,
    /// The logits are narrower than the vocabulary.
    #[error(
        "the logits are {width} wide but the vocabulary has ids up to {}; give the width of the model's output, at \
         least {needed}",
        needed - 1
    )]
    WidthTooSmall {
        /// The width asked for.
        width: usize,
        /// The least width that holds every token.
        needed: usize,
    },
    /// A stop token is not in the vocabulary.
    #[error(
        "the stop token {id} (from: {origin}) is outside the vocabulary of {size} ids; widen the vocabulary with \
         `with_size` if the model pads its logits, or correct the id"
    )]
    StopTokenOutOfRange {
        /// The id.
        id: u32,
        /// The size of the vocabulary.
        size: usize,
        /// What named the stop token.
        origin: &'static str,
    },
    /// A stop token is not written as a token id.
    #[error("{pointer} of {file}: {found} is not a token id; expected a number, a list of numbers, or null")]
    StopTokenForm {
        /// The file.
        file: &'static str,
        /// The JSON Pointer of the value.
        pointer: &'static str,
        /// What is there.
        found: String,
    },
    /// `eos_token` names no token.
    #[error(
        "tokenizer_config.json names {name:?} as eos_token, but the tokenizer has no such token; correct it, or name \
         the stop tokens by id in generation_config.json"
    )]
    UnknownStopToken {
        /// The name.
        name: String,
    },
    /// A line of a rank file is not `<base64> <rank>`.
    #[error("line {line} of the rank file: {problem}; each line must be `<token in base64> <rank>`")]
    Tiktoken {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A path that holds no tokenizer.
    #[error("{}: {problem}; give a folder with a tokenizer.json, such a file itself, or a *.tiktoken rank file", path.display())]
    NoTokenizer {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl VocabularyError {
    pub(super) fn too_many(size: usize) -> Self {
        Self::TooManyTokens { size, limit: MAX_VOCABULARY_SIZE }
    }
}
