//! The automata algebra against sets of short texts.

use std::collections::BTreeSet;

use grammar_ir::regular::{CharAutomaton, Utf8};
use grammar_ir::{Budget, ByteAutomaton, CharSet, Counter, LimitKind, Limits};
use proptest::prelude::*;

/// All texts over `a`, `b`, `é` of at most this many characters.
const LONGEST: usize = 4;

fn texts() -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut from = 0;
    for _ in 0..LONGEST {
        let until = texts.len();
        for index in from..until {
            for letter in ['a', 'b', 'é'] {
                texts.push(format!("{}{letter}", texts[index]));
            }
        }
        from = until;
    }
    texts
}

fn language(automaton: &CharAutomaton) -> BTreeSet<String> {
    texts().into_iter().filter(|text| automaton.accepts(text)).collect()
}

#[derive(Debug, Clone)]
enum Language {
    Set(Vec<char>),
    Literal(String),
    Length(u32, Option<u32>),
    Union(Box<Language>, Box<Language>),
    Intersection(Box<Language>, Box<Language>),
    Difference(Box<Language>, Box<Language>),
    Complement(Box<Language>),
    Concatenate(Box<Language>, Box<Language>),
    Repeat(Box<Language>, u32, Option<u32>),
}

fn languages() -> impl Strategy<Value = Language> {
    let letter = prop::sample::select(vec!['a', 'b', 'é', 'z']);
    let leaf = prop_oneof![
        prop::collection::vec(letter.clone(), 0..3).prop_map(Language::Set),
        prop::collection::vec(letter, 0..3).prop_map(|letters| Language::Literal(letters.into_iter().collect())),
        (0u32..3, prop::option::of(0u32..4)).prop_map(|(min, max)| Language::Length(min, max)),
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        let one = inner.clone().prop_map(Box::new);
        let two = (one.clone(), one.clone());
        prop_oneof![
            two.clone().prop_map(|(left, right)| Language::Union(left, right)),
            two.clone().prop_map(|(left, right)| Language::Intersection(left, right)),
            two.clone().prop_map(|(left, right)| Language::Difference(left, right)),
            two.prop_map(|(left, right)| Language::Concatenate(left, right)),
            one.clone().prop_map(Language::Complement),
            (one, 0u32..3, prop::option::of(0u32..4)).prop_map(|(body, min, max)| Language::Repeat(body, min, max)),
        ]
    })
}

fn automaton(language: &Language, budget: &mut Budget<'_>) -> CharAutomaton {
    match language {
        Language::Set(letters) => CharAutomaton::from_set(&letters.iter().copied().collect()),
        Language::Literal(text) => CharAutomaton::literal(text),
        Language::Length(min, max) => CharAutomaton::length_between(*min, *max, budget).unwrap(),
        Language::Union(left, right) => automaton(left, budget).union(&automaton(right, budget), budget).unwrap(),
        Language::Intersection(left, right) => {
            automaton(left, budget).intersection(&automaton(right, budget), budget).unwrap()
        }
        Language::Difference(left, right) => {
            automaton(left, budget).difference(&automaton(right, budget), budget).unwrap()
        }
        Language::Complement(body) => automaton(body, budget).complement(budget).unwrap(),
        Language::Concatenate(left, right) => {
            automaton(left, budget).concatenate(&automaton(right, budget), budget).unwrap()
        }
        Language::Repeat(body, min, max) => automaton(body, budget).repeat(*min, *max, budget).unwrap(),
    }
}

/// Membership from the definition.
fn contains(language: &Language, text: &[char]) -> bool {
    let splits = || (0..=text.len()).map(|at| text.split_at(at));
    match language {
        Language::Set(letters) => text.len() == 1 && letters.contains(&text[0]),
        Language::Literal(literal) => literal.chars().eq(text.iter().copied()),
        Language::Length(min, max) => text.len() >= *min as usize && max.is_none_or(|max| text.len() <= max as usize),
        Language::Union(left, right) => contains(left, text) || contains(right, text),
        Language::Intersection(left, right) => contains(left, text) && contains(right, text),
        Language::Difference(left, right) => contains(left, text) && !contains(right, text),
        Language::Complement(body) => !contains(body, text),
        Language::Concatenate(left, right) => {
            splits().any(|(head, tail)| contains(left, head) && contains(right, tail))
        }
        Language::Repeat(body, min, max) => {
            // The counts in which each prefix can be read, up to a bound past which nothing new happens.
            let most = max.map_or(*min as usize + text.len(), |max| max as usize);
            let mut ends: BTreeSet<usize> = BTreeSet::from([0]);
            let mut found = *min == 0 && max.is_none_or(|max| max >= *min) && text.is_empty();
            for count in 1..=most {
                let next = ends.iter().flat_map(|&from| (from..=text.len()).map(move |to| (from, to)));
                ends = next.filter(|&(from, to)| contains(body, &text[from..to])).map(|(_, to)| to).collect();
                found |= count >= *min as usize && ends.contains(&text.len());
            }
            found
        }
    }
}

fn shortest(language: &CharAutomaton) -> Option<usize> {
    language.shortest().map(|text| text.chars().count())
}

