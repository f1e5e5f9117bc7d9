//! From formats to grammar expressions.

use grammar_ir::passes::productive_rules;
use grammar_ir::{
    Budget, ExprId, Grammar, GrammarBuilder, GrammarError, LimitError, Limits, RuleAttributes, RuleId, TokenSet,
};

use super::Options;
use super::ast::{
    AnyText, Begin, Dispatch, End, Format, Json, Kind, Style, Tag, Text, Token, TokenName, TriggeredTags,
};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use crate::free_text::FreeText;
use crate::gbnf::{self, TokenNames};
use crate::json_schema::{Embedded, KeyOrder, Whitespace, push_pointer};
use crate::regex;

/// Lowers the format of a structural tag.
///
/// # Errors
/// What is wrong with the formats, all at once, or the limit that was met.
pub(super) fn lower(
    format: &Format,
    options: &Options,
    tokens: Option<&dyn TokenNames>,
    limits: &Limits,
) -> Result<Grammar, Diagnostics> {
    let mut builder = GrammarBuilder::with_max_expressions(limits.expressions);
    let root = builder.declare("root");
    let mut lowering = Lowering {
        options,
        tokens,
        limits,
        budget: Budget::new(limits),
        builder,
        embedded: Embedded::new(),
        ends: Vec::new(),
        end_tokens: Vec::new(),
        string_ends: Vec::new(),
        diagnostics: Vec::new(),
        schemas: Vec::new(),
        grammars: 0,
    };
    let body = lowering.format(format)?;
    let Lowering { mut builder, diagnostics, schemas, mut budget, .. } = lowering;
    if !diagnostics.is_empty() {
        return Err(diagnostics.into());
    }
    builder.define(root, body);
    let grammar = builder.finish(root).map_err(|error| match error {
        GrammarError::Limit(error) => Diagnostics::from(error),
        error => Diagnostic::new(Code::Invalid, Place::Whole, error.to_string()).into(),
    })?;
    let productive = productive_rules(&grammar, &mut budget)?;
    let barren = schemas.iter().filter(|(rule, _)| !productive[rule.index()]);
    let barren: Vec<Diagnostic> = barren.map(|(_, json)| no_value(json)).collect();
    if barren.is_empty() { Ok(grammar) } else { Err(barren.into()) }
}

/// That nothing can be written by the schema: next to other formats, that would go unnoticed.
fn no_value(json: &Json) -> Diagnostic {
    let (message, help) = match json.style {
        Style::Json => ("no value satisfies this schema".to_owned(), "change the schema, or leave the format out"),
        Style::Xml(style) => (
            format!("no object satisfies this schema, and the style `{}` writes an object", style.name()),
            "give the schema of an object, or use the style `json`",
        ),
    };
    Diagnostic::new(Code::Unsatisfiable, Place::Pointer(json.pointer.clone()), message).with_help(help)
}

/// A structural tag on its way to a grammar.
pub(super) struct Lowering<'a> {
    pub(super) options: &'a Options,
    pub(super) tokens: Option<&'a dyn TokenNames>,
    pub(super) limits: &'a Limits,
    budget: Budget<'a>,
    builder: GrammarBuilder,
    embedded: Embedded,
    /// The texts that end the tags around the format at hand, those of tokens included. Free text contains none of them.
    ends: Vec<&'a str>,
    /// The tokens that end the tags around the format at hand.
    end_tokens: Vec<u32>,
    /// The strings that end the tags around the format at hand. No run of tokens can be kept from containing them.
    string_ends: Vec<&'a str>,
    diagnostics: Vec<Diagnostic>,
    /// The schemas so far, each with a rule that has its texts as words; the rest of the grammar does without these rules.
    schemas: Vec<(RuleId, &'a Json)>,
    /// The number of embedded grammars so far.
    grammars: usize,
}

/// What ends free text: a text or a token.
trait Pattern: Sized {
    /// Free text, one of `patterns` and what comes after it; and free text that goes on to the end.
    fn split(
        lowering: &mut Lowering<'_>,
        patterns: &[(&Self, ExprId)],
        excludes: &[Self],
    ) -> Result<(ExprId, ExprId), LimitError>;
}

