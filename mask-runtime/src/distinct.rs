//! Parts of a text that must differ from one another ([`Element::distinct`](grammar_ir::Element)).
//!
//! Two things follow from a value that has been seen. It must not come again: a step looks that up where a part ends. And
//! a part must not be begun that cannot become anything else, as in the second item of `["ab", "a…` when items are one of
//! `ab` and `c`: [`is_live`] searches for a way to a value that is new. Both matter only while the part being read may
//! still become a value that has been seen, which is soon over in most texts.

use std::ops::Range;

use grammar_ir::ByteSet;
use grammar_ir::pda::{Pda, Scope};
use rustc_hash::FxHashSet;

use crate::bitmask;
use crate::compiled::CompiledGrammar;
use crate::spelling::canonical;
use crate::stack::{Frame, Mark, NodeId, Stack};
use crate::step::{Byte, Scratch, Survey, can_end, step};
use crate::ways_on::is_new_value_ahead;

/// Buffers for looking at parts, kept to spare allocations.
#[derive(Debug, Clone, Default)]
pub(crate) struct PartScratch {
    step: Scratch,
    survey: Survey,
    next: Vec<Frame>,
    none: Vec<Frame>,
    nodes: Vec<NodeId>,
    visited: FxHashSet<NodeId>,
    /// The heads of each level of a path, one after the other.
    heads: Vec<Frame>,
    excluding: Vec<Level>,
    current: Vec<Frame>,
}

/// A level of a walk along values that have been seen.
#[derive(Debug, Clone)]
struct Level {
    /// The children that are left.
    children: Range<usize>,
    /// On other bytes nothing that has been seen comes again.
    bytes: ByteSet,
    /// Where its heads are.
    heads: Range<usize>,
    /// The stack with the nodes that its heads need.
    stack: Mark,
}

/// A search for a new value takes at most so many steps; if it finds none by then, there is taken to be one.
const MAX_SEARCH: usize = 50_000;

/// The same where it only checks, in a debug build, that there is the one that is known to be ahead.
const MAX_CHECK: usize = 200;

/// Which parts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parts {
    /// All.
    Any,
    /// Those in scopes where a part can be trapped: see [`Scope::has_traps`](grammar_ir::pda::Scope::has_traps).
    Trappable,
}

/// Whether a part that is being read, or one that must come, may become a value that has been seen.
fn may_repeat(pda: &Pda, heads: &[Frame], stack: &Stack, parts: Parts, scratch: &mut PartScratch) -> bool {
    let PartScratch { nodes, visited, .. } = scratch;
    let repeats = |frame: &Frame| {
        let scope = if frame.count == 0 { None } else { pda.scope_of(frame.state) };
        scope.is_some_and(|scope| {
            scope.has_distinct()
                && (parts == Parts::Any || scope.has_traps())
                && match stack.registers.part(frame.count) {
                    Some(_) => stack.registers.may_repeat(frame.count),
                    None => {
                        parts == Parts::Trappable
                            && stack.registers.has_seen_in(frame.count)
                            && scope.wants_part(frame.state.as_u32())
                    }
                }
        })
    };
    any_frame(heads, stack, nodes, visited, repeats)
}

/// Whether `holds` for one of `heads`, or of the frames below them.
fn any_frame(
    heads: &[Frame],
    stack: &Stack,
    nodes: &mut Vec<NodeId>,
    visited: &mut FxHashSet<NodeId>,
    mut holds: impl FnMut(&Frame) -> bool,
) -> bool {
    if heads.iter().any(&mut holds) {
        return true;
    }
    nodes.clear();
    visited.clear();
    if let &[head] = heads {
        // Most stacks are a single row of frames.
        let mut below = head.below;
        while let Some(frame) = stack.only_frame(below) {
            if holds(&frame) {
                return true;
            }
            below = frame.below;
        }
        nodes.push(below);
    } else {
        nodes.extend(heads.iter().map(|head| head.below));
    }
    while let Some(node) = nodes.pop() {
        if node == NodeId::BOTTOM || !visited.insert(node) {
            continue;
        }
        let frames = stack.own_frames(node);
        if frames.iter().any(&mut holds) {
            return true;
        }
        nodes.extend(frames.iter().map(|frame| frame.below));
        nodes.extend(stack.included(node));
    }
    false
}

