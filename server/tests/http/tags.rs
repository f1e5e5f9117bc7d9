//! Structural tags, in chats and in `/generate`, in both forms.

use serde_json::{Value, json};

use crate::client::{assert_valid, chat_with, content, shared};
use crate::texts::{date, weather};

const QUESTION: &str = "You are in New York. Please get the current date and time, and the weather.";

const FUNCTIONS: [&str; 2] = ["get_current_weather", "get_current_date"];

fn schema(name: &str) -> Value {
    if name == "get_current_weather" { weather() } else { date() }
}

fn legacy() -> Value {
    let structures = FUNCTIONS
        .map(|name| json!({"begin": format!("<function={name}>"), "schema": schema(name), "end": "</function>"}));
    json!({"type": "structural_tag", "structures": structures, "triggers": ["<function="]})
}

fn current(at_least_one: bool, stop_after_first: bool) -> Value {
    let tags = FUNCTIONS.map(|name| {
        let content = json!({"type": "json_schema", "json_schema": schema(name)});
        json!({"begin": format!("<function={name}>"), "content": content, "end": "</function>"})
    });
    json!({"type": "structural_tag", "format": {
        "type": "triggered_tags", "triggers": ["<function="], "tags": tags,
        "at_least_one": at_least_one, "stop_after_first": stop_after_first,
    }})
}

/// The number of calls in a text, each of which has to be valid; if `is_cut_off`, the last may have no end.
#[track_caller]
fn calls(mut text: &str, is_cut_off: bool) -> usize {
    let mut count = 0;
    while let Some((_, after)) = text.split_once("<function=") {
        let Some((call, rest)) = after.split_once("</function>") else {
            assert!(is_cut_off, "a call without an end: {after}");
            return count;
        };
        let (name, arguments) = call.split_once('>').expect("a name");
        assert!(FUNCTIONS.contains(&name), "{name}");
        assert_valid(&schema(name), arguments);
        count += 1;
        text = rest;
    }
    count
}

/// Chats with a structural tag and several seeds: the content of each answer, and whether it was cut off.
fn answers(format: &Value) -> Vec<(String, bool)> {
    let members = json!({"response_format": format, "temperature": 1.0, "seed": 11, "n": 6, "max_tokens": 150});
    let answer = shared().chat(chat_with(QUESTION, members));
    let choices = answer["choices"].as_array().expect("choices").iter();
    choices
        .map(|choice| {
            let text = choice["message"]["content"].as_str().expect("a content");
            (text.to_owned(), choice["finish_reason"] == "length")
        })
        .collect()
}

/// The answers have only valid calls, and some of them have one.
#[track_caller]
fn assert_some_calls(answers: &[(String, bool)]) {
    let whole: usize = answers.iter().map(|(text, is_cut_off)| calls(text, *is_cut_off)).sum();
    assert!(whole > 0, "no call was whole: {answers:?}");
}

/// The same tag in which a call comes first. A model of a million weights makes none in answer to the documents' question.
fn with_a_call(tag: &Value) -> Value {
    let mut tag = tag.clone();
    match tag.get_mut("format") {
        Some(format) => format["at_least_one"] = true.into(),
        None => tag["at_least_one"] = true.into(),
    }
    tag
}

#[test]
fn a5_legacy_form() {
    for (text, is_cut_off) in answers(&legacy()) {
        calls(&text, is_cut_off);
    }
    assert_some_calls(&answers(&with_a_call(&legacy())));
}

#[test]
fn a6_current_form() {
    for (text, is_cut_off) in answers(&current(false, false)) {
        calls(&text, is_cut_off);
    }
    assert_some_calls(&answers(&with_a_call(&current(false, false))));
}

#[test]
fn a7_at_least_one_call() {
    let answers = answers(&current(true, false));
    for (text, is_cut_off) in &answers {
        assert!(text.starts_with("<function=") || *is_cut_off, "{text}");
        assert!(calls(text, *is_cut_off) > 0 || *is_cut_off, "{text}");
    }
    assert_some_calls(&answers);
}

#[test]
fn a8_exactly_one_call() {
    let answers = answers(&current(true, true));
    assert!(answers.iter().any(|(_, is_cut_off)| !is_cut_off));
    for (text, is_cut_off) in answers {
        let count = calls(&text, is_cut_off);
        assert!(is_cut_off || (count == 1 && text.ends_with("</function>")), "{text}");
    }
}

#[test]
fn a10_unknown_members_are_ignored() {
    for tag in [legacy(), current(false, false)] {
        for mut format in [with_a_call(&tag), tag] {
            let demands_calls = format == with_a_call(&format);
            format["max_new_tokens"] = 2048.into();
            let answers = answers(&format);
            if demands_calls {
                assert_some_calls(&answers);
            }
            for (text, is_cut_off) in answers {
                calls(&text, is_cut_off);
            }
        }
    }
}

