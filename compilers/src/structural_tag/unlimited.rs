//! Whether a format can end in free text without a bound, so that the tag around it needs an end.

use grammar_ir::interp;

use super::ast::{Begin, End, Format, Kind, Style, Tag};
use super::lower::{Lowering, lower};

impl Lowering<'_> {
    /// Whether a text of `format` can go on without end in free text. The nesting is bounded by the parser of JSON.
    pub(super) fn is_unlimited(&self, format: &Format) -> bool {
        match &format.kind {
            Kind::AnyText(any) => any.max_tokens.is_none() && any.max_chars.is_none(),
            Kind::AnyTokens { max_tokens, .. } => max_tokens.is_none(),
            Kind::TriggeredTags(tags) => !tags.stop_after_first || !tags.at_least_one,
            Kind::TokenTriggeredTags(tags) => !tags.stop_after_first || !tags.at_least_one,
            Kind::Dispatch(_) | Kind::TokenDispatch(_) => true,
            Kind::Sequence(elements) => {
                for element in elements.iter().rev() {
                    if self.is_unlimited(element) {
                        return true;
                    }
                    if !self.can_be_empty(element) {
                        return false;
                    }
                }
                false
            }
            Kind::Or(elements) => elements.iter().any(|element| self.is_unlimited(element)),
            Kind::Repeat { content, max, .. } => *max != Some(0) && self.is_unlimited(content),
            // What tags contain has an end of its own.
            Kind::Tag(_) | Kind::TagsWithSeparator { .. } => false,
            Kind::Literal(_) | Kind::Json(_) | Kind::Grammar(_) | Kind::Regex(_) | Kind::Token(_) => false,
        }
    }

    /// Whether the empty text is one of the format.
    pub(super) fn can_be_empty(&self, format: &Format) -> bool {
        match &format.kind {
            Kind::Literal(text) => text.is_empty(),
            Kind::AnyText(_) | Kind::AnyTokens { .. } | Kind::Dispatch(_) | Kind::TokenDispatch(_) => true,
            Kind::Token(_) => false,
            Kind::TriggeredTags(tags) => !tags.at_least_one || tags.tags.iter().any(|tag| self.tag_can_be_empty(tag)),
            Kind::TokenTriggeredTags(tags) => !tags.at_least_one,
            Kind::Sequence(elements) => elements.iter().all(|element| self.can_be_empty(element)),
            Kind::Or(elements) => elements.iter().any(|element| self.can_be_empty(element)),
            Kind::Repeat { content, min, .. } => *min == 0 || self.can_be_empty(content),
            Kind::Tag(tag) => self.tag_can_be_empty(tag),
            Kind::TagsWithSeparator { tags, at_least_one, .. } => {
                !at_least_one || tags.iter().any(|tag| self.tag_can_be_empty(tag))
            }
            Kind::Json(json) if json.style == Style::Json => false,
            // Formats without formats in them: what they stand for says it.
            Kind::Json(_) | Kind::Grammar(_) | Kind::Regex(_) => lower(format, self.options, self.tokens, self.limits)
                .is_ok_and(|grammar| interp::accepts(&grammar, b"")),
        }
    }

    pub(super) fn tag_can_be_empty(&self, tag: &Tag) -> bool {
        let begin_can = match &tag.begin {
            Begin::Text(begin) => begin.text.is_empty(),
            Begin::Token(_) => false,
        };
        let end_can = match &tag.end {
            End::Texts(ends) => ends.iter().any(|end| end.text.is_empty()),
            End::Token(_) => false,
        };
        begin_can && end_can && self.can_be_empty(&tag.content)
    }
}
