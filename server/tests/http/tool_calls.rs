//! Tools: calls as a JSON list, and in the form of a model's family.

use std::sync::OnceLock;

use serde_json::{Value, json};
use server::{ServiceOptions, ToolFormat};

use crate::client::{Server, assert_valid, chat_with, shared};
use crate::texts::{date, tools, weather};

const WEATHER: &str = "What is the weather in New York?";

/// A server whose model writes calls as the embedded one was trained to.
fn calling() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let tool_format = Some(ToolFormat::FunctionTag);
    SERVER.get_or_init(|| Server::start(ServiceOptions { tool_format, ..ServiceOptions::default() }))
}

/// The calls of a choice, which have to be valid.
#[track_caller]
fn calls(choice: &Value) -> Vec<Value> {
    let calls = choice["message"]["tool_calls"].as_array().unwrap_or_else(|| panic!("no calls in {choice}"));
    calls.iter().for_each(assert_call);
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["matched_stop"], Value::Null);
    calls.clone()
}

#[track_caller]
fn assert_call(call: &Value) {
    let schema = match call["function"]["name"].as_str() {
        Some("get_current_weather") => weather(),
        Some("get_current_date") => date(),
        other => panic!("no such tool: {other:?}"),
    };
    assert_valid(&schema, call["function"]["arguments"].as_str().expect("arguments are a text"));
    assert!(call["id"].as_str().is_some_and(|id| id.len() == 29 && id.starts_with("call_")), "{call}");
    assert_eq!(call["type"], "function");
}

#[test]
fn m7_required_as_a_list() {
    let members = json!({"tools": tools(), "tool_choice": "required", "max_tokens": 300, "parallel_tool_calls": false});
    let answer = shared().chat(chat_with(WEATHER, members));
    let choice = &answer["choices"][0];
    assert_eq!(calls(choice).len(), 1);
    assert_eq!(choice["message"]["content"], Value::Null);
}

#[test]
fn m7_a_named_tool_is_called_once() {
    for server in [shared(), calling()] {
        let choice = json!({"type": "function", "function": {"name": "get_current_date"}});
        let members = json!({"tools": tools(), "tool_choice": choice, "stream": true});
        let events = server.post("/v1/chat/completions", &chat_with("Hello.", members)).events();
        let deltas: Vec<&Value> = events.iter().map(|event| &event["choices"][0]["delta"]["tool_calls"]).collect();
        let calls: Vec<&Value> = deltas.iter().filter_map(|calls| calls.as_array()).flatten().collect();
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0]["function"]["name"], "get_current_date");
        assert_call(calls[0]);
        assert_eq!(events.last().map(|event| event["choices"][0]["finish_reason"].clone()), Some("tool_calls".into()));
    }
}

#[test]
fn m7_only_allowed_tools_are_called() {
    let date = json!({"type": "function", "function": {"name": "get_current_date"}});
    let choice = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [date]}});
    let members = json!({"tools": tools(), "tool_choice": choice, "parallel_tool_calls": false, "max_tokens": 300});
    for server in [shared(), calling()] {
        // The question is one for the other tool.
        let answer = server.chat(chat_with(WEATHER, members.clone()));
        let calls = calls(&answer["choices"][0]);
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0]["function"]["name"], "get_current_date");
    }
    let choice = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [date]}});
    // Without the choice the model calls the other tool here.
    let question = chat_with("What is the weather in Paris?", json!({"tools": tools(), "tool_choice": choice}));
    let message = &calling().chat(question)["choices"][0]["message"];
    let called = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(called.iter().all(|call| call["function"]["name"] == "get_current_date"), "{message}");
    assert!(message["content"].is_string() || !called.is_empty(), "{message}");
}

#[test]
fn m7_one_call_if_not_parallel() {
    for server in [shared(), calling()] {
        let members = json!({
            "tools": tools(), "tool_choice": "required", "parallel_tool_calls": false, "temperature": 1.0, "n": 4,
            "seed": 3, "max_tokens": 400,
        });
        let answer = server.chat(chat_with("The weather in New York and in Boston.", members));
        for choice in answer["choices"].as_array().expect("choices") {
            if choice["finish_reason"] == "length" {
                assert_eq!(choice["message"]["tool_calls"], Value::Null, "a call that was cut off is none");
            } else {
                assert_eq!(calls(choice).len(), 1);
            }
        }
    }
}

