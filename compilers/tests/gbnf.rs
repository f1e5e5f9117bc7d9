//! The language of compiled GBNF grammars, judged by the recogniser that defines the meaning of a grammar.

use std::path::Path;

use compilers::diagnostic::{Code, Diagnostics, Place};
use compilers::gbnf::{self, Options, TokenNames};
use grammar_ir::interp::{Recognizer, accepts};
use grammar_ir::{Expr, Grammar, Limits, TokenSet, verify};

fn compile(source: &str) -> Result<Grammar, Diagnostics> {
    gbnf::compile(source, &Options::default(), None, &Limits::default())
}

/// Compiles `source` and checks which texts are words.
#[track_caller]
fn check(source: &str, accepted: &[&str], rejected: &[&str]) {
    let grammar = match compile(source) {
        Ok(grammar) => grammar,
        Err(found) => panic!("{}", found.render("test.gbnf", source)),
    };
    verify(&grammar).unwrap();
    for text in accepted {
        assert!(accepts(&grammar, text.as_bytes()), "{text:?} should be a word of\n{source}");
    }
    for text in rejected {
        assert!(!accepts(&grammar, text.as_bytes()), "{text:?} should be no word of\n{source}");
    }
}

#[track_caller]
fn messages(source: &str) -> Vec<String> {
    compile(source).expect_err(source).iter().map(|found| found.message.clone()).collect()
}

fn corpus(file: &str) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gbnf").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Runs a corpus; the number of verdicts that were checked.
fn run_corpus(file: &str) -> usize {
    let texts = |value: &serde_json::Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut verdicts = 0;
    for case in corpus(file)["grammars"].as_array().unwrap() {
        let source = case["source"].as_str().unwrap();
        let options = Options::default().with_root(case["root"].as_str().unwrap_or("root"));
        let compiled = gbnf::compile(source, &options, None, &Limits::default());
        let grammar = match (compiled, case["error"] == true) {
            (Err(_), true) => {
                verdicts += 1;
                continue;
            }
            (Ok(_), true) => panic!("should not compile:\n{source}"),
            (Err(found), false) => panic!("{}", found.render(file, source)),
            (Ok(grammar), false) => grammar,
        };
        for (text, word) in texts(&case["accept"])
            .into_iter()
            .map(|text| (text, true))
            .chain(texts(&case["reject"]).into_iter().map(|text| (text, false)))
        {
            assert_eq!(accepts(&grammar, text.as_bytes()), word, "{text:?} in\n{source}");
            verdicts += 1;
        }
    }
    verdicts
}

#[test]
fn llama_cpp_grammars() {
    assert_eq!(run_corpus("llama_cpp.json"), 28);
}

#[test]
fn xgrammar_grammars() {
    assert_eq!(run_corpus("xgrammar.json"), 193);
}

#[test]
fn rules_run_on_until_the_next_begins() {
    check("root ::= \"a\" |\n  \"b\"\n    | \"c\"", &["a", "b", "c"], &["", "ab"]);
    check("root ::= (\n\"a\"\n\"b\"\n)\n\"c\"", &["abc"], &["ab"]);
    check("# comment ::= \"x\"\r\nroot ::= # here too\r\n  x y\r\n x ::= \"1\"\r\n\ty ::=\r\n\"2\"", &["12"], &["1"]);
    check("root ::= a\na ::=\n  b\n\nb ::= \"c\"", &["c"], &[""]);
    check("root ::= item(\"x\")\nitem ::= \"y\"", &["yx"], &[]);
}

#[test]
fn names() {
    check(
        "root ::= a.b .c -d _e 3f 12\na.b ::= \"1\"\n.c ::= \"2\"\n-d ::= \"3\"\n_e ::= \"4\"\n3f ::= \"5\"\n12 ::= \"6\"",
        &["123456"],
        &[],
    );
    check("root ::= Token (\"x\")\nToken ::= \"t\"", &["tx"], &["x"]);
}

#[test]
fn empty_alternatives() {
    check("root ::= \"a\" ( | \"b\") () \"c\"", &["ac", "abc"], &["bc"]);
    check("root ::= | \"a\"", &["", "a"], &["aa"]);
    check("root ::=", &[""], &["a"]);
    check("root ::= \"\" | \"a\" \"\"", &["", "a"], &[]);
}

