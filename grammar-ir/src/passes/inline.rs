//! Rules that are not recursive are substituted where they are used, if they are small or used once and have no attributes.
//!
//! Fewer rules are fewer calls, so fewer frames at run time and more for the determinisation of each procedure to see.
//! A rule that is used often and is not small stays one procedure: its states, and the masks cached for them, are shared.

use super::components::components;
use super::rebuild::Rebuild;
use crate::{Budget, Expr, ExprId, Grammar, LimitError, RuleId};

/// A rule of this weight or less is substituted at each of its uses. The unit is about one automaton state.
const MAX_COPIED_WEIGHT: u64 = 16;
/// Repetitions beyond this many are taken to become a counter, which does not grow with its bounds.
const MAX_COUNTED_COPIES: u64 = 64;

pub(super) fn run(grammar: Grammar, budget: &mut Budget<'_>) -> Result<Grammar, LimitError> {
    let plan = Plan::of(&grammar, budget)?;
    let mut rebuild = Rebuild::new(&grammar, budget);
    let mut new_rules: Vec<Option<RuleId>> = Vec::with_capacity(grammar.rules().len());
    for (rule, target) in grammar.rules().iter().zip(&plan.substitutes) {
        new_rules.push(target.is_none().then(|| {
            let new_rule = rebuild.builder.declare(&rule.name);
            rebuild.builder.set_attributes(new_rule, rule.attributes.clone());
            new_rule
        }));
    }

    let mut copies: Vec<Option<ExprId>> = vec![None; grammar.exprs().len()];
    for (rule, new_rule) in grammar.rules().iter().zip(&new_rules) {
        let Some(new_rule) = *new_rule else { continue };
        let body = plan.resolve(&grammar, rule.body);
        // Operands first. A substituted body may have a larger id than its user, so the order of ids does not serve.
        let mut agenda = vec![(body, None)];
        while let Some((id, operands)) = agenda.pop() {
            if copies[id.index()].is_some() {
                continue;
            }
            match operands {
                None => {
                    let operands = plan.operands(&grammar, id, budget)?;
                    let missing: Vec<ExprId> =
                        operands.iter().copied().filter(|operand| copies[operand.index()].is_none()).collect();
                    agenda.push((id, Some(operands)));
                    agenda.extend(missing.into_iter().map(|operand| (operand, None)));
                }
                Some(operands) => {
                    let operands = operands.iter().map(|operand| copied(&copies, *operand)).collect();
                    let renumbered = match grammar.expr(id) {
                        Expr::Rule(rule) => new_rules[rule.index()].map(Expr::Rule),
                        _ => None,
                    };
                    let expr = renumbered.as_ref().unwrap_or(grammar.expr(id));
                    copies[id.index()] = Some(rebuild.copy(expr, operands, budget)?);
                }
            }
        }
        rebuild.builder.define(new_rule, copied(&copies, body));
    }
    // The root is never substituted.
    let inlined = rebuild.finish(new_rules[grammar.root().index()].unwrap_or(grammar.root()))?;
    Ok(Grammar { is_trim: grammar.is_trim, ..inlined })
}

/// The copy of an expression that was visited before its users, which acyclic substitution makes possible.
fn copied(copies: &[Option<ExprId>], id: ExprId) -> ExprId {
    copies[id.index()].expect("operands are copied before their users")
}

/// What to substitute.
struct Plan {
    /// Per rule: the expression that takes the place of references to it, itself not a substituted reference.
    substitutes: Vec<Option<ExprId>>,
}

