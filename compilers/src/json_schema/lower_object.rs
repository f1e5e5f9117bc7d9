//! Objects: declared members in order, then the others.

use grammar_ir::{Budget, ExprId, RuleId};
use rustc_hash::FxHashMap;

use super::lower::Lowerer;
use super::normal::{FreeKeys, NodeId, ObjectShape};
use super::string;
use super::tally::{Counts, Place, Tally};
use super::whitespace::Layout;
use crate::diagnostic::{self, Code, Diagnostic, Diagnostics};

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
    let members: Vec<(Place<ExprId>, bool)> = shape
        .named
        .iter()
        .filter(|member| member.place.value.is_some())
        .map(|member| {
            let key = string::literal(&member.key, &mut lowerer.builder);
            (written(lowerer, key, layout, &member.place, level), member.required)
        })
        .collect();
    let mut free = Vec::new();
    for class in &shape.free {
        if class.place.value.is_none() {
            continue;
        }
        let key = match &class.keys {
            FreeKeys::AllBut(keys) => {
                string::all_but(keys.iter().map(String::as_str), lowerer.character, &mut lowerer.builder)
            }
            FreeKeys::Language(language) => {
                let inside = string::language(language, &mut lowerer.builder, budget)?;
                string::quoted(inside, &mut lowerer.builder)
            }
        };
        free.push(written(lowerer, key, layout, &class.place, level));
    }
    let any_free = free.iter().filter_map(|place| place.value).collect::<Vec<_>>();
    let any_free = (!any_free.is_empty()).then(|| lowerer.builder.choice(any_free));
    // While something is still to be found among the other keys, they are counted one by one.
    let countable = if shape.tallies.is_empty() { members.len() } else { usize::MAX };
    let counted = countable.min(shape.min.max(shape.max.unwrap_or(0)) as usize);
    if (counted + 1).saturating_mul((members.len() + 1) << shape.tallies.len()) > MAX_RULES {
        let message =
            format!("counting the members of an object with {} declared keys needs too many rules", members.len());
        return Err(Diagnostic::new(Code::Limit, diagnostic::Place::Whole, message).into());
    }
    let saturation = counted.max(1) as u32;
    let mut states = States {
        members: &members,
        free: &free,
        any_free,
        tallies: &shape.tallies,
        layout,
        min: shape.min,
        max: shape.max,
        saturation,
        rules: FxHashMap::default(),
        queue: Vec::new(),
    };
    let start = states.rule(lowerer, (0, 0, Counts::default()));
    while let Some((state, rule)) = states.queue.pop() {
        let body = states.body(lowerer, state);
        lowerer.builder.define(rule, body);
    }
    let builder = &mut lowerer.builder;
    let (open, close) = (builder.literal("{"), builder.literal("}"));
    let start = builder.rule(start);
    Ok(builder.sequence([open, start, close]))
}

/// The texts of members with `key`, by what they are claimed for.
fn written(lowerer: &mut Lowerer<'_>, key: ExprId, layout: Layout, place: &Place<NodeId>, level: u32) -> Place<ExprId> {
    place.clone().map(|value| {
        let value = lowerer.value(value, level + 1);
        lowerer.builder.sequence([key, layout.colon, value])
    })
}

/// Position among the declared keys, members written so far, and what has been found among them.
type State = (usize, u32, Counts);

struct States<'a> {
    members: &'a [(Place<ExprId>, bool)],
    free: &'a [Place<ExprId>],
    /// A member with any other key, claimed for nothing.
    any_free: Option<ExprId>,
    tallies: &'a [Tally],
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
    fn body(&mut self, lowerer: &mut Lowerer<'_>, (position, written, counts): State) -> ExprId {
        let members = self.members;
        let Some((member, required)) = members.get(position) else {
            return if counts.is_enough(self.tallies) {
                self.end(lowerer, written)
            } else {
                self.search(lowerer, (position, written, counts))
            };
        };
        let mut arms = Vec::new();
        if self.max.is_none_or(|max| written < max) {
            self.readings(lowerer, member, (position + 1, written, counts), &mut arms);
        }
        if !required {
            let skipped = self.rule(lowerer, (position + 1, written, counts));
            arms.push(lowerer.builder.rule(skipped));
        }
        lowerer.builder.choice(arms)
    }

    /// One arm for each way to read `member` where it is followed by `position`.
    fn readings(
        &mut self,
        lowerer: &mut Lowerer<'_>,
        member: &Place<ExprId>,
        (position, written, counts): State,
        arms: &mut Vec<ExprId>,
    ) {
        let separator = if written == 0 { self.layout.open } else { self.layout.comma };
        for (member, counts) in member.readings(self.tallies, counts) {
            let next = self.rule(lowerer, (position, (written + 1).min(self.saturation), counts));
            let next = lowerer.builder.rule(next);
            arms.push(lowerer.builder.sequence([separator, member, next]));
        }
    }

    /// What may follow after the last declared key while something is still to be found.
    fn search(&mut self, lowerer: &mut Lowerer<'_>, state: State) -> ExprId {
        let mut arms = Vec::new();
        if self.max.is_none_or(|max| state.1 < max) {
            for member in self.free {
                self.readings(lowerer, member, state, &mut arms);
            }
        }
        lowerer.builder.choice(arms)
    }

    /// What may follow after the last declared key.
    fn end(&self, lowerer: &mut Lowerer<'_>, written: u32) -> ExprId {
        let builder = &mut lowerer.builder;
        let (missing, room) = (self.min.saturating_sub(written), self.max.map(|max| max.saturating_sub(written)));
        let close = self.layout.close;
        let Some(free) = self.any_free else {
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
