//! Splits a `.gir` text into tokens.

use super::{ErrorKind, ParseError};
use crate::{ByteSet, CharSet};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `name`, or any text in backquotes.
    Name(String),
    /// `$name`.
    Binding(String),
    /// `%word`.
    Directive(String),
    /// `"…"`.
    Literal(Vec<u8>),
    /// `[…]`.
    Class(CharSet),
    /// `<…>`.
    ByteSet(ByteSet),
    Number(u32),
    /// One of `= ; : , | ( ) { } ? * + ^`.
    Mark(char),
    /// `->`.
    Arrow,
    End,
}

impl Token {
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Name(name) => format!("the name `{name}`"),
            Self::Binding(name) => format!("`${name}`"),
            Self::Directive(word) => format!("`%{word}`"),
            Self::Literal(_) => "a literal".to_owned(),
            Self::Class(_) => "a class".to_owned(),
            Self::ByteSet(_) => "a byte set".to_owned(),
            Self::Number(number) => format!("`{number}`"),
            Self::Mark(mark) => format!("`{mark}`"),
            Self::Arrow => "`->`".to_owned(),
            Self::End => "the end of the text".to_owned(),
        }
    }
}

/// The tokens of `source`, each with its byte offset; the last one is [`Token::End`].
pub(super) fn lex(source: &str) -> Result<Vec<(Token, usize)>, ParseError> {
    let mut lexer = Lexer { source, offset: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.offset;
        let token = lexer.token()?;
        let is_end = token == Token::End;
        tokens.push((token, start));
        if is_end {
            return Ok(tokens);
        }
    }
}

pub(super) fn is_name_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}

pub(super) fn is_name_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.')
}

struct Lexer<'s> {
    source: &'s str,
    offset: usize,
}

/// What an escape stands for.
enum Escaped {
    Character(char),
    Byte(u8),
}

impl<'s> Lexer<'s> {
    fn token(&mut self) -> Result<Token, ParseError> {
        let start = self.offset;
        let Some(character) = self.bump() else { return Ok(Token::End) };
        match character {
            '"' => self.literal(start).map(Token::Literal),
            '`' => self.quoted_name(start).map(Token::Name),
            '[' => self.class(start).map(Token::Class),
            '<' => self.byte_set(start).map(Token::ByteSet),
            '$' | '%' => match self.word() {
                "" => Err(self.error(start, ErrorKind::EmptyName)),
                word if character == '$' => Ok(Token::Binding(word.to_owned())),
                word => Ok(Token::Directive(word.to_owned())),
            },
            '=' | ';' | ':' | ',' | '|' | '(' | ')' | '{' | '}' | '?' | '*' | '+' | '^' => Ok(Token::Mark(character)),
            '-' if self.eat('>') => Ok(Token::Arrow),
            '0'..='9' => {
                self.take_while(|next| next.is_ascii_digit());
                let digits = &self.source[start..self.offset];
                digits.parse().map(Token::Number).map_err(|_| self.error(start, ErrorKind::NumberTooLarge))
            }
            _ if is_name_start(character) => {
                self.word();
                Ok(Token::Name(self.source[start..self.offset].to_owned()))
            }
            _ => Err(self.error(start, ErrorKind::Character(character))),
        }
    }

