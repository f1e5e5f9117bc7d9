//! Structural tags, format by format and family by family: each text is judged by the oracle, by the matcher reading bytes,
//! and through token masks.
//!
//! `structural_tags/*.jsonl` has one group a line: a tag, or a family with a request, and texts that it accepts and rejects.
//! They were written for this project. A text in `tokens.jsonl` is a list of pieces, of which `$A` to `$C` are special tokens. In
//! `families.jsonl` a piece `{"text": …}` stays text even where it looks like a delimiter that is a special token.
//!
//! Masks of large vocabularies take their time, so by default only one text in [`SAMPLED`] is walked with one of them. With `GRAMMARC_TOKENIZERS=DIR`, a folder of model folders, every text is walked with
//! each of their vocabularies instead.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use compilers::gbnf::TokenNames;
use compilers::structural_tag::{self, Family, Options, Request};
use grammar_ir::{Grammar, Limits, interp};
use mask_runtime::{
    CompiledGrammar, HuggingFaceFiles, Matcher, Token, TokenKind, Tokenizer, Vocabulary, bitmask, embedded_tiny,
};
use serde_json::Value;

/// A part of a text.
#[derive(Debug, Clone)]
enum Piece {
    /// Text, cut into tokens in any way.
    Text(String),
    /// Text that stays text even where it looks like a delimiter.
    Spelled(String),
    /// A special token by its name.
    Special(String),
}

/// A tag, or a family with a request, and texts.
struct Group {
    name: String,
    row: Value,
    texts: Vec<(Vec<Piece>, bool)>,
}

/// How special tokens are named in `tokens.jsonl`: each vocabulary has its own.
const PLACEHOLDERS: [&str; 3] = ["$A", "$B", "$C"];

impl Group {
    fn read(line: &str) -> Self {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let name = row["name"].as_str().expect("a name").to_owned();
        let list = |key: &str, accepted: bool| {
            let texts = row[key].as_array().expect("a list").iter();
            let texts: Vec<(Vec<Piece>, bool)> = texts.map(|text| (pieces(text), accepted)).collect();
            assert!(texts.len() >= 10, "{name}: {} texts {key}", texts.len());
            texts
        };
        let texts = [list("accepted", true), list("rejected", false)].concat();
        Self { name, row, texts }
    }

    /// The grammar; with a vocabulary, delimiters that are special tokens there are matched as those.
    fn grammar(&self, vocabulary: Option<&Vocabulary>) -> Grammar {
        let names = vocabulary.map(Names);
        let names = names.as_ref().map(|names| names as &dyn TokenNames);
        let mut tag = match self.row["family"].as_str() {
            Some(family) => {
                let request = Request::from_json(&self.row["request"]).expect("a request");
                let family = Family::from_name(family).expect("a family");
                structural_tag::for_family(family, &request, names).expect("a tag").to_string()
            }
            None => self.row["tag"].to_string(),
        };
        for (placeholder, name) in PLACEHOLDERS.into_iter().zip(vocabulary.map(specials).unwrap_or_default()) {
            tag = tag.replace(placeholder, &name);
        }
        structural_tag::compile(&tag, &Options::default(), names, &Limits::default())
            .unwrap_or_else(|diagnostics| panic!("{}: {diagnostics}", self.name))
    }
}

/// A text, or the pieces of one.
fn pieces(text: &Value) -> Vec<Piece> {
    let piece = |text: &str| match text {
        name if PLACEHOLDERS.contains(&name) => Piece::Special(name.to_owned()),
        text => Piece::Text(text.to_owned()),
    };
    match text {
        Value::Array(pieces) => pieces
            .iter()
            .map(|part| match part["text"].as_str() {
                Some(text) => Piece::Spelled(text.to_owned()),
                None => piece(part.as_str().expect("a text")),
            })
            .collect(),
        text => vec![piece(text.as_str().expect("a text"))],
    }
}

fn groups(file: &str) -> Vec<Group> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/structural_tags").join(file);
    std::fs::read_to_string(path).expect("committed").lines().map(Group::read).collect()
}

