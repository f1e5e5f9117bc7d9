//! A free text before the answer.

use std::sync::OnceLock;

use serde_json::{Value, json};
use server::{ReasoningParser, ServiceOptions, ToolFormat};

use crate::client::{Server, assert_valid, chat_with, content, shared};
use crate::texts::{CITY, is_city, json_schema, tools};

/// A server that keeps reasoning apart in chats.
fn thinking() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let reasoning = ReasoningParser::from_name("deepseek-r1");
    SERVER.get_or_init(|| Server::start(ServiceOptions { reasoning, ..ServiceOptions::default() }))
}

/// A chat as a client renders it, with the thinking begun.
fn prompt(message: &str) -> String {
    format!(
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{message}<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\n<think>"
    )
}

const QUESTION: &str = "What is the capital of France?";

fn reasoning_of(answer: &Value) -> &str {
    answer["choices"][0]["message"]["reasoning_content"].as_str().unwrap_or_else(|| panic!("no reasoning in {answer}"))
}

#[test]
fn r1_json_after_reasoning() {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}}, "required": ["name"],
        "additionalProperties": false});
    let messages = json!([{"role": "assistant", "content": QUESTION}]);
    let members = json!({"messages": messages, "response_format": json_schema(&schema), "max_tokens": 400});
    let answer = thinking().chat(chat_with("", members));
    assert!(!reasoning_of(&answer).trim().is_empty(), "{answer}");
    assert!(!reasoning_of(&answer).contains("think>"));
    assert_valid(&schema, content(&answer));
    assert!(answer["usage"]["reasoning_tokens"].as_u64() > Some(0));
}

#[test]
fn r2_texts_after_reasoning() {
    let answer = thinking().chat(chat_with(QUESTION, json!({"ebnf": CITY, "max_tokens": 400})));
    assert!(!reasoning_of(&answer).is_empty());
    assert!(is_city(content(&answer)), "{answer}");
    let answer = thinking().chat(chat_with(QUESTION, json!({"regex": "(Paris|London)", "max_tokens": 400})));
    assert!(["Paris", "London"].contains(&content(&answer)), "{answer}");
}

#[test]
fn r4_generate_puts_all_in_one_text() {
    let schema = json!({"enum": ["Paris", "London"]});
    let parameters = json!({"temperature": 0, "max_new_tokens": 400, "json_schema": schema.to_string()});
    let answer = shared().generate(&json!({
        "text": prompt(QUESTION), "require_reasoning": true, "sampling_params": parameters,
    }));
    let parts: Vec<&str> = answer["text"].as_str().expect("a text").split("</think>").collect();
    assert_eq!(parts.len(), 2, "{answer}");
    assert_valid(&schema, parts[1].trim());
}

/// The flag is read among `sampling_params`, too.
#[test]
fn reasoning_is_required_in_either_place() {
    let parameters = json!({"temperature": 0, "max_new_tokens": 400, "regex": "(Paris|London)"});
    let beside = json!({"text": prompt(QUESTION), "require_reasoning": true, "sampling_params": parameters});
    let mut within = json!({"text": prompt(QUESTION), "sampling_params": parameters});
    within["sampling_params"]["require_reasoning"] = true.into();
    let text = shared().generate(&within)["text"].clone();
    assert_eq!(text, shared().generate(&beside)["text"]);
    assert!(text.as_str().is_some_and(|text| text.contains("</think>")), "{text}");
    within["sampling_params"] = json!([within["sampling_params"]]);
    within["text"] = json!([within["text"]]);
    let refused = shared().post("/generate", &within);
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("sampling_params[0].require_reasoning"), "{}", refused.body);
}

#[test]
fn r5_all_of_several_answers_reason() {
    let parameters = json!({"temperature": 0, "max_new_tokens": 400, "ebnf": CITY, "n": 3});
    let answers = shared().generate(&json!({
        "text": prompt(QUESTION), "require_reasoning": true, "sampling_params": parameters,
    }));
    let answers = answers.as_array().expect("a list");
    assert_eq!(answers.len(), 3);
    for answer in answers {
        let (_, city) = answer["text"].as_str().and_then(|text| text.split_once("</think>")).expect("two parts");
        assert!(is_city(city.trim()), "{answer}");
    }
}