impl Pattern for Text {
    fn split(
        lowering: &mut Lowering<'_>,
        patterns: &[(&Self, ExprId)],
        excludes: &[Self],
    ) -> Result<(ExprId, ExprId), LimitError> {
        let patterns: Vec<(&str, ExprId)> =
            patterns.iter().map(|&(pattern, after)| (pattern.text.as_str(), after)).collect();
        let texts: Vec<&str> = patterns.iter().map(|&(pattern, _)| pattern).collect();
        let mut excludes: Vec<&str> = excludes.iter().map(|text| text.text.as_str()).collect();
        excludes.extend(&lowering.ends);
        let free = FreeText::new(&texts, &excludes)?;
        let one = free.text_before(&patterns, &mut lowering.builder);
        Ok((one, lowering.builder.automaton(free.text())))
    }
}

impl Pattern for Token {
    fn split(
        lowering: &mut Lowering<'_>,
        patterns: &[(&Self, ExprId)],
        excludes: &[Self],
    ) -> Result<(ExprId, ExprId), LimitError> {
        let patterns: Vec<(u32, ExprId)> =
            patterns.iter().filter_map(|&(token, after)| Some((lowering.token_id(token)?, after))).collect();
        let excludes: Vec<u32> = excludes.iter().filter_map(|token| lowering.token_id(token)).collect();
        let listed = patterns.iter().map(|&(id, _)| id).chain(excludes.iter().copied());
        let others = TokenSet::all_but(listed.chain(lowering.end_tokens.iter().copied()));
        let builder = &mut lowering.builder;
        let other = builder.token(others);
        let text = builder.repeat(other, 0, None);
        let end_tokens = &lowering.end_tokens;
        let is_excluded = |id: &u32| excludes.contains(id) || end_tokens.contains(id);
        let words = patterns.into_iter().filter(|(id, _)| !is_excluded(id)).map(|(id, after)| {
            let token = builder.token(TokenSet::of([id]));
            builder.sequence([token, after])
        });
        let words: Vec<ExprId> = words.collect();
        let words = builder.choice(words);
        Ok((builder.sequence([text, words]), text))
    }
}

impl<'a> Lowering<'a> {
    /// Whether a text ends a tag around the format at hand.
    pub(super) fn has_ends(&self) -> bool {
        !self.ends.is_empty()
    }

    pub(super) fn report(&mut self, pointer: &str, code: Code, message: impl Into<String>, help: &str) {
        let place = Place::Pointer(pointer.to_owned());
        self.diagnostics.push(Diagnostic::new(code, place, message).with_help(help));
    }

    /// Takes over diagnostics about a part of the document at `pointer`. Spans are of a text in it, so they become a part
    /// of the message.
    fn adopt(&mut self, pointer: &str, diagnostics: &Diagnostics) {
        for diagnostic in diagnostics.iter() {
            let mut diagnostic = diagnostic.clone();
            match &diagnostic.place {
                Place::Pointer(inner) => diagnostic.place = Place::Pointer(format!("{pointer}{inner}")),
                Place::Span(span) => {
                    diagnostic.message = format!("at byte {} of this text: {}", span.start, diagnostic.message);
                    diagnostic.place = Place::Pointer(pointer.to_owned());
                }
                Place::Whole => diagnostic.place = Place::Pointer(pointer.to_owned()),
            }
            self.diagnostics.push(diagnostic);
        }
    }

