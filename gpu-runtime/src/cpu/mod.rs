//! The CPU as a [`Device`]: the reference that other devices are compared with.
//!
//! `dot` holds the product of few rows with a matrix, which decoding is made of, `product` decides between it and the
//! GEMM for many rows, `attention` and `elementwise` hold the rest. Loops are written so that compilers vectorise them,
//! and `pulp` picks the version for the machine's vector instructions at run time.

mod attention;
mod dot;
mod elementwise;
mod kv_cache;
mod matrix;
mod product;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::device::{Device, DeviceError, Draw, HostTensor, KvCacheShape, MaskRows, RowPlacement};
use crate::logits::apply_bitmask_rows;
use crate::sampler::{SampleError, SamplerScratch};

pub use kv_cache::CpuKvCache;
pub use matrix::CpuMatrix;

/// The CPU as a device.
#[derive(Debug)]
pub struct CpuDevice {
    /// `None` if there is one thread only.
    pool: Option<ThreadPool>,
    threads: usize,
    arch: pulp::Arch,
    scratch: SamplerScratch,
}

/// Rows of f32.
#[derive(Debug, Clone)]
pub struct CpuActivations {
    max_rows: usize,
    width: usize,
    values: Vec<f32>,
}

/// A checked placement.
#[derive(Debug, Clone)]
pub struct CpuPlacement {
    positions: Vec<u32>,
    sequences: Vec<u32>,
    page_table: Vec<u32>,
    pages_per_sequence: usize,
}

/// The threads could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {threads} threads: {source}")]
pub struct CpuThreadError {
    threads: usize,
    source: ThreadPoolBuildError,
}

impl CpuDevice {
    /// A device that uses `threads` threads; 0 means one per core.
    ///
    /// # Errors
    /// When the system does not give the threads.
    pub fn new(threads: usize) -> Result<Self, CpuThreadError> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let build = || {
            let builder = ThreadPoolBuilder::new().num_threads(threads);
            builder.thread_name(|index| format!("grammarc-cpu-{index}")).build()
        };
        let pool = match threads {
            1 => None,
            _ => Some(build().map_err(|source| CpuThreadError { threads, source })?),
        };
        Ok(Self { pool, threads, arch: pulp::Arch::new(), scratch: SamplerScratch::default() })
    }

    /// The pool, if `operations` multiplications are worth waking its threads for.
    fn pool_for(&self, operations: usize) -> Option<&ThreadPool> {
        self.pool.as_ref().filter(|_| operations >= PARALLEL_OPERATIONS)
    }
}

/// Below this many multiplications, about 50 µs of one core, threads cost more than they save.
const PARALLEL_OPERATIONS: usize = 500_000;

impl CpuActivations {
    /// The first `rows` rows.
    fn rows(&self, operation: &'static str, rows: usize, width: usize) -> Result<&[f32], DeviceError> {
        self.check(operation, rows, width)?;
        Ok(&self.values[..rows * width])
    }

    /// The first `rows` rows, to be written.
    fn rows_mut(&mut self, operation: &'static str, rows: usize, width: usize) -> Result<&mut [f32], DeviceError> {
        self.check(operation, rows, width)?;
        Ok(&mut self.values[..rows * width])
    }

    fn check(&self, operation: &'static str, rows: usize, width: usize) -> Result<(), DeviceError> {
        if rows <= self.max_rows && width == self.width {
            return Ok(());
        }
        let problem = format!("{rows} rows of {width} were asked for of {} rows of {}", self.max_rows, self.width);
        Err(DeviceError::Shape { operation, problem })
    }
}

fn shape_error(operation: &'static str, problem: String) -> DeviceError {
    DeviceError::Shape { operation, problem }
}

fn out_of_memory(what: &'static str, length: usize) -> DeviceError {
    DeviceError::OutOfMemory { device: "cpu".to_owned(), what, bytes: length.saturating_mul(size_of::<f32>()) }
}

/// A vector of zeros, or the error that there is no room for it.
fn zeros(what: &'static str, length: Option<usize>) -> Result<Vec<f32>, DeviceError> {
    let mut values = Vec::new();
    let length = length.unwrap_or(usize::MAX);
    values.try_reserve_exact(length).map_err(|_| out_of_memory(what, length))?;
    values.resize(length, 0.0);
    Ok(values)
}

/// The same, of memory that the system has zeroed: what is never used takes none.
fn unused_zeros(what: &'static str, length: Option<usize>) -> Result<Box<[f32]>, DeviceError> {
    let length = length.unwrap_or(usize::MAX);
    bytemuck::try_zeroed_slice_box(length).map_err(|()| out_of_memory(what, length))
}