impl Plan {
    fn of(grammar: &Grammar, budget: &mut Budget<'_>) -> Result<Self, LimitError> {
        let exprs = grammar.exprs();
        let references = references(grammar);
        let mut weights = vec![0u64; exprs.len()];
        let mut plan = Self { substitutes: vec![None; grammar.rules().len()] };
        let mut component_of = vec![usize::MAX; exprs.len()];
        let successor = |node: usize, n: usize| match &exprs[node] {
            Expr::Rule(rule) => (n == 0).then(|| grammar.rule(*rule).body.index()),
            expr => expr.operands().get(n).map(|operand| operand.index()),
        };
        let mut sorted: Vec<usize> = Vec::new();
        for (number, component) in components(exprs.len(), successor).iter().enumerate() {
            // All that a component refers to comes before it. In it, operands come before their users by their ids.
            sorted.clear();
            sorted.extend_from_slice(component);
            sorted.sort_unstable();
            component.iter().for_each(|&index| component_of[index] = number);
            for &index in &sorted {
                budget.tick()?;
                weights[index] = match &exprs[index] {
                    Expr::Rule(rule) => {
                        let body = grammar.rule(*rule).body;
                        let recursive = component_of[body.index()] == number;
                        let small = weights[body.index()] <= MAX_COPIED_WEIGHT;
                        let may_vanish = *rule != grammar.root() && grammar.rule(*rule).attributes.is_empty();
                        let chosen = !recursive && may_vanish && (small || references[rule.index()] == 1);
                        if chosen {
                            plan.substitutes[rule.index()] = Some(plan.resolve(grammar, body));
                        }
                        if chosen { weights[body.index()] } else { 1 }
                    }
                    expr => weight(expr, &weights),
                };
            }
        }
        Ok(plan)
    }

    /// What stands in the place of `id`.
    fn resolve(&self, grammar: &Grammar, id: ExprId) -> ExprId {
        match grammar.expr(id) {
            Expr::Rule(rule) => self.substitutes[rule.index()].unwrap_or(id),
            _ => id,
        }
    }

    /// The operands of `id` after substitution. Sequences in sequences and choices in choices are spliced here and not
    /// left to the builder, as in a chain of n rules that would make n sequences of up to n operands.
    fn operands(&self, grammar: &Grammar, id: ExprId, budget: &mut Budget<'_>) -> Result<Vec<ExprId>, LimitError> {
        let outer = grammar.expr(id);
        let mut operands = Vec::new();
        let mut agenda: Vec<ExprId> = outer.operands().iter().rev().copied().collect();
        while let Some(operand) = agenda.pop() {
            budget.tick()?;
            let operand = self.resolve(grammar, operand);
            match (outer, grammar.expr(operand)) {
                (Expr::Sequence(_), Expr::Sequence(inner)) | (Expr::Choice(_), Expr::Choice(inner)) => {
                    agenda.extend(inner.iter().rev());
                }
                _ => operands.push(operand),
            }
        }
        Ok(operands)
    }
}

/// Per rule: how often it is referred to, where an expression with several users counts for each of them, as it is
/// lowered for each of them.
fn references(grammar: &Grammar) -> Vec<u64> {
    let mut uses = vec![0u64; grammar.exprs().len()];
    let mut references = vec![0u64; grammar.rules().len()];
    grammar.rules().iter().for_each(|rule| uses[rule.body.index()] += 1);
    for (index, expr) in grammar.exprs().iter().enumerate().rev() {
        let own = uses[index];
        if let Expr::Rule(rule) = expr {
            references[rule.index()] = references[rule.index()].saturating_add(own);
        }
        for operand in expr.operands() {
            uses[operand.index()] = uses[operand.index()].saturating_add(own);
        }
    }
    references
}

/// About how many automaton states the expression takes.
fn weight(expr: &Expr, weights: &[u64]) -> u64 {
    let length = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    match expr {
        Expr::Empty | Expr::Never => 0,
        Expr::Bytes(bytes) => length(bytes.len()),
        Expr::ByteSet(_) | Expr::Token(_) | Expr::Rule(_) => 1,
        Expr::Class(set) => length(set.ranges().len()),
        Expr::Automaton(automaton) if automaton.counter.is_some() => 1,
        Expr::Automaton(automaton) => length(automaton.edges.len()),
        Expr::Sequence(operands) | Expr::Choice(operands) => {
            operands.iter().fold(0, |sum: u64, operand| sum.saturating_add(weights[operand.index()]))
        }
        // A procedure of its own, wherever it stands.
        Expr::Scope { .. } => 1,
        Expr::Marked { body, .. } => weights[body.index()],
        Expr::Repeat { body, min, max } => {
            let copies = u64::from(max.unwrap_or(*min)).clamp(1, MAX_COUNTED_COPIES);
            weights[body.index()].saturating_mul(copies)
        }
    }
}
