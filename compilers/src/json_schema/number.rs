//! Sets of numbers as automata over their decimal texts.

use std::cell::RefCell;
use std::hash::Hash;
use std::sync::Arc;

use grammar_ir::{Budget, ByteAutomaton, ByteEdge, ByteEdges};
use rustc_hash::FxHashMap;

use super::ast::Bound;
use super::decimal::{Decimal, power_of_ten};
use super::options::Digits;

mod scientific;

/// A range of numbers with divisibility constraints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct NumberSet {
    lower: Option<Bound>,
    upper: Option<Bound>,
    multiples: Vec<Decimal>,
    non_multiples: Vec<Decimal>,
    /// What the texts must look like, whatever their values.
    written: Vec<Fraction>,
}

/// Whether a number is written with a fraction or an exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fraction {
    /// With neither.
    Absent,
    /// With at least one.
    Present,
}

/// Digits before and after the point that [`Digits::Bounded`] allows where nothing needs more.
const DIGITS: u64 = 20;
/// Digits that [`Digits::Bounded`] leaves beyond what one number needs: room for as many different ones as an array can be
/// asked for.
const SPARE_DIGITS: u64 = 4;
/// Digits in the exponent that [`Digits::Bounded`] allows.
const EXPONENT_DIGITS: u64 = 3;
/// Where the modulus times [`DIGITS`] is more than this, digits are not counted, and so not bounded.
const MAX_COUNTED: u64 = 10_000;
/// A greater common multiple of the divisors is refused.
const MAX_MODULUS: u64 = 1 << 32;
/// More states than this for one set of numbers are refused.
const MAX_STATES: usize = 1 << 17;
/// With more states than this, digits are not counted either.
const MAX_BOUNDED_STATES: usize = 1 << 16;

impl NumberSet {
    /// Keeps the numbers above `bound`.
    pub(super) fn bound_below(&mut self, bound: &Bound) {
        let tighter = self
            .lower
            .as_ref()
            .is_none_or(|current| bound.value > current.value || (bound.value == current.value && bound.exclusive));
        if tighter {
            self.lower = Some(bound.clone());
        }
    }

    /// Keeps the numbers below `bound`.
    pub(super) fn bound_above(&mut self, bound: &Bound) {
        let tighter = self
            .upper
            .as_ref()
            .is_none_or(|current| bound.value < current.value || (bound.value == current.value && bound.exclusive));
        if tighter {
            self.upper = Some(bound.clone());
        }
    }

    /// Keeps the texts that are written so.
    pub(super) fn write(&mut self, fraction: Fraction) {
        self.written.push(fraction);
    }

    /// Keeps the multiples of `divisor`.
    pub(super) fn require_multiple(&mut self, divisor: Decimal) {
        // What is a multiple of another divisor already needs no divisor more: integers are multiples of 0.5.
        if !self.multiples.iter().any(|known| known.is_multiple_of(&divisor) == Some(true)) {
            self.multiples.retain(|known| divisor.is_multiple_of(known) != Some(true));
            self.multiples.push(divisor);
        }
    }

    /// Drops the multiples of `divisor`.
    pub(super) fn exclude_multiples(&mut self, divisor: Decimal) {
        if !self.non_multiples.contains(&divisor) {
            self.non_multiples.push(divisor);
        }
    }

    /// The set without some numbers, as disjoint sets.
    pub(super) fn without(self, mut excluded: Vec<Decimal>) -> Vec<Self> {
        excluded.sort();
        excluded.dedup();
        let mut rest = self;
        let mut parts = Vec::with_capacity(excluded.len() + 1);
        for value in excluded {
            let end = Bound { value, exclusive: true };
            let mut part = rest.clone();
            part.bound_above(&end);
            parts.push(part);
            rest.bound_below(&end);
        }
        parts.push(rest);
        parts
    }

    /// The set whatever divides its numbers; integers stay integers.
    pub(super) fn without_divisors(&self) -> Self {
        let mut set = self.clone();
        set.multiples.iter_mut().filter(|divisor| divisor.is_integer()).for_each(|divisor| *divisor = Decimal::one());
        set.multiples.retain(|divisor| *divisor == Decimal::one());
        set.multiples.dedup();
        set.non_multiples.retain(|divisor| *divisor == Decimal::one());
        set
    }

