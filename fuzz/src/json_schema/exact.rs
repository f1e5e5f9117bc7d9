//! Keywords that the crate `jsonschema` judges by doubles, judged by digits here.

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Number, Value};

/// What a factory of keywords makes.
type Made<'a> = Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>>;

/// `multipleOf`.
struct MultipleOf(Value);

/// Makes a `multipleOf` of numbers of any size.
///
/// # Errors
/// Never: what is no number is taken for a divisor of everything, as the crate has checked the schema.
pub fn multiple_of<'a>(_: &'a Map<String, Value>, value: &'a Value, _: Location) -> Made<'a> {
    Ok(Box::new(MultipleOf(value.clone())))
}

impl<'i> Keyword<'i> for MultipleOf {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            return Ok(());
        }
        Err(ValidationError::custom(format!("{instance} is not a multiple of {}", self.0)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        match (instance, &self.0) {
            (Value::Number(number), Value::Number(divisor)) => is_multiple(number, divisor).unwrap_or(true),
            _ => true,
        }
    }
}

/// `type` in draft 4, where an integer is one by how it is written: without a fraction and an exponent.
struct WrittenType(Value);

/// Makes a `type` of draft 4.
///
/// # Errors
/// Never, as for [`multiple_of`].
pub fn written_type<'a>(_: &'a Map<String, Value>, value: &'a Value, _: Location) -> Made<'a> {
    Ok(Box::new(WrittenType(value.clone())))
}

impl<'i> Keyword<'i> for WrittenType {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            return Ok(());
        }
        Err(ValidationError::custom(format!("{instance} is not of type {}", self.0)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        match &self.0 {
            Value::Array(names) => names.iter().any(|name| is_of_type(instance, name)),
            name => is_of_type(instance, name),
        }
    }
}

fn is_of_type(value: &Value, name: &Value) -> bool {
    match name.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.as_number().is_some_and(|number| !number.to_string().contains(['.', 'e', 'E'])),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}

/// Whether `number` is a multiple of `divisor`; `None` where their exponents, or the digits of the divisor, are too many.
fn is_multiple(number: &Number, divisor: &Number) -> Option<bool> {
    let (digits, scale) = decimal(&number.to_string())?;
    let (divisor, divisor_scale) = decimal(&divisor.to_string())?;
    if digits.is_empty() {
        return Some(true);
    }
    let modulus = u128::from(divisor.parse::<u64>().ok()?);
    if modulus == 0 {
        return None;
    }
    // The last digit is not 0, so what needs more places than the divisor has is no multiple.
    let Ok(shift) = u64::try_from(scale.checked_sub(divisor_scale)?) else { return Some(false) };
    let next = |residue: u128, digit: u8| (residue * 10 + u128::from(digit - b'0')) % modulus;
    let mut residue = digits.bytes().fold(0, next);
    let (mut power, mut shift) = (10 % modulus, shift);
    while shift > 0 {
        if shift % 2 == 1 {
            residue = residue * power % modulus;
        }
        power = power * power % modulus;
        shift /= 2;
    }
    Some(residue % modulus == 0)
}

/// The digits of a number without zeros around them, and the power of ten that the last one counts.
fn decimal(text: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let kept = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - kept.len()).ok()?;
    let places = i64::try_from(fraction.len()).ok()?;
    let scale = exponent.trim_start_matches('+').parse::<i64>().ok()?.checked_sub(places)?.checked_add(dropped)?;
    Some((kept.trim_start_matches('0').to_owned(), scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_are_told_by_digits() {
        for (number, divisor, expected) in [
            ("28404470564113107.5", "2.5", true),
            ("28404470564113107.6", "2.5", false),
            ("9007199254740993", "3", true),
            ("9007199254740994", "3", false),
            ("0.0", "7", true),
            ("-0.3", "0.1", true),
            ("1e300", "16", true),
            ("3e300", "7", false),
            ("1.05", "0.1", false),
            ("1050e-2", "0.5", true),
        ] {
            let parse = |text: &str| serde_json::from_str::<Number>(text).unwrap();
            assert_eq!(is_multiple(&parse(number), &parse(divisor)), Some(expected), "{number} {divisor}");
        }
    }
}
