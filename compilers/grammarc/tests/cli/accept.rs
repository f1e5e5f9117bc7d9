//! `accept`.

use crate::process::{file, grammarc, grammarc_reading};

const GRAMMAR: &str = "root ::= \"{\" [a-z]+ (\",\" [a-z]+)* \"}\"";

#[test]
fn texts_from_everywhere() {
    let path = file("accept", "text", b"{a,bc}");
    assert_eq!(grammarc(&["accept", "--grammar", GRAMMAR, "--text", "{a}"]).stdout, "accepted\n");
    assert_eq!(grammarc(&["accept", "--grammar", GRAMMAR, "--file", &path]).code, 0);
    assert_eq!(grammarc_reading(&["accept", "--grammar", GRAMMAR], b"{a}").code, 0);
    assert_eq!(grammarc_reading(&["accept", "--grammar", GRAMMAR], b"{a}\n").code, 1);
    let run = grammarc_reading(&["accept", "--kind", "gbnf", "-"], GRAMMAR.as_bytes());
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("--text"), "{}", run.stderr);
}

#[test]
fn a_rejection_tells_where_and_what_was_expected() {
    let run = grammarc(&["accept", "--grammar", GRAMMAR, "--text", "{ab,C}"]);
    assert_eq!(run.code, 1);
    assert_eq!(
        run.stdout,
        "rejected at byte 4 (line 1, column 5)\n  after     \"{ab,\"\n  found     \"C}\"\n  expected  'a'–'z'\n"
    );
    let run = grammarc(&["accept", "--json", "--grammar", GRAMMAR, "--text", "{ab"]);
    let rejection = &run.json()["rejection"];
    assert_eq!((run.code, &run.json()["accepted"]), (1, &false.into()));
    assert_eq!((&rejection["offset"], &rejection["at_end"]), (&3.into(), &true.into()));
    assert_eq!(rejection["expected"]["bytes"].to_string(), "[[44,44],[97,122],[125,125]]");
    assert_eq!(rejection["expected"]["end"], false);
}

#[test]
fn forced_text_and_ends_are_expected() {
    let expected = |grammar: &str, text: &str| {
        let run = grammarc(&["accept", "--json", "--grammar", grammar, "--text", text]);
        run.json()["rejection"]["expected"]["text"].as_str().expect("rejected").to_owned()
    };
    assert_eq!(expected("root ::= \"true\" | \"false\"", "tx"), "\"rue\"");
    assert_eq!(expected("root ::= \"a\"", "ab"), "the end of the text");
    assert_eq!(expected("root ::= \"a\" [0-9]*", "ab"), "'0'–'9', or the end of the text");
    assert_eq!(expected("root ::= \"a\" <[7]>", "ab"), "a token that no text stands for");
}

#[test]
fn any_bytes_are_a_text() {
    let path = file("accept", "bytes", b"{a\xff");
    let run = grammarc(&["accept", "--grammar", GRAMMAR, "--file", &path]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.starts_with("rejected at byte 2\n"), "{}", run.stdout);
    assert!(run.stdout.contains("\"\\xff\""), "{}", run.stdout);
}

#[test]
fn tokens_are_accepted_one_by_one() {
    let tokens = |ids: &str| grammarc(&["accept", "--grammar", "root ::= <[3]> <[7]>", "--tokens", ids]);
    assert_eq!(tokens("3,7").code, 0);
    assert_eq!(tokens("3").code, 1);
    let run = tokens("3,8");
    assert_eq!(run.code, 1);
    assert!(run.stdout.starts_with("rejected at token 1"), "{}", run.stdout);
    // The built-in tokenizer has 1,024 ids.
    let run = grammarc(&["accept", "--grammar", "root ::= <[3000]>", "--tokens", "3000"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("3000"), "{}", run.stderr);
}
