//! The requests of the mix, and what their answers must be.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::client::Answer;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// A chat whose answer follows a JSON Schema.
    Json,
    /// The same, streamed.
    JsonStream,
    /// A schema that no request had before, so that it has to be compiled.
    NewSchema,
    /// `/generate` with a regular expression, three answers.
    Regex,
    /// `/generate` with a grammar, streamed.
    EbnfStream,
    /// A chat with a structural tag.
    StructuralTag,
    /// `/generate` without a constraint.
    Free,
    /// `/v1/completions` without a constraint, streamed.
    FreeStream,
    /// A stream whose client goes away.
    Cancelled,
    /// A request made to cost the server as much as it can.
    Hostile,
}

impl Kind {
    /// The kinds whose latency counts, in the order in which a client sends them.
    pub(super) const ORDINARY: [Self; 8] = [
        Self::Json,
        Self::Regex,
        Self::Free,
        Self::EbnfStream,
        Self::NewSchema,
        Self::JsonStream,
        Self::StructuralTag,
        Self::FreeStream,
    ];

    /// How reports call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::JsonStream => "json, streamed",
            Self::NewSchema => "json, new schema",
            Self::Regex => "regex, n = 3",
            Self::EbnfStream => "ebnf, streamed",
            Self::StructuralTag => "structural tag",
            Self::Free => "free",
            Self::FreeStream => "free, streamed",
            Self::Cancelled => "cancelled",
            Self::Hostile => "hostile",
        }
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// The path of the endpoint.
    pub(super) path: &'static str,
    /// The body.
    pub(super) body: String,
    /// The number of bytes after which the client goes away.
    pub(super) abandon_after: Option<usize>,
}

/// What an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A whole answer that follows the constraint.
    Whole,
    /// An answer that says that it was cut off.
    Truncated,
    /// A request at fault was refused.
    Refused,
    /// The client went away.
    Abandoned,
    /// Not what was asked for.
    Fault(String),
}

const CITY: &str = r#"
root ::= city | description
city ::= "London" | "Paris" | "Berlin" | "Rome"
description ::= city " is " status
status ::= "the capital of " country
country ::= "England" | "France" | "Germany" | "Italy"
"#;

const PATTERN: &str = "[a-z]{3,10}-[0-9]{2,4}";

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 20},
            "population": {"type": "integer", "minimum": 0, "maximum": 99_999_999},
            "tags": {"type": "array", "items": {"enum": ["old", "large", "coast"]}, "maxItems": 3},
        },
        "required": ["name", "population", "tags"],
        "additionalProperties": false,
    })
});

static VALIDATOR: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::validator_for(&SCHEMA).unwrap_or_else(|error| unreachable!("{error}")));

const FUNCTIONS: [&str; 2] = ["get_weather", "get_date"];

/// The request of a kind with a number, which is also the seed. Requests with other numbers differ.
pub(super) fn request(kind: Kind, number: u64) -> Request {
    let chat = |members: Value| {
        let mut body = json!({
            "messages": [{"role": "user", "content": "Please tell me about the capital of France as JSON."}],
            "temperature": 1.0, "seed": number, "max_tokens": 150,
        });
        merge(&mut body, members);
        ("/v1/chat/completions", body)
    };
    let generate = |parameters: Value, members: Value| {
        let mut body = json!({
            "text": "The capital of France is",
            "sampling_params": {"temperature": 1.0, "sampling_seed": number, "max_new_tokens": 60},
        });
        merge(&mut body["sampling_params"], parameters);
        merge(&mut body, members);
        ("/generate", body)
    };
    let format = |schema: &Value| json!({"type": "json_schema", "json_schema": {"name": "capital", "schema": schema}});
    let (path, body) = match kind {
        Kind::Json => chat(json!({"response_format": format(&SCHEMA)})),
        Kind::JsonStream => chat(json!({"response_format": format(&SCHEMA), "stream": true})),
        Kind::NewSchema => {
            let mut schema = SCHEMA.clone();
            schema["title"] = format!("Capital {number}").into();
            chat(json!({"response_format": format(&schema)}))
        }
        Kind::Regex => generate(json!({"regex": PATTERN, "n": 3}), json!({})),
        Kind::EbnfStream => generate(json!({"ebnf": CITY}), json!({"stream": true})),
        Kind::StructuralTag => chat(json!({"response_format": structural_tag(), "max_tokens": 100})),
        Kind::Free => generate(json!({}), json!({})),
        Kind::FreeStream => {
            ("/v1/completions", json!({"prompt": "The capital of", "max_tokens": 60, "seed": number, "stream": true}))
        }
        Kind::Cancelled => generate(json!({"ignore_eos": true, "max_new_tokens": 300}), json!({"stream": true})),
        Kind::Hostile => return hostile(number),
    };
    let abandon_after = (kind == Kind::Cancelled).then_some(2_000);
    Request { path, body: body.to_string(), abandon_after }
}

