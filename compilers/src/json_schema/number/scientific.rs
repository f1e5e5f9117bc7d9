//! The numbers of a set that are written with an exponent.
//!
//! An exponent comes after the digits that it scales, so all that is known while they are read is how they compare with
//! those of the bounds, where the point stands among them, and how many of them the exponent must lift over the point.
//! At the `e` these make an interval of exponents, and what follows is a text of one of them. Between the number of
//! digits and the exponent there is arithmetic, which takes a state for each number of digits: so these are bounded.

use grammar_ir::{Budget, ByteAutomaton};

use super::super::ast::Bound;
use super::super::decimal::Decimal;
use super::super::options::Digits;
use super::{EXPONENT_DIGITS, Fraction, MAX_STATES, NumberSet, tabulate};

/// How many digits may stand before an exponent.
const MANTISSA_DIGITS: u64 = 20;
/// The greatest exponent of [`EXPONENT_DIGITS`] digits.
const GREATEST_EXPONENT: i64 = 999;

/// The texts of the numbers of `set` that have an exponent, but for those with too many digits before it; `None` if there
/// are none.
///
/// With [`Digits::Bounded`] there are none where all are integers, and otherwise those with one digit, not 0, before the
/// point, as programs write them.
///
/// # Errors
/// When it takes too many states.
pub(super) fn automaton(
    set: &NumberSet,
    digits: Digits,
    budget: &mut Budget<'_>,
) -> Result<Option<ByteAutomaton>, String> {
    let is_integer = !set.multiples.is_empty();
    let has_other_divisors =
        set.multiples.iter().any(|divisor| *divisor != Decimal::one()) || !set.non_multiples.is_empty();
    if has_other_divisors || set.written.contains(&Fraction::Absent) || (digits.is_bounded() && is_integer) {
        return Ok(None);
    }
    let reader = Reader { set, is_integer, digits };
    let step = |state, byte| reader.step(state, byte);
    tabulate(State::Start, b"+-.0123456789Ee", step, |state| state.is_end(), MAX_STATES, budget)
}

/// How the digits read so far, from the first one that is not 0, compare with those of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Relation {
    Less,
    /// The same, so many.
    Equal(u64),
    Greater,
}

/// What is known of the digits before an exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Mantissa {
    negative: bool,
    /// How many digits have been read.
    digits: u64,
    /// How many of them after the point, if there is one.
    fraction: Option<u64>,
    /// Whether one of them is not 0.
    is_zero: bool,
    /// The exponent of ten that the significant digits, as `0.d₁d₂…`, are to be multiplied by. Only where bounds ask.
    point: i64,
    /// The least exponent with which the number is an integer. Only where it must be one.
    least: i64,
    lower: Relation,
    upper: Relation,
}

/// What is known of an exponent: of its digits, without the sign, and from when on it is one of those allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Exponent {
    /// The digits read say this number, of so many digits.
    Value(u64, u64),
    /// After this many digits: with which numbers of further digits, as bits from the lowest, it is allowed, and whether
    /// with more than those, too.
    Settled(u64, u32, bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum State {
    Start,
    /// After the minus.
    Sign,
    Mantissa(Mantissa),
    /// After the `e`; the exponent is to be one of these.
    Letter(Option<i64>, Option<i64>),
    /// After the sign of the exponent; what follows is to be one of these.
    ExponentSign(u64, Option<u64>),
    Exponent(u64, Option<u64>, Exponent),
}

impl State {
    fn is_end(self) -> bool {
        match self {
            Self::Exponent(least, most, Exponent::Value(value, _)) => {
                value >= least && most.is_none_or(|most| value <= most)
            }
            Self::Exponent(_, _, Exponent::Settled(_, allowed, _)) => allowed & 1 != 0,
            _ => false,
        }
    }
}

struct Reader<'a> {
    set: &'a NumberSet,
    is_integer: bool,
    digits: Digits,
}

