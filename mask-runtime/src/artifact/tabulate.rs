//! Works out what can be known ahead of masks.
//!
//! For each state, the engine is asked twice: on an automaton that can do less and one that can do more than what the
//! state's frame and registers may turn out to be ([`Bounds`]). Tokens of the first mask always fit, tokens outside the
//! second never do, and those in between depend on the rest of the configuration. So tables can hold nothing that the
//! engine would not say.

use std::sync::Arc;

use grammar_ir::StateId;
use grammar_ir::pda::Bounds;
use rustc_hash::FxHashMap;

use super::tables::MAX_DEPENDENT;
use crate::bitmask;
use crate::compiled::CompiledGrammar;
use crate::fill::fill_text;
use crate::stack::{Frame, NodeId, Stack};
use crate::walk::WalkScratch;

/// A set of tokens, for each set in the one form that it has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum TokenRow {
    /// A few ids, ascending.
    Few(Box<[u32]>),
    /// A row of a mask.
    Many(Box<[u32]>),
}

/// So few ids are a list, however short a row is.
const ALWAYS_FEW: usize = 8;

impl TokenRow {
    /// The set of the ids in `row`.
    pub(super) fn of(row: &[u32]) -> Self {
        // Up to here a list is far shorter than a row, whatever other rows there are.
        let few = (row.len() / 8).max(ALWAYS_FEW);
        if bitmask::count(row) <= few { Self::Few(bitmask::iter(row).collect()) } else { Self::Many(row.into()) }
    }

    pub(super) fn words(&self) -> &[u32] {
        match self {
            Self::Few(words) | Self::Many(words) => words,
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Few(ids) => ids.len(),
            Self::Many(row) => bitmask::count(row),
        }
    }
}

/// What is known of a state: numbers of sets, and the bound on counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) accepted: u32,
    pub(super) dependent: u32,
    pub(super) counts_below: u32,
}

/// Which states tables are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TabulatedStates {
    /// All.
    All,
    /// None: only the first mask of a text.
    Start,
    /// Those that the tables of the grammar already have, and those that masks were asked for in vain since it was loaded.
    Met,
    /// Those that the tables of the grammar already have.
    Loaded,
}

/// The tables of a grammar, ready to be written.
#[derive(Debug, Clone)]
pub struct Tabulated {
    pub(super) grammar: Arc<CompiledGrammar>,
    pub(super) sets: Vec<TokenRow>,
    /// Per state; none if nothing is to be written.
    pub(super) entries: Vec<Option<Entry>>,
    /// Of the first mask, in which nothing depends on anything.
    pub(super) start: Option<Entry>,
}

/// What tables hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableReport {
    /// The states of the automaton.
    pub states: usize,
    /// Those with an entry.
    pub tabulated: usize,
    /// Those of them whose masks are looked up: at most 8 tokens depend on the configuration. With more, it is quicker to
    /// work the mask out as without tables.
    pub looked_up: usize,
    /// Those of them whose whole mask is in the tables, whatever the configuration.
    pub context_free: usize,
    /// The different sets of tokens.
    pub sets: usize,
    /// The dependent tokens of all entries together.
    pub dependent_tokens: usize,
}

/// What working out one state's entry may take of the stack; ambiguous grammars can be without bound.
const MAX_FRAMES: usize = 1 << 20;

impl Tabulated {
    /// Works out the tables of `grammar`. There are none of one from a file that is [damaged](CompiledGrammar::check), and it
    /// cannot be written.
    pub fn of(grammar: &Arc<CompiledGrammar>, states: TabulatedStates) -> Self {
        // What is loaded is worked out again: tables only say for which states that was done.
        let tables = grammar.tables();
        if grammar.check().is_err() || (states == TabulatedStates::Loaded && tables.is_none()) {
            return Self { grammar: grammar.clone(), sets: Vec::new(), entries: Vec::new(), start: None };
        }
        let mut tabulated = Self { grammar: grammar.clone(), sets: Vec::new(), entries: Vec::new(), start: None };
        let mut numbers: FxHashMap<TokenRow, u32> = FxHashMap::default();
        let mut number = |sets: &mut Vec<TokenRow>, row: &[u32]| {
            *numbers.entry(TokenRow::of(row)).or_insert_with_key(|set| {
                sets.push(set.clone());
                sets.len() as u32 - 1
            })
        };
        let chosen: Vec<StateId> = (0..grammar.pda().state_count() as u32)
            .map(StateId::from_u32)
            .filter(|&state| match (states, tables) {
                (TabulatedStates::All, _) => true,
                (TabulatedStates::Met, Some(tables)) => tables.has(state) || tables.was_missed(state),
                (TabulatedStates::Loaded, Some(tables)) => tables.has(state),
                _ => false,
            })
            .collect();
        tabulated.entries.resize(grammar.pda().state_count(), None);
        let mut none = bitmask::row_for(grammar.vocabulary().size());
        if !chosen.is_empty() {
            let mut tabulator = Tabulator::new(grammar);
            for state in chosen {
                let Some(counts_below) = counts_below(grammar, state) else { continue };
                if !tabulator.look_at(state) {
                    continue;
                }
                let accepted = number(&mut tabulated.sets, &tabulator.accepted);
                let dependent = number(&mut tabulated.sets, &tabulator.dependent);
                tabulated.entries[state.index()] = Some(Entry { accepted, dependent, counts_below });
            }
        }
        let start = Frame { state: grammar.pda().start(), count: 0, below: NodeId::BOTTOM };
        let mut first = none.clone();
        let plain = grammar.with_automaton(grammar.pda().clone());
        if mask(&plain, start, &mut Stack::new(grammar.pda(), MAX_FRAMES), &mut WalkScratch::default(), &mut first) {
            bitmask::clear_all(&mut none);
            let accepted = number(&mut tabulated.sets, &first);
            let dependent = number(&mut tabulated.sets, &none);
            tabulated.start = Some(Entry { accepted, dependent, counts_below: 1 });
        }
        tabulated
    }

