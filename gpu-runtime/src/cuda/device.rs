//! The operations of a model as launches of kernels.

use std::cell::Cell;
use std::sync::{Arc, PoisonError};

use ptx::Kernel;

use super::buffers::{
    KernelActivations, KernelKvCache, KernelMatrix, KernelPlacement, KernelVector, Pool, shape_error,
};
use super::driver::{Argument, Driver};
use super::weights::bf16_bytes;
use crate::device::{Device, DeviceError, Draw, HostTensor, KvCacheShape, MaskRows, RowPlacement};
use crate::sampler::SampleError;

/// The widest head that the attention kernel has registers for.
const MAX_HEAD_DIM: usize = 256;
/// The most blocks along y, and z, of any GPU.
const MAX_GRID_Y: usize = 65_535;
/// Up to how many rows a product reads the weights once for every four rows; from there on, tile by tile. A tile is 64
/// rows, and half of one idle costs less than reading the weights five times.
const MAX_MATVEC_ROWS: usize = 16;

/// A device that runs the kernels of the `ptx` crate.
#[derive(Debug)]
pub struct KernelDevice<D: Driver> {
    pub(super) driver: D,
    placements: Pool<D::Buffer>,
    tokens: Scratch<D::Buffer>,
    selected_rows: Scratch<D::Buffer>,
    pub(super) masks: Scratch<D::Buffer>,
    pub(super) mask_indices: Scratch<D::Buffer>,
    pub(super) sampling_parameters: Scratch<D::Buffer>,
    pub(super) sampled: Scratch<D::Buffer>,
}

/// A buffer that grows with what is put there. Operations are queued in order, so it may be written again at once.
#[derive(Debug)]
pub(super) struct Scratch<B> {
    buffer: Option<(usize, B)>,
}

impl<B> Scratch<B> {
    const EMPTY: Self = Self { buffer: None };

    /// A buffer of at least `bytes`.
    pub(super) fn reserve<D: Driver<Buffer = B>>(
        &mut self,
        driver: &mut D,
        bytes: usize,
    ) -> Result<&mut B, DeviceError> {
        let (_, buffer) = match self.buffer.take() {
            Some(found) if found.0 >= bytes => self.buffer.insert(found),
            _ => {
                let capacity = bytes.next_power_of_two();
                self.buffer.insert((capacity, driver.allocate("an operation's arguments", capacity)?))
            }
        };
        Ok(buffer)
    }

    /// The values in the device's memory.
    pub(super) fn fill<D: Driver<Buffer = B>, T: bytemuck::NoUninit>(
        &mut self,
        driver: &mut D,
        values: &[T],
    ) -> Result<&B, DeviceError> {
        let buffer = self.reserve(driver, size_of_val(values))?;
        driver.upload(buffer, 0, bytemuck::cast_slice(values))?;
        Ok(buffer)
    }
}

impl<D: Driver> KernelDevice<D> {
    /// A device that launches its kernels with `driver`.
    pub fn new(driver: D) -> Self {
        Self {
            driver,
            placements: Pool::default(),
            tokens: Scratch::EMPTY,
            selected_rows: Scratch::EMPTY,
            masks: Scratch::EMPTY,
            mask_indices: Scratch::EMPTY,
            sampling_parameters: Scratch::EMPTY,
            sampled: Scratch::EMPTY,
        }
    }

    fn product(
        &mut self,
        rows: usize,
        input: &KernelActivations<D::Buffer>,
        weight: &KernelMatrix<D::Buffer>,
        output: &KernelActivations<D::Buffer>,
        accumulate: bool,
    ) -> Result<(), DeviceError> {
        const OPERATION: &str = "multiply";
        let arguments = [
            output.rows(OPERATION, rows, weight.rows)?,
            Argument::Buffer(&weight.buffer, 0),
            input.rows(OPERATION, rows, weight.columns)?,
            number(OPERATION, rows)?,
            number(OPERATION, weight.rows)?,
            number(OPERATION, weight.columns)?,
            Argument::U32(accumulate.into()),
        ];
        const WARPS: usize = 8;
        const TILE: usize = 64;
        let (kernel, across, down) = match rows {
            0 => return Ok(()),
            1 => (Kernel::Matvec1, WARPS, 1),
            2..=MAX_MATVEC_ROWS => (Kernel::Matvec4, WARPS, 4),
            _ => (Kernel::Matmul, TILE, TILE),
        };
        self.driver.launch(kernel, grid(weight.rows.div_ceil(across), rows.div_ceil(down))?, &arguments)
    }
}

