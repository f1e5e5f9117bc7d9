//! Rules and expressions that are not reachable from the root are dropped; the others keep their order.

use crate::{Budget, Expr, ExprId, Grammar, LimitError, Rule, RuleId};

pub(super) fn run(grammar: Grammar, budget: &mut Budget<'_>) -> Result<Grammar, LimitError> {
    let mut used_rules = vec![false; grammar.rules.len()];
    let mut used_exprs = vec![false; grammar.exprs.len()];
    used_rules[grammar.root.index()] = true;
    let mut agenda = vec![grammar.rule(grammar.root).body];
    while let Some(id) = agenda.pop() {
        budget.tick()?;
        if std::mem::replace(&mut used_exprs[id.index()], true) {
            continue;
        }
        match grammar.expr(id) {
            Expr::Rule(rule) => {
                used_rules[rule.index()] = true;
                agenda.push(grammar.rule(*rule).body);
            }
            expr => agenda.extend(expr.operands()),
        }
    }
    if used_rules.iter().chain(&used_exprs).all(|&used| used) {
        return Ok(grammar);
    }
    let rule_numbers = numbers(&used_rules);
    let expr_numbers = numbers(&used_exprs);
    let new_rule = |id: RuleId| RuleId::from_u32(rule_numbers[id.index()]);
    let new_expr = |id: ExprId| ExprId::from_u32(expr_numbers[id.index()]);

    let kept_exprs = grammar.exprs.into_iter().zip(used_exprs).filter_map(|(expr, used)| used.then_some(expr));
    let exprs = kept_exprs
        .map(|mut expr| {
            match &mut expr {
                Expr::Sequence(operands) | Expr::Choice(operands) => {
                    operands.iter_mut().for_each(|operand| *operand = new_expr(*operand));
                }
                Expr::Repeat { body, .. } | Expr::Scope { body, .. } | Expr::Marked { body, .. } => {
                    *body = new_expr(*body);
                }
                Expr::Rule(rule) => *rule = new_rule(*rule),
                _ => {}
            }
            expr
        })
        .collect();
    let kept_rules = grammar.rules.into_iter().zip(used_rules).filter_map(|(rule, used)| used.then_some(rule));
    let rules = kept_rules.map(|rule| Rule { body: new_expr(rule.body), ..rule }).collect();
    Ok(Grammar { rules, exprs, root: new_rule(grammar.root), is_trim: grammar.is_trim })
}

/// Per entry: how many entries before it are used, which is its number if it is.
fn numbers(used: &[bool]) -> Vec<u32> {
    let mut next = 0;
    used.iter()
        .map(|&used| {
            let number = next;
            next += u32::from(used);
            number
        })
        .collect()
}
