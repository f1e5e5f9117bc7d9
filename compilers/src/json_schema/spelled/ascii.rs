//! Characters of ASCII in all their spellings, which keys seldom go beyond.
//!
//! Such a character is written as itself, by a short escape, or as `\u00` and two digits. The states of a node of the trie are
//! those of the template, which says where all other characters lead, but for the few bytes that spell the node's children.

use grammar_ir::{ByteAutomaton, ByteEdge, ByteEdges};
use smallvec::{SmallVec, smallvec};

use super::super::spelling::SHORT_ESCAPES;
use super::{Digit, END, Piece, States, edge, range};

/// The states of a character in [`one_of_ascii`]: before it, and after `\\`, `u`, and three digits.
pub(super) const STATES_PER_CHARACTER: usize = 6;

/// The JSON texts of one string of ASCII characters, in any spelling. Each character has its own states in a row, which no other
/// has: there is nothing to look for. All edges lead onwards in the order of the states.
pub(super) fn one_of_ascii(text: &str) -> ByteAutomaton {
    let end = (text.len() * STATES_PER_CHARACTER) as u32 + 2;
    let mut automaton = ByteAutomaton {
        accepting: vec![false; end as usize + 1],
        edges: Vec::with_capacity(end as usize + 1),
        counter: None,
    };
    automaton.accepting[end as usize] = true;
    automaton.edges.push(smallvec![edge(b'"', 1)]);
    for character in text.bytes() {
        let first = automaton.edges.len() as u32;
        let next = first + STATES_PER_CHARACTER as u32;
        let escape = edge(b'\\', first + 1);
        let plain: ByteEdges = match character {
            0..0x20 | b'"' | b'\\' => smallvec![escape],
            ..b'\\' => smallvec![edge(character, next), escape],
            _ => smallvec![escape, edge(character, next)],
        };
        let escape: ByteEdges = match short_escape(character.into()) {
            Some(letter) => smallvec![edge(letter, next), edge(b'u', first + 2)],
            None => smallvec![edge(b'u', first + 2)],
        };
        let mut last = Changes::new();
        push_digit(u32::from(character) & 0xf, next, &mut last);
        automaton.edges.extend([
            plain,
            escape,
            smallvec![edge(b'0', first + 3)],
            smallvec![edge(b'0', first + 4)],
            smallvec![edge(b'0' + (character >> 4), first + 5)],
            changed(&[], &mut last),
        ]);
    }
    automaton.edges.extend([smallvec![edge(b'"', end)], ByteEdges::new()]);
    automaton
}

/// Where the characters lead that no child of a node is for: nowhere by default.
#[derive(Debug, Clone, Default)]
pub(super) struct Template {
    /// The state after such a character.
    pub(super) default: Option<u32>,
    /// The state before it, and those after `\`, after `\u`, and after one, two and three digits.
    states: Option<[u32; STATES_PER_CHARACTER]>,
}

impl Template {
    /// Every character leads to `state`, which reads any characters.
    pub(super) fn of(state: u32, states: &mut States) -> Self {
        let target = |from: u32, byte: u8| states.edges[from as usize].iter().find(|edge| edge.low == byte);
        let escape = target(state, b'\\').map(|edge| edge.target);
        let first = escape.and_then(|escape| target(escape, b'u')).map(|edge| edge.target);
        let [second, third, fourth] = [3, 2, 1].map(|count| states.any_digits(Digit::Hexadecimal, count, state));
        let states = escape.zip(first).map(|(escape, first)| [state, escape, first, second, third, fourth]);
        Self { default: Some(state), states }
    }
}

/// Where bytes lead instead: to a state, or to none.
type Changes = SmallVec<[(u8, Option<u32>); 8]>;

impl States {
    /// The state that reads one of `children`, characters of ASCII in any spelling, or any other one as the template says, and the
    /// closing quote if the string `may_end`.
    pub(super) fn ascii(&mut self, children: &[Piece], may_end: bool, template: &Template) -> u32 {
        let mut plain = Changes::new();
        plain.push((b'"', may_end.then_some(END)));
        if !children.is_empty() {
            let mut escapes = Changes::new();
            let mut third = Changes::new();
            for group in children.chunk_by(|left, right| left.low >> 4 == right.low >> 4) {
                let mut last = Changes::new();
                for child in group {
                    push_digit(child.low & 0xf, child.target, &mut last);
                    escapes.extend(short_escape(child.low).map(|letter| (letter, Some(child.target))));
                    if child.low >= 0x20 && ![u32::from(b'"'), u32::from(b'\\')].contains(&child.low) {
                        plain.push((child.low as u8, Some(child.target)));
                    }
                }
                let last = self.after_changes(template, 5, &mut last);
                push_digit(group[0].low >> 4, last, &mut third);
            }
            let third = self.after_changes(template, 4, &mut third);
            let second = self.after_changes(template, 3, &mut smallvec![(b'0', Some(third))]);
            let first = self.after_changes(template, 2, &mut smallvec![(b'0', Some(second))]);
            escapes.push((b'u', Some(first)));
            plain.push((b'\\', Some(self.after_changes(template, 1, &mut escapes))));
        }
        self.after_changes(template, 0, &mut plain)
    }

    /// The state whose edges are those of the template's state but for `changes`.
    fn after_changes(&mut self, template: &Template, state: usize, changes: &mut Changes) -> u32 {
        let edges = template.states.map_or(&[][..], |states| &self.edges[states[state] as usize]);
        let edges = changed(edges, changes);
        self.number(edges)
    }
}

/// The letter of the short escape of a character.
fn short_escape(character: u32) -> Option<u8> {
    match character {
        0x20..=0x21 | 0x23..=0x2e | 0x30..=0x5b | 0x5d.. => None,
        _ => SHORT_ESCAPES.iter().find(|(short, _)| u32::from(*short) == character).map(|&(_, letter)| letter),
    }
}

/// Adds a hexadecimal digit, in either case.
fn push_digit(digit: u32, target: u32, changes: &mut Changes) {
    match digit as u8 {
        digit @ 0..=9 => changes.push((b'0' + digit, Some(target))),
        digit => changes.extend([b'A', b'a'].map(|ten| (ten + digit - 10, Some(target)))),
    }
}

/// `edges`, ascending, with `changes`, of different bytes, which are sorted here. Neighbours that lead to one state are joined.
fn changed(edges: &[ByteEdge], changes: &mut Changes) -> ByteEdges {
    changes.sort_unstable_by_key(|&(byte, _)| byte);
    // An edge may be cut in three.
    let most = if edges.is_empty() { changes.len() } else { edges.len() + 2 * changes.len() };
    let mut result = ByteEdges::with_capacity(most);
    let mut push = |low: u8, high: u8, target: u32| match result.last_mut() {
        Some(last) if last.target == target && u16::from(last.high) + 1 == u16::from(low) => last.high = high,
        _ => result.push(range(low, high, target)),
    };
    let mut changes = changes.iter().copied().peekable();
    for &ByteEdge { low, high, target, .. } in edges {
        // What of the edge is left.
        let mut rest = Some(low);
        while let (Some(from), Some(&(byte, changed))) = (rest, changes.peek())
            && byte <= high
        {
            if from < byte {
                push(from, byte - 1, target);
            }
            if let Some(changed) = changed {
                push(byte, byte, changed);
            }
            rest = if byte < from { rest } else { byte.checked_add(1).filter(|&next| next <= high) };
            changes.next();
        }
        if let Some(from) = rest {
            push(from, high, target);
        }
    }
    for (byte, changed) in changes {
        if let Some(changed) = changed {
            push(byte, byte, changed);
        }
    }
    result
}
