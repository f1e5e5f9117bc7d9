//! A grammar bound to a vocabulary.

use std::sync::{Arc, OnceLock};

use grammar_ir::pda::{InvalidPda, LowerError, Pda};
use grammar_ir::{Budget, ByteSet, Grammar, Limits, StateId, TokenSet, passes};

use crate::artifact::{Tables, TablesFault};
use crate::bitmask;
use crate::branch::Branch;
use crate::byte_table::{self, ByteTable};
use crate::chain::{Chain, may_begin_row};
use crate::chunks::Chunks;
use crate::component::{Component, KnownWays, may_be_wide};
use crate::iterations::Iterations;
use crate::known_rows::KnownRows;
use crate::loops::{Loop, LoopSet};
use crate::remainders::Remainders;
use crate::slice::Slice;
use crate::slices::Slices;
use crate::stack::{Frame, Stack};
use crate::step::{returned, returns_in_vain};
use crate::text_state::{self, TextState, nearest};
use crate::thresholds::Thresholds;
use crate::token_index::TokenIndex;
use crate::vocab::{TokenKind, Vocabulary};
use crate::ways_on::KnownWaysOn;

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

/// What is wrong with a grammar from a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrammarFault {
    /// Its automaton is damaged, or none.
    #[error("the automaton of the grammar is damaged: {0}; copy or compile its file again")]
    Automaton(InvalidPda),
    /// Its tables are damaged, or none.
    #[error("the tables of the grammar are damaged: {0}; copy or compile its file again")]
    Tables(TablesFault),
}

/// A vocabulary with its index: what all grammars of one tokenizer share.
#[derive(Debug)]
pub struct Tokenizer {
    vocabulary: Vocabulary,
    index: TokenIndex,
    slices: Slices,
    fingerprint: [u8; 32],
    thresholds: Thresholds,
}

impl Tokenizer {
    /// Builds the index of `vocabulary`.
    pub fn new(vocabulary: Vocabulary) -> Arc<Self> {
        let index = TokenIndex::new(&vocabulary);
        let fingerprint = vocabulary.fingerprint();
        let tokenizer = Self::with_index(vocabulary, index, fingerprint);
        tokenizer.slices.inverted(&tokenizer.vocabulary);
        tokenizer
    }

    /// The same, with masks made in other ways, which are to be the same masks: for tests.
    #[doc(hidden)]
    pub fn with_thresholds(vocabulary: Vocabulary, thresholds: Thresholds) -> Arc<Self> {
        let index = TokenIndex::new(&vocabulary);
        let fingerprint = vocabulary.fingerprint();
        Arc::new(Self { vocabulary, index, slices: Slices::new(), fingerprint, thresholds })
    }

    /// From what size on shortcuts are taken.
    #[inline]
    pub(crate) fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// The tokenizer of `vocabulary`, whose index is `index` and whose fingerprint is `fingerprint`. What else is made of the tokens is made when it is asked for,
    /// as whoever has an index may have all masks.
    pub(crate) fn with_index(vocabulary: Vocabulary, index: TokenIndex, fingerprint: [u8; 32]) -> Arc<Self> {
        Arc::new(Self { vocabulary, index, slices: Slices::new(), fingerprint, thresholds: Thresholds::USUAL })
    }

    /// The tokens.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The tokens as a trie.
    pub fn index(&self) -> &TokenIndex {
        &self.index
    }

    /// The remainders of a slice that begin with a byte of `exits`, unless they are too many.
    pub(crate) fn remainders(&self, of: (&LoopSet, &Slice), exits: ByteSet) -> Option<Arc<Remainders>> {
        self.slices.remainders(of, exits, &self.vocabulary)
    }

    /// How often the ASCII character `byte` is in the token that has it most often.
    fn most_of(&self, byte: u8) -> u32 {
        self.slices.most_of(byte, &self.vocabulary)
    }

    /// The tokens that may have such a remainder.
    pub(crate) fn candidates(&self, slice: &Slice, exits: &ByteSet) -> Vec<u32> {
        slice.candidates(exits, self.slices.inverted(&self.vocabulary))
    }

