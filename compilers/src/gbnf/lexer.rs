//! Tokens of GBNF. A token is its kind and its span; the text stays in the source.

use logos::Logos;

use super::ast::Span;

/// The kind of a token.
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
#[logos(error = LexError)]
#[logos(extras = Recovery)]
#[logos(skip r"[ \t\r\n\x0B\f]+")]
#[logos(skip(r"#[^\r\n]*", allow_greedy = true))]
pub(super) enum Token {
    /// A rule name. It may begin with a digit, as names that llama.cpp's schema converter makes do, or with one dot;
    /// a run of dots is [`Token::Any`] as many times, which also keeps the lexer from looking for the run's end at each.
    #[regex(r"[A-Za-z_\-][A-Za-z0-9_.\-]*")]
    #[regex(r"\.[A-Za-z0-9_\-][A-Za-z0-9_.\-]*")]
    #[regex(r"[0-9]+[A-Za-z_.\-][A-Za-z0-9_.\-]*")]
    Name,
    /// A decimal number: a bound, a token id, or a rule name made of digits.
    #[regex(r"[0-9]+")]
    Number,
    /// `::=`
    #[token("::=")]
    Define,
    /// `"…"` with both quotes. Line ends may stand inside, as in llama.cpp.
    #[token("\"", literal)]
    Literal,
    /// `[…]` with both brackets; after a rule name at the beginning of a line and before `::=`, rule attributes.
    #[token("[", class)]
    Class,
    /// `<…>` or `!<…>`
    #[token("<", token_terminal)]
    #[token("!<", token_terminal)]
    Terminal,
    /// `.`
    #[token(".")]
    Any,
    /// `*`
    #[token("*")]
    Star,
    /// `+`
    #[token("+")]
    Plus,
    /// `?`
    #[token("?")]
    Question,
    /// `{`
    #[token("{")]
    OpenBrace,
    /// `}`
    #[token("}")]
    CloseBrace,
    /// `,`
    #[token(",")]
    Comma,
    /// `|`
    #[token("|")]
    Bar,
    /// `=`
    #[token("=")]
    Equals,
    /// `:=` or `:`: nothing in GBNF, but `::=` in other notations.
    #[token(":=")]
    #[token(":")]
    Colon,
    /// `(`
    #[token("(")]
    Open,
    /// `(=`
    #[token("(=")]
    OpenLookahead,
    /// `Token(` or `ExcludeToken(`: a name and a bracket without a space between them, so that a rule may have the name.
    #[regex(r"(Exclude)?Token\(")]
    OpenTokenSet,
    /// `TagDispatch(` and the other macros.
    #[regex(r"(TagDispatch|TokenTagDispatch|Regex|Substring)\(")]
    OpenMacro,
    /// `)`
    #[token(")")]
    Close,
}

impl Token {
    /// Whether a [`Token::Close`] ends what this token begins.
    pub(super) fn opens(self) -> bool {
        matches!(self, Self::Open | Self::OpenLookahead | Self::OpenTokenSet | Self::OpenMacro)
    }

    /// Whether other notations begin the body of a rule with this token.
    pub(super) fn defines_elsewhere(self) -> bool {
        matches!(self, Self::Equals | Self::Colon)
    }

    /// Whether this token ends a quantifier.
    pub(super) fn ends_quantifier(self) -> bool {
        matches!(self, Self::Star | Self::Plus | Self::Question | Self::CloseBrace)
    }

    /// Whether this token begins a quantifier.
    pub(super) fn begins_quantifier(self) -> bool {
        matches!(self, Self::Star | Self::Plus | Self::Question | Self::OpenBrace)
    }
}

/// Text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum LexError {
    /// A character that begins no token.
    #[default]
    Unexpected,
    /// A `"` without its partner.
    UnterminatedLiteral,
    /// A `[` without its partner.
    UnterminatedClass,
    /// A `<` without a `>` on its line.
    UnterminatedTokenTerminal,
}

/// What the lexer remembers after a fault.
///
/// Literals and classes then have to close on their own line. After an unterminated one this keeps lexing linear, as the
/// search for its end has been to the end of the source; after any fault it likely gives later rules their intended
/// reading.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recovery {
    single_line: bool,
}

fn literal(lexer: &mut logos::Lexer<'_, Token>) -> Result<(), LexError> {
    delimited(lexer, b'"', LexError::UnterminatedLiteral)
}

fn class(lexer: &mut logos::Lexer<'_, Token>) -> Result<(), LexError> {
    delimited(lexer, b']', LexError::UnterminatedClass)
}

