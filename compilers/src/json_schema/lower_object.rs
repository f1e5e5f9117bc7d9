//! Objects: declared members in order, then the others.

use grammar_ir::{Budget, ExprId, RuleId};
use rustc_hash::FxHashMap;

use super::lower::Lowerer;
use super::normal::{FreeKeys, NodeId, ObjectShape};
use super::string;
use super::whitespace::Layout;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// More rules than this for the counts of one object are refused.
const MAX_RULES: usize = 200_000;

/// The texts of the objects of a (pruned) shape.
///
/// There is one rule for each pair of a position among the declared keys and a number of members written so far; the
/// number saturates at 1 where only "has a comma to come first" matters, so an object without `minProperties` and
/// `maxProperties` takes two rules per key, and each refers to the next instead of repeating it.
pub(super) fn lower(
    lowerer: &mut Lowerer<'_>,
    shape: &ObjectShape<NodeId>,
    level: u32,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let layout = lowerer.spaces.layout(level, &mut lowerer.builder);
    let members: Vec<(ExprId, bool)> = shape
        .named
        .iter()
        .filter_map(|member| Some((&member.key, member.required, member.value?)))
        .map(|(key, required, value)| {
            let key = string::literal(key, &mut lowerer.builder);
            let value = lowerer.value(value, level + 1);
            (lowerer.builder.sequence([key, layout.colon, value]), required)
        })
        .collect();
    let mut arms = Vec::new();
    for class in &shape.free {
        let Some(value) = class.value else { continue };
        let key = match &class.keys {
            FreeKeys::AllBut(keys) => {
                string::all_but(keys.iter().map(String::as_str), lowerer.character, &mut lowerer.builder)
            }
            FreeKeys::Language(language) => {
                let inside = string::language(language, &mut lowerer.builder, budget)?;
                string::quoted(inside, &mut lowerer.builder)
            }
        };
        let value = lowerer.value(value, level + 1);
        arms.push(lowerer.builder.sequence([key, layout.colon, value]));
    }
    let free = (!arms.is_empty()).then(|| lowerer.builder.choice(arms));
    let counted = members.len().min(shape.min.max(shape.max.unwrap_or(0)) as usize);
    if (counted + 1).saturating_mul(members.len()) > MAX_RULES {
        let message =
            format!("counting the members of an object with {} declared keys needs too many rules", members.len());
        return Err(Diagnostic::new(Code::Limit, Place::Whole, message).into());
    }
    let saturation = counted.max(1) as u32;
    let mut states = States {
        members: &members,
        free,
        layout,
        min: shape.min,
        max: shape.max,
        saturation,
        rules: FxHashMap::default(),
        queue: Vec::new(),
    };
    let start = states.rule(lowerer, (0, 0));
    while let Some((state, rule)) = states.queue.pop() {
        let body = states.body(lowerer, state);
        lowerer.builder.define(rule, body);
    }
    let builder = &mut lowerer.builder;
    let (open, close) = (builder.literal("{"), builder.literal("}"));
    let start = builder.rule(start);
    Ok(builder.sequence([open, start, close]))
}

/// Position among the declared keys, and members written so far.
type State = (usize, u32);

struct States<'a> {
    members: &'a [(ExprId, bool)],
    free: Option<ExprId>,
    layout: Layout,
    min: u32,
    max: Option<u32>,
    /// Numbers of members from here on are not told apart.
    saturation: u32,
    rules: FxHashMap<State, RuleId>,
    queue: Vec<(State, RuleId)>,
}

impl States<'_> {
    fn rule(&mut self, lowerer: &mut Lowerer<'_>, state: State) -> RuleId {
        if let Some(&rule) = self.rules.get(&state) {
            return rule;
        }
        let rule = lowerer.fresh("members");
        self.rules.insert(state, rule);
        self.queue.push((state, rule));
        rule
    }

    /// What may follow after `written` members before the declared key at `position`, closing whitespace included.
    fn body(&mut self, lowerer: &mut Lowerer<'_>, (position, written): State) -> ExprId {
        let Some(&(member, required)) = self.members.get(position) else { return self.end(lowerer, written) };
        let mut arms = Vec::new();
        if self.max.is_none_or(|max| written < max) {
            let next = self.rule(lowerer, (position + 1, (written + 1).min(self.saturation)));
            let builder = &mut lowerer.builder;
            let next = builder.rule(next);
            let separator = if written == 0 { self.layout.open } else { self.layout.comma };
            arms.push(builder.sequence([separator, member, next]));
        }
        if !required {
            let skipped = self.rule(lowerer, (position + 1, written));
            arms.push(lowerer.builder.rule(skipped));
        }
        lowerer.builder.choice(arms)
    }

    /// What may follow after the last declared key.
    fn end(&self, lowerer: &mut Lowerer<'_>, written: u32) -> ExprId {
        let builder = &mut lowerer.builder;
        let (missing, room) = (self.min.saturating_sub(written), self.max.map(|max| max.saturating_sub(written)));
        let close = self.layout.close;
        let Some(free) = self.free else {
            return match (missing, written) {
                (1.., _) => builder.never(),
                (0, 0) => self.layout.empty,
                (0, _) => close,
            };
        };
        let another = builder.sequence([self.layout.comma, free]);
        if written > 0 {
            let others = builder.repeat(another, missing, room);
            return builder.sequence([others, close]);
        }
        let mut arms = Vec::new();
        if missing == 0 {
            arms.push(self.layout.empty);
        }
        if room != Some(0) {
            let others = builder.repeat(another, missing.saturating_sub(1), room.map(|room| room - 1));
            arms.push(builder.sequence([self.layout.open, free, others, close]));
        }
        builder.choice(arms)
    }
}
