//! `tokenizer`.

use crate::process::{file, grammarc};

#[test]
fn the_built_in_tokenizer() {
    let run = grammarc(&["tokenizer"]);
    assert_eq!(run.code, 0);
    for part in ["byte-level BPE", "1024: 1012 text, 12 special, 0 holes", "1009 <|end_of_text|>", "generation_config"]
    {
        assert!(run.stdout.contains(part), "{part} in {}", run.stdout);
    }
    let json = grammarc(&["tokenizer", "--json", "--logits-width", "1100", "--stop-tokens", "3"]).json();
    assert_eq!((&json["size"], &json["holes"]), (&1100.into(), &76.into()));
    assert_eq!((&json["stop_tokens"][0]["id"], &json["stop_token_source"]), (&3.into(), &"explicit".into()));
    assert_eq!(json["fingerprint"].as_str().map(str::len), Some(64));
}

#[test]
fn rank_files() {
    let path = file("tokenizer", "a.tiktoken", b"YQ== 0\nYmI= 1\n");
    let json = grammarc(&["tokenizer", "--json", &path]).json();
    assert_eq!((&json["kind"], &json["size"]), (&"tiktoken ranks".into(), &2.into()));
    let run = grammarc(&["mask", "--json", "-t", &path, "--regex", "a(bb)?", "--after", "a"]);
    assert_eq!((&run.json()["allowed"], &run.json()["tokens"][0]["id"]), (&1.into(), &1.into()));
    let run = grammarc(&["mask", "-t", &path, "--regex", "xyz"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no token of the vocabulary fits"), "{}", run.stderr);
}

#[test]
fn what_is_no_tokenizer() {
    for args in [&["tokenizer", "/no/such/folder"][..], &["tokenizer", &file("tokenizer", "tokenizer.json", b"{}")]] {
        let run = grammarc(args);
        assert_eq!(run.code, 2, "{args:?}");
        assert!(run.stderr.contains("tokenizer cannot be used"), "{}", run.stderr);
    }
    assert_eq!(grammarc(&["tokenizer", "--stop-tokens", "5000"]).code, 2);
    assert_eq!(grammarc(&["tokenizer", "--logits-width", "10"]).code, 2);
}
