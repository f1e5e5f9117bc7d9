//! What the endpoints know of the model.

use std::sync::Arc;

use gpu_runtime::{ChatTemplate, Conversation, Encoder};
use mask_runtime::Tokenizer;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::sampling_defaults::SamplingDefaults;

/// From this many bytes on, a text keeps a thread busy for a millisecond.
const LARGE: usize = 20_000;

/// About how many bytes of text a message or a tool is as much work as, whatever is in it.
const PART_SIZE: usize = 500;

/// Runs something that takes as long as `size` bytes take, so that other requests go on meanwhile.
fn beside_others<T>(size: usize, run: impl FnOnce() -> T) -> T {
    if size < LARGE { run() } else { tokio::task::block_in_place(run) }
}

/// A model's tokens and texts; its weights are with the scheduler.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) tokenizer: Arc<Tokenizer>,
    pub(crate) encoder: Encoder,
    pub(crate) template: Option<ChatTemplate>,
    /// The number of ids of the model, which may be more than the tokenizer's.
    pub(crate) vocabulary_size: usize,
    /// The number of bytes of the longest token.
    pub(crate) longest_token: usize,
    /// The greatest number of positions of a sequence.
    pub(crate) context: usize,
    /// How tokens are chosen for requests of OpenAI's API that do not say.
    pub(crate) sampling_defaults: SamplingDefaults,
}

impl Model {
    /// The prompt of a conversation; `arguments` are further variables of the template.
    pub(crate) fn render(
        &self,
        messages: &[Value],
        tools: &[Value],
        arguments: &Map<String, Value>,
    ) -> Result<Vec<u32>, ApiError> {
        let Some(template) = &self.template else {
            let message = "messages: the model has no chat template; use /v1/completions or /generate.";
            return Err(ApiError::Invalid(message.to_owned()));
        };
        // Templates go through all of it, tools included, and may do so more than once.
        let size = messages.iter().filter_map(|message| message["content"].as_str()).map(str::len).sum::<usize>()
            + PART_SIZE * (messages.len() + tools.len() + arguments.len());
        beside_others(size, || self.render_now(template, messages, tools, arguments))
    }

    fn render_now(
        &self,
        template: &ChatTemplate,
        messages: &[Value],
        tools: &[Value],
        arguments: &Map<String, Value>,
    ) -> Result<Vec<u32>, ApiError> {
        let text = template
            .render(&Conversation { messages, tools, arguments: Some(arguments) })
            .map_err(|error| ApiError::Invalid(format!("messages: {error}")))?;
        self.check_length("messages", &text)?;
        let tokens = self.encoder.encode(&text).map_err(|error| ApiError::Invalid(format!("messages: {error}")))?;
        self.check("messages", tokens)
    }

    /// The prompt that a text is.
    pub(crate) fn encode(&self, field: &str, text: &str) -> Result<Vec<u32>, ApiError> {
        self.check_length(field, text)?;
        let tokens = beside_others(text.len(), || self.encoder.encode_with_special_tokens(text));
        self.check(field, tokens.map_err(|error| ApiError::Invalid(format!("{field}: {error}")))?)
    }

    /// The prompt that tokens are.
    ///
    /// # Errors
    /// When some are not the model's, or there are so many that there is no room for an answer.
    pub(crate) fn check(&self, field: &str, tokens: Vec<u32>) -> Result<Vec<u32>, ApiError> {
        let (size, context) = (self.vocabulary_size, self.context);
        if let Some(token) = tokens.iter().find(|&&token| token as usize >= size) {
            return Err(ApiError::Invalid(format!(
                "{field}: token {token} is out of range: the model has {size} ids."
            )));
        }
        match tokens.len() {
            0 => Err(ApiError::Invalid(format!("{field} cannot be empty."))),
            length if length >= context => Err(self.too_long(field, &format!("has {length} tokens"))),
            _ => Ok(tokens),
        }
    }

    /// Refuses a text that has more tokens than there is room for even if each of them is the longest there is: to find
    /// its tokens would take seconds.
    fn check_length(&self, field: &str, text: &str) -> Result<(), ApiError> {
        match text.len() > self.context.saturating_mul(self.longest_token) {
            true => Err(self.too_long(field, &format!("has {} bytes", text.len()))),
            false => Ok(()),
        }
    }

    fn too_long(&self, field: &str, what: &str) -> ApiError {
        let context = self.context;
        ApiError::Invalid(format!(
            "{field}: the prompt {what}, which leaves no room in a context of {context} tokens; shorten it."
        ))
    }

    /// The stop token that an end stands for which the grammar alone decided: the last of the model's, as chat models
    /// list the end of a turn after the end of a text.
    pub(crate) fn end_token(&self) -> Option<u32> {
        self.tokenizer.vocabulary().stop_tokens().last().copied()
    }
}
