//! `grammarc verify`: whether a file of compiled grammars is what it says.

mod claims;
mod sources;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use mask_runtime::Tokenizer;
use mask_runtime::artifact::{Artifact, ArtifactError, ArtifactWriter, Mismatch, TableReport, Tabulated, WriteError};
use rayon::prelude::*;
use serde_json::json;

use self::claims::Claims;
use self::sources::{SourceVerdict, Sources};
use super::compile::inputs;
use crate::args::TokenizerArgs;
use crate::describe::printable;
use crate::failure::Failure;
use crate::grammar;
use crate::jobs;
use crate::limits::{LimitSetting, limits};
use crate::output::{BAD, GOOD, Output, Verdict};
use crate::tokenizer;

const EXAMPLES: &str = "\
Examples:
  grammarc verify tools.gmt -t model/
  grammarc verify tools.gmt -t model/ --against tools.jsonl
  grammarc verify grammar.gpda
  grammarc verify made-with-embed-tokenizer.gmt

Everything is checked against its checksum, and every automaton for soundness. The source of each grammar, which is in the
file, is compiled again with the options in the file, and the automaton has to be the same. With the tokenizer, given or in
the file, all tables are worked out again from the automata, and the file has to come out byte for byte; what it says of its
tables, their numbers and the tokenizer has to be so. Notes are taken as they are. Exit code 1 says that something does not.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file
    path: PathBuf,

    /// Files that the grammars should have been compiled from, all of them and no others; may be repeated
    #[arg(long, value_name = "INPUT")]
    against: Vec<PathBuf>,

    /// Take the automata as they are, without compiling their sources
    #[arg(long)]
    no_sources: bool,

    /// Bound on compiling the sources, if others than the defaults were needed to compile them; may be repeated
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    limits: Vec<LimitSetting>,

    /// How many grammars are looked at at the same time; 0 is one per core; at most as
    /// many as there are grammars
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    jobs: usize,

    #[command(flatten)]
    tokenizer: TokenizerArgs,
}

/// What was found.
struct Found {
    /// Where the file is not what it should be.
    difference: Option<String>,
    /// How many grammars were compiled again.
    compiled: usize,
    /// Why it cannot be told without a tokenizer, if it cannot.
    needs_tokenizer: Option<String>,
}

impl Found {
    fn difference(difference: Option<String>, compiled: usize) -> Self {
        Self { difference, compiled, needs_tokenizer: None }
    }
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
    let inputs = if args.against.is_empty() { None } else { Some(inputs::load(&args.against, None)?) };
    let pool = jobs::pool(args.jobs, artifact.len())?;
    artifact.check().map_err(fault)?;
    let limits = limits(&args.limits);
    let found = (|| {
        if let Some(inputs) = &inputs
            && let Some(difference) = sources::difference_from(inputs, &artifact)?
        {
            return Ok(Found::difference(Some(difference), 0));
        }
        let sources = if args.no_sources { None } else { Some(Sources::new(&artifact, &limits, tokenizer.as_ref())?) };
        derive_again(&artifact, &pool, sources.as_ref(), tokenizer.as_ref())
    })();
    let Found { difference, compiled, needs_tokenizer } = found.map_err(fault)?;
    if let Some(why) = needs_tokenizer {
        return Err(Failure::Input(why));
    }
    if output.is_json() {
        output.json(&json!({
            "ok": difference.is_none(), "grammars": artifact.len(), "compiled": compiled,
            "bytes": artifact.file_length(), "difference": difference,
        }))?;
    } else if let Some(difference) = &difference {
        writeln!(output, "{BAD}different{BAD:#}: {}", printable(difference))?;
    } else {
        writeln!(
            output,
            "{GOOD}ok{GOOD:#}: grammars {}, compiled again {compiled}, bytes {}",
            artifact.len(),
            artifact.file_length()
        )?;
    }
    Ok(Verdict::from_bool(difference.is_none()))
}