    /// The grammar.
    pub fn grammar(&self) -> &Arc<CompiledGrammar> {
        &self.grammar
    }

    /// What they hold.
    pub fn report(&self) -> TableReport {
        let counts: Vec<usize> = self.sets.iter().map(TokenRow::count).collect();
        let known = self.entries.iter().flatten();
        let dependent = |entry: &Entry| counts[entry.dependent as usize];
        TableReport {
            states: self.entries.len(),
            tabulated: known.clone().count(),
            looked_up: known.clone().filter(|entry| dependent(entry) <= MAX_DEPENDENT).count(),
            context_free: known.clone().filter(|entry| dependent(entry) == 0).count(),
            sets: self.sets.len(),
            dependent_tokens: known.map(dependent).sum(),
        }
    }
}

/// Below which counts of a state all tokens find what they find with the count 0. `None` where that is for no count.
fn counts_below(grammar: &CompiledGrammar, state: StateId) -> Option<u32> {
    let pda = grammar.pda();
    if pda.counter_of(state).is_none() {
        // Not a count, or the number of registers, of which entries know nothing.
        return Some(u32::MAX);
    }
    match pda.counts_unchanged(state, 0) {
        u32::MAX => Some(u32::MAX),
        // A token reads at most as many iterations as it has bytes.
        change => change.checked_sub(grammar.tokenizer().index().max_depth() as u32).filter(|&bound| bound > 0),
    }
}

/// The mask of one head, but for stop tokens and token terminals; whether the stack had room for it.
fn mask(grammar: &CompiledGrammar, head: Frame, stack: &mut Stack, scratch: &mut WalkScratch, row: &mut [u32]) -> bool {
    let mark = stack.mark();
    bitmask::clear_all(row);
    fill_text(grammar, &[head], stack, scratch, row, None);
    stack.truncate(mark, false);
    !stack.take_full()
}

/// Looks at states, one after the other.
struct Tabulator {
    lower: Arc<CompiledGrammar>,
    upper: Arc<CompiledGrammar>,
    /// A node of the upper automaton's stack that returns to any text.
    below: NodeId,
    stacks: [Stack; 2],
    scratch: WalkScratch,
    every: Vec<u32>,
    accepted: Vec<u32>,
    dependent: Vec<u32>,
}

impl Tabulator {
    fn new(grammar: &CompiledGrammar) -> Self {
        let Bounds { lower, upper, anything } = grammar.pda().bounds();
        let lower = grammar.with_automaton(lower);
        let upper = grammar.with_automaton(upper);
        let mut stacks = [&lower, &upper].map(|side| Stack::new(side.pda(), MAX_FRAMES));
        let universal = Frame { state: anything, count: 0, below: NodeId::BOTTOM };
        let below = stacks[1].push_one(upper.pda(), universal, false);
        let row = bitmask::row_for(grammar.vocabulary().size());
        let mut every = row.clone();
        bitmask::set_each(&mut every, grammar.tokenizer().index().tokens());
        Self {
            lower,
            upper,
            below,
            stacks,
            scratch: WalkScratch::default(),
            every,
            accepted: row.clone(),
            dependent: row,
        }
    }

    /// Leaves in `accepted` and `dependent` the sets of a state; whether the stack had room for it.
    fn look_at(&mut self, state: StateId) -> bool {
        let Self { lower, upper, below, stacks: [stack, upper_stack], scratch, every, accepted, dependent } = self;
        let head = Frame { state, count: 0, below: NodeId::BOTTOM };
        if !mask(lower, head, stack, scratch, accepted) {
            return false;
        }
        if upper.pda().may_return(state, 0) {
            // Any token may be read by what is returned to.
            dependent.copy_from_slice(every);
        } else if !mask(upper, Frame { below: *below, ..head }, upper_stack, scratch, dependent) {
            return false;
        }
        dependent.iter_mut().zip(&*accepted).for_each(|(dependent, accepted)| *dependent &= !accepted);
        true
    }
}
