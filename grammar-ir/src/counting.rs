//! Counters, and with which counts a state can still be completed.

use crate::words::Words;
use crate::{Budget, ByteEdge, LimitError};

/// How many edges that count a word passes through.
///
/// The count starts at 0. An edge that counts can be taken when the count is below `max`, and adds one; without `max`
/// the count stays at `min` once it is there. A word ends when the count is at least `min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counter {
    /// The least count of a word.
    pub min: u32,
    /// The greatest count of a word.
    pub max: Option<u32>,
}

impl Counter {
    /// The count after one more edge that counts, if one more is allowed.
    #[inline]
    pub fn next(self, count: u32) -> Option<u32> {
        match self.max {
            Some(max) => (count < max).then(|| count + 1),
            None => Some(count.saturating_add(1).min(self.min)),
        }
    }

    /// The greatest count that there is.
    #[inline]
    pub fn greatest(self) -> u32 {
        self.max.unwrap_or(self.min)
    }
}

/// An edge of an automaton that counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CountedEdge {
    pub(crate) source: u32,
    pub(crate) counts: bool,
    pub(crate) target: u32,
}

impl CountedEdge {
    pub(crate) fn of(source: u32, edge: &ByteEdge) -> Self {
        Self { source, counts: edge.counts, target: edge.target }
    }
}

/// Per state of an automaton with a [`Counter`]: the counts with which some way leads from it to acceptance at an allowed
/// count. With any other count the state would be a dead end.
///
/// From an ordinary state these are all counts up to the greatest less its distance from acceptance, so a set is kept as
/// its maximal ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveCounts {
    /// Where each state's ranges begin in `ranges`; one entry more than there are states.
    offsets: Box<[u32]>,
    /// Ascending per state; first and last count of each range.
    ranges: Box<[(u32, u32)]>,
    /// The counts, ascending, that differ from the count before in what some state can do with them.
    changes: Box<[u32]>,
}

impl LiveCounts {
    /// The live counts of an automaton.
    ///
    /// Works from the greatest count downwards: a state is live at a count if it accepts there, leads by an edge that does
    /// not count to a live state, or by one that counts to a state that is live at the next count. What is live at a count
    /// follows from what is live at the next one alone (and, from `min` upwards, from acceptance), so that when two counts
    /// in a row are alike, so are all below.
    ///
    /// # Errors
    /// When the ranges, at least half as many as the counts at which something changes, are more than the limit on states,
    /// or time is up.
    pub(crate) fn of(
        counter: Counter,
        accepting: &[bool],
        edges: impl Iterator<Item = CountedEdge>,
        budget: &mut Budget<'_>,
    ) -> Result<Self, LimitError> {
        let mut sweep = Sweep::new(accepting, edges);
        let top = counter.greatest();
        if counter.min > top {
            return Ok(sweep.finish(counter));
        }
        sweep.begin(counter.max.is_none());
        let mut count = top;
        loop {
            budget.tick()?;
            budget.check_states(sweep.closed_ranges)?;
            let changed = sweep.settle(count, count >= counter.min);
            if count == 0 || (!changed && count < counter.min) {
                break;
            }
            count = if !changed && count > counter.min { counter.min } else { count };
            if count == 0 {
                break;
            }
            count -= 1;
        }
        Ok(sweep.finish(counter))
    }

    /// With where each state's ranges begin, and the ranges, as [`ranges`](Self::ranges) answers them.
    fn of_ranges(counter: Counter, offsets: Vec<u32>, ranges: Vec<(u32, u32)>) -> Self {
        let mut changes = vec![counter.min];
        for &(first, last) in &ranges {
            changes.push(first);
            changes.extend(last.checked_add(1));
        }
        // The count before the first is none; without a greatest count, the last one has none after it.
        changes.retain(|&change| change > 0 && (counter.max.is_some() || change <= counter.greatest()));
        changes.sort_unstable();
        changes.dedup();
        Self { offsets: offsets.into(), ranges: ranges.into(), changes: changes.into() }
    }

