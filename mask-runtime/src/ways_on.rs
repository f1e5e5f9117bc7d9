//! Where new values are plainly ahead.
//!
//! Whether a part that must be new can still become so is searched for byte by byte ([`is_live`](crate::distinct::is_live)),
//! which is long where it begins with what all such parts have in common: `{"type": "…`. But mostly a text is ahead in which
//! any number of letters can be read, or a required member that is one, and with each further letter the value is another one:
//! no other place of JSON takes letters without end. So there are more values than have been seen, and nothing is searched for.
//!
//! All this is one-sided. Where it is not plain, nothing is said.

use std::ops::Range;
use std::sync::OnceLock;

use grammar_ir::pda::{ByteEdge, EdgeMarks, Pda, Scope};
use grammar_ir::{ProcedureId, StateId};

use crate::chunks::Chunks;
use crate::compiled::CompiledGrammar;
use crate::stack::{Frame, NodeId, Stack};

/// Calls are followed so deep.
const MAX_DEPTH: usize = 16;

/// What is known of the ways on, once somebody has asked: per procedure.
#[derive(Debug)]
pub(crate) struct KnownWaysOn(Chunks<OnceLock<Option<Box<WaysOn>>>>);

impl KnownWaysOn {
    pub(crate) fn new(pda: &Pda) -> Self {
        Self(Chunks::new(if pda.has_traps() { pda.procedures().len() } else { 0 }))
    }

    pub(crate) fn memory(&self) -> usize {
        self.0.memory(|known| known.get().and_then(Option::as_ref).map_or(0, |ways| ways.memory()))
    }

    /// Of a procedure of an automaton with traps; nothing of one that bounds how much is read, or is too large to look at.
    fn get(&self, grammar: &CompiledGrammar, procedure: ProcedureId) -> Option<&WaysOn> {
        self.find(grammar, procedure, &mut Vec::new())
    }

    /// The same for a callee of the last of `callers`, which are being looked at.
    fn find(
        &self,
        grammar: &CompiledGrammar,
        procedure: ProcedureId,
        callers: &mut Vec<ProcedureId>,
    ) -> Option<&WaysOn> {
        let place = self.0.get(procedure.index());
        if place.get().is_none() {
            if callers.len() == MAX_DEPTH || callers.contains(&procedure) {
                return None;
            }
            callers.push(procedure);
            let ways = WaysOn::of(grammar, procedure, callers);
            callers.pop();
            let _ = place.set(ways.map(Box::new));
        }
        place.get().and_then(Option::as_deref)
    }
}

/// What is known of the ways on in a procedure.
#[derive(Debug)]
struct WaysOn {
    first: u32,
    /// Whether from the start on more and more letters can be read.
    from_start: bool,
    /// Per state: the state on a way without marks where any number of letters can be read, or that follows a call in which they can;
    /// [`NOWHERE`] for none.
    letters: Box<[u32]>,
    /// Of a scope, per element: whether it is always followed, before the next mark, by any number of letters.
    elements: Box<[bool]>,
    /// Of a scope: the required slots of which all elements are so.
    required: Box<[u32]>,
    /// Of a scope, per state: the same as `letters` for a part that can begin next.
    next_letters: Box<[u32]>,
    /// Of a scope, per state: whether it may be left without another mark, as when it has been closed.
    may_return: Box<[bool]>,
}

const NOWHERE: u32 = u32::MAX;

