//! One way, or a few, in which an automaton has read what was drawn so far, and how the text can be completed from
//! there.
//!
//! This only guides the choice among allowed tokens. It may forget ways of reading (see [`MAX_WAYS`]); if it has lost
//! them all, the walk goes on without a guide.

use grammar_ir::pda::{EdgeMarks, Pda};
use grammar_ir::{ProcedureId, StateId};
use rustc_hash::FxHashSet;

use super::distance::Distances;
use super::plan::{Over, Place, Plans, Step};

/// Ways of reading that are kept. Ambiguous grammars have any number of them; those nearest to a completion stay.
const MAX_WAYS: usize = 32;

/// Where one way of reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Way {
    state: StateId,
    /// The count, or in a scope what has been selected.
    count: u32,
    /// Index into [`Derivation::frames`].
    below: Option<usize>,
}

impl Way {
    fn place(self) -> Place {
        (self.state, self.count)
    }

    fn at(self, (state, count): Place) -> Self {
        Self { state, count, ..self }
    }
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
    plans: Plans,
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

/// What a completion goes on with.
#[derive(Debug, Clone, Copy)]
enum Move {
    Return,
    Step(Step),
    /// A token terminal has to be matched, which bytes cannot.
    Stuck,
}

impl<'a> Derivation<'a> {
    /// Before the text.
    pub fn new(pda: &'a Pda, distances: &'a Distances) -> Self {
        let start = Way { state: pda.start(), count: 0, below: None };
        Self { pda, distances, frames: Vec::new(), ways: vec![start], plans: distances.plans().clone() }
    }

    /// Goes back to before the text.
    pub fn restart(&mut self) {
        self.frames.clear();
        self.ways = vec![Way { state: self.pda.start(), count: 0, below: None }];
    }

    /// The length of a shortest completion, if any way of reading is known.
    pub fn distance(&self) -> Option<u64> {
        self.ways.iter().map(|&way| self.distance_of(way)).min()
    }

    fn distance_of(&self, way: Way) -> u64 {
        let below = way.below.map_or(0, |frame| self.frames[frame].distance);
        self.to_end(way).saturating_add(below)
    }

    /// From here to the end of the procedure.
    fn to_end(&self, way: Way) -> u64 {
        match self.pda.scope_of(way.state) {
            Some(scope) => {
                let disregarding = self.distances.to_end(self.pda, way.state, 0);
                self.plans.to_end(scope, disregarding, way.place())
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
        let mut seen = FxHashSet::default();
        let mut after = FxHashSet::default();
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

    fn targets(&mut self, way: Way, symbol: Symbol, targets: &mut FxHashSet<Way>) {
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
        self.plans.after(self.pda, way.place(), (counts, marks), target).map(|place| way.at(place))
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
        // How far it is to the end of a scope is only guessed until there is a plan.
        let words = self.distances.words();
        for way in self.ways.iter().filter(|way| self.pda.scope_of(way.state).is_some()) {
            self.plans.next(self.pda, words, way.place());
        }
        let mut nearest = self.ways.iter().copied().min_by_key(|&way| self.distance_of(way));
        // Every byte is at most as many calls and returns away as there are frames and procedures.
        while let Some(way) = nearest {
            if bytes.len() >= max {
                break;
            }
            nearest = match self.best_move(way) {
                Move::Return => way.below.map(|frame| self.frames[frame].way),
                Move::Step(Step { over, to }) => {
                    let then = way.at(to);
                    match over {
                        Over::Byte(byte) => {
                            bytes.push(byte);
                            Some(then)
                        }
                        Over::Call(procedure) => Some(self.call(procedure, then)),
                        Over::Token => None,
                    }
                }
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
        let words = self.distances.words();
        if self.pda.scope_of(way.state).is_some() {
            return self.plans.next(self.pda, words, way.place()).map_or(Move::Stuck, Move::Step);
        }
        let steps = self.plans.steps(self.pda, words, way.place());
        let nearest = steps.into_iter().min_by_key(|&(cost, step)| cost.saturating_add(self.to_end(way.at(step.to))));
        nearest.map_or(Move::Stuck, |(_, step)| Move::Step(step))
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
        if !prefix.is_empty() {
            derivation.read_token(0, prefix.as_bytes());
        }
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

    /// Without what a scope asks for, `root` would be the shortest value.
    #[test]
    fn completions_of_recursive_scopes_end() {
        let source = r#"
            root = %scope { slots required ; 0: slot 0 ; } ("{" (%0("a") value)? %close("}")) ;
            value = root | "[[[[" "]]]]" ;
        "#;
        assert_eq!(completed(source, ""), "{a[[[[]]]]}");
        assert_eq!(completed(source, "{a{"), "a[[[[]]]]}}");
    }
}
