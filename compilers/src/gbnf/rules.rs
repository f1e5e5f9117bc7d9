//! Cuts the lexemes into rules and feeds the body of each to the parser.
//!
//! A rule begins where a name is the first thing on its line and `::=` follows it, with or without attributes between.
//! So that one slip is one error, `=` and `:` outside brackets begin a rule, too; the parser reports them.
//! Nothing else depends on line ends: a body runs on until the next rule begins, whatever its indentation.

use std::collections::VecDeque;

use grammar_ir::{Budget, LimitError, LimitKind};

use super::ast::{Span, Stop};
use super::lexer::{Lexeme, Lexemes, Token};
use crate::diagnostic::{Code, Diagnostic, Place};

/// What comes before the body of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    /// The name.
    pub(super) name: Span,
    /// `[…]` after the name.
    pub(super) attributes: Option<Span>,
    /// What stands in the place of `::=`, if it is something else.
    pub(super) misspelt_define: Option<Span>,
}

/// The rules of a source, one after the other; as an iterator, the rest of the body of the current rule.
pub(super) struct Rules<'a, 'l> {
    source: &'a str,
    lexemes: Lexemes<'a>,
    budget: &'a mut Budget<'l>,
    ahead: VecDeque<Lexeme>,
    open: Vec<Span>,
    previous: Option<Lexeme>,
    current: Option<Lexeme>,
    closes_nothing: bool,
    swallowing: Option<Span>,
    limit: Option<Diagnostic>,
}

/// Lexemes that decide whether a rule begins: name, attributes, `::=`.
const LOOKAHEAD: usize = 3;

impl<'a, 'l> Rules<'a, 'l> {
    /// The rules of `source`.
    pub(super) fn new(source: &'a str, budget: &'a mut Budget<'l>) -> Self {
        Self {
            source,
            lexemes: Lexemes::new(source),
            budget,
            ahead: VecDeque::with_capacity(LOOKAHEAD),
            open: Vec::new(),
            previous: None,
            current: None,
            closes_nothing: false,
            swallowing: None,
            limit: None,
        }
    }

    /// Takes the beginning of the next rule; its body follows from the iterator. `None` when something else comes next.
    pub(super) fn next_header(&mut self) -> Option<Header> {
        if !self.at_rule() {
            return None;
        }
        self.open.clear();
        self.closes_nothing = false;
        self.swallowing = None;
        let name = self.ahead.pop_front()?;
        let mut define = self.ahead.pop_front()?;
        let mut attributes = None;
        if define.token == Ok(Token::Class) {
            attributes = Some(define.span);
            define = self.ahead.pop_front()?;
        }
        (self.previous, self.current) = (Some(name), Some(define));
        let misspelt_define = (define.token != Ok(Token::Define)).then_some(define.span);
        Some(Header { name: name.span, attributes, misspelt_define })
    }

    /// The next lexeme, whatever it belongs to.
    pub(super) fn peek(&mut self) -> Option<Lexeme> {
        self.look(0)
    }

    /// Passes over everything before the next rule.
    pub(super) fn skip_to_rule(&mut self) {
        while self.peek().is_some() && !self.at_rule() {
            self.ahead.pop_front();
        }
    }

    /// The limit at which reading stopped, as if the source ended there.
    pub(super) fn limit(&self) -> Option<&Diagnostic> {
        self.limit.as_ref()
    }

    /// The lexeme taken last.
    pub(super) fn last_taken(&self) -> Option<Lexeme> {
        self.current
    }

    /// The lexeme taken before the last.
    pub(super) fn taken_before(&self) -> Option<Lexeme> {
        self.previous
    }

    /// The innermost bracket of the current rule that is open.
    pub(super) fn innermost_open(&self) -> Option<Span> {
        self.open.last().copied()
    }

    /// Whether the current rule has closed more brackets than it opened.
    pub(super) fn closes_nothing(&self) -> bool {
        self.closes_nothing
    }

    /// The first literal of the current rule that seems to hold the beginning of another rule. In a rule that does not
    /// parse, its closing quote is likely missing.
    pub(super) fn swallowing_literal(&self) -> Option<Span> {
        self.swallowing
    }

    /// Passes over the rest of a rule that does not parse.
    ///
    /// From here on a literal or class ends on its line: without its partner, a delimiter would turn all that follows
    /// inside out. A literal that has done so is read again from the line after its first.
    pub(super) fn recover(&mut self) {
        let again = self.swallowing.map(|literal| literal.range().start);
        if again.is_some() {
            self.ahead.clear();
        }
        self.lexemes.recover(again);
        self.skip_to_rule();
    }

    fn look(&mut self, distance: usize) -> Option<Lexeme> {
        while self.ahead.len() <= distance && self.limit.is_none() {
            if let Err(error) = self.budget.tick() {
                self.stop(&error, Place::Whole, "simplify the grammar or raise the limit");
                return None;
            }
            self.ahead.push_back(self.lexemes.next()?);
        }
        self.ahead.get(distance).copied()
    }

    fn at_rule(&mut self) -> bool {
        let named = |lexeme: Lexeme| lexeme.first_on_line && matches!(lexeme.token, Ok(Token::Name | Token::Number));
        if !self.look(0).is_some_and(named) {
            return false;
        }
        let after_name = if self.look(1).is_some_and(|lexeme| lexeme.token == Ok(Token::Class)) { 2 } else { 1 };
        let outside_brackets = self.open.is_empty();
        self.look(after_name).is_some_and(|lexeme| match lexeme.token {
            Ok(Token::Define) => true,
            // Inside brackets, `=` is the argument of a macro.
            Ok(token) => outside_brackets && token.defines_elsewhere(),
            Err(_) => false,
        })
    }

    fn stop(&mut self, error: &LimitError, place: Place, help: &str) {
        self.ahead.clear();
        self.limit = Some(Diagnostic::new(Code::Limit, place, error.to_string()).with_help(help));
    }

    fn follow(&mut self, token: Token, span: Span) {
        if token.opens() {
            self.open.push(span);
            let limit = self.budget.limits().nesting;
            if self.open.len() > limit {
                let error = LimitError::new(LimitKind::Nesting, limit);
                self.stop(&error, span.place(), "give the inner part a rule of its own or raise the limit");
            }
        } else if token == Token::Close {
            self.closes_nothing |= self.open.pop().is_none();
        } else if token == Token::Literal && self.swallowing.is_none() {
            let lines = span.of(self.source).split_inclusive('\n').skip(1);
            self.swallowing = lines.into_iter().any(|line| line.contains("::=")).then_some(span);
        }
    }
}

impl Iterator for Rules<'_, '_> {
    type Item = Result<(u32, Token, u32), Stop>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at_rule() {
            return None;
        }
        let lexeme = self.look(0)?;
        self.ahead.pop_front();
        (self.previous, self.current) = (self.current, Some(lexeme));
        let span = lexeme.span;
        match lexeme.token {
            Ok(token) => {
                self.follow(token, span);
                self.limit.is_none().then_some(Ok((span.start, token, span.end)))
            }
            Err(error) => Some(Err(Stop::Lexical(error, span))),
        }
    }
}
