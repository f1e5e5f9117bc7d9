//! The engine, as the judges ask it.

use std::sync::Arc;
use std::time::Duration;

use compilers::diagnostic::{Code, Diagnostics};
use compilers::json_schema::{Options, compile};
use grammar_ir::Limits;
use mask_runtime::{BindError, CompiledGrammar, Matcher, Tokenizer};
use serde_json::Value;

/// The default limits with a minute for each half of a compile, so that verdicts do not depend on what else the machine
/// does. That compiles are quick is for `maskbench` to show.
pub fn limits() -> Limits {
    Limits { time: Some(Duration::from_secs(60)), ..Limits::default() }
}

/// What became of a schema.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The language of the schema.
    Language(Arc<CompiledGrammar>),
    /// There is no valid instance.
    Empty,
    /// It cannot be enforced exactly, or met a limit: why.
    Refused(String),
    /// It is said to be no schema: why.
    Faulty(String),
}

impl Subject {
    /// Compiles `schema` for `tokenizer`.
    pub fn new(schema: &Value, options: &Options, tokenizer: &Arc<Tokenizer>, limits: &Limits) -> Self {
        let compiled = match compile(&schema.to_string(), options, limits) {
            Ok(compiled) => compiled,
            Err(diagnostics) => return Self::from_diagnostics(&diagnostics),
        };
        match CompiledGrammar::new(&compiled.grammar, Arc::clone(tokenizer), limits) {
            Ok(compiled) => Self::Language(compiled),
            Err(BindError::Lower(error)) => Self::Refused(error.to_string()),
            Err(error) => Self::Faulty(error.to_string()),
        }
    }

    fn from_diagnostics(diagnostics: &Diagnostics) -> Self {
        let all = |code: fn(Code) -> bool| diagnostics.iter().all(|diagnostic| code(diagnostic.code));
        if all(|code| code == Code::Unsatisfiable) {
            Self::Empty
        } else if all(|code| matches!(code, Code::Unsupported | Code::Limit)) {
            Self::Refused(diagnostics.to_string())
        } else {
            Self::Faulty(diagnostics.to_string())
        }
    }

    /// Whether `text` is in the language; `None` if there is no language to ask.
    pub fn accepts(&self, text: &str) -> Option<bool> {
        match self {
            Self::Language(compiled) => {
                let mut matcher = Matcher::new(Arc::clone(compiled));
                Some(matcher.accept_bytes(text.as_bytes()).is_ok() && matcher.is_complete())
            }
            Self::Empty => Some(false),
            Self::Refused(_) | Self::Faulty(_) => None,
        }
    }
}
