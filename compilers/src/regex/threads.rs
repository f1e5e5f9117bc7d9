//! Determinises an [`Nfa`] with look-around.
//!
//! The usual subset construction keeps the states ("threads") that some reading of the text so far leads to. Here
//!
//! * the body of every look-behind runs along from each position of the text; the look-behind holds where one of its
//!   threads accepts;
//! * a thread that passes a look-ahead goes on with an obligation: the threads of the body, run along until one
//!   accepts (positive) or as long as none does (negative). That is how an alternating automaton is determinised.
//!
//! Bodies may hold look-around themselves, so threads of obligations have obligations. There are finitely many states
//! in all, and [`Limits`](grammar_ir::Limits) bound how many are visited.

use std::collections::BTreeMap;

use grammar_ir::regular::{CharAutomaton, Transitions};
use grammar_ir::{Budget, LimitError};
use rustc_hash::FxHashSet;

use super::ast::Tree;
use super::nfa::{Edge, Nfa, State};

/// The automaton of the texts that `tree` matches from end to end.
pub(super) fn automaton(tree: &Tree, budget: &mut Budget<'_>) -> Result<CharAutomaton, LimitError> {
    let nfa = Nfa::new(tree, budget)?;
    CharAutomaton::explore(nfa.alphabet.clone(), &mut Threads { nfa: &nfa }, budget)
}

/// The state of a body that has matched and only waits for its obligations.
const DONE: State = State::MAX;

/// One reading of the text so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Thread {
    state: State,
    /// What the rest of the text has to fulfil; sorted.
    pending: Vec<Obligation>,
}

/// That one of the threads comes to be [`DONE`] and its obligations are met; or, negated, that none does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Obligation {
    negated: bool,
    threads: Vec<Thread>,
}

/// What is known of a look-around at a position.
#[derive(Debug, Clone)]
enum Verdict {
    Holds,
    Fails,
    Depends(Obligation),
}

/// A state of the deterministic automaton.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Configuration {
    /// Per look-behind, its threads; empty for look-ahead.
    behind: Vec<Vec<Thread>>,
    main: Vec<Thread>,
}

/// What is known at the position where threads are closed.
struct Position {
    /// The threads of the look-behinds, as far as they are closed.
    behind: Vec<Vec<Thread>>,
    /// The verdicts that have been asked for.
    verdicts: Vec<Option<Verdict>>,
}

struct Threads<'n> {
    nfa: &'n Nfa,
}

