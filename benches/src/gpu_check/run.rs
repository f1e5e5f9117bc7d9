//! The whole program.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use gpu_runtime::{CpuDevice, CudaDevice, Device};

use super::random_model::{EIGHT_BILLION, ONE_BILLION, Shape};
use super::report::Report;
use super::{Extent, Shapes, bandwidth, command_line, compare, decode, golden};

/// Check the GPU of this machine: kernels, models, masks, decoding, the command line.
#[derive(Debug, Parser)]
#[command(name = "gpu_check", version)]
struct Args {
    /// Folder with `tiny-tools`, `stories260K` and `capital.schema.json`
    data: PathBuf,

    /// The program `grammarc`, to be run with `--device cuda`
    #[arg(long, value_name = "FILE")]
    grammarc: Option<PathBuf>,

    /// Leave out the model of 8 billion weights
    #[arg(long)]
    quick: bool,

    /// Run all that can be run without a GPU, on the CPU and with small shapes; bars on speed do not count
    #[arg(long)]
    rehearse: bool,
}

/// The program `gpu_check`. Its exit code says whether every check passed.
pub fn run() -> ExitCode {
    let args = Args::parse();
    let mut output = io::stdout().lock();
    let failures = match (args.rehearse, CudaDevice::open()) {
        (true, _) => rehearse(&mut output, &args),
        (false, Ok(device)) => check(&mut output, &args, &device.description()),
        (false, Err(reason)) => {
            // Nobody is left to be told if this fails.
            let _ = writeln!(io::stderr(), "nothing to check: {reason}");
            return ExitCode::from(2);
        }
    };
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check(output: &mut dyn Write, args: &Args, device: &str) -> usize {
    let open = || Ok(CudaDevice::open()?);
    let mut report = Report::new(output, device);
    report.part("Kernels against the CPU device", |report| compare(report, &mut open()?, &Shapes::REAL));
    report.part("Models against their golden files", |report| golden(report, open, &args.data, &Extent::ALL));
    report.part("Masks against copies", bandwidth::masks);
    let mut models = vec![("1B", &ONE_BILLION)];
    if !args.quick {
        models.push(("8B", &EIGHT_BILLION));
    }
    for (name, shape) in models {
        report.part(&format!("Decoding, {name}"), |report| {
            let bandwidth = bandwidth::of_memory()?;
            let measured = decode(open()?, shape)?;
            measured.judge(report, Some(bandwidth));
            Ok(())
        });
    }
    generate(&mut report, args, "cuda");
    report.finish()
}

fn rehearse(output: &mut dyn Write, args: &Args) -> usize {
    let open = || Ok(CpuDevice::new(0)?);
    let mut report = Report::new(output, "a rehearsal on the CPU");
    report.part("Operations", |report| compare(report, &mut open()?, &Shapes::SMALL));
    report.part("Models against their golden files", |report| golden(report, open, &args.data, &Extent::ALL));
    report.part("Decoding", |report| {
        decode(open()?, &Shape::SMALL)?.judge(report, None);
        Ok(())
    });
    generate(&mut report, args, "cpu");
    report.finish()
}

fn generate(report: &mut Report<'_>, args: &Args, device: &str) {
    if let Some(program) = &args.grammarc {
        report.part("The command line", |report| command_line::generate(report, program, &args.data, device));
    }
}