impl Reader<'_> {
    fn step(&self, state: State, byte: u8) -> Option<State> {
        match (state, byte) {
            (State::Start, b'-') => self.set.may_be_negative().then_some(State::Sign),
            (State::Start | State::Sign, b'0'..=b'9') => {
                if self.digits.is_bounded() && byte == b'0' {
                    return None;
                }
                let mantissa = Mantissa {
                    negative: matches!(state, State::Sign),
                    digits: 0,
                    fraction: None,
                    is_zero: true,
                    point: 0,
                    least: 0,
                    lower: Relation::Equal(0),
                    upper: Relation::Equal(0),
                };
                Some(State::Mantissa(self.digit(mantissa, byte - b'0')))
            }
            (State::Mantissa(mantissa), _) => self.after_mantissa(mantissa, byte),
            (State::Letter(least, most), b'+' | b'-') => {
                let (least, most) = magnitudes(byte == b'-', least, most)?;
                Some(State::ExponentSign(least, most))
            }
            (State::Letter(least, most), b'0'..=b'9') => {
                let (least, most) = magnitudes(false, least, most)?;
                self.exponent_digit(least, most, Exponent::Value(0, 0), byte - b'0')
            }
            (State::ExponentSign(least, most), b'0'..=b'9') => {
                self.exponent_digit(least, most, Exponent::Value(0, 0), byte - b'0')
            }
            (State::Exponent(least, most, exponent), b'0'..=b'9') => {
                self.exponent_digit(least, most, exponent, byte - b'0')
            }
            _ => None,
        }
    }

    fn after_mantissa(&self, mantissa: Mantissa, byte: u8) -> Option<State> {
        match (byte, mantissa.fraction) {
            (b'0'..=b'9', None) => {
                let is_single = self.digits.is_bounded() || mantissa.is_zero;
                let has_room = mantissa.digits < MANTISSA_DIGITS && !is_single;
                has_room.then(|| State::Mantissa(self.digit(mantissa, byte - b'0')))
            }
            (b'0'..=b'9', Some(_)) => {
                let has_room = mantissa.digits < MANTISSA_DIGITS;
                has_room.then(|| State::Mantissa(self.digit(mantissa, byte - b'0')))
            }
            (b'.', None) => Some(State::Mantissa(Mantissa { fraction: Some(0), ..mantissa })),
            (b'e' | b'E', None | Some(1..)) => {
                let (least, most) = self.exponents(mantissa)?;
                Some(State::Letter(least, most))
            }
            _ => None,
        }
    }

    fn digit(&self, before: Mantissa, digit: u8) -> Mantissa {
        let compare = |relation: Relation, bound: &Option<Bound>| match (relation, bound) {
            (Relation::Equal(count), Some(bound)) => {
                let other = bound.value.significant_digit(count);
                match (digit.cmp(&other), bound.value.significant_digits()) {
                    (std::cmp::Ordering::Less, _) => Relation::Less,
                    (std::cmp::Ordering::Greater, _) => Relation::Greater,
                    (std::cmp::Ordering::Equal, length) => Relation::Equal((count + 1).min(length)),
                }
            }
            (relation, _) => relation,
        };
        let mut mantissa = before;
        mantissa.digits += 1;
        mantissa.fraction = before.fraction.map(|count| count + 1);
        if digit != 0 || !before.is_zero {
            mantissa.is_zero = false;
            mantissa.lower = compare(before.lower, &self.set.lower);
            mantissa.upper = compare(before.upper, &self.set.upper);
        }
        if self.is_bounded() {
            match mantissa.fraction {
                None => mantissa.point += i64::from(!mantissa.is_zero),
                Some(_) => mantissa.point -= i64::from(mantissa.is_zero),
            }
        }
        if self.is_integer {
            mantissa.least = match mantissa.fraction {
                _ if mantissa.is_zero => 0,
                None if digit == 0 => before.least - 1,
                Some(_) if digit == 0 => before.least,
                fraction => fraction.unwrap_or(0).cast_signed(),
            };
        }
        mantissa
    }

    /// Whether there is a bound that the size of a number other than 0 is to be compared with.
    fn is_bounded(&self) -> bool {
        self.set.lower.iter().chain(&self.set.upper).any(|bound| !bound.value.is_zero())
    }

    /// The least and the greatest exponent with which `mantissa` is in the set; `None` if there is none.
    fn exponents(&self, mantissa: Mantissa) -> Option<(Option<i64>, Option<i64>)> {
        let cap = (self.digits.is_bounded()).then_some(GREATEST_EXPONENT);
        let (mut least, mut most) = (cap.map(|cap| -cap), cap);
        if mantissa.is_zero {
            let zero = Decimal::ZERO;
            let above = |bound: &Bound| zero > bound.value || (zero == bound.value && !bound.exclusive);
            let below = |bound: &Bound| zero < bound.value || (zero == bound.value && !bound.exclusive);
            let is_in = self.set.lower.iter().all(above) && self.set.upper.iter().all(below);
            return is_in.then_some((least, most));
        }
        if self.is_integer {
            least = Some(least.map_or(mantissa.least, |cap| cap.max(mantissa.least)));
        }
        let sides = [(&self.set.lower, mantissa.lower, false), (&self.set.upper, mantissa.upper, true)];
        for (bound, relation, is_upper) in sides {
            let Some(bound) = bound else { continue };
            let is_on_this_side = !bound.value.is_zero() && bound.value.is_negative() == mantissa.negative;
            if !is_on_this_side {
                // The sign alone decides.
                let is_below = if bound.value.is_zero() { mantissa.negative } else { !bound.value.is_negative() };
                if is_below != is_upper {
                    return None;
                }
                continue;
            }
            // Of two numbers with the point in the same place the digits tell the greater.
            let level = bound.value.point() - mantissa.point;
            let length = bound.value.significant_digits();
            let relation =
                if matches!(relation, Relation::Equal(count) if count < length) { Relation::Less } else { relation };
            let is_at_most = is_upper != mantissa.negative;
            let fits = match relation {
                Relation::Less => is_at_most,
                Relation::Greater => !is_at_most,
                Relation::Equal(_) => !bound.exclusive,
            };
            if is_at_most {
                let limit = if fits { level } else { level - 1 };
                most = Some(most.map_or(limit, |most| most.min(limit)));
            } else {
                let limit = if fits { level } else { level + 1 };
                least = Some(least.map_or(limit, |least| least.max(limit)));
            }
        }
        let is_empty = matches!((least, most), (Some(least), Some(most)) if least > most);
        (!is_empty).then_some((least, most))
    }

    /// The state after one more digit of an exponent that is to be between `least` and `most`.
    fn exponent_digit(&self, least: u64, most: Option<u64>, before: Exponent, digit: u8) -> Option<State> {
        let (exponent, count) = match before {
            Exponent::Value(value, count) => {
                let value = value.checked_mul(10)?.checked_add(digit.into())?;
                (Exponent::Value(value, count + 1), count + 1)
            }
            Exponent::Settled(count, allowed, beyond) => {
                let count = if self.digits.is_bounded() { count + 1 } else { 0 };
                (Exponent::Settled(count, (allowed >> 1) | (u32::from(beyond) << (u32::BITS - 1)), beyond), count)
            }
        };
        if count > EXPONENT_DIGITS && self.digits.is_bounded() {
            return None;
        }
        Some(State::Exponent(least, most, self.settled(least, most, exponent)))
    }

    /// Forgets the digits of an exponent that have settled with how many further ones it is allowed.
    fn settled(&self, least: u64, most: Option<u64>, exponent: Exponent) -> Exponent {
        let bounded = self.digits.is_bounded();
        let Exponent::Value(value, count) = exponent else { return exponent };
        // How many digits there have been matters where they are bounded.
        let counted = if bounded { count } else { 0 };
        if value == 0 {
            return Exponent::Value(0, counted);
        }
        let left = if bounded { EXPONENT_DIGITS - count } else { u64::from(u32::BITS - 1) };
        let (mut allowed, mut low, mut high) = (0u32, value, value);
        for further in 0..=left {
            let is_beyond = most.is_some_and(|most| low > most);
            let is_above = most.is_none() && low >= least;
            if is_above {
                return Exponent::Settled(counted, allowed | (u32::MAX << further), true);
            }
            if is_beyond {
                break;
            }
            let is_inside = low >= least && most.is_none_or(|most| high <= most);
            let is_outside = high < least;
            match is_inside {
                true => allowed |= 1 << further,
                false if is_outside => {}
                false => return Exponent::Value(value, counted),
            }
            (low, high) = (low.saturating_mul(10), high.saturating_mul(10).saturating_add(9));
        }
        Exponent::Settled(counted, allowed, false)
    }
}

