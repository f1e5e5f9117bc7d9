//! `CharAutomaton`: a minimal deterministic automaton over characters.

use std::collections::VecDeque;

use super::Alphabet;
use crate::{Budget, CharSet, LimitError};

/// The target of a transition after which nothing is accepted any more.
pub(super) const DEAD: u32 = u32::MAX;

/// A regular language of texts (sequences of Unicode scalar values), as its minimal deterministic automaton.
///
/// Every operation answers with the minimal automaton in a canonical numbering, so two values are equal if and only if
/// their languages are.
///
/// ```
/// use grammar_ir::regular::CharAutomaton;
/// use grammar_ir::{Budget, CharSet, Limits};
/// let limits = Limits::default();
/// let budget = &mut Budget::new(&limits);
/// let letters = CharAutomaton::from_set(&CharSet::range('a', 'z')).repeat(1, None, budget)?;
/// let not_keyword = letters.difference(&CharAutomaton::literal("if"), budget)?;
/// assert!(not_keyword.accepts("iff") && !not_keyword.accepts("if"));
/// assert_eq!(letters.intersection(&not_keyword, budget)?, not_keyword);
/// # Ok::<(), grammar_ir::LimitError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CharAutomaton {
    pub(super) alphabet: Alphabet,
    /// Row-major, one row per state, one column per class; [`DEAD`] or a state. State 0 is the start.
    pub(super) table: Vec<u32>,
    pub(super) accepting: Vec<bool>,
}

impl CharAutomaton {
    /// The language of no text.
    pub fn never() -> Self {
        Self { alphabet: Alphabet::whole(), table: vec![DEAD], accepting: vec![false] }
    }

    /// The language of the empty text.
    pub fn empty_word() -> Self {
        Self { accepting: vec![true], ..Self::never() }
    }

    /// The language of every text.
    pub fn any_text() -> Self {
        Self { alphabet: Alphabet::whole(), table: vec![0], accepting: vec![true] }
    }

    /// The texts of exactly one character, taken from `set`.
    pub fn from_set(set: &CharSet) -> Self {
        if set.is_empty() {
            return Self::never();
        }
        let alphabet = Alphabet::from_sets([set]);
        let first = alphabet.class_of(set.ranges()[0].0);
        let row = (0..alphabet.class_count() as u32).map(|class| if class == first { 1 } else { DEAD });
        let table = row.chain(std::iter::repeat_n(DEAD, alphabet.class_count())).collect();
        Self { alphabet, table, accepting: vec![false, true] }
    }

    /// The language of one text.
    pub fn literal(text: &str) -> Self {
        let sets: Vec<CharSet> = text.chars().map(CharSet::single).collect();
        let alphabet = Alphabet::from_sets(&sets);
        let classes = alphabet.class_count();
        let mut table = vec![DEAD; (sets.len() + 1) * classes];
        for (state, character) in text.chars().enumerate() {
            table[state * classes + alphabet.class_of(character) as usize] = state as u32 + 1;
        }
        let mut accepting = vec![false; sets.len()];
        accepting.push(true);
        Self { alphabet, table, accepting }
    }

    /// The texts of `min` to `max` characters; `None` is unbounded. `max < min` is no text.
    ///
    /// # Errors
    /// When that takes more states than the limit.
    pub fn length_between(min: u32, max: Option<u32>, budget: &mut Budget<'_>) -> Result<Self, LimitError> {
        if max.is_some_and(|max| max < min) {
            return Ok(Self::never());
        }
        let last = max.unwrap_or(min);
        budget.check_states((last as usize).saturating_add(1))?;
        let mut table: Vec<u32> = (1..=last).collect();
        table.push(if max.is_some() { DEAD } else { last });
        let accepting = (0..=last).map(|length| length >= min).collect();
        Ok(Self { alphabet: Alphabet::whole(), table, accepting })
    }

    /// The partition of the characters that the transitions are given on.
    pub fn alphabet(&self) -> &Alphabet {
        &self.alphabet
    }

    /// The number of states, at least one; state 0 is the start. States that accept nothing are not counted.
    pub fn state_count(&self) -> usize {
        self.accepting.len()
    }

    /// Whether a text that ends in `state` is accepted.
    pub fn is_accepting(&self, state: u32) -> bool {
        self.accepting[state as usize]
    }