/// Clients that dump their models send null for what is not there.
#[test]
fn members_that_are_null_are_absent() {
    let content = json!({"type": "const_string", "value": "zz"});
    let tag = json!({"type": "structural_tag", "structures": null, "triggers": null, "format": content});
    let answer = shared().chat(chat_with("x", json!({"response_format": tag})));
    assert_eq!(crate::client::content(&answer), "zz");
    let parameters = json!({"structural_tag": tag.to_string()});
    assert_eq!(shared().generate(&json!({"text": "x", "sampling_params": parameters}))["text"], "zz");
    let twice = tag.to_string().replace(r#""value":"zz""#, r#""value":"zz","value":"yy""#);
    let body = json!({"text": "x", "sampling_params": {"structural_tag": twice}});
    let refused = shared().post("/generate", &body);
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("value"), "{}", refused.body);
    let mut legacy = with_a_call(&legacy());
    legacy["format"] = Value::Null;
    assert_some_calls(&answers(&legacy));
}

/// The documents' instructions of tools have more tokens than the embedded model was trained with.
#[test]
fn a_message_longer_than_those_of_the_training() {
    let instructions =
        "Use the function 'get_current_weather' to get the current weather in a given location. ".repeat(40);
    let messages = json!([{"role": "system", "content": instructions}, {"role": "user", "content": QUESTION}]);
    for format in [legacy(), current(false, false)] {
        for (format, demands_calls) in [(with_a_call(&format), true), (format, false)] {
            let members = json!({
                "messages": messages, "response_format": format, "temperature": 1.0, "seed": 3, "n": 4, "max_tokens": 150,
            });
            let answer = shared().chat(chat_with("", members));
            assert!(answer["usage"]["prompt_tokens"].as_u64() > Some(1_000), "{}", answer["usage"]);
            for choice in answer["choices"].as_array().expect("choices") {
                let text = choice["message"]["content"].as_str().expect("a content");
                assert!(!demands_calls || text.starts_with("<function="), "{text}");
                calls(text, choice["finish_reason"] == "length");
            }
        }
    }
}

#[test]
fn b5_b6_tags_as_texts() {
    let texts = |tag: &Value| -> Vec<(String, bool)> {
        let parameters = json!({
            "temperature": 1.0, "sampling_seed": 5, "n": 6, "max_new_tokens": 150, "structural_tag": tag.to_string(),
        });
        let answers = shared().generate(&json!({"text": "Paris is the capital of", "sampling_params": parameters}));
        let answers = answers.as_array().expect("a list").iter();
        answers
            .map(|answer| {
                let is_cut_off = answer["meta_info"]["finish_reason"]["type"] == "length";
                (answer["text"].as_str().expect("a text").to_owned(), is_cut_off)
            })
            .collect()
    };
    for tag in [legacy(), current(false, false)] {
        for (text, is_cut_off) in texts(&tag) {
            calls(&text, is_cut_off);
        }
        assert_some_calls(&texts(&with_a_call(&tag)));
    }
}

#[test]
fn a_schema_may_be_missing() {
    let tag = json!({"type": "structural_tag", "structures": [{"begin": "<a>", "end": "</a>"}], "triggers": ["<a>"],
        "at_least_one": true});
    let members = json!({"response_format": tag, "max_tokens": 60, "json_whitespace": "compact"});
    let answer = shared().chat(chat_with("Hello.", members));
    assert!(content(&answer).starts_with("<a>"), "{answer}");
}

#[test]
fn a_schema_may_be_null() {
    let schema = json!({"type": "json_schema", "json_schema": null});
    let format = json!({"type": "tag", "begin": "<a>", "content": schema, "end": "</a>"});
    let members = json!({"response_format": {"type": "structural_tag", "format": format}, "max_tokens": 60});
    let answer = shared().chat(chat_with("Hello.", members));
    assert!(content(&answer).starts_with("<a>"), "{answer}");
}

#[test]
fn x4_tags_at_fault() {
    for (tag, place) in [
        (
            json!({"type": "structural_tag", "structures": [{"begin": "<a>", "end": "</a>"}], "triggers": ["<b>"]}),
            "trigger",
        ),
        (json!({"type": "structural_tag", "format": {"type": "nonsense"}}), "/format/type"),
        (json!({"type": "structural_tag", "format": {"type": "regex", "pattern": "("}}), "/format/pattern"),
    ] {
        let body = chat_with("x", json!({"response_format": tag}));
        let response = shared().post("/v1/chat/completions", &body);
        assert_eq!(response.status, 400, "{}", response.body);
        let message = response.json()["message"].as_str().expect("a message").to_owned();
        assert!(message.contains("structural_tag") && message.contains(place), "{message}");
    }
}
