//! What look-aheads still ask of the text at one place.
//!
//! A place in a look-ahead is an automaton's state together with what comes after it in the look-ahead: a stack of frames. A
//! look-ahead can go on in several ways, and rules in it can have look-aheads of their own, so what is pending is a choice of
//! sets of places, of one of which all must come to their end. Frames are made as the text asks for them: a look-ahead that
//! is not regular is no obstacle as long as the texts that can follow need a bounded number of them.

use std::sync::Arc;

use grammar_ir::{Budget, ByteAutomaton, Counter, Expr, ExprId, Grammar};
use rustc_hash::FxHashMap;

use super::{Leaves, Lookahead, Obstacle};

/// What is pending: an index into [`Obligations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Pending(u32);

impl Pending {
    /// Nothing is pending.
    pub(super) const NOTHING: Self = Self(0);

    /// As a number, for names.
    pub(super) fn number(self) -> u32 {
        self.0
    }
}

/// More states of what is pending than this are refused; each has a table of a kilobyte.
const MAX_PENDING: usize = 4_096;
/// More sets of places in one state than this are refused.
const MAX_SETS: usize = 256;
/// More frames on top of each other than this are refused: a look-ahead that refers to itself at its beginning has no end
/// of them.
const MAX_FRAMES: u32 = 1_000;
/// More places that follow from one another without a byte than this are refused.
const MAX_CLOSURE: usize = 20_000;

/// What comes after a part of a look-ahead: an index into [`Obligations::frames`].
type FrameId = u32;

/// A part of a look-ahead that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Frame {
    /// The whole look-ahead.
    Whole,
    /// A sequence; the operand with this number is next.
    Sequence { expr: ExprId, next: u32, parent: FrameId },
    /// A repetition, of which so many have been before this one.
    Repeat { expr: ExprId, before: u32, parent: FrameId },
    /// Rules with look-aheads end here; their numbers, ascending.
    Lookaheads { numbers: Box<[u32]>, parent: FrameId },
}

/// Where reading a look-ahead is between two bytes, before it has been followed to places that read one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    /// Before an expression.
    Before(ExprId, FrameId),
    /// In the automaton of an expression, in a state with a count.
    In(ExprId, u32, u32, FrameId),
    /// The same, where the automaton reads another byte.
    ReadOn(ExprId, u32, u32, FrameId),
    /// After a part.
    After(FrameId),
}

/// A place that reads a byte: automaton's expression, state, count, and frame.
type Place = (ExprId, u32, u32, FrameId);

/// A choice of sets of places, each ascending; the choice is ascending, and no set has another one in it. Without a set
/// nothing satisfies it; the empty set is satisfied.
type Formula = Vec<Box<[u32]>>;

/// How a step goes on without a byte.
enum Next {
    /// With a byte, at this place.
    Byte(Place),
    /// In one of these ways.
    Any(Vec<Step>),
    /// In all of these ways.
    All(Vec<Step>),
}

/// All that can be pending, as far as it was asked for.
#[derive(Debug)]
pub(super) struct Obligations<'g> {
    grammar: &'g Grammar,
    lookaheads: &'g [Lookahead],
    frames: Vec<(Frame, u32)>,
    frame_numbers: FxHashMap<Frame, FrameId>,
    places: Vec<Place>,
    place_numbers: FxHashMap<Place, u32>,
    formulas: Vec<Formula>,
    formula_numbers: FxHashMap<Formula, Pending>,
    /// Per state: the states after each byte, once asked for.
    tables: Vec<Option<Arc<[Option<Pending>; 256]>>>,
    /// Per look-ahead: what it asks for at its beginning, once asked for.
    starts: FxHashMap<usize, Formula>,
}

impl<'g> Obligations<'g> {
    /// With nothing pending.
    pub(super) fn new(grammar: &'g Grammar, lookaheads: &'g [Lookahead]) -> Self {
        let satisfied: Formula = vec![Box::default()];
        Self {
            grammar,
            lookaheads,
            frames: vec![(Frame::Whole, 0)],
            frame_numbers: FxHashMap::from_iter([(Frame::Whole, 0)]),
            places: Vec::new(),
            place_numbers: FxHashMap::default(),
            formulas: vec![satisfied.clone()],
            formula_numbers: FxHashMap::from_iter([(satisfied, Pending::NOTHING)]),
            tables: vec![None],
            starts: FxHashMap::default(),
        }
    }

