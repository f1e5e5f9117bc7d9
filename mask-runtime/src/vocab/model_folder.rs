//! Reads a tokenizer from the files of a model: from memory, or from a folder.

use std::io::ErrorKind;
use std::path::Path;

use super::stop_tokens::{self, ConfigFiles, TokenizerConfig};
use super::{Vocabulary, VocabularyError, huggingface};

/// The files of a Hugging Face model that say what its tokens are. All but the first may be missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct HuggingFaceFiles<'a> {
    /// The text of `tokenizer.json`.
    pub tokenizer: &'a [u8],
    /// The text of `generation_config.json`: stop tokens.
    pub generation_config: Option<&'a [u8]>,
    /// The text of `config.json`: stop tokens, and the width of the logits.
    pub config: Option<&'a [u8]>,
    /// The text of `tokenizer_config.json`: stop token, control tokens, further added tokens.
    pub tokenizer_config: Option<&'a [u8]>,
}

impl Vocabulary {
    /// Reads a `tokenizer.json`. It does not name stop tokens; give them with
    /// [`with_stop_tokens`](Self::with_stop_tokens), or use [`from_huggingface_files`](Self::from_huggingface_files).
    ///
    /// # Errors
    /// Not a `tokenizer.json`, a tokenizer of an unsupported kind, ids that clash or exceed a limit.
    pub fn from_huggingface_json(tokenizer_json: &[u8]) -> Result<Self, VocabularyError> {
        Self::from_huggingface_files(HuggingFaceFiles { tokenizer: tokenizer_json, ..HuggingFaceFiles::default() })
    }

    /// Reads the files of a model. If `config.json` gives a `vocab_size` greater than the tokenizer, the vocabulary
    /// is made that wide. Stop tokens are those of the first of `generation_config.json`, `config.json` and
    /// `tokenizer_config.json` that names any.
    ///
    /// # Errors
    /// As [`from_huggingface_json`](Self::from_huggingface_json); a stop token that does not exist.
    pub fn from_huggingface_files(files: HuggingFaceFiles<'_>) -> Result<Self, VocabularyError> {
        let tokenizer_config = files.tokenizer_config.map(TokenizerConfig::parse).transpose()?.unwrap_or_default();
        let vocabulary = huggingface::read(files.tokenizer, &tokenizer_config)?;
        let configs = ConfigFiles { generation_config: files.generation_config, config: files.config };
        stop_tokens::apply(vocabulary, configs, &tokenizer_config)
    }

    /// Reads a tokenizer from `path`: a model folder with a `tokenizer.json`, such a file, or a `*.tiktoken` file.
    ///
    /// With a file called `tokenizer.json` the other files of its folder are read too, as with the folder itself; a
    /// file of any other name is read alone.
    ///
    /// # Errors
    /// A file that cannot be read, no tokenizer there, and those of
    /// [`from_huggingface_files`](Self::from_huggingface_files).
    pub fn from_huggingface_dir(path: impl AsRef<Path>) -> Result<Self, VocabularyError> {
        let path = path.as_ref();
        if path.is_dir() {
            return from_folder(path);
        }
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tiktoken")) {
            return Self::from_tiktoken_ranks(&read(path)?, &[]);
        }
        if path.file_name().is_some_and(|name| name == "tokenizer.json") {
            return from_folder(path.parent().unwrap_or(Path::new("")));
        }
        Self::from_huggingface_json(&read(path)?)
    }
}

fn from_folder(folder: &Path) -> Result<Vocabulary, VocabularyError> {
    let Some(tokenizer) = read_optional(&folder.join("tokenizer.json"))? else {
        return Err(VocabularyError::NoTokenizer { path: folder.to_owned(), problem: "has no tokenizer.json" });
    };
    let generation_config = read_optional(&folder.join("generation_config.json"))?;
    let config = read_optional(&folder.join("config.json"))?;
    let tokenizer_config = read_optional(&folder.join("tokenizer_config.json"))?;
    Vocabulary::from_huggingface_files(HuggingFaceFiles {
        tokenizer: &tokenizer,
        generation_config: generation_config.as_deref(),
        config: config.as_deref(),
        tokenizer_config: tokenizer_config.as_deref(),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, VocabularyError> {
    std::fs::read(path).map_err(|source| VocabularyError::Io { path: path.to_owned(), source })
}

fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, VocabularyError> {
    match read(path) {
        Err(VocabularyError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
