//! Random grammars, and their words by enumeration: the meaning of `Expr` written a second time, on sets of words.
#![allow(dead_code, reason = "each test binary uses a part of this")]

pub(crate) mod derivations;

use std::collections::BTreeSet;

use grammar_ir::{
    ByteAutomaton, ByteEdge, ByteEdges, ByteSet, CharSet, Counter, Expr, ExprId, Grammar, GrammarBuilder, RuleId,
    TokenSet,
};
use proptest::prelude::*;

/// One step of a text: a byte or a whole token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Symbol {
    Byte(u8),
    Token(u32),
}

/// The bytes of the tokens of a small vocabulary; the third is special, the last is the stop token.
pub(crate) const TOKENS: [&[u8]; 4] = [b"a", b"ab", b"", b""];
pub(crate) const STOP_TOKEN: u32 = 3;
/// The bytes that random grammars know, and one that they do not.
pub(crate) const BYTES: [u8; 5] = [b'a', b'b', 0xc3, 0xa9, b'z'];

type Words = BTreeSet<Vec<Symbol>>;

/// The words of a grammar of at most `max_len` symbols, and the beginnings of its words, exactly.
pub(crate) struct Enumeration {
    pub(crate) words: Words,
    pub(crate) prefixes: Words,
}

impl Enumeration {
    pub(crate) fn of(grammar: &Grammar, max_len: usize) -> Self {
        let productive = productive(grammar);
        let words = fixpoint(grammar, |words, id| words_of(grammar, words, id, max_len));
        let prefixes =
            fixpoint(grammar, |prefixes, id| prefixes_of(grammar, &words, prefixes, &productive, id, max_len));
        let root = grammar.rule(grammar.root()).body.index();
        Self { words: words[root].clone(), prefixes: prefixes[root].clone() }
    }
}

fn fixpoint<T: Default + Clone + PartialEq>(grammar: &Grammar, value: impl Fn(&[T], usize) -> T) -> Vec<T> {
    let mut values = vec![T::default(); grammar.exprs().len()];
    loop {
        let mut changed = false;
        for index in 0..values.len() {
            let new = value(&values, index);
            changed |= new != values[index];
            values[index] = new;
        }
        if !changed {
            return values;
        }
    }
}

fn productive(grammar: &Grammar) -> Vec<bool> {
    fixpoint(grammar, |known: &[bool], index| match &grammar.exprs()[index] {
        Expr::Never => false,
        Expr::Sequence(operands) => operands.iter().all(|operand| known[operand.index()]),
        Expr::Choice(operands) => operands.iter().any(|operand| known[operand.index()]),
        Expr::Repeat { body, min, .. } => *min == 0 || known[body.index()],
        Expr::Rule(rule) => known[grammar.rule(*rule).body.index()],
        Expr::Automaton(automaton) => can_finish(automaton, 0, 0),
        _ => true,
    })
}

/// Whether a text that led to `state` with `count` counting edges is a word, or one is if it goes on.
fn can_finish(automaton: &ByteAutomaton, state: u32, count: u32) -> bool {
    let mut met = BTreeSet::from([(state, count)]);
    let mut agenda = vec![(state, count)];
    while let Some((state, count)) = agenda.pop() {
        if is_word(automaton, state, count) {
            return true;
        }
        agenda.extend(successors(automaton, state, count).map(|(_, next)| next).filter(|&next| met.insert(next)));
    }
    false
}

fn is_word(automaton: &ByteAutomaton, state: u32, count: u32) -> bool {
    let enough = |counter: Counter| counter.min <= count && counter.max.is_none_or(|max| count <= max);
    automaton.accepting[state as usize] && automaton.counter.is_none_or(enough)
}

/// The edges that can be taken, and where they lead. Counts past all bounds are one.
fn successors(automaton: &ByteAutomaton, state: u32, count: u32) -> impl Iterator<Item = (ByteEdge, (u32, u32))> {
    let past = automaton.counter.map_or(0, |counter| counter.max.unwrap_or(counter.min) + 1);
    automaton.edges[state as usize]
        .iter()
        .map(move |&edge| (edge, (edge.target, (count + u32::from(edge.counts)).min(past))))
}

/// The texts of up to `max_len` bytes that lead to a state and count for which `wanted` holds.
fn paths(automaton: &ByteAutomaton, max_len: usize, wanted: impl Fn(u32, u32) -> bool) -> Words {
    let mut texts = Words::new();
    let mut agenda = vec![((0, 0), Vec::new())];
    while let Some(((state, count), path)) = agenda.pop() {
        if path.len() < max_len {
            for (edge, next) in successors(automaton, state, count) {
                for byte in edge.low..=edge.high {
                    agenda.push((next, [path.as_slice(), &[Symbol::Byte(byte)]].concat()));
                }
            }
        }
        if wanted(state, count) {
            texts.insert(path);
        }
    }
    texts
}

