//! Checks the invariants of a [`Grammar`] that the types cannot express.

use crate::{Element, Expr, Grammar, Mark, RuleId, ScopeRules};

/// A broken invariant: a bug in whatever built the grammar, or a hand-made grammar that breaks the rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct VerifyError {
    place: String,
    problem: String,
}

/// Checks `grammar`:
///
/// * every rule's body and every operand is in the arena, and an operand's id is smaller than its expression's;
/// * rule references and the root name rules; rule names are unique and not empty;
/// * `Bytes` is not empty, sequences and choices have at least two operands, `min <= max`;
/// * classes and byte sets are not empty; edges of automata are sorted, disjoint and lead to states, and count only where
///   there is a counter;
/// * marks stand in a scope whose rules have the element, and not in a rule, a counted repetition or another mark in it.
///
/// # Errors
/// The first invariant that does not hold.
pub fn verify(grammar: &Grammar) -> Result<(), VerifyError> {
    let fail = |place: String, problem: &str| Err(VerifyError { place, problem: problem.to_owned() });
    if grammar.root.index() >= grammar.rules.len() {
        return fail("grammar".to_owned(), "the root is not a rule");
    }
    let mut names = rustc_hash::FxHashSet::default();
    for rule in &grammar.rules {
        let place = || format!("rule `{}`", rule.name);
        if rule.name.is_empty() || !names.insert(rule.name.as_str()) {
            return fail(place(), "the name is empty or not unique");
        }
        if rule.body.index() >= grammar.exprs.len() {
            return fail(place(), "the body is not in the arena");
        }
    }
    for (index, expr) in grammar.exprs.iter().enumerate() {
        let place = || format!("expression e{index}");
        if expr.operands().iter().any(|operand| operand.index() >= index) {
            return fail(place(), "an operand does not precede its expression");
        }
        if let Some(problem) = problem(grammar, expr) {
            return fail(place(), problem);
        }
    }
    let mut open_marks: Vec<Option<u32>> = Vec::with_capacity(grammar.exprs.len());
    for (index, expr) in grammar.exprs.iter().enumerate() {
        let inside = expr.operands().iter().filter_map(|operand| open_marks[operand.index()]).max();
        match marks(expr, inside) {
            Ok(open) => open_marks.push(open),
            Err(problem) => return fail(format!("expression e{index}"), problem),
        }
    }
    match grammar.rules.iter().find(|rule| open_marks[rule.body.index()].is_some()) {
        Some(rule) => fail(format!("rule `{}`", rule.name), "a mark is not in a scope of the same rule"),
        None => Ok(()),
    }
}

/// How many elements the rules around `expr` must have for the marks in it; `None` is no mark. `inside` is the same for
/// its operands.
fn marks(expr: &Expr, inside: Option<u32>) -> Result<Option<u32>, &'static str> {
    match expr {
        Expr::Marked { .. } if inside.is_some() => Err("a mark is in another one"),
        Expr::Marked { mark: Mark::Element(element), .. } => Ok(Some(element.saturating_add(1))),
        Expr::Marked { mark: Mark::Close, .. } => Ok(Some(0)),
        Expr::Scope { rules, .. } => {
            let tallies = rules.tallies.len();
            let sound = |element: &Element| {
                element.slot.is_none_or(|slot| (slot as usize) < rules.required.len())
                    && u32::from(element.tallies) >> tallies == 0
            };
            if tallies > ScopeRules::MAX_TALLIES || !rules.elements.iter().all(sound) {
                return Err("an element names a slot or tally that its scope does not have");
            }
            match inside {
                Some(count) if count as usize > rules.elements.len() => Err("a mark names no element of its scope"),
                _ => Ok(None),
            }
        }
        Expr::Repeat { min, max, .. } if inside.is_some() && !matches!((min, max), (0, Some(1)) | (0 | 1, None)) => {
            Err("a mark is in a counted repetition")
        }
        _ => Ok(inside),
    }
}

fn problem(grammar: &Grammar, expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::Empty | Expr::Never => None,
        Expr::Bytes(bytes) => bytes.is_empty().then_some("the literal is empty"),
        Expr::ByteSet(set) => set.is_empty().then_some("the byte set is empty"),
        Expr::Class(set) => set.is_empty().then_some("the class is empty"),
        Expr::Sequence(operands) | Expr::Choice(operands) => (operands.len() < 2).then_some("fewer than two operands"),
        Expr::Repeat { min, max, .. } => max.is_some_and(|max| max < *min).then_some("max is less than min"),
        Expr::Rule(rule) => unknown_rule(grammar, *rule).then_some("the reference names no rule"),
        Expr::Token(set) => set.is_empty().then_some("the token set is empty"),
        Expr::Scope { .. } | Expr::Marked { .. } => None,
        Expr::Automaton(automaton) => {
            let states = automaton.edges.len();
            let sized = states > 0 && automaton.accepting.len() == states;
            let sound = automaton.edges.iter().all(|edges| {
                edges.iter().all(|edge| edge.low <= edge.high && (edge.target as usize) < states)
                    && edges.windows(2).all(|pair| pair[0].high < pair[1].low)
            });
            match automaton.counter {
                _ if !(sized && sound) => Some("the automaton has unsorted, overlapping or dangling edges"),
                Some(counter) if counter.max.is_some_and(|max| max < counter.min) => Some("max is less than min"),
                None if automaton.edges.iter().flatten().any(|edge| edge.counts) => {
                    Some("an edge counts in an automaton without a counter")
                }
                _ => None,
            }
        }
    }
}

fn unknown_rule(grammar: &Grammar, rule: RuleId) -> bool {
    rule.index() >= grammar.rules.len()
}
