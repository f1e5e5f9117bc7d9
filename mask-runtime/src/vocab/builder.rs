//! Collects tokens in any order and lays them out by id.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::{MAX_TOKEN_BYTES, MAX_VOCABULARY_SIZE, TokenKind, TokenizerModel, Vocabulary, VocabularyError};

/// Where the bytes of one id lie in the unordered buffer.
#[derive(Debug, Clone, Copy)]
struct Slot {
    start: u32,
    length: u32,
    kind: TokenKind,
    /// Whether an added token put it here; a base token may be replaced by an added one.
    added: bool,
}

const HOLE: Slot = Slot { start: 0, length: 0, kind: TokenKind::Hole, added: false };

/// Builds a [`Vocabulary`] from tokens in any order.
#[derive(Debug, Default)]
pub(super) struct VocabularyBuilder {
    buffer: Vec<u8>,
    slots: Vec<Slot>,
    ids_by_text: FxHashMap<Box<str>, u32>,
}

impl VocabularyBuilder {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a token of the base vocabulary that stands for `bytes`.
    pub(super) fn add_text(&mut self, id: u32, bytes: &[u8]) -> Result<(), VocabularyError> {
        self.put(id, bytes, TokenKind::Text, false)
    }

    /// Adds an added token: it replaces a base token with its id and is found by its text. A special one keeps its
    /// text as its name; any other stands for `bytes`.
    pub(super) fn add_added(
        &mut self,
        id: u32,
        text: &str,
        bytes: &[u8],
        kind: TokenKind,
    ) -> Result<(), VocabularyError> {
        self.put(id, bytes, kind, true)?;
        match self.ids_by_text.entry(text.into()) {
            Entry::Occupied(mut known) if id < *known.get() => *known.get_mut() = id,
            Entry::Occupied(_) => {}
            Entry::Vacant(vacant) => _ = vacant.insert(id),
        }
        Ok(())
    }

    /// Whether an added token has this text.
    pub(super) fn knows(&self, text: &str) -> bool {
        self.ids_by_text.contains_key(text)
    }

    /// The bytes of the base token with this id.
    pub(super) fn base_bytes(&self, id: u32) -> Option<&[u8]> {
        let slot = *self.slots.get(id as usize)?;
        (slot.kind == TokenKind::Text && !slot.added).then(|| self.slot_bytes(slot))
    }

    /// Whether an added token has this id.
    pub(super) fn is_added(&self, id: u32) -> bool {
        self.slots.get(id as usize).is_some_and(|slot| slot.added)
    }

    fn put(&mut self, id: u32, bytes: &[u8], kind: TokenKind, added: bool) -> Result<(), VocabularyError> {
        let index = id as usize;
        if index >= MAX_VOCABULARY_SIZE {
            return Err(VocabularyError::too_many(index + 1));
        }
        if bytes.len() > MAX_TOKEN_BYTES {
            return Err(VocabularyError::TokenTooLong { id, length: bytes.len() });
        }
        let start = u32::try_from(self.buffer.len()).map_err(|_| VocabularyError::TooManyBytes)?;
        if index >= self.slots.len() {
            self.slots.resize(index + 1, HOLE);
        }
        let old = self.slots[index];
        if old.added && !added {
            return Ok(());
        }
        if old.kind != TokenKind::Hole && old.added == added {
            let first = self.slot_bytes(old);
            if first == bytes && old.kind == kind {
                return Ok(());
            }
            return Err(VocabularyError::DuplicateId {
                id,
                first: String::from_utf8_lossy(first).into_owned(),
                second: String::from_utf8_lossy(bytes).into_owned(),
            });
        }
        self.buffer.extend_from_slice(bytes);
        self.slots[index] = Slot { start, length: bytes.len() as u32, kind, added };
        Ok(())
    }

    fn slot_bytes(&self, slot: Slot) -> &[u8] {
        &self.buffer[slot.start as usize..(slot.start + slot.length) as usize]
    }

    /// The vocabulary of all tokens added; ids in between are holes.
    pub(super) fn finish(self, model: TokenizerModel) -> Result<Vocabulary, VocabularyError> {
        let mut buffer = Vec::with_capacity(self.buffer.len());
        let mut offsets = Vec::with_capacity(self.slots.len() + 1);
        offsets.push(0);
        for &slot in &self.slots {
            buffer.extend_from_slice(self.slot_bytes(slot));
            offsets.push(u32::try_from(buffer.len()).map_err(|_| VocabularyError::TooManyBytes)?);
        }
        Ok(Vocabulary {
            buffer,
            offsets,
            kinds: self.slots.iter().map(|slot| slot.kind).collect(),
            ids_by_text: self.ids_by_text,
            stop_tokens: Vec::new(),
            model,
        })
    }
}