    /// [`Vocabulary::fingerprint`], worked out once, with the index.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
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
    /// Per state.
    known: Chunks<Known>,
    /// Masks made before.
    rows: KnownRows,
    /// Where characters past ASCII lead.
    ways: KnownWays,
    /// Where new values are ahead.
    ways_on: KnownWaysOn,
    /// How often a token can count.
    iterations: Iterations,
    /// What is known ahead of masks, if the grammar was loaded with it.
    tables: Option<Tables>,
    /// The grammar as given, if it has rules to report.
    captures: Option<Box<Grammar>>,
}

/// What is known of a state once somebody has asked.
#[derive(Debug, Default)]
struct Known {
    /// What it has to do with a loop.
    text: OnceLock<Option<Box<TextState>>>,
    /// What characters lead to from it.
    components: OnceLock<Arc<[ComponentSlice]>>,
    /// The states in a row that it begins.
    chain: OnceLock<Option<Box<Chain>>>,
    /// What it does on each byte.
    bytes: OnceLock<ByteTable>,
}

/// Of each state, and of the one past the last, which stands for those that turn out to be damaged.
fn known(pda: &Pda) -> Chunks<Known> {
    Chunks::new(pda.state_count() + 1)
}

impl Known {
    /// Bytes behind the pointers.
    fn memory(&self) -> usize {
        let table = self.bytes.get().is_some();
        let text = self.text.get().is_some_and(Option::is_some);
        let components = self.components.get().map_or(0, |found| found.len());
        let chain = self.chain.get().and_then(Option::as_ref).map_or(0, |chain| chain.memory());
        usize::from(table) * size_of::<[u16; 256]>()
            + chain
            + usize::from(text) * size_of::<TextState>()
            + components * size_of::<ComponentSlice>()
    }
}

/// A [`Component`] and the tokens of its set.
#[derive(Debug)]
pub(crate) struct ComponentSlice {
    pub(crate) component: Component,
    pub(crate) slice: Arc<Slice>,
}

/// The members of a token set.
#[derive(Debug)]
pub(crate) enum TokenSetMembers {
    /// These ids.
    Listed(Box<[u32]>),
    /// The row of all tokens but those listed and the stop tokens.
    AllBut(Vec<u32>),
}

impl CompiledGrammar {
    /// Runs the passes on `grammar`, lowers it and binds it to `tokenizer`.
    ///
    /// # Errors
    /// When the language is empty, a limit is met, or the grammar names a token that the vocabulary lacks.
    pub fn new(grammar: &Grammar, tokenizer: Arc<Tokenizer>, limits: &Limits) -> Result<Arc<Self>, BindError> {
        let mut budget = Budget::new(limits);
        let normal = passes::run(grammar.clone(), &mut budget)?;
        Self::of_grammar(grammar, Pda::new(&normal, &mut budget)?, tokenizer)
    }

    /// Binds the automaton of `grammar` to `tokenizer`.
    ///
    /// # Errors
    /// When the automaton names a token that the vocabulary lacks.
    pub fn of_grammar(grammar: &Grammar, pda: Pda, tokenizer: Arc<Tokenizer>) -> Result<Arc<Self>, BindError> {
        let mut compiled = Self::bind(pda, tokenizer, None)?;
        let has_captures = grammar.rules().iter().any(|rule| rule.attributes.report());
        compiled.captures = has_captures.then(|| Box::new(grammar.clone()));
        Ok(Arc::new(compiled))
    }

    /// Binds an automaton, whose grammar is not known, to `tokenizer`. What rules have matched is not reported then.
    ///
    /// # Errors
    /// When the automaton names a token that the vocabulary lacks.
    pub fn from_pda(pda: Pda, tokenizer: Arc<Tokenizer>) -> Result<Arc<Self>, BindError> {
        Self::with_tables(pda, tokenizer, None)
    }

    /// The grammar, if some of its rules have a name to be reported under.
    pub fn captures(&self) -> Option<&Grammar> {
        self.captures.as_deref()
    }

    /// Binds an automaton to `tokenizer`, with what is known ahead of its masks.
    pub(crate) fn with_tables(
        pda: Pda,
        tokenizer: Arc<Tokenizer>,
        tables: Option<Tables>,
    ) -> Result<Arc<Self>, BindError> {
        Self::bind(pda, tokenizer, tables).map(Arc::new)
    }

