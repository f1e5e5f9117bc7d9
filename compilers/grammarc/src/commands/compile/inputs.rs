//! The grammars to compile, and their names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::args::Kind;
use crate::failure::Failure;
use crate::input::{self, Source};

/// A grammar with its name.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) source: Source,
}

/// Reads all files.
pub(super) fn load(paths: &[PathBuf], kind: Option<Kind>) -> Result<Vec<Named>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        if is_lines(path) {
            lines(path, &mut all)?;
            continue;
        }
        let source = input::load_file(path, kind)?;
        let stem = path.file_stem().map_or_else(|| source.name.clone(), |stem| stem.to_string_lossy().into_owned());
        all.push(Named { name: stem, source });
    }
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for named in &all {
        if let Some(other) = seen.insert(&named.name, &named.source.name) {
            let message = format!(
                "{other} and {} would both be named {:?}; rename one, or compile them to files of their own",
                named.source.name, named.name
            );
            return Err(Failure::Input(message));
        }
    }
    Ok(all)
}

/// Whether a file has a grammar on each line.
fn is_lines(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".jsonl") || name.ends_with(".jsonl.xz")
}

fn lines(path: &Path, all: &mut Vec<Named>) -> Result<(), Failure> {
    let text = input::read_text_or_xz(path)?;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{}:{}", path.display(), number + 1);
        let object: Value = serde_json::from_str(line).map_err(|error| Failure::Input(format!("{place}: {error}")))?;
        let (Some(name), Some(schema)) = (
            object.get("id").or(object.get("name")).and_then(Value::as_str),
            object.get("schema").or(object.get("parameters")),
        ) else {
            let message = format!("{place}: it needs `id` or `name`, a string, and `schema` or `parameters`");
            return Err(Failure::Input(message));
        };
        let source = Source { name: place, text: schema.to_string(), kind: Kind::JsonSchema };
        all.push(Named { name: name.to_owned(), source });
    }
    Ok(())
}
