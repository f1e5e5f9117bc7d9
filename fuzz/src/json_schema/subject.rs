//! The engine, as the judges ask it.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use compilers::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use compilers::json_schema::{Digits, Document, KeyOrder, Options, compile_with_documents};
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
    /// It is refused, and not told by which keyword at which place.
    Nameless(String),
}

impl Subject {
    /// Compiles `schema` for `tokenizer`.
    pub fn new(schema: &Value, options: &Options, tokenizer: &Arc<Tokenizer>, limits: &Limits) -> Self {
        Self::with_documents(schema, &[], options, tokenizer, limits)
    }

    /// Compiles `schema`, which may refer to `documents`, for `tokenizer`.
    pub fn with_documents(
        schema: &Value,
        documents: &[Document<'_>],
        options: &Options,
        tokenizer: &Arc<Tokenizer>,
        limits: &Limits,
    ) -> Self {
        let compiled = match compile_with_documents(&schema.to_string(), documents, options, limits) {
            Ok(compiled) => compiled,
            Err(diagnostics) => return Self::from_diagnostics(&diagnostics, schema, documents),
        };
        match CompiledGrammar::new(&compiled.grammar, Arc::clone(tokenizer), limits) {
            Ok(compiled) => Self::Language(compiled),
            Err(BindError::Lower(error)) => Self::Refused(error.to_string()),
            Err(error) => Self::Faulty(error.to_string()),
        }
    }

    fn from_diagnostics(diagnostics: &Diagnostics, schema: &Value, documents: &[Document<'_>]) -> Self {
        if let Some(nameless) = diagnostics.iter().find(|diagnostic| !is_named(diagnostic, schema, documents)) {
            return Self::Nameless(format!("a refusal that names no keyword at its place: {nameless:?}"));
        }
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
            Self::Refused(_) | Self::Faulty(_) | Self::Nameless(_) => None,
        }
    }
}

/// Whether a refusal has a place in the schema or in a document, and names the keyword at it, so that its reader knows what
/// to change. A schema that is `false` has none. The drafts' meta-schemas, which come with the compiler, are not looked into.
fn is_named(diagnostic: &Diagnostic, schema: &Value, documents: &[Document<'_>]) -> bool {
    let Place::Pointer(place) = &diagnostic.place else { return false };
    let exists = match place.split_once('#') {
        Some((uri, pointer)) if !place.starts_with('/') => {
            let document = documents.iter().find(|document| document.uri.split('#').next() == Some(uri));
            document.map_or(uri.contains("://json-schema.org/"), |document| {
                let document: Option<Value> = serde_json::from_str(document.source).ok();
                document.is_some_and(|document| document.pointer(pointer).is_some())
            })
        }
        _ => schema.pointer(place).is_some(),
    };
    let keyword = place.rsplit('/').next().unwrap_or_default();
    exists
        && match diagnostic.code {
            // A schema that is `true` has no keyword to name.
            Code::Limit if place.is_empty() && schema.is_boolean() => true,
            Code::Unsupported | Code::Limit => diagnostic.message.contains(&format!("`{keyword}`")),
            Code::Unsatisfiable => diagnostic.message.contains('`'),
            _ => true,
        }
}

/// A schema under some options and, once a valid instance asks for it, with a wider choice of spellings.
pub struct Spellings<'a> {
    schema: &'a Value,
    documents: &'a [Document<'a>],
    tokenizer: &'a Arc<Tokenizer>,
    /// The narrowest first.
    choices: Vec<(Options, OnceCell<Subject>)>,
}

impl<'a> Spellings<'a> {
    /// `schema` under `options`; then with keys in any order, which alone may keep an instance out.
    pub fn new(
        schema: &'a Value,
        documents: &'a [Document<'a>],
        options: Options,
        tokenizer: &'a Arc<Tokenizer>,
    ) -> Self {
        let mut any_order = options.clone();
        any_order.key_order = KeyOrder::Any;
        let choices = [options, any_order].map(|options| (options, OnceCell::new()));
        Self { schema, documents, tokenizer, choices: choices.into() }
    }

    /// The same, and then with unbounded digits as well.
    pub fn with_digits(
        schema: &'a Value,
        documents: &'a [Document<'a>],
        options: Options,
        tokenizer: &'a Arc<Tokenizer>,
    ) -> Self {
        let mut unbounded = options.clone();
        unbounded.numbers = Digits::Unbounded;
        let mut spellings = Self::new(schema, documents, options, tokenizer);
        spellings.choices.extend(Self::new(schema, documents, unbounded, tokenizer).choices);
        spellings
    }

    fn subject(&self, choice: usize) -> &Subject {
        let (options, subject) = &self.choices[choice];
        subject.get_or_init(|| Subject::with_documents(self.schema, self.documents, options, self.tokenizer, &limits()))
    }

    /// The schema under the options as they are.
    pub fn narrowest(&self) -> &Subject {
        self.subject(0)
    }

    /// Why the wider choices that were asked for are not there.
    pub fn refused_choices(&self) -> Vec<&str> {
        let asked = self.choices[1..].iter().filter_map(|(_, subject)| subject.get());
        asked
            .filter_map(|subject| match subject {
                Subject::Refused(reason) | Subject::Faulty(reason) | Subject::Nameless(reason) => Some(reason.as_str()),
                Subject::Language(_) | Subject::Empty => None,
            })
            .collect()
    }

    /// Whether `text` gets the verdict that it should: a valid one is in the language for some choice of spellings, an
    /// invalid one for none.
    pub fn agree(&self, text: &str, valid: bool) -> bool {
        (0..self.choices.len()).any(|choice| self.subject(choice).accepts(text) == Some(true)) == valid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_is_named_where_its_keyword_stands() {
        let schema = json!({"properties": {"a": {"const": 1}}});
        let named = |place: &str, message: &str| {
            let diagnostic = Diagnostic::new(Code::Unsupported, Place::Pointer(place.to_owned()), message.to_owned());
            let documents = [Document { uri: "http://x/y", source: r#"{"not": {}}"# }];
            is_named(&diagnostic, &schema, &documents)
        };
        assert!(named("/properties/a/const", "`const` is too much"));
        assert!(named("http://x/y#/not", "`not` is too much"));
        assert!(!named("/properties/a/const", "`enum` is too much"));
        assert!(!named("/properties/a/enum", "`enum` is too much"));
        assert!(!named("http://x/y#/if", "`if` is too much"));
        assert!(!named("http://x/z#/not", "`not` is too much"));
    }
}
