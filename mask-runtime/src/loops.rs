//! Characters on which a state stays where it is.
//!
//! The expensive masks are those of states "inside a text": nearly every token fits. Such a state leads back to itself
//! on a large set of characters, whatever follows; [`Loop`] finds that set from the automaton's edges alone.

use grammar_ir::StateId;
use grammar_ir::pda::Pda;
use grammar_ir::regular::Utf8;
use grammar_ir::{ByteSet, CharSet};

/// A set of characters of the kind that loops are on: some of ASCII, and all others or none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LoopSet {
    /// Bit *b*: the character *b*.
    pub(crate) ascii: u128,
    /// Every character past ASCII.
    pub(crate) non_ascii: bool,
}

impl LoopSet {
    /// The number of bytes at the start of `text` that are whole characters of the set, and how many characters.
    pub(crate) fn prefix(&self, text: &[u8]) -> (usize, usize) {
        let (mut bytes, mut characters) = (0, 0);
        while let Some(&byte) = text.get(bytes) {
            let length = match byte {
                0..=0x7f => usize::from(self.ascii >> byte & 1 == 1),
                _ if self.non_ascii => character_length(&text[bytes..]),
                _ => 0,
            };
            if length == 0 {
                break;
            }
            bytes += length;
            characters += 1;
        }
        (bytes, characters)
    }

    /// The bytes that a character of the set begins with.
    pub(crate) fn first_bytes(&self) -> ByteSet {
        let mut set: ByteSet = (0..128).filter(|byte| self.ascii >> byte & 1 == 1).collect();
        if self.non_ascii {
            set.insert_range(0xc2, 0xf4);
        }
        set
    }
}

/// The length of the character past ASCII at the start of `text`, 0 when there is no whole one.
fn character_length(text: &[u8]) -> usize {
    let length = match text[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return 0,
    };
    match text.get(..length) {
        Some(bytes) if std::str::from_utf8(bytes).is_ok() => length,
        _ => 0,
    }
}

/// A state's loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loop {
    pub(crate) set: LoopSet,
    /// Whether each character is an iteration of the procedure's counter.
    pub(crate) counts: bool,
}

/// A loop on fewer ASCII characters than this, and no others, is left to the trie walk.
const MIN_ASCII: u32 = 10;

impl Loop {
    /// The loop of `state`: the characters that lead from it to itself by its procedure's own edges, and in no other
    /// way from it. What frames below do with these characters is not looked at.
    pub(crate) fn of(pda: &Pda, state: StateId) -> Option<Self> {
        let edges = pda.byte_edges(state);
        let counts = edges.iter().find(|edge| edge.target == state)?.counts;
        let mut called = ByteSet::EMPTY;
        for edge in pda.call_edges(state) {
            called = called.union(&pda.procedure(edge.procedure).first_bytes);
        }
        let mut ascii = 0u128;
        for byte in (0..0x80u8).filter(|&byte| !called.contains(byte)) {
            let mut matching = edges.iter().filter(|edge| edge.low <= byte && byte <= edge.high);
            if let (Some(edge), None) = (matching.next(), matching.next())
                && edge.target == state
                && edge.counts == counts
            {
                ascii |= 1 << byte;
            }
        }
        let non_ascii = Utf8::range_sequences(&CharSet::range('\u{80}', char::MAX)).iter().all(|sequence| {
            let (low, high) = sequence[0];
            (low..=high).all(|byte| !called.contains(byte)) && leads_back(pda, state, state, sequence, counts)
        });
        let set = LoopSet { ascii, non_ascii };
        (ascii.count_ones() >= MIN_ASCII || non_ascii).then_some(Self { set, counts })
    }
}

/// Whether every word of `ranges` leads from `from` to `to`, by single edges and through states where nothing else can
/// happen; the first edge counts if `counts`, the others do not.
fn leads_back(pda: &Pda, from: StateId, to: StateId, ranges: &[(u8, u8)], counts: bool) -> bool {
    let Some((&(low, high), rest)) = ranges.split_first() else {
        return from == to;
    };
    let mut next = u16::from(low);
    for edge in pda.byte_edges(from).iter().filter(|edge| edge.low <= high && low <= edge.high) {
        let starts_here = u16::from(edge.low.max(low)) == next;
        let inner = rest.is_empty() || (!pda.is_accepting(edge.target) && pda.call_edges(edge.target).is_empty());
        if !starts_here || !inner || edge.counts != counts || !leads_back(pda, edge.target, to, rest, false) {
            return false;
        }
        next = u16::from(edge.high.min(high)) + 1;
    }
    next == u16::from(high) + 1
}
