//! Free text: Aho–Corasick automata over UTF-8 (Aho and Corasick, CACM 18(6), 1975).
//!
//! A state is the longest suffix of the text so far that is a prefix of a pattern, together with how far the text is into
//! a character where that suffix is empty. Since patterns are UTF-8, what is matched begins at the beginning of a
//! character, so the suffix alone tells the position in a character otherwise.

use std::collections::VecDeque;

use grammar_ir::{ByteAutomaton, ByteEdge, ByteEdges, Counter, ExprId, GrammarBuilder, LimitError, LimitKind};
use rustc_hash::FxHashMap;

/// More nodes than this are refused: each takes a kilobyte while the automaton is built, and the time it takes to tell where a
/// pattern may follow can grow with their square.
const MAX_NODES: usize = 24_000;

/// The dead state: not UTF-8, or a pattern has been completed.
const DEAD: u32 = u32::MAX;

/// The patterns that end free text, as a trie with failure links.
#[derive(Debug)]
pub(crate) struct FreeText {
    /// Per node and byte: the node of the longest suffix that is a prefix of a pattern. Node 0 is the empty suffix.
    goto: Vec<[u32; 256]>,
    /// Per node: the lengths of the patterns that end here, longest first.
    matches: Vec<Vec<u32>>,
    /// Per node: whether a text that must not occur ends here.
    excluded: Vec<bool>,
    /// Per node: the position in a character after it.
    positions: Vec<u8>,
}

impl FreeText {
    /// Free text that ends with one of `patterns` and contains none of `excludes`. No text is empty.
    ///
    /// # Errors
    /// When the texts are too long together.
    pub(crate) fn new(patterns: &[&str], excludes: &[&str]) -> Result<Self, LimitError> {
        let length: usize = patterns.iter().chain(excludes).map(|text| text.len()).sum();
        if length >= MAX_NODES {
            return Err(LimitError::new(LimitKind::States, MAX_NODES));
        }
        let mut trie: Vec<[u32; 256]> = vec![[0; 256]];
        let mut own: Vec<(Option<u32>, bool)> = vec![(None, false)];
        let mut positions = vec![0u8];
        let texts = patterns.iter().map(|text| (text, false)).chain(excludes.iter().map(|text| (text, true)));
        for (text, is_excluded) in texts {
            let mut node = 0;
            for &byte in text.as_bytes() {
                let next = trie[node][usize::from(byte)] as usize;
                node = if next == 0 {
                    let position = utf8_step(positions[node], byte).unwrap_or(0);
                    trie[node][usize::from(byte)] = trie.len() as u32;
                    trie.push([0; 256]);
                    own.push((None, false));
                    positions.push(position);
                    trie.len() - 1
                } else {
                    next
                };
            }
            if is_excluded {
                own[node].1 = true;
            } else {
                own[node].0 = Some(text.len() as u32);
            }
        }
        Ok(Self::link(trie, &own, positions))
    }

    /// Fills in the transitions of failure, in breadth-first order.
    fn link(mut goto: Vec<[u32; 256]>, own: &[(Option<u32>, bool)], positions: Vec<u8>) -> Self {
        let mut matches: Vec<Vec<u32>> = own.iter().map(|(length, _)| length.iter().copied().collect()).collect();
        let mut excluded: Vec<bool> = own.iter().map(|&(_, excluded)| excluded).collect();
        let mut queue: VecDeque<(usize, usize)> =
            goto[0].iter().filter(|&&child| child != 0).map(|&child| (child as usize, 0)).collect();
        while let Some((node, failure)) = queue.pop_front() {
            let inherited = matches[failure].clone();
            matches[node].extend(inherited);
            excluded[node] |= excluded[failure];
            let fallback = goto[failure];
            for (byte, &after_failure) in fallback.iter().enumerate() {
                let child = goto[node][byte] as usize;
                if child == 0 {
                    goto[node][byte] = after_failure;
                } else {
                    queue.push_back((child, after_failure as usize));
                }
            }
        }
        Self { goto, matches, excluded, positions }
    }

    /// The texts that contain no pattern.
    pub(crate) fn text(&self) -> ByteAutomaton {
        self.automaton(|_| true)
    }

    /// The texts of at most `max` characters that contain no pattern.
    pub(crate) fn text_up_to(&self, max: u32) -> ByteAutomaton {
        let mut text = self.text();
        text.counter = Some(Counter { min: 0, max: Some(max) });
        // A character begins with an ASCII byte or with the first byte of a longer one.
        text.edges.iter_mut().flatten().for_each(|edge| edge.counts = !(0x80..=0xbf).contains(&edge.low));
        text
    }

