//! Algebra on character automata, for what the grammar operators cannot say: intersection, complement, look-around.
//!
//! ```text
//! CharSet edges ─ CharAutomaton (union, intersection, complement, …) ─ spell(Spelling) → ByteAutomaton → Expr::Automaton
//! ```

mod spelling;

pub use spelling::{Spelling, Utf8};
