//! Characters of literals and classes: plain ones and escapes. `\xHH` is a code point, as in llama.cpp, not a byte.

use grammar_ir::CharSet;

use super::ast::Span;
use crate::diagnostic::{Code, Diagnostic};

/// Where an escape stands: the sets differ by a few characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Literal,
    Class,
}

/// The text of the literal at `span`, quotes included. Every fault in it is reported; the result is then of no use.
pub(super) fn literal(source: &str, span: Span, diagnostics: &mut Vec<Diagnostic>) -> String {
    let mut characters = Characters::new(source, span, Context::Literal);
    let Some(plain) = characters.rest().find(['\\', '\r']) else { return characters.rest().to_owned() };
    let mut text = String::with_capacity(characters.rest().len());
    text.push_str(&characters.rest()[..plain]);
    characters.at += plain;
    for character in characters {
        match character {
            Ok(character) => text.push(character),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    text
}

/// The characters of the class at `span`, brackets included. Every fault in it is reported; the result is then of no use.
pub(super) fn class(source: &str, span: Span, diagnostics: &mut Vec<Diagnostic>) -> CharSet {
    let mut characters = Characters::new(source, span, Context::Class);
    let negated = characters.rest().starts_with('^');
    characters.at += usize::from(negated);
    let mut ranges = Vec::new();
    loop {
        let start = characters.at;
        let Some(low) = characters.next() else { break };
        let is_range = characters.rest().len() > 1 && characters.rest().starts_with('-');
        characters.at += usize::from(is_range);
        let high = if is_range { characters.next() } else { None };
        match (low, high) {
            (Ok(low), None) => ranges.push((low, low)),
            (Ok(low), Some(Ok(high))) if low <= high => ranges.push((low, high)),
            (Ok(low), Some(Ok(high))) => {
                let place = Span::new(start, characters.at).place();
                let message = format!("the range is inverted: {} comes after {}", named(low), named(high));
                let help = "write the smaller code point first; a `-` that stands for itself is written `\\-`";
                diagnostics.push(Diagnostic::new(Code::Invalid, place, message).with_help(help));
            }
            (low, high) => diagnostics.extend(low.err().into_iter().chain(high.and_then(Result::err))),
        }
    }
    let set = CharSet::from_ranges(ranges);
    if negated { set.complement() } else { set }
}

fn named(character: char) -> String {
    format!("`{}` (U+{:04X})", character.escape_debug(), character as u32)
}

/// The characters between two delimiters of one byte each. A line end CR LF is one LF: a grammar means the same whatever
/// a checkout does to its line ends.
struct Characters<'s> {
    source: &'s str,
    at: usize,
    end: usize,
    context: Context,
}

impl<'s> Characters<'s> {
    fn new(source: &'s str, span: Span, context: Context) -> Self {
        let range = span.range();
        Self { source, at: range.start + 1, end: range.end - 1, context }
    }

    fn rest(&self) -> &'s str {
        &self.source[self.at..self.end]
    }

    /// The character that an escape stands for; `self.at` is at its backslash.
    fn escape(&mut self) -> Result<char, Diagnostic> {
        let start = self.at;
        let Some(letter) = self.rest().chars().nth(1) else {
            self.at = self.end;
            return Err(self.bad_escape(start, "the escape is not complete", "a backslash is written `\\\\`"));
        };
        self.at += 1 + letter.len_utf8();
        match letter {
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'b' => Ok('\u{8}'),
            'f' => Ok('\u{C}'),
            'a' => Ok('\u{7}'),
            'v' => Ok('\u{B}'),
            '0' => Ok('\0'),
            'e' => Ok('\u{1B}'),
            '"' | '\\' | '/' | '[' | ']' | '\'' | '?' => Ok(letter),
            '-' | '^' if self.context == Context::Class => Ok(letter),
            'x' => self.code_point(start, 2),
            'u' => self.code_point(start, 4),
            'U' => self.code_point(start, 8),
            _ => {
                let message = format!("unknown escape `\\{}`", letter.escape_debug());
                Err(self.bad_escape(start, message, "a backslash is written `\\\\`"))
            }
        }
    }

    /// The code point that `digits` hexadecimal digits name; for a high surrogate, together with the low one after it.
    fn code_point(&mut self, start: usize, digits: usize) -> Result<char, Diagnostic> {
        let Some(unit) = self.hexadecimal(digits) else {
            let count = self.rest().bytes().take(digits).take_while(u8::is_ascii_hexdigit).count();
            self.at += count;
            let message = format!("the escape needs {digits} hexadecimal digits, {count} found");
            return Err(self.bad_escape(start, message, "write `\\xHH`, `\\uHHHH` or `\\UHHHHHHHH`"));
        };
        if let Some(character) = char::from_u32(unit) {
            return Ok(character);
        }
        if unit > 0x10_FFFF {
            let message = format!("U+{unit:X} is not a code point");
            return Err(self.bad_escape(start, message, "the largest is `\\U0010FFFF`"));
        }
        if (0xD800..0xDC00).contains(&unit) && self.rest().starts_with("\\u") {
            let before = self.at;
            self.at += 2;
            if let Some(low @ 0xDC00..0xE000) = self.hexadecimal(4)
                && let Some(character) = char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
            {
                return Ok(character);
            }
            self.at = before;
        }
        let message = format!("U+{unit:04X} is half of a surrogate pair");
        Err(self.bad_escape(
            start,
            message,
            "write both halves one after the other, or the code point as `\\UHHHHHHHH`",
        ))
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest().get(..digits)?;
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += digits;
        u32::from_str_radix(text, 16).ok()
    }

    fn bad_escape(&self, start: usize, message: impl Into<String>, help: &str) -> Diagnostic {
        Diagnostic::new(Code::Syntax, Span::new(start, self.at).place(), message).with_help(help)
    }
}

