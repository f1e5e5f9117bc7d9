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
    /// Plans without a needless selection; `None` where there is none.
    direct: FxHashMap<Place, Option<Plan>>,
    /// Plans; `None` where a search found none.
    known: FxHashMap<Place, Option<Plan>>,
}

/// The least length of a part and what is around it.
const PART: u64 = 2;
/// Places that one search looks at.
const MAX_SEARCH: usize = 400_000;

/// Which selections a search goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Selecting {
    /// Those after which less is asked for.
    Needed,
    /// The first one, which may be of a part that is being read; from there on there is a plan without needless ones.
    One,
    Any,
}

/// A place with its distance, the step that led to it, and from where.
type Met = (Place, u64, Option<(usize, Step)>);

/// Places that were met, nearest to an end first.
struct Search {
    agenda: BinaryHeap<Reverse<(u32, u64, usize)>>,
    found: Vec<Met>,
    seen: FxHashSet<Place>,
}

impl Search {
    fn from(start: Place) -> Self {
        Self {
            agenda: BinaryHeap::from([Reverse((0, 0, 0))]),
            found: vec![(start, 0, None)],
            seen: FxHashSet::from_iter([start]),
        }
    }

    fn add(&mut self, missing: u32, distance: u64, from: usize, step: Step) {
        if self.found.len() < MAX_SEARCH && self.seen.insert(step.to) {
            self.agenda.push(Reverse((missing, distance, self.found.len())));
            self.found.push((step.to, distance, Some((from, step))));
        }
    }

    /// The places on the way to the one at `index`, which is `rest` away from the end, with their plans.
    fn plans(&self, index: usize, rest: u64) -> Vec<(Place, Plan)> {
        let length = self.found[index].1.saturating_add(rest);
        let mut plans = Vec::new();
        let mut index = index;
        while let (_, _, Some((before, step))) = self.found[index] {
            let (place, passed, _) = self.found[before];
            plans.push((place, Plan { step, length: length.saturating_sub(passed) }));
            index = before;
        }
        plans
    }
}

impl Plans {
    /// From a place in `scope` to its end: the length of the plan, or if there is none yet, no more than that, given the
    /// way to the end that disregards what the scope asks for.
    pub(super) fn to_end(&self, scope: &Scope, disregarding: u64, place: Place) -> u64 {
        match self.known.get(&place).or_else(|| self.direct.get(&place)) {
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
        self.plan(pda, words, (pda.procedure(procedure).start(), 0)).map(|plan| plan.length)
    }

    /// With more words there may be plans where there were none.
    pub(super) fn forget_failures(&mut self) {
        self.direct.retain(|_, plan| plan.is_some());
        self.known.retain(|_, plan| plan.is_some());
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
        let plan = self
            .direct(pda, scope, words, start)
            .or_else(|| self.search(pda, scope, words, start, Selecting::One))
            .or_else(|| self.search(pda, scope, words, start, Selecting::Any));
        self.known.insert(start, plan);
        plan
    }

    fn direct(&mut self, pda: &Pda, scope: &Scope, words: &[u64], start: Place) -> Option<Plan> {
        if let Some(&known) = self.direct.get(&start) {
            return known;
        }
        let plan = self.search(pda, scope, words, start, Selecting::Needed);
        self.direct.insert(start, plan);
        plan
    }

    fn search(&mut self, pda: &Pda, scope: &Scope, words: &[u64], start: Place, selecting: Selecting) -> Option<Plan> {
        let mut search = Search::from(start);
        while let Some(Reverse((_, distance, index))) = search.agenda.pop() {
            let place = search.found[index].0;
            let ends = index > 0 && pda.may_return(place.0, place.1);
            let rest = match selecting {
                _ if ends => Some(0),
                Selecting::Needed => self.direct.get(&place).copied().flatten().map(|plan| plan.length),
                Selecting::One if place.1 != start.1 => {
                    let plan = self.direct(pda, scope, words, place);
                    if plan.is_none() {
                        continue;
                    }
                    plan.map(|plan| plan.length)
                }
                Selecting::One | Selecting::Any => None,
            };
            if let Some(rest) = rest.filter(|_| index > 0) {
                let plans = search.plans(index, rest);
                let into = if selecting == Selecting::Needed { &mut self.direct } else { &mut self.known };
                for (place, plan) in plans {
                    // An older plan leads to the end as well.
                    let known = into.entry(place).or_insert(None);
                    *known = known.or(Some(plan));
                }
                return into.get(&start).copied().flatten();
            }
            let missing = self.selections.missing(scope, place.1);
            for (length, step) in self.steps(pda, words, place) {
                let selection = step.to.1;
                let missing_then = self.selections.missing(scope, selection);
                let is_needed = selection == place.1 || missing_then < missing || self.selections.is_closed(selection);
                if is_needed || selecting != Selecting::Needed {
                    // Without a plan of its own each selection is as good as another.
                    let urgency = if selecting == Selecting::One { 0 } else { missing_then };
                    search.add(urgency, distance.saturating_add(length), index, step);
                }
            }
        }
        None
    }
}