fn step(bytes: &ByteAutomaton, state: u32, byte: u8) -> Option<u32> {
    bytes.edge(state, byte).map(|edge| edge.target)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn operations_follow_their_definitions(language in languages()) {
        let limits = Limits::default();
        let mut budget = Budget::new(&limits);
        let automaton = automaton(&language, &mut budget);
        let bytes = automaton.to_bytes(&Utf8, &mut budget).unwrap();
        let counted = automaton.to_counted_bytes(Counter { min: 1, max: None }, &Utf8, &mut budget).unwrap();
        for text in texts() {
            let characters: Vec<char> = text.chars().collect();
            let expected = contains(&language, &characters);
            prop_assert_eq!(automaton.accepts(&text), expected, "{:?}", text);
            let end = text.bytes().try_fold(0, |state, byte| step(&bytes, state, byte));
            prop_assert_eq!(end.is_some_and(|state| bytes.accepting[state as usize]), expected, "{:?}", text);
            // Counting takes the same path, and counts characters.
            let end = text.bytes().try_fold((0, 0), |(state, count), byte| {
                counted.edge(state, byte).map(|edge| (edge.target, count + usize::from(edge.counts)))
            });
            prop_assert_eq!(end.map(|end| end.0), text.bytes().try_fold(0, |state, byte| step(&bytes, state, byte)));
            prop_assert!(end.is_none_or(|end| end.1 == characters.len()));
        }
        prop_assert_eq!(automaton.lengths().map(|lengths| lengths.0 as usize), shortest(&automaton));
        for (min, max) in [(0, Some(1)), (2, Some(2)), (3, None), (4, Some(6))] {
            let within = CharAutomaton::length_between(min, max, &mut budget).unwrap();
            let within = automaton.intersection(&within, &mut budget).unwrap();
            prop_assert_eq!(automaton.has_length(Counter { min, max }, &mut budget).unwrap(), !within.is_empty());
            // The longest is known where there is one, and no text is longer.
            if let Some((_, Some(longest))) = within.lengths() {
                let longer = CharAutomaton::length_between(longest + 1, None, &mut budget).unwrap();
                prop_assert!(within.intersection(&longer, &mut budget).unwrap().is_empty());
                let at_least = Counter { min: longest, max: None };
                prop_assert!(within.has_length(at_least, &mut budget).unwrap());
            }
            prop_assert!(max.is_none() || within.lengths().is_none_or(|lengths| lengths.1.is_some()));
        }
        if let Some((characters, Counter { min, max })) = automaton.as_run() {
            prop_assert_eq!(CharAutomaton::from_set(&characters).repeat(min, max, &mut budget).unwrap(), automaton.clone());
        }
        prop_assert_eq!(automaton.shortest().is_none(), automaton.is_empty());
        if let Some(shortest) = automaton.shortest() {
            prop_assert!(automaton.accepts(&shortest));
        }
        // Canonical: another way to the same language is the same value.
        let twice = automaton.complement(&mut budget).unwrap().complement(&mut budget).unwrap();
        prop_assert_eq!(twice, automaton);
    }

    #[test]
    fn equal_languages_are_equal_values(left in languages(), right in languages()) {
        let limits = Limits::default();
        let mut budget = Budget::new(&limits);
        let (left, right) = (automaton(&left, &mut budget), automaton(&right, &mut budget));
        let both = left.intersection(&right, &mut budget).unwrap();
        let complements = (left.complement(&mut budget).unwrap(), right.complement(&mut budget).unwrap());
        let de_morgan = complements.0.union(&complements.1, &mut budget).unwrap().complement(&mut budget).unwrap();
        prop_assert_eq!(both, de_morgan);
    }
}

#[test]
fn minimal_sizes() {
    let limits = Limits::default();
    let budget = &mut Budget::new(&limits);
    let a = CharAutomaton::from_set(&CharSet::single('a'));
    assert_eq!(a.repeat(0, Some(1_000), budget).unwrap().state_count(), 1_001);
    assert_eq!(a.repeat(3, None, budget).unwrap().state_count(), 4);
    assert_eq!(a.repeat(0, None, budget).unwrap().repeat(0, None, budget).unwrap().state_count(), 1);
    assert!(CharAutomaton::any_text().complement(budget).unwrap().is_empty());
    assert!(CharAutomaton::never().complement(budget).unwrap().is_any_text());
    assert_eq!(language(&CharAutomaton::literal("aé")), BTreeSet::from(["aé".to_owned()]));
}

#[test]
fn states_are_limited() {
    let limits = Limits { states: 100, ..Limits::default() };
    let mut budget = Budget::new(&limits);
    let any = CharAutomaton::from_set(&CharSet::full());
    let ends_in_a = CharAutomaton::any_text().concatenate(&CharAutomaton::literal("a"), &mut budget).unwrap();
    let tail = any.repeat(20, Some(20), &mut budget).unwrap();
    let error = ends_in_a.concatenate(&tail, &mut budget).unwrap_err();
    assert_eq!(error.kind(), LimitKind::States);
    assert!(CharAutomaton::length_between(0, Some(1_000), &mut budget).is_err());
}

#[test]
fn finite_languages_are_counted() {
    let limits = Limits::default();
    let budget = &mut Budget::new(&limits);
    let digits = CharAutomaton::from_set(&CharSet::range('0', '9')).repeat(0, Some(3), budget).unwrap();
    assert_eq!(digits.text_count(), Some(1 + 10 + 100 + 1_000));
    assert_eq!(digits.repeat(0, None, budget).unwrap().text_count(), None);
    assert_eq!(CharAutomaton::never().text_count(), Some(0));
}
