//! Texts drawn from the masks of a schema, and completions of what they begin with.
//!
//! A walk chooses at random among the tokens of each mask, and finishes: in its second half, more and more steps follow
//! a shortest completion, and all do once it would not fit otherwise. At some of the prefixes that it passes, a shortest
//! completion is followed to its end as well.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use grammarc::sample::{Derivation, Distances};
use jsonschema::Validator;
use mask_runtime::{CompiledGrammar, FillError, Matcher, Token, Tokenizer, Vocabulary, VocabularyError, bitmask};

use super::validator;
use crate::random::Random;

/// How much is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Texts of a schema.
    pub texts: usize,
    /// Tokens of a text; more where the shortest text needs more.
    pub length: u64,
    /// How many prefixes of a text are completed: step *n* with a probability of this over *n*, hence this many times the
    /// logarithm of the length.
    pub prefixes: usize,
    /// Where the randomness starts.
    pub seed: u64,
    /// How long all texts together may take; for ever by default.
    pub time: Option<Duration>,
}

/// What is wrong with a language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// After this prefix nothing is allowed.
    EmptyMask(Vec<u8>),
    /// After this prefix there is no mask: why.
    NoMask(Vec<u8>, String),
    /// A completion of this prefix is not accepted.
    NotCompleted {
        /// The prefix.
        prefix: Vec<u8>,
        /// The completion.
        completion: Vec<u8>,
    },
    /// This walk did not come to an end.
    Stuck(Vec<u8>),
    /// This text is not valid: why.
    Invalid(Vec<u8>, String),
    /// The time was up after this prefix.
    Late(Vec<u8>),
}

/// What was drawn.
#[derive(Debug, Clone, Default)]
pub struct Walked {
    /// Finished texts.
    pub texts: usize,
    /// Prefixes that were completed.
    pub completions: usize,
    /// Prefixes and texts for which no completion is known: those that are too ambiguous or too far from an end.
    pub unguided: usize,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// The longest completion that is followed, in bytes.
const LONGEST_COMPLETION: u64 = 200_000;
/// How much longer than expected a completion may be, in bytes: what parts of a scope cost is only guessed.
const SHORT_COMPLETION: usize = 4_000;
/// How many times longer than planned a walk may be.
const OVERTIME: u64 = 4;
/// How much of a completion is looked at to choose one token.
const LOOKAHEAD: usize = 64;

/// A vocabulary of the 256 bytes and a stop token: masks of it cost next to nothing.
///
/// # Errors
/// Never, as such a vocabulary has nothing wrong with it.
pub fn bytes() -> Result<Arc<Tokenizer>, VocabularyError> {
    let bytes = (0..=u8::MAX).map(|byte| Token::Text(vec![byte]));
    let vocabulary = Vocabulary::from_tokens(bytes.chain([Token::Special("</s>".to_owned())]))?;
    Ok(Tokenizer::new(vocabulary.with_stop_tokens([256])?))
}

/// Draws texts of `compiled` and completes prefixes of them; texts are judged by `validator`.
pub fn walk(compiled: &Arc<CompiledGrammar>, validator: Option<&Validator>, plan: Plan) -> Walked {
    let distances = Distances::new(compiled.pda());
    let mut walked = Walked::default();
    // What is found on the way to the end of one text helps with the next.
    let mut derivation = Derivation::new(compiled.pda(), &distances);
    let deadline = plan.time.map(|time| Instant::now() + time);
    for index in 0..plan.texts {
        let random = Random::new(plan.seed.wrapping_add((index as u64) << 40).wrapping_add(1));
        let mut walk = Walk::new(compiled, &mut derivation, random, plan, deadline);
        match walk.draw(&mut walked) {
            Ok(true) => {
                walked.texts += 1;
                if let Some(fault) = validator.and_then(|validator| validator::fault(validator, &walk.text)) {
                    walked.faults.push(Fault::Invalid(walk.text, fault));
                }
            }
            Ok(false) => walked.unguided += 1,
            Err(fault) => {
                let is_late = matches!(fault, Fault::Late(_));
                walked.faults.push(fault);
                if is_late {
                    break;
                }
            }
        }
    }
    walked
}

struct Walk<'d, 'a> {
    matcher: Matcher,
    row: Vec<u32>,
    derivation: &'d mut Derivation<'a>,
    random: Random,
    /// Tokens that the text should have at most.
    length: u64,
    prefixes: usize,
    text: Vec<u8>,
    steps: u64,
    deadline: Option<Instant>,
}

impl<'d, 'a> Walk<'d, 'a> {
    fn new(
        compiled: &'a Arc<CompiledGrammar>,
        derivation: &'d mut Derivation<'a>,
        random: Random,
        plan: Plan,
        deadline: Option<Instant>,
    ) -> Self {
        let matcher = Matcher::new(Arc::clone(compiled));
        derivation.restart();
        let shortest = derivation.distance().unwrap_or(0).min(LONGEST_COMPLETION);
        // Room to stray, and to come back.
        let length = plan.length.max(shortest * 2);
        Self {
            row: matcher.row(),
            matcher,
            derivation,
            random,
            length,
            prefixes: plan.prefixes,
            text: Vec::new(),
            steps: 0,
            deadline,
        }
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() > deadline)
    }

