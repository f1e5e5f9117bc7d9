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
        None | Some(FinishReason::Unsatisfiable(_) | FinishReason::Failed(_)) => (Value::Null, Value::Null),
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

/// Whether a stream ends with a chunk about usage.
fn includes_usage(fields: &Fields<'_>) -> Result<bool, ApiError> {
    let options = fields.object("stream_options")?;
    if let Some(options) = &options {
        options.refuse("continuous_usage_stats", |value| value == &Value::Bool(false))?;
    }
    Ok(options.map(|options| options.flag("include_usage")).transpose()?.flatten().unwrap_or(false))
}
