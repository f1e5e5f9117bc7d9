//! Sets of JSON strings as automata over all their spellings.
//!
//! The texts come sorted, so they are worked off from their ends to their beginnings, and of the states of one language
//! only one is ever made (Daciuk et al. 2000, "Incremental construction of minimal acyclic finite-state automata"). What
//! follows a character is a function from characters to states, given as ranges; reading the character in UTF-8 and as
//! an escape are two trees of digits over that function.

mod ascii;

use std::hash::Hasher;
use std::sync::LazyLock;

use grammar_ir::{Budget, ByteAutomaton, ByteEdge, ByteEdges, LimitError};
use rustc_hash::{FxHashMap, FxHasher};
use smallvec::smallvec;

use super::options::Escapes;
use super::spelling::SHORT_ESCAPES;
use ascii::{STATES_PER_CHARACTER, Template, one_of_ascii};

/// The JSON texts of the strings `texts` with these escapes, quotes included.
///
/// # Errors
/// When it takes too many states.
pub(super) fn texts<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    escapes: Escapes,
    budget: &mut Budget<'_>,
) -> Result<ByteAutomaton, LimitError> {
    let texts: Vec<&str> = texts.into_iter().collect();
    if let [text] = texts.as_slice()
        && text.is_ascii()
        && escapes == Escapes::Any
    {
        budget.check_states(text.len().saturating_mul(STATES_PER_CHARACTER))?;
        return Ok(one_of_ascii(text));
    }
    let mut states = States { escapes, ..States::default() };
    let template = Template::default();
    let root = trie(texts, &mut states, budget, |states, node| states.node(&node.children, node.is_text, &template))?;
    Ok(states.finish(root))
}

/// The JSON texts of every string but `texts`, in any spelling, quotes included.
///
/// # Errors
/// When it takes too many states.
pub(super) fn all_but<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    budget: &mut Budget<'_>,
) -> Result<ByteAutomaton, LimitError> {
    let (states, template) = &*ANYTHING;
    let mut states = states.clone();
    let root = trie(texts, &mut states, budget, |states, node| states.node(&node.children, !node.is_text, template))?;
    Ok(states.finish(root))
}

/// The states that read any characters and the closing quote. Every object that may have other keys begins with these.
static ANYTHING: LazyLock<(States, Template)> = LazyLock::new(|| {
    let mut states = States::default();
    let anything = states.anything();
    let template = Template::of(anything, &mut states);
    (states, template)
});

/// A node of the trie whose children are not all known yet.
#[derive(Debug, Default)]
struct Open {
    character: char,
    is_text: bool,
    children: Vec<Piece>,
}

/// The state of the root of the trie of `texts`, where `close` makes the state of a node from those of its children.
fn trie<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    states: &mut States,
    budget: &mut Budget<'_>,
    close: impl Fn(&mut States, &Open) -> u32,
) -> Result<u32, LimitError> {
    let mut sorted: Vec<&str> = texts.into_iter().collect();
    // Bytes of UTF-8 are in the order of the characters.
    sorted.sort_unstable();
    let mut path = vec![Open::default()];
    let mut close_to = |path: &mut Vec<Open>, depth: usize, budget: &mut Budget<'_>| {
        while path.len() > depth
            && let Some(node) = path.pop()
        {
            budget.tick()?;
            let target = close(states, &node);
            budget.check_states(states.edges.len())?;
            match path.last_mut() {
                Some(parent) => parent.children.push(Piece::of(node.character, target)),
                None => return Ok(target),
            }
        }
        Ok(END)
    };
    for text in sorted {
        let shared = text.chars().zip(&path[1..]).take_while(|(character, node)| *character == node.character).count();
        close_to(&mut path, shared + 1, budget)?;
        path.extend(text.chars().skip(shared).map(|character| Open { character, ..Open::default() }));
        if let Some(last) = path.last_mut() {
            last.is_text = true;
        }
    }
    close_to(&mut path, 0, budget)
}

/// Where the characters of a range of code points lead. Ranges hold no surrogates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    low: u32,
    high: u32,
    target: u32,
}

impl Piece {
    fn of(character: char, target: u32) -> Self {
        Self { low: character.into(), high: character.into(), target }
    }

    fn clipped(self, low: u32, high: u32) -> Option<Self> {
        let (low, high) = (self.low.max(low), self.high.min(high));
        (low <= high).then_some(Self { low, high, ..self })
    }
}

