//! Tags, and free text with tags in it.

use std::rc::Rc;

use grammar_ir::{ExprId, TokenSet};
use rustc_hash::FxHashMap;

use super::ast::{Begin, Dispatch, End, Format, Tag, Text, Token, TriggeredTags};
use super::composition::{Completion, Part};
use super::lower::{Lowering, texts_of};
use crate::diagnostic::{Code, Diagnostics};
use crate::json_schema::push_pointer;

impl<'a> Lowering<'a> {
    pub(super) fn tag(&mut self, tag: &'a Tag) -> Result<Part, Diagnostics> {
        let begin = match &tag.begin {
            Begin::Text(begin) => self.builder.literal(&begin.text),
            Begin::Token(begin) => self.token(begin),
        };
        let rest = self.tag_rest(tag)?;
        let whole = self.sequence([Part::Solid(begin), rest]);
        Ok(match whole {
            Part::Solid(solid) if self.tag_can_be_empty(tag) => Part::MaybeEmpty(solid),
            whole if self.tag_can_be_empty(tag) => Part::Repeat(Box::new(whole), 0, Some(1)),
            whole => whole,
        })
    }

    fn token(&mut self, token: &Token) -> ExprId {
        let id = self.token_id(token);
        self.builder.token(TokenSet::of(id))
    }

    /// What follows the beginning of a tag.
    fn tag_rest(&mut self, tag: &'a Tag) -> Result<Part, Diagnostics> {
        let (texts, tokens, strings) = (self.ends.len(), self.end_tokens.len(), self.string_ends.len());
        let outside = std::mem::replace(&mut self.is_repeated, false);
        let completions = self.end(tag);
        let rest = match self.format(&tag.content) {
            Ok(content) => self.closed(tag, &content, &completions),
            Err(diagnostics) => Err(diagnostics),
        };
        self.ends.truncate(texts);
        self.end_tokens.truncate(tokens);
        self.string_ends.truncate(strings);
        self.is_repeated = outside;
        rest
    }

