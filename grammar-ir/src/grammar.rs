//! `Grammar`: rules over an arena of expressions.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::counting::CountedEdge;
use crate::{ByteSet, CharSet, Counter, ExprId, Mark, RuleAttributes, RuleId, ScopeRules};

/// A context-free grammar over bytes and tokens.
///
/// The language of a grammar is that of its root rule. The meaning of each expression is given on [`Expr`]; the
/// executable definition is [`interp`](crate::interp).
#[derive(Debug, Clone)]
pub struct Grammar {
    pub(crate) rules: Vec<Rule>,
    pub(crate) exprs: Vec<Expr>,
    pub(crate) root: RuleId,
    /// Whether every state of every automaton is known to lie on the way from its start to acceptance.
    pub(crate) is_trim: bool,
}

/// Whether rules and root are the same, whatever is known of them.
impl PartialEq for Grammar {
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules && self.exprs == other.exprs && self.root == other.root
    }
}

impl Eq for Grammar {}

/// A named rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The name, unique in its grammar.
    pub name: String,
    /// What the rule stands for.
    pub body: ExprId,
    /// What it asks for besides.
    pub attributes: RuleAttributes,
}

/// An expression. Operands are ids smaller than the expression's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expr {
    /// The empty word.
    Empty,
    /// No word at all.
    Never,
    /// Exactly these bytes (at least one).
    Bytes(Box<[u8]>),
    /// One byte of the set.
    ByteSet(ByteSet),
    /// The UTF-8 encoding of one character of the set.
    Class(Box<CharSet>),
    /// The operands one after the other (at least two).
    Sequence(Box<[ExprId]>),
    /// Any one of the operands (at least two).
    Choice(Box<[ExprId]>),
    /// Between `min` and `max` words of `body` one after the other; `max` of `None` is unbounded.
    Repeat {
        /// What is repeated.
        body: ExprId,
        /// The least number of repetitions.
        min: u32,
        /// The greatest number of repetitions, at least `min`.
        max: Option<u32>,
    },
    /// A word of another rule.
    Rule(RuleId),
    /// One token whose id is in the set, whatever its bytes.
    Token(Box<TokenSet>),
    /// A word that an explicit automaton accepts.
    Automaton(Arc<ByteAutomaton>),
    /// A word of `body` with a derivation whose marks the rules allow.
    Scope {
        /// What the word is, with marks in it.
        body: ExprId,
        /// What is asked of the marks.
        rules: Box<ScopeRules>,
    },
    /// A non-empty word of `body`, marked for the scope around it.
    Marked {
        /// The mark.
        mark: Mark,
        /// What is marked.
        body: ExprId,
    },
}

/// A set of token ids, or the complement of one.
///
/// A complement stands for every token of the vocabulary that is not in `ids` and not a stop token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenSet {
    ids: Box<[u32]>,
    complement: bool,
}

impl TokenSet {
    /// The tokens in `ids`.
    pub fn of(ids: impl IntoIterator<Item = u32>) -> Self {
        Self { ids: sorted(ids), complement: false }
    }

    /// Every token that is neither in `ids` nor a stop token.
    pub fn all_but(ids: impl IntoIterator<Item = u32>) -> Self {
        Self { ids: sorted(ids), complement: true }
    }

    /// The listed ids, ascending and distinct.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Whether the set is the complement of the listed ids.
    pub fn is_complement(&self) -> bool {
        self.complement
    }

    /// Whether the set holds `token`; `is_stop` says whether it is a stop token.
    pub fn contains(&self, token: u32, is_stop: bool) -> bool {
        match self.ids.binary_search(&token) {
            Ok(_) => !self.complement,
            Err(_) => self.complement && !is_stop,
        }
    }

    /// Whether the set is empty for every vocabulary.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && !self.complement
    }
}

fn sorted(ids: impl IntoIterator<Item = u32>) -> Box<[u32]> {
    let mut ids: Vec<u32> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_boxed_slice()
}

/// A deterministic automaton over bytes, embedded in a grammar. State 0 is the start.
///
/// With a counter its words are those whose path passes through between `min` and `max` edges that count. So a language
/// with a bound on its lengths takes no more states than without: in a text of characters, the edges on which a character
/// begins count.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ByteAutomaton {
    /// Per state: whether it accepts.
    pub accepting: Vec<bool>,
    /// Per state: its edges, ascending by byte and disjoint.
    pub edges: Vec<ByteEdges>,
    /// How many edges that count a word has; `None` where nothing is counted.
    pub counter: Option<Counter>,
}

/// An edge of a [`ByteAutomaton`] on the bytes `low..=high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteEdge {
    /// The first byte.
    pub low: u8,
    /// The last byte.
    pub high: u8,
    /// The state it leads to.
    pub target: u32,
    /// Whether the automaton's counter counts it.
    pub counts: bool,
}

/// The edges of a state of a [`ByteAutomaton`]. Nearly all states have one or two, which take no memory besides the list.
pub type ByteEdges = SmallVec<[ByteEdge; 2]>;

impl ByteAutomaton {
    /// The edge that `byte` takes.
    pub fn edge(&self, state: u32, byte: u8) -> Option<ByteEdge> {
        self.edges[state as usize].iter().find(|edge| edge.low <= byte && byte <= edge.high).copied()
    }

    /// All edges, as a counter sees them.
    pub(crate) fn counted_edges(&self) -> impl Iterator<Item = CountedEdge> {
        self.edges
            .iter()
            .enumerate()
            .flat_map(|(source, edges)| edges.iter().map(move |edge| CountedEdge::of(source as u32, edge)))
    }
}

impl Expr {
    /// The operands.
    pub fn operands(&self) -> &[ExprId] {
        match self {
            Self::Sequence(operands) | Self::Choice(operands) => operands,
            Self::Repeat { body, .. } | Self::Scope { body, .. } | Self::Marked { body, .. } => {
                std::slice::from_ref(body)
            }
            _ => &[],
        }
    }
}

impl Grammar {
    /// The rules, indexed by [`RuleId`].
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The expressions, indexed by [`ExprId`].
    pub fn exprs(&self) -> &[Expr] {
        &self.exprs
    }

    /// The rule whose language is the grammar's.
    pub fn root(&self) -> RuleId {
        self.root
    }

    /// The rule with this id.
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[id.index()]
    }

    /// The expression with this id.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()]
    }

    /// All rule ids.
    pub fn rule_ids(&self) -> impl Iterator<Item = RuleId> + use<> {
        (0..self.rules.len() as u32).map(RuleId::from_u32)
    }
}
