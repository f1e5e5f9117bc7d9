//! How long the texts of a language are.

use std::collections::VecDeque;

use super::automaton::CharAutomaton;
use crate::counting::CountedEdge;
use crate::{Budget, CharSet, Counter, LimitError, LiveCounts};

impl CharAutomaton {
    /// The lengths, in characters, of the shortest text and of the longest one, if there is a longest; `None` when there is
    /// no text.
    ///
    /// ```
    /// use grammar_ir::regular::CharAutomaton;
    /// assert_eq!(CharAutomaton::literal("née").lengths(), Some((3, Some(3))));
    /// assert_eq!(CharAutomaton::any_text().lengths(), Some((0, None)));
    /// assert_eq!(CharAutomaton::never().lengths(), None);
    /// ```
    pub fn lengths(&self) -> Option<(u32, Option<u32>)> {
        if self.is_empty() {
            return None;
        }
        Some((self.shortest_length(), self.longest_length()))
    }

    fn shortest_length(&self) -> u32 {
        let mut distance: Vec<Option<u32>> = vec![None; self.state_count()];
        distance[0] = Some(0);
        let mut queue = VecDeque::from([(0, 0)]);
        while let Some((state, length)) = queue.pop_front() {
            if self.is_accepting(state) {
                return length;
            }
            for next in self.successors(state) {
                if distance[next as usize].is_none() {
                    distance[next as usize] = Some(length + 1);
                    queue.push_back((next, length + 1));
                }
            }
        }
        0
    }

    /// The longest way to each state, by Kahn's algorithm; `None` where there is a cycle. Every state of a minimal automaton
    /// leads to acceptance.
    fn longest_length(&self) -> Option<u32> {
        let states = self.state_count() as u32;
        let mut incoming = vec![0usize; states as usize];
        (0..states).flat_map(|state| self.successors(state)).for_each(|next| incoming[next as usize] += 1);
        let mut longest = vec![0u32; states as usize];
        let mut ready: Vec<u32> = (0..states).filter(|&state| incoming[state as usize] == 0).collect();
        let mut done = 0;
        while let Some(state) = ready.pop() {
            done += 1;
            for next in self.successors(state) {
                longest[next as usize] = longest[next as usize].max(longest[state as usize] + 1);
                incoming[next as usize] -= 1;
                if incoming[next as usize] == 0 {
                    ready.push(next);
                }
            }
        }
        (done == states).then(|| longest.into_iter().max().unwrap_or(0))
    }

    /// Whether some text has a length that `counter` allows.
    ///
    /// # Errors
    /// When telling takes more than the limit on states, or time is up.
    pub fn has_length(&self, counter: Counter, budget: &mut Budget<'_>) -> Result<bool, LimitError> {
        let edges = (0..self.state_count() as u32)
            .flat_map(|source| self.successors(source).map(move |target| CountedEdge { source, counts: true, target }));
        Ok(LiveCounts::of(counter, &self.accepting, edges, budget)?.contains(0, 0))
    }

    /// The characters and lengths of a language that is all texts of these lengths over these characters.
    ///
    /// ```
    /// use grammar_ir::regular::CharAutomaton;
    /// use grammar_ir::{Budget, CharSet, Counter, Limits};
    /// let limits = Limits::default();
    /// let letters = CharAutomaton::from_set(&CharSet::range('a', 'z')).repeat(2, Some(9), &mut Budget::new(&limits))?;
    /// assert_eq!(letters.as_run(), Some((CharSet::range('a', 'z'), Counter { min: 2, max: Some(9) })));
    /// assert_eq!(CharAutomaton::literal("ab").as_run(), None);
    /// # Ok::<(), grammar_ir::LimitError>(())
    /// ```
    pub fn as_run(&self) -> Option<(CharSet, Counter)> {
        // One state for each length but the last, which may go on for ever; numbered as they are met.
        let last = self.state_count() as u32 - 1;
        let edges = self.edges(0);
        let [(_, characters)] = edges.as_slice() else { return None };
        for state in 0..=last {
            match self.edges(state).as_slice() {
                [] if state == last => {}
                [(next, set)] if set == characters && *next == (state + 1).min(last) => {}
                _ => return None,
            }
        }
        let min = (0..=last).find(|&state| self.is_accepting(state))?;
        let unbounded = self.successors(last).next().is_some();
        let max = (!unbounded).then_some(last);
        let in_a_row = (min..=last).all(|state| self.is_accepting(state));
        in_a_row.then(|| (characters.clone(), Counter { min, max }))
    }

    /// The states that follow `state`, once for each class of characters that leads there.
    fn successors(&self, state: u32) -> impl Iterator<Item = u32> {
        (0..self.alphabet.class_count() as u32).filter_map(move |class| self.step(state, class))
    }
}
