//! Random vocabularies: the index against its definition, rows against sets.

use std::collections::BTreeSet;

use mask_runtime::{Token, TokenIndex, TokenKind, Vocabulary, VocabularyError, bitmask};
use proptest::prelude::*;

/// Tokens over few bytes, so that they share prefixes and repeat.
fn token() -> impl Strategy<Value = Token> {
    let byte = prop_oneof![4 => b'a'..=b'c', 1 => Just(0_u8), 1 => Just(255_u8)];
    prop_oneof![
        8 => prop::collection::vec(byte, 0..12).prop_map(Token::Text),
        1 => "[a-c]{1,3}".prop_map(Token::Special),
        1 => Just(Token::Hole),
    ]
}

fn tokens_and_stops() -> impl Strategy<Value = (Vec<Token>, Vec<u32>)> {
    prop::collection::vec(token(), 1..120).prop_flat_map(|tokens| {
        let stops = prop::collection::vec(0..tokens.len() as u32, 0..4);
        (Just(tokens), stops)
    })
}

proptest! {
    #[test]
    fn the_index_holds_each_text_token_once((tokens, stops) in tokens_and_stops()) {
        let vocabulary = Vocabulary::from_tokens(tokens.clone()).unwrap().with_stop_tokens(stops.clone()).unwrap();
        let index = TokenIndex::new(&vocabulary);
        let nodes = index.nodes();

        let mut expected = BTreeSet::new();
        for (id, token) in (0..).zip(&tokens) {
            match token {
                Token::Text(bytes) if !bytes.is_empty() && !stops.contains(&id) => {
                    expected.insert((bytes.clone(), id));
                }
                _ => {}
            }
        }

        // Walking all nodes finds exactly the tokens, in order of bytes and then id.
        let mut path: Vec<u8> = Vec::new();
        let mut paths: Vec<Vec<u8>> = Vec::new();
        let mut found = Vec::new();
        for (number, node) in (0..).zip(nodes) {
            prop_assert!(usize::from(node.depth) <= path.len() + 1 && node.depth >= 1);
            path.truncate(usize::from(node.depth) - 1);
            path.push(node.byte);
            paths.push(path.clone());
            found.extend(index.own_tokens(number).iter().map(|&id| (path.clone(), id)));
        }
        prop_assert_eq!(&found, &expected.iter().cloned().collect::<Vec<_>>());
        prop_assert_eq!(found.iter().map(|(_, id)| *id).collect::<Vec<_>>(), index.tokens());
        prop_assert_eq!(index.max_depth(), expected.iter().map(|(bytes, _)| bytes.len()).max().unwrap_or(0));

        // No two nodes have one path, none is without tokens below, and a subtree is what shares its path.
        prop_assert!(paths.windows(2).all(|pair| pair[0] < pair[1]));
        for (number, node) in (0_u32..).zip(nodes) {
            let here = &paths[number as usize];
            let below = (number..node.subtree_end).all(|other| paths[other as usize].starts_with(here));
            let after = paths.get(node.subtree_end as usize).is_none_or(|other| !other.starts_with(here));
            prop_assert!(below && after && node.subtree_end > number);
            let in_subtree: BTreeSet<u32> = index.subtree_tokens(number).iter().copied().collect();
            let with_prefix: BTreeSet<u32> =
                expected.iter().filter(|(bytes, _)| bytes.starts_with(here)).map(|(_, id)| *id).collect();
            prop_assert!(!in_subtree.is_empty());
            prop_assert_eq!(in_subtree, with_prefix);
        }
    }

    #[test]
    fn a_vocabulary_gives_back_its_tokens((tokens, stops) in tokens_and_stops(), padding in 0_usize..70) {
        let width = tokens.len() + padding;
        let vocabulary = Vocabulary::from_tokens(tokens.clone())
            .unwrap()
            .with_size(width)
            .unwrap()
            .with_stop_tokens(stops.clone())
            .unwrap();
        prop_assert_eq!(vocabulary.size(), width);
        prop_assert_eq!(vocabulary.words_per_row(), width.div_ceil(32));
        for (id, token) in (0..).zip(&tokens) {
            let (kind, bytes): (_, &[u8]) = match token {
                Token::Text(bytes) => (TokenKind::Text, bytes),
                Token::Special(name) => {
                    prop_assert_eq!(vocabulary.name(id), name.as_str());
                    let first = tokens.iter().position(|other| other == token).map(|first| first as u32);
                    prop_assert_eq!(vocabulary.special_id(name), first);
                    (TokenKind::Special, b"")
                }
                Token::Hole => (TokenKind::Hole, b""),
            };
            prop_assert_eq!((vocabulary.kind(id), vocabulary.bytes(id)), (kind, bytes));
        }
        for id in tokens.len() as u32..width as u32 + 2 {
            prop_assert_eq!((vocabulary.kind(id), vocabulary.bytes(id)), (TokenKind::Hole, &b""[..]));
        }
        let counts = [TokenKind::Text, TokenKind::Special, TokenKind::Hole].map(|kind| vocabulary.count(kind));
        prop_assert_eq!(counts.iter().sum::<usize>(), width);
        for byte in 0..=255 {
            let alone = (0..).zip(&tokens).any(|(id, token)| *token == Token::Text(vec![byte]) && !stops.contains(&id));
            prop_assert_eq!(vocabulary.missing_bytes().contains(byte), !alone);
        }
    }

    #[test]
    fn any_change_of_tokens_changes_the_fingerprint(
        (tokens, _) in tokens_and_stops(),
        position in any::<prop::sample::Index>(),
        other in token(),
    ) {
        let fingerprint = |tokens: &[Token]| Vocabulary::from_tokens(tokens.to_vec()).unwrap().fingerprint();
        let mut changed = tokens.clone();
        let position = position.index(tokens.len());
        changed[position] = other;
        prop_assert_eq!(fingerprint(&tokens) == fingerprint(&changed), tokens == changed);
        changed.push(Token::Hole);
        prop_assert_ne!(fingerprint(&tokens), fingerprint(&changed));
    }

    #[test]
    fn rows_are_sets(
        size in 0_usize..200,
        changes in prop::collection::vec((any::<bool>(), 0_u32..300), 0..100),
    ) {
        let mut row = bitmask::row_for(size);
        let beyond = (bitmask::words_for(size) * 32) as u32;
        let mut model = BTreeSet::new();
        for (insert, id) in changes {
            if insert {
                bitmask::set(&mut row, id);
                model.extend((id < beyond).then_some(id));
            } else {
                bitmask::clear(&mut row, id);
                model.remove(&id);
            }
        }
        prop_assert_eq!(bitmask::iter(&row).collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(bitmask::count(&row), model.len());
        for id in 0..300 {
            prop_assert_eq!(bitmask::contains(&row, id), model.contains(&id));
        }
        bitmask::set_all(&mut row, size);
        prop_assert_eq!(bitmask::iter(&row).collect::<Vec<_>>(), (0..size as u32).collect::<Vec<_>>());
        bitmask::clear_all(&mut row);
        prop_assert_eq!(bitmask::count(&row), 0);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Vocabulary::from_huggingface_json(&bytes);
        let _ = Vocabulary::from_tiktoken_ranks(&bytes, &[]);
    }
}

#[test]
fn the_longest_token_fits_the_index() {
    let longest = vec![b'x'; mask_runtime::vocab::MAX_TOKEN_BYTES];
    let vocabulary = Vocabulary::from_tokens([Token::Text(longest.clone())]).expect("at the limit");
    let index = TokenIndex::new(&vocabulary);
    assert_eq!(index.max_depth(), longest.len());
    assert_eq!(index.nodes().last().map(|node| usize::from(node.depth)), Some(longest.len()));
    assert_eq!(index.subtree_tokens(0), [0]);
    let error = Vocabulary::from_tokens([Token::Text([longest.as_slice(), b"x"].concat())]).expect_err("too long");
    assert!(matches!(error, VocabularyError::TokenTooLong { id: 0, .. }), "{error}");
    let error = Vocabulary::from_tokens(std::iter::repeat(Token::Hole)).expect_err("endless");
    assert!(matches!(error, VocabularyError::TooManyTokens { .. }), "{error}");
}

#[test]
fn an_empty_vocabulary_has_an_empty_index() {
    let vocabulary = Vocabulary::from_tokens([]).expect("empty");
    let index = TokenIndex::new(&vocabulary);
    assert_eq!((vocabulary.size(), vocabulary.words_per_row()), (0, 0));
    assert_eq!((index.nodes().len(), index.tokens().len(), index.max_depth()), (0, 0, 0));
    assert_eq!(vocabulary.missing_bytes(), grammar_ir::ByteSet::FULL);
}

#[test]
fn vocabulary_and_index_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Vocabulary>();
    shared::<TokenIndex>();
}