const BEFORE_SURROGATES: u32 = 0xd7ff;
const AFTER_SURROGATES: u32 = 0xe000;
const FIRST_LEAD: u32 = 0xd800;
const FIRST_TRAIL: u32 = 0xdc00;
/// The trails that one lead goes with.
const TRAILS: u32 = 0x400;
/// The first character that takes a pair.
const FIRST_PAIR: u32 = 0x1_0000;
const LAST: u32 = char::MAX as u32;

/// The characters that never stand for themselves.
const MUST_ESCAPE: [(u32, u32); 3] = [(0, 0x1f), (0x22, 0x22), (0x5c, 0x5c)];

/// `pieces`, each of one character, with everything else leading to `default`.
fn with_default(pieces: &[Piece], default: u32) -> Vec<Piece> {
    let mut filled = Vec::with_capacity(2 * pieces.len() + 2);
    let mut next = 0;
    let gap = |low: u32, end: u32, filled: &mut Vec<Piece>| {
        let gap = Piece { low, high: end.wrapping_sub(1), target: default };
        if low < end {
            filled.extend(gap.clipped(0, BEFORE_SURROGATES));
            filled.extend(gap.clipped(AFTER_SURROGATES, LAST));
        }
    };
    for piece in pieces {
        gap(next, piece.low, &mut filled);
        filled.push(*piece);
        next = piece.high + 1;
    }
    gap(next, LAST + 1, &mut filled);
    filled
}

/// The number of the state after the closing quote.
const END: u32 = 0;

/// What a digit is written as, in a tree that reads a number digit by digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Digit {
    /// A byte of UTF-8 after the first: 6 bits.
    Continuation,
    /// A hexadecimal digit in either case: 4 bits.
    Hexadecimal,
}

impl Digit {
    fn bits(self) -> u32 {
        match self {
            Self::Continuation => 6,
            Self::Hexadecimal => 4,
        }
    }

    /// Adds the edges on the digits `first..=last`.
    fn push(self, first: u32, last: u32, target: u32, edges: &mut ByteEdges) {
        let (first, last) = (first as u8, last as u8);
        match self {
            Self::Continuation => edges.push(range(0x80 + first, 0x80 + last, target)),
            Self::Hexadecimal => {
                if first < 10 {
                    edges.push(range(b'0' + first, b'0' + last.min(9), target));
                }
                if last >= 10 {
                    let letters = [b'A', b'a'].map(|ten| range(ten + first.max(10) - 10, ten + last - 10, target));
                    edges.extend(letters);
                }
            }
        }
    }
}

/// States made so far, by their edges. All but [`END`] reject.
#[derive(Debug, Clone)]
struct States {
    escapes: Escapes,
    edges: Vec<ByteEdges>,
    /// Per hash of edges: the last state that has it.
    last_of_hash: FxHashMap<u64, u32>,
    /// Per state: the one before it with the same hash; [`END`] for none.
    before: Vec<u32>,
    /// Per digit, number of digits and target: the state that reads any such digits.
    uniform: FxHashMap<(Digit, u32, u32), u32>,
    /// Per target: the edges of characters beyond ASCII when all of them lead there.
    beyond_ascii: FxHashMap<u32, ByteEdges>,
}

impl Default for States {
    fn default() -> Self {
        Self {
            escapes: Escapes::Any,
            edges: vec![ByteEdges::new()],
            last_of_hash: FxHashMap::default(),
            before: vec![END],
            uniform: FxHashMap::default(),
            beyond_ascii: FxHashMap::default(),
        }
    }
}

impl States {
    /// The state with these edges, ascending.
    fn number(&mut self, edges: ByteEdges) -> u32 {
        let hash = hash(&edges);
        let last = self.last_of_hash.get(&hash).copied().unwrap_or(END);
        let mut same_hash = last;
        while same_hash != END {
            if self.edges[same_hash as usize] == edges {
                return same_hash;
            }
            same_hash = self.before[same_hash as usize];
        }
        let fresh = self.edges.len() as u32;
        self.last_of_hash.insert(hash, fresh);
        self.before.push(last);
        self.edges.push(edges);
        fresh
    }

