//! `batch`, with the embedded model.

use crate::process::{file, grammarc, grammarc_reading};

const REQUESTS: &str = r#"
{"custom_id": "a", "method": "POST", "url": "/generate", "body": {"text": "x", "sampling_params": {"regex": "[ab]{3}"}}}

{"custom_id": 7, "url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": "x"}], "regex": "("}}
{"url": "/v1/completions", "body": {"prompt": "x", "regex": "yes"}}
"#;

#[test]
fn answers_in_the_order_of_the_requests() {
    let path = file("batch", "requests.jsonl", REQUESTS.as_bytes());
    let run = grammarc(&["batch", &path, "--device", "cpu", "--concurrency", "2"]);
    assert_eq!(run.code, 1, "one was refused: {}", run.stderr);
    let answers = run.json_lines();
    let statuses: Vec<_> = answers.iter().map(|answer| answer["response"]["status_code"].clone()).collect();
    assert_eq!(statuses, [200, 400, 200]);
    assert_eq!((&answers[0]["custom_id"], &answers[1]["custom_id"]), (&"a".into(), &7.into()));
    assert_eq!(answers[0]["response"]["body"]["text"].as_str().map(str::len), Some(3));
    let message = answers[1]["response"]["body"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("regex"), "{message}");
    assert_eq!(answers[2]["response"]["body"]["choices"][0]["text"], "yes");
}

#[test]
fn lines_at_fault() {
    for (line, message) in [
        ("{", "-:1: "),
        ("{\"url\": \"/nowhere\", \"body\": {}}", "url has to be"),
        ("{\"url\": \"/generate\"}", "body"),
        (
            r#"{"url": "/generate", "body": {"text": "x", "sampling_params": {"regex": "a", "regex": "b"}}}"#,
            "the key `regex` occurs twice",
        ),
    ] {
        let run = grammarc_reading(&["batch", "-"], line.as_bytes());
        assert_eq!(run.code, 2, "{line}");
        assert!(run.stderr.contains(message), "{line}: {}", run.stderr);
    }
}

#[test]
fn grammars_that_were_compiled_before_are_taken() {
    let schema = r#"{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}"#;
    let source = file("batch-gmt", "capital.json", schema.as_bytes());
    let compile = |name: &str, width: &str| {
        let output = std::path::Path::new(&source).with_file_name(name).display().to_string();
        let tokenizer = concat!(env!("CARGO_MANIFEST_DIR"), "/../../mask-runtime/data/tiny-tools");
        let run = grammarc(&["compile", &source, "-t", tokenizer, "--logits-width", width, "-o", &output]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        output
    };
    let body = serde_json::json!({"text": "Paris", "sampling_params": {"json_schema": schema, "temperature": 0}});
    let line = serde_json::json!({"custom_id": "a", "url": "/generate", "body": body}).to_string();
    let requests = file("batch-gmt", "requests.jsonl", line.as_bytes());
    let stored = grammarc(&["batch", &requests, "--gmt", &compile("tools.gmt", "1024")]);
    let compiled = grammarc(&["batch", &requests]);
    let text = |run: &crate::process::Run| run.json()["response"]["body"]["text"].clone();
    assert_eq!((stored.code, text(&stored)), (0, text(&compiled)), "{}", stored.stderr);
    let wide = grammarc(&["batch", &requests, "--gmt", &compile("wide.gmt", "1100")]);
    assert!(wide.code == 2 && wide.stderr.contains("fingerprint"), "{}", wide.stderr);
}
