//! Objects: one scope for each shape, whatever the order of keys.

use grammar_ir::{Budget, Element, ElementOrder, ExprId, LimitError};

use super::container::{self, Elements};
use super::lower::Lowerer;
use super::normal::{FreeKeys, NodeId, ObjectShape};
use super::options::KeyOrder;
use super::string;
use super::tally::{Place, Tally};
use super::whitespace::Layout;
use crate::diagnostic::Diagnostics;

/// The texts of the objects of a (pruned) shape.
///
/// A key selects an element: one with a slot if it is declared, and one that its text must be new to otherwise. Counts,
/// required keys and the order of keys are rules of the scope, so the automaton has each key once.
pub(super) fn lower(
    lowerer: &mut Lowerer<'_>,
    shape: &ObjectShape<NodeId>,
    level: u32,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let layout = lowerer.spaces.layout(level, &mut lowerer.builder);
    let mut members = Members { elements: Elements::default(), arms: Vec::new(), layout, level };
    if shape.max != Some(0) {
        for member in shape.named.iter().filter(|member| member.place.value.is_some()) {
            let slot = members.elements.slot(member.required);
            let key = declared(lowerer, &member.key, budget)?;
            members.add(lowerer, key, Some(slot), &member.place, &shape.tallies);
        }
        for class in shape.free.iter().filter(|class| class.place.value.is_some()) {
            let key = match &class.keys {
                FreeKeys::AllBut(keys) => match lowerer.excludes.clone() {
                    None => string::all_but(keys.iter().map(String::as_str), &mut lowerer.builder, budget)?,
                    Some(excludes) => {
                        let language = string::without(&excludes.free, keys.iter().map(String::as_str), budget)?;
                        let inside = string::language(&language, &mut lowerer.builder, budget)?;
                        string::quoted(inside, &mut lowerer.builder)
                    }
                },
                // As for strings, a pattern says which keys there are.
                FreeKeys::Language(language) => {
                    let inside = string::language(language, &mut lowerer.builder, budget)?;
                    string::quoted(inside, &mut lowerer.builder)
                }
                FreeKeys::Few(keys) => {
                    for key in keys {
                        let slot = members.elements.slot(false);
                        let key = declared(lowerer, key, budget)?;
                        members.add(lowerer, key, Some(slot), &class.place, &shape.tallies);
                    }
                    continue;
                }
            };
            members.add(lowerer, key, None, &class.place, &shape.tallies);
        }
    }
    let Members { elements, arms, .. } = members;
    let builder = &mut lowerer.builder;
    if elements.is_empty() {
        let (open, close) = (builder.literal("{"), builder.literal("}"));
        return Ok(builder.sequence([open, layout.empty, close]));
    }
    let order = match lowerer.options.key_order {
        KeyOrder::Declared if shape.named.iter().any(|member| member.place.value.is_some()) => ElementOrder::Slots,
        KeyOrder::Declared | KeyOrder::Any => ElementOrder::Any,
    };
    let member = builder.choice(arms);
    let body = container::repeated(["{", "}"], member, layout, builder);
    Ok(builder.scope(body, elements.rules(order, shape.min, shape.max, &shape.tallies)))
}

/// A declared key, unless it contains an excluded text.
fn declared(lowerer: &mut Lowerer<'_>, key: &str, budget: &mut Budget<'_>) -> Result<ExprId, LimitError> {
    if lowerer.excludes.as_ref().is_some_and(|excludes| excludes.forbids(key)) {
        return Ok(lowerer.builder.never());
    }
    string::literals([key], lowerer.options.escapes, &mut lowerer.builder, budget)
}

/// The members of one object.
struct Members {
    elements: Elements,
    arms: Vec<ExprId>,
    layout: Layout,
    level: u32,
}

impl Members {
    /// Adds the members with `key`, one for each way to read them.
    fn add(
        &mut self,
        lowerer: &mut Lowerer<'_>,
        key: ExprId,
        slot: Option<u32>,
        place: &Place<NodeId>,
        tallies: &[Tally],
    ) {
        for (claim, value) in place.claimed() {
            let value = lowerer.value(value, self.level + 1);
            let element = Element { slot, tallies: claim.tallies(tallies), distinct: slot.is_none() };
            let key = lowerer.builder.marked(self.elements.mark(element), key);
            self.arms.push(lowerer.builder.sequence([key, self.layout.colon, value]));
        }
    }
}
