//! The diagnostics of one compile, each said once.

use rustc_hash::FxHashSet;

use super::ast::Schema;
use super::named_keyword::named;
use super::options::Relaxation;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// Collects diagnostics, so that one compile names every problem.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    list: Vec<Diagnostic>,
    seen: FxHashSet<String>,
    /// Whether what cannot be enforced is left out instead.
    lenient: bool,
    relaxations: Vec<Relaxation>,
}

/// What to do about a keyword that is refused.
const HELP: &str = "remove the keyword if it need not be enforced, or state the constraint with the keywords that \
                    docs/json-schema.md lists as exact";

/// What to do about a limit.
const LIMIT_HELP: &str = "make the schema smaller there, or combine fewer branches";

/// What `keyword` stands for in `schema` meets a limit, for `reason`.
pub(super) fn limit(schema: &Schema, keyword: &str, reason: &str) -> Diagnostic {
    let (place, name) = named(schema, keyword);
    limit_at(place, &name, reason)
}

fn limit_at(place: String, keyword: &str, reason: &str) -> Diagnostic {
    let subject = if keyword.is_empty() { "the schema".to_owned() } else { format!("`{keyword}`") };
    Diagnostic::new(Code::Limit, Place::Pointer(place), format!("{subject} meets a limit: {reason}"))
        .with_help(LIMIT_HELP)
}

impl Refusals {
    /// No refusals; `lenient` says whether a keyword that cannot be enforced is one.
    pub(super) fn new(lenient: bool) -> Self {
        Self { lenient, ..Self::default() }
    }

    /// Whether what cannot be enforced is left out.
    pub(super) fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// What `keyword` stands for in `schema` cannot be enforced exactly, for `reason`. The caller goes on with a superset.
    pub(super) fn unsupported(&mut self, schema: &Schema, keyword: &str, reason: impl AsRef<str>) {
        let (place, name) = named(schema, keyword);
        self.unsupported_at(place, &name, reason.as_ref());
    }

    /// The same for the keyword at `place`.
    pub(super) fn unsupported_at(&mut self, place: String, keyword: &str, reason: &str) {
        if self.lenient {
            return self.relax(place, keyword, reason);
        }
        let message = format!("`{keyword}` cannot be enforced exactly: {reason}");
        self.push(Code::Unsupported, place, message, Some(HELP));
    }

    /// What `keyword` stands for in `schema` meets a limit, for `reason`. If this is lenient, the caller goes on with a
    /// superset.
    pub(super) fn limit(&mut self, schema: &Schema, keyword: &str, reason: impl AsRef<str>) {
        let (place, name) = named(schema, keyword);
        if self.lenient {
            return self.relax(place, &name, reason.as_ref());
        }
        self.limit_at(place, &name, reason.as_ref());
    }

    /// The keyword at `place` meets a limit, for `reason`, and cannot be left out.
    pub(super) fn limit_at(&mut self, place: String, keyword: &str, reason: &str) {
        let Diagnostic { code, place, message, help } = limit_at(place, keyword, reason);
        if let Place::Pointer(place) = place {
            self.push(code, place, message, help.as_deref());
        }
    }

    fn relax(&mut self, pointer: String, keyword: &str, reason: &str) {
        if self.seen.insert(format!("{}{pointer}", Code::Unsupported.as_str())) {
            let (keyword, reason) = (keyword.to_owned(), reason.to_owned());
            self.relaxations.push(Relaxation { pointer, keyword, reason });
        }
    }

    /// The value at `place` is not what the standard allows there.
    pub(super) fn invalid(&mut self, place: String, message: impl Into<String>) {
        self.push(Code::Invalid, place, message.into(), None);
    }

    /// Adds a diagnostic unless the same code was already said about the same place.
    pub(super) fn push(&mut self, code: Code, place: String, message: String, help: Option<&str>) {
        if self.seen.insert(format!("{}{place}", code.as_str())) {
            let diagnostic = Diagnostic::new(code, Place::Pointer(place), message);
            self.list.push(match help {
                Some(help) => diagnostic.with_help(help),
                None => diagnostic,
            });
        }
    }

    /// What was left out, when nothing was refused.
    pub(super) fn into_result(self) -> Result<Vec<Relaxation>, Diagnostics> {
        if self.list.is_empty() { Ok(self.relaxations) } else { Err(self.list.into()) }
    }
}
