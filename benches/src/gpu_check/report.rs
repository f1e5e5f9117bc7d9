//! What was checked, as Markdown.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

/// An error of any part; the report shows it.
pub type Failure = Box<dyn Error>;

/// What was checked so far.
pub struct Report<'a> {
    output: &'a mut dyn Write,
    failures: usize,
    start: Instant,
}

impl<'a> Report<'a> {
    /// An empty report.
    pub fn new(output: &'a mut dyn Write, device: &str) -> Self {
        let mut report = Self { output, failures: 0, start: Instant::now() };
        report.line(&format!("# GPU checks\n\n{device}"));
        report
    }

    fn line(&mut self, text: &str) {
        // Nobody is left to be told if this fails.
        let _ = writeln!(self.output, "{text}").and_then(|()| self.output.flush());
    }

    /// A line with a verdict.
    pub fn check(&mut self, holds: bool, what: &str) {
        self.failures += usize::from(!holds);
        self.line(&format!("| {} | {what} |", if holds { "pass" } else { "FAIL" }));
    }

    /// A line about something that no bar is set for.
    pub fn note(&mut self, what: &str) {
        self.line(&format!("| | {what} |"));
    }

    /// The verdict on a part that may fail as a whole.
    pub fn part(&mut self, name: &str, run: impl FnOnce(&mut Self) -> Result<(), Failure>) {
        self.line(&format!("\n## {name}, at {:.0} s\n\n| | |\n|---|---|", self.start.elapsed().as_secs_f64()));
        if let Err(error) = run(self) {
            self.check(false, &error.to_string());
        }
    }

    /// Ends the report; answers the number of checks that failed.
    pub fn finish(mut self) -> usize {
        let (failures, seconds) = (self.failures, self.start.elapsed().as_secs_f64());
        self.line(&format!("\n{failures} failed, {seconds:.0} s"));
        failures
    }
}
