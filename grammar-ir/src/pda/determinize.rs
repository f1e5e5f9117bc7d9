//! ε-removal and determinisation of one procedure.
//!
//! The alphabet is byte ranges, callees and token sets, each with or without "counts" and with the marks that come before
//! it. Two calls of one procedure from one state become one call, which is what left factoring does to a grammar. Edges
//! that differ in what they do to the registers stay apart.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::EdgeMarks;
use super::minimize::trim;
use super::nfa::{EmbeddedState, Label, Marks, Nfa};
use super::nullable::{Reached, closure};
use crate::{Budget, ByteAutomaton, LimitError};

/// What an edge of a [`Machine`] consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Symbol {
    Bytes { low: u8, high: u8 },
    Call(u32),
    Token(u32),
}

/// An edge without ε.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) symbol: Symbol,
    pub(super) counts: bool,
    pub(super) marks: EdgeMarks,
    pub(super) target: u32,
}

/// An ε-free automaton; state 0 is the start.
#[derive(Debug, Clone, Default)]
pub(super) struct Machine {
    pub(super) accepting: Vec<bool>,
    /// Where each state's edges begin in `edges`; one entry more than there are states.
    pub(super) offsets: Vec<u32>,
    /// Per state: byte edges ascending, then calls, then tokens.
    pub(super) edges: Vec<Edge>,
    pub(super) deterministic: bool,
    /// The sets of states of the procedure that the states stand for, until states are merged or dropped.
    pub(super) kernels: Option<KernelLists>,
}

impl Machine {
    /// `automaton`, state by state.
    pub(super) fn of_automaton(automaton: &ByteAutomaton) -> Self {
        let edge_count = automaton.edges.iter().map(|edges| edges.len()).sum();
        let mut machine = Self::with_capacity(automaton.edges.len(), edge_count, true);
        for (edges, &accepting) in automaton.edges.iter().zip(&automaton.accepting) {
            machine.push_state(
                accepting,
                edges.iter().map(|edge| Edge {
                    symbol: Symbol::Bytes { low: edge.low, high: edge.high },
                    counts: edge.counts && automaton.counter.is_some(),
                    marks: EdgeMarks::NONE,
                    target: edge.target,
                }),
            );
        }
        if automaton.edges.is_empty() {
            machine.push_state(false, []);
        }
        machine
    }

    /// The same words but the empty one.
    pub(super) fn without_empty_word(self) -> Self {
        if !self.accepting[0] {
            return self;
        }
        // A word may come back to the start, which stays as another state.
        let mut machine = Self { deterministic: self.deterministic, ..Self::default() };
        let moved = |edge: &Edge| Edge { target: edge.target + 1, ..*edge };
        machine.push_state(false, self.edges(0).iter().map(moved));
        for (state, &accepting) in self.accepting.iter().enumerate() {
            machine.push_state(accepting, self.edges(state).iter().map(moved));
        }
        trim(machine)
    }

    /// Without states, with memory for so many.
    fn with_capacity(states: usize, edges: usize, deterministic: bool) -> Self {
        let (accepting, edges) = (Vec::with_capacity(states), Vec::with_capacity(edges));
        Self { accepting, offsets: Vec::with_capacity(states + 1), edges, deterministic, kernels: None }
    }

    pub(super) fn len(&self) -> usize {
        self.accepting.len()
    }

    pub(super) fn edges(&self, state: usize) -> &[Edge] {
        &self.edges[self.offsets[state] as usize..self.offsets[state + 1] as usize]
    }

    pub(super) fn push_state(&mut self, accepting: bool, edges: impl IntoIterator<Item = Edge>) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.accepting.push(accepting);
        self.edges.extend(edges);
        self.offsets.push(self.edges.len() as u32);
    }
}

/// Determinising may multiply the number of states by this before it is given up.
const DETERMINIZE_FACTOR: usize = 16;

