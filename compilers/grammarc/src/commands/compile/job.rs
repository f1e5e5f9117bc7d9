//! One grammar.

use std::sync::Arc;
use std::time::{Duration, Instant};

use compilers::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use grammar_ir::pda::Pda;
use mask_runtime::Tokenizer;
use mask_runtime::artifact::{
    ArtifactError, ArtifactWriter, Mismatch, TableReport, Tabulated, TabulatedStates, WriteError,
};
use serde_json::{Map, Value, json};

use super::inputs::Named;
use crate::args::Kind;
use crate::describe::Bytes;
use crate::input::Source;
use crate::pipeline;
use crate::settings::Settings;

/// A grammar that is ready to be written.
pub(super) struct Compiled {
    made: Option<Made>,
    pub(super) notes: Vec<String>,
    pub(super) report: TableReport,
    about: Map<String, Value>,
    time: Duration,
}

enum Made {
    /// With the fingerprint of the vocabulary whose ids it names.
    Automaton(Pda, Option<[u8; 32]>),
    Tables(Tabulated),
}

pub(super) type Outcome = Result<Compiled, Diagnostics>;

/// Compiles a grammar, and works out its tables if there is a tokenizer.
pub(super) fn compile(
    named: &Named,
    settings: &Settings,
    tokenizer: Option<&Arc<Tokenizer>>,
    states: TabulatedStates,
) -> Outcome {
    let begin = Instant::now();
    let vocabulary = tokenizer.map(|tokenizer| tokenizer.vocabulary());
    let token_ids = named.stored.as_ref().and_then(|stored| stored.token_ids);
    if let (Some(found), Some(expected)) = (token_ids, tokenizer.map(|tokenizer| tokenizer.fingerprint()))
        && found != expected
    {
        let vocabulary = Mismatch { found, expected };
        let error = ArtifactError::TokenIds { grammar: named.name.clone(), vocabulary };
        return Err(Diagnostic::new(Code::Invalid, Place::Whole, error.to_string()).into());
    }
    let (pda, mut notes, about) = match &named.stored {
        Some(stored) => {
            let mut about = stored.about.clone();
            (stored.pda.clone(), kept_notes(about.remove("notes")), about)
        }
        None => {
            let pipeline::Compiled { grammar, mut notes } = pipeline::frontend(&named.source, settings, vocabulary)?;
            let mut about = about(&named.source);
            if grammar.rules().iter().any(|rule| rule.attributes.report()) {
                notes.push("what rules with `capture` match is not reported by a grammar from a file".to_owned());
                about.insert("captures".to_owned(), true.into());
            }
            let pda = pipeline::lower(&pipeline::normalize(grammar, &settings.limits)?, &settings.limits)?;
            (pda, notes, about)
        }
    };
    let (made, report) = match tokenizer {
        Some(tokenizer) => {
            let compiled = pipeline::bind_automaton(pda, tokenizer.clone())?;
            let missing = pipeline::missing_bytes(&compiled)?;
            if !missing.is_empty() {
                notes.push(format!("{MISSING_BYTES}{}", Bytes(&missing)));
            }
            let tables = Tabulated::of(&compiled, states);
            let report = tables.report();
            (Made::Tables(tables), report)
        }
        None => {
            let report = TableReport { states: pda.state_count(), ..TableReport::default() };
            (Made::Automaton(pda, token_ids), report)
        }
    };
    Ok(Compiled { made: Some(made), notes, report, about, time: begin.elapsed() })
}

/// How the note begins that is about a tokenizer as well as a grammar.
const MISSING_BYTES: &str = "the tokenizer has no token for these bytes that it uses: ";

/// The notes on a grammar that was compiled before, but for those on a tokenizer, which may have been another one.
fn kept_notes(notes: Option<Value>) -> Vec<String> {
    let notes = notes.as_ref().and_then(Value::as_array).into_iter().flatten();
    notes.filter_map(Value::as_str).filter(|note| !note.starts_with(MISSING_BYTES)).map(str::to_owned).collect()
}

/// What is said of a grammar that is compiled from a text. The text itself lets others find what was compiled from it, and
/// `verify` compile it again.
pub(crate) fn about(source: &Source) -> Map<String, Value> {
    let text = match source.kind {
        // White space between its tokens makes no other schema.
        Kind::JsonSchema | Kind::StructuralTag => serde_json::from_str::<Value>(&source.text).ok(),
        _ => None,
    };
    let text = text.map_or_else(|| source.text.clone(), |value| value.to_string());
    Map::from_iter([("kind".to_owned(), source.kind.name().into()), ("source".to_owned(), text.into())])
}

/// What a file says of the tables of a grammar.
pub(crate) fn report_json(report: &TableReport) -> Value {
    let TableReport { states, tabulated, looked_up, context_free, sets, dependent_tokens } = report;
    json!({
        "states": states, "tabulated": tabulated, "looked_up": looked_up, "context_free": context_free, "sets": sets,
        "dependent_tokens": dependent_tokens,
    })
}

impl Compiled {
    /// Hands over what was made.
    pub(super) fn write(&mut self, name: &str, writer: &mut ArtifactWriter) -> Result<(), WriteError> {
        let mut metadata = self.about.clone();
        metadata.extend([("notes".to_owned(), json!(self.notes)), ("report".to_owned(), report_json(&self.report))]);
        let metadata = Value::Object(metadata);
        match self.made.take() {
            Some(Made::Automaton(pda, Some(token_ids))) => {
                writer.add_with_token_ids(name, &pda, &metadata.to_string(), token_ids)
            }
            Some(Made::Automaton(pda, None)) => writer.add(name, &pda, &metadata.to_string()),
            Some(Made::Tables(tables)) => writer.add_tables(name, &tables, &metadata.to_string()),
            None => Ok(()),
        }
    }

    /// The report of a grammar for programs.
    pub(super) fn to_json(&self, name: &str) -> Value {
        let mut object = report_json(&self.report);
        object["name"] = name.into();
        object["kind"] = self.about.get("kind").cloned().unwrap_or_default();
        object["notes"] = json!(self.notes);
        object["seconds"] = self.time.as_secs_f64().into();
        object
    }
}
