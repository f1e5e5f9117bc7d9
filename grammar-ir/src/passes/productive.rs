//! Expressions that have no word become `Never`, and the builder simplifies it away.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::rebuild::Rebuild;
use super::words::productive;
use crate::counting::CountedEdge;
use crate::{Budget, ByteAutomaton, ByteEdge, Expr, ExprId, Grammar, LimitError, LiveCounts};

/// Per rule: whether it has a word. Frontends warn of those that have none.
///
/// # Errors
/// When time is up, or an automaton with a counter takes more than the limit on states to judge.
pub fn productive_rules(grammar: &Grammar, budget: &mut Budget<'_>) -> Result<Vec<bool>, LimitError> {
    let trimmed = trimmed_automata(grammar, budget)?;
    let productive = productive(grammar, &trimmed, budget)?;
    Ok(grammar.rules().iter().map(|rule| productive[rule.body.index()]).collect())
}

pub(super) fn run(grammar: Grammar, budget: &mut Budget<'_>) -> Result<Grammar, LimitError> {
    let mut trimmed = trimmed_automata(&grammar, budget)?;
    let productive = productive(&grammar, &trimmed, budget)?;
    let is_productive = |id: &ExprId| productive[id.index()];
    if trimmed.values().all(|automaton| matches!(automaton, Cow::Borrowed(_)))
        && grammar.exprs().iter().all(|expr| expr.operands().iter().all(is_productive))
        && grammar.rules().iter().all(|rule| is_productive(&rule.body))
    {
        return Ok(Grammar { is_trim: true, ..grammar });
    }
    let mut rebuild = Rebuild::new(&grammar, budget);
    for rule in grammar.rules() {
        let id = rebuild.builder.declare(&rule.name);
        rebuild.builder.set_attributes(id, rule.attributes.clone());
    }
    let mut copies: Vec<ExprId> = Vec::with_capacity(grammar.exprs().len());
    for (index, (expr, &productive)) in grammar.exprs().iter().zip(&productive).enumerate() {
        let copy = match (expr, trimmed.remove(&index)) {
            _ if !productive => rebuild.builder.never(),
            (_, Some(Cow::Owned(automaton))) => rebuild.builder.automaton(automaton),
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
    Ok(Grammar { is_trim: true, ..rebuild.finish(grammar.root())? })
}

/// The automata that accept something, by the index of their expression, without the states that no word passes through.
pub(super) type Trimmed<'g> = FxHashMap<usize, Cow<'g, ByteAutomaton>>;

fn trimmed_automata<'g>(grammar: &'g Grammar, budget: &mut Budget<'_>) -> Result<Trimmed<'g>, LimitError> {
    let mut trimmed = Trimmed::default();
    for (index, expr) in grammar.exprs().iter().enumerate() {
        budget.tick()?;
        if let Expr::Automaton(automaton) = expr
            && let Some(automaton) = trim(automaton, budget)?
        {
            trimmed.insert(index, automaton);
        }
    }
    Ok(trimmed)
}

/// Leaves out the states that no word passes through; `None` when there is no word. Where edges are counted, an edge stays
/// if some count leads over it from a state that can still accept to another one, whether or not a word gets there with it.
fn trim<'g>(
    automaton: &'g ByteAutomaton,
    budget: &mut Budget<'_>,
) -> Result<Option<Cow<'g, ByteAutomaton>>, LimitError> {
    if automaton.counter.is_none() && is_trim(automaton) {
        return Ok(Some(Cow::Borrowed(automaton)));
    }
    let admitted: Box<dyn Fn(CountedEdge) -> bool> = match automaton.counter {
        None => Box::new(|_| true),
        Some(counter) => {
            let live = LiveCounts::of(counter, &automaton.accepting, automaton.counted_edges(), budget)?;
            if !live.contains(0, 0) {
                return Ok(None);
            }
            Box::new(move |edge| live.admits(counter, edge))
        }
    };
    let useful = useful_states(automaton, &admitted);
    if useful.first() != Some(&true) {
        return Ok(None);
    }
    if useful.iter().all(|&useful| useful) && automaton.counted_edges().all(&admitted) {
        return Ok(Some(Cow::Borrowed(automaton)));
    }
    let mut number = 0;
    let numbers: Vec<u32> = useful.iter().map(|&useful| (number, number += u32::from(useful)).0).collect();
    let mut trimmed = ByteAutomaton { counter: automaton.counter, ..ByteAutomaton::default() };
    for state in (0..useful.len()).filter(|&state| useful[state]) {
        let keep = |edge: &&ByteEdge| useful[edge.target as usize] && admitted(CountedEdge::of(state as u32, edge));
        let renumber = |edge: &ByteEdge| ByteEdge { target: numbers[edge.target as usize], ..*edge };
        trimmed.accepting.push(automaton.accepting[state]);
        trimmed.edges.push(automaton.edges[state].iter().filter(keep).map(renumber).collect());
    }
    Ok(Some(Cow::Owned(trimmed)))
}

