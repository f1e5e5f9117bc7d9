//! States among which characters of a set lead to and fro.
//!
//! In a string that must match a pattern there may be no state with a loop, and still nearly every token fits: where the
//! pattern is only searched for, every character leads on to some state that reads every character. From a state whose
//! successors all read the characters of *S*, for so many steps, every token of that many characters of *S* fits,
//! whichever way it goes. Only the other tokens have to be walked.

use std::sync::{Arc, Mutex, PoisonError};

use grammar_ir::StateId;
use grammar_ir::pda::{ByteEdge, Pda};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::loops::{LoopSet, ascii_of};
use crate::past_ascii::{PastAscii, Reading as PastReading, Ways, leading};
use crate::stack::{Frame, Stack};
use crate::thresholds::Thresholds;

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

impl Component {
    /// The components of `state`, the one of the largest set first, and the other states of which they are the components
    /// too.
    pub(crate) fn of(pda: &Pda, state: StateId, least: &Thresholds, known: &KnownWays) -> (Vec<Self>, Vec<StateId>) {
        let (characters, ways) = (FxHashMap::default(), FxHashMap::default());
        let mut reading = Reading { pda, least, known, characters, ways };
        let mut set = reading.characters(state);
        for _ in 0..MAX_ATTEMPTS {
            if !is_wide(&set, least) {
                break;
            }
            match reading.follow(state, set.clone()) {
                Attempt::Done(mut components, others) => {
                    components.retain(|component| component.steps >= least.component_steps);
                    return (components, others);
                }
                Attempt::Without(smaller) => set = smaller,
            }
        }
        (Vec::new(), Vec::new())
    }

    /// How many characters of the set `head`, in the state, can certainly read.
    pub(crate) fn steps(&self, pda: &Pda, head: Frame, stack: &mut Stack) -> u32 {
        let alive = match pda.scope_of(head.state) {
            Some(scope) => self.guarded.iter().all(|state| stack.registers.is_alive(scope, head.count, state.as_u32())),
            None => self.guarded.iter().all(|&state| pda.count_after(head.count, false, state).is_some()),
        };
        // No character is more than one count.
        let unchanged = pda.counts_unchanged(head.state, head.count);
        let unchanged = if unchanged == u32::MAX { u32::MAX } else { unchanged.saturating_sub(1) };
        if alive { self.steps.min(unchanged) } else { 0 }
    }
}

/// Whether `head` is in a state with which no component is of use: where most characters lead cannot be now. In an object in
/// which the keys to come are known, that is so of all other keys.
pub(crate) fn is_out_of_reach(pda: &Pda, head: Frame, stack: &mut Stack) -> bool {
    let widest = plain_edges(pda, head.state).max_by_key(|edge| ascii_of(edge).count_ones());
    let Some(target) = widest.map(|edge| edge.target).filter(|&target| pda.is_guarded(target)) else { return false };
    match pda.scope_of(target) {
        Some(scope) => !stack.registers.is_alive(scope, head.count, target.as_u32()),
        None => pda.count_after(head.count, false, target).is_none(),
    }
}

/// Characters that lead somewhere.
#[derive(Debug, Clone, Copy)]
enum Characters {
    Ascii(u128),
    /// From the one to the other.
    PastAscii(u32, u32),
}

/// What came of following the characters of a set.
enum Attempt {
    Done(Vec<Component>, Vec<StateId>),
    /// Some characters of the set lead out; these do not, or not at once.
    Without(LoopSet),
}

/// What states read, each looked at once.
struct Reading<'a> {
    pda: &'a Pda,
    least: &'a Thresholds,
    known: &'a KnownWays,
    characters: FxHashMap<StateId, LoopSet>,
    ways: FxHashMap<StateId, Arc<PastWays>>,
}

/// Where characters past ASCII lead from a state.
#[derive(Debug, Default)]
struct PastWays {
    /// Nothing if that is too varied.
    ways: Ways,
    /// Those that lead anywhere.
    set: PastAscii,
}

/// The ways of states by their edges on bytes past ASCII, which many states of a grammar have in common.
#[derive(Debug, Default)]
pub(crate) struct KnownWays(Mutex<FxHashMap<Box<[ByteEdge]>, Arc<PastWays>>>);

impl KnownWays {
    fn get(&self, pda: &Pda, state: StateId) -> Arc<PastWays> {
        let edges: Box<[ByteEdge]> =
            pda.byte_edges(state).iter().filter(|edge| !edge.high.is_ascii()).copied().collect();
        if edges.is_empty() {
            return Arc::default();
        }
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&edges) {
            return Arc::clone(known);
        }
        let plain = |edge: &ByteEdge| edge.marks.is_none();
        let reading = PastReading { pda, first: &plain, other: &plain, inner: &|_| true, single: false };
        let ways = reading.ways(state).unwrap_or_default();
        let set = if ways.is_empty() { PastAscii::None } else { leading(&ways, |_| true) };
        Arc::clone(lock().entry(edges).or_insert(Arc::new(PastWays { ways, set })))
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(edges, known)| size_of_val(&**edges) + size_of_val(known.ways.as_slice())).sum()
    }
}

