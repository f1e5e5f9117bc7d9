//! Everything about the GPU that CI cannot check, in one program: see `benches/gpu/check.sh`.
//!
//! `gpu_check DATA` compares the kernels with the CPU device and the models under DATA with their golden tokens, then
//! measures. It prints a report in Markdown, and fails if a check does. `gpu_check DATA --quick` leaves out the model
//! of 8 billion weights.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a report is what this program is for")]

mod compare;
mod measure;
mod models;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use gpu_runtime::CudaDevice;

/// An error of any part; the report shows it.
type Failure = Box<dyn std::error::Error>;

/// What was checked so far.
struct Report {
    failures: usize,
    start: Instant,
}

impl Report {
    /// A line with a verdict.
    fn check(&mut self, holds: bool, what: &str) {
        self.failures += usize::from(!holds);
        println!("| {} | {what} |", if holds { "pass" } else { "FAIL" });
    }

    /// The verdict on a part that may fail as a whole.
    fn part(&mut self, name: &str, run: impl FnOnce(&mut Self) -> Result<(), Failure>) {
        println!("\n## {name}, at {:.0} s\n\n| | |\n|---|---|", self.start.elapsed().as_secs_f64());
        if let Err(error) = run(self) {
            self.check(false, &error.to_string());
        }
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(data) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: gpu_check DATA [--quick]");
        return ExitCode::from(2);
    };
    let quick = arguments.next().is_some_and(|argument| argument == "--quick");
    let description = match CudaDevice::open() {
        Ok(device) => gpu_runtime::Device::description(&device),
        Err(reason) => {
            eprintln!("nothing to check: {reason}");
            return ExitCode::from(2);
        }
    };
    println!("# GPU checks\n\n{description}");
    let mut report = Report { failures: 0, start: Instant::now() };
    report.part("Kernels against the CPU device", compare::run);
    report.part("Models against their golden tokens", |report| models::golden(report, &data));
    report.part("Masks against copies", measure::masks);
    report.part("Decoding, 1B", |report| models::decode(report, &models::ONE_BILLION));
    if !quick {
        report.part("Decoding, 8B", |report| models::decode(report, &models::EIGHT_BILLION));
    }
    println!("\n{} failed, {:.0} s", report.failures, report.start.elapsed().as_secs_f64());
    if report.failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
