//! Cases about a matcher: a vocabulary, and steps with the answers they get.

use std::collections::BTreeSet;

use compilers::diagnostic::Diagnostics;
use mask_runtime::{FillError, Matcher, MatcherOptions, Token, Tokenizer, Vocabulary, VocabularyError, bitmask};
use serde_json::{Value, json};

use super::case::{Steps, decode, ids};
use super::judge::{Agreement, Outcome};
use crate::input::Source;
use crate::pipeline;
use crate::settings::Settings;

/// Why there is no matcher.
pub(super) enum Fault {
    /// The grammar does not compile.
    Grammar(Diagnostics),
    /// The vocabulary or an option of the matcher is not one that this implementation can have.
    Options(String),
}

impl From<VocabularyError> for Fault {
    fn from(error: VocabularyError) -> Self {
        Self::Options(error.to_string())
    }
}

/// The matcher that the steps are about.
pub(super) fn compile(source: &Source, settings: &Settings, stated: &Steps) -> Result<Matcher, Fault> {
    let tokenizer = Tokenizer::new(vocabulary(stated)?);
    let compiled = pipeline::frontend(source, settings, Some(tokenizer.vocabulary()))
        .and_then(|compiled| pipeline::bind(compiled.grammar, settings, tokenizer))
        .map_err(Fault::Grammar)?;
    Matcher::with_options(compiled, matcher_options(stated)?).map_err(|error| Fault::Options(error.to_string()))
}

fn vocabulary(stated: &Steps) -> Result<Vocabulary, Fault> {
    let tokens = stated.vocabulary.iter().enumerate().map(|(id, bytes)| {
        if stated.special_tokens.iter().any(|&special| special as usize == id) {
            Token::Special(String::from_utf8_lossy(bytes).into_owned())
        } else {
            Token::Text(bytes.clone())
        }
    });
    let highest = stated.stop_tokens.iter().max().map_or(0, |&id| id as usize + 1);
    let size = stated.size.unwrap_or(0).max(stated.vocabulary.len()).max(highest);
    Ok(Vocabulary::from_tokens(tokens)?.with_size(size)?.with_stop_tokens(stated.stop_tokens.iter().copied())?)
}

fn matcher_options(stated: &Steps) -> Result<MatcherOptions, Fault> {
    let mut options = MatcherOptions::default();
    for (key, value) in &stated.options {
        match (key.as_str(), value) {
            ("terminate_without_stop_token", Value::Bool(terminate)) => options.terminate_when_complete = *terminate,
            ("override_stop_tokens", value) if ids(Some(value)).is_some() => options.stop_tokens = ids(Some(value)),
            // Concerns only the steps that ask for a temperature.
            ("default_temperature", _) => {}
            _ => return Err(Fault::Options(format!("the matcher option `{key}` has no counterpart"))),
        }
    }
    Ok(options)
}

/// Carries out the steps up to the first that is not answered as stated.
pub(super) fn run(mut matcher: Matcher, stated: &Steps) -> Outcome {
    for (index, step) in stated.steps.iter().enumerate() {
        let op = step.get("op").and_then(Value::as_str).unwrap_or_default();
        let (expected, got) = match answer(&mut matcher, op, step, stated.options.get("default_temperature")) {
            Ok(answer) => answer,
            Err(reason) => {
                let expected = json!({"step": index, "op": op});
                return Outcome::without_verdict(Agreement::Refused, expected, reason);
            }
        };
        let asserted = step.get("asserted") != Some(&Value::Bool(false));
        if asserted && expected != got {
            let at = |answer: Value| json!({"step": index, "op": op, "answer": answer});
            return Outcome::compare(at(expected), at(got), None);
        }
    }
    let all = json!({"steps": "as stated"});
    Outcome::compare(all.clone(), all, None)
}

/// What a step should answer and what it does; or why there is no answer.
fn answer(
    matcher: &mut Matcher,
    op: &str,
    step: &Value,
    default_temperature: Option<&Value>,
) -> Result<(Value, Value), String> {
    let expected = step.get("result").cloned().unwrap_or(Value::Null);
    let got = match op {
        "accept_token" => {
            let token = number(step)?;
            u32::try_from(token).is_ok_and(|token| matcher.accept_token(token).is_ok()).into()
        }
        "accept_string" => {
            let text = step.get("arg").and_then(Value::as_str).ok_or("`arg` is not a text")?.to_owned();
            matcher.accept_bytes(&decode(text, step.get("arg_is_bytes_b64"))?).is_ok().into()
        }
        "mask" => return mask(matcher, step),
        "rollback" => {
            let steps = usize::try_from(number(step)?).map_err(|error| error.to_string())?;
            return Ok((
                json!("rolled back"),
                match matcher.rollback(steps) {
                    Ok(()) => json!("rolled back"),
                    Err(error) => error.to_string().into(),
                },
            ));
        }
        "reset" => {
            matcher.reset();
            Value::Null
        }
        "is_terminated" => matcher.is_terminated().into(),
        "is_completed" => matcher.is_complete().into(),
        "temperature" => return Ok(temperature(matcher, &expected, default_temperature)),
        "captures" => captures(matcher)?,
        "jump_forward" => String::from_utf8_lossy(&matcher.forced_bytes(MAX_FORCED)).into_owned().into(),
        _ => return Err(format!("`{op}` is not a question that a matcher answers")),
    };
    Ok((expected, got))
}

/// The longest forced text that is asked for.
const MAX_FORCED: usize = 100_000;

fn captures(matcher: &Matcher) -> Result<Value, String> {
    let captures = matcher.captures().map_err(|error| error.to_string())?.into_iter();
    Ok(captures.map(|capture| json!([capture.name, String::from_utf8_lossy(&capture.text)])).collect())
}

/// Temperatures have single precision.
fn temperature(matcher: &Matcher, expected: &Value, default: Option<&Value>) -> (Value, Value) {
    let single = |value: &Value| value.as_f64().map(|value| value as f32);
    (json!(single(expected)), json!(matcher.temperature().or(default.and_then(single))))
}

fn number(step: &Value) -> Result<u64, String> {
    step.get("arg").and_then(Value::as_u64).ok_or_else(|| "`arg` is not a number".to_owned())
}

fn mask(matcher: &mut Matcher, step: &Value) -> Result<(Value, Value), String> {
    let mut row = matcher.row();
    match matcher.fill(&mut row) {
        // The facts know an empty mask, and not that it is an error.
        Ok(()) | Err(FillError::NoTokenFits { .. } | FillError::Finished) => {}
        Err(error) => return Err(error.to_string()),
    }
    let list = |key: &str| {
        let ids = step.get(key).map(|_| ids(step.get(key)).ok_or_else(|| format!("`{key}` is not a list of ids")));
        ids.transpose().map(|ids| ids.map(|ids| ids.into_iter().collect::<BTreeSet<u32>>()))
    };
    let allowed: BTreeSet<u32> = bitmask::iter(&row).collect();
    if let Some(expected) = list("allowed")? {
        return Ok((json!({"allowed": expected}), json!({"allowed": allowed})));
    }
    let (included, excluded) = (list("allowed_includes")?, list("rejected_includes")?);
    let missing: Vec<u32> = included.unwrap_or_default().difference(&allowed).copied().collect();
    let superfluous: Vec<u32> = excluded.unwrap_or_default().intersection(&allowed).copied().collect();
    let report = |missing: &[u32], superfluous: &[u32]| json!({"missing": missing, "superfluous": superfluous});
    Ok((report(&[], &[]), report(&missing, &superfluous)))
}
