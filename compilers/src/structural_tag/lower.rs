//! From formats to grammar expressions.

use grammar_ir::passes::productive_rules;
use std::rc::Rc;

use grammar_ir::{
    Budget, Expr, ExprId, Grammar, GrammarBuilder, GrammarError, Limits, RuleAttributes, RuleId, TokenSet,
};
use rustc_hash::FxHashMap;

use super::Options;
use super::ast::{AnyText, Format, Json, Kind, Style, Text, Token, TokenName};
use super::composition::{Completion, Limited, Part, TextKind};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};
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
        embedded: Embedded::with_tokens(tokens),
        ends: Vec::new(),
        end_tokens: Vec::new(),
        string_ends: Vec::new(),
        is_repeated: false,
        kinds_of_text: Vec::new(),
        kind_ids: FxHashMap::default(),
        leaves: Vec::new(),
        texts: 0,
        diagnostics: Vec::new(),
        regions: Vec::new(),
        grammars: 0,
    };
    let part = lowering.format(format)?;
    let end = Completion { text: None, expr: lowering.builder.empty() };
    let body = lowering.compose(&part, &[end])?;
    let Lowering { mut builder, diagnostics, regions, mut budget, .. } = lowering;
    if !diagnostics.is_empty() {
        return Err(super::first(diagnostics));
    }
    builder.define(root, body);
    let grammar = builder.finish(root).map_err(|error| match error {
        GrammarError::Limit(error) => Diagnostics::from(error),
        error => Diagnostic::new(Code::Invalid, Place::Whole, error.to_string()).into(),
    })?;
    let productive = productive_rules(&grammar, &mut budget)?;
    let barren = regions.iter().filter(|(rule, _)| !productive[rule.index()]);
    let barren: Vec<Diagnostic> = barren.map(|(_, region)| region.no_text()).collect();
    if barren.is_empty() { Ok(grammar) } else { Err(super::first(barren)) }
}

/// The greatest number of parts in all copies of one with free text in it. More copies each stand for themselves.
const MAX_COPIES: usize = 64;

/// The texts themselves.
pub(super) fn texts_of(texts: &[Text]) -> Vec<&str> {
    texts.iter().map(|text| text.text.as_str()).collect()
}

/// A format that may turn out to have no texts.
#[derive(Debug, Clone, Copy)]
enum Region<'a> {
    Json(&'a Json),
    Regex(&'a Text),
}

impl Region<'_> {
    /// That nothing can be written by it: next to other formats, that would go unnoticed.
    fn no_text(self) -> Diagnostic {
        let (pointer, message, help) = match self {
            Self::Json(json) => match json.style {
                Style::Json => {
                    let message = "no value satisfies this schema".to_owned();
                    (&json.pointer, message, "change the schema, or leave the format out")
                }
                Style::Xml(style) => {
                    let message =
                        format!("no object satisfies this schema, and the style `{}` writes an object", style.name());
                    (&json.pointer, message, "give the schema of an object, or use the style `json`")
                }
            },
            Self::Regex(pattern) => {
                (&pattern.pointer, "no text matches this".to_owned(), "change the pattern, or leave the format out")
            }
        };
        Diagnostic::new(Code::Unsatisfiable, Place::Pointer(pointer.clone()), message).with_help(help)
    }
}

