//! Many requests at a time: mixed, cancelled, refused for want of room, and the end of the server.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::{Engine, ServiceOptions, ToolFormat};

use crate::client::{Server, assert_valid, chat_with, service, shared, wait_until};
use crate::texts::{CITY, capital, chat_prompt, is_city};

/// A request whose answer has 400 tokens.
fn long() -> Value {
    json!({"text": "x", "sampling_params": {"ignore_eos": true, "max_new_tokens": 400}, "stream": true})
}

/// A request that does not come to its end by itself while a test lasts, on a server of [`of_endless`].
fn endless() -> Value {
    json!({"text": "x", "sampling_params": {"ignore_eos": true, "max_new_tokens": CONTEXT}, "stream": true})
}

/// The positions of answers that have no end, as far as a test goes: each takes longer than the one before.
const CONTEXT: usize = 200_000;

/// A server for answers that do not end.
fn of_endless(options: ServiceOptions) -> Server {
    Server::start(ServiceOptions { context_length: Some(CONTEXT), max_batch: 4, ..options })
}

#[test]
fn m1_forty_requests_with_and_without_a_schema() {
    let prompt = chat_prompt("Please give me information about the capital of France in the JSON format.");
    let whole = std::thread::scope(|scope| {
        let send = |index: u64| {
            let (prompt, has_schema) = (&prompt, index.is_multiple_of(2));
            scope.spawn(move || {
                let mut parameters = json!({"temperature": 1.0, "sampling_seed": index, "max_new_tokens": 128});
                if has_schema {
                    parameters["json_schema"] = capital().to_string().into();
                }
                let answer = shared().generate(&json!({"text": prompt, "sampling_params": parameters}));
                let is_whole = answer["meta_info"]["finish_reason"]["type"] == "stop";
                if has_schema && is_whole {
                    assert_valid(&capital(), answer["text"].as_str().expect("a text"));
                }
                has_schema && is_whole
            })
        };
        let clients: Vec<_> = (0..40).map(send).collect();
        clients.into_iter().map(|client| client.join().expect("an answer")).filter(|&is_whole| is_whole).count()
    });
    assert!(whole > 10, "only {whole} of the 20 answers with a schema were whole");
}

/// More answers than the batch has places, each under a grammar that takes ever longer to follow.
#[test]
fn constraints_that_are_slow_to_follow_keep_nobody_out() {
    let server = Server::start(ServiceOptions { max_batch: 2, max_sequences: 8, ..ServiceOptions::default() });
    let parameters = json!({
        "ebnf": "root ::= s\ns ::= s s s | s s | [a-z ]", "n": 4, "max_new_tokens": 300, "min_new_tokens": 300,
    });
    let hostile = server.open(
        "POST",
        "/generate",
        &json!({"text": "x", "sampling_params": parameters, "stream": true}).to_string(),
    );
    for _ in 0..8 {
        let answer = server.generate(&json!({"text": "x", "sampling_params": {"regex": "[a-z]{5}"}}));
        assert_eq!(answer["text"].as_str().map(str::len), Some(5), "{answer}");
    }
    drop(hostile);
}

/// Calls with hundreds of arguments of which the schema has to say what they are, and whose readers do not wait for them.
#[test]
fn calls_that_are_slow_to_read_delay_nobody() {
    let server = Server::start(ServiceOptions {
        tool_format: ToolFormat::from_name("qwen3_coder"),
        context_length: Some(16_384),
        ..ServiceOptions::default()
    });
    let keys: Vec<String> = (0..100).map(|index| format!("q{index}")).collect();
    // These texts could be JSON as well.
    let properties: serde_json::Map<String, Value> =
        keys.iter().map(|key| (key.clone(), json!({"enum": ["1", "2", "null"]}))).collect();
    let schema = json!({"type": "object", "properties": properties, "required": keys, "additionalProperties": false});
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": schema.clone()}});
    let members = json!({
        "tools": [tool], "tool_choice": "required", "parallel_tool_calls": false, "temperature": 1.0, "seed": 1,
        "max_tokens": 8_000,
    });
    let body = chat_with("Call it.", members);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| server.post("/v1/chat/completions", &body));
        let mut slowest = Duration::ZERO;
        while !call.is_finished() {
            let start = Instant::now();
            assert_eq!(server.get("/health").status, 200);
            slowest = slowest.max(start.elapsed());
            std::thread::sleep(Duration::from_millis(5));
        }
        // Without bounds it is five seconds, and ten times that with thrice the arguments.
        assert!(slowest < Duration::from_secs(2), "{slowest:?}");
        let response = call.join().expect("an answer");
        assert_eq!(response.status, 200, "{}", response.body);
        let answer = response.json();
        let called = answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].as_str();
        assert_valid(&schema, called.unwrap_or_else(|| panic!("no call in {answer}")));
    });
}

