//! The slow recogniser: the meaning of a grammar.
