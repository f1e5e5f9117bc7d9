//! Removes states that lead nowhere and merges states with the same language.
//!
//! Partition refinement by signatures (Blom & Orzan 2003, "Distributed branching bisimulation reduction of state spaces"),
//! of which only those are worked out anew that may have changed. It compares ranges of bytes as they are: refinement by
//! single transitions (Valmari 2012) has to cut all ranges of a machine where any of them begins, which for the keys of an
//! object is nearly everywhere.

use std::hash::Hasher;
use std::ops::Range;

use rustc_hash::{FxHashMap, FxHasher};

use super::EdgeMarks;
use super::determinize::{Edge, Machine, Symbol, join_ranges};
use super::nfa::Nfa;
use crate::{Budget, ByteAutomaton, ByteEdge, LimitError};

/// Of `machine`, at least one state in this many must be able to be equal to another for [`minimize`] to look for them.
const WORTHWHILE: usize = 4;

/// Trims `machine`, the one of `nfa`, whose start reaches all its states, and merges equal states if it is deterministic and
/// that can make a difference: where nearly all states are those of embedded automata, which are minimal, it would be a few
/// states less for a third of the time that all takes.
///
/// # Errors
/// When the time budget is used up.
pub(super) fn minimize(machine: Machine, nfa: &Nfa, budget: &mut Budget<'_>) -> Result<Machine, LimitError> {
    let others = machine.len().saturating_sub(nfa.embedded_count() as usize);
    if others * WORTHWHILE <= machine.len() && is_alive(nfa) {
        return Ok(machine);
    }
    merge_equal(machine, budget)
}

/// Trims `machine`, whose start reaches all its states, and merges equal states if it is deterministic.
fn merge_equal(mut machine: Machine, budget: &mut Budget<'_>) -> Result<Machine, LimitError> {
    let mut backward = Backward::of(&machine);
    if backward.distance[1..].contains(&UNREACHED) {
        machine = trim(machine);
        backward = Backward::of(&machine);
    }
    if !machine.deterministic || machine.len() < 2 {
        return Ok(machine);
    }
    let partition = refine(&machine, &backward, budget)?;
    if partition.blocks.len() == machine.len() {
        return Ok(machine);
    }
    Ok(quotient(&machine, &partition))
}

impl ByteAutomaton {
    /// The automaton of the fewest states for these words. With a counter: of those that count the same edges.
    ///
    /// An automaton that is a rule of its own is taken into a [`Pda`](super::Pda) as it is, so one that is made state by
    /// state is better minimised before.
    ///
    /// # Errors
    /// When the time budget is used up.
    pub fn minimized(&self, budget: &mut Budget<'_>) -> Result<Self, LimitError> {
        let machine = merge_equal(trim(Machine::of_automaton(self)), budget)?;
        let edge = |edge: &Edge| match edge.symbol {
            Symbol::Bytes { low, high } => Some(ByteEdge { low, high, target: edge.target, counts: edge.counts }),
            Symbol::Call(_) | Symbol::Token(_) => None,
        };
        let edges = (0..machine.len()).map(|state| machine.edges(state).iter().filter_map(edge).collect()).collect();
        Ok(Self { accepting: machine.accepting, edges, counter: self.counter })
    }
}

/// How often [`is_alive`] goes through the states.
const SWEEPS: usize = 12;

/// Whether every state of `nfa` leads to its finish; where states are in no order at all, it may say that it does not know.
fn is_alive(nfa: &Nfa) -> bool {
    let mut alive = vec![false; nfa.outer_count()];
    alive[nfa.outer(nfa.finish) as usize] = true;
    let mut missing = alive.len() - 1;
    let states: Vec<u32> = nfa.outer_states().collect();
    for sweep in 0..SWEEPS {
        let mut settle = |(number, &state): (usize, &u32)| {
            if !alive[number] && nfa.edges(state).any(|(_, target)| alive[nfa.outer(target) as usize]) {
                alive[number] = true;
                missing -= 1;
            }
        };
        match sweep % 2 {
            0 => states.iter().enumerate().rev().for_each(&mut settle),
            _ => states.iter().enumerate().for_each(&mut settle),
        }
        if missing == 0 {
            return true;
        }
    }
    false
}

