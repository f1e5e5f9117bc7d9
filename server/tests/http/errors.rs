//! Requests that are at fault: a status of 400 that says what is wrong, and a server that goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{assert_valid, chat_with, shared};
use crate::texts::{capital, json_schema};

const TWO: &str = "Only one of regex, json_schema, or ebnf can be set.";

/// Sends a request that is at fault to `/generate`; answers the message.
fn refused(sampling_params: Value) -> String {
    let response = shared().post("/generate", &json!({"text": "x", "sampling_params": sampling_params}));
    assert_eq!(response.status, 400, "{}", response.body);
    let body = response.json();
    let message = body["error"]["message"].as_str().unwrap_or_else(|| panic!("no message in {body}")).to_owned();
    assert_eq!(body, json!({"error": {"message": message}}));
    message
}

/// Sends a chat that is at fault; answers the message.
fn refused_chat(members: Value) -> String {
    let response = shared().post("/v1/chat/completions", &chat_with("x", members));
    assert_eq!(response.status, 400, "{}", response.body);
    let body = response.json();
    let message = body["message"].as_str().unwrap_or_else(|| panic!("no message in {body}")).to_owned();
    let expected = json!({"object": "error", "message": message, "type": body["type"], "param": null, "code": 400});
    assert_eq!(body, expected);
    message
}

fn assert_healthy() {
    assert_eq!(shared().get("/health").status, 200);
    let answer = shared().generate(&json!({"text": "x", "sampling_params": {"regex": "ok"}}));
    assert_eq!(answer["text"], "ok");
}

#[test]
fn x1_two_constraints() {
    assert_eq!(refused(json!({"regex": "a", "ebnf": "root ::= \"a\""})), TWO);
    assert_eq!(refused(json!({"regex": "a", "json_schema": "{}"})), TWO);
    assert_eq!(refused(json!({"json_schema": "{}", "ebnf": "root ::= \"a\""})), TWO);
}

#[test]
fn x2_two_constraints_in_a_chat() {
    assert_eq!(refused_chat(json!({"response_format": json_schema(&capital()), "regex": "a"})), TWO);
}

#[test]
fn x3_a_structural_tag_and_another() {
    let message = refused(json!({"regex": "a", "structural_tag": "{}"}));
    assert!(message.contains("structural_tag") && message.contains("regex"), "{message}");
}

#[test]
fn x4_constraints_that_do_not_compile() {
    let cases = [
        ("regex", "(", "regex"),
        ("ebnf", "root ::= <<<", "ebnf"),
        ("json_schema", "INVALID", "json"),
        ("json_schema", r#"{"type": "nonsense"}"#, "json"),
        ("structural_tag", "{}", "structural_tag"),
    ];
    for (field, text, kind) in cases {
        let first = refused(json!({field: text}));
        assert!(first.starts_with(&format!("Failed to compile {kind} grammar: ")), "{first}");
        assert_eq!(refused(json!({field: text})), first);
        assert_healthy();
    }
    let message = refused_chat(json!({"response_format": json_schema(&json!({"type": "nonsense"}))}));
    assert!(message.contains("response_format.json_schema.schema: ") && message.contains("/type"), "{message}");
    assert!(refused(json!({"regex": "("})).contains("sampling_params.regex: "));
}

#[test]
fn x5_streams_that_do_not_begin() {
    let chat = shared().post("/v1/chat/completions", &chat_with("x", json!({"regex": "(", "stream": true})));
    assert_eq!(chat.status, 400);
    let body = json!({"text": "x", "sampling_params": {"regex": "("}, "stream": true});
    let events = shared().post("/generate", &body).events();
    assert_eq!(events.len(), 1);
    let reason = &events[0]["meta_info"]["finish_reason"];
    assert_eq!(reason["type"], "abort");
    assert_eq!(reason["status_code"], 400);
    assert!(reason["message"].as_str().is_some_and(|message| message.contains("regex")), "{reason}");
    assert!(events[0]["index"].is_null(), "there is one answer");
    // Each of several answers ends.
    for members in [json!({"text": ["x", "y"]}), json!({"text": "x", "sampling_params": {"regex": "(", "n": 2}})] {
        let mut body = body.clone();
        members.as_object().expect("members").iter().for_each(|(name, value)| body[name] = value.clone());
        let events = shared().post("/generate", &body).events();
        let ends = |event: &Value| (event["index"].as_u64(), event["meta_info"]["finish_reason"]["type"].clone());
        let ends: Vec<_> = events.iter().map(ends).collect();
        assert_eq!(ends, [(Some(0), json!("abort")), (Some(1), json!("abort"))]);
    }
    assert_healthy();
}

#[test]
fn x6_a_response_format_without_a_schema() {
    let expected = "schema_ is required for json_schema response format request.";
    assert_eq!(refused_chat(json!({"response_format": {"type": "json_schema"}})), expected);
    assert_eq!(
        refused_chat(json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}})),
        expected
    );
    let message = refused_chat(json!({"response_format": {"type": "structural_tag", "structures": []}}));
    assert!(message.contains("response_format.triggers"), "{message}");
}