/// The names of tokens, as the command line has them.
struct Names<'v>(&'v Vocabulary);

impl TokenNames for Names<'_> {
    fn token_id(&self, text: &str) -> Option<u32> {
        let ordinary = || {
            let mut found = (0..self.0.size() as u32).filter(|&id| self.0.bytes(id) == text.as_bytes());
            found.next().filter(|_| found.next().is_none())
        };
        self.0.special_id(text).or_else(ordinary)
    }

    fn special_tokens(&self) -> Vec<u32> {
        special_ids(self.0).collect()
    }

    fn has_token(&self, id: u32) -> bool {
        self.0.kind(id) != TokenKind::Hole
    }

    fn text(&self, id: u32) -> Option<&[u8]> {
        (self.0.kind(id) == TokenKind::Text).then(|| self.0.bytes(id))
    }
}

/// The special tokens that do not end a text.
fn special_ids(vocabulary: &Vocabulary) -> impl Iterator<Item = u32> {
    let special = |&id: &u32| vocabulary.kind(id) == TokenKind::Special && !vocabulary.is_stop(id);
    (0..vocabulary.size() as u32).filter(special)
}

/// The names of some of them.
fn specials(vocabulary: &Vocabulary) -> Vec<String> {
    special_ids(vocabulary).map(|id| vocabulary.name(id).into_owned()).take(PLACEHOLDERS.len()).collect()
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

/// The delimiters that are special tokens in the vocabularies of gpt-oss, DeepSeek and Kimi.
const DELIMITERS: [&str; 19] = [
    "<|start|>",
    "<|end|>",
    "<|message|>",
    "<|channel|>",
    "<|constrain|>",
    "<|return|>",
    "<|call|>",
    "<think>",
    "</think>",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁calls▁end｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁sep｜>",
    "<|tool_calls_section_begin|>",
    "<|tool_calls_section_end|>",
    "<|tool_call_begin|>",
    "<|tool_call_argument_begin|>",
    "<|tool_call_end|>",
];

/// Every byte, some longer texts, and the delimiters of families as special tokens.
fn with_delimiters() -> Vocabulary {
    let bytes = (0..=u8::MAX).map(|byte| Token::Text(vec![byte]));
    let texts =
        ["functions.", "find", "assistant", "{\"q\": \"", "\"}", " to=", "analysis", "commentary", "final", "ok<"];
    let texts = texts.map(|text| Token::Text(text.as_bytes().to_vec()));
    let specials = DELIMITERS.into_iter().chain(["<stop>"]).map(|name| Token::Special(name.to_owned()));
    let vocabulary = Vocabulary::from_tokens(bytes.chain(texts).chain(specials)).expect("a vocabulary");
    let stop = vocabulary.special_id("<stop>").expect("the last token");
    vocabulary.with_stop_tokens([stop]).expect("a token of it")
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
    vocabulary: &'v Vocabulary,
    ids: HashMap<&'v [u8], u32>,
    longest: usize,
    placeholders: Vec<String>,
    state: u64,
}

impl<'v> Cutter<'v> {
    fn new(vocabulary: &'v Vocabulary) -> Self {
        let ids: HashMap<&[u8], u32> = (0..vocabulary.size() as u32)
            .filter(|&id| vocabulary.kind(id) == TokenKind::Text && !vocabulary.is_stop(id))
            .map(|id| (vocabulary.bytes(id), id))
            .collect();
        let longest = ids.keys().map(|bytes| bytes.len()).max().unwrap_or(1).min(64);
        Self { vocabulary, ids, longest, placeholders: specials(vocabulary), state: 7 }
    }

    /// The tokens of a text: the longest ones, or with `any` some that fit.
    fn tokens(&mut self, text: &[Piece], any: bool) -> Vec<u32> {
        let mut tokens = Vec::new();
        for piece in text {
            match piece {
                Piece::Special(name) => {
                    let placeholder = PLACEHOLDERS.iter().position(|placeholder| placeholder == name);
                    let name = placeholder.map_or(name, |index| &self.placeholders[index]);
                    tokens.push(self.vocabulary.special_id(name).expect("a special token"));
                }
                Piece::Text(text) | Piece::Spelled(text) => {
                    let mut rest = text.as_bytes();
                    while !rest.is_empty() {
                        let token = self.next(rest, any);
                        tokens.push(token);
                        rest = &rest[self.vocabulary.bytes(token).len()..];
                    }
                }
            }
        }
        tokens
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

/// A text with the delimiters that are special tokens of the vocabulary as those tokens.
fn with_specials(text: &[Piece], vocabulary: &Vocabulary) -> Vec<Piece> {
    let special = |name: &str| vocabulary.special_id(name).is_some_and(|id| vocabulary.kind(id) == TokenKind::Special);
    let mut pieces = Vec::new();
    for piece in text {
        let Piece::Text(text) = piece else {
            pieces.push(piece.clone());
            continue;
        };
        let mut plain = String::new();
        let mut rest = text.as_str();
        while let Some(character) = rest.chars().next() {
            let end = rest.find('>').map(|end| end + 1).filter(|&end| character == '<' && special(&rest[..end]));
            match end {
                Some(end) => {
                    pieces.extend([Piece::Text(std::mem::take(&mut plain)), Piece::Special(rest[..end].to_owned())]);
                    rest = &rest[end..];
                }
                None => {
                    plain.push(character);
                    rest = &rest[character.len_utf8()..];
                }
            }
        }
        pieces.push(Piece::Text(plain));
    }
    pieces
}

/// The text with what only looks like a delimiter as that delimiter.
fn as_delimiters(text: &[Piece]) -> Vec<Piece> {
    let pieces = text.iter().map(|piece| match piece {
        Piece::Spelled(text) => Piece::Text(text.clone()),
        piece => piece.clone(),
    });
    pieces.collect()
}

/// What the oracle says of a row of tokens.
fn by_oracle(grammar: &Grammar, vocabulary: &Vocabulary, tokens: &[u32]) -> bool {
    let mut recognizer = interp::Recognizer::new(grammar);
    tokens.iter().all(|&token| recognizer.push_token(token, vocabulary.bytes(token), vocabulary.is_stop(token)))
        && recognizer.is_accepting()
}

/// Whether the masks let the tokens through, and the text may end after them. Stop tokens may come there; one that the grammar
/// names, as Harmony does, may come elsewhere, too.
fn through_masks(matcher: &mut Matcher, tokens: &[u32]) -> bool {
    matcher.reset();
    let mut row = matcher.row();
    for &token in tokens {
        let has_bit = matcher.fill(&mut row).is_ok() && bitmask::contains(&row, token);
        assert_eq!(matcher.accept_token(token).is_ok(), has_bit, "the mask and the matcher differ on token {token}");
        if !has_bit {
            return false;
        }
    }
    let is_complete = matcher.is_complete();
    let stop = matcher.stop_tokens().first().copied().expect("a stop token");
    let may_stop = matcher.fill(&mut row).is_ok() && bitmask::contains(&row, stop);
    assert!(!is_complete || may_stop || matcher.is_terminated(), "a text that may end has no end");
    is_complete
}

/// The bytes of a text, special tokens as their names.
fn joined(text: &[Piece]) -> String {
    text.iter()
        .map(|piece| match piece {
            Piece::Text(text) | Piece::Spelled(text) | Piece::Special(text) => text.as_str(),
        })
        .collect()
}

/// Texts by the oracle, by the matcher reading bytes, and through the masks of every vocabulary.
fn check(file: &str) {
    let groups = groups(file);
    for group in &groups {
        let grammar = group.grammar(None);
        for (text, accepted) in &group.texts {
            let text = joined(text);
            assert_eq!(interp::accepts(&grammar, text.as_bytes()), *accepted, "{}: oracle on {text:?}", group.name);
        }
    }
    for (name, tokenizer, step) in vocabularies() {
        let mut cutter = Cutter::new(tokenizer.vocabulary());
        for group in &groups {
            let compiled =
                CompiledGrammar::new(&group.grammar(None), tokenizer.clone(), &Limits::default()).expect("compiles");
            let mut matcher = Matcher::new(compiled);
            for (text, accepted) in group.texts.iter().step_by(step) {
                let place = format!("{} with {name}: {text:?}", group.name);
                matcher.reset();
                let read = matcher.accept_bytes(joined(text).as_bytes()).is_ok() && matcher.is_complete();
                assert_eq!(read, *accepted, "{place}");
                for any in if step == 1 && name == "tiny" { &[false, true][..] } else { &[false] } {
                    let tokens = cutter.tokens(text, *any);
                    assert_eq!(through_masks(&mut matcher, &tokens), *accepted, "{place}");
                }
            }
        }
    }
}

/// The masks along `tokens`, as far as they go, are the same again after rolling back to the beginning.
fn rolls_back(matcher: &mut Matcher, tokens: &[u32]) {
    matcher.reset();
    let walk = |matcher: &mut Matcher| -> Vec<Vec<u32>> {
        let mut rows = vec![allowed_or_none(matcher)];
        for &token in tokens {
            if matcher.accept_token(token).is_err() {
                break;
            }
            rows.push(allowed_or_none(matcher));
        }
        rows
    };
    let before = walk(matcher);
    matcher.rollback(before.len() - 1).expect("the steps taken");
    assert_eq!(walk(matcher), before);
}

/// The ids that may come next, none at the end.
fn allowed_or_none(matcher: &mut Matcher) -> Vec<u32> {
    let mut row = matcher.row();
    matcher.fill(&mut row).map(|_| bitmask::iter(&row).collect()).unwrap_or_default()
}

/// Texts with special tokens, by the oracle and through the masks of every vocabulary.
fn check_tokens(file: &str) {
    let groups = groups(file);
    let all = [vocabularies(), vec![("delimiters".to_owned(), Tokenizer::new(with_delimiters()), 1)]].concat();
    for (name, tokenizer, step) in all {
        let vocabulary = tokenizer.vocabulary();
        let mut cutter = Cutter::new(vocabulary);
        for group in &groups {
            let grammar = group.grammar(Some(vocabulary));
            let compiled = CompiledGrammar::new(&grammar, tokenizer.clone(), &Limits::default()).expect("compiles");
            let mut matcher = Matcher::new(compiled);
            for (text, accepted) in group.texts.iter().step_by(step) {
                let place = format!("{} with {name}: {text:?}", group.name);
                let pieces = with_specials(text, vocabulary);
                let tokens = cutter.tokens(&pieces, false);
                assert_eq!(by_oracle(&grammar, vocabulary, &tokens), *accepted, "oracle, {place}");
                assert_eq!(through_masks(&mut matcher, &tokens), *accepted, "{place}");
                if name == "delimiters" {
                    rolls_back(&mut matcher, &tokens);
                    if text.iter().any(|piece| matches!(piece, Piece::Spelled(_))) {
                        let tokens = cutter.tokens(&with_specials(&as_delimiters(text), vocabulary), false);
                        assert!(!by_oracle(&grammar, vocabulary, &tokens), "oracle, {place}");
                        assert!(!through_masks(&mut matcher, &tokens), "{place}");
                    }
                }
            }
        }
    }
}

/// The names of the formats.
const FORMATS: [&str; 21] = [
    "const_string",
    "json_schema",
    "qwen_xml_parameter",
    "grammar",
    "regex",
    "any_text",
    "token",
    "exclude_token",
    "any_tokens",
    "sequence",
    "or",
    "optional",
    "star",
    "plus",
    "repeat",
    "tag",
    "triggered_tags",
    "token_triggered_tags",
    "tags_with_separator",
    "dispatch",
    "token_dispatch",
];

/// The notations of `json_schema`.
const STYLES: [&str; 8] = [
    "qwen_xml",
    "minimax_xml",
    "deepseek_xml",
    "deepseek_v4_1_xml",
    "glm_xml",
    "kimi_k3_xml",
    "minimax_m3_xml",
    "cohere_xml",
];

/// The values of the field `key`, at any depth.
fn values<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get(key).and_then(Value::as_str));
            object.values().for_each(|inner| values(inner, key, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| values(inner, key, found)),
        _ => {}
    }
}

/// Reading a group asserts that it accepts ten texts and rejects ten; there is one for everything that there is.
#[test]
fn each_format_notation_and_family_has_texts() {
    let groups: Vec<Group> = ["formats.jsonl", "tokens.jsonl", "families.jsonl"].into_iter().flat_map(groups).collect();
    let (mut formats, mut styles, mut families) = (vec![], vec![], vec![]);
    for group in &groups {
        values(&group.row["tag"], "type", &mut formats);
        values(&group.row["tag"], "style", &mut styles);
        families.extend(group.row["family"].as_str());
    }
    for format in FORMATS {
        assert!(formats.contains(&format), "no texts for the format `{format}`");
    }
    for style in STYLES {
        assert!(styles.contains(&style), "no texts for the notation `{style}`");
    }
    for family in Family::ALL {
        assert!(families.contains(&family.name()), "no texts for the family `{}`", family.name());
    }
    assert!(groups.iter().any(|group| !group.row["tag"]["structures"].is_null()), "no texts for the legacy form");
}

#[test]
fn formats() {
    check("formats.jsonl");
}

#[test]
fn token_formats() {
    check_tokens("tokens.jsonl");
}

#[test]
fn families() {
    check("families.jsonl");
}

#[test]
fn families_with_special_tokens() {
    check_tokens("families.jsonl");
}

/// The ids that may come next.
fn allowed(matcher: &mut Matcher) -> Vec<u32> {
    let mut row = matcher.row();
    matcher.fill(&mut row).expect("something is allowed");
    bitmask::iter(&row).collect()
}

#[test]
fn text_with_a_budget_of_tokens_ends_with_the_tag() {
    let tag = r#"{"type": "structural_tag", "format": {"type": "sequence", "elements": [{"type": "tag", "begin": "<think>",
        "content": {"type": "any_text", "max_tokens": 3}, "end": "</think>"}, {"type": "const_string", "value": "ok"}]}}"#;
    let grammar = structural_tag::compile(tag, &Options::default(), None, &Limits::default()).expect("a tag");
    let tokenizer = Tokenizer::new(qwen3());
    let vocabulary = tokenizer.vocabulary();
    let id = |text: &str| {
        let is_it = |&id: &u32| vocabulary.kind(id) == TokenKind::Text && vocabulary.bytes(id) == text.as_bytes();
        (0..vocabulary.size() as u32).find(is_it).expect("a token")
    };
    let mut matcher =
        Matcher::new(CompiledGrammar::new(&grammar, tokenizer.clone(), &Limits::default()).expect("compiles"));
    matcher.accept_bytes(b"<think>").expect("the beginning");
    for text in ["hello", " world"] {
        matcher.accept_token(id(text)).expect("text");
        assert!(allowed(&mut matcher).len() > 100_000, "after {text:?}");
    }
    // The first byte of a character: the text cannot end yet.
    let half = (0..vocabulary.size() as u32).find(|&id| vocabulary.bytes(id) == [0xe4]).expect("a byte");
    matcher.accept_token(half).expect("text");
    assert!(allowed(&mut matcher).iter().all(|&id| (0x80..0xc0).contains(&vocabulary.bytes(id)[0])));
    matcher.rollback(1).expect("a step");
    matcher.accept_token(id("!")).expect("text");
    let ends: Vec<&[u8]> = allowed(&mut matcher).into_iter().map(|id| vocabulary.bytes(id)).collect();
    assert!(!ends.is_empty() && ends.iter().all(|text| b"</think>ok".starts_with(text)), "{ends:?}");
    assert_eq!(matcher.forced_bytes(100), b"</think>ok");
}

