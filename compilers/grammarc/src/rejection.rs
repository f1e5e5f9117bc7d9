//! Where and why a text leaves a grammar's language.

use std::io::{self, Write};

use compilers::diagnostic::line_and_column;
use grammar_ir::ByteSet;
use mask_runtime::{AcceptError, Matcher};
use serde_json::{Value, json};

use crate::describe::{Bytes, Quoted, bytes_json};
use crate::failure::Failure;
use crate::output::{BAD, DIM};

/// Where and why a text is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// The first byte that does not fit, or the length of the text if more is missing.
    pub(crate) offset: usize,
    /// What could stand there.
    pub(crate) expected: ByteSet,
    /// Whether the text could end there.
    pub(crate) may_end: bool,
    /// Text that would have to follow there, as far as there is only one way.
    pub(crate) forced: Vec<u8>,
}

/// The longest forced text that is shown.
const SHOWN_FORCED: usize = 60;
/// The longest part of a text that is shown before and after the place of a rejection.
const SHOWN_CONTEXT: usize = 40;

/// Reads `text`; afterwards the matcher is behind all of it, or behind the part before the rejection.
pub(crate) fn read(matcher: &mut Matcher, text: &[u8]) -> Result<Option<Rejection>, Failure> {
    match accept(matcher, text)? {
        None => Ok(None),
        Some(offset) => {
            accept(matcher, &text[..offset])?;
            Ok(Some(Rejection::here(matcher, offset)))
        }
    }
}

/// The offset of the first byte that does not fit.
fn accept(matcher: &mut Matcher, text: &[u8]) -> Result<Option<usize>, Failure> {
    match matcher.accept_bytes(text) {
        Ok(()) => Ok(None),
        Err(AcceptError::BytesNotAllowed { offset }) => Ok(Some(offset)),
        Err(AcceptError::Terminated) => Ok(Some(0)),
        Err(error) => Err(Failure::Refused(error.to_string())),
    }
}

impl Rejection {
    /// The rejection of whatever comes next.
    pub(crate) fn here(matcher: &mut Matcher, offset: usize) -> Self {
        Self {
            offset,
            expected: matcher.next_bytes(),
            may_end: matcher.is_complete(),
            forced: matcher.forced_bytes(SHOWN_FORCED + 1),
        }
    }

    /// For programs.
    pub(crate) fn to_json(&self, text: &[u8]) -> Value {
        let mut object = json!({
            "offset": self.offset,
            "at_end": self.offset == text.len(),
            "expected": {"bytes": bytes_json(&self.expected), "end": self.may_end, "text": self.expectation()},
        });
        if let Ok(text) = std::str::from_utf8(text) {
            let (line, column) = line_and_column(text, self.offset);
            object["line"] = line.into();
            object["column"] = column.into();
        }
        object
    }

    /// For people.
    pub(crate) fn write(&self, text: &[u8], output: &mut impl Write) -> io::Result<()> {
        let place = match std::str::from_utf8(text) {
            Ok(text) => {
                let (line, column) = line_and_column(text, self.offset);
                format!("byte {} (line {line}, column {column})", self.offset)
            }
            Err(_) => format!("byte {}", self.offset),
        };
        let (before, after) = text.split_at(self.offset);
        let mut cut = before.len().saturating_sub(SHOWN_CONTEXT);
        // Not in the middle of a character.
        while before.get(cut).is_some_and(|byte| cut > 0 && byte & 0xc0 == 0x80) {
            cut += 1;
        }
        let ellipsis = if cut > 0 { "…" } else { "" };
        if after.is_empty() {
            writeln!(output, "{BAD}rejected{BAD:#}: the text is not complete at its end, {place}")?;
        } else {
            writeln!(output, "{BAD}rejected{BAD:#} at {place}")?;
        }
        if !before.is_empty() {
            writeln!(output, "  {DIM}after{DIM:#}     {ellipsis}{}", Quoted::all(&before[cut..]))?;
        }
        if !after.is_empty() {
            writeln!(output, "  {DIM}found{DIM:#}     {}", Quoted::start(after, SHOWN_CONTEXT))?;
        }
        writeln!(output, "  {DIM}expected{DIM:#}  {}", self.expectation())
    }

    fn expectation(&self) -> String {
        let mut expectation = match self.forced.as_slice() {
            // One byte says no more than the set of bytes does.
            [] | [_] => match (self.expected.is_empty(), self.may_end) {
                (true, true) => return "the end of the text".to_owned(),
                (true, false) => "a token that no text stands for".to_owned(),
                (false, _) => Bytes(&self.expected).to_string(),
            },
            forced => Quoted::start(forced, SHOWN_FORCED).to_string(),
        };
        if self.may_end {
            expectation.push_str(", or the end of the text");
        }
        expectation
    }
}
