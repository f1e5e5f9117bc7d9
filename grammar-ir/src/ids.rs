//! Typed indices. Construction from `usize` is checked, so an id is never a silently truncated number.

use std::fmt;

/// An arena would need more than `u32::MAX` entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {} {what}s", u32::MAX)]
pub struct IdOverflow {
    what: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, bytemuck::Pod, bytemuck::Zeroable)]
        #[repr(transparent)]
        pub struct $name(u32);

        impl $name {
            /// The id with this raw number. Whether it names something is for the arena to say.
            #[inline]
            pub const fn from_u32(raw: u32) -> Self {
                Self(raw)
            }

            /// The id of the entry at `index`.
            ///
            /// # Errors
            /// When `index` does not fit.
            pub fn new(index: usize) -> Result<Self, IdOverflow> {
                u32::try_from(index).map(Self).map_err(|_| IdOverflow { what: $what })
            }

            /// The raw number.
            #[inline]
            pub const fn as_u32(self) -> u32 {
                self.0
            }

            /// The position in its arena.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    };
}

id!(
    /// A rule of a [`Grammar`](crate::Grammar).
    RuleId, "rule", "r"
);
id!(
    /// An expression in the arena of a [`Grammar`](crate::Grammar).
    ExprId, "expression", "e"
);
id!(
    /// A procedure of a [`Pda`](crate::pda::Pda).
    ProcedureId, "procedure", "p"
);
id!(
    /// A state of a [`Pda`](crate::pda::Pda), numbered across all procedures.
    StateId, "state", "q"
);
