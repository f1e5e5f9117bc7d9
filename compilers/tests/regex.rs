//! Regular expressions: a corpus by hand, XGrammar's facts, refusals.

use compilers::diagnostic::{Code, Diagnostics, Place};
use compilers::regex::{self, Anchoring, Options, Syntax};
use grammar_ir::interp;
use grammar_ir::regular::{CharAutomaton, Utf8};
use grammar_ir::{Budget, Expr, GrammarBuilder, Limits};

fn options(syntax: Syntax) -> Options {
    Options::new(syntax)
}

fn automaton(pattern: &str, options: &Options, anchoring: Anchoring) -> Result<CharAutomaton, Diagnostics> {
    let limits = Limits::default();
    let parsed = regex::parse(pattern, options, &limits)?;
    regex::to_automaton(&parsed, anchoring, &mut Budget::new(&limits))
}

/// Checks texts against both ways of a pattern: the automaton and the lowered grammar.
#[track_caller]
fn check(syntax: Syntax, anchoring: Anchoring, pattern: &str, accepted: &[&str], rejected: &[&str]) {
    let limits = Limits::default();
    let parsed = regex::parse(pattern, &options(syntax), &limits).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    let automaton = regex::to_automaton(&parsed, anchoring, &mut Budget::new(&limits)).unwrap();
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let body = regex::lower(&parsed, anchoring, &Utf8, &mut builder, &mut Budget::new(&limits)).unwrap();
    builder.define(root, body);
    let grammar = builder.finish(root).unwrap();
    grammar_ir::verify(&grammar).unwrap();
    for (texts, expected) in [(accepted, true), (rejected, false)] {
        for text in texts {
            assert_eq!(automaton.accepts(text), expected, "automaton of {pattern:?} on {text:?}");
            assert_eq!(interp::accepts(&grammar, text.as_bytes()), expected, "grammar of {pattern:?} on {text:?}");
        }
    }
}

#[track_caller]
fn whole(pattern: &str, accepted: &[&str], rejected: &[&str]) {
    check(Syntax::Rust, Anchoring::Whole, pattern, accepted, rejected);
}

#[track_caller]
fn search(pattern: &str, accepted: &[&str], rejected: &[&str]) {
    check(Syntax::Ecma262, Anchoring::Search, pattern, accepted, rejected);
}

/// Whether the pattern, searched for, becomes expressions rather than an automaton.
fn is_structural(pattern: &str, anchoring: Anchoring) -> bool {
    let limits = Limits::default();
    let parsed = regex::parse(pattern, &options(Syntax::Ecma262), &limits).unwrap();
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let body = regex::lower(&parsed, anchoring, &Utf8, &mut builder, &mut Budget::new(&limits)).unwrap();
    builder.define(root, body);
    !builder.finish(root).unwrap().exprs().iter().any(|expr| matches!(expr, Expr::Automaton(_)))
}

#[track_caller]
fn refused(syntax: Syntax, pattern: &str, code: Code, at: usize, part: &str) {
    let error = match regex::compile(pattern, &options(syntax), &Limits::default()) {
        Ok(_) => panic!("{pattern:?} compiles"),
        Err(error) => error,
    };
    let first = error.iter().next().unwrap();
    assert_eq!(first.code, code, "{pattern:?}: {error}");
    assert!(matches!(&first.place, Place::Span(span) if span.start == at), "{pattern:?}: {:?}", first.place);
    assert!(first.message.contains(part), "{pattern:?}: {error}");
    assert!(first.help.is_some() || code == Code::Limit, "{pattern:?} has no advice");
}

#[test]
fn plain_patterns() {
    whole("abc|de(f|g)", &["abc", "def", "deg"], &["", "ab", "abcd", "de"]);
    whole("(a|)b()", &["ab", "b"], &["a", ""]);
    whole("a{2,3}(?:bc){2}d{0}e{1,}", &["aabcbce", "aaabcbceee"], &["abcbce", "aabcbc", "aabcbcde"]);
    whole("a*?b+?c??", &["b", "aabbc"], &["a", "abcc"]);
    whole("é.\u{1f600}", &["éx\u{1f600}", "éé\u{1f600}"], &["é\n\u{1f600}", "e\u{1f600}"]);
    whole("(?<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])", &["2024-12", "1999-01"], &["2024-13", "24-12"]);
    whole("^abc$", &["abc"], &["ab", "abcc"]);
    whole("^", &[""], &["a"]);
    whole("a\0b", &["a\0b"], &["ab"]);
    whole("(a{2,}){1,2}b", &["aab", "aaaab"], &["ab", "b"]);
}

