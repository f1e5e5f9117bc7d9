//! From grammar expressions to one non-deterministic automaton per procedure.
//!
//! Each rule is a procedure. A counted repetition that is cheap is unrolled in place; any other becomes a procedure
//! of its own, whose frame holds the count. So does an automaton with a counter, and a scope, whose frame holds what has
//! been selected.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::nfa::{Counted, CountedKind, Label, Nfa};
use crate::regular::Utf8;
use crate::{
    Budget, ByteAutomaton, CharSet, Counter, Expr, ExprId, Grammar, LimitError, Mark, ProcedureId, ScopeRules, TokenSet,
};

/// The procedures of a grammar before ε-removal. Procedure 0 calls the root rule and is called by nobody.
#[derive(Debug)]
pub(super) struct Lowered {
    pub(super) procedures: Vec<Nfa>,
    pub(super) token_sets: Vec<TokenSet>,
}

/// Lowers every rule of `grammar`.
///
/// # Errors
/// When the automata need more states, or more time, than the budget allows.
pub(super) fn lower(grammar: &Grammar, budget: &mut Budget<'_>) -> Result<Lowered, LimitError> {
    let mut lowering = Lowering {
        grammar,
        cost: copy_cost(grammar, budget.limits().unroll_states),
        unroll_states: budget.limits().unroll_states,
        procedures: vec![Nfa::new("main".to_owned())],
        own_procedure: FxHashMap::default(),
        pending: Vec::new(),
        token_sets: Vec::new(),
        token_set_ids: FxHashMap::default(),
        states: 0,
    };
    for rule in &grammar.rules {
        lowering.procedures.push(Nfa::new(rule.name.clone()));
    }
    let root = lowering.procedure_of_rule(grammar.root);
    let main = &mut lowering.procedures[0];
    main.add_edge(main.start, Label::Call(root), main.finish);
    for (index, rule) in grammar.rules.iter().enumerate() {
        if let Expr::Automaton(automaton) = grammar.expr(rule.body)
            && automaton.counter.is_none()
        {
            lowering.states += automaton.edges.len();
            budget.check_states(lowering.states)?;
            lowering.procedures[index + 1] = Nfa::of_automaton(rule.name.clone(), automaton);
            continue;
        }
        let mut nfa = std::mem::replace(&mut lowering.procedures[index + 1], Nfa::new(String::new()));
        let (start, finish) = (nfa.start, nfa.finish);
        lowering.expression(&mut nfa, rule.body, start, finish, budget)?;
        lowering.procedures[index + 1] = nfa;
    }
    while let Some((procedure, body)) = lowering.pending.pop() {
        let mut nfa = std::mem::replace(&mut lowering.procedures[procedure.index()], Nfa::new(String::new()));
        let (from, to) = match nfa.counted {
            Some(Counted { of: CountedKind::Iterations { body_start, body_end }, .. }) => (body_start, body_end),
            _ => (nfa.start, nfa.finish),
        };
        lowering.expression(&mut nfa, body, from, to, budget)?;
        lowering.procedures[procedure.index()] = nfa;
    }
    for (nfa, rule) in lowering.procedures[1..].iter_mut().zip(&grammar.rules) {
        (nfa.max_tokens, nfa.temperature) = (rule.attributes.max_tokens, rule.attributes.temperature);
    }
    Ok(Lowered { procedures: lowering.procedures, token_sets: lowering.token_sets })
}

struct Lowering<'g> {
    grammar: &'g Grammar,
    /// Per expression: about how many states one copy takes.
    cost: Vec<usize>,
    /// The most states that an unrolled repetition may take.
    unroll_states: usize,
    procedures: Vec<Nfa>,
    /// The procedure of a counted repetition or automaton, or a scope.
    own_procedure: FxHashMap<ExprId, ProcedureId>,
    /// Procedures of repetitions and scopes whose body is still to be lowered.
    pending: Vec<(ProcedureId, ExprId)>,
    token_sets: Vec<TokenSet>,
    token_set_ids: FxHashMap<TokenSet, u32>,
    states: usize,
}

