//! How far a scope has come, and which ways lead on from there.
//!
//! Marks belong to one body, so an item for a scope is all that carries them: its progress is *what is left of the body*
//! together with what has been selected. What is left is a stack of expressions with marks, each with its own progress;
//! a step takes it apart down to the next part that has no marks in it, which the item then waits for as any other does.
//!
//! A way is only gone if it leads to the end of the body. Which texts the parts to come may have, now that they must
//! differ from those before, is not asked: a part is refused when it has ended with a text that was there before.

use rustc_hash::FxHashMap;

use super::json;
use super::productive::Words;
use super::rules::{Rules, Selected};
use super::search::Known;
use super::step::{self, Step};
use crate::{Expr, ExprId, Grammar, Mark, ScopeRules};

/// What a grammar's scopes need to know of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) grammar: &'a Grammar,
    /// Which expressions have words; of what has marks in it, whether it had with any rules.
    pub(super) words: &'a Words,
    /// Per expression: whether marks of the scope around it are in it.
    pub(super) has_marks: &'a [bool],
}

/// Per expression: whether marks of the scope around it are in it.
pub(super) fn has_marks(grammar: &Grammar) -> Vec<bool> {
    let mut has_marks: Vec<bool> = Vec::with_capacity(grammar.exprs().len());
    for expr in grammar.exprs() {
        has_marks.push(match expr {
            Expr::Marked { .. } => true,
            Expr::Scope { .. } => false,
            _ => expr.operands().iter().any(|operand| has_marks[operand.index()]),
        });
    }
    has_marks
}

/// What one scope expression has come to in some text.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    rules: Rules,
    rests: Interner<Frame>,
    ways: FxHashMap<Rest, Ways>,
    selected: Interner<Selected>,
    texts: Interner<Vec<Vec<u8>>>,
    progress: Interner<Progress>,
    ends: Known<(Rest, usize, bool)>,
}

/// What is left of the body: the number of a frame, or nothing.
type Rest = Option<usize>;

/// An expression that the body is in, and what is left around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Frame {
    expr: ExprId,
    progress: usize,
    around: Rest,
}

/// What can come next of what is left.
#[derive(Debug, Clone, Default)]
struct Ways {
    /// Whether nothing need come.
    end: bool,
    parts: Vec<(Part, Rest)>,
}

/// A part without marks in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Part {
    expr: ExprId,
    mark: Option<Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Progress {
    /// The part that is waited for.
    part: Option<Part>,
    /// What is left after it.
    rest: Rest,
    /// Numbers of what has been selected before it, and of the texts that none of those to come may have.
    selected: usize,
    texts: usize,
}

/// What a scope's item does next.
pub(super) enum Next {
    /// It waits for a word of this.
    Part(ExprId),
    /// It goes on with each of these, and is complete or not.
    Ways { progress: Vec<usize>, is_complete: bool },
}

impl Scope {
    /// The scope `id`, if that is one.
    pub(super) fn new(context: Context<'_>, id: ExprId) -> Option<Self> {
        let Expr::Scope { rules, .. } = context.grammar.expr(id) else { return None };
        let mut scope = Self {
            rules: Rules::new(rules, &present(context, id, rules)),
            rests: Interner::default(),
            ways: FxHashMap::default(),
            selected: Interner::default(),
            texts: Interner::default(),
            progress: Interner::default(),
            ends: Known::default(),
        };
        let body = scope.rests.number(Frame { expr: id, progress: step::START, around: None });
        let selected = scope.selected.number(scope.rules.start());
        let texts = scope.texts.number(Vec::new());
        // The first number, which is `step::START`.
        scope.progress.number(Progress { part: None, rest: Some(body), selected, texts });
        Some(scope)
    }

    /// Whether the scope has a word; with `non_empty`, one that is not empty.
    pub(super) fn has_words(&mut self, context: Context<'_>, non_empty: bool) -> bool {
        let Progress { rest, selected, .. } = *self.progress.get(step::START);
        self.rules.can_be_met(&self.rules.start()) && self.reaches_end(context, rest, selected, !non_empty)
    }

    pub(super) fn next(&mut self, context: Context<'_>, progress: usize) -> Next {
        let Progress { part, rest, selected, texts } = *self.progress.get(progress);
        if let Some(part) = part {
            return Next::Part(part.expr);
        }
        let Ways { end, parts } = self.ways(context, rest);
        let mut progress = Vec::new();
        for (part, rest) in parts {
            if let Some(after) = self.selected_after(context, part, selected)
                && self.reaches_end(context, rest, after, true)
            {
                progress.push(self.progress.number(Progress { part: Some(part), rest, selected, texts }));
            }
        }
        Next::Ways { progress, is_complete: end }
    }

