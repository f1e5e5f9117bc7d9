//! The automaton as text, for `grammarc dump --stage pda` and bug reports.

use std::fmt;

use super::{EdgeMarks, Pda};
use crate::StateId;

impl fmt::Display for Pda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, procedure) in self.procedures().enumerate() {
            write!(f, "procedure p{number} {}", procedure.name)?;
            if let Some(counter) = procedure.counter {
                match counter.max {
                    Some(max) => write!(f, " count {}..={max}", counter.min)?,
                    None => write!(f, " count {}..", counter.min)?,
                }
            }
            if let Some(scope) = &procedure.scope {
                write!(f, " scope of {} elements", scope.rules().elements.len())?;
            }
            if let Some(max) = procedure.max_tokens {
                write!(f, " at most {max} tokens")?;
            }
            if let Some(temperature) = procedure.temperature {
                write!(f, " temperature {}", temperature.get())?;
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
        for edge in self.byte_edges(state) {
            let low = edge.low.escape_ascii();
            if edge.low == edge.high {
                writeln!(f, "    '{low}'{} -> {}", effect(edge.counts, edge.marks), edge.target)?;
            } else {
                writeln!(
                    f,
                    "    '{low}'-'{}'{} -> {}",
                    edge.high.escape_ascii(),
                    effect(edge.counts, edge.marks),
                    edge.target
                )?;
            }
        }
        for edge in self.call_edges(state) {
            let verb = if edge.tail { "tail" } else { "call" };
            let name = &self.procedure(edge.procedure).name;
            writeln!(f, "    {verb} {} {name}{} -> {}", edge.procedure, effect(edge.counts, edge.marks), edge.target)?;
        }
        for edge in self.token_edges(state) {
            writeln!(f, "    token t{}{} -> {}", edge.set, effect(edge.counts, edge.marks), edge.target)?;
        }
        Ok(())
    }
}

/// What an edge does to the registers.
fn effect(counts: bool, marks: EdgeMarks) -> String {
    let mut text = String::new();
    if counts {
        text.push_str(" +1");
    }
    if let Some(element) = marks.selected() {
        text.push_str(&format!(" select {element}"));
    }
    if marks.begins() {
        text.push_str(" begin");
    }
    if marks.closes() {
        text.push_str(" close");
    }
    text
}
