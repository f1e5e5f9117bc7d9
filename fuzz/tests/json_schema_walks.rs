//! Walks over the masks of the schemas in `fuzz/schemas`: the small form of `json_schema_walks`, for every commit.

use compilers::json_schema::Options;
use grammar_ir::Limits;
use grammarc_fuzz::json_schema::dataset::{self, Case};
use grammarc_fuzz::json_schema::subject::Subject;
use grammarc_fuzz::json_schema::validator::validator;
use grammarc_fuzz::json_schema::walk::{self, Fault, Plan};
use mask_runtime::{Thresholds, Tokenizer, embedded_tiny};
use serde_json::json;

fn cases() -> Vec<Case> {
    dataset::parse(include_str!("../schemas/small.jsonl"), 1).expect("committed")
}

/// Twenty texts of each schema, all valid, and completions of what they begin with.
fn walks_hold(tokenizer: &std::sync::Arc<Tokenizer>, length: u64) {
    let (mut texts, mut completions) = (0, 0);
    let cases = cases();
    for (index, case) in cases.iter().enumerate() {
        let subject = Subject::new(&case.schema, &Options::default(), tokenizer, &Limits::default());
        let Subject::Language(compiled) = subject else { panic!("{}: {subject:?}", case.id) };
        let validator = validator(&case.schema).expect(&case.id);
        let walked = walk::walk(
            &compiled,
            Some(&validator),
            Plan { texts: 20, length, prefixes: 1, seed: index as u64, time: None },
        );
        if let Some(fault) = walked.faults.first() {
            panic!("{}: {fault}", case.id);
        }
        assert_eq!((walked.texts, walked.unguided), (20, 0), "{}", case.id);
        texts += walked.texts;
        completions += walked.completions;
    }
    // The first prefix of each text is completed, and some of those after it.
    assert!(completions > texts, "{completions} completions of {texts} texts");
}

#[test]
fn walks_by_bytes_are_valid_and_can_be_completed() {
    walks_hold(&walk::bytes().expect("valid"), 300);
}

#[test]
fn walks_by_tokens_are_valid_and_can_be_completed() {
    walks_hold(&Tokenizer::new(embedded_tiny()), 100);
}

#[test]
fn walks_by_every_shortcut_are_valid_and_can_be_completed() {
    walks_hold(&Tokenizer::with_thresholds(embedded_tiny(), Thresholds::LEAST), 100);
}

#[test]
fn instances_are_judged_as_they_should_be() {
    let tokenizer = walk::bytes().expect("valid");
    for case in cases() {
        let subject = Subject::new(&case.schema, &Options::default(), &tokenizer, &Limits::default());
        let validator = validator(&case.schema).expect(&case.id);
        for (instance, valid) in case.tests {
            let text = instance.to_string();
            assert_eq!(validator.is_valid(&instance), valid, "the validator on {}: {text}", case.id);
            assert_eq!(subject.accepts(&text), Some(valid), "{}: {text}", case.id);
        }
    }
}

/// The judge would notice: a text that is drawn from another schema than the one it is judged by.
#[test]
fn invalid_texts_are_noticed() {
    let tokenizer = walk::bytes().expect("valid");
    let subject = Subject::new(&json!({"type": "integer"}), &Options::default(), &tokenizer, &Limits::default());
    let Subject::Language(compiled) = subject else { panic!("{subject:?}") };
    let validator = validator(&json!({"type": "integer", "maximum": 5})).expect("valid");
    let plan = Plan { texts: 20, length: 30, prefixes: 1, seed: 1, time: None };
    let walked = walk::walk(&compiled, Some(&validator), plan);
    assert!(walked.faults.iter().any(|fault| matches!(fault, Fault::Invalid(_, why) if why.contains("maximum"))));
}
