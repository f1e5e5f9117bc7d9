//! A grammar bound to a vocabulary.

use std::sync::{Arc, OnceLock};

use grammar_ir::pda::{LowerError, Pda};
use grammar_ir::{Budget, ByteSet, Grammar, Limits, StateId, TokenSet, passes};

use crate::bitmask;
use crate::loops::Loop;
use crate::slice::{Slice, Slices};
use crate::token_index::TokenIndex;
use crate::vocab::{TokenKind, Vocabulary};

/// Why a grammar and a vocabulary do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The grammar has no automaton.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// A token terminal names an id that is no token of the vocabulary: past its end, or a hole or padding in it.
    #[error("the grammar names token {id}, which is no token of this vocabulary of {size} ids")]
    NoSuchToken {
        /// The id.
        id: u32,
        /// [`Vocabulary::size`].
        size: usize,
    },
}

impl From<grammar_ir::LimitError> for BindError {
    fn from(error: grammar_ir::LimitError) -> Self {
        Self::Lower(error.into())
    }
}

/// A vocabulary with its index: what all grammars of one tokenizer share.
#[derive(Debug)]
pub struct Tokenizer {
    vocabulary: Vocabulary,
    index: TokenIndex,
    slices: Slices,
}

impl Tokenizer {
    /// Builds the index of `vocabulary`.
    pub fn new(vocabulary: Vocabulary) -> Arc<Self> {
        let index = TokenIndex::new(&vocabulary);
        Arc::new(Self { vocabulary, index, slices: Slices::default() })
    }

    /// The tokens.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The tokens as a trie.
    pub fn index(&self) -> &TokenIndex {
        &self.index
    }

    /// Bytes of memory of the index and of what has been worked out from it so far.
    pub fn memory(&self) -> usize {
        self.index.memory_bytes() + self.slices.memory()
    }
}

/// A grammar compiled for a vocabulary. Immutable, shared by any number of [`Matcher`](crate::Matcher)s and threads.
#[derive(Debug)]
pub struct CompiledGrammar {
    pda: Pda,
    tokenizer: Arc<Tokenizer>,
    /// One per token set of the automaton.
    token_sets: Vec<TokenSetMembers>,
    /// The states with an edge or a call to themselves, ascending, and what their loops come to once somebody has asked.
    loops: Vec<LoopEntry>,
}

/// The members of a token set.
#[derive(Debug)]
pub(crate) enum TokenSetMembers {
    /// These ids.
    Listed(Box<[u32]>),
    /// The row of all tokens but those listed and the stop tokens.
    AllBut(Vec<u32>),
}

#[derive(Debug)]
struct LoopEntry {
    state: StateId,
    found: OnceLock<Option<(Loop, Arc<Slice>)>>,
}

impl CompiledGrammar {
    /// Runs the passes on `grammar`, lowers it and binds it to `tokenizer`.
    ///
    /// # Errors
    /// When the language is empty, a limit is met, or the grammar names a token that the vocabulary lacks.
    pub fn new(grammar: &Grammar, tokenizer: Arc<Tokenizer>, limits: &Limits) -> Result<Arc<Self>, BindError> {
        let mut budget = Budget::new(limits);
        let grammar = passes::run(grammar.clone(), &mut budget)?;
        Self::from_pda(Pda::new(&grammar, &mut budget)?, tokenizer)
    }

    /// Binds an automaton to `tokenizer`.
    ///
    /// # Errors
    /// When the automaton names a token that the vocabulary lacks.
    pub fn from_pda(pda: Pda, tokenizer: Arc<Tokenizer>) -> Result<Arc<Self>, BindError> {
        let token_sets = token_set_members(pda.token_sets(), tokenizer.vocabulary())?;
        let loops = (0..pda.state_count() as u32)
            .map(StateId::from_u32)
            .filter(|&state| {
                pda.byte_edges(state).iter().any(|edge| edge.target == state)
                    || pda.call_edges(state).iter().any(|edge| edge.target == state)
            })
            .map(|state| LoopEntry { state, found: OnceLock::new() })
            .collect();
        Ok(Arc::new(Self { pda, tokenizer, token_sets, loops }))
    }

    /// The automaton.
    pub fn pda(&self) -> &Pda {
        &self.pda
    }

    /// The vocabulary and its index.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.tokenizer
    }

    /// The tokens.
    pub fn vocabulary(&self) -> &Vocabulary {
        self.tokenizer.vocabulary()
    }

    /// Bytes that the grammar uses and that no token of the vocabulary spells on its own.
    ///
    /// When this is empty, every text of the language can be generated. When it is not, some may not be, and a mask may
    /// turn out empty: see [`FillError::NoTokenFits`](crate::FillError::NoTokenFits).
    pub fn missing_bytes(&self) -> ByteSet {
        self.pda.used_bytes().intersection(&self.vocabulary().missing_bytes())
    }

    /// Bytes of memory, without the tokenizer's.
    pub fn memory(&self) -> usize {
        self.pda.memory()
            + std::mem::size_of_val(self.loops.as_slice())
            + self
                .token_sets
                .iter()
                .map(|members| match members {
                    TokenSetMembers::Listed(ids) => std::mem::size_of_val(&**ids),
                    TokenSetMembers::AllBut(row) => std::mem::size_of_val(row.as_slice()),
                })
                .sum::<usize>()
    }

    /// The loop of `state` and its slice, if it has one that is worth it.
    pub(crate) fn slice_of(&self, state: StateId) -> Option<(&Loop, &Slice)> {
        let position = self.loops.binary_search_by_key(&state, |entry| entry.state).ok()?;
        let found = self.loops[position].found.get_or_init(|| {
            let own_loop = Loop::of(&self.pda, state)?;
            let Tokenizer { vocabulary, index, slices } = &*self.tokenizer;
            Some((own_loop, slices.get(own_loop.set, vocabulary, index)))
        });
        found.as_ref().map(|(own_loop, slice)| (own_loop, &**slice))
    }

    pub(crate) fn token_set_members(&self, set: u32) -> &TokenSetMembers {
        &self.token_sets[set as usize]
    }
}

fn token_set_members(sets: &[TokenSet], vocabulary: &Vocabulary) -> Result<Vec<TokenSetMembers>, BindError> {
    let size = vocabulary.size();
    let mut every = None;
    sets.iter()
        .map(|set| {
            if let Some(&id) = set.ids().iter().find(|&&id| vocabulary.kind(id) == TokenKind::Hole) {
                return Err(BindError::NoSuchToken { id, size });
            }
            if !set.is_complement() {
                return Ok(TokenSetMembers::Listed(set.ids().into()));
            }
            let every = every.get_or_insert_with(|| {
                let mut row = bitmask::row_for(size);
                (0..size as u32)
                    .filter(|&id| vocabulary.kind(id) != TokenKind::Hole && !vocabulary.is_stop(id))
                    .for_each(|id| bitmask::set(&mut row, id));
                row
            });
            let mut row = every.clone();
            set.ids().iter().for_each(|&id| bitmask::clear(&mut row, id));
            Ok(TokenSetMembers::AllBut(row))
        })
        .collect()
}
