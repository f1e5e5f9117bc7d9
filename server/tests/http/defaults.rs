//! Sampling parameters of models, for requests that do not say.

use std::fs;
use std::path::{Path, PathBuf};

use gpu_runtime::{CpuDevice, ModelFiles};
use serde_json::{Value, json};
use server::{Service, ServiceError, ServiceOptions};

use crate::client::{Server, content};

/// A folder with the embedded model and another `generation_config.json`; gone with this.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, generation_config: &Value) -> Self {
        let folder = std::env::temp_dir().join(format!("grammarc-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gpu-runtime/data/tiny-tools");
        for file in ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"] {
            fs::copy(model.join(file), folder.join(file)).expect("a copy");
        }
        fs::write(folder.join("generation_config.json"), generation_config.to_string()).expect("a file");
        Self(folder)
    }

    fn load(&self) -> Result<std::sync::Arc<Service>, ServiceError> {
        let files = ModelFiles::open(&self.0).expect("a model");
        Service::load(&files, CpuDevice::new(1).expect("a device"), ServiceOptions::default())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left over is in the system's folder for such files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_model_says_how_tokens_are_chosen_if_the_request_does_not() {
    let stop_tokens = json!([1009, 1012]);
    let folder = Folder::new("defaults", &json!({"eos_token_id": stop_tokens, "temperature": 1.0, "top_k": 1}));
    let server = Server::serve(folder.load().expect("a service"));
    let regex = "[a-z]{12}";
    let chat = |members: Value| {
        let mut body = json!({"messages": [{"role": "user", "content": "Letters."}], "regex": regex});
        for (name, value) in members.as_object().expect("members") {
            body[name] = value.clone();
        }
        content(&server.chat(body)).to_owned()
    };
    let greedy = chat(json!({"temperature": 0}));
    for seed in 0..4 {
        assert_eq!(chat(json!({"seed": seed})), greedy, "top_k is the model's");
        let body = json!({"prompt": "x", "regex": regex, "seed": seed, "max_tokens": 40});
        let mut own = body.clone();
        own["temperature"] = 0.into();
        let text = |body: &Value| server.ok("/v1/completions", body)["choices"][0]["text"].clone();
        assert_eq!(text(&body), text(&own));
    }
    let said: Vec<String> = (0..4).map(|seed| chat(json!({"seed": seed, "top_k": -1, "temperature": 1.5}))).collect();
    assert!(said.iter().any(|text| *text != greedy), "what the request says comes first: {said:?}");
    let native = |seed: u64| {
        let parameters = json!({"regex": regex, "sampling_seed": seed, "temperature": 1.5});
        server.generate(&json!({"text": "x", "sampling_params": parameters}))["text"].clone()
    };
    assert!((1..4).any(|seed| native(seed) != native(0)), "/generate has defaults of its own");
}

#[test]
fn sampling_parameters_of_a_model_that_make_no_sense() {
    let fault = Folder::new("faulty-defaults", &json!({"top_p": 7})).load().expect_err("it is refused");
    assert_eq!(fault.to_string(), "generation_config.json: top_p is 7, but has to be a number in (0, 1]");
}
