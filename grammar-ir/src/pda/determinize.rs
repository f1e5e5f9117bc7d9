//! ε-removal and determinisation of one procedure.
//!
//! The alphabet is byte ranges, callees and token sets, each with or without "begins an iteration". Two calls of one
//! procedure from one state become one call, which is what left factoring does to a grammar. Edges that differ in
//! whether they begin an iteration stay apart, since they lead to different counts.

use rustc_hash::FxHashMap;

use super::nfa::{Label, Marks, Nfa};
use super::nullable::{Reached, closure};
use crate::{Budget, LimitError};

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
}

impl Machine {
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
#[derive(Clone, Copy)]
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
    let mut machine = Machine { deterministic, ..Machine::default() };
    let mut numbers: FxHashMap<Box<[u32]>, u32> = FxHashMap::default();
    let mut kernels: Vec<Box<[u32]>> = vec![Box::new([nfa.start])];
    let mut marks = Marks::default();
    let mut reached: Vec<Reached> = Vec::new();
    let mut grouped: Vec<(Symbol, bool, Vec<u32>)> = Vec::new();
    let mut edges: Vec<Edge> = Vec::new();
    let mut next = 0;
    while next < kernels.len() {
        budget.tick()?;
        closure(nfa, &kernels[next], nullable, &mut marks, &mut reached);
        let finishes = reached.iter().any(|reached| reached.state == nfa.finish && !reached.begun);
        group_by_symbol(nfa, &reached, &mut grouped);
        edges.clear();
        for (symbol, counts, targets) in grouped.drain(..) {
            let mut number = |kernel: Box<[u32]>| {
                *numbers.entry(kernel).or_insert_with_key(|kernel| {
                    kernels.push(kernel.clone());
                    (kernels.len() - 1) as u32
                })
            };
            match merge {
                Merge::Targets { .. } => {
                    edges.push(Edge { symbol, counts, target: number(targets.into_boxed_slice()) });
                }
                Merge::Never => edges.extend(targets.into_iter().map(|target| Edge {
                    symbol,
                    counts,
                    target: number(Box::new([target])),
                })),
            }
        }
        join_ranges(&mut edges);
        // The start is not in `numbers`, so no edge leads to it: dropping the empty word there drops nothing else.
        machine.push_state(finishes && (next > 0 || keep_empty_word), edges.iter().copied());
        next += 1;
        if kernels.len() > bound {
            return Ok(None);
        }
    }
    Ok(Some(machine))
}

/// The consuming edges of a closure by symbol: disjoint byte ranges ascending, then calls, then tokens; targets sorted.
fn group_by_symbol(nfa: &Nfa, reached: &[Reached], grouped: &mut Vec<(Symbol, bool, Vec<u32>)>) {
    let mut ranges: Vec<(u8, u8, bool, u32)> = Vec::new();
    let mut others: Vec<(Symbol, bool, u32)> = Vec::new();
    for &Reached { state, begun } in reached {
        for (label, target) in nfa.edges(state) {
            match label {
                Label::Epsilon | Label::BeginIteration => {}
                Label::Bytes { low, high } => ranges.push((low, high, begun, target)),
                Label::Call(callee) | Label::NonEmptyCall(callee) => {
                    others.push((Symbol::Call(callee.as_u32()), begun, target))
                }
                Label::Token(set) => others.push((Symbol::Token(set), begun, target)),
            }
        }
    }
    for counts in [false, true] {
        let mut ranges: Vec<(u8, u8, u32)> = ranges
            .iter()
            .filter(|range| range.2 == counts)
            .map(|&(low, high, _, target)| (low, high, target))
            .collect();
        ranges.sort_unstable();
        ranges.dedup();
        if ranges.windows(2).all(|pair| pair[0].1 < pair[1].0) {
            grouped.extend(
                ranges.into_iter().map(|(low, high, target)| (Symbol::Bytes { low, high }, counts, vec![target])),
            );
        } else {
            split_overlaps(&ranges, counts, grouped);
        }
    }
    others.sort_unstable();
    others.dedup();
    for (symbol, counts, target) in others {
        match grouped.last_mut() {
            Some((last, last_counts, targets)) if *last == symbol && *last_counts == counts => targets.push(target),
            _ => grouped.push((symbol, counts, vec![target])),
        }
    }
}

/// Splits overlapping ranges into disjoint ones, each with all its targets.
fn split_overlaps(ranges: &[(u8, u8, u32)], counts: bool, grouped: &mut Vec<(Symbol, bool, Vec<u32>)>) {
    let mut bounds: Vec<u16> =
        ranges.iter().flat_map(|&(low, high, _)| [u16::from(low), u16::from(high) + 1]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    for bound in bounds.windows(2) {
        let (low, high) = (bound[0] as u8, (bound[1] - 1) as u8);
        let mut targets: Vec<u32> =
            ranges.iter().filter(|range| range.0 <= low && high <= range.1).map(|range| range.2).collect();
        if !targets.is_empty() {
            targets.sort_unstable();
            targets.dedup();
            grouped.push((Symbol::Bytes { low, high }, counts, targets));
        }
    }
}

/// Sorts edges and joins adjacent byte ranges that lead to the same state.
pub(super) fn join_ranges(edges: &mut Vec<Edge>) {
    edges.sort_unstable_by_key(|edge| (edge.symbol, edge.counts, edge.target));
    let mut joined: Vec<Edge> = Vec::with_capacity(edges.len());
    for &edge in edges.iter() {
        if let (Some(last), Symbol::Bytes { low, high }) = (joined.last_mut(), edge.symbol)
            && let Symbol::Bytes { low: last_low, high: last_high } = last.symbol
            && last_high.checked_add(1) == Some(low)
            && (last.counts, last.target) == (edge.counts, edge.target)
        {
            last.symbol = Symbol::Bytes { low: last_low, high };
            continue;
        }
        joined.push(edge);
    }
    *edges = joined;
}
