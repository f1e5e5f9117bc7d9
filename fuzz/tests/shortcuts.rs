//! Masks where one shortcut of the mask engine meets another, against trying every token.
//!
//! Each has been wrong once. The vocabularies are large enough for the shortcuts to be taken with the usual thresholds, or the
//! thresholds are the least.

use std::sync::Arc;

use compilers::{gbnf, json_schema};
use grammar_ir::{Grammar, Limits, text};
use grammarc_fuzz::trials::wrong_bits;
use mask_runtime::{Thresholds, Token, Tokenizer, Vocabulary};

/// Every byte, and `texts`.
fn tokenizer(texts: impl IntoIterator<Item = String>) -> Arc<Tokenizer> {
    tokenizer_with(texts, Thresholds::USUAL)
}

fn tokenizer_with(texts: impl IntoIterator<Item = String>, thresholds: Thresholds) -> Arc<Tokenizer> {
    let mut texts: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    texts.extend((0..=u8::MAX).map(|byte| vec![byte]));
    texts.retain(|text| !text.is_empty());
    texts.sort();
    texts.dedup();
    let vocabulary = Vocabulary::from_tokens(texts.into_iter().map(Token::Text)).expect("valid");
    Tokenizer::with_thresholds(vocabulary, thresholds)
}

/// All texts of `least` to `most` of `characters`.
fn texts_of(characters: &str, least: usize, most: usize) -> Vec<String> {
    let mut level = vec![String::new()];
    let mut texts = if least == 0 { level.clone() } else { Vec::new() };
    for length in 1..=most {
        level = level.iter().flat_map(|text| characters.chars().map(move |next| format!("{text}{next}"))).collect();
        if length >= least {
            texts.extend_from_slice(&level);
        }
    }
    texts
}

fn of_schema(schema: &str) -> Grammar {
    json_schema::compile(schema, &json_schema::Options::default(), &Limits::default()).expect(schema).grammar
}

fn of_gbnf(source: &str) -> Grammar {
    gbnf::compile(source, &gbnf::Options::default(), None, &Limits::default()).expect(source)
}

fn of_ir(source: &str) -> Grammar {
    text::parse(source).expect(source)
}

#[track_caller]
fn masks_are_exact(tokenizer: &Arc<Tokenizer>, grammar: &Grammar, text: &str) {
    let wrong = wrong_bits(tokenizer, grammar, text);
    assert!(wrong.is_empty(), "{} bits, among them {:#?}", wrong.len(), &wrong[..wrong.len().min(8)]);
}

/// One way to read a token has set its bits at a place above, or before the walk; what remains is then corrected no more by
/// clearing.
#[test]
fn a_correction_clears_nothing_of_another_head() {
    let words = ["", "a", "ab", "abn", "abname", "abname!", "name", "b", "n"];
    let ends = [
        "", "a", "b", "c", "d", "e", "!", "!x", "!!", "?", "?x", "x", "y", "z", "\"", "Z", "Z\"", "Zx", "name!",
        "name!x", "zz", "q", "r", "s", "t", "u",
    ];
    let mut texts = Vec::new();
    for quote in ["", "\"", "x\""] {
        for word in words {
            texts.extend(ends.map(|end| format!("{quote}{word}{end}")));
        }
    }
    let tokenizer = tokenizer(texts);
    for source in [
        r##"root ::= "\"" [^"]{0,3000} "\"" | "\"ab" ("name!" | [a-z]* "?")"##,
        "root ::= \"\\\"\" text \"\\\"\" | \"\\\"ab\" (\"name!\" | [a-z]* \"?\")\ntext ::= [^\"] text?",
    ] {
        masks_are_exact(&tokenizer, &of_gbnf(source), "\"abname!");
    }
    for schema in [
        r#"{"anyOf": [{"type": "string", "maxLength": 3000}, {"type": "string", "pattern": "^ab(name!|[a-z]*Z)$"}]}"#,
        r#"{"anyOf": [{"type": "string", "maxLength": 3000, "minLength": 2}, {"enum": ["abname!", "abx"]},
            {"type": "string", "pattern": "^ab(name!|[a-z]*Z)$", "maxLength": 4000}]}"#,
    ] {
        masks_are_exact(&tokenizer, &of_schema(schema), "\"abname!\"");
    }
}

