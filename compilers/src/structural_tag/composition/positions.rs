//! Which parts may follow which: the construction of Glushkov (1961), with free texts of one kind next to each other as one.

use std::rc::Rc;

use grammar_ir::{Budget, ExprId, LimitError};

use super::{Closed, Limited, Next, Part};
use crate::free_text::Starts;

/// A part that has no parts.
#[derive(Debug)]
pub(super) enum Position {
    /// Free text of a kind. It may be empty, but its position is passed through all the same.
    Text(usize),
    /// Free text of a bounded length.
    Limited(Rc<Limited>),
    /// Texts that are not free.
    Solid(ExprId),
    /// Texts that are not free, and one of them may be empty.
    MaybeEmpty(ExprId),
    /// Texts that begin or end in free text, which is no longer open.
    Closed(Rc<Closed>, ExprId),
    /// What ends the free text before it, and where it may do so.
    Word(Rc<Starts>, ExprId),
}

/// The parts without parts, in the order in which they stand.
#[derive(Debug, Default)]
pub(super) struct Positions {
    at: Vec<Position>,
    /// Per position: the positions that may follow it, ascending.
    follow: Vec<Vec<usize>>,
    /// Per position: whether the whole may end there.
    is_last: Vec<bool>,
    /// The number of pairs in `follow`, before those that are twice there are taken out.
    pairs: usize,
}

/// The borders of a part.
#[derive(Debug, Default)]
struct Borders {
    first: Vec<usize>,
    last: Vec<usize>,
    can_be_empty: bool,
}

impl Position {
    fn own_kind(&self) -> &[usize] {
        match self {
            Self::Text(kind) => std::slice::from_ref(kind),
            Self::Limited(limited) => std::slice::from_ref(&limited.kind),
            Self::Solid(_) | Self::MaybeEmpty(_) | Self::Closed(..) | Self::Word(..) => &[],
        }
    }
}

impl Positions {
    /// The positions of `part`, and what comes first.
    ///
    /// # Errors
    /// When a limit is met.
    pub(super) fn of(part: &Part, budget: &Budget<'_>) -> Result<(Self, Next), LimitError> {
        let mut positions = Self::default();
        let borders = positions.add(part, budget)?;
        positions.is_last = vec![false; positions.at.len()];
        for &last in &borders.last {
            positions.is_last[last] = true;
        }
        for follow in &mut positions.follow {
            follow.sort_unstable();
            follow.dedup();
        }
        positions.join(budget)?;
        Ok((positions, (borders.first, borders.can_be_empty)))
    }

    pub(super) fn at(&self, position: usize) -> &Position {
        &self.at[position]
    }

    pub(super) fn follow(&self, position: usize) -> &[usize] {
        &self.follow[position]
    }

    pub(super) fn is_last(&self, position: usize) -> bool {
        self.is_last[position]
    }

    /// The kind of free text at `position`.
    pub(super) fn kind_of(&self, position: usize) -> Option<usize> {
        match self.at[position] {
            Position::Text(kind) => Some(kind),
            _ => None,
        }
    }

    /// Where `position` may follow the free text before it.
    pub(super) fn starts(&self, position: usize) -> Starts {
        match &self.at[position] {
            Position::Word(starts, _) => Starts::clone(starts),
            _ => None,
        }
    }

    /// The kinds of free text that what is at `position` may begin with.
    pub(super) fn kinds_at_begin(&self, position: usize) -> &[usize] {
        match &self.at[position] {
            Position::Closed(closed, _) => &closed.begin,
            at => at.own_kind(),
        }
    }

    /// The kinds of free text that what is at `position` may end with.
    pub(super) fn kinds_at_end(&self, position: usize) -> &[usize] {
        match &self.at[position] {
            Position::Closed(closed, _) => &closed.end,
            at => at.own_kind(),
        }
    }

    /// The number of positions.
    pub(super) fn len(&self) -> usize {
        self.at.len()
    }

    fn push(&mut self, position: Position) -> Borders {
        self.at.push(position);
        self.follow.push(Vec::new());
        let here = vec![self.at.len() - 1];
        Borders { first: here.clone(), last: here, can_be_empty: false }
    }

