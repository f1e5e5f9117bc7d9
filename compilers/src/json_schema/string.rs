//! Strings: the languages of patterns and formats, and their expressions.

use std::sync::{Arc, OnceLock};

use grammar_ir::regular::CharAutomaton;
use grammar_ir::{
    Budget, ByteAutomaton, ByteEdge, ByteEdges, CharSet, Counter, ExprId, GrammarBuilder, LimitError, Limits,
};
use rustc_hash::FxHashMap;
use smallvec::smallvec;

use super::format::Side;
use super::known::{FORMATS, NUMBERS, PATTERNS, Pattern};
use super::language::Language;
use super::merge::least;
use super::normal::{StringShape, Texts};
use super::number::{NumberSet, Numbers};
use super::options::{Digits, Escapes};
use super::spelled;
use super::spelling::JsonString;
use crate::diagnostic::Diagnostics;
use crate::regex;

/// The texts of a set of numbers, `None` where it is empty, or why there are none.
type NumbersOrReason = Result<Option<Numbers>, String>;

/// The languages of patterns, formats and sets of numbers, each compiled once.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    patterns: FxHashMap<String, Result<Arc<Language>, String>>,
    formats: FxHashMap<(String, Side), Result<Arc<Language>, String>>,
    /// The trees of the patterns that need no automaton and whose languages take many states, or too many.
    large: FxHashMap<String, Arc<regex::Pattern>>,
    numbers: FxHashMap<(NumberSet, Digits), NumbersOrReason>,
}

impl Patterns {
    /// The texts in which the ECMA-262 regular expression `pattern` is found, or why it cannot be used.
    pub(super) fn get(&mut self, pattern: &str, budget: &mut Budget<'_>) -> Result<Arc<Language>, String> {
        if let Some(done) = self.patterns.get(pattern) {
            return done.clone();
        }
        let language = self.compile(pattern, budget);
        self.patterns.insert(pattern.to_owned(), language.clone());
        language
    }

    fn compile(&mut self, pattern: &str, budget: &mut Budget<'_>) -> Result<Arc<Language>, String> {
        budget.check_time().map_err(|error| error.to_string())?;
        if let Some(known) = PATTERNS.get(pattern).filter(|known| fits(&known.language, budget)) {
            self.large.extend(known.tree.map(|tree| (pattern.to_owned(), tree)));
            return Ok(known.language);
        }
        let tree = parse(pattern, budget)?;
        let language = language_of(&tree, regex::Anchoring::Search, budget);
        let is_large = |states: usize| states > MAX_UNCOUNTED || (states > MAX_EXPLICIT && tree.counts_to(MIN_COUNTED));
        if language.as_ref().map_or(true, |language| is_large(language.state_count()))
            && regex::needs_automaton(&tree, regex::Anchoring::Search, budget) == Ok(false)
        {
            self.large.insert(pattern.to_owned(), Arc::new(tree));
        }
        if let Ok(language) = &language {
            let known = Pattern { language: Arc::clone(language), tree: self.tree(pattern) };
            PATTERNS.insert(pattern.to_owned(), known, language.state_count());
        }
        language
    }

    /// The texts of `set`.
    pub(super) fn numbers(&mut self, set: &NumberSet, digits: Digits, budget: &mut Budget<'_>) -> NumbersOrReason {
        let key = (set.clone(), digits);
        if let Some(done) = self.numbers.get(&key) {
            return done.clone();
        }
        let texts = NUMBERS.get(&key).map_or_else(|| set.texts(digits, budget), Ok);
        if let Ok(texts) = &texts {
            NUMBERS.insert(key.clone(), texts.clone(), texts.as_ref().map_or(0, Numbers::state_count));
        }
        self.numbers.insert(key, texts.clone());
        texts
    }

    /// The tree of a `pattern` that has been compiled, if its language takes so many states that it is better written
    /// with the counts of the pattern.
    pub(super) fn tree(&self, pattern: &str) -> Option<Arc<regex::Pattern>> {
        self.large.get(pattern).cloned()
    }

