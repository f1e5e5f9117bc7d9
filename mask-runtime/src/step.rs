//! One step of a configuration.
//!
//! Heads are kept as they are right after a byte, but for one thing: where returning is all that is left to do and there is
//! one place to return to, the head is that place. So a procedure that is called for each character of a text leaves the
//! configuration as it was. A step first returns from accepting states as often as it can, then
//! enters the procedures that can begin with the symbol, callers before callees ([`Procedure::rank`]), gathering all
//! callers of a procedure into one stack node. Every (state, count, node) is looked at once, which bounds a step by the
//! number of heads and frames, whatever the ambiguity.
//!
//! [`Procedure::rank`]: grammar_ir::pda::Procedure::rank

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::Hash;

use grammar_ir::pda::{ByteEdge, CallEdge, EdgeMarks, Pda, Procedure, Scope, TokenEdge};
use grammar_ir::{ByteSet, ProcedureId, StateId};
use rustc_hash::FxHashSet;

use crate::registers::Registers;
use crate::stack::{Frame, NodeId, Stack, sort_frames};

/// What a step is looking for on the edges.
pub(crate) trait Symbol {
    /// Whether a word of `procedure` may begin with it.
    fn may_begin(&self, procedure: &Procedure) -> bool;

    /// The byte, if it is one.
    fn as_byte(&self) -> Option<u8> {
        None
    }

    /// Calls `take` for each frame that an edge of the frame's state leads to by consuming it.
    fn edges(&mut self, pda: &Pda, frame: Frame, follower: &mut Follower<'_>, take: impl FnMut(Frame));
}

/// One byte.
pub(crate) struct Byte(pub(crate) u8);

impl Symbol for Byte {
    #[inline]
    fn as_byte(&self) -> Option<u8> {
        Some(self.0)
    }

    #[inline]
    fn may_begin(&self, procedure: &Procedure) -> bool {
        procedure.first_bytes.contains(self.0)
    }

    #[inline]
    fn edges(&mut self, pda: &Pda, frame: Frame, follower: &mut Follower<'_>, mut take: impl FnMut(Frame)) {
        for edge in pda.byte_edges(frame.state) {
            if edge.low > self.0 {
                break;
            }
            if self.0 <= edge.high
                && let Some(next) = follower.after(pda, frame, edge.into(), Some(self.0))
            {
                take(next);
            }
        }
    }
}

/// A token by its id.
pub(crate) struct Token {
    pub(crate) id: u32,
    pub(crate) is_stop: bool,
}

impl Symbol for Token {
    fn may_begin(&self, procedure: &Procedure) -> bool {
        procedure.first_token
    }

    fn edges(&mut self, pda: &Pda, frame: Frame, follower: &mut Follower<'_>, mut take: impl FnMut(Frame)) {
        for edge in pda.token_edges(frame.state) {
            if pda.token_sets()[edge.set as usize].contains(self.id, self.is_stop)
                && let Some(next) = follower.after(pda, frame, edge.into(), None)
            {
                take(next);
            }
        }
    }
}

/// Takes no edge; collects what edges there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Survey {
    /// The bytes that can come next.
    pub(crate) bytes: ByteSet,
    /// The indices of token sets that can come next, possibly repeated.
    pub(crate) token_sets: Vec<u32>,
    /// Whether to look at bytes at all.
    pub(crate) with_bytes: bool,
}

impl Symbol for Survey {
    fn may_begin(&self, procedure: &Procedure) -> bool {
        procedure.first_token || (self.with_bytes && !procedure.first_bytes.is_empty())
    }

    fn edges(&mut self, pda: &Pda, frame: Frame, follower: &mut Follower<'_>, _take: impl FnMut(Frame)) {
        if self.with_bytes {
            for edge in pda.byte_edges(frame.state) {
                if follower.after(pda, frame, edge.into(), None).is_none() {
                    continue;
                }
                // Only what ends a part depends on the byte as well.
                let scope = pda.scope_of(frame.state).filter(|_| pda.is_guarded(edge.target));
                if !scope.is_some_and(|scope| scope.ends_part(edge.target.as_u32())) {
                    self.bytes.insert_range(edge.low, edge.high);
                    continue;
                }
                for byte in edge.low..=edge.high {
                    if follower.after(pda, frame, edge.into(), Some(byte)).is_some() {
                        self.bytes.insert_range(byte, byte);
                    }
                }
            }
        }
        let edges = pda.token_edges(frame.state).iter();
        let takable = edges.filter(|edge| follower.after(pda, frame, (*edge).into(), None).is_some());
        self.token_sets.extend(takable.map(|edge| edge.set));
    }
}

