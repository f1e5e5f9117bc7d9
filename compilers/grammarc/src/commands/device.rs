//! Which device runs the model, and why.

use clap::ValueEnum;
use gpu_runtime::{CpuDevice, CudaDevice, Device};

use crate::failure::Failure;

/// Where the model is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DeviceChoice {
    /// The GPU if there is one that can be used, else the CPU
    Auto,
    /// The CPU
    Cpu,
    /// The first GPU of NVIDIA
    Cuda,
}

/// The options that say where the model runs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model options")]
pub(super) struct DeviceArgs {
    /// Where the model runs
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceChoice,

    /// Threads of the CPU; 0 is one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
}

/// A device, and why it was chosen.
pub(super) enum Chosen {
    Cpu(CpuDevice, String),
    Cuda(Box<CudaDevice>, String),
}

impl DeviceArgs {
    /// Opens the device.
    ///
    /// # Errors
    /// When the one that was asked for cannot be used.
    pub(super) fn open(&self) -> Result<Chosen, Failure> {
        let why = match self.device {
            DeviceChoice::Cpu => "as asked for".to_owned(),
            choice => match CudaDevice::open() {
                Ok(device) if choice == DeviceChoice::Cuda => {
                    return Ok(Chosen::Cuda(Box::new(device), "as asked for".to_owned()));
                }
                Ok(device) => return Ok(Chosen::Cuda(Box::new(device), "there is a GPU".to_owned())),
                Err(error) if choice == DeviceChoice::Cuda => {
                    return Err(Failure::Refused(format!("{error}; use --device cpu")));
                }
                Err(error) => error.to_string(),
            },
        };
        let device = CpuDevice::new(self.threads).map_err(|error| Failure::Input(error.to_string()))?;
        Ok(Chosen::Cpu(device, why))
    }
}

/// What it is and why it was chosen, for people.
pub(super) fn describe(device: &impl Device, why: &str) -> String {
    format!("{} ({why})", device.description())
}
