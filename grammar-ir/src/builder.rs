//! Builds a [`Grammar`] bottom-up; every constructor keeps the arena in topological order.

use rustc_hash::FxHashMap;

use crate::{
    ByteAutomaton, ByteSet, CharSet, Expr, ExprId, Grammar, LimitError, LimitKind, Mark, Rule, RuleId, ScopeRules,
    TokenSet,
};

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
    rules: Vec<(String, Option<ExprId>)>,
    exprs: Vec<Expr>,
    interned: FxHashMap<Expr, ExprId>,
    max_expressions: Option<usize>,
    overflow: bool,
}

impl GrammarBuilder {
    /// An empty builder without a bound on its size.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty builder that refuses, at [`finish`](Self::finish), a grammar of more than `max` expressions.
    pub fn with_max_expressions(max: usize) -> Self {
        Self { max_expressions: Some(max), ..Self::default() }
    }

    /// Whether the bound on expressions has been met; nothing built from now on will finish.
    pub fn is_full(&self) -> bool {
        self.overflow
    }

    /// Announces a rule, so that expressions can refer to it.
    pub fn declare(&mut self, name: impl Into<String>) -> RuleId {
        let id = RuleId::from_u32(self.rules.len() as u32);
        self.rules.push((name.into(), None));
        id
    }

    /// Gives a declared rule its body; a second call replaces the first.
    pub fn define(&mut self, rule: RuleId, body: ExprId) {
        self.rules[rule.index()].1 = Some(body);
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
        let mut flat: Vec<ExprId> = Vec::new();
        let mut pending_bytes: Vec<u8> = Vec::new();
        let mut pending_single: Option<ExprId> = None;
        for operand in operands {
            let parts: Vec<ExprId> = match self.expr(operand) {
                Expr::Empty => continue,
                Expr::Never => return self.never(),
                Expr::Sequence(inner) => inner.to_vec(),
                _ => vec![operand],
            };
            for part in parts {
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
        let mut flat: Vec<ExprId> = Vec::new();
        let mut seen = rustc_hash::FxHashSet::default();
        for operand in operands {
            match self.expr(operand) {
                Expr::Never => {}
                Expr::Choice(inner) => flat.extend(inner.iter().copied().filter(|&part| seen.insert(part))),
                _ => flat.extend(seen.insert(operand).then_some(operand)),
            }
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
    pub fn automaton(&mut self, automaton: ByteAutomaton) -> ExprId {
        let in_order = automaton.counter.is_none_or(|counter| counter.max.is_none_or(|max| counter.min <= max));
        if in_order && automaton.accepting.iter().any(|&accepting| accepting) {
            self.add(Expr::Automaton(Box::new(automaton)))
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
        if let Some(&id) = self.interned.get(&expr) {
            return id;
        }
        let bound = self.max_expressions.unwrap_or(u32::MAX as usize - 1);
        if self.exprs.len() >= bound && !self.exprs.is_empty() {
            self.overflow = true;
            return ExprId::from_u32(0);
        }
        let id = ExprId::from_u32(self.exprs.len() as u32);
        self.interned.insert(expr.clone(), id);
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
        let mut names = rustc_hash::FxHashSet::default();
        let mut rules = Vec::with_capacity(self.rules.len());
        for (name, body) in self.rules {
            if !names.insert(name.clone()) {
                return Err(GrammarError::Duplicate(name));
            }
            match body {
                Some(body) => rules.push(Rule { name, body }),
                None => return Err(GrammarError::Undefined(name)),
            }
        }
        Ok(Grammar { rules, exprs: self.exprs, root })
    }
}
