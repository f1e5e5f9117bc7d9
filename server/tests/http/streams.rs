//! Answers as server-sent events.

use serde_json::{Value, json};

use crate::client::{assert_valid, chat_with, content, shared};
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
