//! `grammarc dump`: a grammar at a stage of the compile.

use clap::ValueEnum;
use compilers::diagnostic::Diagnostics;
use compilers::{gbnf, regex};
use grammar_ir::text;
use mask_runtime::Vocabulary;
use serde_json::json;

use crate::args::{GrammarArgs, Kind, TokenizerArgs};
use crate::failure::Failure;
use crate::grammar::Given;
use crate::input::Source;
use crate::output::{Output, Verdict};
use crate::settings::Settings;
use crate::{pipeline, tokenizer};

const EXAMPLES: &str = "\
Examples:
  grammarc dump --stage ir grammar.gbnf > grammar.gir
  grammarc dump --stage pda --grammar 'root ::= \"a\"{2,500}'";

/// A stage of the compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// The syntax tree of the frontend; of GBNF and regular expressions
    Ast,
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
    let source = match Given::load(&args.grammar)? {
        Given::Text(source) => source,
        Given::Stored(stored) if args.stage == Stage::Pda => {
            return show(args, &stored.automaton()?.to_string(), output);
        }
        Given::Stored(_) => {
            let message = "of a compiled grammar there is the automaton alone; --stage pda shows it";
            return Err(Failure::Refused(message.to_owned()));
        }
    };
    let vocabulary = tokenizer::load_if_named(&args.tokenizer)?;
    let settings = Settings::from(&args.grammar.options);
    let limits = &settings.limits;
    let shown = match (args.stage, source.kind) {
        (Stage::Ast, Kind::Gbnf) => gbnf::parse(&source.text, limits).map(|tree| tree.to_string()),
        (Stage::Ast, Kind::Regex) => {
            regex::parse(&source.text, &settings.regex, limits).map(|pattern| format!("{pattern:#?}\n"))
        }
        (Stage::Ast, Kind::JsonSchema) => {
            let message = "the syntax tree of a JSON Schema is its text; --stage ir shows what is made of it";
            return Err(Failure::Refused(message.to_owned()));
        }
        (Stage::Ast, Kind::Gir) => {
            let message = "a .gir text has no syntax tree of its own; --stage ir shows what is read";
            return Err(Failure::Refused(message.to_owned()));
        }
        _ => after_frontend(args, &source, &settings, vocabulary.as_ref()),
    };
    let shown = shown.map_err(|diagnostics| Failure::Grammar { source_text: Box::new(source), diagnostics })?;
    show(args, &shown, output)
}

fn show(args: &Args, shown: &str, output: &mut Output) -> Result<Verdict, Failure> {
    if output.is_json() {
        let stage = args.stage.to_possible_value().map(|stage| stage.get_name().to_owned());
        output.json(&json!({"stage": stage, "text": shown}))?;
    } else {
        output.data(shown.as_bytes())?;
    }
    Ok(Verdict::Yes)
}

fn after_frontend(
    args: &Args,
    source: &Source,
    settings: &Settings,
    vocabulary: Option<&Vocabulary>,
) -> Result<String, Diagnostics> {
    let limits = &settings.limits;
    let grammar = pipeline::frontend(source, settings, vocabulary)?.grammar;
    Ok(match args.stage {
        Stage::Ast | Stage::Ir => text::print(&grammar),
        Stage::Normal => text::print(&pipeline::normalize(grammar, limits)?),
        Stage::Pda => pipeline::lower(&pipeline::normalize(grammar, limits)?, limits)?.to_string(),
    })
}
