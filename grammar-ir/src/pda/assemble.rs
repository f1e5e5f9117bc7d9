//! Puts the machines of the procedures that the entry can reach into one [`Pda`].

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::determinize::{Machine, Symbol, determinize};
use super::left_recursion;
use super::live::{live_counts, prune};
use super::lower::Lowered;
use super::minimize::minimize;
use super::nfa::CountedKind;
use super::nullable::{ends_with_selection, nullable_procedures};
use super::productive::remove_unproductive_calls;
use super::scope::Scope;
use super::{ACCEPTING, ByteEdge, CallEdge, FINAL, GUARDED, LowerError, Pda, Procedure, State, TokenEdge};
use crate::table::{Table, Unchecked};
use crate::{Budget, ByteSet, Counter, LiveCounts, ProcedureId, StateId};

pub(super) fn assemble(lowered: Lowered, budget: &mut Budget<'_>) -> Result<Pda, LowerError> {
    let Lowered { mut procedures, token_sets } = lowered;
    let nullable = nullable_procedures(&mut procedures);
    if let Some(scope) = procedures.iter().find(|nfa| nfa.scope.is_some() && ends_with_selection(nfa, &nullable)) {
        return Err(LowerError::SelectionAtEnd { procedure: scope.name.clone() });
    }
    let recursion = left_recursion::analyse(&mut procedures, &nullable, budget)?;

    // Machines of the procedures that the entry reaches, numbered as they are met.
    let mut met: Vec<usize> = vec![0];
    let mut numbers: FxHashMap<usize, u32> = FxHashMap::from_iter([(0, 0)]);
    let mut machines: Vec<Machine> = Vec::new();
    let mut states = 0;
    while let Some(&lowered) = met.get(machines.len()) {
        budget.check_time()?;
        let spine = recursion.spine(&procedures, lowered, &nullable, budget)?;
        let nfa = spine.as_ref().unwrap_or(&procedures[lowered]);
        let mut machine = match &nfa.automaton {
            Some(automaton) => Machine::of_automaton(automaton).without_empty_word(),
            None => minimize(determinize(nfa, &nullable, lowered == 0, budget)?, nfa, budget)?,
        };
        if let Some(counted) = nfa.counted
            && counted.of == CountedKind::Edges
        {
            machine = prune(machine, counted.counter, budget)?;
        }
        for edge in &mut machine.edges {
            if let Symbol::Call(callee) = &mut edge.symbol {
                *callee = *numbers.entry(*callee as usize).or_insert_with_key(|&callee| {
                    met.push(callee);
                    (met.len() - 1) as u32
                });
            }
        }
        states += machine.len();
        budget.check_states(states)?;
        machines.push(machine);
    }
    remove_unproductive_calls(&mut machines);
    if machines[0].edges.is_empty() && !machines[0].accepting[0] {
        return Err(LowerError::EmptyLanguage);
    }
    let kept = keep_reachable(&mut machines);
    let order: Vec<usize> = kept.into_iter().map(|number| met[number]).collect();

    let ranks = ranks(&machines);
    let mut arrays = Arrays { states: Vec::with_capacity(states + 1), ..Arrays::default() };
    let mut assembled: Vec<Procedure> = Vec::with_capacity(machines.len());
    for (number, (&old, machine)) in order.iter().zip(&machines).enumerate() {
        let nfa = &procedures[old];
        let first_state = arrays.states.len() as u32;
        let live = match nfa.counted.filter(|counted| counted.of == CountedKind::Edges) {
            Some(counted) => Some(live_counts(machine, counted.counter, budget)?),
            None => None,
        };
        let scope = nfa.scope.as_ref().map(|rules| {
            Box::new(Scope::new((**rules).clone(), machine, (!nullable[old]).then_some(nfa), first_state))
        });
        let register = Register {
            counter: nfa.counted.map(|counted| counted.counter),
            live: live.as_ref(),
            scope: scope.as_deref(),
        };
        let may_tail_call = nfa.counted.is_none() && nfa.max_tokens.is_none() && nfa.temperature.is_none();
        arrays.push_states(machine, number as u32, register, may_tail_call);
        assembled.push(Procedure {
            name: nfa.name.clone(),
            states: first_state..arrays.states.len() as u32,
            counter: register.counter,
            max_tokens: nfa.max_tokens,
            temperature: nfa.temperature,
            live,
            scope,
            first_bytes: ByteSet::EMPTY,
            first_token: false,
            rank: ranks[number],
            deterministic: machine.deterministic,
        });
    }
    arrays.push_state(0);
    let mut pda = Pda {
        states: Table::from(arrays.states),
        byte_edges: Unchecked::from(arrays.byte_edges),
        call_edges: Unchecked::from(arrays.call_edges),
        token_edges: Unchecked::from(arrays.token_edges),
        token_sets,
        procedures: assembled,
        stored: None,
        blocks: Arc::default(),
    };
    first_sets(&mut pda);
    Ok(pda)
}

/// The arrays of a [`Pda`] while they grow.
#[derive(Default)]
pub(super) struct Arrays {
    pub(super) states: Vec<State>,
    pub(super) byte_edges: Vec<ByteEdge>,
    pub(super) call_edges: Vec<CallEdge>,
    pub(super) token_edges: Vec<TokenEdge>,
}