/// The digits after a sign, as a range of numbers, of the exponents between `least` and `most` that have it; `None` if
/// there are none.
fn magnitudes(negative: bool, least: Option<i64>, most: Option<i64>) -> Option<(u64, Option<u64>)> {
    let (near, far) = if negative { (most.map(|most| -most), least.map(|least| -least)) } else { (least, most) };
    let near = near.unwrap_or(0).max(0).unsigned_abs();
    let far = match far {
        Some(far) => Some(u64::try_from(far).ok()?),
        None => None,
    };
    far.is_none_or(|far| near <= far).then_some((near, far))
}

#[cfg(test)]
mod tests {
    use grammar_ir::Limits;

    use super::*;

    const MANTISSAS: [&str; 27] = [
        "0", "-0", "0.0", "0.000", "1", "-1", "5", "8", "9", "10", "15", "60", "600", "-600", "1234", "99999", "0.5",
        "0.6", "-0.60", "0.0071", "0.000700", "1.5", "7.0", "10.25", "120.50", "999.999", "-12.0625",
    ];
    const EXPONENTS: [&str; 26] = [
        "0",
        "-0",
        "+0",
        "00",
        "1",
        "+1",
        "-1",
        "2",
        "-2",
        "3",
        "-3",
        "-4",
        "5",
        "-5",
        "-6",
        "-7",
        "9",
        "-10",
        "-010",
        "18",
        "-18",
        "37",
        "-37",
        "300",
        "-300",
        "0000000000000000007",
    ];
    /// The least number, the greatest one (with `!` exclusive), and whether only integers.
    const SETS: [(Option<&str>, Option<&str>, bool); 18] = [
        (None, None, true),
        (Some("5"), Some("7"), true),
        (Some("5"), Some("7"), false),
        (Some("!0"), Some("!1"), false),
        (Some("0"), Some("1"), false),
        (Some("0"), None, true),
        (None, Some("!0"), true),
        (Some("-3"), Some("10"), true),
        (Some("-0.6"), Some("0.6"), false),
        (Some("!-0.6"), Some("!0.6"), false),
        (Some("0.0007"), Some("0.0071"), false),
        (Some("100"), None, false),
        (Some("!1e5"), Some("1e30"), true),
        (None, Some("-600"), true),
        (Some("0"), Some("0"), false),
        (Some("120.5"), Some("120.5"), false),
        (Some("1e40"), None, false),
        (Some("123456789"), Some("987654321987654321"), true),
    ];

