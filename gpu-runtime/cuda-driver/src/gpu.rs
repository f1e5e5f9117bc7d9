//! A device: its memory, copies, and launches.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::c_void;
use std::sync::Arc;

use cust::CudaApiVersion;
use cust::context::{Context, CurrentContext};
use cust::device::{Device, DeviceAttribute};
use cust::error::CudaError;
use cust::memory::{AsyncCopyDestination, CopyDestination, DeviceBuffer, DeviceSlice, LockedBuffer};
use cust::module::Module;
use cust::stream::{Stream, StreamFlags};
use ptx::{Kernel, ParameterType};

use crate::library;

/// The oldest driver that takes PTX ISA 8.8, as CUDA writes versions.
const OLDEST_DRIVER: (i32, i32) = (12, 9);
/// The oldest architecture that the kernels are compiled for.
const OLDEST_ARCHITECTURE: (i32, i32) = (8, 0);
/// Page-locked memory for copies in the order of the stream. What is larger is copied at once, and waited for.
const STAGING_BYTES: usize = 4 << 20;

/// Why no GPU can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The driver's library is not there.
    #[error("no CUDA driver: {0}")]
    NoDriver(String),
    /// The driver does not start, or finds no device.
    #[error("no usable GPU: {0}")]
    NoDevice(String),
    /// The driver is too old for the kernels.
    #[error("the driver is for CUDA {found}, the kernels need one for {needed} or newer; update the driver")]
    OldDriver {
        /// The driver's CUDA version.
        found: String,
        /// The oldest that will do.
        needed: String,
    },
    /// The GPU is too old for the kernels.
    #[error("{name} has compute capability {found}, the kernels need {needed} or higher")]
    OldDevice {
        /// The GPU.
        name: String,
        /// Its compute capability.
        found: String,
        /// The lowest that will do.
        needed: String,
    },
}

/// An operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// There is not enough memory on the device.
    #[error("not enough memory on the GPU for {bytes} bytes")]
    OutOfMemory {
        /// How much was asked for.
        bytes: usize,
    },
    /// The arguments are not what the kernel takes, or reach beyond a buffer. Nothing was done.
    #[error("{operation}: {problem}")]
    Argument {
        /// The operation.
        operation: &'static str,
        /// What does not fit.
        problem: String,
    },
    /// The driver reported an error, which may be that of an operation queued before.
    #[error("{operation} failed: {message}")]
    Driver {
        /// The operation.
        operation: &'static str,
        /// The driver's message.
        message: String,
    },
}

/// What is passed for a parameter of a kernel.
#[derive(Debug, Clone, Copy)]
pub enum Argument<'a> {
    /// The address of a buffer's byte.
    Buffer(&'a Buffer, usize),
    /// An unsigned integer.
    U32(u32),
    /// A float.
    F32(f32),
}

/// Memory of a device.
#[derive(Debug)]
pub struct Buffer {
    // Dropped before the context.
    memory: DeviceBuffer<u8>,
    context: Arc<Context>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // Another thread may drop the buffer than the one that made it. If this fails, so does freeing, which tells
        // nobody either: the context is gone, and the memory with it.
        let _ = CurrentContext::set_current(&*self.context);
    }
}

/// A device with a stream, on which everything is done in order.
#[derive(Debug)]
pub struct Gpu {
    description: String,
    modules: HashMap<ptx::Module, Module>,
    staging: LockedBuffer<u8>,
    /// The part of `staging` that queued copies may still read.
    staged: usize,
    stream: Stream,
    // Dropped last: the others are made in it.
    context: Arc<Context>,
}

