//! `grammarc batch`: a file of requests, in the form of OpenAI's batch API, to a file of answers.

use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use server::{ApiError, BackendEntry, Endpoint, Reply, Service};
use tokio::task::JoinHandle;

use super::serve::ServiceArgs;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Verdict};

const EXAMPLES: &str = "\
Examples:
  grammarc batch requests.jsonl > answers.jsonl
  echo '{\"custom_id\": \"a\", \"method\": \"POST\", \"url\": \"/generate\", \"body\":
    {\"text\": \"The capital of France is\", \"sampling_params\": {\"regex\": \"(Paris|London)\"}}}' | tr -d '\\n' | grammarc batch -

Each line is one JSON object: `custom_id`, `url` (/v1/chat/completions, /v1/completions or /generate) and `body`. Each
answer is a line, in the order of the requests, with the `custom_id` and `response.status_code` and `response.body`.
Exit code 1 says that some request was refused.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The requests, one JSON object a line; `-` for standard input
    file: PathBuf,

    /// Requests answered at the same time
    #[arg(long, value_name = "N", default_value_t = 32)]
    concurrency: usize,

    #[command(flatten)]
    service: ServiceArgs,
}

/// One line of the file.
struct Line {
    custom_id: Value,
    endpoint: Endpoint,
    body: Value,
}

impl Line {
    fn parse(text: &str) -> Result<Self, String> {
        let mut line: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if let Some(name) = server::duplicate_name(text.as_bytes()) {
            return Err(format!("the key `{name}` occurs twice in one object"));
        }
        let url = line["url"].as_str().ok_or("url has to be a string")?;
        let endpoint = Endpoint::from_path(url)
            .ok_or_else(|| format!("url has to be /v1/chat/completions, /v1/completions or /generate, not {url:?}"))?;
        if !line["body"].is_object() {
            return Err("body has to be an object".to_owned());
        }
        Ok(Self { custom_id: line["custom_id"].take(), endpoint, body: line["body"].take() })
    }
}

pub(crate) fn run(args: &Args, output: &mut Output, backends: &[BackendEntry]) -> Result<Verdict, Failure> {
    let text = input::read_text(&args.file)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let fault = |index: usize, message| Failure::Input(format!("{}:{}: {message}", args.file.display(), index + 1));
    let lines: Vec<Line> = lines
        .map(|(index, line)| Line::parse(line).map_err(|message| fault(index, message)))
        .collect::<Result<_, _>>()?;
    let (service, _) = args.service.load(backends, true)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Input(error.to_string()))?;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} requests, {eta} left");
    let progress =
        ProgressBar::new(lines.len() as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut all_answered = true;
    runtime.block_on(async {
        let mut in_work: VecDeque<(Value, JoinHandle<(u16, Value)>)> = VecDeque::new();
        let mut lines = lines.into_iter();
        loop {
            while in_work.len() < args.concurrency.max(1) {
                let Some(line) = lines.next() else { break };
                let answering = tokio::spawn(answer(service.clone(), line.endpoint, line.body));
                in_work.push_back((line.custom_id, answering));
            }
            let Some((custom_id, answering)) = in_work.pop_front() else { return Ok::<(), Failure>(()) };
            let (status, body) = answering.await.map_err(|error| Failure::Input(error.to_string()))?;
            all_answered &= status == 200;
            output.json(&json!({"custom_id": custom_id, "response": {"status_code": status, "body": body}}))?;
            progress.inc(1);
        }
    })?;
    progress.finish_and_clear();
    output.flush()?;
    Ok(Verdict::from_bool(all_answered))
}

/// The status and the body of an answer.
async fn answer(service: Arc<Service>, endpoint: Endpoint, body: Value) -> (u16, Value) {
    let reply = match service.answer(endpoint, &body).await {
        Ok(Reply::Whole(answer)) => match serde_json::from_str(&answer.into_text()) {
            Ok(answer) => return (200, answer),
            Err(error) => ApiError::Internal(error.to_string()),
        },
        Ok(Reply::Stream(_)) => ApiError::Invalid("stream cannot be true in a batch.".to_owned()),
        Err(error) => error,
    };
    (reply.status().as_u16(), reply.body(endpoint.dialect()))
}
