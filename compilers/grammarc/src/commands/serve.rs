//! `grammarc serve`: the APIs of OpenAI and SGLang over HTTP.

use std::future::Future;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gpu_runtime::{Device, ModelFiles};
use mask_runtime::artifact::Artifact;
use server::{BackendEntry, GrammarOptions, ReasoningParser, Service, ServiceError, ServiceOptions, ToolFormat};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::device::{self, Chosen, DeviceArgs};
use crate::describe::printable;
use crate::failure::Failure;
use crate::grammar;
use crate::output::{Output, Verdict, WARN};

const EXAMPLES: &str = "\
Examples:
  grammarc serve
  grammarc serve --model path/to/Llama-3.2-1B-Instruct --port 8000
  grammarc serve --model path/to/model --gmt tools.gmt
  curl http://127.0.0.1:30000/generate -H 'Content-Type: application/json' -d '
    {\"text\": \"The capital of France is\", \"sampling_params\": {\"regex\": \"(Paris|London)\", \"temperature\": 0}}'

docs/server.md describes the endpoints. Ctrl-C ends the server once the requests in work are answered, a second one at once.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) service: ServiceArgs,

    /// The address to listen on, or the name of one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,

    /// The port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 30_000)]
    port: u16,

    /// How long the requests in work may take once the server is to end
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds(0))]
    shutdown_seconds: u64,
}

/// A model, and how it is served.
#[derive(Debug, clap::Args)]
pub(super) struct ServiceArgs {
    /// Folder of a Llama model in the form of Hugging Face; without it a built-in model of a million weights
    #[arg(long, value_name = "DIR", help_heading = "Model options")]
    model: Option<PathBuf>,

    /// The model's name in answers; without it the name of its folder
    #[arg(long, value_name = "NAME", help_heading = "Model options")]
    served_model_name: Option<String>,

    #[command(flatten)]
    device: DeviceArgs,

    /// The greatest number of tokens of a prompt and its answer, be it more than the model was trained for; without it the
    /// model's own, at most 8,192 (4,096 of the built-in model, which was trained with 512)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_048_576), help_heading = "Model options")]
    context_length: Option<u32>,

    /// Sequences generated at the same time
    #[arg(long, value_name = "N", default_value = "32", help_heading = "Limits")]
    max_batch: NonZeroUsize,

    /// Sequences in work; beyond them requests are answered with status 429
    #[arg(long, value_name = "N", default_value = "128", help_heading = "Limits")]
    max_sequences: NonZeroUsize,

    /// Requests that wait for a grammar to be compiled; beyond them those that need a compile are answered with status 429
    #[arg(long, value_name = "N", default_value = "128", help_heading = "Limits")]
    max_compiling: NonZeroUsize,

    /// Connections at a time; further ones are answered with status 429 and end
    #[arg(long, value_name = "N", default_value = "1000", help_heading = "Limits")]
    max_connections: NonZeroUsize,