/// What matters of an edge besides what it consumes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passage {
    counts: bool,
    marks: EdgeMarks,
    target: StateId,
}

impl From<&ByteEdge> for Passage {
    #[inline]
    fn from(edge: &ByteEdge) -> Self {
        Self { counts: edge.counts, marks: edge.marks, target: edge.target }
    }
}

impl From<&CallEdge> for Passage {
    #[inline]
    fn from(edge: &CallEdge) -> Self {
        Self { counts: edge.counts, marks: edge.marks, target: edge.target }
    }
}

impl From<&TokenEdge> for Passage {
    fn from(edge: &TokenEdge) -> Self {
        Self { counts: edge.counts, marks: edge.marks, target: edge.target }
    }
}

/// Follows edges as far as the registers of the frame are concerned.
pub(crate) struct Follower<'s> {
    pub(crate) registers: &'s mut Registers,
    /// Whether registers are shared with equal ones.
    pub(crate) intern: bool,
}

impl Follower<'_> {
    /// The frame after an edge; `None` when its count or its scope does not let it be taken. `byte` is what it consumes, if
    /// that is a byte.
    #[inline]
    fn after(&mut self, pda: &Pda, frame: Frame, edge: Passage, byte: Option<u8>) -> Option<Frame> {
        let count = if !edge.counts && edge.marks.is_none() && !pda.is_guarded(edge.target) {
            frame.count
        } else {
            match pda.scope_of(frame.state) {
                Some(scope) => self.in_scope(pda, scope, frame, edge, byte)?,
                None => pda.count_after(frame.count, edge.counts, edge.target)?,
            }
        };
        Some(Frame { state: edge.target, count, ..frame })
    }

    fn in_scope(&mut self, pda: &Pda, scope: &Scope, frame: Frame, edge: Passage, byte: Option<u8>) -> Option<u32> {
        let mut registers = frame.count;
        if !edge.marks.is_none() {
            registers = self.registers.after(scope, registers, edge.marks, self.intern)?;
        }
        let target = edge.target.as_u32();
        if pda.is_guarded(edge.target) {
            let repeated = |byte| scope.ends_part(target) && self.registers.is_repeated(registers, byte);
            if byte.is_some_and(repeated) || !self.registers.is_alive(scope, registers, target) {
                return None;
            }
        }
        Some(registers)
    }
}

/// Buffers of a step, kept to spare allocations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scratch {
    work: Vec<Frame>,
    frames: Seen<Frame>,
    /// Nodes whose frames have been returned to.
    popped: Seen<NodeId>,
    /// Nodes to whose frames a procedure returns for its tail-calling caller.
    tail_called: Seen<(ProcedureId, NodeId)>,
    calls: Calls,
}

/// Procedures to enter, each with what it returns to.
#[derive(Debug, Clone, Default)]
struct Calls {
    /// Each procedure once, by rank.
    order: BinaryHeap<Reverse<(u32, ProcedureId)>>,
    /// Per procedure: one more than its place in `callers`, or 0 when it is not to be entered.
    place: Vec<u32>,
    callers: Vec<Vec<Frame>>,
    used: usize,
}

impl Calls {
    fn add(&mut self, procedures: usize, rank: u32, procedure: ProcedureId, caller: Frame) {
        if self.place.len() < procedures {
            self.place.resize(procedures, 0);
        }
        let place = &mut self.place[procedure.index()];
        if *place == 0 {
            if self.used == self.callers.len() {
                self.callers.push(Vec::new());
            }
            self.callers[self.used].clear();
            self.used += 1;
            *place = self.used as u32;
            self.order.push(Reverse((rank, procedure)));
        }
        self.callers[*place as usize - 1].push(caller);
    }

    /// The place in `callers` of the procedure to enter next; its callers are sorted and distinct.
    fn next(&mut self, pda: &Pda) -> Option<(ProcedureId, usize)> {
        let Some(Reverse((_, procedure))) = self.order.pop() else {
            self.used = 0;
            return None;
        };
        let place = std::mem::take(&mut self.place[procedure.index()]) as usize - 1;
        sort_frames(pda, &mut self.callers[place], 0);
        Some((procedure, place))
    }
}

/// What has been met in a step. A few entries are compared one by one, more are hashed.
#[derive(Debug, Clone)]
struct Seen<T> {
    few: Vec<T>,
    many: FxHashSet<T>,
}

const FEW: usize = 12;

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self { few: Vec::new(), many: FxHashSet::default() }
    }
}

