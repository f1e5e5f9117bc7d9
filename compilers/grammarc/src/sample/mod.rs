//! Random texts of a language, drawn through token masks.
//!
//! A text is a walk: fill the mask, choose an allowed token, accept it. [`Walk`] chooses; so that walks end,
//! [`Derivation`] follows what has been chosen and knows a shortest completion, whose length [`Distances`] computes.

mod derivation;
mod distance;
mod plan;
mod selection;
mod walk;

pub use derivation::{Derivation, Position};
pub use distance::Distances;
pub use walk::{Walk, WalkError};
