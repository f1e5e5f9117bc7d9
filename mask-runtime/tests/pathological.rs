//! Grammars that hurt: they finish, and they stay exact.

use std::fmt::Write;
use std::sync::Arc;

use grammar_ir::{Grammar, Limits, text};
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer, embedded_tiny};

fn grammar(source: &str) -> Grammar {
    text::parse(&format!("%start {} ;\n{source}", &source[..source.find(' ').unwrap_or(0)]))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn matcher(grammar: &Grammar) -> Matcher {
    let tokenizer = Tokenizer::new(embedded_tiny());
    let compiled = CompiledGrammar::new(grammar, tokenizer, &Limits::default());
    Matcher::new(compiled.unwrap_or_else(|error| panic!("{error}")))
}

/// Whether `text` is a word.
fn accepts(matcher: &mut Matcher, text: &[u8]) -> bool {
    let word = matcher.accept_bytes(text).is_ok() && matcher.is_complete();
    matcher.reset();
    word
}

#[test]
fn exponentially_ambiguous_concatenation() {
    let mut matcher = matcher(&grammar(r#"s = s s | "a" | "" ;"#));
    let mut text = vec![b'a'; 2_000];
    assert!(accepts(&mut matcher, &text));
    text.push(b'b');
    assert!(!accepts(&mut matcher, &text));
    assert!(accepts(&mut matcher, b""));
    // Token by token, with a mask at each step.
    let mut row = matcher.row();
    for _ in 0..200 {
        assert!(matcher.fill(&mut row).is_ok() && matcher.is_complete());
        assert!(matcher.accept_bytes(b"a").is_ok());
    }
}

#[test]
fn palindromes_and_unbounded_stacks() {
    let mut matcher = matcher(&grammar(r#"s = "a" s "a" | "b" s "b" | "c" ;"#));
    let half: Vec<u8> = (0..5_000).map(|index| if index % 3 == 0 { b'a' } else { b'b' }).collect();
    let mut text = half.clone();
    text.push(b'c');
    text.extend(half.iter().rev());
    assert!(accepts(&mut matcher, &text));
    text[7_000] ^= b'a' ^ b'b';
    assert!(!accepts(&mut matcher, &text));
}

#[test]
fn hidden_and_indirect_left_recursion() {
    let mut hidden = matcher(&grammar(r#"s = n s "x" | "y" ; n = "" | "n" ;"#));
    for (word, expected) in [
        ("y", true),
        ("yx", true),
        ("yxxxx", true),
        ("nyx", true),
        ("nnyxx", true),
        ("nnyx", false),
        ("ny", false),
        ("", false),
    ] {
        assert_eq!(accepts(&mut hidden, word.as_bytes()), expected, "{word:?}");
    }
    let mut indirect = matcher(&grammar(r#"a = b "1" | "x" ; b = c "2" | a "3" ; c = a "4" | b "5" | "" ;"#));
    for (word, expected) in
        [("x", true), ("21", true), ("x31", true), ("x421", true), ("x3521", true), ("x4", false), ("1", false)]
    {
        assert_eq!(accepts(&mut indirect, word.as_bytes()), expected, "{word:?}");
    }
    // A long text keeps the stack flat: one head, whatever the length.
    let mut long = b"x".to_vec();
    long.extend(b"31".repeat(50_000));
    assert!(accepts(&mut indirect, &long));
}

#[test]
fn chains_of_ten_thousand_rules() {
    // Unit rules; rules with a way out at each level; right and left recursion through the whole chain.
    for body in [r#"r{next}"#, r#"r{next} | "{n}""#, r#""a" r{next} | "b""#, r#"r{next} "a" | "b""#] {
        let mut source = String::new();
        for number in 0..10_000 {
            let body = body.replace("{next}", &(number + 1).to_string()).replace("{n}", &number.to_string());
            let _ = writeln!(source, "r{number} = {body} ;");
        }
        source.push_str("r10000 = \"end\" ;");
        let mut matcher = matcher(&grammar(&source));
        let word = match body {
            r#""a" r{next} | "b""# => [b"a".repeat(10_000), b"end".to_vec()].concat(),
            r#"r{next} "a" | "b""# => [b"end".to_vec(), b"a".repeat(10_000)].concat(),
            _ => b"end".to_vec(),
        };
        assert!(accepts(&mut matcher, &word), "{body}");
        assert!(!accepts(&mut matcher, b"en"), "{body}");
        let mut row = matcher.row();
        assert!(matcher.fill(&mut row).is_ok(), "{body}");
    }
}

#[test]
fn optional_repetition_before_a_mandatory_one() {
    for source in [r#"s = ("a"?){0,64} "a"{64} ;"#, r#"s = ("a"?){0,640} "a"{640} ;"#] {
        let bound = if source.contains("640") { 640 } else { 64 };
        let mut matcher = matcher(&grammar(source));
        for length in [0, bound - 1, bound, bound + 1, 2 * bound, 2 * bound + 1] {
            assert_eq!(accepts(&mut matcher, &b"a".repeat(length)), (bound..=2 * bound).contains(&length), "{length}");
        }
    }
}

#[test]
fn literals_of_a_megabyte() {
    let literal = "abcdefghijklmnop".repeat(65_536);
    let mut matcher = matcher(&grammar(&format!("s = \"{literal}\" ;")));
    assert!(accepts(&mut matcher, literal.as_bytes()));
    assert!(!accepts(&mut matcher, &literal.as_bytes()[1..]));
    assert_eq!(matcher.forced_bytes(100), &literal.as_bytes()[..100]);
}

#[test]
fn counts_cost_no_states() {
    let mut matcher = matcher(&grammar(r#"s = "[" (item ("," item){0,99999})? "]" ; item = [a-z]{0,10000} ;"#));
    assert!(matcher.grammar().pda().state_count() < 100, "{}", matcher.grammar().pda());
    let mut text = b"[".to_vec();
    text.extend(b"a".repeat(10_000));
    assert!(matcher.accept_bytes(&text).is_ok());
    assert!(matcher.accept_bytes(b"a").is_err());
    assert!(matcher.accept_bytes(&b",x".repeat(99_998)).is_ok());
    assert!(matcher.accept_bytes(b",x").is_ok());
    assert!(matcher.accept_bytes(b",").is_err());
    assert!(matcher.accept_bytes(b"]").is_ok() && matcher.is_complete());
}

#[test]
fn subset_construction_gives_up_and_stays_exact() {
    let mut matcher = matcher(&grammar(r#"s = ("a" | "b"){0,} "a" ("a" | "b"){40} ;"#));
    let mut text = b"b".repeat(100);
    text.push(b'a');
    text.extend(b"ab".repeat(20));
    assert!(accepts(&mut matcher, &text));
    let mut text = b"b".repeat(60);
    text.extend(b"a".repeat(40));
    assert!(!accepts(&mut matcher, &text));
}

#[test]
fn ambiguous_counts_do_not_pile_up() {
    let mut matcher = matcher(&grammar(r#"s = ("a" | "aa" | "aaa"){5,100000} ;"#));
    assert!(accepts(&mut matcher, &b"a".repeat(20_000)));
    assert!(accepts(&mut matcher, b"aaaaa"));
    assert!(!accepts(&mut matcher, b"aaaa"));
    assert!(!accepts(&mut matcher, &b"a".repeat(300_001)));
}

#[test]
fn a_large_left_recursive_cycle_is_exact_or_refused() {
    let cycle = |rules: usize| {
        let mut source = String::new();
        for number in 0..rules {
            let next = (number + 1) % rules;
            let _ = writeln!(source, "r{number} = r{next} \"a\" | \"b{number}\" ;");
        }
        grammar(&source)
    };
    let mut matcher = matcher(&cycle(50));
    assert!(accepts(&mut matcher, b"b3aaa"));
    assert!(accepts(&mut matcher, &[&b"b3"[..], &b"a".repeat(53)].concat()));
    assert!(!accepts(&mut matcher, b"b3aa"));
    // A spine copies every rule of its cycle: refused by its limit, not by running out of memory.
    let limits = Limits { states: 10_000, ..Limits::default() };
    let error = CompiledGrammar::new(&cycle(3_000), Tokenizer::new(embedded_tiny()), &limits);
    assert!(error.is_err_and(|error| error.to_string().contains("limit of 10000 states")));
}

#[test]
fn a_stack_limit_is_an_error_and_changes_nothing() {
    let grammar = grammar(r#"s = "(" s ")" | "x" ;"#);
    let compiled = CompiledGrammar::new(&grammar, Tokenizer::new(embedded_tiny()), &Limits::default())
        .unwrap_or_else(|error| panic!("{error}"));
    let options = mask_runtime::MatcherOptions { max_frames: Some(100), ..Default::default() };
    let mut matcher = Matcher::with_options(Arc::clone(&compiled), options).unwrap_or_else(|error| panic!("{error}"));
    assert!(matcher.accept_bytes(&b"(".repeat(50)).is_ok());
    let before = matcher.next_bytes();
    let error = matcher.accept_bytes(&b"(".repeat(60));
    assert!(matches!(error, Err(mask_runtime::AcceptError::StackLimit { limit: 100 })), "{error:?}");
    assert_eq!(matcher.next_bytes(), before);
    assert!(matcher.accept_bytes(b"x").is_ok());
}

#[test]
fn a_bound_on_the_length_of_a_pattern_costs_no_states_and_leaves_no_dead_end() {
    let source = |min: u32, max: u32| {
        format!(
            "s = %automaton({min},{max}) {{ 0: <61-7a>+ -> 0, <40>+ -> 1 ; 1: <61-7a>+ -> 2 ; 2: <61-7a>+ -> 3 ; \
             3: <61-7a>+ -> 4 ; 4: <61-7a>+ -> 5 ; 5*: <2e> -> 4, <61-7a>+ -> 5 ; }} ;"
        )
    };
    let mut short = matcher(&grammar(&source(9, 10)));
    short.accept_bytes(b"abcde").unwrap();
    // A sixth letter would leave four characters for the five that have to follow.
    assert_eq!(short.next_bytes(), [b'@'].into_iter().collect());
    short.accept_bytes(b"@wxyz").unwrap();
    assert!(short.is_complete() && short.next_bytes().is_empty());
    short.reset();
    // What does not count may be read where what it leads to has room: a full stop wants one more letter.
    short.accept_bytes(b"abcd@wxyz").unwrap();
    assert!(short.is_complete() && short.next_bytes().contains(b'.'));
    short.accept_bytes(b".z").unwrap();
    assert!(short.is_complete() && short.next_bytes().is_empty());
    short.reset();
    assert!(accepts(&mut short, b"abc@wxyz.z") && !accepts(&mut short, b"abc@wxyz"));

    let mut large = matcher(&grammar(&source(4_000_000_000, u32::MAX)));
    assert!(large.grammar().pda().state_count() <= 10);
    let mut row = large.row();
    assert!(large.accept_bytes(b"abc@wxyz").is_ok() && !large.is_complete() && large.fill(&mut row).is_ok());
}
