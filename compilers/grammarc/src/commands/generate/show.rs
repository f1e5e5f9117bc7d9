//! Answers as they come, and what they cost.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use gpu_runtime::TextStream;
use gpu_runtime::engine::{Event, Finish, Reasoning, Step, StepTiming};
use mask_runtime::Vocabulary;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{BAD, DIM, Output, Verdict, WARN};

/// One answer, as far as it has come.
pub(super) struct Answer {
    /// The token that ends the reasoning, and how many tokens after it are no part of the answer.
    reasoning_end: Option<(u32, usize)>,
    /// Set as long as tokens belong to the reasoning.
    is_reasoning: bool,
    /// How many tokens to skip.
    skip: usize,
    stream: TextStream,
    reasoning: String,
    text: String,
    tokens: Vec<u32>,
    forced: usize,
    finish: Option<Finish>,
}

impl Answer {
    pub(super) fn new(reasoning: Option<&Reasoning>) -> Self {
        Self {
            reasoning_end: reasoning.and_then(|Reasoning { end_marker, separator, .. }| {
                Some((*end_marker.tokens().last()?, separator.len()))
            }),
            is_reasoning: reasoning.is_some(),
            skip: 0,
            stream: TextStream::default(),
            reasoning: String::new(),
            text: String::new(),
            tokens: Vec::new(),
            forced: 0,
            finish: None,
        }
    }

    /// Takes a token over; answers the new text, and whether it is reasoning.
    fn push(&mut self, token: u32, vocabulary: &Vocabulary) -> (String, bool) {
        self.tokens.push(token);
        if let Some((_, separator)) = self.reasoning_end.filter(|&(end, _)| self.is_reasoning && end == token) {
            let rest = std::mem::take(&mut self.stream).finish();
            self.reasoning.push_str(&rest);
            self.is_reasoning = false;
            self.skip = separator;
            return (rest, true);
        }
        if self.skip > 0 {
            self.skip -= 1;
            return (String::new(), false);
        }
        let piece = self.stream.push(vocabulary.bytes(token));
        if self.is_reasoning { &mut self.reasoning } else { &mut self.text }.push_str(&piece);
        (piece, self.is_reasoning)
    }

    fn to_json(&self, index: usize) -> Value {
        let finish = self.finish.as_ref();
        let mut object = json!({
            "index": index, "text": self.text, "tokens": self.tokens, "forced": self.forced,
            "finish": finish.map(finish_name), "truncated": finish.is_some_and(Finish::is_truncated),
        });
        if self.reasoning_end.is_some() {
            object["reasoning"] = self.reasoning.trim().into();
        }
        if let Some(Finish::Failed(error)) = finish {
            object["error"] = error.to_string().into();
        }
        object
    }
}

fn finish_name(finish: &Finish) -> &'static str {
    match finish {
        Finish::StopToken(_) => "stop_token",
        Finish::GrammarEnd => "grammar_end",
        Finish::MaxTokens { .. } => "max_tokens",
        Finish::ContextFull { .. } => "context_full",
        Finish::Failed(_) => "failed",
        _ => "other",
    }
}

/// Shows answers: a single one piece by piece, several one after the other.
pub(super) struct Shown<'a> {
    answers: Vec<Answer>,
    vocabulary: &'a Vocabulary,
    output: &'a mut Output,
    /// The number of answers that have been shown.
    done: usize,
}

impl<'a> Shown<'a> {
    pub(super) fn new(answers: Vec<Answer>, vocabulary: &'a Vocabulary, output: &'a mut Output) -> Self {
        Self { answers, vocabulary, output, done: 0 }
    }

    /// Takes note of what happened to answer `index`.
    pub(super) fn take(&mut self, index: usize, event: &Event) -> Result<(), Failure> {
        let streams = self.answers.len() == 1 && !self.output.is_json();
        let Some(answer) = self.answers.get_mut(index) else { return Ok(()) };
        answer.forced += event.forced;
        for &token in &event.tokens {
            let (piece, is_reasoning) = answer.push(token, self.vocabulary);
            if streams {
                write_piece(&piece, is_reasoning)?;
            }
        }
        if let Some(finish) = &event.finish {
            let rest = std::mem::take(&mut answer.stream).finish();
            if streams {
                write_piece(&rest, answer.is_reasoning)?;
            }
            if answer.is_reasoning { &mut answer.reasoning } else { &mut answer.text }.push_str(&rest);
            answer.finish = Some(finish.clone());
        }
        while let Some(answer) = self.answers.get(self.done).filter(|answer| answer.finish.is_some()) {
            if self.output.is_json() {
                self.output.json(&answer.to_json(self.done))?;
                self.output.flush()?;
            } else {
                if !streams {
                    if !answer.reasoning.is_empty() {
                        write_piece(&answer.reasoning, true)?;
                    }
                    write_piece(&answer.text, false)?;
                }
                write_piece("\n", false)?;
                warn(answer, self.done, self.answers.len())?;
            }
            self.done += 1;
        }
        Ok(())
    }

