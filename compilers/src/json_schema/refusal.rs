//! The diagnostics of one compile, each said once.

use rustc_hash::FxHashSet;

use super::options::Relaxation;
use super::pointer;
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

/// `keyword` of the schema at `schema` meets a limit, for `reason`.
pub(super) fn limit(schema: &str, keyword: &str, reason: &str) -> Diagnostic {
    let message = format!("`{keyword}` meets a limit: {reason}");
    Diagnostic::new(Code::Limit, Place::Pointer(pointer::push(schema, keyword)), message).with_help(LIMIT_HELP)
}

impl Refusals {
    /// No refusals; `lenient` says whether a keyword that cannot be enforced is one.
    pub(super) fn new(lenient: bool) -> Self {
        Self { lenient, ..Self::default() }
    }

    /// `keyword` of the schema at `schema` cannot be enforced exactly, for `reason`. The caller goes on with a superset.
    pub(super) fn unsupported(&mut self, schema: &str, keyword: &str, reason: impl AsRef<str>) {
        if self.lenient {
            let pointer = pointer::push(schema, keyword);
            if self.seen.insert(format!("{}{pointer}", Code::Unsupported.as_str())) {
                let reason = reason.as_ref().to_owned();
                self.relaxations.push(Relaxation { pointer, keyword: keyword.to_owned(), reason });
            }
            return;
        }
        let message = format!("`{keyword}` cannot be enforced exactly: {}", reason.as_ref());
        self.push(Code::Unsupported, pointer::push(schema, keyword), message, Some(HELP));
    }

    /// `keyword` of the schema at `schema` meets a limit, for `reason`.
    pub(super) fn limit(&mut self, schema: &str, keyword: &str, reason: impl AsRef<str>) {
        let Diagnostic { code, place, message, help } = limit(schema, keyword, reason.as_ref());
        if let Place::Pointer(place) = place {
            self.push(code, place, message, help.as_deref());
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