#[test]
fn white_space_in_counts() {
    check(Syntax::Rust, Anchoring::Whole, "<{ 0}a{1 , 2}b{ 2,}", &["abb", "aabbb"], &["<abb", "ab", "aaabb"]);
    for pattern in ["a{1, }", "a{ }", "a{ ,1}", "a{1 2}"] {
        assert!(automaton(pattern, &options(Syntax::Rust), Anchoring::Whole).is_err(), "{pattern}");
        assert!(::regex::Regex::new(pattern).is_err(), "{pattern}");
    }
    assert!(automaton("a{1, 2}", &options(Syntax::Ecma262), Anchoring::Whole).is_err());
}

#[test]
fn flags() {
    whole("(?i)straße", &["STRAßE", "straẞe"], &["strasse"]);
    whole("(?i)σ", &["σ", "ς", "Σ"], &["s"]);
    whole("a(?i)b(?-i)c", &["abc", "aBc"], &["ABc", "abC"]);
    whole("(?i:a)b|c", &["ab", "Ab", "c"], &["aB", "C"]);
    whole("(a(?i)b)c", &["abc", "aBc"], &["abC"]);
    whole("(?s).", &["\n", "a"], &[""]);
    whole("(?s:.).", &["\na"], &["a\n"]);
    whole("(?x) a b # comment\n c [ d e ] \\ ", &["abcd ", "abce "], &["abc", "a b c d"]);
    whole("(?i)[^a]", &["b", "B"], &["a", "A"]);
    whole("(?m)^a$\n^b$", &["a\nb"], &["ab"]);
    check(Syntax::Ecma262, Anchoring::Whole, r"(?i)\w", &["a", "\u{17f}", "\u{212a}"], &["é"]);
}

#[test]
fn classes() {
    whole(r"[a-c&&[^b]]", &["a", "c"], &["b", "d"]);
    whole(r"[\w--\d]+", &["ab_", "é"], &["a1"]);
    whole(r"[a-d~~c-f]", &["a", "b", "e", "f"], &["c", "d"]);
    whole(r"[[:alpha:][:^space:]&&[:ascii:]]", &["a", "!"], &[" ", "é"]);
    whole(r"[]a]|[^]b]", &["]", "a", "x"], &["b"]);
    whole(r"[-a-c+-]+", &["a-+"], &["d"]);
    whole(r"[\]\[\-^]+", &["][-^"], &["a"]);
    whole(r"\d\D\s\S\w\W", &["1a a_!", "٣a\u{85}aé "], &["aa aa "]);
    whole(r"\p{Greek}\P{Lu}\pL[\p{Nd}]", &["αaZ7"], &["aaZ7", "αAZ7"]);
    // A bracket that opens no nested class is itself.
    whole(r"[@[\].](a[b-c]d)", &["@abd", "[acd", "]abd"], &["abd"]);
    whole(r"[[:alpha:][.]x", &["ax", "[x", ".x"], &["x"]);
    check(Syntax::Ecma262, Anchoring::Whole, r"[^]", &["a", "\n", "\u{1f600}"], &["", "ab"]);
    check(Syntax::Ecma262, Anchoring::Whole, r"a|[]", &["a"], &["", "[]"]);
    check(Syntax::Ecma262, Anchoring::Whole, r"[\w-.\b&&[]+", &["a-.\u{8}&["], &["]", "+"]);
    check(Syntax::Ecma262, Anchoring::Whole, r"\d\s.", &["1\u{feff}a"], &["٣ a", "1\u{85}a", "1 \r", "1 \u{2028}"]);
    check(Syntax::Ecma262, Anchoring::Whole, r"[\ud83d\ude00-\ud83d\ude4f]", &["\u{1f601}"], &["\u{1f650}", "a"]);
}

