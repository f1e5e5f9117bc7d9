//! The attributes of a rule, between its name and `=`.

use std::sync::Arc;

use super::super::lex::Token;
use super::super::{ErrorKind, ParseError};
use super::Parser;
use crate::{ByteAutomaton, EndMarker, HiddenFrom, MarkerPlace, RuleAttributes, Temperature};

/// Whether a definition goes on with `token` after the name of the rule.
pub(super) fn goes_on(token: &Token) -> bool {
    match token {
        Token::Mark(mark) => *mark == '=',
        Token::Directive(word) => matches!(word.as_str(), "max_tokens" | "capture" | "temperature" | "suffix" | "stop"),
        _ => false,
    }
}

impl Parser<'_> {
    /// Any number of `%max_tokens(…)`, `%capture("…")`, `%temperature("…")`, `%suffix(…)` and `%stop(…)`; of those that come
    /// twice, the last.
    pub(super) fn attributes(&mut self) -> Result<RuleAttributes, ParseError> {
        let mut attributes = RuleAttributes::default();
        while let Token::Directive(word) = self.peek().clone() {
            self.bump();
            self.expect('(', "`(`")?;
            match word.as_str() {
                "max_tokens" => attributes.max_tokens = Some(self.number()?),
                "capture" => attributes.capture = Some(self.text()?.into()),
                "temperature" => {
                    let offset = self.offset();
                    let temperature = self.text()?.parse().ok().and_then(Temperature::new);
                    let fault = || ParseError::at(self.source, offset, ErrorKind::Temperature);
                    attributes.temperature = Some(temperature.ok_or_else(fault)?);
                }
                "suffix" => attributes.marker = Some(self.marker(HiddenFrom::OwnCapture)?),
                "stop" => attributes.marker = Some(self.marker(HiddenFrom::AllCaptures)?),
                _ => {
                    let expected =
                        "an attribute, `%max_tokens`, `%capture`, `%temperature`, `%suffix` or `%stop`, or `=`";
                    return Err(self.expected(expected));
                }
            }
            self.expect(')', "`)`")?;
        }
        Ok(attributes)
    }

    /// The marker at the end of a word, and the name under which it is reported, if there is one.
    fn marker(&mut self, hidden_from: HiddenFrom) -> Result<Box<EndMarker>, ParseError> {
        let place = match self.peek().clone() {
            Token::Directive(word) if word == "before" => {
                self.bump();
                MarkerPlace::Before(self.number()?)
            }
            Token::Directive(_) => {
                let body = self.uncounted_automaton()?;
                self.expect(',', "`,`")?;
                MarkerPlace::Divided { body, marker: self.uncounted_automaton()? }
            }
            _ => MarkerPlace::Last(self.number()?),
        };
        let capture = if self.eat(',') { Some(self.text()?.into()) } else { None };
        Ok(Box::new(EndMarker { place, hidden_from, capture }))
    }

    /// `%automaton`, without bounds on a count.
    fn uncounted_automaton(&mut self) -> Result<Arc<ByteAutomaton>, ParseError> {
        match self.peek() {
            Token::Directive(word) if word == "automaton" => self.bump(),
            _ => return Err(self.expected("a number of bytes, `%before` or `%automaton`")),
        };
        if *self.peek() == Token::Mark('(') {
            return Err(self.expected("`{`: the automata of a marker do not count"));
        }
        let automaton = self.automaton()?;
        if automaton.edges.is_empty() {
            return Err(self.expected("an automaton with a state"));
        }
        Ok(Arc::new(automaton))
    }

    /// A literal of text.
    fn text(&mut self) -> Result<String, ParseError> {
        let Token::Literal(bytes) = self.peek().clone() else { return Err(self.expected("a literal")) };
        let text = String::from_utf8(bytes).map_err(|_| self.expected("a literal of UTF-8 text"))?;
        self.bump();
        Ok(text)
    }
}
