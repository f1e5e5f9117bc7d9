//! Structured outputs over HTTP: the APIs of OpenAI and SGLang on the grammarc engine.
//!
//! ```text
//! HTTP ─ http → JSON ─ openai, native (fields, sampling, constraint) → Plan ─ generation ┬ grammar → CompiledGrammar
//!                                                                                       └ scheduler → Engine (a thread)
//! HTTP ← http ← JSON ← openai, native ← Delta (reasoning, content, tokens) ← answer ← Event ←┘
//! ```
//!
//! `docs/server.md` describes the endpoints, and where they depart from the servers whose APIs they are.
#![forbid(unsafe_code)]

mod answer;
mod connection;
mod duplicates;
mod error;
mod fields;
mod generation;
mod grammar;
mod held_body;
mod http;
mod intake;
mod lazy;
mod metrics;
mod model;
mod native;
mod offline;
mod openai;
mod places;
mod reasoning;
mod reply;
mod sampling;
mod sampling_defaults;
mod scheduler;
mod token_texts;
mod tool_format;
mod turns;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use gpu_runtime::engine::{self, EngineOptions, EngineThreadError};
use gpu_runtime::{Device, Llama, LlamaOptions, LoadError, ModelError, ModelFiles};
use mask_runtime::Tokenizer;
use serde_json::Value;
use tokio::sync::watch;

use error::CLOSED;
use grammar::Grammars;
use intake::Intake;
use metrics::Metrics;
use model::Model;
use sampling_defaults::SamplingDefaults;
use scheduler::Scheduler;
use turns::Turns;

pub use duplicates::duplicate_name;
pub use error::{ApiError, Dialect};
pub use grammar::{
    Backend, BackendEntry, BackendSetup, CompileBudget, CompileError, CompiledConstraint, Constraint, ConstraintKind,
    GRAMMARC, GrammarOptions, JsonStyle, grammars_unlike_requests,
};
pub use http::serve;
pub use offline::Engine;
pub use reasoning::ReasoningParser;
pub use reply::{Document, Reply};
pub use tool_format::ToolFormat;

/// What a service serves, and how much of it at a time.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// The name of the model in answers.
    pub model_name: String,
    /// Sequences generated at the same time. Default 32.
    pub max_batch: usize,
    /// Sequences in work, those that wait for room included; beyond them requests are answered with 429. Default 128.
    pub max_sequences: usize,
    /// Whether requests beyond `max_sequences` wait, as files of requests should, instead of being answered with 429.
    /// Default false.
    pub waits: bool,
    /// The greatest number of positions of a sequence, be it more than the model was trained for. Default is the model's own
    /// ([`ModelFiles::context_length`]), at most 8,192.
    pub context_length: Option<usize>,
    /// Positions computed in one step. Default 256.
    pub max_rows: usize,
    /// What compiling grammars may cost.
    pub grammars: GrammarOptions,
    /// The engine that compiles constraints; requests that have one are refused without. Default [`GRAMMARC`].
    pub backend: Option<BackendEntry>,
    /// How the model thinks before it answers a chat; `None` is not at all.
    pub reasoning: Option<ReasoningParser>,
    /// How the model writes calls of tools. `None` is not known: calls are then a JSON list, and only made when a request
    /// requires one.
    pub tool_format: Option<ToolFormat>,
    /// Whether streams of `/generate` have what is new in each event, instead of all so far. Default false.
    pub incremental_streaming: bool,
    /// Connections at a time; further ones are answered with 429 and end. Default 1,000.
    pub max_connections: usize,
    /// How long a client may take nothing of what is written to it before its connection ends. Default 60 s.
    pub write_timeout: Duration,
    /// How long the head of a request may take to arrive, and how long its body. Default 60 s.
    pub read_timeout: Duration,
    /// Processor time that following the constraint of one answer may take in all. Default 10 s.
    pub constraint_time: Duration,
    /// Bytes that the bodies of requests may have together until they have been read, those of less than 200 kB not counted.
    /// Further ones are answered with 429. Default 256 MB.
    pub body_bytes: usize,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            model_name: "default".to_owned(),
            max_batch: 32,
            max_sequences: 128,
            waits: false,
            context_length: None,
            max_rows: 256,
            grammars: GrammarOptions::default(),
            backend: Some(GRAMMARC),
            reasoning: None,
            tool_format: None,
            incremental_streaming: false,
            max_connections: 1_000,
            write_timeout: Duration::from_secs(60),
            read_timeout: Duration::from_secs(60),
            constraint_time: EngineOptions::default().constraint_time,
            body_bytes: 256_000_000,
        }
    }
}