    /// The state that reads any characters and the closing quote.
    fn anything(&mut self) -> u32 {
        let state = self.edges.len() as u32;
        self.edges.push(ByteEdges::new());
        self.before.push(END);
        let mut edges = self.character(&with_default(&[], state));
        insert(&mut edges, b'"', END);
        self.edges[state as usize] = edges;
        state
    }

    /// The state that reads one of the characters of `children`, or any other one as the template says, and the closing quote
    /// if the string `may_end`.
    fn node(&mut self, children: &[Piece], may_end: bool, template: &Template) -> u32 {
        let is_ascii = children.last().is_none_or(|last| last.high < 0x80);
        if is_ascii && (self.escapes == Escapes::Any || children.is_empty()) {
            return self.ascii(children, may_end, template);
        }
        let mut edges = match template.default {
            Some(default) => self.character(&with_default(children, default)),
            None => self.character(children),
        };
        if may_end {
            insert(&mut edges, b'"', END);
        }
        self.number(edges)
    }

    /// The edges of a state that reads one character of `pieces`.
    fn character(&mut self, pieces: &[Piece]) -> ByteEdges {
        let mut edges = ByteEdges::new();
        for piece in pieces.iter().take_while(|piece| piece.low < 0x80) {
            // What must be escaped lies between these.
            for (low, high) in [(0x20, 0x21), (0x23, 0x5b), (0x5d, 0x7f)] {
                let plain = piece.clipped(low, high);
                edges.extend(plain.map(|piece| range(piece.low as u8, piece.high as u8, piece.target)));
            }
        }
        if let Some(escape) = self.escape(pieces) {
            insert(&mut edges, b'\\', escape);
        }
        let beyond = &pieces[pieces.partition_point(|piece| piece.high < 0x80)..];
        edges.extend(self.beyond_ascii(beyond));
        join(&mut edges);
        edges
    }

    /// The edges of the characters of `pieces` beyond ASCII.
    fn beyond_ascii(&mut self, pieces: &[Piece]) -> ByteEdges {
        let uniform = match pieces {
            [
                Piece { low: ..=0x80, high: BEFORE_SURROGATES, target },
                Piece { low: AFTER_SURROGATES, high: LAST, target: other },
            ] => (target == other).then_some(*target),
            [] => return ByteEdges::new(),
            _ => None,
        };
        if let Some(edges) = uniform.and_then(|target| self.beyond_ascii.get(&target)) {
            return edges.clone();
        }
        let mut edges = ByteEdges::new();
        // Per length: the first bytes, what the first of them adds, and the characters that are written so.
        let lengths =
            [(1, 0xc2..=0xdfu32, 0x80, 0x7ff), (2, 0xe0..=0xef, 0x800, 0xffff), (3, 0xf0..=0xf4, FIRST_PAIR, LAST)];
        for (rest, firsts, low, high) in lengths {
            let clipped: Vec<Piece> = pieces.iter().filter_map(|piece| piece.clipped(low, high)).collect();
            if clipped.is_empty() {
                continue;
            }
            let span = 1 << (6 * rest);
            // The first byte for 0, had it no other length.
            let zero = if rest == 1 { 0xc0 } else { *firsts.start() };
            for first in firsts {
                if let Some(target) = self.digits(Digit::Continuation, rest, (first - zero) * span, &clipped) {
                    edges.push(edge(first as u8, target));
                }
            }
        }
        join(&mut edges);
        if let Some(target) = uniform {
            self.beyond_ascii.insert(target, edges.clone());
        }
        edges
    }

    /// The state after a backslash, if some character of `pieces` is left.
    fn escape(&mut self, pieces: &[Piece]) -> Option<u32> {
        let needed: Vec<Piece>;
        let pieces = match self.escapes {
            Escapes::Any => pieces,
            Escapes::Minimal => {
                let parts = |piece: &Piece| MUST_ESCAPE.map(|(low, high)| piece.clipped(low, high));
                needed = pieces.iter().flat_map(parts).flatten().collect();
                &needed
            }
        };
        if pieces.is_empty() {
            return None;
        }
        let mut units: Vec<Piece> = Vec::with_capacity(pieces.len() + 1);
        units.extend(pieces.iter().filter_map(|piece| piece.clipped(0, BEFORE_SURROGATES)));
        units.extend(self.leads(pieces));
        units.extend(pieces.iter().filter_map(|piece| piece.clipped(AFTER_SURROGATES, FIRST_PAIR - 1)));
        let mut edges = ByteEdges::new();
        if self.escapes == Escapes::Minimal {
            // Here a piece is one character.
            units.retain(|unit| SHORT_ESCAPES.iter().all(|&(character, _)| u32::from(character) != unit.low));
        }
        edges.extend(self.digits(Digit::Hexadecimal, 4, 0, &units).map(|target| edge(b'u', target)));
        for (character, letter) in SHORT_ESCAPES {
            edges.extend(lookup(pieces, character.into()).map(|target| edge(letter, target)));
        }
        edges.sort_unstable();
        Some(self.number(edges))
    }