    /// The expression for `format`. The nesting is bounded by the parser of JSON.
    fn format(&mut self, format: &'a Format) -> Result<ExprId, Diagnostics> {
        self.budget.check_time()?;
        self.check_adjacent(format);
        Ok(match &format.kind {
            Kind::Literal(text) => self.builder.literal(text),
            Kind::Json(json) => self.json(json),
            Kind::Grammar(source) => self.grammar(format, source),
            Kind::Regex(regex) => self.regex(&regex.pattern),
            Kind::AnyText(any) => self.any_text(format, any)?,
            Kind::Token(tokens) => {
                if tokens.excluded {
                    self.check_runs_of_tokens(format, "exclude_token");
                }
                let ids: Vec<u32> = tokens.list.iter().filter_map(|token| self.token_id(token)).collect();
                self.builder.token(if tokens.excluded {
                    TokenSet::all_but(ids.into_iter().chain(self.end_tokens.iter().copied()))
                } else {
                    TokenSet::of(ids)
                })
            }
            Kind::AnyTokens { excludes, max_tokens } => {
                self.check_runs_of_tokens(format, "any_tokens");
                let ids: Vec<u32> = excludes.iter().filter_map(|token| self.token_id(token)).collect();
                let token =
                    self.builder.token(TokenSet::all_but(ids.into_iter().chain(self.end_tokens.iter().copied())));
                self.builder.repeat(token, 0, *max_tokens)
            }
            Kind::Sequence(elements) => {
                let elements: Vec<ExprId> =
                    elements.iter().map(|element| self.format(element)).collect::<Result<_, _>>()?;
                self.builder.sequence(elements)
            }
            Kind::Or(elements) => {
                let elements: Vec<ExprId> =
                    elements.iter().map(|element| self.format(element)).collect::<Result<_, _>>()?;
                self.builder.choice(elements)
            }
            Kind::Repeat { content, min, max } => {
                let content = self.format(content)?;
                self.builder.repeat(content, *min, *max)
            }
            Kind::Tag(tag) => self.tag(tag)?,
            Kind::TriggeredTags(tags) => self.triggered_tags(tags)?,
            Kind::TokenTriggeredTags(tags) => {
                if !(tags.at_least_one && tags.stop_after_first) {
                    self.check_runs_of_tokens(format, "token_triggered_tags");
                }
                self.token_triggered_tags(tags)?
            }
            Kind::TagsWithSeparator { tags, separator, at_least_one, stop_after_first } => {
                let tags: Vec<ExprId> = tags.iter().map(|tag| self.tag(tag)).collect::<Result<_, _>>()?;
                let builder = &mut self.builder;
                let tag = builder.choice(tags);
                let separator = builder.literal(separator);
                let another = builder.sequence([separator, tag]);
                let others = builder.repeat(another, 0, if *stop_after_first { Some(0) } else { None });
                let list = builder.sequence([tag, others]);
                if *at_least_one { list } else { builder.optional(list) }
            }
            Kind::Dispatch(dispatch) => self.dispatch(dispatch)?,
            Kind::TokenDispatch(dispatch) => {
                self.check_runs_of_tokens(format, "token_dispatch");
                self.dispatch(dispatch)?
            }
        })
    }

    fn json(&mut self, json: &'a Json) -> ExprId {
        let mut options = self.options.json_schema.clone();
        if let Some(count) = json.max_whitespace {
            options.whitespace = Whitespace::AtMost(count);
        }
        if json.any_order {
            options.key_order = KeyOrder::Any;
        }
        options.string_excludes.extend(json.excludes.iter().map(|text| text.text.clone()));
        let (builder, budget) = (&mut self.builder, &mut self.budget);
        let lowered = match json.style {
            Style::Json => self.embedded.lower(&json.schema, &options, builder, budget),
            Style::Xml(style) => self.embedded.lower_xml(&json.schema, style, &options, builder, budget),
        };
        match lowered {
            Ok(body) => {
                let rule = self.builder.declare(format!("json{}", json.pointer));
                self.builder.define(rule, body);
                self.schemas.push((rule, json));
                body
            }
            Err(diagnostics) => {
                self.adopt(&json.pointer, &diagnostics);
                self.builder.never()
            }
        }
    }

    /// Refuses a format that takes any tokens inside a tag that ends with a string: which tokens make up that string
    /// together is not known to it, so it could run past the end.
    fn check_runs_of_tokens(&mut self, format: &Format, name: &str) {
        let Some(end) = self.string_ends.last() else { return };
        let message = format!("`{name}` cannot stand in a tag that ends with a string, `{end}`: it would run past it");
        self.report(&format.pointer, Code::Unsupported, message, "end the tag with a token, or use formats of text");
    }

    fn grammar(&mut self, format: &Format, source: &str) -> ExprId {
        self.grammars += 1;
        let prefix = format!("grammar_{}.", self.grammars);
        match gbnf::compile_part(source, &self.options.gbnf, self.tokens, self.limits) {
            Ok(grammar) => self.builder.embed(&grammar, &prefix),
            Err(diagnostics) => {
                self.adopt(&push_pointer(&format.pointer, "grammar"), &diagnostics);
                self.builder.never()
            }
        }
    }

    fn regex(&mut self, pattern: &Text) -> ExprId {
        let lowered = regex::parse(&pattern.text, &self.options.regex, self.limits).and_then(|parsed| {
            regex::lower(
                &parsed,
                regex::Anchoring::Whole,
                &grammar_ir::regular::Utf8,
                &mut self.builder,
                &mut self.budget,
            )
        });
        lowered.unwrap_or_else(|diagnostics| {
            self.adopt(&pattern.pointer, &diagnostics);
            self.builder.never()
        })
    }

