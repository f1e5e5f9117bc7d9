//! Which parts of a word are words of which rules: one derivation of the word, read backwards from its end.
//!
//! An item is followed to what it came from: the item before its last part, and the item that completed that part. Positions
//! never increase on the way, and the causes of one position at a time are worked out again. Where items at one position
//! follow from each other in a circle, only what was there first counts as a cause, so that no part is explained by itself.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{Item, Recognizer};
use crate::passes::components::components;
use crate::{EndMarker, Expr, Grammar, HiddenFrom, RuleId};

/// Where an item came from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cause {
    /// From `before`, an item at the position `from`, by `part`, an item that is complete.
    Over { before: Item, from: usize, part: Item },
    /// From another item at the same position.
    Way { before: Item },
}

/// Is told of what a closure does.
pub(super) trait Observer {
    /// `item` is looked at for the first time.
    fn visited(&mut self, item: Item);
    /// `item` follows from `cause`.
    fn followed(&mut self, item: Item, cause: Cause);
}

/// Observes nothing.
impl Observer for () {
    fn visited(&mut self, _: Item) {}
    fn followed(&mut self, _: Item, _: Cause) {}
}

impl Cause {
    /// The items at the position `here`, that of the item itself, which it takes.
    fn here(self, here: usize) -> impl Iterator<Item = Item> {
        let (before, part) = match self {
            Self::Over { before, from, part } => ((from == here).then_some(before), Some(part)),
            Self::Way { before } => (Some(before), None),
        };
        before.into_iter().chain(part)
    }
}

/// The causes of the items at one position.
#[derive(Debug, Default)]
struct Causes {
    position: usize,
    /// When items were looked at.
    visits: FxHashMap<Item, usize>,
    /// Each with the number of items that had been looked at.
    causes: FxHashMap<Item, Vec<(Cause, usize)>>,
    /// Per visit: the number of the circle that the item is in.
    circles: Vec<usize>,
}

impl Observer for Causes {
    fn visited(&mut self, item: Item) {
        let number = self.visits.len();
        self.visits.insert(item, number);
    }

    fn followed(&mut self, item: Item, cause: Cause) {
        self.causes.entry(item).or_default().push((cause, self.visits.len()));
    }
}

impl Causes {
    fn find_circles(&mut self) {
        let mut causes: Vec<Vec<usize>> = vec![Vec::new(); self.visits.len()];
        for (item, followed) in &self.causes {
            if let Some(&visit) = self.visits.get(item) {
                let here = followed.iter().flat_map(|&(cause, _)| cause.here(self.position));
                causes[visit].extend(here.filter_map(|item| self.visits.get(&item)));
            }
        }
        self.circles = vec![0; causes.len()];
        for (number, circle) in components(causes.len(), |node, n| causes[node].get(n).copied()).iter().enumerate() {
            circle.iter().for_each(|&visit| self.circles[visit] = number);
        }
    }

    /// Where `item` came from, if it is not the beginning of something: of several ways, the one with the shortest last
    /// part; in a repetition, the one with the longest.
    fn of(&self, grammar: &Grammar, item: Item) -> Option<Cause> {
        let visit = *self.visits.get(&item)?;
        let leaves =
            |item: &Item| self.visits.get(item).is_some_and(|&other| self.circles[other] != self.circles[visit]);
        let sound = |cause: Cause, known: usize| known <= visit || cause.here(self.position).all(|item| leaves(&item));
        let causes = self.causes.get(&item)?.iter();
        let causes = causes.filter(|&&(cause, known)| sound(cause, known)).map(|&(cause, _)| cause);
        let is_repetition = matches!(grammar.expr(item.expr), Expr::Repeat { .. });
        let preference = |cause: &Cause| match *cause {
            Cause::Over { from, .. } if is_repetition => usize::MAX - from,
            Cause::Over { from, .. } => from,
            Cause::Way { .. } => 0,
        };
        causes.max_by_key(preference)
    }
}

/// A part of a word that is reported: a word of a rule with [`capture`](crate::RuleAttributes::capture), or the marker at
/// its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedSpan<'g> {
    /// The name under which it is reported.
    pub name: &'g str,
    /// The rule.
    pub rule: RuleId,
    /// Its positions, see [`Recognizer::position`].
    pub span: Range<usize>,
    /// What of it is left out, ascending and apart.
    pub hidden: Vec<Range<usize>>,
}

