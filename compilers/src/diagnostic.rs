//! What a frontend says about a source text: several diagnostics at once, each with a place, a message and advice.

use std::fmt;
use std::ops::Range;

/// Where in the source a diagnostic points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Bytes of the source text.
    Span(Range<usize>),
    /// A JSON Pointer (RFC 6901) into the source document; `""` is the whole document.
    Pointer(String),
    /// The source as a whole.
    Whole,
}

/// What kind of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The text is not of the language.
    Syntax,
    /// A name is not defined.
    Undefined,
    /// A name is defined twice.
    Duplicate,
    /// A value is out of range or contradictory.
    Invalid,
    /// Something of the language that grammarc does not (yet) implement exactly, refused by name.
    Unsupported,
    /// No text can ever match.
    Unsatisfiable,
    /// One of [`grammar_ir::Limits`] was met.
    Limit,
}

impl Code {
    /// The name used in `--json` output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Undefined => "undefined",
            Self::Duplicate => "duplicate",
            Self::Invalid => "invalid",
            Self::Unsupported => "unsupported",
            Self::Unsatisfiable => "unsatisfiable",
            Self::Limit => "limit",
        }
    }
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of problem.
    pub code: Code,
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without advice.
    pub fn new(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self { code, place, message: message.into(), help: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// One or more problems; the error type of every frontend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// The diagnostics, in source order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// How the problems look under the source text: line, column, the line itself and a caret for spans; the
    /// pointer for JSON documents. No colours.
    pub fn render<'a>(&'a self, file: &'a str, source: &'a str) -> impl fmt::Display + 'a {
        Rendered { diagnostics: self, file, source }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { list: vec![diagnostic] }
    }
}

impl From<Vec<Diagnostic>> for Diagnostics {
    fn from(mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|diagnostic| match &diagnostic.place {
            Place::Span(span) => span.start,
            _ => 0,
        });
        Self { list }
    }
}

impl From<grammar_ir::LimitError> for Diagnostics {
    fn from(error: grammar_ir::LimitError) -> Self {
        Diagnostic::new(Code::Limit, Place::Whole, error.to_string()).into()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            match &diagnostic.place {
                Place::Span(span) => write!(f, "at byte {}: {}", span.start, diagnostic.message)?,
                Place::Pointer(pointer) => write!(f, "at {pointer:?}: {}", diagnostic.message)?,
                Place::Whole => f.write_str(&diagnostic.message)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

struct Rendered<'a> {
    diagnostics: &'a Diagnostics,
    file: &'a str,
    source: &'a str,
}

/// Longest part of a source line that is shown.
const SHOWN_COLUMNS: usize = 120;

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in self.diagnostics.iter() {
            writeln!(f, "error[{}]: {}", diagnostic.code.as_str(), diagnostic.message)?;
            match &diagnostic.place {
                Place::Span(span) => self.excerpt(f, span)?,
                Place::Pointer(pointer) if pointer.is_empty() => writeln!(f, " --> {} at the root", self.file)?,
                Place::Pointer(pointer) => writeln!(f, " --> {} at {pointer}", self.file)?,
                Place::Whole => writeln!(f, " --> {}", self.file)?,
            }
            if let Some(help) = &diagnostic.help {
                writeln!(f, "  = help: {help}")?;
            }
        }
        Ok(())
    }
}

impl Rendered<'_> {
    fn excerpt(&self, f: &mut fmt::Formatter<'_>, span: &Range<usize>) -> fmt::Result {
        let (line, column) = line_and_column(self.source, span.start);
        writeln!(f, " --> {}:{line}:{column}", self.file)?;
        let text = self.source.lines().nth(line - 1).unwrap_or("");
        // A window around the column, so that a one-line file of megabytes stays readable.
        let skipped = (column - 1).saturating_sub(SHOWN_COLUMNS / 2);
        let shown: String = text
            .chars()
            .skip(skipped)
            .take(SHOWN_COLUMNS)
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect();
        let margin = line.to_string().len();
        let carets = self.source.get(span.clone()).map_or(1, |text| {
            text.chars().take_while(|&character| character != '\n').count().clamp(1, SHOWN_COLUMNS / 2)
        });
        writeln!(f, "{:margin$} |", "")?;
        writeln!(f, "{line} | {shown}")?;
        writeln!(f, "{:margin$} | {:indent$}{}", "", "", "^".repeat(carets), indent = column - 1 - skipped)
    }
}

/// The 1-based line and column (in characters) of a byte offset.
pub fn line_and_column(source: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &source[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}
