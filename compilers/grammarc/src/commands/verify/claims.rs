//! Whether what a file says of its tables is so.

use std::sync::Arc;

use mask_runtime::Tokenizer;
use mask_runtime::artifact::{Artifact, ArtifactError, GrammarEntry, TableReport, TabulatedStates};
use serde_json::{Map, Value};

use super::sources::object;
use crate::commands::compile::about_tokenizer;
use crate::commands::compile::job::report_json;

/// What a file says of itself, if `grammarc` wrote it. What other programs write there is theirs.
#[derive(Debug)]
pub(super) struct Claims {
    of_file: Map<String, Value>,
    is_ours: bool,
}

impl Claims {
    pub(super) fn of(artifact: &Artifact) -> Result<Self, ArtifactError> {
        let of_file = object(artifact.metadata()?);
        let is_ours =
            of_file.get("made_by").and_then(Value::as_str).is_some_and(|maker| maker.starts_with("grammarc "));
        Ok(Self { of_file, is_ours })
    }

    /// The states that tables are said to be for; those for which there are some, if nothing is said.
    pub(super) fn tables(&self) -> TabulatedStates {
        match self.of_file.get("tables").and_then(Value::as_str).filter(|_| self.is_ours) {
            Some("all") => TabulatedStates::All,
            Some("start") => TabulatedStates::Start,
            _ => TabulatedStates::Loaded,
        }
    }

    /// What is not so of what is said of all of the file, whose tables are for this tokenizer, if there are some.
    pub(super) fn difference(&self, tokenizer: Option<&Arc<Tokenizer>>) -> Option<String> {
        if !self.is_ours {
            return None;
        }
        let said = |name: &str| self.of_file.get(name).unwrap_or(&Value::Null);
        let expected = tokenizer.map_or(Value::Null, |tokenizer| about_tokenizer(tokenizer));
        if *said("tokenizer") != expected {
            return Some(format!("it says that its tokenizer is {}, but that is {expected}", said("tokenizer")));
        }
        let tables = said("tables").as_str();
        let is_known =
            if tokenizer.is_some() { matches!(tables, Some("all" | "start")) } else { said("tables").is_null() };
        (!is_known).then(|| format!("it says that its tables are for {} states", said("tables")))
    }

    /// What is not so of what is said of the tables of a grammar.
    pub(super) fn difference_of(&self, entry: &GrammarEntry<'_>, report: &TableReport) -> Option<String> {
        let (said, expected) = (object(entry.metadata), report_json(report));
        let said = said.get("report").unwrap_or(&Value::Null);
        (self.is_ours && *said != expected)
            .then(|| format!("grammar {:?}: the report in the file is {said}, but it is {expected}", entry.name))
    }
}