/// A model that cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// A file of the model is at fault.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The threads that fill masks could not be started.
    #[error(transparent)]
    MaskThreads(#[from] EngineThreadError),
    /// The engine that compiles constraints cannot work with the model's vocabulary.
    #[error("the grammar backend {name} does not start: {message}")]
    Backend {
        /// The name of the engine.
        name: &'static str,
        /// What it says.
        message: String,
    },
    /// The model's sampling parameters make no sense.
    #[error("generation_config.json: {0}")]
    GenerationConfig(String),
    /// A file of compiled grammars cannot be used.
    #[error("a file of grammars cannot be used: {0}")]
    StoredGrammars(String),
    /// A thread or a runtime could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
    /// The model does not think.
    #[error("{0}")]
    Reasoning(String),
}

/// The endpoints that generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/v1/chat/completions`.
    Chat,
    /// `/v1/completions`.
    Completions,
    /// `/generate`.
    Generate,
}

impl Endpoint {
    /// The endpoint at a path.
    pub fn from_path(path: &str) -> Option<Self> {
        Some(match path {
            "/v1/chat/completions" => Self::Chat,
            "/v1/completions" => Self::Completions,
            "/generate" => Self::Generate,
            _ => return None,
        })
    }

    /// Whose error shape it has.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Chat | Self::Completions => Dialect::OpenAi,
            Self::Generate => Dialect::Native,
        }
    }
}

/// A request that has been read.
enum Prepared {
    Chat(openai::chat::Prepared),
    Completions(openai::completions::Prepared),
    Generate(native::Prepared),
}

impl Prepared {
    /// What it asks for.
    fn plan(&mut self) -> &mut generation::Plan {
        match self {
            Self::Chat(prepared) => &mut prepared.plan,
            Self::Completions(prepared) => &mut prepared.plan,
            Self::Generate(prepared) => &mut prepared.plan,
        }
    }
}

/// A model that answers requests. Its calls need a Tokio runtime with several threads.
#[derive(Debug)]
pub struct Service {
    options: ServiceOptions,
    model: Model,
    scheduler: Scheduler,
    grammars: Option<Grammars>,
    intake: Intake,
    /// Where large answers are written.
    writing: Arc<Turns>,
    metrics: Arc<Metrics>,
    /// Whether no more requests are taken on.
    closing: watch::Sender<bool>,
    /// When it was loaded, in seconds since 1970.
    begun: u64,
}

/// The context of models that have more, unless one is asked for: devices set memory aside for the whole batch.
const MAX_DEFAULT_CONTEXT: usize = 8_192;

/// The length of a page of the key/value cache, in positions.
const PAGE_LENGTH: usize = 16;

