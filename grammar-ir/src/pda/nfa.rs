//! The non-deterministic form of one procedure: what `lower` builds and `determinize` reads.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::EdgeMarks;
use crate::{ByteAutomaton, ByteEdge, Counter, ProcedureId, ScopeRules, Temperature};

/// What an edge consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Label {
    /// Nothing.
    Epsilon,
    /// Nothing; what is consumed next counts.
    BeginIteration,
    /// Nothing; begins a part that selects an element of the procedure's scope.
    BeginPart,
    /// Nothing; ends such a part and selects the element.
    Select(u32),
    /// Nothing; the scope's rules must be met.
    Close,
    /// One byte of `low..=high`.
    Bytes { low: u8, high: u8 },
    /// A word of a procedure.
    Call(ProcedureId),
    /// A word of a procedure, but not the empty one.
    NonEmptyCall(ProcedureId),
    /// A token of the set with this index.
    Token(u32),
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    label: Label,
    target: u32,
    /// The next edge of the same state, or `NONE`.
    next: u32,
}

const NONE: u32 = u32::MAX;
/// In the place of the first edge of a state of an embedded automaton, plus the automaton's index.
const EMBEDDED: u32 = 1 << 31;

/// What a counted procedure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) counter: Counter,
    pub(super) of: CountedKind,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CountedKind {
    /// Iterations of a repetition.
    Iterations {
        /// Where an iteration begins, after its `BeginIteration` edge.
        body_start: u32,
        /// Where an iteration ends.
        body_end: u32,
    },
    /// Edges of an automaton: a `BeginIteration` edge comes before each that counts. It calls nothing.
    Edges,
}

/// An automaton embedded in a procedure. Its states have numbers there, its edges stay where they are.
#[derive(Debug, Clone)]
struct Embedded {
    automaton: Arc<ByteAutomaton>,
    states: Range<u32>,
    /// How many states of others come before.
    before: u32,
    /// Where the way leads from its accepting states, outside of embedded automata.
    to: u32,
}

/// The edges of a state of an embedded automaton.
#[derive(Debug, Clone, Copy)]
pub(super) struct EmbeddedState<'a> {
    /// The edges, ascending and disjoint.
    pub(super) edges: &'a [ByteEdge],
    /// The start of the automaton: what to add to targets.
    pub(super) first: u32,
    /// Where the way leads on if the automaton accepts here.
    pub(super) accepted: Option<u32>,
}

/// A procedure as an automaton with ε-edges, one start and one finish state. Edges are kept as one linked list per
/// state, so that a literal of a million bytes is two flat arrays.
#[derive(Debug, Clone)]
pub(super) struct Nfa {
    pub(super) name: String,
    first_edge: Vec<u32>,
    edges: Vec<Edge>,
    pub(super) start: u32,
    pub(super) finish: u32,
    pub(super) counted: Option<Counted>,
    /// What is asked of the marks, if the procedure is a scope.
    pub(super) scope: Option<Box<ScopeRules>>,
    /// The automaton that the procedure consists of, if it is one already. Its states are not copied here: there are only
    /// start and finish, with an ε-edge between them if the automaton accepts the empty word.
    pub(super) automaton: Option<Arc<ByteAutomaton>>,
    /// The automata embedded here, ascending by their states.
    embedded: Vec<Embedded>,
    /// How many edges are in embedded automata.
    edge_count: usize,
    /// [`Procedure::max_tokens`](super::Procedure::max_tokens).
    pub(super) max_tokens: Option<u32>,
    /// [`Procedure::temperature`](super::Procedure::temperature).
    pub(super) temperature: Option<Temperature>,
}

impl Nfa {
    pub(super) fn new(name: String) -> Self {
        let mut nfa = Self {
            name,
            first_edge: Vec::new(),
            edges: Vec::new(),
            start: 0,
            finish: 0,
            counted: None,
            scope: None,
            automaton: None,
            embedded: Vec::new(),
            edge_count: 0,
            max_tokens: None,
            temperature: None,
        };
        nfa.start = nfa.add_state();
        nfa.finish = nfa.add_state();
        nfa
    }

