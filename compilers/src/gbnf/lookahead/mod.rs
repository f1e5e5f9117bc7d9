//! Look-ahead, `rule ::= … (= X)`: after a word of the rule the rest of the text begins with a word of X.
//!
//! What look-aheads still ask for at a place in the text is a state of a deterministic automaton: a formula over the places
//! in X that have been reached (`pending`). The grammar is rewritten so that the state is a part of what a rule derives: for
//! an expression and the state before it, `outcomes` finds the states there can be after it, and `rewrite` has an expression
//! for each of these pairs (the construction of Bar-Hillel, Perles and Shamir for the intersection with a regular language,
//! but for the states that do not occur). Look-aheads that hold anyway are left out (`implied`). Where nothing is pending, and no rule with a look-ahead is in an expression, it
//! stays as it is.

mod implied;
mod outcomes;
mod pending;
mod rewrite;

use std::sync::Arc;

use grammar_ir::regular::{CharAutomaton, Utf8};
use grammar_ir::{
    Budget, ByteAutomaton, ByteEdge, ByteEdges, ByteSet, Counter, Expr, ExprId, Grammar, LimitError, RuleId,
};
use rustc_hash::FxHashMap;

use super::ast::Span;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use outcomes::Outcomes;
use pending::Pending;

/// The look-ahead of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookahead {
    /// The rule.
    pub(super) rule: RuleId,
    /// What the text goes on with, an expression of the grammar.
    pub(super) expr: ExprId,
    /// Where it stands.
    pub(super) span: Span,
}

/// What follows the text of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing.
    Nothing,
    /// Something that the grammar does not know.
    Unknown,
}

/// Why look-aheads cannot be enforced.
#[derive(Debug)]
enum Obstacle {
    /// The look-ahead with this number has a token in it.
    Token(usize),
    /// What is pending has no end of states, or a very large number.
    Endless,
    /// A limit was met.
    Limit(LimitError),
}

impl From<LimitError> for Obstacle {
    fn from(error: LimitError) -> Self {
        Self::Limit(error)
    }
}

/// `grammar` with its look-aheads enforced. Its rules keep their numbers; copies of rules
/// come after them.
///
/// # Errors
/// When what they ask for cannot be enforced, or no text satisfies it; or when a limit is met.
pub(super) fn enforce(
    grammar: &Grammar,
    lookaheads: &[Lookahead],
    rest: Rest,
    budget: &mut Budget<'_>,
) -> Result<Grammar, Diagnostics> {
    let refused = |span: Span, message: &str, help: &str| -> Diagnostics {
        Diagnostic::new(Code::Unsupported, span.place(), message).with_help(help).into()
    };
    let lookaheads = &implied::not_implied(grammar, lookaheads)[..];
    let Some(first) = lookaheads.first() else { return Ok(grammar.clone()) };
    let mut leaves = Leaves::default();
    let outcomes = Outcomes::find(grammar, lookaheads, &mut leaves, budget).map_err(|obstacle| match obstacle {
        Obstacle::Token(number) => {
            let span = lookaheads.get(number).map_or(first.span, |lookahead| lookahead.span);
            refused(span, "a token in a lookahead is not supported", "look for text, or move the token into the rule")
        }
        Obstacle::Endless => {
            let span = lookaheads.iter().min_by_key(|lookahead| lookahead.span.start).map_or(first.span, |it| it.span);
            let message = "these lookaheads are not supported: there is no bound on what they may have to remember";
            refused(
                span,
                message,
                "look for something regular: text, classes, and rules that refer to themselves at their end only",
            )
        }
        Obstacle::Limit(limit) => limit.into(),
    })?;
    let ends = outcomes.after_root();
    if rest == Rest::Unknown && ends.iter().any(|&pending| pending != Pending::NOTHING) {
        let message = "this grammar is a part of a text, and lookaheads beyond its end are not supported";
        return Err(refused(first.span, message, "let something that the lookahead accepts follow in the grammar"));
    }
    if !ends.contains(&Pending::NOTHING) {
        let message = "no text has what the lookaheads ask for";
        let help = "a lookahead is about the text after the rule, and that must be there";
        return Err(Diagnostic::new(Code::Unsatisfiable, first.span.place(), message).with_help(help).into());
    }
    rewrite::rewrite(&outcomes, budget)
}

/// The expressions that match bytes themselves, as automata.
#[derive(Debug, Default)]
struct Leaves {
    automata: FxHashMap<ExprId, Arc<ByteAutomaton>>,
}

impl Leaves {
    /// The automaton of the expression `id`, if it matches bytes itself.
    fn automaton(
        &mut self,
        grammar: &Grammar,
        id: ExprId,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Arc<ByteAutomaton>>, LimitError> {
        if let Some(known) = self.automata.get(&id) {
            return Ok(Some(Arc::clone(known)));
        }
        let automaton = match grammar.expr(id) {
            Expr::Bytes(bytes) => chain(bytes.iter().map(|&byte| ByteSet::from_iter([byte]))),
            Expr::ByteSet(set) => chain([*set]),
            Expr::Class(set) => CharAutomaton::from_set(set).to_bytes(&Utf8, budget)?,
            Expr::Automaton(automaton) => return Ok(Some(Arc::clone(automaton))),
            // Many characters are counted rather than told apart.
            Expr::Repeat { body, min, max } if max.unwrap_or(*min) > FEW => match grammar.expr(*body) {
                Expr::Class(set) => {
                    let text = CharAutomaton::from_set(set).repeat(0, None, budget)?;
                    text.to_counted_bytes(Counter { min: *min, max: *max }, &Utf8, budget)?
                }
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let automaton = Arc::new(automaton);
        self.automata.insert(id, Arc::clone(&automaton));
        Ok(Some(automaton))
    }
}

/// Repetitions of so many characters are no automata with a counter.
const FEW: u32 = 8;

/// One byte of each set, one after the other.
fn chain(sets: impl IntoIterator<Item = ByteSet>) -> ByteAutomaton {
    let mut automaton = ByteAutomaton::default();
    for set in sets {
        let target = automaton.edges.len() as u32 + 1;
        automaton.accepting.push(false);
        let edges = set.ranges().map(|(low, high)| ByteEdge { low, high, target, counts: false });
        automaton.edges.push(edges.collect());
    }
    automaton.accepting.push(true);
    automaton.edges.push(ByteEdges::new());
    automaton
}
