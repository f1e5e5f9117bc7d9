//! `grammarc mask`: which tokens may come after a text.

use std::io::Write;

use mask_runtime::{FillError, Matcher, bitmask};
use serde_json::{Value, json};

use crate::args::{GrammarArgs, TokenizerArgs};
use crate::describe::Quoted;
use crate::failure::Failure;
use crate::grammar::Given;
use crate::output::{BAD, DIM, GOOD, HEADING, Output, Verdict};
use crate::rejection;
use crate::settings::Settings;
use crate::tokenizer::token_json;

const EXAMPLES: &str = "\
Examples:
  grammarc mask grammar.gbnf
  grammarc mask grammar.gbnf --after 'x = '
  grammarc mask grammar.gbnf -t model/ --after-tokens 87,284 --max-listed 10

A special token matches no text: --after '<think>' is read as those letters. Where a grammar names tokens, give their ids
with --after-tokens.

Exit code 1 says that the grammar does not allow the text that the mask was asked for.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    grammar: GrammarArgs,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
    /// The text so far
    #[arg(long, value_name = "TEXT", default_value = "", allow_hyphen_values = true, conflicts_with = "after_tokens")]
    after: String,
    /// Ids of the tokens so far
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    after_tokens: Vec<u32>,
    /// How many allowed tokens to list
    #[arg(long, value_name = "N", default_value_t = 50)]
    max_listed: usize,
}

/// The longest forced text that is shown.
const MAX_FORCED: usize = 1_000;
/// The longest part of a text that is shown.
const SHOWN_TEXT: usize = 100;

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let given = Given::load(&args.grammar)?;
    let tokenizer = given.tokenizer(&args.tokenizer)?;
    let settings = Settings::from(&args.grammar.options);
    let compiled = given.compile(&settings, tokenizer.clone())?;
    let mut matcher = Matcher::new(compiled);
    if !go_there(args, &mut matcher, output)? {
        return Ok(Verdict::No);
    }
    let mut row = matcher.row();
    match matcher.fill(&mut row) {
        // A finished text has no next token, which is an answer here.
        Ok(()) | Err(FillError::Finished) => {}
        Err(error) => return Err(error.into()),
    }
    show(args, &mut matcher, &row, output)?;
    Ok(Verdict::Yes)
}

/// Brings the matcher to the place asked for; if the grammar does not allow that, says so.
fn go_there(args: &Args, matcher: &mut Matcher, output: &mut Output) -> Result<bool, Failure> {
    if let Some(rejection) = rejection::read(matcher, args.after.as_bytes())? {
        if output.is_json() {
            output.json(&json!({"rejection": rejection.to_json(args.after.as_bytes())}))?;
        } else {
            rejection.write(args.after.as_bytes(), output)?;
        }
        return Ok(false);
    }
    for (index, &token) in args.after_tokens.iter().enumerate() {
        if let Err(error) = matcher.accept_token(token) {
            if output.is_json() {
                output.json(&json!({"rejection": {"index": index, "message": error.to_string()}}))?;
            } else {
                let name = matcher.grammar().vocabulary().name(token).into_owned();
                writeln!(output, "{BAD}rejected{BAD:#} at token {index}, {name:?}: {error}")?;
            }
            return Ok(false);
        }
    }
    Ok(true)
}

fn show(args: &Args, matcher: &mut Matcher, row: &[u32], output: &mut Output) -> Result<(), Failure> {
    let compiled = matcher.grammar().clone();
    let vocabulary = compiled.vocabulary();
    let (count, size) = (bitmask::count(row), vocabulary.size());
    let may_end = matcher.is_complete() || matcher.is_terminated();
    let forced = matcher.forced_bytes(MAX_FORCED);
    let missing = compiled.missing_bytes();
    let listed = bitmask::iter(row).take(args.max_listed);
    if output.is_json() {
        let tokens: Vec<Value> = listed.map(|id| token_json(vocabulary, id)).collect();
        output.json(&json!({
            "allowed": count, "vocabulary": size, "may_end": may_end, "terminated": matcher.is_terminated(),
            "forced": String::from_utf8_lossy(&forced), "tokens": tokens, "listed_all": count <= args.max_listed,
            "temperature": matcher.temperature(),
        }))?;
        return Ok(());
    }
    let tokens;
    let text = if args.after_tokens.is_empty() {
        args.after.as_bytes()
    } else {
        tokens = args.after_tokens.iter().flat_map(|&id| vocabulary.bytes(id)).copied().collect::<Vec<u8>>();
        &tokens
    };
    let end = match (matcher.is_terminated(), may_end) {
        (true, _) => format!("{DIM}the text has ended{DIM:#}"),
        (false, true) => format!("the text {GOOD}may end{GOOD:#} here"),
        (false, false) => format!("the text may {BAD}not{BAD:#} end here"),
    };
    writeln!(
        output,
        "after {}: {HEADING}{count}{HEADING:#} of {size} tokens allowed; {end}",
        Quoted::start(text, SHOWN_TEXT)
    )?;
    if !forced.is_empty() {
        writeln!(output, "forced: {}", Quoted::start(&forced, SHOWN_TEXT))?;
    }
    for id in listed {
        let stop = if vocabulary.is_stop(id) { " stop token" } else { "" };
        match vocabulary.bytes(id) {
            [] => writeln!(output, "{id:>8}  {DIM}{}{stop}{DIM:#}", vocabulary.name(id))?,
            bytes => writeln!(output, "{id:>8}  {}{DIM}{stop}{DIM:#}", Quoted::all(bytes))?,
        }
    }
    if count > args.max_listed {
        writeln!(output, "{DIM}… and {} more; --max-listed N lists N{DIM:#}", count - args.max_listed)?;
    }
    if !missing.is_empty() {
        let bytes = crate::describe::Bytes(&missing);
        writeln!(output, "note: the tokenizer has no token for these bytes that the grammar uses: {bytes}")?;
    }
    Ok(())
}
