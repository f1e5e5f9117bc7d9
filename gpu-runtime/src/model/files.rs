//! The files of a model: a folder in the form of Hugging Face, or the model that comes with the library.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use mask_runtime::{HuggingFaceFiles, Vocabulary, VocabularyError};

use super::checkpoint::{Checkpoint, CheckpointError};
use super::config::{ConfigError, LlamaConfig};
use crate::text::{ChatTemplate, ChatTemplateError, Encoder, EncoderError};

/// A model folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The model is of a kind that is not supported, or its description is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The weights cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The tokenizer has no usable vocabulary.
    #[error(transparent)]
    Vocabulary(#[from] VocabularyError),
    /// The tokenizer cannot encode.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The chat template cannot be used.
    #[error(transparent)]
    ChatTemplate(#[from] ChatTemplateError),
}

/// The files of a model.
#[derive(Debug)]
pub struct ModelFiles {
    config: Vec<u8>,
    generation_config: Option<Vec<u8>>,
    tokenizer: Vec<u8>,
    tokenizer_config: Option<Vec<u8>>,
    /// `chat_template.jinja`, which newer folders have instead of a field of `tokenizer_config.json`.
    chat_template: Option<Vec<u8>>,
    checkpoint: Checkpoint,
    /// [`context_length`](Self::context_length), where it is not that of `config.json`.
    context_length: Option<usize>,
}

/// The positions of a sequence of the embedded model. It was trained with 512, and does not lose its way at once beyond them;
/// prompts of a thousand tokens and answers of two thousand, as documents about structured outputs have them, fit.
const EMBEDDED_CONTEXT_LENGTH: usize = 4_096;

impl ModelFiles {
    /// Reads the small files of `folder` and maps its checkpoint. The files must not be changed as long as this lives.
    ///
    /// # Errors
    /// `config.json`, `tokenizer.json` or the checkpoint is missing; a file cannot be read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, ModelError> {
        let folder = folder.as_ref();
        Ok(Self {
            config: read(folder.join("config.json"))?,
            generation_config: read_optional(folder.join("generation_config.json"))?,
            tokenizer: read(folder.join("tokenizer.json"))?,
            tokenizer_config: read_optional(folder.join("tokenizer_config.json"))?,
            chat_template: read_optional(folder.join("chat_template.jinja"))?,
            checkpoint: Checkpoint::open(folder)?,
            context_length: None,
        })
    }

    /// `tiny-tools`, a model of a million weights made for this project, so that everything can be tried at once. It
    /// answers about capitals, extracts fields, and calls small tools; `data/README.md` says what it is.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), none of which occurs with the embedded files.
    pub fn embedded_tiny() -> Result<Self, ModelError> {
        Ok(Self {
            config: include_bytes!("../../data/tiny-tools/config.json").to_vec(),
            generation_config: Some(include_bytes!("../../data/tiny-tools/generation_config.json").to_vec()),
            tokenizer: include_bytes!("../../data/tiny-tools/tokenizer.json").to_vec(),
            tokenizer_config: Some(include_bytes!("../../data/tiny-tools/tokenizer_config.json").to_vec()),
            chat_template: None,
            checkpoint: Checkpoint::from_bytes(&include_bytes!("../../data/tiny-tools/model.safetensors")[..])?,
            context_length: Some(EMBEDDED_CONTEXT_LENGTH),
        })
    }

    /// The shape of the model.
    ///
    /// # Errors
    /// Another architecture, an unsupported feature, dimensions that do not fit.
    pub fn config(&self) -> Result<LlamaConfig, ModelError> {
        Ok(LlamaConfig::parse(&self.config)?)
    }

    /// The greatest number of positions of a sequence, unless its user says otherwise: what the model was trained for by its
    /// `config.json`. That of the embedded model is 4,096, eight times as much, so that long prompts can be tried; its answers to
    /// them follow their grammar, and make little sense.
    ///
    /// # Errors
    /// Those of [`config`](Self::config).
    pub fn context_length(&self) -> Result<usize, ModelError> {
        Ok(self.context_length.unwrap_or(self.config()?.max_positions))
    }

    /// The text of `generation_config.json`, if there is one.
    pub fn generation_config(&self) -> Option<&[u8]> {
        self.generation_config.as_deref()
    }

    /// The weights.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The tokens, as wide as the logits at least, with the model's stop tokens.
    ///
    /// # Errors
    /// A tokenizer of an unsupported kind.
    pub fn vocabulary(&self) -> Result<Vocabulary, ModelError> {
        Ok(Vocabulary::from_huggingface_files(HuggingFaceFiles {
            tokenizer: &self.tokenizer,
            generation_config: self.generation_config.as_deref(),
            config: Some(&self.config),
            tokenizer_config: self.tokenizer_config.as_deref(),
        })?)
    }

    /// What turns text into tokens.
    ///
    /// # Errors
    /// A tokenizer of an unsupported kind.
    pub fn encoder(&self) -> Result<Encoder, ModelError> {
        Ok(Encoder::from_json(&self.tokenizer)?)
    }

    /// What turns a conversation into a prompt, if the model has it.
    ///
    /// # Errors
    /// A template that is not one.
    pub fn chat_template(&self) -> Result<Option<ChatTemplate>, ModelError> {
        Ok(ChatTemplate::from_files(self.tokenizer_config.as_deref(), self.chat_template.as_deref())?)
    }
}

fn read(path: PathBuf) -> Result<Vec<u8>, ModelError> {
    std::fs::read(&path).map_err(|source| ModelError::Read { path, source })
}

fn read_optional(path: PathBuf) -> Result<Option<Vec<u8>>, ModelError> {
    match read(path) {
        Err(ModelError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
