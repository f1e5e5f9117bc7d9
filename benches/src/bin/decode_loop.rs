//! `decode_loop`: tokens per second of the reference runtime on the CPU, with a constraint and without, in one process.
//!
//! Pairs of runs of the same length take turns, so that a machine that is busy with something else is so in both. Text that
//! the grammar forces is sampled like the rest, so that a step is a token in both. No token ends an answer, so that without
//! a constraint there is no mask at all.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use gpu_runtime::engine::{Engine, EngineOptions, Request};
use gpu_runtime::{CpuDevice, Llama, LlamaOptions, ModelFiles, SamplingParameters};
use grammar_ir::Limits;
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer};

/// Tokens per second of the reference runtime on the CPU, with a constraint and without.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Sequences at a time
    #[arg(long, default_value_t = 1)]
    batch: usize,

    /// Tokens of each answer
    #[arg(long, default_value_t = 300)]
    tokens: usize,

    /// Pairs of runs
    #[arg(long, default_value_t = 20)]
    pairs: usize,

    /// Threads of the model
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

/// A list that is longer than any answer.
const SCHEMA: &str = r#"{"type": "array", "minItems": 1000, "items": {"type": "object", "properties": {
    "name": {"type": "string", "maxLength": 20}, "population": {"type": "integer", "minimum": 0},
    "tags": {"type": "array", "items": {"enum": ["old", "large", "coast"]}, "maxItems": 3}},
    "required": ["name", "population", "tags"], "additionalProperties": false}}"#;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to be told if this fails.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let files = ModelFiles::embedded_tiny()?;
    let config = files.config()?;
    let prompt = files.encoder()?.encode("<|begin_of_text|>The capitals of the world:")?;
    let positions = prompt.len() + args.tokens;
    let options = LlamaOptions {
        max_rows: 256,
        max_logits: args.batch,
        max_positions: positions,
        pages: args.batch * positions.div_ceil(16),
        page_length: 16,
    };
    let model = Llama::load(CpuDevice::new(args.threads)?, config, files.checkpoint(), options)?;
    let tokenizer = Tokenizer::new(files.vocabulary()?.with_stop_tokens([])?);
    let compiled = compilers::json_schema::compile(SCHEMA, &Default::default(), &Limits::default())?;
    let grammar = CompiledGrammar::new(&compiled.grammar, tokenizer.clone(), &Limits::default())?;
    let mut engine = Engine::new(model, tokenizer, files.encoder()?, EngineOptions::default())?;

    let mut times: [Vec<Duration>; 2] = Default::default();
    for _ in 0..=args.pairs {
        times[0].push(generate(&mut engine, &prompt, None, args)?);
        times[1].push(generate(&mut engine, &prompt, Some(&grammar), args)?);
    }
    let tokens = (args.batch * args.tokens) as f64;
    let mut output = io::stdout().lock();
    for (name, times) in ["unconstrained", "constrained"].iter().zip(&times) {
        let [best, median] = best_and_median(&times[1..]);
        let (best, median) = (tokens / best.as_secs_f64(), tokens / median.as_secs_f64());
        writeln!(output, "{name:14} {median:8.0} tokens/s (median), {best:8.0} (best)")?;
    }
    let mut ratios: Vec<f64> =
        times[0].iter().zip(&times[1]).skip(1).map(|(free, bound)| bound.as_secs_f64() / free.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    let [free, bound] = times.each_ref().map(|times| best_and_median(&times[1..])[0].as_secs_f64());
    writeln!(
        output,
        "constrained / unconstrained: {:.3} (median of pairs), {:.3} (best runs); batch {}, {} tokens, {} threads",
        ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN),
        bound / free,
        args.batch,
        args.tokens,
        args.threads
    )?;
    Ok(())
}

/// The time from the prompt to the last token.
fn generate(
    engine: &mut Engine<CpuDevice>,
    prompt: &[u32],
    grammar: Option<&Arc<CompiledGrammar>>,
    args: &Args,
) -> Result<Duration, Box<dyn Error>> {
    // Greedy, as drawing from few tokens takes less time than drawing from all.
    let sampling = SamplingParameters { temperature: 0.0, ..SamplingParameters::default() };
    let start = Instant::now();
    for _ in 0..args.batch {
        engine.submit(Request {
            matcher: grammar.map(|grammar| Box::new(Matcher::new(grammar.clone())) as _),
            sampling,
            jump_forward: false,
            ..Request::new(prompt.to_vec(), args.tokens)
        })?;
    }
    let mut tokens = 0;
    while !engine.is_idle() {
        tokens += engine.step()?.events.iter().map(|event| event.tokens.len()).sum::<usize>();
    }
    if tokens != args.batch * args.tokens {
        return Err(format!("{tokens} tokens, not {} × {}", args.batch, args.tokens).into());
    }
    Ok(start.elapsed())
}

fn best_and_median(times: &[Duration]) -> [Duration; 2] {
    let mut times = times.to_vec();
    times.sort_unstable();
    [times.first(), times.get(times.len() / 2)].map(|time| time.copied().unwrap_or_default())
}
