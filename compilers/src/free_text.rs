//! Free text: Aho–Corasick automata over UTF-8 (Aho and Corasick, CACM 18(6), 1975).
//!
//! A state is the longest suffix of the text so far that is a prefix of a pattern, together with how far the text is into
//! a character where that suffix is empty. Since patterns are UTF-8, what is matched begins at the beginning of a
//! character, so the suffix alone tells the position in a character otherwise.

use std::collections::VecDeque;

use grammar_ir::{Budget, ByteAutomaton, ByteEdge, ByteEdges, Counter, ExprId, GrammarBuilder, LimitError, LimitKind};
use rustc_hash::FxHashMap;

/// More nodes than this are refused: each takes a kilobyte while the automaton is built.
const MAX_NODES: usize = 1 << 16;

/// The dead state: not UTF-8, or a pattern has been completed.
const DEAD: u32 = u32::MAX;

/// The patterns that end free text, as a trie with failure links.
#[derive(Debug)]
pub(crate) struct FreeText {
    /// Per node and byte: the node of the longest suffix that is a prefix of a pattern. Node 0 is the empty suffix.
    goto: Vec<[u32; 256]>,
    /// Per node: the node of its longest proper suffix.
    failure: Vec<u32>,
    /// The nodes in breadth-first order, without the first.
    order: Vec<u32>,
    /// Per node but the first: the node before its last byte, and that byte.
    last_steps: Vec<(u32, u8)>,
    /// Per node: its length.
    depths: Vec<u32>,
    /// Per node: what it is itself.
    own: Vec<Own>,
    /// Per node: whether a text that ends free text ends here, itself or as a suffix.
    ends: Vec<bool>,
    /// Per node: whether a text that must not occur ends here, itself or as a suffix.
    excluded: Vec<bool>,
    /// Per node: the position in a character after it.
    positions: Vec<u8>,
}

/// What a node is itself.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    is_pattern: bool,
    is_excluded: bool,
}

/// Per node: whether what is asked for may follow a text that ends there. `None` is yes for all.
pub(crate) type Starts = Option<Vec<bool>>;

