//! The program: reads the cases, runs the engines in turn, writes rows and report.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Parser;
use grammarc::ratchet::{self, Ratchet};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::Args;
use super::dataset::{Case, Dataset};
use super::encoder::{self, Encoder};
use super::engine::EngineEntry;
use super::failure::Failure;
use super::instance;
use super::job::{Job, Measured, Sequence};
use super::measure::Steps;
use super::report::Report;
use super::supervisor::{JobLimits, Supervisor};
use super::worker;

/// The program, with the engines that a binary was built with.
pub fn run(engines: &[EngineEntry]) -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.worker {
        Some(name) => find(engines, name)
            .and_then(|entry| worker::work(entry, encoder::setup(&args.tokenizer, args.eos)?, steps(&args)))
            .map(|()| true),
        None => supervise(&args, engines),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            // There is nowhere to report that standard error is closed.
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::from(2)
        }
    }
}

fn steps(args: &Args) -> Steps {
    match args {
        Args { verdicts_only: true, .. } => Steps::Accept,
        Args { warm: true, .. } => Steps::WarmMaskAndAccept,
        _ => Steps::MaskAndAccept,
    }
}

fn find<'a>(engines: &'a [EngineEntry], name: &str) -> Result<&'a EngineEntry, Failure> {
    engines.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let known: Vec<&str> = engines.iter().map(|entry| entry.name).collect();
        Failure::Usage(format!("no engine {name:?} in this build; there is {}", known.join(", ")))
    })
}

/// Whether the ratchet holds, if there is one.
fn supervise(args: &Args, engines: &[EngineEntry]) -> Result<bool, Failure> {
    let data = args.data.as_deref().unwrap_or(Path::new(""));
    let dataset = Dataset::read(data)?;
    let encoder = Encoder::new(&args.tokenizer, encoder::setup(&args.tokenizer, args.eos)?)?;
    let limits =
        JobLimits { time: Duration::from_secs_f64(args.limit_s), memory: args.limit_mb.saturating_mul(1_000_000) };
    let mut supervisors = Vec::new();
    let mut versions = Vec::new();
    for name in &args.engines {
        let mut supervisor = Supervisor::new(name.clone(), worker_command(args, engines, name)?, limits);
        versions.push((name.clone(), supervisor.warm_up()?));
        supervisors.push(supervisor);
    }
    let mut rows = args.out.as_deref().map(create).transpose()?;
    let mut report = Report::new(versions, steps(args));
    let mut verdicts = Ratchet::default();
    let progress = progress_bar(dataset.lines(args.stride).count());
    for (number, line) in dataset.lines(args.stride) {
        let case: Case =
            serde_json::from_str(line).map_err(|error| Failure::data(data, format!("line {number}: {error}")))?;
        progress.inc(1);
        if !args.id.is_empty() && !args.id.contains(&case.id) {
            continue;
        }
        let (job, inexact) = encode(case, &encoder)?;
        report.count_inexact(inexact);
        for (position, supervisor) in supervisors.iter_mut().enumerate() {
            let measured = supervisor.run(&job)?;
            if let Some(rows) = &mut rows {
                write_row(rows, &measured)?;
            }
            if position == 0 {
                verdicts.push(&measured.row.id, measured.row.outcome().verdict());
            }
            report.add(position, measured);
        }
    }
    progress.finish_and_clear();
    let mut output = io::stdout().lock();
    write!(output, "{report}")?;
    if let Some(path) = &args.plot {
        fs::write(path, report.plot().to_string()).map_err(Failure::reading(path))?;
    }
    let Some(path) = &args.ratchet else { return Ok(true) };
    let comparison = ratchet::check(path, &verdicts, args.update).map_err(Failure::reading(path))?;
    write!(output, "\n{comparison}")?;
    Ok(args.update || comparison.holds())
}

/// This program, or the one that the command line names, as the worker of an engine.
fn worker_command(args: &Args, engines: &[EngineEntry], engine: &str) -> Result<Command, Failure> {
    let program = match args.program.iter().find(|(name, _)| name == engine) {
        Some((_, program)) => program.clone(),
        None => find(engines, engine).and_then(|_| Ok(env::current_exe()?))?,
    };
    let mut command = Command::new(program);
    command.arg("--worker").arg(engine).arg("--tokenizer").arg(&args.tokenizer);
    if let Some(eos) = args.eos {
        command.arg("--eos").arg(eos.to_string());
    }
    if args.verdicts_only {
        command.arg("--verdicts-only");
    }
    if args.warm {
        command.arg("--warm");
    }
    Ok(command)
}

/// The case as a job, and how many instances the tokenizer does not spell exactly.
fn encode(case: Case, encoder: &Encoder) -> Result<(Job, usize), Failure> {
    let mut inexact = 0;
    let mut tests = Vec::with_capacity(case.tests.len());
    for test in &case.tests {
        let (tokens, exact) = encoder.encode(&instance::to_text(&test.data))?;
        inexact += usize::from(!exact);
        tests.push(Sequence { valid: test.valid, tokens });
    }
    Ok((Job { id: case.id, schema: case.schema.to_string(), tests }, inexact))
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    File::create(path).map(BufWriter::new).map_err(Failure::reading(path))
}

fn write_row(rows: &mut impl Write, measured: &Measured) -> Result<(), Failure> {
    serde_json::to_writer(&mut *rows, &measured.row).map_err(io::Error::from)?;
    rows.write_all(b"\n")?;
    // A row at a time, so that a long run can be read while it goes on, and what it did survives its end.
    Ok(rows.flush()?)
}

fn progress_bar(length: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} cases, {eta} left");
    ProgressBar::new(length as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
