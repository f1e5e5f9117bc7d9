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
mod minimize;
mod nfa;
mod spelling;
mod tail;

pub use alphabet::Alphabet;
pub use automaton::CharAutomaton;
pub use explore::Transitions;
pub use spelling::{Spelling, Utf8};
pub use tail::Tail;
