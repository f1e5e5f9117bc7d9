//! How a scope is brought to its end.
//!
//! What a scope asks for may be in any order and need any of its parts, so the shortest way to its end is not looked for:
//! the first step is to the nearest place where less is asked for, from there to the next, and so on. What such a search
//! finds is remembered, so that whoever follows a plan searches once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use grammar_ir::pda::{EdgeMarks, Pda, Scope};
use grammar_ir::{ProcedureId, StateId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::distance::UNKNOWN;
use super::selection::Selections;

/// A state, and the count or in a scope what has been selected.
pub(super) type Place = (StateId, u32);

/// An edge of a completion.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) over: Over,
    pub(super) to: Place,
}

/// What an edge reads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Over {
    Byte(u8),
    Call(ProcedureId),
    /// A token terminal.
    Token,
}

/// A step, and the way to the end of the scope that begins with it.
#[derive(Debug, Clone, Copy)]
struct Plan {
    step: Step,
    length: u64,
}

/// What was found in the scopes of an automaton.
#[derive(Debug, Clone, Default)]
pub(super) struct Plans {
    selections: Selections,
    /// `None` where a search found no way.
    known: FxHashMap<Place, Option<Plan>>,
}

/// A place with its distance, the step that led to it, and from where.
type Met = (Place, u64, Option<(usize, Step)>);

/// The least length of a part and what is around it.
const PART: u64 = 2;
/// Which selections a search looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Those after which less is asked for.
    Needed,
    /// Also the first one: a part that is being read has to be finished.
    NeededAfterFirst,
    All,
}

/// Places that one search looks at.
const MAX_SEARCH: usize = 400_000;

impl Plans {
    /// From a place in `scope` to its end: the length of the plan, or if there is none yet, no more than that, given the
    /// way to the end that disregards what the scope asks for.
    pub(super) fn to_end(&self, scope: &Scope, disregarding: u64, place: Place) -> u64 {
        match self.known.get(&place) {
            Some(Some(plan)) => plan.length,
            _ => disregarding.saturating_add(u64::from(self.selections.missing(scope, place.1)) * PART),
        }
    }

    /// The count, or what has been selected, after an edge from `place` to `target`; `None` where that is not possible.
    pub(super) fn after(
        &mut self,
        pda: &Pda,
        place: Place,
        (counts, marks): (bool, EdgeMarks),
        target: StateId,
    ) -> Option<Place> {
        let count = match pda.scope_of(place.0) {
            Some(scope) => self.selections.after(pda, scope, place.1, marks, target)?,
            None => pda.count_after(place.1, counts, target)?,
        };
        Some((target, count))
    }

    /// The steps from `place` with the lengths of what they read; `words` are those of the procedures.
    pub(super) fn steps(&mut self, pda: &Pda, words: &[u64], place: Place) -> Vec<(u64, Step)> {
        let mut steps = Vec::new();
        for edge in pda.byte_edges(place.0) {
            let to = self.after(pda, place, (edge.counts, edge.marks), edge.target);
            steps.extend(to.map(|to| (1, Step { over: Over::Byte(edge.low), to })));
        }
        for edge in pda.call_edges(place.0) {
            let word = words[edge.procedure.index()];
            if word != UNKNOWN {
                let to = self.after(pda, place, (edge.counts, edge.marks), edge.target);
                steps.extend(to.map(|to| (word, Step { over: Over::Call(edge.procedure), to })));
            }
        }
        for edge in pda.token_edges(place.0) {
            let to = self.after(pda, place, (edge.counts, edge.marks), edge.target);
            steps.extend(to.map(|to| (1, Step { over: Over::Token, to })));
        }
        steps
    }

    /// The length of the plan from the start of `procedure`, a scope; `None` if there is none with these `words`.
    pub(super) fn word(&mut self, pda: &Pda, words: &[u64], procedure: ProcedureId) -> Option<u64> {
        let start = (pda.procedure(procedure).start(), 0);
        let length = self.plan(pda, words, start).map(|plan| plan.length);
        if length.is_none() {
            // With more words there may be one.
            self.known.remove(&start);
        }
        length
    }

    /// The first step of the plan from a place in a scope.
    pub(super) fn next(&mut self, pda: &Pda, words: &[u64], place: Place) -> Option<Step> {
        self.plan(pda, words, place).map(|plan| plan.step)
    }

    fn plan(&mut self, pda: &Pda, words: &[u64], start: Place) -> Option<Plan> {
        if let Some(&known) = self.known.get(&start) {
            return known;
        }
        let scope = pda.scope_of(start.0)?;
        let plan = [Wanted::Needed, Wanted::NeededAfterFirst, Wanted::All]
            .into_iter()
            .find_map(|wanted| self.search(pda, scope, words, start, wanted));
        self.known.insert(start, plan);
        plan
    }

    fn search(&mut self, pda: &Pda, scope: &Scope, words: &[u64], start: Place, wanted: Wanted) -> Option<Plan> {
        let missing = self.selections.missing(scope, start.1);
        let mut agenda = BinaryHeap::from([Reverse((missing, 0, 0))]);
        let mut found: Vec<Met> = vec![(start, 0, None)];
        let mut seen = FxHashSet::from_iter([start]);
        while let Some(Reverse((missing, distance, index))) = agenda.pop() {
            let place = found[index].0;
            if index > 0 && pda.may_return(place.0, place.1) {
                let mut end = index;
                while let Some((before, step)) = found[end].2 {
                    let (place, passed, _) = found[before];
                    // An older plan leads to the end as well.
                    let plan = self.known.entry(place).or_insert(None);
                    *plan = plan.or(Some(Plan { step, length: distance - passed }));
                    end = before;
                }
                return self.known.get(&start).copied().flatten();
            }
            for (length, step) in self.steps(pda, words, place) {
                let selection = step.to.1;
                let missing_then = self.selections.missing(scope, selection);
                let is_needed = selection == place.1
                    || missing_then < missing
                    || self.selections.is_closed(selection)
                    || match wanted {
                        Wanted::Needed => false,
                        Wanted::NeededAfterFirst => place.1 == start.1,
                        Wanted::All => true,
                    };
                if is_needed && found.len() < MAX_SEARCH && seen.insert(step.to) {
                    let distance = distance.saturating_add(length);
                    agenda.push(Reverse((missing_then, distance, found.len())));
                    found.push((step.to, distance, Some((index, step))));
                }
            }
        }
        None
    }
}
