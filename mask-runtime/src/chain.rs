//! States in a row, from each of which the characters of a set lead to the next.
//!
//! `[0-9a-f]{8}-` has no state in which characters go round, and yet what comes of a token is plain to see: so many
//! characters of the set lead so far along the row, and what follows them depends on where that is. Tokens in *S*\* fit up to
//! the length of the row; of the others the remainders are walked, by the number of characters before them.

use std::sync::{Arc, OnceLock};

use grammar_ir::pda::Pda;
use grammar_ir::{ByteSet, StateId};

use crate::bitmask;
use crate::branch::Branch;
use crate::compiled::CompiledGrammar;
use crate::loops::{Loop, LoopSet};
use crate::remainders::Remainders;
use crate::slice::Slice;
use crate::stack::{Frame, Stack};
use crate::thresholds::Thresholds;
use crate::walk::{Looking, Sink, WalkScratch, walk};

/// The row that begins with a state.
#[derive(Debug)]
pub(crate) struct Chain {
    set: LoopSet,
    slice: Arc<Slice>,
    /// The state, and those that one character leads to, two characters, and so on.
    states: Box<[StateId]>,
    /// Whether further characters stay in the last state. If not, it reads none of them.
    loops: bool,
    /// What the states read besides.
    exits: ByteSet,
    /// Whether one of them is accepting.
    may_return: bool,
    /// The remainders that were asked for first, and the bytes that they begin with.
    remainders: OnceLock<(ByteSet, Option<Arc<Remainders>>)>,
}

/// A row is followed for so many states; few tokens are longer.
const MAX_STATES: usize = 64;

/// With more bytes than this to follow, or those of characters past ASCII, there are too many remainders.
const MAX_EXITS: usize = 16;

/// More tokens than this are not put into tries by what comes before their remainders.
const MAX_CANDIDATES: usize = 1 << 12;

/// Whether `state` may begin a row, as far as that is told from its own edges. Sets with characters past ASCII are mostly those of
/// free texts, which have loops.
#[inline]
pub(crate) fn may_begin_row(pda: &Pda, state: StateId, least: &Thresholds) -> bool {
    let edges = pda.byte_edges(state);
    edges.iter().all(|edge| edge.high.is_ascii())
        && edges.iter().map(|edge| usize::from(edge.high - edge.low) + 1).sum::<usize>() >= least.chain_characters
}

/// The states that characters of `set` lead along from `state`, the first of them to `at`, and whether the last one has a loop; `None`
/// where there is no such row.
fn follow(
    pda: &Pda,
    state: StateId,
    mut at: StateId,
    set: &LoopSet,
    least: &Thresholds,
) -> Option<(Vec<StateId>, bool)> {
    let mut states = vec![state];
    loop {
        if states.contains(&at) || states.len() == MAX_STATES || pda.is_final(at) || pda.is_guarded(at) {
            return None;
        }
        states.push(at);
        if bytes_of(pda, at).intersection(&set.first_bytes()).is_empty() {
            return Some((states, false));
        }
        let next = widest(pda, at)?;
        if !Loop::leading(pda, at, next, least)?.has_all_of(set) {
            return None;
        }
        if next == at {
            return Some((states, true));
        }
        at = next;
    }
}

/// Where most ASCII characters lead from `state`.
fn widest(pda: &Pda, state: StateId) -> Option<StateId> {
    let edges = pda.byte_edges(state).iter().filter(|edge| edge.marks.is_none() && edge.low.is_ascii());
    edges.max_by_key(|edge| edge.high - edge.low).map(|edge| edge.target)
}

/// The bytes that `state` reads by its own edges and calls.
fn bytes_of(pda: &Pda, state: StateId) -> ByteSet {
    let mut bytes = ByteSet::EMPTY;
    pda.byte_edges(state).iter().for_each(|edge| bytes.insert_range(edge.low, edge.high));
    pda.call_edges(state).iter().fold(bytes, |bytes, call| bytes.union(&pda.procedure(call.procedure).first_bytes))
}

