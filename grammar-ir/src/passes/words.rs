//! Which expressions have words.

use std::collections::BTreeSet;
use std::ops::Range;

use rustc_hash::FxHashSet;

use super::productive::Trimmed;
use super::scopes::can_be_met;
use crate::{Budget, ByteAutomaton, Expr, ExprId, Grammar, LimitError, Mark};

/// Per expression: whether it has a word. A marked part has those of its body that are not empty; of a scope it is only
/// asked whether its body has words and whether its rules can be met with the elements in it, in whatever order.
pub(super) fn productive(
    grammar: &Grammar,
    trimmed: &Trimmed<'_>,
    budget: &mut Budget<'_>,
) -> Result<Vec<bool>, LimitError> {
    let mut search = Search::new(grammar, trimmed);
    loop {
        while let Some(found) = search.agenda.pop() {
            budget.tick()?;
            search.spread(found);
        }
        for scope in std::mem::take(&mut search.changed_scopes) {
            if let Expr::Scope { body, rules } = grammar.expr(scope)
                && search.missing[scope.index()] > 0
                && search.has_word(*body)
                && can_be_met(rules, &search.elements(*body), budget)?
            {
                search.found_word(scope);
            }
        }
        if search.agenda.is_empty() {
            return Ok(search.missing.iter().map(|&missing| missing == 0).collect());
        }
    }
}

/// News of an expression.
#[derive(Debug, Clone, Copy)]
enum Found {
    /// It has a word.
    Word(ExprId),
    /// It has a word that is not empty.
    NonEmpty(ExprId),
}

struct Search<'g> {
    grammar: &'g Grammar,
    /// Per expression: how many of its parts must still be found to have words, 0 if it is known to have one itself. An
    /// expression that is not known by its parts misses one more than ever is found.
    missing: Vec<usize>,
    /// Per expression: whether it has a word that is not empty, or would have, were nothing missing.
    non_empty: Vec<bool>,
    dependents: Dependents,
    /// Per expression: the scopes that it has marks for. Empty in a grammar without scopes.
    scopes_around: Vec<Vec<ExprId>>,
    /// Scopes that may have come to more elements since their rules were looked at.
    changed_scopes: BTreeSet<ExprId>,
    agenda: Vec<Found>,
}

impl<'g> Search<'g> {
    fn new(grammar: &'g Grammar, trimmed: &Trimmed<'_>) -> Self {
        let ids = || (0..grammar.exprs().len() as u32).map(ExprId::from_u32);
        let mut search = Self {
            grammar,
            missing: ids().map(|id| needed(grammar.expr(id), trimmed.contains_key(&id.index()))).collect(),
            non_empty: vec![false; grammar.exprs().len()],
            dependents: Dependents::of(grammar),
            scopes_around: scopes_around(grammar),
            changed_scopes: BTreeSet::new(),
            agenda: Vec::new(),
        };
        for id in ids() {
            if search.missing[id.index()] == 0 {
                search.agenda.push(Found::Word(id));
            }
            if search.missing[id.index()] == 0
                && is_non_empty_leaf(grammar.expr(id), trimmed.get(&id.index()).map(|trimmed| &**trimmed))
            {
                search.found_non_empty(id);
            }
        }
        search
    }

    fn has_word(&self, id: ExprId) -> bool {
        self.missing[id.index()] == 0
    }

    fn found_word(&mut self, id: ExprId) {
        self.missing[id.index()] = 0;
        self.agenda.push(Found::Word(id));
        if self.non_empty[id.index()] {
            self.agenda.push(Found::NonEmpty(id));
        }
    }

    fn found_non_empty(&mut self, id: ExprId) {
        if !std::mem::replace(&mut self.non_empty[id.index()], true) && self.has_word(id) {
            self.agenda.push(Found::NonEmpty(id));
        }
    }

    /// Tells the users of an expression.
    fn spread(&mut self, found: Found) {
        let (Found::Word(id) | Found::NonEmpty(id)) = found;
        for place in self.dependents.places(id) {
            let dependent = self.dependents.users[place];
            let missing = self.missing[dependent.index()];
            match (found, self.grammar.expr(dependent)) {
                (Found::Word(_), Expr::Scope { .. }) => drop(self.changed_scopes.insert(dependent)),
                (Found::Word(_), Expr::Marked { .. }) => {}
                (Found::Word(_), _) => match missing {
                    0 => {}
                    1 => self.found_word(dependent),
                    _ => self.missing[dependent.index()] -= 1,
                },
                (Found::NonEmpty(_), expr) => {
                    if matches!(expr, Expr::Marked { .. }) && missing > 0 {
                        self.found_word(dependent);
                    }
                    self.found_non_empty(dependent);
                }
            }
        }
        if let (Found::Word(_), Some(scopes)) = (found, self.scopes_around.get(id.index())) {
            self.changed_scopes.extend(scopes);
        }
    }

