//! `tokenizer.json` and the files beside it, in small.

use mask_runtime::vocab::MAX_VOCABULARY_SIZE;
use mask_runtime::{
    HuggingFaceFiles, StopTokenSource, TokenIndex, TokenKind, TokenizerKind, Vocabulary, VocabularyError,
};
use serde_json::{Value, json};

fn read(tokenizer: &Value) -> Result<Vocabulary, VocabularyError> {
    Vocabulary::from_huggingface_json(tokenizer.to_string().as_bytes())
}

fn byte_level() -> Value {
    json!({
        "added_tokens": [
            {"id": 3, "content": "<end>", "special": true},
            {"id": 5, "content": "<think é>", "special": false},
            {"id": 1, "content": "<pad>", "special": true},
        ],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}]},
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "Ġa\u{010a}": 2}, "merges": [["a", "b"]]},
    })
}

/// Reads the byte-level tokenizer with these files beside it; an absent file is `Value::Null`.
fn with_files(generation: &Value, config: &Value, tokenizer: &Value) -> Result<Vocabulary, VocabularyError> {
    let text = |value: &Value| (!value.is_null()).then(|| value.to_string().into_bytes());
    let (generation, config, tokenizer) = (text(generation), text(config), text(tokenizer));
    Vocabulary::from_huggingface_files(HuggingFaceFiles {
        tokenizer: byte_level().to_string().as_bytes(),
        generation_config: generation.as_deref(),
        config: config.as_deref(),
        tokenizer_config: tokenizer.as_deref(),
    })
}

#[test]
fn added_tokens_override_and_leave_holes() {
    let vocabulary = read(&byte_level()).expect("supported");
    assert_eq!(vocabulary.size(), 6);
    assert_eq!(vocabulary.model().kind, TokenizerKind::ByteLevelBpe);
    assert_eq!(vocabulary.bytes(0), b"a");
    assert_eq!(vocabulary.bytes(2), b" a\n");
    assert_eq!((vocabulary.kind(1), vocabulary.bytes(1)), (TokenKind::Special, &b""[..]));
    assert_eq!(vocabulary.name(1), "<pad>");
    assert_eq!(vocabulary.kind(4), TokenKind::Hole);
    assert_eq!(vocabulary.name(4), "");
    assert_eq!(vocabulary.bytes(5), "<think é>".as_bytes());
    assert_eq!(vocabulary.special_id("<think é>"), Some(5));
    assert_eq!(vocabulary.special_id("a"), None);
    assert!(vocabulary.stop_tokens().is_empty());
    assert_eq!(vocabulary.model().stop_token_source, StopTokenSource::None);
    assert_eq!(vocabulary.kind(6), TokenKind::Hole);
    assert_eq!(vocabulary.bytes(u32::MAX), b"");
    assert_eq!(vocabulary.name(u32::MAX), "");
}

#[test]
fn a_base_piece_listed_again_keeps_its_bytes() {
    let mut tokenizer = byte_level();
    tokenizer["added_tokens"] = json!([{"id": 2, "content": "Ġa\u{010a}", "special": false}]);
    let vocabulary = read(&tokenizer).expect("supported");
    assert_eq!(vocabulary.bytes(2), b" a\n");
    assert_eq!(vocabulary.special_id("Ġa\u{010a}"), Some(2));
}

#[test]
fn unigram_with_byte_fallback() {
    let vocabulary = read(&json!({
        "added_tokens": [{"id": 4, "content": "▁▁", "special": false}],
        "decoder": {"type": "Sequence", "decoders": [{"type": "Metaspace", "replacement": "▁"}, {"type": "Fuse"}]},
        "model": {
            "type": "Unigram",
            "unk_id": 0,
            "byte_fallback": true,
            "vocab": [["<unk>", 0.0], ["<0xE2>", -1], ["▁the", -2.5e0], ["é", -3], ["▁▁", -4]],
        },
    }))
    .expect("supported");
    assert_eq!(vocabulary.model().kind, TokenizerKind::SentencePieceByteFallback);
    assert_eq!(vocabulary.model().algorithm, Some("Unigram"));
    assert_eq!(vocabulary.kind(0), TokenKind::Special);
    assert_eq!(vocabulary.bytes(1), b"\xE2");
    assert_eq!(vocabulary.name(1), "\\xE2");
    assert_eq!(vocabulary.bytes(2), b" the");
    assert_eq!(vocabulary.bytes(3), "é".as_bytes());
    assert_eq!(vocabulary.bytes(4), b"  ");
    assert!(vocabulary.missing_bytes().contains(b'a'));
    assert!(!vocabulary.missing_bytes().contains(0xE2));
}