    /// The texts of the set: `None` when the set is empty, an error when it needs too many states.
    pub(super) fn texts(&self, digits: Digits, budget: &mut Budget<'_>) -> Result<Option<Numbers>, String> {
        let reader = Reader::new(self, digits)?;
        let (plain, has_exponents) = match reader.automaton(budget) {
            Err(_) if reader.bounded => {
                let reader = Reader::new(self, Digits::Unbounded)?;
                (reader.automaton(budget)?, reader.exponents)
            }
            plain => (plain?, reader.exponents),
        };
        let Some(plain) = plain else { return Ok(None) };
        let scientific = if has_exponents { None } else { self.scientific(digits, budget)? };
        Ok(Some(Numbers { plain: Arc::new(plain), scientific }))
    }

    /// Those texts with an exponent that only its size lets in or out.
    pub(super) fn scientific(
        &self,
        digits: Digits,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Arc<ByteAutomaton>>, String> {
        scientific::automaton(self, digits, budget).map(|automaton| automaton.map(Arc::new))
    }

    /// Whether a divisor lets in nothing but integers.
    pub(super) fn is_integral(&self) -> bool {
        self.multiples.iter().any(Decimal::is_integer)
    }

    /// The set of a single number.
    pub(super) fn single(value: &Decimal) -> Self {
        let bound = Bound { value: value.clone(), exclusive: false };
        Self { lower: Some(bound.clone()), upper: Some(bound), ..Self::default() }
    }

    /// Whether a number below zero may be in the set, or `-0`.
    fn may_be_negative(&self) -> bool {
        self.lower.as_ref().is_none_or(|bound| bound.value <= Decimal::ZERO)
    }
}

/// The texts of a set of numbers.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    /// Those whose digits tell the number: how it compares with each bound, and its residue. Exponents are among them only
    /// where neither matters.
    pub(super) plain: Arc<ByteAutomaton>,
    /// All others: with an exponent that decides whether the number is in the set. They add no number to the set.
    pub(super) scientific: Option<Arc<ByteAutomaton>>,
}

impl Numbers {
    /// The number of states.
    pub(super) fn state_count(&self) -> usize {
        self.plain.edges.len() + self.scientific.as_ref().map_or(0, |automaton| automaton.edges.len())
    }
}

/// Where in a text the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Start,
    Sign,
    /// After this many digits before the point, the first one not 0; 0 is the single digit 0.
    Integer(u64),
    Point,
    /// After this many digits after the point.
    Fraction(u64),
    Exponent,
    ExponentSign,
    ExponentDigits(u64),
}

/// How the digits read so far compare with those of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Relation {
    Less,
    Equal,
    Greater,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    phase: Phase,
    negative: bool,
    zero: bool,
    lower: Relation,
    upper: Relation,
    /// What is known of the divisors.
    residue: Residue,
}

/// What the digits read so far say of the divisors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Residue {
    /// The digits as an integer, mod [`Reader::modulus`].
    Open(u64),
    /// All digits that the divisors account for are read: whether they suit them, if nothing but zeros follows.
    Settled(bool),
    /// A digit beyond the scale is not 0: no divisor divides the number.
    Excess,
}

struct Reader<'a> {
    set: &'a NumberSet,
    /// The least common multiple of the divisors, scaled to integers; 1 without divisors.
    modulus: u64,
    /// The part of the modulus without factors 2 and 5.
    coprime: u64,
    /// The rest of it where there is one divisor, of which only the last digits count; otherwise 1.
    decimal: u64,
    /// The divisors that must divide and those that must not, scaled.
    multiples: Vec<u64>,
    non_multiples: Vec<u64>,
    /// A residue for each class of those that are alike.
    representatives: RefCell<FxHashMap<(u64, u128, u128), u64>>,
    /// Digits after the point that the scaled divisors account for.
    scale: u64,
    /// Counts of digits saturate here; with bounded digits no more are read.
    integer_cap: u64,
    fraction_cap: u64,
    bounded: bool,
    exponents: bool,
}