    /// A procedure whose words are those of `automaton`.
    pub(super) fn of_automaton(name: String, automaton: &Arc<ByteAutomaton>) -> Self {
        let mut nfa = Self::new(name);
        if automaton.accepting.first() == Some(&true) {
            nfa.add_edge(nfa.start, Label::Epsilon, nfa.finish);
        }
        nfa.counted = automaton.counter.map(|counter| Counted { counter, of: CountedKind::Edges });
        nfa.automaton = Some(Arc::clone(automaton));
        nfa
    }

    pub(super) fn add_state(&mut self) -> u32 {
        self.first_edge.push(NONE);
        (self.first_edge.len() - 1) as u32
    }

    pub(super) fn add_edge(&mut self, from: u32, label: Label, target: u32) {
        let next = self.first_edge[from as usize];
        self.first_edge[from as usize] = self.edges.len() as u32;
        self.edges.push(Edge { label, target, next });
    }

    /// Drops the edges that leave `state`.
    pub(super) fn remove_edges(&mut self, state: u32) {
        self.first_edge[state as usize] = NONE;
    }

    pub(super) fn len(&self) -> usize {
        self.first_edge.len()
    }

    /// Adds the states of `automaton`, which has no counter, and from whose every state the way leads to acceptance, and from
    /// there to `to`. The answer is its start.
    pub(super) fn embed(&mut self, automaton: &Arc<ByteAutomaton>, to: u32) -> u32 {
        let (first, before) = (self.len() as u32, self.embedded_count());
        self.first_edge.resize(self.len() + automaton.edges.len(), EMBEDDED + self.embedded.len() as u32);
        let states = first..self.len() as u32;
        self.edge_count += automaton.edges.iter().map(|edges| edges.len()).sum::<usize>();
        self.embedded.push(Embedded { automaton: Arc::clone(automaton), states, before, to });
        first
    }

    /// How many states are those of embedded automata.
    pub(super) fn embedded_count(&self) -> u32 {
        self.embedded.last().map_or(0, |last| last.before + last.states.len() as u32)
    }

    /// How many states are not.
    pub(super) fn outer_count(&self) -> usize {
        self.len() - self.embedded_count() as usize
    }

    /// The number of `state` among those outside of embedded automata; of one inside, that of the state behind its automaton,
    /// which has the same way ahead.
    pub(super) fn outer(&self, state: u32) -> u32 {
        if let Some(embedded) = self.embedded_at(state) {
            return self.outer(embedded.to);
        }
        let number = self.embedded.partition_point(|embedded| embedded.states.end <= state);
        state - self.embedded.get(number).map_or(self.embedded_count(), |embedded| embedded.before)
    }

    /// What `of_outer` says of each state outside of embedded automata, by their numbers, said of every state: of one inside
    /// as of the one behind its automaton.
    pub(super) fn spread(&self, of_outer: &[u32]) -> Vec<u32> {
        let mut spread = Vec::with_capacity(self.len());
        for embedded in &self.embedded {
            let next = spread.len() - embedded.before as usize;
            let outside = embedded.states.start as usize - spread.len();
            spread.extend_from_slice(&of_outer[next..next + outside]);
            spread.resize(embedded.states.end as usize, of_outer[self.outer(embedded.to) as usize]);
        }
        spread.extend_from_slice(&of_outer[spread.len() - self.embedded_count() as usize..]);
        spread
    }

    /// The states outside of embedded automata, ascending.
    pub(super) fn outer_states(&self) -> impl Iterator<Item = u32> {
        let starts = self.embedded.iter().map(|embedded| embedded.states.start).chain([self.len() as u32]);
        let ends = [0].into_iter().chain(self.embedded.iter().map(|embedded| embedded.states.end));
        ends.zip(starts).flat_map(|(end, start)| end..start)
    }

