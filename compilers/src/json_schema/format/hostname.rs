//! RFC 1123 host names.

use grammar_ir::regular::{Alphabet, CharAutomaton, Transitions};
use grammar_ir::{Budget, CharSet, LimitError};

/// Characters in a label at most (RFC 1034 §3.1).
const MAX_LABEL: u8 = 63;
/// Characters in a name at most: 255 octets on the wire, where each label has its length before it and the root's is 0.
pub(super) const MAX_NAME: u8 = 253;
/// A label counts towards [`MAX_NAME`] with its dot, rounded up to a multiple of this. Counting each character would
/// take as many states as there are pairs of a place in a label and a place in a name.
const STEP: u8 = 16;

/// A pattern of the names that conform if they have at most [`MAX_NAME`] characters: labels of letters, digits and inner
/// hyphens. Where IDNA `reserves` labels with hyphens in the third and fourth place, these are left out: they are A-labels,
/// which Punycode must decode.
pub(super) fn labels(reserves: bool) -> String {
    let reserved = if reserves { "(?!..--)" } else { "" };
    let label = format!("{reserved}{}", label());
    format!("{label}(\\.{label})*")
}

/// Names among [`labels`] that surely conform.
pub(super) fn plain(reserves: bool, budget: &mut Budget<'_>) -> Result<CharAutomaton, LimitError> {
    let letters = CharSet::from_ranges([('0', '9'), ('A', 'Z'), ('a', 'z')]);
    let (hyphen, dot) = (CharSet::single('-'), CharSet::single('.'));
    let alphabet = Alphabet::from_sets([&letters, &hyphen, &dot]);
    let mut names =
        Names { letter: alphabet.class_of('a'), hyphen: alphabet.class_of('-'), dot: alphabet.class_of('.'), reserves };
    CharAutomaton::explore(alphabet, &mut names, budget)
}

/// A pattern of every name that may conform, A-labels of any kind included.
pub(super) fn any() -> String {
    let label = label();
    format!("{label}(\\.{label})*")
}

fn label() -> String {
    format!("[A-Za-z0-9]([A-Za-z0-9-]{{0,{}}}[A-Za-z0-9])?", MAX_LABEL - 2)
}

struct Names {
    letter: u32,
    hyphen: u32,
    dot: u32,
    reserves: bool,
}

/// Where in a name the reader is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    /// Of [`MAX_NAME`], what the labels before this one have used.
    used: u8,
    /// Characters of this label.
    length: u8,
    /// Whether the last one is a hyphen.
    hyphen: bool,
}

impl State {
    /// What is used after this label and its dot, which the last label does not have.
    fn total(self) -> Option<u8> {
        self.used.checked_add((self.length + 1).div_ceil(STEP) * STEP).filter(|&total| total <= MAX_NAME + 1)
    }
}

impl Transitions for Names {
    type State = State;

    fn start(&mut self, _: &mut Budget<'_>) -> Result<Option<State>, LimitError> {
        Ok(Some(State { used: 0, length: 0, hyphen: false }))
    }

    fn step(&mut self, state: &State, class: u32, _: &mut Budget<'_>) -> Result<Option<State>, LimitError> {
        let State { used, length, hyphen } = *state;
        if class == self.dot {
            let ends = self.is_accepting(state);
            return Ok(state.total().filter(|_| ends).map(|used| State { used, length: 0, hyphen: false }));
        }
        let is_hyphen = class == self.hyphen;
        let is_reserved = self.reserves && length == 3 && hyphen && is_hyphen;
        let is_allowed = class == self.letter || (is_hyphen && length > 0 && !is_reserved);
        let next = State { used, length: length + 1, hyphen: is_hyphen };
        Ok(Some(next).filter(|next| is_allowed && next.length <= MAX_LABEL && next.total().is_some()))
    }

    fn is_accepting(&mut self, state: &State) -> bool {
        state.length > 0 && !state.hyphen
    }
}
