//! An index as arrays in a file, and back without trust.
//!
//! What is checked is what walks rely on: that nodes are a trie in depth-first order, every leaf of which is the end of a
//! token, and that each token is one of the vocabulary and as long as its node is deep. That tokens have the bytes of their
//! path, and that none is missing, is not checked: it takes about as long as building the index.
//! [`Artifact::check`](crate::artifact::Artifact::check) does it.

use grammar_ir::table::Table;

use super::{TokenIndex, TrieNode, is_indexed};
use crate::Vocabulary;

/// Arrays are no index of a vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part} {index}: {fault}")]
pub struct StoredIndexError {
    part: &'static str,
    index: usize,
    fault: &'static str,
}

impl TokenIndex {
    /// The nodes, and where the tokens of each begin, followed by the tokens.
    pub(crate) fn to_stored(&self) -> (&[TrieNode], Vec<u32>) {
        (&self.nodes, [&self.token_starts[..], &self.tokens].concat())
    }

    /// The index of `vocabulary` in arrays from any source.
    ///
    /// # Errors
    /// When they are none.
    pub(crate) fn from_stored(
        vocabulary: &Vocabulary,
        nodes: Table<TrieNode>,
        token_starts: Table<u32>,
        tokens: Table<u32>,
    ) -> Result<Self, StoredIndexError> {
        check_nodes(&nodes)?;
        check_tokens(vocabulary, &nodes, &token_starts, &tokens)?;
        Ok(Self::of_tables(nodes, token_starts, tokens))
    }
}

/// That subtrees are in each other or apart, and siblings ascend.
fn check_nodes(nodes: &[TrieNode]) -> Result<(), StoredIndexError> {
    let fault = |index, fault| Err(StoredIndexError { part: "trie node", index, fault });
    // Per depth up to that of the last node: where the subtree of the node on its path ends, and the byte of that node.
    let mut path: Vec<(usize, u8)> = vec![(nodes.len(), 0)];
    let mut last_depth = 0;
    for (index, node) in nodes.iter().enumerate() {
        let (depth, end) = (usize::from(node.depth), node.subtree_end as usize);
        if node.zero != 0 {
            return fault(index, "it has something where nothing is defined");
        }
        if depth == 0 || depth > last_depth + 1 {
            return fault(index, "it is deeper than the node before it by more than one, or of depth 0");
        }
        // Subtrees get smaller along the path, so that all deeper nodes of it end here, too.
        if depth <= last_depth && (path[depth].0 != index || path[depth].1 >= node.byte) {
            return fault(index, "it is not the next sibling of the node of its depth before it");
        }
        if end <= index || end > path[depth - 1].0 {
            return fault(index, "its subtree ends before it or after the one that it is in");
        }
        match path.get_mut(depth) {
            Some(entry) => *entry = (end, node.byte),
            None => path.push((end, node.byte)),
        }
        last_depth = depth;
    }
    Ok(())
}

