//! Strings: the languages of patterns and formats, and their expressions.

use std::rc::Rc;

use grammar_ir::regular::{CharAutomaton, Spelling};
use grammar_ir::{Budget, CharSet, ExprId, GrammarBuilder, LimitError, Limits};
use rustc_hash::FxHashMap;

use super::format::Side;
use super::normal::StringShape;
use super::spelling::JsonString;
use crate::diagnostic::Diagnostics;
use crate::regex;

/// The languages of patterns and formats, each compiled once.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    patterns: FxHashMap<String, Result<Rc<CharAutomaton>, String>>,
    formats: FxHashMap<(String, Side), Result<Rc<CharAutomaton>, String>>,
    /// The trees of the patterns whose languages take many states.
    large: FxHashMap<String, Rc<regex::Pattern>>,
}

impl Patterns {
    /// The texts in which the ECMA-262 regular expression `pattern` is found, or why it cannot be used.
    pub(super) fn get(&mut self, pattern: &str, budget: &mut Budget<'_>) -> Result<Rc<CharAutomaton>, String> {
        if let Some(done) = self.patterns.get(pattern) {
            return done.clone();
        }
        let language = compile(pattern, regex::Anchoring::Search, budget).map(|(language, tree)| {
            if language.state_count() > MAX_EXPLICIT {
                self.large.insert(pattern.to_owned(), Rc::new(tree));
            }
            Rc::new(language)
        });
        self.patterns.insert(pattern.to_owned(), language.clone());
        language
    }

    /// The tree of a `pattern` that has been compiled, if its language takes so many states that it is better written
    /// with the counts of the pattern.
    pub(super) fn tree(&self, pattern: &str) -> Option<Rc<regex::Pattern>> {
        self.large.get(pattern).cloned()
    }

    /// The texts that `format` allows, or those that stand for them on this `side`, or why it cannot be used.
    pub(super) fn format(
        &mut self,
        format: &str,
        side: Side,
        budget: &mut Budget<'_>,
    ) -> Result<Rc<CharAutomaton>, String> {
        let key = (format.to_owned(), side);
        if let Some(done) = self.formats.get(&key) {
            return done.clone();
        }
        let language = super::format::language(format, side, budget).map(Rc::new);
        self.formats.insert(key, language.clone());
        language
    }
}

/// More states than this for one language are refused: the next stages multiply them by the spellings of characters.
const MAX_STATES: usize = 20_000;

/// The language of a pattern with more states than this is written with the counts of the pattern where it can be.
const MAX_EXPLICIT: usize = 256;
/// Up to this length a language is intersected with its lengths; beyond, the end of it is counted where that can be.
const MIN_COUNTED: u32 = 16;
/// A language whose heads are longer than this is not split by their lengths.
const MAX_HEADS: u32 = 256;

/// The limits for work on one language.
pub(super) fn limits(budget: &Budget<'_>) -> Limits {
    let mut limits = budget.limits().clone();
    limits.states = limits.states.min(MAX_STATES);
    limits
}

fn compile(
    pattern: &str,
    anchoring: regex::Anchoring,
    budget: &mut Budget<'_>,
) -> Result<(CharAutomaton, regex::Pattern), String> {
    let options = regex::Options::new(regex::Syntax::Ecma262);
    budget.check_time().map_err(|error| error.to_string())?;
    let limits = limits(budget);
    let budget = &mut Budget::new(&limits);
    let parsed = regex::parse(pattern, &options, &limits).map_err(|error| error.to_string())?;
    let language = regex::to_automaton(&parsed, anchoring, budget).map_err(|error| error.to_string())?;
    Ok((language, parsed))
}

/// The texts of `language` that have `min` to `max` characters, as shapes.
///
/// # Errors
/// When that takes too many states.
pub(super) fn of_length(
    language: Rc<CharAutomaton>,
    min: u32,
    max: Option<u32>,
    budget: &mut Budget<'_>,
) -> Result<Vec<StringShape>, LimitError> {
    if min == 0 && max.is_none() {
        return Ok(vec![StringShape::of(language)]);
    }
    let tail = if max.unwrap_or(min) > MIN_COUNTED { language.tail(budget)? } else { None };
    let Some(tail) = tail.filter(|tail| tail.longest <= MAX_HEADS) else {
        let lengths = CharAutomaton::length_between(min, max, budget)?;
        return Ok(vec![StringShape::of(Rc::new(language.intersection(&lengths, budget)?))]);
    };
    let longest = tail.longest.min(max.unwrap_or(u32::MAX));
    // No other text is longer; where `max` is less than `min` that is no text at all.
    let lengths = CharAutomaton::length_between(min.min(longest + 1), Some(longest), budget)?;
    let mut shapes = vec![StringShape::of(Rc::new(tail.others.intersection(&lengths, budget)?))];
    for length in 0..=longest {
        let exactly = CharAutomaton::length_between(length, Some(length), budget)?;
        let heads = tail.heads.intersection(&exactly, budget)?;
        shapes.push(StringShape {
            head: Some(Rc::new(heads)),
            tree: None,
            characters: Some(tail.characters.clone()),
            min: min.saturating_sub(length),
            max: max.map(|max| max - length),
        });
    }
    Ok(shapes)
}

