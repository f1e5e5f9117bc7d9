//! Copies a grammar through a [`GrammarBuilder`], which simplifies on the way.

use std::sync::Arc;

use crate::{Budget, Expr, ExprId, Grammar, GrammarBuilder, GrammarError, LimitError, LimitKind, RuleId};

/// Operands per expression that are allowed on average. Where simplification joins nested sequences it copies their
/// operands, so that sequences nested n deep take n² of them.
const OPERANDS_PER_EXPRESSION: usize = 8;

/// The new grammar of a pass.
pub(super) struct Rebuild {
    pub(super) builder: GrammarBuilder,
    max_expressions: usize,
    operands: usize,
}

impl Rebuild {
    /// Nothing yet of the copy of `grammar`.
    pub(super) fn new(grammar: &Grammar, budget: &Budget<'_>) -> Self {
        let max_expressions = budget.limits().expressions;
        let mut builder = GrammarBuilder::with_max_expressions(max_expressions);
        builder.reserve(grammar.exprs().len());
        Self { builder, max_expressions, operands: 0 }
    }

    /// The copy of `expr`, a sequence, choice or repetition of `operands`, or one that has none.
    pub(super) fn copy(
        &mut self,
        expr: &Expr,
        operands: Vec<ExprId>,
        budget: &mut Budget<'_>,
    ) -> Result<ExprId, LimitError> {
        budget.tick()?;
        self.operands = self.operands.saturating_add(operands.iter().map(|&operand| self.spliced(operand)).sum());
        if self.operands / OPERANDS_PER_EXPRESSION > self.max_expressions {
            return Err(LimitError::new(LimitKind::Expressions, self.max_expressions));
        }
        Ok(match expr {
            Expr::Empty => self.builder.empty(),
            Expr::Never => self.builder.never(),
            Expr::Bytes(bytes) => self.builder.bytes(bytes),
            Expr::ByteSet(set) => self.builder.byte_set(*set),
            Expr::Class(set) => self.builder.class(set.as_ref().clone()),
            Expr::Sequence(_) => self.builder.sequence(operands),
            Expr::Choice(_) => self.builder.choice(operands),
            Expr::Repeat { min, max, .. } => match operands.first() {
                Some(&body) => self.builder.repeat(body, *min, *max),
                None => self.builder.never(),
            },
            Expr::Rule(rule) => self.builder.rule(*rule),
            Expr::Token(set) => self.builder.token(set.as_ref().clone()),
            // Those of a grammar differ, and telling that again is work for each of their edges.
            Expr::Automaton(automaton) => self.builder.add_distinct(Expr::Automaton(Arc::clone(automaton))),
            Expr::Scope { rules, .. } => match operands.first() {
                Some(&body) => self.builder.scope(body, rules.as_ref().clone()),
                None => self.builder.never(),
            },
            Expr::Marked { mark, .. } => match operands.first() {
                Some(&body) => self.builder.marked(*mark, body),
                None => self.builder.never(),
            },
        })
    }

    /// How many operands `operand` may become in a sequence or choice; bytes, which may be joined to others, count as
    /// the operands that would take as much memory.
    fn spliced(&self, operand: ExprId) -> usize {
        match self.builder.expr(operand) {
            Expr::Sequence(inner) | Expr::Choice(inner) => inner.len(),
            Expr::Bytes(bytes) => 1 + bytes.len() / size_of::<ExprId>(),
            _ => 1,
        }
    }

    /// The new grammar.
    pub(super) fn finish(self, root: RuleId) -> Result<Grammar, LimitError> {
        self.builder.finish(root).map_err(|error| match error {
            GrammarError::Limit(limit) => limit,
            // A pass declares each rule of a grammar, whose names are unique, once, and defines it at once.
            GrammarError::Undefined(_) | GrammarError::Duplicate(_) => unreachable!("a pass lost a rule: {error}"),
        })
    }
}