    fn bound(text: &str) -> Bound {
        let (exclusive, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        Bound { value: Decimal::parse(text).expect("a number"), exclusive }
    }

    fn is_in(set: &NumberSet, text: &str) -> bool {
        let value = Decimal::parse(text).expect("a number");
        let is_above = |bound: &Bound| value > bound.value || (value == bound.value && !bound.exclusive);
        let is_below = |bound: &Bound| value < bound.value || (value == bound.value && !bound.exclusive);
        set.lower.iter().all(is_above)
            && set.upper.iter().all(is_below)
            && (set.multiples.is_empty() || value.is_integer())
    }

    fn reads(automaton: &ByteAutomaton, text: &str) -> bool {
        let end = text.bytes().try_fold(0, |state, byte| automaton.edge(state, byte).map(|edge| edge.target));
        end.is_some_and(|state| automaton.accepting[state as usize])
    }

    fn sets() -> impl Iterator<Item = NumberSet> {
        SETS.into_iter().map(|(lower, upper, is_integer)| {
            let multiples = if is_integer { vec![Decimal::one()] } else { Vec::new() };
            NumberSet { lower: lower.map(bound), upper: upper.map(bound), multiples, ..NumberSet::default() }
        })
    }

    fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
        MANTISSAS.into_iter().flat_map(|mantissa| EXPONENTS.into_iter().map(move |exponent| (mantissa, exponent)))
    }