/// Whether a part has begun in the token that is tried, of `head` or of a frame below it, that could be trapped. Whether it can
/// still become something new is not told from the part's own states, so nothing may be taken for granted then.
pub(crate) fn is_in_new_trap(pda: &Pda, head: Frame, stack: &Stack, scratch: &mut PartScratch) -> bool {
    let is_new = |frame: &Frame| {
        frame.count != 0
            && pda.scope_of(frame.state).is_some_and(Scope::has_traps)
            && stack.registers.is_new_part(frame.count)
    };
    stack.registers.has_traps() && any_frame(&[head], stack, &mut scratch.nodes, &mut scratch.visited, is_new)
}

/// The bytes with which a part that is being read may go on to become a value that has been seen.
fn repeating_bytes(pda: &Pda, heads: &[Frame], stack: &Stack, scratch: &mut PartScratch) -> ByteSet {
    let PartScratch { nodes, visited, .. } = scratch;
    let mut bytes = ByteSet::EMPTY;
    any_frame(heads, stack, nodes, visited, |frame| {
        if frame.count != 0 && pda.scope_of(frame.state).is_some_and(Scope::has_distinct) {
            bytes = bytes.union(&stack.registers.repeating_bytes(frame.count));
        }
        false
    });
    bytes
}

/// Whether the parts that are being read can still become values that have not been seen.
#[inline]
pub(crate) fn is_live(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    stack: &mut Stack,
    scratch: &mut PartScratch,
) -> bool {
    !stack.registers.has_traps() || has_way_on(grammar, heads, stack, scratch)
}

fn has_way_on(grammar: &CompiledGrammar, heads: &[Frame], stack: &mut Stack, scratch: &mut PartScratch) -> bool {
    let pda = grammar.pda();
    if stack.registers.is_hiding() {
        // Of parts that were there before the token, what comes of them is looked at along the values seen ([`exclude`]).
        if may_be_new_trap(pda, heads, stack, scratch)
            && !can_end(pda, heads, stack)
            && !is_new_value_ahead(grammar, heads, stack)
        {
            stack.registers.note_doubt();
        }
        return true;
    }
    if can_end(pda, heads, stack) || !may_repeat(pda, heads, stack, Parts::Trappable, scratch) {
        return true;
    }
    if is_new_value_ahead(grammar, heads, stack) {
        debug_assert!(finds_way_on(pda, heads, stack, scratch, MAX_CHECK), "a new value that is ahead is found");
        return true;
    }
    finds_way_on(pda, heads, stack, scratch, MAX_SEARCH)
}

/// Whether a search finds a way to new values, or gives up after `most` steps.
fn finds_way_on(pda: &Pda, heads: &[Frame], stack: &mut Stack, scratch: &mut PartScratch, most: usize) -> bool {
    let mark = stack.mark();
    let full = stack.take_full();
    let live = search(pda, heads, stack, scratch, most);
    stack.truncate(mark, false);
    stack.set_full(full);
    live
}

/// Whether a part has begun in the token that is tried, or must come, in a scope where it could be trapped.
fn may_be_new_trap(pda: &Pda, heads: &[Frame], stack: &Stack, scratch: &mut PartScratch) -> bool {
    any_frame(heads, stack, &mut scratch.nodes, &mut scratch.visited, |frame| {
        let scope = if frame.count == 0 { None } else { pda.scope_of(frame.state) };
        scope.filter(|scope| scope.has_traps()).is_some_and(|scope| match stack.registers.part(frame.count) {
            Some(_) => stack.registers.is_new_part(frame.count),
            None => stack.registers.has_seen_in(frame.count) && scope.wants_part(frame.state.as_u32()),
        })
    })
}

