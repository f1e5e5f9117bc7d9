//! Every engine behind the server's trait: answers follow constraints, and what an engine cannot do is refused.

use gpu_runtime::{CpuDevice, ModelFiles};
use serde_json::{Value, json};
use server::{BackendEntry, Engine, Service, ServiceOptions};

fn engine(backend: BackendEntry) -> Engine {
    let files = ModelFiles::embedded_tiny().unwrap();
    let options = ServiceOptions { backend: Some(backend), ..ServiceOptions::default() };
    Engine::new(Service::load(&files, CpuDevice::new(1).unwrap(), options).unwrap()).unwrap()
}

#[test]
fn answers_follow_constraints() {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 8}, "old": {"type": "boolean"}},
        "required": ["name", "old"],
        "additionalProperties": false,
    });
    let validator = jsonschema::validator_for(&schema).unwrap();
    for &backend in rivals::BACKENDS {
        let engine = engine(backend);
        let prompts = ["The capital of France is", "Paris is the capital of"];
        let parameters = json!({"temperature": 1.0, "sampling_seed": 3, "regex": "(Paris|London)", "n": 2});
        for answer in engine.generate(&prompts, &parameters).unwrap() {
            assert!(["Paris", "London"].contains(&answer["text"].as_str().unwrap()), "{}: {answer}", backend.name);
            assert_eq!(answer["meta_info"]["finish_reason"]["type"], "stop", "{}: {answer}", backend.name);
        }
        let parameters =
            json!({"temperature": 1.0, "sampling_seed": 5, "json_schema": schema.to_string(), "max_new_tokens": 200});
        for answer in engine.generate(&prompts, &parameters).unwrap() {
            let value: Value = serde_json::from_str(answer["text"].as_str().unwrap()).unwrap();
            assert!(validator.is_valid(&value), "{}: {answer}", backend.name);
        }
    }
}

#[test]
fn what_an_engine_cannot_do_is_refused() {
    for &backend in rivals::BACKENDS {
        let engine = engine(backend);
        for parameters in [json!({"regex": "("}), json!({"json_schema": "{"}), json!({"structural_tag": "{}"})] {
            let error = engine.generate(&["x"], &parameters).unwrap_err();
            assert_eq!(error.status().as_u16(), 400, "{}: {error}", backend.name);
        }
        match engine.generate(&["x"], &json!({"ebnf": "root ::= \"a\""})) {
            Ok(answers) => assert_eq!(answers[0]["text"], "a", "{}", backend.name),
            Err(error) => assert_eq!(error.status().as_u16(), 400, "{}: {error}", backend.name),
        }
    }
}