impl Threads<'_> {
    /// The configuration of kernels: per look-behind, and of the main part.
    fn configuration(
        &self,
        behind: Vec<Vec<Thread>>,
        main: impl FnOnce(&mut Position, &mut Budget<'_>) -> Result<Vec<Thread>, LimitError>,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Configuration>, LimitError> {
        let mut position = Position { behind: Vec::new(), verdicts: vec![None; self.nfa.looks.len()] };
        for (look, mut kernel) in self.nfa.looks.iter().zip(behind) {
            if !look.ahead {
                // It may begin anywhere.
                kernel = self.resume(kernel, &mut position, budget)?;
                kernel.push(Thread { state: look.start, pending: Vec::new() });
                kernel = self.close(kernel, &mut position, budget)?;
            }
            position.behind.push(kernel);
        }
        let main = main(&mut position, budget)?;
        if main.is_empty() {
            return Ok(None);
        }
        Ok(Some(Configuration { behind: position.behind, main }))
    }

    /// What each thread becomes after a character of `class`. Obligations are those of before, still to be closed by
    /// [`resume`](Self::resume).
    fn after(&self, threads: &[Thread], class: u32) -> Vec<Thread> {
        let mut next = Vec::new();
        for thread in threads {
            let pending = || thread.pending.iter().map(|obligation| self.obligation_after(obligation, class)).collect();
            if thread.state == DONE {
                next.push(Thread { state: DONE, pending: pending() });
                continue;
            }
            for edge in &self.nfa.edges[thread.state as usize] {
                if let Edge::Characters { set, to } = *edge
                    && self.nfa.holds(set, class)
                {
                    next.push(Thread { state: to, pending: pending() });
                }
            }
        }
        next
    }

    fn obligation_after(&self, obligation: &Obligation, class: u32) -> Obligation {
        Obligation { negated: obligation.negated, threads: self.after(&obligation.threads, class) }
    }

    /// Closes the obligations of kernel threads at a new position, and drops the threads whose obligations failed.
    fn resume(
        &self,
        threads: Vec<Thread>,
        position: &mut Position,
        budget: &mut Budget<'_>,
    ) -> Result<Vec<Thread>, LimitError> {
        let mut resumed = Vec::with_capacity(threads.len());
        'threads: for thread in threads {
            let mut pending = Vec::with_capacity(thread.pending.len());
            for Obligation { negated, threads } in thread.pending {
                let threads = self.resume(threads, position, budget)?;
                let threads = self.close(threads, position, budget)?;
                match verdict(negated, threads) {
                    Verdict::Holds => {}
                    Verdict::Fails => continue 'threads,
                    Verdict::Depends(obligation) => pending.push(obligation),
                }
            }
            pending.sort_unstable();
            pending.dedup();
            resumed.push(Thread { state: thread.state, pending });
        }
        Ok(resumed)
    }

    /// The threads that `kernel` leads to without reading: those that read, accept or are done.
    fn close(
        &self,
        kernel: Vec<Thread>,
        position: &mut Position,
        budget: &mut Budget<'_>,
    ) -> Result<Vec<Thread>, LimitError> {
        let done = |thread: Thread| match self.nfa.ends_look_ahead.get(thread.state as usize) {
            Some(true) => Thread { state: DONE, pending: thread.pending },
            _ => thread,
        };
        let mut seen: FxHashSet<Thread> = kernel.into_iter().map(done).collect();
        let mut waiting: Vec<Thread> = seen.iter().cloned().collect();
        let mut closed: BTreeMap<State, Vec<Vec<Obligation>>> = BTreeMap::new();
        while let Some(thread) = waiting.pop() {
            budget.tick()?;
            if thread.state == DONE {
                closed.entry(DONE).or_default().push(thread.pending);
                continue;
            }
            let edges = &self.nfa.edges[thread.state as usize];
            for edge in edges {
                let next = match *edge {
                    Edge::Characters { .. } => continue,
                    Edge::Empty { to } => Thread { state: to, pending: thread.pending.clone() },
                    Edge::Look { look, to } => {
                        let mut pending = thread.pending.clone();
                        match self.look(look, position, budget)? {
                            Verdict::Holds => {}
                            Verdict::Fails => continue,
                            Verdict::Depends(obligation) => {
                                pending.push(obligation);
                                pending.sort_unstable();
                                pending.dedup();
                            }
                        }
                        Thread { state: to, pending }
                    }
                };
                let next = done(next);
                if seen.insert(next.clone()) {
                    waiting.push(next);
                }
            }
            let reads = edges.iter().any(|edge| matches!(edge, Edge::Characters { .. }));
            if reads || edges.is_empty() {
                closed.entry(thread.state).or_default().push(thread.pending);
            }
        }
        let mut threads = Vec::new();
        for (state, mut alternatives) in closed {
            // A thread that has to fulfil all that another one has, and more, adds nothing.
            alternatives.sort_unstable_by_key(Vec::len);
            let mut kept: Vec<Vec<Obligation>> = Vec::new();
            for pending in alternatives {
                budget.tick()?;
                if !kept.iter().any(|less| less.iter().all(|obligation| pending.binary_search(obligation).is_ok())) {
                    kept.push(pending);
                }
            }
            kept.sort_unstable();
            threads.extend(kept.into_iter().map(|pending| Thread { state, pending }));
        }
        Ok(threads)
    }

    /// Whether a look-around holds at the position. Recursion is as deep as look-around is nested, which the parser
    /// bounds.
    fn look(&self, look: u32, position: &mut Position, budget: &mut Budget<'_>) -> Result<Verdict, LimitError> {
        if let Some(verdict) = &position.verdicts[look as usize] {
            return Ok(verdict.clone());
        }
        let part = self.nfa.looks[look as usize];
        let threads = if part.ahead {
            self.close(vec![Thread { state: part.start, pending: Vec::new() }], position, budget)?
        } else {
            // Its match ends here, whatever the text goes on with.
            let accepted = position.behind[look as usize].iter().filter(|thread| thread.state == part.accept);
            accepted.map(|thread| Thread { state: DONE, pending: thread.pending.clone() }).collect()
        };
        let verdict = verdict(part.negated, threads);
        position.verdicts[look as usize] = Some(verdict.clone());
        Ok(verdict)
    }
}

/// What the closed threads of a body say of its look-around.
fn verdict(negated: bool, threads: Vec<Thread>) -> Verdict {
    let matched = threads.iter().any(|thread| thread.state == DONE && thread.pending.is_empty());
    match (matched || threads.is_empty(), matched != negated) {
        (true, true) => Verdict::Holds,
        (true, false) => Verdict::Fails,
        (false, _) => Verdict::Depends(Obligation { negated, threads }),
    }
}

/// Whether the end of the text fulfils `pending`.
fn fulfilled_at_end(pending: &[Obligation]) -> bool {
    pending.iter().all(|obligation| {
        let matched = |thread: &Thread| thread.state == DONE && fulfilled_at_end(&thread.pending);
        obligation.threads.iter().any(matched) != obligation.negated
    })
}

/// The memory of threads, in units of 16 bytes.
fn weight(threads: &[Thread]) -> usize {
    let of =
        |thread: &Thread| 2 + thread.pending.iter().map(|obligation| 2 + weight(&obligation.threads)).sum::<usize>();
    threads.iter().map(of).sum()
}

impl Transitions for Threads<'_> {
    type State = Configuration;

    fn start(&mut self, budget: &mut Budget<'_>) -> Result<Option<Configuration>, LimitError> {
        let start = vec![Thread { state: self.nfa.start, pending: Vec::new() }];
        let behind = vec![Vec::new(); self.nfa.looks.len()];
        self.configuration(behind, |position, budget| self.close(start, position, budget), budget)
    }

    fn step(
        &mut self,
        state: &Configuration,
        class: u32,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Configuration>, LimitError> {
        let main = self.after(&state.main, class);
        if main.is_empty() {
            return Ok(None);
        }
        let behind = state.behind.iter().map(|threads| self.after(threads, class)).collect();
        let close = |position: &mut Position, budget: &mut Budget<'_>| {
            let resumed = self.resume(main, position, budget)?;
            self.close(resumed, position, budget)
        };
        self.configuration(behind, close, budget)
    }

    fn is_accepting(&mut self, state: &Configuration) -> bool {
        state.main.iter().any(|thread| thread.state == self.nfa.accept && fulfilled_at_end(&thread.pending))
    }

    fn weight(&self, state: &Configuration) -> usize {
        2 + weight(&state.main) + state.behind.iter().map(|threads| 2 + weight(threads)).sum::<usize>()
    }
}
