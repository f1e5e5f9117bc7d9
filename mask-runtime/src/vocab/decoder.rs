//! How a piece of a `tokenizer.json` becomes bytes: the `decoder`, applied to one piece at a time.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{TokenizerKind, VocabularyError, byte_level};

/// The character that SentencePiece writes for a space.
const METASPACE: &str = "\u{2581}";
/// Real decoders have at most five steps; the bound keeps a hostile file from costing steps × pieces.
const MAX_STEPS: usize = 16;
const SUPPORTED: &str = "the decoders ByteLevel, ByteFallback, Metaspace, Replace of a string by one that is not \
                         longer, Fuse, a Strip after Fuse, and sequences of these";

/// A normalizer, pre-tokenizer or decoder, with the fields that matter here.
#[derive(Debug, Deserialize)]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pattern: Option<Pattern>,
    content: Option<String>,
    replacement: Option<String>,
    #[serde(default)]
    normalizers: Vec<Component>,
    #[serde(default)]
    pretokenizers: Vec<Component>,
    #[serde(default)]
    decoders: Vec<Component>,
}

#[derive(Debug, Deserialize)]
enum Pattern {
    String(String),
    Regex(IgnoredAny),
}

impl Component {
    /// The parts that are not sequences, in order, each with its JSON Pointer; `pointer` is the component's own.
    pub(super) fn leaves(&self, pointer: &str) -> Leaves<'_> {
        let mut leaves = Leaves { pending: Vec::new() };
        leaves.pending.push((pointer.to_owned(), Parts::Itself(self)));
        leaves
    }
}

/// Iterates over the leaves of a [`Component`]. The pointers of siblings are made when they are reached: in a hostile
/// file they could be long and many.
pub(super) struct Leaves<'a> {
    pending: Vec<(String, Parts<'a>)>,
}

enum Parts<'a> {
    Itself(&'a Component),
    List(std::iter::Enumerate<std::slice::Iter<'a, Component>>),
}

impl<'a> Iterator for Leaves<'a> {
    type Item = (String, &'a Component);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (pointer, component) = match self.pending.pop()? {
                (pointer, Parts::Itself(component)) => (pointer, component),
                (pointer, Parts::List(mut parts)) => {
                    let Some((index, part)) = parts.next() else { continue };
                    let part_pointer = format!("{pointer}/{index}");
                    self.pending.push((pointer, Parts::List(parts)));
                    (part_pointer, part)
                }
            };
            if component.kind != "Sequence" {
                return Some((pointer, component));
            }
            for (field, list) in [
                ("normalizers", &component.normalizers),
                ("pretokenizers", &component.pretokenizers),
                ("decoders", &component.decoders),
            ] {
                self.pending.push((format!("{pointer}/{field}"), Parts::List(list.iter().enumerate())));
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Replace { from: String, to: String },
    ByteFallback,
    ByteLevel,
}

/// What turns a piece into bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoder {
    steps: Vec<Step>,
    kind: TokenizerKind,
}

/// The parts of a `tokenizer.json` that say how pieces are written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence<'a> {
    pub(super) decoder: Option<&'a Component>,
    pub(super) pre_tokenizer: Option<&'a Component>,
    pub(super) normalizer: Option<&'a Component>,
    /// `byte_fallback` of the model.
    pub(super) byte_fallback: bool,
}

impl Decoder {
    /// Reads the decoder; a tokenizer without one is judged by its pre-tokenizer, then by its normalizer.
    pub(super) fn detect(evidence: Evidence<'_>) -> Result<Self, VocabularyError> {
        let mut steps = match evidence.decoder {
            Some(decoder) => decoder_steps(decoder)?,
            None => inferred_steps(evidence),
        };
        // Models that fall back to bytes emit `<0xHH>` pieces whether or not the decoder says so.
        if evidence.byte_fallback && !steps.contains(&Step::ByteLevel) && !steps.contains(&Step::ByteFallback) {
            steps.push(Step::ByteFallback);
        }
        let writes_spaces = |step: &Step| matches!(step, Step::Replace { to, .. } if to == " ");
        let kind = if steps.contains(&Step::ByteLevel) {
            TokenizerKind::ByteLevelBpe
        } else if !steps.iter().any(writes_spaces) {
            return Err(VocabularyError::Unsupported {
                pointer: "/decoder".to_owned(),
                found: "a tokenizer that does not say how its tokens write spaces".to_owned(),
                supported: SUPPORTED,
            });
        } else if steps.contains(&Step::ByteFallback) {
            TokenizerKind::SentencePieceByteFallback
        } else {
            TokenizerKind::SentencePiece
        };
        Ok(Self { steps, kind })
    }