/// Compiles the sources, works out the tables and writes the file again.
fn derive_again(
    artifact: &Artifact,
    pool: &rayon::ThreadPool,
    sources: Option<&Sources<'_>>,
    tokenizer: Option<&Arc<Tokenizer>>,
) -> Result<Found, ArtifactError> {
    if let (Some(found), Some(tokenizer)) = (artifact.fingerprint(), tokenizer)
        && found != tokenizer.fingerprint()
    {
        return Err(ArtifactError::Tokenizer(Mismatch { found, expected: tokenizer.fingerprint() }));
    }
    let claims = Claims::of(artifact)?;
    if let Some(difference) = claims.difference(tokenizer.filter(|_| artifact.fingerprint().is_some())) {
        return Ok(Found::difference(Some(difference), 0));
    }
    match tokenizer.filter(|_| artifact.fingerprint().is_some()) {
        Some(tokenizer) => {
            let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
            if artifact.has_token_index() {
                writer = writer.embed_index();
            } else if artifact.has_tokenizer() {
                writer = writer.embed_tokenizer();
            }
            let states = claims.tables();
            let tables = |index: usize| -> Result<(Tabulated, TableReport), ArtifactError> {
                let grammar = artifact.grammar(index, tokenizer.clone())?;
                let tables = Tabulated::of(&grammar, states);
                let report = tables.report();
                Ok((tables, report))
            };
            rewrite(artifact, pool, sources, &claims, writer, tables, |writer, name, tables, metadata| {
                writer.add_tables(name, tables, metadata)
            })
        }
        None => {
            let writer = ArtifactWriter::automata();
            let automaton = |index| {
                if let Some(tokenizer) = tokenizer {
                    artifact.check_token_ids(index, tokenizer.fingerprint())?;
                }
                let pda = artifact.automaton(index)?;
                let report = TableReport { states: pda.state_count(), ..TableReport::default() };
                Ok(((pda, artifact.token_ids_fingerprint(index)?), report))
            };
            rewrite(artifact, pool, sources, &claims, writer, automaton, |writer, name, (pda, token_ids), metadata| {
                match *token_ids {
                    Some(token_ids) => writer.add_with_token_ids(name, pda, metadata, token_ids),
                    None => writer.add(name, pda, metadata),
                }
            })
        }
    }
}

/// Writes the file again with what `make` makes for each grammar; says where it comes out different.
fn rewrite<T: Send>(
    artifact: &Artifact,
    pool: &rayon::ThreadPool,
    sources: Option<&Sources<'_>>,
    claims: &Claims,
    mut writer: ArtifactWriter,
    make: impl Fn(usize) -> Result<(T, TableReport), ArtifactError> + Sync,
    add: impl Fn(&mut ArtifactWriter, &str, &T, &str) -> Result<(), WriteError>,
) -> Result<Found, ArtifactError> {
    let all: Vec<usize> = (0..artifact.len()).collect();
    let mut compiled = 0;
    let make = |&index: &usize| -> Result<((T, TableReport), SourceVerdict), ArtifactError> {
        // First, as it says more than that the source makes another automaton.
        let made = make(index)?;
        Ok((made, sources.map_or(Ok(SourceVerdict::None), |sources| sources.verdict(index))?))
    };
    for some in all.chunks(pool.current_num_threads() * 4) {
        let made: Vec<((T, TableReport), SourceVerdict)> =
            pool.install(|| some.par_iter().map(make).collect::<Result<_, ArtifactError>>())?;
        for (&index, ((made, report), verdict)) in some.iter().zip(made) {
            match verdict {
                SourceVerdict::Same => compiled += 1,
                SourceVerdict::None => {}
                SourceVerdict::NeedsTokenizer(why) => {
                    return Ok(Found { difference: None, compiled, needs_tokenizer: Some(why) });
                }
                SourceVerdict::Different(difference) => {
                    return Ok(Found::difference(Some(difference), compiled + 1));
                }
            }
            let entry = artifact.entry(index)?;
            if let Some(difference) = claims.difference_of(&entry, &report) {
                return Ok(Found::difference(Some(difference), compiled));
            }
            if let Err(error) = add(&mut writer, entry.name, &made, entry.metadata) {
                return Ok(Found::difference(Some(error.to_string()), compiled));
            }
        }
    }
    let difference = match writer.finish(artifact.metadata()?) {
        Ok(bytes) => artifact.difference(&bytes)?,
        Err(error) => Some(error.to_string()),
    };
    Ok(Found::difference(difference, compiled))
}