/// A structural tag on its way to a grammar.
pub(super) struct Lowering<'a> {
    pub(super) options: &'a Options,
    pub(super) tokens: Option<&'a dyn TokenNames>,
    pub(super) limits: &'a Limits,
    pub(super) budget: Budget<'a>,
    pub(super) builder: GrammarBuilder,
    embedded: Embedded,
    /// The texts that end the tags around the format at hand, those of tokens included. Free text contains none of them.
    pub(super) ends: Vec<&'a str>,
    /// The tokens that end the tags around the format at hand.
    pub(super) end_tokens: Vec<u32>,
    /// The strings that end the tags around the format at hand.
    pub(super) string_ends: Vec<&'a str>,
    /// Whether the format at hand may come again and again in the innermost tag around it.
    pub(super) is_repeated: bool,
    /// The kinds of free text so far.
    pub(super) kinds_of_text: Vec<TextKind>,
    /// The kinds by the texts that end them, those that they do not contain apart.
    kind_ids: FxHashMap<(Vec<&'a str>, Vec<&'a str>), usize>,
    /// The formats without formats in them that may have the empty text.
    pub(super) leaves: Vec<&'a Format>,
    /// The number of rules for free text so far.
    pub(super) texts: usize,
    diagnostics: Vec<Diagnostic>,
    /// The schemas and patterns so far, each with a rule that has its texts as words; the rest of the grammar does without
    /// these rules.
    regions: Vec<(RuleId, Region<'a>)>,
    /// The number of embedded grammars so far.
    grammars: usize,
}

impl<'a> Lowering<'a> {
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

    /// The part that is `format`. The nesting is bounded by the parser of JSON.
    pub(super) fn format(&mut self, format: &'a Format) -> Result<Part, Diagnostics> {
        self.budget.check_time()?;
        Ok(match &format.kind {
            Kind::Literal(text) => Part::Solid(self.builder.literal(text)),
            Kind::Json(json) => {
                let expr = self.json(json);
                self.leaf(format, expr)
            }
            Kind::Grammar(source) => {
                let expr = self.grammar(format, source);
                self.leaf(format, expr)
            }
            Kind::Regex(regex) => {
                let expr = self.regex(&regex.pattern);
                self.leaf(format, expr)
            }
            Kind::AnyText(any) => self.any_text(format, any)?,
            Kind::Token(tokens) => {
                let ids: Vec<u32> = tokens.list.iter().filter_map(|token| self.token_id(token)).collect();
                let set = if tokens.excluded { self.other_token(format, ids) } else { TokenSet::of(ids) };
                Part::Solid(self.builder.token(set))
            }
            Kind::AnyTokens { excludes, max_tokens } => {
                let ids: Vec<u32> = excludes.iter().filter_map(|token| self.token_id(token)).collect();
                self.any_tokens(format, ids, *max_tokens)?
            }
            Kind::Sequence(elements) => {
                let elements: Vec<Part> =
                    elements.iter().map(|element| self.format(element)).collect::<Result<_, _>>()?;
                self.sequence(elements)
            }
            Kind::Or(elements) => {
                let elements: Vec<Part> =
                    elements.iter().map(|element| self.format(element)).collect::<Result<_, _>>()?;
                self.choice(elements)
            }
            Kind::Repeat { content, min, max } => {
                let outside = self.is_repeated;
                self.is_repeated |= max.is_none_or(|max| max > 1);
                let content = self.format(content);
                self.is_repeated = outside;
                self.repeat(format, content?, *min, *max)?
            }
            Kind::Tag(tag) => self.tag(tag)?,
            Kind::TriggeredTags(tags) => self.triggered_tags(format, tags)?,
            Kind::TokenTriggeredTags(tags) => self.token_triggered_tags(format, tags)?,
            Kind::TagsWithSeparator { tags, separator, at_least_one, stop_after_first } => {
                let tags: Vec<Part> = tags.iter().map(|tag| self.tag(tag)).collect::<Result<_, _>>()?;
                let tag = self.choice(tags);
                let separator = Part::Solid(self.builder.literal(separator));
                let another = self.sequence([separator, tag.clone()]);
                let others = self.repeat(format, another, 0, if *stop_after_first { Some(0) } else { None })?;
                let list = self.sequence([tag, others]);
                if *at_least_one { list } else { Part::Repeat(Box::new(list), 0, Some(1)) }
            }
            Kind::Dispatch(dispatch) => self.dispatch(format, dispatch)?,
            Kind::TokenDispatch(dispatch) => self.token_dispatch(format, dispatch)?,
        })
    }

