//! The temperature that the grammar advises for the next token.

use grammar_ir::pda::Pda;
use grammar_ir::{ProcedureId, Temperature};
use rustc_hash::FxHashMap;

use crate::matcher::Matcher;
use crate::stack::{Frame, NodeId, Stack};

impl Matcher {
    /// The temperature for the next token, if the grammar advises one.
    ///
    /// It is that of the innermost rule with a temperature in which the token can begin. Where it can begin in several, it
    /// is the greatest. Ways to go on that are in no such rule do not count, nor does the end of the text.
    pub fn temperature(&self) -> Option<f32> {
        let pda = self.grammar().pda();
        if !pda.has_temperatures() || self.is_terminated_by_stop() {
            return None;
        }
        let (heads, stack) = self.configuration();
        let mut search = Search { pda, stack, inherited: FxHashMap::default() };
        search.greatest(heads).map(Temperature::get)
    }
}

struct Search<'a> {
    pda: &'a Pda,
    stack: &'a Stack,
    /// Per node: the temperature of what is called there and has none of its own.
    inherited: FxHashMap<NodeId, Option<Temperature>>,
}

impl Search<'_> {
    fn greatest(&mut self, heads: &[Frame]) -> Option<Temperature> {
        let pda = self.pda;
        let mut greatest = None;
        let mut calls: Vec<(ProcedureId, Option<Temperature>)> = Vec::new();
        for frame in self.returns(heads) {
            let own = self.of_frame(frame);
            if !pda.byte_edges(frame.state).is_empty() || !pda.token_edges(frame.state).is_empty() {
                greatest = greatest.max(own);
            }
            calls.extend(pda.call_edges(frame.state).iter().map(|edge| (edge.procedure, own)));
        }
        let mut seen = rustc_hash::FxHashSet::default();
        while let Some((procedure, around)) = calls.pop() {
            if !seen.insert((procedure, around.map(|temperature| temperature.get().to_bits()))) {
                continue;
            }
            let start = pda.procedure(procedure).start();
            let own = pda.procedure(procedure).temperature.or(around);
            if !pda.byte_edges(start).is_empty() || !pda.token_edges(start).is_empty() {
                greatest = greatest.max(own);
            }
            calls.extend(pda.call_edges(start).iter().map(|edge| (edge.procedure, own)));
        }
        greatest
    }

    /// `heads` and the frames that they can return to.
    fn returns(&self, heads: &[Frame]) -> Vec<Frame> {
        let mut frames: Vec<Frame> = heads.to_vec();
        let mut popped = rustc_hash::FxHashSet::default();
        let mut next = 0;
        while let Some(&frame) = frames.get(next) {
            next += 1;
            let mut node = self.pda.may_return(frame.state, frame.count).then_some(frame.below);
            while let Some(below) = node.filter(|&below| popped.insert(below)) {
                frames.extend_from_slice(self.stack.own_frames(below));
                node = self.stack.included(below);
            }
        }
        frames
    }

    fn of_frame(&mut self, frame: Frame) -> Option<Temperature> {
        let own = self.pda.procedure(self.pda.procedure_of(frame.state)).temperature;
        own.or_else(|| self.below(frame.below))
    }

    /// The greatest temperature around what is called at `node`.
    fn below(&mut self, node: NodeId) -> Option<Temperature> {
        // Nodes below first, as stacks can be too deep for recursion.
        let mut agenda = vec![node];
        while let Some(&node) = agenda.last() {
            if self.inherited.contains_key(&node) {
                agenda.pop();
                continue;
            }
            let mut greatest = None;
            let before = agenda.len();
            let mut own = Some(node);
            while let Some(part) = own {
                for frame in self.stack.own_frames(part) {
                    let procedure = self.pda.procedure(self.pda.procedure_of(frame.state));
                    let temperature = procedure.temperature.or_else(|| match self.inherited.get(&frame.below) {
                        Some(&known) => known,
                        None => {
                            agenda.push(frame.below);
                            None
                        }
                    });
                    greatest = greatest.max(temperature);
                }
                own = self.stack.included(part);
            }
            if agenda.len() == before {
                self.inherited.insert(node, greatest);
                agenda.pop();
            }
        }
        self.inherited.get(&node).copied().flatten()
    }
}
