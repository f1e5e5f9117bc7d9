//! Free texts that touch. Each by itself contains nothing that ends the tag around it, no trigger and no excluded text, but
//! such a text could be spelled across the border of two: those are refused.

use super::ast::{Begin, End, Format, Kind, Tag};
use super::lower::Lowering;
use crate::diagnostic::Code;

/// A side of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Begin,
    End,
}

/// The free text at a side of a format: whether triggers or excludes of its own are kept out of it; `None` for no free text.
type FreeSide = Option<bool>;

impl Lowering<'_> {
    /// Refuses parts of `format` that touch in free text, if something is kept out of them.
    pub(super) fn check_adjacent(&mut self, format: &Format) {
        let refused = match &format.kind {
            Kind::Sequence(elements) => (1..elements.len()).any(|index| {
                let begin = self.side(&elements[index], Side::Begin);
                begin.is_some() && self.touches(self.last(&elements[..index]), begin)
            }),
            Kind::Repeat { content, max, .. } => {
                !matches!(max, Some(0 | 1))
                    && self.touches(self.side(content, Side::End), self.side(content, Side::Begin))
            }
            Kind::TriggeredTags(tags) => {
                !tags.stop_after_first && tags.tags.iter().any(|tag| self.tag_side(tag, Side::End).is_some())
            }
            Kind::Dispatch(dispatch) => {
                dispatch.repeats && dispatch.rules.iter().any(|(_, content)| self.side(content, Side::End).is_some())
            }
            _ => false,
        };
        if refused {
            let message = "free texts that touch cannot be kept from spelling an end, a trigger or an excluded text across \
                           their border";
            let help = "make them one, or put something that is not free text between them";
            self.report(&format.pointer, Code::Unsupported, message, help);
        }
    }

    /// Whether free texts touch, and something is kept out of one of them.
    fn touches(&self, end: FreeSide, begin: FreeSide) -> bool {
        end.zip(begin).is_some_and(|(left, right)| left || right || self.has_ends())
    }

    /// The free text at the end of `elements` one after the other.
    fn last(&self, elements: &[Format]) -> FreeSide {
        self.first_of(elements.iter().rev(), Side::End)
    }

    /// The free text at a side of elements that come one after the other, seen from that side.
    fn first_of<'f>(&self, elements: impl Iterator<Item = &'f Format>, side: Side) -> FreeSide {
        let mut found = None;
        for element in elements {
            found = found.max(self.side(element, side));
            if !self.can_be_empty(element) {
                break;
            }
        }
        found
    }

    /// The free text at a side of `format`. The nesting is bounded by the parser of JSON.
    fn side(&self, format: &Format, side: Side) -> FreeSide {
        match &format.kind {
            Kind::AnyText(any) => {
                let is_empty = any.max_tokens == Some(0) || any.max_chars == Some(0);
                (!is_empty).then_some(!any.excludes.is_empty())
            }
            Kind::TriggeredTags(tags) => {
                let has_text = !tags.at_least_one || (side == Side::End && !tags.stop_after_first);
                has_text.then_some(true)
            }
            Kind::Dispatch(_) => Some(true),
            Kind::Sequence(elements) => match side {
                Side::Begin => self.first_of(elements.iter(), side),
                Side::End => self.last(elements),
            },
            Kind::Or(elements) => elements.iter().map(|element| self.side(element, side)).max().flatten(),
            Kind::Repeat { max: Some(0), .. } => None,
            Kind::Repeat { content, .. } => self.side(content, side),
            Kind::Tag(tag) => self.tag_side(tag, side),
            Kind::TagsWithSeparator { tags, .. } => tags.iter().map(|tag| self.tag_side(tag, side)).max().flatten(),
            // Runs of tokens are refused where text ends a tag.
            Kind::AnyTokens { .. } | Kind::TokenTriggeredTags(_) | Kind::TokenDispatch(_) => None,
            Kind::Literal(_) | Kind::Json(_) | Kind::Grammar(_) | Kind::Regex(_) | Kind::Token(_) => None,
        }
    }

    fn tag_side(&self, tag: &Tag, side: Side) -> FreeSide {
        let is_open = match side {
            Side::Begin => matches!(&tag.begin, Begin::Text(begin) if begin.text.is_empty()),
            Side::End => matches!(&tag.end, End::Texts(ends) if ends.iter().any(|end| end.text.is_empty())),
        };
        if is_open { self.side(&tag.content, side) } else { None }
    }
}
