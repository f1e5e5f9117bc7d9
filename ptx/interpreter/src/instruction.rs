//! Instructions, decoded.

/// How the bits of a value are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Unsigned,
    Signed,
    Float,
    /// bfloat16.
    Brain,
    Bits,
    Predicate,
}

/// A type: `.u32`, `.f64`, `.pred`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Type {
    pub(crate) class: Class,
    pub(crate) bits: u32,
}

impl Type {
    /// The type of this name, without the dot.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (class, bits) = match name {
            "pred" => return Some(Self { class: Class::Predicate, bits: 1 }),
            "bf16" => return Some(Self { class: Class::Brain, bits: 16 }),
            _ => (name.get(..1)?, name.get(1..)?.parse().ok()?),
        };
        let class = match (class, bits) {
            ("u", 8 | 16 | 32 | 64) => Class::Unsigned,
            ("s", 8 | 16 | 32 | 64) => Class::Signed,
            ("b", 8 | 16 | 32 | 64) => Class::Bits,
            ("f", 32 | 64) => Class::Float,
            _ => return None,
        };
        Some(Self { class, bits })
    }

    pub(crate) const fn bytes(self) -> usize {
        self.bits.div_ceil(8) as usize
    }

    /// The low bits of `value`, as many as the type has.
    pub(crate) const fn truncate(self, value: u64) -> u64 {
        if self.bits >= 64 { value } else { value & ((1 << self.bits) - 1) }
    }

    /// The value of the type's bits, with its sign.
    pub(crate) const fn signed(self, value: u64) -> i64 {
        let unused = 64 - self.bits;
        ((value << unused) as i64) >> unused
    }
}

/// A register of a thread: its place in the register file.
pub(crate) type Register = u32;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Operand {
    Register(Register),
    /// A constant, or the address of a variable in shared memory.
    Constant(u64),
    /// A coordinate of the thread, its block, or their extents.
    Special(Special, usize),
}

/// A special register; each has three components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    Thread,
    BlockExtent,
    Block,
    GridExtent,
}

/// The memory that an instruction reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    Global,
    Shared,
    Parameter,
}

/// An address: a register or a variable, and a distance in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Address {
    pub(crate) base: Operand,
    pub(crate) offset: i64,
}

/// A list of up to four operands: a vector or its parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Parts<T> {
    pub(crate) items: [T; 4],
    pub(crate) count: usize,
}

impl<T> Parts<T> {
    pub(crate) fn as_slice(&self) -> &[T] {
        &self.items[..self.count]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Negate,
    Absolute,
    Exp2,
    SquareRoot,
    Reciprocal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    /// The low half of a product of integers; a product of floats.
    Multiply,
    MultiplyHigh,
    /// The whole product of integers, twice as wide.
    MultiplyWide,
    Divide,
    Minimum,
    Maximum,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

/// To which representable value a result is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    Nearest,
    Down,
}

/// Which integer a conversion from a float takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntegerRounding {
    Nearest,
    Up,
    Down,
    TowardZero,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shuffle {
    Butterfly,
    Up,
    Down,
    Index,
}

/// What an instruction does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Operation {
    Move {
        kind: Type,
        target: Register,
        source: Operand,
    },
    /// Puts parts together, the first in the lowest bits.
    Pack {
        part_bits: u32,
        target: Register,
        parts: Parts<Operand>,
    },
    Unpack {
        part_bits: u32,
        targets: Parts<Register>,
        source: Operand,
    },
    Load {
        space: Space,
        kind: Type,
        targets: Parts<Register>,
        address: Address,
    },
    Store {
        space: Space,
        kind: Type,
        sources: Parts<Operand>,
        address: Address,
    },
    AtomicAdd {
        kind: Type,
        target: Register,
        address: Address,
        source: Operand,
    },
    Unary {
        operation: Unary,
        kind: Type,
        target: Register,
        source: Operand,
    },
    Binary {
        operation: Binary,
        kind: Type,
        target: Register,
        sources: [Operand; 2],
    },
    /// `a * b + c`, rounded once.
    FusedMultiplyAdd {
        rounding: Rounding,
        kind: Type,
        target: Register,
        sources: [Operand; 3],
    },
    BitFieldInsert {
        kind: Type,
        target: Register,
        field: Operand,
        into: Operand,
        position: Operand,
        length: Operand,
    },
    Convert {
        rounding: IntegerRounding,
        saturate: bool,
        to: Type,
        from: Type,
        target: Register,
        source: Operand,
    },
    Compare {
        comparison: Comparison,
        unordered: bool,
        kind: Type,
        target: Register,
        sources: [Operand; 2],
    },
    Select {
        kind: Type,
        target: Register,
        sources: [Operand; 2],
        condition: Operand,
    },
    Shuffle {
        shuffle: Shuffle,
        target: Register,
        /// Set when the lane read from is one of the segment.
        in_range: Option<Register>,
        source: Operand,
        lane: Operand,
        clamp: Operand,
        members: Operand,
    },
    /// The one barrier of a block, number 0.
    Barrier,
    Branch {
        target: usize,
    },
    Return,
}

/// An instruction, with the predicate that guards it and its line in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Instruction {
    pub(crate) guard: Option<Guard>,
    pub(crate) operation: Operation,
    pub(crate) line: usize,
}

/// A guard: the instruction is skipped unless the predicate has this value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guard {
    pub(crate) predicate: Register,
    pub(crate) value: bool,
}
