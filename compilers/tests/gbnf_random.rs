//! Random GBNF: no panic on any text, and a grammar written as text means what it means when built directly.

use compilers::gbnf::{self, Options};
use grammar_ir::{CharSet, ExprId, GrammarBuilder, Limits, interp, verify};
use proptest::prelude::*;

const SEEDS: [&str; 6] = [
    "root ::= (expr \"=\" term \"\\n\")+\nexpr ::= term ([-+*/] term)*\nterm ::= [a-z] | \"(\" expr \")\"",
    "# c\nroot ::= | \"a\"{2,3} root # d\n",
    "root ::= <[12]> !<[3]> Token(1,2) ExcludeToken(3) <think>",
    "root[lazy, max_tokens=3] ::= Regex(\"a\", flags=\"i\") | TagDispatch((\"t\", root)) (= \"x\")",
    "root ::= \"\\ud83d\\ude00\\x41\\u00e9\" [^\\]\\-a-z] . é ::= \"",
    "root ::= a? {1,} b\na ::= \"1\nb ::= [x",
];

fn compiles_or_not(source: &str) {
    match gbnf::compile(source, &Options::default(), None, &Limits::default()) {
        Ok(grammar) => verify(&grammar).unwrap(),
        Err(found) => {
            assert!(found.iter().count() > 0);
            assert!(!found.render("random.gbnf", source).to_string().is_empty());
        }
    }
}

/// An element of a grammar, to be written as text and to be built.
#[derive(Debug, Clone)]
enum Element {
    Literal(String),
    Class(bool, Vec<(char, char)>),
    Any,
    Rule(usize),
    Sequence(Vec<Element>),
    Choice(Vec<Element>),
    Repeat(Box<Element>, u32, Option<u32>),
}

const RULES: usize = 3;

fn character() -> impl Strategy<Value = char> {
    prop::sample::select(vec!['a', 'b', 'c', '-', '^', ']', '[', '"', '\\', '\n', 'é', '😀'])
}

fn element() -> impl Strategy<Value = Element> {
    let leaf = prop_oneof![
        prop::collection::vec(character(), 0..3).prop_map(|text| Element::Literal(text.into_iter().collect())),
        (any::<bool>(), prop::collection::vec((character(), character()), 0..3)).prop_map(|(negated, ranges)| {
            Element::Class(negated, ranges.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect())
        }),
        Just(Element::Any),
        (0..RULES).prop_map(Element::Rule),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Element::Sequence),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Element::Choice),
            (inner, 0..3_u32, prop::option::of(0..3_u32)).prop_map(|(body, min, more)| Element::Repeat(
                Box::new(body),
                min,
                more.map(|more| min + more)
            )),
        ]
    })
}

fn escaped(character: char, style: usize) -> String {
    match (character, style % 3) {
        ('\n', _) => "\\n".to_owned(),
        ('"' | '\\' | '[' | ']', 0) => format!("\\{character}"),
        ('-' | '^', _) | (_, 1) => format!("\\U{:08X}", character as u32),
        ('"' | '\\' | '[' | ']' | '😀', _) if (character as u32) < 0x100 => format!("\\x{:02x}", character as u32),
        ('😀', _) => "\\ud83d\\ude00".to_owned(),
        _ => character.to_string(),
    }
}

/// `element` as text; `style` varies what may vary.
fn written(element: &Element, style: usize) -> String {
    let gap = ["", " ", "\n  ", " # c\n", "\n"][style % 5];
    match element {
        Element::Literal(text) => {
            let text: String = text.chars().map(|character| escaped(character, style)).collect();
            format!(" \"{text}\"{gap}")
        }
        Element::Class(negated, ranges) => {
            let ranges: String = ranges
                .iter()
                .map(|&(low, high)| {
                    if low == high && style.is_multiple_of(2) {
                        escaped(low, style)
                    } else {
                        format!("{}-{}", escaped(low, style), escaped(high, style + 1))
                    }
                })
                .collect();
            format!("{gap}[{}{ranges}]", if *negated { "^" } else { "" })
        }
        Element::Any => " . ".to_owned(),
        Element::Rule(rule) => format!(" r{rule} {gap}"),
        Element::Sequence(parts) => {
            format!("({})", parts.iter().map(|part| written(part, style + 1)).collect::<String>())
        }
        Element::Choice(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| written(part, style + 1)).collect();
            format!("({}){gap}", parts.join("|"))
        }
        Element::Repeat(body, min, max) => {
            let bounds = match (min, max) {
                (0, None) if style.is_multiple_of(2) => "*".to_owned(),
                (1, None) if style.is_multiple_of(2) => "+".to_owned(),
                (0, Some(1)) if style.is_multiple_of(2) => "?".to_owned(),
                (0, Some(max)) if !style.is_multiple_of(2) => format!("{{,{max}}}"),
                (min, None) => format!("{{{min},}}"),
                (min, Some(max)) if min == max => format!("{{{min}}}"),
                (min, Some(max)) => format!("{{{min} , {max}}}"),
            };
            format!(" ({}){gap}{bounds}", written(body, style + 1))
        }
    }
}