#[test]
fn escapes() {
    whole(r#"\"\'\a\f\n\r\t\v\0\e"#, &["\"'\x07\x0c\n\r\t\x0b\0\x1b"], &[""]);
    whole(r"\x41\u0042\u{43}\x{1F600}\U0001F600\cA", &["ABC\u{1f600}\u{1f600}\x01"], &["ABC"]);
    whole(r"\^\$\.\*\+\?\\\(\)\[\]\{\}\|\/\-\#\&\~", &[r"^$.*+?\()[]{}|/-#&~"], &[""]);
    check(Syntax::Ecma262, Anchoring::Whole, r"\cJ\/\ud83d\ude00\-\@{a}", &["\n/\u{1f600}-@{a}"], &[""]);
}

#[test]
fn searching() {
    search("b", &["b", "abc", "b\n"], &["", "ac"]);
    search("^b", &["b", "bc"], &["ab", ""]);
    search("b$", &["b", "ab"], &["ba", "b\n"]);
    search("^$", &[""], &["a"]);
    search("", &["", "a"], &[]);
    search("^abc$|^d$|e", &["abc", "d", "xex"], &["abcd", "dd"]);
    search("(^|_)a(_|$)", &["a", "_a", "a_", "x_a_x"], &["ba", "ab", "xa"]);
    search("a$b|a^b", &[], &["ab", "a"]);
    search("(a|^)*b$", &["b", "aab", "xb"], &["ba"]);
    search("x*^a", &["ab"], &["xa"]);
    check(Syntax::Rust, Anchoring::Search, "(?m)^a$", &["a", "b\na", "a\nb", "b\na\nb"], &["ba", "ab", "b\nab"]);
    let multi_line = |pattern: &str| {
        let mut options = options(Syntax::Ecma262);
        options.multi_line = true;
        automaton(pattern, &options, Anchoring::Search).unwrap()
    };
    assert!(multi_line("^a$").accepts("b\u{2028}a\rb") && !multi_line("^a$").accepts("b\u{85}a"));
}

#[test]
fn boundaries() {
    search(r"\bfoo\b", &["foo", "a foo", "foo.bar"], &["foot", "afoo", "_foo"]);
    search(r"\Bb", &["ab", "abb"], &["b", "a b"]);
    search(r"^(?:\b\w+\b ?)+$", &["ab cd", "a"], &["ab  cd", " a"]);
    whole(r"\<a+\>.*\b{start}b\b{end}", &["a b", "aa..b"], &["ab", "a bc"]);
    whole(r"\b{start-half}a\b{end-half}", &["a"], &["b"]);
    whole(r"\Aa\z", &["a"], &[""]);
    // Unicode letters are word characters in Rust syntax only.
    check(Syntax::Rust, Anchoring::Search, r"\ba", &["a"], &["éa"]);
    check(Syntax::Ecma262, Anchoring::Search, r"\ba", &["a", "éa"], &["ba", "_a"]);
}

#[test]
fn look_around() {
    search(r"^(?=.*\d)(?=.*[a-z]).{3,5}$", &["a1b", "123a5"], &["a1", "abc", "123", "a12345"]);
    search(r"^(?!.*\.\.)[a-z.]+$", &["a.b.c", "a"], &["a..b", ""]);
    search(r"(?<=a)b", &["ab", "xab"], &["b", "cb"]);
    search(r"(?<!a)b", &["b", "cb", "abb"], &["ab"]);
    search(r"^(?:(?!ab).)*$", &["", "ba", "bbaa"], &["ab", "xxabx"]);
    search(r"^(?:a(?=b)|b(?=a|$))+$", &["ab", "abab", "b", "bab"], &["aa", "ba", "a", "bb"]);
    search(r"^(?:a(?!a)|b(?<!bb))*$", &["abab", "", "ba"], &["aa", "abb"]);
    search(r"(?<=^a(?=bc)b)c$", &["abc"], &["abd", "xabc", "abcc"]);
    search(r"^(?=(?!aa)a(?<=a)b?(?=$|c)).*$", &["a", "ab", "ac", "abc", "abcd"], &["aa", "abb", "b"]);
    search(r"^(?!(?=a.c)(?!abc)).*$", &["abc", "ab", "", "abcd"], &["axc", "aac"]);
    search(r"(?=a)", &["a", "ba"], &["b", ""]);
    whole("(?=ab)a(?<=a)b", &["ab"], &["a"]);
    search(r"^(?:(?=aab)a|(?<=a)a|b)*$", &["aab", "b", "aabaab"], &["ab", "aaab", "a"]);
    search(r"^(?=.{1,254}$)(?:[a-z]{1,63}\.?)+$", &["a.b", &"a".repeat(63)], &["", &"a.".repeat(128)]);
}

#[test]
fn what_stays_structural() {
    for pattern in ["abc", "^abc$", "^a|b$", "(^|_)a", "^(?:a|b)$|^c$", "a$b", "(?:^a)", "^a{0,100000}$"] {
        assert!(is_structural(pattern, Anchoring::Search), "{pattern}");
        assert!(is_structural(pattern, Anchoring::Whole), "{pattern}");
    }
    assert!(is_structural(r"(?m)^a\n^b$", Anchoring::Whole));
    assert!(is_structural(r"a\b b", Anchoring::Whole) && is_structural(r"\b\w+\b", Anchoring::Whole));
    assert!(!is_structural(r"\ba", Anchoring::Search));
}

#[test]
fn refusals_name_what_is_refused() {
    use Code::{Duplicate, Invalid, Syntax as Bad, Undefined, Unsatisfiable, Unsupported};
    for syntax in [Syntax::Rust, Syntax::Ecma262] {
        refused(syntax, "ba{,3}", Bad, 2, "count");
        refused(syntax, "a{3,2}", Invalid, 1, "greater");
        refused(syntax, "a{1,99999999999}", Invalid, 1, "too large");
        refused(syntax, "a{1", Bad, 1, "count");
        refused(syntax, "[z-a]", Invalid, 1, "backwards");
        refused(syntax, "a++", Unsupported, 1, "possessive");
        refused(syntax, "a{2}+", Unsupported, 1, "possessive");
        refused(syntax, "a???", Bad, 1, "two quantifiers");
        refused(syntax, "a**", Bad, 1, "two quantifiers");
        refused(syntax, "*a", Bad, 0, "nothing to repeat");
        refused(syntax, "a|{2}", Bad, 2, "nothing to repeat");
        refused(syntax, r"(a)\1", Unsupported, 3, "backreference");
        refused(syntax, r"(?<n>a)\k<n>", Unsupported, 7, "backreference");
        refused(syntax, "(?P=n)", Unsupported, 0, "backreference");
        refused(syntax, "(?>a)", Unsupported, 0, "atomic");
        refused(syntax, "(?(1)a|b)", Unsupported, 0, "conditional");
        refused(syntax, "(?1)", Unsupported, 0, "recursion");
        refused(syntax, "(?#c)", Unsupported, 0, "comment");
        refused(syntax, "(*FAIL)", Unsupported, 0, "verb");
        refused(syntax, "(?-u)a", Unsupported, 3, "`u`");
        refused(syntax, "(?q)a", Bad, 2, "`q`");
        refused(syntax, "(?<n>a)(?<n>b)", Duplicate, 10, "`n`");
        refused(syntax, "(?<1>a)", Bad, 3, "name");
        refused(syntax, "(a", Bad, 0, "not closed");
        refused(syntax, "a)", Bad, 1, "closes nothing");
        refused(syntax, "[a", Bad, 0, "not closed");
        refused(syntax, r"\", Bad, 0, "ends with an escape");
        refused(syntax, r"a\y", Bad, 1, r"`\y`");
        refused(syntax, r"\Z", Unsupported, 0, r"`\Z`");
        refused(syntax, r"\x4", Bad, 0, "hexadecimal");
        refused(syntax, r"\u{110000}", Invalid, 0, "number");
        refused(syntax, r"[\ud800]", Unsupported, 1, "surrogate");
        refused(syntax, r"\p{Nonsense}", Undefined, 0, "property");
        refused(syntax, "(?=a)", Unsatisfiable, 0, "no text");
    }
    refused(Syntax::Rust, "[]", Bad, 0, "empty");
    refused(Syntax::Rust, "[^]", Bad, 0, "empty");
    refused(Syntax::Rust, "[[:nope:]]", Undefined, 1, "POSIX");
    refused(Syntax::Rust, "[a&&[b]", Bad, 0, "not closed");
    refused(Syntax::Rust, r"[\w-a]", Bad, 1, "range");
    refused(Syntax::Rust, r"[\b]", Bad, 1, "boundary");
    refused(Syntax::Rust, "a{x}", Bad, 1, "`{`");
    refused(Syntax::Ecma262, "[]", Unsatisfiable, 0, "no text");
    refused(Syntax::Ecma262, r"\a", Bad, 0, r"`\a`");
    refused(Syntax::Ecma262, r"\A", Unsupported, 0, r"`\A`");
    refused(Syntax::Ecma262, "a^*", Bad, 2, "assertion");
    refused(Syntax::Ecma262, "(?=a)*", Bad, 5, "assertion");
}

#[test]
fn several_problems_at_once() {
    let error = regex::parse(r"a\y\1b\p{No}\p{Nope}", &Options::default(), &Limits::default()).unwrap_err();
    let codes: Vec<Code> = error.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::Syntax, Code::Unsupported, Code::Undefined]);
    let many = r"\y".repeat(1_000);
    assert_eq!(regex::parse(&many, &Options::default(), &Limits::default()).unwrap_err().iter().count(), 20);
}

