//! `grammarc compile`: grammars to a file that is loaded without compiling.

pub(crate) mod inputs;
pub(crate) mod job;
mod output;

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mask_runtime::Tokenizer;
use mask_runtime::artifact::{Artifact, ArtifactWriter, TabulatedStates};
use rayon::prelude::*;
use serde_json::{Value, json};

use self::job::Outcome;
use crate::args::{Kind, TokenizerArgs};
use crate::describe::printable;
use crate::failure::{Failure, diagnostics_json, is_refusal};
use crate::grammar;
use crate::jobs;
use crate::output::{DIM, GOOD, Output, Verdict, WARN};
use crate::settings::{CompileArgs, Settings};
use crate::tokenizer;

const EXAMPLES: &str = "\
Examples:
  grammarc compile search.json order.json -t model/ -o tools.gmt
  grammarc compile tools.jsonl -t model/ -o tools.gmt --jobs 2
  grammarc compile tools.jsonl -t model/ --preset generation --regex-syntax ecma262 -o served.gmt   # for serve --gmt
  grammarc compile tools.jsonl -t model/ --embed-tokenizer -o tools.gmt
  grammarc compile tools.jsonl -t model/ --embed-tokenizer --embed-index -o tools.gmt
  grammarc compile grammar.gbnf -o grammar.gpda
  printf '[0-9]{4}' | grammarc compile - --kind regex -o year.gpda
  grammarc compile grammar.gpda -t model/ -o grammar.gmt
  grammarc mask --gmt tools.gmt --entry order -t model/ --after '{\"id\": 7, '

Each file is a grammar, named like the file without its extension. A .jsonl file has a grammar on each line: an object with
`id` and `schema`, or with `name` and `parameters`, as tools have, also in a member `function`. Of a .gpda or .gmt file all grammars are taken. Without
a tokenizer only the automata are written, usually to a .gpda file. docs/artifact.md describes the file.

Exit code 1 says that some grammar is at fault, 3 that one is refused; then nothing is written, unless with --keep-going.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files with grammars; `-` for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,

    /// Where to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Kind of the grammars, if their file names do not tell
    #[arg(long, value_enum, help_heading = "Grammar options")]
    kind: Option<Kind>,

    /// Write those grammars that compile, though others do not
    #[arg(long)]
    keep_going: bool,

    /// For which states masks are worked out ahead
    #[arg(long, value_enum, default_value = "all")]
    tables: TablesArg,

    /// Write the tokens, too, so that the file can be used without the files of the tokenizer
    #[arg(long, requires = "tokenizer")]
    embed_tokenizer: bool,

    /// Write the index of the tokens, too: about 30 bytes a token, for a start in a few milliseconds instead of tens
    #[arg(long, requires = "embed_tokenizer")]
    embed_index: bool,

    /// How many grammars are compiled at the same time; 0 is one per core; at most as
    /// many as there are grammars
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    jobs: usize,

    /// At most so many grammars, from the first on
    #[arg(long, value_name = "N")]
    limit_inputs: Option<NonZeroUsize>,

    #[command(flatten)]
    tokenizer: TokenizerArgs,

    #[command(flatten)]
    options: CompileArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TablesArg {
    /// All states
    All,
    /// The first mask of each grammar
    Start,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let begin = Instant::now();
    let same =
        |input: &PathBuf| input.canonicalize().ok().is_some_and(|path| args.output.canonicalize().ok() == Some(path));
    if args.inputs.iter().any(same) {
        let message = format!("{} is an input; give --output another name", args.output.display());
        return Err(Failure::Input(message));
    }
    if args.output == Path::new("-") {
        let message = "standard output takes the report; give --output the name of a file";
        return Err(Failure::Input(message.to_owned()));
    }
    let mut sources = inputs::load(&args.inputs, args.kind)?;
    sources.truncate(args.limit_inputs.map_or(usize::MAX, NonZeroUsize::get));
    let tokenizer = tokenizer::load_if_named(&args.tokenizer)?.map(Tokenizer::new);
    let settings = Settings::from(&args.options);
    let states = match args.tables {
        TablesArg::All => TabulatedStates::All,
        TablesArg::Start => TabulatedStates::Start,
    };
    if sources.iter().any(|named| named.stored.is_some()) {
        grammar::note_ignored(&args.options, args.kind);
    }
    // Grammars that were compiled before have options of their own.
    let is_compiled = sources.iter().any(|named| named.stored.is_none());
    let options = is_compiled.then(|| settings.describe());
    let pool = jobs::pool(args.jobs, sources.len())?;
    let mut writer = match &tokenizer {
        Some(tokenizer) if args.embed_index => ArtifactWriter::with_tables(tokenizer.clone()).embed_index(),
        Some(tokenizer) if args.embed_tokenizer => ArtifactWriter::with_tables(tokenizer.clone()).embed_tokenizer(),
        Some(tokenizer) => ArtifactWriter::with_tables(tokenizer.clone()),
        None => ArtifactWriter::automata(),
    };
    let progress = progress_bar(sources.len(), output);
    let mut reports = Vec::new();
    let mut refusals = Vec::new();
    // Not all at once: what is known of a grammar takes far more memory than what is written of it.
    for some in sources.chunks(pool.current_num_threads() * 4) {
        let outcomes: Vec<Outcome> = pool.install(|| {
            let compile = |named| job::compile(named, &settings, tokenizer.as_ref(), states);
            some.par_iter().map(compile).inspect(|_| progress.inc(1)).collect()
        });
        for (named, outcome) in some.iter().zip(outcomes) {
            match outcome {
                Ok(mut compiled) => {
                    compiled.write(&named.name, &mut writer).map_err(|error| Failure::Input(error.to_string()))?;
                    reports.push((named.name.as_str(), compiled));
                }
                Err(diagnostics) => refusals.push((named, diagnostics)),
            }
        }
    }
    progress.finish_and_clear();
    let is_written = !reports.is_empty() && (refusals.is_empty() || args.keep_going);
    let bytes = writer
        .finish(&metadata(args.tables, options, tokenizer.as_ref()))
        .map_err(|error| Failure::Input(error.to_string()))?;
    if is_written {
        output::write(&args.output, &bytes).map_err(|error| Failure::Write { path: args.output.clone(), error })?;
        warn_of_extension(&args.output, tokenizer.is_some());
    }
    let seconds = begin.elapsed().as_secs_f64();
    let counts = Artifact::from_bytes(&bytes).map(|artifact| artifact.set_and_row_counts()).unwrap_or_default();
    if output.is_json() {
        let failed = |(named, diagnostics): &(&inputs::Named, compilers::diagnostic::Diagnostics)| {
            json!({
                "name": named.name, "refused": is_refusal(diagnostics),
                "diagnostics": diagnostics_json(diagnostics, &named.source.text),
            })
        };
        output.json(&json!({
            "file": args.output.display().to_string(), "written": is_written, "bytes": bytes.len(),
            "seconds": seconds, "sets": counts.0, "rows": counts.1,
            "grammars": reports.iter().map(|(name, compiled)| compiled.to_json(name)).collect::<Vec<Value>>(),
            "failures": refusals.iter().map(failed).collect::<Vec<Value>>(),
        }))?;
    } else {
        show_notes(&reports, output)?;
        for (named, diagnostics) in &refusals {
            write!(output, "{}", diagnostics.render(&named.source.name, &named.source.text))?;
        }
        let states: usize = reports.iter().map(|(_, compiled)| compiled.report.states).sum();
        if is_written {
            writeln!(
                output,
                "{GOOD}written{GOOD:#}: {}: grammars {}, states {states}, sets {}, rows {}, bytes {} {DIM}{seconds:.2} s{DIM:#}",
                args.output.display(),
                reports.len(),
                counts.0,
                counts.1,
                bytes.len()
            )?;
        } else {
            let (failed, all) = (refusals.len(), sources.len());
            let hint = if args.keep_going { "" } else { "; see --keep-going" };
            writeln!(output, "nothing is written: {failed} of {all} grammars failed{hint}")?;
        }
    }
    Ok(match refusals.as_slice() {
        [] => Verdict::Yes,
        all if all.iter().all(|(_, diagnostics)| is_refusal(diagnostics)) => Verdict::Refused,
        _ => Verdict::No,
    })
}

