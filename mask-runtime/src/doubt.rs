//! What a token depends on that repeats no value as far as is known.
//!
//! A mask that is kept was made as if no value seen before were known ([`known_rows`](crate::known_rows)). Which of its tokens fit if
//! none of their own values has been seen is known then; whether one has been seen is told for most tokens by a glance at a set.

use crate::json_value::JsonValue;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

/// A set of values, of which each is one of few: it may seem to have a value that it does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ValueSet([u64; 4]);

impl ValueSet {
    pub(crate) fn insert(&mut self, place: ValuePlace) {
        self.0[usize::from(place.0 >> 6)] |= 1 << (place.0 & 63);
    }

    fn may_have(&self, place: ValuePlace) -> bool {
        self.0[usize::from(place.0 >> 6)] >> (place.0 & 63) & 1 == 1
    }
}

/// Where a value is in such a set. Equal values are in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValuePlace(u8);

impl ValuePlace {
    pub(crate) fn of(value: &JsonValue) -> Self {
        let mut hasher = FxHasher::default();
        value.hash(&mut hasher);
        Self((hasher.finish() >> 56) as u8)
    }
}

/// What was compared with values that are not known, and taken to be different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Doubt {
    /// Nothing.
    #[default]
    None,
    /// One value, or several in one place.
    Value(ValuePlace),
    /// Several, or something that is not a value that is known itself.
    Other,
}

impl Doubt {
    /// Adds what else was compared.
    pub(crate) fn add(&mut self, other: Self) {
        *self = match (*self, other) {
            (Self::None, other) | (other, Self::None) => other,
            (known, other) if known == other => known,
            _ => Self::Other,
        };
    }

    /// Whether all that was compared is certainly different from the values of `seen`.
    pub(crate) fn is_settled(self, seen: &ValueSet) -> bool {
        match self {
            Self::None => true,
            Self::Value(place) => !seen.may_have(place),
            Self::Other => false,
        }
    }
}

/// A token that fits unless one of its values has been seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depending {
    pub(crate) token: u32,
    pub(crate) doubt: Doubt,
}
