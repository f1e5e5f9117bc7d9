//! The grammar in which what is pending is a part of what an expression derives.

use std::sync::Arc;

use grammar_ir::{Budget, Expr, ExprId, Grammar, GrammarBuilder, GrammarError, LimitError, RuleId};
use rustc_hash::FxHashMap;

use super::outcomes::{Outcomes, iteration};
use super::pending::Pending;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// An expression between two states of what is pending.
type Between = (ExprId, Pending, Pending);

struct Rewrite<'o, 'g> {
    outcomes: &'o Outcomes<'g>,
    builder: GrammarBuilder,
    /// Per expression without look-aheads: its copy.
    copies: Vec<Option<ExprId>>,
    between: FxHashMap<Between, ExprId>,
    /// Per rule and what is pending before its body and after it: the copy.
    rules: FxHashMap<(RuleId, Pending, Pending), RuleId>,
}

/// The grammar that enforces the look-aheads.
///
/// # Errors
/// When a limit is met.
pub(super) fn rewrite(outcomes: &Outcomes<'_>, budget: &mut Budget<'_>) -> Result<Grammar, Diagnostics> {
    let grammar = outcomes.grammar;
    let builder = GrammarBuilder::with_max_expressions(budget.limits().expressions);
    let mut rewrite =
        Rewrite { outcomes, builder, copies: Vec::new(), between: FxHashMap::default(), rules: FxHashMap::default() };
    rewrite.declare();
    for (index, expr) in grammar.exprs().iter().enumerate() {
        budget.tick()?;
        let copy = (!outcomes.has_lookahead[index]).then(|| rewrite.copy(expr));
        rewrite.copies.push(copy);
    }
    let mut pairs: Vec<(ExprId, Pending)> = outcomes.found.keys().copied().collect();
    // Operands have smaller numbers than what they are parts of.
    pairs.sort_unstable_by_key(|&(id, pending)| (id.index(), pending));
    for (id, before) in pairs {
        for after in outcomes.known(id, before) {
            let expr = rewrite.expr(id, before, after, budget)?;
            rewrite.between.insert((id, before, after), expr);
        }
    }
    let copies: Vec<((RuleId, Pending, Pending), RuleId)> =
        rewrite.rules.iter().map(|(&of, &copy)| (of, copy)).collect();
    for ((rule, before, after), copy) in copies {
        let body = rewrite.between(grammar.rule(rule).body, before, after);
        rewrite.builder.define(copy, body);
        rewrite.builder.set_attributes(copy, grammar.rule(rule).attributes.clone());
    }
    let root = grammar.root();
    rewrite.builder.finish(root).map_err(|error| match error {
        GrammarError::Limit(limit) => limit.into(),
        other => Diagnostic::new(Code::Invalid, Place::Whole, other.to_string()).into(),
    })
}

impl Rewrite<'_, '_> {
    /// Declares the rules of the grammar, each as it is where nothing is pending before and after its body, and those that
    /// are needed besides.
    fn declare(&mut self) {
        let grammar = self.outcomes.grammar;
        for rule in grammar.rules() {
            let id = self.builder.declare(rule.name.clone());
            // A rule that the root does not need, or never so.
            let never = self.builder.never();
            self.builder.define(id, never);
            self.builder.set_attributes(id, rule.attributes.clone());
        }
        let mut befores: FxHashMap<ExprId, Vec<Pending>> = FxHashMap::default();
        for &(id, before) in self.outcomes.found.keys() {
            befores.entry(id).or_default().push(before);
        }
        for rule in grammar.rule_ids() {
            let body = grammar.rule(rule).body;
            let mut befores = befores.get(&body).cloned().unwrap_or_default();
            if !befores.contains(&Pending::NOTHING) {
                befores.push(Pending::NOTHING);
            }
            befores.sort_unstable();
            for before in befores {
                for after in self.outcomes.known(body, before) {
                    let copy = if (before, after) == (Pending::NOTHING, Pending::NOTHING) {
                        rule
                    } else {
                        let name = &grammar.rule(rule).name;
                        self.builder.declare(format!("{name}(={},{})", before.number(), after.number()))
                    };
                    self.rules.insert((rule, before, after), copy);
                }
            }
        }
    }

