//! Removes calls of procedures that have no non-empty word.
//!
//! A rule such as `a = a a | ""` produces only the empty word. Its callers go around it, and a call of it could never
//! return: following one would be a dead end.

use super::determinize::{Edge, Machine, Symbol};
use super::minimize::trim;

/// Drops every edge that calls a procedure without words, and the states that then lead nowhere.
pub(super) fn remove_unproductive_calls(machines: &mut [Machine]) {
    let productive = productive(machines);
    for machine in machines.iter_mut() {
        let dead = |edge: &Edge| matches!(edge.symbol, Symbol::Call(callee) if !productive[callee as usize]);
        if machine.edges.iter().any(dead) {
            let mut kept = Machine { deterministic: machine.deterministic, ..Machine::default() };
            for state in 0..machine.len() {
                kept.push_state(
                    machine.accepting[state],
                    machine.edges(state).iter().filter(|edge| !dead(edge)).copied(),
                );
            }
            *machine = trim(kept);
        }
    }
}

/// Per procedure: whether it has a word.
fn productive(machines: &[Machine]) -> Vec<bool> {
    let mut callers: Vec<Vec<usize>> = vec![Vec::new(); machines.len()];
    for (number, machine) in machines.iter().enumerate() {
        for edge in &machine.edges {
            if let Symbol::Call(callee) = edge.symbol
                && callers[callee as usize].last() != Some(&number)
            {
                callers[callee as usize].push(number);
            }
        }
    }
    let mut productive = vec![false; machines.len()];
    let mut queue: Vec<usize> = (0..machines.len()).collect();
    while let Some(number) = queue.pop() {
        if !productive[number] && reaches_acceptance(&machines[number], &productive) {
            productive[number] = true;
            queue.extend(callers[number].iter().filter(|&&caller| !productive[caller]));
        }
    }
    productive
}

fn reaches_acceptance(machine: &Machine, productive: &[bool]) -> bool {
    let mut seen = vec![false; machine.len()];
    seen[0] = true;
    let mut work = vec![0];
    while let Some(state) = work.pop() {
        if machine.accepting[state] {
            return true;
        }
        for edge in machine.edges(state) {
            let passable = match edge.symbol {
                Symbol::Call(callee) => productive[callee as usize],
                Symbol::Bytes { .. } | Symbol::Token(_) => true,
            };
            if passable && !std::mem::replace(&mut seen[edge.target as usize], true) {
                work.push(edge.target as usize);
            }
        }
    }
    false
}