    /// The texts that `format` allows, or those that stand for them on this `side`, or why it cannot be used.
    pub(super) fn format(
        &mut self,
        format: &str,
        side: Side,
        budget: &mut Budget<'_>,
    ) -> Result<Arc<Language>, String> {
        let key = (format.to_owned(), side);
        if let Some(done) = self.formats.get(&key) {
            return done.clone();
        }
        let known = FORMATS.get(&key).filter(|known| fits(known, budget));
        let language = known.map_or_else(|| super::format::language(format, side, budget).map(Language::new), Ok);
        if let Ok(language) = &language {
            FORMATS.insert(key.clone(), Arc::clone(language), language.state_count());
        }
        self.formats.insert(key, language.clone());
        language
    }
}

/// More states than this for one language are refused: the next stages multiply them by the spellings of characters.
const MAX_STATES: usize = 20_000;

/// The language of a pattern with more states than this is written with the counts of the pattern where it can be.
const MAX_EXPLICIT: usize = 256;

/// The same for a pattern that counts no higher than [`MIN_COUNTED`], as an alternation of many addresses.
const MAX_UNCOUNTED: usize = 2048;

/// A bound on lengths up to this is worked into the states of a language; beyond, characters are counted.
const MIN_COUNTED: u32 = 16;

/// The limits for work on one language.
pub(super) fn limits(budget: &Budget<'_>) -> Limits {
    let mut limits = budget.limits().clone();
    limits.states = limits.states.min(MAX_STATES);
    limits
}

/// Whether a language that is known already takes no more states than `budget` allows.
fn fits(language: &Language, budget: &Budget<'_>) -> bool {
    language.state_count() <= limits(budget).states
}

fn parse(pattern: &str, budget: &Budget<'_>) -> Result<regex::Pattern, String> {
    let options = regex::Options::new(regex::Syntax::Ecma262);
    regex::parse(pattern, &options, &limits(budget)).map_err(|error| error.to_string())
}

fn language_of(
    tree: &regex::Pattern,
    anchoring: regex::Anchoring,
    budget: &Budget<'_>,
) -> Result<Arc<Language>, String> {
    let limits = limits(budget);
    let language = regex::to_automaton(tree, anchoring, &mut Budget::new(&limits));
    language.map(Language::new).map_err(|error| error.to_string())
}

/// The texts of `language` that have `min` to `max` characters; `None` when there are none.
///
/// # Errors
/// When that takes too many states.
pub(super) fn of_length(
    language: Arc<Language>,
    min: u32,
    max: Option<u32>,
    budget: &mut Budget<'_>,
) -> Result<Option<StringShape>, LimitError> {
    let Some((shortest, longest)) = language.lengths() else { return Ok(None) };
    if longest.is_none_or(|longest| longest > MIN_COUNTED)
        && let Some((characters, run)) = language.as_run()
    {
        let (min, max) = (min.max(run.min), least(max, run.max));
        let shape = StringShape { texts: Texts::Run(Some(characters)), min, max };
        return Ok(max.is_none_or(|max| min <= max).then_some(shape));
    }
    let counter = Counter {
        min: if min <= shortest { 0 } else { min },
        max: max.filter(|&max| longest.is_none_or(|longest| max < longest)),
    };
    if (counter.min, counter.max) == (0, None) {
        return Ok(Some(StringShape::of(language)));
    }
    // No text is longer than the longest, so a language that has one is as good as bounded.
    let few_states = longest.is_some() && language.state_count() <= MAX_EXPLICIT;
    if counter.greatest() <= MIN_COUNTED || few_states {
        let within = CharAutomaton::length_between(min, max, budget)?;
        let within = language.intersection(&within, budget)?;
        if within.is_empty() || within.state_count() <= MAX_EXPLICIT {
            return Ok((!within.is_empty()).then(|| StringShape::of(Language::new(within))));
        }
    }
    let Counter { min, max } = counter;
    Ok(language.has_length(counter, budget)?.then_some(StringShape { texts: Texts::Language(language), min, max }))
}

