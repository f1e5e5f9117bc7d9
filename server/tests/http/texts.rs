//! The constraints of the documents whose requests the tests send.

use serde_json::{Value, json};

/// A chat as a client renders it.
pub(crate) fn chat_prompt(message: &str) -> String {
    format!(
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{message}<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\n"
    )
}

pub(crate) const CITY: &str = r#"
root ::= city | description
city ::= "London" | "Paris" | "Berlin" | "Rome"
description ::= city " is " status
status ::= "the capital of " country
country ::= "England" | "France" | "Germany" | "Italy"
"#;

/// Whether a text is one of the twenty of [`CITY`].
pub(crate) fn is_city(text: &str) -> bool {
    let cities = ["London", "Paris", "Berlin", "Rome"];
    let countries = ["England", "France", "Germany", "Italy"];
    let described = |city: &str| {
        text.strip_prefix(city)
            .and_then(|rest| rest.strip_prefix(" is the capital of "))
            .is_some_and(|country| countries.contains(&country))
    };
    cities.iter().any(|&city| text == city || described(city))
}

pub(crate) fn capital() -> Value {
    json!({
        "type": "object",
        "properties": {"name": {"type": "string", "pattern": "^[\\w]+$"}, "population": {"type": "integer"}},
        "required": ["name", "population"],
    })
}

/// As Pydantic writes it.
pub(crate) fn pydantic_capital() -> Value {
    json!({
        "properties": {
            "name": {"description": "Name of the capital city", "pattern": "^\\w+$", "title": "Name", "type": "string"},
            "population": {"description": "Population of the capital city", "title": "Population", "type": "integer"},
        },
        "required": ["name", "population"],
        "title": "CapitalInfo",
        "type": "object",
    })
}

pub(crate) fn json_schema(schema: &Value) -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "foo", "schema": schema}})
}

/// As in the documents, but that strings are bounded, which a model of a million weights needs.
pub(crate) fn weather() -> Value {
    json!({
        "type": "object",
        "properties": {
            "city": {"type": "string", "maxLength": 12, "description": "The city to find the weather for"},
            "state": {"type": "string", "maxLength": 2, "description": "the two-letter abbreviation for the state"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city", "state", "unit"],
    })
}

pub(crate) fn date() -> Value {
    json!({
        "type": "object",
        "properties": {"timezone": {"type": "string", "maxLength": 12, "description": "The timezone to fetch the current time for"}},
        "required": ["timezone"],
    })
}

/// Two tools in the form of OpenAI's API.
pub(crate) fn tools() -> Value {
    json!([
        {"type": "function", "function": {"name": "get_current_weather", "parameters": weather()}},
        {"type": "function", "function": {"name": "get_current_date", "parameters": date()}},
    ])
}
