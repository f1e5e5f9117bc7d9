//! The normal form: for every set of schemas that some value must satisfy together, a union of typed shapes.

use super::language::Language;
use grammar_ir::regular::CharAutomaton;
use grammar_ir::{Budget, CharSet, LimitError, LimitKind};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::{Ast, SchemaId, Type};
use super::expand::{self, Expansions};
use super::merge::{self, Shape};
use super::number::Numbers;
use super::options::{Options, Relaxation};
use super::productive::{self, Pruned};
use super::refusal::Refusals;
use super::string::Patterns;
use super::tally::{Place, Tally};
use super::{refusal, unique};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::regex;

/// A schema that must hold, or must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Literal {
    /// The schema.
    pub(super) schema: SchemaId,
    /// Whether it must hold.
    pub(super) positive: bool,
}

impl Literal {
    /// The schema must hold.
    pub(super) fn holds(schema: SchemaId) -> Self {
        Self { schema, positive: true }
    }
}

/// Literals that one value must satisfy together, in the order in which the document states them. Empty is any value.
pub(super) type Goal = Vec<Literal>;

/// A node of the normal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NodeId(pub(super) u32);

impl NodeId {
    /// The position among the nodes.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The nodes that the root needs.
#[derive(Debug)]
pub(super) struct Normal {
    /// The nodes by id; the root is the first.
    pub(super) nodes: Vec<Node>,
    /// What is not enforced.
    pub(super) relaxations: Vec<Relaxation>,
    /// The node of every value.
    pub(super) anything: Option<NodeId>,
    /// What each node is for.
    goals: Vec<Goal>,
}

impl Normal {
    /// The node of the root schema.
    pub(super) const ROOT: NodeId = NodeId(0);

    /// What is said of a limit that was met at `node`.
    pub(super) fn limited(&self, ast: &Ast, node: NodeId, reason: &str) -> Diagnostic {
        limited(ast, &self.goals[node.index()], reason)
    }
}

/// What is said of a limit that was met by a goal.
fn limited(ast: &Ast, goal: &Goal, reason: &str) -> Diagnostic {
    let schema = ast.get(goal.first().map_or(Ast::ROOT, |literal| literal.schema));
    refusal::limit(schema, schema.main_keyword(), reason)
}

/// Why there is no normal form.
#[derive(Debug)]
pub(super) enum Failure {
    /// This is wrong.
    Faults(Diagnostics),
    /// Nothing is valid, as no value satisfies the schemas at these places together.
    Empty(Vec<String>),
}

impl From<Diagnostics> for Failure {
    fn from(faults: Diagnostics) -> Self {
        Self::Faults(faults)
    }
}

impl From<Diagnostic> for Failure {
    fn from(fault: Diagnostic) -> Self {
        Self::Faults(fault.into())
    }
}

/// The values that satisfy one goal: the union of everything listed.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Values that are listed one by one, `null` and the booleans among them.
    pub(super) values: Vec<Value>,
    /// The texts of numbers.
    pub(super) numbers: Vec<Numbers>,
    /// Strings.
    pub(super) strings: Vec<StringShape>,
    /// Whether the strings of the format `regex` are among them.
    pub(super) regexes: bool,
    /// Arrays.
    pub(super) arrays: Vec<ArrayShape<NodeId>>,
    /// Objects.
    pub(super) objects: Vec<ObjectShape<NodeId>>,
}

impl Node {
    /// Whether its values are all listed.
    pub(super) fn is_listed(&self) -> bool {
        self.numbers.is_empty()
            && self.strings.is_empty()
            && !self.regexes
            && self.arrays.is_empty()
            && self.objects.is_empty()
    }

    /// Whether there may be a value of type `kind`.
    pub(super) fn has(&self, kind: Type) -> bool {
        let beyond_lists = match kind {
            Type::Null | Type::Boolean => false,
            Type::Number => !self.numbers.is_empty(),
            Type::String => !self.strings.is_empty() || self.regexes,
            Type::Array => !self.arrays.is_empty(),
            Type::Object => !self.objects.is_empty(),
        };
        beyond_lists || self.values.iter().any(|value| Type::of(value) == kind)
    }
}

/// Strings: the texts of a language that have between `min` and `max` characters.
#[derive(Debug, Clone)]
pub(super) struct StringShape {
    /// What they are, lengths aside.
    pub(super) texts: Texts,
    /// The least number of characters.
    pub(super) min: u32,
    /// The greatest number of characters.
    pub(super) max: Option<u32>,
}

/// A language of texts.
#[derive(Debug, Clone)]
pub(super) enum Texts {
    /// Every text of these characters; `None` is any characters.
    Run(Option<CharSet>),
    /// The texts of a language.
    Language(Arc<Language>),
    /// The texts of a language whose bounds on lengths would take too many states to be worked into it.
    Counted {
        /// The language.
        texts: Arc<Language>,
        /// Most of those that are within the bounds.
        within: Arc<Language>,
    },
    /// The texts in which a pattern is found, where the automaton of that is large, or too large to be made.
    Pattern {
        /// The pattern; it needs no automaton.
        tree: Arc<regex::Pattern>,
        /// Its language, if that could be made.
        language: Option<Arc<Language>>,
    },
}