impl Gpu {
    /// The first device of the driver.
    ///
    /// # Errors
    /// Why there is none that can run the kernels.
    pub fn open() -> Result<Self, Unavailable> {
        library::load().map_err(|message| Unavailable::NoDriver(message.to_owned()))?;
        let unusable = |error: CudaError| Unavailable::NoDevice(error.to_string());
        cust::init(cust::CudaFlags::empty()).map_err(unusable)?;
        let version = CudaApiVersion::get().map_err(unusable)?;
        let version = (version.major(), version.minor());
        if version < OLDEST_DRIVER {
            return Err(Unavailable::OldDriver { found: dotted(version), needed: dotted(OLDEST_DRIVER) });
        }
        if Device::num_devices().map_err(unusable)? == 0 {
            return Err(Unavailable::NoDevice("the driver finds no device".to_owned()));
        }
        let device = Device::get_device(0).map_err(unusable)?;
        let name = device.name().map_err(unusable)?;
        let attribute = |attribute| device.get_attribute(attribute).map_err(unusable);
        let architecture =
            (attribute(DeviceAttribute::ComputeCapabilityMajor)?, attribute(DeviceAttribute::ComputeCapabilityMinor)?);
        if architecture < OLDEST_ARCHITECTURE {
            let (found, needed) = (dotted(architecture), dotted(OLDEST_ARCHITECTURE));
            return Err(Unavailable::OldDevice { name, found, needed });
        }
        let memory = device.total_memory().map_err(unusable)? >> 30;
        let description = format!(
            "{name}, {memory} GiB, compute capability {}, driver for CUDA {}",
            dotted(architecture),
            dotted(version)
        );
        let context = Arc::new(Context::new(device).map_err(unusable)?);
        let stream = Stream::new(StreamFlags::DEFAULT, None).map_err(unusable)?;
        let staging = LockedBuffer::new(&0, STAGING_BYTES).map_err(unusable)?;
        Ok(Self { description, modules: HashMap::new(), staging, staged: 0, stream, context })
    }

    /// The device's name, memory, compute capability and driver, for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Makes a buffer of `bytes` bytes, all 0.
    ///
    /// # Errors
    /// Not enough memory; failures of the driver.
    pub fn allocate(&mut self, bytes: usize) -> Result<Buffer, GpuError> {
        self.activate()?;
        // The driver has no empty buffers.
        // SAFETY: the memory is written on the next line, before anything reads it.
        let memory = unsafe { DeviceBuffer::uninitialized(bytes.max(1)) };
        let mut memory = memory.map_err(|error| match error {
            CudaError::OutOfMemory => GpuError::OutOfMemory { bytes },
            error => driver_error("allocate")(error),
        })?;
        memory.set_8(0).map_err(driver_error("clear"))?;
        Ok(Buffer { memory, context: Arc::clone(&self.context) })
    }

    /// Copies `bytes` to a buffer, from its byte `offset` on, after what is queued.
    ///
    /// # Errors
    /// Bytes beyond the buffer; failures of the driver.
    pub fn upload(&mut self, target: &mut Buffer, offset: usize, bytes: &[u8]) -> Result<(), GpuError> {
        let mut target = slice(&target.memory, offset, bytes.len(), "upload")?;
        self.activate()?;
        if bytes.len() > STAGING_BYTES {
            self.synchronize()?;
            return target.copy_from(bytes).map_err(driver_error("upload"));
        }
        if self.staged + bytes.len() > STAGING_BYTES {
            self.synchronize()?;
        }
        let staged = &mut self.staging.as_mut_slice()[self.staged..][..bytes.len()];
        staged.copy_from_slice(bytes);
        self.staged += bytes.len();
        // SAFETY: the source is page-locked, and is not written again before `synchronize` has waited for this copy:
        // `staged` is past it. Nor is it freed before: dropping a `Gpu` waits first.
        unsafe { target.async_copy_from(staged, &self.stream) }.map_err(driver_error("upload"))
    }

    /// Waits for what is queued, and copies a part of a buffer.
    ///
    /// # Errors
    /// Bytes beyond the buffer; failures of the driver, those of queued operations included.
    pub fn download(&mut self, source: &Buffer, offset: usize, bytes: &mut [u8]) -> Result<(), GpuError> {
        let source = slice(&source.memory, offset, bytes.len(), "download")?;
        self.synchronize()?;
        source.copy_to(bytes).map_err(driver_error("download"))
    }

    /// Copies the first `bytes` bytes of a buffer to another, after what is queued.
    ///
    /// # Errors
    /// Bytes beyond a buffer; failures of the driver.
    pub fn copy(&mut self, target: &mut Buffer, source: &Buffer, bytes: usize) -> Result<(), GpuError> {
        let source = slice(&source.memory, 0, bytes, "copy")?;
        let mut target = slice(&target.memory, 0, bytes, "copy")?;
        self.activate()?;
        // SAFETY: both are memory of the device, which is freed only once the stream is done with it: the driver waits.
        unsafe { target.async_copy_from(&source, &self.stream) }.map_err(driver_error("copy"))
    }

