//! Generators and oracles of grammarc: what fuzz targets, property tests and long runs share.
//!
//! ```text
//! bytes ─ Source → generators (grammar, vocabulary, choices) → oracles (automaton against interp) → Disagreement
//! ```
//!
//! Everything is a function of a byte string, so a fuzzer can mutate it, proptest can shrink it, and a failure is
//! reproduced by a small file.
#![forbid(unsafe_code)]

mod brute_force;
pub mod corpora;
pub mod corpus;
pub mod generations;
pub mod generators;
pub mod json_schema;
pub mod known_masks;
pub mod oracles;
mod random;
mod source;
pub mod stored;
pub mod targets;
pub mod trials;
pub mod walks;

pub use brute_force::BruteForce;
pub use random::Random;
pub use source::Source;
