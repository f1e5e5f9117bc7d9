//! States that do nothing but follow a few edges: places in literals, in keys, in the words of an enumeration.
//!
//! Most nodes that a walk visits are met in such a state. There is no call and nothing to return to, so the children of the node
//! and the edges of the state, both ascending, are gone through side by side.

use std::ops::Range;

use grammar_ir::pda::{ByteEdge, Pda};

use crate::byte_table::{follow, is_plain};
use crate::stack::{Frame, Stack};
use crate::step::returned;

/// With more edges the bytes are looked up.
const MAX_EDGES: usize = 16;

/// More children than this are not looked at one by one.
const FEW_CHILDREN: usize = 8;

/// The edges of the state of `head`, if they are all that can be done there and no byte is on two of them.
#[inline]
pub(crate) fn only_edges<'p>(pda: &'p Pda, head: Frame, stack: &Stack) -> Option<&'p [ByteEdge]> {
    let edges = pda.byte_edges(head.state);
    let is_narrow = edges.len() <= MAX_EDGES
        && pda.call_edges(head.state).is_empty()
        && (!pda.is_accepting(head.state) || stack.is_inert(head.below))
        && edges.windows(2).all(|pair| pair[0].high < pair[1].low);
    is_narrow.then_some(edges)
}

/// The head after `edge`, if it can be taken; `None` where it takes a step to tell.
#[inline]
pub(crate) fn along(pda: &Pda, head: Frame, edge: &ByteEdge, stack: &mut Stack) -> Option<Option<Frame>> {
    if !is_plain(pda, head.state, edge) {
        return None;
    }
    Some(follow(pda, head, edge, &mut stack.registers).map(|next| returned(pda, next, stack)))
}

/// Children of a node, and edges, that are left to be gone through.
#[derive(Debug, Clone)]
pub(crate) struct Both {
    pub(crate) children: Range<usize>,
    pub(crate) edge: usize,
}

impl Both {
    /// The next child that one of `edges` is on, and the number of that edge. `bytes` are those of all children.
    #[inline]
    pub(crate) fn next(&mut self, bytes: &[u8], edges: &[ByteEdge]) -> Option<(usize, usize)> {
        while let Some(edge) = edges.get(self.edge) {
            let left = &bytes[self.children.clone()];
            self.children.start += if left.len() <= FEW_CHILDREN {
                left.iter().take_while(|&&byte| byte < edge.low).count()
            } else {
                left.partition_point(|&byte| byte < edge.low)
            };
            let place = self.children.start;
            if place == self.children.end {
                return None;
            }
            if bytes[place] <= edge.high {
                self.children.start += 1;
                return Some((place, self.edge));
            }
            self.edge += 1;
        }
        None
    }
}