    fn literal(&mut self, start: usize) -> Result<Vec<u8>, ParseError> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4];
        loop {
            match self.bump() {
                None => return Err(self.error(start, ErrorKind::Unclosed("literal"))),
                Some('"') => return Ok(bytes),
                Some('\\') => match self.escape()? {
                    Escaped::Byte(byte) => bytes.push(byte),
                    Escaped::Character(character) => {
                        bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
                    }
                },
                Some(character) => bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
            }
        }
    }

    fn quoted_name(&mut self, start: usize) -> Result<String, ParseError> {
        let mut name = String::new();
        loop {
            match self.bump() {
                None => return Err(self.error(start, ErrorKind::Unclosed("name"))),
                Some('`') if name.is_empty() => return Err(self.error(start, ErrorKind::EmptyName)),
                Some('`') => return Ok(name),
                Some('\\') => name.push(self.escaped_character()?),
                Some(character) => name.push(character),
            }
        }
    }

    fn class(&mut self, start: usize) -> Result<CharSet, ParseError> {
        let complement = self.eat('^');
        let mut ranges = Vec::new();
        while !self.eat(']') {
            let at = self.offset;
            let low = self.class_character(start)?;
            let high = if self.eat('-') { self.class_character(start)? } else { low };
            if high < low {
                return Err(self.error(at, ErrorKind::InvertedRange));
            }
            ranges.push((low, high));
        }
        let set = CharSet::from_ranges(ranges);
        Ok(if complement { set.complement() } else { set })
    }

    fn class_character(&mut self, start: usize) -> Result<char, ParseError> {
        let at = self.offset;
        match self.bump() {
            None => Err(self.error(start, ErrorKind::Unclosed("class"))),
            Some('\\') => self.escaped_character(),
            // These mean something elsewhere in a class; an escape keeps a slip from changing the set.
            Some(character @ ('[' | ']' | '^' | '-')) => Err(self.error(at, ErrorKind::Character(character))),
            Some(character) => Ok(character),
        }
    }

    fn byte_set(&mut self, start: usize) -> Result<ByteSet, ParseError> {
        let mut set = ByteSet::EMPTY;
        loop {
            self.skip_blanks();
            if self.eat('>') {
                return Ok(set);
            }
            if self.offset == self.source.len() {
                return Err(self.error(start, ErrorKind::Unclosed("byte set")));
            }
            let at = self.offset;
            let low = self.hex_byte()?;
            let high = if self.eat('-') { self.hex_byte()? } else { low };
            if high < low {
                return Err(self.error(at, ErrorKind::InvertedRange));
            }
            set.insert_range(low, high);
        }
    }

    fn escaped_character(&mut self) -> Result<char, ParseError> {
        let start = self.offset;
        match self.escape()? {
            Escaped::Character(character) => Ok(character),
            Escaped::Byte(byte) if byte.is_ascii() => Ok(char::from(byte)),
            Escaped::Byte(_) => Err(self.error(start, ErrorKind::ByteOutsideLiteral)),
        }
    }

    /// Reads an escape after its backslash.
    fn escape(&mut self) -> Result<Escaped, ParseError> {
        let start = self.offset;
        match self.bump() {
            Some('n') => Ok(Escaped::Character('\n')),
            Some('r') => Ok(Escaped::Character('\r')),
            Some('t') => Ok(Escaped::Character('\t')),
            Some('x') => self.hex_byte().map(Escaped::Byte),
            Some('u') if self.eat('{') => {
                let digits = self.take_while(|next| next.is_ascii_hexdigit());
                let character = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
                match character {
                    Some(character) if self.eat('}') => Ok(Escaped::Character(character)),
                    _ => Err(self.error(start, ErrorKind::Escape)),
                }
            }
            Some(character) if character.is_ascii_punctuation() => Ok(Escaped::Character(character)),
            _ => Err(self.error(start, ErrorKind::Escape)),
        }
    }

    fn hex_byte(&mut self) -> Result<u8, ParseError> {
        let start = self.offset;
        let value = self.source.get(start..start + 2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match value.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                self.offset += 2;
                Ok(byte)
            }
            None => Err(self.error(start, ErrorKind::HexByte)),
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|next| next.is_ascii_whitespace());
            if !self.eat('#') {
                return;
            }
            self.take_while(|next| next != '\n');
        }
    }

    fn word(&mut self) -> &'s str {
        self.take_while(is_name_part)
    }

    fn take_while(&mut self, part: impl Fn(char) -> bool) -> &'s str {
        let rest = &self.source[self.offset..];
        let len = rest.find(|next| !part(next)).unwrap_or(rest.len());
        self.offset += len;
        &rest[..len]
    }

    /// The next character. A line end CR LF is one LF, so that a checkout that changes line ends changes no literal.
    fn bump(&mut self) -> Option<char> {
        if self.source[self.offset..].starts_with("\r\n") {
            self.offset += "\r\n".len();
            return Some('\n');
        }
        let character = self.source[self.offset..].chars().next()?;
        self.offset += character.len_utf8();
        Some(character)
    }

    fn eat(&mut self, expected: char) -> bool {
        let found = self.source[self.offset..].starts_with(expected);
        if found {
            self.offset += expected.len_utf8();
        }
        found
    }

    fn error(&self, offset: usize, kind: ErrorKind) -> ParseError {
        ParseError::at(self.source, offset, kind)
    }
}
