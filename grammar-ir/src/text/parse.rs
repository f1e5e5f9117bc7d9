//! From `.gir` text to a grammar.

mod attributes;
mod scope;

use rustc_hash::FxHashMap;

use self::scope::{OpenMarks, Opening};
use super::lex::{Token, lex};
use super::{ErrorKind, ParseError};
use crate::{
    Budget, ByteAutomaton, ByteEdge, ByteEdges, Counter, Expr, ExprId, Grammar, GrammarBuilder, LimitError, LimitKind,
    Limits, RuleId, TokenSet,
};

/// Operands and literal bytes in all sequences and choices together, per expression that [`Limits`] allow, after nested
/// ones are joined into one: bindings that double at each step would otherwise need 2ⁿ operands for n lines of text, and
/// nested brackets a copy of what is in them for each level.
const OPERANDS_PER_EXPRESSION: usize = 4;

/// Reads a grammar. The root rule is the one that `%start` names, or else `root`.
///
/// ```
/// use grammar_ir::text;
/// let grammar = text::parse("root = \"a\"{2,} | [α-ω] ;")?;
/// assert_eq!(text::print(&grammar), "root = \"a\"{2,} | [α-ω] ;\n");
/// assert_eq!(text::parse("root = x ;").unwrap_err().to_string(), "1:8: rule `x` is not defined");
/// # Ok::<(), text::ParseError>(())
/// ```
///
/// # Errors
/// The first fault, with its line and column; or which of the default [`Limits`] was met.
pub fn parse(source: &str) -> Result<Grammar, ParseError> {
    parse_with_limits(source, &Limits::default())
}

/// Reads a grammar within `limits`; see [`parse`].
///
/// ```
/// use grammar_ir::{LimitKind, Limits, text};
/// let limits = Limits { nesting: 1, ..Limits::default() };
/// let error = text::parse_with_limits("root = ((\"a\")) ;", &limits).unwrap_err();
/// assert_eq!((error.column(), error.limit()), (9, Some(LimitKind::Nesting)));
/// ```
///
/// # Errors
/// The first fault, with its line and column; [`ParseError::limit`] tells a limit from a mistake.
pub fn parse_with_limits(source: &str, limits: &Limits) -> Result<Grammar, ParseError> {
    if source.len() > limits.source_bytes {
        let error = LimitError::new(LimitKind::SourceBytes, limits.source_bytes);
        return Err(ParseError::at(source, 0, ErrorKind::Limit(error)));
    }
    let mut parser = Parser {
        source,
        budget: Budget::new(limits),
        tokens: lex(source)?,
        next: 0,
        builder: GrammarBuilder::with_max_expressions(limits.expressions),
        rules: FxHashMap::default(),
        bindings: FxHashMap::default(),
        operands: 0,
        max_operands: limits.expressions.saturating_mul(OPERANDS_PER_EXPRESSION),
        open_marks: OpenMarks::default(),
    };
    parser.declare_rules()?;
    let root = parser.statements()?;
    let end = parser.offset();
    parser.builder.finish(root).map_err(|error| ParseError::at(source, end, ErrorKind::Grammar(error)))
}

struct Parser<'s> {
    source: &'s str,
    budget: Budget<'s>,
    tokens: Vec<(Token, usize)>,
    next: usize,
    builder: GrammarBuilder,
    rules: FxHashMap<String, RuleId>,
    bindings: FxHashMap<String, ExprId>,
    /// How many of the operands are used.
    operands: usize,
    max_operands: usize,
    open_marks: OpenMarks,
}

/// An open bracket, or the statement itself.
#[derive(Default)]
struct Group {
    opening: Opening,
    alternatives: Vec<ExprId>,
    sequence: Vec<ExprId>,
}

