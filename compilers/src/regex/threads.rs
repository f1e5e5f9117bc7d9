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
//! in all, and [`Limits`](grammar_ir::Limits) bound how many are visited. Obligations are numbered, since many threads
//! share one: each is carried over a character once.

use std::collections::BTreeMap;
use std::rc::Rc;

use grammar_ir::regular::{CharAutomaton, Transitions};
use grammar_ir::{Budget, LimitError};
use rustc_hash::{FxHashMap, FxHashSet};

use super::ast::Tree;
use super::nfa::{Edge, Nfa, State};

/// The automaton of the texts that `tree` matches from end to end.
pub(super) fn automaton(tree: &Tree, budget: &mut Budget<'_>) -> Result<CharAutomaton, LimitError> {
    let nfa = Nfa::new(tree, budget)?;
    CharAutomaton::explore(nfa.alphabet.clone(), &mut Threads::new(&nfa), budget)
}

/// The state of a body that has matched and only waits for its obligations.
const DONE: State = State::MAX;

/// One reading of the text so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Thread {
    state: State,
    /// The numbers of the obligations that the rest of the text has to fulfil; sorted.
    pending: Vec<u32>,
}

/// That one of the threads comes to be [`DONE`] and its obligations are met; or, negated, that none does.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Obligation {
    negated: bool,
    threads: Vec<Thread>,
}

/// What is known of a look-around at a position.
#[derive(Debug, Clone, Copy)]
enum Verdict {
    Holds,
    Fails,
    Depends(u32),
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
    /// The verdicts on the look-arounds that have been asked for.
    verdicts: Vec<Option<Verdict>>,
    /// What has become of the obligations of the position before.
    carried: FxHashMap<u32, Verdict>,
}

struct Threads<'n> {
    nfa: &'n Nfa,
    obligations: Vec<Rc<Obligation>>,
    numbers: FxHashMap<Rc<Obligation>, u32>,
    /// The memory of the obligations, in units of 16 bytes.
    obligations_weight: usize,
}

impl<'n> Threads<'n> {
    fn new(nfa: &'n Nfa) -> Self {
        Self { nfa, obligations: Vec::new(), numbers: FxHashMap::default(), obligations_weight: 0 }
    }

    /// The configuration at a position, from the threads of the position before and the character between, or from
    /// the start.
    fn configuration(
        &mut self,
        before: Option<(&Configuration, u32)>,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Configuration>, LimitError> {
        let nfa = self.nfa;
        let is_universal =
            |thread: &&Thread| thread.pending.is_empty() && nfa.is_universal.get(thread.state as usize) == Some(&true);
        if let Some((before, _)) = before
            && before.main.iter().any(|thread| is_universal(&thread))
        {
            return Ok(Some(before.clone()));
        }
        let verdicts = vec![None; nfa.looks.len()];
        let mut position = Position { behind: Vec::new(), verdicts, carried: FxHashMap::default() };
        for (index, look) in nfa.looks.iter().enumerate() {
            let mut threads = Vec::new();
            if !look.ahead {
                if let Some((before, class)) = before {
                    threads = self.advance(&before.behind[index], class, &mut position, budget)?;
                }
                // It may begin anywhere.
                threads.push(Thread { state: look.start, pending: Vec::new() });
                threads = self.close(threads, &mut position, budget)?;
            }
            position.behind.push(threads);
        }
        let main = match before {
            Some((before, class)) => self.advance(&before.main, class, &mut position, budget)?,
            None => vec![Thread { state: nfa.start, pending: Vec::new() }],
        };
        let main = self.close(main, &mut position, budget)?;
        if let Some(thread) = main.iter().find(is_universal) {
            // Whatever else could match no longer matters, nor does what has been before.
            let main = vec![thread.clone(), Thread { state: nfa.accept, pending: Vec::new() }];
            return Ok(Some(Configuration { behind: Vec::new(), main }));
        }
        Ok((!main.is_empty()).then_some(Configuration { behind: position.behind, main }))
    }

    /// What the threads become after a character of `class`, without those whose obligations fail.
    fn advance(
        &mut self,
        threads: &[Thread],
        class: u32,
        position: &mut Position,
        budget: &mut Budget<'_>,
    ) -> Result<Vec<Thread>, LimitError> {
        let nfa = self.nfa;
        let mut next = Vec::new();
        'threads: for thread in threads {
            budget.tick()?;
            let mut targets = Vec::new();
            if thread.state == DONE {
                targets.push(DONE);
            } else {
                for edge in &nfa.edges[thread.state as usize] {
                    match *edge {
                        Edge::Characters { set, to } if nfa.holds(set, class) => targets.push(to),
                        _ => {}
                    }
                }
            }
            if targets.is_empty() {
                continue;
            }
            let mut pending = Vec::with_capacity(thread.pending.len());
            for &obligation in &thread.pending {
                match self.carry(obligation, class, position, budget)? {
                    Verdict::Holds => {}
                    Verdict::Fails => continue 'threads,
                    Verdict::Depends(obligation) => pending.push(obligation),
                }
            }
            pending.sort_unstable();
            pending.dedup();
            next.extend(targets.into_iter().map(|state| Thread { state, pending: pending.clone() }));
        }
        Ok(next)
    }