    /// As words: per state the number of its ranges, and each range.
    #[inline]
    pub(crate) fn write(&self, words: &mut Vec<u32>) {
        for state in 0..self.offsets.len() - 1 {
            let ranges = self.ranges(state);
            words.push(ranges.len() as u32);
            words.extend(ranges.iter().flat_map(|&(first, last)| [first, last]));
        }
    }

    /// What [`write`](Self::write) wrote, of `states` states; `None` where these are no live counts of the counter.
    pub(crate) fn read(counter: Counter, states: usize, words: &mut Words<'_>) -> Option<Self> {
        let mut offsets = vec![0];
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for _ in 0..states {
            let mut least = 0;
            for pair in words.take_list(2)?.chunks_exact(2) {
                let (first, last) = (pair[0], pair[1]);
                if first < least || first > last || last > counter.greatest() {
                    return None;
                }
                // Ranges do not touch.
                least = last.saturating_add(2);
                ranges.push((first, last));
            }
            offsets.push(ranges.len() as u32);
        }
        Some(Self::of_ranges(counter, offsets, ranges))
    }

    /// The counts with which `state` is live, as ascending ranges (first and last) that do not touch.
    #[inline]
    pub fn ranges(&self, state: usize) -> &[(u32, u32)] {
        &self.ranges[self.offsets[state] as usize..self.offsets[state + 1] as usize]
    }

    /// The range of live counts of `state` that `count` is in.
    #[inline]
    pub fn range(&self, state: usize, count: u32) -> Option<(u32, u32)> {
        match self.ranges(state) {
            [(first, last)] => (*first <= count && count <= *last).then_some((*first, *last)),
            ranges => {
                let range = *ranges.get(ranges.partition_point(|range| range.1 < count))?;
                (range.0 <= count).then_some(range)
            }
        }
    }

    /// Whether `state` is live with `count`.
    #[inline]
    pub fn contains(&self, state: usize, count: u32) -> bool {
        self.range(state, count).is_some()
    }

    /// The next count after `count` with which anything differs.
    #[inline]
    pub fn next_change(&self, count: u32) -> Option<u32> {
        self.changes.get(self.changes.partition_point(|&change| change <= count)).copied()
    }

    /// Whether every state that is live at a count from `min` on is live at all counts from `min` up to it.
    #[inline]
    pub fn are_closed_downwards(&self, min: u32) -> bool {
        (0..self.offsets.len() - 1).all(|state| match self.ranges(state) {
            [] => true,
            [.., (first, _)] => *first <= min,
        })
    }

    /// Whether an edge from `source` to `target` can be part of a word.
    #[inline]
    pub(crate) fn admits(&self, counter: Counter, edge: CountedEdge) -> bool {
        let targets = self.ranges(edge.target as usize);
        let saturated = (counter.max.is_none() && edge.counts).then_some(counter.greatest());
        self.ranges(edge.source as usize).iter().any(|&(first, last)| {
            let shift = u32::from(edge.counts);
            // Without a greatest count, the last one leads to itself.
            let stays = saturated.is_some_and(|top| last == top && self.contains(edge.target as usize, top));
            let (first, last) = (first.saturating_add(shift), last.saturating_add(shift));
            stays || targets.iter().any(|target| first.max(target.0) <= last.min(target.1))
        })
    }

    /// Bytes of memory.
    #[inline]
    pub(crate) fn memory(&self) -> usize {
        size_of_val(&*self.offsets) + size_of_val(&*self.ranges) + size_of_val(&*self.changes)
    }
}

/// The states that are live at one count, moved downwards.
struct Sweep<'a> {
    accepting: &'a [bool],
    /// Per state: the sources of the edges to it, those that do not count and those that do.
    sources: [Sources; 2],
    /// The states live at the count above, and at this one.
    above: Vec<bool>,
    live: Vec<bool>,
    /// Live states whose predecessors are still to be looked at.
    work: Vec<u32>,
    /// Per state: the last count of the range that is not closed yet.
    open: Vec<Option<u32>>,
    /// Per state: closed ranges, descending.
    closed: Vec<Vec<(u32, u32)>>,
    closed_ranges: usize,
}

