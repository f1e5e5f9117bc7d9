//! `/generate`: SGLang's own API.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gpu_runtime::engine::TokenLogprobs;
use mask_runtime::Tokenizer;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Service;
use crate::answer::{Delta, FinishReason};
use crate::error::ApiError;
use crate::fields::{Fields, token_ids};
use crate::generation::{Budget, Generation, Plan, Prompt, answer_count};
use crate::grammar::Constraint;
use crate::intake::Room;
use crate::lazy::{With, each};
use crate::reply::{Reply, stream, written};
use crate::sampling::{NATIVE, Sampling, bounded_top};
use crate::sampling_defaults::SamplingDefaults;
use crate::token_texts::token_text;

/// `max_new_tokens` of a request that does not say.
const DEFAULT_MAX_TOKENS: usize = 128;

/// Why `response_format` is refused.
const CHAT_ONLY: &str = "it belongs to chats; here json_schema and structural_tag in sampling_params say the same";

/// What answers have in common with their prompt.
#[derive(Debug, Clone)]
struct Origin {
    prompt_tokens: usize,
    logprobs: Option<usize>,
    /// Set if the texts of tokens are to stand beside their probabilities.
    texts: Option<Arc<Tokenizer>>,
    id: String,
}

/// The budget of thinking: of the whole request, so it is read beside `sampling_params`, or in them where they are one object.
fn budget(fields: &Fields<'_>) -> Result<Budget, ApiError> {
    match fields.value("sampling_params") {
        Some(Value::Object(_)) => match fields.object("sampling_params")? {
            Some(parameters) => Budget::read(fields)?.or(Budget::read(&parameters)?),
            None => Budget::read(fields),
        },
        Some(Value::Array(list)) => {
            for (index, parameters) in list.iter().enumerate() {
                let parameters = Fields::of(parameters, &format!("sampling_params[{index}]"))?;
                let advice = "the budget is one for all prompts; give it beside sampling_params";
                Constraint::refuse(&parameters, &["max_thinking_tokens", "custom_params"], advice)?;
            }
            Budget::read(fields)
        }
        _ => Budget::read(fields),
    }
}

/// Whether a free text comes before the answers: of the whole request, like its budget.
fn requires_reasoning(fields: &Fields<'_>) -> Result<bool, ApiError> {
    let own = fields.flag("require_reasoning")?;
    let of_parameters = match fields.value("sampling_params") {
        Some(Value::Object(_)) => {
            fields.object("sampling_params")?.map(|parameters| parameters.flag("require_reasoning"))
        }
        Some(Value::Array(list)) => {
            for (index, parameters) in list.iter().enumerate() {
                let parameters = Fields::of(parameters, &format!("sampling_params[{index}]"))?;
                let advice = "it is one for all prompts; give it beside sampling_params";
                Constraint::refuse(&parameters, &["require_reasoning"], advice)?;
            }
            None
        }
        _ => None,
    };
    let of_parameters = of_parameters.transpose()?.flatten();
    if own.is_some() && of_parameters.is_some() && own != of_parameters {
        let message = "require_reasoning is true in one place and false in another (sampling_params); leave one out.";
        return Err(ApiError::Invalid(message.to_owned()));
    }
    Ok(own.or(of_parameters).unwrap_or(false))
}

/// A request that has been read.
pub(crate) struct Prepared {
    begin: Instant,
    origins: Vec<Origin>,
    is_list: bool,
    pub(crate) plan: Plan,
    streams: bool,
}

