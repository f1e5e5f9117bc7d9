//! Whatever the input: an answer and an exit code, never a panic.

use std::io::Read;
use std::process::Stdio;

use crate::process::{command, file, grammarc};

#[test]
fn help_has_examples_and_exit_codes() {
    let run = grammarc(&["--help"]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("Examples:") && run.stdout.contains("Exit codes:"), "{}", run.stdout);
    for name in ["check", "dump", "mask", "accept", "sample", "cases", "tokenizer"] {
        let run = grammarc(&[name, "--help"]);
        assert_eq!(run.code, 0);
        assert!(run.stdout.contains("Examples:"), "{name}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let args = ["sample", "--regex", "[a-z]{100}", "-n", "20000", "--max-tokens", "200"];
    let mut child = command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut stdout = child.stdout.take().expect("piped");
    stdout.read_exact(&mut [0; 10]).expect("some output comes");
    drop(stdout);
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let args = ["accept", "--grammar", "root ::= \"a\"", "--text", "a"];
    assert_eq!(grammarc(&args).stdout, "accepted\n");
    let forced = command(&args).env("CLICOLOR_FORCE", "1").output().expect("the binary runs");
    assert!(forced.stdout.contains(&0x1b), "{:?}", String::from_utf8_lossy(&forced.stdout));
}

#[test]
fn deep_and_odd_inputs() {
    let deep = format!("root ::= {}\"a\"{}", "(".repeat(60_000), ")".repeat(60_000));
    let arrays = "[".repeat(60_000);
    let path = file("robustness", "deep.gbnf", deep.as_bytes());
    let schema = file("robustness", "deep.json", arrays.as_bytes());
    let gir = file("robustness", "deep.gir", format!("root = {}", "(".repeat(60_000)).as_bytes());
    for path in [&path, &schema, &gir] {
        let run = grammarc(&["check", path]);
        assert!(run.code == 1 || run.code == 3, "{path}: {}", run.code);
    }
    let path = file("robustness", "nul.gbnf", b"root ::= \0");
    assert_eq!(grammarc(&["check", &path]).code, 1);
    for grammar in ["", "root", "::=", "root ::= [", "root ::= \"\\xZZ\"", "root ::= root", "root ::= <"] {
        for name in ["check", "dump", "mask", "sample"] {
            let run = grammarc(&[name, "--grammar", grammar]);
            assert!((1..=3).contains(&run.code), "{name} {grammar:?}: {}", run.code);
        }
    }
}

#[test]
fn long_ways_are_walked() {
    let nested = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    let text = file("robustness", "nested.json", nested.as_bytes());
    let grammar = "root ::= [0-9] | \"[\" root \"]\"";
    assert_eq!(grammarc(&["accept", "--grammar", grammar, "--file", &text]).code, 0);
    let rows =
        grammarc(&["sample", "--json", "--grammar", "root ::= \"[\" root \"]\" | \"[]\"", "--max-tokens", "2000"]);
    assert_eq!(rows.json()["complete"], true);
}
