//! Bandwidth: of copies, and of masks applied to logits.

use std::time::Instant;

use cuda_driver::{Argument, Gpu};
use ptx::Kernel;

use super::{Failure, Report};

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
pub(super) fn memory_bandwidth() -> Result<f64, Failure> {
    copy_bandwidth(&mut Gpu::open()?, 1 << 30)
}

pub(super) fn masks(report: &mut Report) -> Result<(), Failure> {
    const ROWS: usize = 64;
    const WIDTH: usize = 128_256;
    const WORDS: usize = WIDTH / 32;
    let mut gpu = Gpu::open()?;
    for (kernel, element) in [(Kernel::ApplyBitmaskF32, 4), (Kernel::ApplyBitmaskBf16, 2)] {
        let logits = gpu.allocate(ROWS * WIDTH * element)?;
        // Everything is masked, so that every logit is written.
        let mask = gpu.allocate(ROWS * WORDS * 4)?;
        let mut indices = gpu.allocate(ROWS * 4)?;
        let numbers: Vec<u8> = (0..ROWS as i32).flat_map(i32::to_le_bytes).collect();
        gpu.upload(&mut indices, 0, &numbers)?;
        let columns = kernel.block_size() as usize * 16 / element;
        let arguments = [
            Argument::Buffer(&logits, 0),
            Argument::Buffer(&mask, 0),
            Argument::Buffer(&indices, 0),
            Argument::U32(ROWS as u32),
            Argument::U32(WIDTH as u32),
            Argument::U32(ROWS as u32),
            Argument::U32(WORDS as u32),
        ];
        let grid = [WIDTH.div_ceil(columns) as u32, ROWS as u32, 1];
        let taken = seconds(&mut gpu, |gpu| Ok(gpu.launch(kernel, grid, &arguments)?))?;
        let moved = (ROWS * (WIDTH * element + WORDS * 4)) as f64;
        let copied = copy_bandwidth(&mut gpu, ROWS * WIDTH * element)?;
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
