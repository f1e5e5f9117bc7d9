//! Free texts of several kinds next to each other, as one automaton.
//!
//! A state is the set of the free texts that the text so far can have come to, each with the state of its own automaton,
//! together with the state of the automaton that keeps watch for the ends of tags across their borders.

use grammar_ir::{Budget, ByteAutomaton, ByteEdge, ByteEdges, LimitError, LimitKind};
use rustc_hash::FxHashMap;

use super::positions::Positions;
use super::{Starts, TextKind};

/// More states than this are refused.
const MAX_STATES: usize = 1 << 16;

/// The state of the ends, and positions with the states of their automata, ascending.
type State = (u32, Vec<(usize, u32)>);

/// The automaton.
pub(super) struct Product {
    states: Vec<State>,
    edges: Vec<ByteEdges>,
}

impl Product {
    /// The free texts that begin with one of `texts`.
    ///
    /// # Errors
    /// When a limit is met.
    pub(super) fn new(
        texts: &[usize],
        positions: &Positions,
        kinds: &[TextKind],
        ends: &TextKind,
        budget: &mut Budget<'_>,
    ) -> Result<Self, LimitError> {
        let first: State = (0, closure(texts.iter().map(|&text| (text, 0)).collect(), positions, kinds));
        let mut ids: FxHashMap<State, u32> = FxHashMap::default();
        ids.insert(first.clone(), 0);
        let mut product = Self { states: vec![first], edges: Vec::new() };
        while let Some((end, members)) = product.states.get(product.edges.len()).cloned() {
            budget.tick()?;
            let automata: Vec<(usize, &ByteAutomaton, u32)> =
                members.iter().filter_map(|&(at, state)| Some((at, automaton(at, positions, kinds)?, state))).collect();
            // Between two cuts all edges do the same.
            let mut cuts: Vec<u16> = Vec::new();
            let all = automata.iter().map(|&(_, automaton, state)| (automaton, state));
            for (automaton, state) in all.chain([(&*ends.texts, end)]) {
                for edge in &automaton.edges[state as usize] {
                    cuts.extend([u16::from(edge.low), u16::from(edge.high) + 1]);
                }
            }
            cuts.sort_unstable();
            cuts.dedup();
            let mut edges = ByteEdges::new();
            for cut in cuts.windows(2) {
                let (low, high) = (cut[0] as u8, (cut[1] - 1) as u8);
                let Some(end) = ends.texts.edge(end, low).map(|edge| edge.target) else { continue };
                let after = automata
                    .iter()
                    .filter_map(|&(at, automaton, state)| Some((at, automaton.edge(state, low)?.target)));
                let after = closure(after.collect(), positions, kinds);
                if after.is_empty() {
                    continue;
                }
                let state = (end, after);
                let target = match ids.get(&state) {
                    Some(&id) => id,
                    None => {
                        let id = product.states.len() as u32;
                        if product.states.len() >= MAX_STATES {
                            return Err(LimitError::new(LimitKind::States, MAX_STATES));
                        }
                        ids.insert(state.clone(), id);
                        product.states.push(state);
                        id
                    }
                };
                match edges.last_mut() {
                    Some(edge) if edge.target == target && edge.high.checked_add(1) == Some(low) => edge.high = high,
                    _ => edges.push(ByteEdge { low, high, target, counts: false }),
                }
            }
            product.edges.push(edges);
        }
        Ok(product)
    }

    /// What is not free text and may follow one of the free texts.
    pub(super) fn followers(&self, positions: &Positions) -> Vec<usize> {
        let mut texts: Vec<usize> = self.states.iter().flat_map(|(_, members)| members).map(|&(at, _)| at).collect();
        texts.sort_unstable();
        texts.dedup();
        let follow = texts.iter().flat_map(|&text| positions.follow(text)).copied();
        let mut followers: Vec<usize> = follow.filter(|&position| positions.kind_of(position).is_none()).collect();
        followers.sort_unstable();
        followers.dedup();
        followers
    }

    /// Per state: whether `position` may follow.
    pub(super) fn before(&self, position: usize, positions: &Positions, kinds: &[TextKind]) -> Vec<bool> {
        let starts = positions.starts(position);
        let fits = |&(text, state): &(usize, u32)| {
            positions.follow(text).contains(&position)
                && is_whole(text, state, positions, kinds)
                && starts.as_ref().is_none_or(|starts| starts[node(state, starts.len())])
        };
        self.states.iter().map(|(_, members)| members.iter().any(fits)).collect()
    }

    /// Per state: whether the whole may end, before something that may follow `starts`.
    pub(super) fn before_end(
        &self,
        starts: &Starts,
        positions: &Positions,
        kinds: &[TextKind],
        ends: &TextKind,
    ) -> Vec<bool> {
        let nodes = ends.free.node_count();
        let may_end = |end: u32| starts.as_ref().is_none_or(|starts| starts[node(end, nodes)]);
        let is_end = |&(text, state): &(usize, u32)| positions.is_last(text) && is_whole(text, state, positions, kinds);
        self.states.iter().map(|(end, members)| may_end(*end) && members.iter().any(is_end)).collect()
    }

    /// The texts that end in states that are `accepting`.
    pub(super) fn automaton(&self, accepting: Vec<bool>) -> ByteAutomaton {
        ByteAutomaton { accepting, edges: self.edges.clone(), ..ByteAutomaton::default() }
    }
}

/// The node of a state: those past the nodes are within a character, where nothing has begun.
fn node(state: u32, nodes: usize) -> usize {
    if (state as usize) < nodes { state as usize } else { 0 }
}

fn automaton<'k>(position: usize, positions: &Positions, kinds: &'k [TextKind]) -> Option<&'k ByteAutomaton> {
    positions.kind_of(position).map(|kind| &*kinds[kind].texts)
}

/// Whether the free text at `position` may end in `state`.
fn is_whole(position: usize, state: u32, positions: &Positions, kinds: &[TextKind]) -> bool {
    automaton(position, positions, kinds).is_some_and(|automaton| automaton.accepting[state as usize])
}

/// `members` and the free texts that may begin after one of them.
fn closure(mut members: Vec<(usize, u32)>, positions: &Positions, kinds: &[TextKind]) -> Vec<(usize, u32)> {
    let mut next = 0;
    while let Some(&(text, state)) = members.get(next) {
        next += 1;
        if !is_whole(text, state, positions, kinds) {
            continue;
        }
        for &follower in positions.follow(text) {
            if positions.kind_of(follower).is_some() && !members.contains(&(follower, 0)) {
                members.push((follower, 0));
            }
        }
    }
    members.sort_unstable();
    members.dedup();
    members
}