#[test]
fn limits_hold() {
    let limits = Limits::default();
    let nested = |open: &str, close: &str| format!("{}a{}", open.repeat(60_000), close.repeat(60_000));
    for (open, close) in [("(", ")"), ("[", "]"), ("(?=", ")"), ("(?:a|", ")*")] {
        let error = regex::parse(&nested(open, close), &Options::default(), &limits).unwrap_err();
        let code = error.iter().next().unwrap().code;
        assert!(matches!(code, Code::Limit | Code::Unsupported), "{open}: {error}");
    }
    // As deep as the limit allows, through every stage.
    let deep = format!("{}a{}", "(?:b|".repeat(999), ")*".repeat(999));
    regex::compile(&deep, &Options::default(), &limits).unwrap();
    let parsed = regex::parse(&format!(r"{deep}(?!c)"), &Options::default(), &limits).unwrap();
    regex::to_automaton(&parsed, Anchoring::Search, &mut Budget::new(&limits)).unwrap();

    let small = Limits { states: 1_000, ..Limits::default() };
    let exponential = regex::parse(r"(?:a|b)*a(?:a|b){20}(?!c)c?", &Options::default(), &limits).unwrap();
    let error = regex::to_automaton(&exponential, Anchoring::Whole, &mut Budget::new(&small)).unwrap_err();
    assert_eq!(error.iter().next().unwrap().code, Code::Limit);
    let small = Limits { source_bytes: 10, ..Limits::default() };
    assert!(regex::parse("aaaaaaaaaaa", &Options::default(), &small).is_err());
}

#[test]
fn large_counts_cost_nothing() {
    let grammar =
        regex::compile("^(?:.{0,10000}|[a-z]{4000000000})$", &Options::default(), &Limits::default()).unwrap();
    assert!(grammar.exprs().len() < 12);
}

/// Facts that XGrammar's own tests assert (mlc-ai/xgrammar, Apache-2.0), with Python's `re` where they differ.
#[test]
fn agrees_with_xgrammar() {
    let mut compared = 0;
    for line in include_str!("data/regex-xgrammar.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let pattern = case["pattern"].as_str().unwrap();
        // XGrammar refuses NUL characters, whose meaning is plain: a text with a NUL character.
        if pattern.contains('\0') {
            continue;
        }
        let compiled = regex::compile(pattern, &Options::default(), &Limits::default());
        assert_eq!(compiled.is_err(), case["error"] == true, "{pattern}");
        let Ok(grammar) = compiled else { continue };
        let text = case["text"].as_str().unwrap();
        let accepted = interp::accepts(&grammar, text.as_bytes());
        assert_eq!(accepted, case["accepted"] == true, "{pattern} on {text:?}");
        compared += 1;
    }
    assert_eq!(compared, 77);
}
