//! The engine with grammars: every answer is valid or says that it was cut off, stop tokens, jumps, coming and going.

mod models;
mod rules;
mod schemas;
mod validity;