/// Determinising is given up when the sets of states it has met have this many elements in all (and 8 for each state): at
/// 8 bytes each, that is what bounds its memory.
const MAX_KERNEL_ELEMENTS: usize = 4_000_000;

/// The smallest number of states that determinising may always reach.
const MIN_DETERMINIZED: usize = 4096;

/// Removes ε and determinises. When subset construction would exceed its budget, only ε is removed.
///
/// With `keep_empty_word` false, the empty word is dropped from the language.
///
/// # Errors
/// When the budget for states or time is used up.
pub(super) fn determinize(
    nfa: &Nfa,
    nullable: &[bool],
    keep_empty_word: bool,
    budget: &mut Budget<'_>,
) -> Result<Machine, LimitError> {
    if budget.limits().determinize {
        let bound = nfa.len().saturating_mul(DETERMINIZE_FACTOR).max(MIN_DETERMINIZED);
        if let Some(machine) = subsets(nfa, nullable, keep_empty_word, Merge::Targets { bound }, budget)? {
            return Ok(machine);
        }
    }
    match subsets(nfa, nullable, keep_empty_word, Merge::Never, budget)? {
        Some(machine) => Ok(machine),
        None => Err(LimitError::new(crate::LimitKind::States, budget.limits().states)),
    }
}

/// What is done with several targets of one symbol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Merge {
    /// They become one state, up to `bound` states.
    Targets { bound: usize },
    /// Each stays an edge of its own; every state then stands for one state of the original.
    Never,
}

fn subsets(
    nfa: &Nfa,
    nullable: &[bool],
    keep_empty_word: bool,
    merge: Merge,
    budget: &mut Budget<'_>,
) -> Result<Option<Machine>, LimitError> {
    let (bound, deterministic) = match merge {
        Merge::Targets { bound } => (bound.min(budget.limits().states), true),
        Merge::Never => (budget.limits().states, false),
    };
    let mut machine = Machine::with_capacity(nfa.len(), nfa.edge_count(), deterministic);
    machine.offsets.push(0);
    let mut kernels = Kernels::new(nfa);
    let mut marks = Marks::default();
    let mut reached: Vec<Reached> = Vec::new();
    let mut outgoing = Outgoing::default();
    let mut edges: Vec<Edge> = Vec::new();
    let mut next = 0;
    while next < kernels.len() {
        budget.tick()?;
        if let &[state] = kernels.get(next)
            && let Some(EmbeddedState { edges, first, accepted: None }) = nfa.embedded_edges(state)
        {
            // Most states are those of automata that are deterministic already.
            machine.accepting.push(false);
            machine.edges.extend(edges.iter().map(|edge| Edge {
                symbol: Symbol::Bytes { low: edge.low, high: edge.high },
                counts: false,
                marks: EdgeMarks::NONE,
                target: kernels.number_one(first + edge.target),
            }));
            machine.offsets.push(machine.edges.len() as u32);
            next += 1;
            if kernels.len() > bound {
                return Ok(None);
            }
            continue;
        }
        if let &[left, right] = kernels.get(next)
            && let (Some(left), Some(right)) = (nfa.embedded_edges(left), nfa.embedded_edges(right))
            && (left.accepted, right.accepted, deterministic) == (None, None, true)
        {
            // A declared key beside all other ones.
            both(left, right, &mut kernels, &mut machine.edges);
            machine.accepting.push(false);
            machine.offsets.push(machine.edges.len() as u32);
            next += 1;
            if kernels.len() > bound || kernels.lists.elements.len() > MAX_KERNEL_ELEMENTS.max(8 * nfa.len()) {
                return Ok(None);
            }
            continue;
        }
        let finishes = if outgoing.collect_plain(nfa, kernels.get(next)) {
            kernels.get(next).contains(&nfa.finish)
        } else {
            closure(nfa, kernels.get(next), nullable, &mut marks, &mut reached);
            outgoing.collect(nfa, &reached);
            reached.iter().any(|reached| reached.state == nfa.finish && !reached.begun && reached.marks.is_none())
        };
        edges.clear();
        outgoing.byte_edges(merge, &mut kernels, &mut edges);
        outgoing.other_edges(merge, &mut kernels, &mut edges);
        join_ranges(&mut edges);
        // The start is not numbered by its kernel, so no edge leads to it: dropping the empty word there drops nothing
        // else.
        machine.push_state(finishes && (next > 0 || keep_empty_word), edges.iter().copied());
        next += 1;
        if kernels.len() > bound
            || (deterministic && kernels.lists.elements.len() > MAX_KERNEL_ELEMENTS.max(8 * nfa.len()))
        {
            return Ok(None);
        }
    }
    machine.kernels = Some(kernels.lists);
    Ok(Some(machine))
}

