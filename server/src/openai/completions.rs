//! `/v1/completions`.

use std::sync::Arc;

use mask_runtime::Tokenizer;
use serde::Serialize;
use serde_json::{Value, json};

use super::{AT_THE_TOP, StreamUsage, finish, logprobs, now, usage};
use crate::Service;
use crate::answer::Delta;
use crate::error::ApiError;
use crate::fields::{Fields, token_ids};
use crate::generation::{Budget, Generation, Plan, Prompt};
use crate::grammar::Constraint;
use crate::intake::Room;
use crate::lazy::{With, each};
use crate::reply::{Events, Gone, Reply, stream, written};
use crate::sampling::{OPENAI, Sampling};

/// `max_tokens` of a request that does not say.
const DEFAULT_MAX_TOKENS: usize = 16;

/// What the answers have in common.
#[derive(Debug, Clone)]
struct Head {
    id: String,
    created: u64,
    model: String,
    prompt_tokens: usize,
    stream_usage: StreamUsage,
    /// Set if it is to be said how probable tokens were.
    tokenizer: Option<Arc<Tokenizer>>,
}

/// A request that has been read.
pub(crate) struct Prepared {
    head: Head,
    pub(crate) plan: Plan,
    streams: bool,
}

impl Prepared {
    /// Reads the body of a request.
    pub(crate) fn read(service: &Service, body: &Value) -> Result<Self, ApiError> {
        let deadline = service.deadline();
        let fields = Fields::of_body(body)?;
        fields.refuse("echo", |value| value == &Value::Bool(false))?;
        fields.refuse("suffix", |_| false)?;
        let mut sampling = Sampling::read(&fields, OPENAI, Some(DEFAULT_MAX_TOKENS), &service.model.sampling_defaults)?;
        sampling.logprobs = logprobs::of_completion(&fields)?;
        let n = sampling.n;
        fields.refuse("best_of", |value| value.as_u64() == u64::try_from(n).ok())?;
        let tokenizer = sampling.logprobs.map(|_| service.model.tokenizer.clone());
        Constraint::refuse_within(&fields, "sampling_params", AT_THE_TOP)?;
        Constraint::refuse_within(&fields, "extra_body", AT_THE_TOP)?;
        let constraint = Constraint::read(&fields, Constraint::response_format(&fields)?)?;
        fields.refuse("require_reasoning", |value| value == &Value::Bool(false))?;
        Budget::read(&fields)?.refuse("completions do not think; /generate does, with require_reasoning")?;
        let prompts: Vec<Prompt> = prompts(service, &fields)?
            .into_iter()
            .map(|tokens| Prompt { tokens, sampling: sampling.clone(), constraint: constraint.clone() })
            .collect();
        let head = Head {
            id: format!("cmpl-{}", uuid::Uuid::new_v4().simple()),
            created: now(),
            model: fields.name_text("model")?.unwrap_or(&service.model.name).to_owned(),
            prompt_tokens: prompts.iter().map(|prompt| prompt.tokens.len()).sum(),
            stream_usage: StreamUsage::read(&fields)?,
            tokenizer,
        };
        let streams = fields.flag("stream")?.unwrap_or(false);
        Ok(Self { head, plan: Plan { prompts, thinking: None, deadline, room: Room::default() }, streams })
    }

    /// Answers the request.
    pub(crate) async fn complete(self, service: &Service) -> Result<Reply, ApiError> {
        let Self { head, plan, streams } = self;
        let mut generation = service.generate(plan).await?;
        if streams {
            return Ok(stream(move |events| send(head, generation, events)));
        }
        let answers = generation.collect().await?;
        let size = answers.iter().map(Delta::size).sum();
        let parts = answers.iter().enumerate();
        let parts = parts.map(|(index, answer)| Ok((index, answer, finish(answer.finish.as_ref())?)));
        let parts = parts.collect::<Result<Vec<_>, ApiError>>()?;
        let (head, parts) = (&head, parts.as_slice());
        let whole = || {
            let mut object = head.object(Vec::new());
            object["usage"] = head.usage(&generation);
            let choices = move || each(parts, |(index, answer, finish)| head.choice(*index, answer, 0, finish));
            With { object, make: move |name: &str| (name == "choices").then(choices) }
        };
        let text = written(&service.writing, size, whole).await?;
        Ok(generation.reply(text))
    }
}

fn prompts(service: &Service, fields: &Fields<'_>) -> Result<Vec<Vec<u32>>, ApiError> {
    let wrong = || ApiError::Malformed("prompt must be a string, a list of token ids, or a list of such.".to_owned());
    let prompts = match fields.value("prompt") {
        None => return Err(ApiError::Malformed("prompt is missing.".to_owned())),
        Some(Value::String(text)) => vec![service.model.encode("prompt", text)?],
        Some(Value::Array(list)) if list.iter().all(Value::is_number) => {
            vec![service.model.check("prompt", token_ids(&Value::Array(list.clone())).ok_or_else(wrong)?)?]
        }
        Some(Value::Array(list)) => {
            service.scheduler.check(list.len())?;
            list.iter()
                .map(|prompt| match prompt {
                    Value::String(text) => service.model.encode("prompt", text),
                    ids => service.model.check("prompt", token_ids(ids).ok_or_else(wrong)?),
                })
                .collect::<Result<_, _>>()?
        }
        Some(_) => return Err(wrong()),
    };
    if prompts.is_empty() {
        return Err(ApiError::Invalid("prompt cannot be empty.".to_owned()));
    }
    Ok(prompts)
}

impl Head {
    fn usage(&self, generation: &Generation) -> Value {
        usage(self.prompt_tokens, (0..generation.len()).map(|index| generation.counts(index).0).sum(), 0)
    }

    /// A choice, or the next piece of one whose text so far has `offset` characters.
    fn choice<'a>(
        &'a self,
        index: usize,
        delta: &'a Delta,
        offset: usize,
        (reason, matched): &(Value, Value),
    ) -> impl Serialize + use<'a> {
        let object = json!({
            "index": index,
            "text": delta.raw,
            "logprobs": null,
            "finish_reason": reason,
            "matched_stop": matched,
        });
        let make = move |name: &str| {
            let tokenizer = self.tokenizer.as_ref().filter(|_| name == "logprobs")?;
            Some(logprobs::completion(delta, tokenizer.vocabulary(), offset))
        };
        With { object, make }
    }

    fn object(&self, choices: Vec<Value>) -> Value {
        json!({
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "choices": choices,
            "usage": null,
        })
    }
}

/// Sends the answers as they come.
async fn send(head: Head, mut generation: Generation, events: Events) -> Result<(), Gone> {
    let mut offsets = vec![0; generation.len()];
    while let Some(next) = generation.next().await {
        let finished = next.and_then(|(index, delta)| Ok((index, finish(delta.finish.as_ref())?, delta)));
        match finished {
            Ok((index, finish, delta)) => {
                // Of the few tokens of one event.
                let choice = json!(head.choice(index, &delta, offsets[index], &finish));
                offsets[index] += delta.raw.chars().count();
                let mut chunk = head.object(vec![choice]);
                if head.stream_usage.in_each {
                    chunk["usage"] = head.usage(&generation);
                }
                events.send(chunk).await?;
            }
            Err(error) => return events.fail(&error).await,
        }
    }
    if head.stream_usage.at_end {
        let mut last = head.object(Vec::new());
        last["usage"] = head.usage(&generation);
        events.send(last).await?;
    }
    Ok(())
}