    fn bind(pda: Pda, tokenizer: Arc<Tokenizer>, tables: Option<Tables>) -> Result<Self, BindError> {
        let token_sets = token_set_members(pda.token_sets(), tokenizer.vocabulary())?;
        let known = known(&pda);
        let (rows, ways, ways_on) = (KnownRows::default(), KnownWays::default(), KnownWaysOn::new(&pda));
        let iterations = Iterations::default();
        Ok(Self { pda, tokenizer, token_sets, known, rows, ways, ways_on, iterations, tables, captures: None })
    }

    /// Another automaton, without token terminals that matter, for the same tokenizer.
    pub(crate) fn with_automaton(&self, pda: Pda) -> Arc<Self> {
        let known = known(&pda);
        let tokenizer = Arc::clone(&self.tokenizer);
        let (rows, ways, ways_on) = (KnownRows::default(), KnownWays::default(), KnownWaysOn::new(&pda));
        let iterations = Iterations::default();
        let token_sets = Vec::new();
        Arc::new(Self {
            pda,
            tokenizer,
            token_sets,
            known,
            rows,
            ways,
            ways_on,
            iterations,
            tables: None,
            captures: None,
        })
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
            + self.tables.as_ref().map_or(0, Tables::memory)
            + self.rows.memory()
            + self.ways.memory()
            + self.ways_on.memory()
            + self.iterations.memory()
            + self.known.memory(Known::memory)
            + self
                .token_sets
                .iter()
                .map(|members| match members {
                    TokenSetMembers::Listed(ids) => std::mem::size_of_val(&**ids),
                    TokenSetMembers::AllBut(row) => std::mem::size_of_val(row.as_slice()),
                })
                .sum::<usize>()
    }

    /// What was found wrong so far with a grammar from a file, whose parts are looked at when they are first used. Nothing
    /// that it answered is to be relied on then; matchers refuse to go on.
    #[inline]
    pub fn fault(&self) -> Option<GrammarFault> {
        if let Some(fault) = self.pda.fault() {
            return Some(GrammarFault::Automaton(fault.clone()));
        }
        self.tables.as_ref().and_then(Tables::fault).cloned().map(GrammarFault::Tables)
    }

    /// Looks at what the first mask of a grammar from a file needs.
    pub(crate) fn check_start(&self) -> Option<GrammarFault> {
        self.pda.is_accepting(self.pda.start());
        if let Some(tables) = &self.tables {
            tables.look_at_start();
        }
        self.fault()
    }

