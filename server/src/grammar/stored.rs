//! Grammars that were compiled before, found by what requests say.
//!
//! A file of grammars says of each of them which text it was compiled from, and with which options. A constraint with the
//! same text, whose options would be the same, takes that grammar: nothing is compiled for it.

use std::collections::HashMap;
use std::sync::Arc;

use compilers::regex;
use mask_runtime::artifact::{Artifact, ArtifactError};
use serde_json::{Value, json};

use super::backend::{Backend, CompiledConstraint};
use super::constraint::{Constraint, ConstraintKind, JsonStyle};

/// Which grammars of a file no request takes that says nothing about how its constraint is to be compiled: how many, and the
/// name of one.
///
/// # Errors
/// When what the file says of its grammars is damaged.
pub fn grammars_unlike_requests(artifact: &Artifact) -> Result<Option<(usize, String)>, ArtifactError> {
    let of_file = parsed(artifact.metadata()?);
    let mut unlike: Option<(usize, String)> = None;
    for index in 0..artifact.len() {
        let entry = artifact.entry(index)?;
        let about = parsed(entry.metadata);
        let Some(kind) = about["kind"].as_str().and_then(kind_of) else { continue };
        let plain = Constraint { kind, text: "".into(), style: JsonStyle::default() };
        if relevant(kind, options_beside(&about, &of_file)) != options_of(&plain) {
            let (count, first) = unlike.unwrap_or_else(|| (0, entry.name.to_owned()));
            unlike = Some((count + 1, first));
        }
    }
    Ok(unlike)
}

/// The grammars of some files.
#[derive(Debug, Default)]
pub(super) struct StoredGrammars {
    by_text: HashMap<(ConstraintKind, Arc<str>), Vec<Stored>>,
}

/// A grammar, and the options that it was compiled with as its file has them.
#[derive(Debug)]
struct Stored {
    options: Value,
    grammar: Arc<dyn CompiledConstraint>,
}

impl StoredGrammars {
    /// The grammars of `artifacts`.
    ///
    /// # Errors
    /// When a file is damaged or for another tokenizer, has a grammar of which it does not say what it was compiled from, or
    /// the engine cannot use such files.
    pub(super) fn load(artifacts: &[Artifact], backend: &dyn Backend) -> Result<Self, String> {
        let mut stored = Self::default();
        for artifact in artifacts {
            let of_file = parsed(artifact.metadata().map_err(|error| error.to_string())?);
            for index in 0..artifact.len() {
                let entry = artifact.entry(index).map_err(|error| error.to_string())?;
                let about = parsed(entry.metadata);
                let kind = about["kind"].as_str().and_then(kind_of);
                let (Some(kind), Some(source)) = (kind, about["source"].as_str()) else {
                    let name = entry.name;
                    return Err(format!(
                        "grammar {name:?} does not say which text of which kind it was compiled from; compile it from a \
                         schema, regular expression, GBNF grammar or structural tag"
                    ));
                };
                let options = relevant(kind, options_beside(&about, &of_file));
                let grammar = backend.load(artifact, index)?;
                stored.by_text.entry((kind, text_of(kind, source))).or_default().push(Stored { options, grammar });
            }
        }
        Ok(stored)
    }

    /// The grammar that was compiled from the text of `constraint` with the options that it would be compiled with.
    pub(super) fn get(&self, constraint: &Constraint) -> Option<Arc<dyn CompiledConstraint>> {
        if self.by_text.is_empty() {
            return None;
        }
        let known = self.by_text.get(&(constraint.kind, text_of(constraint.kind, &constraint.text)))?;
        let options = options_of(constraint);
        known.iter().find(|stored| stored.options == options).map(|stored| stored.grammar.clone())
    }
}

/// The options of a grammar: its own, or those of its file.
fn options_beside<'a>(about: &'a Value, of_file: &'a Value) -> &'a Value {
    let given = [&about["options"], &of_file["options"]].into_iter().find(|options| options.is_object());
    given.unwrap_or(&Value::Null)
}

fn parsed(metadata: &str) -> Value {
    serde_json::from_str(metadata).unwrap_or_default()
}

/// The kind that `grammarc compile` calls so.
fn kind_of(name: &str) -> Option<ConstraintKind> {
    Some(match name {
        "json_schema" => ConstraintKind::Json,
        "regex" => ConstraintKind::Regex,
        "gbnf" => ConstraintKind::Ebnf,
        "structural_tag" => ConstraintKind::StructuralTag,
        _ => return None,
    })
}

/// The text without what does not matter: white space between the tokens of JSON, and members that are no part of a tag.
fn text_of(kind: ConstraintKind, text: &str) -> Arc<str> {
    let value = || serde_json::from_str::<Value>(text).ok();
    match kind {
        ConstraintKind::Json => value().map_or_else(|| text.into(), |value| value.to_string().into()),
        ConstraintKind::StructuralTag => value().map_or_else(|| text.into(), |value| Constraint::tag(&value).text),
        ConstraintKind::Regex | ConstraintKind::Ebnf => text.into(),
    }
}

/// Of the options in a file those that matter for a kind.
fn relevant(kind: ConstraintKind, options: &Value) -> Value {
    let names: &[&str] = match kind {
        ConstraintKind::Json => &["json_schema"],
        ConstraintKind::Regex => &["regex"],
        ConstraintKind::Ebnf => &["gbnf"],
        ConstraintKind::StructuralTag => &["json_schema", "regex"],
    };
    names.iter().map(|&name| options[name].clone()).collect()
}

/// The same of the options that `constraint` is compiled with.
fn options_of(constraint: &Constraint) -> Value {
    let json = || constraint.style.options().to_json();
    let regex = || regex::Options::new(regex::Syntax::Ecma262).to_json();
    match constraint.kind {
        ConstraintKind::Json => json!([json()]),
        ConstraintKind::Regex => json!([regex()]),
        ConstraintKind::Ebnf => json!([{"root": "root"}]),
        ConstraintKind::StructuralTag => json!([json(), regex()]),
    }
}
