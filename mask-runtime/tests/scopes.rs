//! Scopes at run time: every mask is what accepting the tokens one by one says, what is accepted obeys the rules, and no
//! configuration is a dead end.

use std::sync::Arc;

use grammar_ir::{
    ByteSet, CharSet, Element, ElementOrder, ExprId, Grammar, GrammarBuilder, Limits, Mark, ScopeRules, Tally, verify,
};
use mask_runtime::{CompiledGrammar, Matcher, Token, Tokenizer, Vocabulary, bitmask};

/// A grammar of objects over `members`, each a key (as JSON text, or any string of letters) with its element.
fn objects(rules: ScopeRules, members: &[(Option<&str>, u32, &str)]) -> Grammar {
    objects_of('d', rules, members)
}

/// The same with keys of letters from `a` to `last`.
fn objects_of(last: char, rules: ScopeRules, members: &[(Option<&str>, u32, &str)]) -> Grammar {
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let mut arms = Vec::new();
    for &(key, element, value) in members {
        let key = match key {
            Some(key) => builder.literal(key),
            None => {
                let letters = builder.class(CharSet::range('a', last));
                let inside = builder.repeat(letters, 0, None);
                let quote = builder.literal("\"");
                builder.sequence([quote, inside, quote])
            }
        };
        let key = builder.marked(Mark::Element(element), key);
        let rest = builder.literal(&format!(":{value}"));
        arms.push(builder.sequence([key, rest]));
    }
    let member = builder.choice(arms);
    finish(builder, root, member, "{", "}", rules)
}

fn finish(
    mut builder: GrammarBuilder,
    root: grammar_ir::RuleId,
    item: ExprId,
    open: &str,
    close: &str,
    rules: ScopeRules,
) -> Grammar {
    let comma = builder.literal(",");
    let another = builder.sequence([comma, item]);
    let others = builder.repeat(another, 0, None);
    let items = builder.sequence([item, others]);
    let items = builder.optional(items);
    let (open, close) = (builder.literal(open), builder.literal(close));
    let close = builder.marked(Mark::Close, close);
    let body = builder.sequence([open, items, close]);
    let scope = builder.scope(body, rules);
    builder.define(root, scope);
    let grammar = builder.finish(root).unwrap();
    verify(&grammar).unwrap();
    grammar
}

fn element(slot: Option<u32>, distinct: bool) -> Element {
    Element { slot, tallies: 0, distinct }
}

fn rules(elements: Vec<Element>, required: &[bool], order: ElementOrder, min: u32, max: Option<u32>) -> ScopeRules {
    ScopeRules { elements: elements.into(), required: required.into(), order, min, max, tallies: Box::new([]) }
}

fn compile(grammar: &Grammar, tokens: &[&str]) -> Arc<CompiledGrammar> {
    let bytes = (b' '..=b'~').map(|byte| Token::Text(vec![byte]));
    let tokens = tokens.iter().map(|token| Token::Text(token.as_bytes().to_vec()));
    let vocabulary = Vocabulary::from_tokens(bytes.chain(tokens).chain([Token::Special("</s>".into())])).unwrap();
    let stop = vocabulary.size() as u32 - 1;
    let vocabulary = vocabulary.with_stop_tokens([stop]).unwrap();
    CompiledGrammar::new(grammar, Tokenizer::new(vocabulary), &Limits::default()).unwrap()
}

/// Every mask along all paths of up to `depth` tokens is what accepting says; answers with the complete texts.
fn explore(grammar: &Arc<CompiledGrammar>, depth: usize) -> Vec<String> {
    let mut texts = Vec::new();
    let mut work = vec![(Matcher::new(Arc::clone(grammar)), String::new(), 0)];
    while let Some((mut matcher, text, length)) = work.pop() {
        let mut row = matcher.row();
        matcher.fill(&mut row).unwrap_or_else(|error| panic!("after `{text}`: {error}"));
        if matcher.is_complete() {
            texts.push(text.clone());
        }
        let next = matcher.next_bytes();
        let vocabulary = grammar.vocabulary();
        let mut starts = ByteSet::EMPTY;
        for token in 0..vocabulary.size() as u32 {
            let mut after = matcher.fork();
            let accepted = after.accept_token(token).is_ok();
            let bytes = vocabulary.bytes(token);
            assert_eq!(bitmask::contains(&row, token), accepted, "after `{text}`, token {token} {bytes:?}");
            if accepted && !vocabulary.is_stop(token) {
                if let [byte] = bytes {
                    starts.insert_range(*byte, *byte);
                }
                after.rollback(1).unwrap();
                let mut again = after.row();
                after.fill(&mut again).unwrap();
                assert_eq!(row, again, "after `{text}`, token {token} taken back");
                if length < depth {
                    after.accept_token(token).unwrap();
                    let text = format!("{text}{}", String::from_utf8_lossy(bytes));
                    work.push((after, text, length + 1));
                }
            }
        }
        assert_eq!(starts, next, "after `{text}`");
    }
    texts.sort();
    texts.dedup();
    texts
}

