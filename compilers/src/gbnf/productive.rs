//! Rules that can never produce anything, such as `a ::= "x" a` alone, are errors where the root needs them, and elsewhere
//! warnings.

use grammar_ir::{Expr, ExprId, Grammar, RuleId};
use rustc_hash::FxHashSet;

use super::ast::Ast;
use super::parse::MAX_DIAGNOSTICS;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};

/// Reports the rules of `grammar` that stand for no text at all: as warnings those that the root does not reach.
///
/// Of rules that produce nothing only because of others, just the others are reported.
///
/// # Errors
/// If the root reaches any.
pub(super) fn check(grammar: &Grammar, ast: &Ast) -> Result<Vec<Diagnostic>, Diagnostics> {
    let productive = productive_expressions(grammar);
    let barren: Vec<bool> = grammar.rules().iter().map(|rule| !productive[rule.body.index()]).collect();
    if !barren.contains(&true) {
        return Ok(Vec::new());
    }
    let graph = RuleGraph { grammar, barren: &barren };
    let report = |rule: RuleId| {
        let name = &grammar.rule(rule).name;
        let message = format!("rule `{name}` can never produce anything");
        let help = if matches!(grammar.expr(grammar.rule(rule).body), Expr::Never) {
            "each of its alternatives needs a character of an empty class"
        } else {
            "each of its alternatives leads back to it; add one that ends"
        };
        Diagnostic::new(Code::Unsatisfiable, ast.rules[rule.index()].name.place(), message).with_help(help)
    };
    let errors: Vec<Diagnostic> = graph.causes(graph.reached()).into_iter().take(MAX_DIAGNOSTICS).map(report).collect();
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let mut unneeded = graph.causes(grammar.rule_ids());
    unneeded.sort_unstable_by_key(|rule| rule.index());
    Ok(unneeded.into_iter().take(MAX_DIAGNOSTICS).map(report).collect())
}

/// Per expression, whether it stands for at least one word; in time linear in the grammar, as unit propagation.
fn productive_expressions(grammar: &Grammar) -> Vec<bool> {
    let exprs = grammar.exprs();
    let mut rule_references: Vec<Vec<u32>> = vec![Vec::new(); grammar.rules().len()];
    let mut bodies_of: Vec<(u32, RuleId)> = Vec::new();
    // Users of each expression in one array, those of expression `e` at `first_user[e]..first_user[e + 1]`.
    let mut first_user = vec![0_u32; exprs.len() + 1];
    for (index, expr) in exprs.iter().enumerate() {
        if let Expr::Rule(rule) = expr {
            rule_references[rule.index()].push(index as u32);
        }
        for operand in expr.operands() {
            first_user[operand.index() + 1] += 1;
        }
    }
    for index in 1..first_user.len() {
        first_user[index] += first_user[index - 1];
    }
    let mut users = vec![0_u32; first_user[exprs.len()] as usize];
    let mut next = first_user.clone();
    for (index, expr) in exprs.iter().enumerate() {
        for operand in expr.operands() {
            users[next[operand.index()] as usize] = index as u32;
            next[operand.index()] += 1;
        }
    }
    for rule in grammar.rule_ids() {
        bodies_of.push((grammar.rule(rule).body.as_u32(), rule));
    }
    bodies_of.sort_unstable();

    // Operands that an expression still waits for.
    let mut waits: Vec<u32> = exprs
        .iter()
        .map(|expr| match expr {
            Expr::Sequence(operands) => operands.len() as u32,
            Expr::Repeat { min: 0, .. } => 0,
            Expr::Never | Expr::Choice(_) | Expr::Repeat { .. } | Expr::Rule(_) => 1,
            _ => 0,
        })
        .collect();
    let mut productive: Vec<bool> = waits.iter().map(|&waits| waits == 0).collect();
    let mut work: Vec<u32> = (0..exprs.len() as u32).filter(|&index| productive[index as usize]).collect();
    while let Some(done) = work.pop() {
        let direct = &users[first_user[done as usize] as usize..first_user[done as usize + 1] as usize];
        let bodies = bodies_of.iter().skip(bodies_of.partition_point(|&(body, _)| body < done));
        let through_rules =
            bodies.take_while(|&&(body, _)| body == done).flat_map(|(_, rule)| rule_references[rule.index()].iter());
        for &user in direct.iter().chain(through_rules) {
            let user = user as usize;
            waits[user] = waits[user].saturating_sub(1);
            if waits[user] == 0 && !productive[user] {
                productive[user] = true;
                work.push(user as u32);
            }
        }
    }
    productive
}

/// The barren rules and their references to one another.
struct RuleGraph<'g> {
    grammar: &'g Grammar,
    barren: &'g [bool],
}

