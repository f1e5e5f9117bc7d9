//! What the endpoints know of the model.

use std::sync::Arc;

use gpu_runtime::{ChatTemplate, Conversation, Encoder};
use mask_runtime::Tokenizer;
use serde_json::Value;

use crate::error::ApiError;

/// A model's tokens and texts; its weights are with the scheduler.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) tokenizer: Arc<Tokenizer>,
    pub(crate) encoder: Encoder,
    pub(crate) template: Option<ChatTemplate>,
    /// The greatest number of positions of a sequence.
    pub(crate) context: usize,
}

impl Model {
    /// The prompt of a conversation.
    pub(crate) fn render(&self, messages: &[Value], tools: &[Value]) -> Result<Vec<u32>, ApiError> {
        let Some(template) = &self.template else {
            let message = "messages: the model has no chat template; use /v1/completions or /generate.";
            return Err(ApiError::Invalid(message.to_owned()));
        };
        let text = template
            .render(&Conversation { messages, tools })
            .map_err(|error| ApiError::Invalid(format!("messages: {error}")))?;
        self.encoder.encode(&text).map_err(|error| ApiError::Invalid(format!("messages: {error}")))
    }

    /// The prompt that a text is.
    pub(crate) fn encode(&self, field: &str, text: &str) -> Result<Vec<u32>, ApiError> {
        self.encoder.encode_with_special_tokens(text).map_err(|error| ApiError::Invalid(format!("{field}: {error}")))
    }

    /// The stop token that an end stands for which the grammar alone decided: the last of the model's, as chat models
    /// list the end of a turn after the end of a text.
    pub(crate) fn end_token(&self) -> Option<u32> {
        self.tokenizer.vocabulary().stop_tokens().last().copied()
    }
}
