//! Random grammars and vocabularies.

mod scopes;

use grammar_ir::regular::{CharAutomaton, Utf8};
use grammar_ir::{
    Budget, ByteAutomaton, ByteEdge, ByteEdges, ByteSet, CharSet, Counter, ExprId, Grammar, GrammarBuilder, LimitError,
    Limits, RuleAttributes, RuleId, Temperature, TokenSet,
};
use mask_runtime::{Token, Vocabulary, VocabularyError};

use crate::Source;

/// What a random grammar may contain.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The greatest number of rules.
    pub rules: usize,
    /// The greatest depth of an expression.
    pub depth: usize,
    /// The greatest bound of a repetition.
    pub repeat: u32,
    /// Token terminals name ids below this; 0 for none.
    pub tokens: u32,
    /// Which scopes there are.
    pub scopes: Scopes,
}

/// Which scopes a random grammar has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scopes {
    /// None.
    None,
    /// Members or items, of which any that the rules allow can come next.
    Lists,
    /// The same, with parts that must be distinct.
    Distinct,
    /// With any body.
    Any,
}

/// Whether rules of a random grammar have attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attributes {
    /// They have none.
    None,
    /// Some rules have some: see [`with_attributes`].
    Some,
}

/// A grammar over few characters, so that rules overlap, are ambiguous, left-recursive, nullable or unproductive often.
pub fn grammar(source: &mut Source<'_>, shape: Shape) -> Grammar {
    let mut builder = GrammarBuilder::new();
    let rules: Vec<RuleId> =
        (0..1 + source.below(shape.rules)).map(|number| builder.declare(format!("r{number}"))).collect();
    for &rule in &rules {
        let body = expression(source, &mut builder, &rules, shape, shape.depth);
        builder.define(rule, body);
    }
    match builder.finish(rules[0]) {
        Ok(grammar) => grammar,
        Err(error) => unreachable!("every rule is declared once and defined: {error}"),
    }
}

/// A grammar of which `grammar` is the only part, with budgets of tokens, captures and temperatures for some of the rules.
pub fn with_attributes(source: &mut Source<'_>, grammar: &Grammar) -> Grammar {
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let body = builder.embed(grammar, "embedded.");
    builder.define(root, body);
    // Rules are declared in the order of their ids.
    let embedded = (1..=grammar.rules().len() as u32).map(RuleId::from_u32);
    for rule in std::iter::once(root).chain(embedded) {
        let attributes = RuleAttributes {
            max_tokens: source.one_in(2).then(|| source.below(5) as u32),
            capture: source.one_in(4).then(|| "captured".into()),
            temperature: source.one_in(3).then(|| source.below(4) as f32 / 2.0).and_then(Temperature::new),
            marker: None,
        };
        builder.set_attributes(rule, attributes);
    }
    match builder.finish(root) {
        Ok(grammar) => grammar,
        Err(error) => unreachable!("every rule is declared once and defined: {error}"),
    }
}

const CHARACTERS: [char; 6] = ['a', 'b', 'c', 'é', '€', '😀'];

fn expression(
    source: &mut Source<'_>,
    builder: &mut GrammarBuilder,
    rules: &[RuleId],
    shape: Shape,
    depth: usize,
) -> ExprId {
    let leaf = depth == 0;
    let kinds = match shape.scopes {
        _ if leaf => 8,
        Scopes::None => 14,
        _ => 20,
    };
    match source.below(kinds) {
        0 => builder.literal(["a", "b", "ab", "ba", "aab"][source.below(5)]),
        1 => builder.rule(rules[source.below(rules.len())]),
        2 => builder.empty(),
        3 => {
            let first = source.below(CHARACTERS.len());
            let last = first + source.below(CHARACTERS.len() - first);
            let set = CharSet::range(CHARACTERS[first], CHARACTERS[last]);
            let set = if source.one_in(3) { set.complement() } else { set };
            builder.class(set)
        }
        4 => builder.byte_set(ByteSet::range(b'a', b'a' + source.below(3) as u8)),
        5 if shape.tokens > 0 => {
            let ids: Vec<u32> = (0..1 + source.below(3)).map(|_| source.below(shape.tokens as usize) as u32).collect();
            builder.token(if source.one_in(3) { TokenSet::all_but(ids) } else { TokenSet::of(ids) })
        }
        6 if source.one_in(4) => builder.never(),
        7 => {
            let automaton = if source.one_in(2) { texts(source, shape) } else { automaton(source, shape) };
            builder.automaton(automaton)
        }
        5 | 6 => builder.literal("a"),
        8 | 9 => {
            let parts = parts(source, builder, rules, shape, depth);
            builder.sequence(parts)
        }
        10 | 11 => {
            let parts = parts(source, builder, rules, shape, depth);
            builder.choice(parts)
        }
        14.. => scopes::scope(source, builder, rules, shape, depth - 1),
        _ => {
            let body = expression(source, builder, rules, shape, depth - 1);
            let min = source.below(4) as u32 * if source.one_in(6) { shape.repeat / 4 } else { 1 };
            let max = match source.below(3) {
                0 => None,
                1 => Some(min + source.below(3) as u32),
                _ => Some(min + source.below(shape.repeat as usize + 1) as u32),
            };
            builder.repeat(body, min, max)
        }
    }
}