impl WaysOn {
    fn of(grammar: &CompiledGrammar, procedure: ProcedureId, callers: &mut Vec<ProcedureId>) -> Option<Self> {
        let pda = grammar.pda();
        let entry = pda.procedure(procedure);
        let is_bounded = entry.max_tokens.is_some() || entry.counter.is_some_and(|counter| counter.max.is_some());
        if is_bounded || entry.states.len() > grammar.tokenizer().thresholds().ways_on_states {
            return None;
        }
        let mut is_endless =
            |callee| grammar.ways_on().find(grammar, callee, callers).is_some_and(|ways| ways.from_start);
        let first = entry.states.start;
        let unmarked = Backward::of(pda, entry.states.clone());
        let letters = letters(pda, entry.states.clone(), &unmarked, &mut is_endless);
        let mut ways = Self {
            first,
            from_start: letters[0] != NOWHERE,
            letters: letters.into(),
            elements: Box::default(),
            required: Box::default(),
            next_letters: Box::default(),
            may_return: Box::default(),
        };
        if let Some(scope) = &entry.scope {
            ways.elements = ways.endless_elements(pda, scope, entry.states.clone(), &mut is_endless);
            ways.required = ways.endless_slots(pda, scope, entry.states.clone());
            ways.next_letters = ways.next_letters(pda, &unmarked, entry.states.clone(), &mut is_endless);
            ways.may_return = may_return(pda, entry.states.clone(), &unmarked);
            ways.from_start = ways.is_endless_scope(scope);
        }
        Some(ways)
    }

    fn memory(&self) -> usize {
        size_of::<Self>()
            + size_of_val(&*self.letters)
            + size_of_val(&*self.elements)
            + size_of_val(&*self.required)
            + size_of_val(&*self.next_letters)
            + size_of_val(&*self.may_return)
    }

    /// The number of `state` among those of the procedure. In a damaged file it may be none of them.
    fn number(&self, state: StateId) -> usize {
        state.as_u32().wrapping_sub(self.first) as usize
    }

    /// The state that [`Self::letters`] has for `state`.
    fn letters_after(&self, state: StateId) -> Option<u32> {
        self.letters.get(self.number(state)).copied().filter(|&found| found != NOWHERE)
    }

    /// The state that [`Self::next_letters`] has for `state`.
    fn next_letters_after(&self, state: StateId) -> Option<u32> {
        self.next_letters.get(self.number(state)).copied().filter(|&found| found != NOWHERE)
    }

    /// Whether letters can be read after `state` of `scope` whenever it is alive.
    fn are_letters_ahead(&self, scope: &Scope, state: StateId) -> bool {
        self.letters_after(state).is_some_and(|found| is_alive_with(scope, found, state.as_u32()))
    }

    fn endless_elements(
        &self,
        pda: &Pda,
        scope: &Scope,
        states: Range<u32>,
        is_endless: &mut impl FnMut(ProcedureId) -> bool,
    ) -> Box<[bool]> {
        let mut elements = vec![None; scope.rules().elements.len()];
        let mut note = |element: Option<u32>, is_endless: bool| {
            if let Some(known) = element.and_then(|element| elements.get_mut(element as usize)) {
                let known: &mut Option<bool> = known;
                *known = Some(known.unwrap_or(true) && is_endless);
            }
        };
        for state in states.map(StateId::from_u32) {
            for edge in pda.byte_edges(state) {
                note(edge.marks.selected(), self.are_letters_ahead(scope, edge.target));
            }
            for edge in pda.call_edges(state).iter().filter(|edge| edge.marks.selected().is_some()) {
                note(edge.marks.selected(), self.are_letters_ahead(scope, edge.target) || is_endless(edge.procedure));
            }
            pda.token_edges(state).iter().for_each(|edge| note(edge.marks.selected(), false));
        }
        elements.into_iter().map(|known| known == Some(true)).collect()
    }

    fn endless_slots(&self, pda: &Pda, scope: &Scope, states: Range<u32>) -> Box<[u32]> {
        let rules = scope.rules();
        let mut slots = vec![None; rules.required.len()];
        let marks_of = |state| {
            let bytes = pda.byte_edges(state).iter().map(|edge| edge.marks);
            bytes.chain(pda.call_edges(state).iter().map(|edge| edge.marks))
        };
        for element in states.map(StateId::from_u32).flat_map(marks_of).filter_map(EdgeMarks::selected) {
            if let Some(slot) = rules.elements.get(element as usize).and_then(|element| element.slot) {
                let known: &mut Option<bool> = &mut slots[slot as usize];
                *known = Some(known.unwrap_or(true) && self.elements[element as usize]);
            }
        }
        let is_endless = |slot: &u32| rules.required[*slot as usize] && slots[*slot as usize] == Some(true);
        (0..slots.len() as u32).filter(is_endless).collect()
    }

