//! What can produce a word at all. Written apart from the pass of the same name, which is checked against it.

use rustc_hash::FxHashMap;

use crate::{ByteAutomaton, Expr, ExprId, Grammar};

/// The productive expressions, and the states of their automata that can reach acceptance.
#[derive(Debug, Clone)]
pub(super) struct Productive {
    exprs: Vec<bool>,
    states: FxHashMap<ExprId, Vec<bool>>,
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
                Expr::Automaton(automaton) => drop(states.insert(id(index), live_states(automaton))),
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
                Expr::Automaton(_) => states.get(&id(index)).is_some_and(|live| live.first() == Some(&true)),
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
    pub(super) fn reaches(&self, expr: ExprId, progress: usize) -> bool {
        self.states.get(&expr).is_none_or(|live| live[progress])
    }
}

fn id(index: usize) -> ExprId {
    ExprId::from_u32(index as u32)
}

/// Per state: whether an accepting state can be reached from it.
fn live_states(automaton: &ByteAutomaton) -> Vec<bool> {
    let mut live = automaton.accepting.clone();
    let mut sources: Vec<Vec<usize>> = vec![Vec::new(); live.len()];
    for (state, edges) in automaton.edges.iter().enumerate() {
        edges.iter().for_each(|edge| sources[edge.target as usize].push(state));
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
