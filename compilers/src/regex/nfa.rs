//! A non-deterministic automaton with look-around edges (Thompson's construction).

use grammar_ir::regular::Alphabet;
use grammar_ir::{Budget, CharSet, LimitError};
use rustc_hash::FxHashMap;

use super::ast::{Node, NodeId, Tree};

/// A state.
pub(super) type State = u32;

/// An edge of an [`Nfa`].
#[derive(Debug, Clone, Copy)]
pub(super) enum Edge {
    /// Reads a character of a set.
    Characters { set: u32, to: State },
    /// Reads nothing.
    Empty { to: State },
    /// Reads nothing, where a look-around holds.
    Look { look: u32, to: State },
}

/// A look-around: a part of the automaton from `start` to `accept`.
#[derive(Debug, Clone, Copy)]
pub(super) struct LookPart {
    pub(super) ahead: bool,
    pub(super) negated: bool,
    pub(super) start: State,
    pub(super) accept: State,
}

/// The automaton of a tree. A look-around stands after those inside it.
#[derive(Debug)]
pub(super) struct Nfa {
    pub(super) edges: Vec<Vec<Edge>>,
    pub(super) looks: Vec<LookPart>,
    pub(super) start: State,
    pub(super) accept: State,
    /// Per state, whether a look-ahead ends there.
    pub(super) ends_look_ahead: Vec<bool>,
    /// Per state, whether it reads any character and stays, and accepts: from there on every text matches.
    pub(super) is_universal: Vec<bool>,
    pub(super) alphabet: Alphabet,
    /// Per set and class, whether the set holds the class.
    members: Vec<Vec<bool>>,
}

impl Nfa {
    pub(super) fn new(tree: &Tree, budget: &mut Budget<'_>) -> Result<Self, LimitError> {
        let mut builder = Builder { tree, edges: Vec::new(), sets: Vec::new(), set_numbers: FxHashMap::default() };
        let mut look_numbers = FxHashMap::default();
        let mut looks: Vec<LookPart> = Vec::new();
        let reachable = tree.reachable();
        // Ids ascend from the inside out, so a look-around is numbered before the one that it stands in.
        for id in (0..tree.len() as NodeId).filter(|&id| reachable[id as usize]) {
            if let Node::Look { look, body } = tree.node(id) {
                let (start, accept) = (builder.state(), builder.state());
                builder.build(*body, start, accept, &look_numbers, budget)?;
                look_numbers.insert(id, looks.len() as u32);
                looks.push(LookPart { ahead: look.ahead, negated: look.negated, start, accept });
            }
        }
        let (start, accept) = (builder.state(), builder.state());
        builder.build(tree.root, start, accept, &look_numbers, budget)?;
        let alphabet = Alphabet::from_sets(&builder.sets);
        let members = builder.sets.iter().map(|set| {
            let mut row = vec![false; alphabet.class_count()];
            alphabet.classes_of(set).into_iter().for_each(|class| row[class as usize] = true);
            row
        });
        let members = members.collect();
        let mut ends_look_ahead = vec![false; builder.edges.len()];
        looks.iter().filter(|look| look.ahead).for_each(|look| ends_look_ahead[look.accept as usize] = true);
        let mut nfa = Self {
            edges: builder.edges,
            looks,
            ends_look_ahead,
            is_universal: Vec::new(),
            start,
            accept,
            alphabet,
            members,
        };
        nfa.is_universal = (0..nfa.edges.len() as State).map(|state| nfa.takes_everything(state)).collect();
        Ok(nfa)
    }

    /// Whether `state` loops on every character and has an empty edge to acceptance, as the end of a pattern that may match
    /// anywhere. Other states that accept every text are not looked for.
    fn takes_everything(&self, state: State) -> bool {
        let edges = &self.edges[state as usize];
        let accepts = edges.iter().any(|edge| matches!(*edge, Edge::Empty { to } if to == self.accept));
        let loops = |edge: &Edge| match *edge {
            Edge::Characters { set, to } => to == state && self.members[set as usize].iter().all(|&member| member),
            _ => false,
        };
        accepts && edges.iter().any(loops)
    }

    /// Whether the set numbered `set` holds the characters of `class`.
    pub(super) fn holds(&self, set: u32, class: u32) -> bool {
        self.members[set as usize][class as usize]
    }
}

struct Builder<'t> {
    tree: &'t Tree,
    edges: Vec<Vec<Edge>>,
    sets: Vec<CharSet>,
    set_numbers: FxHashMap<CharSet, u32>,
}

impl Builder<'_> {
    fn state(&mut self) -> State {
        self.edges.push(Vec::new());
        self.edges.len() as State - 1
    }

    fn edge(&mut self, from: State, edge: Edge) {
        self.edges[from as usize].push(edge);
    }

    /// Adds the part for `root` between two states.
    fn build(
        &mut self,
        root: NodeId,
        start: State,
        accept: State,
        looks: &FxHashMap<NodeId, u32>,
        budget: &mut Budget<'_>,
    ) -> Result<(), LimitError> {
        let tree = self.tree;
        let mut waiting = vec![(root, start, accept)];
        while let Some((id, from, to)) = waiting.pop() {
            budget.tick()?;
            budget.check_states(self.edges.len().max(waiting.len()))?;
            match tree.node(id) {
                Node::Empty => self.edge(from, Edge::Empty { to }),
                Node::Literal(literal) => self.characters(CharSet::single(*literal), from, to),
                Node::Class(set) => self.characters((**set).clone(), from, to),
                Node::Look { .. } => self.edge(from, Edge::Look { look: looks[&id], to }),
                Node::Alternate(arms) => waiting.extend(arms.iter().map(|&arm| (arm, from, to))),
                Node::Concat(parts) => {
                    let mut at = from;
                    for (index, &part) in parts.iter().enumerate() {
                        let next = if index + 1 == parts.len() { to } else { self.state() };
                        waiting.push((part, at, next));
                        at = next;
                    }
                }
                Node::Repeat { body, min, max } => {
                    let mut at = from;
                    for _ in 0..*min {
                        budget.check_states(self.edges.len())?;
                        let next = self.state();
                        waiting.push((*body, at, next));
                        at = next;
                    }
                    match max {
                        None => {
                            // A state of its own: a loop must not be entered from what else leads to `from`.
                            let middle = self.state();
                            self.edge(at, Edge::Empty { to: middle });
                            waiting.push((*body, middle, middle));
                            self.edge(middle, Edge::Empty { to });
                        }
                        Some(max) => {
                            // Each copy may be the last: an edge to the end from each, not through all that follow.
                            for _ in *min..*max {
                                budget.check_states(self.edges.len())?;
                                self.edge(at, Edge::Empty { to });
                                let next = self.state();
                                waiting.push((*body, at, next));
                                at = next;
                            }
                            self.edge(at, Edge::Empty { to });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn characters(&mut self, set: CharSet, from: State, to: State) {
        if set.is_empty() {
            return;
        }
        let next = self.sets.len() as u32;
        let number = *self.set_numbers.entry(set.clone()).or_insert(next);
        if number == next {
            self.sets.push(set);
        }
        self.edge(from, Edge::Characters { set: number, to });
    }
}
