//! Instructions, decoded from their opcode and operands.

use crate::error::ParseErrorKind;
use crate::instruction::{
    Address, Binary, Class, Comparison, IntegerRounding, Operand, Operation, Parts, Register, Rounding, Shuffle, Space,
    Type, Unary,
};
use crate::parse::{Names, Syntax, operand_named};

/// The operation of `opcode` (with its modifiers, such as `setp.lt.u32`) on `operands`. Branches are the parser's.
pub(crate) fn decode(opcode: &str, operands: &[Syntax<'_>], names: &Names<'_>) -> Result<Operation, ParseErrorKind> {
    let unsupported = || ParseErrorKind::Unsupported(opcode.to_owned());
    let words: Vec<&str> = opcode.split('.').collect();
    let (base, modifiers) = words.split_first().ok_or_else(unsupported)?;
    let mut operands = Operands { opcode, names, rest: operands };
    let operation = match (*base, modifiers) {
        ("ret", []) => Operation::Return,
        ("bar", ["sync"]) => {
            if operands.operand()? != Operand::Constant(0) {
                return Err(unsupported());
            }
            Operation::Barrier
        }
        ("mov", [kind]) => operands.moved(Type::named(kind).ok_or_else(unsupported)?)?,
        // Generic and global addresses are the same here.
        ("cvta", ["to", "global", "u64"]) => {
            let kind = Type { class: Class::Unsigned, bits: 64 };
            Operation::Move { kind, target: operands.register()?, source: operands.operand()? }
        }
        ("ld" | "st", _) => {
            let (space, kind, count) = memory_modifiers(base, modifiers).ok_or_else(unsupported)?;
            if *base == "ld" {
                Operation::Load { space, kind, targets: operands.registers(count)?, address: operands.address()? }
            } else {
                Operation::Store { space, kind, address: operands.address()?, sources: operands.values(count)? }
            }
        }
        ("atom", ["shared", "add", kind @ ("u32" | "u64")]) => Operation::AtomicAdd {
            kind: Type::named(kind).ok_or_else(unsupported)?,
            target: operands.register()?,
            address: operands.address()?,
            source: operands.operand()?,
        },
        ("shfl", ["sync", mode, "b32"]) => {
            let shuffle = match *mode {
                "bfly" => Shuffle::Butterfly,
                "up" => Shuffle::Up,
                "down" => Shuffle::Down,
                "idx" => Shuffle::Index,
                _ => return Err(unsupported()),
            };
            let (target, in_range) = operands.register_and_predicate()?;
            Operation::Shuffle {
                shuffle,
                target,
                in_range,
                source: operands.operand()?,
                lane: operands.operand()?,
                clamp: operands.operand()?,
                members: operands.operand()?,
            }
        }
        ("setp", [comparison, kind]) => {
            let kind = Type::named(kind).ok_or_else(unsupported)?;
            let (comparison, unordered) = comparison_named(comparison, kind).ok_or_else(unsupported)?;
            let target = operands.register()?;
            Operation::Compare { comparison, unordered, kind, target, sources: operands.pair()? }
        }
        ("selp", [kind]) => {
            let kind = Type::named(kind).ok_or_else(unsupported)?;
            let target = operands.register()?;
            Operation::Select { kind, target, sources: operands.pair()?, condition: operands.operand()? }
        }
        ("bfi", [kind @ ("b32" | "b64")]) => Operation::BitFieldInsert {
            kind: Type::named(kind).ok_or_else(unsupported)?,
            target: operands.register()?,
            field: operands.operand()?,
            into: operands.operand()?,
            position: operands.operand()?,
            length: operands.operand()?,
        },
        ("fma", [rounding @ ("rn" | "rm"), kind @ ("f32" | "f64")]) => {
            let rounding = if *rounding == "rn" { Rounding::Nearest } else { Rounding::Down };
            let kind = Type::named(kind).ok_or_else(unsupported)?;
            if rounding == Rounding::Down && kind.bits == 64 {
                return Err(unsupported());
            }
            let target = operands.register()?;
            let [left, right] = operands.pair()?;
            let sources = [left, right, operands.operand()?];
            Operation::FusedMultiplyAdd { rounding, kind, target, sources }
        }
        ("cvt", _) => {
            let (rounding, saturate, to, from) = conversion(modifiers).ok_or_else(unsupported)?;
            let target = operands.register()?;
            Operation::Convert { rounding, saturate, to, from, target, source: operands.operand()? }
        }
        _ => {
            if let Some((operation, kind)) = unary(base, modifiers) {
                Operation::Unary { operation, kind, target: operands.register()?, source: operands.operand()? }
            } else if let Some((operation, kind)) = binary(base, modifiers) {
                Operation::Binary { operation, kind, target: operands.register()?, sources: operands.pair()? }
            } else {
                return Err(unsupported());
            }
        }
    };
    operands.end()?;
    Ok(operation)
}

/// The space, the type and the number of elements of a load or store.
fn memory_modifiers(base: &str, modifiers: &[&str]) -> Option<(Space, Type, usize)> {
    let (space, rest) = modifiers.split_first()?;
    let space = match *space {
        "global" => Space::Global,
        "shared" => Space::Shared,
        "param" if base == "ld" => Space::Parameter,
        _ => return None,
    };
    // Which cache holds the line does not change what is read.
    let rest = match rest {
        ["nc" | "cs", rest @ ..] if space == Space::Global && base == "ld" => rest,
        _ => rest,
    };
    let (count, kind) = match rest {
        [kind] => (1, kind),
        ["v2", kind] => (2, kind),
        ["v4", kind] => (4, kind),
        _ => return None,
    };
    let kind = Type::named(kind)?;
    let parameter_vector = space == Space::Parameter && count != 1;
    (kind.class != Class::Predicate && !parameter_vector).then_some((space, kind, count))
}

fn comparison_named(name: &str, kind: Type) -> Option<(Comparison, bool)> {
    let float = kind.class == Class::Float;
    let (ordered, unordered) = match name {
        "equ" | "neu" | "ltu" | "leu" | "gtu" | "geu" if float => (&name[..2], true),
        _ => (name, false),
    };
    let comparison = match ordered {
        "eq" => Comparison::Equal,
        "ne" => Comparison::NotEqual,
        "lt" => Comparison::Less,
        "le" => Comparison::LessOrEqual,
        "gt" => Comparison::Greater,
        "ge" => Comparison::GreaterOrEqual,
        _ => return None,
    };
    let orderless =
        matches!(kind.class, Class::Bits) && !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    (!orderless && !matches!(kind.class, Class::Predicate | Class::Brain)).then_some((comparison, unordered))
}

/// The rounding, saturation, target and source of a `cvt` among those that [`crate::arithmetic::convert`] knows.
fn conversion(modifiers: &[&str]) -> Option<(IntegerRounding, bool, Type, Type)> {
    let (from, rest) = modifiers.split_last()?;
    let (to, rest) = rest.split_last()?;
    let (to, from) = (Type::named(to)?, Type::named(from)?);
    let integer = |kind: Type| matches!(kind.class, Class::Unsigned | Class::Signed);
    let float = |kind: Type| kind.class == Class::Float;
    match rest {
        [] if integer(to) && integer(from) => Some((IntegerRounding::Nearest, false, to, from)),
        [] if float(to) && float(from) && to.bits > from.bits => Some((IntegerRounding::Nearest, false, to, from)),
        ["sat"] if float(to) && to == from => Some((IntegerRounding::Nearest, true, to, from)),
        ["rn"] if (float(to) && integer(from)) || (to.class == Class::Brain && float(from) && from.bits == 32) => {
            Some((IntegerRounding::Nearest, false, to, from))
        }
        [rounding] if integer(to) && float(from) => {
            let rounding = match *rounding {
                "rni" => IntegerRounding::Nearest,
                "rpi" => IntegerRounding::Up,
                "rmi" => IntegerRounding::Down,
                "rzi" => IntegerRounding::TowardZero,
                _ => return None,
            };
            Some((rounding, false, to, from))
        }
        _ => None,
    }
}

fn unary(base: &str, modifiers: &[&str]) -> Option<(Unary, Type)> {
    let (kind, rest) = modifiers.split_last()?;
    let kind = Type::named(kind)?;
    let operation = match (base, rest, kind.class) {
        ("not", [], Class::Bits | Class::Predicate) => Unary::Not,
        ("neg", [], Class::Float | Class::Signed) => Unary::Negate,
        ("abs", [], Class::Float) => Unary::Absolute,
        ("ex2", ["approx"] | ["approx", "ftz"], Class::Float) if kind.bits == 32 => Unary::Exp2,
        ("sqrt", ["rn"], Class::Float) => Unary::SquareRoot,
        ("rcp", ["rn"], Class::Float) => Unary::Reciprocal,
        _ => return None,
    };
    Some((operation, kind))
}

fn binary(base: &str, modifiers: &[&str]) -> Option<(Binary, Type)> {
    use Class::{Bits, Float, Predicate, Signed, Unsigned};
    let (kind, rest) = modifiers.split_last()?;
    let kind = Type::named(kind)?;
    let operation = match (base, rest, kind.class) {
        ("add", [], Unsigned | Signed) | ("add", [] | ["rn"], Float) => Binary::Add,
        ("sub", [], Unsigned | Signed) | ("sub", [] | ["rn"], Float) => Binary::Subtract,
        ("mul", ["lo"], Unsigned | Signed) | ("mul", [] | ["rn"], Float) => Binary::Multiply,
        ("mul", ["hi"], Unsigned | Signed) => Binary::MultiplyHigh,
        ("mul", ["wide"], Unsigned | Signed) if kind.bits <= 32 => Binary::MultiplyWide,
        ("div", [], Unsigned | Signed) | ("div", ["rn"], Float) => Binary::Divide,
        ("min", [], Unsigned | Signed | Float) => Binary::Minimum,
        ("max", [], Unsigned | Signed | Float) => Binary::Maximum,
        ("and", [], Bits | Predicate) => Binary::And,
        ("or", [], Bits | Predicate) => Binary::Or,
        ("xor", [], Bits | Predicate) => Binary::Xor,
        ("shl", [], Bits) => Binary::ShiftLeft,
        ("shr", [], Bits | Unsigned | Signed) => Binary::ShiftRight,
        _ => return None,
    };
    Some((operation, kind))
}

/// The operands that are not read yet.
struct Operands<'s, 'a> {
    opcode: &'s str,
    names: &'s Names<'a>,
    rest: &'s [Syntax<'a>],
}