    fn next_letters(
        &self,
        pda: &Pda,
        unmarked: &Backward,
        states: Range<u32>,
        is_endless: &mut impl FnMut(ProcedureId) -> bool,
    ) -> Box<[u32]> {
        let begins = |marks: EdgeMarks| marks.begins() && marks.selected().is_none();
        let mut found = vec![NOWHERE; states.len()];
        for (number, state) in states.map(StateId::from_u32).enumerate() {
            let bytes = pda.byte_edges(state).iter().filter(|edge| begins(edge.marks));
            let calls = pda.call_edges(state).iter().filter(|edge| begins(edge.marks));
            let after_byte = || bytes.clone().find_map(|edge| self.letters_after(edge.target));
            let mut after_call = || {
                calls.clone().find_map(|edge| {
                    let in_call = || is_endless(edge.procedure).then(|| edge.target.as_u32());
                    self.letters_after(edge.target).or_else(in_call)
                })
            };
            found[number] = after_byte().or_else(&mut after_call).unwrap_or(NOWHERE);
        }
        unmarked.spread(&mut found);
        found.into()
    }

    /// Whether there is no end to what can be read in the scope from its start on; of one in which a part can be trapped that
    /// is not told.
    fn is_endless_scope(&self, scope: &Scope) -> bool {
        if scope.has_traps() || self.may_return[0] {
            return false;
        }
        let start = StateId::from_u32(self.first);
        let (none, mut registers) = (vec![0; scope.register_count()], Vec::new());
        let is_alive = |state: u32, tried: &mut Vec<u32>| match scope.guard_of(state) {
            Some(guard) => scope.lets_pass(guard, &none, tried),
            None => true,
        };
        if !self.required.is_empty()
            || [self.letters[0], self.next_letters[0]]
                .into_iter()
                .any(|state| state != NOWHERE && is_alive(state, &mut registers))
        {
            return true;
        }
        let mut can_select = |element: u32| {
            registers.clear();
            registers.extend_from_slice(&none);
            scope.select(element, &mut registers)
        };
        self.next_elements(scope, start).any(&mut can_select)
    }

    /// The elements followed by letters that can be selected next in a state, if the registers allow.
    fn next_elements(&self, scope: &Scope, state: StateId) -> impl Iterator<Item = u32> {
        let is_endless = |element: &u32| self.elements.get(*element as usize).is_some_and(|&endless| endless);
        let (some, all) = match scope.first_events(state.as_u32()) {
            Some(events) => (Some(events.iter().copied()), None),
            None => (None, Some(0..self.elements.len() as u32)),
        };
        some.into_iter().flatten().chain(all.into_iter().flatten()).filter(is_endless)
    }
}

/// Whether `state` of the scope is alive whenever `other` is.
fn is_alive_with(scope: &Scope, state: u32, other: u32) -> bool {
    let guard = scope.guard_of(state);
    guard.is_none() || guard == scope.guard_of(other)
}

/// The edges of a procedure without marks, from their targets to where they begin: returns are the targets of calls.
struct Backward {
    /// Where each state's sources end.
    ends: Vec<u32>,
    sources: Vec<u32>,
}

impl Backward {
    fn of(pda: &Pda, states: Range<u32>) -> Self {
        let (first, past) = (states.start, states.end);
        let targets = |state: StateId| {
            let bytes = pda.byte_edges(state).iter().filter(|edge| edge.marks.is_none()).map(|edge| edge.target);
            let calls = pda.call_edges(state).iter().filter(|edge| edge.marks.is_none()).map(|edge| edge.target);
            // In a damaged file targets may be anywhere.
            let others = bytes.chain(calls).filter(move |&target| target != state).map(move |target| target.as_u32());
            others.filter(move |target| (first..past).contains(target)).map(move |target| target - first)
        };
        let mut ends = vec![0u32; states.len() + 1];
        for state in states.clone() {
            targets(StateId::from_u32(state)).for_each(|target| ends[target as usize + 1] += 1);
        }
        (1..ends.len()).for_each(|number| ends[number] += ends[number - 1]);
        // Each entry is where the state's sources begin, and, as they are filled in, where they end.
        let mut sources = vec![0u32; ends[states.len()] as usize];
        for state in states {
            for target in targets(StateId::from_u32(state)) {
                let place = &mut ends[target as usize];
                sources[*place as usize] = state - first;
                *place += 1;
            }
        }
        Self { ends, sources }
    }

