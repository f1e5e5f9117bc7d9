//! Whether automata are those of the sources beside them, and the sources those that are given.

use std::sync::Arc;

use compilers::diagnostic::Code;
use grammar_ir::Limits;
use mask_runtime::artifact::{Artifact, ArtifactError};
use mask_runtime::{Tokenizer, Vocabulary};
use serde_json::{Map, Value};

use crate::args::Kind;
use crate::commands::compile::inputs::Named;
use crate::commands::compile::job;
use crate::input::Source;
use crate::pipeline;
use crate::settings::Settings;

/// The program that writes and verifies files.
const MADE_BY: &str = concat!("grammarc ", env!("CARGO_PKG_VERSION"));

/// What the sources in a file are compiled with.
pub(super) struct Sources<'a> {
    artifact: &'a Artifact,
    /// What the file says of itself.
    of_file: Map<String, Value>,
    limits: &'a Limits,
    vocabulary: Option<&'a Vocabulary>,
}

/// What compiling a source again says of the automaton.
pub(super) enum SourceVerdict {
    /// The file does not say what the grammar was compiled from.
    None,
    /// It is the automaton of its source.
    Same,
    /// That cannot be told without a tokenizer, for this reason.
    NeedsTokenizer(String),
    /// It is not, for this reason.
    Different(String),
}

impl<'a> Sources<'a> {
    pub(super) fn new(
        artifact: &'a Artifact,
        limits: &'a Limits,
        tokenizer: Option<&'a Arc<Tokenizer>>,
    ) -> Result<Self, ArtifactError> {
        let vocabulary = tokenizer.map(|tokenizer| tokenizer.vocabulary());
        Ok(Self { artifact, of_file: object(artifact.metadata()?), limits, vocabulary })
    }

    /// Compiles the source of a grammar and compares its automaton with the one in the file.
    pub(super) fn verdict(&self, index: usize) -> Result<SourceVerdict, ArtifactError> {
        let entry = self.artifact.entry(index)?;
        let about = object(entry.metadata);
        let (Some(kind), Some(text)) = (about.get("kind"), about.get("source").and_then(Value::as_str)) else {
            return Ok(SourceVerdict::None);
        };
        let different = |why: String| Ok(SourceVerdict::Different(format!("grammar {:?}: {why}", entry.name)));
        let Some(kind) = kind.as_str().and_then(Kind::of_name) else {
            return different(format!("its source is of the unknown kind {kind}"));
        };
        let options = about.get("options").or(self.of_file.get("options")).unwrap_or(&Value::Null);
        let Some(settings) = Settings::from_description(options, self.limits) else {
            return different(format!(
                "the options that its source was compiled with are none of this version{}; with --no-sources the \
                 automaton is taken as it is",
                self.made_by_another()
            ));
        };
        let source = Source { name: entry.name.to_owned(), text: text.to_owned(), kind };
        let compiled = pipeline::frontend(&source, &settings, self.vocabulary)
            .and_then(|compiled| pipeline::normalize(compiled.grammar, &settings.limits))
            .and_then(|grammar| pipeline::lower(&grammar, &settings.limits));
        match compiled {
            Ok(pda) if pda == self.artifact.automaton(index)? => Ok(SourceVerdict::Same),
            // Without a vocabulary, no token has a name.
            Err(diagnostics)
                if self.vocabulary.is_none() && diagnostics.iter().any(|one| one.code == Code::Undefined) =>
            {
                Ok(SourceVerdict::NeedsTokenizer(format!(
                    "the source of grammar {:?} does not compile without a tokenizer; give the one that it was compiled with \
                     with --tokenizer, or take the automaton as it is with --no-sources: {diagnostics}",
                    entry.name
                )))
            }
            Ok(_) => different(format!("its automaton is not that of its source{}", self.made_by_another())),
            Err(diagnostics) => {
                different(format!("its source does not compile{}: {diagnostics}", self.made_by_another()))
            }
        }
    }

    /// Which version made the file, if it is another one: it may make other automata of the same sources.
    fn made_by_another(&self) -> String {
        match self.of_file.get("made_by") {
            Some(Value::String(maker)) if maker != MADE_BY => format!(" (it was made by {maker}, this is {MADE_BY})"),
            _ => String::new(),
        }
    }
}

/// Where the grammars of a file are not those that are given.
pub(super) fn difference_from(inputs: &[Named], artifact: &Artifact) -> Result<Option<String>, ArtifactError> {
    for named in inputs {
        let place = &named.source.name;
        let Ok(index) = artifact.find(&named.name) else {
            return Ok(Some(format!("grammar {:?} of {place} is not in the file", named.name)));
        };
        let about = object(artifact.entry(index)?.metadata);
        let given = named.stored.as_ref().map_or_else(|| job::about(&named.source), |stored| stored.about.clone());
        if ["kind", "source"].iter().any(|&name| about.get(name) != given.get(name)) {
            return Ok(Some(format!("grammar {:?} was compiled from another source than that in {place}", named.name)));
        }
        if let Some(stored) = &named.stored
            && stored.pda != artifact.automaton(index)?
        {
            return Ok(Some(format!("grammar {:?} has another automaton than that in {place}", named.name)));
        }
    }
    for index in 0..artifact.len() {
        let name = artifact.entry(index)?.name;
        if inputs.iter().all(|named| named.name != name) {
            return Ok(Some(format!("grammar {name:?} is in none of the inputs")));
        }
    }
    Ok(None)
}

/// What is said, as far as it is JSON.
pub(super) fn object(metadata: &str) -> Map<String, Value> {
    serde_json::from_str(metadata).ok().and_then(|value: Value| value.as_object().cloned()).unwrap_or_default()
}
