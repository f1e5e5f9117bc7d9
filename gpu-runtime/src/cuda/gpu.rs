//! The CUDA driver as a [`Driver`].

use cuda_driver::{Buffer, Gpu, GpuError};
use ptx::Kernel;

use super::driver::{Argument, Driver};
use crate::device::DeviceError;

impl Driver for Gpu {
    type Buffer = Buffer;

    fn description(&self) -> String {
        format!("cuda, {}", Gpu::description(self))
    }

    fn allocate(&mut self, what: &'static str, bytes: usize) -> Result<Buffer, DeviceError> {
        Gpu::allocate(self, bytes).map_err(|error| device_error(error, what))
    }

    fn upload(&mut self, target: &mut Buffer, offset: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        Gpu::upload(self, target, offset, bytes).map_err(|error| device_error(error, "a copy"))
    }

    fn download(&mut self, source: &Buffer, offset: usize, bytes: &mut [u8]) -> Result<(), DeviceError> {
        Gpu::download(self, source, offset, bytes).map_err(|error| device_error(error, "a copy"))
    }

    fn launch(
        &mut self,
        kernel: Kernel,
        grid: [u32; 3],
        arguments: &[Argument<'_, Buffer>],
    ) -> Result<(), DeviceError> {
        let arguments: Vec<_> = arguments
            .iter()
            .map(|argument| match argument {
                Argument::Buffer(buffer, offset) => cuda_driver::Argument::Buffer(buffer, *offset),
                Argument::U32(value) => cuda_driver::Argument::U32(*value),
                Argument::F32(value) => cuda_driver::Argument::F32(*value),
            })
            .collect();
        Gpu::launch(self, kernel, grid, &arguments).map_err(|error| device_error(error, "a kernel"))
    }

    fn synchronize(&mut self) -> Result<(), DeviceError> {
        Gpu::synchronize(self).map_err(|error| device_error(error, "waiting"))
    }
}

fn device_error(error: GpuError, what: &'static str) -> DeviceError {
    let device = || "cuda".to_owned();
    match error {
        GpuError::OutOfMemory { bytes } => DeviceError::OutOfMemory { device: device(), what, bytes },
        GpuError::Argument { operation, problem } => DeviceError::Shape { operation, problem },
        GpuError::Driver { operation, message } => DeviceError::Driver { device: device(), operation, message },
        error => DeviceError::Driver { device: device(), operation: what, message: error.to_string() },
    }
}
