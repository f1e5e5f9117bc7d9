//! `grammarc tokenizer`: what was detected about a tokenizer.

use std::io::Write;

use mask_runtime::{TokenKind, Vocabulary};
use serde_json::{Value, json};

use crate::args::TokenizerArgs;
use crate::describe::{Bytes, bytes_json, hex};
use crate::failure::Failure;
use crate::output::{DIM, Output, Verdict, WARN};
use crate::tokenizer;

const EXAMPLES: &str = "\
Examples:
  grammarc tokenizer model/
  grammarc tokenizer model/tokenizer.json --json
  grammarc tokenizer tools.gmt
  grammarc tokenizer cl100k_base.tiktoken --stop-tokens 100257 --logits-width 100277";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Model folder, tokenizer.json, *.tiktoken, or *.gmt with a tokenizer in it; the same as --tokenizer
    #[arg(value_name = "PATH", conflicts_with = "tokenizer")]
    path: Option<std::path::PathBuf>,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
    /// How many special tokens to list
    #[arg(long, value_name = "N", default_value_t = 50)]
    max_listed: usize,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let tokenizer = TokenizerArgs {
        tokenizer: args.path.clone().or_else(|| args.tokenizer.tokenizer.clone()),
        stop_tokens: args.tokenizer.stop_tokens.clone(),
        logits_width: args.tokenizer.logits_width,
    };
    let vocabulary = tokenizer::load(&tokenizer)?;
    let special: Vec<u32> =
        (0..vocabulary.size() as u32).filter(|&id| vocabulary.kind(id) == TokenKind::Special).collect();
    let fingerprint = hex(&vocabulary.fingerprint());
    if output.is_json() {
        output.json(&to_json(&vocabulary, &special, &fingerprint))?;
    } else {
        show(args, &vocabulary, &special, &fingerprint, output)?;
    }
    Ok(Verdict::Yes)
}

fn to_json(vocabulary: &Vocabulary, special: &[u32], fingerprint: &str) -> Value {
    let model = vocabulary.model();
    let named = |ids: &[u32]| -> Value {
        ids.iter().map(|&id| json!({"id": id, "text": vocabulary.name(id)})).collect::<Vec<_>>().into()
    };
    json!({
        "kind": model.kind.name(),
        "algorithm": model.algorithm,
        "normalizers": model.normalizers,
        "size": vocabulary.size(),
        "text_tokens": vocabulary.count(TokenKind::Text),
        "special_tokens": vocabulary.count(TokenKind::Special),
        "holes": vocabulary.count(TokenKind::Hole),
        "added_tokens": model.added_tokens,
        "stop_tokens": named(vocabulary.stop_tokens()),
        "stop_token_source": model.stop_token_source.name(),
        "special": named(special),
        "missing_bytes": bytes_json(&vocabulary.missing_bytes()),
        "fingerprint": fingerprint,
    })
}

fn show(
    args: &Args,
    vocabulary: &Vocabulary,
    special: &[u32],
    fingerprint: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    let model = vocabulary.model();
    let algorithm = model.algorithm.map(|name| format!(" ({name})")).unwrap_or_default();
    writeln!(output, "kind           {}{algorithm}", model.kind.name())?;
    if !model.normalizers.is_empty() {
        writeln!(output, "normalizers    {}", model.normalizers.join(", "))?;
    }
    let [text, specials, holes] = [TokenKind::Text, TokenKind::Special, TokenKind::Hole].map(|k| vocabulary.count(k));
    writeln!(output, "size           {}: {text} text, {specials} special, {holes} holes", vocabulary.size())?;
    writeln!(output, "added tokens   {}", model.added_tokens)?;
    let stops: Vec<String> =
        vocabulary.stop_tokens().iter().map(|&id| format!("{id} {}", vocabulary.name(id))).collect();
    if stops.is_empty() {
        writeln!(output, "stop tokens    {WARN}none{WARN:#}; give them with --stop-tokens")?;
    } else {
        let source = model.stop_token_source.name();
        writeln!(output, "stop tokens    {} {DIM}from {source}{DIM:#}", stops.join(", "))?;
    }
    let missing = vocabulary.missing_bytes();
    if missing.is_empty() {
        writeln!(output, "missing bytes  none: every text can be spelled")?;
    } else {
        writeln!(output, "missing bytes  {}: {}", missing.len(), Bytes(&missing))?;
    }
    writeln!(output, "fingerprint    {fingerprint}")?;
    for id in special.iter().take(args.max_listed) {
        writeln!(output, "{id:>8}  {}", vocabulary.name(*id))?;
    }
    if special.len() > args.max_listed {
        writeln!(output, "{DIM}… and {} more special tokens{DIM:#}", special.len() - args.max_listed)?;
    }
    Ok(())
}
