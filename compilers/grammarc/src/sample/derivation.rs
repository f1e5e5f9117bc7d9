//! One way, or a few, in which an automaton has read what was drawn so far, and how the text can be completed from
//! there.
//!
//! This only guides the choice among allowed tokens. It may forget ways of reading (see [`MAX_WAYS`]); if it has lost
//! them all, the walk goes on without a guide.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use grammar_ir::pda::{EdgeMarks, Pda};
use grammar_ir::{ProcedureId, StateId};

use super::distance::Distances;
use super::selection::Selections;

/// Ways of reading that are kept. Ambiguous grammars have any number of them; those nearest to a completion stay.
const MAX_WAYS: usize = 32;

/// The least length of a part and what is around it, in a scope.
const PART: u64 = 2;
/// Ways that are looked at to find the next part of a scope.
const MAX_SEARCH: usize = 100_000;

/// Where one way of reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Way {
    state: StateId,
    /// The count, or in a scope what has been selected.
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
    selections: Selections,
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
#[derive(Debug, Clone, Copy)]
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
        Self { pda, distances, frames: Vec::new(), ways: vec![start], selections: Selections::default() }
    }

    /// The length of a shortest completion, if any way of reading is known.
    pub fn distance(&self) -> Option<u64> {
        self.ways.iter().map(|&way| self.distance_of(way)).min()
    }

    fn distance_of(&self, way: Way) -> u64 {
        let below = way.below.map_or(0, |frame| self.frames[frame].distance);
        self.to_end(way).saturating_add(below)
    }

    /// From here to the end of the procedure. In a scope the parts that are still asked for count as little as they can:
    /// which ones these are is found only by a search.
    fn to_end(&self, way: Way) -> u64 {
        match self.pda.scope_of(way.state) {
            Some(scope) => {
                let missing = u64::from(self.selections.missing(scope, way.count));
                self.distances.to_end(self.pda, way.state, 0).saturating_add(missing * PART)
            }
            None => self.distances.to_end(self.pda, way.state, way.count),
        }
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
            self.targets(way, symbol, &mut after);
            if self.pda.may_return(way.state, way.count)
                && let Some(frame) = way.below
            {
                agenda.push(self.frames[frame].way);
            }
            let pda = self.pda;
            for edge in pda.call_edges(way.state) {
                let callee = self.pda.procedure(edge.procedure);
                let may_begin = match symbol {
                    Symbol::Byte(byte) => callee.first_bytes.contains(byte),
                    Symbol::Token(_) => callee.first_token,
                };
                if may_begin && let Some(then) = self.along(way, edge.counts, edge.marks, edge.target) {
                    agenda.push(self.call(edge.procedure, then));
                }
            }
        }
        let mut ways: Vec<Way> = after.into_iter().collect();
        ways.sort_by_key(|&way| (self.distance_of(way), way.state, way.count, way.below));
        ways.truncate(MAX_WAYS);
        self.ways = ways;
    }

    fn targets(&mut self, way: Way, symbol: Symbol, targets: &mut HashSet<Way>) {
        let pda = self.pda;
        match symbol {
            Symbol::Byte(byte) => {
                let edges = pda.byte_edges(way.state).iter();
                for edge in edges.filter(|edge| (edge.low..=edge.high).contains(&byte)) {
                    targets.extend(self.along(way, edge.counts, edge.marks, edge.target));
                }
            }
            Symbol::Token(token) => {
                let sets = pda.token_sets();
                let edges = pda.token_edges(way.state).iter();
                for edge in edges.filter(|edge| sets[edge.set as usize].contains(token, false)) {
                    targets.extend(self.along(way, edge.counts, edge.marks, edge.target));
                }
            }
        }
    }

    /// The same way after an edge to `target`, if its count or what has been selected allows it.
    fn along(&mut self, way: Way, counts: bool, marks: EdgeMarks, target: StateId) -> Option<Way> {
        let count = match self.pda.scope_of(way.state) {
            Some(scope) => self.selections.after(self.pda, scope, way.count, marks, target)?,
            None => self.pda.count_after(way.count, counts, target)?,
        };
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

    fn best_move(&mut self, way: Way) -> Move {
        if self.pda.may_return(way.state, way.count) {
            return Move::Return;
        }
        if self.pda.scope_of(way.state).is_some() {
            return self.next_part(way).unwrap_or(Move::Stuck);
        }
        let moves = self.moves(way);
        moves
            .into_iter()
            .min_by_key(|(cost, _, then)| cost.saturating_add(self.to_end(*then)))
            .map_or(Move::Stuck, |(_, next, _)| next)
    }

    /// The moves along the edges from `way`: what they cost, and where they lead in the procedure.
    fn moves(&mut self, way: Way) -> Vec<(u64, Move, Way)> {
        let pda = self.pda;
        let mut moves = Vec::new();
        for edge in pda.byte_edges(way.state) {
            let then = self.along(way, edge.counts, edge.marks, edge.target);
            moves.extend(then.map(|then| (1, Move::Byte(edge.low, then), then)));
        }
        for edge in pda.call_edges(way.state) {
            let then = self.along(way, edge.counts, edge.marks, edge.target);
            let cost = self.distances.word(edge.procedure);
            moves.extend(then.map(|then| (cost, Move::Call(edge.procedure, then), then)));
        }
        for edge in pda.token_edges(way.state) {
            let then = self.along(way, edge.counts, edge.marks, edge.target);
            moves.extend(then.map(|then| (1, Move::Stuck, then)));
        }
        moves
    }

    /// The first move to the nearest place in a scope where less is asked for, from there to the next, and so on to the
    /// end: not always a shortest way, which might take the parts in another order, but one that goes on.
    fn next_part(&mut self, start: Way) -> Option<Move> {
        let scope = self.pda.scope_of(start.state)?;
        let mut agenda = BinaryHeap::from([Reverse((self.selections.missing(scope, start.count), 0, 0))]);
        let mut found: Vec<(Way, Option<Move>)> = vec![(start, None)];
        let mut seen = HashSet::from([start]);
        while let Some(Reverse((_, cost, index))) = agenda.pop() {
            let (way, first): (Way, Option<Move>) = found[index];
            if self.pda.may_return(way.state, way.count) && first.is_some() {
                return first;
            }
            for (step, next, then) in self.moves(way) {
                if found.len() < MAX_SEARCH && seen.insert(then) {
                    let missing = self.selections.missing(scope, then.count);
                    agenda.push(Reverse((missing, step.saturating_add(cost), found.len())));
                    found.push((then, first.or(Some(next))));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use grammar_ir::{Budget, Limits, passes, text};

    use super::*;

    /// Completes `prefix`.
    fn completed(source: &str, prefix: &str) -> String {
        let limits = Limits::default();
        let mut budget = Budget::new(&limits);
        let grammar = passes::run(text::parse(source).expect("valid"), &mut budget).expect("within limits");
        let pda = Pda::new(&grammar, &mut budget).expect("within limits");
        let distances = Distances::new(&pda);
        let mut derivation = Derivation::new(&pda, &distances);
        derivation.read_token(0, prefix.as_bytes());
        String::from_utf8(derivation.completion(100)).expect("UTF-8")
    }

    const OBJECT: &str = r#"
        $member = %0("\"long\"") ":" value | %1("\"b\"") ":" value | %2("\"" [x-z]+ "\"") ":" value ;
        root = %scope {
            total {2,3} ;
            slots required, optional ;
            0: slot 0 ;
            1: slot 1 ;
            2: distinct ;
          } ("{" ($member ("," $member)*)? %close("}")) ;
        value = [0-9]+ | root ;
    "#;

    #[test]
    fn what_a_scope_asks_for_is_part_of_a_completion() {
        assert_eq!(completed(OBJECT, "{"), r#""b":0,"long":0}"#);
        assert_eq!(completed(OBJECT, r#"{"b":"#), r#"0,"long":0}"#);
        assert_eq!(completed(OBJECT, r#"{"b":0,"x":1"#), r#","long":0}"#);
        assert_eq!(completed(OBJECT, r#"{"long":{"#), r#""b":0,"long":0},"b":0}"#);
        assert_eq!(completed(OBJECT, r#"{"long":0,"b":0"#), "}");
    }
}
