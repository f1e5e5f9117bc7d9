//! The text form of a grammar.