impl<'a> Reader<'a> {
    fn new(set: &'a NumberSet, digits: Digits) -> Result<Self, String> {
        // Every multiple of a multiple of a divisor is one of that divisor.
        let implies =
            |other: &Decimal, divisor: &Decimal| other != divisor && other.is_multiple_of(divisor) == Some(true);
        let is_implied = |divisor: &&Decimal| set.multiples.iter().any(|other| implies(other, divisor));
        let required: Vec<&Decimal> = set.multiples.iter().filter(|divisor| !is_implied(divisor)).collect();
        let significands: Option<Vec<(u64, i64)>> =
            required.iter().copied().chain(&set.non_multiples).map(Decimal::significand).collect();
        let too_large = || "the divisors need too many automaton states".to_owned();
        let significands = significands.ok_or_else(too_large)?;
        let scale = significands.iter().map(|&(_, scale)| -scale).max().unwrap_or(0).max(0);
        let scaled: Option<Vec<u64>> = significands
            .iter()
            .map(|&(value, own)| 10u64.checked_pow(u32::try_from(own + scale).ok()?)?.checked_mul(value))
            .collect();
        let mut multiples = scaled.ok_or_else(too_large)?;
        let modulus = multiples.iter().try_fold(1u64, |modulus, &divisor| least_common_multiple(modulus, divisor));
        let modulus = modulus.filter(|&modulus| modulus <= MAX_MODULUS).ok_or_else(too_large)?;
        let non_multiples = multiples.split_off(required.len());
        let scale = scale.unsigned_abs();
        let bounds = || set.lower.iter().chain(&set.upper).map(|bound| &bound.value);
        // What has more digits than any bound is beyond it.
        let integer_need = bounds().map(Decimal::integer_length).max().unwrap_or(0) + 1;
        let fraction_need = bounds().map(Decimal::fraction_length).max().unwrap_or(0).max(scale) + 1;
        // There is a state for each residue after each number of digits.
        let (coprime, decimal) = split(modulus);
        let bounded = digits.is_bounded() && coprime <= MAX_COUNTED / DIGITS;
        // As many digits more as the modulus has leave room for a multiple beside an exclusive bound.
        let spare = if bounded { 1 + u64::from(modulus.ilog10()) + SPARE_DIGITS } else { 0 };
        let least = if bounded { DIGITS } else { 0 };
        let plain = multiples.is_empty() && non_multiples.is_empty();
        Ok(Self {
            set,
            modulus,
            coprime,
            decimal: if multiples.len() == 1 && non_multiples.is_empty() { decimal } else { 1 },
            multiples,
            non_multiples,
            representatives: RefCell::default(),
            scale,
            integer_cap: (integer_need + spare).max(least),
            fraction_cap: (fraction_need + spare).max(least),
            bounded,
            exponents: plain && bounds().all(Decimal::is_zero),
        })
    }

    fn automaton(&self, budget: &mut Budget<'_>) -> Result<Option<ByteAutomaton>, String> {
        let start = State {
            phase: Phase::Start,
            negative: false,
            zero: true,
            lower: Relation::Equal,
            upper: Relation::Equal,
            residue: Residue::Open(0),
        };
        let max_states = if self.bounded { MAX_BOUNDED_STATES } else { MAX_STATES };
        let (step, accepts) = (|state, byte| self.step(state, byte), |state| self.accepts(state));
        tabulate(start, b"+-.0123456789Ee", step, accepts, max_states, budget)
    }

    fn step(&self, state: State, byte: u8) -> Option<State> {
        let next = self.digit(state, byte).filter(|next| !self.is_beyond(next))?;
        if self.set.lower.is_some() || self.set.upper.is_some() {
            return Some(next);
        }
        // Only bounds ask on which side of zero a number is.
        Some(State { negative: false, zero: true, ..next })
    }