fn accepts(grammar: &Arc<CompiledGrammar>, text: &str) -> bool {
    let mut matcher = Matcher::new(Arc::clone(grammar));
    matcher.accept_bytes(text.as_bytes()).is_ok() && matcher.is_complete()
}

/// How far a text can be read.
fn reach(grammar: &Arc<CompiledGrammar>, text: &str) -> usize {
    let mut matcher = Matcher::new(Arc::clone(grammar));
    (0..text.len()).take_while(|&at| matcher.accept_bytes(&text.as_bytes()[at..=at]).is_ok()).count()
}

#[test]
fn members_in_any_order() {
    let members = [(Some("\"a\""), 0, "1"), (Some("\"ab\""), 1, "2"), (Some("\"c\""), 2, "3")];
    let elements = (0..3).map(|slot| element(Some(slot), false)).collect();
    let grammar = objects(rules(elements, &[true, false, true], ElementOrder::Any, 0, None), &members);
    let grammar = compile(&grammar, &["\"a", "{\"", ",\"", "\":", "1,\"c\":3", "b\":2"]);
    for text in ["{\"a\":1,\"c\":3}", "{\"c\":3,\"a\":1}", "{\"ab\":2,\"c\":3,\"a\":1}"] {
        assert!(accepts(&grammar, text), "{text}");
    }
    assert_eq!(reach(&grammar, "{}"), 1);
    assert_eq!(reach(&grammar, "{\"a\":1}"), 6);
    assert_eq!(reach(&grammar, "{\"a\":1,\"a\":1"), "{\"a\":1,\"a".len());
    assert_eq!(reach(&grammar, "{\"a\":1,\"c\":3,\"c"), "{\"a\":1,\"c\":3,\"".len());
    let texts = explore(&grammar, 6);
    assert!(texts.contains(&"{\"c\":3,\"a\":1}".to_owned()) || !texts.is_empty());
}

#[test]
fn members_in_the_order_of_slots() {
    let members = [(Some("\"a\""), 0, "1"), (Some("\"b\""), 1, "2"), (None, 2, "3")];
    let elements = vec![element(Some(0), false), element(Some(1), false), element(None, true)];
    let mut builder_members = members;
    builder_members[2].0 = Some("\"x\"");
    let grammar = objects(rules(elements, &[false, true], ElementOrder::Slots, 0, Some(3)), &builder_members);
    let grammar = compile(&grammar, &["\"b\":2", "{\"a\"", "\"x\":3"]);
    for text in ["{\"b\":2}", "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2,\"x\":3}"] {
        assert!(accepts(&grammar, text), "{text}");
    }
    assert_eq!(reach(&grammar, "{\"b\":2,\"a"), "{\"b\":2,\"".len());
    assert_eq!(reach(&grammar, "{\"x"), 2);
    assert_eq!(reach(&grammar, "{\"b\":2,\"x\":3,\"x"), "{\"b\":2,\"x\":3".len(), "the only other key has been used");
    explore(&grammar, 6);
}

#[test]
fn required_members_reserve_places() {
    let members = [(Some("\"a\""), 0, "1"), (Some("\"b\""), 1, "1"), (None, 2, "1")];
    let elements = vec![element(Some(0), false), element(Some(1), false), element(None, true)];
    let distinct_from_names = objects(
        rules(elements, &[true, true], ElementOrder::Any, 0, Some(2)),
        &[members[0], members[1], (Some("\"x\""), 2, "1")],
    );
    let grammar = compile(&distinct_from_names, &["{\"x", "\"a\":1,\"", "\",\""]);
    assert!(accepts(&grammar, "{\"b\":1,\"a\":1}"));
    assert_eq!(reach(&grammar, "{\"x"), 2);
    explore(&grammar, 5);
}

