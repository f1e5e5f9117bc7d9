//! The child process: one engine, jobs from standard input, results to standard output.

use std::io::{self, BufRead, Write};

use super::engine::{EngineEntry, Setup};
use super::failure::Failure;
use super::job::{Job, Message};
use super::measure::{Steps, measure};
use super::process_memory;

/// Starts the engine and works until standard input ends.
pub(super) fn work(entry: &EngineEntry, setup: Setup, steps: Steps) -> Result<(), Failure> {
    let vocabulary = setup.vocabulary.clone();
    let engine = entry.start(setup);
    say(&Message::Started(engine.as_ref().map(|_| entry.version.to_owned()).map_err(String::clone)))?;
    let Ok(engine) = engine else { return Ok(()) };
    for line in io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&line?).map_err(io::Error::from)?;
        process_memory::reset_own_peak();
        let before = process_memory::resident("self").unwrap_or(0);
        let mut measured = measure(&*engine, entry.name, &job, steps, &vocabulary);
        measured.growth = process_memory::peak("self").unwrap_or(0).saturating_sub(before);
        say(&Message::Done(Box::new(measured)))?;
    }
    Ok(())
}

fn say(message: &Message) -> Result<(), Failure> {
    let mut line = serde_json::to_string(message).map_err(io::Error::from)?;
    line.push('\n');
    let mut output = io::stdout().lock();
    output.write_all(line.as_bytes())?;
    Ok(output.flush()?)
}