impl<T: Copy + Eq + Hash> Seen<T> {
    fn insert(&mut self, item: T) -> bool {
        if self.few.len() < FEW {
            let fresh = !self.few.contains(&item);
            if fresh {
                self.few.push(item);
            }
            return fresh;
        }
        if self.many.is_empty() {
            self.many.extend(self.few.iter().copied());
        }
        self.many.insert(item)
    }

    fn clear(&mut self) {
        self.few.clear();
        if !self.many.is_empty() {
            self.many.clear();
        }
    }
}

impl Scratch {
    fn begin(&mut self) {
        self.work.clear();
        self.frames.clear();
        self.popped.clear();
        self.tail_called.clear();
    }

    /// Queues `frame` unless it has been queued in this step.
    fn visit(&mut self, frame: Frame) {
        if self.frames.insert(frame) {
            self.work.push(frame);
        }
    }

    /// Returns to the frames of `node`.
    fn pop(&mut self, node: NodeId, stack: &Stack) {
        let mut next = Some(node);
        while let Some(node) = next
            && self.popped.insert(node)
        {
            for &frame in stack.own_frames(node) {
                self.visit(frame);
            }
            next = stack.included(node);
        }
    }
}

/// Appends to `out` the heads after `symbol`, sorted and distinct.
pub(crate) fn step<S: Symbol>(
    pda: &Pda,
    heads: &[Frame],
    symbol: &mut S,
    stack: &mut Stack,
    intern: bool,
    scratch: &mut Scratch,
    out: &mut Vec<Frame>,
) {
    let first_out = out.len();
    if let ([head], Some(byte)) = (heads, symbol.as_byte()) {
        match single_way(pda, *head, byte, stack, intern) {
            Way::To(next) => return out.push(returned(pda, next, stack)),
            Way::None => return,
            Way::Several => {}
        }
    }
    scratch.begin();
    for &head in heads {
        scratch.visit(head);
    }
    while let Some(frame) = scratch.work.pop() {
        take_edges(pda, frame, symbol, stack, intern, out);
        queue_calls(pda, frame, symbol, stack, intern, scratch);
        if pda.may_return(frame.state, frame.count) {
            scratch.pop(frame.below, stack);
        }
    }
    while let Some((procedure, callers)) = scratch.calls.next(pda) {
        let below = stack.push(pda, &mut scratch.calls.callers[callers], intern);
        let procedure = pda.procedure(procedure);
        let frame = Frame { state: procedure.start(), count: stack.count_at_call(procedure), below };
        take_edges(pda, frame, symbol, stack, intern, out);
        queue_calls(pda, frame, symbol, stack, intern, scratch);
    }
    sort_frames(pda, out, first_out);
}

/// How many ways there are from a head on a byte.
enum Way {
    None,
    To(Frame),
    /// There may be several; it takes the full procedure to tell.
    Several,
}

/// Follows a byte as long as there is one thing to do at a time: take an edge, call, or return. That is all there is in
/// deterministic grammars, and it needs no bookkeeping. Nodes that were pushed before a second way showed up stay behind
/// unused, until the stack is truncated.
fn single_way(pda: &Pda, head: Frame, byte: u8, stack: &mut Stack, intern: bool) -> Way {
    let mut frame = head;
    loop {
        let mut follower = Follower { registers: &mut stack.registers, intern };
        let Ok(next) =
            only(pda.byte_edges(frame.state).iter().filter(|edge| edge.low <= byte && byte <= edge.high), |edge| {
                follower.after(pda, frame, edge.into(), Some(byte))
            })
        else {
            return Way::Several;
        };
        let Ok(call) = only(
            pda.call_edges(frame.state).iter().filter(|edge| pda.procedure(edge.procedure).first_bytes.contains(byte)),
            |edge| follower.after(pda, frame, edge.into(), None).map(|frame| (edge, frame)),
        ) else {
            return Way::Several;
        };
        let returns = pda.may_return(frame.state, frame.count);
        if (next.is_some() && call.is_some())
            || (returns && (next.is_some() || call.is_some()) && !returns_in_vain(pda, frame.below, byte, stack))
        {
            return Way::Several;
        }
        if let Some(next) = next {
            return Way::To(next);
        }
        if let Some((edge, caller)) = call {
            let below = if edge.tail && frame.below != NodeId::BOTTOM {
                frame.below
            } else {
                stack.push_one(pda, caller, intern)
            };
            let procedure = pda.procedure(edge.procedure);
            frame = Frame { state: procedure.start(), count: stack.count_at_call(procedure), below };
        } else if !returns || frame.below == NodeId::BOTTOM {
            return Way::None;
        } else if let Some(parent) = stack.only_frame(frame.below) {
            frame = parent;
        } else {
            return Way::Several;
        }
    }
}

