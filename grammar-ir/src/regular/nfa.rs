//! Concatenation and repetition: copies of automata side by side, determinised by the subset construction.

use super::Transitions;
use super::algebra::common_alphabet;
use super::automaton::CharAutomaton;
use crate::{Budget, LimitError};

impl CharAutomaton {
    /// The texts of this language followed by those of the other.
    ///
    /// # Errors
    /// When the automaton exceeds the limits of `budget`.
    pub fn concatenate(&self, other: &Self, budget: &mut Budget<'_>) -> Result<Self, LimitError> {
        let (alphabet, columns) = common_alphabet([self, other]);
        let parts =
            vec![Part { automaton: self, columns: &columns[0] }, Part { automaton: other, columns: &columns[1] }];
        Self::explore(alphabet, &mut Chain { parts, first_final: 1, loops: false }, budget)
    }

    /// Between `min` and `max` texts of the language one after the other; `None` is unbounded. `max < min` is no text.
    ///
    /// # Errors
    /// When the automaton exceeds the limits of `budget`; the copies of a large count are made one by one.
    pub fn repeat(&self, min: u32, max: Option<u32>, budget: &mut Budget<'_>) -> Result<Self, LimitError> {
        match max {
            Some(max) if max < min => return Ok(Self::never()),
            Some(0) => return Ok(Self::empty_word()),
            _ => {}
        }
        if self.is_accepting(0) && *self != Self::empty_word() {
            // Without the empty text an end leads on to one start only, not to those of all later copies.
            return self.difference(&Self::empty_word(), budget)?.repeat(0, max, budget);
        }
        let copies = max.unwrap_or(min).max(1) as usize;
        budget.check_states(copies)?;
        let (alphabet, columns) = common_alphabet([self]);
        let parts = vec![Part { automaton: self, columns: &columns[0] }; copies];
        // After `min` copies each end is an end of the whole; without copies at all the empty text is added below.
        let first_final = (min as usize).max(1) - 1;
        let some = Self::explore(alphabet, &mut Chain { parts, first_final, loops: max.is_none() }, budget)?;
        if min == 0 { some.union(&Self::empty_word(), budget) } else { Ok(some) }
    }
}

/// One automaton of a chain with the translation of the common classes into its own.
#[derive(Clone, Copy)]
struct Part<'a> {
    automaton: &'a CharAutomaton,
    columns: &'a [u32],
}

/// Automata run one after the other: an accepting state also stands for the start of the next part.
struct Chain<'a> {
    parts: Vec<Part<'a>>,
    /// The first part whose end is an end of the chain; so is that of every later part.
    first_final: usize,
    /// Whether the last part may be run again.
    loops: bool,
}

impl Chain<'_> {
    /// Adds what can be reached without a character and sorts.
    fn close(&self, mut set: Vec<(u32, u32)>) -> Option<Vec<(u32, u32)>> {
        let mut index = 0;
        let mut started = rustc_hash::FxHashSet::default();
        started.extend(set.iter().filter(|entry| entry.1 == 0).map(|entry| entry.0));
        while let Some(&(part, state)) = set.get(index) {
            index += 1;
            if !self.parts[part as usize].automaton.is_accepting(state) {
                continue;
            }
            let last = part as usize + 1 == self.parts.len();
            let next = if last && self.loops { part } else { part + 1 };
            if (!last || self.loops) && started.insert(next) {
                set.push((next, 0));
            }
        }
        set.sort_unstable();
        set.dedup();
        (!set.is_empty()).then_some(set)
    }
}

impl Transitions for Chain<'_> {
    /// Parts and their states, sorted.
    type State = Vec<(u32, u32)>;

    fn start(&mut self, _: &mut Budget<'_>) -> Result<Option<Self::State>, LimitError> {
        Ok(self.close(vec![(0, 0)]))
    }

    fn step(
        &mut self,
        state: &Self::State,
        class: u32,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Self::State>, LimitError> {
        let mut next = Vec::with_capacity(state.len());
        for &(part, state) in state {
            budget.tick()?;
            let Part { automaton, columns } = self.parts[part as usize];
            next.extend(automaton.step(state, columns[class as usize]).map(|state| (part, state)));
        }
        Ok(self.close(next))
    }

    fn is_accepting(&mut self, state: &Self::State) -> bool {
        let ends = |part: u32, state: u32| {
            part as usize >= self.first_final && self.parts[part as usize].automaton.is_accepting(state)
        };
        state.iter().any(|&(part, state)| ends(part, state))
    }

    fn weight(&self, state: &Self::State) -> usize {
        1 + state.len() / 2
    }
}