impl Prepared {
    /// Reads the body of a request.
    pub(crate) fn read(service: &Service, body: &Value) -> Result<Self, ApiError> {
        let begin = Instant::now();
        let deadline = service.deadline();
        let fields = Fields::of_body(body)?;
        Constraint::refuse_beside_parameters(&fields)?;
        Constraint::refuse(&fields, &["response_format"], CHAT_ONLY)?;
        Constraint::refuse_within(&fields, "extra_body", "it belongs into sampling_params")?;
        let (mut prompts, is_list) = prompts(service, &fields)?;
        let logprobs = logprobs(&fields)?;
        prompts.iter_mut().for_each(|prompt| prompt.sampling.logprobs = logprobs);
        let thinking = requires_reasoning(&fields)?;
        // What is at fault is at fault whether it is needed or not.
        let budget = budget(&fields)?;
        if !thinking {
            budget.refuse("require_reasoning is not true, so there is no thinking to bound")?;
        }
        let thinking = thinking.then_some(budget);
        let streams = fields.flag("stream")?.unwrap_or(false);
        service.scheduler.check(answer_count(&prompts))?;
        let with_texts = fields.flag("return_text_in_logprobs")?.unwrap_or(false);
        let texts = with_texts.then(|| service.model.tokenizer.clone());
        let mut origins = Vec::new();
        let rid = fields.name_text("rid")?;
        for prompt in &prompts {
            for _ in 0..prompt.sampling.n {
                origins.push(Origin {
                    prompt_tokens: prompt.tokens.len(),
                    logprobs,
                    texts: texts.clone(),
                    id: uuid::Uuid::new_v4().simple().to_string(),
                });
            }
        }
        let is_list = is_list || origins.len() > 1;
        if let Some(rid) = rid {
            origins.iter_mut().enumerate().for_each(|(index, origin)| {
                origin.id = if is_list { format!("{rid}_{index}") } else { rid.to_owned() };
            });
        }
        let plan = Plan { prompts, thinking, deadline, room: Room::default() };
        Ok(Self { begin, origins, is_list, plan, streams })
    }

    /// Answers the request.
    pub(crate) async fn complete(self, service: &Service) -> Result<Reply, ApiError> {
        let Self { begin, origins, is_list, plan, streams } = self;
        let mut generation = match service.generate(plan).await {
            Ok(generation) => generation,
            // A stream has begun with the request, so that what is wrong with its grammar is an event.
            Err(error @ ApiError::Invalid(_)) if streams => {
                return Ok(stream(move |events| async move {
                    let reason = json!({
                        "type": "abort",
                        "message": error.to_string(),
                        "status_code": error.status().as_u16(),
                        "err_type": error.class(),
                    });
                    for (index, origin) in origins.iter().enumerate() {
                        let index = is_list.then_some(index);
                        let shown = Shown { reason: &reason, tokens: 0, reasoning: 0, index, begin };
                        events.send(json!(answer(origin, &Delta::default(), shown))).await?;
                    }
                    Ok(())
                }));
            }
            Err(error) => return Err(error),
        };
        if !streams {
            let answers = generation.collect().await?;
            let size = answers.iter().map(Delta::size).sum();
            let reasons =
                answers.iter().map(|delta| finish_reason(delta.finish.as_ref())).collect::<Result<Vec<_>, _>>()?;
            let parts: Vec<Whole<'_>> = origins.iter().zip(&answers).zip(reasons).enumerate().collect();
            let text = match parts.as_slice() {
                [part] if !is_list => written(&service.writing, size, || whole(part, &generation, begin)).await?,
                parts => {
                    let generation = &generation;
                    let all = || each(parts, move |part| whole(part, generation, begin));
                    written(&service.writing, size, all).await?
                }
            };
            return Ok(generation.reply(text));
        }
        let writing = service.writing.clone();
        let incremental = service.options.incremental_streaming;
        Ok(stream(move |events| async move {
            let mut so_far = vec![Delta::default(); generation.len()];
            while let Some(next) = generation.next().await {
                let reason = next.and_then(|(index, delta)| {
                    if incremental {
                        so_far[index] = delta;
                    } else {
                        so_far[index].append(delta);
                    }
                    Ok((index, finish_reason(so_far[index].finish.as_ref())?))
                });
                match reason {
                    Ok((index, reason)) => {
                        let (tokens, reasoning) = generation.counts(index);
                        let (origin, so_far) = (&origins[index], &so_far[index]);
                        let shown =
                            Shown { reason: &reason, tokens, reasoning, index: is_list.then_some(index), begin };
                        match written(&writing, so_far.size(), || answer(origin, so_far, shown)).await {
                            Ok(text) => events.send_text(text).await?,
                            Err(error) => return events.fail(&error).await,
                        }
                    }
                    Err(error) => return events.fail(&error).await,
                }
            }
            Ok(())
        }))
    }
}

