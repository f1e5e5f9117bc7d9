//! `grammarc accept`: whether a text is in the language.

use std::io::Write;
use std::path::{Path, PathBuf};

use mask_runtime::{Capture, Matcher};
use serde_json::{Value, json};

use crate::args::{GrammarArgs, TokenizerArgs};
use crate::failure::Failure;
use crate::grammar::Given;
use crate::output::{BAD, GOOD, Output, Verdict};
use crate::rejection::{self, Rejection};
use crate::settings::Settings;
use crate::{input, tokenizer};

const EXAMPLES: &str = "\
Examples:
  grammarc accept grammar.gbnf --text 'x = 1'
  grammarc accept grammar.gbnf --file answer.txt
  printf 42 | grammarc accept --grammar 'root ::= [0-9]+'
  grammarc accept grammar.gbnf -t model/ --tokens 15,1002

The text is read byte by byte, a line feed at its end included. Token terminals of a grammar match no text; use
--tokens for them. Exit code 1 says that the text is rejected.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    grammar: GrammarArgs,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
    #[command(flatten)]
    text: TextArgs,
}

#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct TextArgs {
    /// The text
    #[arg(long, allow_hyphen_values = true)]
    text: Option<String>,
    /// File with the text; without --text, --file or --tokens it is read from standard input
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Ids of tokens to accept instead of a text
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    tokens: Option<Vec<u32>>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let given = Given::load(&args.grammar)?;
    if let Some(tokens) = &args.text.tokens {
        return accept_tokens(args, given, tokens, output);
    }
    let text = match (&args.text.text, &args.text.file) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(path)) => input::read_bytes(path)?,
        (None, None) if args.grammar.source.reads_stdin() => {
            let message = "the grammar is read from standard input; give the text with --text or --file";
            return Err(Failure::Input(message.to_owned()));
        }
        (None, None) => input::read_bytes(Path::new("-"))?,
    };
    let vocabulary = tokenizer::load_if_named(&args.tokenizer)?;
    let settings = Settings::from(&args.grammar.options);
    let lacks_captures = given.lacks_captures()?;
    let compiled = given.compile_for_bytes(&settings, vocabulary.as_ref())?;
    let mut matcher = Matcher::new(compiled);
    let rejection = match rejection::read(&mut matcher, &text)? {
        None if matcher.is_complete() => None,
        None => Some(Rejection::here(&mut matcher, text.len())),
        rejection => rejection,
    };
    if output.is_json() {
        let rejection_json = rejection.as_ref().map(|rejection| rejection.to_json(&text));
        let mut object = json!({"accepted": rejection.is_none(), "bytes": text.len(), "rejection": rejection_json});
        add_captures(&mut object, &matcher, lacks_captures);
        output.json(&object)?;
    } else if let Some(rejection) = &rejection {
        rejection.write(&text, output)?;
    } else {
        show_accepted(&matcher, lacks_captures, output)?;
    }
    Ok(Verdict::from_bool(rejection.is_none()))
}

/// Says that the text is accepted, and what of it rules with `capture` have matched.
fn show_accepted(matcher: &Matcher, lacks_captures: bool, output: &mut Output) -> Result<(), Failure> {
    writeln!(output, "{GOOD}accepted{GOOD:#}")?;
    if lacks_captures {
        writeln!(output, "  captures are not available: the grammar is from a file; give its source to see them")?;
    }
    match matcher.captures() {
        Ok(captures) => {
            for capture in captures {
                writeln!(output, "  {}: {:?}", capture.name, String::from_utf8_lossy(&capture.text))?;
            }
        }
        Err(error) => writeln!(output, "  no captures: {error}")?,
    }
    Ok(())
}

/// Adds `captures` (`null` if a file does not have them), or `captures_error` if they are not worked out.
fn add_captures(object: &mut Value, matcher: &Matcher, lacks_captures: bool) {
    if lacks_captures {
        object["captures"] = Value::Null;
        return;
    }
    let shown = |capture: Capture| json!({"name": capture.name, "text": String::from_utf8_lossy(&capture.text)});
    match matcher.captures() {
        Ok(captures) => object["captures"] = captures.into_iter().map(shown).collect(),
        Err(error) => object["captures_error"] = error.to_string().into(),
    }
}

fn accept_tokens(args: &Args, given: Given, tokens: &[u32], output: &mut Output) -> Result<Verdict, Failure> {
    let tokenizer = given.tokenizer(&args.tokenizer)?;
    let settings = Settings::from(&args.grammar.options);
    let lacks_captures = given.lacks_captures()?;
    let compiled = given.compile(&settings, tokenizer.clone())?;
    let mut matcher = Matcher::new(compiled);
    let fault = tokens.iter().enumerate().find_map(|(index, &token)| Some((index, matcher.accept_token(token).err()?)));
    let accepted = fault.is_none() && (matcher.is_complete() || matcher.is_terminated());
    if output.is_json() {
        let rejection = fault.as_ref().map(|(index, error)| json!({"index": index, "message": error.to_string()}));
        let mut object = json!({
            "accepted": accepted, "tokens": tokens.len(), "complete": matcher.is_complete(),
            "terminated": matcher.is_terminated(), "rejection": rejection,
        });
        add_captures(&mut object, &matcher, lacks_captures);
        output.json(&object)?;
    } else if let Some((index, error)) = &fault {
        let token = tokenizer.vocabulary().name(tokens[*index]);
        writeln!(output, "{BAD}rejected{BAD:#} at token {index}, {token:?}: {error}")?;
    } else if accepted {
        show_accepted(&matcher, lacks_captures, output)?;
    } else {
        writeln!(output, "{BAD}rejected{BAD:#}: the text is not complete after the last token")?;
    }
    Ok(Verdict::from_bool(accepted))
}