#[test]
fn an_old_file_without_a_model_type() {
    let mut tokenizer = byte_level();
    tokenizer["model"].as_object_mut().expect("an object").remove("type");
    assert_eq!(read(&tokenizer).expect("merges tell").model().algorithm, Some("BPE"));
}

#[test]
fn the_first_file_that_names_stop_tokens_decides() {
    let generation = json!({"eos_token_id": [3, 0, 3]});
    let config = json!({"eos_token_id": 2});
    let nested = json!({"text_config": {"eos_token_id": 5}, "eos_token_id": null});
    let named = json!({"eos_token": "<end>"});
    let named_by_object = json!({"eos_token": {"content": "<pad>", "__type": "AddedToken"}});
    let silent = json!({"eos_token_id": null, "max_length": 4e2});
    let absent = Value::Null;
    let cases = [
        (&generation, &config, &named, vec![0, 3], StopTokenSource::GenerationConfig),
        (&silent, &config, &named, vec![2], StopTokenSource::ModelConfig),
        (&absent, &nested, &named, vec![5], StopTokenSource::ModelConfig),
        (&absent, &silent, &named, vec![3], StopTokenSource::TokenizerConfig),
        (&absent, &absent, &named_by_object, vec![1], StopTokenSource::TokenizerConfig),
        (&silent, &silent, &absent, vec![], StopTokenSource::None),
    ];
    for (generation, config, tokenizer, expected, source) in cases {
        let vocabulary = with_files(generation, config, tokenizer).expect("sound");
        assert_eq!(vocabulary.stop_tokens(), expected);
        assert_eq!(vocabulary.model().stop_token_source, source);
        for id in 0..8 {
            assert_eq!(vocabulary.is_stop(id), expected.contains(&id));
        }
    }
}

#[test]
fn stop_tokens_can_be_replaced_and_are_not_text() {
    let vocabulary = with_files(&json!({"eos_token_id": 3}), &Value::Null, &Value::Null).expect("sound");
    let replaced = vocabulary.clone().with_stop_tokens([0, 0]).expect("in range");
    assert_eq!(replaced.stop_tokens(), [0]);
    assert_eq!(replaced.model().stop_token_source, StopTokenSource::Explicit);
    // The former stop token is still special.
    assert_eq!((replaced.kind(3), replaced.bytes(3)), (TokenKind::Special, &b""[..]));
    let sorted = |vocabulary: &Vocabulary| {
        let mut ids = TokenIndex::new(vocabulary).tokens().to_vec();
        ids.sort_unstable();
        ids
    };
    assert_eq!(sorted(&vocabulary), [0, 2, 5]);
    assert_eq!(sorted(&replaced), [2, 5]);
    assert_ne!(vocabulary.fingerprint(), replaced.fingerprint());
    assert_eq!(replaced.with_stop_tokens([3]).expect("in range").fingerprint(), vocabulary.fingerprint());
    let error = vocabulary.with_stop_tokens([6]).expect_err("out of range");
    assert!(matches!(error, VocabularyError::StopTokenOutOfRange { id: 6, size: 6, .. }), "{error}");
}

