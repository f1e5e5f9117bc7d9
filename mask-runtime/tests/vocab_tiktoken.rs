//! tiktoken rank files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mask_runtime::{TokenKind, TokenizerKind, Vocabulary, VocabularyError, embedded_tiny};

#[test]
fn ranks_written_and_read_are_the_same_tokens() {
    let tiny = embedded_tiny();
    let mut text = String::new();
    let mut special = Vec::new();
    for id in 0..tiny.size() as u32 {
        match tiny.kind(id) {
            TokenKind::Text => text += &format!("{} {id}\n", STANDARD.encode(tiny.bytes(id))),
            TokenKind::Special => special.push((tiny.name(id).into_owned(), id)),
            TokenKind::Hole => {}
        }
    }
    let read = Vocabulary::from_tiktoken_ranks(text.as_bytes(), &special).expect("sound");
    assert_eq!(read.model().kind, TokenizerKind::Tiktoken);
    assert!(read.stop_tokens().is_empty());
    let read = read.with_stop_tokens(tiny.stop_tokens().to_vec()).expect("in range");
    assert_eq!(read.fingerprint(), tiny.fingerprint());
    for (name, id) in &special {
        assert_eq!(read.special_id(name), Some(*id));
    }
}

#[test]
fn line_ends_blank_lines_and_gaps() {
    let read = Vocabulary::from_tiktoken_ranks(b"\r\nYQ== 0\r\n\n/w==  3 \r\n= 4", &[]);
    assert!(read.is_err(), "`=` is not base64");
    let read = Vocabulary::from_tiktoken_ranks(b"\r\nYQ== 0\r\n\n/w==  3 \r\n", &[]).expect("sound");
    assert_eq!((read.bytes(0), read.bytes(3), read.size()), (&b"a"[..], &b"\xff"[..], 4));
    assert_eq!(read.kind(1), TokenKind::Hole);
    assert_eq!(Vocabulary::from_tiktoken_ranks(b"", &[]).expect("empty").size(), 0);
}

#[test]
fn hostile_lines_are_errors_with_their_number() {
    for line in ["YQ==", "YQ== x", "YQ== -1", "YQ== 4294967296", "Y 1", "Y!== 1", "YQ== 1 2", "\u{e9} 1", "YQ==\t1"] {
        let text = format!("YQ== 0\n{line}\n");
        let error = Vocabulary::from_tiktoken_ranks(text.as_bytes(), &[]).expect_err(line);
        assert!(matches!(error, VocabularyError::Tiktoken { line: 2, .. }), "{error}");
    }
    let clash = Vocabulary::from_tiktoken_ranks(b"YQ== 0\nYg== 0\n", &[]);
    assert!(matches!(clash, Err(VocabularyError::DuplicateId { id: 0, .. })));
    let clash = Vocabulary::from_tiktoken_ranks(b"YQ== 0\n", &[("<end>".to_owned(), 0)]);
    assert!(matches!(clash, Err(VocabularyError::DuplicateId { id: 0, .. })));
    let huge = Vocabulary::from_tiktoken_ranks(b"YQ== 4294967295\n", &[]);
    assert!(matches!(huge, Err(VocabularyError::TooManyTokens { .. })));
}
