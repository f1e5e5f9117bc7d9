//! From a transition function to an automaton: visits the states that can be reached and tabulates them.

use std::hash::Hash;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::automaton::{CharAutomaton, DEAD};
use super::{Alphabet, minimize};
use crate::{Budget, LimitError};

/// A deterministic transition function over the classes of an [`Alphabet`], with states of any kind.
pub trait Transitions {
    /// A state: a pair of states, a set of states, …
    type State: Eq + Hash;

    /// The state before any character; `None` accepts nothing.
    ///
    /// # Errors
    /// When a limit of `budget` is met.
    fn start(&mut self, budget: &mut Budget<'_>) -> Result<Option<Self::State>, LimitError>;

    /// The state after a character of `class`; `None` accepts nothing.
    ///
    /// # Errors
    /// When a limit of `budget` is met.
    fn step(
        &mut self,
        state: &Self::State,
        class: u32,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Self::State>, LimitError>;

    /// Whether a text that leads to `state` is accepted.
    fn is_accepting(&mut self, state: &Self::State) -> bool;

    /// How much memory `state` takes, in units of about 16 bytes. [`Limits::states`](crate::Limits::states) bounds
    /// half the sum.
    fn weight(&self, state: &Self::State) -> usize {
        let _ = state;
        1
    }
}

/// How many table entries, and units of [`weight`](Transitions::weight), count as one state towards the limit: about
/// the 40 bytes that the limit assumes for a state.
const ENTRIES_PER_STATE: usize = 8;
const WEIGHT_PER_STATE: usize = 2;

impl CharAutomaton {
    /// The automaton of a transition function.
    ///
    /// # Errors
    /// When the reachable states, or the memory for them and their table, are more than
    /// [`Limits::states`](crate::Limits::states) allows for, or time is up.
    pub fn explore<T: Transitions>(
        alphabet: Alphabet,
        transitions: &mut T,
        budget: &mut Budget<'_>,
    ) -> Result<Self, LimitError> {
        let Some(start) = transitions.start(budget)? else { return Ok(Self::never()) };
        let classes = alphabet.class_count() as u32;
        let mut numbers: FxHashMap<Rc<T::State>, u32> = FxHashMap::default();
        let mut weight = transitions.weight(&start);
        let start = Rc::new(start);
        let mut states = vec![Rc::clone(&start)];
        numbers.insert(start, 0);
        let mut table: Vec<u32> = Vec::new();
        let mut accepting = Vec::new();
        while accepting.len() < states.len() {
            let state = Rc::clone(&states[accepting.len()]);
            accepting.push(transitions.is_accepting(&state));
            for class in 0..classes {
                budget.tick()?;
                let target = match transitions.step(&state, class, budget)? {
                    None => DEAD,
                    Some(next) => match numbers.get(&next) {
                        Some(&number) => number,
                        None => {
                            weight += transitions.weight(&next);
                            let number = states.len() as u32;
                            let next = Rc::new(next);
                            states.push(Rc::clone(&next));
                            numbers.insert(next, number);
                            number
                        }
                    },
                };
                table.push(target);
            }
            let memory = (table.len() / ENTRIES_PER_STATE).max(weight / WEIGHT_PER_STATE);
            budget.check_states(states.len().max(memory))?;
        }
        minimize::minimize(&alphabet, &table, &accepting, budget)
    }
}
