//! Whether what a case states is so.

use std::sync::Arc;

use crate::ratchet::Verdict;
use compilers::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use compilers::{gbnf, json_schema, regex};
use mask_runtime::{CompiledGrammar, Matcher};
use serde_json::{Value, json};

use super::case::{Case, Fact};
use super::options::{Plan, plan, text};
use super::steps;
use crate::args::Kind;
use crate::failure::is_refusal;
use crate::input::Source;
use crate::limits::{LimitSetting, limits};
use crate::pipeline;
use crate::rejection;
use crate::settings::Settings;

/// How a case came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Agreement {
    /// It is as stated.
    Agree,
    /// It is not.
    Disagree,
    /// This implementation refuses the grammar, an option, or a question.
    Refused,
    /// Not of a kind that is run.
    Skipped,
}

impl Agreement {
    pub(super) const ALL: [Self; 4] = [Self::Agree, Self::Disagree, Self::Refused, Self::Skipped];

    /// As a verdict in a ratchet; cases that are not run have none.
    pub(super) fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Agree => Some(Verdict::Pass),
            Self::Disagree => Some(Verdict::Wrong),
            Self::Refused => Some(Verdict::Refused),
            Self::Skipped => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Disagree => "disagree",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }
}

/// How a case came out, with what was found.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) agreement: Agreement,
    /// What the case states.
    pub(super) expected: Value,
    /// What was found.
    pub(super) got: Value,
    /// In words, unless the two values say it all.
    pub(super) reason: Option<String>,
}

impl Outcome {
    pub(super) fn compare(expected: Value, got: Value, reason: Option<String>) -> Self {
        let agreement = if expected == got { Agreement::Agree } else { Agreement::Disagree };
        Self { agreement, expected, got, reason }
    }

    pub(super) fn without_verdict(agreement: Agreement, expected: Value, reason: String) -> Self {
        Self { agreement, expected, got: Value::Null, reason: Some(reason) }
    }
}

/// Judges cases one after the other. Neighbours often share their grammar, which is then compiled once.
pub(super) struct Judge {
    base: Settings,
    last: Option<Compiled>,
}

struct Compiled {
    kind: Kind,
    grammar: String,
    root: Option<String>,
    options: serde_json::Map<String, Value>,
    result: Result<Arc<CompiledGrammar>, Diagnostics>,
}

impl Judge {
    pub(super) fn new(syntax: regex::Syntax, settings: &[LimitSetting]) -> Self {
        let base = Settings {
            gbnf: gbnf::Options::default(),
            regex: regex::Options::new(syntax),
            json_schema: json_schema::Options::exact(),
            documents: Vec::new(),
            limits: limits(settings),
        };
        Self { base, last: None }
    }

    pub(super) fn judge(&mut self, case: &Case) -> Outcome {
        let expected = expectation(&case.fact);
        let (kind, settings) = match plan(case, &self.base) {
            Plan::Compile(kind, settings) => (kind, settings),
            Plan::Skip(reason) => return Outcome::without_verdict(Agreement::Skipped, expected, reason),
            Plan::Refuse(reason) => return Outcome::without_verdict(Agreement::Refused, expected, reason),
        };
        let source = Source { name: String::new(), text: text(case).into_owned(), kind };
        if let Fact::Steps(stated) = &case.fact {
            return match steps::compile(&source, &settings, stated) {
                Ok(matcher) => steps::run(matcher, stated),
                Err(steps::Fault::Grammar(diagnostics)) => not_compiled(&case.fact, expected, &diagnostics),
                Err(steps::Fault::Options(reason)) => Outcome::without_verdict(Agreement::Refused, expected, reason),
            };
        }
        match self.compile(case, source, &settings) {
            Ok(compiled) => compare(&case.fact, expected, compiled),
            Err(diagnostics) => not_compiled(&case.fact, expected, diagnostics),
        }
    }

    fn compile(
        &mut self,
        case: &Case,
        source: Source,
        settings: &Settings,
    ) -> Result<&Arc<CompiledGrammar>, &Diagnostics> {
        let known = self.last.take().filter(|last| {
            last.kind == source.kind
                && last.grammar == source.text
                && last.root == case.root
                && last.options == case.options
        });
        let compiled = known.unwrap_or_else(|| Compiled {
            kind: source.kind,
            result: pipeline::frontend(&source, settings, None)
                .and_then(|compiled| pipeline::bind_to_bytes(compiled.grammar, settings)),
            grammar: source.text,
            root: case.root.clone(),
            options: case.options.clone(),
        });
        self.last.insert(compiled).result.as_ref()
    }
}

/// What a case states, for reports.
fn expectation(fact: &Fact) -> Value {
    match fact {
        Fact::Accepted { accepted, .. } => json!({"accepted": accepted}),
        Fact::DeadPrefix(_) => json!({"dead_prefix": true}),
        Fact::CompileError => json!({"compiles": false}),
        Fact::Compiles => json!({"compiles": true}),
        Fact::Steps(_) => json!({"steps": "as stated"}),
    }
}

fn compare(fact: &Fact, expected: Value, compiled: &Arc<CompiledGrammar>) -> Outcome {
    let mut matcher = Matcher::new(compiled.clone());
    let got = match fact {
        Fact::Accepted { input, .. } => rejection::read(&mut matcher, input).map(|rejection| match rejection {
            Some(rejection) => (json!({"accepted": false}), Some(format!("rejected at byte {}", rejection.offset))),
            None if matcher.is_complete() => (json!({"accepted": true}), None),
            None => (json!({"accepted": false}), Some("not complete at the end of the input".to_owned())),
        }),
        Fact::DeadPrefix(input) => {
            rejection::read(&mut matcher, input).map(|rejection| (json!({"dead_prefix": rejection.is_some()}), None))
        }
        Fact::CompileError | Fact::Compiles | Fact::Steps(_) => Ok((json!({"compiles": true}), None)),
    };
    match got {
        Ok((got, reason)) => Outcome::compare(expected, got, reason),
        Err(failure) => Outcome::without_verdict(Agreement::Refused, expected, failure.to_string()),
    }
}

fn not_compiled(fact: &Fact, expected: Value, diagnostics: &Diagnostics) -> Outcome {
    let reason = Some(diagnostics.to_string());
    if matches!(fact, Fact::CompileError) {
        // A limit is of no place; whatever else is wrong stands somewhere.
        let has_place = |it: &Diagnostic| it.code == Code::Limit || !matches!(it.place, Place::Whole);
        let got = match diagnostics.iter().all(has_place) {
            true => json!({"compiles": false}),
            false => json!({"compiles": false, "place": null}),
        };
        return Outcome::compare(expected, got, reason);
    }
    if is_refusal(diagnostics) {
        return Outcome::without_verdict(Agreement::Refused, expected, diagnostics.to_string());
    }
    // A language without words rejects every text, and no text begins one.
    let empty_language = diagnostics.iter().all(|diagnostic| diagnostic.code == Code::Unsatisfiable);
    let got = match fact {
        Fact::Accepted { .. } if empty_language => json!({"accepted": false}),
        Fact::DeadPrefix(_) if empty_language => json!({"dead_prefix": true}),
        _ => json!({"compiles": false}),
    };
    Outcome::compare(expected, got, reason)
}