    /// About how many edges there are.
    pub(super) fn edge_count(&self) -> usize {
        self.edge_count + self.edges.len()
    }

    /// The edges of a state.
    pub(super) fn edges(&self, state: u32) -> impl Iterator<Item = (Label, u32)> + '_ {
        let embedded = self.embedded_edges(state);
        let accepted = embedded.and_then(|state| state.accepted).map(|to| (Label::Epsilon, to));
        let bytes = embedded.into_iter().flat_map(|EmbeddedState { edges, first, .. }| {
            edges.iter().map(move |edge| (Label::Bytes { low: edge.low, high: edge.high }, first + edge.target))
        });
        let mut next = self.first_edge[state as usize];
        let own = std::iter::from_fn(move || {
            let edge = self.edges.get(next as usize)?;
            next = edge.next;
            Some((edge.label, edge.target))
        });
        own.chain(bytes).chain(accepted)
    }

    /// The embedded automaton that `state` belongs to.
    #[inline]
    fn embedded_at(&self, state: u32) -> Option<&Embedded> {
        let first = self.first_edge[state as usize];
        if first < EMBEDDED { None } else { self.embedded.get((first - EMBEDDED) as usize) }
    }

    /// The edges of a state of an embedded automaton; `None` of any other state.
    #[inline]
    pub(super) fn embedded_edges(&self, state: u32) -> Option<EmbeddedState<'_>> {
        let Embedded { automaton, states, to, .. } = self.embedded_at(state)?;
        let local = (state - states.start) as usize;
        let accepted = automaton.accepting[local].then_some(*to);
        Some(EmbeddedState { edges: &automaton.edges[local], first: states.start, accepted })
    }

    /// Copies all states and edges of `other` into `self`; the answer is what to add to a state number of `other`.
    pub(super) fn append(&mut self, other: &Self) -> u32 {
        let states = self.first_edge.len() as u32;
        let edges = self.edges.len() as u32;
        let automata = self.embedded.len() as u32;
        let shift = |edge: u32| match edge {
            NONE => NONE,
            EMBEDDED.. => edge + automata,
            _ => edge + edges,
        };
        let before = self.embedded_count();
        self.embedded.extend(other.embedded.iter().map(|embedded| Embedded {
            automaton: Arc::clone(&embedded.automaton),
            states: embedded.states.start + states..embedded.states.end + states,
            before: embedded.before + before,
            to: embedded.to + states,
        }));
        self.edge_count += other.edge_count;
        self.first_edge.extend(other.first_edge.iter().map(|&first| shift(first)));
        self.edges.extend(other.edges.iter().map(|edge| Edge {
            label: edge.label,
            target: edge.target + states,
            next: shift(edge.next),
        }));
        states
    }
}

/// States already met in one traversal, forgotten in constant time.
#[derive(Debug, Default)]
pub(super) struct Marks {
    stamps: Vec<u32>,
    current: u32,
    /// States met after marks.
    marked: FxHashSet<(u32, EdgeMarks)>,
}

impl Marks {
    /// Forgets all marks and makes room for `len` states.
    pub(super) fn reset(&mut self, len: usize) {
        self.marked.clear();
        self.current = self.current.wrapping_add(1);
        if self.current == 0 || self.stamps.len() < len {
            self.stamps.clear();
            self.stamps.resize(len, 0);
            self.current = 1;
        }
    }

    /// The same for a state that is met after `marks`.
    pub(super) fn mark_after(&mut self, state: u32, marks: EdgeMarks) -> bool {
        if marks.is_none() { self.mark(state) } else { self.marked.insert((state, marks)) }
    }

    /// Marks `state`; false when it was marked before.
    pub(super) fn mark(&mut self, state: u32) -> bool {
        let stamp = &mut self.stamps[state as usize];
        let fresh = *stamp != self.current;
        *stamp = self.current;
        fresh
    }
}