    /// Seconds for which a client may take nothing of its answer before its connection ends
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = seconds(1), help_heading = "Limits")]
    write_seconds: u64,

    /// Seconds within which the head of a request has to arrive, and within which its body; a connection that asks for nothing
    /// for as long ends
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = seconds(1), help_heading = "Limits")]
    read_seconds: u64,

    /// Megabytes of the bodies of requests that have not been read yet; beyond them one of more than 200 kB is answered with
    /// status 429
    #[arg(long, value_name = "MB", default_value = "256", help_heading = "Limits")]
    bodies_mb: NonZeroUsize,

    /// What compiles grammars: grammarc, an engine of the features it was built with, or none, which refuses them
    #[arg(long, value_name = "NAME", default_value = "grammarc", help_heading = "Grammar options")]
    grammar_backend: String,

    /// File of grammars that `compile --preset generation --regex-syntax ecma262` made for this model's tokenizer: requests
    /// with the text of one of them need no compile; may be repeated. It is read into memory at the start
    #[arg(long, value_name = "FILE", help_heading = "Grammar options")]
    gmt: Vec<PathBuf>,

    /// Seconds that each half of a compile may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = seconds(1), help_heading = "Grammar options")]
    compile_seconds: u64,

    /// Megabytes that a compile may take at a time
    #[arg(long, value_name = "MB", default_value = "256", help_heading = "Grammar options")]
    compile_mb: NonZeroUsize,

    /// Seconds of processor time that following the constraint of one answer may take in all
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = seconds(1), help_heading = "Grammar options")]
    constraint_seconds: u64,

    /// Grammars compiled at the same time, in each of four lanes for ever longer compiles
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Grammar options")]
    compile_threads: NonZeroUsize,

    /// Megabytes of compiled grammars that are kept
    #[arg(long, value_name = "MB", default_value_t = 256, help_heading = "Grammar options")]
    grammar_cache_mb: usize,

    /// The model family whose thinking is kept apart in chats: deepseek-r1, qwen3, glm45, deepseek-v3, …
    #[arg(long, value_name = "NAME", value_parser = reasoning_parser, help_heading = "Model options")]
    reasoning_parser: Option<ReasoningParser>,

    /// How the model writes calls of tools: llama3, hermes, qwen25, deepseekv3, kimi_k2, …; the built-in model's are known
    #[arg(long, value_name = "NAME", value_parser = tool_format, help_heading = "Model options")]
    tool_call_parser: Option<ToolFormat>,

    /// Have only what is new in the events of /generate
    #[arg(long)]
    incremental_streaming_output: bool,
}

/// Seconds from `least` to a year.
fn seconds(least: u64) -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(least..=365 * 24 * 60 * 60)
}

/// Engines that this package has a feature for.
const FEATURES: [&str; 3] = ["llguidance", "outlines", "xgrammar"];

/// The engine with this name; `None` is `none`.
fn backend(name: &str, backends: &[BackendEntry]) -> Result<Option<BackendEntry>, Failure> {
    match backends.iter().find(|backend| backend.name == name) {
        Some(&backend) => Ok(Some(backend)),
        None if name == "none" => Ok(None),
        None => {
            let names: Vec<&str> = backends.iter().map(|backend| backend.name).collect();
            let names = names.join(", ");
            let advice = if FEATURES.contains(&name) {
                format!("; build it with `cargo build --release -p grammarc --features {name}`")
            } else {
                String::new()
            };
            Err(Failure::Input(format!(
                "--grammar-backend {name}: this program was built with {names} and none{advice}"
            )))
        }
    }
}

fn reasoning_parser(name: &str) -> Result<ReasoningParser, String> {
    ReasoningParser::from_name(name)
        .ok_or_else(|| format!("no such parser; known are {}", ReasoningParser::NAMES.join(", ")))
}

fn tool_format(name: &str) -> Result<ToolFormat, String> {
    ToolFormat::from_name(name).ok_or_else(|| format!("no such parser; known are {}", ToolFormat::NAMES.join(", ")))
}

