//! Objects without brackets around their members, as XML-like notations have them.
//!
//! JSON objects are scopes, whose rules are met at the closing bracket. Here nothing closes an object, so what has been
//! written is in states: there is one rule for each declared position, or for each set of members in any order, and for
//! each number of members that matters.

use grammar_ir::{ExprId, RuleId};
use rustc_hash::FxHashMap;

use super::lower::Lowerer;
use super::options::KeyOrder;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// More declared members than this in any order are refused, as there are 2 to the power of that many sets of them.
const MAX_ANY_ORDER: usize = 10;
/// More rules than this for one object are refused.
const MAX_RULES: usize = 100_000;

/// The members of an object.
pub(super) struct Members {
    /// The declared ones, and whether each is required.
    pub(super) declared: Vec<(ExprId, bool)>,
    /// Any other one.
    pub(super) other: Option<ExprId>,
    /// The least number of members.
    pub(super) min: u32,
    /// The greatest number of members.
    pub(super) max: Option<u32>,
    /// What stands before each member and after the last.
    pub(super) gap: ExprId,
}

/// What of the declared members has been written: those before a position, or with [`KeyOrder::Any`] a set of them; and
/// how many members there are.
type State = (usize, u32);

impl Members {
    /// The texts of the objects with these members.
    ///
    /// # Errors
    /// When that takes too many rules.
    pub(super) fn lower(&self, lowerer: &mut Lowerer<'_>) -> Result<ExprId, Diagnostics> {
        let any_order = lowerer.options.key_order == KeyOrder::Any;
        let counted = self.min.max(self.max.unwrap_or(0)) as usize;
        let positions = if any_order { 1usize << self.declared.len().min(31) } else { self.declared.len() + 1 };
        let too_many = positions.saturating_mul(counted + 1) > MAX_RULES;
        if too_many || (any_order && self.declared.len() > MAX_ANY_ORDER) {
            let order = if any_order { "in any order" } else { "that are counted" };
            let message = format!("{} members {order} need too many rules in this notation", self.declared.len());
            let help = "let keys come in the declared order, or leave out `minProperties` and `maxProperties`";
            return Err(Diagnostic::new(Code::Unsupported, Place::Pointer(String::new()), message)
                .with_help(help)
                .into());
        }
        let start = lowerer.fresh("members");
        let mut rules: FxHashMap<State, RuleId> = FxHashMap::from_iter([((0, 0), start)]);
        let mut queue = vec![((0, 0), start)];
        while let Some((state, rule)) = queue.pop() {
            let mut arms = Vec::new();
            for (member, next) in self.steps(state, any_order) {
                let next = *rules.entry(next).or_insert_with(|| {
                    let rule = lowerer.fresh("members");
                    queue.push((next, rule));
                    rule
                });
                let next = lowerer.builder.rule(next);
                arms.push(match member {
                    Some(member) => lowerer.builder.sequence([self.gap, member, next]),
                    None => next,
                });
            }
            if self.may_end(state, any_order) {
                arms.push(self.gap);
            }
            let body = lowerer.builder.choice(arms);
            lowerer.builder.define(rule, body);
        }
        Ok(lowerer.builder.rule(start))
    }

    /// What can be written in `state`, and the state after it; nothing where a declared member is passed over.
    fn steps(&self, (written, count): State, any_order: bool) -> Vec<(Option<ExprId>, State)> {
        let mut steps = Vec::new();
        let more = match self.max {
            Some(max) if count >= max => None,
            Some(_) => Some(count + 1),
            None => Some((count + 1).min(self.min)),
        };
        if any_order {
            for (index, &(member, _)) in self.declared.iter().enumerate().filter(|(index, _)| written >> index & 1 == 0)
            {
                steps.extend(more.map(|more| (Some(member), (written | 1 << index, more))));
            }
            steps.extend(self.other.zip(more).map(|(other, more)| (Some(other), (written, more))));
            return steps;
        }
        match self.declared.get(written) {
            Some(&(member, required)) => {
                steps.extend(more.map(|more| (Some(member), (written + 1, more))));
                steps.extend((!required).then_some((None, (written + 1, count))));
            }
            None => steps.extend(self.other.zip(more).map(|(other, more)| (Some(other), (written, more)))),
        }
        steps
    }

    fn may_end(&self, (written, count): State, any_order: bool) -> bool {
        let complete = if any_order {
            self.declared.iter().enumerate().all(|(index, &(_, required))| !required || written >> index & 1 == 1)
        } else {
            written == self.declared.len()
        };
        complete && count >= self.min
    }
}