#[test]
fn x7_bodies_and_fields_of_the_wrong_type() {
    for path in ["/generate", "/v1/chat/completions", "/v1/completions"] {
        let response = shared().send("POST", path, "{\"text\": ");
        assert_eq!(response.status, 400);
        let body = response.json();
        assert_eq!(body["object"], "error", "{body}");
        assert_eq!(body["type"], "Bad Request");
        assert_eq!(shared().send("POST", path, "[]").status, 400);
    }
    for (members, field) in [
        (json!({"messages": "hello"}), "messages"),
        (json!({"messages": []}), "Messages"),
        (json!({"messages": [{"content": "x"}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user", "content": 5}]}), "messages[0].content"),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}, "strict": "yes"}}}),
            "response_format.json_schema.strict",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}, "name": 1}}}),
            "response_format.json_schema.name",
        ),
        (json!({"tools": [{"function": {"name": "f", "strict": "yes"}}]}), "tools[0].function.strict"),
        (json!({"model": "m".repeat(2_000)}), "model must have at most 1024 bytes"),
        (json!({"max_tokens": "ten"}), "max_tokens"),
        (json!({"max_tokens": -1}), "max_tokens"),
        (json!({"temperature": -1}), "temperature"),
        (json!({"top_p": 0}), "top_p"),
        (json!({"top_k": -2}), "top_k"),
        (json!({"min_p": 2}), "min_p"),
        (json!({"n": 0}), "n must be"),
        (json!({"n": 100_000}), "n must be"),
        (json!({"stop": [1]}), "stop"),
        (json!({"regex": 5}), "regex"),
        (json!({"response_format": "json"}), "response_format"),
        (json!({"response_format": {"type": "yaml"}}), "response_format.type"),
        (json!({"logprobs": 5}), "logprobs"),
        (json!({"logprobs": true, "top_logprobs": 21}), "top_logprobs"),
        (json!({"top_logprobs": 2}), "top_logprobs"),
        (json!({"presence_penalty": 1.5}), "presence_penalty"),
        (json!({"logit_bias": {"5": 1}}), "logit_bias"),
        (json!({"tool_choice": "required"}), "Tools cannot be empty"),
        (json!({"tools": [{}]}), "tools[0].function.name"),
        (json!({"tools": vec![json!({"function": {"name": "f"}}); 1_025]}), "tools must have at most 1024 entries"),
        (json!({"tools": [{"type": "web_search", "function": {"name": "f"}}]}), "tools[0].type must be function"),
        (
            json!({"tools": [{"function": {"name": "f", "parameters": {"type": "string"}}}]}),
            "Tool 0 function has invalid 'parameters' schema: its type must be object",
        ),
        (
            json!({"tools": [{"function": {"name": "f"}}], "tool_choice": {"type": "custom", "custom": {"name": "f"}}}),
            "tool_choice.type must be function",
        ),
        (
            json!({"tools": [{"function": {"name": "f"}}], "tool_choice": {"function": {"name": "g"}}}),
            "Tool 'g' not found in tools list",
        ),
        (
            json!({"tools": [{"function": {"name": "f"}}], "tool_choice": {"type": "allowed_tools", "allowed_tools": {
                "mode": "auto", "tools": [{"function": {"name": "f"}}, {"function": {"name": "g"}}]}}}),
            "tool_choice.allowed_tools.tools[1]: Tool 'g' not found in tools list",
        ),
        (
            json!({"tools": [{"function": {"name": "f"}}], "tool_choice": {"type": "allowed_tools", "allowed_tools": {
                "mode": "none", "tools": [{"function": {"name": "f"}}]}}}),
            "tool_choice.allowed_tools.mode must be auto or required",
        ),
        (
            json!({"tools": [{"function": {"name": "f"}}], "tool_choice": {"type": "allowed_tools", "allowed_tools": {
                "mode": "auto", "tools": []}}}),
            "tool_choice.allowed_tools.tools must be a list of tools that is not empty",
        ),
        (json!({"json_whitespace": "wide"}), "json_whitespace"),
        (json!({"max_tokens": 0}), "max_tokens must be at least 1"),
        (json!({"max_tokens": 1.5}), "max_tokens must be an integer, not 1.5"),
        (json!({"max_tokens": 5, "min_tokens": 6}), "min_tokens must be in [0, max_tokens(5)]"),
        (json!({"stop_token_ids": [99_999_999]}), "stop_token_ids: token 99999999 is out of range"),
        (json!({"chat_template_kwargs": []}), "chat_template_kwargs"),
        (json!({"functions": [{"name": "f"}]}), "functions"),
        (json!({"input_ids": [5]}), "input_ids"),
        (json!({"temperature": 1e39}), "temperature must be a non-negative finite number"),
        (json!({"seed": 9_223_372_036_854_775_808_u64}), "seed must be at most 9223372036854775807"),
        (json!({"max_thinking_tokens": -1}), "max_thinking_tokens"),
        (json!({"max_thinking_tokens": "a"}), "max_thinking_tokens"),
        (json!({"custom_params": 5}), "custom_params"),
        (json!({"custom_params": {"thinking_budget": "a"}}), "custom_params.thinking_budget"),
        (json!({"stop": vec!["x"; 65]}), "stop must have at most 64 strings, got 65"),
        (json!({"stop": "x".repeat(4_097)}), "stop must have strings of at most 4096 bytes"),
        (json!({"stop_token_ids": [5, -1]}), "stop_token_ids[1] must be a token id, got -1"),
        (json!({"stop_token_ids": vec![5; 1_025]}), "stop_token_ids must have at most 1024 ids"),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (
            json!({"stream": true, "stream_options": {"continuous_usage_stats": true}}),
            "stream_options.continuous_usage_stats",
        ),
    ] {
        let message = refused_chat(members);
        assert!(message.contains(field), "{field} is not in: {message}");
    }
    let message = refused(json!({"top_p": 7}));
    assert!(message.contains("sampling_params.top_p"), "{message}");
    assert_eq!(
        shared().post("/generate", &json!({})).json()["error"]["message"],
        "Either text, input_ids or input_embeds should be provided."
    );
    assert!(shared().post("/generate", &json!({"input_ids": []})).body.contains("input_ids cannot be empty."));
    assert!(refused(json!({"max_new_tokens": 0})).starts_with("sampling_params.max_new_tokens must be at least 1"));
    for (path, body, message) in [
        ("/generate", json!({"text": "x", "input_ids": [5]}), "text and input_ids are two prompts"),
        ("/generate", json!({"input_ids": [99_999_999]}), "input_ids: token 99999999 is out of range"),
        ("/generate", json!({"text": "x ".repeat(50_000)}), "text: the prompt has "),
        ("/generate", json!({"text": "x".repeat(10_000_000)}), "text: the prompt has 10000000 bytes"),
        ("/v1/completions", json!({"prompt": [[5], [99_999_999]]}), "prompt: token 99999999 is out of range"),
        ("/v1/completions", json!({"prompt": "x", "best_of": 2}), "best_of"),
        (
            "/generate",
            json!({"text": "x", "return_logprob": true, "top_logprobs_num": 21, "stream": true}),
            "top_logprobs_num must be at most 20, got 21",
        ),
        ("/generate", json!({"text": "x", "max_thinking_tokens": -1}), "max_thinking_tokens"),
        ("/generate", json!({"text": "x", "custom_params": 5}), "custom_params"),
        (
            "/generate",
            json!({"text": "x", "sampling_params": {"max_thinking_tokens": "a"}}),
            "sampling_params.max_thinking_tokens",
        ),
        (
            "/generate",
            json!({"text": "x", "sampling_params": {"stop": vec!["stop"; 200_000]}}),
            "sampling_params.stop must have at most 64 strings, got 200000",
        ),
        (
            "/generate",
            json!({"text": "x", "sampling_params": {"temperature": 1e39}}),
            "sampling_params.temperature must be a non-negative finite number",
        ),
        (
            "/generate",
            json!({"text": "x", "sampling_params": {"sampling_seed": 9_223_372_036_854_775_808_u64}}),
            "sampling_params.sampling_seed must be at most 9223372036854775807",
        ),
    ] {
        let response = shared().post(path, &body);
        assert_eq!(response.status, 400, "{}", response.body);
        assert!(response.body.contains(message), "{message} is not in: {}", response.body);
    }
    assert_eq!(shared().post("/v1/completions", &json!({"prompt": "x", "best_of": 1})).status, 200);
    assert_eq!(shared().get("/nowhere").status, 404);
    let models = shared().get("/v1/models").json();
    let id = models["data"][0]["id"].as_str().expect("an id");
    assert_eq!(shared().get(&format!("/v1/models/{id}")).json(), models["data"][0]);
    assert_eq!(shared().get("/v1/models/nonsense").status, 404);
    assert_healthy();
}