/// A grid of this many blocks; along y no more than there may be, which the kernels make up for.
pub(super) fn grid(x: usize, y: usize) -> Result<[u32; 3], DeviceError> {
    let x = u32::try_from(x).map_err(|_| shape_error("launch", format!("{x} blocks are more than 2^32")))?;
    Ok([x, y.min(MAX_GRID_Y) as u32, 1])
}

pub(super) fn number<'a, B>(operation: &'static str, value: usize) -> Result<Argument<'a, B>, DeviceError> {
    let value = u32::try_from(value).map_err(|_| shape_error(operation, format!("{value} is more than 2^32")))?;
    Ok(Argument::U32(value))
}

impl<D: Driver> Device for KernelDevice<D> {
    type Matrix = KernelMatrix<D::Buffer>;
    type Vector = KernelVector<D::Buffer>;
    type Activations = KernelActivations<D::Buffer>;
    type KvCache = KernelKvCache<D::Buffer>;
    type Placement = KernelPlacement<D::Buffer>;

    fn description(&self) -> String {
        self.driver.description()
    }

    fn matrix(&mut self, parts: &[HostTensor<'_>]) -> Result<Self::Matrix, DeviceError> {
        let columns = parts.first().map_or(0, |part| part.columns);
        let mut rows = 0_usize;
        for part in parts {
            let elements = part.rows.checked_mul(part.columns);
            let bytes = elements.and_then(|elements| elements.checked_mul(part.element.size()));
            if part.columns != columns || bytes != Some(part.bytes.len()) {
                let problem = format!("{} bytes for {} rows of {}", part.bytes.len(), part.rows, part.columns);
                return Err(shape_error("matrix", problem));
            }
            rows = rows.saturating_add(part.rows);
        }
        let bytes = rows.saturating_mul(columns).saturating_mul(size_of::<u16>());
        let mut buffer = self.driver.allocate("weights", bytes)?;
        let mut offset = 0;
        for part in parts {
            let bytes = bf16_bytes(part);
            self.driver.upload(&mut buffer, offset, &bytes)?;
            offset += bytes.len();
        }
        Ok(KernelMatrix { buffer, rows, columns })
    }

    fn vector(&mut self, values: &[f32]) -> Result<Self::Vector, DeviceError> {
        let mut buffer = self.driver.allocate("weights", size_of_val(values))?;
        self.driver.upload(&mut buffer, 0, bytemuck::cast_slice(values))?;
        Ok(KernelVector { buffer, length: values.len() })
    }

    fn activations(&mut self, rows: usize, width: usize) -> Result<Self::Activations, DeviceError> {
        let bytes = rows.saturating_mul(width).saturating_mul(size_of::<f32>());
        Ok(KernelActivations { buffer: self.driver.allocate("activations", bytes)?, max_rows: rows, width })
    }

    fn kv_cache(&mut self, shape: KvCacheShape) -> Result<Self::KvCache, DeviceError> {
        let heads = shape.heads;
        let divided = heads.kv_heads > 0 && heads.query_heads.is_multiple_of(heads.kv_heads);
        let even = heads.head_dim.is_multiple_of(2) && (2..=MAX_HEAD_DIM).contains(&heads.head_dim);
        if shape.page_length == 0 || !divided || !even || heads.query_heads > MAX_GRID_Y {
            let problem = format!("{shape:?}: pages need a length, heads an even one of at most {MAX_HEAD_DIM}");
            return Err(shape_error("kv_cache", problem));
        }
        let bytes = Self::KvCache::layer_bytes(&shape).and_then(|bytes| bytes.checked_mul(shape.layers));
        let bytes = bytes.unwrap_or(usize::MAX);
        let what = "the key/value cache";
        let (keys, values) = (self.driver.allocate(what, bytes)?, self.driver.allocate(what, bytes)?);
        Ok(KernelKvCache { keys, values, shape })
    }

    fn place(&mut self, placement: RowPlacement<'_>) -> Result<Self::Placement, DeviceError> {
        let RowPlacement { positions, sequences, page_table, pages_per_sequence } = placement;
        let table_rows = page_table.len().checked_div(pages_per_sequence).unwrap_or(0);
        if positions.len() != sequences.len() || table_rows * pages_per_sequence != page_table.len() {
            return Err(shape_error("place", "positions, sequences and page table differ in length".to_owned()));
        }
        if let Some(sequence) = sequences.iter().find(|&&sequence| sequence as usize >= table_rows) {
            return Err(shape_error("place", format!("sequence {sequence} is not in the table of {table_rows}")));
        }
        let words = [positions, sequences, page_table].concat();
        let needed = size_of_val(&*words);
        let mut pool = self.placements.lock().unwrap_or_else(PoisonError::into_inner);
        let found = pool.iter().position(|(capacity, _)| *capacity >= needed).map(|index| pool.swap_remove(index));
        drop(pool);
        let (capacity, mut buffer) = match found {
            Some(found) => found,
            None => {
                let capacity = needed.next_power_of_two();
                (capacity, self.driver.allocate("a placement", capacity)?)
            }
        };
        self.driver.upload(&mut buffer, 0, bytemuck::cast_slice(&words))?;
        Ok(KernelPlacement {
            buffer: Some(buffer),
            capacity,
            pool: Arc::clone(&self.placements),
            positions: positions.to_vec(),
            sequences: sequences.to_vec(),
            page_table: page_table.to_vec(),
            pages_per_sequence,
            fits: Cell::new(None),
        })
    }

    fn embed(
        &mut self,
        table: &Self::Matrix,
        tokens: &[u32],
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError> {
        const OPERATION: &str = "embed";
        let target = output.rows(OPERATION, tokens.len(), table.columns)?;
        if let Some(token) = tokens.iter().find(|&&token| token as usize >= table.rows) {
            return Err(shape_error(OPERATION, format!("token {token} is beyond the table of {}", table.rows)));
        }
        let arguments = [
            target,
            Argument::Buffer(&table.buffer, 0),
            Argument::Buffer(self.tokens.fill(&mut self.driver, tokens)?, 0),
            number(OPERATION, tokens.len())?,
            number(OPERATION, table.columns)?,
            number(OPERATION, table.rows)?,
        ];
        self.driver.launch(Kernel::Embedding, grid(tokens.len(), 1)?, &arguments)
    }

    fn rms_norm(
        &mut self,
        rows: usize,
        input: &Self::Activations,
        weight: &Self::Vector,
        epsilon: f32,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError> {
        const OPERATION: &str = "rms_norm";
        let width = weight.length;
        let arguments = [
            output.rows(OPERATION, rows, width)?,
            input.rows(OPERATION, rows, width)?,
            Argument::Buffer(&weight.buffer, 0),
            number(OPERATION, rows)?,
            number(OPERATION, width)?,
            Argument::F32(epsilon),
        ];
        self.driver.launch(Kernel::Rmsnorm, grid(rows, 1)?, &arguments)
    }

    fn multiply(
        &mut self,
        rows: usize,
        input: &Self::Activations,
        weight: &Self::Matrix,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError> {
        self.product(rows, input, weight, output, false)
    }

    fn multiply_add(
        &mut self,
        rows: usize,
        input: &Self::Activations,
        weight: &Self::Matrix,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError> {
        self.product(rows, input, weight, output, true)
    }

    fn rotate_and_store(
        &mut self,
        qkv: &mut Self::Activations,
        rotations: &Self::Vector,
        placement: &Self::Placement,
        layer: usize,
        cache: &mut Self::KvCache,
    ) -> Result<(), DeviceError> {
        const OPERATION: &str = "rotate_and_store";
        let heads = cache.shape.heads;
        let rows = placement.rows();
        placement.check(OPERATION, layer, &cache.shape)?;
        let known = rotations.length / heads.head_dim;
        if let Some(position) = placement.positions.iter().find(|&&position| position as usize >= known) {
            return Err(shape_error(OPERATION, format!("position {position} has no rotation")));
        }
        let [page_table, sequences, positions] = placement.arguments()?;
        let arguments = [
            qkv.rows(OPERATION, rows, heads.qkv_width())?,
            Argument::Buffer(&rotations.buffer, 0),
            positions,
            number(OPERATION, rows)?,
            // Query heads and key heads stand side by side.
            number(OPERATION, heads.query_heads + heads.kv_heads)?,
            number(OPERATION, heads.head_dim / 2)?,
            number(OPERATION, heads.qkv_width())?,
            number(OPERATION, known)?,
        ];
        self.driver.launch(Kernel::Rope, grid(rows, 1)?, &arguments)?;

        let layer_offset = layer * Self::KvCache::layer_bytes(&cache.shape).unwrap_or(0);
        let [.., positions] = placement.arguments()?;
        let keys = heads.query_width() * size_of::<f32>();
        let arguments = [
            Argument::Buffer(&cache.keys, layer_offset),
            Argument::Buffer(&cache.values, layer_offset),
            Argument::Buffer(&qkv.buffer, keys),
            Argument::Buffer(&qkv.buffer, keys + heads.kv_width() * size_of::<f32>()),
            page_table,
            sequences,
            positions,
            number(OPERATION, rows)?,
            number(OPERATION, heads.kv_heads)?,
            number(OPERATION, heads.head_dim)?,
            number(OPERATION, heads.qkv_width())?,
            number(OPERATION, cache.shape.page_length)?,
            number(OPERATION, placement.pages_per_sequence)?,
        ];
        self.driver.launch(Kernel::AppendCache, grid(rows, 1)?, &arguments)
    }

    fn attention(
        &mut self,
        qkv: &Self::Activations,
        placement: &Self::Placement,
        layer: usize,
        cache: &Self::KvCache,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError> {
        const OPERATION: &str = "attention";
        let heads = cache.shape.heads;
        let rows = placement.rows();
        placement.check(OPERATION, layer, &cache.shape)?;
        let layer_offset = layer * Self::KvCache::layer_bytes(&cache.shape).unwrap_or(0);
        let [page_table, sequences, positions] = placement.arguments()?;
        let arguments = [
            output.rows(OPERATION, rows, heads.query_width())?,
            qkv.rows(OPERATION, rows, heads.qkv_width())?,
            Argument::Buffer(&cache.keys, layer_offset),
            Argument::Buffer(&cache.values, layer_offset),
            page_table,
            sequences,
            positions,
            number(OPERATION, heads.query_heads)?,
            number(OPERATION, heads.kv_heads)?,
            number(OPERATION, heads.head_dim)?,
            number(OPERATION, heads.qkv_width())?,
            number(OPERATION, cache.shape.page_length)?,
            number(OPERATION, placement.pages_per_sequence)?,
            Argument::F32(1.0 / (heads.head_dim as f32).sqrt()),
        ];
        self.driver.launch(Kernel::Attention, grid(rows, heads.query_heads)?, &arguments)
    }

    fn swiglu(
        &mut self,
        rows: usize,
        gate_up: &Self::Activations,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError> {
        const OPERATION: &str = "swiglu";
        let width = output.width;
        let arguments = [
            output.rows(OPERATION, rows, width)?,
            gate_up.rows(OPERATION, rows, 2 * width)?,
            Argument::Buffer(&gate_up.buffer, width * size_of::<f32>()),
            number(OPERATION, rows)?,
            number(OPERATION, width)?,
            number(OPERATION, 2 * width)?,
        ];
        let block = Kernel::Swiglu.block_size() as usize;
        self.driver.launch(Kernel::Swiglu, grid(width.div_ceil(block), rows)?, &arguments)
    }

    fn select_rows(
        &mut self,
        rows: &[u32],
        input: &Self::Activations,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError> {
        const OPERATION: &str = "select_rows";
        let width = input.width;
        let target = output.rows(OPERATION, rows.len(), width)?;
        let last = rows.iter().max().map_or(0, |&row| row as usize + 1);
        let arguments = [
            target,
            input.rows(OPERATION, last, width)?,
            Argument::Buffer(self.selected_rows.fill(&mut self.driver, rows)?, 0),
            number(OPERATION, rows.len())?,
            number(OPERATION, width)?,
            number(OPERATION, input.max_rows)?,
        ];
        self.driver.launch(Kernel::SelectRows, grid(rows.len(), 1)?, &arguments)
    }

    fn apply_bitmask(&mut self, logits: &mut Self::Activations, masks: MaskRows<'_>) -> Result<(), DeviceError> {
        self.launch_apply_bitmask(logits, masks)
    }

    fn sample(
        &mut self,
        logits: &Self::Activations,
        draws: &[Draw],
    ) -> Result<Vec<Result<u32, SampleError>>, DeviceError> {
        self.launch_sample(logits, None, draws)
    }

    fn mask_and_sample(
        &mut self,
        logits: &mut Self::Activations,
        masks: MaskRows<'_>,
        draws: &[Draw],
    ) -> Result<Vec<Result<u32, SampleError>>, DeviceError> {
        self.launch_sample(logits, Some(masks), draws)
    }

    fn read(&mut self, rows: usize, activations: &Self::Activations) -> Result<Vec<f32>, DeviceError> {
        activations.rows("read", rows, activations.width)?;
        let mut values = vec![0.0_f32; rows * activations.width];
        self.driver.download(&activations.buffer, 0, bytemuck::cast_slice_mut(&mut values))?;
        Ok(values)
    }

    fn synchronize(&mut self) -> Result<(), DeviceError> {
        self.driver.synchronize()
    }
}