    /// An expression in which there is no look-ahead.
    fn copy(&mut self, expr: &Expr) -> ExprId {
        let copy = |id: &ExprId| self.copies[id.index()];
        match expr {
            Expr::Empty => self.builder.empty(),
            Expr::Never => self.builder.never(),
            Expr::Bytes(bytes) => self.builder.bytes(bytes),
            Expr::ByteSet(set) => self.builder.byte_set(*set),
            Expr::Class(set) => self.builder.class(set.as_ref().clone()),
            Expr::Sequence(operands) => {
                let operands: Vec<ExprId> = operands.iter().filter_map(copy).collect();
                self.builder.sequence(operands)
            }
            Expr::Choice(operands) => {
                let operands: Vec<ExprId> = operands.iter().filter_map(copy).collect();
                self.builder.choice(operands)
            }
            Expr::Repeat { body, min, max } => match copy(body) {
                Some(body) => self.builder.repeat(body, *min, *max),
                None => self.builder.never(),
            },
            Expr::Rule(rule) => self.builder.rule(*rule),
            Expr::Token(set) => self.builder.token(set.as_ref().clone()),
            Expr::Automaton(automaton) => self.builder.automaton(Arc::clone(automaton)),
            // The frontend makes none of these.
            Expr::Scope { .. } | Expr::Marked { .. } => self.builder.never(),
        }
    }

    /// The expression `id` between two states; those of its operands are there.
    fn between(&mut self, id: ExprId, before: Pending, after: Pending) -> ExprId {
        if self.outcomes.is_plain(id, before) && after == Pending::NOTHING {
            return match self.copies[id.index()] {
                Some(copy) => copy,
                None => self.builder.never(),
            };
        }
        match self.between.get(&(id, before, after)) {
            Some(&known) => known,
            None => self.builder.never(),
        }
    }

    fn expr(
        &mut self,
        id: ExprId,
        before: Pending,
        after: Pending,
        budget: &mut Budget<'_>,
    ) -> Result<ExprId, LimitError> {
        budget.tick()?;
        let outcomes = self.outcomes;
        Ok(match outcomes.grammar.expr(id) {
            Expr::Sequence(operands) => self.sequence(operands, before, after, budget)?,
            Expr::Choice(operands) => {
                let parts: Vec<ExprId> = operands.iter().map(|&operand| self.between(operand, before, after)).collect();
                self.builder.choice(parts)
            }
            Expr::Rule(rule) => {
                let inner = outcomes.after_rule(*rule, before).into_iter().filter(|&(_, outer)| outer == after);
                let copies: Vec<RuleId> =
                    inner.filter_map(|(inner, _)| self.rules.get(&(*rule, before, inner)).copied()).collect();
                let parts: Vec<ExprId> = copies.into_iter().map(|copy| self.builder.rule(copy)).collect();
                self.builder.choice(parts)
            }
            Expr::Repeat { body, min, max } if !outcomes.products.contains_key(&(id, before)) => {
                self.repeat((id, before, after), *body, *min, *max, budget)?
            }
            _ => match (outcomes.products.get(&(id, before)), self.copies[id.index()]) {
                (Some(product), copy) => {
                    // Of a literal there is one way, and so of whatever leads to one state only.
                    let is_all = outcomes.known(id, before).len() == 1 && product.automaton.counter.is_none();
                    match (outcomes.grammar.expr(id), copy) {
                        (Expr::Bytes(_), Some(copy)) if is_all => copy,
                        _ => {
                            let mut automaton = product.automaton.clone();
                            for (accepting, &pending) in automaton.accepting.iter_mut().zip(&product.pending) {
                                *accepting &= pending == after;
                            }
                            self.builder.automaton(automaton)
                        }
                    }
                }
                (None, Some(copy)) if before == after => copy,
                _ => self.builder.never(),
            },
        })
    }