    #[test]
    fn texts_with_an_exponent_are_told_by_their_number() {
        let limits = Limits::default();
        let mut accepted = 0;
        for set in sets() {
            let automaton = automaton(&set, Digits::Unbounded, &mut Budget::new(&limits)).unwrap().unwrap();
            for (mantissa, exponent) in texts() {
                for letter in ["e", "E"] {
                    let text = format!("{mantissa}{letter}{exponent}");
                    assert_eq!(reads(&automaton, &text), is_in(&set, &text), "{text} in {set:?}");
                }
                accepted += usize::from(reads(&automaton, &format!("{mantissa}e{exponent}")));
            }
        }
        assert!(accepted > 1_000, "{accepted}");
    }

    #[test]
    fn bounded_ones_are_written_with_one_digit_before_the_point() {
        let limits = Limits::default();
        for set in sets() {
            let automaton = automaton(&set, Digits::Bounded, &mut Budget::new(&limits)).unwrap();
            assert_eq!(automaton.is_some(), set.multiples.is_empty() && !is_only_zero(&set), "{set:?}");
            for (mantissa, exponent) in texts() {
                let text = format!("{mantissa}e{exponent}");
                let digits = mantissa.trim_start_matches('-').split('.').next().unwrap_or_default();
                let is_written_so =
                    digits.len() == 1 && digits != "0" && exponent.trim_start_matches(['+', '-']).len() <= 3;
                let expected = is_written_so && is_in(&set, &text);
                assert_eq!(
                    automaton.as_ref().is_some_and(|automaton| reads(automaton, &text)),
                    expected && automaton.is_some(),
                    "{text} in {set:?}"
                );
            }
        }
    }

    fn is_only_zero(set: &NumberSet) -> bool {
        let is_zero = |bound: &Option<Bound>| bound.as_ref().is_some_and(|bound| bound.value.is_zero());
        is_zero(&set.lower) && is_zero(&set.upper)
    }

    #[test]
    fn nothing_is_written_with_other_divisors() {
        let limits = Limits::default();
        let even = NumberSet { multiples: vec![Decimal::parse("2").unwrap()], ..NumberSet::default() };
        assert!(automaton(&even, Digits::Unbounded, &mut Budget::new(&limits)).unwrap().is_none());
    }

    #[test]
    fn few_states_are_taken() {
        let limits = Limits::default();
        for set in sets() {
            let exact = automaton(&set, Digits::Unbounded, &mut Budget::new(&limits)).unwrap().unwrap();
            assert!(exact.edges.len() < 20_000, "{} states for {set:?}", exact.edges.len());
            let bounded = automaton(&set, Digits::Bounded, &mut Budget::new(&limits)).unwrap();
            assert!(bounded.is_none_or(|automaton| automaton.edges.len() < 200));
        }
    }
}
