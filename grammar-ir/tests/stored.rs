//! Automata as flat arrays, and back; what is no automaton is refused.

use grammar_ir::pda::{Pda, PdaParts};
use grammar_ir::table::{SharedBytes, Table};
use grammar_ir::{Budget, Limits, passes, text};

/// All kinds of procedures: counters, live counts, scopes, recursion, token sets.
const GRAMMARS: &[&str] = &[
    "root = \"a\" root \"b\" | [x-z]{3,200} | %token(^ 3) ;",
    "root = root \"+\" root | [0-9]+ | \"\" ;",
    "root = %automaton(2, 1000) { 0: <61-7a>+ -> 0, <40> -> 1; 1: <61>+ -> 2; 2*: <61>+ -> 2; } ;",
    "$m = %0(\"\\\"a\\\"\") \":\" v | %1(\"\\\"b\\\"\") \":\" v | %2(\"\\\"\" [c-z]+ \"\\\"\") \":\" v ;
     root = %scope { total {0,10} ; slots required, optional ; tally {0,2} ; 0: slot 0, tally 0 ; 1: slot 1 ; 2: distinct ; }
            (\"{\" ($m (\",\" $m)*)? %close(\"}\")) ;
     v = [0-9]{1,90} | root ;",
];

fn pda(source: &str) -> Pda {
    let limits = Limits::default();
    let mut budget = Budget::new(&limits);
    let grammar =
        passes::run(text::parse(source).expect("the grammar is right"), &mut budget).expect("no limit is met");
    Pda::new(&grammar, &mut budget).expect("no limit is met")
}

/// The arrays, each in bytes of its own.
fn in_bytes(parts: &PdaParts) -> PdaParts {
    macro_rules! copied {
        ($($name:ident),*) => {
            PdaParts { $($name: {
                let bytes = SharedBytes::copy_of(parts.$name.as_bytes());
                Table::in_bytes(&bytes, 0..bytes.len()).expect("they were written from items")
            }),* }
        };
    }
    copied!(states, byte_edges, call_edges, token_edges, procedures, token_sets, words, names)
}

#[test]
fn arrays_are_the_automaton() {
    for source in GRAMMARS {
        let pda = pda(source);
        let stored = Pda::from_parts(in_bytes(&pda.to_parts())).expect("it was an automaton");
        assert_eq!(stored, pda, "{source}");
        assert!(stored.memory() < pda.memory());
    }
}

/// Each word of each array, one at a time, made another one: what is accepted can be followed without a panic.
#[test]
fn any_word_may_be_wrong() {
    let mut refused = 0;
    let mut accepted = 0;
    for source in GRAMMARS {
        let parts = pda(source).to_parts();
        macro_rules! try_each {
            ($($name:ident),*) => { $(
                let original = parts.$name.as_bytes().to_vec();
                for position in 0..original.len() {
                    for change in [1u8, 0x80, 0xff] {
                        let mut bytes = original.clone();
                        bytes[position] ^= change;
                        let bytes = SharedBytes::copy_of(&bytes);
                        let Ok($name) = Table::in_bytes(&bytes, 0..bytes.len()) else { continue };
                        match Pda::from_parts(PdaParts { $name, ..parts.clone() }) {
                            Ok(pda) => {
                                accepted += 1;
                                assert!(!pda.to_string().is_empty());
                                let bounds = pda.bounds();
                                assert_eq!(bounds.anything.index(), pda.state_count());
                            }
                            Err(error) => {
                                refused += 1;
                                assert!(!error.to_string().is_empty());
                            }
                        }
                    }
                }
            )* };
        }
        try_each!(states, byte_edges, call_edges, token_edges, procedures, token_sets, words, names);
    }
    assert!(refused > 1_000 && accepted > 100, "{refused} refused, {accepted} accepted");
}

#[test]
fn faults_are_named() {
    let parts = pda(GRAMMARS[0]).to_parts();
    let fault = |parts: PdaParts| Pda::from_parts(parts).expect_err("it is no automaton").to_string();
    let nothing = PdaParts { procedures: Table::default(), ..parts.clone() };
    assert_eq!(fault(nothing), "procedure 0: there is none, though there are states left");
    let mut edges = parts.byte_edges.to_vec();
    edges[0].target = grammar_ir::StateId::from_u32(parts.states.len() as u32);
    let far = PdaParts { byte_edges: Table::from(edges), ..parts.clone() };
    assert_eq!(fault(far), "byte edge 0: its target is not in its procedure");
    let mut calls = parts.call_edges.to_vec();
    calls[0].procedure = grammar_ir::ProcedureId::from_u32(u32::MAX);
    let nobody = PdaParts { call_edges: Table::from(calls), ..parts };
    assert_eq!(fault(nobody), "call edge 0: there is no such procedure");
}