    /// Looks at all of a grammar from a file.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), GrammarFault> {
        self.pda.check().map_err(GrammarFault::Automaton)?;
        self.tables.as_ref().map_or(Ok(()), |tables| tables.check().map_err(GrammarFault::Tables))
    }

    /// What is known ahead of masks.
    #[inline]
    pub(crate) fn tables(&self) -> Option<&Tables> {
        self.tables.as_ref()
    }

    /// How many counts one token can make in the procedure of `state`, which has a counter.
    pub(crate) fn most_counts(&self, state: StateId) -> u32 {
        let longest = self.tokenizer.index().max_depth() as u32;
        self.iterations.most_counts(&self.pda, state, longest, |byte| self.tokenizer.most_of(byte))
    }

    /// Where new values are ahead.
    pub(crate) fn ways_on(&self) -> &KnownWaysOn {
        &self.ways_on
    }

    /// Masks made before.
    pub(crate) fn rows(&self) -> &KnownRows {
        &self.rows
    }

    /// The head after `byte`, if there is one; `None` where it takes a step to tell.
    #[inline]
    pub(crate) fn plain_step(&self, mut head: Frame, byte: u8, stack: &mut Stack) -> Option<Option<Frame>> {
        let pda = &self.pda;
        loop {
            let returns = pda.may_return(head.state, head.count) && !stack.is_inert(head.below);
            let own = match byte_table::of_few(pda, head, byte, &mut stack.registers) {
                Some(after) => after?,
                None => {
                    let table = &self.known.get(head.state.index()).bytes;
                    let table = table.get_or_init(|| ByteTable::of(pda, head.state));
                    table.after(pda, head, byte, &mut stack.registers)?
                }
            };
            match own {
                Some(_) if returns && !returns_in_vain(pda, head.below, byte, stack) => return None,
                Some(next) => return Some(Some(returned(pda, next, stack))),
                None if !returns => return Some(None),
                None => head = stack.only_frame(head.below)?,
            }
        }
    }

    /// What `state` has to do with a loop.
    pub(crate) fn text_state(&self, state: StateId) -> Option<&TextState> {
        if !text_state::may_be(&self.pda, state, self.tokenizer.thresholds()) {
            return None;
        }
        if let Some(found) = self.known.get(state.index()).text.get() {
            return found.as_deref();
        }
        if let Some(own) = self.loop_state(state) {
            return Some(own);
        }
        let next = || nearest(&self.pda, state).and_then(|base| self.loop_state(base)?.next_to(&self.pda, state));
        self.known.get(state.index()).text.get_or_init(|| next().map(Box::new)).as_deref()
    }

    /// What is known of `state` if it has a loop.
    fn loop_state(&self, state: StateId) -> Option<&TextState> {
        let place = &self.known.get(state.index()).text;
        if place.get().is_none() {
            let own_loop = Loop::of(&self.pda, state, self.tokenizer.thresholds())?;
            let slice = self.tokenizer.slices.slice(&own_loop.set, self.vocabulary());
            let _ = place.set(Some(Box::new(TextState::with_loop(state, own_loop, slice))));
        }
        place.get().and_then(Option::as_deref).filter(|text| text.base == state)
    }

    /// The states in a row that begin with `state`, if what comes after their characters is little.
    pub(crate) fn chain(&self, state: StateId) -> Option<&Chain> {
        if !may_begin_row(&self.pda, state, self.tokenizer.thresholds()) {
            return None;
        }
        let slice = |set: &LoopSet| self.tokenizer.slices.slice(set, self.vocabulary());
        let make = || Chain::of(&self.pda, state, self.tokenizer.thresholds(), slice).map(Box::new);
        self.known.get(state.index()).chain.get_or_init(make).as_deref()
    }

    /// What characters lead to from `state`: the largest set first.
    pub(crate) fn components(&self, state: StateId) -> &[ComponentSlice] {
        if !may_be_wide(&self.pda, state, self.tokenizer.thresholds()) {
            return &[];
        }
        self.known.get(state.index()).components.get_or_init(|| {
            let (components, others) = Component::of(&self.pda, state, self.tokenizer.thresholds(), &self.ways);
            let with_slice = |component: Component| {
                let slice = self.tokenizer.slices.slice(&component.set, self.vocabulary());
                ComponentSlice { component, slice }
            };
            let found: Arc<[ComponentSlice]> = components.into_iter().map(with_slice).collect();
            for other in others.into_iter().filter(|&other| other != state) {
                // Where something is known it is as good.
                let _ = self.known.get(other.index()).components.set(Arc::clone(&found));
            }
            found
        })
    }

    /// The remainders for a state with or next to a loop, of those that begin with a byte of `exits`, unless they are too
    /// many.
    pub(crate) fn remainders(&self, text: &TextState, exits: ByteSet) -> Option<Arc<Remainders>> {
        if let Some((known, remainders)) = text.remainders.get()
            && *known == exits
        {
            return remainders.clone();
        }
        let found = self.tokenizer.remainders((&text.own_loop.set, &text.slice), exits);
        // What can come next may depend on the stack; mostly it does not.
        let _ = text.remainders.set((exits, found.clone()));
        found
    }

    /// The branch of `set` at `node` of `trie`, the tokenizer's own or one that keeps its branches.
    pub(crate) fn branch(&self, set: &LoopSet, trie: &TokenIndex, node: u32) -> Arc<Branch> {
        let Tokenizer { vocabulary, slices, .. } = &*self.tokenizer;
        match trie.branches() {
            Some(branches) => branches.get(set, node, vocabulary, trie),
            None => slices.branch(set, node, vocabulary, trie),
        }
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