/// Sources by target.
struct Sources {
    offsets: Vec<u32>,
    list: Vec<u32>,
}

impl Sources {
    fn new(states: usize, edges: &[CountedEdge], counts: bool) -> Self {
        let mut offsets = vec![0u32; states + 1];
        let chosen = || edges.iter().filter(|edge| edge.counts == counts);
        chosen().for_each(|edge| offsets[edge.target as usize + 1] += 1);
        for state in 0..states {
            offsets[state + 1] += offsets[state];
        }
        let mut next = offsets.clone();
        let mut list = vec![0; chosen().count()];
        for edge in chosen() {
            let slot = &mut next[edge.target as usize];
            list[*slot as usize] = edge.source;
            *slot += 1;
        }
        Self { offsets, list }
    }

    fn of(&self, target: u32) -> &[u32] {
        &self.list[self.offsets[target as usize] as usize..self.offsets[target as usize + 1] as usize]
    }
}

impl<'a> Sweep<'a> {
    fn new(accepting: &'a [bool], edges: impl Iterator<Item = CountedEdge>) -> Self {
        let states = accepting.len();
        let edges: Vec<CountedEdge> = edges.collect();
        Self {
            accepting,
            sources: [false, true].map(|counts| Sources::new(states, &edges, counts)),
            above: vec![false; states],
            live: vec![false; states],
            work: Vec::new(),
            open: vec![None; states],
            closed: vec![Vec::new(); states],
            closed_ranges: 0,
        }
    }

    /// Sets what is live above the greatest count: nothing, or, where the greatest count is followed by itself, all that
    /// leads to acceptance.
    fn begin(&mut self, unbounded: bool) {
        if !unbounded {
            return;
        }
        self.live.copy_from_slice(self.accepting);
        self.work.extend((0..self.live.len() as u32).filter(|&state| self.accepting[state as usize]));
        while let Some(state) = self.work.pop() {
            for &source in self.sources.iter().flat_map(|sources| sources.of(state)) {
                if !std::mem::replace(&mut self.live[source as usize], true) {
                    self.work.push(source);
                }
            }
        }
    }

    /// Works out what is live at `count`; whether that differs from the count above.
    fn settle(&mut self, count: u32, may_end: bool) -> bool {
        std::mem::swap(&mut self.above, &mut self.live);
        for state in 0..self.live.len() {
            self.live[state] = may_end && self.accepting[state];
        }
        for target in (0..self.above.len() as u32).filter(|&state| self.above[state as usize]) {
            self.sources[1].of(target).iter().for_each(|&source| self.live[source as usize] = true);
        }
        self.work.extend((0..self.live.len() as u32).filter(|&state| self.live[state as usize]));
        while let Some(state) = self.work.pop() {
            for &source in self.sources[0].of(state) {
                if !std::mem::replace(&mut self.live[source as usize], true) {
                    self.work.push(source);
                }
            }
        }
        for state in 0..self.live.len() {
            match (self.live[state], self.open[state]) {
                (true, None) => self.open[state] = Some(count),
                (false, Some(last)) => {
                    self.closed[state].push((count + 1, last));
                    self.closed_ranges += 1;
                    self.open[state] = None;
                }
                _ => {}
            }
        }
        self.live != self.above
    }

