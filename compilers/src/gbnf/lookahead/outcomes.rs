//! Which states of what is pending there can be after an expression, for each state before it.

use std::sync::Arc;

use grammar_ir::{Budget, ByteAutomaton, ByteEdge, ByteEdges, Expr, ExprId, Grammar, LimitError, LimitKind, RuleId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::pending::{Obligations, Pending};
use super::{Leaves, Lookahead, Obstacle};

/// A repetition in which so many counts and states meet is refused.
const MAX_ITERATIONS: usize = 20_000;

/// A state of an automaton and what is pending there.
pub(super) type Pair = (u32, Pending);

/// An automaton that knows what is pending in its states.
#[derive(Debug)]
pub(super) struct Product {
    /// The automaton; its accepting states are those of the one it was made from.
    pub(super) automaton: ByteAutomaton,
    /// Per state: what is pending.
    pub(super) pending: Vec<Pending>,
}

/// What there can be pending after each expression that matters, for each state before it.
#[derive(Debug)]
pub(super) struct Outcomes<'g> {
    /// The grammar.
    pub(super) grammar: &'g Grammar,
    /// Per expression: whether a rule with a look-ahead is in it.
    pub(super) has_lookahead: Vec<bool>,
    /// Per rule: the number of its look-ahead.
    lookahead_of: FxHashMap<RuleId, usize>,
    /// The pairs that were looked at, and what there can be after each; ascending.
    pub(super) found: FxHashMap<(ExprId, Pending), Vec<Pending>>,
    /// What is pending after a rule, for what is pending after its body.
    begun: FxHashMap<(RuleId, Pending), Option<Pending>>,
    /// Automata with what is pending.
    pub(super) products: FxHashMap<(ExprId, Pending), Arc<Product>>,
}

/// What the search carries along.
struct Search<'s, 'g, 'l> {
    obligations: Obligations<'g>,
    leaves: &'s mut Leaves,
    /// Pairs to look at again.
    agenda: Vec<(ExprId, Pending)>,
    /// Per pair: those that depend on it.
    users: FxHashMap<(ExprId, Pending), FxHashSet<(ExprId, Pending)>>,
    budget: &'s mut Budget<'l>,
}

impl<'g> Outcomes<'g> {
    /// All that the root needs.
    pub(super) fn find(
        grammar: &'g Grammar,
        lookaheads: &'g [Lookahead],
        leaves: &mut Leaves,
        budget: &mut Budget<'_>,
    ) -> Result<Self, Obstacle> {
        let lookahead_of = lookaheads.iter().enumerate().map(|(number, it)| (it.rule, number)).collect();
        let mut outcomes = Self {
            grammar,
            has_lookahead: has_lookahead(grammar, lookaheads),
            lookahead_of,
            found: FxHashMap::default(),
            begun: FxHashMap::default(),
            products: FxHashMap::default(),
        };
        let mut search = Search {
            obligations: Obligations::new(grammar, lookaheads),
            leaves,
            agenda: Vec::new(),
            users: FxHashMap::default(),
            budget,
        };
        outcomes.want((grammar.rule(grammar.root()).body, Pending::NOTHING), None, &mut search);
        while let Some(pair) = search.agenda.pop() {
            search.budget.tick()?;
            let after = outcomes.after(pair, &mut search)?;
            if outcomes.found.get(&pair) != Some(&after) {
                search.agenda.extend(search.users.get(&pair).into_iter().flatten());
                outcomes.found.insert(pair, after);
            }
        }
        // The root ends with its own look-ahead.
        for pending in outcomes.known(grammar.rule(grammar.root()).body, Pending::NOTHING) {
            outcomes.begin(grammar.root(), pending, &mut search)?;
        }
        Ok(outcomes)
    }

    /// Whether the expression stays as it is where `pending` is pending.
    pub(super) fn is_plain(&self, id: ExprId, pending: Pending) -> bool {
        pending == Pending::NOTHING && !self.has_lookahead[id.index()]
    }

