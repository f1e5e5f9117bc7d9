//! Decimal numbers of any size, compared and divided exactly.

use std::cmp::Ordering;

use serde_json::Number;

/// A decimal number: `± 0.d₁d₂d₃… × 10^point`. Equal numbers are equal values: no leading or trailing zero digit, and
/// zero has no digits, no sign and point 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i64,
}

/// Exponents beyond this are refused: no text of such a number fits any limit.
const MAX_EXPONENT: i64 = 1_000_000_000;

impl Decimal {
    /// Zero.
    pub(super) const ZERO: Self = Self { negative: false, digits: Vec::new(), point: 0 };

    /// One.
    pub(super) fn one() -> Self {
        Self { negative: false, digits: vec![1], point: 1 }
    }

    /// The value of a JSON number; `None` when its exponent is out of all bounds.
    pub(super) fn from_json(number: &Number) -> Option<Self> {
        Self::parse(&number.to_string())
    }

    /// The value of the text of a JSON number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent),
            None => (text, "0"),
        };
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = integer.bytes().chain(fraction.bytes()).map(|byte| byte.wrapping_sub(b'0')).collect();
        if digits.is_empty() || digits.iter().any(|&digit| digit > 9) {
            return None;
        }
        let leading = digits.iter().take_while(|&&digit| digit == 0).count();
        digits.drain(..leading);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self::ZERO);
        }
        let exponent: i64 = exponent.parse().ok().filter(|exponent: &i64| exponent.abs() <= MAX_EXPONENT)?;
        let point = i64::try_from(integer.len()).ok()? - i64::try_from(leading).ok()? + exponent;
        Some(Self { negative, digits, point })
    }

    /// Writes a text that is its alone.
    pub(super) fn write_key(&self, key: &mut String) {
        key.push(if self.negative { '-' } else { '+' });
        key.extend(self.digits.iter().map(|digit| char::from(b'0' + digit)));
        key.push('e');
        key.push_str(&self.point.to_string());
    }

    /// Whether it is zero.
    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether it is below zero.
    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    /// Whether it has no fractional part.
    pub(super) fn is_integer(&self) -> bool {
        self.fraction_length() == 0
    }

    /// The number of digits before the point, without leading zeros.
    pub(super) fn integer_length(&self) -> u64 {
        self.point.max(0).unsigned_abs()
    }

    /// The number of digits after the point, without trailing zeros.
    pub(super) fn fraction_length(&self) -> u64 {
        let digits = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        if self.is_zero() { 0 } else { (digits - self.point).max(0).unsigned_abs() }
    }

    /// The digit before the point at `index`, counted from the most significant one.
    pub(super) fn integer_digit(&self, index: u64) -> u8 {
        usize::try_from(index).ok().and_then(|index| self.digits.get(index)).copied().unwrap_or(0)
    }

    /// The digit after the point at `index`, counted from the most significant one; 0 beyond the last.
    pub(super) fn fraction_digit(&self, index: u64) -> u8 {
        i64::try_from(index)
            .ok()
            .and_then(|index| usize::try_from(index + self.point).ok())
            .and_then(|index| self.digits.get(index))
            .copied()
            .unwrap_or(0)
    }

    /// The power of ten that the digits, read as `0.d₁d₂d₃…`, are to be multiplied by.
    pub(super) fn point(&self) -> i64 {
        self.point
    }

    /// The number of digits from the first to the last one that is not 0.
    pub(super) fn significant_digits(&self) -> u64 {
        self.digits.len() as u64
    }

    /// The digit at `index` from the first one that is not 0 on; 0 beyond the last.
    pub(super) fn significant_digit(&self, index: u64) -> u8 {
        usize::try_from(index).ok().and_then(|index| self.digits.get(index)).copied().unwrap_or(0)
    }

    /// The digits without a point, and the power of ten they are to be multiplied by; `None` when the digits do not
    /// fit 64 bits.
    pub(super) fn significand(&self) -> Option<(u64, i64)> {
        let value = self
            .digits
            .iter()
            .try_fold(0u64, |value, &digit| value.checked_mul(10).and_then(|value| value.checked_add(digit.into())))?;
        Some((value, self.point - i64::try_from(self.digits.len()).ok()?))
    }

    /// Whether it is an integer multiple of `divisor`; `None` when the digits of `divisor` do not fit 64 bits.
    pub(super) fn is_multiple_of(&self, divisor: &Self) -> Option<bool> {
        let (divisor, divisor_scale) = divisor.significand()?;
        if self.is_zero() || divisor == 0 {
            return Some(self.is_zero());
        }
        // The last digit is not 0, so a quotient that needs fewer places than the number has cannot be an integer.
        let shift = self.point - i64::try_from(self.digits.len()).ok()? - divisor_scale;
        let Ok(shift) = u64::try_from(shift) else { return Some(false) };
        let modulus = u128::from(divisor);
        let residue = self.digits.iter().fold(0u128, |residue, &digit| (residue * 10 + u128::from(digit)) % modulus);
        Some((residue * power_of_ten(shift, modulus)).is_multiple_of(modulus))
    }

    /// The text without an exponent; `None` when it would be longer than `max` bytes.
    pub(super) fn to_plain(&self, max: usize) -> Option<String> {
        let (integer, fraction) = (self.integer_length(), self.fraction_length());
        if integer.saturating_add(fraction) > max as u64 {
            return None;
        }
        let mut text = String::from(if self.negative { "-" } else { "" });
        if integer == 0 {
            text.push('0');
        }
        text.extend((0..integer).map(|index| char::from(b'0' + self.integer_digit(index))));
        if fraction > 0 {
            text.push('.');
            text.extend((0..fraction).map(|index| char::from(b'0' + self.fraction_digit(index))));
        }
        Some(text)
    }

    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