/// How often [`is_trim`] goes through the states.
const SWEEPS: usize = 12;

/// Whether every state can be reached and can reach acceptance; of an automaton whose states are in no order at all, it may
/// say that it does not know.
fn is_trim(automaton: &ByteAutomaton) -> bool {
    if !leads_onwards(automaton) && !is_reached(automaton) {
        return false;
    }
    let states = automaton.edges.len();
    let mut live = automaton.accepting.clone();
    let mut missing = live.iter().filter(|&&live| !live).count();
    for sweep in 0..SWEEPS {
        let mut settle = |state: usize| {
            if !live[state] && automaton.edges[state].iter().any(|edge| live[edge.target as usize]) {
                live[state] = true;
                missing -= 1;
            }
        };
        if sweep % 2 == 0 {
            (0..states).rev().for_each(&mut settle);
        } else {
            (0..states).for_each(&mut settle);
        }
        if missing == 0 {
            return true;
        }
    }
    false
}

/// Whether to every state but the start an edge leads from an earlier one, so that it can be reached. That is mostly so, as
/// states are numbered as they are met.
fn leads_onwards(automaton: &ByteAutomaton) -> bool {
    let mut reached = vec![false; automaton.edges.len()];
    for (state, edges) in automaton.edges.iter().enumerate() {
        for target in edges.iter().map(|edge| edge.target as usize).filter(|&target| target > state) {
            reached[target] = true;
        }
    }
    reached.iter().skip(1).all(|&reached| reached)
}

/// Whether every state can be reached.
fn is_reached(automaton: &ByteAutomaton) -> bool {
    let mut seen = vec![false; automaton.edges.len()];
    let mut work: Vec<u32> = Vec::new();
    if let Some(start) = seen.first_mut() {
        *start = true;
        work.push(0);
    }
    while let Some(state) = work.pop() {
        for edge in &automaton.edges[state as usize] {
            if !std::mem::replace(&mut seen[edge.target as usize], true) {
                work.push(edge.target);
            }
        }
    }
    seen.iter().all(|&seen| seen)
}

/// Per state: whether it can be reached from the start and can reach acceptance, along `admitted` edges.
fn useful_states(automaton: &ByteAutomaton, admitted: &dyn Fn(CountedEdge) -> bool) -> Vec<bool> {
    let states = automaton.edges.len();
    let admitted = automaton.counted_edges().filter(|&edge| admitted(edge));
    let mut edges: Vec<(u32, u32)> = admitted.map(|edge| (edge.source, edge.target)).collect();
    let reachable = closure(states, &edges, (0..states.min(1)).collect());
    let accepting = (0..states).filter(|&state| automaton.accepting[state]).collect();
    edges.iter_mut().for_each(|edge| *edge = (edge.1, edge.0));
    let live = closure(states, &edges, accepting);
    reachable.into_iter().zip(live).map(|(reachable, live)| reachable && live).collect()
}

/// Per state: whether it is among those of `agenda` or reached from them.
fn closure(states: usize, edges: &[(u32, u32)], mut agenda: Vec<usize>) -> Vec<bool> {
    // Where the targets of each state begin.
    let mut offsets = vec![0usize; states + 1];
    edges.iter().for_each(|&(source, _)| offsets[source as usize + 1] += 1);
    for state in 0..states {
        offsets[state + 1] += offsets[state];
    }
    let mut fill = offsets.clone();
    let mut targets = vec![0u32; offsets[states]];
    for &(source, target) in edges {
        targets[fill[source as usize]] = target;
        fill[source as usize] += 1;
    }
    let mut seen = vec![false; states];
    agenda.iter().for_each(|&state| seen[state] = true);
    while let Some(state) = agenda.pop() {
        for &target in &targets[offsets[state]..offsets[state + 1]] {
            if !std::mem::replace(&mut seen[target as usize], true) {
                agenda.push(target as usize);
            }
        }
    }
    seen
}