/// A beginning of a pattern, such that a pattern goes on like another one begins.
#[derive(Debug, Clone, Copy)]
struct Overlap {
    /// The node of the beginning.
    beginning: u32,
    /// Whether the pattern is an excluded text.
    is_excluded: bool,
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
        let mut free = Self {
            goto: vec![[0; 256]],
            failure: vec![0],
            order: Vec::new(),
            last_steps: vec![(0, 0)],
            depths: vec![0],
            own: vec![Own::default()],
            ends: Vec::new(),
            excluded: Vec::new(),
            positions: vec![0],
        };
        for pattern in patterns {
            let node = free.insert(pattern);
            free.own[node].is_pattern = true;
        }
        for exclude in excludes {
            let node = free.insert(exclude);
            free.own[node].is_excluded = true;
        }
        free.link();
        Ok(free)
    }

    /// The node of `text`.
    fn insert(&mut self, text: &str) -> usize {
        text.bytes().fold(0, |node, byte| {
            let next = self.goto[node][usize::from(byte)] as usize;
            if next != 0 {
                return next;
            }
            self.goto[node][usize::from(byte)] = self.goto.len() as u32;
            self.goto.push([0; 256]);
            self.failure.push(0);
            self.last_steps.push((node as u32, byte));
            self.depths.push(self.depths[node] + 1);
            self.own.push(Own::default());
            self.positions.push(utf8_step(self.positions[node], byte).unwrap_or(0));
            self.goto.len() - 1
        })
    }

    /// Fills in the transitions of failure, in breadth-first order.
    fn link(&mut self) {
        self.ends = self.own.iter().map(|own| own.is_pattern || own.is_excluded).collect();
        self.excluded = self.own.iter().map(|own| own.is_excluded).collect();
        let mut queue: VecDeque<u32> = self.goto[0].iter().copied().filter(|&child| child != 0).collect();
        while let Some(node) = queue.pop_front() {
            self.order.push(node);
            let failure = self.failure[node as usize] as usize;
            self.ends[node as usize] |= self.ends[failure];
            self.excluded[node as usize] |= self.excluded[failure];
            let fallback = self.goto[failure];
            for (next, after_failure) in self.goto[node as usize].iter_mut().zip(fallback) {
                if *next == 0 {
                    *next = after_failure;
                } else {
                    self.failure[*next as usize] = after_failure;
                    queue.push_back(*next);
                }
            }
        }
    }

    /// The node of `text`, which is one of the patterns or excluded texts.
    fn node_of(&self, text: &str) -> u32 {
        text.bytes().fold(0, |node, byte| self.goto[node as usize][usize::from(byte)])
    }

    /// The number of nodes. The states of the automata begin with them.
    pub(crate) fn node_count(&self) -> usize {
        self.goto.len()
    }

    /// Per node: the node of `other` after the same text.
    pub(crate) fn nodes_in(&self, other: &Self) -> Vec<u32> {
        let mut nodes = vec![0; self.node_count()];
        for node in 1..self.node_count() {
            let (before, byte) = self.last_steps[node];
            nodes[node] = other.goto[nodes[before as usize] as usize][usize::from(byte)];
        }
        nodes
    }

    /// The texts that contain no pattern.
    pub(crate) fn text(&self) -> ByteAutomaton {
        self.text_ending(&None)
    }

    /// The words that begin with a text without patterns and go on with one of `patterns` and its expression, where the text
    /// and the pattern complete no other pattern before the end of this one.
    ///
    /// Longer patterns that begin with another one are alternatives to it.
    pub(crate) fn text_before(
        &self,
        patterns: &[(&str, ExprId)],
        builder: &mut GrammarBuilder,
        budget: &Budget<'_>,
    ) -> Result<ExprId, LimitError> {
        let texts: Vec<&str> = patterns.iter().map(|&(pattern, _)| pattern).collect();
        let mut arms = Vec::new();
        for (starts, members) in self.starts_of(&texts, budget)? {
            let mut words = Vec::with_capacity(members.len());
            for member in members {
                let (pattern, after) = patterns[member];
                let pattern = builder.literal(pattern);
                words.push(builder.sequence([pattern, after]));
            }
            let text = builder.automaton(self.text_ending(&starts));
            let words = builder.choice(words);
            arms.push(builder.sequence([text, words]));
        }
        Ok(builder.choice(arms))
    }

    /// Where each of `patterns` may follow a text, such that it is completed before any other one, or begins with the one that
    /// is; those that may follow the same texts together, by their indices. Those that are nowhere completed first are left out.
    ///
    /// # Errors
    /// When there are too many states in the automata that it takes, or time is up.
    pub(crate) fn starts_of(
        &self,
        patterns: &[&str],
        budget: &Budget<'_>,
    ) -> Result<Vec<(Starts, Vec<usize>)>, LimitError> {
        let alive = (0..patterns.len()).filter(|&index| self.is_completed(self.node_of(patterns[index])));
        self.groups(patterns, alive, budget)
    }

    /// Where each of `ends`, which are patterns, may follow a text, such that none that begins in the text is completed before
    /// it; those that may follow the same texts together, by their indices.
    ///
    /// # Errors
    /// As [`Self::starts_of`].
    pub(crate) fn starts_of_ends(
        &self,
        ends: &[&str],
        budget: &Budget<'_>,
    ) -> Result<Vec<(Starts, Vec<usize>)>, LimitError> {
        self.groups(ends, 0..ends.len(), budget)
    }

    /// Whether no other pattern that begins after the beginning of the one of `node` is completed in it, and no excluded text.
    fn is_completed(&self, node: u32) -> bool {
        let mut inside = self.last_steps[node as usize].0 as usize;
        let mut completed = !self.excluded[node as usize];
        while completed && inside != 0 {
            completed = !self.excluded[inside] && !self.ends[self.failure[inside] as usize];
            inside = self.last_steps[inside].0 as usize;
        }
        completed
    }

    fn groups(
        &self,
        patterns: &[&str],
        members: impl Iterator<Item = usize>,
        budget: &Budget<'_>,
    ) -> Result<Vec<(Starts, Vec<usize>)>, LimitError> {
        let overlaps = self.overlaps();
        // What must not be before a pattern depends on the last node on its way with overlaps, and on itself. Nearly always
        // there is none, and there is one automaton for all.
        let mut positions: FxHashMap<(u32, u32), usize> = FxHashMap::default();
        let mut groups: Vec<(Starts, Vec<usize>)> = Vec::new();
        for member in members {
            let node = self.node_of(patterns[member]);
            let excluding = overlaps.get(&node).is_some_and(|found| found.iter().any(|overlap| overlap.is_excluded));
            let mut inside = self.last_steps[node as usize].0;
            while inside != 0 && !overlaps.contains_key(&inside) {
                inside = self.last_steps[inside as usize].0;
            }
            let key = (inside, if excluding { node } else { 0 });
            let group = match positions.get(&key) {
                Some(&group) => group,
                None => {
                    positions.insert(key, groups.len());
                    budget.check_time()?;
                    budget.check_states(self.node_count().saturating_mul(groups.len() + 1))?;
                    groups.push((self.starts(key, &overlaps), Vec::new()));
                    groups.len() - 1
                }
            };
            groups[group].1.push(member);
        }
        Ok(groups)
    }

    /// Per node that a pattern begins with and another one ends with: the beginnings of the other ones before it.
    fn overlaps(&self) -> FxHashMap<u32, Vec<Overlap>> {
        let mut overlaps: FxHashMap<u32, Vec<Overlap>> = FxHashMap::default();
        for (node, own) in self.own.iter().enumerate().filter(|(_, own)| own.is_pattern || own.is_excluded) {
            // From the shortest common part, so with the longest beginning before it.
            let mut common_parts = Vec::new();
            let mut common = self.failure[node];
            while common != 0 {
                common_parts.push(common);
                common = self.failure[common as usize];
            }
            let mut beginning = node;
            for common in common_parts.into_iter().rev() {
                let length = self.depths[node] - self.depths[common as usize];
                while self.depths[beginning] > length {
                    beginning = self.last_steps[beginning].0 as usize;
                }
                let overlap = Overlap { beginning: beginning as u32, is_excluded: own.is_excluded };
                overlaps.entry(common).or_default().push(overlap);
            }
        }
        overlaps
    }

    /// Where a pattern may follow whose last node with overlaps before its end is `inside`; `whole` is itself, where an
    /// excluded text is completed together with it.
    fn starts(&self, (inside, whole): (u32, u32), overlaps: &FxHashMap<u32, Vec<Overlap>>) -> Starts {
        if (inside, whole) == (0, 0) {
            return None;
        }
        let mut starts = vec![true; self.node_count()];
        for overlap in overlaps.get(&whole).into_iter().flatten().filter(|overlap| overlap.is_excluded) {
            starts[overlap.beginning as usize] = false;
        }
        let mut node = inside;
        while node != 0 {
            for overlap in overlaps.get(&node).into_iter().flatten() {
                starts[overlap.beginning as usize] = false;
            }
            node = self.last_steps[node as usize].0;
        }
        for &node in &self.order {
            starts[node as usize] &= starts[self.failure[node as usize] as usize];
        }
        Some(starts)
    }

    /// The automaton of the texts without patterns that end where `starts` says.
    pub(crate) fn text_ending(&self, starts: &Starts) -> ByteAutomaton {
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
            let accepts = starts.as_ref().is_none_or(|starts| starts[node]);
            automaton.accepting.push(position == 0 && !self.ends[node] && accepts);
            let mut edges = ByteEdges::new();
            for byte in (0..=u8::MAX).filter(|_| !self.ends[node]) {
                let next = self.goto[node][usize::from(byte)];
                let target = match utf8_step(position, byte) {
                    Some(position) if !self.ends[next as usize] => state_of(next, position),
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

/// The words of `text`, an automaton over UTF-8, of at most `max` characters.
pub(crate) fn text_up_to(mut text: ByteAutomaton, max: u32) -> ByteAutomaton {
    text.counter = Some(Counter { min: 0, max: Some(max) });
    // A character begins with an ASCII byte or with the first byte of a longer one.
    text.edges.iter_mut().flatten().for_each(|edge| edge.counts = !(0x80..=0xbf).contains(&edge.low));
    text
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
    use grammar_ir::Limits;

    use super::*;

    fn accepts(automaton: &ByteAutomaton, text: &[u8]) -> bool {
        let end = text.iter().try_fold(0, |state, &byte| automaton.edge(state, byte).map(|edge| edge.target));
        end.is_some_and(|state| automaton.accepting[state as usize])
    }

    /// The texts that `pattern` may follow.
    fn before(free: &FreeText, pattern: &str) -> ByteAutomaton {
        let limits = Limits::default();
        match free.starts_of(&[pattern], &Budget::new(&limits)).unwrap().pop() {
            Some((starts, _)) => free.text_ending(&starts),
            None => ByteAutomaton { accepting: vec![false], edges: vec![ByteEdges::new()], ..ByteAutomaton::default() },
        }
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
        let listed = [&["ab", "bc"][..], &["aa"], &["abc", "b"], &["ab", "abab"], &["xab", "ab"], &["a", "ab"]];
        let few = texts(&['a', 'b', 'c', 'x'], 4);
        for patterns in listed {
            ends_before(patterns, &few);
        }
        // Patterns that overlap in several ways, and every other pair of short ones.
        let words: Vec<String> = texts(&['a', 'b'], 4).split_off(1);
        let (few, more) = (texts(&['a', 'b'], 4), texts(&['a', 'b'], 6));
        for (index, first) in words.iter().enumerate() {
            for second in &words[index..] {
                let is_short = first.len() <= 3 && second.len() <= 3;
                ends_before(&[first, second], if is_short { &more } else { &few });
                for third in words.iter().filter(|third| is_short && third.len() <= 3) {
                    ends_before(&[first, second, third], &few);
                }
            }
        }
    }

    fn ends_before(patterns: &[&str], candidates: &[String]) {
        let free = FreeText::new(patterns, &[]).unwrap();
        for &pattern in patterns {
            let before = before(&free, pattern);
            for candidate in candidates {
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

    #[test]
    fn excluded_texts_go_before_patterns() {
        let free = FreeText::new(&["xabc", "xabcq"], &["abc"]).unwrap();
        for pattern in ["xabc", "xabcq"] {
            assert!(!before(&free, pattern).accepting.contains(&true));
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
