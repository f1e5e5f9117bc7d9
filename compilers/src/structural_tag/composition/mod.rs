//! Formats next to each other, where some of them are free text.
//!
//! On its own, each of two free texts could hold a half of what ends the tag around them, or of a trigger. So formats are
//! lowered to [`Part`]s, in which free text is left open, and only the whole content of a tag becomes an expression:
//!
//! ```text
//! Part ─ positions → which parts may follow which (Glushkov's construction) ─ compose → expressions
//! ```
//!
//! * Free texts of one kind next to each other are one free text.
//! * Those of several kinds are one automaton (`product`), which keeps watch for the ends across their borders.
//! * What cannot be watched like this is refused (`borders`).
//! * Free text goes up to where the first end is completed, and not on to a later one that overlaps with it.

mod borders;
mod positions;
mod product;

use std::rc::Rc;

use grammar_ir::{ByteAutomaton, Expr, ExprId, RuleId};
use rustc_hash::FxHashMap;

use self::positions::{Position, Positions};
use self::product::Product;
use super::lower::Lowering;
use crate::diagnostic::Diagnostics;
use crate::free_text::{FreeText, Starts, text_up_to};

/// A format in which free text is left open.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// Free text of a kind.
    Text(usize),
    /// Free text of a bounded length.
    Limited(Rc<Limited>),
    /// Texts that are not free, none of them empty unless it is the only one.
    Solid(ExprId),
    /// Texts that are not free, and one of them may be empty.
    MaybeEmpty(ExprId),
    /// Texts that are not free, where only what the format stands for says whether the empty text is one of them.
    Leaf(ExprId, LeafId),
    /// Texts that begin or end in free text, which is no longer open.
    Closed(Rc<Closed>),
    /// What ends the free text before it, and where it may do so.
    Word(Rc<Starts>, ExprId),
    /// One after the other.
    Sequence(Vec<Self>),
    /// Any one of them.
    Choice(Vec<Self>),
    /// So many times.
    Repeat(Box<Self>, u32, Option<u32>),
}

/// Free text of a bounded length.
#[derive(Debug)]
pub(super) struct Limited {
    /// The JSON Pointer of the format.
    pub(super) pointer: String,
    pub(super) kind: usize,
    pub(super) max_tokens: Option<u32>,
    pub(super) max_chars: Option<u32>,
}

/// The number of a format without formats in it, in the order in which they are lowered.
pub(super) type LeafId = usize;

/// Texts that begin or end in free text, which is no longer open.
#[derive(Debug)]
pub(super) struct Closed {
    /// The JSON Pointer of the format.
    pub(super) pointer: String,
    pub(super) expr: ExprId,
    /// The kinds of free text that they may begin with.
    pub(super) begin: Vec<usize>,
    /// The kinds of free text that they may end with.
    pub(super) end: Vec<usize>,
}

/// A kind of free text.
#[derive(Debug)]
pub(super) struct TextKind {
    /// The JSON Pointer of the first format with free text of this kind.
    pub(super) pointer: String,
    /// The triggers and excluded texts, sorted, without the ends of tags.
    pub(super) kept_out: Vec<String>,
    pub(super) free: FreeText,
    /// The texts of this kind.
    pub(super) texts: Rc<ByteAutomaton>,
}

/// What comes after the whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completion<'a> {
    /// The text that free text before it must not have completed already.
    pub(super) text: Option<&'a str>,
    pub(super) expr: ExprId,
}

/// What may follow a position, and whether the whole may end there.
type Next = (Vec<usize>, bool);

/// A part on its way to an expression.
struct Composition<'c> {
    positions: Positions,
    kinds: &'c [TextKind],
    /// All ends around the part.
    ends: &'c TextKind,
    /// What comes after the whole, together with the states of `ends` where free text may end before it.
    completions: Vec<(Starts, ExprId)>,
    /// A rule for what comes next.
    rules: FxHashMap<Next, RuleId>,
    /// Those that have no body yet.
    open: Vec<Next>,
}

