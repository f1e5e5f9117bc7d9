//! What goes over the pipe between supervisor and worker, one JSON text a line.

use serde::{Deserialize, Serialize};

use super::row::Row;

/// A schema with its instances as tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) id: String,
    /// The text of the schema.
    pub(super) schema: String,
    pub(super) tests: Vec<Sequence>,
}

/// An instance as tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sequence {
    pub(super) valid: bool,
    /// The end token is the last.
    pub(super) tokens: Vec<u32>,
}

/// What a worker says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Message {
    /// The engine has started, in this version, or not.
    Started(Result<String, String>),
    /// A job is done.
    Done(Box<Measured>),
}

/// A row and what is known about it beside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) row: Row,
    /// Causes of a compile error, to be counted.
    pub(super) causes: Vec<String>,
    /// How much the process grew at most while it worked on the job, in bytes; 0 where the system does not say.
    pub(super) growth: u64,
}