/// One character of any kind, as the inside of a JSON string.
pub(super) fn any_character(builder: &mut GrammarBuilder) -> ExprId {
    JsonString.class(builder, &CharSet::full())
}

/// The JSON texts of the strings of `shape`, quotes included.
pub(super) fn lower(
    shape: &StringShape,
    any_character: ExprId,
    builder: &mut GrammarBuilder,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let head = match (&shape.head, &shape.tree) {
        (_, Some(tree)) => regex::lower(tree, regex::Anchoring::Search, &JsonString, builder, budget)?,
        (Some(language), None) => self::language(language, builder, budget)?,
        (None, None) => builder.empty(),
    };
    let character = match &shape.characters {
        Some(set) => JsonString.class(builder, set),
        None => any_character,
    };
    let tail = builder.repeat(character, shape.min, shape.max);
    let inside = builder.sequence([head, tail]);
    Ok(quoted(inside, builder))
}

/// The inside of the JSON texts of the strings of `language`.
pub(super) fn language(
    language: &CharAutomaton,
    builder: &mut GrammarBuilder,
    budget: &mut Budget<'_>,
) -> Result<ExprId, LimitError> {
    let bytes = language.to_bytes(&JsonString, budget)?;
    Ok(builder.automaton(bytes))
}

/// `inside` between quotes.
pub(super) fn quoted(inside: ExprId, builder: &mut GrammarBuilder) -> ExprId {
    let quote = builder.literal("\"");
    builder.sequence([quote, inside, quote])
}

/// The JSON texts of one string in all spellings, quotes included.
pub(super) fn literal(text: &str, builder: &mut GrammarBuilder) -> ExprId {
    let characters: Vec<ExprId> =
        text.chars().map(|character| JsonString.class(builder, &CharSet::single(character))).collect();
    let inside = builder.sequence(characters);
    quoted(inside, builder)
}

/// A node of a [`Trie`].
#[derive(Debug, Default)]
struct TrieNode {
    is_text: bool,
    children: std::collections::BTreeMap<char, usize>,
}

/// A set of texts that shares their beginnings. Children come after their parents.
#[derive(Debug)]
struct Trie {
    nodes: Vec<TrieNode>,
}

impl Trie {
    fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut nodes = vec![TrieNode::default()];
        for text in texts {
            let mut at = 0;
            for character in text.chars() {
                let next = nodes.len();
                at = *nodes[at].children.entry(character).or_insert(next);
                if at == next {
                    nodes.push(TrieNode::default());
                }
            }
            nodes[at].is_text = true;
        }
        Self { nodes }
    }

    /// One expression per node, from the leaves up, where `finish` gives the words that a node adds by itself.
    fn lower(&self, builder: &mut GrammarBuilder, finish: impl Fn(&mut GrammarBuilder, &TrieNode) -> ExprId) -> ExprId {
        let mut lowered: Vec<Option<ExprId>> = vec![None; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().rev() {
            let mut arms = vec![finish(builder, node)];
            for (&character, &child) in &node.children {
                let head = JsonString.class(builder, &CharSet::single(character));
                if let Some(tail) = lowered[child] {
                    arms.push(builder.sequence([head, tail]));
                }
            }
            lowered[index] = Some(builder.choice(arms));
        }
        lowered[0].unwrap_or_else(|| builder.never())
    }
}

/// The JSON texts of a set of strings in all spellings, quotes included.
pub(super) fn literals<'t>(texts: impl IntoIterator<Item = &'t str>, builder: &mut GrammarBuilder) -> ExprId {
    let inside = Trie::of(texts).lower(
        builder,
        |builder, node| {
            if node.is_text { builder.literal("\"") } else { builder.never() }
        },
    );
    let quote = builder.literal("\"");
    builder.sequence([quote, inside])
}

/// The JSON texts of every string but these, quotes included.
pub(super) fn all_but<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    any_character: ExprId,
    builder: &mut GrammarBuilder,
) -> ExprId {
    let quote = builder.literal("\"");
    let anything = builder.repeat(any_character, 0, None);
    let rest = builder.sequence([anything, quote]);
    let inside = Trie::of(texts).lower(builder, |builder, node| {
        let known: CharSet = node.children.keys().copied().collect();
        let other = JsonString.class(builder, &known.complement());
        let other = builder.sequence([other, rest]);
        if node.is_text { other } else { builder.choice([quote, other]) }
    });
    builder.sequence([quote, inside])
}