fn search(pda: &Pda, heads: &[Frame], stack: &mut Stack, scratch: &mut PartScratch, most: usize) -> bool {
    // The newest first: what may still be a value that has been seen is not much longer than that one, and only half of the
    // digits of an escape tell nothing.
    let mut agenda = vec![(heads.to_vec(), Vec::new())];
    let mut met: FxHashSet<Essence> = FxHashSet::default();
    let json = stack.registers.has_only_json();
    let mut steps = 0;
    let before = stack.registers.text_length();
    while let Some((heads, text)) = agenda.pop() {
        stack.registers.replace_text(before, &text);
        let bytes = next_bytes(pda, &heads, stack, scratch);
        // What a token terminal leads to is not looked into.
        if !scratch.survey.token_sets.is_empty() {
            return true;
        }
        for byte in bytes.iter() {
            stack.registers.replace_text(before, &text);
            steps += 1;
            if steps > most {
                return true;
            }
            let mut next = std::mem::take(&mut scratch.next);
            next.clear();
            step(pda, &heads, &mut Byte(byte), stack, false, &mut scratch.step, &mut next);
            stack.registers.push_text(byte);
            let possible = !next.is_empty();
            let arrived =
                possible && (can_end(pda, &next, stack) || !may_repeat(pda, &next, stack, Parts::Trappable, scratch));
            let mut longer = text.clone();
            longer.push(byte);
            if possible && !arrived && met.insert(essence(pda, &next, &longer, json, stack)) {
                agenda.push((next.clone(), longer));
            }
            scratch.next = next;
            if arrived {
                return true;
            }
        }
    }
    false
}

/// What decides on the values to come: the states with what has been selected and the counts, and the values that were begun
/// or finished since the search began. Where texts and frames are, and so the heads themselves, differ with every blank that
/// could be written in between.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Essence {
    /// For every way to read the text, states, counts and registers from the head down; and the text without what does not
    /// matter.
    Paths(Vec<Vec<u32>>, Vec<u8>),
    /// Where there are too many ways to list.
    Heads(Vec<Frame>, Vec<u8>),
}

/// More words than this are not listed of the ways to read a text.
const MAX_PATH_WORDS: usize = 4_096;

/// The essence of `heads` after a search has added some text; `json` says whether the values are JSON, so that their
/// spelling does not matter.
fn essence(pda: &Pda, heads: &[Frame], added: &[u8], json: bool, stack: &Stack) -> Essence {
    let mut paths = Paths { pda, stack, listed: Vec::new(), words: 0, part: &[] };
    for &head in heads {
        if !paths.follow(head, Vec::new()) {
            return Essence::Heads(heads.to_vec(), added.to_vec());
        }
    }
    let Paths { mut listed, part, .. } = paths;
    listed.sort_unstable();
    listed.dedup();
    if !json {
        return Essence::Paths(listed, added.to_vec());
    }
    let before = &part[..part.len().saturating_sub(added.len())];
    Essence::Paths(listed, canonical(before, added))
}

/// The ways down a stack.
struct Paths<'a> {
    pda: &'a Pda,
    stack: &'a Stack,
    listed: Vec<Vec<u32>>,
    words: usize,
    /// The longest part that is being read.
    part: &'a [u8],
}

impl Paths<'_> {
    /// Lists the ways that begin with `path` and go on with `frame`; says whether they are few enough.
    fn follow(&mut self, mut frame: Frame, mut path: Vec<u32>) -> bool {
        loop {
            let before = path.len();
            path.push(frame.state.as_u32());
            match self.pda.scope_of(frame.state) {
                Some(_) => {
                    let part = self.stack.registers.part(frame.count);
                    path.push(u32::from(part.is_some()));
                    path.extend_from_slice(self.stack.registers.words_of(frame.count));
                    self.part = part.filter(|part| part.len() > self.part.len()).unwrap_or(self.part);
                }
                None => path.push(frame.count),
            }
            self.words += path.len() - before;
            if self.words > MAX_PATH_WORDS {
                return false;
            }
            if frame.below == NodeId::BOTTOM {
                break;
            }
            match self.stack.own_frames(frame.below) {
                [] => break,
                [below] if self.stack.included(frame.below).is_none() => frame = *below,
                _ => return self.follow_all(frame.below, &path),
            }
        }
        self.listed.push(path);
        true
    }

    fn follow_all(&mut self, node: NodeId, path: &[u32]) -> bool {
        let mut next = Some(node);
        while let Some(node) = next {
            for &frame in self.stack.own_frames(node) {
                self.words += path.len();
                if self.words > MAX_PATH_WORDS || !self.follow(frame, path.to_vec()) {
                    return false;
                }
            }
            next = self.stack.included(node);
        }
        true
    }
}

fn next_bytes(pda: &Pda, heads: &[Frame], stack: &mut Stack, scratch: &mut PartScratch) -> ByteSet {
    let PartScratch { step: step_scratch, survey, none, .. } = scratch;
    survey.with_bytes = true;
    survey.bytes = ByteSet::EMPTY;
    survey.token_sets.clear();
    none.clear();
    step(pda, heads, survey, stack, false, step_scratch, none);
    survey.bytes
}