    /// A sequence, from its end: what is left of it, for each state that there can be before that.
    fn sequence(
        &mut self,
        operands: &[ExprId],
        before: Pending,
        after: Pending,
        budget: &mut Budget<'_>,
    ) -> Result<ExprId, LimitError> {
        // Per operand: the states before it.
        let mut states: Vec<Vec<Pending>> = vec![vec![before]];
        for (index, &operand) in operands.iter().enumerate() {
            budget.tick()?;
            let mut next: Vec<Pending> =
                states[index].iter().flat_map(|&pending| self.outcomes.known(operand, pending)).collect();
            next.sort_unstable();
            next.dedup();
            states.push(next);
        }
        // What is left, as the parts of a sequence, so that a long one is put together once.
        let mut rest: FxHashMap<Pending, Vec<ExprId>> = FxHashMap::from_iter([(after, Vec::new())]);
        for (index, &operand) in operands.iter().enumerate().rev() {
            let mut left: FxHashMap<Pending, Vec<ExprId>> = FxHashMap::default();
            for &pending in &states[index] {
                budget.tick()?;
                let ways: Vec<Pending> =
                    self.outcomes.known(operand, pending).into_iter().filter(|next| rest.contains_key(next)).collect();
                let parts = match ways[..] {
                    [] => continue,
                    [next] => {
                        // In reverse; where one state leads to another one alone, the parts are handed on.
                        let mut parts = match states[index].len() {
                            1 => rest.remove(&next).unwrap_or_default(),
                            _ => rest.get(&next).cloned().unwrap_or_default(),
                        };
                        parts.push(self.between(operand, pending, next));
                        parts
                    }
                    _ => {
                        let mut arms = Vec::with_capacity(ways.len());
                        for next in ways {
                            let tail = rest.get(&next).into_iter().flatten().rev().copied().collect::<Vec<ExprId>>();
                            let first = self.between(operand, pending, next);
                            arms.push(self.builder.sequence(std::iter::once(first).chain(tail)));
                        }
                        vec![self.builder.choice(arms)]
                    }
                };
                left.insert(pending, parts);
            }
            rest = left;
        }
        let parts = rest.remove(&before);
        Ok(match parts {
            Some(parts) => self.builder.sequence(parts.into_iter().rev()),
            None => self.builder.never(),
        })
    }

    /// A repetition: a rule for what is left of it, for each number of repetitions and state that there can be.
    fn repeat(
        &mut self,
        (id, before, after): Between,
        body: ExprId,
        min: u32,
        max: Option<u32>,
        budget: &mut Budget<'_>,
    ) -> Result<ExprId, LimitError> {
        let mut numbers: FxHashMap<(u32, Pending), usize> = FxHashMap::from_iter([((0, before), 0)]);
        let mut states = vec![(0, before)];
        let name = format!("(={},{},{})", id.index(), before.number(), after.number());
        let mut rules = vec![self.builder.declare(format!("{name}0"))];
        let mut index = 0;
        while let Some(&(done, pending)) = states.get(index) {
            budget.tick()?;
            let mut ways = Vec::new();
            if self.outcomes.is_plain(body, pending) {
                if let (Some(copy), true) = (self.copies[body.index()], after == Pending::NOTHING) {
                    ways.push(self.builder.repeat(copy, min.saturating_sub(done), max.map(|max| max - done)));
                }
            } else {
                if done >= min && pending == after {
                    ways.push(self.builder.empty());
                }
                for next in iteration(done, min, max).map(|_| self.outcomes.known(body, pending)).unwrap_or_default() {
                    let Some(next_done) = iteration(done, min, max) else { continue };
                    let number = *numbers.entry((next_done, next)).or_insert_with(|| {
                        states.push((next_done, next));
                        rules.push(self.builder.declare(format!("{name}{}", states.len() - 1)));
                        states.len() - 1
                    });
                    let first = self.between(body, pending, next);
                    let rest = self.builder.rule(rules[number]);
                    ways.push(self.builder.sequence([first, rest]));
                }
            }
            let left = self.builder.choice(ways);
            self.builder.define(rules[index], left);
            index += 1;
        }
        Ok(self.builder.rule(rules[0]))
    }
}