/// The words of an expression that refers to no other.
fn leaf_words(expr: &Expr, max_len: usize) -> Words {
    let bytes = |bytes: &[u8]| bytes.iter().copied().map(Symbol::Byte).collect::<Vec<_>>();
    let known = |word: &Vec<Symbol>| word.iter().all(|symbol| !matches!(symbol, Symbol::Byte(b) if !BYTES.contains(b)));
    let words: Words = match expr {
        Expr::Empty => [vec![]].into(),
        Expr::Bytes(literal) => [bytes(literal)].into(),
        Expr::ByteSet(set) => set.iter().map(|byte| bytes(&[byte])).collect(),
        Expr::Class(set) => {
            let characters = set.ranges().iter().flat_map(|&(low, high)| low..=high);
            characters.map(|character| bytes(character.to_string().as_bytes())).collect()
        }
        Expr::Token(set) => {
            let ids = (0..TOKENS.len() as u32).filter(|&id| set.contains(id, id == STOP_TOKEN));
            ids.map(|id| vec![Symbol::Token(id)]).collect()
        }
        Expr::Automaton(automaton) => paths(automaton, max_len, |state, count| is_word(automaton, state, count)),
        _ => Words::new(),
    };
    words.into_iter().filter(known).collect()
}

fn leaf_prefixes(expr: &Expr, max_len: usize) -> Words {
    // The words of an automaton may be longer than any bound.
    if let Expr::Automaton(automaton) = expr {
        return paths(automaton, max_len, |state, count| can_finish(automaton, state, count));
    }
    let words = leaf_words(expr, usize::MAX);
    words.iter().flat_map(|word| (0..=word.len().min(max_len)).map(|len| word[..len].to_vec())).collect()
}

fn product(left: &Words, right: &Words, max_len: usize) -> Words {
    let joined = left.iter().flat_map(|left| right.iter().map(move |right| [left.as_slice(), right].concat()));
    joined.filter(|word| word.len() <= max_len).collect()
}

fn words_of(grammar: &Grammar, words: &[Words], index: usize, max_len: usize) -> Words {
    match &grammar.exprs()[index] {
        Expr::Sequence(operands) => {
            operands.iter().fold([vec![]].into(), |left, operand| product(&left, &words[operand.index()], max_len))
        }
        Expr::Choice(operands) => operands.iter().flat_map(|operand| words[operand.index()].clone()).collect(),
        Expr::Rule(rule) => words[grammar.rule(*rule).body.index()].clone(),
        Expr::Repeat { body, min, max } => {
            // Beyond `max_len` repetitions, one more of a word that is not empty is too long, and of ε changes nothing.
            let cap = |count: u32| count.min(max_len as u32 + 1);
            let mut all = Words::new();
            let mut power: Words = [vec![]].into();
            for count in 0..=cap(max.unwrap_or(u32::MAX)) {
                if count >= cap(*min) {
                    all.extend(power.iter().cloned());
                }
                power = product(&power, &words[body.index()], max_len);
            }
            all
        }
        leaf => leaf_words(leaf, max_len).into_iter().filter(|word| word.len() <= max_len).collect(),
    }
}

fn prefixes_of(
    grammar: &Grammar,
    words: &[Words],
    prefixes: &[Words],
    productive: &[bool],
    index: usize,
    max_len: usize,
) -> Words {
    let after = |left: &Words, part: ExprId| product(left, &prefixes[part.index()], max_len);
    match &grammar.exprs()[index] {
        _ if !productive[index] => Words::new(),
        Expr::Sequence(operands) => {
            let mut all = Words::new();
            let mut before: Words = [vec![]].into();
            for &operand in operands {
                all.extend(after(&before, operand));
                before = product(&before, &words[operand.index()], max_len);
            }
            all
        }
        Expr::Choice(operands) => operands.iter().flat_map(|operand| prefixes[operand.index()].clone()).collect(),
        Expr::Rule(rule) => prefixes[grammar.rule(*rule).body.index()].clone(),
        Expr::Repeat { body, max, .. } => {
            let mut all: Words = [vec![]].into();
            let mut before: Words = [vec![]].into();
            for _ in 0..max.unwrap_or(u32::MAX).min(max_len as u32 + 1) {
                all.extend(after(&before, *body));
                before = product(&before, &words[body.index()], max_len);
            }
            all
        }
        leaf => leaf_prefixes(leaf, max_len),
    }
}

/// Whether the state accepts; byte, target and whether it counts of each edge.
type AutomatonState = (bool, Vec<(u8, u32, bool)>);