#[test]
fn x4_a_request_beside_faults_goes_on() {
    let mut stream = shared().open("POST", "/generate", &long().to_string());
    for index in 0..20 {
        let parameters = if index % 2 == 0 { json!({"regex": "("}) } else { json!({"ebnf": "root ::= <<<"}) };
        assert_eq!(shared().post("/generate", &json!({"text": "x", "sampling_params": parameters})).status, 400);
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let last = answer.trim_end().rsplit("data: ").nth(1).expect("an event");
    assert!(answer.contains("data: [DONE]") && last.contains("\"type\":\"length\""), "{last}");
}

#[test]
fn without_room_requests_are_refused_and_then_served() {
    let server = of_endless(ServiceOptions { max_sequences: 2, ..ServiceOptions::default() });
    let streams: Vec<_> = (0..2).map(|_| server.open("POST", "/generate", &endless().to_string())).collect();
    wait_until("two are in work", || server.metric("running_sequences") + server.metric("waiting_sequences") == 2.0);
    let body = json!({"text": "x", "sampling_params": {"regex": "ok"}});
    let refused = server.post("/generate", &body);
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.head.contains("retry-after: 1"), "{}", refused.head);
    assert!(refused.json()["error"]["message"].as_str().is_some_and(|message| message.contains("2 sequences")));
    let chat = server.post("/v1/chat/completions", &json!({"messages": [{"role": "user", "content": "x"}]}));
    assert_eq!((chat.status, chat.json()["type"].as_str()), (429, Some("RateLimitError")), "{}", chat.body);
    assert!(chat.head.contains("retry-after: 1"), "{}", chat.head);
    assert_eq!(server.metric("overloaded_total"), 2.0);
    assert_eq!(server.get("/health").status, 200, "full is not ill");
    // Those who go make room.
    drop(streams);
    wait_until("there is room", || server.post("/generate", &body).status == 200);
    wait_until("nothing is in work", || server.metric("running_sequences") == 0.0);
    assert_eq!(server.metric("cancelled_total"), 2.0);
}

/// Reads the first event of a stream and goes.
fn leave_half_way(server: &Server, path: &str, body: &Value) {
    let mut lines = BufReader::new(server.open("POST", path, &body.to_string())).lines();
    let first = lines.by_ref().map(|line| line.expect("a line")).find(|line| line.starts_with("data: "));
    assert!(first.is_some_and(|event| !event.contains("[DONE]")));
}

#[test]
fn who_leaves_half_way_frees_the_place() {
    let server = of_endless(ServiceOptions { max_sequences: 3, ..ServiceOptions::default() });
    let chat = json!({
        "messages": [{"role": "user", "content": "x"}], "stream": true, "ignore_eos": true, "max_tokens": CONTEXT,
    });
    let completion = json!({"prompt": "x", "stream": true, "max_tokens": CONTEXT, "ignore_eos": true, "n": 3});
    let cases =
        [("/generate", endless(), 1.0), ("/v1/chat/completions", chat, 1.0), ("/v1/completions", completion, 3.0)];
    let mut cancelled = 0.0;
    for (path, body, sequences) in cases {
        leave_half_way(&server, path, &body);
        cancelled += sequences;
        wait_until("they have been cancelled", || server.metric("cancelled_total") == cancelled);
        wait_until("the place is free", || server.metric("running_sequences") == 0.0);
    }
    // One who waits for the whole answer may go, too.
    let mut body = endless();
    body["stream"] = false.into();
    let waiting = server.open("POST", "/generate", &body.to_string());
    wait_until("it is in work", || server.metric("running_sequences") == 1.0);
    drop(waiting);
    wait_until("it has been cancelled", || server.metric("cancelled_total") == cancelled + 1.0);
    wait_until("the place is free", || server.metric("running_sequences") == 0.0);
    // Also with something behind the request that nobody has read yet.
    let mut waiting = server.open("POST", "/generate", &body.to_string());
    wait_until("it is in work", || server.metric("running_sequences") == 1.0);
    waiting.write_all(b"GET /health HTTP/1.1\r\n\r\nzzz").expect("the connection is open");
    drop(waiting);
    wait_until("it has been cancelled", || server.metric("cancelled_total") == cancelled + 2.0);
    wait_until("the place is free", || server.metric("running_sequences") == 0.0);
    let answers = server.generate(&json!({"text": "x", "sampling_params": {"regex": "ok", "n": 3}}));
    assert_eq!(answers.as_array().map(Vec::len), Some(3), "all places are free");
}

