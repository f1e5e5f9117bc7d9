//! `Device`: what the model loop asks of the hardware, in about a dozen operations.
//!
//! The forward pass is written once, over this trait. The CPU device is the reference: what it computes
//! is what the operations mean, and other devices are compared with it.
//!
//! # Conventions
//!
//! * All shapes are row-major and contiguous. `rows` is the number of token positions of one step, of all sequences
//!   together: 1 for each sequence that decodes, the length of the piece of prompt for one that prefills.
//! * [`Activations`](Device::Activations) are allocated for a greatest number of rows and a width, and an operation
//!   reads and writes their first `rows` rows. Whether they are kept as f32 or rounded to bfloat16 is the device's
//!   choice, but logits are f32.
//! * A [`Matrix`](Device::Matrix) is a weight as checkpoints have it, `[outputs, inputs]`, so that a product with it is
//!   `input · matrixᵀ`. Sums are accumulated in f32 at least.
//! * Heads are contiguous: a row of width `heads · head_dim` is `heads` vectors of `head_dim`.
//! * Operations may be queued and return before they are done, each after those before it;
//!   [`synchronize`](Device::synchronize), [`sample`](Device::sample) and [`read`](Device::read) wait.
//! * Shapes that do not fit are bugs of the caller, which the loop cannot make: implementations answer
//!   [`DeviceError::Shape`] rather than touch memory outside a buffer.

use crate::sampler::{SampleError, Sampler};

/// The element type of a tensor in a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WeightType {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// bfloat16.
    Bf16,
}

impl WeightType {
    /// The size of an element in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }
}

/// A tensor in host memory, as a checkpoint stores it: little-endian, row-major, of no particular alignment.
#[derive(Debug, Clone, Copy)]
pub struct HostTensor<'a> {
    /// The element type.
    pub element: WeightType,
    /// The number of rows; 1 for a vector.
    pub rows: usize,
    /// The number of elements in a row.
    pub columns: usize,
    /// `rows · columns` elements.
    pub bytes: &'a [u8],
}

/// How attention is divided into heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadShape {
    /// Query heads; a multiple of `kv_heads`. Query head *h* reads key/value head ⌊*h* · `kv_heads` / `query_heads`⌋.
    pub query_heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// The length of a head's vector; even.
    pub head_dim: usize,
}

impl HeadShape {
    /// The width of the queries of one position.
    pub const fn query_width(&self) -> usize {
        self.query_heads * self.head_dim
    }

    /// The width of the keys, and of the values, of one position.
    pub const fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// The width of queries, keys and values together.
    pub const fn qkv_width(&self) -> usize {
        self.query_width() + 2 * self.kv_width()
    }
}

/// The dimensions of a paged key/value cache. Its layout in memory is the device's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvCacheShape {
    /// The layers of the model; every page has room in each of them.
    pub layers: usize,
    /// The number of pages.
    pub pages: usize,
    /// The number of positions that a page holds.
    pub page_length: usize,
    /// The heads.
    pub heads: HeadShape,
}

/// Where the rows of one step stand: the position of each in its sequence, and the cache pages of the sequences.
///
/// Position *p* of sequence *s* is kept in page `page_table[s · pages_per_sequence + ⌊p / page_length⌋]`, at offset
/// *p* mod `page_length`. Entries beyond the last position of a sequence are not read. No two sequences share a page
/// that a row of this step is written to.
#[derive(Debug, Clone, Copy)]
pub struct RowPlacement<'a> {
    /// `[rows]`: the position of each row in its sequence, from 0.
    pub positions: &'a [u32],
    /// `[rows]`: the row of the page table that each row belongs to.
    pub sequences: &'a [u32],
    /// `[sequences, pages_per_sequence]`.
    pub page_table: &'a [u32],
    /// The width of the page table.
    pub pages_per_sequence: usize,
}

/// One row's draw: whose parameters, and which step of its generation.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    /// The sampler with the sequence's parameters.
    pub sampler: Sampler,
    /// The step, counted from 0 for the first generated token.
    pub step: u64,
}

/// Packed mask rows, and which of them each row of logits takes.
#[derive(Debug, Clone, Copy)]
pub struct MaskRows<'a> {
    /// `[mask rows, words_per_row]`; bit *t* mod 32 of word ⌊*t* / 32⌋ is token *t*, 1 for allowed.
    pub words: &'a [u32],
    /// The words of a mask row. The logits may be wider; those beyond are masked.
    pub words_per_row: usize,
    /// `[rows]`: the mask row of each row of logits; negative for a row that is not constrained.
    pub row_indices: &'a [i32],
}