/// Whether it is to be said how probable tokens were, with the number of the most probable ones to name.
fn logprobs(fields: &Fields<'_>) -> Result<Option<usize>, ApiError> {
    fields.refuse("logprob_start_len", |value| value.as_i64() == Some(-1))?;
    fields.refuse("token_ids_logprob", |value| value.as_array().is_some_and(Vec::is_empty))?;
    let top = bounded_top("top_logprobs_num", fields.count("top_logprobs_num")?.unwrap_or(0))?;
    Ok(fields.flag("return_logprob")?.unwrap_or(false).then_some(top))
}

/// The prompts, and whether they came as a list.
fn prompts(service: &Service, fields: &Fields<'_>) -> Result<(Vec<Prompt>, bool), ApiError> {
    let missing = "Either text, input_ids or input_embeds should be provided.";
    fields.refuse("input_embeds", |_| false)?;
    let (tokens, is_list) = match (fields.value("text"), fields.value("input_ids")) {
        (Some(_), Some(_)) => {
            let message = "text and input_ids are two prompts; give one of them.";
            return Err(ApiError::Invalid(message.to_owned()));
        }
        (Some(Value::String(text)), _) => (vec![service.model.encode("text", text)?], false),
        (Some(Value::Array(texts)), _) => {
            service.scheduler.check(texts.len())?;
            let wrong = || ApiError::Malformed("text must be a string or a list of strings.".to_owned());
            let encode = |text: &Value| service.model.encode("text", text.as_str().ok_or_else(wrong)?);
            (texts.iter().map(encode).collect::<Result<_, _>>()?, true)
        }
        (Some(_), _) => return Err(ApiError::Malformed("text must be a string or a list of strings.".to_owned())),
        (None, Some(ids)) => {
            let wrong = || ApiError::Malformed("input_ids must be a list of token ids, or of such lists.".to_owned());
            match (token_ids(ids), ids) {
                (Some(ids), _) => (vec![service.model.check("input_ids", ids)?], false),
                (None, Value::Array(lists)) => {
                    service.scheduler.check(lists.len())?;
                    let check = |ids: Option<Vec<u32>>| service.model.check("input_ids", ids.ok_or_else(wrong)?);
                    (lists.iter().map(|ids| check(token_ids(ids))).collect::<Result<_, _>>()?, true)
                }
                _ => return Err(wrong()),
            }
        }
        (None, None) => return Err(ApiError::Invalid(missing.to_owned())),
    };
    if tokens.is_empty() {
        return Err(ApiError::Invalid("text must have at least one prompt.".to_owned()));
    }
    let sampling = |fields: &Fields<'_>| {
        Constraint::refuse(fields, &["response_format"], CHAT_ONLY)?;
        Sampling::read(fields, NATIVE, Some(DEFAULT_MAX_TOKENS), &SamplingDefaults::NEUTRAL)
    };
    let mut prompts = Vec::with_capacity(tokens.len());
    match fields.value("sampling_params") {
        Some(Value::Array(list)) => {
            if list.len() != tokens.len() {
                let message = format!("sampling_params has {} entries for {} prompts.", list.len(), tokens.len());
                return Err(ApiError::Invalid(message));
            }
            for (index, (tokens, parameters)) in tokens.into_iter().zip(list).enumerate() {
                let fields = Fields::of(parameters, &format!("sampling_params[{index}]"))?;
                let (sampling, constraint) = (sampling(&fields)?, Constraint::read(&fields, None)?);
                prompts.push(Prompt { tokens, sampling, constraint });
            }
        }
        one => {
            let none = Value::Object(Map::new());
            let fields = Fields::of(one.unwrap_or(&none), "sampling_params")?;
            let constraint = Constraint::read(&fields, None)?;
            for tokens in tokens {
                // Read for each, as the seed is another where none is given.
                prompts.push(Prompt { tokens, sampling: sampling(&fields)?, constraint: constraint.clone() });
            }
        }
    }
    if prompts.iter().any(|prompt| prompt.sampling.n != prompts[0].sampling.n) {
        let message = "The parallel_sample_num should be the same for all samples in sample params.";
        return Err(ApiError::Invalid(message.to_owned()));
    }
    Ok((prompts, is_list))
}