/// A stream that nobody reads keeps its place for as long as the server waits, and no longer.
#[test]
fn who_does_not_read_loses_the_place() {
    // More than sockets hold.
    let body = json!({
        "text": "x", "stream": true, "return_logprob": true, "top_logprobs_num": 20,
        "sampling_params": {"ignore_eos": true, "max_new_tokens": 500, "temperature": 1.0},
    });
    let other = json!({"text": "x", "sampling_params": {"regex": "ok"}});
    for write_timeout in [Duration::from_secs(3_600), Duration::from_millis(50)] {
        let server = Server::start(ServiceOptions { max_sequences: 1, write_timeout, ..ServiceOptions::default() });
        let unread = server.open("POST", "/generate", &body.to_string());
        wait_until("it has the place", || server.metric("generated_tokens_total") > 0.0);
        if write_timeout > Duration::from_secs(1) {
            wait_until("all of it is generated", || server.metric("running_sequences") == 0.0);
            assert_eq!(server.post("/generate", &other).status, 429, "the place is taken");
        } else {
            wait_until("the place is free", || server.post("/generate", &other).status == 200);
        }
        drop(unread);
        wait_until("the place is free", || server.post("/generate", &other).status == 200);
    }
    // Whoever reads slowly, but does, gets all of it.
    let mut stream = shared().open("POST", "/generate", &long().to_string());
    let (mut answer, mut part) = (Vec::new(), vec![0; 100_000]);
    loop {
        match stream.read(&mut part).expect("an answer") {
            0 => break,
            length => answer.extend_from_slice(&part[..length]),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(String::from_utf8_lossy(&answer).contains("data: [DONE]"));
}

/// A large answer that is not read keeps the place of its request, as it is in memory until it is.
#[test]
fn who_does_not_read_a_whole_answer_keeps_the_place() {
    const ANSWERS: usize = 16;
    let server = Server::start(ServiceOptions {
        max_sequences: ANSWERS,
        write_timeout: Duration::from_secs(3_600),
        ..ServiceOptions::default()
    });
    // More than sockets hold.
    let body = json!({
        "messages": [{"role": "user", "content": "x"}], "n": ANSWERS, "max_tokens": 400, "ignore_eos": true,
        "logprobs": true, "top_logprobs": 20,
    });
    let other = json!({"text": "x", "sampling_params": {"regex": "ok"}});
    let mut stream = server.open("POST", "/v1/chat/completions", &body.to_string());
    let mut answer = vec![0];
    stream.read_exact(&mut answer).expect("it is answered");
    assert_eq!(server.metric("running_sequences"), 0.0, "all is generated");
    assert_eq!(server.post("/generate", &other).status, 429, "the places are taken");
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8(answer).expect("the answer is UTF-8");
    let (head, text) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.to_ascii_lowercase().contains(&format!("content-length: {}", text.len())), "{head}");
    let answer: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(answer["choices"][ANSWERS - 1]["logprobs"]["content"].as_array().map(Vec::len), Some(400));
    assert_eq!(server.generate(&other)["text"], "ok", "whoever has all of it has given the places back");
}

/// What comes back on a connection until it ends, in whichever way: what was sent may not have been read.
fn exchange(server: &Server, sent: &str) -> String {
    let mut stream = TcpStream::connect(server.address).expect("a connection");
    let mut answer = Vec::new();
    let ended = stream.write_all(sent.as_bytes()).and_then(|()| stream.read_to_end(&mut answer));
    assert!(
        ended
            .as_ref()
            .map_or_else(|error| [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error.kind()), |_| true),
        "{ended:?}"
    );
    String::from_utf8(answer).expect("the answer is UTF-8")
}

/// Connections that ask for nothing, and requests that do not come to their end, are given up.
#[test]
fn who_does_not_write_loses_the_connection() {
    let server = Server::start(ServiceOptions { read_timeout: Duration::from_millis(50), ..ServiceOptions::default() });
    for sent in ["", "POST /gen"] {
        let answer = exchange(&server, sent);
        assert!(answer.is_empty(), "{sent:?}: {answer}");
    }
    // The head may be late, too, where the machine is busy.
    let half = "POST /generate HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n{";
    wait_until("it is told so", || exchange(&server, half).starts_with("HTTP/1.1 400"));
    let whole = "GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    wait_until("others are served", || exchange(&server, whole).starts_with("HTTP/1.1 200"));
}

/// Bodies that are on their way have room together, beyond which further ones are refused; small ones need none.
#[test]
fn bodies_on_their_way_are_bounded() {
    let server = Server::start(ServiceOptions {
        body_bytes: 1_000_000,
        read_timeout: Duration::from_secs(3_600),
        ..ServiceOptions::default()
    });
    let body = json!({"text": "x", "sampling_params": {"regex": "ok"}, "other": "x".repeat(700_000)}).to_string();
    let head =
        format!("POST /generate HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut half = TcpStream::connect(server.address).expect("a connection");
    half.write_all(head.as_bytes()).and_then(|()| half.write_all(&body.as_bytes()[..600_000])).expect("it is sent");
    wait_until("the half is there", || server.metric("body_bytes") > 500_000.0);
    let refused = server.send("POST", "/generate", &body);
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.body.contains("1000000 bytes of requests"), "{}", refused.body);
    let small = json!({"text": "x", "sampling_params": {"regex": "ok"}});
    assert_eq!(server.generate(&small)["text"], "ok");
    half.write_all(&body.as_bytes()[600_000..]).expect("it is sent");
    let mut answer = String::new();
    half.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(server.post("/generate", &serde_json::from_str(&body).expect("JSON")).status, 200);
}

/// Reading large requests and writing large answers takes a thread that others do not need.
#[test]
fn large_requests_and_answers_beside_small_ones() {
    let tools: Vec<Value> = (0..1_000).map(|index| json!({"function": {"name": format!("f{index}")}})).collect();
    let many = json!({
        "messages": [{"role": "user", "content": "x"}], "tools": tools, "tool_choice": "none", "max_tokens": 2,
    });
    let names = json!({
        "messages": [{"role": "user", "content": "x"}], "max_tokens": 200, "ignore_eos": true, "n": 16,
        "logprobs": true, "top_logprobs": 20,
    });
    let zeros = json!({"text": "x", "sampling_params": {"regex": "ok"}, "other": vec![0; 200_000]});
    std::thread::scope(|scope| {
        for (path, body) in [("/v1/chat/completions", &many), ("/v1/chat/completions", &names), ("/generate", &zeros)] {
            for _ in 0..3 {
                scope.spawn(move || {
                    let answer = shared().ok(path, body);
                    let logprobs = &answer["choices"][15]["logprobs"]["content"];
                    assert!(logprobs.is_null() || logprobs.as_array().map(Vec::len) == Some(200), "{logprobs}");
                });
            }
        }
        for _ in 0..20 {
            assert_eq!(shared().get("/health").status, 200);
        }
    });
    let mut too_many = names;
    too_many["max_tokens"] = 4_000.into();
    let refused = shared().post("/v1/chat/completions", &too_many);
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("logprobs: at least 1344000 tokens"), "{}", refused.body);
}

