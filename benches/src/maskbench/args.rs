//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Drive constrained-decoding engines over a MaskBench file; compare verdicts and times.
#[derive(Debug, Parser)]
#[command(name = "maskbench", version)]
pub(super) struct Args {
    /// The cases: {"id", "schema", "tests": [{"valid", "data"}]} a line, plain or xz
    #[arg(long, value_name = "FILE", required_unless_present = "worker")]
    pub(super) data: Option<PathBuf>,

    /// A folder with a tokenizer.json
    #[arg(long, value_name = "DIR")]
    pub(super) tokenizer: PathBuf,

    /// The token that ends a generation [default: the tokenizer's]
    #[arg(long, value_name = "ID")]
    pub(super) eos: Option<u32>,

    /// The engines, in the order of the report; the first is what others are compared with
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', default_value = "grammarc")]
    pub(super) engines: Vec<String>,

    /// Where an engine that this program was not built with comes from: another build of maskbench
    #[arg(long, value_name = "NAME=PROGRAM", value_parser = program)]
    pub(super) program: Vec<(String, PathBuf)>,

    /// Take every N-th case only
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) stride: usize,

    /// Take this case only; may be repeated
    #[arg(long, value_name = "ID")]
    pub(super) id: Vec<String>,

    /// Seconds an engine may spend on one case
    #[arg(long, value_name = "S", default_value_t = 60.0, value_parser = seconds)]
    pub(super) limit_s: f64,

    /// Megabytes an engine may occupy
    #[arg(long, value_name = "MB", default_value_t = 8_000)]
    pub(super) limit_mb: u64,

    /// Judge instances by accepting their tokens, without masks but the first: quick, and no mask times
    #[arg(long)]
    pub(super) verdicts_only: bool,

    /// Go through all instances of a case once before they are measured
    #[arg(long, conflicts_with = "verdicts_only")]
    pub(super) warm: bool,

    /// Where one JSON row per case and engine goes
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// Where the percentile curves of the report go, as an SVG picture
    #[arg(long, value_name = "FILE.svg")]
    pub(super) plot: Option<PathBuf>,

    /// The committed verdicts on the first engine, one line per case, which may only get better
    #[arg(long, value_name = "FILE")]
    pub(super) ratchet: Option<PathBuf>,

    /// Write the verdicts found into the ratchet
    #[arg(long, requires = "ratchet")]
    pub(super) update: bool,

    /// Work as the child process for this engine
    #[arg(long, value_name = "NAME", hide = true)]
    pub(super) worker: Option<String>,
}

fn program(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("not of the form NAME=PROGRAM")?;
    Ok((name.to_owned(), PathBuf::from(path)))
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if seconds > 0.0 && seconds < 1e9 { Ok(seconds) } else { Err("must be a positive number of seconds".to_owned()) }
}
