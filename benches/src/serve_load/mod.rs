//! The `serve_load` runner: a server under mixed traffic, with and without hostile requests in it.
//!
//! ```text
//! traffic (requests, and what their answers must be) ─ client ═ socket ═ server, a child process
//!        └ load (threads, phases) → Observed → report (latencies with and without hostile requests, faults, memory)
//! ```
//!
//! Clients send one request after the other. Phases without and with hostile clients take turns, so that a machine that
//! is busy with something else is so in both.

mod args;
mod client;
mod load;
mod report;
mod run;
mod server;
mod traffic;

pub use run::run;
