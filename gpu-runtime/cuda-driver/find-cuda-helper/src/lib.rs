//! Stands in for the crates.io crate of this name in the build scripts of `cust` and `cust_raw`, by `[patch.crates-io]`.
//!
//! That one searches for a CUDA toolkit, links `libcuda`, and panics where there is none. Here nothing is searched for
//! and nothing linked: `cuda-driver` defines the functions of the driver, and loads the driver when the first is called.
#![forbid(unsafe_code)]

/// Finds nothing, because nothing is needed.
pub fn include_cuda() {}
