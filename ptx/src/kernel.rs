//! What a launch of each kernel passes.

use crate::module::Module;

/// A kernel: an entry point of a [`Module`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Masks logits of type `f32` in place.
    ApplyBitmaskF32,
    /// Masks logits of type bfloat16 in place.
    ApplyBitmaskBf16,
}

/// A parameter of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// The name in the kernel's source, where its shape and meaning are told.
    pub name: &'static str,
    /// What the launch passes.
    pub kind: ParameterType,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterType {
    /// A device pointer to elements of this type, aligned to one element; 8 bytes.
    Pointer(ElementType),
    /// An unsigned 32-bit integer.
    U32,
}

/// What a pointer parameter points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    /// IEEE 754 binary32.
    F32,
    /// bfloat16: the upper half of an `f32`.
    Bf16,
    /// A signed 32-bit integer.
    I32,
    /// An unsigned 32-bit integer.
    U32,
}

impl Kernel {
    /// Every kernel.
    pub const ALL: &[Self] = &[Self::ApplyBitmaskF32, Self::ApplyBitmaskBf16];

    /// The module that holds the kernel.
    pub const fn module(self) -> Module {
        match self {
            Self::ApplyBitmaskF32 | Self::ApplyBitmaskBf16 => Module::ApplyBitmask,
        }
    }

    /// The name of the entry point, for `cuModuleGetFunction`.
    pub const fn entry(self) -> &'static str {
        match self {
            Self::ApplyBitmaskF32 => "apply_bitmask_f32",
            Self::ApplyBitmaskBf16 => "apply_bitmask_bf16",
        }
    }

    /// The parameters, in the order in which a launch passes them.
    pub const fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::ApplyBitmaskF32 => const { &apply_bitmask_parameters(ElementType::F32) },
            Self::ApplyBitmaskBf16 => const { &apply_bitmask_parameters(ElementType::Bf16) },
        }
    }

    /// The number of threads in a block, which is one-dimensional: the kernel is compiled for at most that many.
    pub const fn block_size(self) -> u32 {
        match self {
            Self::ApplyBitmaskF32 | Self::ApplyBitmaskBf16 => 256,
        }
    }
}

const fn apply_bitmask_parameters(logit: ElementType) -> [Parameter; 7] {
    [
        Parameter { name: "logits", kind: ParameterType::Pointer(logit) },
        Parameter { name: "bitmask", kind: ParameterType::Pointer(ElementType::U32) },
        Parameter { name: "row_indices", kind: ParameterType::Pointer(ElementType::I32) },
        Parameter { name: "row_count", kind: ParameterType::U32 },
        Parameter { name: "logits_width", kind: ParameterType::U32 },
        Parameter { name: "bitmask_row_count", kind: ParameterType::U32 },
        Parameter { name: "words_per_row", kind: ParameterType::U32 },
    ]
}