    /// Draws the text; `false` if it cannot be told how it could be finished.
    fn draw(&mut self, walked: &mut Walked) -> Result<bool, Fault> {
        loop {
            if self.is_late() {
                return Err(Fault::Late(self.text.clone()));
            }
            if !self.fill()? {
                return Ok(true);
            }
            let complete = self.matcher.is_complete();
            if complete {
                let used = (1_000 * self.steps / self.length.max(1)) as usize;
                if self.steps >= self.length || self.random.happens(200 + used * 4 / 5) {
                    return Ok(true);
                }
            }
            if self.random.happens(1_000 * self.prefixes / (self.steps as usize + 1)) {
                self.complete(walked)?;
            }
            if self.steps >= self.length {
                match self.derivation.distance() {
                    None => return Ok(false),
                    Some(distance) if distance > LONGEST_COMPLETION => return Ok(false),
                    Some(_) if self.steps > self.length * OVERTIME + LONGEST_COMPLETION => {
                        return Err(Fault::Stuck(self.text.clone()));
                    }
                    Some(_) => {}
                }
            }
            let Some(token) = self.next() else {
                // Nothing but the end can follow.
                return Ok(true);
            };
            if self.matcher.accept_token(token).is_err() {
                let message = format!("token {token} is allowed and not accepted");
                return Err(Fault::NoMask(self.text.clone(), message));
            }
            self.text.extend_from_slice(self.matcher.grammar().vocabulary().bytes(token));
            self.steps += 1;
        }
    }

    /// Computes the mask; `false` if the text is complete and nothing can follow.
    fn fill(&mut self) -> Result<bool, Fault> {
        match self.matcher.fill(&mut self.row) {
            Ok(()) => {
                let matcher = &self.matcher;
                matcher.stop_tokens().iter().for_each(|&stop| bitmask::clear(&mut self.row, stop));
                Ok(true)
            }
            Err(FillError::Finished) => Ok(false),
            Err(FillError::NoTokenFits { .. }) => Err(Fault::EmptyMask(self.text.clone())),
            Err(error) => Err(Fault::NoMask(self.text.clone(), error.to_string())),
        }
    }

    /// Chooses a token and reads it.
    fn next(&mut self) -> Option<u32> {
        let left = self.length.saturating_sub(self.steps + 1);
        let free = self.choose()?;
        let before = self.derivation.position();
        let compiled = Arc::clone(self.matcher.grammar());
        let vocabulary = compiled.vocabulary();
        // From never, in the first half, to always.
        let hurry = 1_000usize.saturating_sub((2_000 * left / self.length.max(1)) as usize);
        if !self.random.happens(hurry) {
            self.derivation.read_token(free, vocabulary.bytes(free));
            if self.derivation.distance().is_none_or(|distance| distance <= left) {
                return Some(free);
            }
            self.derivation.go_back(&before);
        }
        let token = self.on_the_way().unwrap_or(free);
        self.derivation.read_token(token, vocabulary.bytes(token));
        Some(token)
    }

    /// The longest allowed token that a shortest completion begins with.
    fn on_the_way(&mut self) -> Option<u32> {
        let completion = self.derivation.completion(LOOKAHEAD);
        let vocabulary = self.matcher.grammar().vocabulary();
        let fitting = bitmask::iter(&self.row).filter(|&id| {
            let bytes = vocabulary.bytes(id);
            !bytes.is_empty() && completion.starts_with(bytes)
        });
        fitting.max_by_key(|&id| (vocabulary.bytes(id).len(), std::cmp::Reverse(id)))
    }