    pub(super) fn kind(&self) -> TokenizerKind {
        self.kind
    }

    /// Replaces `bytes` by what `piece` stands for.
    pub(super) fn decode(&self, piece: &str, bytes: &mut Vec<u8>) {
        bytes.clear();
        let mut text = Cow::Borrowed(piece);
        for step in &self.steps {
            match step {
                Step::Replace { from, to } => {
                    if text.contains(from.as_str()) {
                        text = Cow::Owned(text.replace(from.as_str(), to));
                    }
                }
                Step::ByteFallback => {
                    if let Some(byte) = fallback_byte(&text) {
                        bytes.push(byte);
                        return;
                    }
                }
                Step::ByteLevel => return byte_level::decode(&text, bytes),
            }
        }
        bytes.extend_from_slice(text.as_bytes());
    }
}

fn decoder_steps(decoder: &Component) -> Result<Vec<Step>, VocabularyError> {
    let mut steps = Vec::new();
    let mut fused = false;
    for (pointer, part) in decoder.leaves("/decoder") {
        let unsupported =
            |found: String| VocabularyError::Unsupported { pointer: pointer.clone(), found, supported: SUPPORTED };
        match part.kind.as_str() {
            "ByteLevel" => steps.push(Step::ByteLevel),
            "ByteFallback" => steps.push(Step::ByteFallback),
            "Metaspace" => steps.push(metaspace_step(part)),
            "Replace" => match (&part.pattern, &part.content) {
                (Some(Pattern::Regex(_)), _) => return Err(unsupported("Replace of a regular expression".to_owned())),
                // After Fuse a pattern may match across pieces, unless it is a single character.
                (Some(Pattern::String(from)), Some(to))
                    if !from.is_empty() && to.len() <= from.len() && (!fused || from.chars().count() == 1) =>
                {
                    steps.push(Step::Replace { from: from.clone(), to: to.clone() });
                }
                _ => return Err(unsupported("a Replace that does not act on single tokens".to_owned())),
            },
            "Fuse" => fused = true,
            // Strips the ends of the whole text: which token is first is not a property of the token.
            "Strip" if fused => {}
            other => return Err(unsupported(format!("the decoder {other}"))),
        }
        if steps.len() > MAX_STEPS {
            return Err(unsupported(format!("a sequence of more than {MAX_STEPS} steps")));
        }
    }
    Ok(steps)
}

fn inferred_steps(evidence: Evidence<'_>) -> Vec<Step> {
    for (_, part) in evidence.pre_tokenizer.iter().flat_map(|part| part.leaves("/pre_tokenizer")) {
        match part.kind.as_str() {
            "ByteLevel" => return vec![Step::ByteLevel],
            "Metaspace" => return vec![metaspace_step(part)],
            _ => {}
        }
    }
    let writes_metaspace = evidence.normalizer.iter().flat_map(|part| part.leaves("/normalizer")).any(|(_, part)| {
        part.kind == "Replace"
            && matches!(&part.pattern, Some(Pattern::String(from)) if from == " ")
            && part.content.as_deref() == Some(METASPACE)
    });
    if writes_metaspace { vec![Step::Replace { from: METASPACE.to_owned(), to: " ".to_owned() }] } else { Vec::new() }
}

fn metaspace_step(part: &Component) -> Step {
    let from = part.replacement.as_deref().filter(|from| !from.is_empty()).unwrap_or(METASPACE);
    Step::Replace { from: from.to_owned(), to: " ".to_owned() }
}

