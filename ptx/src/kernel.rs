//! What a launch of each kernel passes.

use crate::module::Module;

/// A kernel: an entry point of a [`Module`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Writes keys and values into the cache, as bfloat16.
    AppendCache,
    /// Masks logits of type `f32` in place.
    ApplyBitmaskF32,
    /// Masks logits of type bfloat16 in place.
    ApplyBitmaskBf16,
    /// Finds the token of the largest logit of each row.
    Argmax,
    /// Attends to the cache, causally.
    Attention,
    /// Looks up the embedding of each token.
    Embedding,
    /// Multiplies a weight matrix with many vectors, tile by tile.
    Matmul,
    /// Multiplies a weight matrix with vectors, one at a time.
    Matvec1,
    /// Multiplies a weight matrix with vectors, four at a time.
    Matvec4,
    /// Normalises rows by their root mean square.
    Rmsnorm,
    /// Rotates heads to their positions, in place.
    Rope,
    /// Samples a token from each row of masked logits.
    Sample,
    /// Samples a token from each row of logits, under a mask that is not applied.
    MaskedSample,
    /// Copies chosen rows.
    SelectRows,
    /// Multiplies gates, activated, with values.
    Swiglu,
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
    /// An IEEE 754 binary32 number.
    F32,
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

/// What is declared of a kernel.
struct Declaration {
    module: Module,
    entry: &'static str,
    block_size: u32,
    parameters: &'static [Parameter],
}

impl ElementType {
    /// The size of an element in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::Bf16 => 2,
        }
    }
}

impl Kernel {
    /// Every kernel.
    pub const ALL: &[Self] = &[
        Self::AppendCache,
        Self::ApplyBitmaskF32,
        Self::ApplyBitmaskBf16,
        Self::Argmax,
        Self::Attention,
        Self::Embedding,
        Self::Matmul,
        Self::Matvec1,
        Self::Matvec4,
        Self::Rmsnorm,
        Self::Rope,
        Self::Sample,
        Self::MaskedSample,
        Self::SelectRows,
        Self::Swiglu,
    ];

    /// The module that holds the kernel.
    pub const fn module(self) -> Module {
        self.declaration().module
    }

