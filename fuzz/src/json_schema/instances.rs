//! Whether the instances of a case are accepted that should be.

use std::sync::Arc;

use compilers::json_schema::Options;
use grammarc::ratchet::Verdict;
use mask_runtime::Tokenizer;

use super::dataset::{self, Case};
use super::subject::{Spellings, Subject};

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

/// Judges all instances of `case`. A valid one that is rejected must be accepted with keys in any order, and an
/// invalid one must be rejected with either. With `lenient`
/// what cannot be enforced is left out, so invalid instances may be accepted. A schema that no
/// instance satisfies is an error of the compile, and counted among the refused ones, as `maskbench` does.
pub fn judge(case: &Case, lenient: bool, tokenizer: &Arc<Tokenizer>) -> Judged {
    let mut options = Options::default();
    options.lenient = lenient;
    let spellings = Spellings::new(&case.schema, &[], options, tokenizer);
    if let Subject::Nameless(reason) = spellings.narrowest() {
        return Judged { verdict: Verdict::Wrong, reasons: vec![reason.clone()] };
    }
    if let Subject::Refused(reason) | Subject::Faulty(reason) = spellings.narrowest() {
        return Judged { verdict: Verdict::Refused, reasons: vec![reason.clone()] };
    }
    if matches!(spellings.narrowest(), Subject::Empty) && case.tests.iter().all(|(_, valid)| !valid) {
        return Judged { verdict: Verdict::Refused, reasons: vec!["no instance can satisfy the schema".to_owned()] };
    }
    let mut reasons = Vec::new();
    for (instance, valid) in &case.tests {
        let text = dataset::text(instance);
        if !spellings.agree(&text, *valid) && (*valid || !lenient) {
            let found = if *valid { "rejects the valid" } else { "accepts the invalid" };
            reasons.push(format!("{found} {}", text.chars().take(SHOWN).collect::<String>()));
        }
    }
    reasons.extend(spellings.refused_choices().into_iter().map(|reason| format!("with keys in any order: {reason}")));
    Judged { verdict: if reasons.is_empty() { Verdict::Pass } else { Verdict::Wrong }, reasons }
}