/// More calls in a row than this are left to the steps.
const MAX_ENTERED: usize = 16;

/// Where `head` comes to by calls alone, as long as a call is all that it can consume anything with and no part begins with it: that
/// has begun only with the first byte. The nodes that are pushed are not interned.
pub(crate) fn entered(pda: &Pda, head: Frame, stack: &mut Stack) -> Frame {
    let mut frame = head;
    for _ in 0..MAX_ENTERED {
        let &[edge] = pda.call_edges(frame.state) else { return frame };
        let procedure = pda.procedure(edge.procedure);
        if !pda.byte_edges(frame.state).is_empty()
            || !pda.token_edges(frame.state).is_empty()
            || (pda.is_accepting(frame.state) && !stack.is_inert(frame.below))
            || procedure.max_tokens.is_some()
            || edge.marks.begins()
        {
            return frame;
        }
        let mut follower = Follower { registers: &mut stack.registers, intern: false };
        let Some(caller) = follower.after(pda, frame, (&edge).into(), None) else { return frame };
        let below =
            if edge.tail && frame.below != NodeId::BOTTOM { frame.below } else { stack.push_one(pda, caller, false) };
        frame = Frame { state: procedure.start(), count: stack.count_at_call(procedure), below };
    }
    frame
}

/// What `map` gives for the one item for which it gives something; an error when it does for more than one.
fn only<T, U>(items: impl Iterator<Item = T>, mut map: impl FnMut(T) -> Option<U>) -> Result<Option<U>, ()> {
    let mut found = None;
    for item in items {
        if let Some(mapped) = map(item)
            && found.replace(mapped).is_some()
        {
            return Err(());
        }
    }
    Ok(found)
}

/// Whether nothing that `node` returns to can consume `byte`; false when that is not plain to see.
pub(crate) fn returns_in_vain(pda: &Pda, node: NodeId, byte: u8, stack: &Stack) -> bool {
    let mut node = node;
    while node != NodeId::BOTTOM {
        let Some(parent) = stack.only_frame(node) else { return false };
        if pda.byte_edges(parent.state).iter().any(|edge| edge.low <= byte && byte <= edge.high)
            || pda.call_edges(parent.state).iter().any(|edge| pda.procedure(edge.procedure).first_bytes.contains(byte))
        {
            return false;
        }
        if !pda.may_return(parent.state, parent.count) {
            return true;
        }
        node = parent.below;
    }
    true
}

/// The frame that `head` returns to, as long as that is all it can do and there is only one.
#[inline]
pub(crate) fn returned(pda: &Pda, mut head: Frame, stack: &Stack) -> Frame {
    while pda.is_final(head.state)
        && let Some(parent) = stack.only_frame(head.below)
    {
        head = parent;
    }
    head
}

fn take_edges<S: Symbol>(
    pda: &Pda,
    frame: Frame,
    symbol: &mut S,
    stack: &mut Stack,
    intern: bool,
    out: &mut Vec<Frame>,
) {
    let first = out.len();
    symbol.edges(pda, frame, &mut Follower { registers: &mut stack.registers, intern }, |next| out.push(next));
    out[first..].iter_mut().for_each(|head| *head = returned(pda, *head, stack));
}

fn queue_calls<S: Symbol>(pda: &Pda, frame: Frame, symbol: &S, stack: &mut Stack, intern: bool, scratch: &mut Scratch) {
    for edge in pda.call_edges(frame.state) {
        let callee = pda.procedure(edge.procedure);
        if !symbol.may_begin(callee) {
            continue;
        }
        let mut follower = Follower { registers: &mut stack.registers, intern };
        let Some(caller) = follower.after(pda, frame, edge.into(), None) else {
            continue;
        };
        let procedures = pda.procedures().len();
        if !edge.tail || frame.below == NodeId::BOTTOM {
            scratch.calls.add(procedures, callee.rank, edge.procedure, caller);
            continue;
        }
        let mut next = Some(frame.below);
        while let Some(node) = next
            && scratch.tail_called.insert((edge.procedure, node))
        {
            for &caller in stack.own_frames(node) {
                scratch.calls.add(procedures, callee.rank, edge.procedure, caller);
            }
            next = stack.included(node);
        }
    }
}

/// Whether the text so far is a word.
pub(crate) fn can_end(pda: &Pda, heads: &[Frame], stack: &Stack) -> bool {
    heads.iter().any(|head| pda.may_return(head.state, head.count) && stack.can_end(head.below))
}
