//! The parent's side of a worker: time and memory limits, restarts.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::failure::Failure;
use super::job::{Job, Measured, Message};
use super::process_memory;
use super::row::Row;

/// Bounds on one job.
#[derive(Debug, Clone, Copy)]
pub(super) struct JobLimits {
    pub(super) time: Duration,
    /// Resident bytes of the worker.
    pub(super) memory: u64,
}

/// How often the memory of a worker is looked at.
const POLL: Duration = Duration::from_millis(100);
/// Time for an engine to start, which includes reading the tokenizer.
const START: Duration = Duration::from_secs(600);

/// Runs jobs on one engine, in a process that is started again when it was lost.
pub(super) struct Supervisor {
    engine: String,
    command: Command,
    limits: JobLimits,
    worker: Option<Worker>,
}

impl Supervisor {
    /// `command` starts a worker for `engine`.
    pub(super) fn new(engine: String, mut command: Command, limits: JobLimits) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { engine, command, limits, worker: None }
    }

    /// The result of `job`: a row in any case.
    ///
    /// # Errors
    /// When the engine does not start.
    pub(super) fn run(&mut self, job: &Job) -> Result<Measured, Failure> {
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => self.start()?.0,
        };
        match worker.run(job, self.limits) {
            Ok(measured) => {
                self.worker = Some(worker);
                Ok(*measured)
            }
            Err(loss) => {
                let crash = worker.end(loss);
                let row = Row { id: job.id.clone(), engine: self.engine.clone(), crash: Some(crash), ..Row::default() };
                Ok(Measured { row, causes: Vec::new(), growth: 0 })
            }
        }
    }

    /// Starts the worker now, so that the first job does not wait for it; answers the engine's version.
    ///
    /// # Errors
    /// When the engine does not start.
    pub(super) fn warm_up(&mut self) -> Result<String, Failure> {
        let (worker, version) = self.start()?;
        self.worker = Some(worker);
        Ok(version)
    }

    fn start(&mut self) -> Result<(Worker, String), Failure> {
        let failure = |message| Failure::Start { engine: self.engine.clone(), message };
        let mut worker = Worker::spawn(&mut self.command).map_err(|error| failure(error.to_string()))?;
        match worker.messages.recv_timeout(START) {
            Ok(Message::Started(Ok(version))) => Ok((worker, version)),
            Ok(Message::Started(Err(message))) => Err(failure(message)),
            Ok(Message::Done(_)) => Err(failure("it answered before it was asked".to_owned())),
            Err(_) => Err(failure(worker.end(Loss::Ended))),
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            worker.kill();
        }
    }
}

/// Why there is no answer to a job.
enum Loss {
    Ended,
    Time(Duration),
    Memory(u64),
}

struct Worker {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Message>,
    /// Collects the end of what the worker writes to standard error.
    errors: Option<JoinHandle<String>>,
}

impl Worker {
    fn spawn(command: &mut Command) -> std::io::Result<Self> {
        let mut child = command.spawn()?;
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(std::io::Error::other("a pipe is missing"));
        };
        let (sender, messages) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                // An engine may write to standard output too; what is no message is not for us.
                let message = line.ok().and_then(|line| serde_json::from_str(&line).ok());
                if let Some(message) = message
                    && sender.send(message).is_err()
                {
                    return;
                }
            }
        });
        Ok(Self { child, input, messages, errors: Some(thread::spawn(move || last_text(errors))) })
    }

    fn run(&mut self, job: &Job, limits: JobLimits) -> Result<Box<Measured>, Loss> {
        let mut line = serde_json::to_string(job).map_err(|_| Loss::Ended)?;
        line.push('\n');
        self.input.write_all(line.as_bytes()).and_then(|()| self.input.flush()).map_err(|_| Loss::Ended)?;
        let process = self.child.id().to_string();
        let started = Instant::now();
        loop {
            match self.messages.recv_timeout(POLL) {
                Ok(Message::Done(measured)) => return Ok(measured),
                Ok(Message::Started(_)) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Loss::Ended),
                Err(RecvTimeoutError::Timeout) if started.elapsed() > limits.time => {
                    return Err(Loss::Time(limits.time));
                }
                Err(RecvTimeoutError::Timeout) => {
                    if process_memory::resident(&process).is_some_and(|resident| resident > limits.memory) {
                        return Err(Loss::Memory(limits.memory));
                    }
                }
            }
        }
    }

    /// Ends the worker; says what happened.
    fn end(&mut self, loss: Loss) -> String {
        match loss {
            Loss::Time(limit) => {
                self.kill();
                format!("stopped at the time limit of {} s", limit.as_secs_f64())
            }
            Loss::Memory(limit) => {
                self.kill();
                format!("stopped at the memory limit of {} MB", limit / 1_000_000)
            }
            Loss::Ended => {
                let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
                let errors = self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default();
                format!("{status}: {}", errors.trim())
            }
        }
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end; answers the last part.
fn last_text(mut stream: impl Read) -> String {
    const KEPT: usize = 2_000;
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..count]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A supervisor of a worker that, once it has started, does what `script` says.
    fn supervisor(script: &str, limits: JobLimits) -> Supervisor {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!(r#"echo '{{"Started":{{"Ok":"1"}}}}'; read job; {script}"#));
        Supervisor::new("shell".to_owned(), command, limits)
    }

    fn job() -> Job {
        Job { id: "a".to_owned(), schema: "true".to_owned(), tests: Vec::new() }
    }

    const LIMITS: JobLimits = JobLimits { time: Duration::from_secs(60), memory: u64::MAX };

    #[test]
    fn an_answer_is_passed_on_whatever_else_is_written() {
        let answer =
            r#"{"Done":{"row":{"id":"a","engine":"shell","ok_valid":3,"ok_invalid":0},"causes":[],"growth":5}}"#;
        let mut supervisor = supervisor(&format!("echo noise; echo '{answer}'; read more"), LIMITS);
        assert_eq!(supervisor.warm_up().unwrap(), "1");
        let measured = supervisor.run(&job()).unwrap();
        assert_eq!((measured.row.ok_valid, measured.growth), (3, 5));
    }

    #[test]
    fn a_crash_costs_a_row_and_the_next_job_finds_a_new_worker() {
        let mut supervisor = supervisor("echo 'thread panicked' >&2; exit 3", LIMITS);
        for _ in 0..2 {
            let crash = supervisor.run(&job()).unwrap().row.crash.unwrap();
            assert!(crash.contains('3') && crash.ends_with("thread panicked"), "{crash}");
        }
    }

    #[test]
    fn a_hang_ends_at_the_time_limit() {
        let limits = JobLimits { time: Duration::from_millis(200), ..LIMITS };
        let started = Instant::now();
        let crash = supervisor("exec sleep 60", limits).run(&job()).unwrap().row.crash.unwrap();
        assert!(crash.contains("time limit of 0.2 s"), "{crash}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_large_process_ends_at_the_memory_limit() {
        let limits = JobLimits { memory: 1, ..LIMITS };
        let crash = supervisor("exec sleep 60", limits).run(&job()).unwrap().row.crash.unwrap();
        assert!(crash.contains("memory limit"), "{crash}");
    }

    #[test]
    fn an_engine_that_does_not_start_is_a_failure() {
        let mut command = Command::new("sh");
        command.arg("-c").arg(r#"echo '{"Started":{"Err":"no such vocabulary"}}'"#);
        let failure = Supervisor::new("shell".to_owned(), command, LIMITS).run(&job()).err().unwrap();
        assert_eq!(failure.to_string(), "shell does not start: no such vocabulary");
    }
}
