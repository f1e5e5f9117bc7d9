//! The PTX texts.

/// A PTX text: what is loaded into a CUDA context at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Module {
    /// `kernels/apply_bitmask.cu`: token masks applied to logits.
    ApplyBitmask,
}

impl Module {
    /// Every module.
    pub const ALL: &[Self] = &[Self::ApplyBitmask];

    /// The file name of the source without its extension.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApplyBitmask => "apply_bitmask",
        }
    }

    /// The PTX, as `cuModuleLoadData` takes it once a NUL is appended.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ApplyBitmask => include_str!("../kernels/apply_bitmask.ptx"),
        }
    }
}
