//! Instances as tokens.

use std::path::Path;

use mask_runtime::Vocabulary;

use super::engine::Setup;
use super::failure::Failure;

/// The tokens of `folder`, with `eos`, or else the folder's first stop token, as the only stop token.
pub(super) fn setup(folder: &Path, eos: Option<u32>) -> Result<Setup, Failure> {
    let vocabulary = Vocabulary::from_huggingface_dir(folder).map_err(|error| Failure::data(folder, error))?;
    let eos = eos.or_else(|| vocabulary.stop_tokens().first().copied());
    let eos =
        eos.ok_or_else(|| Failure::Usage("the tokenizer names no stop token; choose one with --eos".to_owned()))?;
    let vocabulary = vocabulary.with_stop_tokens([eos]).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Setup { vocabulary, eos, folder: folder.to_owned() })
}

/// The tokenizer proper, which a model's text goes through; engines only see its vocabulary.
pub(super) struct Encoder {
    tokenizer: tokenizers::Tokenizer,
    vocabulary: Vocabulary,
    eos: u32,
}

impl Encoder {
    pub(super) fn new(folder: &Path, setup: Setup) -> Result<Self, Failure> {
        let path = folder.join("tokenizer.json");
        let tokenizer = tokenizers::Tokenizer::from_file(&path).map_err(|error| Failure::data(&path, error))?;
        Ok(Self { tokenizer, vocabulary: setup.vocabulary, eos: setup.eos })
    }

    /// The tokens of `text` and the end token, and whether they spell `text` exactly. A tokenizer that normalizes, or
    /// puts a space in front, may change the text.
    pub(super) fn encode(&self, text: &str) -> Result<(Vec<u32>, bool), Failure> {
        let encoding =
            self.tokenizer.encode_fast(text, false).map_err(|error| Failure::Usage(format!("{text}: {error}")))?;
        let mut tokens = encoding.get_ids().to_vec();
        let exact = tokens.iter().flat_map(|&token| self.vocabulary.bytes(token)).eq(text.as_bytes());
        tokens.push(self.eos);
        Ok((tokens, exact))
    }
}