    /// The state after a character of `class`, if a text can still be accepted.
    pub fn step(&self, state: u32, class: u32) -> Option<u32> {
        let target = self.table[state as usize * self.alphabet.class_count() + class as usize];
        (target != DEAD).then_some(target)
    }

    /// The edges of `state`: each state that follows it, ascending, and the characters that lead there.
    pub fn edges(&self, state: u32) -> Vec<(u32, CharSet)> {
        let classes = self.alphabet.class_count();
        let row = &self.table[state as usize * classes..][..classes];
        let mut targets: Vec<u32> = row.iter().copied().filter(|&target| target != DEAD).collect();
        targets.sort_unstable();
        targets.dedup();
        targets.into_iter().map(|to| (to, self.alphabet.set_of(|class| row[class as usize] == to))).collect()
    }

    /// Whether `text` is in the language.
    pub fn accepts(&self, text: &str) -> bool {
        let mut state = 0;
        for character in text.chars() {
            match self.step(state, self.alphabet.class_of(character)) {
                Some(next) => state = next,
                None => return false,
            }
        }
        self.is_accepting(state)
    }

    /// Whether no text is in the language.
    pub fn is_empty(&self) -> bool {
        // In a minimal automaton every state but a lone start leads to acceptance.
        self.state_count() == 1 && !self.accepting[0]
    }

    /// Whether every text is in the language.
    pub fn is_any_text(&self) -> bool {
        *self == Self::any_text()
    }

    /// A shortest text of the language.
    pub fn shortest(&self) -> Option<String> {
        let mut from: Vec<Option<(u32, u32)>> = vec![None; self.state_count()];
        let mut queue = VecDeque::from([0]);
        while let Some(state) = queue.pop_front() {
            if self.is_accepting(state) {
                let mut characters = Vec::new();
                let mut at = state;
                while let Some((before, class)) = from[at as usize].filter(|_| at != 0) {
                    characters.push(self.example(class));
                    at = before;
                }
                return Some(characters.into_iter().rev().collect());
            }
            for class in 0..self.alphabet.class_count() as u32 {
                if let Some(next) = self.step(state, class)
                    && next != 0
                    && from[next as usize].is_none()
                {
                    from[next as usize] = Some((state, class));
                    queue.push_back(next);
                }
            }
        }
        None
    }

    /// A character of `class`, one that can be read if there is one.
    fn example(&self, class: u32) -> char {
        let readable = ('a'..='z').chain('0'..='9').chain('A'..='Z').chain(' '..='~');
        readable
            .into_iter()
            .find(|&character| self.alphabet.class_of(character) == class)
            .unwrap_or_else(|| self.alphabet.representative(class))
    }

    /// The number of texts, when it is finite and fits.
    ///
    /// ```
    /// use grammar_ir::{CharSet, regular::CharAutomaton};
    /// assert_eq!(CharAutomaton::from_set(&CharSet::range('a', 'c')).text_count(), Some(3));
    /// assert_eq!(CharAutomaton::any_text().text_count(), None);
    /// ```
    pub fn text_count(&self) -> Option<u64> {
        let mut sizes = vec![0u64; self.alphabet.class_count()];
        for (low, high, class) in self.alphabet.runs() {
            sizes[class as usize] += (low..=high).size_hint().0 as u64;
        }
        // Kahn's algorithm; a state on a cycle is never released, and each state leads to acceptance.
        let mut incoming = vec![0usize; self.state_count()];
        self.table.iter().filter(|&&target| target != DEAD).for_each(|&target| incoming[target as usize] += 1);
        let mut ways = vec![0u64; self.state_count()];
        ways[0] = 1;
        let mut ready = if incoming[0] == 0 { vec![0u32] } else { Vec::new() };
        let (mut done, mut total) = (0, 0u64);
        while let Some(state) = ready.pop() {
            done += 1;
            if self.is_accepting(state) {
                total = total.checked_add(ways[state as usize])?;
            }
            for (class, &size) in sizes.iter().enumerate() {
                if let Some(next) = self.step(state, class as u32) {
                    let added = ways[state as usize].checked_mul(size)?;
                    ways[next as usize] = ways[next as usize].checked_add(added)?;
                    incoming[next as usize] -= 1;
                    if incoming[next as usize] == 0 {
                        ready.push(next);
                    }
                }
            }
        }
        (done == self.state_count()).then_some(total)
    }
}