#[test]
fn free_keys_are_distinct() {
    // Keys of many letters are texts, which are not walked letter by letter.
    for last in ['d', 'n'] {
        let rules = rules(vec![element(None, true)], &[], ElementOrder::Any, 2, Some(3));
        let grammar = objects_of(last, rules, &[(None, 0, "1")]);
        let tokens = ["{\"", "ab", "abc", "\":1", "\":1,\"", "a\":1,\"a\":1", "b\":1,\"b\":1,\"", ",\"a\"", "\":1}"];
        let grammar = compile(&grammar, &tokens);
        assert!(accepts(&grammar, "{\"a\":1,\"b\":1}"));
        assert!(accepts(&grammar, "{\"a\":1,\"ab\":1,\"\":1}"));
        assert_eq!(reach(&grammar, "{\"a\":1,\"a\""), "{\"a\":1,\"a".len());
        assert_eq!(reach(&grammar, "{\"a\":1}"), 6);
        explore(&grammar, 4);
    }
}

#[test]
fn items_are_distinct_by_value_and_never_trapped() {
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let item = builder.declare("item");
    // `"ab"`, `"c"` with as many `d` as one likes, 1 with up to two zeros behind the point, and numbers from 20 to 29.
    let words = ["\"ab\"", "\"a\\u0062\""].map(|word| builder.literal(word));
    let (c, d, quote) = (builder.literal("\"c"), builder.literal("d"), builder.literal("\""));
    let ds = builder.repeat(d, 0, None);
    let many = builder.sequence([c, ds, quote]);
    let (one, zero, two) = (builder.literal("1"), builder.literal("0"), builder.literal("2"));
    let point = builder.literal(".");
    let zeros = builder.repeat(zero, 1, Some(2));
    let fraction = builder.sequence([point, zeros]);
    let fraction = builder.optional(fraction);
    let ones = builder.sequence([one, fraction]);
    let digit = builder.class(CharSet::range('0', '9'));
    let twenties = builder.sequence([two, digit]);
    let body = builder.choice([words[0], words[1], many, ones, twenties]);
    builder.define(item, body);
    let item = builder.rule(item);
    let item = builder.marked(Mark::Element(0), item);
    let grammar =
        finish(builder, root, item, "[", "]", rules(vec![element(None, true)], &[], ElementOrder::Any, 0, None));
    let grammar = compile(&grammar, &["[1", "1,", "\"a", "\"c", "cd", ",\"", "1.0", "0,1", "[\"ab\"", "\",\"c", "2]"]);
    assert!(accepts(&grammar, "[1,\"ab\",\"c\",\"cd\",20,21]"));
    assert!(!accepts(&grammar, "[1,1]"));
    assert_eq!(reach(&grammar, "[1,1"), 3, "nothing but 1 begins with 1");
    assert_eq!(reach(&grammar, "[\"ab\",\"a"), "[\"ab\",\"".len());
    assert_eq!(reach(&grammar, "[\"a\\u0062\",\"a"), "[\"a\\u0062\",\"".len());
    assert_eq!(reach(&grammar, "[20,20"), "[20,2".len());
    assert!(accepts(&grammar, "[20,29,21,22,23,24,25,26,27,28]"));
    assert_eq!(reach(&grammar, "[20,21,22,23,24,25,26,27,28,29,2"), "[20,21,22,23,24,25,26,27,28,29,".len());
    explore(&grammar, 4);
}

/// Blanks and the zeros of a fraction can be repeated without end, and make no new item.
#[test]
fn loops_that_change_no_value_make_no_new_item() {
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let mut any_number_of = |text: &str| {
        let text = builder.literal(text);
        builder.repeat(text, 0, None)
    };
    let (blanks, zeros) = (any_number_of(" "), any_number_of("0"));
    let [open, close, number, truth, falsehood] = ["[", "]", "1.", "true", "false"].map(|text| builder.literal(text));
    let word = builder.choice([truth, falsehood]);
    let words = builder.sequence([open, blanks, word, blanks, close]);
    let zero = builder.literal("0");
    let one = builder.sequence([open, number, zero, zeros, close]);
    let item = builder.choice([words, one]);
    let item = builder.marked(Mark::Element(0), item);
    let grammar =
        finish(builder, root, item, "[", "]", rules(vec![element(None, true)], &[], ElementOrder::Any, 2, Some(3)));
    let grammar = compile(&grammar, &["[[", "],[", "[ ", "[t", "tr", "[1.", "00", "e ]", "]]"]);
    assert!(accepts(&grammar, "[[true],[ false ],[1.000]]"));
    assert_eq!(reach(&grammar, "[[ true],[t"), "[[ true],[".len());
    assert_eq!(reach(&grammar, "[[1.0],[1"), "[[1.0],[".len());
    explore(&grammar, 5);
}