fn merge(body: &mut Value, members: Value) {
    if let Value::Object(members) = members {
        members.into_iter().for_each(|(name, value)| body[name] = value);
    }
}

fn structural_tag() -> Value {
    let structures =
        FUNCTIONS.map(|name| json!({"begin": format!("<function={name}>"), "schema": &*SCHEMA, "end": "</function>"}));
    json!({"type": "structural_tag", "structures": structures, "triggers": ["<function="]})
}

/// A constraint that is slow, large or at fault; with a part of its own, so that no cache knows it.
fn hostile(number: u64) -> Request {
    let nested = |depth: usize| {
        let inner = json!({"type": "object", "properties": {format!("p{number}"): {"type": "integer"}}});
        (0..depth).fold(inner, |inner, _| json!({"oneOf": [inner, {"type": "string"}, {"type": "null"}]}))
    };
    let (field, text) = match number % 16 {
        0 => ("json_schema", nested(30).to_string()),
        1 => ("regex", format!("((a{{1,1000}}|b){{1,1000}}|c){{1,1000}}{number}")),
        2 => ("regex", format!("{}a{}{number}", "(".repeat(60_000), ")".repeat(60_000))),
        3 => {
            let values: Vec<String> = (0..8_192).map(|index| format!("value {number} {index}")).collect();
            ("json_schema", json!({"enum": values}).to_string())
        }
        4 => ("regex", format!("(.*{number}.*a.{{20}}|.*b.{{18}}|[ab]*c.{{16}})")),
        5 => ("ebnf", format!("root ::= root root | root \"{number}\" root | \"a\"")),
        6 => ("ebnf", format!("root ::= {}\"a\"{}", "(".repeat(60_000), ")".repeat(60_000))),
        7 => {
            let properties: serde_json::Map<String, Value> = (0..300)
                .map(|index| (format!("property {number} {index}"), json!({"type": "string", "pattern": "^a.*b.{9}$"})))
                .collect();
            ("json_schema", json!({"type": "object", "properties": properties}).to_string())
        }
        8 => ("json_schema", format!("{{\"type\": \"array\", \"maxItems\": 1{number:0>19}}}")),
        // These two take seconds to compile.
        9 => {
            let properties: serde_json::Map<String, Value> = (0..2_000)
                .map(|index| {
                    let pattern = format!("^[a-z]*{index}.{{{}}}[0-9]+$", 5 + index % 20);
                    (format!("property {number} {index}"), json!({"type": "string", "pattern": pattern}))
                })
                .collect();
            ("json_schema", json!({"type": "object", "properties": properties}).to_string())
        }
        10 => {
            let branches: Vec<Value> = (0..100)
                .map(|index| {
                    let properties: serde_json::Map<String, Value> = (0..10)
                        .map(|member| (format!("p{number} {}", (index * 7 + member) % 40), json!({"type": "integer"})))
                        .collect();
                    json!({"type": "object", "properties": properties, "minProperties": index % 5})
                })
                .collect();
            ("json_schema", json!({"oneOf": branches}).to_string())
        }
        other => {
            let (path, body) = match other {
                // Bodies that take long to read, not grammars that take long to compile.
                11 => {
                    let tool = |index: usize| json!({"function": {"name": format!("f{number}_{index}")}});
                    let tools: Vec<Value> =
                        (0..if number.is_multiple_of(2) { 1_000 } else { 6_000 }).map(tool).collect();
                    let messages = json!([{"role": "user", "content": "x"}]);
                    let body = json!({"messages": messages, "tools": tools, "tool_choice": "none", "max_tokens": 5});
                    ("/v1/chat/completions", body.to_string())
                }
                12 => ("/generate", json!({"text": "x", "rid": vec![0; 1_000_000]}).to_string()),
                // Quick to compile, and ever slower to follow.
                13 => {
                    let grammar = format!("root ::= s\ns ::= s s s | s s | [a-z ] | \"{number}\"");
                    let parameters = json!({"ebnf": grammar, "n": 4, "max_new_tokens": 60, "min_new_tokens": 60});
                    ("/generate", json!({"text": "x", "sampling_params": parameters}).to_string())
                }
                // Calls with many arguments whose schemas have to say what they are.
                14 => {
                    let values: Vec<String> = (0..20).map(|index| format!("{number} {index}")).collect();
                    let properties: serde_json::Map<String, Value> =
                        (0..200).map(|index| (format!("p{index}"), json!({"enum": values}))).collect();
                    let parameters = json!({"type": "object", "properties": properties, "additionalProperties": false});
                    let body = json!({
                        "messages": [{"role": "user", "content": "x"}], "max_tokens": 1_000, "stream": number.is_multiple_of(3),
                        "tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}],
                        "tool_choice": "required", "parallel_tool_calls": false, "temperature": 1.0, "seed": number,
                    });
                    ("/v1/chat/completions", body.to_string())
                }
                _ => ("/generate", format!("{{\"text\": {}", "[".repeat(60_000))),
            };
            return Request { path, body, abandon_after: None };
        }
    };
    let body = json!({"text": "x", "sampling_params": {field: text, "max_new_tokens": 20, "sampling_seed": number}});
    Request { path: "/generate", body: body.to_string(), abandon_after: None }
}