#[test]
fn repetition() {
    check("root ::= \"a\"* \"b\"+ \"c\"?", &["b", "aabbc"], &["", "ac", "bcc"]);
    check("root ::= \"ab\"{2}", &["abab"], &["ab", "ababab"]);
    check("root ::= [ab] {2 , }", &["ab", "abab"], &["a"]);
    check("root ::= \"a\"{,2}", &["", "a", "aa"], &["aaa"]);
    check("root ::= (\"a\" | \"b\"){1,2}", &["a", "ba"], &["", "aaa"]);
    check("root ::= \"a\"{0} \"b\"", &["b"], &["ab"]);
    check("root ::= \"a\"{0,0}", &[""], &["a"]);
    let huge = compile("root ::= .{1000,1000000000}").unwrap();
    assert!(huge.exprs().len() < 10);
}

#[test]
fn characters() {
    check("root ::= .", &["a", "é", "😀", "\r", "\0"], &["\n", "", "ab"]);
    check("root ::= [^]", &["a", "\n", "😀"], &["", "ab"]);
    check("root ::= [^a-c]", &["d", "é"], &["a", "b"]);
    check("root ::= [ぁ-ゟァ-ヿ]+", &["ひらカタ"], &["漢"]);
    check("root ::= \"\\x80\" [\\x80-\\xff]", &["\u{80}é"], &["\u{80}\u{100}"]);
    check("root ::= \"\\ud83d\\ude00\" [\\U0001F600]", &["😀😀"], &[]);
    check("root ::= \"two\nlines\"", &["two\nlines"], &["two"]);
    check("root ::= [-+*/]+ [+-] [a\\-c] [\\]\\[\\^]", &["-+/-c]", "*+a^"], &["*+b^", "bb"]);
    assert!(!accepts(&compile("root ::= \"\\x80\"").unwrap(), b"\x80"));
    assert!(!accepts(&compile("root ::= [^a]").unwrap(), b"\xC3"));
}

#[test]
fn every_kind_of_recursion() {
    check("root ::= root \"+\" root | [0-9]", &["1", "1+2+3"], &["1+", "+"]);
    check(
        "root ::= a \"x\" | \"y\"\na ::= b root\nb ::= \"\" | \"b\"",
        &["y", "yx", "byxx", "bbyxx"],
        &["x", "xy", "byb"],
    );
    check("root ::= \"(\" root \")\" root | \"\"", &["", "()(())"], &["(", ")("]);
    check("root ::= root root | \"a\" | \"\"", &["", "aaaa"], &["b"]);
}

#[test]
fn an_empty_class_matches_nothing() {
    check("root ::= [^\\u0000-\\U0010FFFF] | \"ok\"", &["ok"], &["", "a"]);
    check("root ::= []* \"end\"", &["end"], &["[]end"]);
    assert_eq!(messages("root ::= []"), ["rule `root` can never produce anything"]);
}

struct Names;

impl TokenNames for Names {
    fn token_id(&self, text: &str) -> Option<u32> {
        ["<think>", "</think>", "<|im_end|>"].iter().position(|name| *name == text).map(|id| id as u32 + 100)
    }
}

fn token_sets(grammar: &Grammar) -> Vec<TokenSet> {
    grammar
        .exprs()
        .iter()
        .filter_map(|expr| if let Expr::Token(set) = expr { Some((**set).clone()) } else { None })
        .collect()
}

#[test]
fn token_terminals() {
    let source = "root ::= <think> (!</think>)* </think> <[7]> !<[8]> Token(1, 2) ExcludeToken(3,4)+ <|im_end|>";
    let grammar = gbnf::compile(source, &Options::default(), Some(&Names), &Limits::default()).unwrap();
    assert_eq!(
        token_sets(&grammar),
        [
            TokenSet::of([100]),
            TokenSet::all_but([101]),
            TokenSet::of([101]),
            TokenSet::of([7]),
            TokenSet::all_but([8]),
            TokenSet::of([1, 2]),
            TokenSet::all_but([3, 4]),
            TokenSet::of([102]),
        ]
    );
    let grammar = compile("root ::= \"a\" <[3]> \"b\"").unwrap();
    let mut recognizer = Recognizer::new(&grammar);
    recognizer.push_bytes(b"a");
    assert!(recognizer.push_token(3, b"", false));
    recognizer.push_bytes(b"b");
    assert!(recognizer.is_accepting());
    assert!(!accepts(&grammar, b"a<[3]>b"));
}