/// Letters without end make new items, but not behind keys that are used up, nor in an object that has been closed.
#[test]
fn letters_that_cannot_be_reached_make_no_new_item() {
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let object = builder.declare("object");
    let keys = ["\"a\"", "\"b\""].map(|key| builder.literal(key));
    let key = builder.choice(keys);
    let key = builder.marked(Mark::Element(0), key);
    let (letter, quote, colon) = (builder.literal("x"), builder.literal("\""), builder.literal(":"));
    let letters = builder.repeat(letter, 0, None);
    let member = builder.sequence([key, colon, quote, letters, quote]);
    let comma = builder.literal(",");
    let another = builder.sequence([comma, member]);
    let others = builder.repeat(another, 0, None);
    let members = builder.sequence([member, others]);
    let members = builder.optional(members);
    let (open, close) = (builder.literal("{"), builder.literal("}"));
    let close = builder.marked(Mark::Close, close);
    let body = builder.sequence([open, members, close]);
    let distinct = || rules(vec![element(None, true)], &[], ElementOrder::Any, 0, None);
    let scope = builder.scope(body, distinct());
    builder.define(object, scope);
    let item = builder.rule(object);
    let item = builder.marked(Mark::Element(0), item);
    let grammar = finish(builder, root, item, "[", "]", distinct());
    let grammar = compile(&grammar, &["[{", "},{", "\"a\":\"", "\",\"b\":\"", "x\"", "\"}", "\":\"x", "{}"]);
    assert!(accepts(&grammar, "[{},{\"a\":\"\"},{\"b\":\"\"},{\"b\":\"\",\"a\":\"\"},{\"a\":\"x\"}]"));
    assert_eq!(reach(&grammar, "[{},{}"), "[{},{".len());
    let used_up = "[{\"a\":\"\",\"b\":\"\"},{\"b\":\"\",\"a\":\"";
    assert_eq!(reach(&grammar, &format!("{used_up}\"")), used_up.len());
    assert!(accepts(&grammar, &format!("{used_up}x\"}}]")));
    explore(&grammar, 5);
}

/// What is read before a part of one byte is read in vain if that has been seen.
#[test]
fn parts_of_one_byte_run_out() {
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let ways = ["xx", "yx", "!"].map(|text| builder.literal(text));
    let way = builder.choice(ways);
    let letter = builder.literal("a");
    let [first, second] = [0, 1].map(|element| builder.marked(Mark::Element(element), letter));
    let end = builder.literal("c!");
    let arms = [builder.sequence([way, first]), builder.sequence([second, end])];
    let item = builder.choice(arms);
    let elements = vec![element(None, true), element(None, true)];
    let grammar = finish(builder, root, item, "[", "]", rules(elements, &[], ElementOrder::Any, 1, None));
    let grammar = compile(&grammar, &["[!", ",x", "a,", "xa", ",y", "ac"]);
    assert!(accepts(&grammar, "[!a]"));
    explore(&grammar, 6);
}

#[test]
fn tallies_reserve_places() {
    // Two keys, each with the value 1 or 2; at least one 2, at most two members.
    let tallied = Element { slot: Some(0), tallies: 1, distinct: false };
    let elements = vec![
        element(Some(0), false),
        tallied,
        element(Some(1), false),
        Element { slot: Some(1), ..tallied },
        element(None, true),
    ];
    let rules = ScopeRules {
        tallies: Box::new([Tally { min: 1, max: Some(1) }]),
        ..rules(elements, &[true, false], ElementOrder::Any, 0, Some(2))
    };
    let members = [
        (Some("\"a\""), 0, "1"),
        (Some("\"a\""), 1, "2"),
        (Some("\"b\""), 2, "1"),
        (Some("\"b\""), 3, "2"),
        (Some("\"c\""), 4, "1"),
    ];
    let grammar = compile(&objects(rules, &members), &["\"a\"", ":1", "1,\"b", "\":2"]);
    for text in ["{\"a\":2}", "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", "{\"c\":1,\"a\":2}", "{\"b\":1,\"a\":2}"] {
        assert!(accepts(&grammar, text), "{text}");
    }
    assert_eq!(reach(&grammar, "{\"c\":1,\"a\":1"), "{\"c\":1,\"a\":".len());
    assert_eq!(reach(&grammar, "{\"a\":1,\"c"), "{\"a\":1,\"".len());
    explore(&grammar, 5);
}
