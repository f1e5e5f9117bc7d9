//! What files of compiled grammars say of themselves, and what is taken for a grammar.

use std::path::{Path, PathBuf};

use crate::process::{Run, file, grammarc};

/// The tokenizer of the built-in model.
fn tokenizer() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../mask-runtime/data/tiny-tools").to_owned()
}

fn beside(path: &str, name: &str) -> String {
    Path::new(path).with_file_name(name).display().to_string()
}

fn compile(inputs: &[&str], output: &str, more: &[&str]) -> Run {
    grammarc(&[&["compile"], inputs, &["-o", output], more].concat())
}

/// A number of schemas, so that several jobs end in any order.
#[test]
fn the_number_of_jobs_makes_no_difference() {
    let lines: String = (0..24)
        .map(|i| format!("{{\"name\": \"g{i}\", \"parameters\": {{\"type\": \"array\", \"minItems\": {i}, \"items\": {{\"enum\": [\"a{i}\", {i}]}}}}}}\n"))
        .collect();
    let source = file("claims-jobs", "tools.jsonl", lines.as_bytes());
    let bytes = ["1", "2", "7"].map(|jobs| {
        let output = beside(&source, &format!("jobs-{jobs}.gmt"));
        let run = compile(&[&source], &output, &["-t", &tokenizer(), "--jobs", jobs]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        std::fs::read(output).expect("it was written")
    });
    assert!(bytes[0] == bytes[1] && bytes[1] == bytes[2]);
}

#[test]
fn members_that_are_there_twice_are_refused() {
    let lines = [
        r#"{"id": "a", "schema": {"items": {"type": "integer"}, "items": {"type": "string"}}}"#,
        r#"{"id": "a", "id": "b", "schema": true}"#,
        r#"{"id": "a", "schema": true, "parameters": false}"#,
    ];
    for (line, message) in
        lines.into_iter().zip(["\"items\" is there twice", "\"id\" is there twice", "leave one of them out"])
    {
        let source = file("claims-twice", "tools.jsonl", line.as_bytes());
        let run = compile(&[&source], &beside(&source, "tools.gpda"), &[]);
        assert!(
            run.code == 2 && run.stderr.contains("tools.jsonl:1: ") && run.stderr.contains(message),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn tools_are_taken_as_interfaces_have_them() {
    let lines = concat!(
        r#"{"type": "function", "function": {"name": "one", "parameters": {"type": "integer"}}}"#,
        "\n",
        r#"{"id": 7, "name": "two", "parameters": {"const": 1e400}}"#,
        "\n"
    );
    let source = file("claims-tools", "tools.jsonl", lines.as_bytes());
    let output = beside(&source, "tools.gpda");
    let run = compile(&[&source], &output, &["--json"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let names: Vec<String> =
        run.json()["grammars"].as_array().into_iter().flatten().map(|one| one["name"].to_string()).collect();
    assert_eq!(names, ["\"one\"", "\"two\""]);
    assert_eq!(grammarc(&["accept", &output, "--entry", "one", "--text", "12"]).code, 0);
    let long = format!("{{\"name\": \"{}\", \"parameters\": true}}", "n".repeat(1_025));
    let source = file("claims-tools", "long.jsonl", long.as_bytes());
    let run = compile(&[&source], &output, &[]);
    assert!(run.code == 2 && run.stderr.contains("long.jsonl:1: its name has 1025 bytes"), "{}", run.stderr);
}

#[test]
fn a_file_is_not_replaced_by_one_without_grammars() {
    let source = file("claims-nothing", "bad.json", br#"{"type": "intger"}"#);
    let good = file("claims-nothing", "good.gbnf", b"root ::= \"a\"");
    let output = beside(&source, "kept.gpda");
    assert_eq!(compile(&[&good], &output, &[]).code, 0);
    let before = std::fs::read(&output).expect("it was written");
    let run = compile(&[&source], &output, &["--keep-going"]);
    assert!(run.code != 0 && run.stdout.contains("nothing is written: 1 of 1"), "{}", run.stdout);
    assert_eq!(compile(&[&good], &output, &["--limit-inputs", "0"]).code, 2);
    assert!(std::fs::read(&output).expect("it is still there") == before);
}

/// Those that a grammar was compiled with, and what it leaves out, also when its tables are made later.
#[test]
fn options_and_notes_stay_with_their_grammar() {
    let source = file("claims-options", "a.json", br#"{"type": "object", "properties": {"a": {"type": "array"}}}"#);
    let [automata, tables] = ["a.gpda", "a.gmt"].map(|name| beside(&source, name));
    assert_eq!(compile(&[&source], &automata, &["--additional-properties", "closed"]).code, 0);
    assert_eq!(compile(&[&automata], &tables, &["-t", &tokenizer()]).code, 0);
    let shown = grammarc(&["inspect", &tables]).stdout;
    assert!(shown.contains("\"additional_properties\":\"closed\"") && !shown.contains("\"standard\""), "{shown}");
    let notes = |path: &str| grammarc(&["inspect", path, "--json"]).json()["grammars"][0]["metadata"]["notes"].clone();
    assert_eq!(notes(&tables), notes(&automata));
    assert!(notes(&tables).as_array().is_some_and(|notes| !notes.is_empty()));
    assert_eq!(grammarc(&["verify", &tables, "-t", &tokenizer()]).code, 0);
}

/// With checksums that are right, so that only working it out tells.
#[test]
fn what_a_file_says_of_its_tables_is_verified() {
    let source = file("claims-verify", "a.gbnf", b"root ::= [a-z]+ \"(\" root \")\" | [0-9]");
    let output = beside(&source, "a.gmt");
    assert_eq!(compile(&[&source], &output, &["-t", &tokenizer()]).code, 0);
    let original = std::fs::read(&output).expect("it was written");
    let verify = |path: &str| grammarc(&["verify", path, "-t", &tokenizer()]);
    assert_eq!(verify(&output).code, 0);
    for (said, lie) in [
        ("\"tables\":\"all\"", "\"tables\":\"lie\""),
        ("\"stop_tokens\"", "\"stop_tokenz\""),
        ("\"report\"", "\"rep0rt\""),
        ("\"tabulated\"", "\"tabul4ted\""),
    ] {
        let place = original.windows(said.len()).position(|part| part == said.as_bytes()).expect("it is said");
        let mut bytes = original.clone();
        bytes[place..place + said.len()].copy_from_slice(lie.as_bytes());
        mask_runtime::artifact::reseal(&mut bytes);
        let forged = file("claims-verify", "forged.gmt", &bytes);
        let run = verify(&forged);
        assert!(run.code == 1 && run.stdout.starts_with("different: "), "{said}: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn options_of_a_tokenizer_need_one() {
    let source = file("claims-tokenizer", "a.gbnf", b"root ::= \"a\"");
    let output = beside(&source, "a.gpda");
    for option in ["--stop-tokens", "--logits-width"] {
        let run = compile(&[&source], &output, &[option, "7"]);
        assert!(run.code == 2 && run.stderr.contains("name it with --tokenizer"), "{option}: {}", run.stderr);
    }
}

/// Who may read a file stays as it is, and a name may be as long as names can be.
#[cfg(unix)]
#[test]
fn permissions_stay_as_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let source = file("claims-mode", "a.gbnf", b"root ::= \"a\"");
    let output = PathBuf::from(beside(&source, &format!("{}.gpda", "n".repeat(245))));
    let path = output.display().to_string();
    assert_eq!(compile(&[&source], &path, &[]).code, 0);
    std::fs::set_permissions(&output, PermissionsExt::from_mode(0o600)).expect("it is ours");
    assert_eq!(compile(&[&source], &path, &[]).code, 0);
    let mode = std::fs::metadata(&output).expect("it was written").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
