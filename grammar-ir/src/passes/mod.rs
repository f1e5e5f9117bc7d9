//! Passes over grammars, in the order in which they run.
//!
//! Every pass keeps the language, and takes time linear in the size of the grammar up to logarithmic factors. The
//! exception are sequences nested thousands deep which simplification joins into one: their square is bounded by
//! [`Limits::expressions`](crate::Limits::expressions). No pass recurses over expressions, so nesting costs no stack.

pub(crate) mod components;
mod inline;
mod productive;
mod reachable;
mod rebuild;
mod scopes;
mod words;

pub use productive::productive_rules;

use crate::{Budget, Grammar, LimitError, verify};

/// A step from grammar to grammar that keeps the language.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// The name, as in `tests/filetests`.
    pub name: &'static str,
    /// What holds of every grammar that the pass returns.
    pub guarantee: &'static str,
    run: fn(Grammar, &mut Budget<'_>) -> Result<Grammar, LimitError>,
}

impl Pass {
    /// Runs this pass alone.
    ///
    /// # Errors
    /// When the budget is used up.
    pub fn run(&self, grammar: Grammar, budget: &mut Budget<'_>) -> Result<Grammar, LimitError> {
        let grammar = (self.run)(grammar, budget)?;
        debug_assert_eq!(verify(&grammar), Ok(()), "after {}", self.name);
        Ok(grammar)
    }
}

const PRODUCTIVE: Pass = Pass {
    name: "productive",
    guarantee: "Every expression that a rule reaches has a word, and every state of an automaton lies on the way from its \
                start to acceptance. Rules without a word have the body `Never` and are not referred to.",
    run: productive::run,
};
const REACHABLE: Pass = Pass {
    name: "reachable",
    guarantee: "Every rule and every expression is reachable from the root.",
    run: reachable::run,
};
const INLINE: Pass = Pass {
    name: "inline",
    guarantee: "Each rule that is left, besides the root, has attributes, is recursive, or was both heavier than a small bound and \
                referred to more than once. The grammar grows by at most that bound at each reference.",
    run: inline::run,
};

/// All passes, in the order of [`run`].
///
/// `REACHABLE` comes before `INLINE`, so that no reference from a lost rule counts as a use, and after it, as joining
/// what was substituted with what stands beside it leaves expressions over.
pub const PASSES: &[Pass] = &[PRODUCTIVE, REACHABLE, INLINE, REACHABLE];

/// Runs all passes; debug builds verify the grammar before the first and after each.
///
/// # Errors
/// When the budget is used up.
pub fn run(grammar: Grammar, budget: &mut Budget<'_>) -> Result<Grammar, LimitError> {
    debug_assert_eq!(verify(&grammar), Ok(()), "before the first pass");
    PASSES.iter().try_fold(grammar, |grammar, pass| pass.run(grammar, budget))
}
