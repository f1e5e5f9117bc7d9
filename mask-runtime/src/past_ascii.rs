//! Characters past ASCII: where a state leads on them, and sets that hold all of them but a few.
//!
//! What is free text to a user seldom leaves out a whole script. A `.` of ECMA-262 leaves out two line separators, and `\S`
//! some 20 spaces; for all other characters past ASCII one rule holds.

use grammar_ir::pda::{ByteEdge, Pda};
use grammar_ir::regular::Utf8;
use grammar_ir::{CharSet, StateId};

/// Some of the characters past ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum PastAscii {
    /// None of them.
    #[default]
    None,
    /// All but these.
    AllBut(Exceptions),
}

/// Characters past ASCII, as a few ascending ranges; unused places are `(0, 0)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Exceptions {
    ranges: [(u32, u32); MAX_RANGES],
}

/// White space takes eight.
const MAX_RANGES: usize = 12;
/// Sets that leave out more are not nearly everything.
const MAX_EXCEPTIONS: u32 = 1 << 13;

impl PastAscii {
    /// All of them.
    pub(crate) const ALL: Self = Self::AllBut(Exceptions { ranges: [(0, 0); MAX_RANGES] });

    /// All but the characters of `ranges`; none, if there are too many of them.
    fn all_but(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut sorted: Vec<(u32, u32)> = ranges.into_iter().collect();
        sorted.sort_unstable();
        let mut exceptions = Exceptions::default();
        let mut used = 0;
        for (low, high) in sorted {
            match exceptions.ranges[..used].last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = high.max(last.1),
                _ if used == MAX_RANGES => return Self::None,
                _ => {
                    exceptions.ranges[used] = (low, high);
                    used += 1;
                }
            }
        }
        let count: u32 = exceptions.ranges[..used].iter().map(|(low, high)| high - low + 1).sum();
        if count > MAX_EXCEPTIONS { Self::None } else { Self::AllBut(exceptions) }
    }

    /// The exceptions; `None` where there is no character that is none.
    fn exceptions(&self) -> Option<&[(u32, u32)]> {
        match self {
            Self::None => None,
            Self::AllBut(Exceptions { ranges }) => {
                Some(&ranges[..ranges.iter().position(|&range| range == (0, 0)).unwrap_or(MAX_RANGES)])
            }
        }
    }

    /// Whether there is any.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::None
    }

    /// Whether all of `low..=high` are among them.
    fn has_all_of(&self, low: u32, high: u32) -> bool {
        self.exceptions().is_some_and(|ranges| !ranges.iter().any(|&(from, to)| from <= high && low <= to))
    }

    /// Whether the character that `text` is in UTF-8 is one of them; if the last bytes are missing, whether all are that it
    /// can become.
    pub(crate) fn reads(&self, text: &[u8]) -> bool {
        let Some((&lead, rest)) = text.split_first() else { return false };
        let (length, bits) = match lead {
            0xc0..=0xdf => (2, lead & 0x1f),
            0xe0..=0xef => (3, lead & 0x0f),
            _ => (4, lead & 0x07),
        };
        let number = rest.iter().fold(u32::from(bits), |number, &byte| number << 6 | u32::from(byte & 0x3f));
        let missing = 6 * (length - text.len().min(length));
        self.has_all_of(number << missing, ((number + 1) << missing) - 1)
    }

    /// Whether one of `low..=high` is one of them.
    pub(crate) fn has_some_of(&self, low: u32, high: u32) -> bool {
        self.exceptions().is_some_and(|ranges| !ranges.iter().any(|&(from, to)| from <= low && high <= to))
    }

    /// Those that are in none of `ranges`; none, if that takes too many exceptions.
    pub(crate) fn without(&self, ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        match self.exceptions() {
            Some(exceptions) => Self::all_but(exceptions.iter().copied().chain(ranges)),
            None => Self::None,
        }
    }

    /// Those that are in both; fewer, if more exceptions are needed than fit.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        match (self.exceptions(), other.exceptions()) {
            (Some(left), Some(right)) => Self::all_but(left.iter().chain(right).copied()),
            _ => Self::None,
        }
    }
}

/// Where a state leads on characters past ASCII: ranges of characters, ascending, with the state after them, if any.
pub(crate) type Ways = Vec<(u32, u32, Option<StateId>)>;

/// More ranges than this are not looked at.
const MAX_WAYS: usize = 128;

/// What is asked of the edges that read a character.
pub(crate) struct Reading<'a> {
    pub(crate) pda: &'a Pda,
    /// Whether an edge on the first byte may be taken.
    pub(crate) first: &'a dyn Fn(&ByteEdge) -> bool,
    /// The same for edges on other bytes.
    pub(crate) other: &'a dyn Fn(&ByteEdge) -> bool,
    /// Whether the text of a character may lead through a state.
    pub(crate) inner: &'a dyn Fn(StateId) -> bool,
    /// Whether there may not be two ways to read a character; otherwise one of them is shown.
    pub(crate) single: bool,
}