/// Clears the bits of the tokens that would repeat a value, or lead to where nothing else is left: those along the
/// texts of seen values. The bits of other tokens are right already. Says whether it has cleared any. The stack is as before when it
/// returns.
pub(crate) fn exclude(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    stack: &mut Stack,
    scratch: &mut PartScratch,
    row: &mut [u32],
) -> bool {
    let pda = grammar.pda();
    if !stack.registers.has_seen() || !may_repeat(pda, heads, stack, Parts::Any, scratch) {
        return false;
    }
    let mut has_cleared = false;
    let (index, vocabulary) = (grammar.tokenizer().index(), grammar.vocabulary());
    let bottom = stack.mark();
    let nodes = index.nodes();
    let (mut arena, mut levels) = (std::mem::take(&mut scratch.heads), std::mem::take(&mut scratch.excluding));
    let mut next = std::mem::take(&mut scratch.current);
    arena.clear();
    arena.extend_from_slice(heads);
    levels.clear();
    let bytes = repeating_bytes(pda, heads, stack, scratch);
    levels.push(Level { children: index.child_range(None), bytes, heads: 0..arena.len(), stack: bottom });
    while let Some(level) = levels.last_mut() {
        let Some(place) = index.next_child(level.children.clone(), &level.bytes) else {
            levels.pop();
            continue;
        };
        level.children.start = place + 1;
        let (first, past) = (level.heads.start, level.heads.end);
        arena.truncate(past);
        stack.truncate(level.stack, false);
        let node = index.child(place);
        if index.subtree_tokens(node).iter().all(|&token| !bitmask::contains(row, token)) {
            continue;
        }
        let byte = nodes[node as usize].byte;
        next.clear();
        stack.registers.take_repeated();
        let known = match &arena[first..past] {
            &[head] => grammar.plain_step(head, byte, stack),
            _ => None,
        };
        match known {
            Some(after) => next.extend(after),
            None => step(pda, &arena[first..past], &mut Byte(byte), stack, false, &mut scratch.step, &mut next),
        }
        let repeated = stack.registers.take_repeated();
        stack.registers.push_text(byte);
        if next.is_empty() || !is_live(grammar, &next, stack, scratch) {
            index.subtree_tokens(node).iter().for_each(|&token| bitmask::clear(row, token));
            has_cleared = true;
        } else if repeated {
            // One way to read this has ended, and what it allowed further on is in the row; another way goes on.
            let depth = usize::from(nodes[node as usize].depth);
            for &token in index.subtree_tokens(node) {
                if bitmask::contains(row, token)
                    && !fits(grammar, &next, &vocabulary.bytes(token)[depth..], stack, scratch)
                {
                    bitmask::clear(row, token);
                    has_cleared = true;
                }
            }
        } else if may_repeat(pda, &next, stack, Parts::Any, scratch) {
            arena.extend_from_slice(&next);
            let bytes = repeating_bytes(pda, &next, stack, scratch);
            let (children, heads) = (index.child_range(Some(node)), past..arena.len());
            levels.push(Level { children, bytes, heads, stack: stack.mark() });
        }
    }
    (scratch.heads, scratch.excluding, scratch.current) = (arena, levels, next);
    stack.truncate(bottom, false);
    has_cleared
}

/// Whether `heads` can consume `text`.
pub(crate) fn fits(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    text: &[u8],
    stack: &mut Stack,
    scratch: &mut PartScratch,
) -> bool {
    let pda = grammar.pda();
    let mark = stack.mark();
    let (mut current, mut next) = (std::mem::take(&mut scratch.heads), std::mem::take(&mut scratch.current));
    current.clear();
    current.extend_from_slice(heads);
    for &byte in text {
        next.clear();
        let known = match current.as_slice() {
            &[head] => grammar.plain_step(head, byte, stack),
            _ => None,
        };
        match known {
            Some(after) => next.extend(after),
            None => step(pda, &current, &mut Byte(byte), stack, false, &mut scratch.step, &mut next),
        }
        stack.registers.push_text(byte);
        std::mem::swap(&mut current, &mut next);
        if current.is_empty() {
            break;
        }
    }
    let fits = !current.is_empty() && is_live(grammar, &current, stack, scratch);
    (scratch.heads, scratch.current) = (current, next);
    stack.truncate(mark, false);
    fits
}