    /// Where the first half of a surrogate pair leads.
    fn leads(&mut self, pieces: &[Piece]) -> Vec<Piece> {
        let pairs: Vec<Piece> = pieces.iter().filter_map(|piece| piece.clipped(FIRST_PAIR, LAST)).collect();
        let lead = |character: u32| (character - FIRST_PAIR) / TRAILS;
        // Between these, all leads go with the same trails to the same targets.
        let mut bounds: Vec<u32> = Vec::with_capacity(4 * pairs.len());
        for piece in &pairs {
            let (low, high) = (lead(piece.low), lead(piece.high));
            bounds.extend([low, low + 1, high, high + 1]);
        }
        bounds.sort_unstable();
        bounds.dedup();
        let mut leads = Vec::new();
        for bound in bounds.windows(2) {
            let first = FIRST_PAIR + bound[0] * TRAILS;
            let trails: Vec<Piece> = pairs
                .iter()
                .filter_map(|piece| piece.clipped(first, first + TRAILS - 1))
                .map(|piece| Piece {
                    low: piece.low - first + FIRST_TRAIL,
                    high: piece.high - first + FIRST_TRAIL,
                    ..piece
                })
                .collect();
            if let Some(digits) = self.digits(Digit::Hexadecimal, 4, 0, &trails) {
                let letter = self.number(smallvec![edge(b'u', digits)]);
                let target = self.number(smallvec![edge(b'\\', letter)]);
                leads.push(Piece { low: FIRST_LEAD + bound[0], high: FIRST_LEAD + bound[1] - 1, target });
            }
        }
        leads
    }

    /// The state that reads `count` digits, which stand for the numbers from `low` on, to where `pieces` say.
    fn digits(&mut self, digit: Digit, count: u32, low: u32, pieces: &[Piece]) -> Option<u32> {
        let high = low + ((1 << (digit.bits() * count)) - 1);
        let mut pieces = &pieces[pieces.partition_point(|piece| piece.high < low)..];
        let first = pieces.first().filter(|piece| piece.low <= high)?;
        if first.low <= low && high <= first.high {
            return Some(self.any_digits(digit, count, first.target));
        }
        let step = 1 << (digit.bits() * (count - 1));
        let mut edges = ByteEdges::new();
        let mut value = 0;
        while value < 1 << digit.bits()
            && let Some(piece) = pieces.first().filter(|piece| piece.low <= high)
        {
            value = value.max(piece.low.saturating_sub(low) / step);
            let (begin, end) = (low + value * step, low + value * step + (step - 1));
            if piece.low <= begin && end <= piece.high {
                // All digits whose numbers are in this piece.
                let last = (piece.high.min(high) + 1 - low) / step - 1;
                let target = self.any_digits(digit, count - 1, piece.target);
                digit.push(value, last, target, &mut edges);
                value = last + 1;
            } else {
                if let Some(target) = self.digits(digit, count - 1, begin, pieces) {
                    digit.push(value, value, target, &mut edges);
                }
                value += 1;
            }
            let past = low + value * step;
            pieces = &pieces[pieces.partition_point(|piece| piece.high < past)..];
        }
        edges.sort_unstable();
        join(&mut edges);
        Some(self.number(edges))
    }

    fn any_digits(&mut self, digit: Digit, count: u32, target: u32) -> u32 {
        if count == 0 {
            return target;
        }
        if let Some(&known) = self.uniform.get(&(digit, count, target)) {
            return known;
        }
        let next = self.any_digits(digit, count - 1, target);
        let edges = match digit {
            Digit::Continuation => smallvec![range(0x80, 0xbf, next)],
            Digit::Hexadecimal => [(b'0', b'9'), (b'A', b'F'), (b'a', b'f')]
                .map(|(low, high)| range(low, high, next))
                .into_iter()
                .collect(),
        };
        let state = self.number(edges);
        self.uniform.insert((digit, count, target), state);
        state
    }