impl RuleGraph<'_> {
    /// The barren rules that `starts` reach and that refer to no barren rule but those that lead back to them: the sink
    /// components of the graph, by Tarjan's algorithm with its stack made explicit.
    fn causes(&self, starts: impl IntoIterator<Item = RuleId>) -> Vec<RuleId> {
        const UNSEEN: u32 = u32::MAX;
        let mut causes = Vec::new();
        let mut order = vec![UNSEEN; self.barren.len()];
        let mut low = vec![UNSEEN; self.barren.len()];
        // Whether a rule refers to a component other than its own.
        let mut leaves = vec![false; self.barren.len()];
        let mut on_stack = vec![false; self.barren.len()];
        let mut stack: Vec<RuleId> = Vec::new();
        let mut path: Vec<(RuleId, Vec<RuleId>)> = Vec::new();
        let mut seen = 0;
        for start in starts {
            if self.barren[start.index()] && order[start.index()] == UNSEEN {
                path.push((start, self.references(start, true)));
            }
            while let Some((rule, pending)) = path.last_mut() {
                let rule = *rule;
                if order[rule.index()] == UNSEEN {
                    (order[rule.index()], low[rule.index()]) = (seen, seen);
                    seen += 1;
                    on_stack[rule.index()] = true;
                    stack.push(rule);
                }
                if let Some(next) = pending.pop() {
                    if order[next.index()] == UNSEEN {
                        path.push((next, self.references(next, true)));
                    } else if on_stack[next.index()] {
                        low[rule.index()] = low[rule.index()].min(order[next.index()]);
                    } else {
                        leaves[rule.index()] = true;
                    }
                    continue;
                }
                path.pop();
                let complete = low[rule.index()] == order[rule.index()];
                if let Some(&(parent, _)) = path.last() {
                    low[parent.index()] = low[parent.index()].min(low[rule.index()]);
                    leaves[parent.index()] |= complete;
                }
                if complete {
                    let first = stack.iter().rposition(|&member| member == rule).unwrap_or(0);
                    let component = stack.split_off(first);
                    let sink = !component.iter().any(|member| leaves[member.index()]);
                    for member in component {
                        on_stack[member.index()] = false;
                        causes.extend(sink.then_some(member));
                    }
                }
            }
        }
        causes
    }

    /// The rules that the root reaches.
    fn reached(&self) -> Vec<RuleId> {
        let mut reached = vec![self.grammar.root()];
        let mut known: FxHashSet<RuleId> = reached.iter().copied().collect();
        let mut next = 0;
        while next < reached.len() {
            let references = self.references(reached[next], false);
            reached.extend(references.into_iter().filter(|&rule| known.insert(rule)));
            next += 1;
        }
        reached
    }

    /// The rules that the body of `rule` refers to; only barren ones if so wanted.
    fn references(&self, rule: RuleId, only_barren: bool) -> Vec<RuleId> {
        let mut references = Vec::new();
        let mut work = vec![self.grammar.rule(rule).body];
        let mut known: FxHashSet<ExprId> = work.iter().copied().collect();
        while let Some(id) = work.pop() {
            let expr = self.grammar.expr(id);
            if let Expr::Rule(rule) = expr {
                references.extend((!only_barren || self.barren[rule.index()]).then_some(*rule));
            }
            work.extend(expr.operands().iter().copied().filter(|&operand| known.insert(operand)));
        }
        references
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, compile};

    fn barren(source: &str) -> Vec<String> {
        match compile(source, &Options::default(), None, &Default::default()) {
            Ok(_) => Vec::new(),
            Err(found) => found.iter().map(|it| it.message.clone()).collect(),
        }
    }

    fn message(name: &str) -> String {
        format!("rule `{name}` can never produce anything")
    }

    #[test]
    fn causes_and_not_consequences() {
        let source = "root ::= \"a\" b | \"x\"\nb ::= c\nc ::= \"(\" d \")\"\nd ::= c d\ne ::= e";
        assert_eq!(barren(source), [message("c"), message("d")]);
        assert_eq!(barren("root ::= a b\na ::= \"x\" a\nb ::= [] | b b"), [message("a"), message("b")]);
    }

    #[test]
    fn productive_grammars_pass() {
        for source in [
            "root ::= [^\\u0000-\\U0010FFFF] | \"ok\"",
            "root ::= a*\na ::= []?",
            "root ::= \"x\" root | \"\"",
            "root ::= a a\na ::= b b | root\nb ::= \"y\"",
            "root ::= \"x\"\nunused ::= unused",
        ] {
            assert_eq!(barren(source), Vec::<String>::new(), "{source}");
        }
    }

    #[test]
    fn rules_that_the_root_does_not_need_are_warned_about() {
        let source = "root ::= \"x\"\nfine ::= \"y\"\na ::= b\nb ::= \"(\" b\nc ::= []";
        let compiled = super::super::compile_with_warnings(source, &Options::default(), None, &Default::default());
        let warnings: Vec<String> = compiled.unwrap().warnings.into_iter().map(|it| it.message).collect();
        assert_eq!(warnings, [message("b"), message("c")]);
    }

    #[test]
    fn a_long_chain_takes_linear_time() {
        let mut source = "root ::= r0\n".to_owned();
        for index in 0..20_000 {
            source.push_str(&format!("r{index} ::= \"x\" r{}\n", index + 1));
        }
        source.push_str("r20000 ::= r20000");
        assert_eq!(barren(&source), [message("r20000")]);
    }
}