fn finish_reason(finish: Option<&FinishReason>) -> Result<Value, ApiError> {
    if let Some(error) = finish.and_then(FinishReason::error) {
        return Err(error);
    }
    Ok(match finish {
        None | Some(FinishReason::Unsatisfiable(_) | FinishReason::TooManySlow(_) | FinishReason::Failed(_)) => {
            Value::Null
        }
        Some(FinishReason::StopToken(token)) => json!({"type": "stop", "matched": token}),
        Some(FinishReason::StopText(text)) => json!({"type": "stop", "matched": text}),
        Some(FinishReason::GrammarEnd) => json!({"type": "stop", "matched": null}),
        Some(FinishReason::Length(tokens)) => json!({"type": "length", "length": tokens}),
    })
}

/// What there is of an answer when it has ended: its number, its prompt, its text and why it ended.
type Whole<'a> = (usize, ((&'a Origin, &'a Delta), Value));

fn whole<'a>(
    (index, ((origin, delta), reason)): &'a Whole<'a>,
    generation: &Generation,
    begin: Instant,
) -> impl Serialize + use<'a> {
    let (tokens, reasoning) = generation.counts(*index);
    answer(origin, delta, Shown { reason, tokens, reasoning, index: None, begin })
}

/// What is said of an answer beside what has come of it.
#[derive(Clone, Copy)]
struct Shown<'a> {
    /// Why it ended, if it did.
    reason: &'a Value,
    tokens: usize,
    /// How many of them are reasoning.
    reasoning: usize,
    /// Which of several it is, where that is not plain from its place.
    index: Option<usize>,
    /// When the request came.
    begin: Instant,
}

fn answer<'a>(origin: &'a Origin, delta: &'a Delta, shown: Shown<'_>) -> impl Serialize + use<'a> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    let mut answer = json!({"text": delta.raw, "output_ids": delta.tokens, "meta_info": null});
    if let Some(index) = shown.index {
        answer["index"] = index.into();
    }
    let mut info = json!({
        "id": origin.id,
        "finish_reason": shown.reason,
        "prompt_tokens": origin.prompt_tokens,
        "weight_version": "default",
        "total_retractions": 0,
        "completion_tokens": shown.tokens,
        "reasoning_tokens": shown.reasoning,
        "cached_tokens": 0,
        "cached_tokens_details": null,
        "dp_rank": null,
        "e2e_latency": shown.begin.elapsed().as_secs_f64(),
        "response_sent_to_client_ts": now,
    });
    if let Some(top) = origin.logprobs {
        // There is nothing before the answer that would have been sampled. Null is what is made when it is written.
        info["input_token_logprobs"] = json!([]);
        info["output_token_logprobs"] = Value::Null;
        if top > 0 {
            info["input_top_logprobs"] = json!([]);
            info["output_top_logprobs"] = Value::Null;
        }
    }
    let make = move |name: &str| {
        (name == "meta_info")
            .then(|| With { object: info.clone(), make: |name: &str| logprobs_of(name, origin, delta) })
    };
    With { object: answer, make }
}

/// The member of `meta_info` with this name, if it says how probable tokens were.
fn logprobs_of<'a>(name: &str, origin: &'a Origin, delta: &'a Delta) -> Option<impl Serialize + use<'a>> {
    let names_top = match name {
        "output_token_logprobs" => false,
        "output_top_logprobs" => true,
        _ => return None,
    };
    let text = |token| origin.texts.as_ref().map(|tokenizer| token_text(token, tokenizer.vocabulary()));
    let triple = move |&(token, logprob): &(u32, f32)| json!([logprob, token, text(token)]);
    let make = move |one: &TokenLogprobs| match names_top {
        true => one.top.iter().map(triple).collect(),
        false => triple(&(one.token, one.logprob)),
    };
    Some(each(&delta.logprobs, make))
}
