//! One grammar.

use std::sync::Arc;
use std::time::{Duration, Instant};

use compilers::diagnostic::Diagnostics;
use grammar_ir::pda::Pda;
use mask_runtime::Tokenizer;
use mask_runtime::artifact::{ArtifactWriter, TableReport, Tabulated, TabulatedStates, WriteError};
use serde_json::{Value, json};

use super::inputs::Named;
use crate::describe::Bytes;
use crate::pipeline;
use crate::settings::Settings;

/// A grammar that is ready to be written.
pub(super) struct Compiled {
    made: Option<Made>,
    pub(super) notes: Vec<String>,
    pub(super) report: TableReport,
    kind: &'static str,
    time: Duration,
}

enum Made {
    Automaton(Pda),
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
    let pipeline::Compiled { grammar, mut notes } = pipeline::frontend(&named.source, settings, vocabulary)?;
    if grammar.rules().iter().any(|rule| rule.attributes.capture.is_some()) {
        notes.push("what rules with `capture` match is not reported by a grammar from a file".to_owned());
    }
    let pda = pipeline::lower(&pipeline::normalize(grammar, &settings.limits)?, &settings.limits)?;
    let (made, report) = match tokenizer {
        Some(tokenizer) => {
            let compiled = pipeline::bind_automaton(pda, tokenizer.clone())?;
            let missing = pipeline::missing_bytes(&compiled)?;
            if !missing.is_empty() {
                notes.push(format!("the tokenizer has no token for these bytes that it uses: {}", Bytes(&missing)));
            }
            let tables = Tabulated::of(&compiled, states);
            let report = tables.report();
            (Made::Tables(tables), report)
        }
        None => {
            let report = TableReport { states: pda.state_count(), ..TableReport::default() };
            (Made::Automaton(pda), report)
        }
    };
    Ok(Compiled { made: Some(made), notes, report, kind: named.source.kind.name(), time: begin.elapsed() })
}

impl Compiled {
    /// Hands over what was made.
    pub(super) fn write(&mut self, name: &str, writer: &mut ArtifactWriter) -> Result<(), WriteError> {
        let TableReport { states, tabulated, context_free, sets, dependent_tokens } = self.report;
        let metadata = json!({
            "kind": self.kind, "notes": self.notes,
            "report": {
                "states": states, "tabulated": tabulated, "context_free": context_free, "sets": sets,
                "dependent_tokens": dependent_tokens,
            },
        });
        match self.made.take() {
            Some(Made::Automaton(pda)) => writer.add(name, &pda, &metadata.to_string()),
            Some(Made::Tables(tables)) => writer.add_tables(name, &tables, &metadata.to_string()),
            None => Ok(()),
        }
    }

    /// The report of a grammar for programs.
    pub(super) fn to_json(&self, name: &str) -> Value {
        let TableReport { states, tabulated, context_free, sets, dependent_tokens } = self.report;
        json!({
            "name": name, "kind": self.kind, "states": states, "tabulated": tabulated, "context_free": context_free,
            "sets": sets, "dependent_tokens": dependent_tokens, "notes": self.notes,
            "seconds": self.time.as_secs_f64(),
        })
    }
}