/// The part that can be trapped is an item of the outer list; what reads its characters is called for the inner one.
#[test]
fn a_part_can_be_trapped_below_what_reads_it() {
    let hexadecimal = "0123456789abcdef";
    let mut texts = texts_of(hexadecimal, 0, 3);
    for text in texts_of(hexadecimal, 0, 2) {
        texts.extend(["\"", ",\"", "[\"", " \""].map(|before| format!("{before}{text}")));
        texts.extend(["\"", ",\"", "[\"", " \""].map(|before| format!("{before}{text}\"")));
        texts.extend(["\"", "\",", "\",\"", "\":"].map(|after| format!("{text}{after}")));
    }
    let tokenizer = tokenizer(texts);
    let schema = |item: &str| {
        let others = ["b", "c", "d", "e"].map(|key| format!(r##""{key}": {{"$ref": "#/$defs/h"}}"##)).join(", ");
        of_schema(&format!(
            r##"{{"type": "object", "required": ["a", "b", "c", "d", "e"], "additionalProperties": false,
                "properties": {{"a": {{"type": "array", "uniqueItems": true, "items": {item}}}, {others}}},
                "$defs": {{"h": {{"type": "string", "pattern": "^[0-9a-f]{{2}}$"}}}}}}"##
        ))
    };
    let items = |open: &str, close: &str| {
        let item = |digit: char| format!("{open}\"a{digit}\"{close}");
        hexadecimal.chars().map(item).collect::<Vec<_>>().join(",")
    };
    let inner = r##"{"type": "array", "minItems": 1, "maxItems": 1, "items": {"$ref": "#/$defs/h"}}"##;
    masks_are_exact(&tokenizer, &schema(inner), &format!("{{\"a\":[{},", items("[", "]")));
    let plain = r##"{"$ref": "#/$defs/h"}"##;
    masks_are_exact(&tokenizer, &schema(plain), &format!("{{\"a\":[{},", items("", "")));
}

/// A byte on which a state differs from its base ends a part that was seen before.
#[test]
fn a_correction_may_depend_on_values_seen() {
    let ends = ["", ">", ";", ">,", ">]", ";,", "a>,", "a>]", ">,<", ">,<a>,", "aa", "a;"];
    let texts = ('a'..='z')
        .flat_map(|letter| ends.iter().flat_map(move |end| ["", ","].map(|before| format!("{before}<{letter}{end}"))));
    let tokenizer = tokenizer(texts);
    for second in ["", "distinct "] {
        let grammar = of_ir(&format!(
            r#"$item = %0("<" "a"+ ">") | %1("<" [a-z>]+ ";") ;
               root = %scope {{ 0: distinct ; 1: {second}; }} ("[" ($item ("," $item)*)? %close("]")) ;"#
        ));
        masks_are_exact(&tokenizer, &grammar, "[<a>,<aa>,<b;,<aaa>");
    }
}

/// A byte counts in the base and not in the state next to it: below it the two agree on the state and not on the count.
#[test]
fn a_correction_goes_on_only_with_equal_counts() {
    let tokenizer = tokenizer(texts_of("abcdef", 1, 4));
    for (states, text) in [
        ("(1,2) { 0: <61>+ -> 1, <62-7a> -> 1 ; 1*: <61>+ -> 0, <62-7a>+ -> 1 ; }", "ba"),
        (
            "(0,2) { 0: <61>+ -> 0, <62-7a> -> 1 ; 1*: <61>+ -> 1, <62-7a>+ -> 3 ; 2: ; 3: <61> -> 1, <62-7a>+ -> 0 ; }",
            "bb",
        ),
        (
            "(2,5) { 0: <62-7a>+ -> 3 ; 1*: <62-7a>+ -> 1, <61>+ -> 3 ; 2: <62-7a>+ -> 2, <61>+ -> 0 ; 3: <62-7a> -> 1, <61>+ -> 2 ; }",
            "bbabb",
        ),
    ] {
        masks_are_exact(&tokenizer, &of_ir(&format!("%start r0; r0 = %automaton{states} ;")), text);
    }
}

