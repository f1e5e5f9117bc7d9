//! Answers as server-sent events.

use std::sync::Arc;

use gpu_runtime::engine::{Fill, SequenceError, TokenMatcher};
use serde_json::{Value, json};
use server::{
    Backend, BackendEntry, BackendSetup, CompileBudget, CompileError, CompiledConstraint, Constraint, GRAMMARC,
    ServiceOptions,
};

use crate::client::{Server, assert_valid, chat_with, content, shared};
use crate::texts::{capital, json_schema};

const CAPITAL: &str = "Please give me information about the capital of France in the JSON format.";

#[test]
fn s1_generate_sends_all_text_so_far() {
    let parameters = json!({"temperature": 0, "max_new_tokens": 64, "json_schema": capital().to_string()});
    let mut body = json!({"text": CAPITAL, "sampling_params": parameters});
    let whole = shared().generate(&body);
    body["stream"] = true.into();
    let events = shared().post("/generate", &body).events();
    let texts: Vec<&str> = events.iter().filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(texts.len(), events.len());
    assert!(texts.windows(2).all(|pair| pair[1].starts_with(pair[0])), "{texts:?}");
    assert_eq!(texts.last().copied(), whole["text"].as_str());
    let (last, before) = events.split_last().expect("events");
    assert!(before.iter().all(|event| event["meta_info"]["finish_reason"].is_null()));
    assert_eq!(last["meta_info"]["finish_reason"], whole["meta_info"]["finish_reason"]);
    assert_eq!(last["output_ids"], whole["output_ids"]);
    assert!(events.len() > 3, "one event for each step");
}