    /// The elements that a body's words can select, as far as is known.
    fn elements(&self, body: ExprId) -> Vec<u32> {
        let mut elements = Vec::new();
        let mut seen = FxHashSet::from_iter([body]);
        let mut agenda = vec![body];
        while let Some(id) = agenda.pop() {
            if !self.has_word(id) || self.scopes_around[id.index()].is_empty() {
                continue;
            }
            match self.grammar.expr(id) {
                Expr::Marked { mark: Mark::Element(element), .. } => elements.push(*element),
                Expr::Marked { .. } => {}
                expr => agenda.extend(expr.operands().iter().filter(|&&operand| seen.insert(operand))),
            }
        }
        elements
    }
}

/// The expressions that have each one as a part, a reference the body of its rule.
struct Dependents {
    /// Where those of each expression end in `users`.
    ends: Vec<u32>,
    users: Vec<ExprId>,
}

impl Dependents {
    fn of(grammar: &Grammar) -> Self {
        let body = |expr: &Expr| match expr {
            Expr::Rule(rule) => Some(grammar.rule(*rule).body),
            _ => None,
        };
        let mut starts = vec![0u32; grammar.exprs().len() + 1];
        let mut total = 0;
        for expr in grammar.exprs() {
            for part in body(expr).iter().chain(expr.operands()) {
                starts[part.index() + 1] += 1;
                total += 1;
            }
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        // Each entry is where the users of an expression begin, and, as they are filled in, where they end.
        let mut ends = starts;
        let mut users = vec![ExprId::from_u32(0); total];
        for (index, expr) in grammar.exprs().iter().enumerate() {
            for part in body(expr).iter().chain(expr.operands()) {
                let place = &mut ends[part.index()];
                users[*place as usize] = ExprId::from_u32(index as u32);
                *place += 1;
            }
        }
        Self { ends, users }
    }

    /// Where in `users` those of `id` are.
    fn places(&self, id: ExprId) -> Range<usize> {
        let start = id.index().checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[id.index()] as usize
    }
}

/// How many parts must be found to have words for the expression to have one. `accepts` says whether it is an automaton
/// that accepts something.
fn needed(expr: &Expr, accepts: bool) -> usize {
    match expr {
        Expr::Empty | Expr::Bytes(_) | Expr::ByteSet(_) | Expr::Class(_) | Expr::Token(_) => 0,
        Expr::Never => 1,
        Expr::Sequence(operands) => operands.len(),
        Expr::Choice(_) | Expr::Rule(_) | Expr::Scope { .. } | Expr::Marked { .. } => 1,
        Expr::Repeat { min, .. } => usize::from(*min > 0),
        Expr::Automaton(_) => usize::from(!accepts),
    }
}

/// Whether an expression without parts, which has a word, has one that is not empty.
fn is_non_empty_leaf(expr: &Expr, trimmed: Option<&ByteAutomaton>) -> bool {
    match expr {
        Expr::Bytes(_) | Expr::ByteSet(_) | Expr::Class(_) | Expr::Token(_) => true,
        // With an edge away from the start some word takes it: if the empty word is one, a lower count is never too low.
        Expr::Automaton(_) => {
            trimmed.is_some_and(|trimmed| trimmed.edges.first().is_some_and(|edges| !edges.is_empty()))
        }
        _ => false,
    }
}

/// Per expression: the scopes that it has marks for; empty in a grammar without scopes.
fn scopes_around(grammar: &Grammar) -> Vec<Vec<ExprId>> {
    let exprs = grammar.exprs();
    if !exprs.iter().any(|expr| matches!(expr, Expr::Scope { .. })) {
        return Vec::new();
    }
    let mut has_marks: Vec<bool> = Vec::with_capacity(exprs.len());
    for expr in exprs {
        has_marks.push(match expr {
            Expr::Scope { .. } => false,
            Expr::Marked { .. } => true,
            _ => expr.operands().iter().any(|operand| has_marks[operand.index()]),
        });
    }
    let mut scopes_around: Vec<Vec<ExprId>> = vec![Vec::new(); exprs.len()];
    for (index, expr) in exprs.iter().enumerate() {
        let Expr::Scope { body, .. } = expr else { continue };
        let scope = ExprId::from_u32(index as u32);
        let mut agenda = vec![*body];
        while let Some(id) = agenda.pop() {
            let scopes = &mut scopes_around[id.index()];
            // Scopes come in order, so one that was here before is the last.
            if !has_marks[id.index()] || scopes.last() == Some(&scope) {
                continue;
            }
            scopes.push(scope);
            if !matches!(grammar.expr(id), Expr::Marked { .. }) {
                agenda.extend(grammar.expr(id).operands());
            }
        }
    }
    scopes_around
}
