//! The attributes of a rule, between its name and `=`.

use super::super::lex::Token;
use super::super::{ErrorKind, ParseError};
use super::Parser;
use crate::{RuleAttributes, Temperature};

/// Whether a definition goes on with `token` after the name of the rule.
pub(super) fn goes_on(token: &Token) -> bool {
    match token {
        Token::Mark(mark) => *mark == '=',
        Token::Directive(word) => matches!(word.as_str(), "max_tokens" | "capture" | "temperature"),
        _ => false,
    }
}

impl Parser<'_> {
    /// Any number of `%max_tokens(…)`, `%capture("…")` and `%temperature("…")`; of those that come twice, the last.
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
                _ => return Err(self.expected("an attribute, `%max_tokens`, `%capture` or `%temperature`, or `=`")),
            }
            self.expect(')', "`)`")?;
        }
        Ok(attributes)
    }

    /// A literal of text.
    fn text(&mut self) -> Result<String, ParseError> {
        let Token::Literal(bytes) = self.peek().clone() else { return Err(self.expected("a literal")) };
        let text = String::from_utf8(bytes).map_err(|_| self.expected("a literal of UTF-8 text"))?;
        self.bump();
        Ok(text)
    }
}