/// What an answer to a request of this kind is.
pub(super) fn judge(kind: Kind, answer: &Answer) -> Verdict {
    let fault = |what: &str| Verdict::Fault(format!("{}: {what}: {answer:?}", kind.name()));
    match (kind, answer) {
        (_, Answer::Abandoned) => Verdict::Abandoned,
        (Kind::Hostile, Answer::Whole { status: 200, .. }) => Verdict::Whole,
        // Those that are slow to compile may have to wait for each other longer than a request waits.
        (Kind::Hostile, Answer::Whole { status: 400 | 503, .. }) => Verdict::Refused,
        // Of those that are slow to follow there may be so many at a time.
        (Kind::Hostile, Answer::Whole { status: 429, body }) if body.to_string().contains("slow to follow") => {
            Verdict::Refused
        }
        (_, Answer::Whole { status, .. }) if *status != 200 => fault("it is refused"),
        _ => match texts(answer) {
            None => fault("it has no texts"),
            Some(texts) if texts.iter().any(|(_, finish)| finish == "length") => Verdict::Truncated,
            Some(texts) => match texts.iter().find(|(text, _)| !follows(kind, text)) {
                None => Verdict::Whole,
                Some((text, _)) => fault(&format!("{text:?} does not follow the constraint")),
            },
        },
    }
}

/// The texts of an answer, each with why it ended.
fn texts(answer: &Answer) -> Option<Vec<(String, String)>> {
    let finish = |value: &Value| value.as_str().or(value["type"].as_str()).map(str::to_owned);
    match answer {
        Answer::Whole { body, .. } => {
            let one = std::slice::from_ref(body);
            let choices = body["choices"].as_array().or(body.as_array()).map_or(one, Vec::as_slice);
            choices
                .iter()
                .map(|choice| {
                    let text = choice["message"]["content"].as_str().or(choice["text"].as_str())?;
                    let reason = &choice["finish_reason"];
                    let reason = if reason.is_null() { &choice["meta_info"]["finish_reason"] } else { reason };
                    Some((text.to_owned(), finish(reason)?))
                })
                .collect()
        }
        Answer::Stream(events) => {
            let last = events.last()?;
            if !last["meta_info"].is_null() {
                return Some(vec![(last["text"].as_str()?.to_owned(), finish(&last["meta_info"]["finish_reason"])?)]);
            }
            let choices = || events.iter().map(|event| &event["choices"][0]);
            let piece =
                |choice: &Value| choice["delta"]["content"].as_str().or(choice["text"].as_str()).map(str::to_owned);
            let reason = choices().find_map(|choice| choice["finish_reason"].as_str())?;
            Some(vec![(choices().filter_map(piece).collect(), reason.to_owned())])
        }
        Answer::Abandoned => None,
    }
}

