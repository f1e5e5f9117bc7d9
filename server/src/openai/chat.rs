//! `/v1/chat/completions`.

use std::sync::Arc;

use mask_runtime::Tokenizer;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::tools::{CallReader, Piece, Tools};
use super::{AT_THE_TOP, StreamUsage, finish, logprobs, now, usage};
use crate::Service;
use crate::answer::Delta;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::generation::{Budget, Generation, Plan, Prompt};
use crate::grammar::{Constraint, Deadline};
use crate::intake::Room;
use crate::lazy::{With, each};
use crate::reasoning::Mode;
use crate::reply::{Events, Gone, Reply, stream, written, written_in_turn};
use crate::sampling::{OPENAI, Sampling};
use crate::token_texts::TokenTexts;
use crate::turns::Turns;

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
        let messages = messages(&fields)?;
        let mut sampling = Sampling::read(&fields, OPENAI, None, &service.model.sampling_defaults)?;
        Constraint::refuse_within(&fields, "sampling_params", AT_THE_TOP)?;
        Constraint::refuse_within(&fields, "extra_body", AT_THE_TOP)?;
        let own = Constraint::read(&fields, Constraint::response_format(&fields)?)?;
        let tools = Tools::read(&fields, service.options.tool_format, service.options.reasoning)?;
        let constraint = tools.constraint(own, &TokenTexts::with_ordinary(service.model.tokenizer.vocabulary()))?;
        sampling.kept_special_tokens = tools.special_tokens(service.model.tokenizer.vocabulary());
        fields.refuse("modalities", |value| value == &json!(["text"]))?;
        fields.refuse("functions", |_| false)?;
        fields.refuse("input_ids", |_| false)?;
        fields.refuse("function_call", |value| value == "none")?;
        sampling.logprobs = logprobs::of_chat(&fields)?;
        let thinking = thinks(service, &fields)?;
        if fields.flag("require_reasoning")?.is_some_and(|required| required != thinking) {
            let message = "require_reasoning belongs to /generate; whether a chat thinks is for --reasoning-parser and \
                           chat_template_kwargs to say.";
            return Err(ApiError::Invalid(message.to_owned()));
        }
        let mut tokens = service.model.render(&messages, &tools.list, &template_arguments(&fields)?)?;
        if thinking {
            let around = service.thinking()?;
            // Some templates have begun the thinking already.
            if !around.is_begun(&tokens, service.model.tokenizer.vocabulary()) {
                tokens.extend(around.start.marker.tokens());
            }
        }
        let head = Head {
            id: format!("chatcmpl-{}", uuid::Uuid::new_v4().simple()),
            created: now(),
            model: fields.name_text("model")?.unwrap_or(&service.model.name).to_owned(),
            prompt_tokens: tokens.len(),
            tools,
            separate_reasoning: fields.flag("separate_reasoning")?.unwrap_or(true),
            stream_reasoning: fields.flag("stream_reasoning")?.unwrap_or(true),
            stream_usage: StreamUsage::read(&fields)?,
            tokenizer: sampling.logprobs.map(|_| service.model.tokenizer.clone()),
        };
        let streams = fields.flag("stream")?.unwrap_or(false);
        // What is at fault is at fault whether it is needed or not.
        let budget = Budget::read(&fields)?;
        if service.options.reasoning.is_none() {
            budget.refuse("chats do not think without --reasoning-parser")?;
        }
        let thinking = thinking.then_some(budget);
        let plan =
            Plan { prompts: vec![Prompt { tokens, sampling, constraint }], thinking, deadline, room: Room::default() };
        Ok(Self { head, plan, streams })
    }

    /// Answers the request.
    pub(crate) async fn complete(self, service: &Service) -> Result<Reply, ApiError> {
        let Self { head, plan, streams } = self;
        let deadline = plan.deadline;
        let mut generation = match service.generate(plan).await {
            Ok(generation) => generation,
            Err(error @ ApiError::Invalid(_)) => {
                return Err(tool_at_fault(service, &head.tools, deadline).await.unwrap_or(error));
            }
            Err(error) => return Err(error),
        };
        if streams {
            let turns = service.writing.clone();
            return Ok(stream(move |events| send(head, generation, turns, events)));
        }
        let answers = generation.collect().await?;
        let size = answers.iter().map(Delta::size).sum();
        // What has gone wrong with an answer is known before any of them is written.
        let parts = answers.iter().enumerate();
        let parts = parts.map(|(index, answer)| Ok((index, answer, finish(answer.finish.as_ref())?)));
        let parts = parts.collect::<Result<Vec<_>, ApiError>>()?;
        let (head, parts) = (&head, parts.as_slice());
        let whole = || {
            let object = json!({
                "id": head.id,
                "object": "chat.completion",
                "created": head.created,
                "model": head.model,
                "choices": null,
                "usage": head.usage(&generation),
                "metadata": {"weight_version": "default"},
            });
            let choices = move || each(parts, |(index, answer, finish)| head.choice(*index, answer, finish));
            With { object, make: move |name: &str| (name == "choices").then(choices) }
        };
        let reads_long = |answer: &Delta| head.tools.reader().is_some_and(|reader| reader.takes_long(&answer.raw));
        let text = if answers.iter().any(reads_long) {
            written_in_turn(&service.writing, whole).await?
        } else {
            written(&service.writing, size, whole).await?
        };
        Ok(generation.reply(text))
    }
}

