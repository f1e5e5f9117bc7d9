//! Rules with attributes that change their language: `max_chars` and `lazy`.
//!
//! Both are about how a whole word of the rule reads from left to right, so the rule has to be regular: its language is
//! worked out as one automaton, without recursion and without tokens.

use std::sync::Arc;

use grammar_ir::regular::{CharAutomaton, Utf8};
use grammar_ir::{Budget, ByteAutomaton, ByteSet, CharSet, Counter, Expr, ExprId, GrammarBuilder, LimitError, RuleId};
use rustc_hash::FxHashMap;

use super::attributes::Attributes;

/// Why the language of a rule cannot be restricted.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// This is in it.
    Part(&'static str),
    /// A limit was met.
    Limit(LimitError),
}

impl From<LimitError> for Obstacle {
    fn from(error: LimitError) -> Self {
        Self::Limit(error)
    }
}

/// The words of `body` that `attributes` allow. `rule_body` has the bodies of rules, `None` for those with attributes of
/// their own.
pub(super) fn restrict(
    body: ExprId,
    attributes: Attributes,
    rule_body: &dyn Fn(RuleId) -> Option<ExprId>,
    builder: &GrammarBuilder,
    budget: &mut Budget<'_>,
) -> Result<ByteAutomaton, Obstacle> {
    let mut automaton = automaton(body, rule_body, builder, budget)?;
    if attributes.is_lazy {
        // A word that has another one as its beginning never comes to its end.
        for (edges, is_accepting) in automaton.edges.iter_mut().zip(&automaton.accepting) {
            if *is_accepting {
                edges.clear();
            }
        }
    }
    if attributes.max_chars.is_some() {
        automaton.counter = Some(Counter { min: 0, max: attributes.max_chars });
        // A character is counted at its first byte.
        for edge in automaton.edges.iter_mut().flatten() {
            edge.counts = !(0x80..=0xbf).contains(&edge.low);
        }
    }
    Ok(automaton)
}

/// The words of `body`.
pub(super) fn automaton(
    body: ExprId,
    rule_body: &dyn Fn(RuleId) -> Option<ExprId>,
    builder: &GrammarBuilder,
    budget: &mut Budget<'_>,
) -> Result<ByteAutomaton, Obstacle> {
    if let Expr::Automaton(automaton) = builder.expr(body) {
        if automaton.counter.is_some() {
            return Err(Obstacle::Part("a pattern that counts"));
        }
        return Ok(Arc::unwrap_or_clone(Arc::clone(automaton)));
    }
    let mut languages: FxHashMap<ExprId, Option<CharAutomaton>> = FxHashMap::default();
    // Each expression twice: to look at its operands, and then to put them together.
    let mut stack = vec![(body, false)];
    while let Some((id, operands_done)) = stack.pop() {
        budget.tick()?;
        if !operands_done {
            match languages.get(&id) {
                Some(Some(_)) => continue,
                Some(None) => return Err(Obstacle::Part("a rule that refers to itself")),
                None => {}
            }
            languages.insert(id, None);
            stack.push((id, true));
            stack.extend(operands(id, rule_body, builder)?.into_iter().map(|operand| (operand, false)));
            continue;
        }
        let of = |operand: ExprId| {
            languages.get(&operand).and_then(Option::as_ref).cloned().unwrap_or_else(CharAutomaton::never)
        };
        let language = match builder.expr(id) {
            Expr::Empty => CharAutomaton::empty_word(),
            Expr::Never => CharAutomaton::never(),
            Expr::Bytes(bytes) => {
                let text = str::from_utf8(bytes).map_err(|_| Obstacle::Part("bytes that are no characters"))?;
                CharAutomaton::literal(text)
            }
            Expr::ByteSet(set) => CharAutomaton::from_set(&characters(*set)?),
            Expr::Class(set) => CharAutomaton::from_set(set),
            Expr::Sequence(parts) => {
                let mut whole = CharAutomaton::empty_word();
                for &part in parts.iter() {
                    whole = whole.concatenate(&of(part), budget)?;
                }
                whole
            }
            Expr::Choice(parts) => CharAutomaton::union_of(parts.iter().map(|&part| of(part)).collect(), budget)?,
            Expr::Repeat { body, min, max } => of(*body).repeat(*min, *max, budget)?,
            Expr::Rule(rule) => of(rule_body(*rule).unwrap_or(id)),
            _ => return Err(Obstacle::Part(MACRO)),
        };
        languages.insert(id, Some(language));
    }
    let language = languages.remove(&body).flatten().unwrap_or_else(CharAutomaton::never);
    Ok(language.to_bytes(&Utf8, budget)?)
}

const MACRO: &str = "a dispatch with tags, or a dispatch, a substring or a token beside other parts";

fn operands(
    id: ExprId,
    rule_body: &dyn Fn(RuleId) -> Option<ExprId>,
    builder: &GrammarBuilder,
) -> Result<Vec<ExprId>, Obstacle> {
    Ok(match builder.expr(id) {
        Expr::Sequence(parts) | Expr::Choice(parts) => parts.to_vec(),
        Expr::Repeat { body, .. } => vec![*body],
        Expr::Rule(rule) => vec![rule_body(*rule).ok_or(Obstacle::Part("a rule with attributes of its own"))?],
        Expr::Empty | Expr::Never | Expr::Bytes(_) | Expr::ByteSet(_) | Expr::Class(_) => Vec::new(),
        _ => return Err(Obstacle::Part(MACRO)),
    })
}

/// The characters of ASCII in `set`.
fn characters(set: ByteSet) -> Result<CharSet, Obstacle> {
    if set.iter().any(|byte| !byte.is_ascii()) {
        return Err(Obstacle::Part("bytes that are no characters"));
    }
    Ok(set.iter().map(char::from).collect())
}
