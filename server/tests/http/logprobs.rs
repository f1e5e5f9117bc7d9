//! How probable tokens were.

use serde_json::{Value, json};

use crate::client::{chat_with, content, shared};

/// Probabilities have to be those of a distribution of which at least `sum` is known.
#[track_caller]
fn assert_probabilities(logprobs: impl Iterator<Item = f64>, sum: f64) {
    let probabilities: Vec<f64> = logprobs.map(f64::exp).collect();
    let total: f64 = probabilities.iter().sum();
    assert!(total > sum && total < 1.0 + 1e-4, "{probabilities:?}");
    assert!(probabilities.windows(2).all(|pair| pair[0] >= pair[1]), "{probabilities:?}");
}

#[test]
fn generate() {
    let mut body = json!({
        "text": "The capital of France is", "return_logprob": true, "top_logprobs_num": 2,
        "sampling_params": {"temperature": 0, "regex": "(Paris|London)"},
    });
    let answer = shared().generate(&body);
    let info = &answer["meta_info"];
    let output = info["output_token_logprobs"].as_array().expect("a list");
    let ids = answer["output_ids"].as_array().expect("ids");
    assert_eq!(output.len(), ids.len(), "the stop token has an entry, too: {answer}");
    assert!(output.iter().zip(ids).all(|(entry, id)| entry[1] == *id && entry[0].as_f64() <= Some(0.0)));
    for (top, entry) in info["output_top_logprobs"].as_array().expect("a list").iter().zip(output) {
        let top = top.as_array().expect("a list");
        assert!((1..=2).contains(&top.len()));
        assert_eq!(top[0][1], entry[1], "greedy is the most probable");
        assert_probabilities(top.iter().map(|pair| pair[0].as_f64().expect("a number")), 0.0);
    }
    assert!(output.iter().all(|entry| entry[2].is_null()), "texts are not asked for");
    let mut named = body.clone();
    named["return_text_in_logprobs"] = true.into();
    let named = shared().generate(&named);
    let entries = named["meta_info"]["output_token_logprobs"].as_array().expect("a list");
    let texts: String = entries[..entries.len() - 1].iter().filter_map(|entry| entry[2].as_str()).collect();
    assert_eq!(named["text"], texts, "but for the stop token, which is no text: {named}");
    assert!(named["meta_info"]["output_top_logprobs"][0][0][2].is_string(), "{named}");
    body["stream"] = true.into();
    let events = shared().post("/generate", &body).events();
    assert_eq!(events.last().expect("events")["meta_info"]["output_token_logprobs"], info["output_token_logprobs"]);
}

#[test]
fn chats() {
    let members = json!({"regex": "[ab]{2}", "logprobs": true, "top_logprobs": 20});
    let answer = shared().chat(chat_with("Letters.", members.clone()));
    let entries = answer["choices"][0]["logprobs"]["content"].as_array().expect("a list").clone();
    let text: String = entries.iter().filter_map(|entry| entry["token"].as_str()).collect();
    assert_eq!(text, content(&answer));
    for entry in &entries {
        // Few tokens are allowed, so these are all of them.
        let top = entry["top_logprobs"].as_array().expect("a list");
        assert_probabilities(top.iter().map(|one| one["logprob"].as_f64().expect("a number")), 0.999);
        assert_eq!(entry["bytes"].as_array().map(Vec::len), entry["token"].as_str().map(str::len));
    }
    let mut body = chat_with("Letters.", members);
    body["stream"] = true.into();
    let events = shared().post("/v1/chat/completions", &body).events();
    let lists = events.iter().filter_map(|event| event["choices"][0]["logprobs"]["content"].as_array());
    assert_eq!(lists.flatten().cloned().collect::<Vec<Value>>(), entries);
}

#[test]
fn completions() {
    let body = json!({"prompt": "x", "regex": "[ab]{3}", "temperature": 0, "logprobs": 1});
    let answer = shared().ok("/v1/completions", &body);
    let logprobs = &answer["choices"][0]["logprobs"];
    let tokens: Vec<&str> = logprobs["tokens"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(tokens.concat(), answer["choices"][0]["text"].as_str().expect("a text"));
    for name in ["token_logprobs", "top_logprobs", "text_offset"] {
        assert_eq!(logprobs[name].as_array().map(Vec::len), Some(tokens.len()), "{name}");
    }
    assert_eq!(logprobs["text_offset"][0], 0);
}

/// Of an answer that the grammar ends without asking the model, too, the stop token has an entry.
#[test]
fn the_stop_token_has_an_entry() {
    for (regex, tokens) in [("[ab]{2}", 3), ("[ab]{1,3}", 2)] {
        let parameters = json!({"regex": regex, "max_new_tokens": 8, "temperature": 1.0});
        let body = json!({"text": "x", "return_logprob": true, "top_logprobs_num": 1, "sampling_params": parameters});
        let answer = shared().generate(&body);
        let info = &answer["meta_info"];
        let ids = answer["output_ids"].as_array().expect("ids");
        assert!(ids.len() >= tokens, "{answer}");
        let entries = info["output_token_logprobs"].as_array().expect("a list");
        assert!(entries.iter().map(|entry| &entry[1]).eq(ids), "{answer}");
        assert_eq!(info["output_top_logprobs"].as_array().map(Vec::len), Some(ids.len()));
        assert_eq!(info["finish_reason"], json!({"type": "stop", "matched": ids.last()}));
    }
}

#[test]
fn so_many_names_are_bounded_and_an_open_end_is_not_refused_for_them() {
    // Up to the end of the context these would name more tokens than an answer may.
    let mut body = chat_with("x", json!({"logprobs": true, "top_logprobs": 20, "n": 3, "regex": "ab"}));
    body.as_object_mut().expect("a body").remove("max_tokens");
    let answer = shared().post("/v1/chat/completions", &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    body["max_tokens"] = 4000.into();
    let refused = shared().post("/v1/chat/completions", &body);
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("logprobs: at least 252000 tokens would be named"), "{}", refused.body);
}
