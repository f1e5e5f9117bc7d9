//! Where results go: text for people, coloured on a terminal, or JSON for programs.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::process::ExitCode;

use anstream::adapter::StripBytes;
use anstream::{AutoStream, ColorChoice};
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

/// Standard output, buffered: what people read, with colours only if it is a terminal that wants them, and data, which is
/// written as it is. What takes colours out takes other characters out as well, such as U+007F.
pub(crate) struct Output {
    stream: BufWriter<StdoutLock<'static>>,
    /// Takes colours out where they are not wanted.
    strip: Option<StripBytes>,
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let stdout = io::stdout();
        let strip = (AutoStream::choice(&stdout) == ColorChoice::Never).then(StripBytes::new);
        Self { stream: BufWriter::new(stdout.lock()), strip, json }
    }

    /// Whether programs read this.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Writes one line of JSON.
    pub(crate) fn json(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.stream, "{value}")
    }

    /// Writes `bytes` as they are.
    pub(crate) fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.strip {
            None => self.stream.write_all(bytes)?,
            Some(strip) => strip.strip_next(bytes).try_for_each(|piece| self.stream.write_all(piece))?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
