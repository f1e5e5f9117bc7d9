//! The automaton as text, for `grammarc dump --stage pda` and bug reports.

use std::fmt;

use super::Pda;
use crate::StateId;

impl fmt::Display for Pda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, procedure) in self.procedures.iter().enumerate() {
            write!(f, "procedure p{number} {}", procedure.name)?;
            if let Some(counter) = procedure.counter {
                match counter.max {
                    Some(max) => write!(f, " count {}..={max}", counter.min)?,
                    None => write!(f, " count {}..", counter.min)?,
                }
            }
            if !procedure.deterministic {
                f.write_str(" non-deterministic")?;
            }
            writeln!(f)?;
            for state in procedure.states.clone().map(StateId::from_u32) {
                self.print_state(f, state)?;
            }
        }
        for (index, set) in self.token_sets.iter().enumerate() {
            let complement = if set.is_complement() { "all but " } else { "" };
            writeln!(f, "tokens t{index} {complement}{:?}", set.ids())?;
        }
        Ok(())
    }
}

impl Pda {
    fn print_state(&self, f: &mut fmt::Formatter<'_>, state: StateId) -> fmt::Result {
        writeln!(f, "  {state}{}", if self.is_accepting(state) { " accept" } else { "" })?;
        let count = |counts: bool| if counts { " +1" } else { "" };
        for edge in self.byte_edges(state) {
            let low = edge.low.escape_ascii();
            if edge.low == edge.high {
                writeln!(f, "    '{low}'{} -> {}", count(edge.counts), edge.target)?;
            } else {
                writeln!(f, "    '{low}'-'{}'{} -> {}", edge.high.escape_ascii(), count(edge.counts), edge.target)?;
            }
        }
        for edge in self.call_edges(state) {
            let verb = if edge.tail { "tail" } else { "call" };
            let name = &self.procedure(edge.procedure).name;
            writeln!(f, "    {verb} {} {name}{} -> {}", edge.procedure, count(edge.counts), edge.target)?;
        }
        for edge in self.token_edges(state) {
            writeln!(f, "    token t{}{} -> {}", edge.set, count(edge.counts), edge.target)?;
        }
        Ok(())
    }
}