/// Adds the edges of two states at once, both in automata that are deterministic: a sweep over their ranges.
fn both(left: EmbeddedState<'_>, right: EmbeddedState<'_>, kernels: &mut Kernels, edges: &mut Vec<Edge>) {
    let (mut lefts, mut rights) = (left.edges, right.edges);
    // What of the first edges comes before this has been dealt with.
    let mut at = 0;
    let mut push = |low: u8, high: u8, target: u32| {
        let symbol = Symbol::Bytes { low, high };
        edges.push(Edge { symbol, counts: false, marks: EdgeMarks::NONE, target });
    };
    while let (Some(in_left), Some(in_right)) = (lefts.first(), rights.first()) {
        let (left_low, right_low) = (in_left.low.max(at), in_right.low.max(at));
        let high;
        if left_low < right_low {
            high = in_left.high.min(right_low - 1);
            push(left_low, high, kernels.number_one(left.first + in_left.target));
        } else if right_low < left_low {
            high = in_right.high.min(left_low - 1);
            push(right_low, high, kernels.number_one(right.first + in_right.target));
        } else {
            high = in_left.high.min(in_right.high);
            let (one, other) = (left.first + in_left.target, right.first + in_right.target);
            let target = match one.cmp(&other) {
                Ordering::Less => kernels.number(&[one, other]),
                Ordering::Equal => kernels.number_one(one),
                Ordering::Greater => kernels.number(&[other, one]),
            };
            push(left_low, high, target);
        }
        lefts = &lefts[usize::from(in_left.high == high)..];
        rights = &rights[usize::from(in_right.high == high)..];
        // An edge that ends with the last byte was among those passed.
        at = high.saturating_add(1);
    }
    for (state, rest) in [(left, lefts), (right, rights)] {
        for edge in rest {
            push(edge.low.max(at), edge.high, kernels.number_one(state.first + edge.target));
        }
    }
}

/// The sets of states that the states of a machine stand for.
#[derive(Debug, Clone)]
pub(super) struct KernelLists {
    elements: Vec<u32>,
    /// Where each kernel ends in `elements`.
    ends: Vec<u32>,
}

impl KernelLists {
    /// The sorted set that the state `number` stands for.
    pub(super) fn get(&self, number: usize) -> &[u32] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.elements[start..self.ends[number] as usize]
    }
}

/// The kernels met so far.
struct Kernels {
    lists: KernelLists,
    /// The numbers of kernels of one state, which most are; `NONE` for no number yet.
    of_one: Vec<u32>,
    /// Per hash: the last kernel of several states that has it.
    of_several: FxHashMap<u64, u32>,
    /// Per kernel: the one before it with the same hash, or `NONE`.
    before: Vec<u32>,
}

const NONE: u32 = u32::MAX;

/// One element, with memory for `capacity`.
fn single(element: u32, capacity: usize) -> Vec<u32> {
    let mut list = Vec::with_capacity(capacity);
    list.push(element);
    list
}

impl Kernels {
    /// The start alone, as number 0. Met again, the set of the start alone gets another number.
    fn new(nfa: &Nfa) -> Self {
        Self {
            lists: KernelLists { elements: single(nfa.start, nfa.len()), ends: single(1, nfa.len()) },
            of_one: vec![NONE; nfa.len()],
            of_several: FxHashMap::default(),
            before: single(NONE, nfa.len()),
        }
    }