impl<'a> Lowering<'a> {
    /// The texts of `part`, each with one of `completions` after it.
    ///
    /// # Errors
    /// When a limit is met.
    pub(super) fn compose(&mut self, part: &Part, completions: &[Completion<'_>]) -> Result<ExprId, Diagnostics> {
        if let Some(solid) = self.solid(part) {
            let after = self.builder.choice(completions.iter().map(|completion| completion.expr));
            return Ok(self.builder.sequence([solid, after]));
        }
        let ends = TextKind::new(String::new(), Vec::new(), &self.ends, &[])?;
        let mut with_starts: Vec<(Starts, ExprId)> = Vec::new();
        let bounding: Vec<(&str, ExprId)> =
            completions.iter().filter_map(|end| Some((end.text.filter(|text| !text.is_empty())?, end.expr))).collect();
        let texts: Vec<&str> = bounding.iter().map(|&(text, _)| text).collect();
        for (starts, members) in ends.free.starts_of_ends(&texts, &self.budget)? {
            let after = self.builder.choice(members.into_iter().map(|member| bounding[member].1));
            with_starts.push((starts, after));
        }
        let others = completions.iter().filter(|end| end.text.is_none_or(str::is_empty)).map(|end| (None, end.expr));
        with_starts.extend(others);

        let part = self.never_empty(part);
        let (positions, first) = Positions::of(&part, &self.budget)?;
        self.check_borders(&positions, &with_starts);
        let kinds = std::mem::take(&mut self.kinds_of_text);
        let mut composition = Composition {
            positions,
            kinds: &kinds,
            ends: &ends,
            completions: with_starts,
            rules: FxHashMap::default(),
            open: Vec::new(),
        };
        let composed = composition.compose(first, self);
        self.kinds_of_text = kinds;
        composed
    }

    /// `expr`, which has the texts of `part` in it, at its beginning or end where `is_open` says so.
    ///
    /// # Errors
    /// When a limit is met.
    pub(super) fn close(
        &mut self,
        pointer: &str,
        part: &Part,
        expr: ExprId,
        is_open: (bool, bool),
    ) -> Result<Part, Diagnostics> {
        let part = self.never_empty(part);
        let (positions, (first, _)) = Positions::of(&part, &self.budget)?;
        let last = (0..positions.len()).filter(|&position| positions.is_last(position));
        let mut begin: Vec<usize> =
            first.into_iter().flat_map(|position| positions.kinds_at_begin(position)).copied().collect();
        let mut end: Vec<usize> = last.flat_map(|position| positions.kinds_at_end(position)).copied().collect();
        for (kinds, is_open) in [(&mut begin, is_open.0), (&mut end, is_open.1)] {
            kinds.sort_unstable();
            kinds.dedup();
            kinds.truncate(if is_open { kinds.len() } else { 0 });
        }
        if begin.is_empty() && end.is_empty() {
            return Ok(Part::Solid(expr));
        }
        Ok(Part::Closed(Rc::new(Closed { pointer: pointer.to_owned(), expr, begin, end })))
    }

    /// The texts of `part`, if no free text is in it. The nesting is bounded by the parser of JSON.
    pub(super) fn solid(&mut self, part: &Part) -> Option<ExprId> {
        match part {
            Part::Text(_) | Part::Limited(_) | Part::Closed(_) | Part::Word(..) => None,
            Part::Solid(solid) | Part::MaybeEmpty(solid) | Part::Leaf(solid, _) => Some(*solid),
            Part::Sequence(parts) => {
                let parts: Vec<ExprId> = parts.iter().map(|part| self.solid(part)).collect::<Option<_>>()?;
                Some(self.builder.sequence(parts))
            }
            Part::Choice(parts) => {
                let parts: Vec<ExprId> = parts.iter().map(|part| self.solid(part)).collect::<Option<_>>()?;
                Some(self.builder.choice(parts))
            }
            Part::Repeat(part, min, max) => {
                let part = self.solid(part)?;
                Some(self.builder.repeat(part, *min, *max))
            }
        }
    }

    /// `part` with what may come no times taken for what may be left out, so that it does not keep free texts apart.
    fn never_empty(&mut self, part: &Part) -> Part {
        match part {
            Part::Text(_) | Part::Limited(_) | Part::Solid(_) | Part::Closed(_) | Part::Word(..) => part.clone(),
            Part::MaybeEmpty(_) => Part::Repeat(Box::new(part.clone()), 0, Some(1)),
            Part::Leaf(solid, leaf) if self.can_be_empty(self.leaves[*leaf]) => {
                Part::Repeat(Box::new(Part::MaybeEmpty(*solid)), 0, Some(1))
            }
            Part::Leaf(solid, _) => Part::Solid(*solid),
            Part::Sequence(parts) => Part::Sequence(parts.iter().map(|part| self.never_empty(part)).collect()),
            Part::Choice(parts) => Part::Choice(parts.iter().map(|part| self.never_empty(part)).collect()),
            Part::Repeat(part, min, max) => match self.solid(part) {
                Some(solid) => {
                    let repeated = self.builder.repeat(solid, (*min).max(1), *max);
                    if self.is_nullable(part) {
                        return Part::Repeat(Box::new(Part::MaybeEmpty(repeated)), 0, Some(1));
                    }
                    Part::Repeat(Box::new(Part::Solid(repeated)), (*min).min(1), Some(1))
                }
                None => Part::Repeat(Box::new(self.never_empty(part)), *min, *max),
            },
        }
    }

    /// Whether the empty text is one of `part`, which has no free text in it.
    fn is_nullable(&self, part: &Part) -> bool {
        match part {
            Part::Solid(solid) => *self.builder.expr(*solid) == Expr::Empty,
            Part::MaybeEmpty(_) => true,
            Part::Leaf(_, leaf) => self.can_be_empty(self.leaves[*leaf]),
            Part::Sequence(parts) => parts.iter().all(|part| self.is_nullable(part)),
            Part::Choice(parts) => parts.iter().any(|part| self.is_nullable(part)),
            Part::Repeat(part, min, _) => *min == 0 || self.is_nullable(part),
            Part::Text(_) | Part::Limited(_) | Part::Closed(_) | Part::Word(..) => false,
        }
    }
}

impl Part {
    /// The number of parts without parts in it. The nesting is bounded by the parser of JSON.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(_)
            | Self::Limited(_)
            | Self::Solid(_)
            | Self::MaybeEmpty(_)
            | Self::Leaf(..)
            | Self::Closed(_)
            | Self::Word(..) => 1,
            Self::Repeat(part, ..) if matches!(**part, Self::Solid(_) | Self::MaybeEmpty(_) | Self::Leaf(..)) => 1,
            Self::Sequence(parts) | Self::Choice(parts) => parts.iter().map(Self::size).sum(),
            Self::Repeat(part, min, max) => part.size().saturating_mul(max.unwrap_or((*min).max(1)) as usize),
        }
    }
}