fn delimited(lexer: &mut logos::Lexer<'_, Token>, close: u8, error: LexError) -> Result<(), LexError> {
    let rest = lexer.remainder().as_bytes();
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            byte if byte == close => {
                lexer.bump(at + 1);
                return Ok(());
            }
            // What an escape hides is at most one ASCII character; the bytes of a longer one equal no delimiter.
            b'\\' if rest.get(at + 1).is_some_and(u8::is_ascii) => at += 2,
            b'\n' if lexer.extras.single_line => break,
            _ => at += 1,
        }
    }
    lexer.extras.single_line = true;
    bump_to_line_end(lexer);
    Err(error)
}

fn token_terminal(lexer: &mut logos::Lexer<'_, Token>) -> Result<(), LexError> {
    match lexer.remainder().bytes().position(|byte| matches!(byte, b'>' | b'\n')) {
        Some(at) if lexer.remainder().as_bytes()[at] == b'>' => {
            lexer.bump(at + 1);
            Ok(())
        }
        _ => {
            bump_to_line_end(lexer);
            Err(LexError::UnterminatedTokenTerminal)
        }
    }
}

fn bump_to_line_end(lexer: &mut logos::Lexer<'_, Token>) {
    let rest = lexer.remainder();
    let end = rest.bytes().position(|byte| byte == b'\n').unwrap_or(rest.len());
    lexer.bump(end);
}

/// A token, or a stretch of text that is none, in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexeme {
    /// The kind.
    pub(super) token: Result<Token, LexError>,
    /// Where it is.
    pub(super) span: Span,
    /// Whether only blanks precede it on its line.
    pub(super) first_on_line: bool,
}

/// The lexemes of a source text of less than 4 GiB.
pub(super) struct Lexemes<'s> {
    lexer: logos::Lexer<'s, Token>,
    end: usize,
}

impl<'s> Lexemes<'s> {
    /// The lexemes of `source`.
    pub(super) fn new(source: &'s str) -> Self {
        Self { lexer: Token::lexer(source), end: 0 }
    }

    /// Lets literals and classes end on their line; goes back to the end of the line at `again`, if given.
    pub(super) fn recover(&mut self, again: Option<usize>) {
        if let Some(again) = again {
            self.lexer = Token::lexer(self.lexer.source());
            self.lexer.bump(again);
            bump_to_line_end(&mut self.lexer);
            self.end = self.lexer.span().end;
        }
        self.lexer.extras.single_line = true;
    }
}

impl Iterator for Lexemes<'_> {
    type Item = Lexeme;

    fn next(&mut self) -> Option<Lexeme> {
        let token = self.lexer.next()?;
        let span = self.lexer.span();
        let gap = &self.lexer.source().as_bytes()[self.end..span.start];
        let first_on_line = self.end == 0 || gap.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        self.end = span.end;
        Some(Lexeme { token, span: Span::new(span.start, span.end), first_on_line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> Vec<(Result<Token, LexError>, &str)> {
        Lexemes::new(source).map(|lexeme| (lexeme.token, lexeme.span.of(source))).collect()
    }

    #[test]
    fn names_dots_and_numbers() {
        let kinds: Vec<_> =
            tokens("a.b .c . .. 3d 12 - _x").into_iter().map(|(token, text)| (token.ok(), text)).collect();
        let expected = [
            (Token::Name, "a.b"),
            (Token::Name, ".c"),
            (Token::Any, "."),
            (Token::Any, "."),
            (Token::Any, "."),
            (Token::Name, "3d"),
            (Token::Number, "12"),
            (Token::Name, "-"),
            (Token::Name, "_x"),
        ];
        assert_eq!(kinds, expected.map(|(token, text)| (Some(token), text)));
    }

    #[test]
    fn delimiters_respect_escapes() {
        assert_eq!(
            tokens(r#""a\"b" [\]"] <|x|>"#).iter().map(|(_, text)| *text).collect::<Vec<_>>(),
            [r#""a\"b""#, r#"[\]"]"#, "<|x|>"]
        );
        assert_eq!(tokens("\"\\é\"").len(), 1);
    }

    #[test]
    fn macros_need_an_adjacent_bracket() {
        let kinds: Vec<_> =
            tokens("Token(1) Token (1) MyToken(").into_iter().filter_map(|(token, _)| token.ok()).collect();
        use Token::{Close, Name, Number, Open, OpenTokenSet};
        assert_eq!(kinds, [OpenTokenSet, Number, Close, Name, Open, Number, Close, Name, Open]);
    }

    #[test]
    fn an_unterminated_literal_leaves_the_next_line_alone() {
        let found = tokens("a ::= \"x\nb ::= [c");
        assert_eq!(found[2], (Err(LexError::UnterminatedLiteral), "\"x"));
        assert_eq!(found[3], (Ok(Token::Name), "b"));
        assert_eq!(found[5], (Err(LexError::UnterminatedClass), "[c"));
    }
}
