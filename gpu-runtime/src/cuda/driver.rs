//! What a [`KernelDevice`](super::KernelDevice) asks of whatever runs its kernels.

use ptx::Kernel;

use crate::device::DeviceError;

/// Memory, copies and launches, all in the order in which they are asked for.
pub trait Driver: Send {
    /// Memory of the device, aligned to 256 bytes. A kernel writes through a shared reference: what is in a buffer is no
    /// value of Rust.
    type Buffer: Send;

    /// What it is, for people.
    fn description(&self) -> String;

    /// Makes a buffer of `bytes` bytes, all 0. `what` it is for goes into the error.
    ///
    /// # Errors
    /// Not enough memory; failures of the driver.
    fn allocate(&mut self, what: &'static str, bytes: usize) -> Result<Self::Buffer, DeviceError>;

    /// Copies `bytes` to a buffer, from its byte `offset` on. `bytes` may be written again when this returns.
    ///
    /// # Errors
    /// Bytes beyond the buffer; failures of the driver.
    fn upload(&mut self, target: &mut Self::Buffer, offset: usize, bytes: &[u8]) -> Result<(), DeviceError>;

    /// Copies bytes from a buffer, from its byte `offset` on, once all before is done.
    ///
    /// # Errors
    /// Bytes beyond the buffer; failures of the driver, those of queued operations included.
    fn download(&mut self, source: &Self::Buffer, offset: usize, bytes: &mut [u8]) -> Result<(), DeviceError>;

    /// Queues a kernel, with blocks of its size.
    ///
    /// # Errors
    /// Arguments that are not what the kernel takes; failures of the driver.
    fn launch(
        &mut self,
        kernel: Kernel,
        grid: [u32; 3],
        arguments: &[Argument<'_, Self::Buffer>],
    ) -> Result<(), DeviceError>;

    /// Waits for all before.
    ///
    /// # Errors
    /// Failures of the driver, those of queued operations included.
    fn synchronize(&mut self) -> Result<(), DeviceError>;
}

/// What is passed for a parameter of a kernel.
#[derive(Debug)]
pub enum Argument<'a, B> {
    /// The address of a buffer's byte.
    Buffer(&'a B, usize),
    /// An unsigned integer.
    U32(u32),
    /// A float.
    F32(f32),
}
