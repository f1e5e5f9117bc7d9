//! What instructions compute, on the bits of their operands.
//!
//! A value is the low bits of a `u64`, as many as its type has; the others are 0.

use crate::instruction::{Binary, Class, Comparison, IntegerRounding, Rounding, Type, Unary};

fn f32_of(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

fn f64_of(bits: u64) -> f64 {
    f64::from_bits(bits)
}

fn bits_of(kind: Type, value: f64) -> u64 {
    if kind.bits == 32 { u64::from((value as f32).to_bits()) } else { value.to_bits() }
}

pub(crate) fn unary(operation: Unary, kind: Type, value: u64) -> u64 {
    let wide = kind.bits == 64;
    match operation {
        Unary::Not => kind.truncate(!value),
        Unary::Negate if kind.class == Class::Signed => kind.truncate(value.wrapping_neg()),
        Unary::Negate => value ^ 1 << (kind.bits - 1),
        Unary::Absolute => value & !(1 << (kind.bits - 1)),
        Unary::Exp2 => u64::from(f32_of(value).exp2().to_bits()),
        Unary::SquareRoot if wide => f64_of(value).sqrt().to_bits(),
        Unary::SquareRoot => u64::from(f32_of(value).sqrt().to_bits()),
        Unary::Reciprocal if wide => (1.0 / f64_of(value)).to_bits(),
        Unary::Reciprocal => u64::from((1.0 / f32_of(value)).to_bits()),
    }
}

/// `None` for a division of integers by 0.
pub(crate) fn binary(operation: Binary, kind: Type, left: u64, right: u64) -> Option<u64> {
    Some(match kind.class {
        Class::Float if kind.bits == 32 => {
            let (left, right) = (f32_of(left), f32_of(right));
            u64::from(
                match operation {
                    Binary::Add => left + right,
                    Binary::Subtract => left - right,
                    Binary::Multiply => left * right,
                    Binary::Divide => left / right,
                    // The number, if the other one is NaN: that is what Rust's are too.
                    Binary::Minimum => left.min(right),
                    _ => left.max(right),
                }
                .to_bits(),
            )
        }
        Class::Float => {
            let (left, right) = (f64_of(left), f64_of(right));
            match operation {
                Binary::Add => left + right,
                Binary::Subtract => left - right,
                Binary::Multiply => left * right,
                Binary::Divide => left / right,
                Binary::Minimum => left.min(right),
                _ => left.max(right),
            }
            .to_bits()
        }
        Class::Signed => return signed(operation, kind, left, right),
        Class::Unsigned | Class::Bits | Class::Predicate | Class::Brain => {
            let (left, right) = (kind.truncate(left), kind.truncate(right));
            match operation {
                Binary::Add => kind.truncate(left.wrapping_add(right)),
                Binary::Subtract => kind.truncate(left.wrapping_sub(right)),
                Binary::Multiply => kind.truncate(left.wrapping_mul(right)),
                Binary::MultiplyHigh => ((u128::from(left) * u128::from(right)) >> kind.bits) as u64,
                Binary::MultiplyWide => left * right,
                Binary::Divide => left.checked_div(right)?,
                Binary::Minimum => left.min(right),
                Binary::Maximum => left.max(right),
                Binary::And => left & right,
                Binary::Or => left | right,
                Binary::Xor => left ^ right,
                // The distance is 32 bits wide, whatever the type, and may be larger than the type.
                Binary::ShiftLeft if right & 0xFFFF_FFFF >= u64::from(kind.bits) => 0,
                Binary::ShiftLeft => kind.truncate(left << right),
                Binary::ShiftRight if right & 0xFFFF_FFFF >= u64::from(kind.bits) => 0,
                Binary::ShiftRight => left >> right,
            }
        }
    })
}

fn signed(operation: Binary, kind: Type, left: u64, right: u64) -> Option<u64> {
    let distance = (right & 0xFFFF_FFFF).min(63);
    let (left, right) = (kind.signed(left), kind.signed(right));
    let answer = match operation {
        Binary::Add => left.wrapping_add(right),
        Binary::Subtract => left.wrapping_sub(right),
        Binary::Multiply => left.wrapping_mul(right),
        Binary::MultiplyHigh => ((i128::from(left) * i128::from(right)) >> kind.bits) as i64,
        // As wide again as the type, and so not cut to it.
        Binary::MultiplyWide => {
            let wide = Type { class: Class::Signed, bits: 2 * kind.bits };
            return Some(wide.truncate(left.wrapping_mul(right) as u64));
        }
        Binary::Divide if right == 0 => return None,
        Binary::Divide => left.wrapping_div(right),
        Binary::Minimum => left.min(right),
        Binary::Maximum => left.max(right),
        Binary::And => left & right,
        Binary::Or => left | right,
        Binary::Xor => left ^ right,
        Binary::ShiftLeft => left << distance,
        Binary::ShiftRight => left >> distance,
    };
    Some(kind.truncate(answer as u64))
}

pub(crate) fn fused_multiply_add(rounding: Rounding, kind: Type, [left, right, addend]: [u64; 3]) -> u64 {
    if kind.bits == 64 {
        return f64_of(left).mul_add(f64_of(right), f64_of(addend)).to_bits();
    }
    let (left, right, addend) = (f32_of(left), f32_of(right), f32_of(addend));
    let nearest = left.mul_add(right, addend);
    u64::from(
        match rounding {
            Rounding::Nearest => nearest,
            Rounding::Down => round_down(nearest, left, right, addend),
        }
        .to_bits(),
    )
}

/// `left * right + addend` rounded towards −∞, given that rounded to nearest.
fn round_down(nearest: f32, left: f32, right: f32, addend: f32) -> f32 {
    if !nearest.is_finite() {
        return nearest;
    }
    // The product is exact in double precision, and what the sum rounds off is exact by D. E. Knuth's TwoSum (The Art
    // of Computer Programming, volume 2, section 4.2.2).
    let product = f64::from(left) * f64::from(right);
    let addend = f64::from(addend);
    let sum = product + addend;
    let virtual_addend = sum - product;
    let error = (product - (sum - virtual_addend)) + (addend - virtual_addend);
    let rounded = f64::from(nearest);
    if rounded > sum || (rounded == sum && error < 0.0) { nearest.next_down() } else { nearest }
}

/// The low `length` bits of `field`, put into `into` from bit `position` on.
pub(crate) fn bit_field_insert(kind: Type, field: u64, into: u64, position: u64, length: u64) -> u64 {
    // Both are bytes.
    let (position, length) = (position & 0xFF, length & 0xFF);
    if position >= u64::from(kind.bits) || length == 0 {
        return into;
    }
    let ones = if length >= 64 { u64::MAX } else { (1 << length) - 1 };
    let mask = kind.truncate(ones << position);
    (into & !mask) | (field << position & mask)
}

pub(crate) fn compare(comparison: Comparison, unordered: bool, kind: Type, left: u64, right: u64) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = match kind.class {
        Class::Float if kind.bits == 32 => f32_of(left).partial_cmp(&f32_of(right)),
        Class::Float => f64_of(left).partial_cmp(&f64_of(right)),
        Class::Signed => Some(kind.signed(left).cmp(&kind.signed(right))),
        _ => Some(kind.truncate(left).cmp(&kind.truncate(right))),
    };
    let Some(order) = order else { return unordered };
    match comparison {
        Comparison::Equal => order == Equal,
        Comparison::NotEqual => order != Equal,
        Comparison::Less => order == Less,
        Comparison::LessOrEqual => order != Greater,
        Comparison::Greater => order == Greater,
        Comparison::GreaterOrEqual => order != Less,
    }
}