#[test]
fn the_named_tokens_of_the_tokenizer_are_special() {
    let vocabulary = with_files(&Value::Null, &Value::Null, &json!({"eos_token": "a"})).expect("sound");
    assert_eq!((vocabulary.kind(0), vocabulary.stop_tokens()), (TokenKind::Special, &[0][..]));
    let error = with_files(&Value::Null, &Value::Null, &json!({"eos_token": "</s>"})).expect_err("no such token");
    assert!(matches!(error, VocabularyError::UnknownStopToken { .. }), "{error}");
    // Nobody asks for the name when the ids are given.
    assert!(with_files(&json!({"eos_token_id": 3}), &Value::Null, &json!({"eos_token": "</s>"})).is_ok());
}

#[test]
fn tokenizer_config_adds_tokens_that_the_tokenizer_lacks() {
    let config = json!({"added_tokens_decoder": {
        "3": {"content": "<other>", "special": false},
        "4": {"content": "<new>", "special": true},
        "7": {"content": "<end>", "special": true},
    }});
    let vocabulary = with_files(&Value::Null, &Value::Null, &config).expect("sound");
    assert_eq!(vocabulary.name(3), "<end>");
    assert_eq!((vocabulary.kind(4), vocabulary.special_id("<new>")), (TokenKind::Special, Some(4)));
    assert_eq!((vocabulary.size(), vocabulary.special_id("<end>")), (6, Some(3)));
    assert_eq!(vocabulary.model().added_tokens, 4);
}

#[test]
fn the_width_comes_from_the_model_or_the_caller() {
    let wide = with_files(&Value::Null, &json!({"vocab_size": 64}), &Value::Null).expect("sound");
    assert_eq!((wide.size(), wide.words_per_row()), (64, 2));
    let nested = json!({"text_config": {"vocab_size": 33}});
    assert_eq!(with_files(&Value::Null, &nested, &Value::Null).expect("sound").words_per_row(), 2);
    let narrow = with_files(&Value::Null, &json!({"vocab_size": 2}), &Value::Null).expect("sound");
    assert_eq!(narrow.size(), 6);
    // A stop token may lie in the padding.
    let padded = with_files(&json!({"eos_token_id": 63}), &json!({"vocab_size": 64}), &Value::Null).expect("sound");
    assert!(padded.is_stop(63));
    assert!(matches!(padded.with_size(63), Err(VocabularyError::WidthTooSmall { needed: 64, .. })));
    assert_eq!(wide.clone().with_size(6).expect("only holes are cut").size(), 6);
    assert!(matches!(wide.clone().with_size(5), Err(VocabularyError::WidthTooSmall { width: 5, needed: 6 })));
    assert!(matches!(wide.with_size(usize::MAX), Err(VocabularyError::TooManyTokens { .. })));
}