fn parts(
    source: &mut Source<'_>,
    builder: &mut GrammarBuilder,
    rules: &[RuleId],
    shape: Shape,
    depth: usize,
) -> Vec<ExprId> {
    (0..2 + source.below(2)).map(|_| expression(source, builder, rules, shape, depth - 1)).collect()
}

fn automaton(source: &mut Source<'_>, shape: Shape) -> ByteAutomaton {
    let states = 1 + source.below(4);
    let counter = source.one_in(2).then(|| counter(source, shape));
    let accepting = (0..states).map(|_| source.one_in(2)).collect();
    let edges = (0..states)
        .map(|_| {
            let mut edges = ByteEdges::new();
            for byte in b'a'..=b'c' {
                if source.one_in(2) {
                    let target = source.below(states) as u32;
                    let counts = counter.is_some() && !source.one_in(3);
                    edges.push(ByteEdge { low: byte, high: byte, target, counts });
                }
            }
            edges
        })
        .collect();
    ByteAutomaton { accepting, edges, counter }
}

fn counter(source: &mut Source<'_>, shape: Shape) -> Counter {
    let min = source.below(shape.repeat as usize + 1) as u32;
    let max = (!source.one_in(4)).then(|| min + source.below(shape.repeat as usize + 1) as u32);
    Counter { min, max }
}

/// Texts of counted length over large sets of characters, as those of a pattern with lengths: runs of one set with others
/// between them, so that states have loops.
fn texts(source: &mut Source<'_>, shape: Shape) -> ByteAutomaton {
    let limits = Limits::default();
    let mut budget = Budget::new(&limits);
    let mut spelled = || -> Result<ByteAutomaton, LimitError> {
        let mut language = CharAutomaton::empty_word();
        for _ in 0..1 + source.below(3) {
            let set: CharSet = (0..source.below(3)).map(|_| CHARACTERS[source.below(CHARACTERS.len())]).collect();
            let set = if source.one_in(3) { set } else { set.complement() };
            let min = source.below(2) as u32;
            let max = if source.one_in(3) { Some(min + source.below(3) as u32) } else { None };
            let run = CharAutomaton::from_set(&set).repeat(min, max, &mut budget)?;
            language = language.concatenate(&run, &mut budget)?;
        }
        if source.one_in(3) {
            language = language.repeat(0, None, &mut budget)?;
        }
        if source.one_in(4) {
            language.to_bytes(&Utf8, &mut budget)
        } else {
            language.to_counted_bytes(counter(source, shape), &Utf8, &mut budget)
        }
    };
    match spelled() {
        Ok(automaton) => automaton,
        Err(error) => unreachable!("three runs are within all limits: {error}"),
    }
}

/// A small vocabulary over the characters of [`grammar`], with tokens that cut characters apart, equal texts, special
/// tokens, holes, padding and stop tokens.
///
/// # Errors
/// Never, unless the vocabulary's own rules change.
pub fn vocabulary(source: &mut Source<'_>) -> Result<Vocabulary, VocabularyError> {
    let mut tokens: Vec<Token> = Vec::new();
    for _ in 0..4 + source.below(40) {
        tokens.push(match source.below(12) {
            0 => Token::Special(format!("<special{}>", tokens.len())),
            1 => Token::Hole,
            2 => Token::Text(vec![[0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, b'd'][source.below(10)]]),
            _ => {
                let text: String =
                    (0..1 + source.below(4)).map(|_| CHARACTERS[source.below(CHARACTERS.len())]).collect();
                let cut = source.below(text.len());
                Token::Text(if source.one_in(5) { text.as_bytes()[cut..].to_vec() } else { text.into_bytes() })
            }
        });
    }
    let count = tokens.len();
    let stops: Vec<u32> = (0..source.below(3)).map(|_| source.below(count) as u32).collect();
    Vocabulary::from_tokens(tokens)?.with_stop_tokens(stops)?.with_size(count + source.below(40))
}
