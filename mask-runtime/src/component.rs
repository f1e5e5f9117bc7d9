//! States among which characters of a set lead to and fro.
//!
//! In a string that must match a pattern there may be no state with a loop, and still nearly every token fits: where the
//! pattern is only searched for, every character leads on to some state that reads every character. From a state whose
//! successors all read the characters of *S*, for so many steps, every token of that many characters of *S* fits,
//! whichever way it goes. Only the other tokens have to be walked.

use grammar_ir::pda::{ByteEdge, Pda};
use grammar_ir::regular::Utf8;
use grammar_ir::{CharSet, StateId};

use crate::loops::LoopSet;
use crate::stack::{Frame, Stack};

/// What is known of the states that a state leads to.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) set: LoopSet,
    /// So many characters of the set in a row can be read from the state.
    steps: u32,
    /// The states on the way that some registers or counts rule out.
    guarded: Box<[StateId]>,
}

/// A component is given up on with more states than this.
const MAX_STATES: usize = 64;
/// Fewer steps than this are not worth anything.
const MIN_STEPS: u32 = 3;
/// Fewer ASCII characters than this are not worth anything.
const MIN_ASCII: u32 = 10;

impl Component {
    pub(crate) fn of(pda: &Pda, state: StateId) -> Option<Self> {
        let mut set = characters(pda, state);
        if !is_wide(set) {
            return None;
        }
        let mut states = vec![state];
        let (mut level, mut steps) = (0, 1);
        loop {
            let past = states.len();
            for index in level..past {
                successors(pda, states[index], set, &mut states);
            }
            if states.len() == past {
                steps = u32::MAX;
                break;
            }
            let fewer = states[past..].iter().fold(set, |set, &state| set.intersection(characters(pda, state)));
            let nearly = fewer.ascii.count_ones() * 4 >= set.ascii.count_ones() * 3 && fewer.non_ascii == set.non_ascii;
            if !nearly || !is_wide(fewer) || states.len() > MAX_STATES {
                states.truncate(past);
                break;
            }
            set = fewer;
            level = past;
            steps += 1;
        }
        // The last characters lead to states whose own characters do not matter, but which must be possible.
        for index in level..states.len() {
            successors(pda, states[index], set, &mut states);
        }
        states.retain(|&state| pda.is_guarded(state));
        (steps >= MIN_STEPS).then(|| Self { set, steps, guarded: states.into() })
    }

    /// How many characters of the set `head`, in the state, can certainly read.
    pub(crate) fn steps(&self, pda: &Pda, head: Frame, stack: &mut Stack) -> u32 {
        let alive = match pda.scope_of(head.state) {
            Some(scope) => {
                let registers = &mut stack.registers;
                // Whether a part that is not shown can still become something new is not told from here.
                !(scope.has_traps() && registers.is_new_part(head.count))
                    && self.guarded.iter().all(|state| registers.is_alive(scope, head.count, state.as_u32()))
            }
            None => self.guarded.iter().all(|&state| pda.count_after(head.count, false, state).is_some()),
        };
        // No character is more than one count.
        let unchanged = pda.counts_unchanged(head.state, head.count);
        let unchanged = if unchanged == u32::MAX { u32::MAX } else { unchanged.saturating_sub(1) };
        if alive { self.steps.min(unchanged) } else { 0 }
    }
}

fn is_wide(set: LoopSet) -> bool {
    set.ascii.count_ones() >= MIN_ASCII || set.non_ascii
}

/// The first edge of `state` on `byte` that leaves the registers of scopes as they are.
fn edge_on(pda: &Pda, state: StateId, byte: u8) -> Option<&ByteEdge> {
    pda.byte_edges(state).iter().find(|edge| edge.low <= byte && byte <= edge.high && edge.marks.is_none())
}

/// The characters that `state` reads by its own edges.
fn characters(pda: &Pda, state: StateId) -> LoopSet {
    let ascii = (0..0x80u8).filter(|&byte| edge_on(pda, state, byte).is_some()).fold(0, |set, byte| set | 1 << byte);
    LoopSet { ascii, non_ascii: others(pda, state, &mut Vec::new()) }
}

/// Adds where characters of `set` lead from `state`.
fn successors(pda: &Pda, state: StateId, set: LoopSet, states: &mut Vec<StateId>) {
    let mut targets = Vec::new();
    for byte in (0..0x80u8).filter(|&byte| set.ascii >> byte & 1 == 1) {
        targets.extend(edge_on(pda, state, byte).map(|edge| edge.target));
    }
    if set.non_ascii {
        others(pda, state, &mut targets);
    }
    for target in targets {
        if !states.contains(&target) {
            states.push(target);
        }
    }
}

/// Whether `state` reads every character past ASCII; adds where they lead.
fn others(pda: &Pda, state: StateId, targets: &mut Vec<StateId>) -> bool {
    Utf8::range_sequences(&CharSet::range('\u{80}', char::MAX))
        .iter()
        .all(|sequence| reads_all(pda, state, sequence, targets))
}

/// Whether every word of `ranges` leads on from `from`; adds where they lead.
fn reads_all(pda: &Pda, from: StateId, ranges: &[(u8, u8)], targets: &mut Vec<StateId>) -> bool {
    let Some((&(low, high), rest)) = ranges.split_first() else {
        targets.push(from);
        return true;
    };
    let mut next = low;
    loop {
        let Some(edge) = edge_on(pda, from, next) else { return false };
        if !reads_all(pda, edge.target, rest, targets) {
            return false;
        }
        if edge.high >= high {
            return true;
        }
        next = edge.high + 1;
    }
}
