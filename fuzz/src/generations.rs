//! Answers of a model to schemas, at a temperature at which it writes nearly anything: each is valid, or says that it was
//! cut off.
//!
//! ```text
//! schema ─ server::Engine (as a request to /generate) → answers ─ finish reason, validator → Outcome
//! ```

use gpu_runtime::{CpuDevice, ModelFiles};
use serde_json::{Value, json};
use server::{Engine, GrammarOptions, Service, ServiceOptions};

use crate::json_schema::dataset::Case;
use crate::json_schema::subject::{Subject, limits};
use crate::json_schema::validator::{fault, validator};
use crate::json_schema::walk;
use crate::random::Random;

/// What a model is asked.
const PROMPT: &str = "<|begin_of_text|>Give me an example as JSON.";

/// The longest part of an answer that is shown.
const SHOWN: usize = 300;

/// How answers are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// Answers for each schema.
    pub answers: usize,
    /// The temperature.
    pub temperature: f32,
    /// The greatest number of tokens of an answer.
    pub max_tokens: usize,
    /// The seed of the first answer; each other has the next.
    pub seed: u64,
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is an instance of the schema.
    Valid,
    /// It was cut off, and says so.
    CutOff,
    /// The schema is refused, by the name of a keyword that is not supported.
    Unsupported(String),
    /// The schema is refused, as it has no instance.
    Empty(String),
    /// None of these: what is wrong.
    Wrong(String),
}

/// A model with its engine.
#[derive(Debug)]
pub struct Generator {
    engine: Engine,
}

impl Generator {
    /// An engine for the model of some files.
    ///
    /// # Errors
    /// When they are at fault, or the system gives no threads.
    pub fn new(files: &ModelFiles, threads: usize) -> Result<Self, String> {
        // As long as the judges of schemas give a compile, so that outcomes do not depend on what else the machine does.
        let compile_time = limits().time.unwrap_or_default();
        let grammars = GrammarOptions { compile_time, ..GrammarOptions::default() };
        let context_length = files.context_length().map_err(|error| error.to_string())?.min(2_048);
        let options =
            ServiceOptions { grammars, context_length: Some(context_length), waits: true, ..ServiceOptions::default() };
        let device = CpuDevice::new(threads).map_err(|error| error.to_string())?;
        let service = Service::load(files, device, options).map_err(|error| error.to_string())?;
        Ok(Self { engine: Engine::new(service).map_err(|error| error.to_string())? })
    }

    /// The outcomes of all answers to a schema.
    pub fn judge(&self, case: &Case, demand: &Demand) -> Vec<Outcome> {
        let parameters = json!({
            "json_schema": case.schema.to_string(),
            "temperature": demand.temperature,
            "sampling_seed": demand.seed,
            "max_new_tokens": demand.max_tokens,
            "n": demand.answers,
        });
        let answers = match self.engine.generate(&[PROMPT], &parameters) {
            Ok(answers) => answers,
            Err(error) => return vec![refusal(&case.schema, &error.to_string()); demand.answers],
        };
        let validator = match validator(&case.schema) {
            Ok(validator) => validator,
            Err(error) => {
                return vec![Outcome::Wrong(format!("the validator refuses the schema: {error}")); demand.answers];
            }
        };
        let outcome = |answer: &Value| {
            let text = answer["text"].as_str().unwrap_or_default();
            match answer["meta_info"]["finish_reason"]["type"].as_str() {
                Some("length") => Outcome::CutOff,
                Some("stop") => match fault(&validator, text.as_bytes()) {
                    None => Outcome::Valid,
                    Some(fault) => Outcome::Wrong(format!("{fault}: {}", text.chars().take(SHOWN).collect::<String>())),
                },
                other => Outcome::Wrong(format!("it ends with {other:?}")),
            }
        };
        answers.iter().map(outcome).collect()
    }
}

/// What the refusal of a schema is worth.
fn refusal(schema: &Value, message: &str) -> Outcome {
    // What the compiler says of it does not depend on the vocabulary.
    let Ok(tokenizer) = walk::bytes() else {
        return Outcome::Wrong("there is no vocabulary of bytes".to_owned());
    };
    match Subject::new(schema, &Default::default(), &tokenizer, &limits()) {
        Subject::Refused(_) => Outcome::Unsupported(message.to_owned()),
        Subject::Empty => Outcome::Empty(message.to_owned()),
        Subject::Language(_) | Subject::Faulty(_) | Subject::Nameless(_) => {
            Outcome::Wrong(format!("refused: {message}"))
        }
    }
}

/// The bytes of a `model.safetensors` of bfloat16 whose weights are random instead: those of a model that knows nothing.
///
/// # Errors
/// When it is no such file.
pub fn with_random_weights(safetensors: &[u8], seed: u64) -> Result<Vec<u8>, String> {
    let not_bf16 = || "not a safetensors file of bfloat16".to_owned();
    let (length, rest) = safetensors.split_first_chunk::<8>().ok_or_else(not_bf16)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| not_bf16())?;
    let header: Value =
        rest.get(..length).and_then(|header| serde_json::from_slice(header).ok()).ok_or_else(not_bf16)?;
    let tensors = header.as_object().ok_or_else(not_bf16)?;
    if tensors.iter().any(|(name, tensor)| name != "__metadata__" && tensor["dtype"] != "BF16") {
        return Err(not_bf16());
    }
    let mut random = Random::new(seed);
    let mut unit = || random.below(1 << 16) as f32 / 65_536.0;
    let begin = 8 + length;
    let mut bytes = safetensors[..begin].to_vec();
    // The upper half of a float is the bfloat16; the sum of some even numbers is about normal.
    let mut weight = || (0..4).map(|_| unit() - 0.5).sum::<f32>() * 0.17;
    bytes.extend((0..(safetensors.len() - begin) / 2).flat_map(|_| {
        let [_, _, low, high] = weight().to_le_bytes();
        [low, high]
    }));
    Ok(bytes)
}
