//! The text form: round trips, and the faults it reports.

mod common;

use common::Enumeration;
use grammar_ir::{CharSet, GrammarBuilder, LimitKind, Limits, text, verify};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printing_and_parsing_give_the_grammar_back(grammar in common::grammars()) {
        let printed = text::print(&grammar);
        let parsed = text::parse(&printed).unwrap_or_else(|error| panic!("{printed}\n{error}"));
        prop_assert_eq!(verify(&parsed), Ok(()));
        prop_assert_eq!(text::print(&parsed), printed);
        prop_assert_eq!(parsed.root(), grammar.root());
        let names = |grammar: &grammar_ir::Grammar| grammar.rules().iter().map(|rule| rule.name.clone()).collect::<Vec<_>>();
        prop_assert_eq!(names(&parsed), names(&grammar));
        prop_assert_eq!(Enumeration::of(&parsed, 3).words, Enumeration::of(&grammar, 3).words);
    }

    #[test]
    fn no_text_panics(source in "[a-b$%=;:,|(){}?*+^\"`\\[\\]<>0-9 \\\\-]{0,40}") {
        let _ = text::parse(&source);
    }

    #[test]
    fn no_text_of_grammar_tokens_panics(tokens in prop::collection::vec(prop::sample::select(vec![
        "a", "root", "$x", "%start", "%token", "%automaton", "%never", "%scope", "%close", "%0", "slots", "tally", "=", ";", "|", "(", ")", "{", "}", "0", "1", ",",
        ":", "->", "<61>", "[a]", "\"\"", "?", "*", "^",
    ]), 0..30)) {
        let _ = text::parse(&tokens.join(" "));
    }
}

#[test]
fn every_construct_prints_as_it_is_documented() {
    let source = "\
%start `a b` ;
$1 = \"one\" [a-z]{2,} (x | \"\")? ([^x] | \"\\xff\\n\\u{200b}é\") %token(1, 2) ;
`a b` = $1{2} | $1 | (x y)* %token(^) ;
x = <00-1f 7f> | [\\[\\]\\-\\^\\\\0] | %never ;
y = %automaton {
    0: <61> -> 1, <62-63> -> 0 ;
    1*: ;
  } ;
z = %automaton(2,) {
    0*: <61>+ -> 0 ;
  } %automaton(0,3) {
    0*: <61>+ -> 0, <62> -> 0 ;
  } ;
";
    let grammar = text::parse(source).unwrap_or_else(|error| panic!("{error}"));
    let expected = source.replace(" | %never", "").replace("[\\[\\]\\-\\^\\\\0]", "[\\-0\\[-\\^]");
    assert_eq!(text::print(&grammar), expected);
}

#[test]
fn faults_are_placed_and_say_what_to_do() {
    let cases = [
        ("", "1:1: no rule is named `root`; name the root rule with `%start name ;`"),
        ("root = \"a\"\n  | b ;", "2:5: rule `b` is not defined"),
        ("root = \"\" ; root = \"\" ;", "1:13: rule `root` is defined twice"),
        ("root = ;", "1:8: expected an expression; the empty word is `\"\"`, found `;`"),
        ("root = (\"a\" ;", "1:13: expected `)`, found `;`"),
        ("root = \"a\") ;", "1:11: expected `;`, found `)`"),
        ("root = \"é\" \"a", "1:12: the literal is not closed"),
        ("root = [z-a] ;", "1:9: the range is empty: its end comes before its start"),
        ("root = \"a\"{2,1} ;", "1:14: the range is empty: its end comes before its start"),
        ("root = \"a\"{4294967296} ;", "1:12: the number does not fit in 32 bits"),
        ("root = $x ;", "1:8: `$x` is not bound before its use; bindings come first in a file"),
        ("root = <6> ;", "1:9: a byte is written as two hexadecimal digits"),
        ("root = %automaton { 0: <61> -> 1 ; } ;", "1:32: this automaton has no state 1"),
        (
            "root = %automaton { 1: ; } ;",
            "1:21: the states of an automaton are numbered 0, 1, 2, … in order; this one is number 0",
        ),
        (
            "root = %automaton { 0: <61> -> 0, <61-62> -> 0 ; } ;",
            "1:21: two edges of this state share a byte; automata are deterministic",
        ),
        (
            "root = [\\xff] ;",
            "1:10: \\xHH above 7f stands for a byte, which only a literal can hold; write a character as \\u{H…}",
        ),
        (
            "root = \"\\q\" ;",
            "1:10: unknown escape; write \\\\, \\n, \\r, \\t, \\xHH, \\u{H…}, or a backslash before punctuation",
        ),
    ];
    for (source, expected) in cases.into_iter().chain(SCOPE_FAULTS) {
        match text::parse(source) {
            Ok(_) => panic!("{source} is read"),
            Err(error) => assert_eq!(error.to_string(), expected, "{source}"),
        }
    }
}

