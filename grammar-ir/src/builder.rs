//! Builds a [`Grammar`] bottom-up; every constructor keeps the arena in topological order.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet, FxHasher};

use crate::{
    ByteAutomaton, ByteSet, CharSet, Expr, ExprId, Grammar, LimitError, LimitKind, Mark, Rule, RuleAttributes, RuleId,
    ScopeRules, TokenSet,
};

/// Room is made for so many operands before they are seen: an iterator may promise any number.
const MAX_RESERVED: usize = 1 << 10;

/// Why a grammar could not be finished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrammarError {
    /// A rule was declared and never defined.
    #[error("rule `{0}` is declared but not defined")]
    Undefined(String),
    /// Two rules have one name.
    #[error("rule `{0}` is declared twice")]
    Duplicate(String),
    /// The arena is full.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// A rule that has been declared.
#[derive(Debug)]
struct Declared {
    name: String,
    body: Option<ExprId>,
    attributes: RuleAttributes,
}

/// Builds a [`Grammar`].
///
/// Constructors normalise as they go: sequences and choices are flattened, neutral operands dropped, adjacent bytes
/// joined, equal expressions shared.
///
/// ```
/// use grammar_ir::{CharSet, GrammarBuilder};
/// let mut builder = GrammarBuilder::new();
/// let root = builder.declare("root");
/// let digit = builder.class(CharSet::range('0', '9'));
/// let digits = builder.repeat(digit, 1, Some(3));
/// let percent = builder.literal("%");
/// let body = builder.sequence([digits, percent]);
/// builder.define(root, body);
/// let grammar = builder.finish(root)?;
/// assert_eq!(grammar.rules().len(), 1);
/// # Ok::<(), grammar_ir::GrammarError>(())
/// ```
#[derive(Debug, Default)]
pub struct GrammarBuilder {
    rules: Vec<Declared>,
    exprs: Vec<Expr>,
    /// Per hash: the last expression that has it.
    last_of_hash: FxHashMap<u64, ExprId>,
    /// Per expression: the one before it with the same hash.
    before: Vec<Option<ExprId>>,
    /// How much of the bound on expressions is used: an automaton takes as much as its states.
    size: usize,
    max_expressions: Option<usize>,
    overflow: bool,
}

impl GrammarBuilder {
    /// An empty builder without a bound on its size.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty builder that refuses, at [`finish`](Self::finish), a grammar of more than `max` expressions, where an
    /// automaton takes as many as it has states.
    pub fn with_max_expressions(max: usize) -> Self {
        Self { max_expressions: Some(max), ..Self::default() }
    }