    /// What becomes of an obligation after a character of `class`. Recursion is as deep as look-around is nested,
    /// which the parser bounds.
    fn carry(
        &mut self,
        obligation: u32,
        class: u32,
        position: &mut Position,
        budget: &mut Budget<'_>,
    ) -> Result<Verdict, LimitError> {
        if let Some(&verdict) = position.carried.get(&obligation) {
            return Ok(verdict);
        }
        let before = Rc::clone(&self.obligations[obligation as usize]);
        let threads = self.advance(&before.threads, class, position, budget)?;
        let threads = self.close(threads, position, budget)?;
        let verdict = self.verdict(before.negated, threads, budget)?;
        position.carried.insert(obligation, verdict);
        Ok(verdict)
    }

    /// What the closed threads of a body say of its look-around.
    fn verdict(&mut self, negated: bool, threads: Vec<Thread>, budget: &Budget<'_>) -> Result<Verdict, LimitError> {
        let matched = threads.iter().any(|thread| thread.state == DONE && thread.pending.is_empty());
        if matched || threads.is_empty() {
            return Ok(if matched != negated { Verdict::Holds } else { Verdict::Fails });
        }
        let obligation = Rc::new(Obligation { negated, threads });
        let next = self.obligations.len() as u32;
        if let Some(&number) = self.numbers.get(&obligation) {
            return Ok(Verdict::Depends(number));
        }
        self.obligations_weight += 4 + weight(&obligation.threads);
        budget.check_states(self.obligations_weight / 2)?;
        self.numbers.insert(Rc::clone(&obligation), next);
        self.obligations.push(obligation);
        Ok(Verdict::Depends(next))
    }

    /// The threads that `kernel` leads to without reading: those that read, accept or are done.
    fn close(
        &mut self,
        kernel: Vec<Thread>,
        position: &mut Position,
        budget: &mut Budget<'_>,
    ) -> Result<Vec<Thread>, LimitError> {
        let nfa = self.nfa;
        let done = |thread: Thread| match nfa.ends_look_ahead.get(thread.state as usize) {
            Some(true) => Thread { state: DONE, pending: thread.pending },
            _ => thread,
        };
        let mut seen: FxHashSet<Thread> = kernel.into_iter().map(done).collect();
        let mut waiting: Vec<Thread> = seen.iter().cloned().collect();
        let mut closed: BTreeMap<State, Vec<Vec<u32>>> = BTreeMap::new();
        while let Some(thread) = waiting.pop() {
            budget.tick()?;
            if thread.state == DONE {
                closed.entry(DONE).or_default().push(thread.pending);
                continue;
            }
            let edges = &nfa.edges[thread.state as usize];
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
            let mut kept: Vec<Vec<u32>> = Vec::new();
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
    fn look(&mut self, look: u32, position: &mut Position, budget: &mut Budget<'_>) -> Result<Verdict, LimitError> {
        if let Some(verdict) = position.verdicts[look as usize] {
            return Ok(verdict);
        }
        let part = self.nfa.looks[look as usize];
        let threads = if part.ahead {
            self.close(vec![Thread { state: part.start, pending: Vec::new() }], position, budget)?
        } else {
            // Its match ends here, whatever the text goes on with.
            let accepted = position.behind[look as usize].iter().filter(|thread| thread.state == part.accept);
            accepted.map(|thread| Thread { state: DONE, pending: thread.pending.clone() }).collect()
        };
        let verdict = self.verdict(part.negated, threads, budget)?;
        position.verdicts[look as usize] = Some(verdict);
        Ok(verdict)
    }
}

/// The memory of threads, in units of 16 bytes.
fn weight(threads: &[Thread]) -> usize {
    threads.iter().map(|thread| 2 + thread.pending.len().div_ceil(4)).sum()
}

impl Threads<'_> {
    /// Whether the end of the text fulfils `pending`.
    fn fulfilled_at_end(&self, pending: &[u32]) -> bool {
        pending.iter().all(|&obligation| {
            let Obligation { negated, threads } = &*self.obligations[obligation as usize];
            let matched = |thread: &Thread| thread.state == DONE && self.fulfilled_at_end(&thread.pending);
            threads.iter().any(matched) != *negated
        })
    }
}

impl Transitions for Threads<'_> {
    type State = Configuration;

    fn start(&mut self, budget: &mut Budget<'_>) -> Result<Option<Configuration>, LimitError> {
        self.configuration(None, budget)
    }

    fn step(
        &mut self,
        state: &Configuration,
        class: u32,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Configuration>, LimitError> {
        self.configuration(Some((state, class)), budget)
    }

    fn is_accepting(&mut self, state: &Configuration) -> bool {
        state.main.iter().any(|thread| thread.state == self.nfa.accept && self.fulfilled_at_end(&thread.pending))
    }

    fn weight(&self, state: &Configuration) -> usize {
        2 + weight(&state.main) + state.behind.iter().map(|threads| 2 + weight(threads)).sum::<usize>()
    }
}