/// Parsers keep the last of members with one name, and with it the last half of a schema.
#[test]
fn names_that_occur_twice() {
    let schema = r#"{"type": "json_schema", "json_schema": {"schema": {"const": 1, "const": 2}}}"#;
    let chat = format!(r#"{{"messages": [{{"role": "user", "content": "x"}}], "response_format": {schema}}}"#);
    let regex = r#"{"text": "x", "sampling_params": {"regex": "a", "regex": "b"}}"#.to_owned();
    for (path, body, name) in [("/v1/chat/completions", chat, "const"), ("/generate", regex, "regex")] {
        let response = shared().send("POST", path, &body);
        assert_eq!(response.status, 400, "{}", response.body);
        assert!(response.body.contains(&format!("the key `{name}` occurs twice")), "{}", response.body);
    }
}

#[test]
fn bodies_that_are_not_json_in_utf_8() {
    for header in
        ["Content-Type: text/notjson", "Content-Type: application/json; charset=utf-16", "Content-Encoding: gzip"]
    {
        let mut stream = TcpStream::connect(shared().address).expect("a connection");
        let request = format!(
            "POST /generate HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{header}\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        stream.write_all(request.as_bytes()).expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        let value = header.split_once(": ").expect("a value").1;
        assert!(answer.contains(&format!("\\\"{value}\\\"")), "{value} is not in: {answer}");
    }
}

/// What is too much is found to be too much before anything is done with it.
#[test]
fn bodies_of_many_values() {
    let zeros = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
    let response = shared().send("POST", "/generate", &format!(r#"{{"text": "x", "other": {}}}"#, zeros(300_000)));
    assert_eq!(response.status, 400, "{}", response.body);
    assert!(response.body.contains("values, more than the limit of 250000"), "{}", response.body);
    let prompts = vec!["a"; 200_000];
    for (path, body) in [("/generate", json!({"text": prompts})), ("/v1/completions", json!({"prompt": prompts}))] {
        let response = shared().post(path, &body);
        assert_eq!(response.status, 400, "{}", response.body);
        assert!(response.body.contains("n must be at most 128"), "{}", response.body);
    }
    assert_healthy();
}

#[test]
fn methods_that_a_path_does_not_take() {
    for (method, path, allowed) in [
        ("GET", "/generate", "POST,PUT"),
        ("DELETE", "/generate", "POST,PUT"),
        ("GET", "/v1/chat/completions", "POST"),
        ("PUT", "/v1/completions", "POST"),
        ("DELETE", "/v1/models/default", "GET,HEAD"),
        ("POST", "/metrics", "GET,HEAD"),
        ("POST", "/health", "GET,HEAD"),
    ] {
        let response = shared().send(method, path, "{}");
        assert_eq!(response.status, 405, "{method} {path}: {}", response.body);
        assert!(response.head.contains(&format!("allow: {}", allowed.to_lowercase())), "{}", response.head);
        assert!(response.head.contains("content-type: application/json"), "{}", response.head);
        let body = response.json();
        let message = body["message"].as_str().or(body["error"]["message"].as_str()).expect("a message");
        assert!(message.starts_with(&format!("{path} does not take {method}")), "{message}");
    }
    let body = json!({"text": "x", "sampling_params": {"regex": "ok"}}).to_string();
    let answer = shared().send("PUT", "/generate", &body);
    assert_eq!(answer.json()["text"], "ok", "SGLang takes PUT, too");
}

#[test]
fn m8_tools_beside_another_constraint() {
    let members = json!({"tools": crate::texts::tools(), "regex": "a"});
    let message = refused_chat(members);
    assert!(message.contains("tools") && message.contains("response_format"), "{message}");
}

#[test]
fn m9_hostile_constraints() {
    let deep = (0..30).fold(json!({"type": "integer"}), |inner, _| json!({"oneOf": [inner, {"type": "string"}]}));
    let parentheses = format!("{}a{}", "(".repeat(60_000), ")".repeat(60_000));
    let many: Vec<String> = (0..8_192).map(|index| format!("value-{index}")).collect();
    let odd = json!(["/", "\\", "\"", "a\nb", "東京", "🦀", "\u{1}"]);
    let cases = [
        ("json_schema", deep.to_string()),
        ("regex", parentheses.clone()),
        ("ebnf", format!("root ::= {parentheses}")),
        ("json_schema", json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}).to_string()),
        ("ebnf", "root ::= root \"a\" | \"b\"".to_owned()),
        ("json_schema", "{\"type\": \"array\", \"maxItems\": 18000000000000000000}".to_owned()),
        ("json_schema", json!({"enum": many}).to_string()),
        ("regex", "a\0b".to_owned()),
        ("json_schema", json!({"enum": odd}).to_string()),
        ("regex", "(a{1,1000}){1,1000}{1,1000}".to_owned()),
    ];
    for (field, text) in cases {
        let body = json!({"text": "x", "sampling_params": {field: text, "max_new_tokens": 40, "temperature": 0}});
        let start = Instant::now();
        let response = shared().post("/generate", &body);
        let shown: String = text.chars().take(60).collect();
        assert!([200, 400].contains(&response.status), "{shown}: {}", response.body);
        // A compile has ten seconds by default.
        assert!(start.elapsed() < Duration::from_secs(30), "{shown}: {:?}", start.elapsed());
        let answer = response.json();
        if response.status == 200 && field == "json_schema" && answer["meta_info"]["finish_reason"]["type"] == "stop" {
            let schema = serde_json::from_str(&text).expect("JSON");
            assert_valid(&schema, answer["text"].as_str().expect("a text"));
        }
        assert_healthy();
    }
    let body =
        json!({"text": "x", "sampling_params": {"json_schema": json!({"enum": odd}).to_string(), "temperature": 0}});
    let answer = shared().generate(&body);
    let value: Value = serde_json::from_str(answer["text"].as_str().expect("a text")).expect("JSON");
    assert!(odd.as_array().is_some_and(|odd| odd.contains(&value)), "{answer}");
}

/// Such a grammar compiles, and only shows what it costs as the answer grows.
#[test]
fn a_grammar_that_is_too_ambiguous_to_follow() {
    let rules: Vec<String> = (0..200)
        .map(|index| {
            let letter = char::from(b'a' + (index % 26) as u8);
            let (next, other) = ((index * 7 + 1) % 200, (index * 3 + 2) % 200);
            format!("r{index} ::= [a-z]* r{next} [a-z]* | \"{letter}\" r{other}?")
        })
        .collect();
    let root: Vec<String> = (0..200).map(|index| format!("r{index}")).collect();
    let grammar = format!("root ::= {}\n{}", root.join(" | "), rules.join("\n"));
    let parameters = json!({"ebnf": grammar, "max_new_tokens": 500, "min_new_tokens": 500, "sampling_seed": 1});
    let response = shared().post("/generate", &json!({"text": "x", "sampling_params": parameters}));
    assert!([200, 400].contains(&response.status), "{}", response.body);
    assert!(response.status == 200 || response.body.contains("ambiguous"), "{}", response.body);
    assert_healthy();
}

#[test]
fn more_answers_than_there_is_room_for() {
    let message = refused(json!({"n": 100_000_000_000u64}));
    assert!(message.starts_with("n must be at most "), "{message}");
    assert_healthy();
}

/// An answer that does not follow a constraint that was asked for would be wrong in silence.
#[test]
fn constraints_that_are_not_read() {
    for (members, name) in [
        (json!({"guided_regex": "a"}), "guided_regex"),
        (json!({"structured_outputs": {"regex": "a"}}), "structured_outputs"),
        (json!({"grammar": "root ::= \"a\""}), "grammar"),
    ] {
        let message = refused_chat(members.clone());
        assert!(message.starts_with(&format!("{name}: ")), "{message}");
        let message = refused(members);
        assert!(message.contains(&format!("{name}: ")), "{message}");
    }
    assert!(refused(json!({"response_format": {"type": "json_object"}})).contains("response_format: "));
    for field in ["regex", "ebnf", "json_schema", "structural_tag"] {
        let response = shared().post("/generate", &json!({"text": "x", field: "a"}));
        assert_eq!(response.status, 400, "{}", response.body);
        assert!(response.body.contains(&format!("{field}: it belongs into sampling_params")), "{}", response.body);
    }
}

#[test]
fn the_tool_at_fault_is_named() {
    let tool = |name: &str, parameters: Value| json!({"type": "function", "function": {"name": name, "parameters": parameters}});
    let good = tool("good", json!({"type": "object"}));
    let bad = tool("bad", json!({"type": "object", "properties": {"a": {"type": "nonsense"}}}));
    for choice in [json!("required"), json!({"type": "function", "function": {"name": "bad"}})] {
        let message = refused_chat(json!({"tools": [good, bad], "tool_choice": choice}));
        let place = "tools[1].function.parameters: at \"/properties/a/type\"";
        assert!(message.contains(place), "{place} is not in: {message}");
    }
}

#[test]
fn a_tool_without_parameters() {
    let tools = json!([{"type": "function", "function": {"name": "now"}}]);
    let members = json!({"tools": tools, "tool_choice": "required", "temperature": 0, "max_tokens": 8});
    let answer = shared().ok("/v1/chat/completions", &chat_with("What is the time?", members));
    assert_eq!(answer["usage"]["completion_tokens"], 8, "{answer}");
}

#[test]
fn types_of_tools_by_other_names() {
    let properties = json!({"count": {"type": "int"}, "name": {"type": "varchar", "maxLength": 3}});
    let parameters = json!({"type": "dict", "properties": properties, "required": ["count", "name"]});
    let tools = json!([{"type": "function", "function": {"name": "count", "parameters": parameters}}]);
    let members = json!({"tools": tools, "tool_choice": "required", "temperature": 1.0, "seed": 2, "max_tokens": 300});
    let mut answers = chat_with("How many?", members);
    answers["n"] = 8.into();
    let answer = shared().ok("/v1/chat/completions", &answers);
    let choices = answer["choices"].as_array().expect("choices").iter();
    let calls: Vec<&Value> = choices.filter_map(|choice| choice["message"]["tool_calls"].get(0)).collect();
    assert!(!calls.is_empty(), "no call was whole: {answer}");
    for call in calls {
        let arguments: Value =
            serde_json::from_str(call["function"]["arguments"].as_str().expect("a text")).expect("JSON");
        assert!(arguments["count"].is_i64() && arguments["name"].is_string(), "{call}");
    }
}

/// A constraint where it is not read would be dropped in silence.
#[test]
fn constraints_that_are_not_read_are_refused() {
    for (members, field) in [
        (json!({"sampling_params": {"regex": "a"}}), "sampling_params.regex"),
        (json!({"extra_body": {"ebnf": "root ::= \"a\""}}), "extra_body.ebnf"),
        (json!({"extra_body": {"guided_json": {}}}), "extra_body.guided_json"),
        (json!({"response_format": {"type": "text", "json_schema": {}}}), "response_format.json_schema"),
        (json!({"response_format": {"type": "json_object", "schema": {}}}), "response_format.schema"),
        (json!({"response_format": {"type": "text", "regex": "a"}}), "response_format.regex"),
        (
            json!({"response_format": {"type": "json_schema", "schema": {}, "format": {"type": "any_text"}}}),
            "response_format.format",
        ),
        (
            json!({"response_format": {"type": "structural_tag", "format": {"type": "any_text"}, "json_schema": {}}}),
            "response_format.json_schema",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}, "schema": {"const": 1}}}),
            "response_format.schema",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}, "regex": "a"}}}),
            "response_format.json_schema.regex",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}, "json_schema": {}}}}),
            "response_format.json_schema.json_schema",
        ),
        (
            json!({"response_format": {"type": "json_object", "json_whitespace": "any"}}),
            "response_format.json_whitespace",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}, "json_digits": "bounded"}}}),
            "response_format.json_schema.json_digits",
        ),
        (json!({"extra_body": {"json_escapes": "any"}}), "extra_body.json_escapes"),
    ] {
        let message = refused_chat(members);
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
    for (member, field) in
        [("extra_body", json!({"regex": "a"})), ("json_whitespace", "any".into()), ("regex", "a".into())]
    {
        let response = shared().post("/generate", &json!({"text": "x", member: field}));
        assert_eq!(response.status, 400, "{}", response.body);
        assert!(response.body.contains("it belongs into sampling_params"), "{}", response.body);
    }
    assert_healthy();
}