impl Lowering<'_> {
    fn procedure_of_rule(&self, rule: crate::RuleId) -> ProcedureId {
        ProcedureId::from_u32(rule.as_u32() + 1)
    }

    /// Adds the automaton of `root` between two states.
    fn expression(
        &mut self,
        nfa: &mut Nfa,
        root: ExprId,
        from: u32,
        to: u32,
        budget: &mut Budget<'_>,
    ) -> Result<(), LimitError> {
        let grammar = self.grammar;
        let before = nfa.len();
        let mut work = vec![(root, from, to)];
        while let Some((id, from, to)) = work.pop() {
            budget.tick()?;
            budget.check_states(self.states + nfa.len() - before)?;
            match grammar.expr(id) {
                Expr::Empty => nfa.add_edge(from, Label::Epsilon, to),
                Expr::Never => {}
                Expr::Bytes(bytes) => literal(nfa, bytes, from, to),
                Expr::ByteSet(set) => {
                    for (low, high) in set.ranges() {
                        nfa.add_edge(from, Label::Bytes { low, high }, to);
                    }
                }
                Expr::Class(set) => class(nfa, set, from, to),
                Expr::Sequence(operands) => self.sequence(nfa, operands, from, to, &mut work),
                Expr::Choice(operands) => work.extend(operands.iter().map(|&operand| (operand, from, to))),
                Expr::Repeat { body, min, max } => self.repetition(nfa, id, (*body, *min, *max), from, to, &mut work),
                Expr::Rule(rule) => nfa.add_edge(from, Label::Call(self.procedure_of_rule(*rule)), to),
                Expr::Token(set) => {
                    let index = self.token_set(set);
                    nfa.add_edge(from, Label::Token(index), to);
                }
                Expr::Automaton(automaton) => match automaton.counter {
                    None => embed(nfa, automaton, grammar.is_trim, from, to),
                    Some(counter) => {
                        let procedure = self.counted_automaton(&nfa.name, id, automaton, counter);
                        nfa.add_edge(from, Label::Call(procedure), to);
                    }
                },
                Expr::Scope { body, rules } => {
                    let procedure = self.scope_procedure(&nfa.name, id, *body, rules);
                    nfa.add_edge(from, Label::Call(procedure), to);
                }
                Expr::Marked { mark, body } => {
                    let begin = nfa.add_state();
                    let end = match mark {
                        Mark::Element(element) => {
                            let end = nfa.add_state();
                            nfa.add_edge(from, Label::BeginPart, begin);
                            nfa.add_edge(end, Label::Select(*element), to);
                            end
                        }
                        Mark::Close => {
                            nfa.add_edge(from, Label::Close, begin);
                            to
                        }
                    };
                    work.push((*body, begin, end));
                }
            }
        }
        self.states += nfa.len() - before;
        Ok(())
    }

    /// One operand after the other. A list, `x (y x)*`, gets one copy of its items: after one the way leads on, or through
    /// what separates it from the next one back to where it began. Determinising would find that out, at a cost.
    fn sequence(&self, nfa: &mut Nfa, operands: &[ExprId], from: u32, to: u32, work: &mut Vec<(ExprId, u32, u32)>) {
        let mut chain = |nfa: &mut Nfa, operands: &[ExprId], mut from: u32, to: u32| {
            for (index, &operand) in operands.iter().enumerate() {
                let next = if index + 1 == operands.len() { to } else { nfa.add_state() };
                work.push((operand, from, next));
                from = next;
            }
            if operands.is_empty() {
                nfa.add_edge(from, Label::Epsilon, to);
            }
        };
        let (mut from, mut begin) = (from, 0);
        for index in 1..operands.len() {
            let Some((item, separator)) = self.list(&operands[begin..=index]) else { continue };
            let (item_start, item_end) = (nfa.add_state(), nfa.add_state());
            chain(nfa, &operands[begin..index - item.len()], from, item_start);
            chain(nfa, item, item_start, item_end);
            chain(nfa, separator, item_end, item_start);
            (from, begin) = (item_end, index + 1);
        }
        chain(nfa, &operands[begin..], from, to);
    }

    /// The item and the separator of the list that `operands` end with, if they do.
    fn list<'o>(&'o self, operands: &'o [ExprId]) -> Option<(&'o [ExprId], &'o [ExprId])> {
        let (last, before) = operands.split_last()?;
        let &Expr::Repeat { body, min: 0, max: None } = self.grammar.expr(*last) else { return None };
        let Expr::Sequence(repeated) = self.grammar.expr(body) else { return None };
        let alike = repeated.iter().rev().zip(before.iter().rev()).take_while(|(left, right)| left == right).count();
        let (separator, item) = repeated.split_at(repeated.len() - alike);
        (!item.is_empty()).then_some((item, separator))
    }

    fn repetition(
        &mut self,
        nfa: &mut Nfa,
        id: ExprId,
        (body, min, max): (ExprId, u32, Option<u32>),
        from: u32,
        to: u32,
        work: &mut Vec<(ExprId, u32, u32)>,
    ) {
        if (min, max) == (1, None) {
            let (begin, end) = (nfa.add_state(), nfa.add_state());
            nfa.add_edge(from, Label::Epsilon, begin);
            nfa.add_edge(end, Label::Epsilon, begin);
            nfa.add_edge(end, Label::Epsilon, to);
            work.push((body, begin, end));
        } else if let Some(copies) = self.copies(body, min, max) {
            // Mandatory copies first, then either a loop or optional copies, each with a way out.
            let mut from = from;
            for _ in 0..min {
                let next = nfa.add_state();
                work.push((body, from, next));
                from = next;
            }
            if max.is_none() {
                let hub = nfa.add_state();
                nfa.add_edge(from, Label::Epsilon, hub);
                nfa.add_edge(hub, Label::Epsilon, to);
                work.push((body, hub, hub));
            } else {
                for _ in min as usize..copies {
                    let next = nfa.add_state();
                    nfa.add_edge(from, Label::Epsilon, to);
                    work.push((body, from, next));
                    from = next;
                }
                nfa.add_edge(from, Label::Epsilon, to);
            }
        } else {
            let procedure = self.counted_procedure(&nfa.name, id, body, min, max);
            nfa.add_edge(from, Label::Call(procedure), to);
        }
    }

    /// How many copies unrolling takes, if it is cheap enough.
    fn copies(&self, body: ExprId, min: u32, max: Option<u32>) -> Option<usize> {
        let copies = max.unwrap_or(min) as usize;
        let cheap = copies <= 1 || unrolled_cost(self.cost[body.index()], copies) <= self.unroll_states;
        cheap.then_some(copies)
    }

    fn counted_procedure(&mut self, caller: &str, id: ExprId, body: ExprId, min: u32, max: Option<u32>) -> ProcedureId {
        if let Some(&procedure) = self.own_procedure.get(&id) {
            return procedure;
        }
        let procedure = ProcedureId::from_u32(self.procedures.len() as u32);
        let counter = Counter { min, max };
        let mut nfa = Nfa::new(counted_name(caller, counter));
        let (hub, body_start, body_end) = (nfa.add_state(), nfa.add_state(), nfa.add_state());
        nfa.add_edge(nfa.start, Label::Epsilon, hub);
        nfa.add_edge(hub, Label::BeginIteration, body_start);
        nfa.add_edge(body_end, Label::Epsilon, hub);
        nfa.add_edge(hub, Label::Epsilon, nfa.finish);
        nfa.counted = Some(Counted { counter, of: CountedKind::Iterations { body_start, body_end } });
        self.procedures.push(nfa);
        self.own_procedure.insert(id, procedure);
        self.pending.push((procedure, body));
        procedure
    }

    fn scope_procedure(&mut self, caller: &str, id: ExprId, body: ExprId, rules: &ScopeRules) -> ProcedureId {
        if let Some(&procedure) = self.own_procedure.get(&id) {
            return procedure;
        }
        let procedure = ProcedureId::from_u32(self.procedures.len() as u32);
        let mut nfa = Nfa::new(format!("{caller}.scope"));
        nfa.scope = Some(Box::new(rules.clone()));
        self.procedures.push(nfa);
        self.own_procedure.insert(id, procedure);
        self.pending.push((procedure, body));
        procedure
    }

    fn counted_automaton(
        &mut self,
        caller: &str,
        id: ExprId,
        automaton: &Arc<ByteAutomaton>,
        counter: Counter,
    ) -> ProcedureId {
        if let Some(&procedure) = self.own_procedure.get(&id) {
            return procedure;
        }
        let procedure = ProcedureId::from_u32(self.procedures.len() as u32);
        self.procedures.push(Nfa::of_automaton(counted_name(caller, counter), automaton));
        self.states += automaton.edges.len();
        self.own_procedure.insert(id, procedure);
        procedure
    }

    fn token_set(&mut self, set: &TokenSet) -> u32 {
        *self.token_set_ids.entry(set.clone()).or_insert_with(|| {
            self.token_sets.push(set.clone());
            (self.token_sets.len() - 1) as u32
        })
    }
}