/// What is wrong with the schema of a tool, in the words of the request: the constraint is made of all of them.
async fn tool_at_fault(service: &Service, tools: &Tools, deadline: Option<Deadline>) -> Option<ApiError> {
    let grammars = service.grammars.as_ref()?;
    if tools.is_empty() {
        return None;
    }
    let mut place = grammars.place(service.options.waits).await.ok()?;
    for schema in tools.schemas() {
        match grammars.get(&schema, deadline, &mut place).await {
            Ok(_) => {}
            Err(error @ ApiError::Invalid(_)) => return Some(error),
            Err(_) => return None,
        }
    }
    None
}

/// The messages, as templates expect them: with a content that is one text, and an answer to give.
fn messages(fields: &Fields<'_>) -> Result<Vec<Value>, ApiError> {
    let mut messages = fields.list("messages")?.unwrap_or_default().to_vec();
    for (index, message) in messages.iter_mut().enumerate() {
        let name = format!("messages[{index}]");
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

/// What the template is given beside the conversation.
fn template_arguments(fields: &Fields<'_>) -> Result<Map<String, Value>, ApiError> {
    let mut arguments = match fields.value("chat_template_kwargs") {
        None => Map::new(),
        Some(Value::Object(arguments)) => arguments.clone(),
        Some(_) => return Err(ApiError::Malformed("chat_template_kwargs must be an object.".to_owned())),
    };
    if let Some(effort) = fields.text("reasoning_effort")? {
        arguments.entry("reasoning_effort").or_insert_with(|| effort.into());
    }
    Ok(arguments)
}

/// Whether the model thinks before it answers.
fn thinks(service: &Service, fields: &Fields<'_>) -> Result<bool, ApiError> {
    let Some(parser) = service.options.reasoning else { return Ok(false) };
    let arguments = fields.object("chat_template_kwargs")?;
    let argument = |name| arguments.as_ref().map(|arguments| arguments.flag(name)).transpose();
    Ok(match parser.mode {
        Mode::Always => true,
        Mode::Unless(name) => argument(name)?.flatten().unwrap_or(true),
        Mode::If(name) => argument(name)?.flatten().unwrap_or(false),
        Mode::ByEffort => {
            fields.text("reasoning_effort")?.is_some_and(|effort| !["none", "no_think"].contains(&effort))
        }
    })
}

impl Head {
    fn usage(&self, generation: &Generation) -> Value {
        let (tokens, reasoning) = (0..generation.len())
            .map(|index| generation.counts(index))
            .fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
        usage(self.prompt_tokens, tokens, reasoning)
    }

    /// A choice, which ended for a reason and at something.
    fn choice<'a>(
        &'a self,
        index: usize,
        answer: &'a Delta,
        (reason, matched): &(Value, Value),
    ) -> impl Serialize + use<'a> {
        let (mut reason, mut matched) = (reason.clone(), matched.clone());
        let (reasoning, content) = match self.separate_reasoning {
            true if answer.reasoning.is_empty() => (Value::Null, answer.content.as_str()),
            true => (answer.reasoning.as_str().into(), answer.content.as_str()),
            false => (Value::Null, answer.raw.as_str()),
        };
        let (mut text, mut calls) = (String::new(), Vec::new());
        match self.tools.reader() {
            None => text.push_str(content),
            Some(mut reader) => {
                let pieces = reader.push(content).into_iter().chain(reader.finish());
                for piece in pieces {
                    match piece {
                        Piece::Text(piece) => text.push_str(&piece),
                        Piece::Call(call) => calls.push(call.json(calls.len())),
                    }
                }
            }
        }
        let content = if !calls.is_empty() && text.trim().is_empty() { Value::Null } else { text.into() };
        // An answer that was cut off says so, whatever calls there are.
        if !calls.is_empty() && reason == "stop" {
            reason = "tool_calls".into();
            matched = Value::Null;
        }
        let calls = if calls.is_empty() { Value::Null } else { calls.into() };
        let object = json!({
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
        });
        let make = |name: &str| if name == "logprobs" { self.logprobs(answer) } else { None };
        With { object, make }
    }

    fn logprobs<'a>(&'a self, answer: &'a Delta) -> Option<impl Serialize + use<'a>> {
        self.tokenizer.as_ref().map(|tokenizer| logprobs::chat(answer, tokenizer.vocabulary()))
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
async fn send(head: Head, mut generation: Generation, turns: Arc<Turns>, events: Events) -> Result<(), Gone> {
    let none = Value::Null;
    let with_usage = |mut chunk: Value, generation: &Generation| {
        if head.stream_usage.in_each {
            chunk["usage"] = head.usage(generation);
        }
        chunk
    };
    for index in 0..generation.len() {
        let begin = head.delta(index, json!({"role": "assistant", "content": ""}), &none, &none);
        events.send(with_usage(begin, &generation)).await?;
    }
    let mut readers: Vec<Option<CallReader>> = (0..generation.len()).map(|_| head.tools.reader()).collect();
    let mut calls = vec![0; generation.len()];
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
            let chunk = head.delta(index, json!({"reasoning_content": delta.reasoning}), &none, &none);
            events.send(with_usage(chunk, &generation)).await?;
        }
        if !delta.logprobs.is_empty() {
            let mut chunk = head.delta(index, json!({}), &none, &none);
            // Of the few tokens of one event.
            chunk["choices"][0]["logprobs"] = json!(head.logprobs(&delta));
            events.send(with_usage(chunk, &generation)).await?;
        }
        let mut pieces = match &mut readers[index] {
            Some(reader) if reader.takes_long(&delta.content) => turns.take(|| reader.push(&delta.content)).await,
            Some(reader) => reader.push(&delta.content),
            None if delta.content.is_empty() => Vec::new(),
            None => vec![Piece::Text(delta.content)],
        };
        if let (Some(reader), true) = (&mut readers[index], delta.finish.is_some()) {
            pieces.extend(reader.finish());
        }
        for piece in pieces {
            // Calls are sent whole: half a call is of no use.
            let piece = match piece {
                Piece::Text(text) => json!({"content": text}),
                Piece::Call(call) => {
                    calls[index] += 1;
                    json!({"tool_calls": [call.json(calls[index] - 1)]})
                }
            };
            events.send(with_usage(head.delta(index, piece, &none, &none), &generation)).await?;
        }
        if delta.finish.is_none() {
            continue;
        }
        let (mut reason, mut matched) = match finish(delta.finish.as_ref()) {
            Ok(finish) => finish,
            Err(error) => return events.fail(&error).await,
        };
        if calls[index] > 0 && reason == "stop" {
            (reason, matched) = ("tool_calls".into(), Value::Null);
        }
        events.send(with_usage(head.delta(index, json!({}), &reason, &matched), &generation)).await?;
    }
    if head.stream_usage.at_end {
        let mut chunk = head.chunk(json!([]));
        chunk["usage"] = head.usage(&generation);
        events.send(chunk).await?;
    }
    Ok(())
}