/// An operation of a device failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// There is not enough memory.
    #[error("{device}: not enough memory for {bytes} bytes of {what}; use a smaller model, context or batch")]
    OutOfMemory {
        /// The device.
        device: String,
        /// What the memory was for.
        what: &'static str,
        /// How much was asked for.
        bytes: usize,
    },
    /// The arguments do not fit together: a bug of the caller. Nothing was computed.
    #[error("{operation}: {problem}")]
    Shape {
        /// The operation.
        operation: &'static str,
        /// What does not fit.
        problem: String,
    },
    /// The driver or the hardware reported an error.
    #[error("{device}: {operation} failed: {message}")]
    Driver {
        /// The device.
        device: String,
        /// The operation.
        operation: &'static str,
        /// The driver's message.
        message: String,
    },
}

/// The hardware that runs a model.
pub trait Device: Send {
    /// A weight matrix in the device's memory.
    type Matrix: Send;
    /// A weight vector, or a table of f32, in the device's memory.
    type Vector: Send;
    /// Values between layers: a number of rows of one width.
    type Activations: Send;
    /// The keys and values of past positions.
    type KvCache: Send;
    /// A [`RowPlacement`] in the device's memory, made once a step and read by every layer.
    type Placement: Send;

    /// What it is, for people: `"cpu, 2 threads"`.
    fn description(&self) -> String;