/// Drops states that the start does not reach or that reach no accepting state, and edges to them. The start always
/// stays.
pub(super) fn trim(machine: Machine) -> Machine {
    let backward = Backward::of(&machine);
    let mut reached = vec![false; machine.len()];
    reached[0] = true;
    let mut work = vec![0];
    while let Some(state) = work.pop() {
        for edge in machine.edges(state as usize) {
            if !std::mem::replace(&mut reached[edge.target as usize], true) {
                work.push(edge.target);
            }
        }
    }
    let mut alive = reached;
    alive.iter_mut().zip(&backward.distance).for_each(|(alive, &distance)| *alive &= distance != UNREACHED);
    alive[0] = true;
    if alive.iter().all(|&alive| alive) {
        return machine;
    }
    let mut number = vec![0u32; machine.len()];
    for (count, (state, _)) in alive.iter().enumerate().filter(|(_, alive)| **alive).enumerate() {
        number[state] = count as u32;
    }
    let mut trimmed = Machine { deterministic: machine.deterministic, ..Machine::default() };
    for (state, _) in alive.iter().enumerate().filter(|(_, alive)| **alive) {
        let edges = machine.edges(state).iter().filter(|edge| alive[edge.target as usize]);
        trimmed.push_state(
            machine.accepting[state],
            edges.map(|edge| Edge { target: number[edge.target as usize], ..*edge }),
        );
    }
    trimmed
}

/// A machine read backwards.
struct Backward {
    /// Where each state's sources begin; one entry more than there are states.
    offsets: Vec<u32>,
    /// The states with an edge to each.
    sources: Vec<u32>,
    /// Per state: the least number of edges to an accepting one.
    distance: Vec<u32>,
}

/// The distance where there is no way.
const UNREACHED: u32 = u32::MAX;

impl Backward {
    fn of(machine: &Machine) -> Self {
        // The count of sources two entries ahead becomes where they begin, one entry ahead, and, filled, where they end.
        let mut offsets = vec![0u32; machine.len() + 2];
        for edge in &machine.edges {
            offsets[edge.target as usize + 2] += 1;
        }
        for state in 0..machine.len() {
            offsets[state + 2] += offsets[state + 1];
        }
        let mut sources = vec![0u32; machine.edges.len()];
        for state in 0..machine.len() {
            for edge in machine.edges(state) {
                let slot = &mut offsets[edge.target as usize + 1];
                sources[*slot as usize] = state as u32;
                *slot += 1;
            }
        }
        let mut backward = Self { offsets, sources, distance: vec![UNREACHED; machine.len()] };
        let mut queue: Vec<u32> = Vec::with_capacity(machine.len());
        queue.extend((0..machine.len() as u32).filter(|&state| machine.accepting[state as usize]));
        queue.iter().for_each(|&state| backward.distance[state as usize] = 0);
        let mut next = 0;
        while let Some(&state) = queue.get(next) {
            next += 1;
            let distance = backward.distance[state as usize] + 1;
            for position in backward.offsets[state as usize]..backward.offsets[state as usize + 1] {
                let source = backward.sources[position as usize];
                if backward.distance[source as usize] == UNREACHED {
                    backward.distance[source as usize] = distance;
                    queue.push(source);
                }
            }
        }
        backward
    }

    fn sources(&self, state: u32) -> &[u32] {
        &self.sources[self.offsets[state as usize] as usize..self.offsets[state as usize + 1] as usize]
    }
}

/// An edge as the refinement compares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Step {
    /// The number of the edge's symbol with its effects; byte edges differ in their effects only.
    class: u32,
    low: u8,
    high: u8,
    target: u32,
}