#[test]
fn token_terminals_that_mean_nothing() {
    assert_eq!(messages("root ::= <think>"), ["the token `<think>` cannot be looked up without a vocabulary"]);
    let source = "root ::= <thinc>\n  !<[x]>";
    let found = gbnf::compile(source, &Options::default(), Some(&Names), &Limits::default()).unwrap_err();
    let places: Vec<_> = found.iter().map(|it| it.place.clone()).collect();
    assert_eq!(places, [Place::Span(9..16), Place::Span(19..25)]);
    assert!(found.iter().map(|it| it.code).eq([Code::Undefined, Code::Invalid]));
    assert_eq!(messages("root ::= <[]> <[2147483647]> Token(2147483647) Token(2147483646) <[99999999999]>").len(), 4);
}

#[test]
fn unsupported_features_are_refused_by_name() {
    let source = "\
root ::= inner
inner ::= \"a\" (= \"b\" Substring(\"c\"))
tail ::= \"a\" (= inner | (TagDispatch((\"c\", inner))))";
    let found = compile(source).unwrap_err();
    assert!(found.iter().all(|it| it.code == Code::Unsupported));
    let spans: Vec<&str> = found
        .iter()
        .map(|it| match &it.place {
            Place::Span(span) => &source[span.clone()],
            place => panic!("{place:?}"),
        })
        .collect();
    assert_eq!(spans, ["Substring(\"c\")", "TagDispatch((\"c\", inner))"]);
    for (diagnostic, name) in found.iter().zip(["Substring", "TagDispatch"]) {
        assert!(diagnostic.message.contains(name), "{}", diagnostic.message);
    }
}

#[test]
fn tag_dispatch_is_free_text_and_rules() {
    let grammar = compile(
        "root ::= TagDispatch((\"<a>\", inner), (\"<b>\", b), excludes=(\"end\", \"</\"),)\ninner ::= [0-9]+ \";\"\nb ::= \"x\"",
    )
    .unwrap();
    for (text, accepted) in [
        ("", true),
        ("free <a", true),
        ("<a>1;", true),
        ("é<a>12; and <b>x<b>x.", true),
        ("<a>", false),
        ("<a>;", false),
        ("en", true),
        ("the end", false),
        ("<b>x</", false),
        ("<b>y", false),
    ] {
        assert_eq!(accepts(&grammar, text.as_bytes()), accepted, "{text:?}");
    }
    let once = compile("root ::= TagDispatch((\"!\", b), loop_after_dispatch=false) \".\"\nb ::= \"x\"").unwrap();
    assert!(accepts(&once, b"a!x.") && accepts(&once, b"a.") && !accepts(&once, b"a!xb.") && !accepts(&once, b"!."));
    let free = compile("root ::= TagDispatch(excludes=(\"b\"))").unwrap();
    assert!(accepts(&free, b"aca") && !accepts(&free, b"ab"));
}

#[test]
fn token_tag_dispatch_is_tokens_and_rules() {
    let grammar = compile("root ::= TokenTagDispatch((3, b), excludes=(4,))\nb ::= \"x\"").unwrap();
    let reads = |tokens: &[(u32, &str)]| {
        let mut recognizer = grammar_ir::interp::Recognizer::new(&grammar);
        tokens.iter().all(|(id, text)| recognizer.push_token(*id, text.as_bytes(), *id == 9))
            && recognizer.is_accepting()
    };
    assert!(reads(&[]) && reads(&[(5, "any"), (3, ""), (7, "x"), (6, "")]));
    assert!(!reads(&[(4, "a")]) && !reads(&[(3, "")]) && !reads(&[(9, "")]) && !reads(&[(3, ""), (7, "y")]));
}