impl Reading<'_> {
    /// Where the characters past ASCII lead from `state`; `None` if that is too varied, or there are two ways for one.
    pub(crate) fn ways(&self, state: StateId) -> Option<Ways> {
        let mut ways = Ways::new();
        for sequence in &Utf8::range_sequences(&CharSet::range('\u{80}', char::MAX)) {
            // What the first byte adds to its low bits says how many bytes follow.
            let lead = [0, 0xc0, 0xe0, 0xf0][sequence.len() - 1];
            for (low, high, target) in self.follow(state, sequence, lead, true)? {
                push(&mut ways, (low, high, target))?;
            }
        }
        Some(ways)
    }

    /// Where the words of `sequence` lead from `state`, by the number that their bits make.
    fn follow(&self, state: StateId, sequence: &[(u8, u8)], lead: u8, is_first: bool) -> Option<Ways> {
        let Some((&(low, high), rest)) = sequence.split_first() else {
            return Some(vec![(0, 0, Some(state))]);
        };
        let shift = 6 * rest.len();
        let number = |byte: u16| (u32::from(byte) - u32::from(lead)) << shift;
        // The words of `rest` make the numbers between these.
        let bits =
            |pick: fn(&(u8, u8)) -> u8| rest.iter().fold(0, |bits, range| bits << 6 | u32::from(pick(range) - 0x80));
        let (least, greatest) = (bits(|range| range.0), bits(|range| range.1));
        let mut ways = Ways::new();
        let past = u16::from(high) + 1;
        let mut next = u16::from(low);
        let nothing = |from: u16, to: u16, ways: &mut Ways| -> Option<()> {
            if from < to { push(ways, (number(from) + least, number(to - 1) + greatest, None)) } else { Some(()) }
        };
        for edge in self.pda.byte_edges(state) {
            let is_taken = if is_first { (self.first)(edge) } else { (self.other)(edge) };
            let (from, to) = (u16::from(edge.low).max(u16::from(low)), (u16::from(edge.high) + 1).min(past));
            if from >= to || (!is_taken && !self.single) {
                continue;
            }
            if from < next && self.single {
                return None;
            }
            let from = from.max(next);
            if from >= to {
                continue;
            }
            nothing(next, from, &mut ways)?;
            next = to;
            if !is_taken || (!rest.is_empty() && !(self.inner)(edge.target)) {
                nothing(from, to, &mut ways)?;
                continue;
            }
            let after = self.follow(edge.target, rest, 0x80, false)?;
            if let &[(_, _, target)] = after.as_slice() {
                push(&mut ways, (number(from) + least, number(to - 1) + greatest, target))?;
                continue;
            }
            for byte in from..to {
                for &(low, high, target) in &after {
                    push(&mut ways, (number(byte) + low, number(byte) + high, target))?;
                }
            }
        }
        nothing(next, past, &mut ways)?;
        Some(ways)
    }
}

/// Adds a way after the others, as part of the last one if it goes on with it; `None` if there are too many.
fn push(ways: &mut Ways, (low, high, target): (u32, u32, Option<StateId>)) -> Option<()> {
    let is_full = ways.len() >= MAX_WAYS;
    match ways.last_mut() {
        // Between 0xd7ff and 0xe000 there is no character.
        Some(last) if last.2 == target && (last.1 + 1 == low || (last.1, low) == (0xd7ff, 0xe000)) => last.1 = high,
        _ if is_full => return None,
        _ => ways.push((low, high, target)),
    }
    Some(())
}

/// The characters of `ways` that lead to a state for which `is_good` holds, all but a few, or none.
pub(crate) fn leading(ways: &Ways, is_good: impl Fn(StateId) -> bool) -> PastAscii {
    let is_exception = |target: Option<StateId>| !target.is_some_and(&is_good);
    PastAscii::all_but(ways.iter().filter(|way| is_exception(way.2)).map(|&(low, high, _)| (low, high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_all_but_a_few() {
        let separators = PastAscii::all_but([(0x2028, 0x2029)]);
        for (text, is_read) in [
            ("é".as_bytes(), true),
            ("\u{202a}".as_bytes(), true),
            ("\u{2029}".as_bytes(), false),
            (b"\xe2", false),
            (b"\xe2\x80", false),
            (b"\xe2\x81", true),
            (b"\xe3", true),
            (b"\xf0\x9f\x98", true),
        ] {
            assert_eq!(separators.reads(text), is_read, "{text:x?}");
        }
        let spaces = PastAscii::all_but([(0x3000, 0x3000), (0xa0, 0xa0)]);
        let both = separators.intersection(&spaces);
        assert_eq!(both, PastAscii::all_but([(0xa0, 0xa0), (0x2028, 0x2029), (0x3000, 0x3000)]));
        assert_eq!(PastAscii::ALL.intersection(&both), both);
        assert_eq!(separators.without([(0xa0, 0xa0), (0x3000, 0x3000)]), both);
        assert!(PastAscii::None.intersection(&both).is_empty() && PastAscii::None.without([]).is_empty());
        assert!(both.has_some_of(0x2027, 0x2028) && !both.has_some_of(0x2028, 0x2029));
        // Neighbours are one range, and ranges that overlap count once.
        assert_eq!(PastAscii::all_but([(0x81, 0x82), (0x80, 0x80), (0x81, 0x81)]), PastAscii::all_but([(0x80, 0x82)]));
    }

    #[test]
    fn too_many_exceptions_leave_nothing() {
        let ranges = |count| (0..count).map(|n| (0x100 + 2 * n, 0x100 + 2 * n));
        assert!(!PastAscii::all_but(ranges(12)).is_empty());
        assert!(PastAscii::all_but(ranges(13)).is_empty());
        assert!(PastAscii::all_but([(0x80, 0x10_ffff)]).is_empty());
    }
}
