//! Characters past ASCII: where a state leads on them, and sets of them.
//!
//! A set is kept as what it leaves out. What is free text to a user often leaves out little: a `.` of ECMA-262 two line
//! separators, `\S` some 20 spaces. Letters leave out hundreds of ranges.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

use grammar_ir::pda::{ByteEdge, Pda};
use grammar_ir::regular::Utf8;
use grammar_ir::{CharSet, StateId};
use rustc_hash::FxBuildHasher;

/// Some of the characters past ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) enum PastAscii {
    /// None of them.
    #[default]
    None,
    /// All of them.
    All,
    /// All but these, of which there are some.
    AllBut(Arc<Exceptions>),
}

/// Characters past ASCII.
#[derive(Debug)]
pub(crate) struct Exceptions {
    set: CharSet,
    /// Of the set: sets with hundreds of ranges are compared by it first.
    hash: u64,
}

impl PartialEq for Exceptions {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.set == other.set
    }
}

impl Eq for Exceptions {}

impl Hash for Exceptions {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Sets of fewer characters than this are not worth anything.
const MIN_CHARACTERS: u32 = 64;

impl PastAscii {
    /// All but the characters of `exceptions`; none, if few are left.
    fn all_but(exceptions: CharSet) -> Self {
        let count = |ranges: &[(char, char)]| -> u32 {
            ranges.iter().map(|&(low, high)| u32::from(high) - u32::from(low) + 1).sum()
        };
        let past = CharSet::range('\u{80}', char::MAX);
        if exceptions.is_empty() {
            return Self::All;
        }
        if count(past.difference(&exceptions).ranges()) < MIN_CHARACTERS {
            return Self::None;
        }
        let hash = FxBuildHasher.hash_one(exceptions.ranges());
        Self::AllBut(Arc::new(Exceptions { set: exceptions, hash }))
    }

    /// The exceptions; `None` where there is no character that is none.
    fn exceptions(&self) -> Option<&[(char, char)]> {
        match self {
            Self::None => None,
            Self::All => Some(&[]),
            Self::AllBut(exceptions) => Some(exceptions.set.ranges()),
        }
    }

    /// Whether there is any.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether all of `low..=high` are among them.
    fn has_all_of(&self, low: u32, high: u32) -> bool {
        self.exceptions().is_some_and(|ranges| {
            let at = ranges.partition_point(|&(_, to)| u32::from(to) < low);
            ranges.get(at).is_none_or(|&(from, _)| high < u32::from(from))
        })
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

    /// Whether one of `low..=high` is one of them, as far as that is told by single ranges.
    pub(crate) fn has_some_of(&self, low: u32, high: u32) -> bool {
        self.exceptions().is_some_and(|ranges| {
            let at = ranges.partition_point(|&(_, to)| u32::from(to) < high);
            ranges.get(at).is_none_or(|&(from, _)| low < u32::from(from))
        })
    }

    /// Those that are in none of `ranges`.
    pub(crate) fn without(&self, ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        match self.exceptions() {
            Some(exceptions) => {
                let ranges = ranges.into_iter().filter_map(characters);
                Self::all_but(CharSet::from_ranges(exceptions.iter().copied().chain(ranges)))
            }
            None => Self::None,
        }
    }

    /// Those that are in both.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (all, Self::All) | (Self::All, all) => all.clone(),
            (Self::AllBut(left), Self::AllBut(right)) if left == right => self.clone(),
            (Self::AllBut(left), Self::AllBut(right)) => Self::all_but(left.set.union(&right.set)),
        }
    }
}

/// The characters of a range of code points.
fn characters((low, high): (u32, u32)) -> Option<(char, char)> {
    // Between these there are none.
    let low = if (0xd800..=0xdfff).contains(&low) { 0xe000 } else { low };
    let high = if (0xd800..=0xdfff).contains(&high) { 0xd7ff } else { high };
    Some((char::from_u32(low)?, char::from_u32(high)?)).filter(|(low, high)| low <= high)
}

/// Where a state leads on characters past ASCII: ranges of characters, ascending, with the state after them, if any.
pub(crate) type Ways = Vec<(u32, u32, Option<StateId>)>;

/// More ranges than this are not looked at. Letters take some 1,300.
const MAX_WAYS: usize = 4_096;

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
        static CHARACTERS: LazyLock<Vec<Vec<(u8, u8)>>> =
            LazyLock::new(|| Utf8::range_sequences(&CharSet::range('\u{80}', char::MAX)));
        for sequence in &*CHARACTERS {
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

/// The characters of `ways` that lead to a state for which `is_good` holds.
pub(crate) fn leading(ways: &Ways, is_good: impl Fn(StateId) -> bool) -> PastAscii {
    let is_exception = |target: Option<StateId>| !target.is_some_and(&is_good);
    let exceptions = ways.iter().filter(|way| is_exception(way.2));
    PastAscii::all_but(CharSet::from_ranges(exceptions.filter_map(|&(low, high, _)| characters((low, high)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_but(ranges: &[(u32, u32)]) -> PastAscii {
        PastAscii::All.without(ranges.iter().copied())
    }

    #[test]
    fn sets_by_what_they_leave_out() {
        let separators = all_but(&[(0x2028, 0x2029)]);
        for (text, is_read) in [
            ("é".as_bytes(), true),
            ("\u{202a}".as_bytes(), true),
            ("\u{2029}".as_bytes(), false),
            (b"\xe2", false),
            (b"\xe2\x80", false),
            (b"\xe2\x81", true),
            (b"\xe3", true),
            (b"\xed", true),
            (b"\xf0\x9f\x98", true),
        ] {
            assert_eq!(separators.reads(text), is_read, "{text:x?}");
        }
        let spaces = all_but(&[(0x3000, 0x3000), (0xa0, 0xa0)]);
        let both = separators.intersection(&spaces);
        assert_eq!(both, all_but(&[(0xa0, 0xa0), (0x2028, 0x2029), (0x3000, 0x3000)]));
        assert_eq!(PastAscii::All.intersection(&both), both);
        assert_eq!(separators.without([(0xa0, 0xa0), (0x3000, 0x3000)]), both);
        assert!(PastAscii::None.intersection(&both).is_empty() && PastAscii::None.without([]).is_empty());
        assert!(both.has_some_of(0x2027, 0x2028) && !both.has_some_of(0x2028, 0x2029));
        // Neighbours are one range, and there are no characters between 0xd7ff and 0xe000.
        assert_eq!(all_but(&[(0x81, 0x82), (0x80, 0x80), (0x81, 0x81)]), all_but(&[(0x80, 0x82)]));
        assert_eq!(all_but(&[(0xd000, 0xd900)]), all_but(&[(0xd000, 0xd7ff)]));
    }

    #[test]
    fn what_is_left_may_be_too_little() {
        assert!(all_but(&[(0x80, 0x10_ffff)]).is_empty());
        assert!(all_but(&[(0x80, 0x10_fff0)]).is_empty());
        assert!(!all_but(&[(0x80, 0x10_fe00)]).is_empty());
    }
}