fn counted_name(caller: &str, counter: Counter) -> String {
    let max = counter.max.map_or_else(String::new, |max| max.to_string());
    format!("{caller}{{{},{max}}}", counter.min)
}

/// The states of `automaton`, which has no counter, between two states; `is_trim` if all its states lead from its start to acceptance.
fn embed(nfa: &mut Nfa, automaton: &Arc<ByteAutomaton>, is_trim: bool, from: u32, to: u32) {
    if is_trim {
        let start = nfa.embed(automaton, to);
        return nfa.add_edge(from, Label::Epsilon, start);
    }
    let offset = nfa.len() as u32;
    for _ in 0..automaton.edges.len() {
        nfa.add_state();
    }
    nfa.add_edge(from, Label::Epsilon, offset);
    for (state, edges) in automaton.edges.iter().enumerate() {
        let state = offset + state as u32;
        // The last edge added is the first one met, and ascending ones need no sorting.
        for edge in edges.iter().rev() {
            nfa.add_edge(state, Label::Bytes { low: edge.low, high: edge.high }, offset + edge.target);
        }
        if automaton.accepting[(state - offset) as usize] {
            nfa.add_edge(state, Label::Epsilon, to);
        }
    }
}

/// A chain of single bytes.
fn literal(nfa: &mut Nfa, bytes: &[u8], from: u32, to: u32) {
    let mut from = from;
    for (index, &byte) in bytes.iter().enumerate() {
        let next = if index + 1 == bytes.len() { to } else { nfa.add_state() };
        nfa.add_edge(from, Label::Bytes { low: byte, high: byte }, next);
        from = next;
    }
}