    /// `expr`, the texts of `format`, which has no formats in it.
    fn leaf(&mut self, format: &'a Format, expr: ExprId) -> Part {
        if !matches!(&format.kind, Kind::Json(json) if json.style == Style::Json) {
            self.leaves.push(format);
            return Part::Leaf(expr, self.leaves.len() - 1);
        }
        Part::Solid(expr)
    }

    /// One after the other; what is not free is put together.
    pub(super) fn sequence(&mut self, parts: impl IntoIterator<Item = Part>) -> Part {
        let mut whole: Vec<Part> = Vec::new();
        for part in parts {
            match (whole.last_mut(), part) {
                (Some(Part::Solid(last)), Part::Solid(next)) => *last = self.builder.sequence([*last, next]),
                (_, part) => whole.push(part),
            }
        }
        // What is empty does not keep free texts apart.
        let is_empty = |part: &Part| matches!(part, Part::Solid(expr) if *self.builder.expr(*expr) == Expr::Empty);
        whole.retain(|part| !is_empty(part));
        match whole.len() {
            0 => Part::Solid(self.builder.empty()),
            1 => whole.swap_remove(0),
            _ => Part::Sequence(whole),
        }
    }

    /// Any one of them; what is not free is put together.
    pub(super) fn choice(&mut self, parts: impl IntoIterator<Item = Part>) -> Part {
        let mut solids: Vec<ExprId> = Vec::new();
        let mut whole: Vec<Part> = Vec::new();
        for part in parts {
            match part {
                Part::Solid(solid) if *self.builder.expr(solid) == Expr::Empty => {
                    whole.push(Part::Sequence(Vec::new()))
                }
                Part::Solid(solid) => solids.push(solid),
                part => whole.push(part),
            }
        }
        if whole.iter().all(|part| matches!(part, Part::Sequence(parts) if parts.is_empty())) {
            let empty = self.builder.empty();
            solids.extend(whole.first().map(|_| empty));
            return Part::Solid(self.builder.choice(solids));
        }
        if !solids.is_empty() {
            whole.push(Part::Solid(self.builder.choice(solids)));
        }
        if whole.len() == 1 { whole.swap_remove(0) } else { Part::Choice(whole) }
    }

    /// `part` between `min` and `max` times.
    fn repeat(&mut self, format: &Format, part: Part, min: u32, max: Option<u32>) -> Result<Part, Diagnostics> {
        if max == Some(0) {
            return Ok(Part::Solid(self.builder.empty()));
        }
        // Text after text is text.
        if matches!(part, Part::Text(_)) {
            return Ok(part);
        }
        let copies = max.unwrap_or(min.max(1)) as usize;
        if self.solid(&part).is_none() && copies > 1 && copies.saturating_mul(part.size()) > MAX_COPIES {
            if self.ends.is_empty() && !self.keeps_out(&part) {
                let alone = self.alone(&part)?;
                let repeated = self.builder.repeat(alone, min, max);
                let closed = self.close(&format.pointer, &part, repeated, (true, true))?;
                return Ok(Part::Repeat(Box::new(closed), u32::from(!self.can_be_empty(format)), Some(1)));
            }
            let message = format!(
                "with free text in it, this is more than the {MAX_COPIES} formats that can be watched for ends and triggers \
                 across their borders"
            );
            let help = "repeat it fewer times, or without bounds";
            self.report(&format.pointer, Code::Unsupported, message, help);
            return Ok(Part::Solid(self.builder.never()));
        }
        Ok(Part::Repeat(Box::new(part), min, max))
    }

    /// The texts of `part`, with nothing after it.
    pub(super) fn alone(&mut self, part: &Part) -> Result<ExprId, Diagnostics> {
        let end = Completion { text: None, expr: self.builder.empty() };
        self.compose(part, &[end])
    }

