//! What can produce a word at all. Written apart from the pass of the same name, which is checked against it.

use rustc_hash::FxHashMap;

use super::step::state_and_count;
use crate::{ByteAutomaton, ByteEdge, Counter, Expr, ExprId, Grammar};

/// The productive expressions, and the states of their automata that can reach acceptance.
#[derive(Debug, Clone)]
pub(super) struct Productive {
    exprs: Vec<bool>,
    states: FxHashMap<ExprId, LiveStates>,
}

/// The states of an automaton that can reach acceptance.
#[derive(Debug, Clone)]
struct LiveStates {
    counter: Option<Counter>,
    /// Per state: whether it can reach acceptance, however many edges count on the way.
    at_all: Vec<bool>,
    /// With an upper bound, entry *n* has the states that can with exactly *n* counting edges; with a lower one only, those
    /// that can with *n* or more. Each entry follows from the one before, so once one is met again, they go round.
    counting: Vec<Vec<bool>>,
    /// The entry that follows the last one.
    goes_round_to: usize,
}

impl LiveStates {
    fn of(automaton: &ByteAutomaton) -> Self {
        let counter = automaton.counter;
        let at_all = reaching(automaton, automaton.accepting.clone(), |_| true);
        let mut live = Self { counter, at_all, counting: Vec::new(), goes_round_to: 0 };
        let Some(counter) = counter else { return live };
        let ends = if counter.max.is_none() { live.at_all.clone() } else { automaton.accepting.clone() };
        let mut entry = reaching(automaton, ends, |edge| !edge.counts);
        let mut met: FxHashMap<Vec<bool>, usize> = FxHashMap::default();
        for n in 0..=counter.max.unwrap_or(counter.min) as usize {
            if let Some(&known) = met.get(&entry) {
                live.goes_round_to = known;
                break;
            }
            met.insert(entry.clone(), n);
            // A counting edge away from where one less is enough.
            let leads = |edge: &ByteEdge| edge.counts && entry[edge.target as usize];
            let ends = automaton.edges.iter().map(|edges| edges.iter().any(leads)).collect();
            live.counting.push(std::mem::replace(&mut entry, reaching(automaton, ends, |edge| !edge.counts)));
        }
        live
    }

    fn with(&self, n: usize, state: usize) -> bool {
        let round = self.counting.len() - self.goes_round_to;
        let index = if n < self.counting.len() { n } else { self.goes_round_to + (n - self.goes_round_to) % round };
        self.counting[index][state]
    }

    /// Whether acceptance can be reached from `state` with an allowed count, after `count`.
    fn contains(&self, state: usize, count: usize) -> bool {
        let needed = |min: u32| (min as usize).saturating_sub(count);
        match self.counter {
            None => self.at_all[state],
            Some(Counter { min, max: None }) => self.with(needed(min), state),
            Some(Counter { min, max: Some(max) }) => {
                // As many in a row as there are entries show all that ever comes.
                let last = (max as usize).saturating_sub(count).min(needed(min) + self.counting.len());
                (needed(min)..=last).any(|n| self.with(n, state))
            }
        }
    }
}

impl Productive {
    /// The least fixpoint: an expression is productive if its parts that it cannot do without are.
    pub(super) fn of(grammar: &Grammar) -> Self {
        let len = grammar.exprs().len();
        let mut states = FxHashMap::default();
        let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); len];
        for (index, expr) in grammar.exprs().iter().enumerate() {
            match expr {
                Expr::Rule(rule) => dependents[grammar.rule(*rule).body.index()].push(index),
                Expr::Automaton(automaton) => drop(states.insert(id(index), LiveStates::of(automaton))),
                _ => expr.operands().iter().for_each(|operand| dependents[operand.index()].push(index)),
            }
        }
        let mut exprs = vec![false; len];
        let mut agenda: Vec<usize> = (0..len).rev().collect();
        while let Some(index) = agenda.pop() {
            let productive = |part: &ExprId| exprs[part.index()];
            let holds = match &grammar.exprs()[index] {
                Expr::Never => false,
                Expr::Empty | Expr::Bytes(_) | Expr::ByteSet(_) | Expr::Class(_) | Expr::Token(_) => true,
                Expr::Sequence(operands) => operands.iter().all(productive),
                Expr::Choice(operands) => operands.iter().any(productive),
                Expr::Repeat { body, min, .. } => *min == 0 || productive(body),
                Expr::Scope { body, .. } | Expr::Marked { body, .. } => productive(body),
                Expr::Rule(rule) => productive(&grammar.rule(*rule).body),
                Expr::Automaton(_) => states.get(&id(index)).is_some_and(|live| live.contains(0, 0)),
            };
            if holds && !exprs[index] {
                exprs[index] = true;
                agenda.append(&mut dependents[index]);
            }
        }
        Self { exprs, states }
    }

    /// Whether the expression has a word.
    pub(super) fn contains(&self, expr: ExprId) -> bool {
        self.exprs[expr.index()]
    }

    /// Whether a word of the productive expression `expr` can pass through this progress.
    pub(super) fn reaches(&self, grammar: &Grammar, expr: ExprId, progress: usize) -> bool {
        match (grammar.expr(expr), self.states.get(&expr)) {
            (Expr::Automaton(automaton), Some(live)) => {
                let (state, count) = state_and_count(automaton, progress);
                live.contains(state, count)
            }
            _ => true,
        }
    }
}

fn id(index: usize) -> ExprId {
    ExprId::from_u32(index as u32)
}

/// Per state: whether it has a way to one of `ends` along edges that `may_pass` allows.
fn reaching(automaton: &ByteAutomaton, ends: Vec<bool>, may_pass: impl Fn(&ByteEdge) -> bool) -> Vec<bool> {
    let mut live = ends;
    let mut sources: Vec<Vec<usize>> = vec![Vec::new(); live.len()];
    for (state, edges) in automaton.edges.iter().enumerate() {
        edges.iter().filter(|edge| may_pass(edge)).for_each(|edge| sources[edge.target as usize].push(state));
    }
    let mut agenda: Vec<usize> = (0..live.len()).filter(|&state| live[state]).collect();
    while let Some(state) = agenda.pop() {
        for &source in &sources[state] {
            if !std::mem::replace(&mut live[source], true) {
                agenda.push(source);
            }
        }
    }
    live
}