impl Device for CpuDevice {
    type Matrix = CpuMatrix;
    type Vector = Vec<f32>;
    type Activations = CpuActivations;
    type KvCache = CpuKvCache;
    type Placement = CpuPlacement;

    fn description(&self) -> String {
        format!("cpu, {} thread{}", self.threads, if self.threads == 1 { "" } else { "s" })
    }

    fn matrix(&mut self, parts: &[HostTensor<'_>]) -> Result<CpuMatrix, DeviceError> {
        CpuMatrix::stack(parts)
    }

    fn vector(&mut self, values: &[f32]) -> Result<Vec<f32>, DeviceError> {
        Ok(values.to_vec())
    }

    fn activations(&mut self, rows: usize, width: usize) -> Result<CpuActivations, DeviceError> {
        let values = zeros("activations", rows.checked_mul(width))?;
        Ok(CpuActivations { max_rows: rows, width, values })
    }

    fn kv_cache(&mut self, shape: KvCacheShape) -> Result<CpuKvCache, DeviceError> {
        CpuKvCache::new(shape)
    }

    fn place(&mut self, placement: RowPlacement<'_>) -> Result<CpuPlacement, DeviceError> {
        let RowPlacement { positions, sequences, page_table, pages_per_sequence } = placement;
        let table_rows = page_table.len().checked_div(pages_per_sequence).unwrap_or(0);
        if positions.len() != sequences.len() || table_rows * pages_per_sequence != page_table.len() {
            return Err(shape_error("place", "positions, sequences and page table differ in length".to_owned()));
        }
        if let Some(sequence) = sequences.iter().find(|&&sequence| sequence as usize >= table_rows) {
            return Err(shape_error("place", format!("sequence {sequence} is not in the table of {table_rows}")));
        }
        Ok(CpuPlacement {
            positions: positions.to_vec(),
            sequences: sequences.to_vec(),
            page_table: page_table.to_vec(),
            pages_per_sequence,
        })
    }

    fn embed(&mut self, table: &CpuMatrix, tokens: &[u32], output: &mut CpuActivations) -> Result<(), DeviceError> {
        let width = table.columns();
        let output = output.rows_mut("embed", tokens.len(), width)?;
        if let Some(token) = tokens.iter().find(|&&token| token as usize >= table.rows()) {
            return Err(shape_error("embed", format!("token {token} is beyond the table of {}", table.rows())));
        }
        for (&token, output) in tokens.iter().zip(output.chunks_exact_mut(width)) {
            table.copy_row(token as usize, output);
        }
        Ok(())
    }

    fn rms_norm(
        &mut self,
        rows: usize,
        input: &CpuActivations,
        weight: &Vec<f32>,
        epsilon: f32,
        output: &mut CpuActivations,
    ) -> Result<(), DeviceError> {
        let width = weight.len();
        let (input, output) = (input.rows("rms_norm", rows, width)?, output.rows_mut("rms_norm", rows, width)?);
        self.arch.dispatch(|| elementwise::rms_norm(input, weight, epsilon, output));
        Ok(())
    }

    fn multiply(
        &mut self,
        rows: usize,
        input: &CpuActivations,
        weight: &CpuMatrix,
        output: &mut CpuActivations,
    ) -> Result<(), DeviceError> {
        output.rows_mut("multiply", rows, weight.rows())?.fill(0.0);
        self.multiply_add(rows, input, weight, output)
    }

    fn multiply_add(
        &mut self,
        rows: usize,
        input: &CpuActivations,
        weight: &CpuMatrix,
        output: &mut CpuActivations,
    ) -> Result<(), DeviceError> {
        let input = input.rows("multiply", rows, weight.columns())?;
        let output = output.rows_mut("multiply", rows, weight.rows())?;
        let pool = self.pool_for(rows * weight.rows() * weight.columns());
        product::multiply_add(self.arch, pool, rows, input, weight, output);
        Ok(())
    }

    fn rotate_and_store(
        &mut self,
        qkv: &mut CpuActivations,
        rotations: &Vec<f32>,
        placement: &CpuPlacement,
        layer: usize,
        cache: &mut CpuKvCache,
    ) -> Result<(), DeviceError> {
        let heads = cache.shape().heads;
        let rows = placement.positions.len();
        let qkv = qkv.rows_mut("rotate_and_store", rows, heads.qkv_width())?;
        placement.check_pages(cache.shape(), layer)?;
        let last = placement.positions.iter().max().copied().unwrap_or(0) as usize;
        if (last + 1).checked_mul(heads.head_dim).is_none_or(|length| length > rotations.len()) {
            return Err(shape_error("rotate_and_store", format!("position {last} has no rotation")));
        }
        let rotated = heads.query_heads + heads.kv_heads;
        for (row, qkv) in qkv.chunks_exact_mut(heads.qkv_width()).enumerate() {
            let position = placement.positions[row] as usize;
            let rotation = &rotations[position * heads.head_dim..][..heads.head_dim];
            for head in qkv.chunks_exact_mut(heads.head_dim).take(rotated) {
                elementwise::rotate(head, rotation);
            }
            let (page, offset) = placement.slot(row, position, cache.shape().page_length);
            let (keys, values) = qkv[heads.query_width()..].split_at(heads.kv_width());
            cache.store(layer, page, offset, keys, values);
        }
        Ok(())
    }

    fn attention(
        &mut self,
        qkv: &CpuActivations,
        placement: &CpuPlacement,
        layer: usize,
        cache: &CpuKvCache,
        output: &mut CpuActivations,
    ) -> Result<(), DeviceError> {
        let heads = cache.shape().heads;
        let rows = placement.positions.len();
        let qkv = qkv.rows("attention", rows, heads.qkv_width())?;
        let output = output.rows_mut("attention", rows, heads.query_width())?;
        placement.check_pages(cache.shape(), layer)?;
        let positions: usize = placement.positions.iter().map(|&position| position as usize + 1).sum();
        let pool = self.pool_for(2 * positions * heads.query_width());
        attention::attend(self.arch, pool, qkv, placement, layer, cache, output);
        Ok(())
    }

    fn swiglu(
        &mut self,
        rows: usize,
        gate_up: &CpuActivations,
        output: &mut CpuActivations,
    ) -> Result<(), DeviceError> {
        let width = output.width;
        let gate_up = gate_up.rows("swiglu", rows, 2 * width)?;
        let output = output.rows_mut("swiglu", rows, width)?;
        self.arch.dispatch(|| elementwise::swiglu(gate_up, width, output));
        Ok(())
    }

    fn select_rows(
        &mut self,
        rows: &[u32],
        input: &CpuActivations,
        output: &mut CpuActivations,
    ) -> Result<(), DeviceError> {
        let width = input.width;
        let last = rows.iter().max().map_or(0, |&row| row as usize + 1);
        let input = input.rows("select_rows", last, width)?;
        let output = output.rows_mut("select_rows", rows.len(), width)?;
        for (&row, output) in rows.iter().zip(output.chunks_exact_mut(width)) {
            output.copy_from_slice(&input[row as usize * width..][..width]);
        }
        Ok(())
    }

    fn apply_bitmask(&mut self, logits: &mut CpuActivations, masks: MaskRows<'_>) -> Result<(), DeviceError> {
        let width = logits.width;
        let logits = logits.rows_mut("apply_bitmask", masks.row_indices.len(), width)?;
        apply_bitmask_rows(logits, width, masks.words, masks.words_per_row, masks.row_indices)
            .map_err(|error| shape_error("apply_bitmask", error.to_string()))
    }

    fn sample(
        &mut self,
        logits: &CpuActivations,
        draws: &[Draw],
    ) -> Result<Vec<Result<u32, SampleError>>, DeviceError> {
        let width = logits.width;
        let logits = logits.rows("sample", draws.len(), width)?;
        let rows = logits.chunks_exact(width.max(1));
        Ok(rows.zip(draws).map(|(row, draw)| draw.sampler.sample(row, draw.step, &mut self.scratch)).collect())
    }

    fn read(&mut self, rows: usize, activations: &CpuActivations) -> Result<Vec<f32>, DeviceError> {
        Ok(activations.rows("read", rows, activations.width)?.to_vec())
    }

    fn synchronize(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}

impl CpuPlacement {
    /// The page and the offset in it of `position` of the sequence of `row`.
    fn slot(&self, row: usize, position: usize, page_length: usize) -> (usize, usize) {
        (self.pages(row)[position / page_length] as usize, position % page_length)
    }

    /// The pages of the sequence of `row`.
    fn pages(&self, row: usize) -> &[u32] {
        &self.page_table[self.sequences[row] as usize * self.pages_per_sequence..][..self.pages_per_sequence]
    }

    /// Whether every page that is needed exists.
    fn check_pages(&self, shape: &KvCacheShape, layer: usize) -> Result<(), DeviceError> {
        if layer >= shape.layers {
            return Err(shape_error("attention", format!("layer {layer} is not in the cache of {}", shape.layers)));
        }
        for (row, &position) in self.positions.iter().enumerate() {
            let used = position as usize / shape.page_length + 1;
            let pages = self.pages(row);
            let missing = pages.len() < used || pages[..used].iter().any(|&page| page as usize >= shape.pages);
            if missing {
                return Err(shape_error("attention", format!("position {position} of row {row} has no page")));
            }
        }
        Ok(())
    }
}