    fn sources(&self, state: u32) -> &[u32] {
        let start = state.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
        &self.sources[start as usize..self.ends[state as usize] as usize]
    }

    /// Finds for every state what was found for one that it leads to, the nearest.
    fn spread(&self, found: &mut [u32]) {
        let mut agenda: Vec<u32> = (0..found.len() as u32).filter(|&state| found[state as usize] != NOWHERE).collect();
        let mut next = 0;
        while let Some(&state) = agenda.get(next) {
            next += 1;
            for &source in self.sources(state) {
                if found[source as usize] == NOWHERE {
                    found[source as usize] = found[state as usize];
                    agenda.push(source);
                }
            }
        }
    }
}

/// [`WaysOn::letters`]. Where characters are counted, only those that count are letters: with them the least count is reached.
fn letters(
    pda: &Pda,
    states: Range<u32>,
    unmarked: &Backward,
    is_endless: &mut impl FnMut(ProcedureId) -> bool,
) -> Vec<u32> {
    let is_counted = pda.counter_of(StateId::from_u32(states.start)).is_some();
    let mut letters = vec![NOWHERE; states.len()];
    for (number, state) in states.map(StateId::from_u32).enumerate() {
        let is_loop = |edge: &ByteEdge| edge.target == state && is_letter(edge) && (edge.counts || !is_counted);
        if pda.byte_edges(state).iter().any(is_loop) {
            letters[number] = state.as_u32();
        } else if !is_counted {
            let calls = pda.call_edges(state).iter();
            let endless = calls.filter(|edge| edge.marks.is_none()).find(|edge| is_endless(edge.procedure));
            letters[number] = endless.map_or(NOWHERE, |edge| edge.target.as_u32());
        }
    }
    unmarked.spread(&mut letters);
    letters
}

/// [`WaysOn::may_return`].
fn may_return(pda: &Pda, states: Range<u32>, unmarked: &Backward) -> Box<[bool]> {
    let is_end = |state: u32| if pda.is_accepting(StateId::from_u32(state)) { state } else { NOWHERE };
    let mut ends: Vec<u32> = states.map(is_end).collect();
    unmarked.spread(&mut ends);
    ends.into_iter().map(|end| end != NOWHERE).collect()
}

/// Whether the edge, without marks, is on a letter.
fn is_letter(edge: &ByteEdge) -> bool {
    let includes = |low: u8, high: u8| edge.low <= high && low <= edge.high;
    edge.marks.is_none() && (includes(b'a', b'z') || includes(b'A', b'Z'))
}

/// At nodes with several frames each of them is looked at, so many times in all.
const MAX_FRAMES: usize = 32;

/// Whether one of `heads` in which a part must be new has a way on on which every such part becomes so. That it has none is never
/// said.
pub(crate) fn is_new_value_ahead(grammar: &CompiledGrammar, heads: &[Frame], stack: &mut Stack) -> bool {
    let mut left = MAX_FRAMES;
    heads.iter().any(|&head| Way::default().is_ahead(grammar, head, stack, &mut left))
}

/// What has been found out on the way down a stack.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    /// Whether letters can be read before the next frame goes on.
    has_letters: bool,
    /// Whether some part must be new.
    has_part: bool,
}