    /// The state after `byte`, as if there were bounds.
    fn digit(&self, state: State, byte: u8) -> Option<State> {
        let at = |phase| Some(State { phase, ..state });
        match (state.phase, byte) {
            (Phase::Start, b'-') if self.set.may_be_negative() => {
                Some(State { phase: Phase::Sign, negative: true, ..state })
            }
            (Phase::Start | Phase::Sign, b'0') => Some(State {
                lower: first_relation(&self.set.lower),
                upper: first_relation(&self.set.upper),
                ..self.integer_digit(state, 0, 0)
            }),
            (Phase::Start | Phase::Sign, b'1'..=b'9') => Some(self.integer_digit(state, 0, byte - b'0')),
            (Phase::Integer(count @ 1..), b'0'..=b'9') if !self.bounded || count < self.integer_cap => {
                Some(self.integer_digit(state, count, byte - b'0'))
            }
            (Phase::Integer(_), b'.' | b'e' | b'E') if self.is_written(Fraction::Absent) => None,
            (Phase::Integer(_), b'.') => Some(State {
                phase: Phase::Point,
                lower: settled(state, state.lower, &self.set.lower),
                upper: settled(state, state.upper, &self.set.upper),
                residue: match state.residue {
                    Residue::Open(residue) if self.scale == 0 => Residue::Settled(self.suits(residue)),
                    residue => residue,
                },
                ..state
            }),
            (Phase::Point, b'0'..=b'9') => self.fraction_digit(state, 0, byte - b'0'),
            (Phase::Fraction(count), b'0'..=b'9') if !self.bounded || count < self.fraction_cap => {
                self.fraction_digit(state, count, byte - b'0')
            }
            (Phase::Integer(_) | Phase::Fraction(_), b'e' | b'E') if self.exponents => at(Phase::Exponent),
            (Phase::Exponent, b'+' | b'-') => at(Phase::ExponentSign),
            (Phase::Exponent | Phase::ExponentSign, b'0'..=b'9') => at(Phase::ExponentDigits(1)),
            (Phase::ExponentDigits(_), b'0'..=b'9') if !self.bounded => at(Phase::ExponentDigits(1)),
            (Phase::ExponentDigits(count), b'0'..=b'9') if count < EXPONENT_DIGITS => {
                at(Phase::ExponentDigits(count + 1))
            }
            _ => None,
        }
    }

    /// Whether there are so many digits before the point that the number is beyond a bound, however it goes on.
    fn is_beyond(&self, state: &State) -> bool {
        let bound = if state.negative { &self.set.lower } else { &self.set.upper };
        match (state.phase, bound) {
            (Phase::Integer(count), Some(bound)) => count > bound.value.integer_length(),
            _ => false,
        }
    }

    fn integer_digit(&self, state: State, count: u64, digit: u8) -> State {
        let compare = |relation, bound: &Option<Bound>| match bound {
            Some(bound) if count >= bound.value.integer_length() => Relation::Greater,
            Some(bound) => refine(relation, digit, bound.value.integer_digit(count)),
            None => Relation::Equal,
        };
        let is_leading_zero = count == 0 && digit == 0;
        State {
            phase: Phase::Integer(if is_leading_zero { 0 } else { (count + 1).min(self.integer_cap) }),
            zero: state.zero && digit == 0,
            lower: compare(state.lower, &self.set.lower),
            upper: compare(state.upper, &self.set.upper),
            residue: self.append(state.residue, digit),
            ..state
        }
    }

    fn fraction_digit(&self, state: State, count: u64, digit: u8) -> Option<State> {
        let compare = |relation, bound: &Option<Bound>| match bound {
            Some(bound) => refine(relation, digit, bound.value.fraction_digit(count)),
            None => Relation::Equal,
        };
        let residue = match state.residue {
            Residue::Open(_) if count < self.scale => self.append(state.residue, digit),
            Residue::Open(residue) if digit == 0 => Residue::Settled(self.suits(residue)),
            Residue::Open(_) | Residue::Settled(_) if digit != 0 && self.has_divisors() => Residue::Excess,
            Residue::Open(_) => Residue::Settled(true),
            settled => settled,
        };
        if residue == Residue::Excess && !self.multiples.is_empty() {
            return None;
        }
        Some(State {
            phase: Phase::Fraction((count + 1).min(self.fraction_cap)),
            zero: state.zero && digit == 0,
            lower: compare(state.lower, &self.set.lower),
            upper: compare(state.upper, &self.set.upper),
            residue,
            ..state
        })
    }

    fn is_written(&self, fraction: Fraction) -> bool {
        self.set.written.contains(&fraction)
    }

    fn has_divisors(&self) -> bool {
        !self.multiples.is_empty() || !self.non_multiples.is_empty()
    }

    fn append(&self, residue: Residue, digit: u8) -> Residue {
        match residue {
            Residue::Open(residue) => Residue::Open(self.canonical((residue * 10 + u64::from(digit)) % self.modulus)),
            settled => settled,
        }
    }

