//! The texts that consecutive pieces of a text make up: a factor automaton by subset construction.
//!
//! The sets of positions that can be reached form a laminar family, so there are at most twice as many as there are
//! positions (Blumer et al., Theoretical Computer Science 40, 1985).

use std::rc::Rc;

use grammar_ir::{Budget, ByteAutomaton, ByteEdge, ByteEdges, LimitError, LimitKind};
use rustc_hash::FxHashMap;

/// Positions held in all sets together for each state allowed; repetitive texts have large sets.
const POSITIONS_PER_STATE: usize = 8;

/// The texts made of any number of consecutive `chunks`, the empty text among them.
///
/// # Errors
/// When a limit is met.
pub(super) fn automaton(chunks: &[String], budget: &mut Budget<'_>) -> Result<ByteAutomaton, LimitError> {
    let text: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.bytes()).collect();
    budget.check_states(text.len())?;
    let mut is_boundary = vec![false; text.len() + 1];
    let mut at = 0;
    is_boundary[0] = true;
    for chunk in chunks {
        at += chunk.len();
        is_boundary[at] = true;
    }
    let start: Rc<[u32]> = (0..=text.len() as u32).filter(|&position| is_boundary[position as usize]).collect();
    let mut held = start.len();
    let mut numbers: FxHashMap<Rc<[u32]>, u32> = FxHashMap::from_iter([(Rc::clone(&start), 0)]);
    let mut sets = vec![start];
    let mut automaton = ByteAutomaton::default();
    while automaton.accepting.len() < sets.len() {
        budget.tick()?;
        let set = Rc::clone(&sets[automaton.accepting.len()]);
        automaton.accepting.push(set.iter().any(|&position| is_boundary[position as usize]));
        let mut next: Vec<(u8, u32)> =
            set.iter().filter_map(|&position| Some((*text.get(position as usize)?, position + 1))).collect();
        next.sort_unstable();
        let mut edges = ByteEdges::new();
        for group in next.chunk_by(|left, right| left.0 == right.0) {
            let positions: Rc<[u32]> = group.iter().map(|&(_, position)| position).collect();
            let target = match numbers.get(&positions) {
                Some(&number) => number,
                None => {
                    held += positions.len();
                    if held / POSITIONS_PER_STATE > budget.limits().states {
                        return Err(LimitError::new(LimitKind::States, budget.limits().states));
                    }
                    let number = sets.len() as u32;
                    sets.push(Rc::clone(&positions));
                    numbers.insert(positions, number);
                    number
                }
            };
            edges.push(ByteEdge { low: group[0].0, high: group[0].0, target, counts: false });
        }
        automaton.edges.push(edges);
    }
    Ok(automaton)
}

#[cfg(test)]
mod tests {
    use grammar_ir::Limits;

    use super::*;

    #[test]
    fn consecutive_chunks_are_accepted_and_nothing_else() {
        let limits = Limits::default();
        for chunks in [&["ab", "a", "b", "ba"][..], &["aa", "aa", "aa"], &[], &["", "a", ""], &["é", "è", "é"]] {
            let chunks: Vec<String> = chunks.iter().map(|&chunk| chunk.to_owned()).collect();
            let automaton = automaton(&chunks, &mut Budget::new(&limits)).unwrap();
            let accepts = |text: &str| {
                let end = text.bytes().try_fold(0, |state, byte| automaton.edge(state, byte).map(|edge| edge.target));
                end.is_some_and(|state| automaton.accepting[state as usize])
            };
            let mut words = vec![String::new()];
            for from in 0..chunks.len() {
                words.extend((from..chunks.len()).map(|to| chunks[from..=to].concat()));
            }
            for word in &words {
                assert!(accepts(word), "{word:?} {chunks:?}");
                for (index, _) in word.char_indices() {
                    assert_eq!(accepts(&word[..index]), words.iter().any(|other| other == &word[..index]));
                    assert_eq!(accepts(&word[index..]), words.iter().any(|other| other == &word[index..]));
                }
                assert!(!accepts(&format!("{word}c")));
            }
        }
    }

    #[test]
    fn a_long_repetitive_text_is_built_or_refused_soon() {
        let limits = Limits { states: 100_000, ..Limits::default() };
        let chunks: Vec<String> = (0..20_000).map(|_| "a".to_owned()).collect();
        assert!(automaton(&chunks, &mut Budget::new(&limits)).is_err());
        assert_eq!(automaton(&chunks[..500], &mut Budget::new(&limits)).unwrap().accepting.len(), 501);
    }
}