/// The byte of `<0xHH>`.
fn fallback_byte(piece: &str) -> Option<u8> {
    match piece.as_bytes() {
        &[b'<', b'0', b'x', high, low, b'>'] => {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(high)? * 16 + digit(low)?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(json: &str) -> Component {
        serde_json::from_str(json).expect("a component")
    }

    fn decode(decoder: &Decoder, piece: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        decoder.decode(piece, &mut bytes);
        bytes
    }

    const LLAMA: &str = r#"{"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
        {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}"#;

    #[test]
    fn sentencepiece_pieces() {
        let part = component(LLAMA);
        let decoder = Decoder::detect(Evidence { decoder: Some(&part), ..Evidence::default() }).expect("supported");
        assert_eq!(decoder.kind(), TokenizerKind::SentencePieceByteFallback);
        assert_eq!(decode(&decoder, "▁the▁"), b" the ");
        assert_eq!(decode(&decoder, "<0x0A>"), b"\n");
        assert_eq!(decode(&decoder, "<0xff>"), b"\xff");
        for literal in ["<0x0>", "<0xGG>", "<0x0A> ", "<0x+A>", "é"] {
            assert_eq!(decode(&decoder, literal), literal.as_bytes());
        }
    }

    #[test]
    fn without_a_decoder_the_pre_tokenizer_decides() {
        let pre = component(
            r#"{"type": "Sequence", "pretokenizers": [{"type": "Digits"},
                {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}]}]}"#,
        );
        let decoder = Decoder::detect(Evidence { pre_tokenizer: Some(&pre), ..Evidence::default() });
        assert_eq!(decoder.expect("supported").kind(), TokenizerKind::ByteLevelBpe);
        let pre = component(r#"{"type": "Metaspace", "replacement": "_"}"#);
        let decoder = Decoder::detect(Evidence { pre_tokenizer: Some(&pre), ..Evidence::default() }).expect("ok");
        assert_eq!(decoder.kind(), TokenizerKind::SentencePiece);
        assert_eq!(decode(&decoder, "_a"), b" a");
    }

    #[test]
    fn without_a_decoder_and_pre_tokenizer_the_normalizer_decides() {
        let normalizer = component(r#"{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}"#);
        let evidence = Evidence { normalizer: Some(&normalizer), byte_fallback: true, ..Evidence::default() };
        let decoder = Decoder::detect(evidence).expect("supported");
        assert_eq!(decoder.kind(), TokenizerKind::SentencePieceByteFallback);
        assert_eq!(decode(&decoder, "<0x20>"), b" ");
        assert!(Decoder::detect(Evidence::default()).is_err());
    }

    #[test]
    fn what_does_not_act_on_single_pieces_is_refused_with_its_pointer() {
        let cases = [
            (r#"{"type": "WordPiece"}"#, "/decoder"),
            (r#"{"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "CTC"}]}"#, "/decoder/decoders/1"),
            (r#"{"type": "Sequence", "decoders": [{"type": "Strip", "content": " "}]}"#, "/decoder/decoders/0"),
            (r#"{"type": "Replace", "pattern": {"Regex": "a"}, "content": ""}"#, "/decoder"),
            (r#"{"type": "Replace", "pattern": {"String": ""}, "content": ""}"#, "/decoder"),
            (r#"{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}"#, "/decoder"),
            (r#"{"type": "Sequence", "decoders": [{"type": "Fuse"}]}"#, "/decoder"),
        ];
        for (json, expected) in cases {
            let part = component(json);
            match Decoder::detect(Evidence { decoder: Some(&part), ..Evidence::default() }) {
                Err(VocabularyError::Unsupported { pointer, .. }) => assert_eq!(pointer, expected, "{json}"),
                other => panic!("{json}: {other:?}"),
            }
        }
    }

    #[test]
    fn leaves_are_in_order_with_their_pointers() {
        let part = component(
            r#"{"type": "Sequence", "normalizers": [{"type": "A"},
                {"type": "Sequence", "normalizers": [{"type": "B"}, {"type": "C"}]}, {"type": "D"}]}"#,
        );
        let leaves: Vec<_> = part.leaves("/n").map(|(pointer, part)| format!("{} {pointer}", part.kind)).collect();
        assert_eq!(
            leaves,
            [
                "A /n/normalizers/0",
                "B /n/normalizers/1/normalizers/0",
                "C /n/normalizers/1/normalizers/1",
                "D /n/normalizers/2"
            ]
        );
    }

    #[test]
    fn too_many_steps_are_refused() {
        let part = r#"{"type": "ByteFallback"}"#;
        let json = format!(r#"{{"type": "Sequence", "decoders": [{}]}}"#, vec![part; 1000].join(","));
        let part = component(&json);
        assert!(Decoder::detect(Evidence { decoder: Some(&part), ..Evidence::default() }).is_err());
    }
}