/// The edges of `machine`, in their order.
fn steps(machine: &Machine) -> Vec<Step> {
    let mut classes: FxHashMap<(Option<Symbol>, bool, EdgeMarks), u32> = FxHashMap::default();
    let mut class = |symbol, edge: &Edge| {
        let fresh = classes.len() as u32 + 1;
        *classes.entry((symbol, edge.counts, edge.marks)).or_insert(fresh)
    };
    let step = |edge: &Edge| match edge.symbol {
        // Most edges.
        Symbol::Bytes { low, high } if !edge.counts && edge.marks.is_none() => {
            Step { class: 0, low, high, target: edge.target }
        }
        Symbol::Bytes { low, high } => Step { class: class(None, edge), low, high, target: edge.target },
        symbol => Step { class: class(Some(symbol), edge), low: 0, high: 0, target: edge.target },
    };
    machine.edges.iter().map(step).collect()
}

/// A partition of the states.
struct Partition {
    block_of: Vec<u32>,
    /// The states, block by block.
    elements: Vec<u32>,
    location: Vec<u32>,
    /// Per block: its part of `elements`.
    blocks: Vec<Range<u32>>,
}

impl Partition {
    /// The states by their distance to acceptance. States of one language have the same, and it tells nearly all others
    /// apart at once that only the end of a long chain tells apart.
    fn by_distance(distance: &[u32]) -> Self {
        let len = distance.len();
        // A start from which nothing can be accepted is as far away as nothing else.
        let key = |state: u32| (distance[state as usize] as usize).min(len);
        let mut starts = vec![0u32; len + 2];
        for state in 0..len as u32 {
            starts[key(state) + 1] += 1;
        }
        let mut partition =
            Self { block_of: vec![0; len], elements: vec![0; len], location: vec![0; len], blocks: Vec::new() };
        let mut block_of_key = vec![0u32; len + 1];
        for key in 0..=len {
            let size = starts[key + 1];
            starts[key + 1] += starts[key];
            if size > 0 {
                block_of_key[key] = partition.blocks.len() as u32;
                partition.blocks.push(starts[key]..starts[key + 1]);
            }
        }
        for state in 0..len as u32 {
            let slot = &mut starts[key(state)];
            partition.elements[*slot as usize] = state;
            partition.location[state as usize] = *slot;
            partition.block_of[state as usize] = block_of_key[key(state)];
            *slot += 1;
        }
        partition
    }

    /// Moves `state` to the place `to` of `elements`.
    fn place(&mut self, state: u32, to: u32) {
        let from = self.location[state as usize];
        let other = self.elements[to as usize];
        self.elements.swap(from as usize, to as usize);
        self.location[other as usize] = from;
        self.location[state as usize] = to;
    }

    /// Moves states of `block` to a new one.
    fn split_off(&mut self, block: u32, states: impl ExactSizeIterator<Item = u32>, changed: &mut Vec<u32>) {
        let fresh = self.blocks.len() as u32;
        let end = self.blocks[block as usize].end;
        let start = end - states.len() as u32;
        for (state, to) in states.zip(start..end) {
            self.place(state, to);
            self.block_of[state as usize] = fresh;
            changed.push(state);
        }
        self.blocks[block as usize].end = start;
        self.blocks.push(start..end);
    }

    /// Splits the block of `compared` into those that are `equal` to each other, which stand together. Members that
    /// were not compared are still equal to each other, and to no other: those lead to a block that is new since.
    fn separate(
        &mut self,
        compared: &[Candidate],
        equal: impl Fn(&Candidate, &Candidate) -> bool,
        changed: &mut Vec<u32>,
    ) {
        let block = compared[0].block;
        let others = self.blocks[block as usize].len() - compared.len();
        let largest = compared.chunk_by(&equal).max_by_key(|group| group.len()).filter(|group| group.len() > others);
        for group in compared.chunk_by(&equal) {
            if largest.is_none_or(|largest| largest[0].state != group[0].state) {
                self.split_off(block, group.iter().map(|candidate| candidate.state), changed);
            }
        }
        if let Some(largest) = largest
            && others > 0
        {
            // Whoever is not of the largest group is moved: those are gathered at the end.
            let range = self.blocks[block as usize].clone();
            for (candidate, to) in largest.iter().zip(range.clone()) {
                self.place(candidate.state, to);
            }
            let others: Vec<u32> = self.elements[range.start as usize + largest.len()..range.end as usize].to_vec();
            self.split_off(block, others.into_iter(), changed);
        }
    }
}