#[test]
fn r3_r9_tags_after_reasoning() {
    let tag = json!({"type": "structural_tag", "format": {
        "type": "triggered_tags", "triggers": ["<city>"], "at_least_one": true, "stop_after_first": true,
        "tags": [{"begin": "<city>", "content": {"type": "regex", "pattern": "Paris|London"}, "end": "</city>"}],
    }});
    let cities = ["<city>Paris</city>", "<city>London</city>"];
    let answer = thinking().chat(chat_with(QUESTION, json!({"response_format": tag, "max_tokens": 400})));
    assert!(!reasoning_of(&answer).is_empty());
    assert!(cities.contains(&content(&answer)), "{answer}");
    let parameters = json!({"temperature": 0, "max_new_tokens": 400, "structural_tag": tag.to_string()});
    let answer = shared().generate(&json!({
        "text": prompt(QUESTION), "require_reasoning": true, "sampling_params": parameters,
    }));
    let (_, after) = answer["text"].as_str().and_then(|text| text.split_once("</think>")).expect("two parts");
    assert!(cities.contains(&after.trim()), "{answer}");
}

#[test]
fn r6_thinking_has_a_budget_if_asked_for() {
    let mut body = json!({
        "text": "Paris is the capital of", "require_reasoning": true,
        "sampling_params": {"temperature": 0, "max_new_tokens": 40, "regex": "(France|England)"},
    });
    let answer = shared().generate(&body);
    if !answer["text"].as_str().is_some_and(|text| text.contains("</think>")) {
        assert_eq!(answer["meta_info"]["finish_reason"], json!({"type": "length", "length": 40}));
    }
    for field in ["max_thinking_tokens", "custom_params"] {
        body[field] = if field == "custom_params" { json!({"thinking_budget": 7}) } else { 7.into() };
        let answer = shared().generate(&body);
        let (before, after) = answer["text"].as_str().and_then(|text| text.split_once("</think>")).expect("two parts");
        assert!(["France", "England"].contains(&after.trim()), "{answer}");
        assert!(!before.contains("think>"), "{answer}");
        assert!(answer["meta_info"]["reasoning_tokens"].as_u64() <= Some(8), "{answer}");
        // The fields are among those of sampling_params, too.
        body["sampling_params"][field] = body[field].take();
        assert_eq!(shared().generate(&body)["text"], answer["text"]);
        body["sampling_params"][field] = Value::Null;
    }
    let free = json!({"max_thinking_tokens": 3, "max_tokens": 40});
    let answer = thinking().chat(chat_with(QUESTION, free));
    assert!(
        answer["usage"]["reasoning_tokens"].as_u64() <= Some(4),
        "a budget holds without a constraint, too: {answer}"
    );
}

#[test]
fn r7_without_reasoning_the_grammar_holds_from_the_start() {
    let parameters = json!({"temperature": 0, "regex": "(Paris|London)"});
    let answer = shared().generate(&json!({"text": prompt(QUESTION), "sampling_params": parameters}));
    assert!(["Paris", "London"].contains(&answer["text"].as_str().expect("a text")), "{answer}");
}

