//! Every engine behind a server over real HTTP: which kinds of constraints it takes, and what it says of the others.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use gpu_runtime::{CpuDevice, ModelFiles};
use serde_json::{Value, json};
use server::{BackendEntry, GrammarOptions, Service, ServiceOptions};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The kinds that engines take, by their names on the command line.
const TAKEN: [(&str, &[&str]); 3] = [
    ("llguidance", &["json", "regex"]),
    ("outlines", &["json", "regex"]),
    ("xgrammar", &["json", "regex", "ebnf", "structural_tag"]),
];

const CITIES: [&str; 2] = ["Paris", "London"];

struct Server {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Server {
    fn start(backend: BackendEntry) -> Self {
        let files = ModelFiles::embedded_tiny().unwrap();
        // None of the engines can be stopped, but requests wait as long as this says.
        let grammars = GrammarOptions { compile_time: Duration::from_secs(600), ..GrammarOptions::default() };
        let options = ServiceOptions { backend: Some(backend), grammars, ..ServiceOptions::default() };
        let service = Service::load(&files, CpuDevice::new(1).unwrap(), options).unwrap();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(server::serve(service, listener, std::future::pending(), Duration::ZERO));
        Self { address, _runtime: runtime }
    }

    /// The status and the body of an answer.
    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {body}")))
    }
}

/// A kind of constraint, as chats and `/generate` have it, and whether an answer follows it.
struct Case {
    kind: &'static str,
    chat: Value,
    parameters: Value,
    follows: fn(&str) -> bool,
}

fn cases() -> [Case; 4] {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"enum": CITIES}, "old": {"type": "boolean"}},
        "required": ["name", "old"],
        "additionalProperties": false,
    });
    let grammar = "root ::= city\ncity ::= \"Paris\" | \"London\"";
    let tag = json!({"type": "structural_tag", "format": {
        "type": "tag", "begin": "<city>", "content": {"type": "regex", "pattern": "Paris|London"}, "end": "</city>",
    }});
    [
        Case {
            kind: "json",
            chat: json!({"response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}}}),
            parameters: json!({"json_schema": schema.to_string()}),
            follows: is_object,
        },
        Case {
            kind: "regex",
            chat: json!({"regex": "(Paris|London)"}),
            parameters: json!({"regex": "(Paris|London)"}),
            follows: |text| CITIES.contains(&text),
        },
        Case {
            kind: "ebnf",
            chat: json!({"ebnf": grammar}),
            parameters: json!({"ebnf": grammar}),
            follows: |text| CITIES.contains(&text),
        },
        Case {
            kind: "structural_tag",
            chat: json!({"response_format": tag}),
            parameters: json!({"structural_tag": tag.to_string()}),
            follows: |text| {
                let city = text.strip_prefix("<city>").and_then(|text| text.strip_suffix("</city>"));
                city.is_some_and(|city| CITIES.contains(&city))
            },
        },
    ]
}

fn is_object(text: &str) -> bool {
    serde_json::from_str(text).is_ok_and(|value: Value| {
        let has_city = value["name"].as_str().is_some_and(|name| CITIES.contains(&name));
        has_city && value["old"].is_boolean() && value.as_object().is_some_and(|members| members.len() == 2)
    })
}

#[test]
fn what_each_engine_takes_over_http() {
    for &backend in rivals::BACKENDS {
        let name = backend.name;
        let server = Server::start(backend);
        let (_, taken) = TAKEN.iter().find(|(known, _)| *known == name).expect("an engine of the table");
        for Case { kind, chat, parameters, follows } in cases() {
            let mut body = json!({
                "messages": [{"role": "user", "content": "Name a city."}], "temperature": 1.0, "seed": 3, "max_tokens": 200,
            });
            chat.as_object().unwrap().iter().for_each(|(field, value)| body[field] = value.clone());
            let (chat_status, chat_answer) = server.post("/v1/chat/completions", &body);
            let mut parameters = parameters;
            parameters["max_new_tokens"] = 200.into();
            parameters["sampling_seed"] = 5.into();
            let (status, answer) = server.post("/generate", &json!({"text": "A city:", "sampling_params": parameters}));
            if taken.contains(&kind) {
                assert_eq!((chat_status, status), (200, 200), "{name}, {kind}: {chat_answer} {answer}");
                let content = chat_answer["choices"][0]["message"]["content"].as_str().unwrap();
                assert!(follows(content), "{name}, {kind}: {content}");
                assert!(follows(answer["text"].as_str().unwrap()), "{name}, {kind}: {answer}");
                assert_eq!(answer["meta_info"]["finish_reason"]["type"], "stop", "{name}, {kind}: {answer}");
            } else {
                let refused = format!("Failed to compile {kind} grammar: ");
                assert_eq!((chat_status, status), (400, 400), "{name}, {kind}: {chat_answer} {answer}");
                assert!(chat_answer["message"].as_str().unwrap().starts_with(&refused), "{name}: {chat_answer}");
                assert!(answer["error"]["message"].as_str().unwrap().starts_with(&refused), "{name}: {answer}");
            }
        }
        // What is at fault is refused, and the server goes on.
        let (status, _) = server.post("/generate", &json!({"text": "x", "sampling_params": {"regex": "("}}));
        assert_eq!(status, 400, "{name}");
        let (status, _) = server.post("/generate", &json!({"text": "x", "sampling_params": {"max_new_tokens": 3}}));
        assert_eq!(status, 200, "{name}");
    }
}