/// A server that is coming to its end answers no new request: there is nobody to connect to, or the connection ends, or
/// the answer is 503.
fn assert_refused(server: &Server) {
    let body = json!({"text": "x", "sampling_params": {"regex": "ok"}}).to_string();
    let mut answer = String::new();
    let asked = TcpStream::connect(server.address).and_then(|mut stream| {
        let length = body.len();
        write!(
            stream,
            "POST /generate HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
        stream.read_to_string(&mut answer)
    });
    match asked {
        Ok(_) => assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503"), "{answer}"),
        Err(error) => assert!(
            matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
            "{error}"
        ),
    }
}

#[test]
fn the_end_waits_for_requests_in_work() {
    let mut server = Server::start(ServiceOptions::default());
    // Nobody reads it yet, and sockets do not hold it, so it stays in work.
    let body = json!({
        "text": "x", "stream": true, "return_logprob": true, "top_logprobs_num": 20,
        "sampling_params": {"ignore_eos": true, "max_new_tokens": 500},
    });
    let mut stream = server.open("POST", "/generate", &body.to_string());
    wait_until("it is in work", || server.metric("generated_tokens_total") > 0.0);
    let mut half = TcpStream::connect(server.address).expect("a connection");
    half.write_all(b"POST /generate HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n{").expect("it is sent");
    server.stop.take().expect("not stopped yet").send(()).expect("a server");
    wait_until("no more connections are taken", || TcpStream::connect(server.address).is_err());
    assert_refused(&server);
    let mut answer = String::new();
    half.read_to_string(&mut answer).unwrap_or_default();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503"), "what has not come is not waited for: {answer}");
    answer.clear();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains("data: [DONE]"), "{}", &answer[answer.len().saturating_sub(1_000)..]);
    let serving = server.serving.take().expect("not stopped yet");
    server.runtime.block_on(serving).expect("no panic").expect("no error");
}