    fn len(&self) -> usize {
        self.lists.ends.len()
    }

    fn get(&self, number: usize) -> &[u32] {
        self.lists.get(number)
    }

    /// The number of the kernel of one state.
    #[inline]
    fn number_one(&mut self, state: u32) -> u32 {
        let known = self.of_one[state as usize];
        if known != NONE {
            return known;
        }
        let fresh = self.add(&[state], NONE);
        self.of_one[state as usize] = fresh;
        fresh
    }

    /// The number of a sorted, distinct, non-empty kernel.
    fn number(&mut self, kernel: &[u32]) -> u32 {
        if let &[state] = kernel {
            return self.number_one(state);
        }
        let fresh = self.len() as u32;
        let last = self.of_several.entry(FxBuildHasher.hash_one(kernel)).or_insert(NONE);
        let mut same_hash = *last;
        while same_hash != NONE {
            if self.lists.get(same_hash as usize) == kernel {
                return same_hash;
            }
            same_hash = self.before[same_hash as usize];
        }
        let before = std::mem::replace(last, fresh);
        self.add(kernel, before)
    }

    fn add(&mut self, kernel: &[u32], before: u32) -> u32 {
        let fresh = self.len() as u32;
        self.before.push(before);
        self.lists.elements.extend_from_slice(kernel);
        self.lists.ends.push(self.lists.elements.len() as u32);
        fresh
    }
}

/// What an edge does to the registers: whether it begins an iteration, and the marks.
type Effect = (bool, EdgeMarks);

/// A byte edge in one number, in the order of effect, range and target, so that comparing is one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ranged(u128);

impl Ranged {
    fn new((counts, marks): Effect, low: u8, high: u8, target: u32) -> Self {
        let effect = u128::from(counts) << 80 | u128::from(marks.to_bits()) << 48;
        Self(effect | u128::from(low) << 40 | u128::from(high) << 32 | u128::from(target))
    }

    fn effect(self) -> Effect {
        (self.0 >> 80 != 0, EdgeMarks::from_bits((self.0 >> 48) as u32))
    }

    fn low(self) -> u8 {
        (self.0 >> 40) as u8
    }

    fn high(self) -> u8 {
        (self.0 >> 32) as u8
    }

    fn target(self) -> u32 {
        self.0 as u32
    }
}

/// The consuming edges of a closure.
#[derive(Default)]
struct Outgoing {
    ranges: Vec<Ranged>,
    others: Vec<(Symbol, Effect, u32)>,
    bounds: Vec<u16>,
    /// The ranges that cover what lies between two bounds.
    covering: Vec<Ranged>,
    targets: Vec<u32>,
}

impl Outgoing {
    fn collect(&mut self, nfa: &Nfa, reached: &[Reached]) {
        self.ranges.clear();
        self.others.clear();
        // Where nothing is compared with the text of a part, it does not matter where the part begins.
        let compares = nfa.scope.as_ref().is_some_and(|rules| rules.elements.iter().any(|element| element.distinct));
        for &Reached { state, begun, marks } in reached {
            let effect = (begun, if compares { marks } else { marks.without_begin() });
            for (label, target) in nfa.edges(state) {
                match label {
                    Label::Epsilon | Label::BeginIteration | Label::BeginPart | Label::Select(_) | Label::Close => {}
                    Label::Bytes { low, high } => self.ranges.push(Ranged::new(effect, low, high, target)),
                    Label::Call(callee) | Label::NonEmptyCall(callee) => {
                        self.others.push((Symbol::Call(callee.as_u32()), effect, target));
                    }
                    Label::Token(set) => self.others.push((Symbol::Token(set), effect, target)),
                }
            }
        }
    }

