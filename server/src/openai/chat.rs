//! `/v1/chat/completions`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::tools::Tools;
use super::{finish, includes_usage, now, refuse_logprobs, usage};
use crate::Service;
use crate::answer::Delta;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::generation::{Generation, Plan, Prompt};
use crate::grammar::Constraint;
use crate::reasoning::Mode;
use crate::reply::{Events, Gone, Reply, stream};
use crate::sampling::{OPENAI, Sampling};

/// What the answers have in common.
#[derive(Debug, Clone)]
struct Head {
    id: String,
    created: u64,
    model: String,
    prompt_tokens: usize,
    tools: Tools,
    /// Whether reasoning goes to a field of its own.
    separate_reasoning: bool,
    /// Whether reasoning is streamed as it comes, or in one piece.
    stream_reasoning: bool,
    includes_usage: bool,
}

/// Serves a request.
pub(crate) async fn complete(service: &Arc<Service>, body: &Value) -> Result<Reply, ApiError> {
    let fields = Fields::of_body(body)?;
    refuse_logprobs(&fields)?;
    let messages = messages(&fields)?;
    let sampling = Sampling::read(&fields, OPENAI, None)?;
    let own = Constraint::read(&fields, Constraint::response_format(&fields)?)?;
    let tools = Tools::read(&fields)?;
    let constraint = tools.constraint(own)?;
    let thinking = thinks(service, &fields)?;
    let mut tokens = service.model.render(&messages, &tools.list)?;
    if thinking {
        let around = service.thinking()?;
        // Some templates have begun the thinking already.
        let begun = tokens.iter().rposition(|&token| token == around.start);
        let ended = tokens.iter().rposition(|&token| token == around.end);
        if begun.is_none() || ended > begun {
            tokens.push(around.start);
        }
    }
    let head = Head {
        id: format!("chatcmpl-{}", uuid::Uuid::new_v4().simple()),
        created: now(),
        model: fields.text("model")?.unwrap_or(&service.model.name).to_owned(),
        prompt_tokens: tokens.len(),
        tools,
        separate_reasoning: fields.flag("separate_reasoning")?.unwrap_or(true),
        stream_reasoning: fields.flag("stream_reasoning")?.unwrap_or(true),
        includes_usage: includes_usage(&fields)?,
    };
    let streams = fields.flag("stream")?.unwrap_or(false);
    let plan = Plan { prompts: vec![Prompt { tokens, sampling, constraint }], thinking };
    let mut generation = service.generate(plan).await?;
    if streams {
        return Ok(stream(move |events| send(head, generation, events)));
    }
    let answers = generation.collect().await?;
    let choices =
        answers.iter().enumerate().map(|(index, answer)| head.choice(index, answer)).collect::<Result<Vec<_>, _>>()?;
    Ok(Reply::Whole(json!({
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": choices,
        "usage": head.usage(&generation),
        "metadata": {"weight_version": "default"},
    })))
}

/// The messages, as templates expect them: with a content that is one text, and an answer to give.
fn messages(fields: &Fields<'_>) -> Result<Vec<Value>, ApiError> {
    let mut messages = fields.list("messages")?.unwrap_or_default().to_vec();
    for (index, message) in messages.iter_mut().enumerate() {
        let name = format!("messages.{index}");
        let content = {
            let fields = Fields::of(message, &name)?;
            if fields.text("role")?.is_none() {
                return Err(ApiError::Malformed(format!("{} is missing.", fields.name("role"))));
            }
            match fields.value("content") {
                None => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(Value::Array(parts)) => {
                    parts.iter().map(|part| text_part(part, &name)).collect::<Result<_, _>>()?
                }
                Some(_) => {
                    return Err(ApiError::Malformed(format!("{name}.content must be a string or a list of parts.")));
                }
            }
        };
        message["content"] = content.into();
    }
    let Some(last) = messages.last_mut() else {
        return Err(ApiError::Invalid("Messages cannot be empty.".to_owned()));
    };
    fields.refuse("continue_final_message", |value| value == &Value::Bool(false))?;
    if last["role"] == "assistant" {
        last["role"] = "user".into();
    }
    Ok(messages)
}

fn text_part<'a>(part: &'a Value, message: &str) -> Result<&'a str, ApiError> {
    part["text"]
        .as_str()
        .filter(|_| part["type"] == "text")
        .ok_or_else(|| ApiError::Invalid(format!("{message}.content: this model reads parts of the type text only.")))
}