    /// What is pending after a word of the rule with the look-ahead `number`, before which was `pending`; `None` where
    /// nothing satisfies it.
    pub(super) fn begin(
        &mut self,
        pending: Pending,
        number: usize,
        leaves: &mut Leaves,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Pending>, Obstacle> {
        let start = match self.starts.get(&number) {
            Some(start) => start.clone(),
            None => {
                let step = Step::Before(self.lookaheads[number].expr, 0);
                let start = self.follow(step, leaves, budget)?;
                self.starts.insert(number, start.clone());
                start
            }
        };
        let both = all_of(&self.formulas[pending.0 as usize], &start)?;
        self.intern(both)
    }

    /// What is pending after each byte; `None` where nothing satisfies it.
    pub(super) fn after_bytes(
        &mut self,
        pending: Pending,
        leaves: &mut Leaves,
        budget: &mut Budget<'_>,
    ) -> Result<Arc<[Option<Pending>; 256]>, Obstacle> {
        if let Some(table) = &self.tables[pending.0 as usize] {
            return Ok(Arc::clone(table));
        }
        let sets = self.formulas[pending.0 as usize].clone();
        let mut table = [None; 256];
        let mut after_place: FxHashMap<(u32, u32), Formula> = FxHashMap::default();
        for byte in 0..=u8::MAX {
            budget.tick()?;
            let mut after: Formula = Vec::new();
            for set in &sets {
                let mut all: Formula = vec![Box::default()];
                for &place in set {
                    let next = self.after_byte(place, byte, &mut after_place, leaves, budget)?;
                    all = all_of(&all, &next)?;
                    if all.is_empty() {
                        break;
                    }
                }
                after.extend(all);
            }
            table[usize::from(byte)] = self.intern(simplified(after)?)?;
        }
        let table = Arc::new(table);
        self.tables[pending.0 as usize] = Some(Arc::clone(&table));
        Ok(table)
    }

    fn after_byte(
        &mut self,
        place: u32,
        byte: u8,
        known: &mut FxHashMap<(u32, u32), Formula>,
        leaves: &mut Leaves,
        budget: &mut Budget<'_>,
    ) -> Result<Formula, Obstacle> {
        let (expr, state, count, frame) = self.places[place as usize];
        let Some(automaton) = leaves.automaton(self.grammar, expr, budget)? else { return Ok(Vec::new()) };
        let Some(edge) = automaton.edge(state, byte) else { return Ok(Vec::new()) };
        let Some(count) = counted(&automaton, edge.counts, count) else { return Ok(Vec::new()) };
        // Bytes of one edge that counts alike lead to the same.
        let key = (place, edge.target);
        if let Some(known) = known.get(&key) {
            return Ok(known.clone());
        }
        let next = self.follow(Step::In(expr, edge.target, count, frame), leaves, budget)?;
        if !edge.counts {
            known.insert(key, next.clone());
        }
        Ok(next)
    }

    /// The choice of sets of places that read the next byte which `step` leads to. As steps can lead to themselves, what
    /// follows is worked out together, beginning with nothing, until it does not grow.
    fn follow(&mut self, step: Step, leaves: &mut Leaves, budget: &mut Budget<'_>) -> Result<Formula, Obstacle> {
        let mut numbers: FxHashMap<Step, usize> = FxHashMap::from_iter([(step, 0)]);
        let mut steps = vec![step];
        let mut ways: Vec<(bool, Vec<usize>)> = Vec::new();
        let mut formulas: Vec<Formula> = Vec::new();
        while let Some(&step) = steps.get(ways.len()) {
            budget.tick()?;
            if steps.len() > MAX_CLOSURE {
                return Err(Obstacle::Endless);
            }
            let (all, next) = match self.next(step, leaves, budget)? {
                Next::Byte(place) => {
                    let new = self.places.len() as u32;
                    let number = *self.place_numbers.entry(place).or_insert(new);
                    if number == new {
                        self.places.push(place);
                    }
                    formulas.push(vec![Box::new([number])]);
                    ways.push((false, Vec::new()));
                    continue;
                }
                Next::Any(next) => (false, next),
                Next::All(next) => (true, next),
            };
            formulas.push(Vec::new());
            let next = next.into_iter().map(|step| {
                *numbers.entry(step).or_insert_with(|| {
                    steps.push(step);
                    steps.len() - 1
                })
            });
            ways.push((all, next.collect()));
        }
        loop {
            let mut has_grown = false;
            for index in (0..ways.len()).rev() {
                budget.tick()?;
                let (all, next) = &ways[index];
                if !all && next.is_empty() {
                    continue;
                }
                let mut formula: Formula = if *all { vec![Box::default()] } else { Vec::new() };
                for &next in next {
                    if *all {
                        formula = all_of(&formula, &formulas[next])?;
                    } else {
                        formula.extend(formulas[next].iter().cloned());
                    }
                }
                let formula = simplified(formula)?;
                if formula != formulas[index] {
                    formulas[index] = formula;
                    has_grown = true;
                }
            }
            if !has_grown {
                return Ok(formulas.swap_remove(0));
            }
        }
    }

    /// How `step` goes on.
    fn next(&mut self, step: Step, leaves: &mut Leaves, budget: &mut Budget<'_>) -> Result<Next, Obstacle> {
        let grammar = self.grammar;
        Ok(match step {
            Step::Before(id, frame) => match grammar.expr(id) {
                Expr::Empty => Next::Any(vec![Step::After(frame)]),
                Expr::Sequence(operands) => {
                    let after = self.sequence(id, 1, operands.len(), frame)?;
                    Next::Any(vec![Step::Before(operands[0], after)])
                }
                Expr::Choice(operands) => Next::Any(operands.iter().map(|&part| Step::Before(part, frame)).collect()),
                Expr::Repeat { min, .. } if leaves.automaton(grammar, id, budget)?.is_none() => {
                    let mut ways = if *min == 0 { vec![Step::After(frame)] } else { Vec::new() };
                    ways.extend(self.once_more(id, 0, frame)?);
                    Next::Any(ways)
                }
                Expr::Rule(rule) => {
                    let own = self.lookaheads.iter().position(|lookahead| lookahead.rule == *rule);
                    let frame = match own {
                        Some(number) => self.lookahead(number as u32, frame)?,
                        None => frame,
                    };
                    Next::Any(vec![Step::Before(grammar.rule(*rule).body, frame)])
                }
                Expr::Token(_) => return Err(Obstacle::Token(self.first_with_token())),
                _ => match leaves.automaton(grammar, id, budget)? {
                    Some(_) => Next::Any(vec![Step::In(id, 0, 0, frame)]),
                    None => Next::Any(Vec::new()),
                },
            },
            Step::In(id, state, count, frame) => {
                let Some(automaton) = leaves.automaton(grammar, id, budget)? else { return Ok(Next::Any(Vec::new())) };
                let may_end =
                    automaton.accepting[state as usize] && automaton.counter.is_none_or(|counter| count >= counter.min);
                let mut ways = vec![Step::ReadOn(id, state, count, frame)];
                if may_end {
                    ways.push(Step::After(frame));
                }
                Next::Any(ways)
            }
            Step::ReadOn(id, state, count, frame) => Next::Byte((id, state, count, frame)),
            Step::After(frame) => match self.frames[frame as usize].0.clone() {
                Frame::Whole => Next::All(Vec::new()),
                Frame::Sequence { expr, next, parent } => {
                    let operands = grammar.expr(expr).operands();
                    let after = self.sequence(expr, next + 1, operands.len(), parent)?;
                    Next::Any(vec![Step::Before(operands[next as usize], after)])
                }
                Frame::Repeat { expr, before, parent } => {
                    let Expr::Repeat { min, max, .. } = grammar.expr(expr) else { return Ok(Next::Any(Vec::new())) };
                    let done = if max.is_some() { before + 1 } else { (before + 1).min(*min) };
                    let mut ways = if done >= *min { vec![Step::After(parent)] } else { Vec::new() };
                    ways.extend(self.once_more(expr, done, parent)?);
                    Next::Any(ways)
                }
                Frame::Lookaheads { numbers, parent } => {
                    let starts = numbers.iter().map(|&number| Step::Before(self.lookaheads[number as usize].expr, 0));
                    Next::All(starts.chain([Step::After(parent)]).collect())
                }
            },
        })
    }

    /// The first look-ahead that has a token in it, without those of rules.
    fn first_with_token(&self) -> usize {
        let has_token = |lookahead: &Lookahead| {
            let mut agenda = vec![lookahead.expr];
            let mut seen = rustc_hash::FxHashSet::default();
            while let Some(id) = agenda.pop() {
                if !seen.insert(id) {
                    continue;
                }
                match self.grammar.expr(id) {
                    Expr::Token(_) => return true,
                    Expr::Rule(rule) => agenda.push(self.grammar.rule(*rule).body),
                    expr => agenda.extend(expr.operands()),
                }
            }
            false
        };
        self.lookaheads.iter().position(has_token).unwrap_or(0)
    }

    /// The frame after an operand of a sequence, if there are more; the last one is not waited for.
    fn sequence(&mut self, expr: ExprId, next: u32, len: usize, parent: FrameId) -> Result<FrameId, Obstacle> {
        if next as usize >= len { Ok(parent) } else { self.frame(Frame::Sequence { expr, next, parent }, parent) }
    }

    /// One more repetition after `done`, if there may be one.
    fn once_more(&mut self, expr: ExprId, done: u32, parent: FrameId) -> Result<Option<Step>, Obstacle> {
        match *self.grammar.expr(expr) {
            // Of the only one, or the last one, nothing need be known afterwards.
            Expr::Repeat { body, min, max: Some(max) } if done + 1 == max && done + 1 >= min => {
                Ok(Some(Step::Before(body, parent)))
            }
            Expr::Repeat { body, max, .. } if max.is_none_or(|max| done < max) => {
                let frame = self.frame(Frame::Repeat { expr, before: done, parent }, parent)?;
                Ok(Some(Step::Before(body, frame)))
            }
            _ => Ok(None),
        }
    }

    /// The frame of a rule with a look-ahead; what asks for the same twice asks for it once.
    fn lookahead(&mut self, number: u32, frame: FrameId) -> Result<FrameId, Obstacle> {
        let (numbers, parent) = match &self.frames[frame as usize].0 {
            Frame::Lookaheads { numbers, parent } => {
                let mut numbers = numbers.to_vec();
                numbers.push(number);
                numbers.sort_unstable();
                numbers.dedup();
                (numbers, *parent)
            }
            _ => (vec![number], frame),
        };
        self.frame(Frame::Lookaheads { numbers: numbers.into(), parent }, parent)
    }

    fn frame(&mut self, frame: Frame, parent: FrameId) -> Result<FrameId, Obstacle> {
        if let Some(&known) = self.frame_numbers.get(&frame) {
            return Ok(known);
        }
        let depth = self.frames[parent as usize].1 + 1;
        if depth > MAX_FRAMES {
            return Err(Obstacle::Endless);
        }
        let number = self.frames.len() as FrameId;
        self.frames.push((frame.clone(), depth));
        self.frame_numbers.insert(frame, number);
        Ok(number)
    }

    fn intern(&mut self, formula: Formula) -> Result<Option<Pending>, Obstacle> {
        if formula.is_empty() {
            return Ok(None);
        }
        if let Some(&known) = self.formula_numbers.get(&formula) {
            return Ok(Some(known));
        }
        if self.formulas.len() >= MAX_PENDING {
            return Err(Obstacle::Endless);
        }
        let number = Pending(self.formulas.len() as u32);
        self.formulas.push(formula.clone());
        self.formula_numbers.insert(formula, number);
        self.tables.push(None);
        Ok(Some(number))
    }
}

/// The count after an edge.
fn counted(automaton: &ByteAutomaton, counts: bool, count: u32) -> Option<u32> {
    match automaton.counter {
        Some(counter) if counts => Counter::next(counter, count),
        _ => Some(count),
    }
}

/// What satisfies both.
fn all_of(left: &Formula, right: &Formula) -> Result<Formula, Obstacle> {
    if left.len().saturating_mul(right.len()) > MAX_SETS * MAX_SETS {
        return Err(Obstacle::Endless);
    }
    let mut both = Vec::with_capacity(left.len() * right.len());
    for one in left {
        for other in right {
            let mut set: Vec<u32> = one.iter().chain(other.iter()).copied().collect();
            set.sort_unstable();
            set.dedup();
            both.push(set.into_boxed_slice());
        }
    }
    simplified(both)
}

/// Without sets that have another one in them: whatever satisfies them satisfies that one.
fn simplified(mut formula: Formula) -> Result<Formula, Obstacle> {
    formula.sort_unstable_by(|left, right| left.len().cmp(&right.len()).then_with(|| left.cmp(right)));
    formula.dedup();
    let mut kept: Formula = Vec::new();
    for set in formula {
        let has = |smaller: &[u32]| smaller.iter().all(|place| set.binary_search(place).is_ok());
        if !kept.iter().any(|smaller| has(smaller)) {
            if kept.len() >= MAX_SETS {
                return Err(Obstacle::Endless);
            }
            kept.push(set);
        }
    }
    kept.sort_unstable();
    Ok(kept)
}
