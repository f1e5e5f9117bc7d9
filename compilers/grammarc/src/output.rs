//! Where results go: text for people, coloured on a terminal, or JSON for programs.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde_json::Value;

/// How a positive answer looks.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// How a negative answer or an error looks.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// How a warning looks.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// How what is less important looks.
pub(crate) const DIM: Style = Style::new().dimmed();
/// How a heading looks.
pub(crate) const HEADING: Style = Style::new().bold();

/// What a command has to say in one bit, or why it cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Done, or yes.
    Yes,
    /// No.
    No,
    /// The input cannot be used.
    BadInput,
    /// Unsupported, or a limit was met.
    Refused,
}

impl Verdict {
    pub(crate) fn from_bool(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::BadInput => 2,
            Self::Refused => 3,
        })
    }
}

/// Standard output, buffered, with colours only if it is a terminal that wants them.
pub(crate) struct Output {
    stream: BufWriter<AutoStream<StdoutLock<'static>>>,
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { stream: BufWriter::new(AutoStream::auto(io::stdout().lock())), json }
    }

    /// Whether programs read this.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Writes one line of JSON.
    pub(crate) fn json(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self, "{value}")
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
