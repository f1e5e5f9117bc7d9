//! The rules of a scope, and where marks may stand.

use super::Parser;
use crate::text::lex::Token;
use crate::text::{ErrorKind, ParseError};
use crate::{Element, ElementOrder, Expr, ExprId, GrammarBuilder, Mark, ScopeRules, Tally};

/// What stands before an open bracket.
#[derive(Debug, Default)]
pub(super) enum Opening {
    /// Nothing: the brackets only group.
    #[default]
    Bracket,
    /// The mark of what is in the brackets, and its offset.
    Mark(Mark, usize),
    /// The rules of a scope, and their offset.
    Scope(Box<ScopeRules>, usize),
}

/// The elements that the marks in an expression need of the scope around it.
#[derive(Debug, Default)]
pub(super) struct OpenMarks {
    /// Per expression: the number of elements, as far as that is known; `None` is no mark.
    needed: Vec<Option<u32>>,
}

impl OpenMarks {
    fn of(&mut self, builder: &GrammarBuilder, id: ExprId) -> Option<u32> {
        while self.needed.len() <= id.index() {
            let expr = builder.expr(ExprId::from_u32(self.needed.len() as u32));
            let inside = expr.operands().iter().filter_map(|operand| self.needed[operand.index()]).max();
            self.needed.push(match expr {
                Expr::Marked { mark: Mark::Element(element), .. } => Some(element.saturating_add(1)),
                Expr::Marked { mark: Mark::Close, .. } => Some(0),
                Expr::Scope { .. } => None,
                _ => inside,
            });
        }
        self.needed[id.index()]
    }
}

