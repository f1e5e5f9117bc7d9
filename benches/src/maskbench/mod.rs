//! The `maskbench` runner: engines over the schemas and instances of a MaskBench file.
//!
//! ```text
//! FILE.jsonl[.xz] ─ dataset → Case ─ encoder → Job ─ supervisor ═ pipe ═ worker ─ measure(engine) → Measured
//!                                                        └→ rows (JSONL), report (coverage, percentiles), plot
//! ```
//!
//! Each engine runs in a child process of its own, one schema at a time, engines in turn: what crashes, hangs or takes
//! too much memory costs one row and a restart. [`run()`] is the whole program; a binary names the engines it was built
//! with. Those that are backends of the server take part as they are. The origin of the data form is MaskBench of
//! <https://github.com/guidance-ai/jsonschemabench>.

mod args;
mod backend;
mod dataset;
mod encoder;
mod engine;
mod failure;
mod grammarc;
mod instance;
mod job;
mod measure;
pub(crate) mod percentile;
mod plot;
pub(crate) mod process_memory;
mod report;
mod row;
mod run;
mod supervisor;
mod worker;

pub use engine::{CompileError, Engine, EngineEntry, Session, Setup, Start};
pub use failure::Failure;
pub use grammarc::GRAMMARC;
pub use run::run;
