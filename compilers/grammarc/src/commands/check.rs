//! `grammarc check`: diagnose a grammar.

use std::io::Write;

use serde_json::json;

use crate::args::{GrammarArgs, TokenizerArgs};
use crate::failure::{Failure, diagnostics_json, is_refusal};
use crate::output::{GOOD, Output, Verdict, WARN};
use crate::settings::Settings;
use crate::{input, pipeline, tokenizer};

const EXAMPLES: &str = "\
Examples:
  grammarc check grammar.gbnf
  grammarc check --json schema.json
  cat grammar.gbnf | grammarc check --kind gbnf -

Exit code 1 says that the grammar is at fault, 3 that it is refused: it uses something unsupported, or met a limit.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    grammar: GrammarArgs,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let source = input::load(&args.grammar)?;
    let vocabulary = tokenizer::load_if_named(&args.tokenizer)?;
    let settings = Settings::from(&args.grammar.options);
    let limits = &settings.limits;
    let checked = pipeline::frontend(&source, &settings, vocabulary.as_ref()).and_then(|compiled| {
        let rules = compiled.grammar.rules().len();
        let pda = pipeline::lower(&pipeline::normalize(compiled.grammar, limits)?, limits)?;
        Ok((rules, compiled.notes, pda))
    });
    match checked {
        Ok((rules, notes, pda)) => {
            let (procedures, states) = (pda.procedures().len(), pda.state_count());
            if output.is_json() {
                output.json(&json!({
                    "ok": true, "kind": source.kind.name(), "rules": rules, "procedures": procedures, "states": states,
                    "notes": notes, "diagnostics": [],
                }))?;
            } else {
                for note in &notes {
                    writeln!(output, "{WARN}note{WARN:#}: {note}")?;
                }
                writeln!(
                    output,
                    "{GOOD}ok{GOOD:#}: {}: rules {rules}, procedures {procedures}, states {states}",
                    source.name
                )?;
            }
            Ok(Verdict::Yes)
        }
        Err(diagnostics) => {
            let refused = is_refusal(&diagnostics);
            if output.is_json() {
                output.json(&json!({
                    "ok": false, "kind": source.kind.name(), "refused": refused,
                    "diagnostics": diagnostics_json(&diagnostics, &source.text),
                }))?;
            } else {
                write!(output, "{}", diagnostics.render(&source.name, &source.text))?;
            }
            Ok(if refused { Verdict::Refused } else { Verdict::No })
        }
    }
}