#[test]
fn no_tokens_at_all_are_no_text() {
    let tag = r#"{"type": "structural_tag", "format": {"type": "tag", "begin": "<t>",
        "content": {"type": "any_text", "max_tokens": 0}, "end": "</t>"}}"#;
    let grammar = structural_tag::compile(tag, &Options::default(), None, &Limits::default()).expect("a tag");
    assert!(interp::accepts(&grammar, b"<t></t>"));
    assert!(!interp::accepts(&grammar, b"<t>a</t>"));
}

/// In `families.jsonl` a delimiter that is a special token is that token; text that looks like it is not one.
#[test]
fn delimiters_that_are_special_tokens_are_no_text() {
    let vocabulary = with_delimiters();
    let tokenizer = Tokenizer::new(vocabulary);
    let vocabulary = tokenizer.vocabulary();
    let mut cutter = Cutter::new(vocabulary);
    let mut spelled = 0;
    for group in groups("families.jsonl") {
        let grammar = group.grammar(Some(vocabulary));
        let compiled = CompiledGrammar::new(&grammar, tokenizer.clone(), &Limits::default()).expect("compiles");
        let mut matcher = Matcher::new(compiled);
        // In the free text of other families a spelled delimiter is text; in Harmony everything stands between two.
        let is_harmony = group.row["family"] == "harmony";
        for (text, _) in group.texts.iter().filter(|(_, accepted)| is_harmony && *accepted) {
            let tokens = cutter.tokens(text, false);
            assert!(!by_oracle(&grammar, vocabulary, &tokens), "oracle, {}: {text:?}", group.name);
            assert!(!through_masks(&mut matcher, &tokens), "{}: {text:?}", group.name);
            spelled += 1;
        }
    }
    assert!(spelled >= 50, "{spelled}");
}