    /// The words that begin with a text without patterns and go on with one of `patterns` and its expression, where the text
    /// and the pattern complete no other pattern before the end of this one.
    ///
    /// Longer patterns that begin with another one are alternatives to it.
    pub(crate) fn text_before(&self, patterns: &[(&str, ExprId)], builder: &mut GrammarBuilder) -> ExprId {
        // Nearly always the text may be any before every pattern, and there is one automaton for all.
        let mut groups: Vec<(Vec<bool>, Vec<ExprId>)> = Vec::new();
        let mut positions: FxHashMap<Vec<bool>, usize> = FxHashMap::default();
        for &(pattern, after) in patterns {
            let pattern_text = builder.literal(pattern);
            let word = builder.sequence([pattern_text, after]);
            let starts = self.starts_of(pattern);
            let group = *positions.entry(starts).or_insert_with_key(|starts| {
                groups.push((starts.clone(), Vec::new()));
                groups.len() - 1
            });
            groups[group].1.push(word);
        }
        let arms: Vec<ExprId> = groups
            .into_iter()
            .map(|(starts, words)| {
                let text = builder.automaton(self.automaton(|node| starts[node as usize]));
                let words = builder.choice(words);
                builder.sequence([text, words])
            })
            .collect();
        builder.choice(arms)
    }

    /// Per node: whether `pattern` may follow a text that ends there.
    fn starts_of(&self, pattern: &str) -> Vec<bool> {
        let fits = |node: u32, length: usize| {
            let found = &self.matches[node as usize];
            // At its end, a pattern that began earlier is completed together with this one.
            let all_fit = length == pattern.len() || found.iter().all(|&found| found as usize == length);
            !self.excluded[node as usize] && all_fit
        };
        // The nodes on the way from the empty suffix, and from which of them on everything fits.
        let mut path: Vec<u32> = Vec::with_capacity(pattern.len());
        for byte in pattern.bytes() {
            let before = path.last().copied().unwrap_or(0);
            path.push(self.goto[before as usize][usize::from(byte)]);
        }
        let mut fits_from = vec![true; pattern.len() + 1];
        for index in (0..pattern.len()).rev() {
            fits_from[index] = fits_from[index + 1] && fits(path[index], index + 1);
        }
        let may_follow = |start: u32| {
            let mut node = start;
            for (index, byte) in pattern.bytes().enumerate() {
                node = self.goto[node as usize][usize::from(byte)];
                if node == path[index] {
                    return fits_from[index];
                }
                if !fits(node, index + 1) {
                    return false;
                }
            }
            true
        };
        (0..self.goto.len() as u32).map(may_follow).collect()
    }

    /// The automaton of the texts without patterns that end in a state for which `accepts` holds.
    fn automaton(&self, accepts: impl Fn(u32) -> bool) -> ByteAutomaton {
        let nodes = self.goto.len();
        // After the nodes, one state for each position in a character after the empty suffix, but for its beginning.
        let extra = usize::from(UTF8_STATES) - 1;
        let state_of = |node: u32, position: u8| match (node, position) {
            (0, 0) => 0,
            (0, position) => (nodes - 1) as u32 + u32::from(position),
            (node, _) => node,
        };
        let mut automaton = ByteAutomaton::default();
        for state in 0..nodes + extra {
            let (node, position) =
                if state < nodes { (state, self.positions[state]) } else { (0, (state - nodes + 1) as u8) };
            let is_end = |node: usize| self.excluded[node] || !self.matches[node].is_empty();
            automaton.accepting.push(position == 0 && !is_end(node) && accepts(node as u32));
            let mut edges = ByteEdges::new();
            for byte in (0..=u8::MAX).filter(|_| !is_end(node)) {
                let next = self.goto[node][usize::from(byte)];
                let target = match utf8_step(position, byte) {
                    Some(position) if !is_end(next as usize) => state_of(next, position),
                    _ => DEAD,
                };
                match edges.last_mut() {
                    _ if target == DEAD => {}
                    Some(edge) if edge.target == target && edge.high.checked_add(1) == Some(byte) => edge.high = byte,
                    _ => edges.push(ByteEdge { low: byte, high: byte, target, counts: false }),
                }
            }
            automaton.edges.push(edges);
        }
        automaton
    }
}

/// The number of positions in a character.
const UTF8_STATES: u8 = 8;