    /// What there can be pending after the root.
    pub(super) fn after_root(&self) -> Vec<Pending> {
        self.after_rule(self.grammar.root(), Pending::NOTHING).into_iter().map(|(_, pending)| pending).collect()
    }

    /// What there can be pending after a rule, each with what is pending after its body.
    pub(super) fn after_rule(&self, rule: RuleId, before: Pending) -> Vec<(Pending, Pending)> {
        let body = self.grammar.rule(rule).body;
        let after_body = self.known(body, before);
        after_body
            .into_iter()
            .filter_map(|inner| {
                let after =
                    if self.lookahead_of.contains_key(&rule) { *self.begun.get(&(rule, inner))? } else { Some(inner) };
                Some((inner, after?))
            })
            .collect()
    }

    /// What is known of what there can be after `id`.
    pub(super) fn known(&self, id: ExprId, before: Pending) -> Vec<Pending> {
        if self.is_plain(id, before) {
            return vec![Pending::NOTHING];
        }
        self.found.get(&(id, before)).cloned().unwrap_or_default()
    }

    /// What is known of it, for the pair `user`, which will be looked at again when more is known.
    fn want(
        &mut self,
        pair: (ExprId, Pending),
        user: Option<(ExprId, Pending)>,
        search: &mut Search<'_, 'g, '_>,
    ) -> Vec<Pending> {
        if self.is_plain(pair.0, pair.1) {
            return vec![Pending::NOTHING];
        }
        if let Some(user) = user {
            search.users.entry(pair).or_default().insert(user);
        }
        match self.found.get(&pair) {
            Some(found) => found.clone(),
            None => {
                self.found.insert(pair, Vec::new());
                search.agenda.push(pair);
                Vec::new()
            }
        }
    }

    fn begin(
        &mut self,
        rule: RuleId,
        pending: Pending,
        search: &mut Search<'_, 'g, '_>,
    ) -> Result<Option<Pending>, Obstacle> {
        let Some(&number) = self.lookahead_of.get(&rule) else { return Ok(Some(pending)) };
        if let Some(&known) = self.begun.get(&(rule, pending)) {
            return Ok(known);
        }
        let after = search.obligations.begin(pending, number, search.leaves, search.budget)?;
        self.begun.insert((rule, pending), after);
        Ok(after)
    }

    /// What there can be pending after `id` where `before` is pending before it, from what is known of its parts.
    fn after(&mut self, pair: (ExprId, Pending), search: &mut Search<'_, 'g, '_>) -> Result<Vec<Pending>, Obstacle> {
        if self.found.len() > search.budget.limits().expressions {
            return Err(LimitError::new(LimitKind::Expressions, search.budget.limits().expressions).into());
        }
        let (id, before) = pair;
        let mut after = match self.grammar.expr(id) {
            Expr::Empty => vec![before],
            Expr::Never => Vec::new(),
            Expr::Token(_) if before == Pending::NOTHING => vec![before],
            Expr::Token(_) => Vec::new(),
            Expr::Sequence(operands) => {
                let mut here = vec![before];
                for &operand in operands {
                    search.budget.tick()?;
                    let mut next = Vec::new();
                    for pending in here {
                        next.extend(self.want((operand, pending), Some(pair), search));
                    }
                    next.sort_unstable();
                    next.dedup();
                    here = next;
                }
                here
            }
            Expr::Choice(operands) => {
                let operands = operands.iter();
                operands.flat_map(|&operand| self.want((operand, before), Some(pair), search)).collect()
            }
            Expr::Rule(rule) => {
                let body = self.grammar.rule(*rule).body;
                let mut after = Vec::new();
                for pending in self.want((body, before), Some(pair), search) {
                    after.extend(self.begin(*rule, pending, search)?);
                }
                after
            }
            Expr::Repeat { body, min, max } if search.leaves.automaton(self.grammar, id, search.budget)?.is_none() => {
                let (body, min, max) = (*body, *min, *max);
                let mut reached = vec![(0, before)];
                let mut seen: FxHashSet<(u32, Pending)> = reached.iter().copied().collect();
                let mut index = 0;
                let mut after = Vec::new();
                while let Some(&(done, pending)) = reached.get(index) {
                    index += 1;
                    search.budget.tick()?;
                    if seen.len() > MAX_ITERATIONS {
                        return Err(Obstacle::Endless);
                    }
                    if self.is_plain(body, pending) {
                        after.push(Pending::NOTHING);
                        continue;
                    }
                    if done >= min {
                        after.push(pending);
                    }
                    let Some(next) = iteration(done, min, max) else { continue };
                    for pending in self.want((body, pending), Some(pair), search) {
                        if seen.insert((next, pending)) {
                            reached.push((next, pending));
                        }
                    }
                }
                after
            }
            _ => self.through_automaton(pair, search)?,
        };
        after.sort_unstable();
        after.dedup();
        Ok(after)
    }

