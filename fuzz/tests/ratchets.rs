//! The committed ratchets can be read, say where their cases come from and how they are renewed, and hold no crash.

use std::path::{Path, PathBuf};

use grammarc::ratchet::{Ratchet, Verdict};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn ratchets_are_sound() {
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("ratchets"));
    assert!(files.len() >= 9, "{files:?}");
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let ratchet = Ratchet::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(ratchet.to_string(), text, "{}", path.display());
        let comments: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(comments.len() >= 3, "{}: origin, meaning and command", path.display());
        assert!(ratchet.cases().count() > 100, "{}", path.display());
        assert_eq!(ratchet.count(Verdict::Crashed), 0, "{}", path.display());
    }
}