/// The notes on grammars, each once: with the name of the grammar, or how many it is about.
fn show_notes(reports: &[(&str, job::Compiled)], output: &mut Output) -> Result<(), Failure> {
    let mut notes: Vec<(&str, &str, usize)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (name, compiled) in reports {
        for note in &compiled.notes {
            let place = *places.entry(note).or_insert(notes.len());
            if place == notes.len() {
                notes.push((note, name, 0));
            }
            notes[place].2 += 1;
        }
    }
    for (note, name, count) in notes {
        let (name, note) = (printable(name), printable(note));
        match count {
            1 => writeln!(output, "{WARN}note{WARN:#}: {name}: {note}")?,
            _ => writeln!(output, "{WARN}note{WARN:#}: {name} and {} more: {note}", count - 1)?,
        }
    }
    Ok(())
}

/// What the file says of its making. Nothing of when and where: the same input makes the same bytes.
fn metadata(tables: TablesArg, options: Option<Value>, tokenizer: Option<&Arc<Tokenizer>>) -> String {
    let tables = tables.to_possible_value().filter(|_| tokenizer.is_some());
    let tables = tables.map(|value| value.get_name().to_owned());
    json!({
        "made_by": concat!("grammarc ", env!("CARGO_PKG_VERSION")),
        "options": options, "tables": tables, "tokenizer": tokenizer.map(|tokenizer| about_tokenizer(tokenizer)),
    })
    .to_string()
}

/// What a file says of the tokenizer that its tables are for.
pub(crate) fn about_tokenizer(tokenizer: &Tokenizer) -> Value {
    let vocabulary = tokenizer.vocabulary();
    json!({
        "kind": vocabulary.model().kind.name(), "size": vocabulary.size(), "stop_tokens": vocabulary.stop_tokens(),
    })
}

/// Says so if the name of the file will not tell what is in it.
fn warn_of_extension(path: &Path, has_tables: bool) {
    let (expected, content) = if has_tables { ("gmt", "tables") } else { ("gpda", "automata alone") };
    if path.extension().is_none_or(|extension| extension != expected) {
        let note = if grammar::is_artifact(path) { "" } else { "; other commands take it with --gmt only" };
        anstream::eprintln!(
            "{WARN}note{WARN:#}: {} holds {content}, for which the extension is .{expected}{note}",
            path.display()
        );
    }
}

fn progress_bar(length: usize, output: &Output) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} grammars, {eta} left");
    let hidden = output.is_json() || !std::io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    ProgressBar::with_draw_target(Some(length as u64), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
