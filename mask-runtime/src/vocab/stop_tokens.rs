//! What the files beside a `tokenizer.json` say: stop tokens, further added tokens, the width of the logits.
//!
//! The first file that names stop tokens decides: `generation_config.json`, then `config.json` (`eos_token_id`), then
//! `tokenizer_config.json` (`eos_token`). This is what generation with `transformers` stops at.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{StopTokenSource, Vocabulary, VocabularyError};

/// The parts of `tokenizer_config.json` that matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenizerConfig {
    bos_token: NamedToken,
    eos_token: NamedToken,
    unk_token: NamedToken,
    pad_token: NamedToken,
    /// Added tokens by id, those of `tokenizer.json` among them.
    #[serde(rename = "added_tokens_decoder")]
    pub(super) added_tokens: BTreeMap<u32, ListedToken>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListedToken {
    pub(super) content: String,
    #[serde(default)]
    pub(super) special: bool,
}

/// A token given by its text: a string, an object with `content`, or `null`.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Value")]
struct NamedToken(Option<String>);

impl From<Value> for NamedToken {
    fn from(value: Value) -> Self {
        let text = match value {
            Value::String(text) => Some(text),
            Value::Object(mut object) => match object.remove("content") {
                Some(Value::String(text)) => Some(text),
                _ => None,
            },
            _ => None,
        };
        Self(text.filter(|text| !text.is_empty()))
    }
}

impl TokenizerConfig {
    pub(super) fn parse(json: &[u8]) -> Result<Self, VocabularyError> {
        parse("tokenizer_config.json", json)
    }

    /// Whether `text` is one of the tokens that the file gives a role, which makes it special.
    pub(super) fn is_control(&self, text: &str) -> bool {
        [&self.bos_token, &self.eos_token, &self.unk_token, &self.pad_token]
            .iter()
            .any(|token| token.0.as_deref() == Some(text))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GenerationConfig {
    eos_token_id: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ModelConfig {
    eos_token_id: Value,
    vocab_size: Value,
    /// Where models of several modalities keep the fields of their language model.
    text_config: Option<TextConfig>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TextConfig {
    eos_token_id: Value,
    vocab_size: Value,
}

/// The files that say more about a vocabulary than its `tokenizer.json` does, each optional.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ConfigFiles<'a> {
    pub(super) generation_config: Option<&'a [u8]>,
    pub(super) config: Option<&'a [u8]>,
}

/// Sets the width and the stop tokens of `vocabulary` from the files beside it.
pub(super) fn apply(
    mut vocabulary: Vocabulary,
    files: ConfigFiles<'_>,
    tokenizer_config: &TokenizerConfig,
) -> Result<Vocabulary, VocabularyError> {
    let generation: GenerationConfig = parse_optional("generation_config.json", files.generation_config)?;
    let model: ModelConfig = parse_optional("config.json", files.config)?;
    let text = model.text_config.unwrap_or_default();

    let width = model.vocab_size.as_u64().or_else(|| text.vocab_size.as_u64());
    if let Some(width) = width.and_then(|width| usize::try_from(width).ok())
        && width > vocabulary.size()
    {
        vocabulary = vocabulary.with_size(width)?;
    }

    let candidates = [
        (StopTokenSource::GenerationConfig, "/eos_token_id", &generation.eos_token_id),
        (StopTokenSource::ModelConfig, "/eos_token_id", &model.eos_token_id),
        (StopTokenSource::ModelConfig, "/text_config/eos_token_id", &text.eos_token_id),
    ];
    for (source, pointer, value) in candidates {
        let ids = token_ids(source, pointer, value)?;
        if !ids.is_empty() {
            vocabulary.set_stop_tokens(ids, source)?;
            return Ok(vocabulary);
        }
    }
    if let Some(name) = &tokenizer_config.eos_token.0 {
        let id = vocabulary.special_id(name).ok_or_else(|| VocabularyError::UnknownStopToken { name: name.clone() })?;
        vocabulary.set_stop_tokens([id], StopTokenSource::TokenizerConfig)?;
    }
    Ok(vocabulary)
}

/// The ids in `value`: none, one, or a list.
fn token_ids(source: StopTokenSource, pointer: &'static str, value: &Value) -> Result<Vec<u32>, VocabularyError> {
    let values = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(values) => values.as_slice(),
        other => std::slice::from_ref(other),
    };
    let id = |value: &Value| {
        value.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| VocabularyError::StopTokenForm {
            file: source.name(),
            pointer,
            found: value.to_string().chars().take(40).collect(),
        })
    };
    values.iter().map(id).collect()
}

fn parse<T: DeserializeOwned>(file: &'static str, json: &[u8]) -> Result<T, VocabularyError> {
    serde_json::from_slice(json).map_err(|source| VocabularyError::Json { file, source })
}

fn parse_optional<T: DeserializeOwned + Default>(
    file: &'static str,
    json: Option<&[u8]>,
) -> Result<T, VocabularyError> {
    json.map_or_else(|| Ok(T::default()), |json| parse(file, json))
}
