//! The pushdown automaton.
