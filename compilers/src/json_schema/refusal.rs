//! The diagnostics of one compile, each said once.

use rustc_hash::FxHashSet;

use super::pointer;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// Collects diagnostics, so that one compile names every problem.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    list: Vec<Diagnostic>,
    seen: FxHashSet<String>,
}

/// What to do about a keyword that is refused.
const HELP: &str = "remove the keyword if it need not be enforced, or state the constraint with the keywords that \
                    docs/json-schema.md lists as exact";

impl Refusals {
    /// `keyword` of the schema at `schema` cannot be enforced exactly, for `reason`.
    pub(super) fn unsupported(&mut self, schema: &str, keyword: &str, reason: impl AsRef<str>) {
        let message = format!("`{keyword}` cannot be enforced exactly: {}", reason.as_ref());
        self.push(Code::Unsupported, pointer::push(schema, keyword), message, Some(HELP));
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

    /// `Ok` when nothing was refused.
    pub(super) fn into_result(self) -> Result<(), Diagnostics> {
        if self.list.is_empty() { Ok(()) } else { Err(self.list.into()) }
    }
}
