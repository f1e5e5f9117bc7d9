//! What has been selected in the scopes of a derivation, and how much is still asked for.
//!
//! The texts of parts are not compared: that two of them are equal is for the matcher to say, and a walk that is guided
//! from here has to look at its masks.

use grammar_ir::pda::{EdgeMarks, Pda, Scope};
use grammar_ir::{ScopeRules, StateId};
use rustc_hash::FxHashMap;

/// The number of an entry of [`Selections`]. The first one is the beginning of any scope.
pub(super) type SelectionId = u32;

/// Registers of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Selection {
    /// The registers of the automaton; empty at the beginning.
    registers: Vec<u32>,
    selected: u32,
    required: u32,
    tallies: Vec<u32>,
    /// Whether the scope is closed.
    closed: bool,
}

/// The registers that were met, each once.
#[derive(Debug, Clone)]
pub(super) struct Selections {
    list: Vec<Selection>,
    known: FxHashMap<Selection, SelectionId>,
    scratch: Vec<u32>,
}

impl Default for Selections {
    fn default() -> Self {
        let beginning = Selection::default();
        Self { list: vec![beginning.clone()], known: FxHashMap::from_iter([(beginning, 0)]), scratch: Vec::new() }
    }
}

impl Selections {
    /// The registers in `target` after `marks` in `scope`; `None` where they are not possible.
    pub(super) fn after(
        &mut self,
        pda: &Pda,
        scope: &Scope,
        before: SelectionId,
        marks: EdgeMarks,
        target: StateId,
    ) -> Option<SelectionId> {
        if marks.is_none() && !pda.is_guarded(target) {
            return Some(before);
        }
        let mut after = self.list[before as usize].clone();
        after.registers.resize(scope.register_count(), 0);
        after.tallies.resize(scope.rules().tallies.len(), 0);
        if let Some(element) = marks.selected() {
            if !scope.select(element, &mut after.registers) {
                return None;
            }
            after.select(element, scope.rules());
        }
        if marks.closes() {
            if !scope.may_close(&after.registers) {
                return None;
            }
            after = Selection { closed: true, ..Selection::default() };
        } else if pda.is_guarded(target) && !scope.is_alive(target.as_u32(), &after.registers, &mut self.scratch) {
            return None;
        }
        if marks.is_none() {
            return Some(before);
        }
        Some(*self.known.entry(after).or_insert_with_key(|after| {
            self.list.push(after.clone());
            self.list.len() as u32 - 1
        }))
    }

    /// Whether the scope has been closed.
    pub(super) fn is_closed(&self, id: SelectionId) -> bool {
        self.list[id as usize].closed
    }

    /// How many more selections there must be before the scope closes; fewer if one serves several rules.
    pub(super) fn missing(&self, scope: &Scope, id: SelectionId) -> u32 {
        let Selection { selected, required, tallies, closed, .. } = &self.list[id as usize];
        if *closed {
            return 0;
        }
        let rules = scope.rules();
        let slots = rules.required.iter().filter(|required| **required).count() as u32;
        let sums = rules.tallies.iter().enumerate();
        let tallies = sums.map(|(index, tally)| tally.min.saturating_sub(tallies.get(index).copied().unwrap_or(0)));
        let most = slots.saturating_sub(*required).max(rules.min.saturating_sub(*selected));
        most.max(tallies.fold(0, u32::saturating_add))
    }
}

impl Selection {
    fn select(&mut self, element: u32, rules: &ScopeRules) {
        let element = rules.elements[element as usize];
        // What is more than asked for makes no difference.
        self.selected = (self.selected + 1).min(rules.min);
        self.required += u32::from(element.slot.is_some_and(|slot| rules.required[slot as usize]));
        for (index, (sum, tally)) in self.tallies.iter_mut().zip(&rules.tallies).enumerate() {
            *sum = (*sum + u32::from(element.tallies >> index & 1)).min(tally.min);
        }
    }
}
