//! `compile`, `inspect`, `verify`, and grammars from files that were compiled.

use std::path::Path;

use crate::process::{file, grammarc};

/// Compiles two grammars for the built-in tokenizer, which `mask` uses without `--tokenizer`.
fn two_grammars(folder: &str) -> String {
    let number = file(folder, "number.gbnf", b"root ::= [0-9]+ (\".\" [0-9]+)?\n");
    let order = file(
        folder,
        "order.json",
        br#"{"type": "object", "properties": {"id": {"type": "integer"}, "note": {"type": "string"}}, "required": ["id"]}"#,
    );
    let output = Path::new(&number).with_file_name("two.gmt").display().to_string();
    let run = grammarc(&["compile", &number, &order, "-t", &tokenizer(), "-o", &output, "--json"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let report = run.json();
    assert_eq!((&report["written"], &report["grammars"][1]["name"]), (&true.into(), &"order".into()));
    assert_eq!(report["bytes"], std::fs::metadata(&output).expect("it was written").len());
    output
}

/// The tokenizer of the built-in model.
fn tokenizer() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../mask-runtime/data/tiny-tools").to_owned()
}

#[test]
fn masks_from_a_file_are_those_of_the_grammar() {
    let path = two_grammars("compile-masks");
    let order = Path::new(&path).with_file_name("order.json").display().to_string();
    for after in ["", "{", "{\"id\": 1", "{\"id\": 17, \"note\": \"x"] {
        let common = ["-t", &tokenizer(), "--after", after, "--max-listed", "2000", "--json"];
        let stored = grammarc(&[&["mask", "--gmt", &path, "--entry", "order"], &common[..]].concat());
        let compiled = grammarc(&[&["mask", &order], &common[..]].concat());
        assert_eq!((stored.code, &stored.stdout), (0, &compiled.stdout), "after {after:?}: {}", stored.stderr);
    }
}

#[test]
fn every_command_takes_a_file() {
    let path = two_grammars("compile-commands");
    let gmt = ["--gmt", &path, "--entry", "number"];
    let accept = |text: &str| grammarc(&[&["accept", "--text", text], &gmt[..]].concat()).code;
    assert_eq!((accept("1.5"), accept("1.")), (0, 1));
    assert_eq!(grammarc(&[&["accept", "--tokens", "0", "-t", &tokenizer()], &gmt[..]].concat()).code, 1);
    assert_eq!(grammarc(&[&["sample", "-n", "2", "-t", &tokenizer()], &gmt[..]].concat()).code, 0);
    let check = grammarc(&[&["check"], &gmt[..]].concat());
    assert!(check.code == 0 && check.stdout.contains("\"number\": procedures "), "{}", check.stdout);
    let dump = grammarc(&[&["dump", "--stage", "pda"], &gmt[..]].concat());
    assert!(dump.code == 0 && dump.stdout.starts_with("procedure p0"), "{}", dump.stdout);
    assert_eq!(grammarc(&[&["dump"], &gmt[..]].concat()).code, 3);
    // The extension tells, too.
    assert_eq!(grammarc(&["accept", "--text", "7", &path, "--entry", "number"]).code, 0);
    let unnamed = grammarc(&["check", &path]);
    assert!(unnamed.code == 2 && unnamed.stderr.contains("2 grammars"), "{}", unnamed.stderr);
    let unknown = grammarc(&["check", &path, "--entry", "nothing"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("there are \"number\", \"order\""), "{}", unknown.stderr);
}

#[test]
fn files_say_what_is_in_them_and_are_verified() {
    let path = two_grammars("compile-verify");
    let inspect = grammarc(&["inspect", &path, "--json"]);
    let value = inspect.json();
    assert_eq!((&value["grammars"][0]["name"], &value["vocabulary_size"]), (&"number".into(), &1024.into()));
    assert_eq!(value["grammars"][0]["metadata"]["kind"], "gbnf");
    assert_eq!(value["sections"].as_array().map(Vec::len), Some(10));
    assert_eq!((&value["metadata"]["tables"], &value["has_tokenizer"]), (&"all".into(), &false.into()));
    let options = &value["metadata"]["options"];
    assert_eq!(options["json_schema"]["whitespace"], "bounded", "{options}");
    assert_eq!(options["regex"]["syntax"], "rust", "{options}");
    assert_eq!(options["gbnf"]["root"], "root", "{options}");
    assert!(value["grammars"][1]["metadata"]["report"]["states"].as_u64() > Some(10), "{}", value["grammars"][1]);
    assert!(value["grammars"][1]["bytes"].as_u64() > Some(1_000));
    let shown = grammarc(&["inspect", &path, "--entry", "order"]);
    for part in ["tables for 1024 ids, fingerprint ", "order json_schema: bytes ", "byte edges", "made_by grammarc "] {
        assert!(shown.stdout.contains(part), "{part} in {}", shown.stdout);
    }
    let bytes = std::fs::read(&path).expect("it was written");
    let version = format!("{}.{}", bytes[12], bytes[14]);
    assert_eq!((&value["format_version"], &value["engine_revision"]), (&version.into(), &bytes[16].into()));
    let verify = |path: &str| grammarc(&["verify", path, "-t", &tokenizer()]);
    assert_eq!(verify(&path).code, 0, "{}", verify(&path).stdout);
    assert!(verify(&path).stdout.contains("compiled again 2"), "{}", verify(&path).stdout);
    assert_eq!(grammarc(&["verify", &path]).code, 2);

    // A row that is not what the engine says, with checksums that are right.
    let mut bytes = std::fs::read(&path).expect("it was written");
    let lists = value["sections"][5]["offset"].as_u64().expect("a number") as usize;
    bytes[lists] ^= 1;
    let damaged = file("compile-verify", "damaged.gmt", &bytes);
    assert!(
        verify(&damaged).code == 2 && verify(&damaged).stderr.contains("is damaged"),
        "{}",
        verify(&damaged).stderr
    );
    mask_runtime::artifact::reseal(&mut bytes);
    let forged = file("compile-verify", "forged.gmt", &bytes);
    let run = verify(&forged);
    assert!(run.code == 1 && run.stdout.starts_with("different: "), "{}{}", run.stdout, run.stderr);
}

#[test]
fn the_same_input_makes_the_same_bytes() {
    let once = std::fs::read(two_grammars("compile-once")).expect("it was written");
    assert!(once == std::fs::read(two_grammars("compile-twice")).expect("it was written"));
}

#[test]
fn without_a_tokenizer_automata_are_written() {
    let source = file("compile-automata", "word.regex", b"[a-z]{3,40}");
    let output = Path::new(&source).with_file_name("word.gpda").display().to_string();
    assert_eq!(grammarc(&["compile", &source, "-o", &output]).code, 0);
    assert_eq!(grammarc(&["accept", &output, "--text", "abc"]).code, 0);
    assert_eq!(grammarc(&["mask", &output, "--after", "ab"]).code, 0);
    assert_eq!(grammarc(&["verify", &output]).code, 0);
    assert!(grammarc(&["inspect", &output]).stdout.contains("automata alone"));
}

#[test]
fn a_grammar_at_fault_is_named_and_nothing_is_written() {
    let lines = file(
        "compile-faults",
        "tools.jsonl",
        b"{\"name\": \"good\", \"parameters\": {\"type\": \"integer\"}}\n{\"id\": \"bad\", \"schema\": {\"type\": \"intger\"}}\n",
    );
    let output = Path::new(&lines).with_file_name("tools.gmt").display().to_string();
    // From an earlier run of the test.
    let _ = std::fs::remove_file(&output);
    let run = grammarc(&["compile", &lines, "-o", &output, "--json"]);
    let report = run.json();
    assert_eq!((run.code, &report["written"], &report["failures"][0]["name"]), (1, &false.into(), &"bad".into()));
    assert!(!Path::new(&output).exists());
    assert_eq!(grammarc(&["compile", &lines, "-o", &output, "--keep-going"]).code, 1);
    assert_eq!(grammarc(&["accept", "--gmt", &output, "--text", "5"]).code, 0);
    let twice = grammarc(&["compile", &lines, &lines, "-o", &output]);
    assert!(twice.code == 2 && twice.stderr.contains("would both be named"), "{}", twice.stderr);
    let nothing = file("compile-faults", "nothing.jsonl", b"{\"id\": 7}\n");
    let run = grammarc(&["compile", &nothing, "-o", &output]);
    assert!(run.code == 2 && run.stderr.contains("nothing.jsonl:1"), "{}", run.stderr);
}

#[test]
fn an_input_is_not_written_over() {
    let grammar = file("written-over", "a.gbnf", b"root ::= \"a\"");
    let run = grammarc(&["compile", &grammar, "--output", &grammar]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("is an input"), "{}", run.stderr);
    assert_eq!(std::fs::read_to_string(&grammar).expect("still there"), "root ::= \"a\"");
}

#[test]
fn a_file_can_bring_its_tokenizer() {
    let source = file("compile-embedded", "number.gbnf", b"root ::= [0-9]+\n");
    let output = Path::new(&source).with_file_name("number.gmt").display().to_string();
    // Another vocabulary than the built-in one, which commands use without this.
    let wide = ["-t", &tokenizer(), "--logits-width", "1100"];
    let compile = [&["compile", &source, "--embed-tokenizer", "-o", &output], &wide[..]].concat();
    assert_eq!(grammarc(&compile).code, 0);
    let given = grammarc(&[&["mask", &output, "--after", "1", "--json"], &wide[..]].concat());
    let embedded = grammarc(&["mask", &output, "--after", "1", "--json"]);
    assert_eq!((embedded.code, &embedded.stdout), (0, &given.stdout), "{}", embedded.stderr);
    assert_eq!(embedded.json()["vocabulary"], 1_100);
    assert_eq!(grammarc(&["mask", &output, "-t", &output, "--after", "1"]).code, 0);
    assert_eq!(grammarc(&["sample", &output]).code, 0);
    assert_eq!(grammarc(&["accept", &output, "--tokens", "2000"]).code, 1);
    assert_eq!(grammarc(&["verify", &output]).code, 0);
    assert_eq!(grammarc(&["inspect", &output, "--json"]).json()["has_tokenizer"], true);
    let shown = grammarc(&["inspect", &output]).stdout;
    assert!(shown.contains(", tokenizer in the file: sets "), "{shown}");
    assert_eq!(grammarc(&["tokenizer", &output, "--json"]).json()["size"], 1_100);
    let other = grammarc(&["mask", &output, "-t", &tokenizer()]);
    assert!(other.code == 2 && other.stderr.contains("fingerprint"), "{}", other.stderr);
    let without = grammarc(&["tokenizer", &two_grammars("compile-not-embedded")]);
    assert!(without.code == 2 && without.stderr.contains("--embed-tokenizer"), "{}", without.stderr);
    assert_eq!(grammarc(&["compile", &source, "--embed-tokenizer", "-o", &output]).code, 2, "there is none to embed");
}

#[test]
fn automata_get_tables_later() {
    let source = file("compile-later", "word.regex", b"[a-z]{3,40}");
    let [automata, tables, at_once] =
        ["word.gpda", "word.gmt", "once.gmt"].map(|name| Path::new(&source).with_file_name(name).display().to_string());
    assert_eq!(grammarc(&["compile", &source, "-o", &automata]).code, 0);
    assert_eq!(grammarc(&["compile", &automata, "-t", &tokenizer(), "-o", &tables]).code, 0);
    assert_eq!(grammarc(&["compile", &source, "-t", &tokenizer(), "-o", &at_once]).code, 0);
    let masks = |path: &str| grammarc(&["mask", path, "--after", "ab", "--json"]).stdout;
    assert_eq!(masks(&tables), masks(&at_once));
    let inspect = grammarc(&["inspect", &tables, "--json"]).json();
    assert_eq!(inspect["grammars"][0]["name"], "word");
    assert_eq!(inspect["grammars"][0]["metadata"]["kind"], "regex");
    assert_eq!(inspect["grammars"][0]["metadata"]["source"], "[a-z]{3,40}");
    assert_eq!(inspect["grammars"][0]["metadata"]["options"]["regex"]["syntax"], "rust");
    assert_eq!(grammarc(&["inspect", &automata, "--json"]).json()["metadata"]["tables"], serde_json::Value::Null);
}

#[test]
fn an_extension_that_says_something_else_is_noted() {
    let source = file("compile-extension", "word.regex", b"[a-z]");
    let note = |name: &str, more: &[&str]| {
        let output = Path::new(&source).with_file_name(name).display().to_string();
        let run = grammarc(&[&["compile", &source, "-o", &output], more].concat());
        assert_eq!(run.code, 0);
        run.stderr
    };
    let tables = ["-t", &tokenizer()];
    assert_eq!((note("a.gmt", &tables), note("a.gpda", &[])), (String::new(), String::new()));
    assert!(note("b.gpda", &tables).contains("the extension is .gmt"));
    assert!(note("b.gmt", &[]).contains("the extension is .gpda"));
    assert!(note("b.bin", &[]).contains("with --gmt only"));
}

/// What a file says of itself may be meant for the terminal that it is shown on.
#[test]
fn nothing_of_a_file_steers_the_terminal() {
    let line = "{\"name\": \"a\\u001b[31m\\u202e\", \"parameters\": {\"x-note\\u001b[2J\": 1}}\n";
    let source = file("compile-terminal", "tools.jsonl", line.as_bytes());
    let output = Path::new(&source).with_file_name("tools.gpda").display().to_string();
    assert_eq!(grammarc(&["compile", &source, "-o", &output]).code, 0);
    for command in [&["inspect", &output][..], &["check", &output], &["check", &output, "--entry", "\u{1b}[2J"]] {
        let run = grammarc(command);
        let shown = format!("{}{}", run.stdout, run.stderr);
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{command:?}: {shown:?}");
        assert!(shown.contains("\\u{1b}["), "{command:?}: {shown}");
    }
}

#[test]
fn a_note_on_many_grammars_is_one_line() {
    let lines: String =
        (0..3).map(|i| format!("{{\"name\": \"g{i}\", \"parameters\": {{\"type\": \"array\"}}}}\n")).collect();
    let source = file("compile-notes", "tools.jsonl", lines.as_bytes());
    let output = Path::new(&source).with_file_name("tools.gpda").display().to_string();
    let run = grammarc(&["compile", &source, "-o", &output]);
    let notes: Vec<&str> = run.stdout.lines().filter(|line| line.contains("whitespace: bounded")).collect();
    assert_eq!(notes, ["note: g0 and 2 more: whitespace: bounded"]);
}

/// A file whose automata are sound, but not those of the sources beside them.
#[test]
fn sources_are_compiled_again() {
    let digits = file("verify-sources", "number.regex", b"[0-9]+");
    let letters = file("verify-sources/other", "number.regex", b"[a-z]+");
    let output = Path::new(&digits).with_file_name("number.gpda").display().to_string();
    assert_eq!(grammarc(&["compile", &digits, "-o", &output]).code, 0);
    let verify = |more: &[&str]| grammarc(&[&["verify", &output, "--json"], more].concat());
    assert_eq!(verify(&[]).json()["compiled"], 1);
    assert_eq!(verify(&["--no-sources"]).json()["compiled"], 0);
    assert_eq!(verify(&["--against", &digits]).code, 0);
    let run = verify(&["--against", &letters]);
    let difference = run.json()["difference"].to_string();
    assert!(run.code == 1 && difference.contains("was compiled from another source"), "{difference}");

    // The other source in its place, as long as it is, with checksums that are right.
    let mut bytes = std::fs::read(&output).expect("it was written");
    let place = bytes.windows(6).position(|part| part == b"[0-9]+").expect("its source is in it");
    bytes[place..place + 6].copy_from_slice(b"[a-z]+");
    mask_runtime::artifact::reseal(&mut bytes);
    std::fs::write(&output, &bytes).expect("the folder is there");
    let run = verify(&[]);
    let difference = run.json()["difference"].to_string();
    assert!(run.code == 1 && difference.contains("is not that of its source"), "{difference}");
    assert_eq!(verify(&["--no-sources"]).code, 0, "the automaton itself is sound");
    assert_eq!(verify(&["--against", &letters]).code, 1);
}

/// Each kind of grammar, with options that are not the default ones, and with documents.
#[test]
fn sources_are_compiled_with_their_options() {
    let folder = "verify-options";
    let definitions = file(folder, "definitions.json", br#"{"$defs": {"id": {"type": "integer"}}}"#);
    let inputs = [
        file(folder, "a.json", br#"{"type": "array", "items": {"$ref": "https://example.org/d#/$defs/id"}}"#),
        file(folder, "b.gbnf", b"answer ::= [a-c]{2,5}"),
        file(folder, "c.regex", b"\\d{2}"),
        file(folder, "d.tag.json", br#"{"type": "structural_tag", "format": {"type": "const_string", "value": "x"}}"#),
        file(folder, "e.gir", b"root = \"a\" root | \"b\" ;"),
    ];
    let output = Path::new(&inputs[0]).with_file_name("all.gpda").display().to_string();
    let document = format!("https://example.org/d={definitions}");
    let options =
        ["--root", "answer", "--regex-syntax", "ecma262", "--whitespace", "indent=2", "--document", &document];
    let limits = ["--limit", "unroll-states=2", "-o", &output];
    let paths: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let run = grammarc(&[&["compile"], &paths[..], &options, &limits].concat());
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let run = grammarc(&["verify", &output, "--json"]);
    assert_eq!((run.code, &run.json()["compiled"]), (0, &5.into()), "{}", run.stdout);
    // What is made of them has their options of each.
    let again = Path::new(&output).with_file_name("again.gpda").display().to_string();
    assert_eq!(grammarc(&["compile", &output, "-o", &again]).code, 0);
    let against = grammarc(&["verify", &again, "--json", "--against", &output]);
    assert_eq!((against.code, &against.json()["compiled"]), (0, &5.into()), "{}", against.stdout);
    let missing = grammarc(&["verify", &output, "--against", &inputs[0]]);
    assert!(missing.code == 1 && missing.stdout.contains("is in none of the inputs"), "{}", missing.stdout);
    let unknown = file(folder, "f.gbnf", b"root ::= \"f\"");
    let more = grammarc(&[&["verify", &output, "--against", &unknown], &[][..]].concat());
    assert!(more.code == 1 && more.stdout.contains("is not in the file"), "{}", more.stdout);
}

#[test]
fn an_index_can_be_written_too() {
    let source = file("compile-index", "number.gbnf", b"root ::= [0-9]+\n");
    let output = Path::new(&source).with_file_name("number.gmt").display().to_string();
    let embed = ["--embed-tokenizer", "--embed-index"];
    assert_eq!(grammarc(&[&["compile", &source, "-t", &tokenizer(), "-o", &output], &embed[..]].concat()).code, 0);
    assert_eq!(grammarc(&["verify", &output]).code, 0);
    assert_eq!(grammarc(&["inspect", &output, "--json"]).json()["has_token_index"], true);
    assert!(grammarc(&["inspect", &output]).stdout.contains(", tokenizer and its index in the file"));
    let [given, embedded] = [&["-t", &tokenizer()][..], &[]]
        .map(|tokenizer| grammarc(&[&["mask", &output, "--after", "1", "--json"], tokenizer].concat()).stdout);
    assert_eq!(given, embedded);
    let alone = grammarc(&["compile", &source, "-t", &tokenizer(), "-o", &output, "--embed-index"]);
    assert!(alone.code == 2 && alone.stderr.contains("--embed-tokenizer"), "{}", alone.stderr);
}

#[test]
fn captures_of_a_grammar_from_a_file_are_not_available() {
    let source = file("compile-captures", "word.gir", b"root = word \".\" ;\nword %capture(\"word\") = [a-z]+ ;");
    let output = Path::new(&source).with_file_name("word.gpda").display().to_string();
    assert_eq!(grammarc(&["compile", &source, "-o", &output]).code, 0);
    let accept = |path: &str, more: &[&str]| grammarc(&[&["accept", path, "--text", "ab."], more].concat());
    assert_eq!(accept(&source, &["--json"]).json()["captures"][0]["text"], "ab");
    assert_eq!(accept(&output, &["--json"]).json()["captures"], serde_json::Value::Null);
    assert!(accept(&output, &[]).stdout.contains("captures are not available"));
    assert!(!accept(&source, &[]).stdout.contains("captures are not available"));
}

#[test]
fn files_without_grammars_and_names_are_refused() {
    let output = Path::new(&file("compile-nothing", "empty.jsonl", b"\n\n")).with_file_name("out.gpda");
    let output = output.display().to_string();
    let compile = |name: &str, text: &[u8]| {
        let input = file("compile-nothing", name, text);
        grammarc(&["compile", &input, "-o", &output])
    };
    let run = compile("empty.jsonl", b"\n\n");
    assert!(run.code == 2 && run.stderr.contains("there is no grammar in"), "{}", run.stderr);
    let run = compile("unnamed.jsonl", b"{\"id\": \"\", \"schema\": {}}\n");
    assert!(run.code == 2 && run.stderr.contains("unnamed.jsonl:1: its name is empty"), "{}", run.stderr);
    let grammar = file("compile-nothing", "a.gbnf", b"root ::= \"a\"");
    let run = grammarc(&["compile", &grammar, "-o", "-"]);
    assert!(run.code == 2 && run.stderr.contains("give --output the name of a file"), "{}", run.stderr);
}

/// A link stays a link, and a device what it is.
#[cfg(unix)]
#[test]
fn output_may_be_a_link_or_no_file() {
    let source = file("compile-output", "word.regex", b"[a-z]");
    let [plain, target, link, dangling] =
        ["plain.gpda", "target.gpda", "link.gpda", "dangling.gpda"].map(|name| Path::new(&source).with_file_name(name));
    for path in [&plain, &target, &link, &dangling] {
        // From an earlier run of the test.
        let _ = std::fs::remove_file(path);
    }
    let compile = |output: &Path| {
        let run = grammarc(&["compile", &source, "-o", &output.display().to_string()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    };
    compile(&plain);
    let expected = std::fs::read(&plain).expect("it was written");
    std::os::unix::fs::symlink("target.gpda", &link).expect("there is none");
    // First it leads nowhere, then to a file.
    for _ in 0..2 {
        compile(&link);
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&target).expect("it was written"), expected);
    }
    let null = Path::new("/dev/null");
    compile(null);
    assert!(!null.metadata().expect("it is still there").is_file());
    let pipe = Path::new(&source).with_file_name("pipe.gpda");
    let _ = std::fs::remove_file(&pipe);
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is part of every Unix");
    assert!(made.success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe)
    });
    compile(&pipe);
    assert_eq!(reader.join().expect("no panic").expect("it was written"), expected);
}

/// A name stands for an id of the tokenizer that it was looked up in, also where the tables are taken away.
#[test]
fn token_ids_stay_with_their_tokenizer() {
    let source = file("compile-token-ids", "end.gbnf", b"root ::= \"a\" <|eot_id|>\n");
    let [tables, automata, other] =
        ["end.gmt", "end.gpda", "other.gmt"].map(|name| Path::new(&source).with_file_name(name).display().to_string());
    let tokenizer = tokenizer();
    let own = ["-t", &tokenizer];
    let another = ["-t", &tokenizer, "--logits-width", "2048"];
    let with = |args: &[&str], more: &[&str]| grammarc(&[args, more].concat());
    assert_eq!(with(&["compile", &source, "-o", &tables], &own).code, 0);
    assert_eq!(grammarc(&["compile", &tables, "-o", &automata]).code, 0);
    let inspected = |path: &str| grammarc(&["inspect", path, "--json"]).json();
    let fingerprint = inspected(&tables)["fingerprint"].as_str().expect("it has tables").to_owned();
    for path in [&tables, &automata] {
        assert_eq!(inspected(path)["grammars"][0]["token_ids_fingerprint"], fingerprint.as_str());
        assert!(grammarc(&["inspect", path]).stdout.contains("  token ids of the vocabulary with fingerprint "));
        for command in [&["mask", path, "--after", "a"][..], &["check", path], &["accept", path, "--text", "a"]] {
            assert_ne!(with(command, &own).code, 2, "{command:?}");
        }
        for command in [&["mask", path, "--after", "a"][..], &["check", path], &["accept", path, "--text", "a"]] {
            let run = with(command, &another);
            assert_eq!(run.code, 2, "{command:?}: {}{}", run.stdout, run.stderr);
            assert!(run.stderr.contains(&fingerprint), "{}", run.stderr);
        }
        let run = with(&["compile", path, "-o", &other], &another);
        assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(&fingerprint) && !Path::new(&other).exists(), "{}", run.stdout);
        assert_eq!(with(&["verify", path], &own).code, 0);
        assert_eq!(with(&["verify", path], &another).code, 2);
    }
    // The automata alone need no tokenizer, but the names in their sources do.
    let run = grammarc(&["verify", &automata]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("--tokenizer"), "{}", run.stderr);
    assert_eq!(grammarc(&["verify", &automata, "--no-sources"]).code, 0);
    // What was compiled without a tokenizer has the ids that its source has.
    let ids = file("compile-token-ids", "ids.gbnf", b"root ::= \"a\" <[5]>\n");
    assert_eq!(grammarc(&["compile", &ids, "-o", &automata]).code, 0);
    assert!(inspected(&automata)["grammars"][0]["token_ids_fingerprint"].is_null());
    assert_eq!(with(&["mask", &automata, "--after", "a"], &another).code, 0);
}

#[test]
fn options_that_change_nothing_are_noted() {
    let source = file("compile-ignored", "word.regex", b"[a-z]{3,40}");
    let output = Path::new(&source).with_file_name("word.gpda").display().to_string();
    assert_eq!(grammarc(&["compile", &source, "-o", &output]).code, 0);
    let run = grammarc(&["mask", "--gmt", &output, "--whitespace", "compact", "--lenient", "--kind", "regex"]);
    assert_eq!(run.code, 0);
    assert!(run.stderr.contains("not used: --whitespace, --lenient, --kind"), "{}", run.stderr);
    let again = Path::new(&source).with_file_name("again.gpda").display().to_string();
    let run = grammarc(&["compile", &output, "-o", &again, "--limit", "states=5"]);
    assert_eq!((run.code, run.stderr.contains("not used: --limit")), (0, true), "{}", run.stderr);
    assert_eq!(grammarc(&["mask", &output]).stderr, "");
}
