//! What the command line shares with the crates that judge the engine: texts drawn at random, and ratchets.
#![forbid(unsafe_code)]

pub mod ratchet;
pub mod sample;