    /// The first residue met after which the same digits make a multiple as after `residue`.
    ///
    /// Of the decimal part only what the next digits can still complete matters: after `r`, the n digits that make a
    /// multiple are those of -r·10ⁿ, if they are no more than n. From the least such n on, they follow from each other.
    fn canonical(&self, residue: u64) -> u64 {
        if self.decimal == 1 {
            return residue;
        }
        let decimal = u128::from(self.decimal);
        let (mut scale, mut product) = (1u128, u128::from(residue) % decimal);
        let mut completion = (decimal - product) % decimal;
        while completion >= scale {
            (scale, product) = (scale * 10, product * 10 % decimal);
            completion = (decimal - product) % decimal;
        }
        let class = (residue % self.coprime, scale, completion);
        *self.representatives.borrow_mut().entry(class).or_insert(residue)
    }

    /// Whether a number with this residue has the divisors that it must have and no others.
    fn suits(&self, residue: u64) -> bool {
        let divides = |divisor: &u64| residue.is_multiple_of(*divisor);
        self.multiples.iter().all(divides) && !self.non_multiples.iter().any(divides)
    }

    fn accepts(&self, state: State) -> bool {
        let fraction = match state.phase {
            Phase::Integer(_) if self.is_written(Fraction::Present) => return false,
            Phase::Integer(_) => 0,
            Phase::Fraction(count) => count,
            Phase::ExponentDigits(_) => return self.is_in_range(state, 0),
            _ => return false,
        };
        let suits = match state.residue {
            Residue::Open(residue) => {
                let missing = self.scale.saturating_sub(fraction);
                let modulus = u128::from(self.modulus);
                let residue = u128::from(residue) * power_of_ten(missing, modulus) % modulus;
                u64::try_from(residue).is_ok_and(|residue| self.suits(residue))
            }
            Residue::Settled(suits) => suits,
            Residue::Excess => self.multiples.is_empty(),
        };
        suits && self.is_in_range(state, fraction)
    }

    fn is_in_range(&self, state: State, fraction: u64) -> bool {
        use std::cmp::Ordering;
        let order = |relation: Relation, bound: &Bound| {
            if state.zero {
                return Decimal::ZERO.cmp(&bound.value);
            }
            if bound.value.is_zero() || bound.value.is_negative() != state.negative {
                return if state.negative { Ordering::Less } else { Ordering::Greater };
            }
            let magnitude = match relation {
                Relation::Less => Ordering::Less,
                Relation::Greater => Ordering::Greater,
                Relation::Equal if fraction < bound.value.fraction_length() => Ordering::Less,
                Relation::Equal => Ordering::Equal,
            };
            if state.negative { magnitude.reverse() } else { magnitude }
        };
        let (lower, upper) =
            (settled(state, state.lower, &self.set.lower), settled(state, state.upper, &self.set.upper));
        let above = self.set.lower.as_ref().is_none_or(|bound| match order(lower, bound) {
            Ordering::Greater => true,
            Ordering::Equal => !bound.exclusive,
            Ordering::Less => false,
        });
        let below = self.set.upper.as_ref().is_none_or(|bound| match order(upper, bound) {
            Ordering::Less => true,
            Ordering::Equal => !bound.exclusive,
            Ordering::Greater => false,
        });
        above && below
    }
}

/// The relation at the end of the digits before the point: a number with fewer of them than the bound is smaller,
/// whatever its first digits are.
fn settled(state: State, relation: Relation, bound: &Option<Bound>) -> Relation {
    match (state.phase, bound) {
        (Phase::Integer(count), Some(bound)) if count < bound.value.integer_length() => Relation::Less,
        _ => relation,
    }
}

/// How the single digit 0 before the point compares with a bound.
fn first_relation(bound: &Option<Bound>) -> Relation {
    match bound {
        Some(bound) if bound.value.integer_length() > 0 => Relation::Less,
        _ => Relation::Equal,
    }
}

fn refine(relation: Relation, digit: u8, other: u8) -> Relation {
    match relation {
        Relation::Equal if digit < other => Relation::Less,
        Relation::Equal if digit > other => Relation::Greater,
        relation => relation,
    }
}

/// The part of `number` without factors 2 and 5, and the rest.
fn split(number: u64) -> (u64, u64) {
    let mut coprime = number;
    for factor in [2, 5] {
        while coprime.is_multiple_of(factor) {
            coprime /= factor;
        }
    }
    (coprime, number / coprime)
}

