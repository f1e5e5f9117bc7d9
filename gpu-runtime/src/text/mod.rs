//! Text in and out: conversations to prompts, prompts to tokens, tokens to text.

mod chat_template;
mod encoder;
mod python_json;
mod text_stream;

pub use chat_template::{ChatTemplate, ChatTemplateError, Conversation};
pub use encoder::{Encoder, EncoderError};
pub use text_stream::TextStream;