/// Tokens of Qwen 3 that are text and have a name of their own.
#[test]
fn a_token_that_is_text_ends_the_text_inside() {
    let tag = r#"{"type": "structural_tag", "format": {"type": "sequence", "elements": [
        {"type": "tag", "begin": {"type": "token", "token": "<think>"}, "content": {"type": "any_text"},
         "end": {"type": "token", "token": "</think>"}}, {"type": "const_string", "value": "ok"}]}}"#;
    let tokenizer = Tokenizer::new(qwen3());
    let vocabulary = tokenizer.vocabulary();
    let grammar = structural_tag::compile(tag, &Options::default(), Some(&Names(vocabulary)), &Limits::default());
    let grammar = grammar.expect("a tag");
    let compiled = CompiledGrammar::new(&grammar, tokenizer.clone(), &Limits::default()).expect("compiles");
    let mut matcher = Matcher::new(compiled);
    let id = |text: &str| vocabulary.special_id(text).expect("a token");
    let (begin, end, call) = (id("<think>"), id("</think>"), id("<tool_call>"));
    let mut cutter = Cutter::new(vocabulary);
    let mut text = |text: &str| cutter.tokens(&[Piece::Text(text.to_owned())], false);
    let (x, ok) = (text("x"), text("ok"));
    for (tokens, accepted) in [
        ([&[begin][..], &x, &[end], &ok].concat(), true),
        ([&[begin][..], &x, &[call], &x, &[end], &ok].concat(), true),
        ([&[begin][..], &x, &[end], &x, &[end], &ok].concat(), false),
    ] {
        assert_eq!(by_oracle(&grammar, vocabulary, &tokens), accepted, "oracle, {tokens:?}");
        assert_eq!(through_masks(&mut matcher, &tokens), accepted, "{tokens:?}");
    }
    matcher.reset();
    matcher.accept_token(begin).expect("the beginning");
    matcher.accept_token(x[0]).expect("text");
    matcher.accept_token(end).expect("the end");
    let after: Vec<&[u8]> = allowed(&mut matcher).into_iter().map(|id| vocabulary.bytes(id)).collect();
    assert!(!after.is_empty() && after.iter().all(|text| b"ok".starts_with(text)), "{after:?}");
}
