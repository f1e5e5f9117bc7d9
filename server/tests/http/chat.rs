//! Chat completions with each kind of constraint.

use serde_json::{Value, json};

use crate::client::{assert_valid, chat_with, content, shared};
use crate::texts::{CITY, capital, is_city, json_schema, pydantic_capital};

const CAPITAL: &str = "Please give me information about the capital of France in the JSON format.";

#[test]
fn a1_json_schema_of_pydantic() {
    let answer = shared().chat(chat_with(CAPITAL, json!({"response_format": json_schema(&pydantic_capital())})));
    assert_valid(&pydantic_capital(), content(&answer));
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "stop");
    assert!(choice["matched_stop"].is_u64(), "{answer}");
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "any");
    for member in ["reasoning_content", "tool_calls"] {
        assert_eq!(choice["message"].get(member), Some(&Value::Null));
    }
    let usage = |name: &str| answer["usage"][name].as_u64().expect("a number");
    assert_eq!(usage("total_tokens"), usage("prompt_tokens") + usage("completion_tokens"));
    assert_eq!(answer["metadata"]["weight_version"], "default");
}

#[test]
fn a2_keys_in_the_order_of_the_schema() {
    let answer = shared().chat(chat_with(CAPITAL, json!({"response_format": json_schema(&capital())})));
    let value = assert_valid(&capital(), content(&answer));
    let keys: Vec<&String> = value.as_object().expect("an object").keys().collect();
    assert_eq!(keys[..2], ["name", "population"]);
}

#[test]
fn a2_a_schema_beside_the_type() {
    let format = json!({"type": "json_schema", "schema": capital()});
    let answer = shared().chat(chat_with(CAPITAL, json!({"response_format": format})));
    assert_valid(&capital(), content(&answer));
}

#[test]
fn a3_ebnf_with_a_system_message() {
    let messages = json!([
        {"role": "system", "content": "You are a helpful geography bot."},
        {"role": "user", "content": [{"type": "text", "text": "Give me the information of the capital of France."}]},
    ]);
    let answer = shared().chat(chat_with("", json!({"messages": messages, "ebnf": CITY, "max_tokens": 32})));
    assert!(is_city(content(&answer)), "{answer}");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
}

#[test]
fn a4_regex_after_a_last_message_of_the_assistant() {
    let messages = json!([{"role": "assistant", "content": "What is the capital of France?"}]);
    let answer = shared().chat(chat_with("", json!({"messages": messages, "regex": "(Paris|London)"})));
    assert!(["Paris", "London"].contains(&content(&answer)), "{answer}");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["choices"][0]["matched_stop"], 1012);
}

#[test]
fn a9_json_objects() {
    let answer = shared().chat(chat_with(CAPITAL, json!({"response_format": {"type": "json_object"}})));
    assert_valid(&json!({"type": "object"}), content(&answer));
}

#[test]
fn a10_unknown_members_of_response_format_are_ignored() {
    let mut format = json_schema(&capital());
    format["max_new_tokens"] = 2048.into();
    let answer = shared().chat(chat_with(CAPITAL, json!({"response_format": format})));
    assert_valid(&capital(), content(&answer));
}

#[test]
fn several_answers() {
    let members = json!({"regex": "[a-z]{3,8}", "temperature": 1.0, "seed": 5, "n": 3});
    let answer = shared().chat(chat_with("A word, please.", members.clone()));
    let choices = answer["choices"].as_array().expect("choices");
    let texts: Vec<&str> = choices.iter().filter_map(|choice| choice["message"]["content"].as_str()).collect();
    assert_eq!(texts.len(), 3);
    assert!(texts.iter().any(|&text| text != texts[0]), "different seeds, different words: {texts:?}");
    assert_eq!(choices.iter().map(|choice| choice["index"].as_u64()).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
    let again = shared().chat(chat_with("A word, please.", members));
    assert_eq!(again["choices"], answer["choices"], "the same seed, the same words");
}

#[test]
fn stop_strings_and_special_tokens() {
    let members = json!({"regex": "a, b, c, d", "stop": ["c,", ", d"]});
    let answer = shared().chat(chat_with("Letters.", members));
    assert_eq!(content(&answer), "a, b, ");
    assert_eq!(answer["choices"][0]["matched_stop"], "c,");
    let answer =
        shared().chat(chat_with("Letters.", json!({"regex": "a, b, c, d", "stop": "b", "no_stop_trim": true})));
    assert_eq!(content(&answer), "a, b");
}
