//! Left recursion through nullable counted repetitions: minimal forms of grammars that were once lowered wrongly.

use grammar_ir::pda::Pda;
use grammar_ir::{Budget, Limits, text};

/// A nullable procedure called at the start of a spine, with a way around it that leads back to the recursion.
#[test]
fn nullable_callee_at_the_start_of_a_spine() {
    let grammar = text::parse(r#"root = "a"{0,2} | root* ;"#).unwrap_or_else(|error| panic!("{error}"));
    let limits = Limits { unroll_states: 1, ..Limits::default() };
    let pda = Pda::new(&grammar, &mut Budget::new(&limits)).unwrap_or_else(|error| panic!("{error}"));
    // Calls from start states go from lower to higher ranks: there is no left recursion left.
    for procedure in pda.procedures() {
        for edge in pda.call_edges(procedure.start()) {
            assert!(procedure.rank < pda.procedure(edge.procedure).rank, "{pda}");
        }
    }
}

/// A rule that has only the empty word is called by nobody, and what stood behind its call is gone too.
#[test]
fn rules_with_only_the_empty_word_leave_nothing_behind() {
    let grammar = text::parse(r#"root = "x" p "y" ; p = p p | "" ;"#).unwrap_or_else(|error| panic!("{error}"));
    let pda = Pda::new(&grammar, &mut Budget::new(&Limits::default())).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(pda.procedures().len(), 2, "{pda}");
    assert_eq!(pda.used_bytes(), grammar_ir::ByteSet::range(b'x', b'y'));
}