/// The UTF-8 encodings of a class; common suffixes share states.
fn class(nfa: &mut Nfa, set: &CharSet, from: u32, to: u32) {
    let mut suffixes: FxHashMap<(u32, u8, u8), u32> = FxHashMap::default();
    for sequence in Utf8::range_sequences(set) {
        let mut target = to;
        for (index, &(low, high)) in sequence.iter().enumerate().rev() {
            if index == 0 {
                nfa.add_edge(from, Label::Bytes { low, high }, target);
            } else {
                target = *suffixes.entry((target, low, high)).or_insert_with(|| {
                    let state = nfa.add_state();
                    nfa.add_edge(state, Label::Bytes { low, high }, target);
                    state
                });
            }
        }
    }
}

fn unrolled_cost(body: usize, copies: usize) -> usize {
    body.max(1).saturating_mul(copies)
}

/// Per expression about how many states one copy takes, saturating.
fn copy_cost(grammar: &Grammar, limit: usize) -> Vec<usize> {
    let mut cost: Vec<usize> = Vec::with_capacity(grammar.exprs.len());
    for expr in &grammar.exprs {
        let sum = |operands: &[ExprId]| {
            operands.iter().fold(0usize, |sum, operand| sum.saturating_add(cost[operand.index()]))
        };
        let own = match expr {
            Expr::Empty | Expr::Never | Expr::ByteSet(_) | Expr::Rule(_) | Expr::Token(_) => 1,
            Expr::Bytes(bytes) => bytes.len(),
            Expr::Class(set) => match set.ranges() {
                [.., (_, high)] if *high > '\u{7f}' => set.ranges().len().saturating_mul(2).saturating_add(2),
                _ => 1,
            },
            Expr::Sequence(operands) | Expr::Choice(operands) => sum(operands),
            Expr::Repeat { body, min, max } => {
                let copies = max.unwrap_or(*min).max(1) as usize;
                let unrolled = unrolled_cost(cost[body.index()], copies);
                if copies == 1 || unrolled <= limit { unrolled } else { 1 }
            }
            Expr::Automaton(automaton) if automaton.counter.is_some() => 1,
            Expr::Automaton(automaton) => automaton.edges.len(),
            Expr::Scope { .. } => 1,
            Expr::Marked { body, .. } => cost[body.index()],
        };
        cost.push(own);
    }
    cost
}