#[test]
fn m7_auto_is_as_the_model_decides() {
    let with_tools = |message: &str, stream: bool| {
        chat_with(message, json!({"tools": tools(), "tool_choice": "auto", "stream": stream}))
    };
    // The model was trained to call a function here, and not to there.
    let answer = calling().chat(with_tools("What is the weather in Paris?", false));
    let called = calls(&answer["choices"][0]);
    assert_eq!(called[0]["function"]["name"], "get_current_weather", "{answer}");
    assert_eq!(answer["choices"][0]["message"]["content"], Value::Null);
    let events = calling().post("/v1/chat/completions", &with_tools("What is the weather in Paris?", true)).events();
    let deltas: Vec<&Value> = events.iter().map(|event| &event["choices"][0]["delta"]).collect();
    assert!(deltas.iter().all(|delta| !delta["content"].as_str().is_some_and(|text| text.contains("<func"))));
    let streamed = deltas.iter().find_map(|delta| delta["tool_calls"].as_array()).expect("a call");
    assert_eq!(streamed[0]["function"], called[0]["function"]);

    let members = json!({"tools": tools(), "tool_choice": "none"});
    let answer = calling().chat(chat_with("What is the capital of Germany?", members));
    assert_eq!(answer["choices"][0]["message"]["tool_calls"], Value::Null);
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
}

#[test]
fn m7_auto_without_a_known_format_is_text() {
    let answer = shared().chat(chat_with("What is the weather in Paris?", json!({"tools": tools()})));
    assert_eq!(answer["choices"][0]["message"]["tool_calls"], Value::Null);
    assert!(answer["choices"][0]["message"]["content"].is_string());
}

#[test]
fn m7_families() {
    for name in ToolFormat::NAMES {
        let tool_format = ToolFormat::from_name(name);
        let server = Server::start(ServiceOptions { tool_format, ..ServiceOptions::default() });
        let members = json!({
            "tools": tools(), "tool_choice": "required", "parallel_tool_calls": false, "max_tokens": 400,
            "temperature": 0.7, "seed": 5, "n": 3,
        });
        let answer = server.chat(chat_with(WEATHER, members));
        let choices = answer["choices"].as_array().expect("choices");
        let whole: Vec<&Value> = choices.iter().filter(|choice| choice["finish_reason"] != "length").collect();
        assert!(!whole.is_empty(), "{name}: every answer was cut off: {answer}");
        for choice in whole {
            assert_eq!(calls(choice).len(), 1, "{name}");
        }
    }
}

/// Formats that write members as elements do not write the types of all values: what they are follows from the schema.
#[test]
fn m7_arguments_follow_the_schema() {
    let parameters = json!({
        "type": "object",
        "properties": {
            "zip": {"anyOf": [{"type": "string", "pattern": "^[0-9]{5}$"}, {"type": "null"}]},
            "code": {"enum": ["5", "true"]},
            "digits": {"$ref": "#/$defs/digits"},
            "either": {"type": ["string", "null"], "enum": ["5", "null"]},
            "alias": {"type": "enum", "enum": ["7", "8"]},
            "lines": {"enum": ["\nabc\n", "a\n"]},
            "markers": {"const": ["</parameter>", "</arg_value></tool_call>"]},
            "count": {"type": "integer", "minimum": 10, "maximum": 99},
        },
        "required": ["zip", "code", "digits", "either", "alias", "lines", "markers", "count"],
        "additionalProperties": false,
        "$defs": {"digits": {"type": "string", "pattern": "^[0-9]{1,3}$"}},
    });
    let mut schema = parameters.clone();
    schema["properties"]["alias"] = json!({"enum": ["7", "8"]});
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": parameters}});
    for name in ToolFormat::NAMES {
        let tool_format = ToolFormat::from_name(name);
        let server = Server::start(ServiceOptions { tool_format, ..ServiceOptions::default() });
        let members = json!({
            "tools": [tool], "tool_choice": "required", "parallel_tool_calls": false, "max_tokens": 1000,
            "temperature": 1.0, "seed": 8, "n": 3,
        });
        let answer = server.chat(chat_with("Call it.", members));
        let choices = answer["choices"].as_array().expect("choices");
        let whole: Vec<&Value> = choices.iter().filter(|choice| choice["finish_reason"] != "length").collect();
        assert!(!whole.is_empty(), "{name}: every answer was cut off: {answer}");
        for choice in whole {
            let calls =
                choice["message"]["tool_calls"].as_array().unwrap_or_else(|| panic!("{name}: no calls in {choice}"));
            assert_eq!(calls.len(), 1, "{name}");
            assert_valid(&schema, calls[0]["function"]["arguments"].as_str().expect("arguments are a text"));
        }
    }
}
