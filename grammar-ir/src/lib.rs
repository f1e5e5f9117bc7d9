//! The intermediate representation of grammarc.
//!
//! ```text
//! frontend ─ GrammarBuilder → Grammar ─ passes::run → Grammar ─ pda::lower → Pda ─→ mask-runtime
//!                               │ ▲                                │
//!                   text::print ▼ │ text::parse          interp: the oracle for everything after it
//!                              .gir
//! ```
//!
//! * [`Grammar`]: rules over an arena of expressions in topological order; built by [`GrammarBuilder`].
//! * [`passes`]: simplification and clean-up, one pass per file, listed in one driver.
//! * [`pda`]: the pushdown automaton with byte, call and token edges and frame registers for counts.
//! * [`regular`]: algebra on character automata, for what the grammar operators cannot say (intersection, complement).
//! * [`interp`]: a slow recogniser written from the definition of `Grammar`; it shares no code with `pda`.
//! * [`table`]: arrays that are owned, or lie in the bytes of a loaded file.
//! * [`Limits`]: what bounds every stage, on by default.
#![deny(unsafe_code)]

mod attributes;
mod builder;
mod byteset;
mod charset;
mod counting;
mod embed;
mod grammar;
mod ids;
pub mod interp;
mod limits;
pub mod passes;
pub mod pda;
pub mod regular;
mod scope;
pub mod table;
pub mod text;
mod verify;
mod words;

pub use attributes::{EndMarker, HiddenFrom, MarkerPlace, RuleAttributes, Temperature};
pub use builder::{GrammarBuilder, GrammarError};
pub use byteset::ByteSet;
pub use charset::CharSet;
pub use counting::{Counter, LiveCounts};
pub use grammar::{ByteAutomaton, ByteEdge, ByteEdges, Expr, Grammar, Rule, TokenSet};
pub use ids::{ExprId, IdOverflow, ProcedureId, RuleId, StateId};
pub use limits::{Budget, LimitError, LimitKind, Limits};
pub use scope::{Element, ElementOrder, Mark, ScopeRules, Tally};
pub use verify::{VerifyError, verify};
