//! `grammarc sample`: random texts of the language, drawn through token masks.

use std::io::Write;

use crate::sample::{Distances, Walk};
use mask_runtime::Matcher;
use serde_json::json;

use crate::args::{GrammarArgs, TokenizerArgs};
use crate::describe::Quoted;
use crate::failure::Failure;
use crate::grammar::Given;
use crate::output::{DIM, Output, Verdict, WARN};
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  grammarc sample grammar.gbnf -n 5 --seed 7
  grammarc sample --json-schema '{\"type\": \"object\"}' --max-tokens 40
  grammarc sample grammar.gbnf -t model/ --json

The same seed draws the same texts on every machine. Where a text may end, it ends with a probability that grows from
a fifth to one as the tokens run out. In the second half of the tokens, more and more steps follow a shortest
completion; all do once it would not fit otherwise. A text that is cut off all the same is marked as truncated.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    grammar: GrammarArgs,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
    /// How many texts
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1)]
    number: usize,
    /// Where the randomness starts
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The greatest number of tokens of a text
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_tokens: usize,
    /// Print texts as they are, one after the other, instead of in quotes on a line each
    #[arg(long)]
    raw: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let given = Given::load(&args.grammar)?;
    let tokenizer = given.tokenizer(&args.tokenizer)?;
    let settings = Settings::from(&args.grammar.options);
    let compiled = given.compile(&settings, tokenizer.clone())?;
    let distances = Distances::new(compiled.pda());
    let mut matcher = Matcher::new(compiled.clone());
    for index in 0..args.number {
        matcher.reset();
        // Each text has its own randomness, so that the third is the same whether five are drawn or ten.
        let random = oorandom::Rand64::new(u128::from(args.seed) << 64 | index as u128);
        let walk = Walk::draw(&mut matcher, &distances, random, args.max_tokens)?;
        if output.is_json() {
            output.json(&json!({
                "index": index, "text": String::from_utf8_lossy(&walk.text), "tokens": walk.tokens,
                "complete": walk.complete,
            }))?;
        } else if args.raw {
            output.data(&walk.text)?;
            output.data(b"\n")?;
        } else {
            let truncated = if walk.complete { String::new() } else { format!(" {WARN}truncated{WARN:#}") };
            let count = walk.tokens.len();
            writeln!(output, "{}{truncated} {DIM}{count} tokens{DIM:#}", Quoted::all(&walk.text))?;
        }
    }
    Ok(Verdict::Yes)
}
