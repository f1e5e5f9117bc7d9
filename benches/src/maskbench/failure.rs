//! Why a run ends early.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a run ends early. What goes wrong with one engine on one schema is no failure but a row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {message}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The command line asks for what there is not.
    #[error("{0}")]
    Usage(String),
    /// An engine does not start.
    #[error("{engine} does not start: {message}")]
    Start {
        /// The engine.
        engine: String,
        /// Why.
        message: String,
    },
    /// Standard output, or the pipe between the processes.
    #[error(transparent)]
    Pipe(#[from] io::Error),
}

impl Failure {
    pub(super) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::File { path: path.to_owned(), source }
    }

    pub(super) fn data(path: &Path, message: impl fmt::Display) -> Self {
        Self::Data { path: path.to_owned(), message: message.to_string() }
    }
}
