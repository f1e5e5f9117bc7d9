//! The slow recogniser: the meaning of a [`Grammar`], and the oracle for everything fast.
//!
//! An Earley recogniser over expressions (Earley 1970, *An efficient context-free parsing algorithm*), with no
//! preparation of the grammar beyond leaving out what can produce no word. An item `(expression, progress, origin)` in
//! the set of position `p` says: the symbols from `origin` to `p` are how a word of the expression may begin, and this
//! much of the expression is behind us. What progress means for each kind of expression is in `step`.
//!
//! As no unproductive expression is ever predicted, every item can be completed. So a set with an item is the same
//! thing as a prefix that some word of the language has.
//!
//! Marks have no items; the progress of the scope around them says where among them it is and what has been selected:
//! see `scope`. Where a scope compares texts, an item may be complete with a text that it may not have; there a prefix is
//! viable if its set has an item that waits for a symbol, or it is a word.

mod budget;
mod derivation;
mod json;
mod marker;
mod productive;
mod rules;
mod scope;
mod search;
mod step;

use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{ByteSet, Expr, ExprId, Grammar};
pub use derivation::CapturedSpan;
use derivation::{Cause, Observer};
use productive::Productive;
use scope::{Context, Next, Scope};
use step::Step;

/// Whether `text` is a word of the language of `grammar`. A word that needs a token terminal is not a text.
///
/// ```
/// use grammar_ir::{interp, text};
/// let grammar = text::parse(r#"root = root "+" root | [0-9]{1,3} ;"#)?;
/// assert!(interp::accepts(&grammar, b"1+22+333"));
/// assert!(!interp::accepts(&grammar, b"1+"));
/// # Ok::<(), text::ParseError>(())
/// ```
pub fn accepts(grammar: &Grammar, text: &[u8]) -> bool {
    let mut recognizer = Recognizer::new(grammar);
    text.iter().all(|&byte| recognizer.push_byte(byte)) && recognizer.is_accepting()
}

/// Reads a text symbol by symbol and says at each position whether it can become a word and whether it is one.
///
/// Time and memory are at worst cubic and quadratic in the length of the text.
#[derive(Debug, Clone)]
pub struct Recognizer<'g> {
    grammar: &'g Grammar,
    productive: Productive,
    root_body: ExprId,
    /// One set per position; never empty.
    sets: Vec<ItemSet>,
    /// What was pushed after each position but the last: a byte, or a token without bytes.
    symbols: Vec<Option<u8>>,
    /// Where tokens end, as far as it was said.
    token_ends: Vec<usize>,
    scopes: Option<Arc<Scopes>>,
}

/// The scopes of a grammar.
#[derive(Debug)]
struct Scopes {
    has_marks: Vec<bool>,
    /// Whether some scope compares texts.
    compare: bool,
    /// What is known of each scope. It only grows, so that recognisers can share it.
    scopes: Mutex<FxHashMap<ExprId, Scope>>,
}

/// How far one expression has come since `origin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Item {
    expr: ExprId,
    progress: usize,
    origin: usize,
}

/// The items at one position. The closure is left until something asks for it, as a walk over a vocabulary mostly asks
/// only whether a set is empty.
#[derive(Debug, Clone, Default)]
struct ItemSet {
    /// The items that the last symbol advanced; all others at this position follow from them.
    kernel: Vec<Item>,
    closure: OnceLock<Closure>,
}

/// What follows from a kernel, indexed by what is asked of it.
#[derive(Debug, Clone, Default)]
struct Closure {
    /// Per expression that begins here: the items that wait for it to end.
    waiting: FxHashMap<ExprId, Vec<Item>>,
    /// The items that the next byte may advance.
    on_byte: Vec<Item>,
    /// The items that the next token may advance.
    on_token: Vec<Item>,
    /// The rules with a budget of tokens that end here, and where they began.
    ended: FxHashSet<(ExprId, usize)>,
    /// What completed the root rule, if the text up to here is a word.
    root: Option<Item>,
    /// How many items, and ways from one to another, were looked at.
    steps: usize,
}

impl<'g> Recognizer<'g> {
    /// A recogniser at the start of a text.
    pub fn new(grammar: &'g Grammar) -> Self {
        let has_marks = scope::has_marks(grammar);
        let productive = Productive::of(grammar, &has_marks);
        let scopes = Scopes::of(grammar, has_marks).map(Arc::new);
        let root_body = grammar.rule(grammar.root()).body;
        let start = Item { expr: root_body, progress: step::START, origin: 0 };
        let kernel = if productive.contains(root_body) { vec![start] } else { Vec::new() };
        let sets = vec![ItemSet { kernel, closure: OnceLock::new() }];
        Self { grammar, productive, root_body, sets, symbols: Vec::new(), token_ends: Vec::new(), scopes }
    }

