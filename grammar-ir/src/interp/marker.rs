//! Where in a word the marker is that ends it.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::{ByteAutomaton, MarkerPlace};

impl MarkerPlace {
    /// Where in `symbols` the marker of the word at `word` is; tokens without bytes are `None`.
    pub(super) fn locate(&self, word: Range<usize>, symbols: &[Option<u8>]) -> Option<Range<usize>> {
        let last = |bytes: u32| word.end.checked_sub(usize::try_from(bytes).ok()?);
        let start = match self {
            Self::Last(bytes) => last(*bytes).filter(|&start| start >= word.start)?,
            Self::Before(bytes) => last(*bytes)?,
            Self::Divided { body, marker } => word.start + divide(body, marker, symbols.get(word.clone())?)?,
        };
        Some(start..word.end)
    }
}

/// The length of the longest beginning of `word` that `body` accepts and after which `marker` accepts the rest.
fn divide(body: &ByteAutomaton, marker: &ByteAutomaton, word: &[Option<u8>]) -> Option<usize> {
    let mut in_body = Some(0);
    // Per state of the marker: where it began, at the latest.
    let mut in_marker: FxHashMap<u32, usize> = FxHashMap::default();
    for position in 0..=word.len() {
        if in_body.is_some_and(|state: u32| body.accepting[state as usize]) {
            in_marker.insert(0, position);
        }
        let Some(symbol) = word.get(position) else { break };
        let step = |automaton: &ByteAutomaton, state: u32| Some(automaton.edge(state, (*symbol)?)?.target);
        in_body = in_body.and_then(|state| step(body, state));
        let mut next: FxHashMap<u32, usize> = FxHashMap::default();
        for (&state, &start) in &in_marker {
            if let Some(state) = step(marker, state) {
                let latest = next.entry(state).or_insert(start);
                *latest = start.max(*latest);
            }
        }
        in_marker = next;
    }
    let ends = in_marker.into_iter().filter(|&(state, _)| marker.accepting[state as usize]);
    ends.map(|(_, start)| start).max()
}
