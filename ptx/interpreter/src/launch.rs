//! A launch: blocks one after the other, the threads of each in turn, from shuffle to shuffle and barrier to barrier.

use crate::error::{Fault, FaultKind};
use crate::instruction::{Class, Instruction, Operation, Shuffle};
use crate::memory::GlobalMemory;
use crate::parse::{Entry, Program};
use crate::shared::SharedMemory;
use crate::thread::{Block, Stop, Thread};

/// The threads of a warp.
const WARP_SIZE: usize = 32;
/// The largest block of any GPU.
const MAX_BLOCK_SIZE: u64 = 1024;

/// How a kernel is launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launch {
    /// The number of blocks along x, y and z.
    pub grid: [u32; 3],
    /// The number of threads of a block along x, y and z.
    pub block: [u32; 3],
    /// After how many instructions, of all threads together, the launch is stopped.
    pub instruction_limit: u64,
}

impl Launch {
    /// A launch of this many blocks of this many threads, of at most 2³² instructions.
    pub const fn new(grid: [u32; 3], block: [u32; 3]) -> Self {
        Self { grid, block, instruction_limit: 1 << 32 }
    }
}

/// What is passed for a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Argument {
    /// An address, or an integer of 64 bits.
    U64(u64),
    /// An integer of 32 bits.
    U32(u32),
    /// A float of 32 bits.
    F32(f32),
}

impl Argument {
    const fn bits(self) -> (u64, u32) {
        match self {
            Self::U64(value) => (value, 64),
            Self::U32(value) => (value as u64, 32),
            Self::F32(value) => (value.to_bits() as u64, 32),
        }
    }
}

impl Program {
    /// Runs the kernel `entry` to its end.
    ///
    /// # Errors
    /// When there is no such kernel, the arguments or the block do not fit it, or a thread does what a GPU leaves
    /// undefined. What was written before that stays written.
    pub fn launch(
        &self,
        entry: &str,
        launch: Launch,
        arguments: &[Argument],
        memory: &mut GlobalMemory,
    ) -> Result<(), Fault> {
        let refuse = |kind| Fault { entry: entry.to_owned(), line: 0, block: [0; 3], thread: [0; 3], kind };
        let declared = self.entries.get(entry).ok_or_else(|| refuse(FaultKind::NoEntry))?;
        let arguments = check_arguments(declared, arguments).map_err(refuse)?;
        let threads = launch.block.iter().fold(1, |product: u64, extent| product.saturating_mul((*extent).into()));
        let limit = declared.largest_block.unwrap_or(MAX_BLOCK_SIZE).min(MAX_BLOCK_SIZE);
        if !(1..=limit).contains(&threads) {
            return Err(refuse(FaultKind::BlockSize { threads, limit }));
        }
        let mut block = Block {
            instructions: &declared.instructions,
            arguments: &arguments,
            index: [0; 3],
            extent: launch.block,
            grid_extent: launch.grid,
            global: memory,
            shared: SharedMemory::new(0),
            budget: launch.instruction_limit,
        };
        let mut threads: Vec<_> = indices(launch.block)
            .zip(0..)
            .map(|(index, number)| Thread { number, index, next: 0, registers: vec![0; declared.register_count] })
            .collect();
        for index in indices(launch.grid) {
            block.index = index;
            block.shared = SharedMemory::new(self.shared_bytes);
            for thread in &mut threads {
                thread.next = 0;
                thread.registers.fill(0);
            }
            run_block(&mut threads, &mut block).map_err(|(thread, kind)| Fault {
                entry: entry.to_owned(),
                line: declared.instructions.get(threads[thread].next).map_or(0, |instruction| instruction.line),
                block: index,
                thread: threads[thread].index,
                kind: match kind {
                    FaultKind::Limit { .. } => FaultKind::Limit { limit: launch.instruction_limit },
                    kind => kind,
                },
            })?;
        }
        Ok(())
    }
}

fn check_arguments(entry: &Entry, arguments: &[Argument]) -> Result<Vec<u64>, FaultKind> {
    let count = entry.parameters.len().max(arguments.len());
    (0..count)
        .map(|index| {
            let declared = entry.parameters.get(index);
            let argument = arguments.get(index).map(|argument| (argument, argument.bits()));
            match (declared, argument) {
                (Some(declared), Some((argument, (bits, width))))
                    if declared.bits == width
                        && (declared.class == Class::Float) == matches!(argument, Argument::F32(_)) =>
                {
                    Ok(bits)
                }
                _ => {
                    let declared = match declared {
                        Some(declared) => format!("{:?} of {} bits", declared.class, declared.bits).to_lowercase(),
                        None => format!("{} parameters", entry.parameters.len()),
                    };
                    Err(FaultKind::Argument { index, declared })
                }
            }
        })
        .collect()
}

