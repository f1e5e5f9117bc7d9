//! The parts of words that rules with `capture` match.

use grammar_ir::interp::{self, Recognizer};
use grammar_ir::text;

/// What is captured of `word`, as names and texts.
fn captures(grammar: &str, word: &str) -> Vec<(String, String)> {
    let grammar = text::parse(grammar).unwrap();
    let mut recognizer = Recognizer::new(&grammar);
    recognizer.push_bytes(word.as_bytes());
    let spans = recognizer.captures(usize::MAX).unwrap().into_iter();
    spans
        .map(|captured| {
            let is_shown = |index: &usize| !captured.hidden.iter().any(|hidden| hidden.contains(index));
            let shown: Vec<u8> = captured.span.filter(is_shown).map(|index| word.as_bytes()[index]).collect();
            (captured.name.to_owned(), String::from_utf8(shown).unwrap())
        })
        .collect()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec()
}

#[test]
fn markers_are_left_out() {
    let outer = |attributes: &str, word: &str| {
        let grammar = format!(r#"root %capture("all") = r "z" ; r %capture("r") {attributes} = [a-y]* "!" ;"#);
        captures(&grammar, word)
    };
    assert_eq!(outer("%suffix(1)", "xy!z"), pairs([("r", "xy"), ("all", "xy!z")]));
    assert_eq!(outer("%stop(1)", "xy!z"), pairs([("r", "xy"), ("all", "xyz")]));
    assert_eq!(outer(r#"%stop(2, "end")"#, "xy!z"), pairs([("end", "y!"), ("r", "x"), ("all", "xz")]));
    assert_eq!(outer(r#"%stop(3, "end")"#, "y!z"), pairs([("r", "y!"), ("all", "y!z")]), "the word is shorter");

    let twice = r#"root %capture("all") = r r ; r %stop(2, "end") = [a-y]* "!" ;"#;
    assert_eq!(captures(twice, "ab!c!"), pairs([("end", "b!"), ("end", "c!"), ("all", "a")]));
    let nested = r#"root %capture("all") %suffix(3) = r "!" ; r %capture("r") %stop(2) = [a-y]* "?" ;"#;
    assert_eq!(captures(nested, "abc?!"), pairs([("r", "ab"), ("all", "ab")]), "two that overlap");
    let before = r#"root %capture("all") = ("<t>" r [a-z])* ; r %capture("r") %stop(%before 3, "tag") = "" ;"#;
    let expected = [("tag", "<t>"), ("r", ""), ("tag", "<t>"), ("r", ""), ("all", "ab")];
    assert_eq!(captures(before, "<t>a<t>b"), pairs(expected));
    let absent = r#"root = r ; r %capture("r") %stop(%before 3, "tag") = "a" ;"#;
    assert_eq!(captures(absent, "a"), pairs([("r", "a")]));
}

/// The automaton of `[ab]*`, of `b?a`, and of `a+`.
const LETTERS: &str = "%automaton { 0*: <61-62> -> 0 ; }";
const MAYBE_B_THEN_A: &str = "%automaton { 0: <61> -> 1, <62> -> 2 ; 1*: ; 2: <61> -> 1 ; }";
const SOME_A: &str = "%automaton { 0: <61> -> 1 ; 1*: <61> -> 1 ; }";

/// Where a word can be divided in several ways, the marker is as short as it can be; compared with all ways to cut the word.
#[test]
fn a_marker_is_the_shortest_that_the_rest_allows() {
    let accepts =
        |automaton: &str, part: &[u8]| interp::accepts(&text::parse(&format!("root = {automaton} ;")).unwrap(), part);
    for (body, marker) in [
        (LETTERS, MAYBE_B_THEN_A),
        (MAYBE_B_THEN_A, LETTERS),
        (SOME_A, SOME_A),
        (LETTERS, SOME_A),
        (SOME_A, MAYBE_B_THEN_A),
    ] {
        let grammar = format!(r#"root %capture("r") %suffix({body}, {marker}, "end") = [ab]* ;"#);
        for word in texts(b"ab", 6) {
            let ways = (0..=word.len()).rev();
            let way = ways.into_iter().find(|&way| accepts(body, &word[..way]) && accepts(marker, &word[way..]));
            let word = str::from_utf8(&word).unwrap();
            let expected = match way {
                Some(way) => vec![("end".to_owned(), word[way..].to_owned()), ("r".to_owned(), word[..way].to_owned())],
                None => pairs([("r", word)]),
            };
            assert_eq!(captures(&grammar, word), expected, "{word:?} {grammar}");
        }
    }
}

#[test]
fn captures_in_captures_are_bounded() {
    let grammar = text::parse(r#"root %capture("all") = "(" root ")" | "" ;"#).unwrap();
    let mut recognizer = Recognizer::new(&grammar);
    recognizer.push_bytes(b"((()))");
    assert_eq!(recognizer.captures(6 + 4 + 2).unwrap().len(), 4);
    assert_eq!(recognizer.captures(6 + 4 + 1), None);
}

#[test]
fn parts_are_reported_in_the_order_of_their_ends() {
    let list = r#"root = list ; list %capture("list") = item "," list | item ; item %capture("item") = [0-9]+ ;"#;
    let expected = [("item", "1"), ("item", "23"), ("list", "23"), ("list", "1,23")];
    assert_eq!(captures(list, "1,23"), expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    assert_eq!(captures(list, "1,"), [], "no word");
}

#[test]
fn what_comes_first_takes_as_much_as_it_can() {
    for (grammar, word, expected) in [
        (r#"root = a b ; a %capture("a") = [a-z]+ ; b %capture("b") = [a-z]* ;"#, "abc", vec!["abc", ""]),
        (r#"root = a b ; a %capture("a") = "x" | "xy" ; b %capture("b") = "yz" | "z" ;"#, "xyz", vec!["xy", "z"]),
        (r#"root = a+ ; a %capture("a") = [a-z]+ ;"#, "abc", vec!["abc"]),
        (r#"root = (a ",")* ; a %capture("a") = [a-z,]* ;"#, "a,b,", vec!["a,b"]),
        (r#"root = a root | "" ; a %capture("a") = "x"{1,2} ;"#, "xxx", vec!["xx", "x"]),
        (r#"root %capture("all") = root root | "x" ;"#, "x", vec!["x"]),
        (r#"root %capture("all") = "(" root ")" | "" ;"#, "(())", vec!["", "()", "(())"]),
    ] {
        let texts: Vec<String> = captures(grammar, word).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, expected, "{grammar} {word}");
    }
}

#[test]
fn a_rule_that_stands_for_itself_is_not_followed_for_ever() {
    let circle = r#"root = a ; a %capture("a") = b | "x" ; b %capture("b") = a | "x" ;"#;
    let found = captures(circle, "x");
    assert!((1..=2).contains(&found.len()) && found.iter().all(|(_, text)| text == "x"), "{found:?}");
}

/// All texts of up to `length` of the letters.
fn texts(letters: &[u8], length: usize) -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..length {
        let to = texts.len();
        for index in from..to {
            for &letter in letters {
                let longer = [&texts[index][..], &[letter]].concat();
                texts.push(longer);
            }
        }
        from = to;
    }
    texts
}

/// Whatever the derivation, each part that is reported is a word of its rule, and they are nested or apart.
#[test]
fn parts_are_words_of_their_rules() {
    let grammars = [
        r#"root %capture("r") = root root | "a" a | "" ; a %capture("a") = root "b" | "b" a ;"#,
        r#"root %capture("r") = a b | b a | "a" ; a %capture("a") = "a" root | "b" ; b %capture("b") = a{0,3} "b" ;"#,
        r#"root %capture("r") = (a | b)* ; a %capture("a") = "a" b? ; b %capture("b") = "b" a | "ab" ;"#,
    ];
    for source in grammars {
        let grammar = text::parse(source).unwrap();
        let mut words = 0;
        for word in texts(b"ab", 7) {
            let mut recognizer = Recognizer::new(&grammar);
            recognizer.push_bytes(&word);
            let spans = recognizer.captures(usize::MAX).unwrap();
            assert_eq!(!spans.is_empty(), recognizer.is_accepting(), "{source} {word:?}");
            words += usize::from(recognizer.is_accepting());
            for captured in &spans {
                let name = &grammar.rule(captured.rule).name;
                let inner = text::parse(&format!("%start {name} ; {source}")).unwrap();
                assert!(interp::accepts(&inner, &word[captured.span.clone()]), "{source} {word:?} {captured:?}");
            }
            let ends = |pair: &[interp::CapturedSpan]| pair[0].span.end <= pair[1].span.end;
            assert!(spans.windows(2).all(ends), "{source} {word:?} {spans:?}");
            for (index, one) in spans.iter().enumerate() {
                for other in &spans[index + 1..] {
                    let (one, other) = (&one.span, &other.span);
                    assert!(one.end <= other.start || other.start <= one.start, "{source} {word:?} {spans:?}");
                }
            }
        }
        assert!(words > 20, "{source} has {words} words");
    }
}

#[test]
fn attributes_survive_the_text_form_and_the_passes() {
    for attributes in [
        "%max_tokens(3) %capture(\"n \\\"1\\\"\") %temperature(\"0.25\")",
        "%suffix(3)",
        "%capture(\"a\") %stop(%before 1, \"m\")",
        "%stop(%automaton {\n    0*: <61-62> -> 0 ;\n  }, %automaton {\n    0*: ;\n  }, \"m\")",
    ] {
        let source = format!("root = a a ;\na {attributes} = \"x\" ;\n");
        let grammar = text::parse(&source).unwrap();
        assert_eq!(text::print(&grammar), source);
        let limits = grammar_ir::Limits::default();
        let passed = grammar_ir::passes::run(grammar, &mut grammar_ir::Budget::new(&limits)).unwrap();
        assert_eq!(text::print(&passed), source);
    }
    for (wrong, message) in [
        ("root %temperature(\"-1\") = \"x\" ;", "1:19: a temperature is a finite number that is not negative"),
        ("root %stop(\"1\") = \"x\" ;", "1:12: expected a number"),
        ("root %stop(%never) = \"x\" ;", "1:12: expected a number of bytes, `%before` or `%automaton`"),
        ("root %stop(%automaton {}, %automaton { 0*: ; }) = \"x\" ;", "1:25: expected an automaton with a state"),
        ("root %stop(%automaton (1,) { 0*: ; }, 3) = \"x\" ;", "1:23: expected `{`"),
        ("root %temperature(1) = \"x\" ;", "1:19: expected a literal"),
        ("root %max_tokens(\"1\") = \"x\" ;", "1:18: expected"),
        ("root %max_tokens(1) \"x\" ;", "1:21: expected `=`"),
    ] {
        let error = text::parse(wrong).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn attributes_that_need_a_frame_are_refused_in_left_recursion() {
    let limits = grammar_ir::Limits::default();
    for attribute in ["%max_tokens(2)", "%temperature(\"1\")"] {
        let grammar = text::parse(&format!("root = a ; a {attribute} = a \"x\" | \"y\" ;")).unwrap();
        let error = grammar_ir::pda::Pda::new(&grammar, &mut grammar_ir::Budget::new(&limits)).unwrap_err();
        assert!(matches!(error, grammar_ir::pda::LowerError::AttributeInLeftRecursion { .. }), "{error}");
    }
}
