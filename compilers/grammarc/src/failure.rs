//! Why a command could not do its work.

use std::path::PathBuf;

use crate::sample::WalkError;
use compilers::diagnostic::{Code, Diagnostics, Place, line_and_column};
use mask_runtime::artifact::ArtifactError;
use mask_runtime::{FillError, VocabularyError};
use serde_json::{Value, json};

use crate::input::Source;
use crate::output::{BAD, Verdict};

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The grammar is at fault or refused.
    #[error("{diagnostics}")]
    Grammar {
        /// The text.
        source_text: Box<Source>,
        /// What is wrong with it.
        diagnostics: Diagnostics,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file of compiled grammars cannot be used.
    #[error("{} cannot be used: {error}", path.display())]
    Artifact {
        /// The file.
        path: PathBuf,
        /// Why.
        error: Box<ArtifactError>,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// An input is not what it has to be.
    #[error("{0}")]
    Input(String),
    /// The tokenizer cannot be used.
    #[error("the tokenizer cannot be used: {0}")]
    Tokenizer(#[from] VocabularyError),
    /// There is no mask.
    #[error("{0}")]
    Mask(#[from] FillError),
    /// What was asked for is not supported, or met a limit.
    #[error("{0}")]
    Refused(String),
    /// The result cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] std::io::Error),
}

impl From<WalkError> for Failure {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Fill(error) => Self::Mask(error),
            WalkError::Accept(error) => Self::Refused(error.to_string()),
        }
    }
}

impl Failure {
    /// The failure as an answer.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Grammar { diagnostics, .. } if is_refusal(diagnostics) => Verdict::Refused,
            Self::Mask(FillError::StackLimit { .. }) | Self::Refused(_) => Verdict::Refused,
            _ => Verdict::BadInput,
        }
    }

    /// For people, several lines.
    pub(crate) fn render(&self) -> String {
        match self {
            Self::Grammar { source_text, diagnostics } => {
                diagnostics.render(&source_text.name, &source_text.text).to_string()
            }
            other => format!("{BAD}error{BAD:#}: {other}\n"),
        }
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Grammar { source_text, diagnostics } => {
                json!({"error": self.to_string(), "diagnostics": diagnostics_json(diagnostics, &source_text.text)})
            }
            other => json!({"error": other.to_string()}),
        }
    }
}

/// Whether the source may be right, and only cannot be compiled: unsupported features or limits, nothing else.
pub(crate) fn is_refusal(diagnostics: &Diagnostics) -> bool {
    diagnostics.iter().all(|diagnostic| matches!(diagnostic.code, Code::Unsupported | Code::Limit))
}

/// Diagnostics for programs.
pub(crate) fn diagnostics_json(diagnostics: &Diagnostics, source: &str) -> Value {
    let one = |diagnostic: &compilers::diagnostic::Diagnostic| {
        let mut object = json!({"code": diagnostic.code.as_str(), "message": diagnostic.message});
        match &diagnostic.place {
            Place::Span(span) => {
                let (line, column) = line_and_column(source, span.start);
                object["span"] = json!([span.start, span.end]);
                object["line"] = line.into();
                object["column"] = column.into();
            }
            Place::Pointer(pointer) => object["pointer"] = pointer.as_str().into(),
            Place::Whole => {}
        }
        if let Some(help) = &diagnostic.help {
            object["help"] = help.as_str().into();
        }
        object
    };
    diagnostics.iter().map(one).collect()
}
