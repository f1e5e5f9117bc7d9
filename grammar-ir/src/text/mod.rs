//! The text form of a grammar, `.gir`: for tests, bug reports and dumps.
//!
//! ```text
//! # a list of numbers
//! root = "[" (number ("," number)*)? "]" ;
//! number = "-"? [0-9]{1,400} ;
//! ```
//!
//! `docs/ir.md` has the syntax in full. [`parse`] after [`print`](print()) gives the grammar back with its rules in the
//! same order; expressions may be numbered differently.

mod lex;
mod parse;
mod print;

use crate::{LimitError, LimitKind};
pub use parse::{parse, parse_with_limits};
pub use print::print;

/// Why a text is not a grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {kind}")]
pub struct ParseError {
    line: usize,
    column: usize,
    kind: ErrorKind,
}

impl ParseError {
    /// The line of the fault, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column of the fault in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The limit that was met; `None` if the text itself is at fault.
    pub fn limit(&self) -> Option<LimitKind> {
        match &self.kind {
            ErrorKind::Nesting(_) => Some(LimitKind::Nesting),
            ErrorKind::TooLarge(_) => Some(LimitKind::Expressions),
            ErrorKind::Limit(error) | ErrorKind::Grammar(crate::GrammarError::Limit(error)) => Some(error.kind()),
            _ => None,
        }
    }

    fn at(source: &str, offset: usize, kind: ErrorKind) -> Self {
        let before = source.get(..offset).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        Self { line, column: before[line_start..].chars().count() + 1, kind }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum ErrorKind {
    #[error("unexpected character {0:?}")]
    Character(char),
    #[error("the {0} is not closed")]
    Unclosed(&'static str),
    #[error("the name is empty")]
    EmptyName,
    #[error("unknown escape; write \\\\, \\n, \\r, \\t, \\xHH, \\u{{H…}}, or a backslash before punctuation")]
    Escape,
    #[error("\\xHH above 7f stands for a byte, which only a literal can hold; write a character as \\u{{H…}}")]
    ByteOutsideLiteral,
    #[error("the range is empty: its end comes before its start")]
    InvertedRange,
    #[error("a byte is written as two hexadecimal digits")]
    HexByte,
    #[error("a temperature is a finite number that is not negative, in quotes: `%temperature(\"0.7\")`")]
    Temperature,
    #[error("the number does not fit in 32 bits")]
    NumberTooLarge,
    #[error("expected {expected}, found {found}")]
    Expected { expected: &'static str, found: String },
    #[error("rule `{0}` is not defined")]
    UndefinedRule(String),
    #[error("rule `{0}` is defined twice")]
    DuplicateRule(String),
    #[error("`${0}` is not bound before its use; bindings come first in a file")]
    UndefinedBinding(String),
    #[error("no rule is named `root`; name the root rule with `%start name ;`")]
    NoRoot,
    #[error("the states of an automaton are numbered 0, 1, 2, … in order; this one is number {0}")]
    StateNumber(usize),
    #[error(
        "nested deeper than the limit of {0} levels; bind inner expressions to a name with `$name = … ;` or raise the limit"
    )]
    Nesting(usize),
    #[error(
        "expands to more than {0} operands and bytes; use rules instead of `$` bindings for what is used often, or raise \
         the limit on expressions"
    )]
    TooLarge(usize),
    #[error("this automaton has no state {0}")]
    UndefinedState(u32),
    #[error("two edges of this state share a byte; automata are deterministic")]
    OverlappingEdges,
    #[error("a mark stands in the scope of its own rule; this rule has one outside of any `%scope {{…}} (…)`")]
    MarkOutsideScope,
    #[error("a marked part must not have marks of the same scope in it")]
    MarkInMark,
    #[error("what has marks in it is repeated with `?`, `*` or `+` only; the scope's rules can count what is selected")]
    CountedMark,
    #[error("a mark selects element {0}, which this scope does not have")]
    UndefinedElement(u32),
    #[error("the elements of a scope are numbered 0, 1, 2, … in order; this one is number {0}")]
    ElementNumber(usize),
    #[error("this scope has no slot {0}; `slots required, optional ;` would give it slots 0 and 1")]
    UndefinedSlot(u32),
    #[error("this scope has no tally {0}; each `tally {{min,max}} ;` gives it one, the first of which is number 0")]
    UndefinedTally(u32),
    #[error("a scope has at most {} tallies", crate::ScopeRules::MAX_TALLIES)]
    TooManyTallies,
    #[error("this has been said before")]
    Repeated,
    #[error(transparent)]
    Limit(LimitError),
    #[error(transparent)]
    Grammar(crate::GrammarError),
}
