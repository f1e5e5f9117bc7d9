//! A thousand answers of a model at a high temperature to the schemas of a file in the form of MaskBench: each is valid, or
//! says that it was cut off. A refusal counts as a failure unless it names what is not supported, or there is no instance.
//!
//! ```text
//! cargo run --release -p grammarc-fuzz --bin generations -- --data schemas.jsonl
//! cargo run --release -p grammarc-fuzz --bin generations -- --data schemas.jsonl --random-weights
//! ```
//!
//! Exit code 0: no failure; 1: some; 2: usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use gpu_runtime::ModelFiles;
use grammarc_fuzz::generations::{Demand, Generator, Outcome, with_random_weights};
use grammarc_fuzz::json_schema::dataset;

/// Judge the answers of a model to schemas.
#[derive(Debug, Parser)]
struct Args {
    /// The schemas: {"id", "schema", "tests"} a line, plain or xz
    #[arg(long, value_name = "FILE")]
    data: PathBuf,

    /// How many of them, evenly spread over the file
    #[arg(long, value_name = "N", default_value_t = 200)]
    schemas: usize,

    /// Answers for each
    #[arg(long, value_name = "N", default_value_t = 5)]
    answers: usize,

    /// The temperature
    #[arg(long, value_name = "T", default_value_t = 1.5)]
    temperature: f32,

    /// The greatest number of tokens of an answer
    #[arg(long, value_name = "N", default_value_t = 400)]
    max_tokens: usize,

    /// The seed of the first answer to each schema
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Folder of a Llama model; without it the committed tiny one
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,

    /// Give the model random weights; it has to be of bfloat16, in one file
    #[arg(long)]
    random_weights: bool,

    /// Threads of the model; 0 is one per core
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<bool, Box<dyn Error>> {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gpu-runtime/data/tiny-tools");
    let folder = args.model.clone().unwrap_or(committed);
    let files = if args.random_weights { random_model(&folder)? } else { ModelFiles::open(&folder)? };
    let generator = Generator::new(&files, args.threads)?;
    let demand =
        Demand { answers: args.answers, temperature: args.temperature, max_tokens: args.max_tokens, seed: args.seed };
    let mut cases = dataset::read(&args.data, 1)?;
    let stride = (cases.len() / args.schemas.max(1)).max(1);
    cases = cases.into_iter().step_by(stride).take(args.schemas).collect();
    let (start, schemas) = (Instant::now(), cases.len());
    let [mut valid, mut cut_off, mut unsupported, mut empty, mut wrong] = [0; 5];
    for case in &cases {
        let outcomes = generator.judge(case, &demand);
        let mut told = None;
        for outcome in &outcomes {
            let (count, line) = match outcome {
                Outcome::Valid => (&mut valid, None),
                Outcome::CutOff => (&mut cut_off, None),
                Outcome::Unsupported(reason) => (&mut unsupported, Some(format!("unsupported {}: {reason}", case.id))),
                Outcome::Empty(reason) => (&mut empty, Some(format!("empty {}: {reason}", case.id))),
                Outcome::Wrong(reason) => (&mut wrong, Some(format!("WRONG {}: {reason}", case.id))),
            };
            *count += 1;
            // Answers to a schema that is refused are all alike.
            if line.is_some() && line != told {
                println!("{}", line.as_deref().unwrap_or_default());
                told = line;
            }
        }
    }
    println!(
        "{} answers to {schemas} schemas at temperature {}: {valid} valid, {cut_off} cut off and said so, {unsupported} refused by name \
         as unsupported, {empty} refused as there is no instance, {wrong} wrong; {:.0} s",
        valid + cut_off + unsupported + empty + wrong,
        args.temperature,
        start.elapsed().as_secs_f64()
    );
    Ok(wrong == 0 && valid > 0)
}

/// The model of a folder with random weights, by way of a folder of its own.
fn random_model(folder: &Path) -> Result<ModelFiles, Box<dyn Error>> {
    let target = std::env::temp_dir().join(format!("grammarc-random-weights-{}", std::process::id()));
    std::fs::create_dir_all(&target)?;
    let made = write_random_model(folder, &target);
    std::fs::remove_dir_all(&target)?;
    made
}

fn write_random_model(folder: &Path, target: &Path) -> Result<ModelFiles, Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), target.join(entry.file_name()))?;
        }
    }
    let weights = std::fs::read(folder.join("model.safetensors"))?;
    std::fs::write(target.join("model.safetensors"), with_random_weights(&weights, 1)?)?;
    Ok(ModelFiles::open(target)?)
}
