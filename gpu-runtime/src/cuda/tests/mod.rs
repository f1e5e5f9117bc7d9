//! The device over the interpreter, compared with the CPU device: operation by operation, and whole models.

mod interpreted;
mod models;
mod operations;

use interpreted::Interpreted;

use super::KernelDevice;

fn kernel_device() -> KernelDevice<Interpreted> {
    KernelDevice::new(Interpreted::default())
}
