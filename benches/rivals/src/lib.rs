//! Rival constrained-decoding engines behind the traits of this project: for `maskbench`, and as backends of
//! `grammarc serve`. Each is a feature of this package.
#![forbid(unsafe_code)]

#[cfg(feature = "llguidance")]
mod llguidance;
#[cfg(feature = "outlines")]
mod outlines;
mod row;

use grammarc_benches::maskbench::EngineEntry;
use server::BackendEntry;

/// The engines that this package was built with, for `maskbench`.
pub const ENGINES: &[EngineEntry] = &[
    #[cfg(feature = "llguidance")]
    llguidance::ENGINE,
];

/// The engines that this package was built with, for `grammarc serve`.
pub const BACKENDS: &[BackendEntry] = &[
    #[cfg(feature = "llguidance")]
    llguidance::BACKEND,
    #[cfg(feature = "outlines")]
    outlines::BACKEND,
];
