//! The texts of tokens, in answers and as grammars name them.

use std::cell::OnceCell;
use std::collections::HashMap;

use compilers::gbnf::TokenNames;
use mask_runtime::{TokenKind, Vocabulary};

/// The bytes that a token stands for in an answer: of a special one its name.
pub(crate) fn token_bytes(token: u32, vocabulary: &Vocabulary) -> Vec<u8> {
    match vocabulary.kind(token) {
        TokenKind::Special => vocabulary.name(token).as_bytes().to_vec(),
        _ => vocabulary.bytes(token).to_vec(),
    }
}

/// These bytes as text.
pub(crate) fn token_text(token: u32, vocabulary: &Vocabulary) -> String {
    String::from_utf8_lossy(&token_bytes(token, vocabulary)).into_owned()
}

/// Finds the tokens of a vocabulary by their texts.
pub(crate) struct TokenTexts<'a> {
    vocabulary: &'a Vocabulary,
    /// Whether an ordinary token may be named by its text, if there is exactly one such token.
    with_ordinary: bool,
    /// The ordinary tokens by their texts, `None` for those of several; worked out for the first that is asked for.
    ordinary: OnceCell<HashMap<&'a [u8], Option<u32>>>,
}

impl<'a> TokenTexts<'a> {
    /// Special and added tokens only, as in EBNF.
    pub(crate) fn new(vocabulary: &'a Vocabulary) -> Self {
        Self { vocabulary, with_ordinary: false, ordinary: OnceCell::new() }
    }

    /// Ordinary tokens, too, as in structural tags.
    pub(crate) fn with_ordinary(vocabulary: &'a Vocabulary) -> Self {
        Self { vocabulary, with_ordinary: true, ordinary: OnceCell::new() }
    }

    /// The only ordinary token with this text.
    fn ordinary(&self, text: &str) -> Option<u32> {
        let ordinary = self.ordinary.get_or_init(|| {
            let mut ids = HashMap::new();
            for id in (0..self.vocabulary.size() as u32).filter(|&id| self.vocabulary.kind(id) == TokenKind::Text) {
                ids.entry(self.vocabulary.bytes(id)).and_modify(|only| *only = None).or_insert(Some(id));
            }
            ids
        });
        ordinary.get(text.as_bytes()).copied().flatten()
    }
}

impl TokenNames for TokenTexts<'_> {
    fn token_id(&self, text: &str) -> Option<u32> {
        let ordinary = || if self.with_ordinary && !text.is_empty() { self.ordinary(text) } else { None };
        self.vocabulary.special_id(text).or_else(ordinary)
    }

    fn special_id(&self, name: &str) -> Option<u32> {
        self.vocabulary.special_id(name).filter(|&id| !self.is_text(id))
    }

    fn has_token(&self, id: u32) -> bool {
        self.vocabulary.kind(id) != TokenKind::Hole
    }

    fn special_tokens(&self) -> Vec<u32> {
        let special = |&id: &u32| self.vocabulary.kind(id) == TokenKind::Special && !self.vocabulary.is_stop(id);
        (0..self.vocabulary.size() as u32).filter(special).collect()
    }

    fn text(&self, id: u32) -> Option<&[u8]> {
        (self.vocabulary.kind(id) == TokenKind::Text).then(|| self.vocabulary.bytes(id))
    }
}
