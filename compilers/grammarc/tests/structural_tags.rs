//! Structural tags, format by format and family by family: each text is judged by the oracle, by the matcher reading bytes,
//! and through token masks.
//!
//! `structural_tags/*.jsonl` has one group a line: a tag, or a family with a request, and texts that it accepts and rejects.
//! They were written for this project. Masks of large vocabularies take their time, so by default only one text in
//! [`SAMPLED`] is walked with one of them. With `GRAMMARC_TOKENIZERS=DIR`, a folder of model folders, every text is walked with
//! each of their vocabularies instead.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use compilers::structural_tag::{self, Family, Options, Request};
use grammar_ir::{Grammar, Limits, interp};
use mask_runtime::{
    CompiledGrammar, HuggingFaceFiles, Matcher, TokenKind, Tokenizer, Vocabulary, bitmask, embedded_tiny,
};
use serde_json::Value;

struct Group {
    name: String,
    grammar: Grammar,
    texts: Vec<(String, bool)>,
}

fn groups(file: &str) -> Vec<Group> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/structural_tags").join(file);
    let lines = std::fs::read_to_string(path).expect("committed");
    lines
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).expect("JSON");
            let name = row["name"].as_str().expect("a name").to_owned();
            let tag = match row["family"].as_str() {
                Some(family) => {
                    let request = Request::from_json(&row["request"]).expect("a request");
                    let family = Family::from_name(family).expect("a family");
                    structural_tag::for_family(family, &request, None).expect("a tag").to_string()
                }
                None => row["tag"].to_string(),
            };
            let grammar = structural_tag::compile(&tag, &Options::default(), None, &Limits::default())
                .unwrap_or_else(|diagnostics| panic!("{name}: {diagnostics}"));
            let list = |key: &str, accepted: bool| {
                let texts: Vec<(String, bool)> = row[key]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(|text| (text.as_str().expect("a text").to_owned(), accepted))
                    .collect();
                assert!(texts.len() >= 10, "{name}: {} texts {key}", texts.len());
                texts
            };
            let texts = [list("accepted", true), list("rejected", false)].concat();
            Group { name, grammar, texts }
        })
        .collect()
}

/// The committed vocabulary of Qwen 3.
fn qwen3() -> Vocabulary {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mask-runtime/data/qwen3");
    let mut tokenizer = Vec::new();
    let file = std::fs::File::open(folder.join("tokenizer.json.gz")).expect("committed");
    flate2::read::GzDecoder::new(file).read_to_end(&mut tokenizer).expect("gzip");
    let config = std::fs::read(folder.join("tokenizer_config.json")).expect("committed");
    let files = HuggingFaceFiles { tokenizer: &tokenizer, tokenizer_config: Some(&config), ..Default::default() };
    Vocabulary::from_huggingface_files(files).expect("a supported tokenizer")
}

/// Of how many texts one is walked with a large vocabulary.
const SAMPLED: usize = 10;

/// Vocabularies, and of how many texts one is walked with them.
fn vocabularies() -> Vec<(String, Arc<Tokenizer>, usize)> {
    let mut all = vec![("tiny".to_owned(), Tokenizer::new(embedded_tiny()), 1)];
    let Some(folder) = std::env::var_os("GRAMMARC_TOKENIZERS") else {
        all.push(("qwen3".to_owned(), Tokenizer::new(qwen3()), SAMPLED));
        return all;
    };
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            let vocabulary = Vocabulary::from_huggingface_dir(&path);
            let vocabulary = vocabulary.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            all.push((path.display().to_string(), Tokenizer::new(vocabulary), 1));
        }
    }
    all
}

/// Cuts texts into tokens.
struct Cutter<'v> {
    ids: HashMap<&'v [u8], u32>,
    longest: usize,
    state: u64,
}

impl<'v> Cutter<'v> {
    fn new(vocabulary: &'v Vocabulary) -> Self {
        let ids: HashMap<&[u8], u32> = (0..vocabulary.size() as u32)
            .filter(|&id| vocabulary.kind(id) == TokenKind::Text && !vocabulary.is_stop(id))
            .map(|id| (vocabulary.bytes(id), id))
            .collect();
        let longest = ids.keys().map(|bytes| bytes.len()).max().unwrap_or(1).min(64);
        Self { ids, longest, state: 7 }
    }

    /// The longest token that `text` begins with, or with `any` one of those that it begins with.
    fn next(&mut self, text: &[u8], any: bool) -> u32 {
        let fitting: Vec<u32> = (1..=self.longest.min(text.len()))
            .rev()
            .filter_map(|length| self.ids.get(&text[..length]).copied())
            .collect();
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let choice = if any { (self.state >> 33) as usize % fitting.len() } else { 0 };
        fitting[choice]
    }
}

/// Whether the masks let `text` through, and the stop token after it.
fn through_masks(matcher: &mut Matcher, cutter: &mut Cutter<'_>, text: &[u8], any: bool) -> bool {
    matcher.reset();
    let mut row = matcher.row();
    let mut rest = text;
    while !rest.is_empty() {
        let token = cutter.next(rest, any);
        let has_bit = matcher.fill(&mut row).is_ok() && bitmask::contains(&row, token);
        assert_eq!(matcher.accept_token(token).is_ok(), has_bit, "the mask and the matcher differ on token {token}");
        if !has_bit {
            return false;
        }
        rest = &rest[matcher.grammar().vocabulary().bytes(token).len()..];
    }
    let stop = matcher.stop_tokens().first().copied().expect("a stop token");
    matcher.fill(&mut row).is_ok() && bitmask::contains(&row, stop)
}

fn check(file: &str) {
    let groups = groups(file);
    for group in &groups {
        for (text, accepted) in &group.texts {
            assert_eq!(
                interp::accepts(&group.grammar, text.as_bytes()),
                *accepted,
                "{}: oracle on {text:?}",
                group.name
            );
        }
    }
    for (name, tokenizer, step) in vocabularies() {
        let mut cutter = Cutter::new(tokenizer.vocabulary());
        for group in &groups {
            let compiled =
                CompiledGrammar::new(&group.grammar, tokenizer.clone(), &Limits::default()).expect("compiles");
            let mut matcher = Matcher::new(compiled);
            for (text, accepted) in group.texts.iter().step_by(step) {
                let place = format!("{} with {name}: {text:?}", group.name);
                matcher.reset();
                let read = matcher.accept_bytes(text.as_bytes()).is_ok() && matcher.is_complete();
                assert_eq!(read, *accepted, "{place}");
                for any in if step == 1 && name == "tiny" { &[false, true][..] } else { &[false] } {
                    assert_eq!(through_masks(&mut matcher, &mut cutter, text.as_bytes(), *any), *accepted, "{place}");
                }
            }
        }
    }
}

#[test]
fn formats() {
    check("formats.jsonl");
}

#[test]
fn families() {
    check("families.jsonl");
}