    /// Whether all answers are whole.
    pub(super) fn finish(self) -> Result<Verdict, Failure> {
        let finishes = || self.answers.iter().filter_map(|answer| answer.finish.as_ref());
        Ok(if finishes().any(|finish| matches!(finish, Finish::Failed(_))) {
            Verdict::BadInput
        } else {
            Verdict::from_bool(!finishes().any(Finish::is_truncated))
        })
    }
}

/// Writes text at once, as it is: what decides about colours would take escape sequences out of it.
fn write_piece(piece: &str, is_reasoning: bool) -> io::Result<()> {
    if piece.is_empty() {
        return Ok(());
    }
    if is_reasoning {
        let mut stream = anstream::stderr().lock();
        write!(stream, "{DIM}{piece}{DIM:#}")?;
        return stream.flush();
    }
    let mut stream = io::stdout().lock();
    stream.write_all(piece.as_bytes())?;
    stream.flush()
}

/// Says so if an answer is not whole.
fn warn(answer: &Answer, index: usize, answers: usize) -> io::Result<()> {
    let which = if answers == 1 { "the answer".to_owned() } else { format!("answer {}", index + 1) };
    let mut stream = anstream::stderr().lock();
    match &answer.finish {
        Some(Finish::Failed(error)) => writeln!(stream, "{BAD}error{BAD:#}: {which} failed: {error}"),
        Some(finish @ Finish::MaxTokens { .. }) if finish.is_truncated() => {
            writeln!(stream, "{WARN}truncated{WARN:#}: {which} was cut off; give more --max-tokens")
        }
        Some(finish) if finish.is_truncated() => {
            writeln!(stream, "{WARN}truncated{WARN:#}: {which} was cut off by the end of the model's context")
        }
        _ => Ok(()),
    }
}

/// What a run has cost.
pub(super) struct Stats {
    device: String,
    start: Instant,
    elapsed: Duration,
    timing: StepTiming,
    steps: usize,
    rows: usize,
    tokens: usize,
    forced: usize,
    /// The steps after the first token: decoding.
    decode: StepTiming,
    decode_steps: usize,
    decoded: usize,
}

impl Stats {
    pub(super) fn new(device: String) -> Self {
        Self {
            device,
            start: Instant::now(),
            elapsed: Duration::ZERO,
            timing: StepTiming::default(),
            steps: 0,
            rows: 0,
            tokens: 0,
            forced: 0,
            decode: StepTiming::default(),
            decode_steps: 0,
            decoded: 0,
        }
    }

    /// Starts the clock.
    pub(super) fn begin(&mut self) {
        self.start = Instant::now();
    }

    pub(super) fn add(&mut self, step: &Step) {
        let tokens: usize = step.events.iter().map(|event| event.tokens.len()).sum();
        if self.tokens > 0 {
            self.decode += step.timing;
            self.decode_steps += 1;
            self.decoded += tokens;
        }
        self.timing += step.timing;
        self.steps += 1;
        self.rows += step.rows;
        self.tokens += tokens;
        self.forced += step.events.iter().map(|event| event.forced).sum::<usize>();
    }

    /// Stops the clock.
    pub(super) fn end(&mut self) {
        self.elapsed = self.start.elapsed();
    }

    /// On standard error, or as a line of JSON among the answers.
    pub(super) fn show(&self, output: &mut Output) -> io::Result<()> {
        let per_step = |time: Duration| time.as_secs_f64() * 1e6 / self.decode_steps.max(1) as f64;
        let decode = &self.decode;
        let rate = self.decoded as f64 / decode.total.as_secs_f64().max(f64::EPSILON);
        let parts = [
            ("forward", decode.forward),
            ("masks", decode.masks),
            ("mask_wait", decode.mask_wait),
            ("apply", decode.apply),
            ("sample", decode.sample),
            ("accept", decode.accept),
            ("total", decode.total),
        ];
        if output.is_json() {
            let parts: serde_json::Map<String, Value> =
                parts.iter().map(|&(name, time)| (format!("{name}_us"), per_step(time).into())).collect();
            return output.json(&json!({"stats": {
                "device": self.device, "seconds": self.elapsed.as_secs_f64(), "steps": self.steps, "rows": self.rows,
                "tokens": self.tokens, "forced": self.forced, "decode_tokens_per_second": rate, "decode_step": parts,
            }}));
        }
        let mut stream = anstream::stderr().lock();
        writeln!(stream, "{DIM}device: {}", self.device)?;
        writeln!(
            stream,
            "{} tokens, {} of them forced, in {} steps of {} positions, {:.1} ms; decoding {rate:.0} tokens/s",
            self.tokens,
            self.forced,
            self.steps,
            self.rows,
            self.elapsed.as_secs_f64() * 1e3,
        )?;
        let parts: Vec<String> = parts.iter().map(|&(name, time)| format!("{name} {:.1}", per_step(time))).collect();
        writeln!(stream, "µs for each step of decoding: {}{DIM:#}", parts.join(", "))
    }
}
