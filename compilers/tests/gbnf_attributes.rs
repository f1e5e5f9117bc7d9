//! Rule attributes that change the language of a rule.

use compilers::diagnostic::Code;
use compilers::gbnf::{self, Options};
use grammar_ir::{Limits, interp};

fn check(source: &str, accepted: &[&str], rejected: &[&str]) {
    let grammar = gbnf::compile(source, &Options::default(), None, &Limits::default()).expect("a grammar");
    for text in accepted {
        assert!(interp::accepts(&grammar, text.as_bytes()), "{text:?} {source}");
    }
    for text in rejected {
        assert!(!interp::accepts(&grammar, text.as_bytes()), "{text:?} {source}");
    }
}

#[test]
fn characters_are_bounded() {
    let source = "root ::= \"<\" word \">\"\nword[max_chars=2] ::= [a-zé😀]*";
    check(source, &["<>", "<a>", "<é😀>", "<ab>"], &["<abc>", "<é😀é>", "<A>", "ab"]);
    let source = "root[max_chars=3] ::= \"ab\" rest | other{2,}\nrest ::= \"c\"* \nother ::= \"x\" | \"yy\"";
    check(source, &["ab", "abc", "xx", "xyy", "yyx", "xxx"], &["abcc", "yyyy", "xxxx", "x", ""]);
    check("root[max_chars=0] ::= [a-z]*", &[""], &["a"]);
    check("root[max_chars=1] ::= Substring(\"a\", \"é\", \"c\")", &["", "a", "é", "c"], &["aé", "éc", "b"]);
    check("root[max_chars=3] ::= \"x\" Regex(\"a+\")", &["xa", "xaa"], &["x", "xaaa"]);
    check("root ::= cut cut\ncut[max_chars=2] ::= Regex(\"\\\\d+\")", &["11", "1212"], &["1", "12345"]);
}

#[test]
fn lazy_rules_end_as_soon_as_they_can() {
    let source = "root ::= \"<\" word \">\"\nword[lazy] ::= [a-z] [a-z]*";
    check(source, &["<a>", "<z>"], &["<ab>", "<>", "<a"]);
    check("root[lazy] ::= \"a\"* \"b\" \"c\"?", &["b", "ab", "aaab"], &["abc", "a", "bc"]);
    check("root[lazy] ::= [^]* \"-->\"", &["-->", "a-->", "--->"], &["-->-->", "a--> b -->"]);
    check("root[lazy] ::= \"a\"* ", &[""], &["a"]);
    check("root[lazy, max_chars=3] ::= \"a\"+ (\"b\" \"c\"?)", &["ab", "aab"], &["aaab", "abc"]);
}

#[test]
fn what_is_not_regular_is_refused_by_name() {
    for (source, expected) in [
        ("root[lazy] ::= \"(\" root \")\" | \"x\"", "a rule that refers to itself"),
        ("root[max_chars=3] ::= \"x\" <[3]>", "a dispatch, a substring or a token beside other parts"),
        ("root[max_chars=3] ::= \"x\" Substring(\"a\")", "a dispatch, a substring or a token beside other parts"),
        ("root[max_chars=3] ::= \"x\" inner\ninner[lazy] ::= \"a\"+", "a rule with attributes of its own"),
    ] {
        let found = gbnf::compile(source, &Options::default(), None, &Limits::default()).unwrap_err();
        let first = found.iter().next().expect("a diagnostic");
        assert_eq!(first.code, Code::Unsupported, "{source}");
        assert!(first.message.ends_with(expected), "{source}: {}", first.message);
    }
    let limits = Limits { states: 1_000, ..Limits::default() };
    let found = gbnf::compile("root[lazy] ::= [a-z]{5000} \"x\"", &Options::default(), None, &limits).unwrap_err();
    assert!(found.iter().all(|it| it.code == Code::Limit), "{found}");
}

#[test]
fn attributes_for_the_matcher_are_in_the_grammar() {
    let source = "root ::= \"a\" value[0] tail\nvalue[max_tokens=3, capture=\"the \\\"value\\\"\", lazy, temperature=0.5] ::= \"x\"+\n\
                  tail[ capture ] ::= \"y\"*";
    let source = &source.replace("value[0]", "value");
    let grammar = gbnf::compile(source, &Options::default(), None, &Limits::default()).expect("a grammar");
    assert_eq!(
        grammar_ir::text::print(&grammar),
        "root = \"a\" value tail ;\nvalue %max_tokens(3) %capture(\"the \\\"value\\\"\") %temperature(\"0.5\") = \
         %automaton {\n    0: <78> -> 1 ;\n    1*: ;\n  } ;\ntail %capture(\"tail\") = \"y\"* ;\n"
    );
}

#[test]
fn values_are_checked() {
    for (source, expected) in [
        ("root[max_chars=-1] ::= \"x\"", "`max_chars` must be a number from 0 to 4294967295"),
        ("root[max_chars] ::= \"x\"", "`max_chars` must be a number from 0 to 4294967295"),
        ("root[lazy=1] ::= \"x\"", "`lazy` has no value"),
        ("root[] ::= \"x\"", "unknown rule attribute"),
        ("root[max_tokens=0] ::= \"x\"", "`max_tokens` must be a number from 1 to 4294967295"),
        ("root[max_tokens=1.5] ::= \"x\"", "`max_tokens` must be a number from 1 to 4294967295"),
        ("root[max_tokens=1, max_tokens=2] ::= \"x\"", "the attribute `max_tokens` is given twice"),
        ("root[temperature=abc] ::= \"x\"", "`temperature` must be a finite number that is not negative"),
        ("root[temperature=-1] ::= \"x\"", "`temperature` must be a finite number that is not negative"),
        ("root[temperature=inf] ::= \"x\"", "`temperature` must be a finite number that is not negative"),
        ("root[capture=n] ::= \"x\"", "`capture` must be a name in quotes"),
        ("root[capture=\"\"] ::= \"x\"", "`capture` must be a name in quotes"),
        ("root[stop_capture=\"n\"] ::= \"x\"", "the rule attribute `stop_capture` is not supported"),
    ] {
        let found = gbnf::compile(source, &Options::default(), None, &Limits::default()).unwrap_err();
        assert_eq!(found.iter().next().expect("a diagnostic").message, expected, "{source}");
    }
}
