//! `grammarc generate`: a model answers a prompt, constrained by a grammar.
//!
//! ```text
//! model folder → tokens, template, weights      prompt → tokens      grammar → matcher
//!              └────────────────────── device → engine ───────────────────────┘ → events → show
//! ```

mod optional_source;
mod prompt;
mod show;
mod tools;

use std::path::PathBuf;
use std::sync::Arc;

use gpu_runtime::engine::{Engine, EngineOptions, Reasoning, Request, SequenceId};
use gpu_runtime::{
    Device, Encoder, Llama, LlamaConfig, LlamaOptions, LoadError, ModelError, ModelFiles, SamplingParameters,
};
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer};
use serde_json::Value;

use super::device::{self, Chosen, DeviceArgs};
use crate::args::{GrammarArgs, Kind};
use crate::failure::Failure;
use crate::grammar::Given;
use crate::output::{Output, Verdict};
use crate::settings::{CompileArgs, Settings};
use optional_source::OptionalSource;
use prompt::PromptArgs;
use show::{Answer, Shown, Stats};
use tools::ToolArgs;

const EXAMPLES: &str = "\
Examples:
  grammarc generate examples/capital.schema.json --prompt 'Tell me about the capital of France as JSON.'
  grammarc generate --regex '(France|England)' --prompt 'Which country is Paris in?'
  grammarc generate --prompt 'What is the capital of Germany?'
  grammarc generate --tools examples/weather-tools.json --tool-format qwen3 --tool-choice required \
    --prompt 'What is the weather in Paris?'
  grammarc generate --structural-tag examples/weather.tag.json --tools examples/weather-tools.json \
    --prompt 'What is the weather in Paris?'
  grammarc generate examples/capital.schema.json --reasoning --prompt 'Tell me about the capital of France as JSON.'
  grammarc generate schema.json --model path/to/Llama-3.2-1B-Instruct --prompt '…' --temperature 0.7 --n 3 --stats

Without --model a model of a million weights answers, made for trying things out: it knows capitals, extracts fields and
calls small tools. The answer goes to standard output, everything else to standard error. Exit code 1 says that an answer
was cut off, by --max-tokens or the end of the context.";

/// The length of a page of the key/value cache, in positions.
const PAGE_LENGTH: usize = 16;

/// The greatest number of answers generated at the same time.
const MAX_BATCH: usize = 32;

/// The greatest number of positions computed in one step.
const MAX_ROWS: usize = 256;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    source: OptionalSource,

    /// Folder of a Llama model in the form of Hugging Face; without it a built-in model of a million weights
    #[arg(long, value_name = "DIR", help_heading = "Model options")]
    model: Option<PathBuf>,

    #[command(flatten)]
    device: DeviceArgs,

    /// The greatest number of tokens of a prompt and its answer, be it more than the model was trained for; without it the
    /// model's own (4,096 of the built-in model, which was trained with 512)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_048_576), help_heading = "Model options")]
    context_length: Option<u32>,

    #[command(flatten)]
    prompt: PromptArgs,

    #[command(flatten)]
    tools: ToolArgs,

    #[command(flatten)]
    sampling: SamplingArgs,

    /// Print what the parts of the loop took
    #[arg(long)]
    stats: bool,

    /// Kind of the grammar, if its file name does not tell
    #[arg(long, value_enum, help_heading = "Grammar options")]
    kind: Option<Kind>,

    /// Name of the grammar in a file that `compile` made, if it has several
    #[arg(long, value_name = "NAME", help_heading = "Grammar options")]
    entry: Option<String>,

    #[command(flatten)]
    options: CompileArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Sampling options")]
struct SamplingArgs {
    /// How many answers, at most 1,000
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000), allow_negative_numbers = true)]
    n: u16,

    /// The greatest number of tokens of an answer
    #[arg(long, value_name = "N", default_value_t = 256, allow_negative_numbers = true)]
    max_tokens: usize,

    /// No end before this many tokens, unless the grammar leaves nothing else
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    min_tokens: usize,

    /// No end by the model at all, unless the grammar leaves nothing else
    #[arg(long)]
    ignore_eos: bool,

    /// 0 takes the likeliest token, 1 samples from the model's own distribution
    #[arg(long, value_name = "T", default_value_t = 0.0, allow_negative_numbers = true)]
    temperature: f32,

    /// Sample from the K likeliest tokens; 0 is off
    #[arg(long, value_name = "K", default_value_t = 0, allow_negative_numbers = true)]
    top_k: u32,

    /// Sample from the likeliest tokens that have this share of the probability; 1 is off
    #[arg(long, value_name = "P", default_value_t = 1.0, allow_negative_numbers = true)]
    top_p: f32,

    /// Sample from tokens at least this probable, relative to the likeliest; 0 is off
    #[arg(long, value_name = "P", default_value_t = 0.0, allow_negative_numbers = true)]
    min_p: f32,

    /// Where the randomness starts; the second answer has the next seed
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,

    /// Ask the model for every token, also where the grammar forces the text
    #[arg(long)]
    no_jump_forward: bool,
}