impl<'g> Recognizer<'g> {
    /// The parts of what was pushed that are words of rules with [`capture`](crate::RuleAttributes::capture), in the order
    /// of their ends, inner ones first, and the markers with a name before them; none if it is no word.
    ///
    /// Of several derivations it is the one in which, read from the end, each part is as short as it can be, and each
    /// repetition has as long parts as it can: so what comes first takes as much as it can. It takes about as many steps as
    /// reading the text did, see [`steps_since`](Self::steps_since). Parts can be in parts, so together they can be as long
    /// as the square of the text: if they have more than `max_symbols`, the answer is `None`.
    pub fn captures(&self, max_symbols: usize) -> Option<Vec<CapturedSpan<'g>>> {
        let mut captured = Vec::new();
        let mut left = max_symbols;
        // The ends of the parts that the markers hidden so far are in, and the markers.
        let mut hidden: Vec<Range<usize>> = Vec::new();
        for (rule, span) in self.derived() {
            left = left.checked_sub(span.len())?;
            let attributes = &self.grammar.rule(rule).attributes;
            let marker = attributes.marker.as_deref();
            let marked = marker.and_then(|marker| Some((marker, marker.place.locate(span.clone(), &self.symbols)?)));
            if let Some((EndMarker { capture: Some(name), .. }, place)) = &marked {
                captured.push(CapturedSpan { name, rule, span: place.clone(), hidden: Vec::new() });
            }
            let own = marked.as_ref().map(|(_, place)| place.start.max(span.start)..place.end);
            if let Some((EndMarker { hidden_from: HiddenFrom::AllCaptures, .. }, place)) = marked {
                // Parts come in the order of their ends, so this marker is the last.
                let apart = hidden.partition_point(|other| other.end <= place.start);
                let start = hidden.get(apart).map_or(place.start, |other| other.start.min(place.start));
                hidden.truncate(apart);
                hidden.push(start..place.end);
            }
            if let Some(name) = &attributes.capture {
                let first = hidden.partition_point(|place| place.end <= span.start);
                let inside = hidden[first..].iter().map(|place| place.start.max(span.start)..place.end);
                let mut inside: Vec<Range<usize>> = inside.collect();
                left = left.checked_sub(inside.len())?;
                if let Some(own) = own {
                    let apart = inside.partition_point(|other| other.end <= own.start);
                    let start = inside.get(apart).map_or(own.start, |other| other.start.min(own.start));
                    inside.truncate(apart);
                    inside.push(start..own.end);
                }
                captured.push(CapturedSpan { name, rule, span, hidden: inside });
            }
        }
        Some(captured)
    }

    /// The parts of what was pushed that are words of rules whose attributes concern captures, in the order of their ends,
    /// inner ones first.
    fn derived(&self) -> Vec<(RuleId, Range<usize>)> {
        let mut parts = Vec::new();
        let end = self.position();
        let Some(whole) = self.completed_root() else { return parts };
        let capturing = capturing(self.grammar);
        let concerned = |rule: RuleId| self.grammar.rule(rule).attributes.concern_captures();
        if concerned(self.grammar.root()) {
            parts.push((self.grammar.root(), 0..end));
        }
        let mut known = self.causes(end);
        // What is left to be explained; the last part first. The second says whether it is a whole part.
        let mut agenda = vec![(whole, end, true)];
        while let Some((item, here, is_part)) = agenda.pop() {
            if !capturing[item.expr.index()] {
                continue;
            }
            if let (Expr::Rule(rule), true) = (self.grammar.expr(item.expr), is_part)
                && concerned(*rule)
            {
                parts.push((*rule, item.origin..here));
            }
            if known.position != here {
                known = self.causes(here);
            }
            match known.of(self.grammar, item) {
                None => {}
                Some(Cause::Way { before }) => agenda.push((before, here, false)),
                Some(Cause::Over { before, from, part }) => {
                    agenda.push((before, from, false));
                    agenda.push((part, here, true));
                }
            }
        }
        parts.reverse();
        parts
    }

    fn causes(&self, position: usize) -> Causes {
        let mut causes = Causes { position, ..Causes::default() };
        self.close(position, &mut causes);
        causes.find_circles();
        causes
    }
}

/// Per expression: whether there can be a rule in it that concerns captures.
fn capturing(grammar: &Grammar) -> Vec<bool> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); grammar.exprs().len()];
    let mut capturing = vec![false; grammar.exprs().len()];
    let mut agenda = Vec::new();
    for (index, expr) in grammar.exprs().iter().enumerate() {
        expr.operands().iter().for_each(|operand| users[operand.index()].push(index));
        if let Expr::Rule(rule) = expr {
            users[grammar.rule(*rule).body.index()].push(index);
            if grammar.rule(*rule).attributes.concern_captures() {
                agenda.push(index);
            }
        }
    }
    while let Some(index) = agenda.pop() {
        if !std::mem::replace(&mut capturing[index], true) {
            agenda.extend(&users[index]);
        }
    }
    capturing
}