    /// The automaton of an opening quote and what `root` reads.
    fn finish(self, root: u32) -> ByteAutomaton {
        const NONE: u32 = u32::MAX;
        let mut automaton =
            ByteAutomaton { accepting: vec![false], edges: vec![smallvec![edge(b'"', root)]], counter: None };
        let mut numbers = vec![NONE; self.edges.len()];
        let mut old = self.edges;
        let mut next = 0;
        while let Some(edges) = automaton.edges.get_mut(next) {
            let mut edges = std::mem::take(edges);
            for edge in &mut edges {
                let number = &mut numbers[edge.target as usize];
                if *number == NONE {
                    *number = automaton.edges.len() as u32;
                    automaton.accepting.push(edge.target == END);
                    automaton.edges.push(std::mem::take(&mut old[edge.target as usize]));
                }
                edge.target = *number;
            }
            automaton.edges[next] = edges;
            next += 1;
        }
        automaton
    }
}

fn hash(edges: &[ByteEdge]) -> u64 {
    let mut hasher = FxHasher::default();
    for edge in edges {
        hasher.write_u64(u64::from(edge.target) << 16 | u64::from(edge.low) << 8 | u64::from(edge.high));
    }
    hasher.finish()
}

fn lookup(pieces: &[Piece], character: u32) -> Option<u32> {
    let piece = pieces.get(pieces.partition_point(|piece| piece.high < character))?;
    (piece.low <= character).then_some(piece.target)
}

fn edge(byte: u8, target: u32) -> ByteEdge {
    range(byte, byte, target)
}

fn range(low: u8, high: u8, target: u32) -> ByteEdge {
    ByteEdge { low, high, target, counts: false }
}

/// Adds an edge among ascending ones.
fn insert(edges: &mut ByteEdges, byte: u8, target: u32) {
    let at = edges.partition_point(|edge| edge.low < byte);
    edges.insert(at, edge(byte, target));
}

/// Joins neighbours that lead to one state.
fn join(edges: &mut ByteEdges) {
    edges.dedup_by(|later, earlier| {
        let joined = later.target == earlier.target && u16::from(earlier.high) + 1 == u16::from(later.low);
        if joined {
            earlier.high = later.high;
        }
        joined
    });
}

#[cfg(test)]
mod tests {
    use grammar_ir::regular::Spelling;
    use grammar_ir::{CharSet, Limits};

    use super::super::spelling::JsonString;
    use super::*;

    fn reads(automaton: &ByteAutomaton, text: &[u8]) -> bool {
        let end = text.iter().try_fold(0, |state, &byte| automaton.edge(state, byte).map(|edge| edge.target));
        end.is_some_and(|state| automaton.accepting[state as usize])
    }

    /// Some spellings of `text`: each character by the `pick`-th sequence of those that spell it, with its lowest or
    /// highest bytes.
    fn spelled(text: &str, pick: usize, highest: bool) -> Vec<u8> {
        let mut bytes = vec![b'"'];
        for character in text.chars() {
            let sequences = JsonString.sequences(&CharSet::single(character));
            for set in &sequences[pick % sequences.len()] {
                bytes.extend(if highest { set.iter().last() } else { set.iter().next() });
            }
        }
        bytes.push(b'"');
        bytes
    }

    const TEXTS: [&str; 12] = [
        "",
        "end_time",
        "end",
        "en/d",
        "\u{7f}\u{80}",
        "ß",
        "\u{7ff}\u{800}x",
        "\u{d7ff}\u{e000}\u{ffff}",
        "\u{1_0000}",
        "\u{1_f4a9}\u{1_f4aa}",
        "\u{10_ffff}\n\"\\",
        "a\u{1f}\0",
    ];

    const OTHERS: [&str; 12] = [
        "e",
        "end_times",
        "e\u{301}nd",
        "\u{81}",
        "\u{7ff}",
        "\u{d7ff}\u{e001}\u{ffff}",
        "\u{1_0001}",
        "\u{1_0400}",
        "\u{1_f4a9}\u{1_f8aa}",
        "\u{10_fffe}",
        "/",
        "\t",
    ];

