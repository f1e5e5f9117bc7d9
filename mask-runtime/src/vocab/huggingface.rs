//! Reads a `tokenizer.json` of the Hugging Face `tokenizers` library.
//!
//! Merges are skipped without being stored: what a token stands for does not depend on them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::builder::VocabularyBuilder;
use super::decoder::{Component, Decoder, Evidence};
use super::stop_tokens::TokenizerConfig;
use super::{TokenKind, TokenizerKind, TokenizerModel, Vocabulary, VocabularyError};

#[derive(Deserialize)]
struct TokenizerJson<'a> {
    added_tokens: Option<Vec<AddedToken>>,
    normalizer: Option<Component>,
    pre_tokenizer: Option<Component>,
    decoder: Option<Component>,
    #[serde(borrow)]
    model: Model<'a>,
}

/// An added token. Its other fields only matter for encoding.
#[derive(Debug, Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow)]
    vocab: Pieces<'a>,
    merges: Option<IgnoredAny>,
    byte_fallback: Option<bool>,
    unk_token: Option<String>,
    unk_id: Option<u32>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
}

/// The base vocabulary: a map from piece to id, or a list of `[piece, score]` in the order of the ids.
struct Pieces<'a> {
    entries: Vec<(Cow<'a, str>, u32)>,
    is_list: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Pieces<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PiecesVisitor;

        impl<'de> Visitor<'de> for PiecesVisitor {
            type Value = Pieces<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from token to id, or a list of [token, score]")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Piece(piece), id)) = map.next_entry::<Piece<'de>, u32>()? {
                    entries.push((piece, id));
                }
                Ok(Pieces { entries, is_list: false })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Piece(piece), _)) = list.next_element::<(Piece<'de>, IgnoredAny)>()? {
                    let id = u32::try_from(entries.len()).map_err(|_| serde::de::Error::custom("too many tokens"))?;
                    entries.push((piece, id));
                }
                Ok(Pieces { entries, is_list: true })
            }
        }

        deserializer.deserialize_any(PiecesVisitor)
    }
}

/// A string that is borrowed from the JSON text unless it holds escapes.
struct Piece<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Piece<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PieceVisitor;

        impl<'de> Visitor<'de> for PieceVisitor {
            type Value = Piece<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Piece(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Piece(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(PieceVisitor)
    }
}

/// Reads `tokenizer_json`, with what `config` adds to it.
pub(super) fn read(tokenizer_json: &[u8], config: &TokenizerConfig) -> Result<Vocabulary, VocabularyError> {
    let source: TokenizerJson<'_> = serde_json::from_slice(tokenizer_json)
        .map_err(|source| VocabularyError::Json { file: "tokenizer.json", source })?;
    let algorithm = algorithm(&source.model)?;
    let decoder = Decoder::detect(Evidence {
        decoder: source.decoder.as_ref(),
        pre_tokenizer: source.pre_tokenizer.as_ref(),
        normalizer: source.normalizer.as_ref(),
        byte_fallback: source.model.byte_fallback == Some(true),
    })?;

    let mut builder = VocabularyBuilder::new();
    let mut bytes = Vec::new();
    for (piece, id) in &source.model.vocab.entries {
        let unknown = source.model.unk_token.as_deref() == Some(piece) || source.model.unk_id == Some(*id);
        if unknown || config.is_control(piece) {
            builder.add_text(*id, piece.as_bytes())?;
            builder.add_added(*id, piece, piece.as_bytes(), TokenKind::Special)?;
        } else {
            decoder.decode(piece, &mut bytes);
            builder.add_text(*id, &bytes)?;
        }
    }

    let in_tokenizer = source.added_tokens.iter().flatten();
    let in_config = config.added_tokens.iter().map(|(&id, token)| (id, token.content.as_str(), token.special));
    let mut added_tokens = 0;
    for (id, content, special) in in_tokenizer.map(|token| (token.id, token.content.as_str(), token.special)) {
        add(&mut builder, &decoder, id, content, special || config.is_control(content))?;
        added_tokens += 1;
    }
    for (id, content, special) in in_config {
        if !builder.is_added(id) && !builder.knows(content) {
            add(&mut builder, &decoder, id, content, special || config.is_control(content))?;
            added_tokens += 1;
        }
    }

    let normalizers = source.normalizer.iter().flat_map(|part| part.leaves("/normalizer"));
    builder.finish(TokenizerModel {
        algorithm: Some(algorithm),
        normalizers: normalizers.map(|(_, part)| part.kind.clone()).collect(),
        added_tokens,
        ..TokenizerModel::new(decoder.kind())
    })
}

fn add(
    builder: &mut VocabularyBuilder,
    decoder: &Decoder,
    id: u32,
    content: &str,
    special: bool,
) -> Result<(), VocabularyError> {
    if special {
        return builder.add_added(id, content, content.as_bytes(), TokenKind::Special);
    }
    let mut bytes = Vec::new();
    decoder.decode(content, &mut bytes);
    // The content is plain text, and GPT-2's table would turn its `é` into one byte. Only a piece of the base
    // vocabulary that is listed again is written in the table's characters.
    if decoder.kind() == TokenizerKind::ByteLevelBpe && builder.base_bytes(id) != Some(bytes.as_slice()) {
        bytes = content.as_bytes().to_vec();
    }
    builder.add_added(id, content, &bytes, TokenKind::Text)
}

/// The algorithm of the model, which old files do not name.
fn algorithm(model: &Model<'_>) -> Result<&'static str, VocabularyError> {
    let unsupported = |pointer: &str, found: String, supported| {
        Err(VocabularyError::Unsupported { pointer: pointer.to_owned(), found, supported })
    };
    let algorithm = match model.kind.as_deref() {
        Some("BPE") => "BPE",
        Some("Unigram") => "Unigram",
        Some(other) => {
            return unsupported("/model/type", format!("the model {other}"), "the models BPE and Unigram");
        }
        None if model.vocab.is_list => "Unigram",
        None if model.merges.is_some() => "BPE",
        None => {
            return unsupported("/model", "a model without a type or merges".to_owned(), "the models BPE and Unigram");
        }
    };
    if (algorithm == "Unigram") != model.vocab.is_list {
        let form = if model.vocab.is_list { "a list" } else { "a map" };
        return unsupported(
            "/model/vocab",
            format!("{form} for the model {algorithm}"),
            "a map from token to id for BPE and a list of [token, score] for Unigram",
        );
    }
    for (pointer, affix) in [
        ("/model/continuing_subword_prefix", &model.continuing_subword_prefix),
        ("/model/end_of_word_suffix", &model.end_of_word_suffix),
    ] {
        if let Some(affix) = affix.as_deref().filter(|affix| !affix.is_empty()) {
            return unsupported(pointer, format!("the affix {affix:?}"), "tokens that write spaces themselves");
        }
    }
    Ok(algorithm)
}
