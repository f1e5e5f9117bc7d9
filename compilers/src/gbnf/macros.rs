//! Macros: `TagDispatch`, `TokenTagDispatch`, `Regex` and `Substring`.

use grammar_ir::regular::Utf8;
use grammar_ir::{Budget, ExprId, TokenSet};

use super::ast::{Argument, MAX_TOKEN_ID, Span, Value};
use super::lower::Lowering;
use super::{substring, unescape};
use crate::diagnostic::{Code, Diagnostics, Place};
use crate::free_text::FreeText;
use crate::json_schema::JsonString;
use crate::regex::{self, Anchoring, Syntax};

/// The expression for a macro.
///
/// # Errors
/// When a limit is met. What is wrong with the arguments is reported to `lowering`.
pub(super) fn lower(
    lowering: &mut Lowering<'_>,
    name: Span,
    span: Span,
    arguments: &[Argument],
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let source = lowering.source;
    let mut call = Call { lowering, span };
    match name.of(source) {
        "TagDispatch" => call.tag_dispatch(arguments, budget),
        "TokenTagDispatch" => Ok(call.token_tag_dispatch(arguments)),
        "Regex" => call.regex(arguments, budget),
        _ => call.substring(arguments, budget),
    }
}

struct Call<'l, 'a> {
    lowering: &'l mut Lowering<'a>,
    span: Span,
}

/// The named arguments of a dispatch.
struct DispatchOptions<'v> {
    repeats: bool,
    excludes: &'v [Argument],
}

impl Call<'_, '_> {
    fn invalid(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.lowering.report(Code::Invalid, span, message, help);
    }

    fn unknown(&mut self, name: Span, known: &str) {
        let message = format!("there is no argument `{}` here", name.of(self.lowering.source));
        self.invalid(name, message, &format!("the named arguments are {known}"));
    }

    fn text(&mut self, literal: Span) -> String {
        unescape::literal(self.lowering.source, literal, &mut self.lowering.diagnostics)
    }

    /// The text of a literal, which may not be empty.
    fn pattern(&mut self, value: &Value) -> Option<String> {
        let Value::Literal(span) = value else {
            self.invalid(value.span(), "this must be a literal", "write the text in quotes");
            return None;
        };
        let text = self.text(*span);
        if text.is_empty() {
            self.invalid(*span, "this text must not be empty: it would occur everywhere", "leave it out");
            return None;
        }
        Some(text)
    }

    fn token(&mut self, value: &Value) -> Option<u32> {
        let span = value.span();
        let id = match value {
            Value::Number(_) => span.of(self.lowering.source).parse().ok().filter(|&id| id <= MAX_TOKEN_ID),
            _ => None,
        };
        match id {
            Some(id) => self.lowering.check_tokens(span, &[id]),
            None => self.invalid(span, "this must be the id of a token", "write it as a decimal number"),
        }
        id
    }

    fn flag(&mut self, value: &Value) -> bool {
        let text = value.span().of(self.lowering.source);
        match (value, text) {
            (Value::Name(_), "true") => true,
            (Value::Name(_), "false") => false,
            _ => {
                self.invalid(value.span(), "this must be true or false", "write `true` or `false`");
                false
            }
        }
    }

