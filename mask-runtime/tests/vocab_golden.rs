//! Real tokenizers: the bytes of the ids that the `tokenizers` library gave for a string are the string.

use std::io::Read;
use std::path::{Path, PathBuf};

use mask_runtime::{
    HuggingFaceFiles, StopTokenSource, TokenIndex, TokenKind, TokenizerKind, Vocabulary, embedded_tiny,
};

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(path)
}

fn compressed(folder: &str) -> Vocabulary {
    let file = std::fs::File::open(data(folder).join("tokenizer.json.gz")).expect("committed");
    let mut tokenizer = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut tokenizer).expect("gzip");
    let config = std::fs::read(data(folder).join("tokenizer_config.json")).expect("committed");
    let files = HuggingFaceFiles { tokenizer: &tokenizer, tokenizer_config: Some(&config), ..Default::default() };
    Vocabulary::from_huggingface_files(files).expect("a supported tokenizer")
}

/// Compares the bytes of golden ids with their text; answers with the number of strings compared.
fn check_golden(vocabulary: &Vocabulary, folder: &Path) -> usize {
    let json = std::fs::read(folder.join("golden_encode.json")).expect("golden ids");
    let cases: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let cases = cases.as_array().expect("a list");
    let normalizers = &vocabulary.model().normalizers;
    for case in cases {
        // A normalizer may change the text before it is encoded; NFC does, in one of the strings.
        let field = if normalizers.is_empty() { "text" } else { "decoded" };
        let mut expected = case[field].as_str().expect("a string").as_bytes().to_vec();
        if normalizers.iter().any(|normalizer| normalizer == "Prepend") {
            expected.insert(0, b' ');
        }
        let mut actual = Vec::new();
        for id in case["ids"].as_array().expect("ids") {
            let id = u32::try_from(id.as_u64().expect("an id")).expect("32 bits");
            assert_ne!(vocabulary.kind(id), TokenKind::Hole, "id {id}");
            actual.extend_from_slice(
                match vocabulary.kind(id) {
                    TokenKind::Special => vocabulary.name(id).into_owned().into_bytes(),
                    _ => vocabulary.bytes(id).to_vec(),
                }
                .as_slice(),
            );
        }
        assert_eq!(
            String::from_utf8_lossy(&actual),
            String::from_utf8_lossy(&expected),
            "{} in {}",
            case["ids"],
            folder.display()
        );
        assert_eq!(actual, expected);
    }
    cases.len()
}

/// Rebuilds every token from the index and compares with the vocabulary.
fn check_index(vocabulary: &Vocabulary) -> TokenIndex {
    let index = TokenIndex::new(vocabulary);
    let mut path: Vec<u8> = Vec::new();
    let mut found = vec![0_u32; vocabulary.size()];
    for (number, node) in (0..).zip(index.nodes()) {
        path.truncate(usize::from(node.depth) - 1);
        path.push(node.byte);
        assert_eq!(path.len(), usize::from(node.depth));
        for &id in index.own_tokens(number) {
            assert_eq!(vocabulary.bytes(id), path);
            found[id as usize] += 1;
        }
    }
    for (id, &times) in (0..).zip(&found) {
        let indexed = !vocabulary.bytes(id).is_empty() && !vocabulary.is_stop(id);
        assert_eq!(times, u32::from(indexed), "id {id}");
    }
    index
}

#[test]
fn tiny_tools() {
    let vocabulary = embedded_tiny();
    assert_eq!(check_golden(&vocabulary, &data("tiny-tools")), 11);
    check_index(&vocabulary);
    assert_eq!(vocabulary.size(), 1024);
    assert_eq!(vocabulary.model().kind, TokenizerKind::ByteLevelBpe);
    assert_eq!(vocabulary.model().stop_token_source, StopTokenSource::GenerationConfig);
    assert_eq!(vocabulary.stop_tokens(), [1009, 1012]);
    assert_eq!(vocabulary.kind(1012), TokenKind::Special);
    assert_eq!(vocabulary.special_id("<|eot_id|>"), Some(1012));
    // An added token that is not special is text, and is found by its text all the same.
    assert_eq!(vocabulary.bytes(1016), b"<think>");
    assert_eq!(vocabulary.special_id("<think>"), Some(1016));
    assert!(vocabulary.missing_bytes().is_empty());
}

