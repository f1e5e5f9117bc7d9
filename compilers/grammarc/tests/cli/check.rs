//! `check` and `dump`.

use crate::process::{file, grammarc, grammarc_reading};

#[test]
fn a_good_grammar() {
    let run = grammarc(&["check", "--grammar", "root ::= [0-9]+"]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.starts_with("ok: --grammar: rules 1, procedures "), "{}", run.stdout);
    let run = grammarc(&["check", "--json", "--grammar", "root ::= [0-9]+"]);
    assert_eq!((run.code, &run.json()["ok"], &run.json()["rules"]), (0, &true.into(), &1.into()));
}

#[test]
fn faults_are_shown_in_their_line() {
    let path = file("check", "bad.gbnf", b"root ::= itm\nitem ::= [0-9]\n");
    let run = grammarc(&["check", &path]);
    assert_eq!(run.code, 1);
    for part in ["error[undefined]", "bad.gbnf:1:10", "1 | root ::= itm", "did you mean `item`"] {
        assert!(run.stdout.contains(part), "{part} in {}", run.stdout);
    }
    let run = grammarc(&["check", "--json", &path]);
    let diagnostic = &run.json()["diagnostics"][0];
    assert_eq!((run.code, &diagnostic["code"], &diagnostic["column"]), (1, &"undefined".into(), &10.into()));
}

#[test]
fn a_refusal_is_no_fault() {
    let grammar = "root ::= TagDispatch((\"a\", x))\nx ::= \"b\"";
    let run = grammarc(&["check", "--json", "--grammar", grammar]);
    assert_eq!((run.code, &run.json()["refused"]), (3, &true.into()));
    let run = grammarc(&["accept", "--grammar", grammar, "--text", ""]);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.contains("TagDispatch"), "{}", run.stderr);
}

#[test]
fn limits_are_met_and_set() {
    let grammar = "root ::= ((((\"a\"))))";
    assert_eq!(grammarc(&["check", "--grammar", grammar]).code, 0);
    let run = grammarc(&["check", "--grammar", grammar, "--limit", "nesting=2"]);
    assert_eq!(run.code, 3);
    assert!(run.stdout.contains("limit"), "{}", run.stdout);
    assert_eq!(grammarc(&["check", "--grammar", grammar, "--limit", "heads=2"]).code, 2);
}

#[test]
fn every_kind_is_read() {
    let gir = file("check", "a.gir", b"root = \"a\" ;");
    let regex = file("check", "a.regex", b"a+\n");
    let schema = file("check", "a.schema.json", b"{\"type\": \"integer\"}");
    for path in [gir, regex, schema] {
        assert_eq!(grammarc(&["check", &path]).code, 0, "{path}");
    }
    let run = grammarc(&["accept", &file("check", "b.regex", b"a+\n"), "--text", "aa"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "accepted\n"), "the line feed is not part of the pattern");
    let run = grammarc_reading(&["check", "--kind", "ebnf", "-"], b"root ::= \"a\"");
    assert_eq!(run.code, 0);
    let run = grammarc(&["check", &file("check", "bad.gir", "root = \"ä\" x ;".as_bytes())]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("bad.gir:1:12"), "{}", run.stdout);
}

#[test]
fn inputs_that_cannot_be_used() {
    for (args, part) in [
        (&["check", "/no/such/file.gbnf"][..], "/no/such/file.gbnf"),
        (&["check", "-"], "--kind"),
        (&["check", &file("check", "grammar.txt", b"")], ".gbnf"),
        (&["check", &file("check", "latin.gbnf", b"root ::= \"\xe4\"")], "byte 10"),
        (&["check"], "--grammar"),
        (&["check", "--grammar", "a", "--regex", "b"], "cannot be used with"),
    ] {
        let run = grammarc(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(run.stderr.contains(part), "{part} in {}", run.stderr);
    }
    let run = grammarc(&["check", "--json", "/no/such/file.gbnf"]);
    assert_eq!(run.code, 2);
    assert!(run.json()["error"].as_str().is_some_and(|message| message.contains("/no/such/file")));
}

#[test]
fn dumps_are_text() {
    let dump = |stage: &str| grammarc(&["dump", "--stage", stage, "--grammar", "root ::= \"a\" | \"a\" \"b\""]);
    let ir = dump("ir");
    assert_eq!((ir.code, ir.stdout.as_str()), (0, "root = \"a\" | \"ab\" ;\n"));
    let again = grammarc(&["dump", "--stage", "ir", &file("check", "again.gir", ir.stdout.as_bytes())]);
    assert_eq!(again.stdout, ir.stdout);
    assert!(dump("normal").stdout.starts_with("root = "));
    assert!(dump("pda").stdout.starts_with("procedure p0 "));
    assert_eq!(grammarc(&["dump", "--grammar", "root ::= )"]).code, 2);
    let ast = grammarc(&["dump", "--stage", "ast", "--regex", "a|b"]);
    assert_eq!((ast.code, ast.stdout.starts_with("Pattern")), (0, true), "{}", ast.stdout);
    assert_eq!(dump("ast").code, 3);
}