/// A state whose signature is to be compared with those of the others in its block.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    block: u32,
    hash: u64,
    state: u32,
    /// Where its signature begins and ends among those of the round.
    signature: (u32, u32),
}

/// Per state: the number of its class of equivalent states.
///
/// A state's signature is what it does, with blocks for targets. In each round the states that lead to a state whose block
/// has changed are compared anew. As the largest part of a block keeps its number, a state changes its block at most
/// log n times. Should two signatures have one hash, equal states may be told apart, never different ones merged.
fn refine(machine: &Machine, backward: &Backward, budget: &mut Budget<'_>) -> Result<Partition, LimitError> {
    let steps = steps(machine);
    let mut partition = Partition::by_distance(&backward.distance);
    let mut dirty: Vec<u32> = (0..machine.len() as u32).collect();
    let mut is_dirty = vec![true; machine.len()];
    let mut signatures: Vec<Step> = Vec::new();
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut changed: Vec<u32> = Vec::new();
    while !dirty.is_empty() {
        signatures.clear();
        candidates.clear();
        for state in dirty.drain(..) {
            budget.tick()?;
            is_dirty[state as usize] = false;
            let block = partition.block_of[state as usize];
            if partition.blocks[block as usize].len() == 1 {
                continue;
            }
            let begin = signatures.len() as u32;
            let edges = machine.offsets[state as usize] as usize..machine.offsets[state as usize + 1] as usize;
            let hash = sign(&steps[edges], &partition.block_of, &mut signatures);
            candidates.push(Candidate { block, hash, state, signature: (begin, signatures.len() as u32) });
        }
        candidates.sort_unstable_by_key(|candidate| (candidate.block, candidate.hash));
        let equal = |a: &Candidate, b: &Candidate| {
            let signature = |of: &Candidate| &signatures[of.signature.0 as usize..of.signature.1 as usize];
            a.hash == b.hash && signature(a) == signature(b)
        };
        for compared in candidates.chunk_by(|a, b| a.block == b.block) {
            partition.separate(compared, equal, &mut changed);
        }
        for state in changed.drain(..) {
            for &source in backward.sources(state) {
                if !std::mem::replace(&mut is_dirty[source as usize], true) {
                    dirty.push(source);
                }
            }
        }
    }
    Ok(partition)
}

/// Appends the signature of a state to `signatures`; its hash.
fn sign(steps: &[Step], block_of: &[u32], signatures: &mut Vec<Step>) -> u64 {
    let begin = signatures.len();
    for &step in steps {
        let step = Step { target: block_of[step.target as usize], ..step };
        match signatures[begin..].last_mut() {
            Some(last)
                if (last.class, last.target) == (step.class, step.target)
                    && last.high.checked_add(1) == Some(step.low) =>
            {
                last.high = step.high;
            }
            _ => signatures.push(step),
        }
    }
    let mut hasher = FxHasher::default();
    for step in &signatures[begin..] {
        hasher.write_u64(u64::from(step.class) << 16 | u64::from(step.low) << 8 | u64::from(step.high));
        hasher.write_u32(step.target);
    }
    hasher.finish()
}

/// The machine whose states are the blocks, numbered so that the start is 0.
fn quotient(machine: &Machine, partition: &Partition) -> Machine {
    let block_of = &partition.block_of;
    let blocks = partition.blocks.len();
    let mut representative: Vec<Option<usize>> = vec![None; blocks];
    let mut number = vec![0u32; blocks];
    let mut order = Vec::with_capacity(blocks);
    for (state, &block) in block_of.iter().enumerate() {
        if representative[block as usize].is_none() {
            representative[block as usize] = Some(state);
            number[block as usize] = order.len() as u32;
            order.push(state);
        }
    }
    let mut quotient = Machine { deterministic: true, ..Machine::default() };
    let mut edges = Vec::new();
    for state in order {
        edges.clear();
        edges.extend(
            machine
                .edges(state)
                .iter()
                .map(|edge| Edge { target: number[block_of[edge.target as usize] as usize], ..*edge }),
        );
        join_ranges(&mut edges);
        quotient.push_state(machine.accepting[state], edges.iter().copied());
    }
    quotient
}
