//! The PTX interpreter as a driver.

use std::collections::HashMap;

use ptx::Kernel;
use ptx_interpreter::{GlobalMemory, Launch, Program};

use crate::cuda::{Argument, Driver};
use crate::device::DeviceError;

/// Runs kernels as they are launched, so that everything is done when it is queued.
#[derive(Default)]
pub(super) struct Interpreted {
    memory: GlobalMemory,
    programs: HashMap<ptx::Module, Program>,
}

/// The address and the length of a buffer.
pub(super) struct Buffer(u64, usize);

fn driver_error(operation: &'static str, message: String) -> DeviceError {
    DeviceError::Driver { device: "the interpreter".to_owned(), operation, message }
}

impl Driver for Interpreted {
    type Buffer = Buffer;

    fn description(&self) -> String {
        "the PTX interpreter".to_owned()
    }

    fn allocate(&mut self, _what: &'static str, bytes: usize) -> Result<Buffer, DeviceError> {
        Ok(Buffer(self.memory.allocate(vec![0; bytes]), bytes))
    }

    fn upload(&mut self, target: &mut Buffer, offset: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        let beyond = || driver_error("upload", format!("{} bytes from {offset} of {}", bytes.len(), target.1));
        let target = self.memory.bytes_mut(target.0 + offset as u64).and_then(|target| target.get_mut(..bytes.len()));
        target.ok_or_else(beyond)?.copy_from_slice(bytes);
        Ok(())
    }

    fn download(&mut self, source: &Buffer, offset: usize, bytes: &mut [u8]) -> Result<(), DeviceError> {
        let beyond = || driver_error("download", format!("{offset} of {}", source.1));
        let found = self.memory.bytes(source.0 + offset as u64).and_then(|source| source.get(..bytes.len()));
        bytes.copy_from_slice(found.ok_or_else(beyond)?);
        Ok(())
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
                Argument::Buffer(buffer, offset) => ptx_interpreter::Argument::U64(buffer.0 + *offset as u64),
                Argument::U32(value) => ptx_interpreter::Argument::U32(*value),
                Argument::F32(value) => ptx_interpreter::Argument::F32(*value),
            })
            .collect();
        let program = self
            .programs
            .entry(kernel.module())
            .or_insert_with(|| Program::parse(kernel.module().text()).expect("the tests of ptx parse every module"));
        let launch = Launch::new(grid, [kernel.block_size(), 1, 1]);
        program
            .launch(kernel.entry(), launch, &arguments, &mut self.memory)
            .map_err(|fault| driver_error("launch a kernel", fault.to_string()))
    }

    fn synchronize(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}