impl Chain {
    /// The row that begins with `state`, if there is one and it is worth anything; `slice` answers with the tokens of a set.
    pub(crate) fn of(
        pda: &Pda,
        state: StateId,
        least: &Thresholds,
        slice: impl FnOnce(&LoopSet) -> Arc<Slice>,
    ) -> Option<Self> {
        let first = widest(pda, state).filter(|&next| next != state)?;
        let set = Loop::leading(pda, state, first, least)?;
        let slice = slice(&set);
        if slice.count() < least.chain_tokens {
            return None;
        }
        let (states, loops) = follow(pda, state, first, &set, least)?;
        let read = states.iter().fold(ByteSet::EMPTY, |read, &state| read.union(&bytes_of(pda, state)));
        let exits = read.intersection(&set.others());
        let may_return = states.iter().any(|&state| pda.is_accepting(state));
        let states = states.into();
        is_narrow(&exits).then(|| Self { set, slice, states, loops, exits, may_return, remainders: OnceLock::new() })
    }

    /// How many characters of the set can be read.
    fn reach(&self) -> u32 {
        if self.loops { u32::MAX } else { self.states.len() as u32 - 1 }
    }

    /// The bytes that can follow characters of the set, for `head` in the first state; `None` where something else could read
    /// these.
    fn exits(&self, pda: &Pda, head: Frame, stack: &mut Stack, looking: &mut Looking) -> Option<ByteSet> {
        let mut exits = self.exits;
        if self.may_return {
            let hidden = stack.registers.hide();
            let below = looking.bytes_below(pda, head, stack);
            stack.registers.show(hidden);
            if !below.intersection(&self.set.first_bytes()).is_empty() {
                return None;
            }
            exits = exits.union(&below.intersection(&self.set.others()));
        }
        Some(exits).filter(is_narrow)
    }

    fn remainders(&self, grammar: &CompiledGrammar, exits: ByteSet) -> Option<Arc<Remainders>> {
        let make = || {
            let candidates = grammar.tokenizer().candidates(&self.slice, &exits);
            if bitmask::count(&candidates) > MAX_CANDIDATES {
                return None;
            }
            grammar.tokenizer().remainders((&self.set, &self.slice), exits)
        };
        let (known, remainders) = self.remainders.get_or_init(|| (exits, make()));
        if *known == exits { remainders.clone() } else { make() }
    }

    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.states)
    }
}

fn is_narrow(exits: &ByteSet) -> bool {
    exits.len() <= MAX_EXITS && exits.ranges().all(|(_, high)| high.is_ascii())
}

/// The mask of a head at the beginning of a row; false when it is not, or that does not help.
pub(crate) fn fill_chain(
    grammar: &CompiledGrammar,
    head: Frame,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) -> bool {
    let Some(chain) = grammar.chain(head.state) else { return false };
    let Some(exits) = chain.exits(grammar.pda(), head, stack, &mut scratch.looking) else { return false };
    let Some(remainders) = chain.remainders(grammar, exits) else { return false };
    chain.slice.set_up_to(chain.reach(), grammar.tokenizer().index(), row);
    scratch.begin_with(&chain.slice, chain.reach(), grammar.tokenizer().index());
    walk_chain(grammar, chain, head, &remainders, stack, scratch, row);
    true
}

/// The same for what comes after a node of a trie; `branch` answers with that for a set of characters.
pub(crate) fn fill_chain_below(
    grammar: &CompiledGrammar,
    branch: impl FnOnce(&LoopSet) -> Arc<Branch>,
    head: Frame,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) -> bool {
    let pda = grammar.pda();
    let Some(chain) = grammar.chain(head.state) else { return false };
    if chain.exits(pda, head, stack, &mut scratch.looking).is_none() {
        return false;
    }
    let branch = branch(&chain.set);
    branch.set_up_to(chain.reach(), row);
    let mut inner = scratch.inner.take().unwrap_or_default();
    walk_chain(grammar, chain, head, branch.remainders(grammar.vocabulary()), stack, &mut inner, row);
    scratch.doubtful.append(&mut inner.doubtful);
    scratch.inner = Some(inner);
    true
}

/// Sets the tokens with a remainder that can follow the characters before it.
fn walk_chain(
    grammar: &CompiledGrammar,
    chain: &Chain,
    head: Frame,
    remainders: &Remainders,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    let hidden = stack.registers.hide();
    let last = chain.states.len() - 1;
    let reached = if chain.loops { usize::MAX } else { chain.states.len() };
    for (before, index) in remainders.by_characters_before().iter().enumerate().take(reached) {
        let head = Frame { state: chain.states[before.min(last)], ..head };
        walk(grammar, index, None, &[head], stack, scratch, Sink::All(row));
    }
    stack.registers.show(hidden);
}
