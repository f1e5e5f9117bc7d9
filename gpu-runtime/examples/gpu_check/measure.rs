//! Bandwidth: of copies, and of masks applied to logits.

use std::time::Instant;

use cuda_driver::{Argument, Buffer, Gpu};
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

const ROWS: usize = 64;
const WIDTH: usize = 128_256;
const WORDS: usize = WIDTH / 32;

/// What a kernel that applies masks is launched with.
fn arguments<'a>(logits: &'a Buffer, mask: &'a Buffer, indices: &'a Buffer) -> [Argument<'a>; 7] {
    [
        Argument::Buffer(logits, 0),
        Argument::Buffer(mask, 0),
        Argument::Buffer(indices, 0),
        Argument::U32(ROWS as u32),
        Argument::U32(WIDTH as u32),
        Argument::U32(ROWS as u32),
        Argument::U32(WORDS as u32),
    ]
}

pub(super) fn masks(report: &mut Report) -> Result<(), Failure> {
    let mut gpu = Gpu::open()?;
    for (kernel, element) in [(Kernel::ApplyBitmaskF32, 4), (Kernel::ApplyBitmaskBf16, 2)] {
        let mut logits = gpu.allocate(ROWS * WIDTH * element)?;
        let mut mask = gpu.allocate(ROWS * WORDS * 4)?;
        let mut indices = gpu.allocate(ROWS * 4)?;
        let numbers: Vec<u8> = (0..ROWS as i32).flat_map(i32::to_le_bytes).collect();
        gpu.upload(&mut indices, 0, &numbers)?;
        let columns = kernel.block_size() as usize * 16 / element;
        let grid = [WIDTH.div_ceil(columns) as u32, ROWS as u32, 1];
        let (before, words, after) = masked(ROWS, WIDTH, element);
        gpu.upload(&mut logits, 0, &before)?;
        gpu.upload(&mut mask, 0, &words)?;
        gpu.launch(kernel, grid, &arguments(&logits, &mask, &indices))?;
        let mut found = vec![0; before.len()];
        gpu.download(&logits, 0, &mut found)?;
        report.check(found == after, &format!("{}: the logits that it leaves", kernel.entry()));
        // Everything is masked, so that every logit is written.
        gpu.upload(&mut mask, 0, &vec![0; words.len()])?;
        let arguments = arguments(&logits, &mask, &indices);
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
