//! A GPU as a [`Device`](crate::Device): the kernels of the `ptx` crate, launched in the order of one stream.
//!
//! ```text
//! KernelDevice<D: Driver>   shapes, buffers, which kernel and which grid
//!   ├ Gpu (cuda_driver)     the CUDA driver, found when the program runs
//!   └ the PTX interpreter   in tests, so that all of this runs where there is no GPU
//! ```
//!
//! Weights and the cache are bfloat16, activations f32, sums f32: weights of other types are rounded once, when they are
//! loaded. Everything but [`read`](crate::Device::read), [`sample`](crate::Device::sample) and
//! [`synchronize`](crate::Device::synchronize) returns before it is done.

mod buffers;
mod device;
mod driver;
mod gpu;
mod sampling;
mod weights;

#[cfg(test)]
mod tests;

pub use buffers::{KernelActivations, KernelKvCache, KernelMatrix, KernelPlacement, KernelVector};
pub use cuda_driver::Unavailable;
pub use device::KernelDevice;
pub use driver::{Argument, Driver};

/// The first GPU of the machine.
pub type CudaDevice = KernelDevice<cuda_driver::Gpu>;

impl CudaDevice {
    /// The first GPU of the machine.
    ///
    /// # Errors
    /// Why there is none that can run the kernels, in words for people: no driver, no GPU, one that is too old.
    pub fn open() -> Result<Self, Unavailable> {
        cuda_driver::Gpu::open().map(Self::new)
    }
}