    /// Makes room for so many expressions more.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.exprs.reserve(count);
        self.before.reserve(count);
        self.last_of_hash.reserve(count);
    }

    /// Whether the bound on expressions has been met; nothing built from now on will finish.
    pub fn is_full(&self) -> bool {
        self.overflow
    }

    /// Announces a rule, so that expressions can refer to it.
    pub fn declare(&mut self, name: impl Into<String>) -> RuleId {
        let id = RuleId::from_u32(self.rules.len() as u32);
        self.rules.push(Declared { name: name.into(), body: None, attributes: RuleAttributes::default() });
        id
    }

    /// Gives a declared rule its body; a second call replaces the first.
    pub fn define(&mut self, rule: RuleId, body: ExprId) {
        self.rules[rule.index()].body = Some(body);
    }

    /// Gives a declared rule its attributes; without, it has none.
    pub fn set_attributes(&mut self, rule: RuleId, attributes: RuleAttributes) {
        self.rules[rule.index()].attributes = attributes;
    }

    /// The number of rules declared so far.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// The expression with this id.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()]
    }

    /// The empty word.
    pub fn empty(&mut self) -> ExprId {
        self.add(Expr::Empty)
    }

    /// No word.
    pub fn never(&mut self) -> ExprId {
        self.add(Expr::Never)
    }

    /// These bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> ExprId {
        if bytes.is_empty() { self.empty() } else { self.add(Expr::Bytes(bytes.into())) }
    }

    /// The UTF-8 bytes of `text`.
    pub fn literal(&mut self, text: &str) -> ExprId {
        self.bytes(text.as_bytes())
    }

    /// One byte of `set`.
    pub fn byte_set(&mut self, set: ByteSet) -> ExprId {
        if set.is_empty() { self.never() } else { self.add(Expr::ByteSet(set)) }
    }

    /// One character of `set`.
    pub fn class(&mut self, set: CharSet) -> ExprId {
        match set.ranges() {
            [] => self.never(),
            [(low, high)] if low == high => {
                let mut buffer = [0; 4];
                let text = low.encode_utf8(&mut buffer).to_owned();
                self.literal(&text)
            }
            _ => self.add(Expr::Class(Box::new(set))),
        }
    }

    /// The operands one after the other.
    pub fn sequence(&mut self, operands: impl IntoIterator<Item = ExprId>) -> ExprId {
        let operands = operands.into_iter();
        let mut flat: Vec<ExprId> = Vec::with_capacity(operands.size_hint().0.min(MAX_RESERVED));
        let mut pending_bytes: Vec<u8> = Vec::new();
        let mut pending_single: Option<ExprId> = None;
        for operand in operands {
            let parts = match self.expr(operand) {
                Expr::Empty => continue,
                Expr::Never => return self.never(),
                Expr::Sequence(inner) => inner.len(),
                _ => 1,
            };
            for index in 0..parts {
                let part = match self.expr(operand) {
                    Expr::Sequence(inner) => inner[index],
                    _ => operand,
                };
                if let Expr::Bytes(bytes) = &self.exprs[part.index()] {
                    pending_single = pending_bytes.is_empty().then_some(part);
                    pending_bytes.extend_from_slice(bytes);
                } else {
                    self.flush_bytes(&mut flat, &mut pending_bytes, &mut pending_single);
                    flat.push(part);
                }
            }
        }
        self.flush_bytes(&mut flat, &mut pending_bytes, &mut pending_single);
        match flat.as_slice() {
            [] => self.empty(),
            [single] => *single,
            _ => self.add(Expr::Sequence(flat.into())),
        }
    }

    fn flush_bytes(&mut self, flat: &mut Vec<ExprId>, bytes: &mut Vec<u8>, single: &mut Option<ExprId>) {
        if bytes.is_empty() {
            return;
        }
        let id = match single.take() {
            Some(id) => id,
            None => self.add(Expr::Bytes(bytes.as_slice().into())),
        };
        bytes.clear();
        flat.push(id);
    }

    /// Any one of the operands.
    pub fn choice(&mut self, operands: impl IntoIterator<Item = ExprId>) -> ExprId {
        let operands = operands.into_iter();
        let mut flat: Vec<ExprId> = Vec::with_capacity(operands.size_hint().0.min(MAX_RESERVED));
        for operand in operands {
            match self.expr(operand) {
                Expr::Never => {}
                Expr::Choice(inner) => flat.extend(inner),
                _ => flat.push(operand),
            }
        }
        if flat.len() > 1 {
            let mut seen = FxHashSet::with_capacity_and_hasher(flat.len(), FxBuildHasher);
            flat.retain(|&operand| seen.insert(operand));
        }
        match flat.as_slice() {
            [] => self.never(),
            [single] => *single,
            _ => self.add(Expr::Choice(flat.into())),
        }
    }

    /// `operand` or nothing.
    pub fn optional(&mut self, operand: ExprId) -> ExprId {
        self.repeat(operand, 0, Some(1))
    }

    /// Between `min` and `max` times `body`. `max < min` is no word at all.
    pub fn repeat(&mut self, body: ExprId, min: u32, max: Option<u32>) -> ExprId {
        match (self.expr(body), min, max) {
            (_, _, Some(max)) if max < min => self.never(),
            (_, 0, Some(0)) | (Expr::Empty, ..) | (Expr::Never, 0, _) => self.empty(),
            (Expr::Never, ..) => self.never(),
            (_, 1, Some(1)) => body,
            _ => self.add(Expr::Repeat { body, min, max }),
        }
    }

    /// A word of `rule`.
    pub fn rule(&mut self, rule: RuleId) -> ExprId {
        self.add(Expr::Rule(rule))
    }

    /// One token of `set`.
    pub fn token(&mut self, set: TokenSet) -> ExprId {
        if set.is_empty() { self.never() } else { self.add(Expr::Token(Box::new(set))) }
    }

    /// A word that `automaton` accepts.
    pub fn automaton(&mut self, automaton: impl Into<Arc<ByteAutomaton>>) -> ExprId {
        let automaton = automaton.into();
        let in_order = automaton.counter.is_none_or(|counter| counter.max.is_none_or(|max| counter.min <= max));
        if in_order && automaton.accepting.iter().any(|&accepting| accepting) {
            self.add(Expr::Automaton(automaton))
        } else {
            self.never()
        }
    }

    /// A word of `body` whose marks `rules` allow; see [`ScopeRules`].
    pub fn scope(&mut self, body: ExprId, rules: ScopeRules) -> ExprId {
        match self.expr(body) {
            Expr::Never => body,
            _ => self.add(Expr::Scope { body, rules: Box::new(rules) }),
        }
    }

    /// A non-empty word of `body` that the scope around it looks at.
    pub fn marked(&mut self, mark: Mark, body: ExprId) -> ExprId {
        match self.expr(body) {
            Expr::Never => body,
            Expr::Empty => self.never(),
            _ => self.add(Expr::Marked { mark, body }),
        }
    }

    /// Adds `expr`, or finds it. When the arena is full, remembers that and answers with an existing id.
    pub(crate) fn add(&mut self, expr: Expr) -> ExprId {
        let hash = hash(&expr);
        let last = self.last_of_hash.get(&hash).copied();
        let mut same_hash = last;
        while let Some(id) = same_hash {
            if self.exprs[id.index()] == expr {
                return id;
            }
            same_hash = self.before[id.index()];
        }
        let id = self.push(expr, last);
        if !self.overflow {
            self.last_of_hash.insert(hash, id);
        }
        id
    }

    /// Adds an expression that is known to be equal to none that is or will be here, which need not be looked for.
    pub(crate) fn add_distinct(&mut self, expr: Expr) -> ExprId {
        self.push(expr, None)
    }

    fn push(&mut self, expr: Expr, same_hash: Option<ExprId>) -> ExprId {
        let bound = self.max_expressions.unwrap_or(u32::MAX as usize - 1);
        let size = match &expr {
            Expr::Automaton(automaton) => automaton.edges.len().max(1),
            _ => 1,
        };
        if self.size.saturating_add(size) > bound && !self.exprs.is_empty() {
            self.overflow = true;
            return ExprId::from_u32(0);
        }
        self.size += size;
        let id = ExprId::from_u32(self.exprs.len() as u32);
        self.before.push(same_hash);
        self.exprs.push(expr);
        id
    }

    /// The grammar with `root` as its root rule.
    ///
    /// # Errors
    /// A rule without a body, two rules with one name, or too many expressions.
    pub fn finish(self, root: RuleId) -> Result<Grammar, GrammarError> {
        if self.overflow {
            let limit = self.max_expressions.unwrap_or(u32::MAX as usize);
            return Err(LimitError::new(LimitKind::Expressions, limit).into());
        }
        let mut names = FxHashSet::with_capacity_and_hasher(self.rules.len(), FxBuildHasher);
        if let Some(Declared { name, .. }) = self.rules.iter().find(|rule| !names.insert(rule.name.as_str())) {
            return Err(GrammarError::Duplicate(name.clone()));
        }
        let mut rules = Vec::with_capacity(self.rules.len());
        for Declared { name, body, attributes } in self.rules {
            match body {
                Some(body) => rules.push(Rule { name, body, attributes }),
                None => return Err(GrammarError::Undefined(name)),
            }
        }
        Ok(Grammar { rules, exprs: self.exprs, root, is_trim: false })
    }
}

/// A hash of `expr`. An edge is one number to it, as there are automata of hundreds of thousands of them; and all edges count,
/// as the spellings of texts of one length differ in few.
fn hash(expr: &Expr) -> u64 {
    let mut hasher = FxHasher::default();
    match expr {
        Expr::Automaton(automaton) => {
            hasher.write_usize(automaton.edges.len());
            for edge in automaton.edges.iter().flatten() {
                let label = u64::from(edge.low) | u64::from(edge.high) << 8 | u64::from(edge.counts) << 16;
                hasher.write_u64(u64::from(edge.target) << 32 | label);
            }
            automaton.counter.hash(&mut hasher);
        }
        expr => expr.hash(&mut hasher),
    }
    hasher.finish()
}