/// That nodes have tokens one after the other, and tokens are as long as nodes are deep.
fn check_tokens(
    vocabulary: &Vocabulary,
    nodes: &[TrieNode],
    token_starts: &[u32],
    tokens: &[u32],
) -> Result<(), StoredIndexError> {
    let fault = |part, index, fault| Err(StoredIndexError { part, index, fault });
    if token_starts.len() != nodes.len() + 1 || token_starts[0] != 0 {
        return fault("trie node", nodes.len(), "the tokens of the nodes do not begin with the first one");
    }
    // By id, as a table that the caches hold: tokens are not looked at in the order of their ids. `Vocabulary` bounds the
    // length of a token, so that it fits.
    let length_of = |id| if is_indexed(vocabulary, id) { vocabulary.bytes(id).len() as u16 } else { 0 };
    let lengths: Vec<u16> = (0..vocabulary.size() as u32).map(length_of).collect();
    let mut begin = 0;
    for (index, (node, &end)) in nodes.iter().zip(&token_starts[1..]).enumerate() {
        let end = end as usize;
        let Some(own) = tokens.get(begin..end) else {
            return fault("trie node", index, "its tokens are not among the tokens");
        };
        if own.is_empty() && node.subtree_end as usize == index + 1 {
            return fault("trie node", index, "it leads to no token");
        }
        for &id in own {
            if lengths.get(id as usize) != Some(&node.depth) {
                return fault("token of trie node", index, "it is no token of the length of the node's depth");
            }
        }
        if !own.is_sorted_by(|a, b| a < b) {
            return fault("token of trie node", index, "it is not after the one before");
        }
        begin = end;
    }
    if begin != tokens.len() {
        return fault("trie node", nodes.len(), "there is none for the last tokens");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use grammar_ir::ByteSet;

    use super::*;
    use crate::{Token, embedded_tiny};

    fn parts(index: &TokenIndex) -> (Vec<TrieNode>, Vec<u32>, Vec<u32>) {
        (index.nodes.to_vec(), index.token_starts.to_vec(), index.tokens.to_vec())
    }

    fn read(
        vocabulary: &Vocabulary,
        (nodes, starts, tokens): (Vec<TrieNode>, Vec<u32>, Vec<u32>),
    ) -> Result<TokenIndex, StoredIndexError> {
        TokenIndex::from_stored(vocabulary, nodes.into(), starts.into(), tokens.into())
    }

    #[test]
    fn what_is_written_is_read() {
        for vocabulary in [embedded_tiny(), Vocabulary::from_tokens([]).expect("no token is none too many")] {
            let index = TokenIndex::new(&vocabulary);
            let again = read(&vocabulary, parts(&index)).expect("it is the index");
            assert_eq!(parts(&again), parts(&index));
            let all = ByteSet::EMPTY.complement();
            assert!(again.children(None, &all).eq(index.children(None, &all)));
            assert_eq!(again.max_depth, index.max_depth);
        }
    }

    /// Whatever number is another one: it is refused, or the arrays are a trie all the same.
    #[test]
    fn any_number_may_be_wrong() {
        let text = |text: &str| Token::Text(text.as_bytes().to_vec());
        let tokens = ["a", "ab", "abc", "abd", "b", "ba", "bab", "c", "a"].map(text);
        let vocabulary = Vocabulary::from_tokens(tokens).expect("nine").with_stop_tokens([7]).expect("there is one");
        let right = parts(&TokenIndex::new(&vocabulary));
        assert_eq!((right.0.len(), right.2.len()), (7, 8));
        let mut refused = 0;
        let mut check = |wrong: (Vec<TrieNode>, Vec<u32>, Vec<u32>)| match read(&vocabulary, wrong) {
            Ok(index) => assert!(walks(&index), "{index:?}"),
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        };
        for change in [1u32, 2, 3, 7, u32::MAX, u32::MAX - 1] {
            for place in 0..right.0.len() {
                let mut wrong = right.clone();
                wrong.0[place].subtree_end = wrong.0[place].subtree_end.wrapping_add(change);
                check(wrong);
                let mut wrong = right.clone();
                wrong.0[place].depth = wrong.0[place].depth.wrapping_add(change as u16);
                check(wrong);
                let mut wrong = right.clone();
                wrong.0[place].byte = wrong.0[place].byte.wrapping_add(change as u8);
                check(wrong);
            }
            for place in 0..right.1.len() {
                let mut wrong = right.clone();
                wrong.1[place] = wrong.1[place].wrapping_add(change);
                check(wrong);
            }
            for place in 0..right.2.len() {
                let mut wrong = right.clone();
                wrong.2[place] = wrong.2[place].wrapping_add(change);
                check(wrong);
            }
        }
        for missing in 0..3 {
            let mut wrong = right.clone();
            match missing {
                0 => drop(wrong.0.pop()),
                1 => drop(wrong.1.pop()),
                _ => drop(wrong.2.pop()),
            }
            check(wrong);
        }
        assert!(refused > 150, "{refused}");
    }

    /// Whether every node is found from the roots, once, a byte deeper than its parent.
    fn walks(index: &TokenIndex) -> bool {
        let mut seen = 0;
        let all = ByteSet::EMPTY.complement();
        let mut todo: Vec<u32> = index.children(None, &all).collect();
        while let Some(node) = todo.pop() {
            seen += 1;
            let depth = index.nodes[node as usize].depth;
            let below: Vec<u32> = index.children(Some(node), &all).collect();
            if below.iter().any(|&child| index.nodes[child as usize].depth != depth + 1) {
                return false;
            }
            todo.extend(below);
        }
        seen == index.nodes.len()
    }
}