/// What would have no effect, or one of two that contradict each other, is refused.
#[test]
fn reasoning_that_is_not_there() {
    for (members, message) in [
        (
            json!({"max_thinking_tokens": 5}),
            "max_thinking_tokens (thinking_budget of custom_params): chats do not think",
        ),
        (json!({"custom_params": {"thinking_budget": 5}}), "chats do not think"),
        (json!({"require_reasoning": true}), "require_reasoning belongs to /generate"),
    ] {
        let found = refused_chat(members);
        assert!(found.contains(message), "{found}");
    }
    for (mut body, message) in [
        (json!({"max_thinking_tokens": 5}), "there is no thinking to bound"),
        (json!({"sampling_params": {"custom_params": {"thinking_budget": 5}}}), "there is no thinking to bound"),
        (
            json!({"require_reasoning": true, "sampling_params": {"require_reasoning": false}}),
            "require_reasoning is true in one place and false in another",
        ),
        (
            json!({"require_reasoning": true, "max_thinking_tokens": 1, "sampling_params": {"max_thinking_tokens": 2}}),
            "is 1 in one place and 2 in another",
        ),
        (
            json!({"require_reasoning": true, "max_thinking_tokens": 1, "custom_params": {"thinking_budget": 3}}),
            "is 1 in one place and 3 in another",
        ),
    ] {
        body["text"] = "x".into();
        let response = shared().post("/generate", &body);
        assert_eq!(response.status, 400, "{}", response.body);
        assert!(response.body.contains(message), "{}", response.body);
    }
    for (member, message) in [
        ("require_reasoning", "require_reasoning is not supported"),
        ("max_thinking_tokens", "completions do not think"),
    ] {
        let value: Value = if member == "require_reasoning" { true.into() } else { 3.into() };
        let response = shared().post("/v1/completions", &json!({"prompt": "x", member: value}));
        assert_eq!(response.status, 400, "{}", response.body);
        assert!(response.body.contains(message), "{}", response.body);
    }
}
