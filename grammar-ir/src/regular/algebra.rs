//! Union, intersection, difference and complement: products of two automata.

use super::automaton::CharAutomaton;
use super::{Alphabet, Transitions};
use crate::{Budget, LimitError};

impl CharAutomaton {
    /// The texts of either language.
    ///
    /// # Errors
    /// When the automaton exceeds the limits of `budget`.
    pub fn union(&self, other: &Self, budget: &mut Budget<'_>) -> Result<Self, LimitError> {
        self.product(other, |left, right| left || right, budget)
    }

    /// The texts of both languages.
    ///
    /// # Errors
    /// When the automaton exceeds the limits of `budget`.
    pub fn intersection(&self, other: &Self, budget: &mut Budget<'_>) -> Result<Self, LimitError> {
        self.product(other, |left, right| left && right, budget)
    }

    /// The texts of this language that are not of the other.
    ///
    /// # Errors
    /// When the automaton exceeds the limits of `budget`.
    pub fn difference(&self, other: &Self, budget: &mut Budget<'_>) -> Result<Self, LimitError> {
        self.product(other, |left, right| left && !right, budget)
    }

    /// The texts that are not of the language.
    ///
    /// # Errors
    /// When time is up or the compile was cancelled.
    pub fn complement(&self, budget: &mut Budget<'_>) -> Result<Self, LimitError> {
        Self::any_text().difference(self, budget)
    }

    fn product(
        &self,
        other: &Self,
        accepts: impl Fn(bool, bool) -> bool,
        budget: &mut Budget<'_>,
    ) -> Result<Self, LimitError> {
        let (alphabet, columns) = self.alphabet.refine(&other.alphabet);
        Self::explore(alphabet, &mut Product { left: self, right: other, columns, accepts }, budget)
    }

    /// Whether every text of this language is of the other.
    ///
    /// # Errors
    /// When the product exceeds the limits of `budget`.
    pub fn is_subset_of(&self, other: &Self, budget: &mut Budget<'_>) -> Result<bool, LimitError> {
        Ok(self.difference(other, budget)?.is_empty())
    }

    /// The union of many languages, in a balanced order.
    ///
    /// # Errors
    /// When an automaton exceeds the limits of `budget`.
    pub fn union_of(languages: Vec<Self>, budget: &mut Budget<'_>) -> Result<Self, LimitError> {
        let mut languages = languages;
        while languages.len() > 1 {
            let mut joined = Vec::with_capacity(languages.len().div_ceil(2));
            for pair in languages.chunks(2) {
                joined.push(match pair {
                    [left, right] => left.union(right, budget)?,
                    _ => pair[0].clone(),
                });
            }
            languages = joined;
        }
        Ok(languages.pop().unwrap_or_else(Self::never))
    }
}

struct Product<'a, F> {
    left: &'a CharAutomaton,
    right: &'a CharAutomaton,
    columns: Vec<(u32, u32)>,
    accepts: F,
}

impl<F: Fn(bool, bool) -> bool> Transitions for Product<'_, F> {
    /// The states of both sides; `None` is the dead one.
    type State = (Option<u32>, Option<u32>);

    fn start(&mut self, _: &mut Budget<'_>) -> Result<Option<Self::State>, LimitError> {
        Ok(Some((Some(0), Some(0))))
    }

    fn step(&mut self, state: &Self::State, class: u32, _: &mut Budget<'_>) -> Result<Option<Self::State>, LimitError> {
        let (left_class, right_class) = self.columns[class as usize];
        let left = state.0.and_then(|state| self.left.step(state, left_class));
        let right = state.1.and_then(|state| self.right.step(state, right_class));
        // No operation accepts what neither side has, and a dead side ends an intersection or a difference early.
        let alive = match (left, right) {
            (None, None) => false,
            (Some(_), Some(_)) => true,
            (Some(_), None) => (self.accepts)(true, false),
            (None, Some(_)) => (self.accepts)(false, true),
        };
        Ok(alive.then_some((left, right)))
    }

    fn is_accepting(&mut self, state: &Self::State) -> bool {
        let left = state.0.is_some_and(|state| self.left.is_accepting(state));
        let right = state.1.is_some_and(|state| self.right.is_accepting(state));
        (self.accepts)(left, right)
    }
}

/// The partition that tells apart whatever any of `languages` does, and per language and class of it the class of the
/// language.
pub(super) fn common_alphabet<'a>(languages: impl IntoIterator<Item = &'a CharAutomaton>) -> (Alphabet, Vec<Vec<u32>>) {
    let languages: Vec<&CharAutomaton> = languages.into_iter().collect();
    let alphabet = languages.iter().fold(Alphabet::whole(), |all, language| all.refine(&language.alphabet).0);
    let columns = |language: &&CharAutomaton| {
        let classes = 0..alphabet.class_count() as u32;
        classes.map(|class| language.alphabet.class_of(alphabet.representative(class))).collect()
    };
    let columns = languages.iter().map(columns).collect();
    (alphabet, columns)
}