impl Parser<'_> {
    /// Declares the rules in the order of their definitions, which may come after their uses. A name before `=`
    /// or an attribute is nothing but a definition.
    fn declare_rules(&mut self) -> Result<(), ParseError> {
        for pair in self.tokens.windows(2) {
            if let [(Token::Name(name), offset), (next, _)] = pair
                && attributes::goes_on(next)
            {
                let rule = self.builder.declare(name);
                if self.rules.insert(name.clone(), rule).is_some() {
                    return Err(ParseError::at(self.source, *offset, ErrorKind::DuplicateRule(name.clone())));
                }
            }
        }
        Ok(())
    }

    fn statements(&mut self) -> Result<RuleId, ParseError> {
        let mut start = None;
        loop {
            match self.peek().clone() {
                Token::End => break,
                Token::Directive(word) if word == "start" && start.is_none() => {
                    self.bump();
                    start = Some(self.rule_reference()?);
                    self.expect(';', "`;`")?;
                }
                Token::Binding(name) => {
                    self.bump();
                    self.expect('=', "`=`")?;
                    let body = self.body()?;
                    self.bindings.insert(name, body);
                }
                Token::Name(name) => {
                    let offset = self.offset();
                    self.bump();
                    let attributes = self.attributes()?;
                    self.expect('=', "`=`")?;
                    let body = self.body()?;
                    self.check_rule(body, offset)?;
                    // Every name before `=` or an attribute was declared.
                    if let Some(&rule) = self.rules.get(&name) {
                        self.builder.set_attributes(rule, attributes);
                        self.builder.define(rule, body);
                    }
                }
                _ => return Err(self.expected("a rule, a `$` binding or one `%start`")),
            }
        }
        let root = start.or_else(|| self.rules.get("root").copied());
        root.ok_or_else(|| self.error_here(ErrorKind::NoRoot))
    }

    /// What stands between `=` and `;`.
    fn body(&mut self) -> Result<ExprId, ParseError> {
        let mut outer: Vec<Group> = Vec::new();
        let mut group = Group::default();
        let max_nesting = self.budget.limits().nesting;
        loop {
            self.budget.tick().map_err(|error| self.error_here(ErrorKind::Limit(error)))?;
            let opening = self.opening()?;
            if *self.peek() == Token::Mark('(') {
                if outer.len() >= max_nesting {
                    return Err(self.error_here(ErrorKind::Nesting(max_nesting)));
                }
                self.bump();
                let inner = Group { opening: opening.unwrap_or_default(), ..Group::default() };
                outer.push(std::mem::replace(&mut group, inner));
                continue;
            }
            if self.eat('|') {
                self.end_alternative(&mut group)?;
                continue;
            }
            let operand = match self.peek() {
                Token::Mark(')') => {
                    let inner = self.end_group(&mut group)?;
                    // Without an open bracket, this is the place where the statement should have ended.
                    let around = outer.pop().ok_or_else(|| self.expected("`;`"))?;
                    let opening = std::mem::replace(&mut group, around).opening;
                    self.bump();
                    self.opened(opening, inner)?
                }
                Token::Mark(';') => {
                    if !outer.is_empty() {
                        return Err(self.expected("`)`"));
                    }
                    let body = self.end_group(&mut group)?;
                    self.bump();
                    return Ok(body);
                }
                _ => self.atom()?,
            };
            let operand = self.repetitions(operand)?;
            group.sequence.push(operand);
        }
    }

    fn end_alternative(&mut self, group: &mut Group) -> Result<(), ParseError> {
        if group.sequence.is_empty() {
            return Err(self.expected("an expression; the empty word is `\"\"`"));
        }
        self.count_operands(&group.sequence)?;
        group.alternatives.push(self.builder.sequence(group.sequence.drain(..)));
        Ok(())
    }

    fn end_group(&mut self, group: &mut Group) -> Result<ExprId, ParseError> {
        self.end_alternative(group)?;
        self.count_operands(&group.alternatives)?;
        Ok(self.builder.choice(group.alternatives.drain(..)))
    }

    fn count_operands(&mut self, operands: &[ExprId]) -> Result<(), ParseError> {
        if operands.len() < 2 {
            return Ok(());
        }
        let size = |&operand: &ExprId| match self.builder.expr(operand) {
            Expr::Sequence(inner) | Expr::Choice(inner) => inner.len(),
            Expr::Bytes(bytes) => bytes.len(),
            _ => 1,
        };
        self.operands = self.operands.saturating_add(operands.iter().map(size).sum());
        if self.operands > self.max_operands {
            return Err(self.error_here(ErrorKind::TooLarge(self.max_operands)));
        }
        Ok(())
    }

    fn atom(&mut self) -> Result<ExprId, ParseError> {
        match self.peek().clone() {
            Token::Name(_) => {
                let rule = self.rule_reference()?;
                Ok(self.builder.rule(rule))
            }
            Token::Binding(name) => match self.bindings.get(&name) {
                Some(&expr) => {
                    self.bump();
                    Ok(expr)
                }
                None => Err(self.error_here(ErrorKind::UndefinedBinding(name))),
            },
            Token::Literal(bytes) => {
                self.bump();
                Ok(self.builder.bytes(&bytes))
            }
            Token::Class(set) => {
                self.bump();
                Ok(self.builder.class(set))
            }
            Token::ByteSet(set) => {
                self.bump();
                Ok(self.builder.byte_set(set))
            }
            Token::Directive(word) if word == "never" => {
                self.bump();
                Ok(self.builder.never())
            }
            Token::Directive(word) if word == "token" => {
                self.bump();
                let set = self.token_set()?;
                Ok(self.builder.token(set))
            }
            Token::Directive(word) if word == "automaton" => {
                self.bump();
                let automaton = self.automaton()?;
                Ok(self.builder.automaton(automaton))
            }
            _ => Err(self.expected("an expression")),
        }
    }

    fn rule_reference(&mut self) -> Result<RuleId, ParseError> {
        let Token::Name(name) = self.peek().clone() else { return Err(self.expected("a rule name")) };
        match self.rules.get(&name) {
            Some(&rule) => {
                self.bump();
                Ok(rule)
            }
            None => Err(self.error_here(ErrorKind::UndefinedRule(name))),
        }
    }

    /// `?`, `*`, `+` and `{…}` after an operand, any number of them.
    fn repetitions(&mut self, mut operand: ExprId) -> Result<ExprId, ParseError> {
        loop {
            let (min, max) = match self.peek() {
                Token::Mark('?') => (0, Some(1)),
                Token::Mark('*') => (0, None),
                Token::Mark('+') => (1, None),
                Token::Mark('{') => {
                    operand = self.counted_repetition(operand)?;
                    continue;
                }
                _ => return Ok(operand),
            };
            self.bump();
            operand = self.builder.repeat(operand, min, max);
        }
    }

    fn counted_repetition(&mut self, operand: ExprId) -> Result<ExprId, ParseError> {
        let offset = self.offset();
        self.expect('{', "`{`")?;
        let min = self.number()?;
        let mut max = Some(min);
        if self.eat(',') {
            let bounded = matches!(self.peek(), Token::Number(_));
            if bounded && matches!(self.peek(), Token::Number(max) if *max < min) {
                return Err(self.error_here(ErrorKind::InvertedRange));
            }
            max = if bounded { Some(self.number()?) } else { None };
        }
        self.expect('}', "`}`")?;
        let repetition = self.builder.repeat(operand, min, max);
        self.check_repetition(repetition, offset)?;
        Ok(repetition)
    }

    fn token_set(&mut self) -> Result<TokenSet, ParseError> {
        self.expect('(', "`(`")?;
        let complement = self.eat('^');
        let mut ids = Vec::new();
        while !self.eat(')') {
            ids.push(self.number()?);
            if *self.peek() != Token::Mark(')') {
                self.expect(',', "`,` or `)`")?;
            }
        }
        Ok(if complement { TokenSet::all_but(ids) } else { TokenSet::of(ids) })
    }

    fn automaton(&mut self) -> Result<ByteAutomaton, ParseError> {
        let counter = if self.eat('(') { Some(self.counter()?) } else { None };
        self.expect('{', "`{`")?;
        let mut automaton = ByteAutomaton { counter, ..ByteAutomaton::default() };
        let mut targets = Vec::new();
        while !self.eat('}') {
            let state = automaton.edges.len();
            let offset = self.offset();
            if usize::try_from(self.number()?) != Ok(state) {
                return Err(ParseError::at(self.source, offset, ErrorKind::StateNumber(state)));
            }
            automaton.accepting.push(self.eat('*'));
            self.expect(':', "`:`")?;
            let mut edges = ByteEdges::new();
            while !self.eat(';') {
                let Token::ByteSet(set) = *self.peek() else { return Err(self.expected("a byte set or `;`")) };
                self.bump();
                let counts = counter.is_some() && self.eat('+');
                if self.bump() != Token::Arrow {
                    self.next -= 1;
                    return Err(self.expected("`->`"));
                }
                targets.push((self.peek().clone(), self.offset()));
                let target = self.number()?;
                edges.extend(set.ranges().map(|(low, high)| ByteEdge { low, high, target, counts }));
                if *self.peek() != Token::Mark(';') {
                    self.expect(',', "`,` or `;`")?;
                }
            }
            edges.sort_unstable();
            if edges.windows(2).any(|pair| pair[0].high >= pair[1].low) {
                return Err(ParseError::at(self.source, offset, ErrorKind::OverlappingEdges));
            }
            automaton.edges.push(edges);
        }
        for (target, offset) in targets {
            if let Token::Number(target) = target
                && target as usize >= automaton.edges.len()
            {
                return Err(ParseError::at(self.source, offset, ErrorKind::UndefinedState(target)));
            }
        }
        Ok(automaton)
    }

    /// The bounds of a counter, after the opening bracket.
    fn counter(&mut self) -> Result<Counter, ParseError> {
        let min = self.number()?;
        self.expect(',', "`,`")?;
        let max = match self.peek() {
            Token::Mark(')') => None,
            _ => Some(self.number()?),
        };
        self.expect(')', "`)`")?;
        Ok(Counter { min, max })
    }

    fn number(&mut self) -> Result<u32, ParseError> {
        let Token::Number(number) = *self.peek() else { return Err(self.expected("a number")) };
        self.bump();
        Ok(number)
    }

    fn expect(&mut self, mark: char, expected: &'static str) -> Result<(), ParseError> {
        if self.eat(mark) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn eat(&mut self, mark: char) -> bool {
        let found = *self.peek() == Token::Mark(mark);
        self.next += usize::from(found);
        found
    }

    fn peek(&self) -> &Token {
        // The last token is `End`, and nothing consumes it.
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    fn bump(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += usize::from(token != Token::End);
        token
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.next).map_or(self.source.len(), |&(_, offset)| offset)
    }

    fn expected(&self, expected: &'static str) -> ParseError {
        self.error_here(ErrorKind::Expected { expected, found: self.peek().describe() })
    }

    fn error_here(&self, kind: ErrorKind) -> ParseError {
        ParseError::at(self.source, self.offset(), kind)
    }
}