impl Iterator for Characters<'_> {
    type Item = Result<char, Diagnostic>;

    fn next(&mut self) -> Option<Self::Item> {
        let character = self.rest().chars().next()?;
        if character == '\\' {
            return Some(self.escape());
        }
        if self.rest().starts_with("\r\n") {
            self.at += "\r\n".len();
            return Some(Ok('\n'));
        }
        self.at += character.len_utf8();
        Some(Ok(character))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(inner: &str) -> Result<String, Vec<String>> {
        let source = format!("\"{inner}\"");
        let mut diagnostics = Vec::new();
        let text = literal(&source, Span::new(0, source.len()), &mut diagnostics);
        if diagnostics.is_empty() { Ok(text) } else { Err(diagnostics.into_iter().map(|it| it.message).collect()) }
    }

    fn ranges(inner: &str) -> Result<Vec<(char, char)>, Vec<String>> {
        let source = format!("[{inner}]");
        let mut diagnostics = Vec::new();
        let set = class(&source, Span::new(0, source.len()), &mut diagnostics);
        if diagnostics.is_empty() {
            Ok(set.ranges().to_vec())
        } else {
            Err(diagnostics.into_iter().map(|it| it.message).collect())
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(decode(r#"\n\r\t\b\f\a\v\0\e\"\\\/\[\]"#).unwrap(), "\n\r\t\u{8}\u{C}\u{7}\u{B}\0\u{1B}\"\\/[]");
        assert_eq!(decode(r"\x41B\x80é").unwrap(), "AB\u{80}é");
        assert_eq!(decode(r"\u00e9\U0001F600").unwrap(), "é😀");
        assert_eq!(decode(r"\ud83d\ude00!").unwrap(), "😀!");
    }

    #[test]
    fn line_ends_are_line_feeds() {
        assert_eq!(decode("a\r\nb\\r\r\n\n").unwrap(), "a\nb\r\n\n");
        assert_eq!(decode("\r").unwrap(), "\r", "a carriage return alone is no line end");
        assert_eq!(ranges("\r\n-a").unwrap(), [('\n', 'a')]);
    }

    #[test]
    fn every_bad_escape_is_reported() {
        assert_eq!(
            decode(r"\@ \uFF \x4").unwrap_err(),
            [
                "unknown escape `\\@`",
                "the escape needs 4 hexadecimal digits, 2 found",
                "the escape needs 2 hexadecimal digits, 1 found",
            ]
        );
        assert_eq!(decode(r"\ud83d\u0041").unwrap_err(), ["U+D83D is half of a surrogate pair"]);
        assert_eq!(decode(r"\ude00").unwrap_err(), ["U+DE00 is half of a surrogate pair"]);
        assert_eq!(decode(r"\U00110000").unwrap_err(), ["U+110000 is not a code point"]);
        assert_eq!(decode(r"\u12é4").unwrap_err(), ["the escape needs 4 hexadecimal digits, 2 found"]);
        assert_eq!(decode(r"\-").unwrap_err(), ["unknown escape `\\-`"]);
    }

    #[test]
    fn classes() {
        assert_eq!(ranges("a-cx").unwrap(), [('a', 'c'), ('x', 'x')]);
        assert_eq!(ranges("-+").unwrap(), [('+', '+'), ('-', '-')]);
        assert_eq!(ranges("+-").unwrap(), [('+', '+'), ('-', '-')]);
        assert_eq!(ranges(r"a\-z").unwrap(), [('-', '-'), ('a', 'a'), ('z', 'z')]);
        assert_eq!(ranges(r"\]-a").unwrap(), [(']', 'a')]);
        assert_eq!(ranges("a-c-e").unwrap(), [('-', '-'), ('a', 'c'), ('e', 'e')]);
        assert_eq!(ranges("^").unwrap(), [('\0', '\u{10FFFF}')]);
        assert_eq!(ranges(r"^\u0000-\U0010FFFF").unwrap(), []);
        assert_eq!(ranges(r"\^").unwrap(), [('^', '^')]);
        assert_eq!(ranges(r"\ud83d\ude00-\ud83d\ude02").unwrap(), [('😀', '😂')]);
        assert_eq!(ranges("z-a9-0").unwrap_err().len(), 2);
    }
}
