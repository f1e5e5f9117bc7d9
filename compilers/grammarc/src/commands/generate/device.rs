//! Which device runs the model.

use clap::ValueEnum;
use gpu_runtime::CpuDevice;

use crate::failure::Failure;

/// Where the model is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DeviceChoice {
    /// The best there is
    Auto,
    /// The CPU
    Cpu,
    /// A GPU of NVIDIA
    Cuda,
}

/// The device, and why it was chosen.
pub(super) fn choose(choice: DeviceChoice, threads: usize) -> Result<(CpuDevice, String), Failure> {
    let why = match choice {
        DeviceChoice::Auto => "this build has no other device",
        DeviceChoice::Cpu => "as asked for",
        DeviceChoice::Cuda => {
            return Err(Failure::Refused("this build has no CUDA device; use --device cpu".to_owned()));
        }
    };
    let device = CpuDevice::new(threads).map_err(|error| Failure::Input(error.to_string()))?;
    Ok((device, why.to_owned()))
}
