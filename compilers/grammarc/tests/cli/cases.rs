//! `cases`.

use crate::process::{data, file, grammarc};

#[test]
fn the_corpus_agrees() {
    for name in ["own", "llama_cpp", "xgrammar"] {
        let run = grammarc(&["cases", &data(&format!("cases/{name}.jsonl"))]);
        assert_eq!(run.code, 0, "{name}: {}", run.stdout);
        let total = run.stdout.lines().last().expect("a summary");
        assert!(total.starts_with("total"), "{}", run.stdout);
    }
}

#[test]
fn disagreements_are_found() {
    let path = data("cases/wrong.jsonl");
    let run = grammarc(&["cases", &path]);
    assert_eq!(run.code, 1);
    let total: Vec<&str> = run.stdout.lines().last().expect("a summary").split_whitespace().collect();
    assert_eq!(total, ["total", "0", "4", "1", "1"]);
    let rows = grammarc(&["cases", "--json", &path]).json_lines();
    let verdicts: Vec<&str> = rows.iter().filter_map(|row| row["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["disagree", "disagree", "disagree", "disagree", "refused", "skipped"]);
    assert_eq!(rows[3]["got"]["step"], 1);
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row["line"], index as u64 + 1);
        assert!(row["kind"].is_string() && !row["expected"].is_null(), "{row}");
    }
}

#[test]
fn a_ratchet_fails_on_what_gets_worse() {
    let cases = data("cases/wrong.jsonl");
    let ratchet = file("cases", "ratchet.txt", b"# by hand\n");
    let run = |arguments: &[&str]| grammarc(&[&["cases", &cases, "--ratchet", &ratchet], arguments].concat());
    assert_eq!(run(&["--update"]).code, 0);
    let written = std::fs::read_to_string(&ratchet).expect("written");
    assert!(written.starts_with("# by hand\nwrong 1 "), "{written}");
    assert_eq!(run(&[]).code, 0);
    std::fs::write(&ratchet, written.replace("wrong 1 ", "pass 1 ")).expect("writable");
    let worse = run(&[]);
    assert_eq!(worse.code, 1);
    assert!(worse.stdout.contains("pass before, wrong now"), "{}", worse.stdout);
    std::fs::write(&ratchet, written.replace("wrong 1 ", "differs 1 ")).expect("writable");
    assert_eq!(run(&[]).code, 0);
    std::fs::write(&ratchet, "good 1\n").expect("writable");
    let broken = run(&[]);
    assert_eq!(broken.code, 2);
    assert!(broken.stderr.contains("line 1: `good` is no verdict"), "{}", broken.stderr);
}

#[test]
fn filters_choose_cases() {
    let path = data("cases/xgrammar.jsonl");
    let count = |args: &[&str]| grammarc(&[&["cases", "--json", &path], args].concat()).json_lines().len();
    let all = count(&[]);
    assert_eq!(count(&["--kind", "matcher"]), count(&["--kind", "matcher/ebnf", "--kind", "matcher/regex"]));
    assert!(count(&["--kind", "regex"]) < all);
    let with_any = all - count(&["--without-features"]);
    let with_macro = all - count(&["--without-features=TagDispatch"]);
    assert!(with_any > with_macro && with_macro == 1, "{with_any} {with_macro}");
    assert_eq!(count(&["--without-features=Tag,Nothing"]), all - 1);
}

#[test]
fn compressed_files_are_read() {
    let plain = std::fs::read(data("cases/llama_cpp.jsonl")).expect("the file is there");
    let mut compressed = Vec::new();
    lzma_rs::xz_compress(&mut plain.as_slice(), &mut compressed).expect("in memory");
    let run = grammarc(&["cases", &file("cases", "a.jsonl.xz", &compressed)]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = grammarc(&["cases", &file("cases", "b.jsonl.xz", b"not compressed")]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("cannot decompress"), "{}", run.stderr);
}

#[test]
fn lines_that_are_no_cases() {
    for (line, part) in [
        ("{", "a.jsonl:2: not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "`kind` is missing"),
        (r#"{"kind": "gbnf"}"#, "`grammar` is missing"),
        (r#"{"kind": "gbnf", "grammar": "a"}"#, "`input` is missing"),
        (r#"{"kind": "gbnf", "grammar": "a", "input": "b"}"#, "neither `accepted`"),
        (r#"{"kind": "gbnf", "grammar": "a", "input": "?", "input_is_bytes_b64": true}"#, "not base64"),
        (r#"{"kind": "matcher", "grammar": "a"}"#, "`steps` is missing"),
    ] {
        let run = grammarc(&["cases", &file("cases", "a.jsonl", format!("\n{line}\n").as_bytes())]);
        assert_eq!(run.code, 2, "{line}");
        assert!(run.stderr.contains(part), "{part} in {}", run.stderr);
    }
}
