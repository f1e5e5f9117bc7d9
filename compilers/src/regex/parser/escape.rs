//! What `\` begins, inside classes and outside. An escape that is not listed is an error.

use std::ops::Range;

use grammar_ir::CharSet;

use super::{Assertion, Code, Diagnostic, Parser, Place, Syntax, unicode};

/// What an escape stands for.
pub(super) enum Escape {
    Literal(char),
    Set(CharSet),
    Assertion(Assertion),
}

/// Escapes of other dialects, with what to write instead.
const REFUSED: [(char, &str, &str); 13] = [
    ('k', "backreferences are not supported", "what a group matched cannot be asked for again by an automaton"),
    ('g', "backreferences are not supported", "what a group matched cannot be asked for again by an automaton"),
    ('A', "`\\A` is not of this syntax", "write `^` without the flag `m`"),
    ('z', "`\\z` is not of this syntax", "write `$` without the flag `m`"),
    ('Z', "`\\Z` is not of this syntax", "write `$`, or `\\n?$` if a line end may follow"),
    ('h', "`\\h` means different things in different dialects", "write `[\\t\\p{Zs}]` or `[0-9a-fA-F]`"),
    ('R', "`\\R` is not supported", "write `(?:\\r\\n|[\\n\\r])` or the line ends you mean"),
    ('X', "`\\X` (a grapheme) is not supported", "write the characters you mean"),
    ('K', "`\\K` is not supported", "write a look-behind `(?<=…)`"),
    ('G', "`\\G` is not supported", "leave it out: there is no earlier match to start from"),
    ('Q', "quoting with `\\Q…\\E` is not supported", "escape each character"),
    ('N', "`\\N` is not supported", "write `.` or `[^\\n]`, or `\\u{…}` for a character"),
    ('C', "`\\C` (one byte) is not supported", "patterns match characters: write `.`"),
];

impl<'p> Parser<'p> {
    /// Reads an escape that stands outside a class.
    pub(super) fn escape(&mut self) -> Result<Escape, Diagnostic> {
        let start = self.at;
        let rest = &self.rest()[1..];
        let rust = self.syntax == Syntax::Rust;
        let mut named = None;
        for (name, assertion, anywhere) in [
            ("b{start-half}", Assertion::WordStartHalf, false),
            ("b{end-half}", Assertion::WordEndHalf, false),
            ("b{start}", Assertion::WordStart, false),
            ("b{end}", Assertion::WordEnd, false),
            ("b", Assertion::WordBoundary, true),
            ("B", Assertion::NotWordBoundary, true),
            ("<", Assertion::WordStart, false),
            (">", Assertion::WordEnd, false),
            ("A", Assertion::TextStart, false),
            ("z", Assertion::TextEnd, false),
        ] {
            if rest.starts_with(name) && (anywhere || rust) {
                named = Some((name, assertion));
                break;
            }
        }
        if let Some((name, assertion)) = named {
            self.at += 1 + name.len();
            let in_braces = self.peek() == Some('{') && rust && name == "b";
            let unknown = in_braces && self.rest()[1..].starts_with(|next: char| next.is_ascii_alphabetic());
            if unknown {
                let help = "the kinds of boundary are `\\b`, `\\b{start}`, `\\b{end}` and their `-half` forms";
                return Err(self.syntax_error(start..self.at + 1, "this is not a kind of word boundary", help));
            }
            return Ok(Escape::Assertion(assertion));
        }
        self.class_escape()
    }