    /// Stacks `parts`, which have the same number of columns, one below the other into one matrix
    /// `[Σ rows, columns]`. Query, key and value projections become one product this way.
    ///
    /// # Errors
    /// Not enough memory; parts that do not fit.
    fn matrix(&mut self, parts: &[HostTensor<'_>]) -> Result<Self::Matrix, DeviceError>;

    /// Copies `values` as f32.
    ///
    /// # Errors
    /// Not enough memory.
    fn vector(&mut self, values: &[f32]) -> Result<Self::Vector, DeviceError>;

    /// Room for `rows` rows of `width` values, zeroed.
    ///
    /// # Errors
    /// Not enough memory.
    fn activations(&mut self, rows: usize, width: usize) -> Result<Self::Activations, DeviceError>;

    /// Room for `rows` rows of `width` f32 logits.
    ///
    /// # Errors
    /// Not enough memory.
    fn logits(&mut self, rows: usize, width: usize) -> Result<Self::Activations, DeviceError> {
        self.activations(rows, width)
    }

    /// An empty cache.
    ///
    /// # Errors
    /// Not enough memory.
    fn kv_cache(&mut self, shape: KvCacheShape) -> Result<Self::KvCache, DeviceError>;

    /// Makes the placement of a step's rows known to the device.
    ///
    /// # Errors
    /// A placement that does not fit itself; failures of the driver.
    fn place(&mut self, placement: RowPlacement<'_>) -> Result<Self::Placement, DeviceError>;

    /// `output[r] = table[tokens[r]]`. Shapes: `tokens` `[rows]`, `table` `[vocabulary, hidden]`, `output`
    /// `[rows, hidden]`.
    ///
    /// # Errors
    /// A token beyond the table; failures of the driver.
    fn embed(
        &mut self,
        table: &Self::Matrix,
        tokens: &[u32],
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError>;

    /// `output[r] = input[r] / √(mean(input[r]²) + epsilon) · weight`. Shapes: `weight` `[hidden]`, both activations
    /// `[rows, hidden]`.
    ///
    /// # Errors
    /// Failures of the driver.
    fn rms_norm(
        &mut self,
        rows: usize,
        input: &Self::Activations,
        weight: &Self::Vector,
        epsilon: f32,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError>;

    /// `output = input · weightᵀ`. Shapes: `weight` `[outputs, inputs]`, `input` `[rows, inputs]`, `output`
    /// `[rows, outputs]`.
    ///
    /// # Errors
    /// Failures of the driver.
    fn multiply(
        &mut self,
        rows: usize,
        input: &Self::Activations,
        weight: &Self::Matrix,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError>;

    /// `output += input · weightᵀ`, as [`multiply`](Self::multiply): the end of a block, added to the residual stream.
    ///
    /// # Errors
    /// Failures of the driver.
    fn multiply_add(
        &mut self,
        rows: usize,
        input: &Self::Activations,
        weight: &Self::Matrix,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError>;

    /// Rotates queries and keys to their positions, in place, and stores keys and values in the cache.
    ///
    /// Shapes: `qkv` `[rows, query_width + kv_width + kv_width]`. `rotations` `[max_positions, head_dim]` holds for
    /// position *p* the cosines of `head_dim / 2` angles and then their sines. Of each head's vector *x* of length *d*,
    /// in every query head and every key head, the pairs (*x*ᵢ, *x*ᵢ₊ᵈᐟ²) become
    /// (*x*ᵢ cosᵢ − *x*ᵢ₊ᵈᐟ² sinᵢ, *x*ᵢ₊ᵈᐟ² cosᵢ + *x*ᵢ sinᵢ): the pairing of Hugging Face checkpoints, in halves.
    ///
    /// # Errors
    /// A position beyond `rotations`, a page beyond the cache; failures of the driver.
    fn rotate_and_store(
        &mut self,
        qkv: &mut Self::Activations,
        rotations: &Self::Vector,
        placement: &Self::Placement,
        layer: usize,
        cache: &mut Self::KvCache,
    ) -> Result<(), DeviceError>;

    /// Causal attention of every row's queries over its sequence's cached positions 0 ..= its own, scaled by
    /// 1 / √`head_dim`. The keys and values of all rows of the step have been stored.
    ///
    /// Shapes: `qkv` as in [`rotate_and_store`](Self::rotate_and_store), of which the queries are read; `output`
    /// `[rows, query_width]`.
    ///
    /// # Errors
    /// Failures of the driver.
    fn attention(
        &mut self,
        qkv: &Self::Activations,
        placement: &Self::Placement,
        layer: usize,
        cache: &Self::KvCache,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError>;

    /// `output = gate · sigmoid(gate) · up`, element by element. Shapes: `gate_up` `[rows, 2 · width]`, a row's gate
    /// before its up part; `output` `[rows, width]`.
    ///
    /// # Errors
    /// Failures of the driver.
    fn swiglu(
        &mut self,
        rows: usize,
        gate_up: &Self::Activations,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError>;

    /// `output[i] = input[rows[i]]`: the rows whose logits are wanted. Both have the same width.
    ///
    /// # Errors
    /// Failures of the driver.
    fn select_rows(
        &mut self,
        rows: &[u32],
        input: &Self::Activations,
        output: &mut Self::Activations,
    ) -> Result<(), DeviceError>;

    /// Masks rows of logits in place, as [`apply_bitmask_rows`](crate::apply_bitmask_rows) does: the first
    /// `masks.row_indices.len()` rows of `logits`.
    ///
    /// # Errors
    /// Shapes that do not fit; failures of the driver.
    fn apply_bitmask(&mut self, logits: &mut Self::Activations, masks: MaskRows<'_>) -> Result<(), DeviceError>;

    /// Samples a token from each of the first `draws.len()` rows of `logits`, as [`Sampler::sample`] does. The answers
    /// of one device are reproducible; between devices they may differ where logits do.
    ///
    /// # Errors
    /// Failures of the driver. A row without a token to sample is an error of that row alone.
    fn sample(
        &mut self,
        logits: &Self::Activations,
        draws: &[Draw],
    ) -> Result<Vec<Result<u32, SampleError>>, DeviceError>;

    /// [`apply_bitmask`](Self::apply_bitmask), then [`sample`](Self::sample); a device may do both in one go and leave
    /// the logits masked or not.
    ///
    /// # Errors
    /// Those of the two.
    fn mask_and_sample(
        &mut self,
        logits: &mut Self::Activations,
        masks: MaskRows<'_>,
        draws: &[Draw],
    ) -> Result<Vec<Result<u32, SampleError>>, DeviceError> {
        self.apply_bitmask(logits, masks)?;
        self.sample(logits, draws)
    }

    /// The first `rows` rows, as f32 `[rows, width]`. Waits for what is queued.
    ///
    /// # Errors
    /// Failures of the driver.
    fn read(&mut self, rows: usize, activations: &Self::Activations) -> Result<Vec<f32>, DeviceError>;

    /// Waits until everything queued is done, so that time can be taken.
    ///
    /// # Errors
    /// Failures of the driver, those of queued operations included.
    fn synchronize(&mut self) -> Result<(), DeviceError>;
}