impl TextKind {
    pub(super) fn new(
        pointer: String,
        kept_out: Vec<String>,
        patterns: &[&str],
        excludes: &[&str],
    ) -> Result<Self, Diagnostics> {
        let free = FreeText::new(patterns, excludes)?;
        let texts = Rc::new(free.text());
        Ok(Self { pointer, kept_out, free, texts })
    }
}

/// Adds `expr` to what may come after the texts for `key`.
fn add<K: PartialEq>(arms: &mut Vec<(K, Vec<ExprId>)>, key: K, expr: ExprId) {
    match arms.iter_mut().find(|(other, _)| *other == key) {
        Some((_, exprs)) => exprs.push(expr),
        None => arms.push((key, vec![expr])),
    }
}

impl Composition<'_> {
    fn compose(&mut self, first: Next, lowering: &mut Lowering<'_>) -> Result<ExprId, Diagnostics> {
        let root = self.rule(first, lowering);
        while let Some(next) = self.open.pop() {
            lowering.budget.check_time()?;
            let rule = self.rules[&next];
            let body = self.after(&next, lowering)?;
            lowering.builder.define(rule, body);
        }
        Ok(root)
    }

    /// The rule for what comes next.
    fn rule(&mut self, next: Next, lowering: &mut Lowering<'_>) -> ExprId {
        let rule = *self.rules.entry(next).or_insert_with_key(|next| {
            self.open.push(next.clone());
            lowering.texts += 1;
            lowering.builder.declare(format!("free_text_{}", lowering.texts))
        });
        lowering.builder.rule(rule)
    }

    /// What comes next.
    fn after(&mut self, (follow, is_end): &Next, lowering: &mut Lowering<'_>) -> Result<ExprId, Diagnostics> {
        let mut alternatives = Vec::new();
        let (texts, solids): (Vec<usize>, Vec<usize>) =
            follow.iter().copied().partition(|&position| self.positions.kind_of(position).is_some());
        for position in solids {
            alternatives.push(self.solid(position, lowering));
        }
        if *is_end {
            alternatives.extend(self.completions.iter().map(|&(_, completion)| completion));
        }
        let is_alone = texts.iter().all(|&text| {
            self.positions.kind_of(text) == self.positions.kind_of(texts[0])
                && self.positions.follow(text).iter().all(|&next| self.positions.kind_of(next).is_none())
        });
        if !texts.is_empty() {
            let arms = if is_alone { self.text(&texts, lowering) } else { self.product(&texts, lowering)? };
            for (automaton, after) in arms {
                let text = lowering.builder.automaton(automaton);
                let after = lowering.builder.choice(after);
                alternatives.push(lowering.builder.sequence([text, after]));
            }
        }
        Ok(lowering.builder.choice(alternatives))
    }

    /// What is not free text without a limit at `position`, and what comes after it.
    fn solid(&mut self, position: usize, lowering: &mut Lowering<'_>) -> ExprId {
        let is_last = self.positions.is_last(position);
        match self.positions.at(position) {
            Position::Text(_) => lowering.builder.never(),
            &(Position::Solid(expr)
            | Position::MaybeEmpty(expr)
            | Position::Word(_, expr)
            | Position::Closed(_, expr)) => {
                let rest = self.rule((self.positions.follow(position).to_vec(), is_last), lowering);
                lowering.builder.sequence([expr, rest])
            }
            Position::Limited(limited) => {
                let limited = Rc::clone(limited);
                let mut arms: Vec<(Starts, Vec<ExprId>)> = Vec::new();
                if !self.positions.follow(position).is_empty() {
                    let rest = self.rule((self.positions.follow(position).to_vec(), false), lowering);
                    arms.push((None, vec![rest]));
                }
                if is_last {
                    self.add_completions(limited.kind, &mut arms);
                }
                let mut alternatives = Vec::with_capacity(arms.len());
                for (starts, after) in arms {
                    let text = self.limited(&limited, &starts, lowering);
                    let after = lowering.builder.choice(after);
                    alternatives.push(lowering.builder.sequence([text, after]));
                }
                lowering.builder.choice(alternatives)
            }
        }
    }

    /// Free text of a bounded length that ends where `starts` says.
    fn limited(&self, limited: &Limited, starts: &Starts, lowering: &mut Lowering<'_>) -> ExprId {
        let text = self.kinds[limited.kind].free.text_ending(starts);
        let text = match limited.max_chars {
            Some(max) => text_up_to(text, max),
            None => text,
        };
        let text = lowering.builder.automaton(text);
        lowering.budgeted(text, limited.max_tokens)
    }

    /// What may come after the whole, where free text of a kind may end before it.
    fn add_completions(&self, kind: usize, arms: &mut Vec<(Starts, Vec<ExprId>)>) {
        let nodes = self.kinds[kind].free.nodes_in(&self.ends.free);
        for (starts, completion) in &self.completions {
            let starts = starts.as_ref().map(|starts| nodes.iter().map(|&node| starts[node as usize]).collect());
            add(arms, starts, *completion);
        }
    }

    /// Free text of one kind: automata, each with what may follow it.
    fn text(&mut self, texts: &[usize], lowering: &mut Lowering<'_>) -> Vec<(ByteAutomaton, Vec<ExprId>)> {
        let Some(kind) = self.positions.kind_of(texts[0]) else { return Vec::new() };
        let mut follow: Vec<usize> = texts.iter().flat_map(|&text| self.positions.follow(text)).copied().collect();
        follow.sort_unstable();
        follow.dedup();
        let mut arms: Vec<(Starts, Vec<ExprId>)> = Vec::new();
        for position in follow {
            let solid = self.solid(position, lowering);
            add(&mut arms, self.positions.starts(position), solid);
        }
        if texts.iter().any(|&text| self.positions.is_last(text)) {
            self.add_completions(kind, &mut arms);
        }
        let free = &self.kinds[kind].free;
        arms.into_iter().map(|(starts, exprs)| (free.text_ending(&starts), exprs)).collect()
    }

    /// Free texts of several kinds next to each other: automata, each with what may follow it.
    fn product(
        &mut self,
        texts: &[usize],
        lowering: &mut Lowering<'_>,
    ) -> Result<Vec<(ByteAutomaton, Vec<ExprId>)>, Diagnostics> {
        let product = Product::new(texts, &self.positions, self.kinds, self.ends, &mut lowering.budget)?;
        let mut arms: Vec<(Vec<bool>, Vec<ExprId>)> = Vec::new();
        for position in product.followers(&self.positions) {
            let accepting = product.before(position, &self.positions, self.kinds);
            let solid = self.solid(position, lowering);
            add(&mut arms, accepting, solid);
        }
        for (starts, completion) in &self.completions {
            let accepting = product.before_end(starts, &self.positions, self.kinds, self.ends);
            add(&mut arms, accepting, *completion);
        }
        Ok(arms.into_iter().map(|(accepting, exprs)| (product.automaton(accepting), exprs)).collect())
    }
}
