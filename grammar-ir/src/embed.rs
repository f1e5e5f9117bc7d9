//! A whole grammar as a part of another one.

use crate::{Expr, ExprId, Grammar, GrammarBuilder, RuleId};

impl GrammarBuilder {
    /// The words of `grammar`. Its rules are declared here, their names with `prefix` before them.
    ///
    /// ```
    /// use grammar_ir::{GrammarBuilder, interp, text};
    /// let inner = text::parse("root = \"a\" root | \"b\" ;")?;
    /// let mut builder = GrammarBuilder::new();
    /// let root = builder.declare("root");
    /// let (open, inner, close) = (builder.literal("<"), builder.embed(&inner, "inner."), builder.literal(">"));
    /// let body = builder.sequence([open, inner, close]);
    /// builder.define(root, body);
    /// assert!(interp::accepts(&builder.finish(root)?, b"<aab>"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn embed(&mut self, grammar: &Grammar, prefix: &str) -> ExprId {
        let rules: Vec<RuleId> =
            grammar.rules().iter().map(|rule| self.declare(format!("{prefix}{}", rule.name))).collect();
        let mut copies: Vec<ExprId> = Vec::with_capacity(grammar.exprs().len());
        for expr in grammar.exprs() {
            let mut copy = expr.clone();
            match &mut copy {
                Expr::Sequence(operands) | Expr::Choice(operands) => {
                    operands.iter_mut().for_each(|operand| *operand = copies[operand.index()]);
                }
                Expr::Repeat { body, .. } | Expr::Scope { body, .. } | Expr::Marked { body, .. } => {
                    *body = copies[body.index()];
                }
                Expr::Rule(rule) => *rule = rules[rule.index()],
                _ => {}
            }
            copies.push(self.add(copy));
        }
        for (rule, &id) in grammar.rules().iter().zip(&rules) {
            self.define(id, copies[rule.body.index()]);
            self.set_attributes(id, rule.attributes.clone());
        }
        self.rule(rules[grammar.root().index()])
    }
}
