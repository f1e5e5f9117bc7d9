//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Put a server under mixed traffic, with and without hostile requests in it.
#[derive(Debug, Parser)]
#[command(name = "serve_load", version)]
pub(super) struct Args {
    /// Clients in all; an eighth of them go away in the middle of an answer, an eighth are hostile
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(super) clients: usize,

    /// Seconds of traffic with hostile requests, and as many without
    #[arg(long, value_name = "S", default_value_t = 60)]
    pub(super) seconds: u64,

    /// In how many pieces they take turns
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(super) turns: u64,

    /// Folder of a Llama model; without it the built-in one
    #[arg(long, value_name = "DIR")]
    pub(super) model: Option<PathBuf>,

    /// Megabytes of compiled grammars that the server keeps
    #[arg(long, value_name = "MB", default_value_t = 64)]
    pub(super) grammar_cache_mb: usize,

    #[command(subcommand)]
    pub(super) part: Option<Part>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Part {
    /// Be the server, until standard input ends
    #[command(hide = true)]
    Server,
}
