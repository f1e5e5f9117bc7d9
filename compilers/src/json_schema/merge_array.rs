//! Array constraints merged: items by position, counts, and how many items satisfy something.

use grammar_ir::Budget;

use super::ast::{SchemaId, Type, TypeSet};
use super::expand::{Atom, Part};
use super::merge::{self, Merged, Shape, least};
use super::normal::{ArrayShape, Context, Goal, Literal, Memory};
use super::tally::{self, MAX_TALLIES, Place, Tally};

/// More combinations of position and counts than this for one array are refused.
const MAX_STATES: usize = 20_000;

/// A tally, and the items that it is about.
struct Wanted {
    schema: SchemaId,
    keyword: &'static str,
    tally: Tally,
    /// What a claimed item satisfies.
    condition: Literal,
    /// The first position that counts.
    from: usize,
}

/// Merges the constraints of `alternative` on arrays.
pub(super) fn arrays(context: &mut Context<'_>, alternative: &[Atom], merged: &mut Merged, budget: &mut Budget<'_>) {
    let mut items = Items { prefix: Vec::new(), rest: Goal::new(), min: 0, max: None };
    let mut wanted = Vec::new();
    let mut unique = None;
    for atom in alternative {
        let (Atom::Local(id) | Atom::Not(id, _)) = atom else { continue };
        let array = &context.ast.get(*id).array;
        let mut want = |keyword, tally, schema, positive, from| {
            wanted.push(Wanted { schema: *id, keyword, tally, condition: Literal { schema, positive }, from });
        };
        match atom {
            Atom::Local(_) => {
                items.reach(array.prefix.len());
                for (index, item) in items.prefix.iter_mut().enumerate() {
                    constrain(item, array.prefix.get(index).copied().or(array.rest).map(Literal::holds));
                }
                constrain(&mut items.rest, array.rest.map(Literal::holds));
                items.min = items.min.max(array.min);
                items.max = least(items.max, array.max);
                if array.unique {
                    unique = Some(*id);
                }
                if let Some(contains) = array.contains {
                    if contains.min > 0 {
                        want("contains", Tally::AtLeast(contains.min), contains.schema, true, 0);
                    }
                    if let Some(max) = contains.max {
                        want("contains", Tally::AllBut(max), contains.schema, false, 0);
                    }
                }
            }
            Atom::Not(_, Part::MinItems) => items.max = least(items.max, Some(array.min.saturating_sub(1))),
            Atom::Not(_, Part::MaxItems) => items.min = items.min.max(after(array.max)),
            Atom::Not(_, Part::PrefixItem(index)) => {
                items.reach(index + 1);
                items.min = items.min.max(after(u32::try_from(*index).ok()));
                constrain(&mut items.prefix[*index], Some(fails(array.prefix[*index])));
            }
            Atom::Not(_, Part::Items) => {
                let from = array.prefix.len();
                match array.rest {
                    Some(rest) if context.ast.get(rest).types == TypeSet::NONE => {
                        items.min = items.min.max(after(u32::try_from(from).ok()));
                    }
                    Some(rest) => {
                        items.reach(from);
                        want("items", Tally::AtLeast(1), rest, false, from);
                    }
                    None => return,
                }
            }
            Atom::Not(_, Part::MinContains) => {
                if let Some(contains) = array.contains {
                    want("contains", Tally::AllBut(contains.min.saturating_sub(1)), contains.schema, false, 0);
                }
            }
            Atom::Not(_, Part::MaxContains) => {
                if let Some(contains) = array.contains {
                    want("contains", Tally::AtLeast(after(contains.max)), contains.schema, true, 0);
                }
            }
            Atom::Not(_, Part::UniqueItems) => {
                merged.refuse(*id, "uniqueItems", merge::COMPLEMENT);
            }
            Atom::Not(_, Part::Values(index)) => merge::refuse_values(context, *id, *index, Type::Array, merged),
            _ => {}
        }
    }
    // What all items satisfy needs no count.
    wanted.retain(|wanted| {
        let everywhere = wanted.tally == Tally::AllBut(0);
        if everywhere {
            items.prefix.iter_mut().chain([&mut items.rest]).for_each(|item| constrain(item, Some(wanted.condition)));
        }
        !everywhere
    });
    wanted.retain(|wanted| match wanted.tally {
        Tally::AtLeast(count) if items.all_satisfy(wanted, context, budget) => {
            let from = u32::try_from(wanted.from).unwrap_or(u32::MAX);
            items.min = items.min.max(from.saturating_add(count));
            false
        }
        _ => true,
    });
    if items.max.is_some_and(|max| max < items.min) {
        return;
    }
    if let Some(refused) = items.too_many_states(&wanted) {
        let reason = "counting the items that satisfy it needs too many automaton states";
        merged.refuse(refused.schema, refused.keyword, reason);
        wanted.clear();
    }
    merged.shapes.push(Shape::Array(items.shape(&wanted, unique)));
}

/// One more than a bound from above; what no array can have when there is none.
fn after(max: Option<u32>) -> u32 {
    max.map_or(u32::MAX, |max| max.saturating_add(1))
}

fn fails(schema: SchemaId) -> Literal {
    Literal { schema, positive: false }
}

fn constrain(goal: &mut Goal, literal: Option<Literal>) {
    goal.extend(literal.filter(|literal| !goal.contains(literal)));
}

struct Items {
    prefix: Vec<Goal>,
    rest: Goal,
    min: u32,
    max: Option<u32>,
}

impl Items {
    /// Gives the first `count` positions goals of their own.
    fn reach(&mut self, count: usize) {
        while self.prefix.len() < count {
            self.prefix.push(self.rest.clone());
        }
    }

    /// Whether it is plain that every item that counts satisfies what is wanted, whatever it is.
    fn all_satisfy(&self, wanted: &Wanted, context: &mut Context<'_>, budget: &mut Budget<'_>) -> bool {
        let counted = self.prefix.iter().skip(wanted.from).chain([&self.rest]);
        !wanted.condition.positive
            && counted.into_iter().all(|item| merge::is_apart(context, item, wanted.condition.schema, budget))
    }

    /// The first of `wanted` when the counts would need too many states.
    fn too_many_states<'w>(&self, wanted: &'w [Wanted]) -> Option<&'w Wanted> {
        let positions = self.prefix.len().max(self.min.max(self.max.unwrap_or(0)) as usize).saturating_add(1);
        let counts = tally::combinations(wanted.iter().map(|wanted| wanted.tally));
        let fits = counts.saturating_mul(positions) <= MAX_STATES
            || (self.prefix.is_empty() && counts <= tally::MAX_REGISTER_COMBINATIONS);
        wanted.first().filter(|_| !fits || wanted.len() > MAX_TALLIES)
    }

    fn shape(self, wanted: &[Wanted], unique: Option<SchemaId>) -> ArrayShape<Goal> {
        let place = |position: usize, goal: Goal| {
            let conditions: Vec<_> = wanted
                .iter()
                .enumerate()
                .filter(|(_, wanted)| position >= wanted.from)
                .map(|(index, wanted)| (index, Some(wanted.condition)))
                .collect();
            Place::new(Some(goal), &conditions)
        };
        let tallies = wanted.iter().map(|wanted| wanted.tally).collect();
        let prefix = self.prefix.into_iter().enumerate().map(|(position, goal)| place(position, goal)).collect();
        let rest = place(usize::MAX, self.rest);
        let unique = unique.filter(|_| self.max.is_none_or(|max| max > 1));
        ArrayShape { prefix, rest, min: self.min, max: self.max, tallies, unique, memory: Memory::Length, few: None }
    }
}
