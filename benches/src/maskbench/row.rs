//! The result of one engine on one schema, as it is written to the rows file.

use grammarc::ratchet::Verdict;
use serde::{Deserialize, Serialize};

/// The result of one engine on one schema. Times are in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) engine: String,
    /// From the text of the schema to the first mask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ttfm_us: Option<f64>,
    /// Back to the start, once per instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) reset_us: Vec<f64>,
    /// Mask and accept, for every token of every instance up to its rejection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) mask_us: Vec<f64>,
    /// Valid instances accepted to the end.
    pub(super) ok_valid: usize,
    /// Valid instances rejected for the order of their members alone: accepted where members come in any order.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) ok_any_order: usize,
    /// Invalid instances rejected somewhere.
    pub(super) ok_invalid: usize,
    /// Valid instances rejected: which, and where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) validation_errors: Vec<(usize, String)>,
    /// Invalid instances accepted: which, and their text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) invalidation_errors: Vec<(usize, String)>,
    /// The engine does not take the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) compile_error: Option<String>,
    /// The engine crashed, or was stopped at a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) crash: Option<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What a row comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Passing,
    Refused,
    Crashed,
    Wrong,
}

impl Outcome {
    /// As a verdict in a ratchet.
    pub(super) fn verdict(self) -> Verdict {
        match self {
            Self::Passing => Verdict::Pass,
            Self::Refused => Verdict::Refused,
            Self::Wrong => Verdict::Wrong,
            Self::Crashed => Verdict::Crashed,
        }
    }
}

impl Row {
    pub(super) fn outcome(&self) -> Outcome {
        if self.crash.is_some() {
            Outcome::Crashed
        } else if self.compile_error.is_some() {
            Outcome::Refused
        } else if self.validation_errors.is_empty() && self.invalidation_errors.is_empty() {
            Outcome::Passing
        } else {
            Outcome::Wrong
        }
    }

    /// Whether the engine took the schema and lived: its times can be compared.
    pub(super) fn is_timed(&self) -> bool {
        matches!(self.outcome(), Outcome::Passing | Outcome::Wrong)
    }
}
