//! Budgets of tokens: procedures that return as soon as they may, once so many tokens have a part of their text in them.
//!
//! The frames of such a procedure have the number of tokens before the one in which it was called for their count. Within
//! a token nothing happens. After it, where a head could return out of a procedure whose budget is spent, it has to: the
//! head is replaced by what it returns to. Other heads stay, even deep in such a procedure, as they cannot end it yet. So
//! neither masks nor steps know of budgets.

use grammar_ir::pda::Pda;
use rustc_hash::FxHashMap;

use crate::stack::{Frame, NodeId, Stack, sort_frames};

/// The number of tokens after which no procedure that `frame` itself belongs to may go on, if it may return.
pub(crate) fn deadline_of(pda: &Pda, frame: Frame) -> u32 {
    pda.max_tokens_of(frame.state).map_or(NEVER, |max| frame.count.saturating_add(max))
}

/// A deadline that does not come.
pub(crate) const NEVER: u32 = u32::MAX;

/// Returns out of every procedure whose budget is spent after `tokens` tokens, where that can be done.
pub(crate) fn end_spent(pda: &Pda, heads: &mut Vec<Frame>, tokens: u32, stack: &mut Stack) {
    let is_due = |head: &Frame| deadline_of(pda, *head).min(stack.deadline(head.below)) <= tokens;
    if !heads.iter().any(is_due) {
        return;
    }
    let mut ending = Ending { pda, tokens, nodes: FxHashMap::default() };
    let due: Vec<NodeId> = ending.due_nodes(heads, stack);
    for node in due {
        let ways = ending.ways_of(node, stack);
        ending.nodes.insert(node, ways);
    }
    let mut after = Ways::default();
    for &head in heads.iter() {
        ending.add(head, stack, &mut after);
    }
    heads.clear();
    heads.append(&mut after.kept);
    heads.append(&mut after.ended);
    sort_frames(pda, heads, 0);
}

/// What becomes of frames that are returned to.
#[derive(Debug, Clone, Default)]
struct Ways {
    /// Those that stay, on what of the stack below them stays.
    kept: Vec<Frame>,
    /// What is returned to out of procedures whose budget is spent.
    ended: Vec<Frame>,
}

struct Ending<'p> {
    pda: &'p Pda,
    tokens: u32,
    /// For each node with a spent budget at or below it: the node of the frames that stay, and what else is returned to.
    nodes: FxHashMap<NodeId, (Option<NodeId>, Ways)>,
}

impl Ending<'_> {
    /// The nodes at or below which a budget may be spent, lower ones first.
    fn due_nodes(&self, heads: &[Frame], stack: &Stack) -> Vec<NodeId> {
        let mut due: Vec<NodeId> = Vec::new();
        let mut seen = rustc_hash::FxHashSet::default();
        let mut agenda: Vec<NodeId> = heads.iter().map(|head| head.below).collect();
        while let Some(node) = agenda.pop() {
            if stack.deadline(node) > self.tokens || !seen.insert(node) {
                continue;
            }
            due.push(node);
            agenda.extend(stack.included(node));
            agenda.extend(stack.own_frames(node).iter().map(|frame| frame.below));
        }
        // Nodes refer to older ones only.
        due.sort_unstable();
        due
    }

    fn ways_of(&self, node: NodeId, stack: &mut Stack) -> (Option<NodeId>, Ways) {
        let mut frames: Vec<Frame> = Vec::new();
        let mut next = Some(node);
        while let Some(node) = next {
            frames.extend_from_slice(stack.own_frames(node));
            next = stack.included(node);
        }
        let mut ways = Ways::default();
        for frame in frames {
            self.add(frame, stack, &mut ways);
        }
        sort_frames(self.pda, &mut ways.kept, 0);
        sort_frames(self.pda, &mut ways.ended, 0);
        let kept = (!ways.kept.is_empty()).then(|| stack.push(self.pda, &mut ways.kept.clone(), true));
        (kept, ways)
    }

    /// Adds what becomes of `frame` when a procedure has returned to it, or it is a head.
    fn add(&self, frame: Frame, stack: &Stack, ways: &mut Ways) {
        if !self.pda.may_return(frame.state, frame.count) {
            ways.kept.push(frame);
            return;
        }
        let below = self.nodes.get(&frame.below);
        if deadline_of(self.pda, frame) <= self.tokens {
            match below {
                Some((_, below)) => {
                    ways.ended.extend_from_slice(&below.kept);
                    ways.ended.extend_from_slice(&below.ended);
                }
                None => {
                    let mut next = Some(frame.below);
                    while let Some(node) = next {
                        ways.ended.extend_from_slice(stack.own_frames(node));
                        next = stack.included(node);
                    }
                }
            }
            return;
        }
        match below {
            Some((kept, below)) => {
                ways.kept.extend(kept.map(|kept| Frame { below: kept, ..frame }));
                ways.ended.extend_from_slice(&below.ended);
            }
            None => ways.kept.push(frame),
        }
    }
}