fn built(element: &Element, builder: &mut GrammarBuilder, rules: &[grammar_ir::RuleId]) -> ExprId {
    match element {
        Element::Literal(text) => builder.literal(text),
        Element::Class(negated, ranges) => {
            let set = CharSet::from_ranges(ranges.iter().copied());
            builder.class(if *negated { set.complement() } else { set })
        }
        Element::Any => builder.class(CharSet::single('\n').complement()),
        Element::Rule(rule) => builder.rule(rules[*rule]),
        Element::Sequence(parts) => {
            let parts: Vec<ExprId> = parts.iter().map(|part| built(part, builder, rules)).collect();
            builder.sequence(parts)
        }
        Element::Choice(parts) => {
            let parts: Vec<ExprId> = parts.iter().map(|part| built(part, builder, rules)).collect();
            builder.choice(parts)
        }
        Element::Repeat(body, min, max) => {
            let body = built(body, builder, rules);
            builder.repeat(body, *min, *max)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(source in any::<String>()) {
        compiles_or_not(&source);
    }

    #[test]
    fn text_of_gbnf_pieces_is_answered(pieces in prop::collection::vec(prop::sample::select(vec![
        "root", " ::= ", "\n", "(", ")", "|", "*", "+", "?", "{", "}", ",", "1", "\"", "\"a\"", "[", "]", "[a-z]", "^",
        "-", "\\", "\\u", "\\x4", "<", ">", "<[1]>", "!", "Token(", "Regex(", "(=", "=", ".", "#", " ", "é", "::=", "a",
    ]), 0..40)) {
        compiles_or_not(&pieces.concat());
        compiles_or_not(&format!("root ::= {}", pieces.concat()));
    }

    #[test]
    fn mutations_of_grammars_are_answered(
        seed in 0..SEEDS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, any::<char>()), 1..6),
    ) {
        let mut characters: Vec<char> = SEEDS[seed].chars().collect();
        for (index, edit, character) in edits {
            if characters.is_empty() {
                break;
            }
            let at = index.index(characters.len());
            match edit {
                0 => { characters.remove(at); }
                1 => characters.insert(at, character),
                _ => characters.insert(at, characters[characters.len() - 1 - at]),
            }
        }
        compiles_or_not(&characters.into_iter().collect::<String>());
    }

    #[test]
    fn text_means_what_is_built(
        bodies in prop::collection::vec(element(), RULES),
        style in 0..30_usize,
        texts in prop::collection::vec(prop::collection::vec(character(), 0..5), 12),
    ) {
        let mut builder = GrammarBuilder::new();
        let root = builder.declare("root");
        let rules: Vec<_> = (0..RULES).map(|rule| builder.declare(format!("r{rule}"))).collect();
        let start = builder.rule(rules[0]);
        let end = builder.literal(".");
        let body = builder.choice([start, end]);
        builder.define(root, body);
        let mut source = "root ::= r0 | \".\"\n".to_owned();
        for (index, element) in bodies.iter().enumerate() {
            let body = built(element, &mut builder, &rules);
            builder.define(rules[index], body);
            source.push_str(&format!("r{index} ::={}\n", written(element, style)));
        }
        let expected = builder.finish(root).unwrap();
        match gbnf::compile(&source, &Options::default(), None, &Limits::default()) {
            Ok(grammar) => {
                for text in texts {
                    let text: String = text.into_iter().collect();
                    prop_assert_eq!(
                        interp::accepts(&grammar, text.as_bytes()),
                        interp::accepts(&expected, text.as_bytes()),
                        "{:?} in\n{}", text, source
                    );
                }
            }
            Err(found) => {
                let barren = found.iter().all(|it| it.message.ends_with("can never produce anything"));
                prop_assert!(barren, "{}", found.render("random.gbnf", &source));
            }
        }
    }
}