#[test]
fn r10_reasoning_is_streamed_first() {
    let members = json!({"regex": "(Paris|London)", "max_tokens": 400});
    let whole = thinking().chat(chat_with(QUESTION, members.clone()));
    for stream_reasoning in [true, false] {
        let mut body = chat_with(QUESTION, members.clone());
        body["stream"] = true.into();
        body["stream_reasoning"] = stream_reasoning.into();
        let events = thinking().post("/v1/chat/completions", &body).events();
        let pieces = |name: &str| -> Vec<(usize, String)> {
            let deltas = events.iter().enumerate();
            let piece = |event: &Value| event["choices"][0]["delta"][name].as_str().map(str::to_owned);
            deltas.filter_map(|(at, event)| Some((at, piece(event).filter(|piece| !piece.is_empty())?))).collect()
        };
        let (first, second) = (pieces("reasoning_content"), pieces("content"));
        assert!(first.last().expect("reasoning").0 < second.first().expect("content").0);
        let text = |pieces: &[(usize, String)]| pieces.iter().map(|(_, piece)| piece.as_str()).collect::<String>();
        assert_eq!(text(&first), reasoning_of(&whole));
        assert_eq!(text(&second), content(&whole));
        assert_eq!(first.len() == 1, !stream_reasoning, "{first:?}");
    }
    let mut body = chat_with(QUESTION, members);
    body["separate_reasoning"] = false.into();
    let answer = thinking().chat(body);
    assert!(content(&answer).contains("</think>"), "{answer}");
}

#[test]
fn tags_stay_out_of_content_beside_tools() {
    let reasoning = ReasoningParser::from_name("deepseek-r1");
    let tool_format = Some(ToolFormat::FunctionTag);
    let server = Server::start(ServiceOptions { reasoning, tool_format, ..ServiceOptions::default() });
    // At this temperature any token may come, the tags among them.
    let members = json!({
        "tools": tools(), "n": 8, "temperature": 100.0, "seed": 1, "max_tokens": 400, "max_thinking_tokens": 4,
    });
    let answer = server.chat(chat_with(QUESTION, members));
    let contents = answer["choices"].as_array().expect("choices").iter();
    let contents: Vec<&str> = contents.filter_map(|choice| choice["message"]["content"].as_str()).collect();
    assert!(contents.iter().map(|content| content.len()).sum::<usize>() > 1_000, "{contents:?}");
    assert!(
        contents.iter().all(|content| !content.contains("<think>") && !content.contains("</think>")),
        "{contents:?}"
    );
}

/// Markers of several tokens: those of another family are texts for this model.
#[test]
fn markers_of_several_tokens() {
    let reasoning = ReasoningParser::from_name("kimi");
    let server = Server::start(ServiceOptions { reasoning, ..ServiceOptions::default() });
    let (start, end) = ("◁think▷", "◁/think▷");
    let members = json!({"regex": "(Paris|London)", "max_tokens": 400, "max_thinking_tokens": 6});
    let whole = server.chat(chat_with(QUESTION, members.clone()));
    assert!(["Paris", "London"].contains(&content(&whole)), "{whole}");
    assert!(!reasoning_of(&whole).is_empty() && !reasoning_of(&whole).contains('◁'), "{whole}");
    let tokens = whole["usage"]["reasoning_tokens"].as_u64().expect("a number");
    assert!(tokens > 7, "the marker has several: {tokens}");
    let mut body = chat_with(QUESTION, members.clone());
    body["stream"] = true.into();
    let events = server.post("/v1/chat/completions", &body).events();
    let streamed = |name: &str| -> String {
        events.iter().filter_map(|event| event["choices"][0]["delta"][name].as_str()).collect()
    };
    assert_eq!(streamed("reasoning_content"), reasoning_of(&whole));
    assert_eq!(streamed("content"), content(&whole));
    body["stream"] = false.into();
    body["separate_reasoning"] = false.into();
    let together = server.chat(body);
    assert!(content(&together).contains(end), "{together}");
    let parameters = json!({"temperature": 0, "max_new_tokens": 400, "regex": "(Paris|London)", "n": 2});
    let body = json!({"text": format!("Where?{start}"), "require_reasoning": true, "max_thinking_tokens": 3,
        "sampling_params": parameters});
    for answer in server.generate(&body).as_array().expect("a list") {
        let (_, city) = answer["text"].as_str().and_then(|text| text.split_once(end)).expect("two parts");
        assert!(["Paris", "London"].contains(&city.trim()), "{answer}");
    }
}