#[test]
fn e1_to_e4_the_engine_without_a_server() {
    let engine = Engine::new(service(ServiceOptions::default())).expect("an engine");
    let prompts = ["The capital of China.", "The capital of France.", "The capital of Ireland."];
    let schema = capital();
    let parameters = json!({"temperature": 0.1, "top_p": 0.95, "sampling_seed": 3, "json_schema": schema.to_string(),
        "max_new_tokens": 256});
    // As chats, which the embedded model was made for: what it writes behind bare text has no end.
    let chats: Vec<String> = prompts.iter().map(|message| chat_prompt(message)).collect();
    let chats: Vec<&str> = chats.iter().map(String::as_str).collect();
    let answers = engine.generate(&chats, &parameters).expect("answers");
    assert_eq!(answers.len(), 3);
    for answer in &answers {
        assert_valid(&schema, answer["text"].as_str().expect("a text"));
    }
    // The documents' prompts as they stand: whole answers follow the schema, and the others are the beginning of one.
    for answer in engine.generate(&prompts, &parameters).expect("answers") {
        let text = answer["text"].as_str().expect("a text");
        assert!(text.starts_with('{') && text.contains("\"name\": \""), "{text}");
        if answer["meta_info"]["finish_reason"]["type"] == "stop" {
            assert_valid(&schema, text);
        }
    }
    let answers = engine.generate(&prompts, &json!({"temperature": 0.8, "ebnf": CITY})).expect("answers");
    assert!(answers.iter().all(|answer| is_city(answer["text"].as_str().unwrap_or(""))), "{answers:?}");
    let parameters = json!({"temperature": 0.8, "regex": "(France|England)"});
    let answers = engine.generate(&prompts[..2], &parameters).expect("answers");
    assert!(answers.iter().all(|answer| answer["text"] == "France" || answer["text"] == "England"), "{answers:?}");
    let tag = json!({"type": "structural_tag", "format": {
        "type": "triggered_tags", "triggers": ["<city>"], "at_least_one": true, "stop_after_first": true,
        "tags": [{"begin": "<city>", "content": {"type": "regex", "pattern": "Paris|London"}, "end": "</city>"}],
    }});
    let parameters = json!({"temperature": 0.8, "structural_tag": tag.to_string()});
    let cities = ["<city>Paris</city>", "<city>London</city>"];
    let answers = engine.generate(&prompts, &parameters).expect("answers");
    assert!(answers.iter().all(|answer| cities.contains(&answer["text"].as_str().unwrap_or(""))), "{answers:?}");
    let fault = engine.generate(&prompts, &json!({"regex": "("})).expect_err("it is refused");
    assert!(fault.to_string().contains("regex"), "{fault}");
}