impl StringShape {
    /// The texts of `language`.
    pub(super) fn of(language: Arc<Language>) -> Self {
        Self { texts: Texts::Language(language), min: 0, max: None }
    }

    /// The texts of `min` to `max` characters.
    pub(super) fn of_length(min: u32, max: Option<u32>) -> Self {
        Self { texts: Texts::Run(None), min, max }
    }

    /// The shape as one language.
    pub(super) fn language(&self, budget: &mut Budget<'_>) -> Result<Arc<Language>, LimitError> {
        let within = |budget: &mut Budget<'_>| CharAutomaton::length_between(self.min, self.max, budget);
        let language = match &self.texts {
            Texts::Run(None) => return within(budget).map(Language::new),
            Texts::Run(Some(set)) => {
                return CharAutomaton::from_set(set).repeat(self.min, self.max, budget).map(Language::new);
            }
            Texts::Language(language)
            | Texts::Counted { within: language, .. }
            | Texts::Pattern { language: Some(language), .. } => language,
            Texts::Pattern { language: None, .. } => {
                return Err(LimitError::new(LimitKind::States, budget.limits().states));
            }
        };
        let is_within = |(shortest, longest): (u32, Option<u32>)| {
            self.min <= shortest && self.max.is_none_or(|max| longest.is_some_and(|longest| longest <= max))
        };
        if (self.min, self.max) == (0, None) || language.lengths().is_some_and(is_within) {
            return Ok(Arc::clone(language));
        }
        Ok(Language::new(language.intersection(&within(budget)?, budget)?))
    }
}

/// Arrays; `V` says what an item may be.
#[derive(Debug, Clone)]
pub(super) struct ArrayShape<V> {
    /// What the first items are.
    pub(super) prefix: Vec<Place<V>>,
    /// What the items after the prefix are.
    pub(super) rest: Place<V>,
    /// The least number of items.
    pub(super) min: u32,
    /// The greatest number of items.
    pub(super) max: Option<u32>,
    /// How many items are claimed.
    pub(super) tallies: Vec<Tally>,
    /// The schema that wants no two items to be equal.
    pub(super) unique: Option<SchemaId>,
    /// What must be remembered of the items.
    pub(super) memory: Memory,
    /// Its values, where they have a slot each as items that must differ.
    pub(super) few: Option<Rc<[Value]>>,
}

/// How what has been read of an array is remembered.
#[derive(Debug, Clone, Default)]
pub(super) enum Memory {
    /// By nothing but the number of items.
    #[default]
    Length,
    /// In states: counts and, where no two items are equal, which of these values have been seen.
    States(Vec<Value>),
    /// In the registers of a scope.
    Registers {
        /// The values that have a slot each.
        slots: Vec<Value>,
        /// Whether other items are compared with each other.
        compares: bool,
    },
}

/// Objects; `V` says what a value may be.
#[derive(Debug, Clone)]
pub(super) struct ObjectShape<V> {
    /// Members with a declared key, in the order in which they are written.
    pub(super) named: Vec<Named<V>>,
    /// Members with another key, in classes that no two share a key.
    pub(super) free: Vec<Free<V>>,
    /// The least number of members.
    pub(super) min: u32,
    /// The greatest number of members.
    pub(super) max: Option<u32>,
    /// How many members are claimed.
    pub(super) tallies: Vec<Tally>,
    /// Its values, where they have a slot each as items that must differ.
    pub(super) few: Option<Rc<[Value]>>,
}

/// A member with a declared key.
#[derive(Debug, Clone)]
pub(super) struct Named<V> {
    /// The key.
    pub(super) key: String,
    /// Whether it must be there.
    pub(super) required: bool,
    /// Its value.
    pub(super) place: Place<V>,
}

/// Members with a key that is not declared.
#[derive(Debug, Clone)]
pub(super) struct Free<V> {
    /// The keys.
    pub(super) keys: FreeKeys,
    /// Their values.
    pub(super) place: Place<V>,
}

/// A class of keys that are not declared.
#[derive(Debug, Clone)]
pub(super) enum FreeKeys {
    /// Every key but these.
    AllBut(Rc<[String]>),
    /// These keys.
    Few(Vec<String>),
    /// The keys of a language.
    Language(Arc<Language>),
}

/// What the stages of normalisation share.
pub(super) struct Context<'a> {
    /// The schemas.
    pub(super) ast: &'a Ast,
    /// The options.
    pub(super) options: &'a Options,
    /// What has been expanded.
    pub(super) expansions: Expansions,
    /// What has been compiled.
    pub(super) patterns: Patterns,
    /// What is refused.
    pub(super) refusals: Refusals,
}

