//! Whatever a model would like to write, the answer is valid, or says that it was cut off.

use gpu_runtime::engine::{Engine, EngineOptions, Finish, Request};
use gpu_runtime::{CpuDevice, SamplingParameters};
use mask_runtime::Matcher;
use serde_json::Value;

use crate::models::{Answer, engine_with, of_schema, random_weights, run, text, tiny};
use crate::schemas::SCHEMAS;

/// How many answers there are for each schema.
const SEEDS: u64 = 3;

/// What a run of many answers came to.
#[derive(Debug, Default)]
struct Count {
    whole: usize,
    truncated: usize,
}

/// Lets the model answer at temperature 1.5, all schemas in one batch queue, and judges every answer.
fn judge(engine: &mut Engine<CpuDevice>) -> Count {
    let prompt = engine.encoder().encode("<|begin_of_text|>Give me an example as JSON.").expect("it encodes");
    let mut asked = Vec::new();
    for schema in SCHEMAS {
        let grammar = of_schema(engine, schema);
        for seed in 0..SEEDS {
            let request = Request {
                matcher: Some(Box::new(Matcher::new(grammar.clone()))),
                sampling: SamplingParameters { temperature: 1.5, seed, ..SamplingParameters::default() },
                ..Request::new(prompt.clone(), 120)
            };
            asked.push((engine.submit(request).expect("it can be served"), *schema));
        }
    }
    let answers = run(engine);
    let mut count = Count::default();
    for (id, schema) in asked {
        let Answer { tokens, finish, .. } = &answers[&id];
        let text = text(engine, tokens);
        if finish.is_truncated() {
            assert!(matches!(finish, Finish::MaxTokens { .. }), "{schema}: {finish:?}: {text}");
            count.truncated += 1;
            continue;
        }
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{schema}: {error}: {text}"));
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&serde_json::from_str(schema).expect("JSON"))
            .expect("a schema");
        // The validator reads numbers as doubles, in which 8E-461 is 0.
        assert!(validator.is_valid(&value) || !fits_doubles(&value), "{schema}: {text}");
        count.whole += 1;
    }
    count
}

/// Whether every number in `value` is about the double it is read as.
fn fits_doubles(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(fits_doubles),
        Value::Object(members) => members.values().all(fits_doubles),
        Value::Number(number) => {
            let text = number.to_string();
            let digits = text.split(['e', 'E']).next().unwrap_or(&text);
            let is_zero = !digits.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
            number.as_f64().is_some_and(|double| double.is_finite() && (is_zero || double != 0.0))
        }
        _ => true,
    }
}

#[test]
fn answers_of_tiny_tools() {
    let count = judge(&mut tiny());
    assert!(count.whole > 2 * count.truncated, "{count:?}");
}

#[test]
fn answers_of_random_weights() {
    let count = judge(&mut engine_with(&random_weights(), EngineOptions::default()));
    assert!(count.whole > 0, "{count:?}");
}