    /// The progress after the part that was waited for, which is `text`.
    pub(super) fn over_part(
        &mut self,
        context: Context<'_>,
        progress: usize,
        is_empty: bool,
        text: impl FnOnce() -> Vec<u8>,
    ) -> Option<usize> {
        let Progress { part, rest, selected, mut texts } = *self.progress.get(progress);
        let part = part?;
        if part.mark.is_some() && is_empty {
            return None;
        }
        if let Some(Mark::Element(element)) = part.mark
            && self.rules.is_distinct(element)
        {
            let mut known = self.texts.get(texts).clone();
            let text = json::canonical(&text());
            let place = known.binary_search(&text).err()?;
            known.insert(place, text);
            texts = self.texts.number(known);
        }
        let selected = self.selected_after(context, part, selected)?;
        Some(self.progress.number(Progress { part: None, rest, selected, texts }))
    }

    /// What has been selected after `part`, if that is possible.
    fn selected_after(&mut self, context: Context<'_>, part: Part, selected: usize) -> Option<usize> {
        let Part { expr, mark } = part;
        match mark {
            None => context.words.any(expr).then_some(selected),
            Some(_) if !context.words.non_empty(expr) => None,
            Some(Mark::Element(element)) => {
                let after = self.rules.select(self.selected.get(selected), element)?;
                Some(self.selected.number(after))
            }
            Some(Mark::Close) => self.rules.are_met(self.selected.get(selected)).then_some(selected),
        }
    }

    /// Whether the body can end, and has anything in it if it is not `done` without.
    fn reaches_end(&mut self, context: Context<'_>, rest: Rest, selected: usize, done: bool) -> bool {
        let mut known = std::mem::take(&mut self.ends);
        let reaches = known.reaches((rest, selected, done), |&(rest, selected, done)| {
            let Ways { end, parts } = self.ways(context, rest);
            if end && done {
                return None;
            }
            let mut after = Vec::new();
            for (part, rest) in parts {
                if let Some(selected) = self.selected_after(context, part, selected) {
                    after.push((rest, selected, done || context.words.non_empty(part.expr)));
                }
            }
            Some(after)
        });
        self.ends = known;
        reaches
    }

    fn ways(&mut self, context: Context<'_>, rest: Rest) -> Ways {
        if let Some(known) = self.ways.get(&rest) {
            return known.clone();
        }
        let mut ways = Ways::default();
        let mut seen = rustc_hash::FxHashSet::from_iter([rest]);
        let mut agenda = vec![rest];
        while let Some(rest) = agenda.pop() {
            let Some(number) = rest else {
                ways.end = true;
                continue;
            };
            let Frame { expr: id, progress, around } = *self.rests.get(number);
            let expr = context.grammar.expr(id);
            let (parts, is_complete) = match (expr, step::next(context.grammar, expr, progress)) {
                (Expr::Scope { body, .. }, _) if progress == step::START => (std::slice::from_ref(body), false),
                (Expr::Scope { .. }, _) => (&[][..], true),
                (_, Step::OneOf(parts)) => (parts, step::is_complete(expr, progress)),
                _ => (&[][..], step::is_complete(expr, progress)),
            };
            if is_complete && seen.insert(around) {
                agenda.push(around);
            }
            if parts.is_empty() {
                continue;
            }
            // Whether the part is empty is of no matter to a repetition that can be in a body: it is `?`, `*` or `+`.
            let after =
                Some(self.rests.number(Frame { expr: id, progress: step::over_part(expr, progress, false), around }));
            for &part in parts {
                match context.grammar.expr(part) {
                    Expr::Marked { mark, body } => ways.parts.push((Part { expr: *body, mark: Some(*mark) }, after)),
                    _ if context.has_marks[part.index()] => {
                        let inner = Some(self.rests.number(Frame { expr: part, progress: step::START, around: after }));
                        if seen.insert(inner) {
                            agenda.push(inner);
                        }
                    }
                    _ => ways.parts.push((Part { expr: part, mark: None }, after)),
                }
            }
        }
        self.ways.insert(rest, ways.clone());
        ways
    }
}

/// The elements that stand where a word of the body, with any rules, can select them.
fn present(context: Context<'_>, scope: ExprId, rules: &ScopeRules) -> Vec<u32> {
    let mut present = Vec::new();
    let mut seen = rustc_hash::FxHashSet::default();
    let mut agenda = context.grammar.expr(scope).operands().to_vec();
    while let Some(id) = agenda.pop() {
        if !context.words.any(id) || !seen.insert(id) {
            continue;
        }
        match context.grammar.expr(id) {
            Expr::Marked { mark: Mark::Element(element), .. } => present.push(*element),
            expr if context.has_marks[id.index()] => agenda.extend(expr.operands()),
            _ => {}
        }
    }
    present.retain(|&element| (element as usize) < rules.elements.len());
    present
}

/// Numbers for values, from 0 on.
#[derive(Debug, Clone)]
struct Interner<T> {
    values: Vec<T>,
    numbers: FxHashMap<T, usize>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: FxHashMap::default() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interner<T> {
    fn number(&mut self, value: T) -> usize {
        if let Some(&number) = self.numbers.get(&value) {
            return number;
        }
        let number = self.values.len();
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }

    fn get(&self, number: usize) -> &T {
        &self.values[number]
    }
}