    /// `content` with one of `completions` after it: what may come next to it bounds it as well as the end of the tag, where
    /// its beginning or end may be empty.
    fn closed(&mut self, tag: &Tag, content: &Part, completions: &[Completion<'_>]) -> Result<Part, Diagnostics> {
        let expr = self.compose(content, completions)?;
        let begins_open = matches!(&tag.begin, Begin::Text(begin) if begin.text.is_empty());
        let ends_open = matches!(&tag.end, End::Texts(ends) if ends.iter().any(|end| end.text.is_empty()));
        if begins_open || ends_open {
            return self.close(&tag.pointer, content, expr, (begins_open, ends_open));
        }
        Ok(Part::Solid(expr))
    }

    /// The ends of a tag, which bound the content from here on.
    fn end(&mut self, tag: &'a Tag) -> Vec<Completion<'a>> {
        match &tag.end {
            End::Texts(list) => {
                let texts = list.iter().map(|end| end.text.as_str());
                let bounding: Vec<&str> = texts.clone().filter(|end| !end.is_empty()).collect();
                if bounding.is_empty() && self.is_unlimited(&tag.content) {
                    let message = "the content of this tag is unlimited, so its end must not be empty";
                    let help = "give the text that ends the tag, or use the content without a tag";
                    self.report(&push_pointer(&tag.pointer, "end"), Code::Invalid, message, help);
                }
                self.string_ends.extend_from_slice(&bounding);
                self.ends.extend(bounding);
                texts.map(|text| Completion { text: Some(text), expr: self.builder.literal(text) }).collect()
            }
            End::Token(token) => {
                let id = self.token_id(token);
                self.end_tokens.extend(id);
                let text = self.end_text(token, id);
                self.ends.extend(text);
                vec![Completion { text, expr: self.builder.token(TokenSet::of(id)) }]
            }
        }
    }

    /// The text of the token that ends a tag, where it is text as well: free text must not contain it, as the token would be
    /// read as a part of the free text otherwise.
    fn end_text(&mut self, token: &Token, id: Option<u32>) -> Option<&'a str> {
        let text = self.tokens.zip(id).and_then(|(tokens, id)| tokens.text(id))?;
        let Ok(text) = std::str::from_utf8(text) else {
            let message = "this token is a part of a character, so free text cannot be kept from containing it";
            self.report(&token.pointer, Code::Unsupported, message, "end the tag with another token");
            return None;
        };
        Some(text).filter(|text| !text.is_empty())
    }

    pub(super) fn triggered_tags(
        &mut self,
        format: &Format,
        tags: &'a TriggeredTags<Text>,
    ) -> Result<Part, Diagnostics> {
        let mut triggers: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
        for (index, trigger) in tags.triggers.iter().enumerate() {
            triggers.entry(&trigger.text).or_default().push(index);
        }
        let mut lengths: Vec<usize> = triggers.keys().map(|trigger| trigger.len()).collect();
        lengths.sort_unstable();
        lengths.dedup();
        // Per trigger: the rests of its tags.
        let mut rests: Vec<Vec<Part>> = vec![Vec::new(); tags.triggers.len()];
        let mut first = Vec::new();
        for tag in &tags.tags {
            let Begin::Text(begin) = &tag.begin else {
                let pointer = push_pointer(&tag.pointer, "begin");
                let help = "give a string, or use `token_triggered_tags`";
                self.report(&pointer, Code::Invalid, "a tag that a text triggers must begin with a string", help);
                continue;
            };
            let beginnings = lengths.iter().filter_map(|&length| triggers.get(begin.text.get(..length)?));
            let matching: Vec<usize> = beginnings.flatten().copied().collect();
            let &[index] = matching.as_slice() else {
                let count = matching.len();
                let message = format!("this begins with {count} of the triggers; it must begin with exactly one");
                self.report(&begin.pointer, Code::Invalid, message, "change the triggers or the beginning of the tag");
                continue;
            };
            let inside = self.tag_rest(tag)?;
            let after_trigger = self.builder.literal(&begin.text[tags.triggers[index].text.len()..]);
            if tags.at_least_one {
                let whole = self.builder.literal(&begin.text);
                first.push(self.sequence([Part::Solid(whole), inside.clone()]));
            }
            rests[index].push(self.sequence([Part::Solid(after_trigger), inside]));
        }
        let mut words = Vec::with_capacity(tags.triggers.len());
        let mut excludes = texts_of(&tags.excludes);
        for (trigger, rests) in tags.triggers.iter().zip(rests) {
            // A full trigger commits to its tags. Where it has none, the text cannot go on with it.
            match rests.is_empty() {
                true => excludes.push(&trigger.text),
                false => words.push((trigger, self.choice(rests))),
            }
        }
        self.in_turn(tags.at_least_one.then_some(first), tags.stop_after_first, |lowering| {
            lowering.text_and_words(format, words, excludes)
        })
    }

    pub(super) fn token_triggered_tags(
        &mut self,
        format: &Format,
        tags: &'a TriggeredTags<Token>,
    ) -> Result<Part, Diagnostics> {
        let mut triggers: FxHashMap<u32, Vec<usize>> = FxHashMap::default();
        for (index, trigger) in tags.triggers.iter().enumerate() {
            if let Some(id) = self.token_id(trigger) {
                triggers.entry(id).or_default().push(index);
            }
        }
        let mut rests: Vec<(u32, Vec<Part>)> = vec![(0, Vec::new()); tags.triggers.len()];
        for (&id, indices) in &triggers {
            indices.iter().for_each(|&index| rests[index].0 = id);
        }
        let mut first = Vec::new();
        for tag in &tags.tags {
            let Begin::Token(begin) = &tag.begin else {
                let pointer = push_pointer(&tag.pointer, "begin");
                let help = "give a token, or use `triggered_tags`";
                self.report(&pointer, Code::Invalid, "a tag that a token triggers must begin with a token", help);
                continue;
            };
            let Some(id) = self.token_id(begin) else { continue };
            let Some(&[index]) = triggers.get(&id).map(Vec::as_slice) else {
                let message = "the token that this tag begins with must be exactly one of the trigger tokens";
                let help = "change the trigger tokens or the beginning of the tag";
                self.report(&begin.pointer, Code::Invalid, message, help);
                continue;
            };
            let inside = self.tag_rest(tag)?;
            if tags.at_least_one {
                let whole = self.builder.token(TokenSet::of([id]));
                first.push(self.sequence([Part::Solid(whole), inside.clone()]));
            }
            rests[index].1.push(inside);
        }
        let mut words = Vec::with_capacity(rests.len());
        for (id, rests) in rests {
            words.push((id, self.choice(rests)));
        }
        self.in_turn(tags.at_least_one.then_some(first), tags.stop_after_first, |lowering| {
            lowering.run_and_words(format, words, &tags.excludes)
        })
    }

    /// Free text and tags in turn. `first` has the whole tags, where one of them comes first; `text_and_words` makes the free
    /// text, and what can end it.
    fn in_turn(
        &mut self,
        first: Option<Vec<Part>>,
        stop_after_first: bool,
        text_and_words: impl FnOnce(&mut Self) -> Result<(Part, Part), Diagnostics>,
    ) -> Result<Part, Diagnostics> {
        let first = first.map(|first| self.choice(first));
        if let (Some(first), true) = (&first, stop_after_first) {
            return Ok(first.clone());
        }
        let (text, words) = text_and_words(self)?;
        let rest = self.alternate(text, words, !stop_after_first);
        Ok(self.sequence(first.into_iter().chain([rest])))
    }

    /// `text`, and `words` with `text` before each: again and again, or once.
    fn alternate(&mut self, text: Part, words: Part, repeats: bool) -> Part {
        let one = self.sequence([text.clone(), words]);
        if !repeats {
            return self.choice([one, text]);
        }
        let all = Part::Repeat(Box::new(one), 0, None);
        self.sequence([all, text])
    }

    pub(super) fn dispatch(&mut self, format: &Format, dispatch: &'a Dispatch<Text>) -> Result<Part, Diagnostics> {
        let mut words = Vec::with_capacity(dispatch.rules.len());
        for (pattern, content) in &dispatch.rules {
            words.push((pattern, self.format(content)?));
        }
        let (text, words) = self.text_and_words(format, words, texts_of(&dispatch.excludes))?;
        Ok(self.alternate(text, words, dispatch.repeats))
    }

    pub(super) fn token_dispatch(
        &mut self,
        format: &Format,
        dispatch: &'a Dispatch<Token>,
    ) -> Result<Part, Diagnostics> {
        let mut words = Vec::with_capacity(dispatch.rules.len());
        for (pattern, content) in &dispatch.rules {
            let content = self.format(content)?;
            words.extend(self.token_id(pattern).map(|id| (id, content)));
        }
        let (text, words) = self.run_and_words(format, words, &dispatch.excludes)?;
        Ok(self.alternate(text, words, dispatch.repeats))
    }

    /// Free text without `excludes`, and what can end it: a text, and what comes after that.
    fn text_and_words(
        &mut self,
        format: &Format,
        words: Vec<(&'a Text, Part)>,
        excludes: Vec<&'a str>,
    ) -> Result<(Part, Part), Diagnostics> {
        let patterns: Vec<&str> = words.iter().map(|(pattern, _)| pattern.text.as_str()).collect();
        let kind = self.text_kind(&format.pointer, patterns.clone(), excludes)?;
        let groups = self.kinds_of_text[kind].free.starts_of(&patterns, &self.budget)?;
        let mut words: Vec<Option<(&Text, Part)>> = words.into_iter().map(Some).collect();
        let mut all = Vec::new();
        for (starts, members) in groups {
            let starts = Rc::new(starts);
            let mut solids = Vec::new();
            for (pattern, content) in members.into_iter().filter_map(|member| words[member].take()) {
                let pattern = self.builder.literal(&pattern.text);
                match self.solid(&content) {
                    Some(content) => solids.push(self.builder.sequence([pattern, content])),
                    None => all.push(Part::Sequence(vec![Part::Word(Rc::clone(&starts), pattern), content])),
                }
            }
            if !solids.is_empty() {
                all.push(Part::Word(starts, self.builder.choice(solids)));
            }
        }
        for (pattern, _) in words.into_iter().flatten() {
            let message =
                "this can never be completed: an excluded text, an end or another trigger always comes before it";
            self.report(&pattern.pointer, Code::Unsatisfiable, message, "leave it out, or change what comes before it");
        }
        Ok((Part::Text(kind), Part::Choice(all)))
    }

    /// A run of tokens without `excludes`, and what can end it: a token, and what comes after that.
    fn run_and_words(
        &mut self,
        format: &Format,
        words: Vec<(u32, Part)>,
        excludes: &'a [Token],
    ) -> Result<(Part, Part), Diagnostics> {
        let excludes: Vec<u32> = excludes.iter().filter_map(|token| self.token_id(token)).collect();
        let listed = words.iter().map(|&(id, _)| id).chain(excludes.iter().copied()).collect();
        let run = self.run_of_tokens(format, listed)?;
        let mut all = Vec::with_capacity(words.len());
        for (id, content) in words {
            if !excludes.contains(&id) && !self.end_tokens.contains(&id) {
                let token = Part::Solid(self.builder.token(TokenSet::of([id])));
                all.push(self.sequence([token, content]));
            }
        }
        Ok((run, self.choice(all)))
    }
}
