//! One way, or a few, in which an automaton has read what was drawn so far, and how the text can be completed from
//! there.
//!
//! This only guides the choice among allowed tokens. It may forget ways of reading (see [`MAX_WAYS`]); if it has lost
//! them all, the walk goes on without a guide.

use std::collections::HashSet;

use grammar_ir::pda::Pda;
use grammar_ir::{ProcedureId, StateId};

use super::distance::Distances;

/// Ways of reading that are kept. Ambiguous grammars have any number of them; those nearest to a completion stay.
const MAX_WAYS: usize = 32;

/// Where one way of reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Way {
    state: StateId,
    count: u32,
    /// Index into [`Derivation::frames`].
    below: Option<usize>,
}

/// To be continued after a procedure returns. Frames are never dropped before the walk ends, which its length bounds.
#[derive(Debug, Clone, Copy)]
struct Frame {
    way: Way,
    /// From the continuation of this frame to the end of the text.
    distance: u64,
}

/// What has been read.
#[derive(Debug)]
pub struct Derivation<'a> {
    pda: &'a Pda,
    distances: &'a Distances,
    frames: Vec<Frame>,
    ways: Vec<Way>,
}

/// How much has been read.
#[derive(Debug)]
pub struct Position {
    frames: usize,
    ways: Vec<Way>,
}

/// What is read next.
#[derive(Debug, Clone, Copy)]
enum Symbol {
    Byte(u8),
    Token(u32),
}

/// One step of a completion.
enum Move {
    Return,
    Byte(u8, Way),
    Call(ProcedureId, Way),
    /// A token terminal has to be matched, which bytes cannot.
    Stuck,
}

impl<'a> Derivation<'a> {
    /// Before the text.
    pub fn new(pda: &'a Pda, distances: &'a Distances) -> Self {
        let start = Way { state: pda.start(), count: 0, below: None };
        Self { pda, distances, frames: Vec::new(), ways: vec![start] }
    }

    /// The length of a shortest completion, if any way of reading is known.
    pub fn distance(&self) -> Option<u64> {
        self.ways.iter().map(|&way| self.distance_of(way)).min()
    }

    fn distance_of(&self, way: Way) -> u64 {
        let below = way.below.map_or(0, |frame| self.frames[frame].distance);
        self.distances.to_end(self.pda, way.state, way.count).saturating_add(below)
    }

    /// Reads a token: its bytes, or if it has none, a token terminal.
    pub fn read_token(&mut self, token: u32, bytes: &[u8]) {
        if bytes.is_empty() {
            self.read(Symbol::Token(token));
        }
        for &byte in bytes {
            self.read(Symbol::Byte(byte));
        }
    }

    /// What has been read so far, to [go back](Self::go_back) to.
    pub fn position(&self) -> Position {
        Position { frames: self.frames.len(), ways: self.ways.clone() }
    }

    /// Forgets what has been read since.
    pub fn go_back(&mut self, position: &Position) {
        self.frames.truncate(position.frames);
        self.ways.clone_from(&position.ways);
    }

    fn read(&mut self, symbol: Symbol) {
        let mut agenda = std::mem::take(&mut self.ways);
        let mut seen = HashSet::new();
        let mut after = HashSet::new();
        // Ways multiply only by calls, which do not go round in circles at one position.
        while let Some(way) = agenda.pop() {
            if !seen.insert(way) {
                continue;
            }
            after.extend(self.targets(way, symbol));
            if self.pda.may_return(way.state, way.count)
                && let Some(frame) = way.below
            {
                agenda.push(self.frames[frame].way);
            }
            for edge in self.pda.call_edges(way.state) {
                let callee = self.pda.procedure(edge.procedure);
                let may_begin = match symbol {
                    Symbol::Byte(byte) => callee.first_bytes.contains(byte),
                    Symbol::Token(_) => callee.first_token,
                };
                if let Some(then) = self.along(way, edge.counts, edge.target)
                    && may_begin
                {
                    agenda.push(self.call(edge.procedure, then));
                }
            }
        }
        let mut ways: Vec<Way> = after.into_iter().collect();
        ways.sort_by_key(|&way| (self.distance_of(way), way.state, way.count, way.below));
        ways.truncate(MAX_WAYS);
        self.ways = ways;
    }

    fn targets(&self, way: Way, symbol: Symbol) -> Vec<Way> {
        match symbol {
            Symbol::Byte(byte) => {
                let edges = self.pda.byte_edges(way.state).iter();
                let fitting = edges.filter(|edge| (edge.low..=edge.high).contains(&byte));
                fitting.filter_map(|edge| self.along(way, edge.counts, edge.target)).collect()
            }
            Symbol::Token(token) => {
                let sets = self.pda.token_sets();
                let edges = self.pda.token_edges(way.state).iter();
                let fitting = edges.filter(|edge| sets[edge.set as usize].contains(token, false));
                fitting.filter_map(|edge| self.along(way, edge.counts, edge.target)).collect()
            }
        }
    }

    /// The same way after an edge to `target`, if its count allows it.
    fn along(&self, way: Way, counts: bool, target: StateId) -> Option<Way> {
        let count = self.pda.count_after(way.count, counts, target)?;
        Some(Way { state: target, count, below: way.below })
    }

    /// In a procedure that goes on with `then`.
    fn call(&mut self, procedure: ProcedureId, then: Way) -> Way {
        self.frames.push(Frame { way: then, distance: self.distance_of(then) });
        Way { state: self.pda.procedure(procedure).start(), count: 0, below: Some(self.frames.len() - 1) }
    }

    /// The beginning of a shortest completion, up to `max` bytes or the first token terminal.
    pub fn completion(&mut self, max: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let frames = self.frames.len();
        let mut nearest = self.ways.iter().copied().min_by_key(|&way| self.distance_of(way));
        // Every byte is at most as many calls and returns away as there are frames and procedures.
        while let Some(way) = nearest {
            if bytes.len() >= max {
                break;
            }
            nearest = match self.best_move(way) {
                Move::Return => way.below.map(|frame| self.frames[frame].way),
                Move::Byte(byte, then) => {
                    bytes.push(byte);
                    Some(then)
                }
                Move::Call(procedure, then) => Some(self.call(procedure, then)),
                Move::Stuck => None,
            };
        }
        self.frames.truncate(frames);
        bytes
    }

    fn best_move(&self, way: Way) -> Move {
        if self.pda.may_return(way.state, way.count) {
            return Move::Return;
        }
        let mut best = (u64::MAX, Move::Stuck);
        let mut consider = |cost: u64, next: Move| {
            if cost < best.0 {
                best = (cost, next);
            }
        };
        for edge in self.pda.byte_edges(way.state) {
            if let Some(then) = self.along(way, edge.counts, edge.target) {
                consider(1 + self.distances.to_end(self.pda, then.state, then.count), Move::Byte(edge.low, then));
            }
        }
        for edge in self.pda.call_edges(way.state) {
            if let Some(then) = self.along(way, edge.counts, edge.target) {
                let rest = self.distances.to_end(self.pda, then.state, then.count);
                consider(self.distances.word(edge.procedure).saturating_add(rest), Move::Call(edge.procedure, then));
            }
        }
        for edge in self.pda.token_edges(way.state) {
            if let Some(then) = self.along(way, edge.counts, edge.target) {
                consider(1 + self.distances.to_end(self.pda, then.state, then.count), Move::Stuck);
            }
        }
        best.1
    }
}
