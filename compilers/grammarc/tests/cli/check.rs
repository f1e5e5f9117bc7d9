//! `check` and `dump`.

use crate::process::{file, grammarc, grammarc_reading};

#[test]
fn lenient_compiles_what_is_refused_and_says_what_is_left_out() {
    let schema = r#"{"type": "array", "not": {"uniqueItems": true}, "items": {"multipleOf": 1234567}, "maxItems": 5}"#;
    let arguments = ["check", "--json-schema", schema];
    assert_eq!(grammarc(&arguments).code, 3);
    let run = grammarc(&[&arguments[..], &["--lenient"]].concat());
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.contains("/not/uniqueItems: `uniqueItems` is not enforced: "), "{}", run.stdout);
    assert!(run.stdout.contains("/items/multipleOf: `multipleOf` is not enforced: "), "{}", run.stdout);
    let accept = |text: &str| grammarc(&["accept", "--json-schema", schema, "--lenient", "--text", text]).code;
    assert_eq!((accept("[1, 1]"), accept("[1, 1, 1, 1, 1, 1]")), (0, 1));
}

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
    let grammar = "root ::= x \"c\"\nx ::= \"b\" (= Substring(\"c\"))";
    let run = grammarc(&["check", "--json", "--grammar", grammar]);
    assert_eq!((run.code, &run.json()["refused"]), (3, &true.into()));
    let run = grammarc(&["accept", "--grammar", grammar, "--text", ""]);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.contains("lookahead"), "{}", run.stderr);
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
    assert!(dump("ast").stdout.starts_with("rule root"), "{}", dump("ast").stdout);
    let gir = file("check", "ast.gir", b"root = \"a\" ;");
    for args in [&["--json-schema", "{}"][..], &[&gir]] {
        let run = grammarc(&[&["dump", "--stage", "ast"], args].concat());
        assert_eq!(run.code, 3);
        assert!(run.stderr.contains("--stage ir"), "{}", run.stderr);
    }
}

#[test]
fn the_limits_of_gir_are_limits() {
    let path = file("check", "deep.gir", b"root = (((\"a\"))) ;");
    assert_eq!(grammarc(&["check", &path]).code, 0);
    let run = grammarc(&["check", "--json", "--limit", "nesting=2", &path]);
    assert_eq!((run.code, &run.json()["diagnostics"][0]["code"]), (3, &"limit".into()));
    let deep = format!("root = {}\"a\"{} ;", "(".repeat(60_000), ")".repeat(60_000));
    let path = file("check", "deeper.gir", deep.as_bytes());
    assert_eq!(grammarc(&["check", &path]).code, 3);
    assert_eq!(grammarc(&["check", "--limit", "nesting=none", &path]).code, 0);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_grammar() {
    for (name, grammar, text) in [
        ("bom.gbnf", "root ::= \"ab\"", "ab"),
        ("bom.regex", "ab\n", "ab"),
        ("bom.json", "{\"const\": 1}", "1"),
        ("bom.gir", "root = \"ab\" ;", "ab"),
    ] {
        let path = file("check", name, format!("\u{feff}{grammar}").as_bytes());
        let run = grammarc(&["accept", &path, "--text", text]);
        assert_eq!(run.stdout, "accepted\n", "{name}: {}", run.stderr);
    }
}

#[test]
fn values_may_begin_with_a_hyphen() {
    for args in [
        &["accept", "--json-schema", "{\"type\": \"integer\"}", "--text", "-42"][..],
        &["mask", "--regex", "-[0-9]", "--after", "-"],
        &["check", "--grammar", "-r ::= \"a\"", "--root", "-r"],
    ] {
        let run = grammarc(args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
    }
    assert_eq!(grammarc(&["check", "--json-schema", "-1"]).code, 1);
}

#[test]
fn a_tokenizer_is_checked_too() {
    // The tokens `a`, `b` and `ab`.
    let two = file("check", "two.tiktoken", b"YQ== 0\nYg== 1\nYWI= 2\n");
    let check = |grammar: &str| grammarc(&["check", "--json", "-t", &two, "--grammar", grammar]);
    let run = check("root ::= \"a\" | Token(1, 99999999)");
    let diagnostic = &run.json()["diagnostics"][0];
    assert_eq!((run.code, &diagnostic["code"], &diagnostic["column"]), (1, &"invalid".into(), &16.into()));
    assert!(diagnostic["message"].as_str().is_some_and(|message| message.contains("99999999")));
    let run = check("root ::= \"c\"");
    assert_eq!((run.code, &run.json()["diagnostics"][0]["code"]), (1, &"unsatisfiable".into()));
    let run = check("root ::= \"ac\" | \"b\"");
    assert_eq!((run.code, &run.json()["missing_bytes"]), (0, &serde_json::json!([[99, 99]])));
    assert!(run.json()["notes"][0].as_str().is_some_and(|note| note.contains("'c'")), "{}", run.stdout);
    let run = check("root ::= \"ab\"");
    assert_eq!((&run.json()["missing_bytes"], &run.json()["notes"]), (&serde_json::json!([]), &serde_json::json!([])));

    let gir = file("check", "token.gir", b"root = \"a\" | %token(7) ;");
    let run = grammarc(&["check", "-t", &two, &gir]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("token 7"), "{}", run.stdout);
    let run = grammarc(&["mask", "-t", &two, "--logits-width", "9", "--grammar", "root ::= <[7]>"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("the vocabulary has no token 7"), "{}", run.stderr);
    let run = grammarc(&["accept", "--grammar", "root ::= Token(99999999)", "--text", ""]);
    assert!(run.code == 2 && run.stderr.contains("names token 99999999"), "{}", run.stderr);
    assert!(!run.stderr.contains("damaged"), "{}", run.stderr);
}

#[test]
fn rules_without_a_text_that_nothing_needs_are_noted() {
    let run = grammarc(&["check", "--grammar", "root ::= \"a\"\nspare ::= \"b\"\nunused ::= unused \"x\""]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.starts_with("note: line 3: rule `unused` can never produce anything"), "{}", run.stdout);
    let run = grammarc(&["check", "--json", "--grammar", "root ::= \"a\"\nunused ::= unused"]);
    assert_eq!(run.json()["notes"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_schema_is_given_as_text_or_as_a_file() {
    let path = file("check", "schema-of-a-file", br#"{"type": "integer"}"#);
    for schema in [path.as_str(), r#" {"type": "integer"}"#] {
        let run = grammarc(&["accept", "--json-schema", schema, "--text", "7"]);
        assert_eq!(run.code, 0, "{}", run.stdout);
        assert_eq!(grammarc(&["accept", "--json-schema", schema, "--text", "x"]).code, 1);
    }
    let run = grammarc(&["check", "--json-schema", "no-such-file.json"]);
    assert!((run.stdout + &run.stderr).contains("not JSON"));
}