/// The position in a character after `byte`: 0 is its end, 1 to 3 the number of bytes of any kind still to come, and 4
/// to 7 stand for the first bytes that narrow the second.
fn utf8_step(position: u8, byte: u8) -> Option<u8> {
    match (position, byte) {
        (0, 0..=0x7f) => Some(0),
        (0, 0xc2..=0xdf) => Some(1),
        (0, 0xe0) => Some(4),
        (0, 0xed) => Some(5),
        (0, 0xe1..=0xef) => Some(2),
        (0, 0xf0) => Some(6),
        (0, 0xf4) => Some(7),
        (0, 0xf1..=0xf3) => Some(3),
        (1..=3, 0x80..=0xbf) => Some(position - 1),
        (4, 0xa0..=0xbf) | (5, 0x80..=0x9f) => Some(1),
        (6, 0x90..=0xbf) | (7, 0x80..=0x8f) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(automaton: &ByteAutomaton, text: &[u8]) -> bool {
        let end = text.iter().try_fold(0, |state, &byte| automaton.edge(state, byte).map(|edge| edge.target));
        end.is_some_and(|state| automaton.accepting[state as usize])
    }

    /// Every text over `alphabet` of at most `length` characters.
    fn texts(alphabet: &[char], length: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut from = 0;
        for _ in 0..length {
            let past = all.len();
            for index in from..past {
                for &character in alphabet {
                    let text = format!("{}{character}", all[index]);
                    all.push(text);
                }
            }
            from = past;
        }
        all
    }

    /// Where the first of `patterns` to be completed in `text` ends, and where it can begin.
    fn first_end(text: &str, patterns: &[&str]) -> Option<usize> {
        (0..=text.len())
            .find(|&end| patterns.iter().any(|pattern| text.as_bytes()[..end].ends_with(pattern.as_bytes())))
    }

    #[test]
    fn texts_without_patterns_are_exactly_those() {
        for patterns in [&["aa"][..], &["ab", "ba"], &["a", "é"], &["aé", "éaé"], &["aab", "ab", "b"]] {
            let text = FreeText::new(patterns, &[]).unwrap().text();
            let excluded = FreeText::new(&[], patterns).unwrap().text();
            assert_eq!(text, excluded);
            for candidate in texts(&['a', 'b', 'é', 'è'], 5) {
                let free = !patterns.iter().any(|pattern| candidate.contains(pattern));
                assert_eq!(accepts(&text, candidate.as_bytes()), free, "{candidate:?} {patterns:?}");
            }
        }
    }

    #[test]
    fn the_pattern_that_is_completed_first_ends_the_text() {
        for patterns in [&["ab", "bc"][..], &["aa"], &["abc", "b"], &["ab", "abab"], &["xab", "ab"], &["a", "ab"]] {
            let free = FreeText::new(patterns, &[]).unwrap();
            for &pattern in patterns {
                let starts = free.starts_of(pattern);
                let before = free.automaton(|node| starts[node as usize]);
                for candidate in texts(&['a', 'b', 'c', 'x'], 4) {
                    let whole = format!("{candidate}{pattern}");
                    let end = first_end(&whole, patterns);
                    let completed_here = end == Some(whole.len());
                    // A pattern may also go on from a shorter one that begins in the same place.
                    let continued = end.is_some_and(|end| {
                        end > candidate.len()
                            && patterns.iter().all(|other| {
                                !(0..whole.len()).any(|at| {
                                    at != candidate.len()
                                        && at + other.len() < whole.len()
                                        && whole[at..].starts_with(other)
                                })
                            })
                    });
                    assert_eq!(
                        accepts(&before, candidate.as_bytes()),
                        completed_here || continued,
                        "{candidate:?} {pattern:?} {patterns:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn excluded_texts_go_before_patterns() {
        let free = FreeText::new(&["xabc", "xabcq"], &["abc"]).unwrap();
        for pattern in ["xabc", "xabcq"] {
            assert!(free.starts_of(pattern).iter().all(|&start| !start));
        }
    }

    #[test]
    fn only_utf8_is_text() {
        let text = FreeText::new(&["<"], &[]).unwrap().text();
        for good in ["", "a", "é", "€", "\u{d7ff}", "\u{e000}", "😀", "\u{10ffff}"] {
            assert!(accepts(&text, good.as_bytes()), "{good:?}");
        }
        for bad in [
            &b"\x80"[..],
            b"\xc0\x80",
            b"\xe0\x80\x80",
            b"\xed\xa0\x80",
            b"\xf0\x80\x80\x80",
            b"\xf4\x90\x80\x80",
            b"\xc3",
        ] {
            assert!(!accepts(&text, bad), "{bad:?}");
        }
    }
}