    fn dispatch_options<'v>(&mut self, arguments: &'v [Argument]) -> DispatchOptions<'v> {
        let mut options = DispatchOptions { repeats: true, excludes: &[] };
        for Argument { name, value } in arguments {
            let Some(name) = *name else { continue };
            match (name.of(self.lowering.source), value) {
                ("loop_after_dispatch", value) => options.repeats = self.flag(value),
                ("excludes", Value::List(list, _)) => options.excludes = list,
                ("excludes", value) => {
                    self.invalid(value.span(), "this must be a list", "write the list in brackets: `(…, …)`");
                }
                _ => self.unknown(name, "`loop_after_dispatch` and `excludes`"),
            }
        }
        options
    }

    /// The pairs of a pattern and the rule that follows it.
    fn pairs<'v>(&mut self, arguments: &'v [Argument], what: &str) -> Vec<(&'v Value, ExprId)> {
        let mut pairs = Vec::new();
        for argument in arguments.iter().filter(|argument| argument.name.is_none()) {
            match &argument.value {
                Value::List(list, _) => match list.as_slice() {
                    [
                        Argument { name: None, value: pattern },
                        Argument { name: None, value: Value::Name(rule) | Value::Number(rule) },
                    ] => {
                        let rule = self.lowering.reference(*rule);
                        pairs.push((pattern, rule));
                    }
                    _ => self.not_a_pair(argument, what),
                },
                _ => self.not_a_pair(argument, what),
            }
        }
        pairs
    }

    fn not_a_pair(&mut self, argument: &Argument, what: &str) {
        let message = format!("this must be a pair of {what} and the name of a rule");
        self.invalid(argument.value.span(), message, "write the pair in brackets: `(…, rule)`");
    }

    fn tag_dispatch(&mut self, arguments: &[Argument], budget: &Budget<'_>) -> Result<ExprId, Diagnostics> {
        let options = self.dispatch_options(arguments);
        let pairs = self.pairs(arguments, "a literal");
        let pairs: Vec<(String, ExprId)> =
            pairs.into_iter().filter_map(|(pattern, rule)| Some((self.pattern(pattern)?, rule))).collect();
        let excludes: Vec<String> =
            options.excludes.iter().filter_map(|argument| self.pattern(&argument.value)).collect();
        let patterns: Vec<&str> = pairs.iter().map(|(pattern, _)| pattern.as_str()).collect();
        let excludes: Vec<&str> =
            excludes.iter().map(String::as_str).chain(self.lowering.ends.iter().copied()).collect();
        let free = FreeText::new(&patterns, &excludes)?;
        let builder = &mut self.lowering.builder;
        let pairs: Vec<(&str, ExprId)> = pairs.iter().map(|(pattern, rule)| (pattern.as_str(), *rule)).collect();
        let one = free.text_before(&pairs, builder, budget)?;
        let text = builder.automaton(free.text());
        Ok(self.interleave(one, text, options.repeats))
    }

    fn token_tag_dispatch(&mut self, arguments: &[Argument]) -> ExprId {
        let options = self.dispatch_options(arguments);
        let pairs = self.pairs(arguments, "the id of a token");
        let pairs: Vec<(u32, ExprId)> =
            pairs.into_iter().filter_map(|(token, rule)| Some((self.token(token)?, rule))).collect();
        let excludes: Vec<u32> = options.excludes.iter().filter_map(|argument| self.token(&argument.value)).collect();
        let builder = &mut self.lowering.builder;
        let other = TokenSet::all_but(pairs.iter().map(|&(token, _)| token).chain(excludes.iter().copied()));
        let other = builder.token(other);
        let text = builder.repeat(other, 0, None);
        let arms = pairs.iter().filter(|(token, _)| !excludes.contains(token)).map(|&(token, rule)| {
            let token = builder.token(TokenSet::of([token]));
            builder.sequence([text, token, rule])
        });
        let arms: Vec<ExprId> = arms.collect();
        let one = builder.choice(arms);
        self.interleave(one, text, options.repeats)
    }

    fn interleave(&mut self, one: ExprId, text: ExprId, repeats: bool) -> ExprId {
        let builder = &mut self.lowering.builder;
        if repeats {
            let all = builder.repeat(one, 0, None);
            builder.sequence([all, text])
        } else {
            builder.choice([one, text])
        }
    }

    fn regex(&mut self, arguments: &[Argument], budget: &mut Budget<'_>) -> Result<ExprId, Diagnostics> {
        let mut options = regex::Options::new(Syntax::Ecma262);
        let mut in_json_string = false;
        let mut pattern = None;
        for Argument { name, value } in arguments {
            match (name.map(|name| name.of(self.lowering.source)), value) {
                (None, Value::Literal(span)) if pattern.is_none() => pattern = Some((self.text(*span), *span)),
                (Some("json_string"), value) => in_json_string = self.flag(value),
                (Some("flags"), Value::Literal(span)) => self.flags(*span, &mut options),
                (Some("flags"), value) => self.invalid(value.span(), "this must be a literal", "write `flags=\"is\"`"),
                (Some(_), value) => self.unknown(name.unwrap_or(value.span()), "`flags` and `json_string`"),
                (None, value) => {
                    self.invalid(value.span(), "a regular expression is one literal", "write `Regex(\"…\")`");
                }
            }
        }
        let Some((pattern, span)) = pattern else {
            let here = self.span;
            self.invalid(here, "the regular expression is missing", "write `Regex(\"…\")`");
            return Ok(self.lowering.builder.never());
        };
        let builder = &mut self.lowering.builder;
        let lowered = regex::parse(&pattern, &options, budget.limits()).and_then(|parsed| {
            if in_json_string {
                regex::lower(&parsed, Anchoring::Whole, &JsonString, builder, budget)
            } else {
                regex::lower(&parsed, Anchoring::Whole, &Utf8, builder, budget)
            }
        });
        Ok(lowered.unwrap_or_else(|diagnostics| {
            self.adopt(span, &diagnostics);
            self.lowering.builder.never()
        }))
    }

    fn flags(&mut self, span: Span, options: &mut regex::Options) {
        for flag in self.text(span).chars() {
            match flag {
                'i' => options.case_insensitive = true,
                's' => options.dot_matches_new_line = true,
                'm' => options.multi_line = true,
                // Patterns are matched by code point in any case.
                'u' => {}
                _ => {
                    let message = format!("there is no flag `{}`", flag.escape_debug());
                    self.invalid(span, message, "the flags are `i`, `m`, `s` and `u`");
                }
            }
        }
    }

    /// Takes over diagnostics about the pattern at `span`; escapes keep their places in it from being places here.
    fn adopt(&mut self, span: Span, diagnostics: &Diagnostics) {
        for diagnostic in diagnostics.iter() {
            let mut diagnostic = diagnostic.clone();
            if let Place::Span(inner) = &diagnostic.place {
                diagnostic.message = format!("at byte {} of the pattern: {}", inner.start, diagnostic.message);
            }
            diagnostic.place = span.place();
            self.lowering.diagnostics.push(diagnostic);
        }
    }

    fn substring(&mut self, arguments: &[Argument], budget: &mut Budget<'_>) -> Result<ExprId, Diagnostics> {
        let mut chunks = Vec::with_capacity(arguments.len());
        for Argument { name, value } in arguments {
            match (name, value) {
                (None, Value::Literal(span)) => chunks.push(self.text(*span)),
                (Some(name), _) => {
                    self.invalid(*name, "`Substring` has no named arguments", "list the pieces: `Substring(\"…\", …)`");
                }
                (None, value) => self.invalid(value.span(), "a piece must be a literal", "write the piece in quotes"),
            }
        }
        let automaton = substring::automaton(&chunks, budget)?;
        Ok(self.lowering.builder.automaton(automaton))
    }
}
