//! The whole program.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;

use super::args::{Args, Part};
use super::load::{Mix, Observed, Phase, run_phase};
use super::report::{Sample, report};
use super::server::{Running, serve};
use crate::maskbench::process_memory;

/// Times at which the server's memory is looked at.
const SAMPLE_EVERY: Duration = Duration::from_secs(5);

/// The program `serve_load`. Its exit code says whether every answer was what it had to be.
pub fn run() -> ExitCode {
    let args = Args::parse();
    let done = match &args.part {
        Some(Part::Server) => serve(&args).map(|()| true),
        None => measure(&args).map_err(|error| error.to_string()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            // Nobody is left to be told if this fails.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &Args) -> io::Result<bool> {
    let server = Running::start()?;
    let (process, address) = (server.id(), server.address);
    let eighth = args.clients / 8;
    let quiet = Mix { ordinary: args.clients.saturating_sub(2 * eighth), cancelling: eighth, hostile: 0 };
    let duration = Duration::from_secs(args.seconds) / u32::try_from(args.turns.max(1)).unwrap_or(u32::MAX);
    let numbers = AtomicU64::new(0);
    // Caches and the allocator's arenas are filled before anything is measured.
    run_phase(
        address,
        Phase { mix: Mix { hostile: eighth, ..quiet }, duration: duration.min(Duration::from_secs(5)) },
        &numbers,
    );
    let (mut without, mut with) = (Observed::default(), Observed::default());
    let measured = AtomicBool::new(false);
    let memory = std::thread::scope(|scope| {
        let sampling = scope.spawn(|| sample_memory(&process, &measured));
        for _ in 0..args.turns.max(1) {
            without.merge(run_phase(address, Phase { mix: quiet, duration }, &numbers));
            with.merge(run_phase(address, Phase { mix: Mix { hostile: eighth, ..quiet }, duration }, &numbers));
        }
        measured.store(true, Ordering::Relaxed);
        sampling.join().unwrap_or_default()
    });
    let ended_well = server.stop()?;
    write!(io::stdout(), "{}", report(&without, &with, &memory))?;
    Ok(ended_well && without.faults.is_empty() && with.faults.is_empty())
}

fn sample_memory(process: &str, measured: &AtomicBool) -> Vec<Sample> {
    let begin = Instant::now();
    let mut samples = Vec::new();
    let mut next = Duration::ZERO;
    while !measured.load(Ordering::Relaxed) {
        if begin.elapsed() >= next {
            samples.extend(process_memory::resident(process).map(|bytes| (begin.elapsed().as_secs_f64(), bytes)));
            next += SAMPLE_EVERY;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    samples
}
