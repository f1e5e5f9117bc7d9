//! `/v1/…`: OpenAI's API.

pub(crate) mod chat;
pub(crate) mod completions;
mod logprobs;
mod tools;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::answer::FinishReason;
use crate::error::ApiError;
use crate::fields::Fields;

/// What is said of constraints that are not at the top of a body.
const AT_THE_TOP: &str = "it is not read here; give it at the top of the body";

/// The seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// The list of `/v1/models`.
pub(crate) fn models(name: &str, context: usize, created: u64) -> Value {
    json!({"object": "list", "data": [model(name, context, created)]})
}

/// The model of `/v1/models/NAME`.
pub(crate) fn model(name: &str, context: usize, created: u64) -> Value {
    json!({
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": "grammarc",
        "root": name,
        "max_model_len": context,
    })
}

/// `finish_reason` and `matched_stop`.
fn finish(finish: Option<&FinishReason>) -> Result<(Value, Value), ApiError> {
    if let Some(error) = finish.and_then(FinishReason::error) {
        return Err(error);
    }
    Ok(match finish {
        None | Some(FinishReason::Unsatisfiable(_) | FinishReason::TooManySlow(_) | FinishReason::Failed(_)) => {
            (Value::Null, Value::Null)
        }
        Some(FinishReason::StopToken(token)) => ("stop".into(), (*token).into()),
        Some(FinishReason::StopText(text)) => ("stop".into(), text.as_str().into()),
        Some(FinishReason::GrammarEnd) => ("stop".into(), Value::Null),
        Some(FinishReason::Length(_)) => ("length".into(), Value::Null),
    })
}

fn usage(prompt_tokens: usize, completion_tokens: usize, reasoning_tokens: usize) -> Value {
    json!({
        "prompt_tokens": prompt_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "completion_tokens": completion_tokens,
        "prompt_tokens_details": null,
        "reasoning_tokens": reasoning_tokens,
    })
}

/// Where a stream says how many tokens there are.
#[derive(Debug, Clone, Copy, Default)]
struct StreamUsage {
    /// In a chunk of its own at the end.
    at_end: bool,
    /// In each chunk, too, as far as the answers have come.
    in_each: bool,
}

impl StreamUsage {
    fn read(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let Some(options) = fields.object("stream_options")? else { return Ok(Self::default()) };
        let at_end = options.flag("include_usage")?.unwrap_or(false);
        let in_each = options.flag("continuous_usage_stats")?.unwrap_or(false);
        if in_each && !at_end {
            let message = "stream_options.continuous_usage_stats needs stream_options.include_usage to be true.";
            return Err(ApiError::Invalid(message.to_owned()));
        }
        Ok(Self { at_end, in_each })
    }
}