    fn any_text(&mut self, format: &Format, any: &'a AnyText) -> Result<ExprId, Diagnostics> {
        if any.max_tokens == Some(0) {
            return Ok(self.builder.empty());
        }
        let mut excludes: Vec<&str> = any.excludes.iter().map(|text| text.text.as_str()).collect();
        excludes.extend(&self.ends);
        let free = FreeText::new(&[], &excludes)?;
        let text = match any.max_chars {
            None => self.builder.automaton(free.text()),
            Some(max) => self.builder.automaton(free.text_up_to(max)),
        };
        if any.max_tokens.is_none() {
            return Ok(text);
        }
        let rule = self.builder.declare(format!("text{}", format.pointer));
        self.builder.define(rule, text);
        self.builder.set_attributes(rule, RuleAttributes { max_tokens: any.max_tokens, ..RuleAttributes::default() });
        Ok(self.builder.rule(rule))
    }

    fn token_id(&mut self, token: &Token) -> Option<u32> {
        let id = match &token.name {
            TokenName::Id(id) => {
                if self.tokens.is_none_or(|tokens| tokens.has_token(*id)) {
                    return Some(*id);
                }
                let message = format!("the vocabulary has no token {id}");
                self.report(&token.pointer, Code::Invalid, message, "use the tokenizer that the tag was written for");
                return None;
            }
            TokenName::Text(text) => self.tokens.map(|tokens| tokens.token_id(text)),
        };
        let TokenName::Text(text) = &token.name else { return None };
        match id {
            Some(Some(id)) => Some(id),
            Some(None) => {
                let message = format!("the vocabulary has no special or added token `{text}`");
                let help = "check its spelling; ordinary text is matched by a string, not by a token";
                self.report(&token.pointer, Code::Undefined, message, help);
                None
            }
            None => {
                let message = format!("the token `{text}` cannot be looked up without a vocabulary");
                self.report(&token.pointer, Code::Undefined, message, "give a tokenizer, or name the token by its id");
                None
            }
        }
    }

    fn tag(&mut self, tag: &'a Tag) -> Result<ExprId, Diagnostics> {
        let begin = match &tag.begin {
            Begin::Text(begin) => self.builder.literal(&begin.text),
            Begin::Token(begin) => self.token(begin),
        };
        let rest = self.tag_rest(tag)?;
        Ok(self.builder.sequence([begin, rest]))
    }

    fn token(&mut self, token: &Token) -> ExprId {
        let id = self.token_id(token);
        self.builder.token(TokenSet::of(id))
    }

    /// What follows the beginning of a tag.
    fn tag_rest(&mut self, tag: &'a Tag) -> Result<ExprId, Diagnostics> {
        let (texts, tokens, strings) = (self.ends.len(), self.end_tokens.len(), self.string_ends.len());
        let end = match &tag.end {
            End::Texts(list) => {
                self.string_ends.extend(list.iter().map(|end| end.text.as_str()).filter(|end| !end.is_empty()));
                self.ends.extend_from_slice(&self.string_ends[strings..]);
                if self.ends.len() == texts && self.is_unlimited(&tag.content) {
                    let message = "the content of this tag is unlimited, so its end must not be empty";
                    let help = "give the text that ends the tag, or use the content without a tag";
                    self.report(&push_pointer(&tag.pointer, "end"), Code::Invalid, message, help);
                }
                let ends: Vec<ExprId> = list.iter().map(|end| self.builder.literal(&end.text)).collect();
                self.builder.choice(ends)
            }
            End::Token(token) => {
                let id = self.token_id(token);
                self.end_tokens.extend(id);
                self.end_text(token, id);
                self.builder.token(TokenSet::of(id))
            }
        };
        let content = self.format(&tag.content);
        self.ends.truncate(texts);
        self.end_tokens.truncate(tokens);
        self.string_ends.truncate(strings);
        Ok(self.builder.sequence([content?, end]))
    }

    /// Where the token that ends a tag is text as well, free text must not contain that text: the token would be read as a
    /// part of the free text otherwise.
    fn end_text(&mut self, token: &Token, id: Option<u32>) {
        let Some(text) = self.tokens.zip(id).and_then(|(tokens, id)| tokens.text(id)) else { return };
        match std::str::from_utf8(text) {
            Ok("") => {}
            Ok(text) => self.ends.push(text),
            Err(_) => {
                let message = "this token is a part of a character, so free text cannot be kept from containing it";
                self.report(&token.pointer, Code::Unsupported, message, "end the tag with another token");
            }
        }
    }

