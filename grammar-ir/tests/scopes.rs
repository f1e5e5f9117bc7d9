//! Scopes: the recogniser, the passes and the text form against an enumeration of derivations.

mod common;

use common::derivations::ScopedWords;
use grammar_ir::interp::Recognizer;
use grammar_ir::{
    Budget, Element, ElementOrder, ExprId, Grammar, GrammarBuilder, Limits, Mark, ScopeRules, Tally, passes, text,
    verify,
};
use proptest::prelude::*;

/// Texts of up to this length are tried.
const TEXT: usize = 3;
/// Derivations of this length are enumerated; most texts of these tests that can be completed can be so in as many bytes.
const WORD: usize = 8;
const BYTES: [u8; 3] = [b'a', b'b', b';'];

/// The body of a scope.
#[derive(Debug, Clone)]
enum Body {
    Text(&'static str),
    /// The scope's own rule, or the rule of another scope.
    Rule,
    Marked(u32, &'static str),
    MarkedRule(u32),
    Sequence(Vec<Body>),
    Choice(Vec<Body>),
    Optional(Box<Body>),
    Star(Box<Body>),
}

fn bodies() -> impl Strategy<Value = Body> {
    let text = || prop::sample::select(vec!["a", "b", "ab", "aa"]);
    let leaf = prop_oneof![
        1 => text().prop_map(Body::Text),
        1 => Just(Body::Text("")),
        1 => Just(Body::Rule),
        6 => (0..3u32, text()).prop_map(|(element, text)| Body::Marked(element, text)),
        1 => (0..3u32).prop_map(Body::MarkedRule),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Body::Sequence),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Body::Choice),
            inner.clone().prop_map(|body| Body::Optional(Box::new(body))),
            inner.prop_map(|body| Body::Star(Box::new(body))),
        ]
    })
}

fn rules() -> impl Strategy<Value = ScopeRules> {
    let bounds = || (prop::sample::select(vec![0u32, 0, 1, 2]), prop::option::of(0..3u32));
    let bounds = || bounds().prop_map(|(min, more)| (min, more.map(|more| min + more)));
    let required = prop::collection::vec(prop::sample::select(vec![false, false, true]), 0..3);
    let tallies = prop::collection::vec(bounds().prop_map(|(min, max)| Tally { min, max }), 0..2);
    (required, tallies, bounds(), any::<bool>(), any::<[(u8, u8, bool); 3]>()).prop_map(
        |(required, tallies, (min, max), in_order, elements)| ScopeRules {
            elements: elements
                .map(|(slot, sums, distinct)| Element {
                    slot: Some(u32::from(slot % 3)).filter(|&slot| (slot as usize) < required.len()),
                    tallies: u16::from(sums) & ((1 << tallies.len()) - 1),
                    distinct: distinct && sums % 2 == 0,
                })
                .into(),
            required: required.into(),
            order: if in_order { ElementOrder::Slots } else { ElementOrder::Any },
            min,
            max,
            tallies: tallies.into(),
        },
    )
}

/// A scope that refers to another in a second rule, which is not closed, and each of which may end in a close.
fn grammars() -> impl Strategy<Value = Grammar> {
    (bodies(), rules(), any::<bool>(), prop::option::of(rules())).prop_map(|(body, rules, closes, inner)| {
        let mut builder = GrammarBuilder::new();
        let (root, other) = (builder.declare("root"), builder.declare("other"));
        let close = builder.literal(";");
        let close = builder.marked(Mark::Close, close);
        let inner = match inner {
            None => builder.literal("ab"),
            Some(rules) => {
                let texts = ["a", "b", "a"].map(|text| builder.literal(text));
                let marked = [0, 1, 2].map(|element| builder.marked(Mark::Element(element), texts[element as usize]));
                let either = builder.choice(marked);
                let many = builder.repeat(either, 0, None);
                let body = builder.sequence([many, close]);
                builder.scope(body, rules)
            }
        };
        builder.define(other, inner);
        let reference = builder.rule(other);
        let body = add(&mut builder, reference, &body);
        let body = if closes { builder.sequence([body, close]) } else { body };
        let body = builder.scope(body, rules);
        builder.define(root, body);
        builder.finish(root).expect("two rules, defined once each")
    })
}

fn add(builder: &mut GrammarBuilder, rule: ExprId, body: &Body) -> ExprId {
    let mut all = |bodies: &[Body]| bodies.iter().map(|body| add(builder, rule, body)).collect::<Vec<ExprId>>();
    match body {
        Body::Text(text) => builder.literal(text),
        Body::Rule => rule,
        Body::Marked(element, text) => {
            let text = builder.literal(text);
            builder.marked(Mark::Element(*element), text)
        }
        Body::MarkedRule(element) => builder.marked(Mark::Element(*element), rule),
        Body::Sequence(inner) => {
            let inner = all(inner);
            builder.sequence(inner)
        }
        Body::Choice(inner) => {
            let inner = all(inner);
            builder.choice(inner)
        }
        Body::Optional(inner) => {
            let inner = add(builder, rule, inner);
            builder.optional(inner)
        }
        Body::Star(inner) => {
            let inner = add(builder, rule, inner);
            builder.repeat(inner, 0, None)
        }
    }
}

fn compare(recognizer: &mut Recognizer<'_>, expected: &ScopedWords, prefix: &mut Vec<u8>) {
    let shown = String::from_utf8_lossy(prefix).into_owned();
    // A text that is completed only by a word longer than those enumerated is viable, too.
    assert!(recognizer.is_viable() || !expected.has_prefix(prefix), "`{shown}` is viable");
    assert_eq!(recognizer.is_accepting(), expected.contains(prefix), "`{shown}` is a word");
    if prefix.len() == TEXT {
        return;
    }
    let position = recognizer.position();
    for byte in BYTES {
        recognizer.push_byte(byte);
        prefix.push(byte);
        compare(recognizer, expected, prefix);
        prefix.pop();
        recognizer.truncate(position);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn interp_passes_and_text_agree_with_enumeration(grammar in grammars()) {
        prop_assert_eq!(verify(&grammar), Ok(()));
        let expected = ScopedWords::of(&grammar, WORD);
        compare(&mut Recognizer::new(&grammar), &expected, &mut Vec::new());

        let printed = text::print(&grammar);
        let parsed = text::parse(&printed).unwrap_or_else(|error| panic!("{printed}\n{error}"));
        prop_assert_eq!(text::print(&parsed), printed);
        compare(&mut Recognizer::new(&parsed), &expected, &mut Vec::new());

        let limits = Limits::default();
        let passed = passes::run(grammar, &mut Budget::new(&limits)).expect("within the limits");
        compare(&mut Recognizer::new(&passed), &expected, &mut Vec::new());
    }
}

#[test]
fn a_scope_that_ends_with_a_selection_is_refused() {
    let grammar = grammar_ir::text::parse(r#"root = %scope { 0: ; } ("[" %0("1")) ;"#).unwrap();
    let limits = grammar_ir::Limits::default();
    let error = grammar_ir::pda::Pda::new(&grammar, &mut grammar_ir::Budget::new(&limits)).unwrap_err();
    assert!(matches!(error, grammar_ir::pda::LowerError::SelectionAtEnd { .. }), "{error}");
}
