//! Removes left recursion, so that the calls at one position form an acyclic graph.
//!
//! Procedure A calls B *left* when A can call B before it has consumed anything (nullable calls and hidden left
//! recursion included). In a strongly connected component of left calls, the leftmost part of any word of any member
//! is produced by a chain of left calls that ends with something consumed. Reading the chain upwards, from that
//! something, needs no recursion: one state per member says "a word of this member has been read as the leftmost
//! part", and where A has an edge `p ─call B→ q` before consuming, the way goes on from B's state to `q` inside a copy
//! of A. The *spine* procedure of a member is that automaton with the member's state as its finish. Calls that are
//! not left stay calls. (This is the left-corner transform, Rosenkrantz & Lewis 1970, done on automata.)

use super::LowerError;
use super::graph::Graph;
use super::nfa::{CountedKind, Label, Marks, Nfa};
use super::nullable::{Reached, closure};
use crate::{Budget, Counter, ProcedureId};

/// The strongly connected components of the left-call graph that are cycles.
#[derive(Debug)]
pub(super) struct LeftRecursion {
    /// Per procedure: its component, if that is a cycle.
    component: Vec<Option<u32>>,
    members: Vec<Vec<usize>>,
}

/// Finds the left-recursive components and unrolls the counted procedures in them.
///
/// # Errors
/// When a left-recursive component has a scope, a rule with a budget or a temperature, or a counted repetition that is too large to be unrolled.
pub(super) fn analyse(
    procedures: &mut [Nfa],
    nullable: &[bool],
    budget: &mut Budget<'_>,
) -> Result<LeftRecursion, LowerError> {
    let mut marks = Marks::default();
    let mut reached = Vec::new();
    let mut callees: Vec<u32> = Vec::new();
    let mut left_calls = Graph::default();
    for nfa in procedures.iter() {
        budget.tick()?;
        closure(nfa, &[nfa.start], nullable, &mut marks, &mut reached);
        callees.clear();
        for reached in &reached {
            callees.extend(nfa.edges(reached.state).filter_map(|(label, _)| match label {
                Label::Call(callee) => Some(callee.as_u32()),
                _ => None,
            }));
        }
        callees.sort_unstable();
        callees.dedup();
        left_calls.push(callees.iter().copied());
    }
    let mut recursion = LeftRecursion { component: vec![None; procedures.len()], members: Vec::new() };
    for component in left_calls.components().iter() {
        let cyclic = component.len() > 1 || left_calls.successors(component[0]).contains(&component[0]);
        if cyclic {
            let mut component: Vec<usize> = component.iter().map(|&member| member as usize).collect();
            component.sort_unstable();
            for &member in &component {
                recursion.component[member] = Some(recursion.members.len() as u32);
                if procedures[member].scope.is_some() {
                    return Err(LowerError::ScopeInLeftRecursion { procedure: procedures[member].name.clone() });
                }
                if procedures[member].max_tokens.is_some() || procedures[member].temperature.is_some() {
                    return Err(LowerError::AttributeInLeftRecursion { procedure: procedures[member].name.clone() });
                }
                // A counted automaton calls nothing, so it is in no cycle.
                if let Some(counted) = procedures[member].counted
                    && let CountedKind::Iterations { body_start, body_end } = counted.of
                {
                    procedures[member] = unroll(&procedures[member], counted.counter, (body_start, body_end), budget)?;
                }
            }
            recursion.members.push(component);
        }
    }
    Ok(recursion)
}

impl LeftRecursion {
    /// The spine procedure of `procedure` when it is left-recursive.
    ///
    /// # Errors
    /// When it needs more states than the budget allows.
    pub(super) fn spine(
        &self,
        procedures: &[Nfa],
        procedure: usize,
        nullable: &[bool],
        budget: &mut Budget<'_>,
    ) -> Result<Option<Nfa>, LowerError> {
        let Some(component) = self.component[procedure] else {
            return Ok(None);
        };
        let members = &self.members[component as usize];
        let in_component = |callee: ProcedureId| self.component[callee.index()] == Some(component);
        let mut spine = Nfa::new(procedures[procedure].name.clone());
        let states: usize = members.iter().map(|&member| procedures[member].len()).sum();
        budget.check_states(states)?;

        let recognised: Vec<u32> = members.iter().map(|_| spine.add_state()).collect();
        let recognised_as =
            |callee: ProcedureId| members.binary_search(&callee.index()).ok().map(|position| recognised[position]);
        let mut marks = Marks::default();
        let mut reached: Vec<Reached> = Vec::new();
        for (&member, &recognised) in members.iter().zip(&recognised) {
            budget.tick()?;
            let nfa = &procedures[member];
            let offset = spine.append(nfa);
            spine.add_edge(offset + nfa.finish, Label::Epsilon, recognised);
            closure(nfa, &[nfa.start], nullable, &mut marks, &mut reached);
            for &Reached { state, .. } in &reached {
                for (label, target) in nfa.edges(state) {
                    match label {
                        Label::Epsilon | Label::BeginIteration | Label::BeginPart | Label::Select(_) | Label::Close => {
                        }
                        Label::Call(callee) if in_component(callee) => {
                            if let Some(from) = recognised_as(callee) {
                                spine.add_edge(from, Label::Epsilon, offset + target);
                            }
                        }
                        // The way around a nullable callee is in the closure already. Taking it from here would
                        // reach the spine without having consumed anything.
                        Label::Call(callee) => {
                            spine.add_edge(spine.start, Label::NonEmptyCall(callee), offset + target);
                        }
                        _ => spine.add_edge(spine.start, label, offset + target),
                    }
                }
            }
            if member == procedure {
                spine.add_edge(recognised, Label::Epsilon, spine.finish);
            }
        }
        Ok(Some(spine))
    }
}

/// The automaton of a counted procedure without its counter.
fn unroll(
    nfa: &Nfa,
    counter: Counter,
    (body_start, body_end): (u32, u32),
    budget: &Budget<'_>,
) -> Result<Nfa, LowerError> {
    let copies = counter.greatest().max(1) as usize;
    if budget.check_states(nfa.len().saturating_mul(copies)).is_err() {
        return Err(LowerError::CountInLeftRecursion {
            procedure: nfa.name.clone(),
            states: nfa.len().saturating_mul(copies),
            limit: budget.limits().states,
        });
    }
    let mut unrolled = Nfa::new(nfa.name.clone());
    let mut from = unrolled.start;
    for copy in 0..copies {
        let offset = unrolled.append(nfa);
        // The copy's own way back to its loop would be a loop without a count.
        unrolled.remove_edges(offset + body_end);
        unrolled.add_edge(from, Label::Epsilon, offset + body_start);
        if copy as u32 >= counter.min {
            unrolled.add_edge(from, Label::Epsilon, unrolled.finish);
        }
        from = unrolled.add_state();
        unrolled.add_edge(offset + body_end, Label::Epsilon, from);
        if copy + 1 == copies && counter.max.is_none() {
            unrolled.add_edge(from, Label::Epsilon, offset + body_start);
        }
    }
    unrolled.add_edge(from, Label::Epsilon, unrolled.finish);
    Ok(unrolled)
}
