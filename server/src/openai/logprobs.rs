//! How probable tokens were, in the forms of OpenAI's two APIs.

use gpu_runtime::engine::TokenLogprobs;
use mask_runtime::Vocabulary;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::answer::{Delta, FinishReason};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::lazy::{With, each};
use crate::sampling::bounded_top;
use crate::token_texts::{token_bytes, token_text};

/// What a chat asks for: the number of the most probable tokens to name.
pub(super) fn of_chat(fields: &Fields<'_>) -> Result<Option<usize>, ApiError> {
    let top = fields.count("top_logprobs")?;
    if !fields.flag("logprobs")?.unwrap_or(false) {
        return match top {
            None | Some(0) => Ok(None),
            Some(_) => Err(ApiError::Invalid("top_logprobs needs logprobs to be true.".to_owned())),
        };
    }
    bounded_top("top_logprobs", top.unwrap_or(0)).map(Some)
}

/// What a completion asks for.
pub(super) fn of_completion(fields: &Fields<'_>) -> Result<Option<usize>, ApiError> {
    fields.count("logprobs")?.map(|top| bounded_top("logprobs", top)).transpose()
}

/// The tokens of a delta that are part of the text.
fn of_text(delta: &Delta) -> &[TokenLogprobs] {
    match (&delta.finish, delta.logprobs.split_last()) {
        (Some(FinishReason::StopToken(stop)), Some((last, before))) if last.token == *stop => before,
        _ => &delta.logprobs,
    }
}

/// `logprobs` of a choice of a chat.
pub(super) fn chat<'a>(delta: &'a Delta, vocabulary: &'a Vocabulary) -> impl Serialize + use<'a> {
    let one = move |&(token, logprob): &(u32, f32)| {
        let (text, bytes) = (token_text(token, vocabulary), token_bytes(token, vocabulary));
        json!({"token": text, "bytes": bytes, "logprob": logprob})
    };
    let entry = move |found: &TokenLogprobs| {
        let mut entry = one(&(found.token, found.logprob));
        entry["top_logprobs"] = found.top.iter().map(one).collect();
        entry
    };
    let make = move |name: &str| (name == "content").then(|| each(of_text(delta), entry));
    With { object: json!({"content": null}), make }
}

/// `logprobs` of a choice of a completion, whose text before `delta` has `offset` characters.
pub(super) fn completion<'a>(
    delta: &'a Delta,
    vocabulary: &'a Vocabulary,
    mut offset: usize,
) -> impl Serialize + use<'a> {
    let found = of_text(delta);
    let mut offsets = Vec::with_capacity(found.len());
    for one in found {
        offsets.push(offset);
        offset += token_text(one.token, vocabulary).chars().count();
    }
    let top = move |one: &TokenLogprobs| {
        let members = one.top.iter().map(|&(token, logprob)| (token_text(token, vocabulary), logprob.into()));
        Value::Object(members.collect::<Map<_, _>>())
    };
    let object = json!({
        "tokens": found.iter().map(|one| token_text(one.token, vocabulary)).collect::<Vec<_>>(),
        "token_logprobs": found.iter().map(|one| one.logprob).collect::<Vec<_>>(),
        "top_logprobs": null,
        "text_offset": offsets,
    });
    With { object, make: move |name: &str| (name == "top_logprobs").then(|| each(found, top)) }
}
