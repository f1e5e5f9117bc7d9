//! Characters on which a state stays where it is.
//!
//! The expensive masks are those of states "inside a text": nearly every token fits. Such a state leads back to itself
//! on a large set of characters, whatever follows; [`Loop`] finds that set from the automaton's edges alone.

use grammar_ir::pda::{ByteEdge, CallEdge, Pda};
use grammar_ir::{ByteSet, StateId};

use crate::past_ascii::{PastAscii, Reading, leading};
use crate::thresholds::Thresholds;

/// A set of characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct LoopSet {
    /// Bit *b*: the character *b*.
    pub(crate) ascii: u128,
    /// The others.
    pub(crate) past_ascii: PastAscii,
}

impl LoopSet {
    /// The number of bytes at the start of `text` that are characters of the set, and how many characters. A character may
    /// be incomplete at the end, as it is in some tokens, if whatever it can become is in the set.
    pub(crate) fn prefix(&self, text: &[u8]) -> (usize, usize) {
        let (mut bytes, mut characters) = (0, 0);
        while let Some(&byte) = text.get(bytes) {
            let length = match byte {
                0..=0x7f => usize::from(self.ascii >> byte & 1 == 1),
                _ if self.past_ascii.is_empty() => 0,
                _ => character_length(&text[bytes..]),
            };
            if length == 0 || !self.reads(&text[bytes..bytes + length]) {
                break;
            }
            bytes += length;
            characters += 1;
        }
        (bytes, characters)
    }

    /// Whether a character is one of the set, or, if its last bytes are missing, all are that it can become.
    fn reads(&self, character: &[u8]) -> bool {
        self.past_ascii == PastAscii::All || character[0].is_ascii() || self.past_ascii.reads(character)
    }

    /// The characters in both sets.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        Self { ascii: self.ascii & other.ascii, past_ascii: self.past_ascii.intersection(&other.past_ascii) }
    }

    /// Whether all characters of `other` are in the set.
    pub(crate) fn has_all_of(&self, other: &Self) -> bool {
        other.ascii & !self.ascii == 0 && self.past_ascii.intersection(&other.past_ascii) == other.past_ascii
    }

    /// The bytes that are no ASCII character of the set.
    pub(crate) fn others(&self) -> ByteSet {
        ByteSet::of_ascii(self.ascii).complement()
    }

    /// The bytes that a character of the set begins with.
    pub(crate) fn first_bytes(&self) -> ByteSet {
        let mut set = ByteSet::of_ascii(self.ascii);
        if !self.past_ascii.is_empty() {
            set.insert_range(0xc2, 0xf4);
        }
        set
    }
}

/// The length of the character past ASCII at the start of `text`, or of what there is of it; 0 when there is none.
fn character_length(text: &[u8]) -> usize {
    let length = match text[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return 0,
    };
    let bytes = &text[..length.min(text.len())];
    if is_beginning(bytes) { bytes.len() } else { 0 }
}

/// Whether `text` consists of characters, of which the last may be incomplete.
pub(crate) fn is_beginning(text: &[u8]) -> bool {
    std::str::from_utf8(text).err().is_none_or(|error| error.error_len().is_none())
}

/// A state's loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loop {
    pub(crate) set: LoopSet,
    /// Whether each character is an iteration of the procedure's counter.
    pub(crate) counts: bool,
}

