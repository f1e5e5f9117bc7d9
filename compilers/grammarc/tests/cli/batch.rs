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
    ] {
        let run = grammarc_reading(&["batch", "-"], line.as_bytes());
        assert_eq!(run.code, 2, "{line}");
        assert!(run.stderr.contains(message), "{line}: {}", run.stderr);
    }
}
