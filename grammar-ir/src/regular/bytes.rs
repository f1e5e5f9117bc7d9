//! From characters to bytes: replaces every edge by the spellings of its characters.

use rustc_hash::FxHashMap;

use super::Spelling;
use super::automaton::CharAutomaton;
use crate::{Budget, ByteAutomaton, ByteEdge, ByteEdges, ByteSet, CharSet, Counter, LimitError};

/// A way to go on: what is missing of a spelling, and then to a state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Rest {
    /// An index into the interned rests; [`END`] when no byte is missing.
    rest: u32,
    /// The state of the character automaton that follows.
    target: u32,
}

const END: u32 = u32::MAX;

/// Interned rests of spellings: equal rests have equal numbers.
#[derive(Default)]
struct Rests {
    numbers: FxHashMap<(ByteSet, u32), u32>,
    list: Vec<Head>,
}

/// The first bytes of a rest, as maximal runs, and the rest after them.
struct Head {
    runs: Box<[(u8, u8)]>,
    next: u32,
}

impl Rests {
    fn intern(&mut self, sequence: &[ByteSet]) -> u32 {
        sequence.iter().rev().fold(END, |next, &bytes| {
            let new = self.list.len() as u32;
            let number = *self.numbers.entry((bytes, next)).or_insert(new);
            if number == new {
                self.list.push(Head { runs: bytes.ranges().collect(), next });
            }
            number
        })
    }
}

impl CharAutomaton {
    /// The automaton over bytes that reads the texts of the language as `spelling` writes them.
    ///
    /// # Errors
    /// When the automaton exceeds the limits of `budget`.
    pub fn to_bytes(&self, spelling: &dyn Spelling, budget: &mut Budget<'_>) -> Result<ByteAutomaton, LimitError> {
        self.spelled(spelling, None, budget)
    }

    /// The automaton over bytes that reads those texts of the language that have between `counter.min` and `counter.max`
    /// characters. It takes no more states than [`to_bytes`](Self::to_bytes): characters are counted.
    ///
    /// # Errors
    /// When the automaton exceeds the limits of `budget`.
    pub fn to_counted_bytes(
        &self,
        counter: Counter,
        spelling: &dyn Spelling,
        budget: &mut Budget<'_>,
    ) -> Result<ByteAutomaton, LimitError> {
        self.spelled(spelling, Some(counter), budget)
    }

    fn spelled(
        &self,
        spelling: &dyn Spelling,
        counter: Option<Counter>,
        budget: &mut Budget<'_>,
    ) -> Result<ByteAutomaton, LimitError> {
        let mut rests = Rests::default();
        let mut spelled: FxHashMap<CharSet, Vec<u32>> = FxHashMap::default();
        let mut numbers: FxHashMap<Vec<Rest>, u32> = FxHashMap::default();
        let mut automaton = ByteAutomaton { accepting: self.accepting.clone(), edges: Vec::new(), counter };
        // States of the result: those of the characters first, then one per set of rests.
        let mut pending: Vec<Vec<Rest>> = Vec::new();
        for state in 0..self.state_count() as u32 {
            let mut ways = Vec::new();
            for (target, set) in self.edges(state) {
                budget.tick()?;
                let spellings = spelled.entry(set).or_insert_with_key(|set| {
                    spelling.sequences(set).iter().map(|sequence| rests.intern(sequence)).collect()
                });
                ways.extend(spellings.iter().map(|&rest| Rest { rest, target }));
            }
            pending.push(ways);
        }
        while let Some(ways) = pending.get(automaton.edges.len()) {
            // A character is counted where it begins, which is where no part of it has been read.
            let counts = counter.is_some() && automaton.edges.len() < self.state_count();
            let mut edges = ByteEdges::new();
            for (bytes, next) in split_by_byte(ways, &rests) {
                budget.tick()?;
                let target = match next[0] {
                    Rest { rest: END, target } => target,
                    _ => match numbers.get(&next) {
                        Some(&number) => number,
                        None => {
                            let number = pending.len() as u32;
                            budget.check_states(pending.len() + 1)?;
                            pending.push(next.clone());
                            automaton.accepting.push(false);
                            numbers.insert(next, number);
                            number
                        }
                    },
                };
                edges.extend(bytes.ranges().map(|(low, high)| ByteEdge { low, high, target, counts }));
            }
            edges.sort_unstable();
            edges.dedup_by(|later, earlier| {
                let adjacent = later.target == earlier.target && u16::from(earlier.high) + 1 == u16::from(later.low);
                if adjacent {
                    earlier.high = later.high;
                }
                adjacent
            });
            automaton.edges.push(edges);
        }
        Ok(automaton)
    }
}

/// Where each byte leads; bytes that lead to the same rests together.
fn split_by_byte(ways: &[Rest], rests: &Rests) -> Vec<(ByteSet, Vec<Rest>)> {
    let runs_of = |way: &Rest| rests.list[way.rest as usize].runs.iter();
    let mut starts = [false; 257];
    for &(low, high) in ways.iter().flat_map(runs_of) {
        starts[usize::from(low)] = true;
        starts[usize::from(high) + 1] = true;
    }
    // Per byte, and per the end of the bytes, the run that it is part of.
    let mut run_of = [0usize; 257];
    let mut bounds: Vec<usize> = Vec::new();
    for (byte, run) in run_of.iter_mut().enumerate() {
        if starts[byte] {
            bounds.push(byte);
        }
        *run = bounds.len().saturating_sub(1);
    }
    let mut runs: Vec<Vec<Rest>> = vec![Vec::new(); bounds.len()];
    for way in ways {
        let Head { runs: own, next } = &rests.list[way.rest as usize];
        for &(low, high) in own {
            for run in &mut runs[run_of[usize::from(low)]..=run_of[usize::from(high)]] {
                run.push(Rest { rest: *next, target: way.target });
            }
        }
    }
    let mut split: Vec<(ByteSet, Vec<Rest>)> = Vec::new();
    let mut known: FxHashMap<Vec<Rest>, usize> = FxHashMap::default();
    for (index, mut run) in runs.into_iter().enumerate().filter(|(_, run)| !run.is_empty()) {
        let (low, high) = (bounds[index] as u8, (bounds[index + 1] - 1) as u8);
        run.sort_unstable();
        run.dedup();
        let place = match known.get(&run) {
            Some(&place) => place,
            None => {
                known.insert(run.clone(), split.len());
                split.push((ByteSet::EMPTY, run));
                split.len() - 1
            }
        };
        split[place].0.insert_range(low, high);
    }
    split
}
