//! What the rules with a name to be reported under have matched.

use grammar_ir::interp::{CapturedSpan, Recognizer};

use crate::matcher::Matcher;
use crate::vocab::{TokenKind, Vocabulary};

/// A part of the text that is a word of a rule with `capture`, or the marker at the end of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The name that the rule gives it.
    pub name: String,
    /// The part, without the markers that are hidden from it; tokens without bytes have the text that the vocabulary gives
    /// them.
    pub text: Vec<u8>,
}

/// What the rules have matched is not worked out, as that would take too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The grammar is too ambiguous, or has too much right recursion, for so long a text.
    #[error(
        "to find what rules with `capture` have matched takes more than {max} steps; a shorter text takes fewer, and so does \
         a grammar with less ambiguity or with repetitions in place of right recursion"
    )]
    Steps {
        /// The greatest number of steps.
        max: usize,
    },
    /// Captures inside of captures have too much text together.
    #[error("what rules with `capture` have matched is longer than {max} bytes together; capture fewer nested parts")]
    Length {
        /// The greatest number of bytes.
        max: usize,
    },
}

/// The greatest number of steps that the recogniser takes for a text: some seconds, and some hundred MB.
const MAX_STEPS: usize = 10_000_000;

/// The greatest length of all captures together.
const MAX_LENGTH: usize = 16_000_000;

/// What one accept has accepted.
#[derive(Debug, Clone)]
pub(crate) enum Accepted {
    /// A token, as a part of the text.
    Token(u32),
    /// Text.
    Text(Box<[u8]>),
    /// A stop token that ended the text.
    End,
}

impl Matcher {
    /// What the rules with `capture` have matched, in the order of their ends, inner parts before outer ones. Nothing as
    /// long as the text is not complete.
    ///
    /// Where a text can be read in several ways, what comes first takes as much as it can. The text is read again for this,
    /// by a recogniser that takes microseconds for a byte; with an ambiguous grammar that may be quadratic and worse.
    ///
    /// # Errors
    /// When that takes more than 10 million steps of the recogniser, some ten for a byte if there is little ambiguity and no
    /// right recursion; or when captures inside of captures have more than 16 million bytes together.
    pub fn captures(&self) -> Result<Vec<Capture>, CaptureError> {
        let Some((grammar, accepted)) = self.captured() else { return Ok(Vec::new()) };
        if !self.is_complete() && !self.is_terminated() {
            return Ok(Vec::new());
        }
        let mut text = Text { recognizer: Recognizer::new(grammar), symbols: Vec::new(), steps: 0 };
        text.read(self.grammar().vocabulary(), self.stop_tokens(), accepted)?;
        text.captures()
    }
}

/// The text, read again.
struct Text<'a> {
    recognizer: Recognizer<'a>,
    /// Per position: the text of the symbol before the next one.
    symbols: Vec<&'a [u8]>,
    steps: usize,
}

impl<'a> Text<'a> {
    fn read(
        &mut self,
        vocabulary: &'a Vocabulary,
        stop_tokens: &[u32],
        accepted: &'a [Accepted],
    ) -> Result<(), CaptureError> {
        for accepted in accepted {
            match accepted {
                Accepted::Text(text) => {
                    for byte in text.chunks(1) {
                        self.pushed(|recognizer| recognizer.push_bytes(byte))?;
                    }
                    self.symbols.extend(text.chunks(1));
                }
                Accepted::Token(token) => {
                    let is_stop = vocabulary.is_stop(*token) || stop_tokens.contains(token);
                    if vocabulary.kind(*token) == TokenKind::Text && !is_stop {
                        let bytes = vocabulary.bytes(*token);
                        self.pushed(|recognizer| recognizer.push_token(*token, bytes, is_stop))?;
                        self.symbols.extend(bytes.chunks(1));
                    } else {
                        self.pushed(|recognizer| recognizer.push_token(*token, &[], is_stop))?;
                        self.symbols.push(vocabulary.entry(*token));
                    }
                }
                Accepted::End => break,
            }
            self.recognizer.end_token();
        }
        Ok(())
    }

    /// Pushes something and counts the steps that it took.
    fn pushed(&mut self, push: impl FnOnce(&mut Recognizer<'a>) -> bool) -> Result<(), CaptureError> {
        let before = self.recognizer.position();
        push(&mut self.recognizer);
        self.steps = self.steps.saturating_add(self.recognizer.steps_since(before));
        if self.steps > MAX_STEPS { Err(CaptureError::Steps { max: MAX_STEPS }) } else { Ok(()) }
    }

    fn captures(&self) -> Result<Vec<Capture>, CaptureError> {
        let captured = self.recognizer.captures(MAX_LENGTH).ok_or(CaptureError::Length { max: MAX_LENGTH })?;
        Ok(captured.into_iter().map(|captured| self.capture(captured)).collect())
    }

    fn capture(&self, captured: CapturedSpan<'_>) -> Capture {
        let CapturedSpan { name, span, hidden, .. } = captured;
        let mut text = Vec::new();
        let mut at = span.start;
        for hidden in &hidden {
            text.extend(self.symbols[at..hidden.start].concat());
            at = hidden.end;
        }
        text.extend(self.symbols[at..span.end].concat());
        Capture { name: name.to_owned(), text }
    }
}
