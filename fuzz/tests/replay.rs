//! The committed inputs of every fuzz target. An input that once failed is added to `regressions/<target>/`.

use std::path::Path;

use grammarc_fuzz::targets::TARGETS;

#[test]
fn committed_inputs_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    for (name, target) in TARGETS {
        let mut inputs: Vec<_> = match std::fs::read_dir(root.join(name)) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(error) => panic!("{name}: {error}"),
        };
        inputs.sort();
        assert!(!inputs.is_empty(), "{name} has no committed input");
        for input in inputs {
            match std::fs::read(&input) {
                Ok(data) => target(&data),
                Err(error) => panic!("{}: {error}", input.display()),
            }
        }
    }
}
