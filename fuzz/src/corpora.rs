//! Grammars with texts, from the corpora that the project is judged by.
//!
//! Three forms are read: lines with a schema and instances, as MaskBench has them; case files, as `docs/cli.md` describes
//! them; and folders of the JSON Schema test suite. What a corpus says about a text does not matter here: each text is one
//! more way through a grammar.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use compilers::gbnf::TokenNames;
use compilers::{gbnf, json_schema, regex, structural_tag};
use grammar_ir::{Grammar, Limits, text};
use mask_runtime::{TokenKind, Vocabulary};
use serde_json::Value;

/// A language in which grammars of corpora are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Language {
    Gbnf,
    Regex,
    JsonSchema,
    StructuralTag,
    Gir,
}

/// A grammar and texts for it.
#[derive(Debug, Clone)]
pub struct Item {
    /// Where it is from.
    pub place: String,
    language: Language,
    source: String,
    root: String,
    /// The texts.
    pub texts: Vec<Vec<u8>>,
}

/// The grammars of a file or folder, each once, in its order, and how many lines are in languages that there are no compilers
/// for.
///
/// # Errors
/// When it cannot be read, or is of no such form.
pub fn read(path: &Path) -> Result<(Vec<Item>, usize), String> {
    let mut corpus = Corpus::default();
    if path.is_dir() {
        let mut files = Vec::new();
        json_files(path, &mut files)?;
        files.sort();
        for file in files {
            corpus.suite_file(&file)?;
        }
    } else {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = format!("{}:{}", path.display(), number + 1);
            let object: Value = serde_json::from_str(line).map_err(|error| format!("{place}: {error}"))?;
            corpus.line(&object, place);
        }
    }
    Ok((corpus.items, corpus.others))
}

/// The JSON files below a folder.
fn json_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    Ok(())
}

#[derive(Default)]
struct Corpus {
    items: Vec<Item>,
    /// The place of a grammar among the items.
    known: HashMap<(Language, String, String), usize>,
    others: usize,
}

impl Corpus {
    fn add(&mut self, place: String, language: Language, source: String, root: &str, texts: Vec<Vec<u8>>) {
        let key = (language, source.clone(), root.to_owned());
        let index = *self.known.entry(key).or_insert(self.items.len());
        if index == self.items.len() {
            self.items.push(Item { place, language, source, root: root.to_owned(), texts: Vec::new() });
        }
        self.items[index].texts.extend(texts);
    }

    /// A line of MaskBench, or a case.
    fn line(&mut self, object: &Value, place: String) {
        if let Some(schema) = object.get("schema") {
            let tests = object["tests"].as_array().into_iter().flatten();
            let texts = tests.map(|test| test["data"].to_string().into_bytes()).collect();
            return self.add(place, Language::JsonSchema, schema.to_string(), "root", texts);
        }
        let kind = object.get("grammar_kind").or(object.get("kind")).and_then(Value::as_str).unwrap_or_default();
        let language = match kind {
            "gbnf" | "ebnf" => Language::Gbnf,
            "regex" => Language::Regex,
            "json_schema" => Language::JsonSchema,
            "structural_tag" => Language::StructuralTag,
            "gir" => Language::Gir,
            _ => {
                self.others += 1;
                return;
            }
        };
        let grammar = &object["grammar"];
        let source = grammar.as_str().map_or_else(|| grammar.to_string(), str::to_owned);
        let root = object.get("root").or(object["options"].get("root")).and_then(Value::as_str).unwrap_or("root");
        let text = object["input"].as_str().filter(|_| object["input_is_bytes_b64"] != true);
        self.add(place, language, source, root, text.map(|text| text.as_bytes().to_vec()).into_iter().collect());
    }

    /// A file of the test suite: schemas, each with its tests.
    fn suite_file(&mut self, path: &Path) -> Result<(), String> {
        let fault = |error: String| format!("{}: {error}", path.display());
        let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        let groups: Value = serde_json::from_str(&text).map_err(|error| fault(error.to_string()))?;
        // Documents that schemas refer to are among the files, too.
        for (number, group) in groups.as_array().into_iter().flatten().enumerate() {
            let Some(schema) = group.get("schema") else { continue };
            let tests = group["tests"].as_array().into_iter().flatten();
            let texts = tests.map(|test| test["data"].to_string().into_bytes()).collect();
            let place = format!("{}, group {number}", path.display());
            self.add(place, Language::JsonSchema, schema.to_string(), "root", texts);
        }
        Ok(())
    }
}

impl Item {
    /// Compiles the grammar with the default options; tokens are named by the texts of `vocabulary`.
    ///
    /// # Errors
    /// What the frontend says.
    pub fn grammar(&self, vocabulary: &Vocabulary, limits: &Limits) -> Result<Grammar, String> {
        let names = Names(vocabulary);
        let source = &self.source;
        match self.language {
            Language::Gbnf => {
                let options = gbnf::Options::default().with_root(&self.root);
                gbnf::compile(source, &options, Some(&names), limits).map_err(|error| error.to_string())
            }
            Language::Regex => {
                regex::compile(source, &regex::Options::default(), limits).map_err(|error| error.to_string())
            }
            Language::JsonSchema => json_schema::compile(source, &json_schema::Options::default(), limits)
                .map(|compiled| compiled.grammar)
                .map_err(|error| error.to_string()),
            Language::StructuralTag => {
                let options = structural_tag::Options::default();
                structural_tag::compile(source, &options, Some(&names), limits).map_err(|error| error.to_string())
            }
            Language::Gir => text::parse_with_limits(source, limits).map_err(|error| error.to_string()),
        }
    }
}

/// Names of tokens in grammars.
pub(crate) struct Names<'a>(pub(crate) &'a Vocabulary);

impl TokenNames for Names<'_> {
    fn token_id(&self, text: &str) -> Option<u32> {
        self.0.special_id(text)
    }

    fn text(&self, id: u32) -> Option<&[u8]> {
        (self.0.kind(id) == TokenKind::Text).then(|| self.0.bytes(id))
    }

    fn has_token(&self, id: u32) -> bool {
        self.0.kind(id) != TokenKind::Hole
    }

    fn special_tokens(&self) -> Vec<u32> {
        let special = |&id: &u32| self.0.kind(id) == TokenKind::Special && !self.0.is_stop(id);
        (0..self.0.size() as u32).filter(special).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_forms_are_read() {
        let lines = [
            r#"{"id": "a", "schema": {"type": "integer"}, "tests": [{"valid": true, "data": 7}]}"#,
            r#"{"kind": "regex", "grammar": "[ab]+", "input": "ab", "accepted": true}"#,
            r#"{"kind": "regex", "grammar": "[ab]+", "input": "c", "accepted": false}"#,
            r#"{"kind": "matcher", "grammar_kind": "ebnf", "grammar": "main ::= \"x\"", "root": "main"}"#,
            r#"{"kind": "lark", "grammar": "start: \"x\""}"#,
        ];
        let mut corpus = Corpus::default();
        for line in lines {
            corpus.line(&serde_json::from_str(line).expect("it is JSON"), String::new());
        }
        let texts: Vec<usize> = corpus.items.iter().map(|item| item.texts.len()).collect();
        assert_eq!((texts.as_slice(), corpus.others), (&[1, 2, 0][..], 1));
        let vocabulary = mask_runtime::embedded_tiny();
        for item in corpus.items {
            assert!(item.grammar(&vocabulary, &Limits::default()).is_ok(), "{item:?}");
        }
    }
}