    fn finish(self, counter: Counter) -> LiveCounts {
        let mut offsets = Vec::with_capacity(self.open.len() + 1);
        let mut ranges = Vec::with_capacity(self.closed_ranges + self.open.len());
        offsets.push(0);
        for (closed, open) in self.closed.into_iter().zip(self.open) {
            ranges.extend(open.map(|last| (0, last)));
            ranges.extend(closed.into_iter().rev());
            offsets.push(ranges.len() as u32);
        }
        LiveCounts::of_ranges(counter, offsets, ranges)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    fn live_counts(counter: Counter, accepting: &[bool], edges: &[CountedEdge]) -> LiveCounts {
        let limits = Limits::default();
        LiveCounts::of(counter, accepting, edges.iter().copied(), &mut Budget::new(&limits)).unwrap()
    }

    /// By a search from the state and count for acceptance with an allowed count.
    fn is_live(counter: Counter, accepting: &[bool], edges: &[CountedEdge], start: (u32, u32)) -> bool {
        let mut met = vec![start];
        let mut next = 0;
        while let Some(&(state, count)) = met.get(next) {
            next += 1;
            if accepting[state as usize] && count >= counter.min {
                return true;
            }
            for edge in edges.iter().filter(|edge| edge.source == state) {
                let after = if edge.counts { counter.next(count) } else { Some(count) };
                if let Some(after) = after.map(|count| (edge.target, count)).filter(|after| !met.contains(after)) {
                    met.push(after);
                }
            }
        }
        false
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn live_counts_are_those_that_a_search_finds(
            accepting in prop::collection::vec(any::<bool>(), 1..6),
            edges in prop::collection::vec((0..5u32, any::<bool>(), 0..5u32), 0..12),
            min in 0..12u32,
            more in prop::option::of(0..12u32),
        ) {
            let counter = Counter { min, max: more.map(|more| min + more) };
            let states = accepting.len() as u32;
            let edges: Vec<CountedEdge> = edges
                .into_iter()
                .map(|(source, counts, target)| CountedEdge { source: source % states, counts, target: target % states })
                .collect();
            let live = live_counts(counter, &accepting, &edges);
            for (state, count) in (0..states).flat_map(|state| (0..=counter.greatest()).map(move |count| (state, count))) {
                let expected = is_live(counter, &accepting, &edges, (state, count));
                prop_assert_eq!(live.contains(state as usize, count), expected, "state {} count {}", state, count);
            }
            for state in 0..states as usize {
                prop_assert!(live.ranges(state).windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            }
            // Between two changes no state becomes live or dead, and none comes to be allowed to end.
            for count in 1..=counter.greatest() {
                let differs = (0..states as usize).any(|state| live.contains(state, count) != live.contains(state, count - 1));
                if differs || count == min {
                    prop_assert_eq!(live.next_change(count - 1), Some(count));
                }
            }
            for &edge in &edges {
                let taken = (0..=counter.greatest()).any(|count| {
                    let after = if edge.counts { counter.next(count) } else { Some(count) };
                    live.contains(edge.source as usize, count)
                        && after.is_some_and(|after| live.contains(edge.target as usize, after))
                });
                prop_assert_eq!(live.admits(counter, edge), taken);
            }
        }
    }

    #[test]
    fn large_bounds_take_no_time_unless_much_changes() {
        let edge = |source, counts, target| CountedEdge { source, counts, target };
        let text = [edge(0, true, 0), edge(0, true, 1)];
        let live = live_counts(Counter { min: 0, max: Some(u32::MAX) }, &[false, true], &text);
        assert_eq!(live.ranges(0), [(0, u32::MAX - 1)]);
        assert_eq!(live.ranges(1), [(0, u32::MAX)]);
        let live = live_counts(Counter { min: u32::MAX, max: None }, &[false, true], &text);
        assert_eq!(live.ranges(0), [(0, u32::MAX)]);
        assert_eq!(live.ranges(1), [(u32::MAX, u32::MAX)]);

        let pairs = [edge(0, true, 1), edge(1, true, 0)];
        let limits = Limits { states: 1_000, ..Limits::default() };
        let odd = Counter { min: 10_000_001, max: Some(10_000_001) };
        let refused = LiveCounts::of(odd, &[true, false], pairs.into_iter(), &mut Budget::new(&limits));
        assert_eq!(refused.unwrap_err().kind(), crate::LimitKind::States);
    }
}