/// Drops procedures that nobody calls any more; answers with the former numbers of those kept, in their order.
fn keep_reachable(machines: &mut Vec<Machine>) -> Vec<usize> {
    let mut kept = vec![0];
    let mut numbers: FxHashMap<u32, u32> = FxHashMap::from_iter([(0, 0)]);
    let mut next = 0;
    while let Some(&number) = kept.get(next) {
        for edge in &machines[number].edges {
            if let Symbol::Call(callee) = edge.symbol {
                numbers.entry(callee).or_insert_with(|| {
                    kept.push(callee as usize);
                    (kept.len() - 1) as u32
                });
            }
        }
        next += 1;
    }
    *machines = kept
        .iter()
        .map(|&number| {
            let mut machine = std::mem::take(&mut machines[number]);
            for edge in &mut machine.edges {
                if let Symbol::Call(callee) = &mut edge.symbol {
                    *callee = numbers[callee];
                }
            }
            machine
        })
        .collect();
    kept
}

/// The register of a procedure, if it has one, and what is known of it.
#[derive(Clone, Copy)]
pub(super) struct Register<'a> {
    pub(super) counter: Option<Counter>,
    pub(super) live: Option<&'a LiveCounts>,
    pub(super) scope: Option<&'a Scope>,
}

impl Register<'_> {
    /// Whether `state`, one of those numbered from `offset`, can be completed with some counts or registers only.
    pub(super) fn guards(&self, state: usize, offset: u32) -> bool {
        if let Some(scope) = self.scope {
            return scope.is_guarded(offset + state as u32);
        }
        match (self.counter, self.live) {
            (Some(counter), Some(live)) => live.ranges(state) != [(0, counter.greatest())],
            _ => false,
        }
    }
}

impl Arrays {
    /// Adds a state whose edges are those pushed from now on.
    pub(super) fn push_state(&mut self, procedure: u32) {
        self.states.push(State {
            byte_edges: self.byte_edges.len() as u32,
            call_edges: self.call_edges.len() as u32,
            token_edges: self.token_edges.len() as u32,
            procedure,
        });
    }

    fn push_states(&mut self, machine: &Machine, procedure: u32, register: Register<'_>, may_tail_call: bool) {
        let offset = self.states.len() as u32;
        // A state that is only entered with live counts can return if there is nothing else that it can do.
        let may_wait = register.counter.is_some() && register.live.is_none();
        let is_final = |state: usize| !may_wait && machine.accepting[state] && machine.edges(state).is_empty();
        for state in 0..machine.len() {
            self.push_state(
                procedure
                    | if machine.accepting[state] { ACCEPTING } else { 0 }
                    | if is_final(state) { FINAL } else { 0 }
                    | if register.guards(state, offset) { GUARDED } else { 0 },
            );
            for edge in machine.edges(state) {
                let (counts, marks, target) = (edge.counts, edge.marks, StateId::from_u32(offset + edge.target));
                match edge.symbol {
                    Symbol::Bytes { low, high } => {
                        self.byte_edges.push(ByteEdge { low, high, counts, padding: 0, marks, target });
                    }
                    Symbol::Call(callee) => {
                        let last =
                            machine.accepting[edge.target as usize] && machine.edges(edge.target as usize).is_empty();
                        let procedure = ProcedureId::from_u32(callee);
                        let tail = last && may_tail_call;
                        self.call_edges.push(CallEdge { procedure, marks, target, counts, tail, padding: [0; 2] });
                    }
                    Symbol::Token(set) => {
                        self.token_edges.push(TokenEdge { set, marks, target, counts, padding: [0; 3] });
                    }
                }
            }
        }
    }
}

/// A topological order of the calls from start states (Kahn 1962). Left recursion is gone, so there is one.
fn ranks(machines: &[Machine]) -> Vec<u32> {
    let left_calls = |machine: &Machine| {
        machine
            .edges(0)
            .iter()
            .filter_map(|edge| match edge.symbol {
                Symbol::Call(callee) => Some(callee as usize),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let mut callers = vec![0usize; machines.len()];
    for machine in machines {
        for callee in left_calls(machine) {
            callers[callee] += 1;
        }
    }
    let mut ready: Vec<usize> = (0..machines.len()).filter(|&number| callers[number] == 0).collect();
    let mut ranks = vec![0; machines.len()];
    let mut rank = 0;
    while let Some(number) = ready.pop() {
        ranks[number] = rank;
        rank += 1;
        for callee in left_calls(&machines[number]) {
            callers[callee] -= 1;
            if callers[callee] == 0 {
                ready.push(callee);
            }
        }
    }
    debug_assert_eq!(rank as usize, machines.len(), "left recursion has been removed");
    ranks
}

/// Fills in what procedures can begin with, callees before callers.
pub(super) fn first_sets(pda: &mut Pda) {
    let mut by_rank: Vec<usize> = (0..pda.procedures.len()).collect();
    by_rank.sort_unstable_by_key(|&number| std::cmp::Reverse(pda.procedures[number].rank));
    for number in by_rank {
        let of_callee = |callee| {
            let callee = pda.procedure(callee);
            (callee.first_bytes, callee.first_token)
        };
        let (bytes, token) = first_set(pda, &pda.procedures[number], of_callee);
        pda.procedures[number].first_bytes = bytes;
        pda.procedures[number].first_token = token;
    }
}

/// The bytes that a procedure can begin with, and whether it can with a token terminal, given those of what it calls.
pub(super) fn first_set(
    pda: &Pda,
    procedure: &Procedure,
    of_callee: impl Fn(ProcedureId) -> (ByteSet, bool),
) -> (ByteSet, bool) {
    let start = procedure.start();
    let mut bytes = ByteSet::EMPTY;
    for edge in pda.byte_edges(start) {
        if procedure.count_after(0, edge.counts, edge.target, pda.is_guarded(edge.target)).is_some() {
            bytes.insert_range(edge.low, edge.high);
        }
    }
    let mut token = !pda.token_edges(start).is_empty();
    for edge in pda.call_edges(start) {
        let (callee_bytes, callee_token) = of_callee(edge.procedure);
        bytes = bytes.union(&callee_bytes);
        token |= callee_token;
    }
    (bytes, token)
}