#[test]
fn tiny_tools_from_its_folder_is_the_embedded_one() {
    let embedded = embedded_tiny().fingerprint();
    for path in [data("tiny-tools"), data("tiny-tools/tokenizer.json")] {
        let vocabulary = Vocabulary::from_huggingface_dir(&path).expect("committed");
        assert_eq!(vocabulary.fingerprint(), embedded, "{}", path.display());
    }
}

#[test]
fn gpt2() {
    let vocabulary = compressed("gpt2");
    assert_eq!(check_golden(&vocabulary, &data("gpt2")), 11);
    check_index(&vocabulary);
    assert_eq!(vocabulary.size(), 50_257);
    assert_eq!(vocabulary.model().algorithm, Some("BPE"));
    assert_eq!(vocabulary.stop_tokens(), [50_256]);
    assert_eq!(vocabulary.bytes(50_256), b"");
    assert_eq!(vocabulary.bytes(6342), b" Paris");
    assert_eq!(vocabulary.count(TokenKind::Special), 1);
    assert!(vocabulary.missing_bytes().is_empty());
}

#[test]
fn qwen3() {
    let vocabulary = compressed("qwen3");
    assert_eq!(check_golden(&vocabulary, &data("qwen3")), 11);
    check_index(&vocabulary);
    assert_eq!(vocabulary.size(), 151_669);
    assert_eq!(vocabulary.model().normalizers, ["NFC"]);
    assert_eq!(vocabulary.model().added_tokens, 26);
    assert_eq!(vocabulary.count(TokenKind::Special), 14);
    assert_eq!(vocabulary.special_id("</think>"), Some(151_668));
    assert_eq!(vocabulary.bytes(151_668), b"</think>");
    assert_eq!(vocabulary.stop_tokens(), [151_645]);
    assert_eq!(vocabulary.name(151_645), "<|im_end|>");
    let padded = vocabulary.with_size(151_936).expect("wider");
    assert_eq!(padded.words_per_row(), 4748);
    assert_eq!(padded.kind(151_669), TokenKind::Hole);
    assert_eq!(padded.kind(151_935), TokenKind::Hole);
}

#[test]
#[ignore = "needs real tokenizers: GRAMMARC_TOKENIZERS=<folder of model folders with golden_encode.json>"]
#[expect(clippy::print_stderr, reason = "the measurements are for whoever runs the test by hand")]
fn folder_of_real_tokenizers() {
    let folder = std::env::var_os("GRAMMARC_TOKENIZERS").expect("set GRAMMARC_TOKENIZERS to a folder of folders");
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if !path.join("golden_encode.json").is_file() {
            continue;
        }
        let start = std::time::Instant::now();
        let vocabulary = Vocabulary::from_huggingface_dir(&path).expect("a supported tokenizer");
        let read = start.elapsed();
        let strings = check_golden(&vocabulary, &path);
        let start = std::time::Instant::now();
        let index = TokenIndex::new(&vocabulary);
        let built = start.elapsed();
        check_index(&vocabulary);
        eprintln!(
            "{}: {}, {} ids ({} text, {} special, {} holes), missing bytes {:?}, stop {:?} from {}, {strings} strings, \
             read in {read:?}; index of {} nodes, {} KiB, built in {built:?}",
            path.file_name().unwrap_or_default().display(),
            vocabulary.model().kind.name(),
            vocabulary.size(),
            vocabulary.count(TokenKind::Text),
            vocabulary.count(TokenKind::Special),
            vocabulary.count(TokenKind::Hole),
            vocabulary.missing_bytes(),
            vocabulary.stop_tokens(),
            vocabulary.model().stop_token_source.name(),
            index.nodes().len(),
            index.memory_bytes() / 1024,
        );
        compared += strings;
    }
    assert!(compared > 0, "no folder with a golden_encode.json");
}
