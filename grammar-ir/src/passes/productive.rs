//! Expressions that have no word become `Never`, and the builder simplifies it away.

use super::rebuild::Rebuild;
use crate::{Budget, ByteAutomaton, ByteEdge, Expr, ExprId, Grammar, LimitError};

/// Per rule: whether it has a word. Frontends warn of those that have none.
pub fn productive_rules(grammar: &Grammar) -> Vec<bool> {
    let productive = productive(grammar);
    grammar.rules().iter().map(|rule| productive[rule.body.index()]).collect()
}

pub(super) fn run(grammar: Grammar, budget: &mut Budget<'_>) -> Result<Grammar, LimitError> {
    let productive = productive(&grammar);
    let mut rebuild = Rebuild::new(budget);
    for rule in grammar.rules() {
        rebuild.builder.declare(&rule.name);
    }
    let mut copies: Vec<ExprId> = Vec::with_capacity(grammar.exprs().len());
    for (expr, &productive) in grammar.exprs().iter().zip(&productive) {
        let copy = match expr {
            _ if !productive => rebuild.builder.never(),
            Expr::Automaton(automaton) => rebuild.builder.automaton(trim(automaton)),
            _ => {
                let operands = expr.operands().iter().map(|operand| copies[operand.index()]).collect();
                rebuild.copy(expr, operands, budget)?
            }
        };
        copies.push(copy);
    }
    for (id, rule) in grammar.rule_ids().zip(grammar.rules()) {
        rebuild.builder.define(id, copies[rule.body.index()]);
    }
    rebuild.finish(grammar.root())
}

/// Per expression: whether it has a word. Each expression counts the parts that it still misses.
fn productive(grammar: &Grammar) -> Vec<bool> {
    let exprs = grammar.exprs();
    let mut missing: Vec<usize> = exprs.iter().map(needed).collect();
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); exprs.len()];
    for (index, expr) in exprs.iter().enumerate() {
        match expr {
            Expr::Rule(rule) => dependents[grammar.rule(*rule).body.index()].push(index),
            _ => expr.operands().iter().for_each(|operand| dependents[operand.index()].push(index)),
        }
    }
    let mut agenda: Vec<usize> = (0..exprs.len()).filter(|&index| missing[index] == 0).collect();
    while let Some(index) = agenda.pop() {
        for &dependent in &dependents[index] {
            if missing[dependent] > 0 {
                missing[dependent] -= 1;
                if missing[dependent] == 0 {
                    agenda.push(dependent);
                }
            }
        }
    }
    missing.iter().map(|&missing| missing == 0).collect()
}

/// How many parts must be productive for the expression to be; an expression that never is waits for one too many.
fn needed(expr: &Expr) -> usize {
    match expr {
        Expr::Empty | Expr::Bytes(_) | Expr::ByteSet(_) | Expr::Class(_) | Expr::Token(_) => 0,
        Expr::Never => 1,
        Expr::Sequence(operands) => operands.len(),
        Expr::Choice(_) | Expr::Rule(_) | Expr::Scope { .. } | Expr::Marked { .. } => 1,
        Expr::Repeat { min, .. } => usize::from(*min > 0),
        Expr::Automaton(automaton) => usize::from(!useful_states(automaton).first().is_some_and(|&useful| useful)),
    }
}

/// Leaves out the states that no word passes through. The automaton must accept something.
fn trim(automaton: &ByteAutomaton) -> ByteAutomaton {
    let useful = useful_states(automaton);
    let mut number = 0;
    let numbers: Vec<u32> = useful.iter().map(|&useful| (number, number += u32::from(useful)).0).collect();
    let keep = |edge: &&ByteEdge| useful[edge.target as usize];
    let renumber = |edge: &ByteEdge| ByteEdge { target: numbers[edge.target as usize], ..*edge };
    let mut trimmed = ByteAutomaton::default();
    for state in (0..useful.len()).filter(|&state| useful[state]) {
        trimmed.accepting.push(automaton.accepting[state]);
        trimmed.edges.push(automaton.edges[state].iter().filter(keep).map(renumber).collect());
    }
    trimmed
}

/// Per state: whether it can be reached from the start and can reach acceptance.
fn useful_states(automaton: &ByteAutomaton) -> Vec<bool> {
    let states = automaton.edges.len();
    let mut forward: Vec<Vec<usize>> = vec![Vec::new(); states];
    let mut backward: Vec<Vec<usize>> = vec![Vec::new(); states];
    for (state, edges) in automaton.edges.iter().enumerate() {
        for edge in edges {
            forward[state].push(edge.target as usize);
            backward[edge.target as usize].push(state);
        }
    }
    let reachable = closure(&forward, (0..states.min(1)).collect());
    let live = closure(&backward, (0..states).filter(|&state| automaton.accepting[state]).collect());
    reachable.into_iter().zip(live).map(|(reachable, live)| reachable && live).collect()
}

fn closure(edges: &[Vec<usize>], mut agenda: Vec<usize>) -> Vec<bool> {
    let mut seen = vec![false; edges.len()];
    agenda.iter().for_each(|&state| seen[state] = true);
    while let Some(state) = agenda.pop() {
        for &target in &edges[state] {
            if !std::mem::replace(&mut seen[target], true) {
                agenda.push(target);
            }
        }
    }
    seen
}
