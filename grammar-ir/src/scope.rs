//! Scopes: what a grammar says about all marked parts of a word together.
//!
//! Context-free rules relate a part to its neighbours. "The members of an object in any order, each key once, these
//! ones required, at most ten" relates parts at any distance, and would take a state for each set of keys. A *scope* says
//! it with registers instead: its body marks the parts, and its rules say which sequences of marks are allowed.
//!
//! A derivation of [`Expr::Scope`](crate::Expr::Scope) is read from left to right. [`Mark::Element`] *selects* an element
//! of the rules; [`Mark::Close`] asks whether enough has been selected. Marks belong to the nearest scope around them and
//! stand in its body itself: not in a rule that the body refers to, and not in a repetition with bounds other than `?`,
//! `*` and `+`.

/// What a scope demands of the sequence of marks in its body.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScopeRules {
    /// What [`Mark::Element`] refers to by index.
    pub elements: Box<[Element]>,
    /// Per slot: whether one of its elements must be selected before the scope closes.
    pub required: Box<[bool]>,
    /// In which order elements are selected.
    pub order: ElementOrder,
    /// The least number of selections before the scope closes.
    pub min: u32,
    /// The greatest number of selections; `None` is unbounded.
    pub max: Option<u32>,
    /// Bounds on the selections of elements that are added up together; at most [`ScopeRules::MAX_TALLIES`].
    pub tallies: Box<[Tally]>,
}

impl ScopeRules {
    /// [`Element::tallies`] has this many bits.
    pub const MAX_TALLIES: usize = 16;
}

/// Something that a mark can select.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Element {
    /// The elements of one slot are alternatives, of which one can be selected, once. Without a slot an element can be
    /// selected any number of times.
    pub slot: Option<u32>,
    /// Bit *i*: a selection adds one to tally *i*.
    pub tallies: u16,
    /// Whether the marked text must differ from that of every other selection of a distinct element in the scope. Texts
    /// that are JSON are compared by value (`"a"` and `"\u0061"`, `1` and `1.0`, `{"a":1,"b":2}` and `{"b":2,"a":1}`
    /// are equal), others byte by byte.
    pub distinct: bool,
}

/// The order in which the elements of a scope are selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementOrder {
    /// Any.
    Any,
    /// Ascending by slot, and elements without a slot after all others.
    Slots,
}

/// Bounds on a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tally {
    /// The least sum with which the scope closes.
    pub min: u32,
    /// The greatest sum.
    pub max: Option<u32>,
}

/// A mark in the body of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// The marked part selects the element with this index. It is possible only where the rules can still be met after
    /// it; what the rules compare, if the element is distinct, is the text of the part.
    Element(u32),
    /// The marked part comes after the last selection. It is possible only where the rules are met.
    Close,
}