/// 10^`exponent` mod `modulus`, where `modulus` fits 64 bits.
pub(super) fn power_of_ten(mut exponent: u64, modulus: u128) -> u128 {
    let (mut result, mut base) = (1 % modulus, 10 % modulus);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        exponent >>= 1;
    }
    result
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_magnitude(other),
            (true, true) => other.cmp_magnitude(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn spellings_of_one_value_are_equal() {
        for spellings in [
            &["0", "-0", "0.000", "0e7"][..],
            &["100", "1e2", "100.0", "0.1E+3", "1000e-1"],
            &["-0.05", "-5e-2", "-0.050"],
        ] {
            for spelling in spellings {
                assert_eq!(decimal(spelling), decimal(spellings[0]), "{spelling}");
            }
        }
        assert_eq!(decimal("1e2").to_plain(10).as_deref(), Some("100"));
        assert_eq!(decimal("-5e-3").to_plain(10).as_deref(), Some("-0.005"));
        assert_eq!(decimal("1e20").to_plain(10), None);
        assert_eq!(Decimal::parse("1e99999999999"), None);
    }

    #[test]
    fn order_is_numeric() {
        let ascending = ["-1e30", "-10", "-9.99", "-0.001", "0", "1e-9", "0.5", "9007199254740993", "9007199254740994"];
        for (index, low) in ascending.iter().enumerate() {
            for high in &ascending[index + 1..] {
                assert!(decimal(low) < decimal(high), "{low} < {high}");
            }
        }
    }

    #[test]
    fn multiples_are_exact() {
        for (value, divisor, expected) in [
            ("0.3", "0.1", true),
            ("0.35", "0.1", false),
            ("1e308", "0.123456789", false),
            ("9007199254740993", "3", true),
            ("100", "1e2", true),
            ("10", "1e2", false),
            ("0", "7", true),
            ("7.5", "2.5", true),
        ] {
            assert_eq!(decimal(value).is_multiple_of(&decimal(divisor)), Some(expected), "{value} % {divisor}");
        }
    }
}
