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
        ("root[stop_capture=n] ::= \"x\"", "`stop_capture` must be a name in quotes"),
        ("root[stop_capture=\"n\"] ::= \"x\"", "there is no marker that this could be about"),
        (
            "root[capture_hidden_stop_bytes=0] ::= \"x\"",
            "`capture_hidden_stop_bytes` must be a number from 1 to 4294967295",
        ),
        (
            "root[capture_hidden_stop_bytes=1, capture_hidden_suffix_bytes=1] ::= \"x\"",
            "a marker is hidden either as a suffix or as a stop",
        ),
        (
            "root[capture_hidden_stop_bytes=1, capture_hidden_body_rule_id=0] ::= \"x\"",
            "a marker is divided off by two rules",
        ),
        (
            "root[capture_hidden_stop_bytes=1, capture_hidden_body_rule_id=7, capture_hidden_marker_rule_id=0] ::= \"x\"",
            "there is no rule with the number 7",
        ),
        (
            "root[capture_hidden_stop_bytes=1, capture_hidden_body_rule_id=1, capture_hidden_marker_rule_id=1] ::= \"x\"\n\
             a ::= \"(\" a \")\" | \"\"",
            "a marker cannot be divided off by a rule with a rule that refers to itself",
        ),
        (
            "root[capture_hidden_stop_bytes=1] ::= TagDispatch((\"!!\", end), loop_after_dispatch=false)\nend ::= \"\"",
            "no tag of the dispatch has 1 bytes",
        ),
    ] {
        let found = gbnf::compile(source, &Options::default(), None, &Limits::default()).unwrap_err();
        assert_eq!(found.iter().next().expect("a diagnostic").message, expected, "{source}");
    }
}

/// What is captured of `word`, as names and texts.
fn captures(source: &str, word: &str) -> Vec<(String, String)> {
    let grammar = gbnf::compile(source, &Options::default(), None, &Limits::default()).expect("a grammar");
    let mut recognizer = interp::Recognizer::new(&grammar);
    recognizer.push_bytes(word.as_bytes());
    let captured = recognizer.captures(usize::MAX).expect("short").into_iter();
    let text = |captured: &interp::CapturedSpan<'_>| {
        let is_shown = |index: &usize| !captured.hidden.iter().any(|hidden| hidden.contains(index));
        captured.span.clone().filter(is_shown).map(|index| char::from(word.as_bytes()[index])).collect()
    };
    captured.map(|captured| (captured.name.to_owned(), text(&captured))).collect()
}

#[test]
fn markers_are_hidden_from_captures() {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
    };
    let lazy = |attribute: &str| {
        format!("root[capture] ::= value \"z\"\nvalue[capture, {attribute}=1, lazy] ::= [a-y]* \"!\"")
    };
    let suffix = captures(&lazy("capture_hidden_suffix_bytes"), "ab!z");
    assert_eq!(suffix, pairs(&[("value", "ab"), ("root", "ab!z")]));
    let stop = captures(&lazy("capture_hidden_stop_bytes"), "ab!z");
    assert_eq!(stop, pairs(&[("value", "ab"), ("root", "abz")]));

    // A dispatch may end without its tag, and then there is no marker.
    let dispatch = "root[capture] ::= text\n\
        text[capture, capture_hidden_stop_bytes=2, stop_capture=\"end\"] ::= \
            TagDispatch((\"!!\", end), (\"?\", end), loop_after_dispatch=false)\nend ::= \"\"";
    assert_eq!(captures(dispatch, "a!!"), pairs(&[("end", "!!"), ("text", "a"), ("root", "a")]));
    assert_eq!(captures(dispatch, "ab"), pairs(&[("text", "ab"), ("root", "ab")]));
    assert_eq!(captures(dispatch, "ab?"), pairs(&[("text", "ab?"), ("root", "ab?")]), "a tag of another length");

    // The rule that refers to itself as what comes before the marker stands behind it.
    let behind = "root[capture] ::= TagDispatch((\"<t>\", body))\n\
        behind[capture_hidden_stop_bytes=3, capture_hidden_body_rule_id=1, capture_hidden_marker_rule_id=2, \
            stop_capture=\"tag\"] ::= \"\"\ntag ::= \"<t>\"\nbody ::= behind \"x\"";
    assert_eq!(captures(behind, "a<t>xb<t>xc"), pairs(&[("tag", "<t>"), ("tag", "<t>"), ("root", "axbxc")]));

    // Divided by two rules: the marker is of any length, the shortest that the rest allows.
    let divided = "root[capture] ::= value \"z\"\n\
        value[capture, capture_hidden_stop_bytes=1, capture_hidden_body_rule_id=2, \
            capture_hidden_marker_rule_id=3, stop_capture=\"end\"] ::= before marker\n\
        before ::= [a-y]* \"!\"?\nmarker ::= \"!\"+";
    assert_eq!(captures(divided, "ab!!z"), pairs(&[("end", "!"), ("value", "ab!"), ("root", "ab!z")]));
    assert_eq!(captures(divided, "ab!z"), pairs(&[("end", "!"), ("value", "ab"), ("root", "abz")]));
}
