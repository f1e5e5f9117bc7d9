//! Text to tokens.

use tokenizers::Tokenizer;

/// A text that cannot be encoded, or a tokenizer that cannot encode.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// The `tokenizer.json` is at fault, or of a kind that is not supported.
    #[error("tokenizer.json cannot be used for encoding: {0}")]
    Load(#[source] tokenizers::Error),
    /// The text cannot be encoded.
    #[error("the text cannot be encoded: {0}")]
    Encode(#[source] tokenizers::Error),
}

/// Turns text into token ids, as the model's tokenizer does.
#[derive(Debug, Clone)]
pub struct Encoder {
    tokenizer: Tokenizer,
}

impl Encoder {
    /// Reads the text of a `tokenizer.json`.
    ///
    /// # Errors
    /// When it is not one.
    pub fn from_json(json: &[u8]) -> Result<Self, EncoderError> {
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(EncoderError::Load)?;
        // Prompts are never cut off or filled up silently, whatever the file says.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(EncoderError::Load)?;
        Ok(Self { tokenizer })
    }

    /// The ids of a rendered chat template: names of special tokens in it are those tokens, and none are added.
    ///
    /// # Errors
    /// When the tokenizer cannot encode the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, EncoderError> {
        self.ids(text, false)
    }

    /// The ids of a text by itself, with the special tokens that the tokenizer puts around it.
    ///
    /// # Errors
    /// When the tokenizer cannot encode the text.
    pub fn encode_with_special_tokens(&self, text: &str) -> Result<Vec<u32>, EncoderError> {
        self.ids(text, true)
    }

    fn ids(&self, text: &str, add_special_tokens: bool) -> Result<Vec<u32>, EncoderError> {
        let encoding = self.tokenizer.encode_fast(text, add_special_tokens).map_err(EncoderError::Encode)?;
        Ok(encoding.get_ids().to_vec())
    }
}