/// All indices below `extent`, x fastest.
fn indices(extent: [u32; 3]) -> impl Iterator<Item = [u32; 3]> {
    let [width, height, depth] = extent;
    (0..depth).flat_map(move |z| (0..height).flat_map(move |y| (0..width).map(move |x| [x, y, z])))
}

/// Runs a block to its end. A fault comes with the place of the thread at fault.
fn run_block(threads: &mut [Thread], block: &mut Block<'_>) -> Result<(), (usize, FaultKind)> {
    let mut done = vec![false; threads.len()];
    while done.contains(&false) {
        for (warp, members) in threads.chunks_mut(WARP_SIZE).enumerate() {
            let first = warp * WARP_SIZE;
            let done = &mut done[first..][..members.len()];
            run_warp(members, done, block).map_err(|(lane, kind)| (first + lane, kind))?;
        }
        // Whoever is not done is at the barrier.
        block.shared.barrier();
    }
    Ok(())
}

/// Runs the threads of a warp until each of them is done or at a barrier.
fn run_warp(threads: &mut [Thread], done: &mut [bool], block: &mut Block<'_>) -> Result<(), (usize, FaultKind)> {
    let mut runs: Vec<_> = done.iter().map(|done| !done).collect();
    loop {
        let mut meeting = None;
        for (lane, thread) in threads.iter_mut().enumerate() {
            if !runs[lane] {
                continue;
            }
            match thread.run(block).map_err(|kind| (lane, kind))? {
                Stop::Shuffle => match meeting {
                    None => meeting = Some((lane, thread.next)),
                    Some((_, place)) if place == thread.next => {}
                    Some(_) => return Err((lane, FaultKind::Divergence)),
                },
                Stop::Barrier => runs[lane] = false,
                Stop::Done => {
                    runs[lane] = false;
                    done[lane] = true;
                }
            }
        }
        let Some((lane, place)) = meeting else { break };
        let instruction = block.instructions[place];
        shuffle(threads, &runs, instruction, block).map_err(|kind| (lane, kind))?;
        for (thread, runs) in threads.iter_mut().zip(&runs) {
            thread.next += usize::from(*runs);
        }
    }
    // The one barrier: the threads of a warp that wait must wait at the same place.
    let mut waiting = threads.iter().zip(&*done).enumerate().filter(|(_, (_, done))| !**done);
    let place = waiting.next().map(|(_, (thread, _))| thread.next);
    match waiting.find(|(_, (thread, _))| Some(thread.next) != place) {
        Some((lane, _)) => Err((lane, FaultKind::Barrier)),
        None => Ok(()),
    }
}

/// Does a shuffle for the lanes that are at it.
fn shuffle(
    threads: &mut [Thread],
    present: &[bool],
    instruction: Instruction,
    block: &Block<'_>,
) -> Result<(), FaultKind> {
    let Operation::Shuffle { shuffle, target, in_range, source, lane: distance, clamp, members } =
        instruction.operation
    else {
        return Err(FaultKind::Divergence);
    };
    let named = |members: u64, lane: usize| members >> lane & 1 == 1;
    let values: Vec<_> = threads.iter().map(|thread| thread.value(source, block)).collect();
    let mut results = Vec::with_capacity(threads.len());
    for (lane, thread) in threads.iter().enumerate() {
        if !present[lane] {
            results.push(None);
            continue;
        }
        let members = thread.value(members, block);
        let meets = (0..WARP_SIZE).all(|lane| named(members, lane) == present.get(lane).copied().unwrap_or(false));
        if !meets {
            return Err(FaultKind::Divergence);
        }
        let clamp = thread.value(clamp, block) as usize;
        let distance = thread.value(distance, block) as usize & (WARP_SIZE - 1);
        let segment = clamp >> 8 & (WARP_SIZE - 1);
        let last = lane & segment | clamp & (WARP_SIZE - 1) & !segment;
        let (from, inside) = match shuffle {
            // Upwards the clamp is the first lane of the segment.
            Shuffle::Up => (lane.wrapping_sub(distance), lane >= last + distance),
            Shuffle::Down => (lane + distance, lane + distance <= last),
            Shuffle::Butterfly => (lane ^ distance, lane ^ distance <= last),
            Shuffle::Index => {
                let from = lane & segment | distance & !segment;
                (from, from <= last)
            }
        };
        let from = if inside { from } else { lane };
        let value = *values.get(from).ok_or(FaultKind::Divergence)?;
        results.push(Some((value & 0xFFFF_FFFF, inside)));
    }
    for (thread, result) in threads.iter_mut().zip(results) {
        let Some((value, inside)) = result else { continue };
        thread.registers[target as usize] = value;
        if let Some(in_range) = in_range {
            thread.registers[in_range as usize] = u64::from(inside);
        }
    }
    Ok(())
}
