//! Tokens of a PTX text.

use crate::error::{ParseError, ParseErrorKind};

/// A token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Token<'a> {
    /// A directive, an opcode with its modifiers, a register, a special register, a label or another name.
    Word(&'a str),
    /// A number: its bits. Negative integers are a minus sign and a number.
    Number(u64),
    /// A string, without its quotes.
    Text(&'a str),
    /// One of `,;:{}[]()<>|@!+-`.
    Punctuation(char),
}

impl Token<'_> {
    /// What a message shows.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Word(word) | Self::Text(word) => word.to_owned(),
            Self::Number(bits) => bits.to_string(),
            Self::Punctuation(character) => character.to_string(),
        }
    }
}

/// The tokens of `text`, each with its line from 1. Comments are left out.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token<'_>, usize)>, ParseError> {
    let mut tokens = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let line = line + 1;
        let fail = |kind| ParseError { line, kind };
        let mut rest = text.split("//").next().unwrap_or_default().trim_start();
        while let Some(first) = rest.chars().next() {
            let (token, length) = if is_word(first) {
                let length = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
                let word = &rest[..length];
                // A version has a dot and is no number.
                let token = if first.is_ascii_digit() && !word.contains('.') {
                    Token::Number(number(word).ok_or_else(|| fail(ParseErrorKind::Unsupported(word.to_owned())))?)
                } else {
                    Token::Word(word)
                };
                (token, length)
            } else if first == '"' {
                let end = rest[1..].find('"').ok_or_else(|| fail(ParseErrorKind::Character(first)))?;
                (Token::Text(&rest[1..=end]), end + 2)
            } else if ",;:{}[]()<>|@!+-".contains(first) {
                (Token::Punctuation(first), 1)
            } else {
                return Err(fail(ParseErrorKind::Character(first)));
            };
            tokens.push((token, line));
            rest = rest[length..].trim_start();
        }
    }
    Ok(tokens)
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_$%.".contains(character)
}

/// The bits of a number: decimal, `0x` hexadecimal, `0f` and `0d` the bits of a float in hexadecimal.
fn number(word: &str) -> Option<u64> {
    let well_formed = match word.get(..2) {
        Some("0x") => word.len() <= 18,
        Some("0f") => word.len() == 10,
        Some("0d") => word.len() == 18,
        _ => return word.parse().ok(),
    };
    well_formed.then(|| u64::from_str_radix(&word[2..], 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_token() {
        let text = "@!%p1 bra $L_2; // a comment\n[%rd1+-4], {0f3F800000, 0d3FF0000000000000, 0x1F};\n.pragma \"x\"";
        let found: Vec<_> = tokens(text).unwrap().into_iter().map(|(token, _)| token).collect();
        use Token::{Number, Punctuation, Text, Word};
        let expected = [
            Punctuation('@'),
            Punctuation('!'),
            Word("%p1"),
            Word("bra"),
            Word("$L_2"),
            Punctuation(';'),
            Punctuation('['),
            Word("%rd1"),
            Punctuation('+'),
            Punctuation('-'),
            Number(4),
            Punctuation(']'),
            Punctuation(','),
            Punctuation('{'),
            Number(u64::from(1.0_f32.to_bits())),
            Punctuation(','),
            Number(1.0_f64.to_bits()),
            Punctuation(','),
            Number(31),
            Punctuation('}'),
            Punctuation(';'),
            Word(".pragma"),
            Text("x"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_token_is_refused_with_its_line() {
        for (text, line) in [("\n#", 2), ("\"open", 1), ("0f12", 1), ("12a", 1), ("0x", 1), ("é", 1), ("0é", 1)] {
            assert_eq!(tokens(text).unwrap_err().line, line, "{text}");
        }
    }
}