    #[test]
    fn all_spellings_of_the_texts_and_of_no_others() {
        let limits = Limits::default();
        let mut budget = Budget::new(&limits);
        let some = texts(TEXTS.into_iter().chain(TEXTS), Escapes::Any, &mut budget).unwrap();
        let others = all_but(TEXTS, &mut budget).unwrap();
        for (text, is_listed) in TEXTS.map(|text| (text, true)).into_iter().chain(OTHERS.map(|text| (text, false))) {
            for (pick, highest) in (0..4).flat_map(|pick| [(pick, false), (pick, true)]) {
                let bytes = spelled(text, pick, highest);
                assert_eq!(reads(&some, &bytes), is_listed, "{:?}", String::from_utf8_lossy(&bytes));
                assert_eq!(reads(&others, &bytes), !is_listed, "{:?}", String::from_utf8_lossy(&bytes));
            }
        }
    }

    #[test]
    fn one_text_is_spelled_like_one_of_several() {
        let limits = Limits::default();
        let mut budget = Budget::new(&limits);
        for text in TEXTS.into_iter().chain(OTHERS).filter(|text| text.is_ascii()) {
            let mut states = States::default();
            let root = trie([text], &mut states, &mut budget, |states, node| {
                states.node(&node.children, node.is_text, &Template::default())
            });
            let general = states.finish(root.unwrap());
            let row = texts([text], Escapes::Any, &mut budget).unwrap();
            assert_eq!(row.edges.len(), general.edges.len(), "{text:?}");
            for other in TEXTS.into_iter().chain(OTHERS) {
                for (pick, highest) in (0..4).flat_map(|pick| [(pick, false), (pick, true)]) {
                    let bytes = spelled(other, pick, highest);
                    assert_eq!(reads(&row, &bytes), other == text, "{text:?} {:?}", String::from_utf8_lossy(&bytes));
                    assert_eq!(reads(&general, &bytes), other == text, "{text:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn with_minimal_escapes_a_text_is_written_in_one_way() {
        let limits = Limits::default();
        let listed = texts(TEXTS, Escapes::Minimal, &mut Budget::new(&limits)).unwrap();
        for text in TEXTS {
            let written = serde_json::to_string(text).unwrap();
            assert!(reads(&listed, written.as_bytes()), "{written}");
            for (pick, highest) in (0..4).flat_map(|pick| [(pick, false), (pick, true)]) {
                let bytes = spelled(text, pick, highest);
                // The digits of an escape that has no short form may be of either case.
                let is_minimal = bytes.eq_ignore_ascii_case(written.as_bytes());
                assert_eq!(reads(&listed, &bytes), is_minimal, "{:?}", String::from_utf8_lossy(&bytes));
            }
        }
        for other in OTHERS {
            assert!(!reads(&listed, serde_json::to_string(other).unwrap().as_bytes()), "{other}");
        }
    }

    #[test]
    fn what_is_no_string_is_in_no_set() {
        let limits = Limits::default();
        let mut budget = Budget::new(&limits);
        let all = all_but([], &mut budget).unwrap();
        assert!(reads(&all, br#""a\u00e9\ud83d\ude00\/""#));
        let broken: [&[u8]; 10] = [
            b"",
            b"\"",
            b"\"a",
            b"a\"",
            b"\"\n\"",
            b"\"\\x\"",
            b"\"\\ud800\"",
            b"\"\\udc00\"",
            b"\"\\ud800\\u0041\"",
            b"\"\xed\xa0\x80\"",
        ];
        for bytes in broken {
            assert!(!reads(&all, bytes), "{:?}", String::from_utf8_lossy(bytes));
        }
        assert!(texts([], Escapes::Any, &mut budget).unwrap().accepting.iter().all(|&accepting| !accepting));
    }

    #[test]
    fn equal_states_are_one() {
        let limits = Limits::default();
        let mut budget = Budget::new(&limits);
        for automaton in [texts(TEXTS, Escapes::Any, &mut budget).unwrap(), all_but(TEXTS, &mut budget).unwrap()] {
            let mut seen = rustc_hash::FxHashSet::default();
            let states = automaton.edges.iter().zip(&automaton.accepting);
            assert!(states.into_iter().all(|state| seen.insert(state)));
        }
    }

    #[test]
    fn the_limit_on_states_holds() {
        let limits = Limits { states: 100, ..Limits::default() };
        assert!(texts(["a".repeat(1000).as_str()], Escapes::Any, &mut Budget::new(&limits)).is_err());
    }
}
