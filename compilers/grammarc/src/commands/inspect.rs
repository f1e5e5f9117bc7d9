//! `grammarc inspect`: what is in a file of compiled grammars.

use std::io::Write;
use std::path::PathBuf;

use mask_runtime::artifact::{Artifact, ArtifactError};
use serde_json::{Value, json};

use crate::describe::{hex, printable};
use crate::failure::Failure;
use crate::grammar;
use crate::output::{DIM, HEADING, Output, Verdict};

const EXAMPLES: &str = "\
Examples:
  grammarc inspect tools.gmt
  grammarc inspect tools.gmt --json | jq '.grammars[].name'
  grammarc inspect tools.gmt --entry order

Only what the file says of itself is shown, as far as its checksums are right; `verify` tells whether that is so.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file
    path: PathBuf,

    /// Show this grammar only, with its sections
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let artifact = grammar::open(&args.path)?;
    let fault = |error| Failure::Artifact { path: args.path.clone(), error: Box::new(error) };
    let value = describe(&artifact, args.entry.as_deref()).map_err(fault)?;
    if output.is_json() {
        output.json(&value)?;
    } else {
        show(&value, output)?;
    }
    Ok(Verdict::Yes)
}

/// All that there is to show.
fn describe(artifact: &Artifact, entry: Option<&str>) -> Result<Value, ArtifactError> {
    let chosen = entry.map(|name| artifact.find(name)).transpose()?;
    let infos = artifact.section_infos()?;
    let sections = |grammar: Option<usize>| -> Value {
        let own = infos.iter().filter(|info| info.grammar == grammar);
        own.map(|info| json!({"kind": info.kind.to_string(), "offset": info.offset, "length": info.length})).collect()
    };
    let mut grammars = Vec::new();
    for index in (0..artifact.len()).filter(|&index| chosen.is_none_or(|chosen| chosen == index)) {
        let entry = artifact.entry(index)?;
        let own = infos.iter().filter(|info| info.grammar == Some(index));
        let bytes: u64 = own.map(|info| info.length).sum();
        let mut object = json!({"name": entry.name, "bytes": bytes, "metadata": parsed(entry.metadata)});
        object["token_ids_fingerprint"] = artifact.token_ids_fingerprint(index)?.map(|bytes| hex(&bytes)).into();
        if chosen.is_some() {
            object["sections"] = sections(Some(index));
        }
        grammars.push(object);
    }
    let (sets, rows) = artifact.set_and_row_counts();
    Ok(json!({
        "bytes": artifact.file_length(), "format_version": artifact.format_version().to_string(),
        "engine_revision": artifact.engine_revision(), "fingerprint": artifact.fingerprint().map(|bytes| hex(&bytes)),
        "vocabulary_size": artifact.vocabulary_size(), "has_tokenizer": artifact.has_tokenizer(),
        "has_token_index": artifact.has_token_index(), "sets": sets, "rows": rows,
        "metadata": parsed(artifact.metadata()?), "sections": sections(None), "grammars": grammars,
    }))
}

/// What a maker says, as JSON if it is that.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn show(value: &Value, output: &mut Output) -> Result<(), Failure> {
    let text = |value: &Value| printable(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    writeln!(
        output,
        "bytes {}, format {}, engine revision {}",
        value["bytes"],
        text(&value["format_version"]),
        value["engine_revision"]
    )?;
    match value["fingerprint"].as_str() {
        Some(fingerprint) => writeln!(
            output,
            "tables for {} ids, fingerprint {fingerprint}{}: sets {}, rows {}",
            value["vocabulary_size"],
            match (&value["has_tokenizer"], &value["has_token_index"]) {
                (Value::Bool(true), Value::Bool(true)) => ", tokenizer and its index in the file",
                (Value::Bool(true), _) => ", tokenizer in the file",
                _ => "",
            },
            value["sets"],
            value["rows"]
        )?,
        None if value["grammars"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["token_ids_fingerprint"].is_string())) =>
        {
            writeln!(output, "automata alone, some of them with token ids of one tokenizer")?;
        }
        None => writeln!(output, "automata alone, for any tokenizer")?,
    }
    for (name, said) in value["metadata"].as_object().into_iter().flatten() {
        writeln!(output, "{} {}", printable(name), text(said))?;
    }
    show_sections(&value["sections"], output)?;
    for grammar in value["grammars"].as_array().into_iter().flatten() {
        let report: Vec<String> = grammar["metadata"]["report"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, number)| printable(&format!("{} {number}", name.replace('_', " "))))
            .collect();
        let kind = text(&grammar["metadata"]["kind"]);
        let name = text(&grammar["name"]);
        writeln!(output, "{HEADING}{name}{HEADING:#} {kind}: bytes {}, {}", grammar["bytes"], report.join(", "))?;
        if let Some(fingerprint) = grammar["token_ids_fingerprint"].as_str() {
            writeln!(output, "  token ids of the vocabulary with fingerprint {fingerprint}")?;
        }
        if grammar["metadata"]["options"].is_object() {
            writeln!(output, "  options {}", text(&grammar["metadata"]["options"]))?;
        }
        for note in grammar["metadata"]["notes"].as_array().into_iter().flatten() {
            writeln!(output, "  note: {}", text(note))?;
        }
        show_sections(&grammar["sections"], output)?;
    }
    Ok(())
}

fn show_sections(sections: &Value, output: &mut Output) -> Result<(), Failure> {
    for section in sections.as_array().into_iter().flatten() {
        let kind = section["kind"].as_str().unwrap_or_default();
        writeln!(output, "{DIM}{:>12} {:>12}{DIM:#}  {kind}", section["offset"], section["length"])?;
    }
    Ok(())
}