fn follows(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Json | Kind::JsonStream | Kind::NewSchema => is_capital(text),
        Kind::Regex => is_word_and_number(text),
        Kind::EbnfStream => is_city(text),
        Kind::StructuralTag => has_only_calls(text),
        Kind::Free | Kind::FreeStream | Kind::Cancelled | Kind::Hostile => true,
    }
}

fn is_capital(text: &str) -> bool {
    serde_json::from_str(text).is_ok_and(|value: Value| VALIDATOR.is_valid(&value))
}

/// [`PATTERN`].
fn is_word_and_number(text: &str) -> bool {
    text.split_once('-').is_some_and(|(word, number)| {
        (3..=10).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_lowercase())
            && (2..=4).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// [`CITY`].
fn is_city(text: &str) -> bool {
    let (city, country) = text.split_once(" is the capital of ").map_or((text, None), |(a, b)| (a, Some(b)));
    ["London", "Paris", "Berlin", "Rome"].contains(&city)
        && country.is_none_or(|country| ["England", "France", "Germany", "Italy"].contains(&country))
}

/// Whether each trigger in a text begins a call.
fn has_only_calls(mut text: &str) -> bool {
    while let Some((_, after)) = text.split_once("<function=") {
        let begin = FUNCTIONS.iter().find_map(|name| after.strip_prefix(name)?.strip_prefix('>'));
        let Some((arguments, rest)) = begin.and_then(|call| call.split_once("</function>")) else { return false };
        if !is_capital(arguments) {
            return false;
        }
        text = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_do_not_follow_are_faults() {
        let whole = |text: &str| {
            let body = json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]});
            Answer::Whole { status: 200, body }
        };
        let capital = r#"{"name": "Paris", "population": 5, "tags": ["old"]}"#;
        for (kind, good, bad) in [
            (Kind::Json, capital, r#"{"name": "Paris"}"#),
            (Kind::Regex, "abc-12", "ab-12"),
            (Kind::EbnfStream, "Rome is the capital of Italy", "Rome is"),
            (
                Kind::StructuralTag,
                &*format!("a <function=get_date>{capital}</function> b"),
                "a <function=x>{}</function>",
            ),
        ] {
            assert_eq!(judge(kind, &whole(good)), Verdict::Whole);
            assert!(matches!(judge(kind, &whole(bad)), Verdict::Fault(_)), "{bad}");
        }
        let refused = Answer::Whole { status: 429, body: json!({}) };
        assert!(matches!(judge(Kind::Free, &refused), Verdict::Fault(_)));
        assert!(matches!(judge(Kind::Hostile, &refused), Verdict::Fault(_)));
        let slow =
            json!({"error": {"message": "the server has 32 answers in work whose constraints are slow to follow"}});
        assert_eq!(judge(Kind::Hostile, &Answer::Whole { status: 429, body: slow }), Verdict::Refused);
        let late = Answer::Whole { status: 503, body: json!({}) };
        assert_eq!(judge(Kind::Hostile, &late), Verdict::Refused);
        assert!(matches!(judge(Kind::NewSchema, &late), Verdict::Fault(_)));
    }

    #[test]
    fn streams_are_put_together() {
        let chunk = |delta: Value, reason: Value| json!({"choices": [{"delta": delta, "finish_reason": reason}]});
        let none = Value::Null;
        let events = vec![
            chunk(json!({"content": "Ro"}), none.clone()),
            chunk(json!({"content": "me"}), none),
            chunk(json!({}), "stop".into()),
        ];
        assert_eq!(judge(Kind::EbnfStream, &Answer::Stream(events)), Verdict::Whole);
        let event = json!({"text": "Rome", "meta_info": {"finish_reason": {"type": "length"}}});
        assert_eq!(judge(Kind::EbnfStream, &Answer::Stream(vec![event])), Verdict::Truncated);
    }
}