impl<'a> Operands<'_, 'a> {
    fn next(&mut self) -> Result<&Syntax<'a>, ParseErrorKind> {
        let (first, rest) = self.rest.split_first().ok_or_else(|| self.malformed())?;
        self.rest = rest;
        Ok(first)
    }

    fn end(&self) -> Result<(), ParseErrorKind> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }

    fn malformed(&self) -> ParseErrorKind {
        ParseErrorKind::Expected { expected: "other operands", found: self.opcode.to_owned() }
    }

    fn named_register(&self, name: &str) -> Result<Register, ParseErrorKind> {
        self.names.register(name).ok_or_else(|| ParseErrorKind::Undeclared(name.to_owned()))
    }

    fn value(&self, syntax: &Syntax<'_>) -> Result<Operand, ParseErrorKind> {
        match syntax {
            Syntax::Number(bits) => Ok(Operand::Constant(*bits)),
            Syntax::Name(name) => {
                operand_named(self.names, name).ok_or_else(|| ParseErrorKind::Undeclared((*name).to_owned()))
            }
            _ => Err(self.malformed()),
        }
    }

    fn register(&mut self) -> Result<Register, ParseErrorKind> {
        match *self.next()? {
            Syntax::Name(name) => self.named_register(name),
            _ => Err(self.malformed()),
        }
    }

    fn register_and_predicate(&mut self) -> Result<(Register, Option<Register>), ParseErrorKind> {
        match *self.next()? {
            Syntax::Pair(name, predicate) => Ok((self.named_register(name)?, Some(self.named_register(predicate)?))),
            Syntax::Name(name) => Ok((self.named_register(name)?, None)),
            _ => Err(self.malformed()),
        }
    }

    fn operand(&mut self) -> Result<Operand, ParseErrorKind> {
        let syntax = self.next()?.clone();
        self.value(&syntax)
    }

    fn pair(&mut self) -> Result<[Operand; 2], ParseErrorKind> {
        Ok([self.operand()?, self.operand()?])
    }

    fn values(&mut self, count: usize) -> Result<Parts<Operand>, ParseErrorKind> {
        let syntax = self.next()?.clone();
        let list = match &syntax {
            Syntax::Vector(list) => list.as_slice(),
            scalar => std::slice::from_ref(scalar),
        };
        if list.len() != count || count > 4 {
            return Err(self.malformed());
        }
        let mut items = [Operand::Constant(0); 4];
        for (item, syntax) in items.iter_mut().zip(list) {
            *item = self.value(syntax)?;
        }
        Ok(Parts { items, count })
    }

    fn registers(&mut self, count: usize) -> Result<Parts<Register>, ParseErrorKind> {
        let values = self.values(count)?;
        let mut items = [0; 4];
        for (item, value) in items.iter_mut().zip(values.as_slice()) {
            let Operand::Register(register) = value else { return Err(self.malformed()) };
            *item = *register;
        }
        Ok(Parts { items, count })
    }

    fn address(&mut self) -> Result<Address, ParseErrorKind> {
        let Syntax::Address(base, offset) = self.next()?.clone() else { return Err(self.malformed()) };
        let parameter = match *base {
            Syntax::Name(name) => self.names.parameter(name),
            _ => None,
        };
        let base = match parameter {
            Some(index) => Operand::Constant(index),
            None => self.value(&base)?,
        };
        Ok(Address { base, offset })
    }

    /// A `mov`: of one value, or between a vector and the bits of its parts together.
    fn moved(&mut self, kind: Type) -> Result<Operation, ParseErrorKind> {
        let part_bits = |parts: &[Syntax<'_>]| match (kind.class, parts.len()) {
            (Class::Bits, count @ (2 | 4)) => Ok(kind.bits / count as u32),
            _ => Err(self.malformed()),
        };
        match self.rest {
            [Syntax::Vector(parts), _] => {
                let part_bits = part_bits(parts)?;
                let targets = self.registers(parts.len())?;
                Ok(Operation::Unpack { part_bits, targets, source: self.operand()? })
            }
            [_, Syntax::Vector(parts)] => {
                let part_bits = part_bits(parts)?;
                let target = self.register()?;
                Ok(Operation::Pack { part_bits, target, parts: self.values(parts.len())? })
            }
            _ => Ok(Operation::Move { kind, target: self.register()?, source: self.operand()? }),
        }
    }
}
