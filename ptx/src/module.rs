//! The PTX texts.

/// A PTX text: what is loaded into a CUDA context at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Module {
    /// `kernels/append_cache.cu`: keys and values written into the cache.
    AppendCache,
    /// `kernels/apply_bitmask.cu`: token masks applied to logits.
    ApplyBitmask,
    /// `kernels/argmax.cu`: the likeliest token of each row.
    Argmax,
    /// `kernels/attention.cu`: attention over the cache.
    Attention,
    /// `kernels/embedding.cu`: the embeddings of tokens.
    Embedding,
    /// `kernels/matmul.cu`: products of a weight matrix with many vectors.
    Matmul,
    /// `kernels/matvec.cu`: products of a weight matrix with few vectors.
    Matvec,
    /// `kernels/rmsnorm.cu`: root-mean-square normalisation.
    Rmsnorm,
    /// `kernels/rope.cu`: rotary position embedding.
    Rope,
    /// `kernels/sample.cu`: tokens sampled from logits, masked before or at the same time.
    Sample,
    /// `kernels/select_rows.cu`: a copy of chosen rows.
    SelectRows,
    /// `kernels/swiglu.cu`: the gated activation of a feed-forward layer.
    Swiglu,
}

impl Module {
    /// Every module.
    pub const ALL: &[Self] = &[
        Self::AppendCache,
        Self::ApplyBitmask,
        Self::Argmax,
        Self::Attention,
        Self::Embedding,
        Self::Matmul,
        Self::Matvec,
        Self::Rmsnorm,
        Self::Rope,
        Self::Sample,
        Self::SelectRows,
        Self::Swiglu,
    ];

    /// The file name of the source without its extension.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AppendCache => "append_cache",
            Self::ApplyBitmask => "apply_bitmask",
            Self::Argmax => "argmax",
            Self::Attention => "attention",
            Self::Embedding => "embedding",
            Self::Matmul => "matmul",
            Self::Matvec => "matvec",
            Self::Rmsnorm => "rmsnorm",
            Self::Rope => "rope",
            Self::Sample => "sample",
            Self::SelectRows => "select_rows",
            Self::Swiglu => "swiglu",
        }
    }

    /// The PTX, as `cuModuleLoadData` takes it once a NUL is appended.
    pub const fn text(self) -> &'static str {
        match self {
            Self::AppendCache => include_str!("../kernels/append_cache.ptx"),
            Self::ApplyBitmask => include_str!("../kernels/apply_bitmask.ptx"),
            Self::Argmax => include_str!("../kernels/argmax.ptx"),
            Self::Attention => include_str!("../kernels/attention.ptx"),
            Self::Embedding => include_str!("../kernels/embedding.ptx"),
            Self::Matmul => include_str!("../kernels/matmul.ptx"),
            Self::Matvec => include_str!("../kernels/matvec.ptx"),
            Self::Rmsnorm => include_str!("../kernels/rmsnorm.ptx"),
            Self::Rope => include_str!("../kernels/rope.ptx"),
            Self::Sample => include_str!("../kernels/sample.ptx"),
            Self::SelectRows => include_str!("../kernels/select_rows.ptx"),
            Self::Swiglu => include_str!("../kernels/swiglu.ptx"),
        }
    }
}
