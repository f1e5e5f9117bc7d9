//! Budgets of tokens: where rules with [`max_tokens`](crate::RuleAttributes::max_tokens) have to end.

use super::{Item, Recognizer};
use crate::Expr;

impl Recognizer<'_> {
    /// Says that a token ends here. Tokens count where rules have a budget of them: such a rule does not go on past the end of
    /// a token at which its budget is spent and at which it can end.
    ///
    /// That holds for what is a word and for [`captures`](Self::captures). [`is_viable`](Self::is_viable) does not know of it:
    /// a rule that should have ended still counts as a way to go on.
    pub fn end_token(&mut self) {
        let here = self.position();
        if self.token_ends.last() != Some(&here) {
            self.token_ends.push(here);
        }
    }

    /// The budget of the rule that `expr` refers to.
    pub(super) fn budget(&self, expr: &Expr) -> Option<u32> {
        match expr {
            Expr::Rule(rule) => self.grammar.rule(*rule).attributes.max_tokens,
            _ => None,
        }
    }

    /// Whether the rule of `item`, with a budget of `max` tokens, should have ended before `here`.
    pub(super) fn is_past_budget(&self, item: &Item, max: u32, here: usize) -> bool {
        let first = self.token_ends.partition_point(|&end| end <= item.origin);
        let inside = self.token_ends[first..].iter().take_while(|&&end| end < here);
        let spent = inside.skip((max as usize).saturating_sub(1));
        spent.into_iter().any(|&end| self.closure(end).ended.contains(&(item.expr, item.origin)))
    }
}
