//! Minimisation: Hopcroft's algorithm, then a canonical numbering of classes and states.
//!
//! J. Hopcroft, "An n log n algorithm for minimizing states in a finite automaton", 1971; the array layout of blocks
//! follows A. Valmari, "Fast brief practical DFA minimization", 2012.

use rustc_hash::FxHashMap;

use super::Alphabet;
use super::automaton::{CharAutomaton, DEAD};
use crate::{Budget, LimitError};

/// The minimal automaton of a table whose states are all reachable from state 0.
pub(super) fn minimize(
    alphabet: &Alphabet,
    table: &[u32],
    accepting: &[bool],
    budget: &mut Budget<'_>,
) -> Result<CharAutomaton, LimitError> {
    let classes = alphabet.class_count();
    let block_of = Partition::refine(table, accepting, classes, budget)?;
    let sink = block_of[accepting.len()];
    if block_of[0] == sink {
        return Ok(CharAutomaton::never());
    }
    let (alphabet, columns) = merge_columns(alphabet, table, &block_of, sink, budget)?;

    // Breadth-first in the order of classes: the canonical numbering.
    let mut numbers: FxHashMap<u32, u32> = FxHashMap::from_iter([(block_of[0], 0)]);
    let mut order = vec![0usize];
    let mut minimal = CharAutomaton { alphabet, table: Vec::new(), accepting: Vec::new() };
    while let Some(&state) = order.get(minimal.accepting.len()) {
        minimal.accepting.push(accepting[state]);
        for &column in &columns {
            let target = table[state * classes + column as usize];
            if target == DEAD || block_of[target as usize] == sink {
                minimal.table.push(DEAD);
                continue;
            }
            let number = *numbers.entry(block_of[target as usize]).or_insert_with(|| {
                order.push(target as usize);
                order.len() as u32 - 1
            });
            minimal.table.push(number);
        }
        budget.tick()?;
    }
    Ok(minimal)
}

/// Joins the classes on which no state tells a difference; also one old class per new one.
fn merge_columns(
    alphabet: &Alphabet,
    table: &[u32],
    block_of: &[u32],
    sink: u32,
    budget: &mut Budget<'_>,
) -> Result<(Alphabet, Vec<u32>), LimitError> {
    let classes = alphabet.class_count();
    // Refine the partition of the columns row by row; a row can only split.
    let mut labels = vec![0u32; classes];
    let mut count = 1;
    let mut splits: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    for row in table.chunks_exact(classes) {
        if count == classes {
            break;
        }
        budget.tick()?;
        splits.clear();
        for (label, &target) in labels.iter_mut().zip(row) {
            let block = if target == DEAD { sink } else { block_of[target as usize] };
            let next = splits.len() as u32;
            *label = *splits.entry((*label, block)).or_insert(next);
        }
        count = splits.len();
    }
    Ok(alphabet.merge(&labels))
}

/// A partition of the states `0..n` and the sink `n` into blocks; the members of a block are contiguous.
struct Partition {
    members: Vec<u32>,
    place: Vec<u32>,
    block_of: Vec<u32>,
    /// Per block: first member, one past the last, and how many members at its front are marked.
    blocks: Vec<(u32, u32, u32)>,
}

impl Partition {
    /// The coarsest partition that respects acceptance and all transitions: per state, the sink last, its block.
    fn refine(
        table: &[u32],
        accepting: &[bool],
        classes: usize,
        budget: &mut Budget<'_>,
    ) -> Result<Vec<u32>, LimitError> {
        let states = accepting.len() + 1;
        let predecessors = Predecessors::new(table, states, classes);
        let mut partition = Self {
            members: (0..states as u32).collect(),
            place: (0..states as u32).collect(),
            block_of: vec![0; states],
            blocks: vec![(0, states as u32, 0)],
        };
        let mut touched = Vec::new();
        let mut waiting = vec![0u32];
        for (state, &accepts) in accepting.iter().enumerate() {
            if accepts {
                partition.mark(state as u32, &mut touched);
            }
        }
        partition.split(&mut touched, &mut waiting);
        let mut splitter = Vec::new();
        while let Some(block) = waiting.pop() {
            let (first, end, _) = partition.blocks[block as usize];
            splitter.clear();
            splitter.extend_from_slice(&partition.members[first as usize..end as usize]);
            for class in 0..classes {
                for &state in &splitter {
                    budget.tick()?;
                    for &before in predecessors.of(state, class) {
                        partition.mark(before, &mut touched);
                    }
                }
                partition.split(&mut touched, &mut waiting);
            }
        }
        Ok(partition.block_of)
    }

    /// Moves `state` to the marked front of its block.
    fn mark(&mut self, state: u32, touched: &mut Vec<u32>) {
        let block = self.block_of[state as usize];
        let (first, _, marked) = &mut self.blocks[block as usize];
        let (from, to) = (self.place[state as usize], *first + *marked);
        if from < to {
            return;
        }
        if *marked == 0 {
            touched.push(block);
        }
        *marked += 1;
        self.members.swap(from as usize, to as usize);
        self.place[self.members[from as usize] as usize] = from;
        self.place[state as usize] = to;
    }

    /// Makes the smaller part of each half-marked block a block of its own.
    fn split(&mut self, touched: &mut Vec<u32>, waiting: &mut Vec<u32>) {
        for block in touched.drain(..) {
            let (first, end, marked) = self.blocks[block as usize];
            self.blocks[block as usize].2 = 0;
            let middle = first + marked;
            if middle == end {
                continue;
            }
            let new = self.blocks.len() as u32;
            let ((kept_first, kept_end), (new_first, new_end)) = if marked <= end - middle {
                ((middle, end), (first, middle))
            } else {
                ((first, middle), (middle, end))
            };
            self.blocks[block as usize] = (kept_first, kept_end, 0);
            self.blocks.push((new_first, new_end, 0));
            for &member in &self.members[new_first as usize..new_end as usize] {
                self.block_of[member as usize] = new;
            }
            // The new block is the smaller one. That is enough: the other still waits or has been a splitter as part
            // of the whole.
            waiting.push(new);
        }
    }
}

/// The inverse of a transition table, by target and class.
struct Predecessors {
    classes: usize,
    offsets: Vec<usize>,
    sources: Vec<u32>,
}

impl Predecessors {
    fn new(table: &[u32], states: usize, classes: usize) -> Self {
        let sink = states - 1;
        let slot = |target: u32, class: usize| {
            let target = if target == DEAD { sink } else { target as usize };
            target * classes + class
        };
        // The sink has no row in the table; it leads to itself.
        let entries = || {
            let rows = table.iter().enumerate().map(|(index, &target)| (index / classes, index % classes, target));
            rows.chain((0..classes).map(move |class| (sink, class, DEAD)))
        };
        let mut offsets = vec![0; states * classes + 1];
        for (_, class, target) in entries() {
            offsets[slot(target, class) + 1] += 1;
        }
        for index in 1..offsets.len() {
            offsets[index] += offsets[index - 1];
        }
        let mut next = offsets.clone();
        let mut sources = vec![0; states * classes];
        for (source, class, target) in entries() {
            let place = &mut next[slot(target, class)];
            sources[*place] = source as u32;
            *place += 1;
        }
        Self { classes, offsets, sources }
    }

    fn of(&self, state: u32, class: usize) -> &[u32] {
        let slot = state as usize * self.classes + class;
        &self.sources[self.offsets[slot]..self.offsets[slot + 1]]
    }
}
