//! Algebra on character automata, for what the grammar operators cannot say: intersection, complement, look-around.
//!
//! ```text
//! Transitions ─ explore → CharAutomaton (minimal; union, intersection, complement, …) ─ to_bytes(Spelling) →
//! ByteAutomaton → Expr::Automaton
//! ```

mod algebra;
mod alphabet;
mod automaton;
mod bytes;
mod explore;
mod lengths;
mod minimize;
mod nfa;
mod spelling;

pub use alphabet::Alphabet;
pub use automaton::CharAutomaton;
pub use explore::Transitions;
pub use spelling::{Spelling, Utf8};