/// Whether the model thinks before it answers.
fn thinks(service: &Service, fields: &Fields<'_>) -> Result<bool, ApiError> {
    let Some(mode) = service.options.reasoning else { return Ok(false) };
    let arguments = fields.object("chat_template_kwargs")?;
    let argument = |name| arguments.as_ref().map(|arguments| arguments.flag(name)).transpose();
    Ok(match mode {
        Mode::Always => true,
        Mode::UnlessDisabled => argument("enable_thinking")?.flatten().unwrap_or(true),
        Mode::IfEnabled => argument("thinking")?.flatten().unwrap_or(false),
    })
}

impl Head {
    fn usage(&self, generation: &Generation) -> Value {
        let (tokens, reasoning) = (0..generation.len())
            .map(|index| generation.counts(index))
            .fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
        usage(self.prompt_tokens, tokens, reasoning)
    }

    fn choice(&self, index: usize, answer: &Delta) -> Result<Value, ApiError> {
        let (mut reason, mut matched) = finish(answer.finish.as_ref())?;
        let (reasoning, content) = match self.separate_reasoning {
            true if answer.reasoning.is_empty() => (Value::Null, answer.content.as_str()),
            true => (answer.reasoning.as_str().into(), answer.content.as_str()),
            false => (Value::Null, answer.raw.as_str()),
        };
        let calls = if self.tools.must_call() { self.tools.calls(content) } else { None };
        let content = if calls.is_some() { Value::Null } else { content.into() };
        // A call that was cut off is text, and says that it was cut off.
        if calls.is_some() && reason == "stop" {
            reason = "tool_calls".into();
            matched = Value::Null;
        }
        Ok(json!({
            "index": index,
            "message": {
                "role": "assistant",
                "content": content,
                "reasoning_content": reasoning,
                "tool_calls": calls,
            },
            "logprobs": null,
            "finish_reason": reason,
            "matched_stop": matched,
        }))
    }

    fn chunk(&self, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
            "usage": null,
        })
    }

    fn delta(&self, index: usize, delta: Value, reason: &Value, matched: &Value) -> Value {
        self.chunk(json!([{
            "index": index,
            "delta": delta,
            "logprobs": null,
            "finish_reason": reason,
            "matched_stop": matched,
        }]))
    }
}

/// Sends the answers as they come.
async fn send(head: Head, mut generation: Generation, events: Events) -> Result<(), Gone> {
    let none = Value::Null;
    for index in 0..generation.len() {
        events.send(head.delta(index, json!({"role": "assistant", "content": ""}), &none, &none)).await?;
    }
    // Calls are sent whole: half a call is of no use.
    let buffers_content = head.tools.must_call();
    let mut contents = vec![String::new(); generation.len()];
    let mut reasonings = vec![String::new(); generation.len()];
    while let Some(next) = generation.next().await {
        let (index, mut delta) = match next {
            Ok(next) => next,
            Err(error) => return events.fail(&error).await,
        };
        if !head.separate_reasoning {
            delta.content = std::mem::take(&mut delta.raw);
            delta.reasoning.clear();
        }
        if !head.stream_reasoning {
            reasonings[index].push_str(&delta.reasoning);
            let is_over = !delta.content.is_empty() || delta.finish.is_some();
            delta.reasoning = if is_over { std::mem::take(&mut reasonings[index]) } else { String::new() };
        }
        if !delta.reasoning.is_empty() {
            events.send(head.delta(index, json!({"reasoning_content": delta.reasoning}), &none, &none)).await?;
        }
        if buffers_content {
            contents[index].push_str(&std::mem::take(&mut delta.content));
        }
        if !delta.content.is_empty() {
            events.send(head.delta(index, json!({"content": delta.content}), &none, &none)).await?;
        }
        if delta.finish.is_none() {
            continue;
        }
        let (mut reason, mut matched) = match finish(delta.finish.as_ref()) {
            Ok(finish) => finish,
            Err(error) => return events.fail(&error).await,
        };
        if buffers_content {
            let content = std::mem::take(&mut contents[index]);
            let last = match head.tools.calls(&content) {
                Some(calls) => {
                    if reason == "stop" {
                        (reason, matched) = ("tool_calls".into(), Value::Null);
                    }
                    json!({"tool_calls": calls})
                }
                None => json!({"content": content}),
            };
            events.send(head.delta(index, last, &none, &none)).await?;
        }
        events.send(head.delta(index, json!({}), &reason, &matched)).await?;
    }
    if head.includes_usage {
        let mut chunk = head.chunk(json!([]));
        chunk["usage"] = head.usage(&generation);
        events.send(chunk).await?;
    }
    Ok(())
}