/// What is called returns after one character only if it has counted enough.
#[test]
fn a_loop_by_a_call_returns_each_time() {
    let tokenizer = tokenizer(texts_of("abcdef", 1, 4));
    for repeat in ["{0,3}", "{0,300}", "*"] {
        let source =
            format!(r#"%start r0; r0 = %automaton(1,2) {{ 0: <61>+ -> 0, <62-7a> -> 2 ; 1: ; 2*: ; }}{repeat} "!" ;"#);
        masks_are_exact(&tokenizer, &of_ir(&source), "abab");
    }
}

/// One of two ways to read a token repeats a value; what that way allows further on is not allowed.
#[test]
fn a_repeated_value_takes_only_its_own_way_along() {
    let tokenizer = tokenizer(["bb", "ab", "aa", "abb", "ba", "bba"].map(str::to_owned));
    let grammar = of_ir(
        r#"$item = %0("c") | %1("a") | %2("a"+ "b") ;
           root = %scope { 0: distinct ; 1: distinct ; 2: distinct ; } (($item ("b" $item)*)? %close("c")) ;"#,
    );
    masks_are_exact(&tokenizer, &grammar, "abba");
}

/// What leaves a loop may need more characters than it has itself, so that the greatest count is met before it is reached.
#[test]
fn what_leaves_a_loop_has_to_be_completed_within_the_limit() {
    let long = (4..24).flat_map(|length| ["b", "bc", "bb", "c"].map(|end| "a".repeat(length) + end));
    let tokenizer = tokenizer(texts_of("abc\"", 1, 3).into_iter().chain(long));
    let source = "%start r0; r0 = %automaton(1,20) { 0: <61>+ -> 1, <62>+ -> 0, <63-7a>+ -> 1 ; 1*: <61>+ -> 1, <62>+ -> 0, <63-7a>+ -> 1 ; } ;";
    masks_are_exact(&tokenizer, &of_ir(source), &"a".repeat(20));
    let schema = of_schema(r#"{"type": "string", "pattern": "^([^b]|bc)*$", "maxLength": 40}"#);
    masks_are_exact(&tokenizer, &schema, &format!("\"{}\"", "a".repeat(40)));
}

/// Lists run out of values: what is begun must be able to become one that is left, whether that is told from the masks that are kept
/// or along the values seen.
#[test]
fn items_that_run_out_are_not_begun() {
    let tokenizer = tokenizer(texts_of("ab\",[]{}:", 1, 3));
    for (items, text) in [
        (r#"{"enum": ["a", "ab", "b", "aab"]}"#, r#"["ab","b","a","aab"]"#),
        (r#"{"enum": [["a"], ["a", "b"], {"a": "b"}, {"b": "a"}, {}]}"#, r#"[["a"],{"b":"a"},["a","b"],{},{"a":"b"}]"#),
        (
            r#"{"type": "object", "properties": {"a": {"enum": ["a", "b"]}, "b": {"const": "b"}}, "additionalProperties": false}"#,
            r#"[{"a":"a"},{},{"a":"a","b":"b"},{"b":"b"},{"a":"b"},{"a":"b","b":"b"}]"#,
        ),
        (
            r#"{"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": true, "minItems": 1}"#,
            r#"[["a"],["b","a"],["b"],["a","b"]]"#,
        ),
    ] {
        let schema = format!(r#"{{"type": "array", "uniqueItems": true, "items": {items}}}"#);
        masks_are_exact(&tokenizer, &of_schema(&schema), text);
        let with_least = format!(r#"{{"type": "array", "uniqueItems": true, "minItems": 3, "items": {items}}}"#);
        masks_are_exact(&tokenizer, &of_schema(&with_least), text);
    }
}

/// The part that a token ends is what the next one has to differ from, and may leave no other value for it.
#[test]
fn a_part_that_ends_may_trap_the_next_one() {
    let tokenizer = tokenizer(texts_of("xy\",[]", 1, 4));
    let grammar = of_ir(
        r#"$item = %0("\"" [a-z]* "\"") | %1("\"\\u0078\"") ;
           root = %scope { total {2,} ; tally {0,1} ; 0: tally 0, distinct ; 1: distinct ; } ("[" ($item ("," $item)*)? %close("]")) ;"#,
    );
    masks_are_exact(&tokenizer, &grammar, r#"["xy","\u0078"]"#);
    masks_are_exact(&tokenizer, &grammar, r#"["\u0078","xy"]"#);
}

/// In a string there is always another value only as long as it goes on as the string does, not along what may be read beside it.
#[test]
fn a_string_without_end_beside_four_letters() {
    let mut texts = texts_of("ab", 1, 4);
    texts.extend(texts_of("ab", 0, 4).into_iter().map(|text| format!("\",\"{text}")));
    texts.extend(('a'..='z').flat_map(|letter| ["", "\"", ",\"", "\",\""].map(|before| format!("{before}{letter}"))));
    let tokenizer = tokenizer(texts);
    let pattern = "^(a[a-z]{3}|[b-z][a-z]*)$";
    let plain = format!(r#"{{"type": "string", "pattern": "{pattern}"}}"#);
    let any_of = r##"{"anyOf": [{"$ref": "#/$defs/four"}, {"type": "string", "pattern": "^[b-z][a-z]*$"}]},
        "$defs": {"four": {"type": "string", "pattern": "^a[a-z]{3}$"}}"##;
    for items in [plain.as_str(), any_of] {
        let schema = of_schema(&format!(r#"{{"type": "array", "uniqueItems": true, "items": {items}}}"#));
        masks_are_exact(&tokenizer, &schema, r#"["aaaa","b"#);
    }
}

/// A part that begins with a call has begun in the token, wherever the call was entered.
#[test]
fn a_part_that_begins_with_a_call() {
    let letters: Vec<String> = ('a'..='m').map(String::from).collect();
    let mut texts = texts_of("a0b!,", 1, 4);
    texts.extend(texts_of("0123456789abcdef", 1, 2));
    texts.extend(texts_of("abc(!", 1, 4));
    texts.extend(letters.iter().flat_map(|letter| ["!", "!,", "b", "bc!"].map(|end| format!("{letter}{end}"))));
    let tokenizer = tokenizer_with(texts, Thresholds::LEAST);
    for (part, text) in [
        (r#"[0-9a-f] [0-9a-f] "!""#, "[a0!,a1!,"),
        (r#"[a-m]{4} "!""#, "[abab!,aaaa!,"),
        (r#"[a-z]* ("!" | "(" w ")")"#, "[b!,c!,"),
    ] {
        let grammar = of_ir(&format!(
            r#"w %capture("x") = {part} ;
               root = %scope {{ 0: distinct ; }} ("[" %0(w) ("," %0(w))* %close("]")) ;"#
        ));
        masks_are_exact(&tokenizer, &grammar, text);
    }
}

/// Whether parts can be trapped at all depends on what has been seen anywhere.
#[test]
fn a_mask_is_kept_for_when_nothing_has_been_seen() {
    let tokenizer = tokenizer(Vec::new());
    let grammar = of_ir(
        r#"sa = "(" sa ")" | "1!" ; sb = "(" sb ")" | "2!" ; $item = sa %0("aa") | sb %0("bb") ;
           root = %scope { 0: distinct ; } ("[" ($item ("," $item)*)? %close("]")) ;"#,
    );
    masks_are_exact(&tokenizer, &grammar, "[(1!)aa,((");
}

/// What a value is compared with may have ended in the same token, and begun before it.
#[test]
fn a_part_that_ends_in_a_token_is_a_value_there() {
    let tokenizer = tokenizer(texts_of("a\",", 1, 6));
    let schema = of_schema(r#"{"type": "array", "uniqueItems": true, "items": {"type": "string"}}"#);
    masks_are_exact(&tokenizer, &schema, r#"["aa","a","aaa","#);
}

/// Masks are shared between counts from which no token comes to the end of a list, and only between these.
#[test]
fn a_list_near_its_end() {
    let tokenizer = tokenizer(texts_of("1,", 1, 7).into_iter().chain([",[]".to_owned(), " , ".to_owned()]));
    let list =
        |items: &str| of_schema(&format!(r#"{{"type": "array", "maxItems": 40, "minItems": 30, "items": {items}}}"#));
    let text = |item: &str| format!("[{}]", vec![item; 40].join(","));
    masks_are_exact(&tokenizer, &list(r#"{"enum": [1, 11]}"#), &text("1"));
    let lists = r#"{"type": "array", "maxItems": 20, "items": {"const": 1}}"#;
    masks_are_exact(&tokenizer, &list(lists), &text("[1,1]"));
}