fn least_common_multiple(left: u64, right: u64) -> Option<u64> {
    let (mut greatest, mut rest) = (left, right);
    while rest != 0 {
        (greatest, rest) = (rest, greatest % rest);
    }
    (left / greatest).checked_mul(right)
}

/// The automaton of a transition function over `bytes`, which ascend; `None` if it accepts nothing.
fn tabulate<S: Copy + Eq + Hash>(
    start: S,
    bytes: &[u8],
    step: impl Fn(S, u8) -> Option<S>,
    accepts: impl Fn(S) -> bool,
    max_states: usize,
    budget: &mut Budget<'_>,
) -> Result<Option<ByteAutomaton>, String> {
    let mut ids = FxHashMap::from_iter([(start, 0u32)]);
    let mut states = vec![start];
    let mut table = Transitions::default();
    while table.ends.len() < states.len() {
        budget.tick().map_err(|error| error.to_string())?;
        if states.len() > max_states {
            return Err(format!("the set of numbers needs more than {max_states} automaton states"));
        }
        let state = states[table.ends.len()];
        for &byte in bytes {
            let Some(next) = step(state, byte) else { continue };
            let target = *ids.entry(next).or_insert_with(|| {
                states.push(next);
                states.len() as u32 - 1
            });
            table.edges.push((byte, target));
        }
        table.ends.push(table.edges.len());
    }
    let accepting: Vec<bool> = states.iter().map(|&state| accepts(state)).collect();
    let trimmed = trim(&accepting, &table);
    trimmed.map(|automaton| automaton.minimized(budget)).transpose().map_err(|error| error.to_string())
}

/// The bytes that each state reads, ascending, and where they lead.
#[derive(Debug, Default)]
struct Transitions {
    edges: Vec<(u8, u32)>,
    /// Where the edges of each state end.
    ends: Vec<usize>,
}

impl Transitions {
    fn of(&self, state: usize) -> &[(u8, u32)] {
        let start = if state == 0 { 0 } else { self.ends[state - 1] };
        &self.edges[start..self.ends[state]]
    }

    /// Per state, whether it leads to one of `accepting`.
    fn alive(&self, accepting: &[bool]) -> Vec<bool> {
        // Counting sort of the edges by their targets.
        let mut starts = vec![0usize; accepting.len() + 1];
        self.edges.iter().for_each(|&(_, target)| starts[target as usize + 1] += 1);
        for state in 0..accepting.len() {
            starts[state + 1] += starts[state];
        }
        let mut free = starts.clone();
        let mut sources = vec![0u32; self.edges.len()];
        for state in 0..accepting.len() {
            for &(_, target) in self.of(state) {
                sources[free[target as usize]] = state as u32;
                free[target as usize] += 1;
            }
        }
        let mut alive = accepting.to_vec();
        let mut work: Vec<usize> = (0..alive.len()).filter(|&state| alive[state]).collect();
        while let Some(state) = work.pop() {
            for &source in &sources[starts[state]..starts[state + 1]] {
                if !std::mem::replace(&mut alive[source as usize], true) {
                    work.push(source as usize);
                }
            }
        }
        alive
    }
}

/// The automaton without the states from which no number can be completed.
fn trim(accepting: &[bool], table: &Transitions) -> Option<ByteAutomaton> {
    let alive = table.alive(accepting);
    if !alive[0] {
        return None;
    }
    let mut ids = vec![u32::MAX; alive.len()];
    let mut next = 0;
    for (state, id) in ids.iter_mut().enumerate() {
        if alive[state] {
            *id = next;
            next += 1;
        }
    }
    let mut automaton = ByteAutomaton::default();
    for state in (0..alive.len()).filter(|&state| alive[state]) {
        automaton.accepting.push(accepting[state]);
        let mut outgoing = ByteEdges::new();
        for &(byte, target) in table.of(state).iter().filter(|(_, target)| alive[*target as usize]) {
            let target = ids[target as usize];
            match outgoing.last_mut() {
                Some(last) if last.high + 1 == byte && last.target == target => last.high = byte,
                _ => outgoing.push(ByteEdge { low: byte, high: byte, target, counts: false }),
            }
        }
        automaton.edges.push(outgoing);
    }
    Some(automaton)
}