/// More nodes than this are refused.
const MAX_NODES: usize = 200_000;

/// Normalises the root schema of `ast` and all that it needs, without what has no value. `patterns` is what has been compiled before.
pub(super) fn normalize(
    ast: &Ast,
    options: &Options,
    patterns: &mut Patterns,
    budget: &mut Budget<'_>,
) -> Result<Normal, Failure> {
    let mut context = Context {
        ast,
        options,
        expansions: Expansions::default(),
        patterns: std::mem::take(patterns),
        refusals: Refusals::new(options.lenient),
    };
    let mut interner = Interner { ids: FxHashMap::default(), goals: Vec::new() };
    interner.node(vec![Literal::holds(Ast::ROOT)]);
    let mut nodes = Vec::new();
    while nodes.len() < interner.goals.len() {
        if interner.goals.len() > MAX_NODES {
            let reason = format!("the schema needs more than {MAX_NODES} combinations of its parts");
            return Err(limited(ast, &interner.goals[nodes.len()], &reason).into());
        }
        let goal = interner.goals[nodes.len()].clone();
        budget.check_time().map_err(|error| limited(ast, &goal, &error.to_string()))?;
        let mut node = Node::default();
        let mut listed = FxHashSet::default();
        for kind in Type::ALL {
            for alternative in expand::goal(&mut context, kind, &goal, budget) {
                let merged = merge::merge(&mut context, kind, &alternative, budget);
                for (schema, keyword, reason) in merged.refused {
                    context.refusals.unsupported(ast.get(schema), keyword, reason);
                }
                for shape in merged.shapes {
                    interner.add(&mut node, &mut listed, shape);
                }
            }
        }
        nodes.push(node);
    }
    // Only what is possible is listed; and what can be listed may show that something else is impossible.
    let root = &interner.goals[Normal::ROOT.index()];
    let at_root = |error: LimitError| limited(ast, root, &error.to_string());
    let mut pruned = productive::prune(&mut nodes, budget).map_err(at_root)?;
    while pruned.is_ok() {
        unique::settle(&mut nodes, &mut context, budget).map_err(at_root)?;
        pruned = productive::prune(&mut nodes, budget).map_err(at_root)?;
        if pruned == Ok(Pruned::Nothing) {
            break;
        }
    }
    *patterns = context.patterns;
    // Without time left, what was refused may be for want of it.
    budget.check_time().map_err(at_root)?;
    let relaxations = context.refusals.into_result()?;
    if let Err(node) = pruned {
        let holding = interner.goals[node.index()].iter().filter(|literal| literal.positive);
        return Err(Failure::Empty(holding.map(|literal| ast.get(literal.schema).pointer.clone()).collect()));
    }
    let anything = interner.ids.get(&Goal::new()).copied();
    Ok(Normal { nodes, relaxations, anything, goals: interner.goals })
}

struct Interner {
    ids: FxHashMap<Goal, NodeId>,
    goals: Vec<Goal>,
}

impl Interner {
    /// The node of a goal. Goals are sets: their order decides only the order of keys, so the first one met stands
    /// for all.
    fn node(&mut self, goal: Goal) -> NodeId {
        let mut key = goal.clone();
        key.sort_unstable();
        key.dedup();
        if let Some(&id) = self.ids.get(&key) {
            return id;
        }
        let id = NodeId(self.goals.len() as u32);
        self.ids.insert(key, id);
        self.goals.push(goal);
        id
    }

    /// Adds `shape` to `node`; `listed` has the texts of the values that are there.
    fn add(&mut self, node: &mut Node, listed: &mut FxHashSet<String>, shape: Shape) {
        match shape {
            Shape::Value(value) => {
                if listed.insert(value.to_string()) {
                    node.values.push(value);
                }
            }
            Shape::Number(numbers) => node.numbers.push(numbers),
            Shape::String(string) => node.strings.push(string),
            Shape::Regex => node.regexes = true,
            Shape::Array(array) => {
                let ArrayShape { prefix, rest, min, max, tallies, unique, memory, few: _ } = array;
                let prefix = prefix.into_iter().map(|place| place.map(|goal| self.node(goal))).collect();
                let rest = rest.map(|goal| self.node(goal));
                node.arrays.push(ArrayShape { prefix, rest, min, max, tallies, unique, memory, few: None });
            }
            Shape::Object(object) => {
                let ObjectShape { named, free, min, max, tallies, few: _ } = object;
                let named = named
                    .into_iter()
                    .map(|Named { key, required, place }| Named {
                        key,
                        required,
                        place: place.map(|goal| self.node(goal)),
                    })
                    .collect();
                let free = free
                    .into_iter()
                    .map(|Free { keys, place }| Free { keys, place: place.map(|goal| self.node(goal)) })
                    .collect();
                node.objects.push(ObjectShape { named, free, min, max, tallies, few: None });
            }
        }
    }
}
