//! Bandwidth: of copies, and of masks applied to logits.

use std::time::Instant;

use cuda_driver::Gpu;
use gpu_runtime::cuda::{Argument, Driver};
use ptx::Kernel;

use super::report::{Failure, Report};

/// The seconds that one of `run`, queued many times, takes on the device.
fn seconds(gpu: &mut Gpu, mut run: impl FnMut(&mut Gpu) -> Result<(), Failure>) -> Result<f64, Failure> {
    const WARM_UP: usize = 20;
    const RUNS: usize = 200;
    for _ in 0..WARM_UP {
        run(gpu)?;
    }
    gpu.synchronize()?;
    let start = Instant::now();
    for _ in 0..RUNS {
        run(gpu)?;
    }
    gpu.synchronize()?;
    Ok(start.elapsed().as_secs_f64() / RUNS as f64)
}

/// The bytes per second that a copy of `bytes` moves, reads and writes counted.
fn copy_bandwidth(gpu: &mut Gpu, bytes: usize) -> Result<f64, Failure> {
    let (mut target, source) = (gpu.allocate(bytes)?, gpu.allocate(bytes)?);
    let seconds = seconds(gpu, |gpu| Ok(gpu.copy(&mut target, &source, bytes)?))?;
    Ok(2.0 * bytes as f64 / seconds)
}

/// The bandwidth of the device's memory, as a copy of 1 GiB finds it.
pub(super) fn of_memory() -> Result<f64, Failure> {
    copy_bandwidth(&mut Gpu::open()?, 1 << 30)
}

/// Logits, rows of a mask, and what has to be left of the logits, as bytes.
fn masked(rows: usize, width: usize, element: usize) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let words: Vec<u32> = (1..=(rows * width / 32) as u32).map(|word| word.wrapping_mul(0x9E37_79B9)).collect();
    let bytes = |value: f32| match element {
        // Few enough bits that bfloat16 is the upper half of f32.
        2 => value.to_le_bytes()[2..].to_vec(),
        _ => value.to_le_bytes().to_vec(),
    };
    let before = |index: usize| (index % 251) as f32 - 125.0;
    let after = |index: usize| match words[index / 32] >> (index % 32) & 1 {
        0 => f32::NEG_INFINITY,
        _ => before(index),
    };
    let all = |value: &dyn Fn(usize) -> f32| (0..rows * width).flat_map(|index| bytes(value(index))).collect();
    (all(&before), words.iter().flat_map(|word| word.to_le_bytes()).collect(), all(&after))
}

/// Logits in a device's memory, with masks for them.
struct Masked<D: Driver> {
    kernel: Kernel,
    rows: usize,
    width: usize,
    logits: D::Buffer,
    mask: D::Buffer,
    indices: D::Buffer,
}

impl<D: Driver> Masked<D> {
    fn new(driver: &mut D, kernel: Kernel, rows: usize, width: usize) -> Result<Self, Failure> {
        let logits = driver.allocate("logits", rows * width * element(kernel))?;
        let mask = driver.allocate("masks", rows * width.div_ceil(32) * 4)?;
        let mut indices = driver.allocate("mask rows", rows * 4)?;
        let numbers: Vec<u8> = (0..rows as i32).flat_map(i32::to_le_bytes).collect();
        driver.upload(&mut indices, 0, &numbers)?;
        Ok(Self { kernel, rows, width, logits, mask, indices })
    }

    /// Applies the masks in place.
    fn apply(&self, driver: &mut D) -> Result<(), Failure> {
        let columns = self.kernel.block_size() as usize * 16 / element(self.kernel);
        let grid = [self.width.div_ceil(columns) as u32, self.rows as u32, 1];
        let arguments = [
            Argument::Buffer(&self.logits, 0),
            Argument::Buffer(&self.mask, 0),
            Argument::Buffer(&self.indices, 0),
            Argument::U32(self.rows as u32),
            Argument::U32(self.width as u32),
            Argument::U32(self.rows as u32),
            Argument::U32(self.width.div_ceil(32) as u32),
        ];
        Ok(driver.launch(self.kernel, grid, &arguments)?)
    }

    /// Whether the kernel leaves of some logits what it should.
    fn is_right(&mut self, driver: &mut D) -> Result<bool, Failure> {
        let (before, words, after) = masked(self.rows, self.width, element(self.kernel));
        driver.upload(&mut self.logits, 0, &before)?;
        driver.upload(&mut self.mask, 0, &words)?;
        self.apply(driver)?;
        let mut found = vec![0; before.len()];
        driver.download(&self.logits, 0, &mut found)?;
        Ok(found == after)
    }
}

/// The bytes of a logit.
fn element(kernel: Kernel) -> usize {
    if kernel == Kernel::ApplyBitmaskBf16 { 2 } else { 4 }
}

const KERNELS: [Kernel; 2] = [Kernel::ApplyBitmaskF32, Kernel::ApplyBitmaskBf16];

/// Checks what the kernels that apply masks leave of `rows` rows of `width` logits, a multiple of 32.
///
/// # Errors
/// When the driver fails.
pub fn masks_are_applied<D: Driver>(
    report: &mut Report<'_>,
    driver: &mut D,
    rows: usize,
    width: usize,
) -> Result<(), Failure> {
    for kernel in KERNELS {
        let is_right = Masked::new(driver, kernel, rows, width)?.is_right(driver)?;
        report.check(is_right, &format!("{}: the logits that it leaves", kernel.entry()));
    }
    Ok(())
}

pub(super) fn masks(report: &mut Report<'_>) -> Result<(), Failure> {
    const ROWS: usize = 64;
    const WIDTH: usize = 128_256;
    let mut gpu = Gpu::open()?;
    masks_are_applied(report, &mut gpu, ROWS, WIDTH)?;
    for kernel in KERNELS {
        let mut masked = Masked::new(&mut gpu, kernel, ROWS, WIDTH)?;
        let mask_bytes = ROWS * WIDTH / 8;
        // Everything is masked, so that every logit is written.
        gpu.upload(&mut masked.mask, 0, &vec![0; mask_bytes])?;
        let taken = seconds(&mut gpu, |gpu| masked.apply(gpu))?;
        let logit_bytes = ROWS * WIDTH * element(kernel);
        let moved = (logit_bytes + mask_bytes) as f64;
        let copied = copy_bandwidth(&mut gpu, logit_bytes)?;
        let share = moved / taken / copied;
        let what = format!(
            "{}: {:.1} µs, {:.0} GB/s, {:.0} % of a copy of the same size ({:.0} GB/s); the bar is 60 %",
            kernel.entry(),
            taken * 1e6,
            moved / taken / 1e9,
            share * 100.0,
            copied / 1e9
        );
        report.check(share >= 0.6, &what);
    }
    Ok(())
}