pub(crate) fn convert(rounding: IntegerRounding, saturate: bool, to: Type, from: Type, value: u64) -> u64 {
    let number = match from.class {
        Class::Float if from.bits == 32 => f64::from(f32_of(value)),
        Class::Float => f64_of(value),
        _ => return convert_integer(to, from, value),
    };
    match to.class {
        Class::Float if saturate => bits_of(to, if number > 0.0 { number.min(1.0) } else { 0.0 }),
        Class::Float => bits_of(to, number),
        Class::Brain => u64::from(brain(value as u32)),
        _ => {
            let whole = match rounding {
                IntegerRounding::Nearest => number.round_ties_even(),
                IntegerRounding::Up => number.ceil(),
                IntegerRounding::Down => number.floor(),
                IntegerRounding::TowardZero => number.trunc(),
            };
            // Out of range is the nearest end of it, and NaN 0, in Rust too. The hardware's answer for NaN differs,
            // but it is not one that a kernel may rely on.
            if to.class == Class::Signed {
                let limit = i64::MAX >> (64 - to.bits);
                to.truncate((whole as i64).clamp(-limit - 1, limit) as u64)
            } else {
                (whole as u64).min(to.truncate(u64::MAX))
            }
        }
    }
}

fn convert_integer(to: Type, from: Type, value: u64) -> u64 {
    let signed = from.class == Class::Signed;
    let extended = if signed { from.signed(value) as u64 } else { from.truncate(value) };
    match (to.class, to.bits, signed) {
        // Straight from the integer: by way of another float it would be rounded twice.
        (Class::Float, 32, true) => u64::from((extended as i64 as f32).to_bits()),
        (Class::Float, 32, false) => u64::from((extended as f32).to_bits()),
        (Class::Float, _, true) => (extended as i64 as f64).to_bits(),
        (Class::Float, _, false) => (extended as f64).to_bits(),
        _ => to.truncate(extended),
    }
}

/// The nearest bfloat16, of two equally near the even one.
fn brain(bits: u32) -> u16 {
    if bits & 0x7FFF_FFFF > 0x7F80_0000 {
        return 0x7FFF;
    }
    // Half of the last place kept, less one unless that place is odd; a carry into the exponent is right as it is.
    ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) as u16
}
