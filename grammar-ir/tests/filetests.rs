//! Runs `tests/filetests/<pass>/*.gir`: each file is a grammar, a line `====`, and the grammar that the pass makes of it.
//!
//! The folder `run` holds tests of all passes together, and `text` of printing alone. With `GRAMMARC_BLESS=1` the part
//! after the line is written instead of compared.

use std::fs;
use std::path::Path;

use grammar_ir::passes::{self, PASSES};
use grammar_ir::{Budget, Grammar, Limits, text};

const SEPARATOR: &str = "====\n";

fn transform(folder: &str, grammar: Grammar) -> Grammar {
    let limits = Limits::default();
    let mut budget = Budget::new(&limits);
    match folder {
        "run" => passes::run(grammar, &mut budget).expect("within the limits"),
        "text" => grammar,
        name => {
            let pass = PASSES.iter().find(|pass| pass.name == name).unwrap_or_else(|| panic!("no pass `{name}`"));
            pass.run(grammar, &mut budget).expect("within the limits")
        }
    }
}

#[test]
fn files_agree() {
    let bless = std::env::var_os("GRAMMARC_BLESS").is_some_and(|value| value == "1");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/filetests");
    let mut failures = Vec::new();
    let mut count = 0;
    for folder in fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let content = fs::read_to_string(&path).unwrap();
            let (input, expected) = content.split_once(SEPARATOR).unwrap_or((&content, ""));
            let grammar = text::parse(input).unwrap_or_else(|error| panic!("{}:{error}", path.display()));
            let actual = text::print(&transform(&name, grammar));
            count += 1;
            if actual == expected {
                continue;
            }
            if bless {
                fs::write(&path, format!("{}\n{SEPARATOR}{actual}", input.trim_end())).unwrap();
            } else {
                failures.push(format!("{}\nexpected:\n{expected}\nactual:\n{actual}", path.display()));
            }
        }
    }
    assert!(count > 0, "no files");
    assert!(failures.is_empty(), "{}\nGRAMMARC_BLESS=1 writes what is actual", failures.join("\n"));
}
