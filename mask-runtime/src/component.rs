//! States among which characters of a set lead to and fro.
//!
//! In a string that must match a pattern there may be no state with a loop, and still nearly every token fits: where the
//! pattern is only searched for, every character leads on to some state that reads every character. From a state whose
//! successors all read the characters of *S*, for so many steps, every token of that many characters of *S* fits,
//! whichever way it goes. Only the other tokens have to be walked.

use grammar_ir::pda::{ByteEdge, Pda};
use grammar_ir::regular::Utf8;
use grammar_ir::{CharSet, StateId};
use rustc_hash::{FxHashMap, FxHashSet};

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
const MAX_STATES: usize = 512;
/// Characters are left out of a set so often, until nothing leads out that is not a good way on.
const MAX_ATTEMPTS: usize = 8;
/// Fewer steps than this are not worth anything.
const MIN_STEPS: u32 = 3;
/// Fewer ASCII characters than this are not worth anything.
const MIN_ASCII: u32 = 10;

impl Component {
    /// The component of `state`, and the other states of which it is the component too.
    pub(crate) fn of(pda: &Pda, state: StateId) -> Option<(Self, Vec<StateId>)> {
        let mut reading = Reading { pda, characters: FxHashMap::default() };
        let mut set = reading.characters(state);
        for _ in 0..MAX_ATTEMPTS {
            if !is_wide(set) {
                break;
            }
            match reading.follow(state, set) {
                Attempt::Done(component, others) => {
                    return (component.steps >= MIN_STEPS).then_some((component, others));
                }
                Attempt::Without(smaller) => set = smaller,
            }
        }
        None
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

/// What came of following the characters of a set.
enum Attempt {
    Done(Component, Vec<StateId>),
    /// Some characters of the set lead out; these do not, or not at once.
    Without(LoopSet),
}

/// What states read, each looked at once.
struct Reading<'a> {
    pda: &'a Pda,
    characters: FxHashMap<StateId, LoopSet>,
}

impl Reading<'_> {
    /// The characters that `state` reads by its own edges.
    fn characters(&mut self, state: StateId) -> LoopSet {
        let pda = self.pda;
        *self.characters.entry(state).or_insert_with(|| LoopSet {
            ascii: plain_edges(pda, state).fold(0, |set, edge| set | ascii_of(edge)),
            non_ascii: others(pda, state, &mut Vec::new()),
        })
    }

    /// Follows the characters of `set` from `start`.
    fn follow(&mut self, start: StateId, mut set: LoopSet) -> Attempt {
        let mut states = vec![start];
        let mut seen = FxHashSet::from_iter([start]);
        let (mut level, mut steps) = (0, 1);
        loop {
            let past = states.len();
            let mut unlike = LoopSet::default();
            for index in level..past {
                for (characters, target) in targets(self.pda, states[index], set) {
                    if seen.contains(&target) {
                        continue;
                    }
                    if is_like(self.characters(target), set) {
                        seen.insert(target);
                        states.push(target);
                    } else {
                        unlike = unlike.union(characters);
                    }
                }
            }
            if unlike != LoopSet::default() {
                let smaller = set.without(unlike);
                if level == 0 || is_like(smaller, set) {
                    return Attempt::Without(smaller);
                }
                states.truncate(past);
                break;
            }
            if states.len() == past {
                steps = u32::MAX;
                break;
            }
            if states.len() > MAX_STATES {
                break;
            }
            set = states[past..].iter().fold(set, |set, &state| set.intersection(self.characters(state)));
            level = past;
            steps += 1;
        }
        let mut guarded = states.clone();
        if steps < u32::MAX {
            // The last characters may lead to any states, but these must be possible.
            for &state in &states[level..] {
                guarded.extend(targets(self.pda, state, set).into_iter().map(|(_, target)| target));
            }
            states.clear();
        }
        guarded.retain(|&state| self.pda.is_guarded(state));
        Attempt::Done(Component { set, steps, guarded: guarded.into() }, states)
    }
}

/// Whether a state that reads `characters` reads nearly all of `set`.
fn is_like(characters: LoopSet, set: LoopSet) -> bool {
    (characters.ascii & set.ascii).count_ones() * 4 >= set.ascii.count_ones() * 3
        && (characters.non_ascii || !set.non_ascii)
}

fn is_wide(set: LoopSet) -> bool {
    set.ascii.count_ones() >= MIN_ASCII || set.non_ascii
}

/// The edges of `state` that leave the registers of scopes as they are.
fn plain_edges(pda: &Pda, state: StateId) -> impl Iterator<Item = &ByteEdge> {
    pda.byte_edges(state).iter().filter(|edge| edge.marks.is_none())
}

/// The ASCII characters that an edge is on.
fn ascii_of(edge: &ByteEdge) -> u128 {
    if !edge.low.is_ascii() {
        return 0;
    }
    let width = u32::from(edge.high.min(0x7f) - edge.low) + 1;
    (u128::MAX >> (128 - width)) << edge.low
}

/// Where characters of `set` lead from `state`.
fn targets(pda: &Pda, state: StateId, set: LoopSet) -> Vec<(LoopSet, StateId)> {
    let mut targets: Vec<(LoopSet, StateId)> = plain_edges(pda, state)
        .map(|edge| (LoopSet { ascii: ascii_of(edge) & set.ascii, non_ascii: false }, edge.target))
        .filter(|(characters, _)| characters.ascii != 0)
        .collect();
    if set.non_ascii {
        let mut past_ascii = Vec::new();
        others(pda, state, &mut past_ascii);
        past_ascii.sort_unstable();
        past_ascii.dedup();
        targets.extend(past_ascii.into_iter().map(|target| (LoopSet { ascii: 0, non_ascii: true }, target)));
    }
    targets
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
        let on_next = |edge: &&ByteEdge| edge.low <= next && next <= edge.high;
        let Some(edge) = plain_edges(pda, from).find(on_next) else { return false };
        if !reads_all(pda, edge.target, rest, targets) {
            return false;
        }
        if edge.high >= high {
            return true;
        }
        next = edge.high + 1;
    }
}
