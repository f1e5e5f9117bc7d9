//! The passes keep the language and do what they promise.

mod common;

use std::time::{Duration, Instant};

use common::{BYTES, Enumeration, STOP_TOKEN, TOKENS};
use grammar_ir::interp::Recognizer;
use grammar_ir::passes::{self, PASSES};
use grammar_ir::{Budget, CharSet, Expr, Grammar, GrammarBuilder, LimitKind, Limits, text};
use proptest::prelude::*;

/// What is not linear here would take longer by far, on any machine.
const HANG: Duration = Duration::from_secs(60);

fn run(grammar: &Grammar) -> Grammar {
    passes::run(grammar.clone(), &mut Budget::new(&Limits::default())).unwrap()
}

fn run_pass(name: &str, grammar: &Grammar) -> Grammar {
    let pass = PASSES.iter().find(|pass| pass.name == name).unwrap();
    pass.run(grammar.clone(), &mut Budget::new(&Limits::default())).unwrap()
}

fn same_verdicts(before: &mut Recognizer<'_>, after: &mut Recognizer<'_>, depth: usize) {
    assert_eq!(before.is_viable(), after.is_viable());
    assert_eq!(before.is_accepting(), after.is_accepting());
    if depth == 0 || !before.is_viable() {
        return;
    }
    assert_eq!(before.expected_bytes(), after.expected_bytes());
    let position = before.position();
    for byte in BYTES {
        assert_eq!(before.push_byte(byte), after.push_byte(byte));
        same_verdicts(before, after, depth - 1);
        before.truncate(position);
        after.truncate(position);
    }
    for (token, bytes) in (0..).zip(TOKENS) {
        let is_stop = token == STOP_TOKEN;
        assert_eq!(before.push_token(token, bytes, is_stop), after.push_token(token, bytes, is_stop));
        same_verdicts(before, after, depth - 1);
        before.truncate(position);
        after.truncate(position);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_pass_keeps_the_language(grammar in common::grammars()) {
        let expected = Enumeration::of(&grammar, 4);
        let mut current = grammar;
        for pass in PASSES {
            let next = pass.run(current.clone(), &mut Budget::new(&Limits::default())).unwrap();
            same_verdicts(&mut Recognizer::new(&current), &mut Recognizer::new(&next), 3);
            current = next;
        }
        let actual = Enumeration::of(&current, 4);
        prop_assert!(actual.words == expected.words && actual.prefixes == expected.prefixes);
    }

    #[test]
    fn productive_and_reachable_are_idempotent(grammar in common::grammars()) {
        for name in ["productive", "reachable"] {
            let once = run_pass(name, &grammar);
            prop_assert_eq!(text::print(&run_pass(name, &once)), text::print(&once), "{}", name);
        }
    }

    #[test]
    fn nothing_unproductive_is_left(grammar in common::grammars()) {
        let after = run(&grammar);
        let empty = !Recognizer::new(&grammar).is_viable();
        let productive = passes::productive_rules(&after, &mut Budget::new(&Limits::default())).unwrap();
        prop_assert_eq!(productive[after.root().index()], !empty);
        let never = after.exprs().iter().filter(|expr| matches!(expr, Expr::Never)).count();
        prop_assert_eq!(never, usize::from(empty), "{}", text::print(&after));
        prop_assert!(productive.iter().all(|&productive| productive != empty));
    }
}

#[test]
fn productive_rules_are_told_from_others() {
    let source = r#"root = a | b | c ; a = "x" ; b = "x" b ; c = b c | a ; d = %automaton { 0: <61> -> 1 ; 1: ; } ;"#;
    let grammar = text::parse(source).unwrap();
    let limits = Limits::default();
    let productive = passes::productive_rules(&grammar, &mut Budget::new(&limits)).unwrap();
    assert_eq!(productive, [true, true, false, true, false]);
}

/// Chains of rules of several shapes, each of which would be quadratic if every link were built on its own.
#[test]
fn long_chains_are_fast() {
    let len = 20_000;
    for link in [
        "NEXT",
        "\"x\" NEXT",
        "NEXT \"x\"",
        "\"x\" | NEXT",
        "\"x\" NEXT | \"y\"",
        "(\"x\" NEXT)?",
        "NEXT NEXT | \"ab\"",
    ] {
        let mut source = String::from("root = r0 ;\n");
        for n in 0..len {
            source.push_str(&format!("r{n} = {} ;\n", link.replace("NEXT", &format!("r{}", n + 1))));
        }
        source.push_str(&format!("r{len} = \"long enough not to be copied\" ;\n"));
        let grammar = text::parse(&source).unwrap();
        let start = Instant::now();
        let after = run(&grammar);
        assert!(start.elapsed() < HANG, "{link} took {:?}", start.elapsed());
        let operands = |grammar: &Grammar| grammar.exprs().iter().map(|expr| 1 + expr.operands().len()).sum::<usize>();
        assert!(operands(&after) <= 2 * operands(&grammar), "{link} grew to {}", operands(&after));
    }
}

#[test]
fn long_literals_are_fast() {
    let literal = "x".repeat(1 << 20);
    let grammar = text::parse(&format!("root = long long | long ; long = \"{literal}\" ;")).unwrap();
    let start = Instant::now();
    let after = run(&grammar);
    assert!(start.elapsed() < HANG, "took {:?}", start.elapsed());
    assert_eq!(after.rules().len(), 2, "a heavy rule that is used often is not copied");
}

#[test]
fn copying_is_bounded() {
    // Each rule is small in itself; substituted all the way down, the first would have 2ⁿ letters.
    let mut source = String::from("root = r0 ;\n");
    (0..200).for_each(|n| source.push_str(&format!("r{n} = [ab] r{} r{} ;\n", n + 1, n + 1)));
    source.push_str("r200 = [cd] ;\n");
    let grammar = text::parse(&source).unwrap();
    let len = text::print(&run(&grammar)).len();
    assert!(len < 4 * source.len(), "{len} bytes");
}

#[test]
fn limits_are_named() {
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let words: Vec<_> = (0..100).map(|n: u32| builder.literal(&n.to_string())).collect();
    let body = builder.choice(words);
    builder.define(root, body);
    let grammar = builder.finish(root).unwrap();
    let limits = Limits { expressions: 50, ..Limits::default() };
    let error = passes::run(grammar, &mut Budget::new(&limits)).unwrap_err();
    assert_eq!(error.kind(), LimitKind::Expressions);
}

/// Without their dead alternatives these are sequences in sequences, each to be joined with the one around it.
#[test]
fn joining_deep_sequences_is_bounded() {
    for (levels, word, fits) in
        [(1_000, "[ab]", true), (1_000, "\"x\"", true), (50_000, "[ab]", false), (50_000, "\"x\"", false)]
    {
        let mut builder = GrammarBuilder::new();
        let root = builder.declare("root");
        let dead = builder.declare("dead");
        let dead_reference = builder.rule(dead);
        builder.define(dead, dead_reference);
        let first = if word == "[ab]" { builder.class(CharSet::range('a', 'b')) } else { builder.literal("x") };
        let body = (0..levels).fold(first, |body, _| {
            let either = builder.choice([dead_reference, body]);
            builder.sequence([first, either])
        });
        builder.define(root, body);
        let grammar = builder.finish(root).unwrap();
        let limits = Limits { expressions: 400_000, ..Limits::default() };
        let start = Instant::now();
        match passes::run(grammar, &mut Budget::new(&limits)) {
            Ok(after) => assert!(fits && after.rules().len() == 1, "{levels} {word}"),
            Err(error) => assert!(!fits && error.kind() == LimitKind::Expressions, "{levels} {word}"),
        }
        assert!(start.elapsed() < HANG, "{levels} {word} took {:?}", start.elapsed());
    }
}
