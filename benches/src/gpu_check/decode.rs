//! What a token takes by the engine, with grammars and without, on a model of a real shape.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gpu_runtime::engine::{Engine, EngineOptions, Request, StepTiming};
use gpu_runtime::{Device, Llama, LlamaOptions, ModelFiles, SamplingParameters};
use grammar_ir::Limits;
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer};

use super::random_model::Shape;
use super::report::{Failure, Report};
use super::vocabulary::vocabulary;

/// A list that is longer than any answer here.
const SCHEMA: &str = r#"{"type": "array", "minItems": 1000, "items": {"type": "object", "properties": {
    "name": {"type": "string", "maxLength": 20}, "population": {"type": "integer", "minimum": 0},
    "tags": {"type": "array", "items": {"enum": ["old", "large", "coast"]}, "maxItems": 3}},
    "required": ["name", "population", "tags"], "additionalProperties": false}}"#;

const PAGE_LENGTH: usize = 16;
const PROMPT: usize = 64;
const TOKENS: usize = 64;
const TURNS: usize = 4;
const BATCHES: [usize; 2] = [1, 16];

/// What was measured of one model.
#[derive(Debug)]
pub struct Measured {
    loading: Duration,
    /// The first prompt, and the compile of the kernels.
    first_prompt: Duration,
    bytes_per_token: usize,
    batches: Vec<Batch>,
}

/// What was measured with a number of sequences at a time.
#[derive(Debug)]
struct Batch {
    size: usize,
    free: Pace,
    constrained: Pace,
}

/// The steps that only decode.
#[derive(Debug, Default)]
struct Pace {
    seconds: Vec<f64>,
    sum: StepTiming,
}

impl Pace {
    fn add(&mut self, timing: StepTiming) {
        self.seconds.push(timing.total.as_secs_f64());
        self.sum += timing;
    }

    fn median(&self) -> f64 {
        let mut seconds = self.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn mean_micros(&self, part: Duration) -> f64 {
        part.as_secs_f64() * 1e6 / self.seconds.len() as f64
    }
}

/// Measures a model of random weights. Runs with a grammar for each sequence and runs without take turns, so that both see
/// the same clocks and the same lengths; without, there is no mask at all.
///
/// # Errors
/// When the device fails, or there is no memory for the model.
pub fn decode<D: Device>(device: D, shape: &Shape) -> Result<Measured, Failure> {
    let start = Instant::now();
    let largest = BATCHES.into_iter().max().unwrap_or(1);
    let max_positions = PROMPT + TOKENS;
    let options = LlamaOptions {
        max_rows: largest * PROMPT,
        max_logits: largest,
        max_positions,
        pages: largest * max_positions.div_ceil(PAGE_LENGTH),
        page_length: PAGE_LENGTH,
    };
    let model = Llama::load(device, shape.config()?, &shape.checkpoint()?, options)?;
    let tokenizer = Tokenizer::new(vocabulary(shape.vocabulary)?);
    let schema = compilers::json_schema::compile(SCHEMA, &Default::default(), &Limits::default())?;
    let grammar = CompiledGrammar::new(&schema.grammar, tokenizer.clone(), &Limits::default())?;
    // Nothing is jumped over, so no text is encoded.
    let encoder = ModelFiles::embedded_tiny()?.encoder()?;
    let mut engine = Engine::new(model, tokenizer, encoder, EngineOptions::default())?;
    let loading = start.elapsed();

    let start = Instant::now();
    generate(&mut engine, 1, 1, None, &mut Pace::default())?;
    let first_prompt = start.elapsed();
    let mut batches = Vec::new();
    for size in BATCHES {
        let mut batch = Batch { size, free: Pace::default(), constrained: Pace::default() };
        for turn in 0..=TURNS {
            // What masks are made of is there after the first turn, as in a server.
            let (mut free, mut constrained) = (Pace::default(), Pace::default());
            let warming = turn == 0;
            generate(&mut engine, size, TOKENS, None, if warming { &mut free } else { &mut batch.free })?;
            let pace = if warming { &mut constrained } else { &mut batch.constrained };
            generate(&mut engine, size, TOKENS, Some(&grammar), pace)?;
        }
        batches.push(batch);
    }
    Ok(Measured { loading, first_prompt, bytes_per_token: shape.bytes_per_token(), batches })
}

/// Generates `tokens` tokens for each of `size` sequences.
fn generate<D: Device>(
    engine: &mut Engine<D>,
    size: usize,
    tokens: usize,
    grammar: Option<&Arc<CompiledGrammar>>,
    pace: &mut Pace,
) -> Result<(), Failure> {
    // Greedy, as drawing from few tokens takes less time than drawing from all.
    let sampling = SamplingParameters { temperature: 0.0, ..SamplingParameters::default() };
    for sequence in 0..size {
        let prompt = (0..PROMPT).map(|position| ((sequence + 1) * (position + 7) % 250) as u32).collect();
        let matcher = grammar.map(|grammar| Box::new(Matcher::new(grammar.clone())) as _);
        engine.submit(Request { matcher, sampling, jump_forward: false, ..Request::new(prompt, tokens) })?;
    }
    let mut generated = 0;
    while !engine.is_idle() {
        let step = engine.step()?;
        generated += step.events.iter().map(|event| event.tokens.len()).sum::<usize>();
        if step.rows == size {
            pace.add(step.timing);
        }
    }
    match generated == size * tokens {
        true => Ok(()),
        false => Err(format!("{generated} tokens came, not {size} × {tokens}").into()),
    }
}

impl Measured {
    /// Adds lines to a report. With the bandwidth of the memory, in bytes per second, the bars on speed count.
    pub fn judge(&self, report: &mut Report<'_>, bandwidth: Option<f64>) {
        let Self { loading, first_prompt, .. } = self;
        report.note(&format!(
            "loaded in {:.1} s; a prompt of {PROMPT} tokens, kernels compiled, in {:.2} s",
            loading.as_secs_f64(),
            first_prompt.as_secs_f64()
        ));
        for Batch { size, free, constrained } in &self.batches {
            let step = free.median();
            let speed = format!("batch {size}: {:.3} ms a step, {:.0} tokens/s", step * 1e3, *size as f64 / step);
            match bandwidth.filter(|_| *size == 1) {
                Some(bandwidth) => {
                    let bound = self.bytes_per_token as f64 / bandwidth;
                    let what = format!(
                        "{speed}; reading {:.2} GB of weights at {:.0} GB/s (a copy of 1 GiB) takes {:.3} ms: {:.0} % of the \
                         bound; the bar is 50 %",
                        self.bytes_per_token as f64 / 1e9,
                        bandwidth / 1e9,
                        bound * 1e3,
                        bound / step * 100.0
                    );
                    report.check(bound / step >= 0.5, &what);
                }
                None => report.note(&speed),
            }
            let ratio = constrained.median() / step;
            let micros = |part| constrained.mean_micros(part);
            let what = format!(
                "batch {size}, each with a grammar: {:.3} ms a step, {ratio:.3} of unconstrained; a step has {:.0} µs of masks, of \
                 which {:.1} µs beyond the forward pass, and {:.1} µs of accepting; the bar is 1.02",
                constrained.median() * 1e3,
                micros(constrained.sum.masks),
                micros(constrained.sum.mask_wait),
                micros(constrained.sum.accept)
            );
            match bandwidth {
                Some(_) => report.check(ratio <= 1.02, &what),
                None => report.note(&what),
            }
        }
    }
}
