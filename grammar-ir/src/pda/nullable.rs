//! Which procedures have the empty word, and the ε-closure that treats their calls as optional.
//!
//! From here on a call never yields the empty word: whoever calls a nullable procedure also has a way around it, and
//! `determinize` drops the empty word from the callee. So everything between a push and its pop consumes something.

use super::EdgeMarks;
use super::nfa::{Counted, CountedKind, Label, Marks, Nfa};

/// Per procedure: whether the empty word is in its language. A counted procedure whose body has the empty word gets
/// `min = 0`, as any number of iterations may be empty; empty iterations then need not be counted at all.
pub(super) fn nullable_procedures(procedures: &mut [Nfa]) -> Vec<bool> {
    let callers = callers(procedures);
    let mut nullable = vec![false; procedures.len()];
    let mut marks = Marks::default();
    let mut queued = vec![true; procedures.len()];
    let mut queue: Vec<usize> = (0..procedures.len()).collect();
    while let Some(index) = queue.pop() {
        queued[index] = false;
        let nfa = &mut procedures[index];
        if let Some(Counted { counter, of: CountedKind::Iterations { body_start, body_end } }) = nfa.counted
            && counter.min > 0
            && reaches(nfa, body_start, body_end, &nullable, &mut marks)
            && let Some(counted) = &mut nfa.counted
        {
            counted.counter.min = 0;
        }
        let empty = nfa.counted.is_none_or(|counted| counted.counter.min == 0)
            && reaches(nfa, nfa.start, nfa.finish, &nullable, &mut marks);
        if empty && !nullable[index] {
            nullable[index] = true;
            for &caller in &callers[index] {
                if !std::mem::replace(&mut queued[caller], true) {
                    queue.push(caller);
                }
            }
        }
    }
    nullable
}

fn callers(procedures: &[Nfa]) -> Vec<Vec<usize>> {
    let mut callers = vec![Vec::new(); procedures.len()];
    for (index, nfa) in procedures.iter().enumerate() {
        for state in nfa.outer_states() {
            for (label, _) in nfa.edges(state) {
                if let Label::Call(callee) = label {
                    callers[callee.index()].push(index);
                }
            }
        }
    }
    for list in &mut callers {
        list.dedup();
    }
    callers
}

/// Whether a word of a scope can end with the text that selects an element. What is selected is known only at the symbol
/// after it, so there must be one.
pub(super) fn ends_with_selection(nfa: &Nfa, nullable: &[bool]) -> bool {
    let mut marks = Marks::default();
    nfa.outer_states().any(|state| {
        nfa.edges(state).any(|(label, target)| {
            matches!(label, Label::Select(_)) && reaches(nfa, target, nfa.finish, nullable, &mut marks)
        })
    })
}

/// Whether `to` can be reached from `from` without consuming.
fn reaches(nfa: &Nfa, from: u32, to: u32, nullable: &[bool], marks: &mut Marks) -> bool {
    marks.reset(nfa.len());
    marks.mark(from);
    let mut work = vec![from];
    while let Some(state) = work.pop() {
        if state == to {
            return true;
        }
        for (label, target) in nfa.edges(state) {
            if consumes_nothing(label, nullable) && marks.mark(target) {
                work.push(target);
            }
        }
    }
    false
}

fn consumes_nothing(label: Label, nullable: &[bool]) -> bool {
    match label {
        Label::Epsilon | Label::BeginIteration | Label::Select(_) => true,
        Label::Call(callee) => nullable[callee.index()],
        // A marked part is not empty, so a path through one consumes something.
        Label::BeginPart | Label::Close => false,
        Label::NonEmptyCall(_) | Label::Bytes { .. } | Label::Token(_) => false,
    }
}

/// A state reached without consuming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) state: u32,
    /// Whether an iteration was begun on the way.
    pub(super) begun: bool,
    /// The marks met on the way.
    pub(super) marks: EdgeMarks,
}

/// Collects into `closure` what can be reached from `kernel` without consuming.
///
/// A path that begins a second iteration has passed through an empty one. Such a path adds nothing: the procedure
/// then has `min = 0`, so leaving the empty iteration out gives the same state with fewer iterations used up. A path
/// through an empty marked part is none, as these parts are not empty.
pub(super) fn closure(nfa: &Nfa, kernel: &[u32], nullable: &[bool], marks: &mut Marks, closure: &mut Vec<Reached>) {
    closure.clear();
    marks.reset(2 * nfa.len());
    let key = |reached: Reached| 2 * reached.state + u32::from(reached.begun);
    for &state in kernel {
        let reached = Reached { state, begun: false, marks: EdgeMarks::NONE };
        if marks.mark(key(reached)) {
            closure.push(reached);
        }
    }
    let mut next = 0;
    while let Some(&Reached { state, begun, marks: met }) = closure.get(next) {
        next += 1;
        for (label, target) in nfa.edges(state) {
            let begins = label == Label::BeginIteration;
            let met = match label {
                Label::BeginPart => met.then_begin(),
                Label::Select(element) => met.then_select(element),
                Label::Close => met.then_close(),
                _ if !consumes_nothing(label, nullable) || (begins && begun) => None,
                _ => Some(met),
            };
            let Some(met) = met else { continue };
            let reached = Reached { state: target, begun: begun || begins, marks: met };
            if marks.mark_after(key(reached), met) {
                closure.push(reached);
            }
        }
    }
}