#[test]
fn unsupported_models_are_named() {
    let cases = [
        ("/model/type", json!({"type": "WordPiece", "vocab": {"a": 0}}), "WordPiece"),
        ("/model/type", json!({"type": "WordLevel", "vocab": {"a": 0}}), "WordLevel"),
        ("/model", json!({"vocab": {"a": 0}}), "without a type"),
        ("/model/vocab", json!({"type": "BPE", "vocab": [["a", 0]]}), "a list"),
        ("/model/vocab", json!({"type": "Unigram", "vocab": {"a": 0}}), "a map"),
        ("/model/end_of_word_suffix", json!({"type": "BPE", "vocab": {}, "end_of_word_suffix": "</w>"}), "</w>"),
    ];
    for (expected_pointer, model, expected) in cases {
        let mut tokenizer = byte_level();
        tokenizer["model"] = model;
        match read(&tokenizer).expect_err("unsupported") {
            VocabularyError::Unsupported { pointer, found, .. } => {
                assert_eq!(pointer, expected_pointer);
                assert!(found.contains(expected), "{found}");
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn hostile_files_are_errors() {
    let long = "x".repeat(70_000);
    let tokenizer = |model: Value, added: Value| {
        json!({"model": model, "added_tokens": added, "decoder": {"type": "ByteLevel"}}).to_string()
    };
    let base = || json!({"type": "BPE", "vocab": {"a": 0}});
    let deep = format!("{}{}", "{\"decoder\":{\"decoders\":[".repeat(5_000), "]}}".repeat(5_000));
    let sequence = r#"{"type":"Sequence","decoders":["#;
    let deep_decoder = format!(
        r#"{{"model":{{"type":"BPE","vocab":{{}}}},"decoder":{}{}}}"#,
        sequence.repeat(100_000),
        "]}".repeat(100_000)
    );
    let cases = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "{\"model\":{}}".to_owned(),
        "\u{feff}{}".to_owned(),
        deep,
        deep_decoder,
        tokenizer(json!({"type": "BPE", "vocab": {"a": 4_294_967_295_u32}}), json!([])),
        tokenizer(json!({"type": "BPE", "vocab": {"a": 4_294_967_296_u64}}), json!([])),
        tokenizer(json!({"type": "BPE", "vocab": {"a": -1}}), json!([])),
        tokenizer(json!({"type": "BPE", "vocab": {"a": 0.5}}), json!([])),
        tokenizer(json!({"type": "BPE", "vocab": {"a": 1, "b": 1}}), json!([])),
        tokenizer(json!({"type": "BPE", "vocab": {long.clone(): 1}}), json!([])),
        tokenizer(json!({"type": "Unigram", "vocab": [["a", 0, 0]]}), json!([])),
        tokenizer(json!({"type": "Unigram", "vocab": [[]]}), json!([])),
        tokenizer(base(), json!([{"id": MAX_VOCABULARY_SIZE, "content": "<x>"}])),
        tokenizer(base(), json!([{"id": 1, "content": "<x>"}, {"id": 1, "content": "<y>"}])),
        tokenizer(base(), json!([{"id": 1, "content": long, "special": true}])),
        tokenizer(base(), json!([{"id": 1}])),
        tokenizer(base(), json!("x")),
    ];
    for text in cases {
        let error = Vocabulary::from_huggingface_json(text.as_bytes()).expect_err(&text[..text.len().min(200)]);
        assert!(!error.to_string().is_empty());
    }
    let whole = tokenizer(base(), json!([{"id": 1, "content": "<x>", "special": true}]));
    assert!(Vocabulary::from_huggingface_json(whole.as_bytes()).is_ok());
    for end in 0..whole.len() {
        assert!(Vocabulary::from_huggingface_json(&whole.as_bytes()[..end]).is_err());
    }
    assert!(Vocabulary::from_huggingface_json(b"{\"model\":{\"vocab\":{\"\xff\":0}}}").is_err());
}

#[test]
fn hostile_config_files_are_errors() {
    let forms =
        [json!(-1), json!("2"), json!([[2]]), json!(2.5), json!({"id": 2}), json!(true), json!(4_294_967_296_u64)];
    for form in forms {
        for (generation, config) in
            [(json!({"eos_token_id": form}), Value::Null), (Value::Null, json!({"eos_token_id": form}))]
        {
            let error = with_files(&generation, &config, &Value::Null).expect_err("not an id");
            assert!(matches!(error, VocabularyError::StopTokenForm { pointer: "/eos_token_id", .. }), "{error}");
        }
    }
    let error = with_files(&json!({"eos_token_id": 99}), &Value::Null, &Value::Null).expect_err("out of range");
    assert!(error.to_string().contains("generation_config.json"), "{error}");
    let error = with_files(&json!([]), &Value::Null, &json!({"added_tokens_decoder": {"x": {"content": "y"}}}));
    assert!(error.is_err());
    let wide = with_files(&Value::Null, &json!({"vocab_size": u64::MAX}), &Value::Null);
    assert!(matches!(wide, Err(VocabularyError::TooManyTokens { .. })));
}

#[test]
fn paths_without_a_tokenizer_say_so() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let error = Vocabulary::from_huggingface_dir(folder).expect_err("no tokenizer");
    assert!(error.to_string().contains("has no tokenizer.json"), "{error}");
    for path in ["no/such/tokenizer.json", "no/such/file.json", "no/such/ranks.tiktoken"] {
        let error = Vocabulary::from_huggingface_dir(path).expect_err("no such file");
        assert!(error.to_string().contains("no/such"), "{error}");
    }
}
