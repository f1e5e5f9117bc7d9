//! `grammarc verify`: whether a file of compiled grammars is what it says.

use std::io::Write;
use std::path::PathBuf;

use mask_runtime::Tokenizer;
use mask_runtime::artifact::{Artifact, ArtifactError, ArtifactWriter, Tabulated, TabulatedStates, WriteError};
use rayon::prelude::*;
use serde_json::json;

use crate::args::TokenizerArgs;
use crate::failure::Failure;
use crate::grammar;
use crate::output::{BAD, GOOD, Output, Verdict};
use crate::tokenizer;

const EXAMPLES: &str = "\
Examples:
  grammarc verify tools.gmt -t model/
  grammarc verify grammar.gpda
  grammarc verify made-with-embed-tokenizer.gmt

Everything is checked against its checksum, and every automaton for soundness. With the tokenizer, given or in the file, all tables are worked out
again from the automata, and the file has to come out byte for byte. Exit code 1 says that it does not.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file
    path: PathBuf,

    /// How many grammars are looked at at the same time; 0 is one per core
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    jobs: usize,

    #[command(flatten)]
    tokenizer: TokenizerArgs,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let artifact = grammar::open(&args.path)?;
    let fault = |error| Failure::Artifact { path: args.path.clone(), error: Box::new(error) };
    let tokenizer = match tokenizer::load_if_named(&args.tokenizer)? {
        Some(vocabulary) => Some(Tokenizer::new(vocabulary)),
        None => artifact.tokenizer().map_err(fault)?,
    };
    if tokenizer.is_none() && artifact.fingerprint().is_some() {
        let message = "it has tables; give the tokenizer that they are for with --tokenizer";
        return Err(Failure::Input(message.to_owned()));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.jobs).build();
    let pool = pool.map_err(|error| Failure::Input(format!("cannot start threads: {error}")))?;
    artifact.check().map_err(fault)?;
    let difference = match tokenizer.filter(|_| artifact.fingerprint().is_some()) {
        Some(tokenizer) => {
            let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
            if artifact.has_tokenizer() {
                writer = writer.embed_tokenizer();
            }
            let tables = |index: usize| -> Result<Tabulated, ArtifactError> {
                let grammar = artifact.grammar(index, tokenizer.clone())?;
                Ok(Tabulated::of(&grammar, TabulatedStates::Loaded))
            };
            rewrite(&artifact, &pool, writer, tables, |writer, name, tables, metadata| {
                writer.add_tables(name, tables, metadata)
            })
        }
        None => {
            let writer = ArtifactWriter::automata();
            let automaton = |index| artifact.automaton(index);
            rewrite(&artifact, &pool, writer, automaton, |writer, name, pda, metadata| writer.add(name, pda, metadata))
        }
    };
    let difference = difference.map_err(fault)?;
    if output.is_json() {
        output.json(&json!({
            "ok": difference.is_none(), "grammars": artifact.len(), "bytes": artifact.file_length(),
            "difference": difference,
        }))?;
    } else if let Some(difference) = &difference {
        writeln!(output, "{BAD}different{BAD:#}: {difference}")?;
    } else {
        writeln!(output, "{GOOD}ok{GOOD:#}: grammars {}, bytes {}", artifact.len(), artifact.file_length())?;
    }
    Ok(Verdict::from_bool(difference.is_none()))
}

/// Writes the file again with what `make` makes for each grammar; says where it comes out different.
fn rewrite<T: Send>(
    artifact: &Artifact,
    pool: &rayon::ThreadPool,
    mut writer: ArtifactWriter,
    make: impl Fn(usize) -> Result<T, ArtifactError> + Sync,
    add: impl Fn(&mut ArtifactWriter, &str, &T, &str) -> Result<(), WriteError>,
) -> Result<Option<String>, ArtifactError> {
    let all: Vec<usize> = (0..artifact.len()).collect();
    for some in all.chunks(pool.current_num_threads() * 4) {
        let made: Vec<T> = pool.install(|| some.par_iter().map(|&index| make(index)).collect::<Result<_, _>>())?;
        for (&index, made) in some.iter().zip(&made) {
            let entry = artifact.entry(index)?;
            if let Err(error) = add(&mut writer, entry.name, made, entry.metadata) {
                return Ok(Some(error.to_string()));
            }
        }
    }
    match writer.finish(artifact.metadata()?) {
        Ok(bytes) => artifact.difference(&bytes),
        Err(error) => Ok(Some(error.to_string())),
    }
}
