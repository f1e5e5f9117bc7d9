//! Runs the binary as a user would: text and JSON output, exit codes, no panic on any input.

mod accept;
mod batch;
mod cases;
mod check;
mod compile;
mod compile_claims;
mod generate;
mod mask;
mod process;
mod robustness;
mod sample;
mod serve;
mod tokenizer;
