//! The fields that say how tokens are chosen and where an answer ends.

use gpu_runtime::SamplingParameters;
use serde_json::Value;

use crate::error::ApiError;
use crate::fields::Fields;
use crate::sampling_defaults::SamplingDefaults;

/// Below this temperature sampling is greedy.
const GREEDY: f64 = 1e-6;

/// The most tokens that can be named for each token of an answer, as in OpenAI's API. Answers grow with it, and streams of
/// `/generate` have all so far in each event.
const MAX_TOP: usize = 20;

/// The most stop strings of a request, and the bytes of each: all of them are looked for after each token.
const MAX_STOP_STRINGS: usize = 64;
const MAX_STOP_BYTES: usize = 4_096;

/// The most stop tokens that a request can add.
const MAX_STOP_TOKENS: usize = 1_024;

/// How the fields are called that the two APIs name differently.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    pub(crate) max_tokens: &'static [&'static str],
    pub(crate) min_tokens: &'static str,
    pub(crate) seed: &'static str,
}

/// The names in `sampling_params` of `/generate`.
pub(crate) const NATIVE: Names =
    Names { max_tokens: &["max_new_tokens"], min_tokens: "min_new_tokens", seed: "sampling_seed" };

/// The names in OpenAI's API, the preferred first.
pub(crate) const OPENAI: Names =
    Names { max_tokens: &["max_completion_tokens", "max_tokens"], min_tokens: "min_tokens", seed: "seed" };

/// How tokens are chosen and where an answer ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sampling {
    /// The seed is that of the first answer.
    pub(crate) parameters: SamplingParameters,
    /// `None` is up to the end of the context.
    pub(crate) max_tokens: Option<usize>,
    pub(crate) min_tokens: usize,
    pub(crate) ignore_eos: bool,
    pub(crate) stop: Vec<String>,
    pub(crate) stop_token_ids: Vec<u32>,
    pub(crate) skip_special_tokens: bool,
    /// Special tokens that are text all the same.
    pub(crate) kept_special_tokens: Vec<u32>,
    /// Whether a stop string stays in the text.
    pub(crate) no_stop_trim: bool,
    /// The number of answers, at least 1.
    pub(crate) n: usize,
    /// Set if it is to be said how probable tokens were, with the number of the most probable ones to name.
    pub(crate) logprobs: Option<usize>,
}