/// An expression of a random grammar.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Empty,
    Never,
    Bytes(Vec<u8>),
    ByteSet(Vec<u8>),
    Class(Vec<char>),
    Token(Vec<u32>, bool),
    Automaton(Vec<AutomatonState>, Option<(u32, Option<u32>)>),
    Rule(usize),
    Sequence(Vec<Tree>),
    Choice(Vec<Tree>),
    Repeat(Box<Tree>, u32, Option<u32>),
}

/// Grammars of one to four rules with every kind of expression, recursive in every way.
pub(crate) fn grammars() -> impl Strategy<Value = Grammar> {
    prop::collection::vec(trees(), 1..5).prop_map(|trees| build(&trees))
}

fn trees() -> impl Strategy<Value = Tree> {
    let byte = || prop::sample::select(&BYTES[..4]);
    let leaf = prop_oneof![
        2 => Just(Tree::Empty),
        1 => Just(Tree::Never),
        6 => prop::collection::vec(byte(), 1..3).prop_map(Tree::Bytes),
        2 => prop::collection::vec(byte(), 1..3).prop_map(Tree::ByteSet),
        2 => prop::collection::vec(prop::sample::select(vec!['a', 'b', 'é']), 2..4).prop_map(Tree::Class),
        2 => (prop::collection::vec(0..4u32, 0..3), any::<bool>()).prop_map(|(ids, all_but)| Tree::Token(ids, all_but)),
        2 => (
            prop::collection::vec(
                (any::<bool>(), prop::collection::vec((byte(), 0..3u32, any::<bool>()), 0..3)),
                3,
            ),
            prop::option::of((0..5u32, prop::option::of(0..4u32))),
        )
            .prop_map(|(states, bounds)| {
                Tree::Automaton(states, bounds.map(|(min, more)| (min, more.map(|more| min + more))))
            }),
        8 => (0..4usize).prop_map(Tree::Rule),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let bounds = (0..4u32, prop::option::of(0..4u32)).prop_map(|(min, more)| (min, more.map(|more| min + more)));
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::Sequence),
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::Choice),
            2 => (inner, bounds).prop_map(|(body, (min, max))| Tree::Repeat(Box::new(body), min, max)),
        ]
    })
}

fn build(trees: &[Tree]) -> Grammar {
    let names = ["first", "%never", "root", "`\\\n é"];
    let mut builder = GrammarBuilder::new();
    let rules: Vec<RuleId> = names[..trees.len()].iter().map(|&name| builder.declare(name)).collect();
    for (&rule, tree) in rules.iter().zip(trees) {
        let body = add(&mut builder, &rules, tree);
        builder.define(rule, body);
    }
    builder.finish(rules[0]).expect("every rule is declared and defined once")
}

fn add(builder: &mut GrammarBuilder, rules: &[RuleId], tree: &Tree) -> ExprId {
    match tree {
        Tree::Empty => builder.empty(),
        Tree::Never => builder.never(),
        Tree::Bytes(bytes) => builder.bytes(bytes),
        Tree::ByteSet(bytes) => builder.byte_set(bytes.iter().copied().collect::<ByteSet>()),
        Tree::Class(characters) => builder.class(characters.iter().copied().collect::<CharSet>()),
        Tree::Token(ids, false) => builder.token(TokenSet::of(ids.iter().copied())),
        Tree::Token(ids, true) => builder.token(TokenSet::all_but(ids.iter().copied())),
        Tree::Automaton(states, bounds) => builder.automaton(automaton(states, *bounds)),
        Tree::Rule(index) => builder.rule(rules[index % rules.len()]),
        Tree::Sequence(inner) => {
            let operands: Vec<ExprId> = inner.iter().map(|tree| add(builder, rules, tree)).collect();
            builder.sequence(operands)
        }
        Tree::Choice(inner) => {
            let operands: Vec<ExprId> = inner.iter().map(|tree| add(builder, rules, tree)).collect();
            builder.choice(operands)
        }
        Tree::Repeat(body, min, max) => {
            let body = add(builder, rules, body);
            builder.repeat(body, *min, *max)
        }
    }
}

fn automaton(states: &[AutomatonState], bounds: Option<(u32, Option<u32>)>) -> ByteAutomaton {
    let counter = bounds.map(|(min, max)| Counter { min, max });
    let edges = states.iter().map(|(_, edges)| {
        let edge = |&(byte, target, counts): &(u8, u32, bool)| ByteEdge {
            low: byte,
            high: byte,
            target,
            counts: counts && counter.is_some(),
        };
        let mut edges: ByteEdges = edges.iter().map(edge).collect();
        edges.sort_unstable();
        edges.dedup_by_key(|edge| edge.low);
        edges
    });
    let edges = edges.collect();
    ByteAutomaton { accepting: states.iter().map(|&(accepting, _)| accepting).collect(), edges, counter }
}