    /// Appends one byte; answers [`is_viable`](Self::is_viable).
    pub fn push_byte(&mut self, byte: u8) -> bool {
        let advanced = self.closure(self.position()).on_byte.iter();
        let kernel = advanced.filter_map(|&item| self.advance_on_byte(item, byte)).collect();
        self.push_set(Some(byte), kernel)
    }

    /// Appends bytes; answers [`is_viable`](Self::is_viable).
    pub fn push_bytes(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            self.push_byte(byte);
        }
        self.is_viable()
    }

    /// Appends a token, which is matched by its bytes, if it has any, or as a whole by a token terminal whose set
    /// holds it; what both ways lead to is joined. Answers [`is_viable`](Self::is_viable).
    ///
    /// The position moves by the number of bytes, or by one for a token without bytes.
    pub fn push_token(&mut self, token: u32, bytes: &[u8], is_stop: bool) -> bool {
        let advanced = self.closure(self.position()).on_token.iter();
        let matched: Vec<Item> = advanced
            .filter(|item| matches!(self.grammar.expr(item.expr), Expr::Token(set) if set.contains(token, is_stop)))
            .map(|&item| Item { progress: step::DONE, ..item })
            .collect();
        if bytes.is_empty() {
            return self.push_set(None, matched);
        }
        self.push_bytes(bytes);
        if let Some(last) = self.sets.last_mut() {
            last.kernel.extend(matched);
            last.closure = OnceLock::new();
        }
        self.is_viable()
    }

    /// Whether some word of the language starts with what was pushed, where parts that have not ended yet are taken to
    /// have a text that differs from all it must differ from.
    pub fn is_viable(&self) -> bool {
        if self.scopes.as_ref().is_some_and(|scopes| scopes.compare) {
            let Closure { root, on_byte, on_token, .. } = self.closure(self.position());
            return root.is_some() || !on_byte.is_empty() || !on_token.is_empty();
        }
        self.sets.last().is_some_and(|set| !set.kernel.is_empty())
    }

    /// Whether what was pushed is a word of the language.
    pub fn is_accepting(&self) -> bool {
        self.completed_root().is_some()
    }

    /// What completed the root rule here.
    fn completed_root(&self) -> Option<Item> {
        self.closure(self.position()).root
    }

    /// How many items, and ways from one to another, have been looked at from `position` on: a measure of time and memory.
    pub fn steps_since(&self, position: usize) -> usize {
        let sets = self.sets.get(position..).unwrap_or_default().iter();
        sets.filter_map(|set| set.closure.get()).map(|closure| closure.steps).sum()
    }

    /// The number of symbols pushed: bytes, and tokens without bytes.
    pub fn position(&self) -> usize {
        self.sets.len() - 1
    }

    /// Goes back to an earlier position; a later one changes nothing.
    pub fn truncate(&mut self, position: usize) {
        self.symbols.truncate(position);
        self.token_ends.retain(|&end| end <= position);
        self.sets.truncate(position.saturating_add(1));
    }

    /// The bytes after which the text is still viable.
    pub fn expected_bytes(&self) -> ByteSet {
        let items = &self.closure(self.position()).on_byte;
        (0..=u8::MAX).filter(|&byte| items.iter().any(|&item| self.advance_on_byte(item, byte).is_some())).collect()
    }

    fn push_set(&mut self, symbol: Option<u8>, kernel: Vec<Item>) -> bool {
        self.symbols.push(symbol);
        self.sets.push(ItemSet { kernel, closure: OnceLock::new() });
        self.is_viable()
    }

    fn advance_on_byte(&self, item: Item, byte: u8) -> Option<Item> {
        let progress = step::on_byte(self.grammar.expr(item.expr), item.progress, byte)?;
        self.productive.reaches(self.grammar, item.expr, progress).then_some(Item { progress, ..item })
    }

    /// The closure at `position`. Those at earlier positions have been asked for before, as pushing a symbol does.
    fn closure(&self, position: usize) -> &Closure {
        self.sets[position].closure.get_or_init(|| self.close(position, &mut ()))
    }

    /// Predicts and completes until nothing new follows.
    fn close(&self, here: usize, observer: &mut impl Observer) -> Closure {
        let mut closure = Closure::default();
        let mut seen: FxHashSet<Item> = FxHashSet::default();
        let mut completed: FxHashMap<(ExprId, usize), Item> = FxHashMap::default();
        let mut agenda = self.sets[here].kernel.clone();
        let mut steps = 0;
        while let Some(item) = agenda.pop() {
            steps += 1;
            if !seen.insert(item) {
                continue;
            }
            observer.visited(item);
            let expr = self.grammar.expr(item.expr);
            let mut wait = |agenda: &mut Vec<Item>, part: ExprId| {
                closure.waiting.entry(part).or_default().push(item);
                agenda.push(Item { expr: part, progress: step::START, origin: here });
                // The part may have ended here, as an empty word, before this item came to wait for it.
                if let Some(&part) = completed.get(&(part, here))
                    && let Some(next) = self.advance_over_part(item, here, here)
                {
                    observer.followed(next, Cause::Over { before: item, from: here, part });
                    agenda.push(next);
                }
            };
            let mut is_complete = step::is_complete(expr, item.progress);
            match step::next(self.grammar, expr, item.progress) {
                Step::Nothing => {}
                Step::Byte if self.has_next_byte(item) => closure.on_byte.push(item),
                Step::Byte => {}
                Step::Token => closure.on_token.push(item),
                Step::OneOf(parts) => {
                    parts
                        .iter()
                        .filter(|&&part| self.productive.contains(part))
                        .for_each(|&part| wait(&mut agenda, part));
                }
                Step::Scope => match self.with_scope(item.expr, |scope, context| scope.next(context, item.progress)) {
                    None => {}
                    Some(Next::Part(part)) => wait(&mut agenda, part),
                    Some(Next::Ways { progress, is_complete: complete }) => {
                        for progress in progress {
                            let next = Item { progress, ..item };
                            observer.followed(next, Cause::Way { before: item });
                            agenda.push(next);
                        }
                        is_complete = complete;
                    }
                },
            }
            if let Some(max) = self.budget(expr)
                && is_complete
            {
                if self.is_past_budget(&item, max, here) {
                    continue;
                }
                closure.ended.insert((item.expr, item.origin));
            }
            if is_complete && let Entry::Vacant(entry) = completed.entry((item.expr, item.origin)) {
                entry.insert(item);
                let empty = item.origin == here;
                let origin = if empty { &closure } else { self.closure(item.origin) };
                let waiting = origin.waiting.get(&item.expr).into_iter().flatten();
                for &before in waiting {
                    steps += 1;
                    if let Some(next) = self.advance_over_part(before, item.origin, here) {
                        observer.followed(next, Cause::Over { before, from: item.origin, part: item });
                        agenda.push(next);
                    }
                }
            }
        }
        closure.steps = steps;
        closure.root = completed.get(&(self.root_body, 0)).copied();
        closure
    }

    /// `item` after the part that it waited for, which is what was pushed from one position to another.
    fn advance_over_part(&self, item: Item, from: usize, to: usize) -> Option<Item> {
        let expr = self.grammar.expr(item.expr);
        let progress = match expr {
            Expr::Scope { .. } => {
                let text = || self.symbols[from..to].iter().copied().flatten().collect();
                self.with_scope(item.expr, |scope, context| scope.over_part(context, item.progress, from == to, text))??
            }
            _ => step::over_part(expr, item.progress, from == to),
        };
        Some(Item { progress, ..item })
    }

    /// Whether some byte advances `item`; of an automaton it is not known otherwise.
    fn has_next_byte(&self, item: Item) -> bool {
        match self.grammar.expr(item.expr) {
            Expr::Automaton(automaton) => {
                let (state, _) = step::state_and_count(automaton, item.progress);
                automaton.edges[state].iter().any(|edge| self.advance_on_byte(item, edge.low).is_some())
            }
            _ => true,
        }
    }

    /// What `of` makes of the scope `id`; `None` where that is no scope.
    fn with_scope<T>(&self, id: ExprId, of: impl FnOnce(&mut Scope, Context<'_>) -> T) -> Option<T> {
        let scopes = self.scopes.as_ref()?;
        let context = Context { grammar: self.grammar, words: &self.productive.words, has_marks: &scopes.has_marks };
        let mut known = scopes.lock();
        let scope = match known.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Scope::new(context, id)?),
        };
        Some(of(scope, context))
    }
}

impl Scopes {
    /// The scopes of `grammar`, if it has any.
    fn of(grammar: &Grammar, has_marks: Vec<bool>) -> Option<Self> {
        let compares = grammar.exprs().iter().filter_map(|expr| match expr {
            Expr::Scope { rules, .. } => Some(rules.elements.iter().any(|element| element.distinct)),
            _ => None,
        });
        let compare = compares.reduce(|one, other| one || other)?;
        Some(Self { has_marks, compare, scopes: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, FxHashMap<ExprId, Scope>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
