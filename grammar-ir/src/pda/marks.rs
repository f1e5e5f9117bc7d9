//! What the edges of a scope's procedure do to its registers.

/// The marks that come before the symbol of an edge: at most the end of one part, then the beginning of the next or the
/// close of the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct EdgeMarks(u32);

const BEGIN: u32 = 1 << 30;
const CLOSE: u32 = 1 << 31;
/// The selected element, plus one.
const ELEMENT: u32 = BEGIN - 1;

impl EdgeMarks {
    /// No marks.
    pub const NONE: Self = Self(0);

    /// The most elements that a scope can have.
    pub const MAX_ELEMENTS: usize = ELEMENT as usize;

    /// Whether there are no marks.
    #[inline]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// The element that is selected by the text that ends before the symbol. It comes first.
    #[inline]
    pub fn selected(self) -> Option<u32> {
        (self.0 & ELEMENT).checked_sub(1)
    }

    /// Whether a part that selects an element begins with the symbol.
    #[inline]
    pub fn begins(self) -> bool {
        self.0 & BEGIN != 0
    }

    /// Whether the rules must be met.
    #[inline]
    pub fn closes(self) -> bool {
        self.0 & CLOSE != 0
    }

    #[inline]
    pub(super) fn to_bits(self) -> u32 {
        self.0
    }

    pub(super) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    #[inline]
    pub(super) fn without_begin(self) -> Self {
        Self(self.0 & !BEGIN)
    }

    /// With the beginning of a part after these; `None` where that means that a marked part is empty.
    #[inline]
    pub(super) fn then_begin(self) -> Option<Self> {
        (!self.begins() && !self.closes()).then_some(Self(self.0 | BEGIN))
    }

    /// With the end of a part after these; `None` where that means that a marked part is empty.
    #[inline]
    pub(super) fn then_select(self, element: u32) -> Option<Self> {
        self.is_none().then_some(Self(element + 1))
    }

    /// With the close of the scope after these; `None` where that means that a marked part is empty.
    #[inline]
    pub(super) fn then_close(self) -> Option<Self> {
        (!self.begins() && !self.closes()).then_some(Self(self.0 | CLOSE))
    }
}