    /// What there can be pending after an expression that matches bytes itself.
    fn through_automaton(
        &mut self,
        (id, before): (ExprId, Pending),
        search: &mut Search<'_, 'g, '_>,
    ) -> Result<Vec<Pending>, Obstacle> {
        let Some(automaton) = search.leaves.automaton(self.grammar, id, search.budget)? else { return Ok(Vec::new()) };
        let mut numbers: FxHashMap<Pair, u32> = FxHashMap::from_iter([((0, before), 0)]);
        let mut states: Vec<Pair> = vec![(0, before)];
        let mut product = ByteAutomaton { counter: automaton.counter, ..ByteAutomaton::default() };
        while let Some(&(state, pending)) = states.get(product.edges.len()) {
            search.budget.tick()?;
            search.budget.check_states(states.len())?;
            let table = search.obligations.after_bytes(pending, search.leaves, search.budget)?;
            let mut edges = ByteEdges::new();
            for edge in &automaton.edges[state as usize] {
                for byte in edge.low..=edge.high {
                    let Some(pending) = table[usize::from(byte)] else { continue };
                    let target = *numbers.entry((edge.target, pending)).or_insert_with(|| {
                        states.push((edge.target, pending));
                        states.len() as u32 - 1
                    });
                    match edges.last_mut() {
                        Some(last)
                            if last.target == target
                                && last.counts == edge.counts
                                && last.high.checked_add(1) == Some(byte) =>
                        {
                            last.high = byte;
                        }
                        _ => edges.push(ByteEdge { low: byte, high: byte, target, counts: edge.counts }),
                    }
                }
            }
            product.edges.push(edges);
            product.accepting.push(automaton.accepting[state as usize]);
        }
        let pending: Vec<Pending> = states.into_iter().map(|(_, pending)| pending).collect();
        let ends = pending.iter().zip(&product.accepting).filter(|(_, accepting)| **accepting);
        let after = ends.map(|(pending, _)| *pending).collect();
        self.products.insert((id, before), Arc::new(Product { automaton: product, pending }));
        Ok(after)
    }
}

/// How many repetitions there are after one more than `done`, if there may be one; without a bound, those beyond the least
/// number are not told apart.
pub(super) fn iteration(done: u32, min: u32, max: Option<u32>) -> Option<u32> {
    match max {
        Some(max) => (done < max).then(|| done + 1),
        None => Some(done.saturating_add(1).min(min)),
    }
}

/// Per expression: whether a rule with a look-ahead is in it, at any depth.
fn has_lookahead(grammar: &Grammar, lookaheads: &[Lookahead]) -> Vec<bool> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); grammar.exprs().len()];
    let mut agenda = Vec::new();
    let rules: FxHashSet<RuleId> = lookaheads.iter().map(|lookahead| lookahead.rule).collect();
    for (index, expr) in grammar.exprs().iter().enumerate() {
        expr.operands().iter().for_each(|operand| users[operand.index()].push(index));
        if let Expr::Rule(rule) = expr {
            users[grammar.rule(*rule).body.index()].push(index);
            if rules.contains(rule) {
                agenda.push(index);
            }
        }
    }
    let mut found = vec![false; grammar.exprs().len()];
    while let Some(index) = agenda.pop() {
        if !std::mem::replace(&mut found[index], true) {
            agenda.extend(&users[index]);
        }
    }
    found
}