impl Way {
    /// Whether every part that must be new, and there is one, can be so in `frame` and below it.
    fn is_ahead(mut self, grammar: &CompiledGrammar, mut frame: Frame, stack: &mut Stack, left: &mut usize) -> bool {
        loop {
            match self.below(grammar, frame, stack) {
                Some(way) => self = way,
                None => return false,
            }
            if frame.below == NodeId::BOTTOM {
                return self.has_part;
            }
            match stack.only_frame(frame.below).filter(|_| stack.included(frame.below).is_none()) {
                Some(below) => frame = below,
                None => return self.is_ahead_below(grammar, frame.below, stack, left),
            }
        }
    }

    /// The same of the frames of a node.
    fn is_ahead_below(self, grammar: &CompiledGrammar, node: NodeId, stack: &mut Stack, left: &mut usize) -> bool {
        let mut next = Some(node);
        while let Some(node) = next {
            for number in 0..stack.own_frames(node).len() {
                let Some(fewer) = left.checked_sub(1) else { return false };
                *left = fewer;
                let frame = stack.own_frames(node)[number];
                if self.is_ahead(grammar, frame, stack, left) {
                    return true;
                }
            }
            next = stack.included(node);
        }
        false
    }

    /// What there is of the way below `frame`; `None` if the part that is being read in its scope, or the next one, may have to be
    /// one that was seen.
    fn below(self, grammar: &CompiledGrammar, frame: Frame, stack: &mut Stack) -> Option<Self> {
        let Self { has_letters, has_part } = self;
        let pda = grammar.pda();
        let ways = grammar.ways_on().get(grammar, pda.procedure_of(frame.state));
        let letters = ways.and_then(|ways| ways.letters_after(frame.state));
        let Some(scope) = pda.scope_of(frame.state) else {
            return Some(Self { has_letters: has_letters || letters.is_some(), has_part });
        };
        let is_alive = |state: Option<u32>, stack: &mut Stack| {
            state.is_some_and(|state| stack.registers.is_alive(scope, frame.count, state))
        };
        let may_select = |stack: &mut Stack| {
            !scope.has_traps() && ways.is_some_and(|ways| may_select_letters(ways, scope, frame, stack))
        };
        let can_be_trapped = frame.count != 0 && scope.has_distinct() && scope.has_traps();
        if stack.registers.part(frame.count).is_some() {
            let has_letters = has_letters || is_alive(letters, stack);
            let must_be_new = can_be_trapped && must_be_new(frame, stack);
            let is_new = has_letters || !must_be_new;
            let has_part = has_part || must_be_new;
            return is_new.then(|| Self { has_letters: has_letters || may_select(stack), has_part });
        }
        let in_next_part = is_alive(ways.and_then(|ways| ways.next_letters_after(frame.state)), stack);
        let wants_part =
            can_be_trapped && stack.registers.has_seen_in(frame.count) && scope.wants_part(frame.state.as_u32());
        // Where the scope wants something more after the letters, there may be nothing left that is new.
        let letters = letters.filter(|&state| !scope.has_traps() || !scope.wants_part(state));
        let has_letters = has_letters || in_next_part || is_alive(letters, stack) || may_select(stack);
        (in_next_part || !wants_part).then_some(Self { has_letters, has_part: has_part || wants_part })
    }
}

/// Whether the part that is being read in the scope of `frame` may be one that was seen. Of a part that was begun before the token,
/// while that is hidden, others find out.
fn must_be_new(frame: Frame, stack: &Stack) -> bool {
    if stack.registers.is_hiding() {
        stack.registers.is_new_part(frame.count)
    } else {
        stack.registers.may_repeat(frame.count)
    }
}

/// Whether an element that is followed by letters must or may be selected next in the scope of `frame`, one without traps: what its
/// rules allow can be met then.
fn may_select_letters(ways: &WaysOn, scope: &Scope, frame: Frame, stack: &mut Stack) -> bool {
    // What registers say holds until the scope is closed.
    if ways.may_return.get(ways.number(frame.state)) != Some(&false) {
        return false;
    }
    let registers = &mut stack.registers;
    let is_missing = |&slot: &u32| !scope.is_selected(slot, registers.words_of(frame.count));
    ways.required.iter().any(is_missing)
        || ways.next_elements(scope, frame.state).any(|element| registers.can_select(scope, frame.count, element))
}
