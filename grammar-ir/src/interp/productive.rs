//! What can produce a word at all. Written apart from the pass of the same name, which is checked against it.

use rustc_hash::FxHashMap;

use super::scope::{Context, Scope};
use super::step::{self, state_and_count};
use crate::{ByteAutomaton, ByteEdge, Counter, Expr, ExprId, Grammar};

/// The productive expressions, and the states of their automata that can reach acceptance.
#[derive(Debug, Clone)]
pub(super) struct Productive {
    pub(super) words: Words,
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

/// Which expressions have words. A marked part has those of its body that are not empty.
#[derive(Debug, Clone)]
pub(super) struct Words {
    any: Vec<bool>,
    non_empty: Vec<bool>,
}

impl Words {
    /// Whether the expression has a word.
    pub(super) fn any(&self, expr: ExprId) -> bool {
        self.any[expr.index()]
    }

    /// Whether the expression has a word that is not empty.
    pub(super) fn non_empty(&self, expr: ExprId) -> bool {
        self.non_empty[expr.index()]
    }

    /// Remembers what was found; whether it is new.
    fn learn(&mut self, expr: ExprId, any: bool, non_empty: bool) -> bool {
        let new = any && !self.any(expr) || non_empty && !self.non_empty(expr);
        self.any[expr.index()] |= any;
        self.non_empty[expr.index()] |= non_empty;
        new
    }
}

impl Productive {
    /// The least fixpoint: an expression is productive if its parts that it cannot do without are, and a scope if those
    /// let a derivation end.
    pub(super) fn of(grammar: &Grammar, has_marks: &[bool]) -> Self {
        let len = grammar.exprs().len();
        let mut states = FxHashMap::default();
        let mut dependents: Vec<Vec<ExprId>> = vec![Vec::new(); len];
        let mut scopes = Vec::new();
        for (index, expr) in grammar.exprs().iter().enumerate() {
            match expr {
                Expr::Rule(rule) => dependents[grammar.rule(*rule).body.index()].push(id(index)),
                Expr::Automaton(automaton) => drop(states.insert(id(index), LiveStates::of(automaton))),
                Expr::Scope { .. } => scopes.push(id(index)),
                _ => expr.operands().iter().for_each(|operand| dependents[operand.index()].push(id(index))),
            }
        }
        let mut words = Words { any: vec![false; len], non_empty: vec![false; len] };
        let mut agenda: Vec<ExprId> = (0..len).rev().map(id).collect();
        loop {
            while let Some(expr) = agenda.pop() {
                let (any, non_empty) = has_words(grammar, &words, &states, expr);
                if words.learn(expr, any, non_empty) {
                    agenda.extend(&dependents[expr.index()]);
                }
            }
            for &id in &scopes {
                if words.non_empty(id) && words.any(id) {
                    continue;
                }
                let context = Context { grammar, words: &words, has_marks };
                let Some(mut scope) = Scope::new(context, id) else { continue };
                let any = scope.has_words(context, false);
                let non_empty = any && scope.has_words(context, true);
                if words.learn(id, any, non_empty) {
                    agenda.extend(&dependents[id.index()]);
                }
            }
            if agenda.is_empty() {
                return Self { words, states };
            }
        }
    }

    /// Whether the expression has a word.
    pub(super) fn contains(&self, expr: ExprId) -> bool {
        self.words.any(expr)
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

/// Whether the expression has a word, and one that is not empty, as far as is known of its parts.
fn has_words(grammar: &Grammar, words: &Words, states: &FxHashMap<ExprId, LiveStates>, id: ExprId) -> (bool, bool) {
    let any = |part: &ExprId| words.any(*part);
    let non_empty = |part: &ExprId| words.non_empty(*part);
    match grammar.expr(id) {
        // Scopes are looked at when all else is known.
        Expr::Never | Expr::Scope { .. } => (false, false),
        Expr::Empty => (true, false),
        Expr::Bytes(bytes) => (true, !bytes.is_empty()),
        Expr::ByteSet(_) | Expr::Class(_) | Expr::Token(_) => (true, true),
        Expr::Sequence(operands) => {
            let all = operands.iter().all(any);
            (all, all && operands.iter().any(non_empty))
        }
        Expr::Choice(operands) => (operands.iter().any(any), operands.iter().any(non_empty)),
        Expr::Repeat { body, min, max } => (*min == 0 || any(body), *max != Some(0) && non_empty(body)),
        Expr::Marked { body, .. } => (non_empty(body), non_empty(body)),
        Expr::Rule(rule) => {
            let body = &grammar.rule(*rule).body;
            (any(body), non_empty(body))
        }
        Expr::Automaton(automaton) => {
            let live = |progress: usize| {
                let (state, count) = state_and_count(automaton, progress);
                states.get(&id).is_some_and(|live| live.contains(state, count))
            };
            let mut edges = automaton.edges.first().into_iter().flatten();
            let expr = grammar.expr(id);
            (live(step::START), edges.any(|edge| step::on_byte(expr, step::START, edge.low).is_some_and(live)))
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
