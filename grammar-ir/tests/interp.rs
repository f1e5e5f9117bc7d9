//! The recogniser against enumeration, and on grammars that are hard for one.

mod common;

use common::{BYTES, Enumeration, STOP_TOKEN, Symbol, TOKENS};
use grammar_ir::interp::{Recognizer, accepts};
use grammar_ir::{ByteSet, Grammar, text};
use proptest::prelude::*;

fn grammar(source: &str) -> Grammar {
    text::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

const MAX_LEN: usize = 4;

/// Pushes every text of up to three bytes and tokens, and compares what the recogniser says with the enumeration.
/// `readings` are the ways to read what was pushed: each token as its bytes or as itself.
fn compare(recognizer: &mut Recognizer<'_>, expected: &Enumeration, readings: &[Vec<Symbol>], depth: usize) {
    let is = |set: &std::collections::BTreeSet<Vec<Symbol>>| readings.iter().any(|reading| set.contains(reading));
    assert_eq!(recognizer.is_viable(), is(&expected.prefixes), "viable after {readings:?}");
    assert_eq!(recognizer.is_accepting(), is(&expected.words), "accepting after {readings:?}");
    if depth == 0 || readings.iter().any(|reading| reading.len() == MAX_LEN) {
        return;
    }
    let position = recognizer.position();
    let mut viable = ByteSet::EMPTY;
    for byte in BYTES {
        if recognizer.push_byte(byte) {
            viable.insert(byte);
        }
        let longer: Vec<_> =
            readings.iter().map(|reading| [reading.as_slice(), &[Symbol::Byte(byte)]].concat()).collect();
        compare(recognizer, expected, &longer, depth - 1);
        recognizer.truncate(position);
    }
    assert_eq!(recognizer.expected_bytes().intersection(&BYTES.into_iter().collect()), viable);
    for (token, bytes) in (0..).zip(TOKENS) {
        let mut longer: Vec<_> =
            readings.iter().map(|reading| [reading.as_slice(), &[Symbol::Token(token)]].concat()).collect();
        if !bytes.is_empty() {
            let spelled: Vec<Symbol> = bytes.iter().copied().map(Symbol::Byte).collect();
            longer.extend(readings.iter().map(|reading| [reading.as_slice(), &spelled].concat()));
        }
        if longer.iter().any(|reading| reading.len() > MAX_LEN) {
            continue;
        }
        recognizer.push_token(token, bytes, token == STOP_TOKEN);
        compare(recognizer, expected, &longer, depth - 1);
        recognizer.truncate(position);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_enumeration(grammar in common::grammars()) {
        let expected = Enumeration::of(&grammar, MAX_LEN);
        compare(&mut Recognizer::new(&grammar), &expected, &[vec![]], 3);
    }
}

#[test]
fn recursion_of_every_kind_is_exact() {
    let cases: [(&str, &[&str], &[&str]); 8] = [
        (r#"root = root "+" [0-9] | [0-9] ;"#, &["1", "1+2+3"], &["", "+", "1+", "1++2"]),
        (r#"root = maybe root "a" | "b" ; maybe = "c"? ;"#, &["b", "ba", "cba", "ccbaa"], &["", "c", "cb", "ccba"]),
        (r#"root = root root | "a" | "" ;"#, &["", "a", "aaaaaaa"], &["b", "aab"]),
        (r#"root = "a" root | "" ;"#, &["", "aaaa"], &["b"]),
        (r#"root = "(" root ")" | "" ;"#, &["", "(())"], &["(", "())"]),
        (r#"root = root ;"#, &[], &["", "a"]),
        (r#"root = "a" root | "b" dead ; dead = "x" dead ;"#, &[], &["", "a", "b"]),
        (r#"root = ("a"?){3,}"b" ;"#, &["b", "ab", "aaaaab"], &["a", "ba"]),
    ];
    for (source, words, others) in cases {
        let grammar = grammar(source);
        words.iter().for_each(|word| assert!(accepts(&grammar, word.as_bytes()), "{source} rejects {word:?}"));
        others.iter().for_each(|word| assert!(!accepts(&grammar, word.as_bytes()), "{source} accepts {word:?}"));
    }
}

#[test]
fn a_branch_without_an_end_is_not_viable() {
    let grammar = grammar(
        r#"root = "a" | "b" dead | "c" %automaton { 0: <64> -> 1, <65> -> 2 ; 1: ; 2*: ; } ; dead = "x" dead ;"#,
    );
    let mut recognizer = Recognizer::new(&grammar);
    assert_eq!(recognizer.expected_bytes(), b"ac".iter().copied().collect());
    assert!(recognizer.push_byte(b'c'));
    assert_eq!(recognizer.expected_bytes(), b"e".iter().copied().collect());
}

#[test]
fn large_counts_keep_few_items() {
    let counted = grammar(r#"root = ("a"?){0,4000000000} ("b"?){4000000000,} "c" ;"#);
    assert!(accepts(&counted, &[&[b'a'; 2_000], &[b'b'; 2_000], b"c".as_slice()].concat()));
    let exact = grammar(r#"root = "a"{1000,1002} ;"#);
    for (len, expected) in [(999, false), (1000, true), (1002, true), (1003, false)] {
        assert_eq!(accepts(&exact, &vec![b'a'; len]), expected, "{len}");
    }
    let ambiguous = grammar(r#"root = ("a"?){0,64} "a"{64} ;"#);
    for (len, expected) in [(63, false), (64, true), (100, true), (128, true), (129, false)] {
        assert_eq!(accepts(&ambiguous, &vec![b'a'; len]), expected, "{len}");
    }
}

#[test]
fn long_literals_and_long_chains_are_read() {
    let literal = vec![b'x'; 1 << 20];
    let long = grammar(&format!("root = \"{}\" ;", "x".repeat(1 << 20)));
    assert!(accepts(&long, &literal));
    assert!(!accepts(&long, &literal[1..]));

    let mut source = String::from("root = r0 ;\n");
    (0..10_000).for_each(|n| source.push_str(&format!("r{n} = r{} ;\n", n + 1)));
    source.push_str("r10000 = \"end\" ;\n");
    assert!(accepts(&grammar(&source), b"end"));
}

#[test]
fn ambiguity_of_any_degree_is_polynomial() {
    let grammar = grammar(r#"root = root root | root root root | "a" | "" ;"#);
    assert!(accepts(&grammar, &[b'a'; 120]));
}

#[test]
fn characters_are_complete_or_not_at_all() {
    let grammar = grammar(r#"root = [é-\u{20ac}\u{10000}] ;"#);
    for word in ["é", "ê", "€", "\u{10000}"] {
        assert!(accepts(&grammar, word.as_bytes()), "{word}");
        assert!(!accepts(&grammar, &word.as_bytes()[..word.len() - 1]), "{word}");
    }
    let mut recognizer = Recognizer::new(&grammar);
    // Of the three-byte encodings, those up to e2 82 ac are in the set, and none beyond.
    assert!(recognizer.push_bytes(b"\xe2\x82"));
    assert_eq!(recognizer.expected_bytes(), ByteSet::range(0x80, 0xac));
}

#[test]
fn a_token_matches_by_bytes_and_as_itself() {
    let grammar = grammar(r#"root = "ab" "c" | %token(7) "d" | %token(8) "e" ;"#);
    let mut recognizer = Recognizer::new(&grammar);
    assert!(recognizer.push_token(7, b"ab", false));
    assert_eq!(recognizer.position(), 2);
    assert_eq!(recognizer.expected_bytes(), b"cd".iter().copied().collect());
    recognizer.truncate(0);
    assert!(recognizer.push_token(8, b"", false));
    assert_eq!(recognizer.position(), 1);
    assert_eq!(recognizer.expected_bytes(), b"e".iter().copied().collect());
    recognizer.truncate(0);
    assert!(!recognizer.push_token(9, b"", false));
    recognizer.truncate(0);
    assert!(!recognizer.push_bytes(b"d"), "bytes are not a token");
}

#[test]
fn a_complement_leaves_stop_tokens_out() {
    let grammar = grammar("root = %token(^ 1)+ ;");
    let mut recognizer = Recognizer::new(&grammar);
    assert!(!recognizer.push_token(2, b"x", true));
    recognizer.truncate(0);
    assert!(!recognizer.push_token(1, b"x", false));
    recognizer.truncate(0);
    assert!(recognizer.push_token(2, b"xyz", false));
    assert!(recognizer.push_token(3, b"", false));
    assert!(recognizer.is_accepting());
    assert_eq!(recognizer.position(), 4);
    recognizer.truncate(3);
    assert!(recognizer.is_accepting());
}

/// Pushes words and other texts, and beginnings of words and of no word.
fn reads(source: &str, words: &[&str], others: &[&str], beginnings: &[&str], dead: &[&str]) {
    let grammar = grammar(source);
    words.iter().for_each(|word| assert!(accepts(&grammar, word.as_bytes()), "rejects {word:?}"));
    others.iter().for_each(|word| assert!(!accepts(&grammar, word.as_bytes()), "accepts {word:?}"));
    for (texts, expected) in [(words, true), (beginnings, true), (dead, false)] {
        for text in texts {
            let mut recognizer = Recognizer::new(&grammar);
            assert_eq!(recognizer.push_bytes(text.as_bytes()), expected, "{text:?}");
        }
    }
}

#[test]
fn members_come_in_any_order_once() {
    reads(
        r#"$m = %0("a") | %1("b") | %2("x") ;
           root = %scope { slots required, optional ; total {1,3} ; 0: slot 0 ; 1: slot 1 ; 2: ; }
             ("{" ($m ("," $m)*)? %close("}")) ;"#,
        &["{a}", "{a,b}", "{b,a}", "{x,a,x}", "{b,x,a}"],
        &["{}", "{b}", "{x,x}"],
        &["{x,x", "{b", "{x,x,a", "{"],
        &["{}", "{b}", "{a,a", "{x,x,b", "{x,x,x", "{a,b,x,", "{a,b,x,x", "{b,b"],
    );
}

#[test]
fn slots_are_taken_in_order_and_required_ones_not_skipped() {
    reads(
        r#"$m = %0("a") | %1("b") | %2("c") | %3("d") | %4("x") ;
           root = %scope { order slots ; slots optional, required, optional ; 0: slot 0 ; 1: slot 1 ; 2: slot 1 ; 3: slot 2 ; 4: ; }
             ($m* %close(";")) ;"#,
        &["b;", "c;", "ab;", "acd;", "bd;", "bxx;", "abdx;"],
        &["b", ";"],
        &["a", "b", "bd"],
        &[";", "a;", "ad", "bc", "ba", "x", "bxd", "dd", "aa"],
    );
}

#[test]
fn tallies_bound_what_is_added_up() {
    reads(
        r#"$m = %0("a") | %1("b") | %2("c") ;
           root = %scope { slots optional, optional ; tally {1,2} ; tally {2,} ;
               0: slot 0, tally 0 ; 1: slot 1, tally 0, tally 1 ; 2: tally 1 ; } ($m* %close(";")) ;"#,
        &["acc;", "bc;", "cb;", "abc;", "bccc;"],
        &["a;", "ab;", "cc;"],
        &["ab", "cc"],
        &["a;", "aa", "bb", "ab;", "cc;", ";"],
    );
}

#[test]
fn each_instance_counts_for_itself() {
    reads(
        r#"root = object ;
           $m = %0("a" (":" object)?) | %1("b") ;
           object = %scope { slots required, optional ; 0: slot 0 ; 1: slot 1 ; } ("{" ($m ("," $m)*)? %close("}")) ;"#,
        &["{a}", "{a:{a,b},b}", "{b,a:{b,a:{a}}}"],
        &[],
        &["{a:{b", "{b,a:{b,a"],
        &["{a:{b}", "{a:{a},a", "{b,a:{a},b"],
    );
}

#[test]
fn distinct_texts_are_compared_by_value() {
    reads(
        r#"$i = %0([0-9] ("." [0-9]+)? ("e" [0-9])? | "\"" ([a-z] | "\\u00" [0-9]{2})* "\"" | "?"+) | %1("!") ;
           root = %scope { total {1,3} ; 0: distinct ; 1: ; } ("[" ($i ("," $i)*)? %close("]")) ;"#,
        &["[1,2]", "[1,1.1]", "[1,\"b\",?]", "[!,!]", "[?,??]", "[1,1.0e1]", "[\"a\",\"b\"]"],
        &[],
        &["[1,1", "[1,1.", "[\"a\",\"a", "[1,0"],
        &["[]", "[1,1]", "[1,1.0]", "[1,1,", "[\"a\",\"a\"", "[\"a\",\"\\u0061\"", "[?,?]", "[!,!,!,"],
    );
}

/// What the rules allow is one thing, and what the body has room for another; a prefix must have both.
#[test]
fn a_way_is_only_gone_if_the_body_can_end() {
    reads(
        r#"root = "<" %scope { slots required, optional ; 0: slot 0 ; 1: slot 1 ; } (%1("b")? "-" (%0("a") | "x") %close(";") | %1("c") "y" %close(";")) ">" ;"#,
        &["<b-a;>", "<-a;>"],
        &[],
        &["<", "<b", "<b-"],
        &["<c", "<-x"],
    );
    reads(
        r#"root = "x" | "<" %scope { slots required ; 0: slot 0 ; } (%close(";")) | %scope { total {3} ; 0: ; } (%0("a") %0("a")? %close("a")) ;"#,
        &["x"],
        &[],
        &[],
        &["<", "a"],
    );
}

/// Without a close, what the rules ask for need not have come, but must have been possible.
#[test]
fn a_scope_without_a_close_ends_anywhere() {
    reads(
        r#"$m = %0("a") | %1("b") ; root = %scope { slots required, optional ; tally {0,1} ; 0: slot 0, tally 0 ; 1: slot 1, tally 0 ; } ($m*) ;"#,
        &["", "a"],
        &["b"],
        &[],
        &["b", "ab", "aa"],
    );
}

#[test]
fn a_marked_part_is_not_empty() {
    reads(
        r#"root = %scope { slots required ; 0: slot 0 ; } (%0("a"?) %close(empty | "b"?)) "c" ; empty = empty empty | "" ;"#,
        &["abc"],
        &["c", "ac", "bc"],
        &["a", "ab"],
        &["c", "ac", "b"],
    );
    reads(r#"root = "x" | %scope { 0: ; } (%0(empty) "y") ; empty = empty empty | "" ;"#, &["x"], &["y"], &[], &["y"]);
}

/// Forty optional members and bounds on their number: the search for a way to meet the rules stays small.
#[test]
fn many_slots_are_not_told_apart() {
    let slots = 40;
    let mut source = String::from("root = %scope { total {30,39} ; slots required");
    (1..slots).for_each(|_| source.push_str(", optional"));
    source.push_str(" ; ");
    (0..slots).for_each(|n| source.push_str(&format!("{n}: slot {n} ; ")));
    source.push_str("} (($m \",\")* %close(\"}\")) ;\n");
    let members: Vec<String> = (0..slots).map(|n| format!("%{n}(\"m{n:02}\")")).collect();
    let grammar = grammar(&format!("$m = {} ;\n{source}", members.join(" | ")));
    let text = |members: &[usize]| members.iter().map(|n| format!("m{n:02},")).collect::<String>();
    let mut chosen: Vec<usize> = (1..slots).rev().collect();
    let mut recognizer = Recognizer::new(&grammar);
    assert!(recognizer.push_bytes(text(&chosen[..38]).as_bytes()));
    assert!(!recognizer.push_byte(b'}'));
    recognizer.truncate(38 * 4);
    assert!(recognizer.push_bytes(b"m0"));
    assert_eq!(recognizer.expected_bytes(), b"0".iter().copied().collect(), "39 are allowed, and 0 is required");
    chosen.truncate(29);
    assert!(!accepts(&grammar, format!("{}}}", text(&chosen)).as_bytes()));
    chosen.push(0);
    assert!(accepts(&grammar, format!("{}}}", text(&chosen)).as_bytes()));
}
