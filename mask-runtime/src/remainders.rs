//! The tokens that leave a loop: a walk over what of them comes after their characters in it.
//!
//! Where the loop counts, which of them fit depends on the number of characters before the remainder.

use std::ops::Range;
use std::sync::OnceLock;

use grammar_ir::pda::Pda;

use crate::compiled::CompiledGrammar;
use crate::loops::Loop;
use crate::stack::{Frame, Stack};
use crate::token_index::TokenIndex;
use crate::walk::{Sink, WalkScratch, walk};

/// The remainders of the tokens that are not in *S*\*.
#[derive(Debug)]
pub(crate) struct Remainders {
    pub(crate) index: TokenIndex,
    /// Per position in `index.tokens()`: the number of characters before the remainder.
    characters_before: Vec<u16>,
    /// The remainders of each number of characters before them, once somebody has asked.
    by_characters_before: OnceLock<Vec<TokenIndex>>,
}

impl Remainders {
    /// Texts, each with the token it is the end of, and how many characters are before it.
    pub(crate) fn new(texts: &[(&[u8], u32, u16)]) -> Self {
        let index = TokenIndex::of_texts(texts.iter().zip(0..).map(|(&(text, ..), place)| (text, place)));
        let (index, characters_before) = index.with_ids(|place| {
            let (_, id, characters) = texts[place as usize];
            (id, characters)
        });
        Self { index, characters_before, by_characters_before: OnceLock::new() }
    }

    /// The same, of which many masks are made.
    pub(crate) fn with_branches(self) -> Self {
        Self { index: self.index.with_branches(), ..self }
    }

    /// The number of characters before the remainder at `position` of the index's tokens.
    #[inline]
    pub(crate) fn characters_before(&self, position: usize) -> u32 {
        u32::from(self.characters_before[position])
    }

    /// The remainders that have no character before them, those that have one, and so on.
    pub(crate) fn by_characters_before(&self) -> &[TokenIndex] {
        self.by_characters_before.get_or_init(|| {
            // The texts one after the other, and each token with how many characters come before its text, and where that is.
            let mut texts: Vec<u8> = Vec::new();
            let mut tokens: Vec<(u16, Range<usize>, u32)> = Vec::new();
            let mut path: Vec<u8> = Vec::new();
            for (number, node) in self.index.nodes().iter().enumerate() {
                path.truncate(usize::from(node.depth) - 1);
                path.push(node.byte);
                let (own, begin) = (self.index.own_range(number as u32), texts.len());
                if !own.is_empty() {
                    texts.extend_from_slice(&path);
                }
                let place = begin..texts.len();
                let token = |position| (self.characters_before[position], place.clone(), self.index.tokens()[position]);
                tokens.extend(own.map(token));
            }
            tokens.sort_by_key(|&(before, ..)| before);
            let most = tokens.last().map_or(0, |&(before, ..)| usize::from(before));
            let mut rest = tokens.as_slice();
            let index = |before| {
                let (these, others) = rest.split_at(rest.partition_point(|&(found, ..)| usize::from(found) <= before));
                rest = others;
                TokenIndex::of_texts(these.iter().map(|(_, place, id)| (&texts[place.clone()], *id))).with_branches()
            };
            (0..=most).map(index).collect()
        })
    }

    pub(crate) fn memory(&self) -> usize {
        let split = self.by_characters_before.get();
        self.index.memory_bytes()
            + std::mem::size_of_val(self.characters_before.as_slice())
            + split.map_or(0, |split| split.iter().map(TokenIndex::memory_bytes).sum())
    }
}

/// How far a count is from where it matters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// How many times more the loop may be taken.
    pub(crate) left: u32,
    /// How many more counts it takes until anything can be done, or no longer be done, that differs.
    pub(crate) unchanged: u32,
}

impl Room {
    pub(crate) fn of(pda: &Pda, head: Frame, own_loop: &Loop) -> Self {
        if own_loop.counts {
            let (state, count) = (head.state, head.count);
            Self { left: pda.counts_left(state, count), unchanged: pda.counts_unchanged(state, count) }
        } else {
            // The count does not change in the loop; an edge that leaves it sees the same count at every length.
            Self { left: u32::MAX, unchanged: u32::MAX }
        }
    }
}

/// Sets the tokens with remainders that `head`, in a loop that nothing interferes with, can consume. The stack is as before
/// when it returns.
pub(crate) fn walk_remainders(
    grammar: &CompiledGrammar,
    head: Frame,
    remainders: &Remainders,
    room: Room,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    let pda = grammar.pda();
    let hidden = stack.registers.hide();
    if room.unchanged > grammar.tokenizer().index().max_depth() as u32 {
        // No token is long enough for its count to matter.
        walk(grammar, &remainders.index, None, &[head], stack, scratch, Sink::All(row));
    } else {
        // Below the least count, and where nearly every remainder meets the greatest one, each number of characters
        // before a remainder apart; the others together.
        let together = room.left >= grammar.tokenizer().thresholds().together && pda.counts_only_limit(head.state);
        let apart = if together { pda.counts_missing(head.state, head.count) as usize } else { usize::MAX };
        let mut count = Some(head.count);
        for index in remainders.by_characters_before().iter().take(apart) {
            let Some(now) = count else { break };
            walk(grammar, index, None, &[Frame { count: now, ..head }], stack, scratch, Sink::All(row));
            count = pda.count_after(now, true, head.state);
        }
        if let (true, Some(count)) = (together, count) {
            let unchanged =
                pda.counts_unchanged(head.state, count).saturating_add(count - head.count).saturating_sub(1);
            let sink = Sink::Counted { row, remainders, from: apart as u32, left: room.left, unchanged };
            walk(grammar, &remainders.index, None, &[Frame { count, ..head }], stack, scratch, sink);
        }
    }
    stack.registers.show(hidden);
}