const SCOPE_FAULTS: [(&str, &str); 17] = [
    (
        "x = \"\" ; root = %close(\"a\") ;",
        "1:10: a mark stands in the scope of its own rule; this rule has one outside of any `%scope {…} (…)`",
    ),
    (
        "root = %scope { 0: ; } (%0(\"a\" %close(\"b\"))) ;",
        "1:25: a marked part must not have marks of the same scope in it",
    ),
    (
        "root = %scope { 0: ; } (%0(\"a\"){0,2}) ;",
        "1:32: what has marks in it is repeated with `?`, `*` or `+` only; the scope's rules can count what is selected",
    ),
    ("root = %scope { 0: ; } (%1(\"a\")) ;", "1:8: a mark selects element 1, which this scope does not have"),
    (
        "root = %scope { 1: ; } (%1(\"a\")) ;",
        "1:17: the elements of a scope are numbered 0, 1, 2, … in order; this one is number 0",
    ),
    (
        "root = %scope { 0: distinct, slot 1 ; slots optional ; } (%0(\"a\")) ;",
        "1:30: this scope has no slot 1; `slots required, optional ;` would give it slots 0 and 1",
    ),
    (
        "root = %scope { 0: tally 99 ; } (%0(\"a\")) ;",
        "1:20: this scope has no tally 99; each `tally {min,max} ;` gives it one, the first of which is number 0",
    ),
    ("root = %scope { total {1} ; total {2} ; } (\"a\") ;", "1:29: this has been said before"),
    ("root = %scope { 0: slot 0, slot 0 ; } (\"a\") ;", "1:28: this has been said before"),
    (
        "root = %scope { order any ; } (\"a\") ;",
        "1:23: expected `slots`; any order is what no `order` means, found the name `any`",
    ),
    ("root = %scope { slots ; } (\"a\") ;", "1:23: expected `required` or `optional`, found `;`"),
    (
        "root = %scope { 0: twice ; } (\"a\") ;",
        "1:20: expected `slot`, `tally`, `distinct` or `;`, found the name `twice`",
    ),
    ("root = %scope { root = \"\" ; } (\"a\") ;", "1:17: rule `root` is defined twice"),
    (
        "root = %scope { x ; } (\"a\") ;",
        "1:17: expected `order`, `total`, `slots`, `tally`, the number of an element, or `}`, found the name `x`",
    ),
    ("root = %scope { } \"a\" ;", "1:19: expected `(`, found a literal"),
    ("root = %scope { 0: ; } (%0 \"a\") ;", "1:28: expected `(`, found a literal"),
    ("root = %99999999999(\"a\") ;", "1:8: the number does not fit in 32 bits"),
];

#[test]
fn a_scope_has_so_many_tallies() {
    let source = |tallies: usize| format!("root = %scope {{ {} }} (\"a\") ;", "tally {0} ; ".repeat(tallies));
    assert!(text::parse(&source(16)).is_ok());
    let error = text::parse(&source(17)).unwrap_err();
    assert_eq!(error.to_string(), "1:209: a scope has at most 16 tallies");
}

