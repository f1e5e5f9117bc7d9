//! What became of the cases.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::case::Case;
use super::judge::{Agreement, Outcome};
use crate::output::{BAD, DIM, GOOD, HEADING, WARN};

/// The row of a case for programs.
pub(super) fn row(case: &Case, outcome: &Outcome) -> Value {
    let mut row = json!({
        "line": case.line, "kind": case.kind, "verdict": outcome.agreement.name(), "expected": outcome.expected,
        "got": outcome.got,
    });
    if case.grammar_kind != case.kind {
        row["grammar_kind"] = case.grammar_kind.as_str().into();
    }
    if let Some(reason) = &outcome.reason {
        row["reason"] = reason.as_str().into();
    }
    if let Some(origin) = &case.origin {
        row["origin"] = origin.as_str().into();
    }
    row
}

/// Counts by kind, and what to tell of the cases that do not agree.
#[derive(Default)]
pub(super) struct Report {
    counts: BTreeMap<String, [usize; 4]>,
    listed: BTreeMap<Agreement, Vec<String>>,
}

/// The longest part of a reason that is shown.
const SHOWN_REASON: usize = 300;

impl Report {
    pub(super) fn add(&mut self, case: &Case, outcome: Outcome) {
        self.counts.entry(case.full_kind()).or_default()[outcome.agreement as usize] += 1;
        if outcome.agreement == Agreement::Agree {
            return;
        }
        let mut text = format!("line {}, {}: ", case.line, case.full_kind());
        if outcome.agreement == Agreement::Disagree {
            text.push_str(&format!("expected {}, got {}", outcome.expected, outcome.got));
        }
        if let Some(reason) = &outcome.reason {
            let separator = if outcome.agreement == Agreement::Disagree { "; " } else { "" };
            text.extend(separator.chars().chain(reason.chars().take(SHOWN_REASON)));
        }
        self.listed.entry(outcome.agreement).or_default().push(text);
    }

    pub(super) fn has_disagreements(&self) -> bool {
        self.listed.contains_key(&Agreement::Disagree)
    }

    pub(super) fn write(&self, max_listed: usize, output: &mut impl Write) -> io::Result<()> {
        for (agreement, style) in [(Agreement::Skipped, DIM), (Agreement::Refused, WARN), (Agreement::Disagree, BAD)] {
            let texts = self.listed.get(&agreement).map_or(&[][..], Vec::as_slice);
            for text in texts.iter().take(max_listed) {
                writeln!(output, "{style}{}{style:#} {text}", agreement.name())?;
            }
            if texts.len() > max_listed {
                let more = texts.len() - max_listed;
                writeln!(output, "{DIM}… and {more} more {}; --max-listed N lists N{DIM:#}", agreement.name())?;
            }
        }
        let width = self.counts.keys().map(String::len).max().unwrap_or(0).max("total".len());
        write!(output, "{HEADING}{:width$}", "kind")?;
        for agreement in Agreement::ALL {
            write!(output, "  {:>8}", agreement.name())?;
        }
        writeln!(output, "{HEADING:#}")?;
        let mut total = [0; 4];
        for (kind, counts) in &self.counts {
            write_counts(kind, *counts, width, output)?;
            total.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        write_counts("total", total, width, output)
    }
}

fn write_counts(kind: &str, counts: [usize; 4], width: usize, output: &mut impl Write) -> io::Result<()> {
    write!(output, "{kind:width$}")?;
    for (count, style) in counts.into_iter().zip([GOOD, BAD, WARN, DIM]) {
        let style = if count == 0 { DIM } else { style };
        write!(output, "  {style}{count:>8}{style:#}")?;
    }
    writeln!(output)
}
