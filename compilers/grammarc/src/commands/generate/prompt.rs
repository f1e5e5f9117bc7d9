//! From the command line to the tokens of a prompt.

use gpu_runtime::engine::Reasoning;
use gpu_runtime::{Conversation, Encoder, ModelFiles};
use mask_runtime::{Marker, Vocabulary};
use serde_json::{Value, json};

use super::model_failure;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Prompt options")]
pub(super) struct PromptArgs {
    /// What the user says
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    prompt: String,

    /// Send the prompt as it is, not through the model's chat template
    #[arg(long, conflicts_with_all = ["system", "tools"])]
    raw: bool,

    /// What the model is told before
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    system: Option<String>,

    /// Let the model think first: free text up to </think>, then the grammar
    #[arg(long)]
    pub(super) reasoning: bool,
}

/// What begins the free text of a model that thinks, what ends it, and what such models put before their answer.
const REASONING_START: &str = "<think>";
const REASONING_END: &str = "</think>";
const REASONING_SEPARATOR: &str = "\n\n";

/// The tokens of the prompt, and the rules for reasoning if there is to be any.
pub(super) fn build(
    args: &PromptArgs,
    tools: &[Value],
    files: &ModelFiles,
    vocabulary: &Vocabulary,
    encoder: &Encoder,
) -> Result<(Vec<u32>, Option<Reasoning>), Failure> {
    let encoder_failure = |error: gpu_runtime::EncoderError| Failure::Input(error.to_string());
    let mut tokens = if args.raw {
        encoder.encode_with_special_tokens(&args.prompt).map_err(encoder_failure)?
    } else {
        encoder.encode(&render(args, tools, files)?).map_err(encoder_failure)?
    };
    if !args.reasoning {
        return Ok((tokens, None));
    }
    let token = |name: &str| {
        let message = || format!("the model has no token {name}, so it does not think in this form");
        vocabulary.special_id(name).ok_or_else(|| Failure::Input(message()))
    };
    let (start, end_token) = (token(REASONING_START)?, token(REASONING_END)?);
    // Some templates have begun the thinking already.
    let begun = tokens.iter().rposition(|&token| token == start);
    let ended = tokens.iter().rposition(|&token| token == end_token);
    if begun.is_none() || ended > begun {
        tokens.push(start);
    }
    let separator = encoder.encode(REASONING_SEPARATOR).map_err(encoder_failure)?;
    let end_marker = Marker::new([end_token]).map_err(|error| Failure::Input(error.to_string()))?;
    Ok((tokens, Some(Reasoning { end_marker, separator, budget: None })))
}

/// The conversation as the model's chat template writes it.
fn render(args: &PromptArgs, tools: &[Value], files: &ModelFiles) -> Result<String, Failure> {
    let Some(template) = files.chat_template().map_err(model_failure)? else {
        let message = "the model has no chat template; use --raw to send the prompt as it is";
        return Err(Failure::Input(message.to_owned()));
    };
    let mut messages = Vec::new();
    if let Some(system) = &args.system {
        messages.push(json!({"role": "system", "content": system}));
    }
    messages.push(json!({"role": "user", "content": args.prompt}));
    template
        .render(&Conversation { messages: &messages, tools, arguments: None })
        .map_err(|error| Failure::Input(error.to_string()))
}
