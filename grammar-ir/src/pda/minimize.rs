//! Removes states that lead nowhere and merges states with the same language.
//!
//! Partition refinement by transitions (Valmari 2012, "Fast brief practical DFA minimization"), which suits partial
//! automata and takes O(m log m) for m transitions.

use rustc_hash::FxHashMap;

use super::EdgeMarks;
use super::determinize::{Edge, Machine, Symbol, join_ranges};
use crate::{Budget, LimitError};

/// Above this many transitions by byte class a machine is only trimmed: the refinement needs about 40 bytes for each.
const MAX_TRANSITIONS: usize = 8_000_000;

/// Trims `machine`, and merges equal states if it is deterministic.
///
/// # Errors
/// When the time budget is used up.
pub(super) fn minimize(machine: Machine, budget: &mut Budget<'_>) -> Result<Machine, LimitError> {
    let machine = trim(machine);
    if !machine.deterministic || machine.len() < 2 {
        return Ok(machine);
    }
    let Some(transitions) = transitions(&machine) else {
        return Ok(machine);
    };
    budget.check_time()?;
    let block_of = refine(&machine, &transitions, budget)?;
    Ok(quotient(&machine, &block_of))
}

/// Drops states that the start does not reach or that reach no accepting state, and edges to them. The start always
/// stays.
pub(super) fn trim(machine: Machine) -> Machine {
    let (offsets, incoming) = incoming(&machine);
    let mut alive: Vec<bool> = machine.accepting.clone();
    let mut work: Vec<u32> = (0..machine.len() as u32).filter(|&state| alive[state as usize]).collect();
    while let Some(state) = work.pop() {
        for &source in &incoming[offsets[state as usize] as usize..offsets[state as usize + 1] as usize] {
            if !std::mem::replace(&mut alive[source as usize], true) {
                work.push(source);
            }
        }
    }
    let mut reached = vec![false; machine.len()];
    reached[0] = true;
    work.push(0);
    while let Some(state) = work.pop() {
        for edge in machine.edges(state as usize) {
            if !std::mem::replace(&mut reached[edge.target as usize], true) {
                work.push(edge.target);
            }
        }
    }
    alive.iter_mut().zip(reached).for_each(|(alive, reached)| *alive &= reached);
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

/// The sources of the edges to each state: where each state's begin, and all of them.
fn incoming(machine: &Machine) -> (Vec<u32>, Vec<u32>) {
    let mut offsets = vec![0u32; machine.len() + 1];
    for edge in &machine.edges {
        offsets[edge.target as usize + 1] += 1;
    }
    for state in 0..machine.len() {
        offsets[state + 1] += offsets[state];
    }
    let mut fill = offsets.clone();
    let mut sources = vec![0u32; machine.edges.len()];
    for state in 0..machine.len() {
        for edge in machine.edges(state) {
            let slot = &mut fill[edge.target as usize];
            sources[*slot as usize] = state as u32;
            *slot += 1;
        }
    }
    (offsets, sources)
}

/// `(label, source, target)` with byte ranges split so that equal bytes have equal labels; `None` when there are too
/// many.
fn transitions(machine: &Machine) -> Option<Vec<(u32, u32, u32)>> {
    let mut starts = [false; 257];
    for edge in &machine.edges {
        if let Symbol::Bytes { low, high } = edge.symbol {
            starts[usize::from(low)] = true;
            starts[usize::from(high) + 1] = true;
        }
    }
    let mut class_of = [0u32; 256];
    let mut class = 0;
    for byte in 0..256 {
        class += u32::from(starts[byte]);
        class_of[byte] = class;
    }
    // Labels below `first_other` are byte classes; callees, token sets and marks are numbered as they are met.
    let mut effects: FxHashMap<EdgeMarks, u32> = FxHashMap::from_iter([(EdgeMarks::NONE, 0)]);
    for edge in machine.edges.iter().filter(|edge| !edge.marks.is_none()) {
        let fresh = effects.len() as u32;
        effects.entry(edge.marks).or_insert(fresh);
    }
    let effects_of = |edge: &Edge| 2 * effects[&edge.marks] + u32::from(edge.counts);
    let width = 2 * effects.len() as u32;
    let first_other = width.checked_mul(class + 1)?;
    let mut others: FxHashMap<(Symbol, bool, EdgeMarks), u32> = FxHashMap::default();
    let mut transitions = Vec::with_capacity(machine.edges.len());
    for state in 0..machine.len() {
        for edge in machine.edges(state) {
            if transitions.len() > MAX_TRANSITIONS {
                return None;
            }
            if let Symbol::Bytes { low, high } = edge.symbol {
                let classes = class_of[usize::from(low)]..=class_of[usize::from(high)];
                let effect = effects_of(edge);
                let label = |class| width * class + effect;
                transitions.extend(classes.map(|class| (label(class), state as u32, edge.target)));
            } else {
                let fresh = first_other + others.len() as u32;
                let label = *others.entry((edge.symbol, edge.counts, edge.marks)).or_insert(fresh);
                transitions.push((label, state as u32, edge.target));
            }
        }
    }
    Some(transitions)
}

/// A partition of `0..n` whose blocks can be split by marking elements.
struct Partition {
    /// The elements, block by block.
    elements: Vec<u32>,
    location: Vec<u32>,
    block_of: Vec<u32>,
    first: Vec<u32>,
    past: Vec<u32>,
    marked: Vec<u32>,
    touched: Vec<u32>,
}

impl Partition {
    fn new(len: usize) -> Self {
        let mut partition = Self {
            elements: (0..len as u32).collect(),
            location: (0..len as u32).collect(),
            block_of: vec![0; len],
            first: Vec::new(),
            past: Vec::new(),
            marked: Vec::new(),
            touched: Vec::new(),
        };
        if len > 0 {
            partition.first.push(0);
            partition.past.push(len as u32);
            partition.marked.push(0);
        }
        partition
    }

    fn blocks(&self) -> usize {
        self.first.len()
    }

    fn mark(&mut self, element: u32) {
        let block = self.block_of[element as usize] as usize;
        let from = self.location[element as usize];
        let to = self.first[block] + self.marked[block];
        if from < to {
            return;
        }
        let other = self.elements[to as usize];
        self.elements.swap(from as usize, to as usize);
        self.location[other as usize] = from;
        self.location[element as usize] = to;
        if self.marked[block] == 0 {
            self.touched.push(block as u32);
        }
        self.marked[block] += 1;
    }

    /// Splits every touched block into its marked and unmarked elements; the smaller part gets the new number.
    fn split(&mut self) {
        while let Some(block) = self.touched.pop() {
            let block = block as usize;
            let middle = self.first[block] + std::mem::take(&mut self.marked[block]);
            if middle == self.past[block] {
                continue;
            }
            let (first, past) = if middle - self.first[block] <= self.past[block] - middle {
                let part = (self.first[block], middle);
                self.first[block] = middle;
                part
            } else {
                let part = (middle, self.past[block]);
                self.past[block] = middle;
                part
            };
            let fresh = self.first.len() as u32;
            self.first.push(first);
            self.past.push(past);
            self.marked.push(0);
            for position in first..past {
                self.block_of[self.elements[position as usize] as usize] = fresh;
            }
        }
    }
}

/// Per state: the number of its class of equivalent states.
fn refine(machine: &Machine, transitions: &[(u32, u32, u32)], budget: &mut Budget<'_>) -> Result<Vec<u32>, LimitError> {
    let mut states = Partition::new(machine.len());
    for (state, _) in machine.accepting.iter().enumerate().filter(|(_, accepting)| **accepting) {
        states.mark(state as u32);
    }
    states.split();

    // Transitions start out partitioned by label.
    let mut cords = Partition::new(transitions.len());
    cords.elements.sort_unstable_by_key(|&transition| transitions[transition as usize].0);
    cords.first.clear();
    cords.past.clear();
    cords.marked.clear();
    for position in 0..transitions.len() {
        let transition = cords.elements[position] as usize;
        let label = |position: usize| transitions[cords.elements[position] as usize].0;
        if position == 0 || label(position - 1) != label(position) {
            if position > 0 {
                cords.past.push(position as u32);
            }
            cords.first.push(position as u32);
            cords.marked.push(0);
        }
        cords.location[transition] = position as u32;
        cords.block_of[transition] = (cords.first.len() - 1) as u32;
    }
    if !transitions.is_empty() {
        cords.past.push(transitions.len() as u32);
    }

    // Incoming transitions of each state.
    let mut offsets = vec![0u32; machine.len() + 1];
    for &(_, _, target) in transitions {
        offsets[target as usize + 1] += 1;
    }
    for state in 0..machine.len() {
        offsets[state + 1] += offsets[state];
    }
    let mut fill = offsets.clone();
    let mut incoming = vec![0u32; transitions.len()];
    for (index, &(_, _, target)) in transitions.iter().enumerate() {
        incoming[fill[target as usize] as usize] = index as u32;
        fill[target as usize] += 1;
    }

    let mut next_block = 1;
    let mut next_cord = 0;
    while next_cord < cords.blocks() {
        budget.tick()?;
        for position in cords.first[next_cord]..cords.past[next_cord] {
            states.mark(transitions[cords.elements[position as usize] as usize].1);
        }
        states.split();
        next_cord += 1;
        while next_block < states.blocks() {
            for position in states.first[next_block]..states.past[next_block] {
                let state = states.elements[position as usize] as usize;
                for &transition in &incoming[offsets[state] as usize..offsets[state + 1] as usize] {
                    cords.mark(transition);
                }
            }
            cords.split();
            next_block += 1;
        }
    }
    Ok(states.block_of)
}

/// The machine whose states are the blocks, numbered so that the start is 0.
fn quotient(machine: &Machine, block_of: &[u32]) -> Machine {
    let blocks = block_of.iter().max().map_or(0, |&max| max as usize + 1);
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
