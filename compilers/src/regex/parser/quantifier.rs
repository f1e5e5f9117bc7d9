//! `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}` and their lazy forms, which match the same texts.

use std::ops::Range;

use super::{Code, Diagnostic, Node, NodeId, Parser, Place, Syntax};

/// What a `{` begins.
enum Brace {
    /// A count, up to the offset.
    Count(u32, Option<u32>, usize),
    /// Something that is no count, and that nobody would take for one.
    Text,
}

impl Parser<'_> {
    /// Adds `atom`, which began at `start`, with the quantifier that may follow it.
    pub(super) fn quantified(&mut self, atom: NodeId, start: usize, is_assertion: bool) -> Result<(), Diagnostic> {
        self.skip_ignored();
        let sign = self.at;
        let Some((min, max)) = self.quantifier()? else {
            self.push(atom);
            return Ok(());
        };
        if is_assertion && self.syntax == Syntax::Ecma262 {
            let help = "an assertion holds or not, however often it is asked: leave the quantifier out";
            return Err(self.syntax_error(sign..self.at, "the quantifier follows an assertion", help));
        }
        self.eat("?");
        self.skip_ignored();
        self.no_second_quantifier(sign)?;
        let body = Node::Repeat { body: atom, min, max };
        let node = match (min, max) {
            (1, Some(1)) => atom,
            _ => self.tree.add(body, start..self.at),
        };
        self.push(node);
        Ok(())
    }

    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, Diagnostic> {
        let bounds = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                return Ok(match self.brace()? {
                    Brace::Count(min, max, end) => {
                        self.at = end;
                        Some((min, max))
                    }
                    Brace::Text => None,
                });
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(bounds))
    }

    fn no_second_quantifier(&mut self, sign: usize) -> Result<(), Diagnostic> {
        let second = self.at;
        if self.peek() == Some('+') {
            let help = "a possessive quantifier gives nothing back, which is not a matter of the text alone; write the \
                        quantifier without the `+`, or put the inner repetition in a group";
            return Err(self.unsupported(sign..second + 1, "possessive quantifiers are not supported", help));
        }
        if self.quantifier()?.is_some() {
            let help = "put the inner repetition in a group";
            return Err(self.syntax_error(sign..self.at, "two quantifiers in a row", help));
        }
        Ok(())
    }

    /// Reads a `{` that stands for itself.
    pub(super) fn literal_brace(&mut self) -> Result<(), Diagnostic> {
        match self.brace()? {
            Brace::Count(_, _, end) => {
                let span = self.at..end;
                Err(self.syntax_error(span, "the count has nothing to repeat", "write `\\{` for the character"))
            }
            Brace::Text => {
                self.at += 1;
                Ok(())
            }
        }
    }

    /// Looks at a `{` without reading it.
    fn brace(&self) -> Result<Brace, Diagnostic> {
        let start = self.at;
        let inner = &self.rest()[1..];
        let end = inner
            .find(|character: char| !(character.is_ascii_digit() || character == ',' || character.is_whitespace()));
        let counted = &inner[..end.unwrap_or(inner.len())];
        let closed = inner[counted.len()..].starts_with('}');
        let span = start..start + 1 + counted.len() + usize::from(closed);
        let has_space = |text: &str| text.contains(char::is_whitespace);
        // The `regex` crate reads white space around a number, whatever the flags, but not in place of one.
        let spaced = !self.flags.ignore_whitespace
            && if self.syntax == Syntax::Ecma262 {
                has_space(counted)
            } else {
                counted.split(',').any(|number| has_space(number) && number.trim().is_empty())
            };
        let mut numbers = counted.split(',').map(str::trim);
        let (min, max) = (numbers.next().unwrap_or(""), numbers.next());
        let well_formed = closed && !spaced && !has_space(min) && numbers.next().is_none() && !min.is_empty();
        if !well_formed {
            return self.not_a_count(counted, span);
        }
        let min_count = self.count(min, &span)?;
        let max_count = match max {
            None => Some(min_count),
            Some("") => None,
            Some(max) if has_space(max) => return self.not_a_count(counted, span),
            Some(max) => Some(self.count(max, &span)?),
        };
        if max_count.is_some_and(|max| max < min_count) {
            let message = format!("the least count {min} is greater than the greatest {}", max.unwrap_or_default());
            let swapped = format!("did you mean `{{{},{min}}}`?", max.unwrap_or_default());
            return Err(Diagnostic::new(Code::Invalid, Place::Span(span), message).with_help(swapped));
        }
        Ok(Brace::Count(min_count, max_count, span.end))
    }

    fn count(&self, digits: &str, span: &Range<usize>) -> Result<u32, Diagnostic> {
        digits.parse().map_err(|_| {
            let message = format!("the count {digits} is too large");
            let help = format!("counts go up to {}; leave out the greatest count for any number", u32::MAX);
            Diagnostic::new(Code::Invalid, Place::Span(span.clone()), message).with_help(help)
        })
    }

    /// What to make of braces that hold no count: text where the syntax says so and nobody would read a count.
    fn not_a_count(&self, counted: &str, span: Range<usize>) -> Result<Brace, Diagnostic> {
        let looks_like_a_count = !counted.trim().is_empty();
        if self.syntax == Syntax::Ecma262 && !looks_like_a_count {
            return Ok(Brace::Text);
        }
        let (message, help) = if counted.trim_start().starts_with(',') {
            // Python reads {0,n}, ECMA-262 reads text, Rust and RE2 refuse.
            ("a count without its least number means different things in different dialects", "write `{0,n}`, or `\\{`")
        } else {
            ("`{` does not begin a count `{n}`, `{n,}` or `{n,m}`", "write `\\{` for the character")
        };
        Err(self.syntax_error(span, message, help))
    }
}