    /// Queues a kernel with blocks of its size. A grid with an empty side is no launch.
    ///
    /// A kernel reads and writes as far as its numbers say: if they say more than a buffer has, it corrupts other
    /// buffers of the device, or fails as an error of a later operation. Memory of the host is out of its reach.
    ///
    /// # Errors
    /// Arguments that are not what the kernel takes; failures of the driver, which may be those of the driver's
    /// compiler when a kernel is launched for the first time.
    pub fn launch(&mut self, kernel: Kernel, grid: [u32; 3], arguments: &[Argument<'_>]) -> Result<(), GpuError> {
        check_arguments(kernel, arguments)?;
        if grid.contains(&0) {
            return Ok(());
        }
        self.activate()?;
        let module = match self.modules.entry(kernel.module()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let module = Module::from_ptx(kernel.module().text(), &[]);
                entry.insert(module.map_err(driver_error("compile a kernel"))?)
            }
        };
        let function = module.get_function(kernel.entry()).map_err(driver_error("find a kernel"))?;
        let mut values: Vec<u64> = arguments
            .iter()
            .map(|argument| match argument {
                Argument::Buffer(buffer, offset) => buffer.memory.as_device_ptr().as_raw() + *offset as u64,
                Argument::U32(value) => u64::from(*value),
                // A value of 32 bits is read from the first 4 bytes, which hold the lower half: no driver runs on a
                // machine that has its bytes the other way round.
                Argument::F32(value) => u64::from(value.to_bits()),
            })
            .collect();
        let pointers: Vec<*mut c_void> = values.iter_mut().map(|value| std::ptr::from_mut(value).cast()).collect();
        let [x, y, z] = grid;
        // SAFETY: there are as many arguments as the kernel has parameters, each of at least its size (checked above
        // against the declaration, which tests compare with the PTX), and the driver copies them before it returns.
        // The function's module lives as long as `self`, which waits for the stream when it is dropped. A kernel
        // reaches memory of the device only, where there are no values of Rust.
        unsafe { self.stream.launch(&function, (x, y, z), kernel.block_size(), 0, &pointers) }
            .map_err(driver_error("launch a kernel"))
    }

    /// Waits for what is queued.
    ///
    /// # Errors
    /// Failures of the driver, those of queued operations included.
    pub fn synchronize(&mut self) -> Result<(), GpuError> {
        self.activate()?;
        self.stream.synchronize().map_err(driver_error("synchronize"))?;
        self.staged = 0;
        Ok(())
    }

    /// Makes the context that of the calling thread, which need not be the one of the last call.
    fn activate(&self) -> Result<(), GpuError> {
        CurrentContext::set_current(&*self.context).map_err(driver_error("set the context"))
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        // Queued work still uses the staging memory and the modules. If waiting fails the context is lost, and nothing
        // uses them any more.
        let _ = self.synchronize();
    }
}

fn dotted((major, minor): (i32, i32)) -> String {
    format!("{major}.{minor}")
}

fn driver_error(operation: &'static str) -> impl Fn(CudaError) -> GpuError {
    move |error| GpuError::Driver { operation, message: error.to_string() }
}

/// A part of a buffer.
fn slice(
    memory: &DeviceBuffer<u8>,
    offset: usize,
    length: usize,
    operation: &'static str,
) -> Result<DeviceSlice<u8>, GpuError> {
    if offset.checked_add(length).is_none_or(|end| end > memory.len()) {
        let problem = format!("{length} bytes from {offset} on of a buffer of {}", memory.len());
        return Err(GpuError::Argument { operation, problem });
    }
    // SAFETY: the range is inside the buffer, which outlives the slice in every caller.
    Ok(unsafe { DeviceSlice::from_raw_parts(memory.as_device_ptr().wrapping_add(offset), length) })
}

fn check_arguments(kernel: Kernel, arguments: &[Argument<'_>]) -> Result<(), GpuError> {
    let refuse = |problem| Err(GpuError::Argument { operation: kernel.entry(), problem });
    let parameters = kernel.parameters();
    if arguments.len() != parameters.len() {
        return refuse(format!("{} arguments for {} parameters", arguments.len(), parameters.len()));
    }
    for (argument, parameter) in arguments.iter().zip(parameters) {
        let fits = match (argument, parameter.kind) {
            (Argument::Buffer(buffer, offset), ParameterType::Pointer(element)) => {
                *offset <= buffer.memory.len() && offset.is_multiple_of(element.size())
            }
            (Argument::U32(_), ParameterType::U32) | (Argument::F32(_), ParameterType::F32) => true,
            _ => false,
        };
        if !fits {
            return refuse(format!("the argument for {} is not what the kernel takes", parameter.name));
        }
    }
    Ok(())
}