impl Parser<'_> {
    /// `%scope {…}`, `%close` or `%` and a number, as far as the bracket that opens what it is about.
    pub(super) fn opening(&mut self) -> Result<Option<Opening>, ParseError> {
        let offset = self.offset();
        let Token::Directive(word) = self.peek() else { return Ok(None) };
        let opening = match word.as_str() {
            "scope" => {
                self.bump();
                Opening::Scope(Box::new(self.scope_rules()?), offset)
            }
            "close" => {
                self.bump();
                Opening::Mark(Mark::Close, offset)
            }
            _ if word.bytes().all(|byte| byte.is_ascii_digit()) => {
                let number = word.parse();
                let element = number.map_err(|_| ParseError::at(self.source, offset, ErrorKind::NumberTooLarge))?;
                self.bump();
                Opening::Mark(Mark::Element(element), offset)
            }
            _ => return Ok(None),
        };
        if *self.peek() != Token::Mark('(') {
            return Err(self.expected("`(`"));
        }
        Ok(Some(opening))
    }

    /// What stands in brackets, with what stands before them.
    pub(super) fn opened(&mut self, opening: Opening, body: ExprId) -> Result<ExprId, ParseError> {
        let needed = self.open_marks.of(&self.builder, body);
        let (offset, fault) = match opening {
            Opening::Bracket => return Ok(body),
            Opening::Mark(mark, _) if needed.is_none() => return Ok(self.builder.marked(mark, body)),
            Opening::Mark(_, offset) => (offset, ErrorKind::MarkInMark),
            Opening::Scope(rules, offset) => match needed {
                Some(needed) if needed as usize > rules.elements.len() => {
                    (offset, ErrorKind::UndefinedElement(needed - 1))
                }
                _ => return Ok(self.builder.scope(body, *rules)),
            },
        };
        Err(ParseError::at(self.source, offset, fault))
    }

    /// A repetition whose bounds stand at `offset` must not count marks.
    pub(super) fn check_repetition(&mut self, repetition: ExprId, offset: usize) -> Result<(), ParseError> {
        if let &Expr::Repeat { body, min, max } = self.builder.expr(repetition)
            && !matches!((min, max), (0, Some(1)) | (0 | 1, None))
            && self.open_marks.of(&self.builder, body).is_some()
        {
            return Err(ParseError::at(self.source, offset, ErrorKind::CountedMark));
        }
        Ok(())
    }

    /// The body of a rule whose name stands at `offset` must not have marks that are in no scope.
    pub(super) fn check_rule(&mut self, body: ExprId, offset: usize) -> Result<(), ParseError> {
        match self.open_marks.of(&self.builder, body) {
            Some(_) => Err(ParseError::at(self.source, offset, ErrorKind::MarkOutsideScope)),
            None => Ok(()),
        }
    }

    fn scope_rules(&mut self) -> Result<ScopeRules, ParseError> {
        self.expect('{', "`{`")?;
        let (mut order, mut total, mut required) = (None, None, None);
        let (mut elements, mut tallies) = (Vec::new(), Vec::new());
        let mut references: Vec<(usize, Reference)> = Vec::new();
        while !self.eat('}') {
            let offset = self.offset();
            let repeated = match self.peek().clone() {
                Token::Number(number) => {
                    self.bump();
                    if usize::try_from(number) != Ok(elements.len()) {
                        return Err(ParseError::at(self.source, offset, ErrorKind::ElementNumber(elements.len())));
                    }
                    elements.push(self.element(&mut references)?);
                    continue;
                }
                Token::Name(word) if word == "tally" => {
                    self.bump();
                    let (min, max) = self.bounds()?;
                    tallies.push(Tally { min, max });
                    if tallies.len() > ScopeRules::MAX_TALLIES {
                        return Err(ParseError::at(self.source, offset, ErrorKind::TooManyTallies));
                    }
                    false
                }
                Token::Name(word) if word == "order" => {
                    self.bump();
                    self.word("slots", "`slots`; any order is what no `order` means")?;
                    order.replace(ElementOrder::Slots).is_some()
                }
                Token::Name(word) if word == "total" => {
                    self.bump();
                    total.replace(self.bounds()?).is_some()
                }
                Token::Name(word) if word == "slots" => {
                    self.bump();
                    required.replace(self.slots()?).is_some()
                }
                _ => return Err(self.expected("`order`, `total`, `slots`, `tally`, the number of an element, or `}`")),
            };
            if repeated {
                return Err(ParseError::at(self.source, offset, ErrorKind::Repeated));
            }
            self.expect(';', "`;`")?;
        }
        let (min, max) = total.unwrap_or((0, None));
        let rules = ScopeRules {
            elements: elements.into(),
            required: required.unwrap_or_default().into(),
            order: order.unwrap_or(ElementOrder::Any),
            min,
            max,
            tallies: tallies.into(),
        };
        for (offset, reference) in references {
            let fault = match reference {
                Reference::Slot(slot) if slot as usize >= rules.required.len() => ErrorKind::UndefinedSlot(slot),
                Reference::Tally(tally) if tally as usize >= rules.tallies.len() => ErrorKind::UndefinedTally(tally),
                _ => continue,
            };
            return Err(ParseError::at(self.source, offset, fault));
        }
        Ok(rules)
    }

    /// An element after its number.
    fn element(&mut self, references: &mut Vec<(usize, Reference)>) -> Result<Element, ParseError> {
        self.expect(':', "`:`")?;
        let mut element = Element { slot: None, tallies: 0, distinct: false };
        while !self.eat(';') {
            let offset = self.offset();
            let Token::Name(word) = self.peek().clone() else {
                return Err(self.expected("`slot`, `tally`, `distinct` or `;`"));
            };
            let repeated = match word.as_str() {
                "distinct" => {
                    self.bump();
                    std::mem::replace(&mut element.distinct, true)
                }
                "slot" => {
                    self.bump();
                    let slot = self.number()?;
                    references.push((offset, Reference::Slot(slot)));
                    element.slot.replace(slot).is_some()
                }
                "tally" => {
                    self.bump();
                    let tally = self.number()?;
                    references.push((offset, Reference::Tally(tally)));
                    // One that the element cannot have is no tally of the scope either.
                    let bit = 1u16.checked_shl(tally).unwrap_or(0);
                    let repeated = element.tallies & bit != 0;
                    element.tallies |= bit;
                    repeated
                }
                _ => return Err(self.expected("`slot`, `tally`, `distinct` or `;`")),
            };
            if repeated {
                return Err(ParseError::at(self.source, offset, ErrorKind::Repeated));
            }
            if *self.peek() != Token::Mark(';') {
                self.expect(',', "`,` or `;`")?;
            }
        }
        Ok(element)
    }

    /// Per slot whether it is required.
    fn slots(&mut self) -> Result<Vec<bool>, ParseError> {
        let mut required = Vec::new();
        loop {
            match self.peek() {
                Token::Name(word) if word == "required" => required.push(true),
                Token::Name(word) if word == "optional" => required.push(false),
                _ => return Err(self.expected("`required` or `optional`")),
            }
            self.bump();
            if !self.eat(',') {
                return Ok(required);
            }
        }
    }

    /// `{2}`, `{2,}` or `{2,3}`.
    fn bounds(&mut self) -> Result<(u32, Option<u32>), ParseError> {
        self.expect('{', "`{`")?;
        let min = self.number()?;
        let mut max = Some(min);
        if self.eat(',') {
            max = if matches!(self.peek(), Token::Number(_)) { Some(self.number()?) } else { None };
        }
        self.expect('}', "`}`")?;
        Ok((min, max))
    }

    fn word(&mut self, word: &str, expected: &'static str) -> Result<(), ParseError> {
        match self.peek() {
            Token::Name(name) if name == word => {
                self.bump();
                Ok(())
            }
            _ => Err(self.expected(expected)),
        }
    }
}

/// What an element refers to.
enum Reference {
    Slot(u32),
    Tally(u32),
}
