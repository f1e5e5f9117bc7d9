//! How the diagnostics for faulty GBNF look: each `NAME.gbnf` against `NAME.txt`.

use std::path::Path;

use compilers::gbnf::{self, Options};
use grammar_ir::Limits;

#[test]
fn rendered_diagnostics() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gbnf/errors");
    let bless = std::env::var_os("GRAMMARC_BLESS").is_some();
    let mut differing = Vec::new();
    let mut sources: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gbnf"))
        .collect();
    sources.sort();
    assert!(!sources.is_empty());
    for path in sources {
        let name = path.file_name().unwrap().to_str().unwrap();
        let source = std::fs::read_to_string(&path).unwrap();
        let found = match gbnf::compile(&source, &Options::default(), None, &Limits::default()) {
            Ok(_) => panic!("{name} should not compile"),
            Err(found) => found.render(name, &source).to_string(),
        };
        let expected_path = path.with_extension("txt");
        if bless {
            std::fs::write(&expected_path, &found).unwrap();
        } else if std::fs::read_to_string(&expected_path).unwrap_or_default() != found {
            differing.push(found);
        }
    }
    assert!(differing.is_empty(), "not as expected:\n{}", differing.join("\n"));
}
