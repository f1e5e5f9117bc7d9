//! Look-aheads that hold by themselves: wherever the rule is used, what it looks for comes next anyway. XGrammar writes such
//! look-aheads when it prints a grammar. They need not be regular.

use grammar_ir::{Expr, ExprId, Grammar, RuleId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Lookahead;

/// The look-aheads that have to be enforced.
pub(super) fn not_implied(grammar: &Grammar, lookaheads: &[Lookahead]) -> Vec<Lookahead> {
    let mut pending: FxHashMap<RuleId, ExprId> = lookaheads.iter().map(|it| (it.rule, it.expr)).collect();
    // What the root is followed by is nothing.
    pending.remove(&grammar.root());
    let bodies = grammar.rules().iter().map(|rule| rule.body).chain(lookaheads.iter().map(|it| it.expr));
    let mut agenda: Vec<ExprId> = bodies.collect();
    // A use at the end of a rule or a look-ahead, or of a repetition, is followed by what is not known here.
    for &id in &agenda {
        forget(grammar, id, &mut pending);
    }
    let mut seen: FxHashSet<ExprId> = FxHashSet::default();
    while let Some(id) = agenda.pop() {
        if !seen.insert(id) {
            continue;
        }
        match grammar.expr(id) {
            Expr::Sequence(operands) => {
                for (index, &operand) in operands.iter().enumerate() {
                    let Expr::Rule(rule) = grammar.expr(operand) else { continue };
                    if pending.get(rule).is_some_and(|&expr| !comes_next(grammar, expr, &operands[index + 1..])) {
                        pending.remove(rule);
                    }
                }
            }
            expr => expr.operands().iter().for_each(|&operand| forget(grammar, operand, &mut pending)),
        }
        agenda.extend(grammar.expr(id).operands());
    }
    lookaheads.iter().filter(|it| !pending.contains_key(&it.rule)).copied().collect()
}

/// Takes out the rule that `id` refers to, if it is a reference.
fn forget(grammar: &Grammar, id: ExprId, pending: &mut FxHashMap<RuleId, ExprId>) {
    if let Expr::Rule(rule) = grammar.expr(id) {
        pending.remove(rule);
    }
}

/// Whether what comes next begins with the very parts of `lookahead`; of its last literal, with a longer one.
fn comes_next(grammar: &Grammar, lookahead: ExprId, next: &[ExprId]) -> bool {
    let own = [lookahead];
    let parts = match grammar.expr(lookahead) {
        Expr::Sequence(operands) => &operands[..],
        _ => &own[..],
    };
    let Some((last, firsts)) = parts.split_last() else { return false };
    if next.len() < parts.len() || !next.starts_with(firsts) {
        return false;
    }
    match (grammar.expr(*last), grammar.expr(next[firsts.len()])) {
        (Expr::Bytes(bytes), Expr::Bytes(longer)) => longer.starts_with(bytes),
        _ => *last == next[firsts.len()],
    }
}