/// The JSON texts of the strings of `shape`, quotes included.
pub(super) fn lower(
    shape: &StringShape,
    builder: &mut GrammarBuilder,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let counter = Counter { min: shape.min, max: shape.max };
    let is_counted = (counter.min, counter.max) != (0, None);
    let inside = match &shape.texts {
        Texts::Run(None) if !is_counted => return Ok(builder.automaton(any(budget)?)),
        Texts::Run(set) => run(set.as_ref(), counter, budget)?,
        Texts::Pattern { tree, .. } => {
            let inside = regex::lower(tree, regex::Anchoring::Search, &JsonString, builder, budget)?;
            return Ok(quoted(inside, builder));
        }
        Texts::Language(language) if !is_counted => return Ok(builder.automaton(language.strings(budget)?)),
        Texts::Language(texts) | Texts::Counted { texts, .. } => spelled_language(texts, counter, budget)?,
    };
    Ok(builder.automaton(between_quotes(&inside)))
}

/// The inside of strings of `language` that have `counter.min` to `counter.max` characters.
fn spelled_language(
    language: &CharAutomaton,
    counter: Counter,
    budget: &mut Budget<'_>,
) -> Result<ByteAutomaton, LimitError> {
    if (counter.min, counter.max) == (0, None) {
        language.to_bytes(&JsonString, budget)
    } else {
        language.to_counted_bytes(counter, &JsonString, budget)
    }
}

/// The texts of `inside` between quotes, one automaton, so that where characters are counted nothing is called: a state
/// that loops on them leaves by the quote.
pub(super) fn between_quotes(inside: &ByteAutomaton) -> ByteAutomaton {
    let quote = |target: usize| ByteEdge { low: b'"', high: b'"', target: target as u32, counts: false };
    let end = inside.edges.len() + 1;
    let moved = |edge: &ByteEdge| ByteEdge { target: edge.target + 1, ..*edge };
    let mut edges = vec![smallvec![quote(1)]];
    for (own, &accepting) in inside.edges.iter().zip(&inside.accepting) {
        let mut own: ByteEdges = own.iter().map(moved).collect();
        if accepting {
            own.insert(own.partition_point(|edge| edge.low < b'"'), quote(end));
        }
        edges.push(own);
    }
    edges.push(ByteEdges::new());
    let accepting = (0..edges.len()).map(|state| state == end).collect();
    ByteAutomaton { edges, accepting, counter: inside.counter }
}

/// The inside of strings of `counter.min` to `counter.max` characters, all of `set` or of any kind.
fn run(set: Option<&CharSet>, counter: Counter, budget: &mut Budget<'_>) -> Result<ByteAutomaton, LimitError> {
    let language = match set {
        Some(set) => CharAutomaton::from_set(set).repeat(0, None, budget)?,
        None => CharAutomaton::any_text(),
    };
    spelled_language(&language, counter, budget)
}

/// Every string.
fn any(budget: &mut Budget<'_>) -> Result<Arc<ByteAutomaton>, LimitError> {
    static ANY: OnceLock<Arc<Language>> = OnceLock::new();
    ANY.get_or_init(|| Language::new(CharAutomaton::any_text())).strings(budget)
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

/// The JSON texts of a set of strings, quotes included.
///
/// # Errors
/// When that takes too many states.
pub(super) fn literals<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    escapes: Escapes,
    builder: &mut GrammarBuilder,
    budget: &mut Budget<'_>,
) -> Result<ExprId, LimitError> {
    Ok(builder.automaton(spelled::texts(texts, escapes, budget)?))
}

/// The JSON texts of every string but these, in any spelling, quotes included.
///
/// # Errors
/// When that takes too many states.
pub(super) fn all_but<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    builder: &mut GrammarBuilder,
    budget: &mut Budget<'_>,
) -> Result<ExprId, LimitError> {
    Ok(builder.automaton(spelled::all_but(texts, budget)?))
}

/// The texts of `language` but these.
///
/// # Errors
/// When it takes too many states.
pub(super) fn without<'t>(
    language: &CharAutomaton,
    texts: impl IntoIterator<Item = &'t str>,
    budget: &mut Budget<'_>,
) -> Result<CharAutomaton, LimitError> {
    let listed = CharAutomaton::union_of(texts.into_iter().map(CharAutomaton::literal).collect(), budget)?;
    language.difference(&listed, budget)
}