/// Everything about a generation but the device.
struct Job<'a> {
    args: &'a Args,
    files: ModelFiles,
    config: LlamaConfig,
    context: usize,
    tokenizer: Arc<Tokenizer>,
    encoder: Encoder,
    grammar: Option<Arc<CompiledGrammar>>,
    prompt: Vec<u32>,
    reasoning: Option<Reasoning>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Verdict, Failure> {
    let files = match &args.model {
        Some(folder) => ModelFiles::open(folder),
        None => ModelFiles::embedded_tiny(),
    };
    let files = files.map_err(model_failure)?;
    let config = files.config().map_err(model_failure)?;
    let context = match args.context_length {
        Some(length) => length as usize,
        None => files.context_length().map_err(model_failure)?,
    };
    let tokenizer = Tokenizer::new(files.vocabulary().map_err(model_failure)?);
    let encoder = files.encoder().map_err(model_failure)?;
    let tools = args.tools.list()?;
    let grammar = compile(args, &tools, &tokenizer)?;
    if args.prompt.reasoning && grammar.is_none() {
        let message = "--reasoning says where the grammar begins; give a grammar, or leave it away";
        return Err(Failure::Input(message.to_owned()));
    }
    let (prompt, reasoning) = prompt::build(&args.prompt, &tools, &files, tokenizer.vocabulary(), &encoder)?;
    let job = Job { args, files, config, context, tokenizer, encoder, grammar, prompt, reasoning };
    match args.device.open()? {
        Chosen::Cpu(device, why) => job.generate(device, &why, output),
        Chosen::Cuda(device, why) => job.generate(*device, &why, output),
    }
}

/// Compiles the grammar, if one is given or the calls of tools have one.
fn compile(args: &Args, tools: &[Value], tokenizer: &Arc<Tokenizer>) -> Result<Option<Arc<CompiledGrammar>>, Failure> {
    let settings = Settings::for_generation(&args.options);
    match &args.source.0 {
        Some(source) => {
            let (source, options) = (source.clone(), args.options.clone());
            let grammar = GrammarArgs { source, kind: args.kind, entry: args.entry.clone(), options };
            Given::load(&grammar)?.compile(&settings, tokenizer.clone()).map(Some)
        }
        None => args.tools.grammar(tools, &settings, tokenizer),
    }
}

impl Job<'_> {
    fn generate<D: Device>(self, device: D, why: &str, output: &mut Output) -> Result<Verdict, Failure> {
        let sampling = &self.args.sampling;
        let mut stats = Stats::new(device::describe(&device, why));
        let model = Llama::load(device, self.config.clone(), self.files.checkpoint(), self.options());
        let model = model.map_err(load_failure)?;
        let engine_options = EngineOptions { detailed_timing: self.args.stats, ..EngineOptions::default() };
        let mut engine = Engine::new(model, self.tokenizer.clone(), self.encoder.clone(), engine_options)
            .map_err(|error| Failure::Input(error.to_string()))?;
        stats.begin();
        let mut ids = Vec::new();
        for index in 0..usize::from(sampling.n) {
            ids.push(engine.submit(self.request(index)).map_err(|error| Failure::Input(error.to_string()))?);
        }
        let reasoning = self.reasoning.as_ref();
        let vocabulary = self.tokenizer.vocabulary();
        let answers = ids.iter().map(|_| Answer::new(reasoning)).collect();
        let mut shown = Shown::new(answers, vocabulary, output);
        while !engine.is_idle() {
            let step = engine.step().map_err(|error| Failure::Refused(error.to_string()))?;
            stats.add(&step);
            for event in step.events {
                shown.take(index_of(&ids, event.sequence), &event)?;
            }
        }
        stats.end();
        let verdict = shown.finish()?;
        if self.args.stats {
            stats.show(output)?;
        }
        Ok(verdict)
    }

    /// What has to be set aside for this prompt and these answers.
    fn options(&self) -> LlamaOptions {
        let positions = self.prompt.len().saturating_add(self.args.sampling.max_tokens).min(self.context);
        let batch = usize::from(self.args.sampling.n).min(MAX_BATCH);
        LlamaOptions {
            max_rows: MAX_ROWS,
            max_logits: batch,
            max_positions: positions,
            pages: batch.saturating_mul(positions.div_ceil(PAGE_LENGTH)),
            page_length: PAGE_LENGTH,
        }
    }

    fn request(&self, index: usize) -> Request {
        let sampling = &self.args.sampling;
        Request {
            matcher: self.grammar.clone().map(|grammar| Box::new(Matcher::new(grammar)) as _),
            reasoning: self.reasoning.clone(),
            sampling: SamplingParameters {
                temperature: sampling.temperature,
                top_k: sampling.top_k,
                top_p: sampling.top_p,
                min_p: sampling.min_p,
                seed: sampling.seed.wrapping_add(index as u64),
            },
            min_tokens: sampling.min_tokens,
            ignore_eos: sampling.ignore_eos,
            jump_forward: !sampling.no_jump_forward,
            ..Request::new(self.prompt.clone(), sampling.max_tokens)
        }
    }
}

/// The place of `id` in `ids`, which ascend.
fn index_of(ids: &[SequenceId], id: SequenceId) -> usize {
    ids.binary_search(&id).unwrap_or(0)
}

fn model_failure(error: ModelError) -> Failure {
    match error {
        ModelError::Vocabulary(error) => Failure::Tokenizer(error),
        ModelError::Read { path, source } => Failure::Read { path, error: source },
        other => Failure::Input(other.to_string()),
    }
}

fn load_failure(error: LoadError) -> Failure {
    match error {
        LoadError::Device(error) => Failure::Refused(error.to_string()),
        other => Failure::Input(other.to_string()),
    }
}