impl Service {
    /// Loads a model onto a device.
    ///
    /// # Errors
    /// When its files are at fault, or the device has no room for it.
    pub fn load<D: Device + 'static>(
        files: &ModelFiles,
        device: D,
        options: ServiceOptions,
    ) -> Result<Arc<Self>, ServiceError> {
        let config = files.config()?;
        let context = match options.context_length {
            Some(length) => length.max(1),
            None => files.context_length()?.min(MAX_DEFAULT_CONTEXT),
        };
        let vocabulary_size = config.vocabulary;
        let batch = options.max_batch.max(1);
        let llama_options = LlamaOptions {
            max_rows: options.max_rows.max(batch),
            max_logits: batch,
            max_positions: context,
            pages: batch.saturating_mul(context.div_ceil(PAGE_LENGTH)),
            page_length: PAGE_LENGTH,
        };
        let llama = Llama::load(device, config, files.checkpoint(), llama_options)?;
        let tokenizer = Tokenizer::new(files.vocabulary()?);
        let encoder = files.encoder()?;
        let max_slow = if options.waits { usize::MAX } else { batch };
        let engine_options =
            EngineOptions { max_slow, constraint_time: options.constraint_time, ..EngineOptions::default() };
        let engine = engine::Engine::new(llama, tokenizer.clone(), encoder.clone(), engine_options)?;
        let metrics = Arc::new(Metrics::default());
        let scheduler = Scheduler::start(engine, options.max_sequences.max(1), metrics.clone())?;
        let grammars = match options.backend {
            None => None,
            Some(BackendEntry { name, start, .. }) => {
                let setup = BackendSetup { tokenizer: tokenizer.clone(), encoder: encoder.clone() };
                let backend = start(setup).map_err(|message| ServiceError::Backend { name, message })?;
                let grammars = Grammars::new(backend, options.grammars.clone(), metrics.clone());
                Some(grammars.map_err(ServiceError::StoredGrammars)?)
            }
        };
        let template = files.chat_template()?;
        let vocabulary = tokenizer.vocabulary();
        let lengths = (0..vocabulary.size() as u32).map(|id| vocabulary.bytes(id).len().max(vocabulary.name(id).len()));
        let longest_token = lengths.max().unwrap_or(1);
        let name = options.model_name.clone();
        let sampling_defaults = match files.generation_config() {
            None => SamplingDefaults::NEUTRAL,
            Some(text) => SamplingDefaults::from_generation_config(text).map_err(ServiceError::GenerationConfig)?,
        };
        let model =
            Model { name, tokenizer, encoder, template, vocabulary_size, longest_token, context, sampling_defaults };
        let closing = watch::Sender::new(false);
        let service = Self {
            intake: Intake::new(options.body_bytes, options.read_timeout, closing.subscribe()),
            writing: Arc::default(),
            options,
            model,
            scheduler,
            grammars,
            metrics,
            closing,
            begun: openai::now(),
        };
        if service.options.reasoning.is_some() {
            service.thinking().map_err(|error| ServiceError::Reasoning(error.to_string()))?;
        }
        Ok(Arc::new(service))
    }

    /// Answers a request.
    ///
    /// # Errors
    /// When the request is at fault, or there is no room for it.
    pub async fn answer(&self, endpoint: Endpoint, body: &Value) -> Result<Reply, ApiError> {
        match self.prepare(endpoint, body) {
            Ok(prepared) => self.complete(prepared).await,
            Err(error) => self.refuse(error),
        }
    }

    /// Reads a request.
    fn prepare(&self, endpoint: Endpoint, body: &Value) -> Result<Prepared, ApiError> {
        self.metrics.requests.add(1);
        if *self.closing.borrow() {
            return Err(CLOSED);
        }
        Ok(match endpoint {
            Endpoint::Chat => Prepared::Chat(openai::chat::Prepared::read(self, body)?),
            Endpoint::Completions => Prepared::Completions(openai::completions::Prepared::read(self, body)?),
            Endpoint::Generate => Prepared::Generate(native::Prepared::read(self, body)?),
        })
    }

    /// Answers a request that has been read.
    async fn complete(&self, prepared: Prepared) -> Result<Reply, ApiError> {
        let reply = match prepared {
            Prepared::Chat(prepared) => prepared.complete(self).await,
            Prepared::Completions(prepared) => prepared.complete(self).await,
            Prepared::Generate(prepared) => prepared.complete(self).await,
        };
        reply.or_else(|error| self.refuse(error))
    }

    /// Takes note of an error.
    fn refuse(&self, error: ApiError) -> Result<Reply, ApiError> {
        let metrics = &self.metrics;
        match &error {
            ApiError::Overloaded { .. } | ApiError::NoRoom { .. } => &metrics.overloaded,
            error if error.status().is_client_error() => &metrics.client_errors,
            _ => &metrics.server_errors,
        }
        .add(1);
        Err(error)
    }

    /// Whether requests are taken on.
    pub fn is_healthy(&self) -> bool {
        self.scheduler.is_alive() && !*self.closing.borrow()
    }

    /// Takes no more requests on; those in work go on.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// What there is to say to Prometheus.
    pub fn metrics_page(&self) -> String {
        let grammars = self.grammars.as_ref().map(Grammars::occupancy).unwrap_or_default();
        self.metrics.render(grammars, self.intake.taken())
    }
}
