//! `grammarc dump`: a grammar at a stage of the compile.

use std::io::Write;

use clap::ValueEnum;
use grammar_ir::text;
use serde_json::json;

use crate::args::{GrammarArgs, TokenizerArgs};
use crate::failure::Failure;
use crate::output::{Output, Verdict};
use crate::settings::Settings;
use crate::{input, pipeline, tokenizer};

const EXAMPLES: &str = "\
Examples:
  grammarc dump --stage ir grammar.gbnf > grammar.gir
  grammarc dump --stage pda --grammar 'root ::= \"a\"{2,500}'";

/// A stage of the compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// The grammar as the frontend made it, in the text form .gir
    Ir,
    /// The grammar after all passes, in the text form .gir
    Normal,
    /// The pushdown automaton
    Pda,
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    grammar: GrammarArgs,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
    /// The stage to show
    #[arg(long, value_enum, default_value = "ir")]
    stage: Stage,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let source = input::load(&args.grammar)?;
    let vocabulary = tokenizer::load_if_named(&args.tokenizer)?;
    let settings = Settings::from(&args.grammar.options);
    let limits = &settings.limits;
    let shown = pipeline::frontend(&source, &settings, vocabulary.as_ref()).and_then(|compiled| {
        Ok(match args.stage {
            Stage::Ir => text::print(&compiled.grammar),
            Stage::Normal => text::print(&pipeline::normalize(compiled.grammar, limits)?),
            Stage::Pda => pipeline::lower(&pipeline::normalize(compiled.grammar, limits)?, limits)?.to_string(),
        })
    });
    let shown = shown.map_err(|diagnostics| Failure::Grammar { source_text: Box::new(source), diagnostics })?;
    if output.is_json() {
        let stage = args.stage.to_possible_value().map(|stage| stage.get_name().to_owned());
        output.json(&json!({"stage": stage, "text": shown}))?;
    } else {
        write!(output, "{shown}")?;
    }
    Ok(Verdict::Yes)
}