impl Loop {
    /// The loop of `state`: the characters that lead from it to itself, by its procedure's own edges or by a call that
    /// reads the character and returns, and in no other way from it. What frames below do with these characters is not
    /// looked at.
    pub(crate) fn of(pda: &Pda, state: StateId, least: &Thresholds) -> Option<Self> {
        let least = least.loop_characters;
        let own = pda.byte_edges(state).iter().find(|edge| leads(edge, state)).map(|edge| edge.counts);
        if let Some(counts) = own {
            let called = first_bytes(pda, pda.call_edges(state).iter());
            return Self::on(pda, state, |target| target == state, Edges { counts, excluded: called, least });
        }
        let calls = pda.call_edges(state).iter().enumerate();
        let (position, call) = calls.into_iter().find(|(_, edge)| edge.target == state && edge.marks.is_none())?;
        let others = pda.call_edges(state).iter().enumerate().filter(|(other, _)| *other != position);
        let mut excluded = first_bytes(pda, others.map(|(_, edge)| edge));
        pda.byte_edges(state).iter().for_each(|edge| excluded.insert_range(edge.low, edge.high));
        // The callee's own calls could read the character in another way.
        let start = pda.procedure(call.procedure).start();
        excluded = excluded.union(&first_bytes(pda, pda.call_edges(start).iter()));
        let returns = |target| pda.is_final(target) && !pda.is_guarded(target);
        let inner = Self::on(pda, start, returns, Edges { counts: false, excluded, least })?;
        Some(Self { counts: call.counts, ..inner })
    }

    /// The characters that lead from `state` to `target` by its own edges, none of which counts, and in no other way; `None`
    /// where they are few.
    pub(crate) fn leading(pda: &Pda, state: StateId, target: StateId, least: &Thresholds) -> Option<LoopSet> {
        let excluded = first_bytes(pda, pda.call_edges(state).iter());
        let edges = Edges { counts: false, excluded, least: least.loop_characters };
        Self::on(pda, state, |other| other == target, edges).map(|found| found.set)
    }

    /// The characters that lead from `state` to a state for which `back` holds.
    fn on(pda: &Pda, state: StateId, back: impl Fn(StateId) -> bool, loop_edges: Edges) -> Option<Self> {
        let Edges { counts, excluded, least } = loop_edges;
        let edges = pda.byte_edges(state);
        let (mut good, mut once, mut twice) = (0, 0, excluded.ascii());
        for edge in edges {
            let characters = ascii_of(edge);
            twice |= once & characters;
            once |= characters;
            if back(edge.target) && edge.counts == counts && edge.marks.is_none() {
                good |= characters;
            }
        }
        let ascii = good & !twice;
        let reading = Reading {
            pda,
            first: &|edge| edge.counts == counts && edge.marks.is_none(),
            other: &|edge| !edge.counts && edge.marks.is_none(),
            inner: &|state| !pda.is_accepting(state) && pda.call_edges(state).is_empty(),
            single: true,
        };
        let is_excluded = !excluded.intersection(&ByteSet::range(0xc2, 0xf4)).is_empty();
        let ways = if is_excluded { None } else { reading.ways(state) };
        let past_ascii = ways.map_or(PastAscii::None, |ways| leading(&ways, back));
        let is_wide = ascii.count_ones() >= least || !past_ascii.is_empty() && least != u32::MAX;
        is_wide.then_some(Self { set: LoopSet { ascii, past_ascii }, counts })
    }
}

/// The ASCII characters that an edge is on.
pub(crate) fn ascii_of(edge: &ByteEdge) -> u128 {
    if !edge.low.is_ascii() {
        return 0;
    }
    let width = u32::from(edge.high.min(0x7f) - edge.low) + 1;
    (u128::MAX >> (128 - width)) << edge.low
}

/// What is asked of the edges of a loop.
struct Edges {
    /// Whether they count.
    counts: bool,
    /// Bytes that something else could read.
    excluded: ByteSet,
    /// How many ASCII characters there are to be, if there are no others.
    least: u32,
}

/// Whether an edge leads to `state` and leaves the registers of scopes as they are.
fn leads(edge: &ByteEdge, state: StateId) -> bool {
    edge.target == state && edge.marks.is_none()
}

fn first_bytes<'a>(pda: &Pda, edges: impl Iterator<Item = &'a CallEdge>) -> ByteSet {
    edges.fold(ByteSet::EMPTY, |set, edge| set.union(&pda.procedure(edge.procedure).first_bytes))
}
