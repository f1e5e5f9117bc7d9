//! Free texts next to each other that cannot be watched together: those are refused by name.
//!
//! Open free texts are put together, and the ends around them are kept out of the whole. Where one of two has a limit, or is
//! closed (in a tag that may have an empty end, say), an end could be spelled across their border; and where two are of
//! different kinds, so could a trigger or an excluded text that both of them leave out.

use grammar_ir::ExprId;
use rustc_hash::FxHashSet;

use super::super::lower::Lowering;
use super::positions::{Position, Positions};
use super::{Part, TextKind};
use crate::diagnostic::Code;
use crate::free_text::Starts;

impl Lowering<'_> {
    /// Refuses free texts that may follow one another in `positions`, or come before one of `completions`, and cannot be
    /// watched together.
    pub(super) fn check_borders(&mut self, positions: &Positions, completions: &[(Starts, ExprId)]) {
        let end_overlaps = completions.iter().any(|(starts, _)| starts.is_some());
        let mut seen: FxHashSet<(usize, usize)> = FxHashSet::default();
        let mut refused: Vec<String> = Vec::new();
        for from in 0..positions.len() {
            let ends = positions.kinds_at_end(from);
            if ends.is_empty() {
                continue;
            }
            if let Position::Closed(closed, _) = positions.at(from)
                && end_overlaps
                && positions.is_last(from)
            {
                refused.push(closed.pointer.clone());
            }
            for &between in positions.follow(from) {
                if !matches!(positions.at(between), Position::MaybeEmpty(_) | Position::Closed(..)) {
                    continue;
                }
                // When this is empty, nothing keeps watch from what is before it to what comes after it.
                let after = positions.follow(between).iter().flat_map(|&to| positions.kinds_at_begin(to));
                let mut pairs = after.flat_map(|&begin| ends.iter().map(move |&end| (end, begin)));
                if pairs.any(|(end, begin)| !self.ends.is_empty() || self.keep_out_the_same(end, begin))
                    || (end_overlaps && positions.is_last(between))
                {
                    refused.push(self.pointer_of(positions, from).to_owned());
                }
            }
            for &to in positions.follow(from) {
                let begins = positions.kinds_at_begin(to);
                let is_open = positions.kind_of(from).is_some() && positions.kind_of(to).is_some();
                let is_refused = ends.iter().any(|&end| {
                    begins.iter().any(|&begin| match is_open {
                        true => end != begin && seen.insert((end, begin)) && self.keep_out_the_same(end, begin),
                        false => !self.ends.is_empty() || self.keep_out_the_same(end, begin),
                    })
                });
                if is_refused {
                    // Of an open free text and another one, the other one can be changed.
                    let at_begin = positions.kind_of(to).is_none() || is_open;
                    refused.push(self.pointer_of(positions, if at_begin { to } else { from }).to_owned());
                }
            }
        }
        refused.sort_unstable();
        refused.dedup();
        for pointer in refused {
            let message = "this touches other free text, and an end, a trigger or an excluded text could be spelled across \
                their border";
            let help = "make them one, leave out limits, or put something that is not free text between them";
            self.report(&pointer, Code::Unsupported, message, help);
        }
    }

    /// Whether a free text in `part` leaves out triggers or excluded texts. The nesting is bounded by the parser of JSON.
    pub(in super::super) fn keeps_out(&self, part: &Part) -> bool {
        let keeps_out = |kind: &usize| !self.kinds_of_text[*kind].kept_out.is_empty();
        match part {
            Part::Text(kind) => keeps_out(kind),
            Part::Limited(limited) => keeps_out(&limited.kind),
            Part::Closed(closed) => closed.begin.iter().chain(&closed.end).any(keeps_out),
            Part::Solid(_) | Part::MaybeEmpty(_) | Part::Leaf(..) => false,
            Part::Word(..) => true,
            Part::Sequence(parts) | Part::Choice(parts) => parts.iter().any(|part| self.keeps_out(part)),
            Part::Repeat(part, ..) => self.keeps_out(part),
        }
    }

    /// The JSON Pointer of the format at `position`.
    fn pointer_of<'p>(&'p self, positions: &'p Positions, position: usize) -> &'p str {
        match positions.at(position) {
            Position::Text(kind) => &self.kinds_of_text[*kind].pointer,
            Position::Limited(limited) => &limited.pointer,
            Position::Closed(closed, _) => &closed.pointer,
            Position::Solid(_) | Position::MaybeEmpty(_) | Position::Word(..) => "",
        }
    }

    /// Whether free texts of the two kinds both leave out a trigger or an excluded text.
    fn keep_out_the_same(&self, left: usize, right: usize) -> bool {
        let [left, right]: [&TextKind; 2] = [left, right].map(|kind| &self.kinds_of_text[kind]);
        left.kept_out.iter().any(|text| right.kept_out.binary_search(text).is_ok())
    }
}