    /// The same of states that do nothing but consume a byte, as most do; false of others.
    fn collect_plain(&mut self, nfa: &Nfa, kernel: &[u32]) -> bool {
        self.ranges.clear();
        self.others.clear();
        for &state in kernel {
            if let Some(EmbeddedState { edges, first, accepted }) = nfa.embedded_edges(state) {
                if accepted.is_some() {
                    return false;
                }
                let effect = (false, EdgeMarks::NONE);
                let ranges = edges.iter().map(|edge| Ranged::new(effect, edge.low, edge.high, first + edge.target));
                self.ranges.extend(ranges);
                continue;
            }
            for (label, target) in nfa.edges(state) {
                let Label::Bytes { low, high } = label else { return false };
                self.ranges.push(Ranged::new((false, EdgeMarks::NONE), low, high, target));
            }
        }
        true
    }

    /// Disjoint ranges are edges as they are; overlapping ones are split.
    fn byte_edges(&mut self, merge: Merge, kernels: &mut Kernels, edges: &mut Vec<Edge>) {
        if !self.ranges.is_sorted_by(|left, right| left < right) {
            self.ranges.sort_unstable();
            self.ranges.dedup();
        }
        for ranges in self.ranges.chunk_by(|a, b| a.0 >> 48 == b.0 >> 48) {
            let (counts, marks) = ranges[0].effect();
            if merge == Merge::Never || ranges.windows(2).all(|pair| pair[0].high() < pair[1].low()) {
                edges.extend(ranges.iter().map(|range| Edge {
                    symbol: Symbol::Bytes { low: range.low(), high: range.high() },
                    counts,
                    marks,
                    target: kernels.number(&[range.target()]),
                }));
                continue;
            }
            self.bounds.clear();
            self.bounds.extend(ranges.iter().flat_map(|range| [u16::from(range.low()), u16::from(range.high()) + 1]));
            self.bounds.sort_unstable();
            self.bounds.dedup();
            let mut rest = ranges;
            self.covering.clear();
            for bound in self.bounds.windows(2) {
                let (low, high) = (bound[0] as u8, (bound[1] - 1) as u8);
                self.covering.retain(|range| range.high() >= low);
                let begun = rest.iter().take_while(|range| range.low() == low).count();
                self.covering.extend_from_slice(&rest[..begun]);
                rest = &rest[begun..];
                self.targets.clear();
                self.targets.extend(self.covering.iter().map(|range| range.target()));
                if !self.targets.is_empty() {
                    self.targets.sort_unstable();
                    self.targets.dedup();
                    let target = kernels.number(&self.targets);
                    edges.push(Edge { symbol: Symbol::Bytes { low, high }, counts, marks, target });
                }
            }
        }
    }

    fn other_edges(&mut self, merge: Merge, kernels: &mut Kernels, edges: &mut Vec<Edge>) {
        self.others.sort_unstable();
        self.others.dedup();
        for group in self.others.chunk_by(|a, b| merge != Merge::Never && (a.0, a.1) == (b.0, b.1)) {
            let (symbol, (counts, marks), _) = group[0];
            self.targets.clear();
            self.targets.extend(group.iter().map(|&(_, _, target)| target));
            edges.push(Edge { symbol, counts, marks, target: kernels.number(&self.targets) });
        }
    }
}

/// Sorts edges and joins adjacent byte ranges that lead to the same state.
pub(super) fn join_ranges(edges: &mut Vec<Edge>) {
    if edges.len() < 2 {
        return;
    }
    let order = |edge: &Edge| (edge.symbol, edge.counts, edge.marks, edge.target);
    if !edges.is_sorted_by_key(order) {
        edges.sort_unstable_by_key(order);
    }
    edges.dedup_by(|next, last| {
        if let (Symbol::Bytes { low: last_low, high: last_high }, Symbol::Bytes { low, high }) =
            (last.symbol, next.symbol)
            && last_high.checked_add(1) == Some(low)
            && (last.counts, last.marks, last.target) == (next.counts, next.marks, next.target)
        {
            last.symbol = Symbol::Bytes { low: last_low, high };
            return true;
        }
        false
    });
}