impl ServiceArgs {
    /// Loads the model; answers the device, too, and why it was chosen. `waits` as in [`ServiceOptions::waits`].
    pub(super) fn load(&self, backends: &[BackendEntry], waits: bool) -> Result<(Arc<Service>, String), Failure> {
        let files = match &self.model {
            Some(folder) => ModelFiles::open(folder),
            None => ModelFiles::embedded_tiny(),
        };
        let files = files.map_err(|error| service_failure(error.into()))?;
        let folder = self.model.as_deref().map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.to_owned()));
        let folder_name = folder.as_deref().and_then(|folder| folder.file_name()).map(|name| name.to_string_lossy());
        let stored = self.gmt.iter().map(|path| stored_grammars(path)).collect::<Result<Vec<_>, _>>()?;
        let options = ServiceOptions {
            model_name: match (&self.served_model_name, folder_name) {
                (Some(name), _) => name.clone(),
                (None, Some(name)) => name.into_owned(),
                (None, None) => "tiny-tools".to_owned(),
            },
            max_batch: self.max_batch.get(),
            max_sequences: self.max_sequences.get(),
            waits,
            context_length: self.context_length.map(|length| length as usize),
            grammars: GrammarOptions {
                cache_bytes: self.grammar_cache_mb.saturating_mul(1_000_000),
                compile_threads: self.compile_threads.get(),
                compile_time: Duration::from_secs(self.compile_seconds),
                waiting: self.max_compiling.get(),
                compile_memory: self.compile_mb.get().saturating_mul(1_000_000),
                stored,
                ..GrammarOptions::default()
            },
            backend: backend(&self.grammar_backend, backends)?,
            reasoning: self.reasoning_parser,
            tool_format: match self.model {
                Some(_) => self.tool_call_parser,
                None => self.tool_call_parser.or(Some(ToolFormat::FunctionTag)),
            },
            incremental_streaming: self.incremental_streaming_output,
            max_connections: self.max_connections.get(),
            write_timeout: Duration::from_secs(self.write_seconds),
            read_timeout: Duration::from_secs(self.read_seconds),
            constraint_time: Duration::from_secs(self.constraint_seconds),
            body_bytes: self.bodies_mb.get().saturating_mul(1_000_000),
            ..ServiceOptions::default()
        };
        match self.device.open()? {
            Chosen::Cpu(device, why) => load(&files, device, &why, options),
            Chosen::Cuda(device, why) => load(&files, *device, &why, options),
        }
    }
}

fn load<D: Device + 'static>(
    files: &ModelFiles,
    device: D,
    why: &str,
    options: ServiceOptions,
) -> Result<(Arc<Service>, String), Failure> {
    let description = device::describe(&device, why);
    Ok((Service::load(files, device, options).map_err(service_failure)?, description))
}

fn service_failure(error: ServiceError) -> Failure {
    match error {
        ServiceError::Model(gpu_runtime::ModelError::Read { path, source }) => Failure::Read { path, error: source },
        other => Failure::Input(other.to_string()),
    }
}

pub(crate) fn run(args: &Args, output: &mut Output, backends: &[BackendEntry]) -> Result<Verdict, Failure> {
    counting_allocator::give_large_pieces_back();
    let (service, device) = args.service.load(backends, false)?;
    if let Some(note) = service.reasoning_note() {
        anstream::eprintln!("{WARN}note{WARN:#}: {note}");
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Input(error.to_string()))?;
    let served = runtime.block_on(async {
        let address = (args.host.as_str(), args.port);
        let fault = |error: io::Error| Failure::Input(format!("cannot listen on {}:{}: {error}", args.host, args.port));
        let listener = TcpListener::bind(address).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        writeln!(output, "listening on http://{address}\ndevice: {device}")?;
        output.flush()?;
        let patience = Duration::from_secs(args.shutdown_seconds);
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or(()) };
        tokio::select! {
            served = server::serve(service, listener, stopped, patience) => served.map_err(fault),
            () = asked_twice(stop)? => Ok(()),
        }
    });
    // What is still at work has had its time.
    runtime.shutdown_background();
    served.map(|()| Verdict::Yes)
}

/// Tells `stop` when the process is asked to end, and is done when it is asked again.
fn asked_twice(stop: oneshot::Sender<()>) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut asked = async move || {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    };
    Ok(async move {
        asked().await;
        // The server may have ended for another reason.
        let _ = stop.send(());
        asked().await;
    })
}

/// The grammars of a file, which may be replaced while they are served; says so if requests will not find them.
fn stored_grammars(path: &Path) -> Result<Artifact, Failure> {
    let artifact = grammar::read(path)?;
    let unlike = server::grammars_unlike_requests(&artifact);
    let unlike = unlike.map_err(|error| Failure::Artifact { path: path.to_owned(), error: Box::new(error) })?;
    if let Some((count, first)) = unlike {
        anstream::eprintln!(
            "{WARN}note{WARN:#}: {}: {count} of {} grammars, {} among them, are compiled with other options than requests have that \
             ask for none, and are not used for these; compile with --preset generation --regex-syntax ecma262",
            path.display(),
            artifact.len(),
            printable(&first),
        );
    }
    Ok(artifact)
}
