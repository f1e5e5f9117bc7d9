//! Masks of real grammars with real vocabularies, bit for bit against brute force.
//!
//! The long form of this is `mask_oracle`, for any tokenizer folder.

use std::io::Read;
use std::path::Path;

use grammarc_fuzz::walks::{self, Form};
use mask_runtime::{HuggingFaceFiles, Vocabulary, embedded_tiny};

/// A tokenizer from the runtime's test data.
fn compressed(folder: &str) -> Vocabulary {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mask-runtime/data").join(folder);
    let file = std::fs::File::open(folder.join("tokenizer.json.gz")).expect("committed");
    let mut tokenizer = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut tokenizer).expect("gzip");
    let config = std::fs::read(folder.join("tokenizer_config.json")).expect("committed");
    let files = HuggingFaceFiles { tokenizer: &tokenizer, tokenizer_config: Some(&config), ..Default::default() };
    Vocabulary::from_huggingface_files(files).expect("a supported tokenizer")
}

fn check(vocabulary: Vocabulary, form: Form, states: usize) {
    match walks::compare(vocabulary, form, states, 7) {
        Ok(compared) => assert!(compared.masks == states, "{} masks only", compared.masks),
        Err(difference) => panic!("{difference}"),
    }
}

#[test]
fn tiny_tools() {
    check(embedded_tiny(), Form::Compiled, 450);
}

#[test]
fn tiny_tools_from_files() {
    check(embedded_tiny(), Form::Stored, 450);
}

#[test]
fn tiny_tools_by_every_shortcut() {
    check(embedded_tiny(), Form::Shortcuts, 450);
}

#[test]
fn gpt2_by_every_shortcut() {
    check(compressed("gpt2"), Form::Shortcuts, 60);
}

#[test]
fn gpt2() {
    check(compressed("gpt2"), Form::Compiled, 120);
}

#[test]
fn qwen3() {
    check(compressed("qwen3"), Form::Compiled, 45);
}

#[test]
fn qwen3_from_files() {
    check(compressed("qwen3"), Form::Stored, 20);
}