impl Reading<'_> {
    /// The characters that `state` reads by its own edges.
    fn characters(&mut self, state: StateId) -> LoopSet {
        let pda = self.pda;
        if let Some(known) = self.characters.get(&state) {
            return known.clone();
        }
        let past_ascii = self.ways(state).set.clone();
        let ascii = plain_edges(pda, state).fold(0, |set, edge| set | ascii_of(edge));
        let set = LoopSet { ascii, past_ascii };
        self.characters.insert(state, set.clone());
        set
    }

    fn ways(&mut self, state: StateId) -> &PastWays {
        self.ways.entry(state).or_insert_with(|| self.known.get(self.pda, state))
    }

    /// Where characters of `set` lead from `state`.
    fn targets(&mut self, state: StateId, set: &LoopSet) -> Vec<(Characters, StateId)> {
        let mut targets: Vec<(Characters, StateId)> = plain_edges(self.pda, state)
            .map(|edge| (ascii_of(edge) & set.ascii, edge.target))
            .filter(|&(characters, _)| characters != 0)
            .map(|(characters, target)| (Characters::Ascii(characters), target))
            .collect();
        if !set.past_ascii.is_empty() {
            let reads = |&&(low, high, _): &&(u32, u32, Option<StateId>)| set.past_ascii.has_some_of(low, high);
            let past = self.ways(state).ways.iter().filter(reads);
            targets.extend(past.filter_map(|&(low, high, target)| Some((Characters::PastAscii(low, high), target?))));
        }
        targets
    }

    /// Follows the characters of `set` from `start`.
    fn follow(&mut self, start: StateId, mut set: LoopSet) -> Attempt {
        let mut states = vec![start];
        let mut seen = FxHashSet::from_iter([start]);
        let (mut level, mut steps) = (0, 1);
        let mut larger: Option<(LoopSet, u32)> = None;
        loop {
            let past = states.len();
            let (mut unlike, mut unlike_past) = (0, Vec::new());
            for index in level..past {
                for (characters, target) in self.targets(states[index], &set) {
                    if seen.contains(&target) {
                        continue;
                    }
                    if is_like(&self.characters(target), &set) {
                        seen.insert(target);
                        states.push(target);
                    } else {
                        match characters {
                            Characters::Ascii(characters) => unlike |= characters,
                            Characters::PastAscii(low, high) => unlike_past.push((low, high)),
                        }
                    }
                }
            }
            if unlike != 0 || !unlike_past.is_empty() {
                let smaller = LoopSet { ascii: set.ascii & !unlike, past_ascii: set.past_ascii.without(unlike_past) };
                if level == 0 || is_like(&smaller, &set) {
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
            let smaller =
                states[past..].iter().fold(set.clone(), |set, &state| set.intersection(&self.characters(state)));
            if larger.is_none() && steps >= self.least.component_steps && loses_much(&set, &smaller) {
                larger = Some((set, steps));
            }
            set = smaller;
            level = past;
            steps += 1;
        }
        let mut guarded = states.clone();
        if steps < u32::MAX {
            // The last characters may lead to any states, but these must be possible.
            for &state in &states[level..] {
                guarded.extend(self.targets(state, &set).into_iter().map(|(_, target)| target));
            }
            states.clear();
        }
        guarded.retain(|&state| self.pda.is_guarded(state));
        let guarded: Box<[StateId]> = guarded.into();
        let larger = larger.map(|(set, steps)| Component { set, steps, guarded: guarded.clone() });
        if larger.is_some() {
            // How many steps it is good for differs from state to state.
            states.clear();
        }
        // Who reads much more may have a better one.
        states.retain(|&state| !loses_much(&self.characters(state), &set));
        Attempt::Done(larger.into_iter().chain([Component { set, steps, guarded: guarded.clone() }]).collect(), states)
    }
}

/// Whether a state that reads `characters` reads nearly all of `set`.
fn is_like(characters: &LoopSet, set: &LoopSet) -> bool {
    (characters.ascii & set.ascii).count_ones() * 4 >= set.ascii.count_ones() * 3
        && (set.past_ascii.is_empty() || !characters.past_ascii.is_empty())
}

/// Whether what `smaller` leaves out of `set` is in many tokens: a space, which half of them begin with, or several others.
fn loses_much(set: &LoopSet, smaller: &LoopSet) -> bool {
    let lost = set.ascii & !smaller.ascii;
    lost >> b' ' & 1 == 1 || lost.count_ones() >= 8
}

fn is_wide(set: &LoopSet, least: &Thresholds) -> bool {
    set.ascii.count_ones() >= least.component_characters
        || !set.past_ascii.is_empty() && least.component_characters != u32::MAX
}

/// Whether `state` may read a set that is large enough; without it, it has no component.
#[inline]
pub(crate) fn may_be_wide(pda: &Pda, state: StateId, least: &Thresholds) -> bool {
    let ascii = plain_edges(pda, state).fold(0, |set, edge| set | ascii_of(edge));
    ascii.count_ones() >= least.component_characters || plain_edges(pda, state).any(|edge| !edge.high.is_ascii())
}

/// The edges of `state` that leave the registers of scopes as they are.
fn plain_edges(pda: &Pda, state: StateId) -> impl Iterator<Item = &ByteEdge> {
    pda.byte_edges(state).iter().filter(|edge| edge.marks.is_none())
}