    fn triggered_tags(&mut self, tags: &'a TriggeredTags<Text>) -> Result<ExprId, Diagnostics> {
        // Per trigger: the rests of its tags.
        let mut rests: Vec<Vec<ExprId>> = vec![Vec::new(); tags.triggers.len()];
        let mut first = Vec::new();
        for tag in &tags.tags {
            let Begin::Text(begin) = &tag.begin else {
                let pointer = push_pointer(&tag.pointer, "begin");
                let help = "give a string, or use `token_triggered_tags`";
                self.report(&pointer, Code::Invalid, "a tag that a text triggers must begin with a string", help);
                continue;
            };
            let mut matching =
                tags.triggers.iter().enumerate().filter(|(_, trigger)| begin.text.starts_with(&trigger.text));
            let (Some((index, trigger)), None) = (matching.next(), matching.next()) else {
                let count = tags.triggers.iter().filter(|trigger| begin.text.starts_with(&trigger.text)).count();
                let message = format!("this begins with {count} of the triggers; it must begin with exactly one");
                self.report(&begin.pointer, Code::Invalid, message, "change the triggers or the beginning of the tag");
                continue;
            };
            let inside = self.tag_rest(tag)?;
            let after_trigger = self.builder.literal(&begin.text[trigger.text.len()..]);
            let whole = self.builder.literal(&begin.text);
            rests[index].push(self.builder.sequence([after_trigger, inside]));
            first.push(self.builder.sequence([whole, inside]));
        }
        let triggers: Vec<&Text> = tags.triggers.iter().collect();
        self.interleave(&triggers, rests, first, tags)
    }

    fn token_triggered_tags(&mut self, tags: &'a TriggeredTags<Token>) -> Result<ExprId, Diagnostics> {
        let triggers: Vec<Option<u32>> = tags.triggers.iter().map(|token| self.token_id(token)).collect();
        let mut rests: Vec<Vec<ExprId>> = vec![Vec::new(); tags.triggers.len()];
        let mut first = Vec::new();
        for tag in &tags.tags {
            let Begin::Token(begin) = &tag.begin else {
                let pointer = push_pointer(&tag.pointer, "begin");
                let help = "give a token, or use `triggered_tags`";
                self.report(&pointer, Code::Invalid, "a tag that a token triggers must begin with a token", help);
                continue;
            };
            let Some(id) = self.token_id(begin) else { continue };
            let mut matching = (0..triggers.len()).filter(|&index| triggers[index] == Some(id));
            let (Some(index), None) = (matching.next(), matching.next()) else {
                let message = "the token that this tag begins with must be exactly one of the trigger tokens";
                self.report(
                    &begin.pointer,
                    Code::Invalid,
                    message,
                    "change the trigger tokens or the beginning of the tag",
                );
                continue;
            };
            let inside = self.tag_rest(tag)?;
            let whole = self.builder.token(TokenSet::of([id]));
            rests[index].push(inside);
            first.push(self.builder.sequence([whole, inside]));
        }
        let triggers: Vec<&Token> = tags.triggers.iter().collect();
        self.interleave(&triggers, rests, first, tags)
    }

    /// Free text and tags in turn. `rests` has, per trigger, what follows it; `first` the whole tags.
    fn interleave<P: Pattern>(
        &mut self,
        triggers: &[&P],
        rests: Vec<Vec<ExprId>>,
        first: Vec<ExprId>,
        tags: &TriggeredTags<P>,
    ) -> Result<ExprId, Diagnostics> {
        let mut patterns = Vec::with_capacity(triggers.len());
        for (&trigger, rests) in triggers.iter().zip(rests) {
            patterns.push((trigger, self.builder.choice(rests)));
        }
        let (one, text) = P::split(self, &patterns, &tags.excludes)?;
        let builder = &mut self.builder;
        let first = builder.choice(first);
        Ok(match (tags.at_least_one, tags.stop_after_first) {
            (true, true) => first,
            (false, true) => builder.choice([one, text]),
            (at_least_one, false) => {
                let all = builder.repeat(one, 0, None);
                let rest = builder.sequence([all, text]);
                if at_least_one { builder.sequence([first, rest]) } else { rest }
            }
        })
    }

    fn dispatch<P: Pattern>(&mut self, dispatch: &'a Dispatch<P>) -> Result<ExprId, Diagnostics> {
        let mut patterns = Vec::with_capacity(dispatch.rules.len());
        for (pattern, content) in &dispatch.rules {
            patterns.push((pattern, self.format(content)?));
        }
        let (one, text) = P::split(self, &patterns, &dispatch.excludes)?;
        let builder = &mut self.builder;
        Ok(if dispatch.repeats {
            let all = builder.repeat(one, 0, None);
            builder.sequence([all, text])
        } else {
            builder.choice([one, text])
        })
    }
}