impl Sampling {
    /// Reads the fields.
    pub(crate) fn read(
        fields: &Fields<'_>,
        names: Names,
        default_max_tokens: Option<usize>,
        defaults: &SamplingDefaults,
    ) -> Result<Self, ApiError> {
        let range = |name: &str, bounds: &str, value: f64| {
            ApiError::Invalid(format!("{} must be {bounds}, got {value}.", fields.name(name)))
        };
        let temperature = fields.number("temperature")?.unwrap_or(defaults.temperature);
        // Sampling is done in single precision.
        if !((temperature as f32).is_finite() && temperature >= 0.0) {
            return Err(range("temperature", "a non-negative finite number", temperature));
        }
        let top_p = fields.number("top_p")?.unwrap_or(defaults.top_p);
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(range("top_p", "in (0, 1]", top_p));
        }
        let min_p = fields.number("min_p")?.unwrap_or(defaults.min_p);
        if !(0.0..=1.0).contains(&min_p) {
            return Err(range("min_p", "in [0, 1]", min_p));
        }
        let top_k = match fields.integer("top_k")?.unwrap_or(defaults.top_k) {
            -1 => 0,
            top_k if top_k >= 1 => u32::try_from(top_k).unwrap_or(u32::MAX),
            top_k => return Err(range("top_k", "-1 (disable) or at least 1", top_k as f64)),
        };
        let given = names.max_tokens.iter().find(|name| fields.value(name).is_some());
        let max_tokens = given.map_or(Ok(default_max_tokens), |name| fields.count(name))?;
        let max_tokens_name = given.unwrap_or(&names.max_tokens[0]);
        if max_tokens == Some(0) {
            return Err(range(max_tokens_name, "at least 1", 0.0));
        }
        let min_tokens = fields.count(names.min_tokens)?.unwrap_or(0);
        if let Some(max_tokens) = max_tokens.filter(|&max_tokens| min_tokens > max_tokens) {
            let bounds = format!("in [0, {max_tokens_name}({max_tokens})]");
            return Err(range(names.min_tokens, &bounds, min_tokens as f64));
        }
        let n = fields.count("n")?.unwrap_or(1);
        if n == 0 {
            return Err(range("n", "at least 1", 0.0));
        }
        let is = |number: f64| move |value: &Value| value.as_f64() == Some(number);
        let is_empty = |value: &Value| value.as_object().is_some_and(|object| object.is_empty());
        fields.refuse("frequency_penalty", is(0.0))?;
        fields.refuse("presence_penalty", is(0.0))?;
        fields.refuse("repetition_penalty", is(1.0))?;
        fields.refuse("logit_bias", is_empty)?;
        fields.refuse("stop_regex", |value| value.as_array().is_some_and(Vec::is_empty))?;
        Ok(Self {
            parameters: SamplingParameters {
                temperature: if temperature < GREEDY { 0.0 } else { temperature as f32 },
                top_k,
                // What is not 0 in double precision has to stay so.
                top_p: (top_p as f32).max(f32::MIN_POSITIVE),
                min_p: min_p as f32,
                seed: fields.integer(names.seed)?.map_or_else(random_seed, |seed| seed as u64),
            },
            max_tokens,
            min_tokens,
            ignore_eos: fields.flag("ignore_eos")?.unwrap_or(false),
            stop: stop_strings(fields)?,
            stop_token_ids: stop_token_ids(fields)?,
            skip_special_tokens: fields.flag("skip_special_tokens")?.unwrap_or(true),
            kept_special_tokens: Vec::new(),
            no_stop_trim: fields.flag("no_stop_trim")?.unwrap_or(false),
            n,
            logprobs: None,
        })
    }
}

/// The number of the most probable tokens to name that `field` asks for.
///
/// # Errors
/// When they are more than can be named.
pub(crate) fn bounded_top(field: &str, top: usize) -> Result<usize, ApiError> {
    match top {
        0..=MAX_TOP => Ok(top),
        _ => Err(ApiError::Invalid(format!("{field} must be at most {MAX_TOP}, got {top}."))),
    }
}

fn stop_strings(fields: &Fields<'_>) -> Result<Vec<String>, ApiError> {
    let stop = fields.texts("stop")?;
    let name = fields.name("stop");
    if stop.len() > MAX_STOP_STRINGS {
        let count = stop.len();
        return Err(ApiError::Invalid(format!("{name} must have at most {MAX_STOP_STRINGS} strings, got {count}.")));
    }
    if let Some(long) = stop.iter().find(|text| text.len() > MAX_STOP_BYTES) {
        let message =
            format!("{name} must have strings of at most {MAX_STOP_BYTES} bytes, got one of {} bytes.", long.len());
        return Err(ApiError::Invalid(message));
    }
    if stop.iter().any(String::is_empty) {
        return Err(ApiError::Invalid(format!("{name} must not contain an empty string.")));
    }
    Ok(stop)
}

fn stop_token_ids(fields: &Fields<'_>) -> Result<Vec<u32>, ApiError> {
    let tokens = fields.token_ids("stop_token_ids")?;
    if tokens.len() > MAX_STOP_TOKENS {
        let (name, count) = (fields.name("stop_token_ids"), tokens.len());
        return Err(ApiError::Invalid(format!("{name} must have at most {MAX_STOP_TOKENS} ids, got {count}.")));
    }
    Ok(tokens)
}

fn random_seed() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1
}
