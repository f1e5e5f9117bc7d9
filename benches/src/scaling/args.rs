//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measure how times and memory grow.
#[derive(Debug, Parser)]
#[command(name = "scaling", version)]
pub(super) struct Args {
    /// A folder with a tokenizer.json
    #[arg(long, value_name = "DIR")]
    pub(super) tokenizer: PathBuf,

    /// A folder of such folders, to be compared with each other
    #[arg(long, value_name = "DIR")]
    pub(super) vocabularies: Option<PathBuf>,

    /// Only these tables
    #[arg(long, value_name = "SECTION", value_delimiter = ',')]
    pub(super) only: Vec<Section>,
}

/// What may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Section {
    /// The vocabulary, and what it takes to start
    Vocabulary,
    /// What is kept in memory
    Memory,
    /// Properties of an object, and nesting
    Grammar,
    /// The length of the output
    Length,
    /// Sequences of a batch, and threads
    Batch,
}