#[test]
fn s2_chat_sends_pieces() {
    let members = json!({"response_format": json_schema(&capital())});
    let whole = shared().chat(chat_with(CAPITAL, members));
    let members = json!({
        "response_format": json_schema(&capital()), "stream": true, "stream_options": {"include_usage": true},
    });
    let events = shared().post("/v1/chat/completions", &chat_with(CAPITAL, members)).events();
    assert_eq!(events[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert!(events.iter().all(|event| event["object"] == "chat.completion.chunk" && event["id"] == events[0]["id"]));
    let pieces: String = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(pieces, content(&whole));
    assert_valid(&capital(), &pieces);
    let [.., finish, usage] = events.as_slice() else { panic!("too few events") };
    assert_eq!(finish["choices"][0]["delta"], json!({}));
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!(finish["choices"][0]["matched_stop"], whole["choices"][0]["matched_stop"]);
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"], whole["usage"]);
}

#[test]
fn s3_several_answers_in_one_stream() {
    let parameters = json!({"temperature": 1.0, "regex": "[a-z]{5}", "n": 2});
    let body = json!({"text": "x", "sampling_params": parameters, "stream": true});
    let events = shared().post("/generate", &body).events();
    let index = |event: &Value| event["index"].as_u64().expect("an index");
    for answer in [0, 1] {
        let last = events.iter().rfind(|event| index(event) == answer).expect("an event");
        assert_eq!(last["text"].as_str().map(str::len), Some(5));
        assert_eq!(last["meta_info"]["finish_reason"]["type"], "stop");
    }
    let members = json!({"temperature": 1.0, "regex": "[a-z]{5}", "n": 2, "stream": true});
    let events = shared().post("/v1/chat/completions", &chat_with("x", members)).events();
    assert!(
        events.iter().all(|event| event["choices"][0]["index"].as_u64().is_some_and(|index| index < 2)),
        "{events:?}"
    );
    for answer in [0, 1] {
        let chunks = events.iter().filter(|event| event["choices"][0]["index"] == answer);
        let text: String = chunks.filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(text.len(), 5);
    }
}

#[test]
fn completions() {
    let body = json!({"prompt": ["x", "y"], "temperature": 0, "regex": "[ab]{4}"});
    let whole = shared().ok("/v1/completions", &body);
    assert_eq!(whole["object"], "text_completion");
    let texts: Vec<&Value> = whole["choices"].as_array().expect("choices").iter().map(|one| &one["text"]).collect();
    assert_eq!(texts.len(), 2);
    let mut streamed = body.clone();
    streamed["stream"] = true.into();
    let events = shared().post("/v1/completions", &streamed).events();
    for (index, text) in texts.iter().enumerate() {
        let chunks = events.iter().filter(|event| event["choices"][0]["index"] == index);
        let pieces: String = chunks.filter_map(|event| event["choices"][0]["text"].as_str()).collect();
        assert_eq!(**text, pieces);
    }
    let body = json!({"prompt": "x", "json_schema": "{\"const\": 7}"});
    let text = shared().ok("/v1/completions", &body)["choices"][0]["text"].clone();
    assert_eq!(text.as_str().and_then(|text| text.parse().ok()), Some(7.0), "{text}");
    let models = shared().get("/v1/models").json();
    assert_eq!(models["data"][0]["id"], "default");
}

/// What is known of each token, and of all of them at the end, is in streams, too.
#[test]
fn usage_and_probabilities_of_completions() {
    let body = json!({
        "prompt": ["x", "y"], "n": 2, "temperature": 1.0, "regex": "[ab]{4}", "logprobs": 2, "stream": true,
        "stream_options": {"include_usage": true, "continuous_usage_stats": true},
    });
    let events = shared().post("/v1/completions", &body).events();
    let (last, chunks) = events.split_last().expect("events");
    assert_eq!(last["choices"], json!([]));
    assert!(last["usage"]["completion_tokens"].as_u64() >= Some(16), "{last}");
    let counts: Vec<u64> =
        chunks.iter().map(|chunk| chunk["usage"]["completion_tokens"].as_u64().expect("in each")).collect();
    assert!(counts.is_sorted(), "{counts:?}");
    for index in 0..4 {
        let of_answer: Vec<&Value> =
            chunks.iter().map(|chunk| &chunk["choices"][0]).filter(|choice| choice["index"] == index).collect();
        let text: String = of_answer.iter().filter_map(|choice| choice["text"].as_str()).collect();
        let tokens = of_answer.iter().filter_map(|choice| choice["logprobs"]["tokens"].as_array()).flatten();
        assert_eq!(tokens.filter_map(Value::as_str).collect::<String>(), text);
        assert_eq!(text.len(), 4);
        let offsets = of_answer.iter().filter_map(|choice| choice["logprobs"]["text_offset"].as_array()).flatten();
        let offsets: Vec<u64> = offsets.filter_map(Value::as_u64).collect();
        assert!(offsets.first() == Some(&0) && offsets.is_sorted() && offsets.last() < Some(&4), "{offsets:?}");
    }
    let options = json!({"include_usage": true, "continuous_usage_stats": true});
    let members = json!({"regex": "[ab]{4}", "stream": true, "stream_options": options});
    let events = shared().post("/v1/chat/completions", &chat_with("x", members)).events();
    assert!(events.iter().all(|event| event["usage"]["prompt_tokens"].as_u64() > Some(0)), "{events:?}");
    let alone = json!({"stream": true, "stream_options": {"continuous_usage_stats": true}});
    assert_eq!(shared().post("/v1/chat/completions", &chat_with("x", alone)).status, 400);
}

/// The compiler of this project with matchers that fail after a few tokens.
const FAILING: BackendEntry = BackendEntry { name: "failing", version: "1", start: start_failing };

#[derive(Debug)]
struct Failing(Arc<dyn Backend>);

#[derive(Debug)]
struct FailingConstraint(Arc<dyn CompiledConstraint>);

#[derive(Debug)]
struct FailingMatcher {
    matcher: Box<dyn TokenMatcher>,
    accepted: usize,
}

fn start_failing(setup: BackendSetup) -> Result<Arc<dyn Backend>, String> {
    Ok(Arc::new(Failing((GRAMMARC.start)(setup)?)))
}

impl Backend for Failing {
    fn compile(
        &self,
        constraint: &Constraint,
        budget: &CompileBudget,
    ) -> Result<Arc<dyn CompiledConstraint>, CompileError> {
        Ok(Arc::new(FailingConstraint(self.0.compile(constraint, budget)?)))
    }
}

impl CompiledConstraint for FailingConstraint {
    fn matcher(&self, stop_tokens: Vec<u32>) -> Result<Box<dyn TokenMatcher>, String> {
        Ok(Box::new(FailingMatcher { matcher: self.0.matcher(stop_tokens)?, accepted: 0 }))
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }
}

impl TokenMatcher for FailingMatcher {
    fn vocabulary_size(&self) -> usize {
        self.matcher.vocabulary_size()
    }

    fn stop_tokens(&self) -> &[u32] {
        self.matcher.stop_tokens()
    }

    fn fill(&mut self, row: &mut [u32]) -> Result<Fill, SequenceError> {
        match self.accepted {
            3 => Err(SequenceError::Engine("it is out of order".to_owned())),
            _ => self.matcher.fill(row),
        }
    }

    fn accept_token(&mut self, token: u32) -> Result<(), SequenceError> {
        self.accepted += 1;
        self.matcher.accept_token(token)
    }

    fn is_complete(&mut self) -> bool {
        self.matcher.is_complete()
    }

    fn is_terminated(&self) -> bool {
        self.matcher.is_terminated()
    }

    fn is_ended(&mut self) -> bool {
        self.matcher.is_ended()
    }

    fn rollback(&mut self, steps: usize) -> Result<(), SequenceError> {
        self.matcher.rollback(steps)
    }
}

/// What goes wrong once a stream has begun is an event in it, and its end; without a stream it is a status.
#[test]
fn errors_within_streams() {
    let server = Server::start(ServiceOptions { backend: Some(FAILING), ..ServiceOptions::default() });
    // Single letters that no token has more of, so that there are several tokens.
    let regex = "(a|€|b|¥){40}";
    let parameters = json!({"regex": regex, "max_new_tokens": 100});
    for (path, mut body) in [
        ("/generate", json!({"text": "x", "sampling_params": parameters})),
        ("/v1/chat/completions", chat_with("x", json!({"regex": regex}))),
        ("/v1/completions", json!({"prompt": "x", "regex": regex, "max_tokens": 100})),
    ] {
        let whole = server.post(path, &body);
        assert_eq!(whole.status, 500, "{path}: {}", whole.body);
        assert!(whole.body.contains("it is out of order"), "{path}: {}", whole.body);
        body["stream"] = true.into();
        let events = server.post(path, &body).events();
        let (last, before) = events.split_last().expect("events");
        assert!(last["error"]["message"].as_str().is_some_and(|text| text.contains("it is out of order")), "{last}");
        assert!(!before.is_empty() && before.iter().all(|event| event["error"].is_null()), "{path}: {before:?}");
    }
    // The server goes on.
    assert_eq!(server.generate(&json!({"text": "x", "sampling_params": {"regex": "ok"}}))["text"], "ok");
    assert_eq!(server.metric("server_errors_total"), 3.0);
}