    fn link(&mut self, last: &[usize], first: &[usize], budget: &Budget<'_>) -> Result<(), LimitError> {
        self.pairs += last.len() * first.len();
        budget.check_states(self.pairs)?;
        for &position in last {
            self.follow[position].extend_from_slice(first);
        }
        Ok(())
    }

    /// The nesting is bounded by the parser of JSON.
    fn add(&mut self, part: &Part, budget: &Budget<'_>) -> Result<Borders, LimitError> {
        match part {
            Part::Text(kind) => Ok(self.push(Position::Text(*kind))),
            Part::Limited(limited) => {
                let limited = self.push(Position::Limited(Rc::clone(limited)));
                Ok(Borders { can_be_empty: true, ..limited })
            }
            Part::Solid(expr) | Part::Leaf(expr, _) => Ok(self.push(Position::Solid(*expr))),
            Part::MaybeEmpty(expr) => Ok(self.push(Position::MaybeEmpty(*expr))),
            Part::Closed(closed) => Ok(self.push(Position::Closed(Rc::clone(closed), closed.expr))),
            Part::Word(starts, expr) => Ok(self.push(Position::Word(Rc::clone(starts), *expr))),
            Part::Sequence(parts) => {
                let mut whole = Borders { can_be_empty: true, ..Borders::default() };
                for part in parts {
                    self.append(&mut whole, part, budget)?;
                }
                Ok(whole)
            }
            Part::Choice(parts) => {
                let mut whole = Borders::default();
                for part in parts {
                    let Borders { first, last, can_be_empty } = self.add(part, budget)?;
                    whole.first.extend(first);
                    whole.last.extend(last);
                    whole.can_be_empty |= can_be_empty;
                }
                Ok(whole)
            }
            Part::Repeat(part, min, max) => {
                let mut whole = Borders { can_be_empty: true, ..Borders::default() };
                let copies = max.unwrap_or((*min).max(1));
                for copy in 0..copies {
                    let mut one = self.add(part, budget)?;
                    if max.is_none() && copy + 1 == copies {
                        self.link(&one.last, &one.first, budget)?;
                    }
                    one.can_be_empty |= copy >= *min;
                    self.chain(&mut whole, one, budget)?;
                }
                Ok(whole)
            }
        }
    }

    fn append(&mut self, whole: &mut Borders, part: &Part, budget: &Budget<'_>) -> Result<(), LimitError> {
        let next = self.add(part, budget)?;
        self.chain(whole, next, budget)
    }

    /// `next` after `whole`.
    fn chain(&mut self, whole: &mut Borders, next: Borders, budget: &Budget<'_>) -> Result<(), LimitError> {
        self.link(&whole.last, &next.first, budget)?;
        if whole.can_be_empty {
            whole.first.extend_from_slice(&next.first);
        }
        if !next.can_be_empty {
            whole.last.clear();
        }
        whole.last.extend(next.last);
        whole.can_be_empty &= next.can_be_empty;
        Ok(())
    }

    /// Makes free texts of one kind next to each other one: the first goes on as the last does.
    fn join(&mut self, budget: &Budget<'_>) -> Result<(), LimitError> {
        let mut joined = self.follow.clone();
        let mut is_last = self.is_last.clone();
        for position in 0..self.at.len() {
            let Some(kind) = self.kind_of(position) else { continue };
            let is_same = |other: &usize| self.kind_of(*other) == Some(kind);
            if !self.follow[position].iter().any(is_same) {
                continue;
            }
            budget.check_time()?;
            let mut seen = vec![position];
            let mut agenda = seen.clone();
            let mut follow = Vec::new();
            while let Some(text) = agenda.pop() {
                is_last[position] |= self.is_last[text];
                for &next in &self.follow[text] {
                    if !is_same(&next) {
                        follow.push(next);
                    } else if !seen.contains(&next) {
                        seen.push(next);
                        agenda.push(next);
                    }
                }
            }
            follow.sort_unstable();
            follow.dedup();
            joined[position] = follow;
        }
        (self.follow, self.is_last) = (joined, is_last);
        Ok(())
    }
}
