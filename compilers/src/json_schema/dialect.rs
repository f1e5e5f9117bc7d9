//! Which keywords mean something in a resource: its draft, and the vocabularies of its meta-schema.

use serde_json::Value;

use super::documents::Documents;
use super::keyword::{Draft, Named, Role, Vocabulary, role};

/// A draft with some of its vocabularies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// The draft.
    pub(super) draft: Draft,
    applicator: bool,
    unevaluated: bool,
    validation: bool,
}

/// What is to be said of a `$schema`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Remark {
    /// A draft that is not supported.
    UnsupportedDraft,
    /// No draft, and no document.
    Unknown,
    /// The meta-schema requires a vocabulary that is not known.
    UnknownVocabulary(String),
}

impl Dialect {
    /// All of `draft`.
    pub(super) fn whole(draft: Draft) -> Self {
        Self { draft, applicator: true, unevaluated: true, validation: true }
    }

    /// The dialect that `$schema` calls `uri`, and what is to be said of it; a meta-schema may be among `documents`.
    pub(super) fn named(uri: &str, documents: &Documents) -> (Self, Option<Remark>) {
        let unknown = Self::whole(Draft::Draft2020);
        match Named::from_uri(uri) {
            Named::Draft(draft) => (Self::whole(draft), None),
            Named::Unsupported => (unknown, Some(Remark::UnsupportedDraft)),
            Named::Unknown => match meta_schema(uri, documents) {
                Some(meta_schema) => Self::of_meta_schema(meta_schema),
                None => (unknown, Some(Remark::Unknown)),
            },
        }
    }

    fn of_meta_schema(meta_schema: &Value) -> (Self, Option<Remark>) {
        let draft = match meta_schema.get("$schema").and_then(Value::as_str).map(Named::from_uri) {
            Some(Named::Draft(draft)) => draft,
            _ => Draft::Draft2020,
        };
        let Some(vocabularies) = meta_schema.get("$vocabulary").and_then(Value::as_object) else {
            return (Self::whole(draft), None);
        };
        let mut dialect = Self { draft, applicator: false, unevaluated: false, validation: false };
        let mut remark = None;
        for (uri, required) in vocabularies {
            match Vocabulary::from_uri(uri) {
                Some(Vocabulary::Applicator) => {
                    dialect.applicator = true;
                    // They were one before 2020-12.
                    dialect.unevaluated |= draft < Draft::Draft2020;
                }
                Some(Vocabulary::Unevaluated) => dialect.unevaluated = true,
                Some(Vocabulary::Validation) => dialect.validation = true,
                Some(Vocabulary::Other) => {}
                None if *required == Value::Bool(true) => remark = Some(Remark::UnknownVocabulary(uri.clone())),
                None => {}
            }
        }
        (dialect, remark)
    }

    /// The role of `keyword`.
    pub(super) fn role(self, keyword: &str) -> Role {
        let has_vocabulary = match Vocabulary::of(keyword) {
            Vocabulary::Applicator => self.applicator,
            Vocabulary::Unevaluated => self.unevaluated,
            Vocabulary::Validation => self.validation,
            Vocabulary::Other => true,
        };
        match role(keyword, self.draft) {
            Role::Constraint if !has_vocabulary => Role::Unknown,
            role => role,
        }
    }
}

/// The document that is called `uri` or calls itself so.
fn meta_schema<'d>(uri: &str, documents: &'d Documents) -> Option<&'d Value> {
    let uri = uri.trim_end_matches('#');
    let is_called = |(root, value): &(&str, &Value)| {
        let id = value.get("$id").or_else(|| value.get("id")).and_then(Value::as_str);
        root.trim_end_matches('#') == uri || id.is_some_and(|id| id.trim_end_matches('#') == uri)
    };
    documents.roots().filter(|(root, _)| !root.is_empty()).find(is_called).map(|(_, value)| value)
}