#[test]
fn a_binding_has_the_marks_of_the_scope_that_it_is_used_in() {
    let source = "$m = %0(\"a\") %close(\"b\") ; root = %scope { 0: ; } ($m) | %scope { 0: distinct ; } ($m) ;";
    let grammar = text::parse(source).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(verify(&grammar), Ok(()));
    let printed = text::print(&grammar);
    assert_eq!(text::parse(&printed).map(|grammar| text::print(&grammar)), Ok(printed));
}

#[test]
fn bindings_that_double_are_refused() {
    let mut source = String::from("$0 = \"a\"? \"b\"? ;\n");
    (1..60).for_each(|n| source.push_str(&format!("${n} = ${} ${} ;\n", n - 1, n - 1)));
    source.push_str("root = $59 ;");
    let error = text::parse(&source).unwrap_err();
    assert!(error.to_string().contains("expands to more than"), "{error}");
    assert_eq!(error.limit(), Some(LimitKind::Expressions));
}

#[test]
fn limits_are_told_from_faults() {
    let limit = |source: &str, limits: &Limits| text::parse_with_limits(source, limits).unwrap_err().limit();
    let limits = Limits { source_bytes: 12, expressions: 2, ..Limits::default() };
    assert_eq!(limit("root = \"too long\" ;", &limits), Some(LimitKind::SourceBytes));
    let limits = Limits { expressions: 2, ..Limits::default() };
    assert_eq!(limit("root = (\"a\" | [b])* ;", &limits), Some(LimitKind::Expressions));
    assert_eq!(limit("root = x ;", &Limits::default()), None);
}

#[test]
fn a_checkout_does_not_change_the_meaning() {
    let source = "# a comment\nroot = \"a\nb\" [x\n] ;\n";
    let grammar = text::parse(source).unwrap();
    assert_eq!(text::parse(&source.replace('\n', "\r\n")).unwrap(), grammar);
    assert_eq!(text::print(&grammar), "root = \"a\\nb\" [\\nx] ;\n");
}

#[test]
fn deep_nesting_is_refused_when_read_and_bound_when_printed() {
    let deep = |levels: usize| format!("root = {}\"a\"{} ;", "(".repeat(levels), ")*".repeat(levels));
    let error = text::parse(&deep(60_000)).unwrap_err();
    assert!(error.to_string().contains("nested deeper than the limit of 1000 levels"), "{error}");
    assert_eq!((error.column(), error.limit()), (1_008, Some(LimitKind::Nesting)));
    let limits = Limits { nesting: 60_000, ..Limits::default() };
    assert!(text::parse_with_limits(&deep(60_000), &limits).is_ok());

    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let letter = builder.class(CharSet::range('a', 'z'));
    let body = (0..100_000).fold(letter, |body, n| {
        if n % 2 == 0 { builder.repeat(body, 0, None) } else { builder.sequence([letter, body]) }
    });
    builder.define(root, body);
    let grammar = builder.finish(root).unwrap();
    let printed = text::print(&grammar);
    assert_eq!(text::print(&text::parse(&printed).unwrap()), printed);
}

#[test]
fn shared_expressions_print_once() {
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let mut body = builder.literal("x");
    for n in 0..200u32 {
        let other = builder.literal(&n.to_string());
        let either = builder.choice([body, other]);
        let repeated = builder.repeat(either, 2, Some(3));
        body = builder.sequence([repeated, other, repeated]);
    }
    builder.define(root, body);
    let grammar = builder.finish(root).unwrap();
    let printed = text::print(&grammar);
    assert!(printed.len() < 20_000, "{} bytes", printed.len());
    let parsed = text::parse(&printed).unwrap();
    assert_eq!(parsed.exprs().len(), grammar.exprs().len());
    assert_eq!(text::print(&parsed), printed);
}
