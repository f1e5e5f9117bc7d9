//! The grammars to compile, and their names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use grammar_ir::pda::Pda;
use mask_runtime::artifact::MAX_NAME_LENGTH;
use serde_json::{Map, Value};

use crate::args::Kind;
use crate::failure::Failure;
use crate::grammar;
use crate::input::{self, Source};
use crate::without_duplicates::WithoutDuplicates;

/// A grammar with its name.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// Its text; of one that was compiled before, where it is from and nothing else.
    pub(crate) source: Source,
    /// What was compiled before.
    pub(crate) stored: Option<Stored>,
}

/// A grammar that was compiled before.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) pda: Pda,
    /// The fingerprint of the vocabulary whose ids it names, if it does.
    pub(crate) token_ids: Option<[u8; 32]>,
    /// What its file says of it, as far as that does not depend on a tokenizer.
    pub(crate) about: Map<String, Value>,
}

/// What stays as it is when a grammar is written to another file.
const KEPT: [&str; 5] = ["kind", "source", "options", "captures", "notes"];

/// Reads all files.
pub(crate) fn load(paths: &[PathBuf], kind: Option<Kind>) -> Result<Vec<Named>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        if kind.is_none() && grammar::is_artifact(path) {
            artifact(path, &mut all)?;
            continue;
        }
        if is_lines(path) {
            lines(path, &mut all)?;
            continue;
        }
        let source = input::load_file(path, kind)?;
        let stem = path.file_stem().map_or_else(|| source.name.clone(), |stem| stem.to_string_lossy().into_owned());
        all.push(Named { name: stem, source, stored: None });
    }
    if all.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Failure::Input(format!("there is no grammar in {}", names.join(", "))));
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

/// The automata of a file that was compiled before.
fn artifact(path: &Path, all: &mut Vec<Named>) -> Result<(), Failure> {
    let artifact = grammar::open(path)?;
    let fault = |error| Failure::Artifact { path: path.to_owned(), error: Box::new(error) };
    let parsed = |text: &str| serde_json::from_str(text).ok().and_then(|value: Value| value.as_object().cloned());
    let of_file = parsed(artifact.metadata().map_err(fault)?).unwrap_or_default();
    for index in 0..artifact.len() {
        let entry = artifact.entry(index).map_err(fault)?;
        let mut about = parsed(entry.metadata).unwrap_or_default();
        if let Some(options) = of_file.get("options").filter(|_| !about.contains_key("options")) {
            about.insert("options".to_owned(), options.clone());
        }
        about.retain(|name, _| KEPT.contains(&name.as_str()));
        let place = format!("{}, {:?}", path.display(), entry.name);
        let pda = artifact.automaton(index).map_err(fault)?;
        let token_ids = artifact.token_ids_fingerprint(index).map_err(fault)?;
        let source = Source { name: place, text: String::new(), kind: Kind::Gir };
        all.push(Named { name: entry.name.to_owned(), source, stored: Some(Stored { pda, token_ids, about }) });
    }
    Ok(())
}

fn lines(path: &Path, all: &mut Vec<Named>) -> Result<(), Failure> {
    let text = input::read_text_or_xz(path)?;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{}:{}", path.display(), number + 1);
        let fault = |message: &str| Failure::Input(format!("{place}: {message}"));
        let line = serde_json::from_str(line).and_then(|WithoutDuplicates| serde_json::from_str(line));
        let line: Value = line.map_err(|error| fault(&error.to_string()))?;
        // A tool in the form of OpenAI has all of that in its `function`.
        let object = line.get("function").filter(|function| function.is_object()).unwrap_or(&line);
        let named = ["id", "name"].into_iter().find_map(|name| object.get(name).and_then(Value::as_str));
        let (Some(name), Some(schema)) = (named, object.get("schema").or(object.get("parameters"))) else {
            return Err(fault("it needs `id` or `name`, a string, and `schema` or `parameters`"));
        };
        if object.get("schema").is_some() && object.get("parameters").is_some() {
            return Err(fault("it has `schema` and `parameters`; leave one of them out"));
        }
        if name.is_empty() {
            return Err(fault("its name is empty; give it one to be asked for by"));
        }
        if name.len() > MAX_NAME_LENGTH {
            return Err(fault(&format!("its name has {} bytes, at most {MAX_NAME_LENGTH} are possible", name.len())));
        }
        let source = Source { name: place, text: schema.to_string(), kind: Kind::JsonSchema };
        all.push(Named { name: name.to_owned(), source, stored: None });
    }
    Ok(())
}
