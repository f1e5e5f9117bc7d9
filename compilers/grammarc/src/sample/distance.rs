//! How far each state of an automaton is from the end of its procedure.
//!
//! Distances are numbers of bytes (a token terminal counts as one) of a shortest way, computed from the ends backwards
//! in the order of Knuth's generalisation of Dijkstra's algorithm (Inf. Process. Lett. 6, 1977): a call costs as much
//! as the shortest word of the procedure called, which is known before anything that needs it. What a scope asks for is
//! not in its states: its word is that of the first [plan](super::plan) that can be made of the words known by then. So
//! it may be longer than need be, but following plans never leads round in circles.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use grammar_ir::pda::{CallEdge, Pda};
use grammar_ir::{ProcedureId, StateId};

use super::plan::Plans;

/// Distances of one automaton.
#[derive(Debug)]
pub struct Distances {
    /// Per state: to the next accepting state of its procedure, whatever the count.
    to_end: Vec<u64>,
    /// Per procedure: its shortest word; of a scope, one that is not much longer.
    word: Vec<u64>,
    /// What was found on the way.
    plans: Plans,
}

/// More than any distance: there is no way, or it is not known yet.
pub(super) const UNKNOWN: u64 = u64::MAX;

impl Distances {
    /// The distances of `pda`.
    pub fn new(pda: &Pda) -> Self {
        Search::new(pda).run()
    }

    /// From `state` with this count to the end of its procedure.
    pub fn to_end(&self, pda: &Pda, state: StateId, count: u32) -> u64 {
        let to_end = self.to_end[state.index()];
        let procedure = pda.procedure_of(state);
        let Some(counter) = pda.procedure(procedure).counter else { return to_end };
        // Up to the end of this iteration, then one round from the start for each that is still missing. From the
        // start state, the way to the end is itself an iteration.
        let started = u32::from(state == pda.procedure(procedure).start());
        let missing = counter.min.saturating_sub(count.saturating_add(started));
        let round = self.to_end[pda.procedure(procedure).start().index()];
        to_end.saturating_add(round.saturating_mul(u64::from(missing)))
    }

    /// A short word of each procedure.
    pub(super) fn words(&self) -> &[u64] {
        &self.word
    }

    /// The plans by which the words of scopes are as long as they are.
    pub(super) fn plans(&self) -> &Plans {
        &self.plans
    }
}

struct Search<'p> {
    pda: &'p Pda,
    distances: Distances,
    /// Per state: the states with a byte or token edge to it.
    sources: Vec<Vec<StateId>>,
    /// Per state: the calls that return to it.
    returns: Vec<Vec<(StateId, ProcedureId)>>,
    /// Per procedure: the calls of it.
    calls: Vec<Vec<(StateId, StateId)>>,
    /// Per procedure: the scopes that call it.
    called: Vec<Vec<ProcedureId>>,
    /// Scopes that may have a plan now.
    scopes: Vec<ProcedureId>,
    agenda: BinaryHeap<Reverse<(u64, StateId)>>,
}

impl<'p> Search<'p> {
    fn new(pda: &'p Pda) -> Self {
        let mut search = Self {
            pda,
            distances: Distances {
                to_end: vec![UNKNOWN; pda.state_count()],
                word: vec![UNKNOWN; pda.procedures().len()],
                plans: Plans::default(),
            },
            scopes: Vec::new(),
            called: vec![Vec::new(); pda.procedures().len()],
            sources: vec![Vec::new(); pda.state_count()],
            returns: vec![Vec::new(); pda.state_count()],
            calls: vec![Vec::new(); pda.procedures().len()],
            agenda: BinaryHeap::new(),
        };
        for state in (0..pda.state_count() as u32).map(StateId::from_u32) {
            for edge in pda.byte_edges(state) {
                search.sources[edge.target.index()].push(state);
            }
            for edge in pda.token_edges(state) {
                search.sources[edge.target.index()].push(state);
            }
            for &CallEdge { procedure, target, .. } in pda.call_edges(state) {
                search.returns[target.index()].push((state, procedure));
                search.calls[procedure.index()].push((state, target));
                if pda.scope_of(state).is_some() {
                    search.called[procedure.index()].push(pda.procedure_of(state));
                }
            }
            if pda.is_accepting(state) {
                search.agenda.push(Reverse((0, state)));
            }
        }
        for index in 0..pda.procedures().len() as u32 {
            let procedure = ProcedureId::from_u32(index);
            search.called[procedure.index()].dedup();
            search.scopes.extend(pda.scope_of(pda.procedure(procedure).start()).map(|_| procedure));
        }
        search
    }

