//! `grammarc check`: diagnose a grammar.

use std::io::Write;
use std::sync::Arc;

use compilers::diagnostic::Diagnostics;
use grammar_ir::ByteSet;
use mask_runtime::Tokenizer;
use serde_json::json;

use crate::args::{GrammarArgs, TokenizerArgs};
use crate::describe::{Bytes, bytes_json};
use crate::failure::{Failure, diagnostics_json, is_refusal};
use crate::grammar::{Given, Stored};
use crate::input::Source;
use crate::output::{GOOD, Output, Verdict, WARN};
use crate::settings::Settings;
use crate::{pipeline, tokenizer};

const EXAMPLES: &str = "\
Examples:
  grammarc check grammar.gbnf
  grammarc check --json schema.json
  cat grammar.gbnf | grammarc check --kind gbnf -

With --tokenizer, the grammar is also checked against the tokenizer: token ids that it does not have, and bytes that it
cannot spell.

Exit code 1 says that the grammar is at fault, 3 that it is refused: it uses something unsupported, or met a limit.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    grammar: GrammarArgs,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
}

/// A grammar without a fault.
struct Checked {
    rules: usize,
    procedures: usize,
    states: usize,
    notes: Vec<String>,
    /// Bytes that the grammar uses and the tokenizer lacks, if there is a tokenizer.
    missing_bytes: Option<ByteSet>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let tokenizer = tokenizer::load_if_named(&args.tokenizer)?.map(Tokenizer::new);
    let source = match Given::load(&args.grammar)? {
        Given::Text(source) => source,
        Given::Stored(stored) => return check_stored(&stored, tokenizer, output),
    };
    let settings = Settings::from(&args.grammar.options);
    match check(&source, &settings, tokenizer) {
        Ok(Checked { rules, procedures, states, notes, missing_bytes }) => {
            if output.is_json() {
                let mut object = json!({
                    "ok": true, "kind": source.kind.name(), "rules": rules, "procedures": procedures, "states": states,
                    "notes": notes, "diagnostics": [],
                });
                if let Some(missing) = missing_bytes {
                    object["missing_bytes"] = bytes_json(&missing);
                }
                output.json(&object)?;
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

/// A grammar that was compiled before has no fault of its own; it may not go with the tokenizer.
fn check_stored(stored: &Stored, tokenizer: Option<Arc<Tokenizer>>, output: &mut Output) -> Result<Verdict, Failure> {
    let missing = match tokenizer {
        Some(tokenizer) => match pipeline::missing_bytes(&stored.grammar(tokenizer)?) {
            Ok(missing) => missing,
            Err(diagnostics) => return Err(Failure::Input(diagnostics.to_string())),
        },
        None => ByteSet::EMPTY,
    };
    let pda = stored.automaton()?;
    let (procedures, states, name) = (pda.procedures().len(), pda.state_count(), stored.name()?);
    if output.is_json() {
        output.json(&json!({
            "ok": true, "kind": "gmt", "procedures": procedures, "states": states, "notes": [], "diagnostics": [],
            "missing_bytes": bytes_json(&missing),
        }))?;
    } else {
        if !missing.is_empty() {
            let bytes = Bytes(&missing);
            let message = "the tokenizer has no token for these bytes that the grammar uses";
            writeln!(output, "{WARN}note{WARN:#}: {message}: {bytes}")?;
        }
        writeln!(output, "{GOOD}ok{GOOD:#}: {name}: procedures {procedures}, states {states}")?;
    }
    Ok(Verdict::Yes)
}

fn check(source: &Source, settings: &Settings, tokenizer: Option<Arc<Tokenizer>>) -> Result<Checked, Diagnostics> {
    let limits = &settings.limits;
    let vocabulary = tokenizer.as_deref().map(Tokenizer::vocabulary);
    let pipeline::Compiled { grammar, mut notes } = pipeline::frontend(source, settings, vocabulary)?;
    let rules = grammar.rules().len();
    let pda = pipeline::lower(&pipeline::normalize(grammar, limits)?, limits)?;
    let (procedures, states) = (pda.procedures().len(), pda.state_count());
    let missing_bytes = match tokenizer {
        Some(tokenizer) => Some(pipeline::missing_bytes(&pipeline::bind_automaton(pda, tokenizer)?)?),
        None => None,
    };
    if let Some(missing) = missing_bytes.filter(|missing| !missing.is_empty()) {
        notes.push(format!("the tokenizer has no token for these bytes that the grammar uses: {}", Bytes(&missing)));
    }
    Ok(Checked { rules, procedures, states, notes, missing_bytes })
}