    /// The name of the entry point, for `cuModuleGetFunction`.
    pub const fn entry(self) -> &'static str {
        self.declaration().entry
    }

    /// The parameters, in the order in which a launch passes them.
    pub const fn parameters(self) -> &'static [Parameter] {
        self.declaration().parameters
    }

    /// The number of threads in a block, which is one-dimensional: the kernel is compiled for that many.
    pub const fn block_size(self) -> u32 {
        self.declaration().block_size
    }

    const fn declaration(self) -> Declaration {
        use ElementType::{Bf16, F32, I32, U32};
        match self {
            Self::AppendCache => Declaration {
                module: Module::AppendCache,
                entry: "append_cache",
                block_size: 128,
                parameters: const {
                    &[
                        pointer("keys", Bf16),
                        pointer("values", Bf16),
                        pointer("new_keys", F32),
                        pointer("new_values", F32),
                        pointer("page_tables", U32),
                        pointer("sequences", U32),
                        pointer("positions", U32),
                        u32("token_count"),
                        u32("kv_head_count"),
                        u32("head_width"),
                        u32("row_stride"),
                        u32("page_size"),
                        u32("pages_per_sequence"),
                    ]
                },
            },
            Self::ApplyBitmaskF32 => Declaration {
                module: Module::ApplyBitmask,
                entry: "apply_bitmask_f32",
                block_size: 256,
                parameters: const {
                    &[
                        pointer("logits", F32),
                        pointer("bitmask", U32),
                        pointer("row_indices", I32),
                        u32("row_count"),
                        u32("logits_width"),
                        u32("bitmask_row_count"),
                        u32("words_per_row"),
                    ]
                },
            },
            Self::ApplyBitmaskBf16 => Declaration {
                module: Module::ApplyBitmask,
                entry: "apply_bitmask_bf16",
                block_size: 256,
                parameters: const {
                    &[
                        pointer("logits", Bf16),
                        pointer("bitmask", U32),
                        pointer("row_indices", I32),
                        u32("row_count"),
                        u32("logits_width"),
                        u32("bitmask_row_count"),
                        u32("words_per_row"),
                    ]
                },
            },
            Self::Argmax => Declaration {
                module: Module::Argmax,
                entry: "argmax",
                block_size: 512,
                parameters: const { &[pointer("tokens", U32), pointer("logits", F32), u32("row_count"), u32("width")] },
            },
            Self::Attention => Declaration {
                module: Module::Attention,
                entry: "attention",
                block_size: 256,
                parameters: const {
                    &[
                        pointer("output", F32),
                        pointer("queries", F32),
                        pointer("keys", Bf16),
                        pointer("values", Bf16),
                        pointer("page_tables", U32),
                        pointer("sequences", U32),
                        pointer("positions", U32),
                        u32("head_count"),
                        u32("kv_head_count"),
                        u32("head_width"),
                        u32("row_stride"),
                        u32("page_size"),
                        u32("pages_per_sequence"),
                        f32("scale"),
                    ]
                },
            },
            Self::Embedding => Declaration {
                module: Module::Embedding,
                entry: "embedding",
                block_size: 256,
                parameters: const {
                    &[
                        pointer("output", F32),
                        pointer("table", Bf16),
                        pointer("tokens", U32),
                        u32("token_count"),
                        u32("width"),
                        u32("vocabulary_size"),
                    ]
                },
            },
            Self::Matmul => Declaration {
                module: Module::Matmul,
                entry: "matmul",
                block_size: 256,
                parameters: const {
                    &[
                        pointer("output", F32),
                        pointer("weight", Bf16),
                        pointer("input", F32),
                        u32("token_count"),
                        u32("row_count"),
                        u32("column_count"),
                        u32("accumulate"),
                    ]
                },
            },
            Self::Matvec1 => Declaration {
                module: Module::Matvec,
                entry: "matvec_1",
                block_size: 256,
                parameters: const {
                    &[
                        pointer("output", F32),
                        pointer("weight", Bf16),
                        pointer("input", F32),
                        u32("token_count"),
                        u32("row_count"),
                        u32("column_count"),
                        u32("accumulate"),
                    ]
                },
            },
            Self::Matvec4 => Declaration {
                module: Module::Matvec,
                entry: "matvec_4",
                block_size: 256,
                parameters: const {
                    &[
                        pointer("output", F32),
                        pointer("weight", Bf16),
                        pointer("input", F32),
                        u32("token_count"),
                        u32("row_count"),
                        u32("column_count"),
                        u32("accumulate"),
                    ]
                },
            },
            Self::Rmsnorm => Declaration {
                module: Module::Rmsnorm,
                entry: "rmsnorm",
                block_size: 256,
                parameters: const {
                    &[
                        pointer("output", F32),
                        pointer("input", F32),
                        pointer("weight", F32),
                        u32("row_count"),
                        u32("width"),
                        f32("epsilon"),
                    ]
                },
            },
            Self::Rope => Declaration {
                module: Module::Rope,
                entry: "rope",
                block_size: 128,
                parameters: const {
                    &[
                        pointer("values", F32),
                        pointer("rotations", F32),
                        pointer("positions", U32),
                        u32("token_count"),
                        u32("head_count"),
                        u32("half_width"),
                        u32("row_stride"),
                        u32("position_count"),
                    ]
                },
            },
            Self::Sample => Declaration {
                module: Module::Sample,
                entry: "sample",
                block_size: 512,
                parameters: const {
                    &[
                        pointer("tokens", U32),
                        pointer("logits", F32),
                        pointer("parameters", U32),
                        u32("row_count"),
                        u32("width"),
                    ]
                },
            },
            Self::MaskedSample => Declaration {
                module: Module::Sample,
                entry: "masked_sample",
                block_size: 512,
                parameters: const {
                    &[
                        pointer("tokens", U32),
                        pointer("logits", F32),
                        pointer("parameters", U32),
                        pointer("bitmask", U32),
                        pointer("row_indices", I32),
                        u32("row_count"),
                        u32("width"),
                        u32("bitmask_row_count"),
                        u32("words_per_row"),
                    ]
                },
            },
            Self::SelectRows => Declaration {
                module: Module::SelectRows,
                entry: "select_rows",
                block_size: 256,
                parameters: const {
                    &[
                        pointer("output", F32),
                        pointer("input", F32),
                        pointer("rows", U32),
                        u32("row_count"),
                        u32("width"),
                        u32("input_row_count"),
                    ]
                },
            },
            Self::Swiglu => Declaration {
                module: Module::Swiglu,
                entry: "swiglu",
                block_size: 256,
                parameters: const {
                    &[
                        pointer("output", F32),
                        pointer("gate", F32),
                        pointer("up", F32),
                        u32("row_count"),
                        u32("width"),
                        u32("row_stride"),
                    ]
                },
            },
        }
    }
}

const fn pointer(name: &'static str, element: ElementType) -> Parameter {
    Parameter { name, kind: ParameterType::Pointer(element) }
}

const fn u32(name: &'static str) -> Parameter {
    Parameter { name, kind: ParameterType::U32 }
}

const fn f32(name: &'static str) -> Parameter {
    Parameter { name, kind: ParameterType::F32 }
}