    fn run(mut self) -> Distances {
        loop {
            self.settle_states();
            let waiting = std::mem::take(&mut self.scopes);
            if waiting.is_empty() {
                return self.distances;
            }
            let Distances { word, plans, .. } = &mut self.distances;
            let unknown: BTreeSet<ProcedureId> =
                waiting.into_iter().filter(|scope| word[scope.index()] == UNKNOWN).collect();
            // All with the words known before this round: the shortest words come first.
            let planned: Vec<_> =
                unknown.into_iter().filter_map(|scope| Some((scope, plans.word(self.pda, word, scope)?))).collect();
            plans.forget_failures();
            planned.into_iter().for_each(|(scope, word)| self.found_word(scope, word));
        }
    }

    fn settle_states(&mut self) {
        while let Some(Reverse((distance, state))) = self.agenda.pop() {
            let known = &mut self.distances.to_end[state.index()];
            if *known != UNKNOWN {
                continue;
            }
            *known = distance;
            for source in std::mem::take(&mut self.sources[state.index()]) {
                self.found(source, distance.saturating_add(1));
            }
            for (source, callee) in std::mem::take(&mut self.returns[state.index()]) {
                self.found(source, distance.saturating_add(self.distances.word[callee.index()]));
            }
            let procedure = self.pda.procedure_of(state);
            if self.pda.procedure(procedure).start() == state && self.pda.scope_of(state).is_none() {
                self.settle_word(procedure, distance);
            }
        }
    }

    /// The start state of a procedure has been reached. A procedure has no empty word, so that its start state is
    /// accepting only if it is passed again; its shortest word is then not known from here, but is at least one byte.
    fn settle_word(&mut self, procedure: ProcedureId, distance: u64) {
        let rounds = self.pda.procedure(procedure).counter.map_or(1, |counter| counter.min.max(1));
        self.found_word(procedure, distance.max(1).saturating_mul(u64::from(rounds)));
    }

    fn found_word(&mut self, procedure: ProcedureId, word: u64) {
        self.distances.word[procedure.index()] = word;
        self.scopes.append(&mut self.called[procedure.index()]);
        for (source, target) in std::mem::take(&mut self.calls[procedure.index()]) {
            let rest = self.distances.to_end[target.index()];
            if rest != UNKNOWN {
                self.found(source, rest.saturating_add(word));
            }
        }
    }

    fn found(&mut self, state: StateId, distance: u64) {
        // A sum with an unknown distance stays unknown, and is found again once that is known.
        if distance != UNKNOWN && self.distances.to_end[state.index()] == UNKNOWN {
            self.agenda.push(Reverse((distance, state)));
        }
    }
}

#[cfg(test)]
mod tests {
    use grammar_ir::{Budget, Limits, passes, text};

    use super::*;

    fn shortest(source: &str) -> u64 {
        let limits = Limits::default();
        let mut budget = Budget::new(&limits);
        let grammar = passes::run(text::parse(source).expect("valid"), &mut budget).expect("within limits");
        let pda = Pda::new(&grammar, &mut budget).expect("within limits");
        Distances::new(&pda).to_end(&pda, pda.start(), 0)
    }

    #[test]
    fn shortest_words_are_as_long_as_they_should_be() {
        assert_eq!(shortest("root = \"abc\" | \"de\" ;"), 2);
        assert_eq!(shortest("root = \"(\" root \")\" | [0-9] ;"), 1);
        assert_eq!(shortest("root = \"[\" list \"]\" ; list = root | \"x\"{3} ;"), 5);
        assert_eq!(shortest("root = \"ab\"{700,800} \"c\" ;"), 1401);
        assert_eq!(shortest("root = \"ab\"* ;"), 0);
        assert_eq!(shortest("root = %token(3, 4) \"x\" ;"), 2);
    }
}