    /// Reads an escape that stands for a character or a set, in a class or outside.
    pub(super) fn class_escape(&mut self) -> Result<Escape, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let Some(character) = self.peek() else {
            let help = "write `\\\\` for the character";
            return Err(self.syntax_error(start..self.at, "the pattern ends with an escape", help));
        };
        self.at += character.len_utf8();
        let rust = self.syntax == Syntax::Rust;
        let fold = self.flags.case_insensitive;
        let literal = match character {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\x0c',
            'v' => '\x0b',
            'a' if rust => '\x07',
            'e' if rust => '\x1b',
            '0' if !self.rest().starts_with(|next: char| next.is_ascii_digit()) => '\0',
            'd' => return Ok(Escape::Set(unicode::digits(self.syntax))),
            'D' => return Ok(Escape::Set(unicode::digits(self.syntax).complement())),
            'w' => return Ok(Escape::Set(unicode::word(self.syntax, fold))),
            'W' => return Ok(Escape::Set(unicode::word(self.syntax, fold).complement())),
            's' => return Ok(Escape::Set(unicode::space(self.syntax))),
            'S' => return Ok(Escape::Set(unicode::space(self.syntax).complement())),
            'p' | 'P' => return self.property(start, character == 'P').map(Escape::Set),
            'x' | 'u' => self.code_point(start, character)?,
            'U' if rust => self.code_point(start, character)?,
            'c' => self.control(start)?,
            ' ' => ' ',
            _ if character.is_ascii_punctuation() => character,
            _ => return Err(self.unknown_escape(character, start..self.at)),
        };
        Ok(Escape::Literal(literal))
    }

    fn unknown_escape(&self, character: char, span: Range<usize>) -> Diagnostic {
        if character.is_ascii_digit() {
            let help = "what a group matched cannot be asked for again by an automaton; write `\\x00` for a code point";
            return self.unsupported(span, "backreferences and octal escapes are not supported", help);
        }
        if let Some((_, message, help)) = REFUSED.iter().find(|refused| refused.0 == character) {
            return self.unsupported(span, *message, *help);
        }
        let help = format!("write `{character}` for the character, or `\\\\{character}` for a backslash before it");
        self.syntax_error(span, format!("`\\{character}` is not an escape"), help)
    }

    fn control(&mut self, start: usize) -> Result<char, Diagnostic> {
        match self.rest().bytes().next() {
            Some(letter) if letter.is_ascii_alphabetic() => {
                self.at += 1;
                Ok(char::from(letter % 32))
            }
            _ => Err(self.syntax_error(start..self.at, "`\\c` needs a letter after it", "write `\\cA` to `\\cZ`")),
        }
    }

    /// `xHH`, `uHHHH`, `UHHHHHHHH`, or any of them with braces (`x` and `U` in Rust syntax only); the letter has been
    /// read. A surrogate pair is one character.
    fn code_point(&mut self, start: usize, letter: char) -> Result<char, Diagnostic> {
        let braces = letter == 'u' || self.syntax == Syntax::Rust;
        let value = if braces && self.eat("{") {
            let length = self.rest().find('}').unwrap_or(self.rest().len());
            let digits = &self.rest()[..length];
            self.at = (self.at + length + 1).min(self.text.len());
            self.hexadecimal(digits, 1..=8, start)?
        } else {
            let width = if letter == 'x' {
                2
            } else if letter == 'u' {
                4
            } else {
                8
            };
            let digits = self.fixed_digits(width);
            self.at += digits.len();
            let value = self.hexadecimal(digits, width..=width, start)?;
            self.low_surrogate(letter, value).unwrap_or(value)
        };
        char::from_u32(value).ok_or_else(|| {
            let span = start..self.at;
            if (0xd800..0xe000).contains(&value) {
                let message = "a lone surrogate is not a character";
                let help = "patterns match Unicode characters: write the character, or both surrogates of it";
                self.unsupported(span, message, help)
            } else {
                let message = "the number is not that of a character";
                Diagnostic::new(Code::Invalid, Place::Span(span), message).with_help("the last one is 10FFFF")
            }
        })
    }

    /// At most `width` hexadecimal digits.
    fn fixed_digits(&self, width: usize) -> &'p str {
        let rest = self.rest();
        let length = rest.bytes().take(width).take_while(u8::is_ascii_hexdigit).count();
        &rest[..length]
    }

    fn hexadecimal(
        &self,
        digits: &str,
        widths: std::ops::RangeInclusive<usize>,
        start: usize,
    ) -> Result<u32, Diagnostic> {
        let sound = widths.contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = sound.then(|| u32::from_str_radix(digits, 16).ok()).flatten();
        value.ok_or_else(|| {
            let help = "write `\\xHH`, `\\uHHHH` or `\\u{H…}` with hexadecimal digits";
            self.syntax_error(start..self.at, "the escape lacks its hexadecimal digits", help)
        })
    }

    /// Reads the second half of a surrogate pair after the first.
    fn low_surrogate(&mut self, letter: char, high: u32) -> Option<u32> {
        let digits = self.rest().strip_prefix("\\u")?.get(..4)?;
        let low = u32::from_str_radix(digits, 16).ok()?;
        let pair = letter == 'u' && (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low);
        pair.then(|| {
            self.at += 6;
            0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
        })
    }

    /// `\p{…}`, or `\pL` in Rust syntax; the `p` has been read.
    fn property(&mut self, start: usize, negated: bool) -> Result<CharSet, Diagnostic> {
        let name = if self.eat("{") {
            let length = self.rest().find('}').unwrap_or(self.rest().len());
            let name = &self.rest()[..length];
            self.at = (self.at + length + 1).min(self.text.len());
            name
        } else if self.syntax == Syntax::Rust && self.rest().starts_with(|next: char| next.is_ascii_alphabetic()) {
            self.at += 1;
            &self.text[self.at - 1..self.at]
        } else {
            let help = "write `\\p{Property}`";
            return Err(self.syntax_error(start..self.at, "`\\p` needs the name of a property in braces", help));
        };
        let closed = self.text[..self.at].ends_with('}') || !self.text[start..self.at].contains('{');
        match unicode::property(name).filter(|_| closed) {
            Some(mut set) => {
                if self.flags.case_insensitive {
                    set = unicode::fold(&set);
                }
                Ok(if negated { set.complement() } else { set })
            }
            None => {
                let message = format!("`{name}` is not a known Unicode property");
                let help = "write a general category (`Lu`), a script (`Greek`, `Script=Greek`) or a binary property";
                Err(Diagnostic::new(Code::Undefined, Place::Span(start..self.at), message).with_help(help))
            }
        }
    }
}