#[test]
fn regex_macros_match_from_end_to_end() {
    let grammar = compile(r#"root ::= "<" Regex("[a-f]{2,3}|\\d", flags="i") ">""#).unwrap();
    for (text, accepted) in [("<ab>", true), ("<ABC>", true), ("<7>", true), ("<a>", false), ("<abcd>", false)] {
        assert_eq!(accepts(&grammar, text.as_bytes()), accepted, "{text}");
    }
    let inside = compile(r#"root ::= "\"" Regex(".\n?", json_string=true) "\"""#).unwrap();
    assert!(accepts(&inside, br#""\u0041\n""#) && accepts(&inside, br#""\"""#) && !accepts(&inside, b"\"\n\""));
    let dot = compile(r#"root ::= Regex("a.b", flags="s")"#).unwrap();
    assert!(accepts(&dot, b"a\nb"));
}

#[test]
fn substrings_are_runs_of_pieces() {
    let grammar = compile(r#"root ::= "[" Substring("ab", " cd", "ab") "]""#).unwrap();
    for (text, accepted) in [("[]", true), ("[ab cd]", true), ("[ cdab]", true), ("[a]", false), ("[abab]", false)] {
        assert_eq!(accepts(&grammar, text.as_bytes()), accepted, "{text}");
    }
    assert!(accepts(&compile("root ::= Substring()").unwrap(), b""));
}

#[test]
fn arguments_of_macros_are_checked() {
    for (source, parts) in [
        ("root ::= TagDispatch((\"\", b))\nb ::= \"x\"", &["must not be empty"][..]),
        ("root ::= TagDispatch(\"a\", b)\nb ::= \"x\"", &["pair of a literal", "pair of a literal"]),
        ("root ::= TagDispatch((\"a\", c))", &["rule `c` is not defined"]),
        ("root ::= TagDispatch(stop_eos=false)", &["no argument `stop_eos`"]),
        ("root ::= TagDispatch(loop_after_dispatch=1, excludes=\"x\")", &["true or false", "must be a list"]),
        ("root ::= TokenTagDispatch((\"a\", root))", &["the id of a token"]),
        ("root ::= TokenTagDispatch(excludes=(2147483647))", &["the id of a token"]),
        ("root ::= Regex()", &["is missing"]),
        ("root ::= Regex(\"a\", \"b\")", &["one literal"]),
        ("root ::= Regex(\"a\", json_string=1, flags=true)", &["true or false", "must be a literal"]),
        ("root ::= Regex(\"a\", flags=\"q\")", &["no flag `q`"]),
        ("root ::= Regex(\"a(\")", &["of the pattern"]),
        ("root ::= Substring(\"a\", b=true, 1)", &["no named arguments", "must be a literal"]),
    ] {
        let found = messages(source);
        assert_eq!(found.len(), parts.len(), "{source}: {found:?}");
        for (message, part) in found.iter().zip(parts) {
            assert!(message.contains(part), "{source}: {message}");
        }
    }
}

#[test]
fn the_root_is_an_option() {
    let source = "a ::= \"1\"\nb ::= \"2\"";
    let grammar = gbnf::compile(source, &Options::default().with_root("b"), None, &Limits::default()).unwrap();
    assert!(accepts(&grammar, b"2") && !accepts(&grammar, b"1"));
    assert_eq!(grammar.rule(grammar.root()).name, "b");
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| format!("root ::= {}\"a\"{}", "(".repeat(depth), ")".repeat(depth));
    check(&nested(1000), &["a"], &[]);
    let found = compile(&nested(1001)).unwrap_err();
    assert!(found.iter().map(|it| it.code).eq([Code::Limit]));
    assert_eq!(messages(&nested(60_000)), ["nested deeper than the limit of 1000 levels"]);
    assert_eq!(messages(&format!("root ::= {}", "(".repeat(60_000))).len(), 1);
    let limits = Limits { nesting: usize::MAX, ..Limits::default() };
    for bracket in ["(", "(\"b\" ", "(\"b\" | "] {
        let deep = format!("root ::= {}\"a\"{}", bracket.repeat(60_000), ")".repeat(60_000));
        let grammar = gbnf::compile(&deep, &Options::default(), None, &limits).unwrap();
        assert!(grammar.exprs().len() < 10, "{bracket}");
    }
    // A quantifier keeps every level apart.
    let deep = format!("root ::= {}\"a\"{}", "(\"b\" ".repeat(20_000), ")?".repeat(20_000));
    gbnf::compile(&deep, &Options::default(), None, &limits).unwrap();
}

#[test]
fn the_length_of_a_source_is_limited() {
    let limits = Limits { source_bytes: 20, ..Limits::default() };
    let at = |source: &str| gbnf::compile(source, &Options::default(), None, &limits).map_err(|it| it.to_string());
    assert!(at("root ::= \"123456789\"").is_ok());
    assert_eq!(at("root ::= \"1234567890\"").unwrap_err(), "the source is longer than the limit of 20 bytes");
}

#[test]
fn expressions_are_limited() {
    let limits = Limits { expressions: 100, ..Limits::default() };
    for source in [
        format!("root ::= {}", "\"a\" ".repeat(200)),
        format!("root ::= {}", "|".repeat(200)),
        format!("root ::= {}", "()".repeat(200)),
        (0..200).map(|index| format!("r{index} ::= \n")).collect(),
        format!("root ::= {}", "(\"a\" | ".repeat(200) + &")".repeat(200)),
    ] {
        let found = gbnf::compile(&source, &Options::default(), None, &limits).unwrap_err();
        assert_eq!(found.iter().map(|it| it.code).collect::<Vec<_>>(), [Code::Limit], "{source}");
    }
}

#[test]
fn large_sources_are_answered() {
    let long = "é\\n".repeat(250_000);
    let grammar = compile(&format!("root ::= \"{long}\"")).unwrap();
    assert!(accepts(&compile("root ::= \"é\\n\"").unwrap(), "é\n".as_bytes()));
    assert!(grammar.exprs().iter().any(|expr| matches!(expr, Expr::Bytes(bytes) if bytes.len() == 750_000)));

    let chain: String = (0..10_000).map(|index| format!("r{index} ::= \"x\" r{}\n", index + 1)).collect();
    assert_eq!(compile(&format!("root ::= r0\n{chain}r10000 ::= \"\"")).unwrap().rules().len(), 10_002);

    // Skipped text must not cost stack.
    assert!(compile(&format!("root ::= {} \"a\"", "# c\n \n".repeat(500_000))).is_ok());

    // Each of these would be quadratic if the lexer looked through the rest of the source again and again.
    let megabyte = 1_000_000;
    for line in ["\\\"\n", "a ::= \"\\\"\n", "[\\]\n", "<", "a ::= @\n", "a ::= (\n", "a ::= \"b\" c d e\n", "x\n"] {
        assert!(compile(&line.repeat(megabyte / line.len())).is_err(), "{line:?}");
    }
    let run = |piece: &str| compile(&format!("root ::= {}", piece.repeat(megabyte / piece.len())));
    assert!(run(".").is_ok() && run("\"a\"|").is_ok() && run("1").is_err() && run("!").is_err());
}

#[test]
fn the_number_of_diagnostics_is_limited() {
    let found = messages(&"a ::= @\n".repeat(1000));
    assert_eq!(found.len(), 101);
    assert_eq!(found[100], "more than 100 problems; the source is not read beyond this");
    let found = messages(&format!("root ::= {}", (0..1000).map(|index| format!("r{index} ")).collect::<String>()));
    assert_eq!(found.len(), 100);
}

#[test]
fn a_literal_without_its_quote_does_not_hide_later_rules() {
    let found = compile("root ::= \"a b\nb ::= \"x\"\nc ::= \"y\" ++").unwrap_err();
    let places: Vec<_> = found.iter().map(|it| it.place.clone()).collect();
    assert_eq!(places, [Place::Span(9..10), Place::Span(35..36)]);
}

#[test]
fn a_compile_can_be_cancelled() {
    let limits = Limits { cancel: Some(std::sync::Arc::new(true.into())), ..Limits::default() };
    let source = format!("root ::= {}", "a ".repeat(5_000));
    let found = gbnf::compile(&source, &Options::default(), None, &limits).unwrap_err();
    assert_eq!(found.to_string(), "compiling was cancelled");
}

#[test]
fn attributes_that_do_not_exist() {
    assert_eq!(messages("root[max_tokns=3] ::= \"x\""), ["unknown rule attribute"]);
}

#[test]
fn a_checkout_does_not_change_the_meaning() {
    let source = "root ::=\n  \"a\nb\"\n  [\n-\\r]\n";
    let grammar = compile(source).unwrap();
    assert_eq!(compile(&source.replace('\n', "\r\n")).unwrap(), grammar);
    assert!(accepts(&grammar, b"a\nb\n"));
}

#[test]
fn ids_that_no_token_has() {
    struct Four;
    impl TokenNames for Four {
        fn token_id(&self, _: &str) -> Option<u32> {
            None
        }
        fn has_token(&self, id: u32) -> bool {
            id < 4
        }
    }
    let source = "root ::= <[3]> <[4]> Token(1, 5, 6) !<[7]>";
    let found = gbnf::compile(source, &Options::default(), Some(&Four), &Limits::default()).unwrap_err();
    let places: Vec<_> = found.iter().map(|it| (it.message.clone(), it.place.clone())).collect();
    let message = |id| format!("the vocabulary has no token {id}");
    assert_eq!(
        places,
        [(message(4), Place::Span(15..20)), (message(5), Place::Span(21..35)), (message(7), Place::Span(36..42))]
    );
}

#[test]
fn the_tree_of_a_deep_grammar_is_linear() {
    let nested = |levels: usize| format!("root ::= {}\"a\"{}", "(\"b\" | (".repeat(levels), ")*)".repeat(levels));
    let limits = Limits { nesting: 100_000, ..Limits::default() };
    let tree = gbnf::parse(&nested(20_000), &limits).unwrap().to_string();
    assert!(tree.len() < 20_000 * 3 * 120, "{}", tree.len());
    assert!(gbnf::parse("root ::= (", &limits).is_err());
}
