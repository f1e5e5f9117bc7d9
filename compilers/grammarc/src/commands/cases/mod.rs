//! `grammarc cases`: runs a corpus of facts about grammars and tells where this implementation differs.
//!
//! ```text
//! line of JSON → case (what is stated) → options (how to compile) → judge (is it so?) ⇄ steps (for matchers) → report
//! ```

mod case;
mod judge;
mod options;
mod report;
mod steps;

use std::io::Write;
use std::path::PathBuf;

use crate::ratchet::{self, Ratchet};
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;
use crate::input;
use crate::limits::LimitSetting;
use crate::output::{Output, Verdict};
use crate::settings::Syntax;
use case::Case;
use judge::Judge;
use report::Report;

const EXAMPLES: &str = "\
Examples:
  grammarc cases cases.jsonl
  grammarc cases cases.jsonl.xz --kind ebnf --kind matcher/ebnf
  grammarc cases cases.jsonl --without-features=attr:,Regex
  grammarc cases cases.jsonl --ratchet verdicts.txt
  grammarc cases cases.jsonl --json | jq 'select(.verdict == \"disagree\")'

Each line of the file is one JSON object; docs/cli.md describes the forms. Exit code 1 says that some case disagrees.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The cases, one JSON object a line; `-` for standard input; *.xz is decompressed
    file: PathBuf,

    /// Run the cases of this kind only, for instance `ebnf` or `matcher/ebnf`; may be repeated
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,

    /// Leave out cases that list features; with NAMES, those with a feature that begins with one of them
    #[arg(long, value_name = "NAMES", value_delimiter = ',', num_args = 0.., require_equals = true,
        default_missing_value = "")]
    without_features: Vec<String>,

    /// Syntax of the cases of kind `regex`
    #[arg(long, value_enum, value_name = "SYNTAX", default_value = "rust")]
    regex_syntax: Syntax,

    /// Bound on each compile, as for `check`
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    limits: Vec<LimitSetting>,

    /// A file with the verdict on each case, which may only get better; then it alone decides about the exit code
    #[arg(long, value_name = "FILE")]
    ratchet: Option<PathBuf>,

    /// Write the verdicts found into the ratchet
    #[arg(long, requires = "ratchet")]
    update: bool,

    /// How many disagreements, refusals and skipped cases to list, each
    #[arg(long, value_name = "N", default_value_t = 20)]
    max_listed: usize,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let text = input::read_text_or_xz(&args.file)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let progress = ProgressBar::new(lines.clone().count() as u64).with_style(style());
    let mut judge = Judge::new(args.regex_syntax.into(), &args.limits);
    let mut report = Report::default();
    let mut verdicts = Ratchet::default();
    for (index, line) in lines {
        let case = Case::parse(line, index + 1)
            .map_err(|message| Failure::Input(format!("{}:{}: {message}", args.file.display(), index + 1)))?;
        progress.inc(1);
        if !is_selected(args, &case) {
            continue;
        }
        let outcome = judge.judge(&case);
        if output.is_json() {
            output.json(&report::row(&case, &outcome))?;
        }
        if let Some(verdict) = outcome.agreement.verdict() {
            verdicts.push(&case.name(), verdict);
        }
        report.add(&case, outcome);
    }
    progress.finish_and_clear();
    if !output.is_json() {
        report.write(args.max_listed, output)?;
        output.flush()?;
    }
    if let Some(path) = &args.ratchet {
        let comparison = ratchet::check(path, &verdicts, args.update)
            .map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?;
        if !output.is_json() {
            write!(output, "{comparison}")?;
        }
        return Ok(Verdict::from_bool(args.update || comparison.holds()));
    }
    Ok(Verdict::from_bool(!report.has_disagreements()))
}

/// A bar that is drawn on a terminal only.
fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {pos}/{len} cases, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn is_selected(args: &Args, case: &Case) -> bool {
    let kind = args.kinds.is_empty() || args.kinds.iter().any(|kind| *kind == case.kind || *kind == case.full_kind());
    let left_out = |feature: &String| args.without_features.iter().any(|name| feature.starts_with(name.as_str()));
    kind && !case.features.iter().any(left_out)
}