    /// Free text that ends with one of `patterns` and contains none of `excludes`, and no end of a tag around it.
    pub(super) fn text_kind(
        &mut self,
        pointer: &str,
        patterns: Vec<&'a str>,
        mut excludes: Vec<&'a str>,
    ) -> Result<usize, Diagnostics> {
        let mut kept_out: Vec<String> = patterns.iter().chain(&excludes).map(|&text| text.to_owned()).collect();
        kept_out.sort_unstable();
        excludes.extend_from_slice(&self.ends);
        let mut key = (patterns, excludes);
        for texts in [&mut key.0, &mut key.1] {
            texts.sort_unstable();
            texts.dedup();
        }
        if let Some(&kind) = self.kind_ids.get(&key) {
            return Ok(kind);
        }
        self.kinds_of_text.push(TextKind::new(pointer.to_owned(), kept_out, &key.0, &key.1)?);
        self.kind_ids.insert(key, self.kinds_of_text.len() - 1);
        Ok(self.kinds_of_text.len() - 1)
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
                self.add_region("json", &json.pointer, Region::Json(json), body);
                body
            }
            Err(diagnostics) => {
                self.adopt(&json.pointer, &diagnostics);
                self.builder.never()
            }
        }
    }

    fn grammar(&mut self, format: &Format, source: &str) -> ExprId {
        self.grammars += 1;
        let prefix = format!("grammar_{}.", self.grammars);
        match gbnf::compile_part(source, &self.options.gbnf, self.tokens, &self.ends, self.limits) {
            Ok(grammar) => self.builder.embed(&grammar, &prefix),
            Err(diagnostics) => {
                self.adopt(&push_pointer(&format.pointer, "grammar"), &diagnostics);
                self.builder.never()
            }
        }
    }

    fn add_region(&mut self, kind: &str, pointer: &str, region: Region<'a>, body: ExprId) {
        let rule = self.builder.declare(format!("{kind}{pointer}"));
        self.builder.define(rule, body);
        self.regions.push((rule, region));
    }

    fn regex(&mut self, pattern: &'a Text) -> ExprId {
        let lowered = regex::parse(&pattern.text, &self.options.regex, self.limits).and_then(|parsed| {
            regex::lower(
                &parsed,
                regex::Anchoring::Whole,
                &grammar_ir::regular::Utf8,
                &mut self.builder,
                &mut self.budget,
            )
        });
        match lowered {
            Ok(body) => {
                self.add_region("regex", &pattern.pointer, Region::Regex(pattern), body);
                body
            }
            Err(diagnostics) => {
                self.adopt(&pattern.pointer, &diagnostics);
                self.builder.never()
            }
        }
    }

    fn any_text(&mut self, format: &Format, any: &'a AnyText) -> Result<Part, Diagnostics> {
        if any.max_tokens == Some(0) || any.max_chars == Some(0) {
            return Ok(Part::Solid(self.builder.empty()));
        }
        let kind = self.text_kind(&format.pointer, Vec::new(), texts_of(&any.excludes))?;
        if any.max_chars.is_none() && any.max_tokens.is_none() {
            return Ok(Part::Text(kind));
        }
        let AnyText { max_tokens, max_chars, .. } = *any;
        Ok(Part::Limited(Rc::new(Limited { pointer: format.pointer.clone(), kind, max_tokens, max_chars })))
    }

    /// `expr` with at most `max_tokens` tokens, where that says so.
    pub(super) fn budgeted(&mut self, expr: ExprId, max_tokens: Option<u32>) -> ExprId {
        if max_tokens.is_none() {
            return expr;
        }
        self.texts += 1;
        let rule = self.builder.declare(format!("free_text_{}", self.texts));
        self.builder.define(rule, expr);
        self.builder.set_attributes(rule, RuleAttributes { max_tokens, ..RuleAttributes::default() });
        self.builder.rule(rule)
    }

    pub(super) fn token_id(&mut self, token: &Token) -> Option<u32> {
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
                let message = format!("the vocabulary has no token `{text}`");
                let help = "check its spelling; text that is not exactly one token is matched by a string";
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
}
