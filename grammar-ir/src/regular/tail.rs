//! A language as finitely many beginnings, each followed by any run of one set of characters.

use super::Transitions;
use super::automaton::CharAutomaton;
use crate::{Budget, CharSet, LimitError};

/// The parts of a language whose automaton has a single cycle: an accepting state that only leads to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The texts that lead to the cycle, up to its state; none is a proper prefix of another one.
    pub heads: CharAutomaton,
    /// The characters of the cycle: each head may be followed by any number of them.
    pub characters: CharSet,
    /// The texts that never lead to the cycle.
    pub others: CharAutomaton,
    /// The length of the longest of all heads and other texts.
    pub longest: u32,
}

impl CharAutomaton {
    /// Splits off the cycle at the end, if that is the only one. Lengths of such a language can be counted without a
    /// state for each: those of the heads are few.
    ///
    /// ```
    /// use grammar_ir::regular::CharAutomaton;
    /// use grammar_ir::{Budget, CharSet, Limits};
    /// let limits = Limits::default();
    /// let budget = &mut Budget::new(&limits);
    /// let letters = CharAutomaton::from_set(&CharSet::range('a', 'z'));
    /// let name = CharAutomaton::literal("x-").concatenate(&letters.repeat(0, None, budget)?, budget)?;
    /// let tail = name.tail(budget)?.unwrap();
    /// assert_eq!((tail.heads, tail.longest), (CharAutomaton::literal("x-"), 2));
    /// assert_eq!(tail.characters, CharSet::range('a', 'z'));
    /// # Ok::<(), grammar_ir::LimitError>(())
    /// ```
    ///
    /// # Errors
    /// When time is up.
    pub fn tail(&self, budget: &mut Budget<'_>) -> Result<Option<Tail>, LimitError> {
        let states = self.state_count() as u32;
        let edges: Vec<Vec<(u32, CharSet)>> = (0..states).map(|state| self.edges(state)).collect();
        let leads_to_itself = |&state: &u32| edges[state as usize].iter().any(|edge| edge.0 == state);
        let mut loops = (0..states).filter(leads_to_itself);
        let (Some(end), None) = (loops.next(), loops.next()) else { return Ok(None) };
        let [(_, characters)] = edges[end as usize].as_slice() else { return Ok(None) };
        if !self.is_accepting(end) {
            return Ok(None);
        }
        // Kahn's algorithm on what is left without the cycle: the longest way to each state.
        let onward = |state: u32| edges[state as usize].iter().map(|edge| edge.0).filter(move |&next| next != state);
        let mut incoming = vec![0u32; states as usize];
        (0..states).flat_map(onward).for_each(|next| incoming[next as usize] += 1);
        let mut longest = vec![0u32; states as usize];
        let mut ready: Vec<u32> = (0..states).filter(|&state| incoming[state as usize] == 0).collect();
        let mut done = 0;
        while let Some(state) = ready.pop() {
            budget.tick()?;
            done += 1;
            for next in onward(state) {
                longest[next as usize] = longest[next as usize].max(longest[state as usize] + 1);
                incoming[next as usize] -= 1;
                if incoming[next as usize] == 0 {
                    ready.push(next);
                }
            }
        }
        if done != states {
            return Ok(None);
        }
        let longest = longest.into_iter().max().unwrap_or(0);
        let mut part =
            |is_heads| Self::explore(self.alphabet.clone(), &mut Part { whole: self, end, is_heads }, budget);
        Ok(Some(Tail { heads: part(true)?, others: part(false)?, characters: characters.clone(), longest }))
    }
}

/// The texts that lead to the state `end`, or those that do not.
struct Part<'a> {
    whole: &'a CharAutomaton,
    end: u32,
    is_heads: bool,
}

impl Transitions for Part<'_> {
    type State = u32;

    fn start(&mut self, _: &mut Budget<'_>) -> Result<Option<u32>, LimitError> {
        Ok(Some(0))
    }

    fn step(&mut self, &state: &u32, class: u32, _: &mut Budget<'_>) -> Result<Option<u32>, LimitError> {
        Ok(if state == self.end { None } else { self.whole.step(state, class) })
    }

    fn is_accepting(&mut self, &state: &u32) -> bool {
        if self.is_heads { state == self.end } else { state != self.end && self.whole.is_accepting(state) }
    }
}
