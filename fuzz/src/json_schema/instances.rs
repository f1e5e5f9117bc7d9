//! Whether the instances of a case are accepted that should be.

use std::sync::Arc;

use compilers::json_schema::Options;
use grammarc::ratchet::Verdict;
use mask_runtime::Tokenizer;

use super::dataset::Case;
use super::subject::{Subject, limits};

/// What became of a case.
#[derive(Debug, Clone)]
pub struct Judged {
    /// How it came out.
    pub verdict: Verdict,
    /// What was found, if it was not to be.
    pub reasons: Vec<String>,
}

/// The longest part of an instance that is shown.
const SHOWN: usize = 300;

/// Judges all instances of `case`. With `lenient` what cannot be enforced is left out, so invalid instances may be
/// accepted.
pub fn judge(case: &Case, lenient: bool, tokenizer: &Arc<Tokenizer>) -> Judged {
    let mut options = Options::default();
    options.lenient = lenient;
    let subject = Subject::new(&case.schema, &options, tokenizer, &limits());
    if let Subject::Refused(reason) | Subject::Faulty(reason) = subject {
        return Judged { verdict: Verdict::Refused, reasons: vec![reason] };
    }
    let mut reasons = Vec::new();
    for (instance, valid) in &case.tests {
        let text = instance.to_string();
        let accepted = subject.accepts(&text) == Some(true);
        if accepted != *valid && !(lenient && accepted) {
            let found = if accepted { "accepts the invalid" } else { "rejects the valid" };
            reasons.push(format!("{found} {}", text.chars().take(SHOWN).collect::<String>()));
        }
    }
    Judged { verdict: if reasons.is_empty() { Verdict::Pass } else { Verdict::Wrong }, reasons }
}
