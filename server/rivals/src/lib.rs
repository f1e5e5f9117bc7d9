//! Rival constrained-decoding engines as backends of the server: for `grammarc serve --grammar-backend`, and for
//! `maskbench`. Each is a feature of this package.
//!
//! An engine answers with what its crate has. Kinds of constraints that it does not know are refused, and so is a
//! spelling of JSON that it cannot keep to.
#![forbid(unsafe_code)]

#[cfg(any(feature = "llguidance", feature = "outlines"))]
mod ends;
#[cfg(feature = "llguidance")]
mod llguidance;
#[cfg(feature = "outlines")]
mod outlines;
#[cfg(feature = "xgrammar")]
mod xgrammar;

use server::BackendEntry;

/// The engines that this package was built with.
pub const BACKENDS: &[BackendEntry] = &[
    #[cfg(feature = "llguidance")]
    llguidance::BACKEND,
    #[cfg(feature = "outlines")]
    outlines::BACKEND,
    #[cfg(feature = "xgrammar")]
    xgrammar::BACKEND,
];
