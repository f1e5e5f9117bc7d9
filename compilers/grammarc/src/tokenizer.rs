//! From the command line to a vocabulary.

use std::path::Path;

use mask_runtime::{Vocabulary, embedded_tiny};
use serde_json::{Value, json};

use crate::args::TokenizerArgs;
use crate::failure::Failure;
use crate::grammar;

/// Reads the vocabulary that the arguments name, the embedded one if they name none.
pub(crate) fn load(args: &TokenizerArgs) -> Result<Vocabulary, Failure> {
    let mut vocabulary = match &args.tokenizer {
        Some(path) if grammar::is_artifact(path) => of_artifact(path)?,
        Some(path) => Vocabulary::from_huggingface_dir(path)?,
        None => embedded_tiny(),
    };
    if let Some(width) = args.logits_width {
        vocabulary = vocabulary.with_size(width)?;
    }
    if let Some(ids) = &args.stop_tokens {
        vocabulary = vocabulary.with_stop_tokens(ids.iter().copied())?;
    }
    Ok(vocabulary)
}

/// The vocabulary in an artifact.
fn of_artifact(path: &Path) -> Result<Vocabulary, Failure> {
    let tokenizer = grammar::open(path)?.tokenizer();
    match tokenizer.map_err(|error| Failure::Artifact { path: path.to_owned(), error: Box::new(error) })? {
        Some(tokenizer) => Ok(tokenizer.vocabulary().clone()),
        None => {
            let message = format!("{} has no tokenizer in it; compile it with --embed-tokenizer", path.display());
            Err(Failure::Input(message))
        }
    }
}

/// The vocabulary, if the arguments name one.
pub(crate) fn load_if_named(args: &TokenizerArgs) -> Result<Option<Vocabulary>, Failure> {
    if args.tokenizer.is_none() && !args.is_default() {
        let message = "--stop-tokens and --logits-width say something of a tokenizer; name it with --tokenizer";
        return Err(Failure::Input(message.to_owned()));
    }
    args.tokenizer.is_some().then(|| load(args)).transpose()
}

/// A token for programs.
pub(crate) fn token_json(vocabulary: &Vocabulary, id: u32) -> Value {
    let mut object = json!({"id": id, "text": vocabulary.name(id)});
    let bytes = vocabulary.bytes(id);
    if std::str::from_utf8(bytes).is_err() {
        // The text is then only for show.
        object["bytes"] = bytes.into();
    }
    object["special"] = (vocabulary.kind(id) == mask_runtime::TokenKind::Special).into();
    object["stop"] = vocabulary.is_stop(id).into();
    object
}