    /// First a kind of first byte, then a token: among all tokens, those that end things would hardly ever be chosen.
    fn choose(&mut self) -> Option<u32> {
        let vocabulary = self.matcher.grammar().vocabulary();
        let mut kinds: [Vec<u32>; KINDS.len()] = Default::default();
        for id in bitmask::iter(&self.row) {
            if let Some(&first) = vocabulary.bytes(id).first() {
                kinds[kind(first)].push(id);
            }
        }
        let weight = |(kind, ids): (usize, &Vec<u32>)| if ids.is_empty() { 0 } else { KINDS[kind] };
        let total: usize = kinds.iter().enumerate().map(weight).sum();
        let mut drawn = self.random.below(total);
        let chosen = kinds.iter().enumerate().find(|&(kind, ids)| {
            let weight = weight((kind, ids));
            let found = drawn < weight;
            drawn = drawn.saturating_sub(weight);
            found
        });
        let ids = chosen?.1;
        ids.get(self.random.below(ids.len())).copied()
    }

    /// Follows a short completion of the text so far. Where parts must differ, the guide does not know which texts are
    /// taken; then any byte that is allowed will do.
    fn complete(&mut self, walked: &mut Walked) -> Result<(), Fault> {
        let before = self.derivation.position();
        let completed = self.follow();
        self.derivation.go_back(&before);
        match completed? {
            true => walked.completions += 1,
            false => walked.unguided += 1,
        }
        // The row has been written over.
        self.fill().map(|_| ())
    }

    /// Whether a completion was found.
    fn follow(&mut self) -> Result<bool, Fault> {
        let known = self.derivation.distance().filter(|&distance| distance <= LONGEST_COMPLETION);
        let Some(distance) = known else { return Ok(false) };
        let longest = distance as usize * 4 + SHORT_COMPLETION;
        let may_repeat = self.matcher.grammar().pda().has_distinct();
        let mut matcher = self.matcher.fork();
        let mut completion = Vec::new();
        let mut ahead = Vec::new().into_iter();
        while !matcher.is_complete() {
            let prefix = || [&self.text[..], &completion].concat();
            if self.is_late() {
                return Err(Fault::Late(prefix()));
            }
            match matcher.fill(&mut self.row) {
                Ok(()) | Err(FillError::Finished) => {}
                Err(FillError::NoTokenFits { .. }) => return Err(Fault::EmptyMask(prefix())),
                Err(error) => return Err(Fault::NoMask(prefix(), error.to_string())),
            }
            if completion.len() >= longest {
                return Ok(false);
            }
            if ahead.len() == 0 {
                ahead = self.derivation.completion(LOOKAHEAD).into_iter();
            }
            let allowed = matcher.next_bytes();
            let byte = match ahead.next() {
                Some(byte) if allowed.contains(byte) => byte,
                Some(_) if may_repeat => {
                    ahead = Vec::new().into_iter();
                    let bytes: Vec<u8> = allowed.iter().collect();
                    bytes[self.random.below(bytes.len())]
                }
                Some(byte) => {
                    completion.push(byte);
                    return Err(Fault::NotCompleted { prefix: self.text.clone(), completion });
                }
                None => return Ok(false),
            };
            completion.push(byte);
            if matcher.accept_bytes(&[byte]).is_err() {
                return Err(Fault::NotCompleted { prefix: self.text.clone(), completion });
            }
            self.derivation.read_token(0, &[byte]);
        }
        Ok(true)
    }
}

/// How often each [`kind`] is chosen, when it is there.
const KINDS: [usize; 8] = [4, 3, 2, 3, 4, 2, 1, 1];

/// What a first byte is for.
fn kind(byte: u8) -> usize {
    match byte {
        b'"' | b'}' | b']' => 0,
        b'{' | b'[' => 1,
        b',' | b':' => 2,
        b'0'..=b'9' => 3,
        b'a'..=b'z' | b'A'..=b'Z' => 4,
        0x80.. => 5,
        b'\\' => 6,
        _ => 7,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match self {
            Self::EmptyMask(prefix) => write!(formatter, "nothing is allowed after {}", text(prefix)),
            Self::NoMask(prefix, why) => write!(formatter, "no mask after {}: {why}", text(prefix)),
            Self::NotCompleted { prefix, completion } => {
                write!(formatter, "{} is not completed by {}", text(prefix), text(completion))
            }
            Self::Stuck(prefix) => write!(formatter, "no end after {}", text(prefix)),
            Self::Late(prefix) => write!(formatter, "the time is up after {}", text(prefix)),
            Self::Invalid(text_drawn, why) => write!(formatter, "{} is not valid: {why}", text(text_drawn)),
        }
    }
}
