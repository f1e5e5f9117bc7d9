//! What is kept in the device's memory, with the shapes that operations are checked against.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use super::driver::Argument;
use crate::device::{DeviceError, KvCacheShape};

/// A weight matrix of bfloat16, row-major.
#[derive(Debug)]
pub struct KernelMatrix<B> {
    pub(super) buffer: B,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// A vector of f32.
#[derive(Debug)]
pub struct KernelVector<B> {
    pub(super) buffer: B,
    pub(super) length: usize,
}

/// Rows of f32.
#[derive(Debug)]
pub struct KernelActivations<B> {
    pub(super) buffer: B,
    pub(super) max_rows: usize,
    pub(super) width: usize,
}

impl<B> KernelActivations<B> {
    /// The values, for an operation on `rows` rows of `width`.
    pub(super) fn rows(
        &self,
        operation: &'static str,
        rows: usize,
        width: usize,
    ) -> Result<Argument<'_, B>, DeviceError> {
        if rows <= self.max_rows && width == self.width {
            return Ok(Argument::Buffer(&self.buffer, 0));
        }
        let problem = format!("{rows} rows of {width} were asked for of {} rows of {}", self.max_rows, self.width);
        Err(DeviceError::Shape { operation, problem })
    }
}

/// Keys and values of bfloat16, each `[layers, pages, page_length, kv_heads, head_dim]`.
#[derive(Debug)]
pub struct KernelKvCache<B> {
    pub(super) keys: B,
    pub(super) values: B,
    pub(super) shape: KvCacheShape,
}

impl<B> KernelKvCache<B> {
    /// The bytes of one layer's keys.
    pub(super) fn layer_bytes(shape: &KvCacheShape) -> Option<usize> {
        [shape.page_length, shape.heads.kv_width(), size_of::<u16>()]
            .into_iter()
            .try_fold(shape.pages, usize::checked_mul)
    }
}

/// Buffers of past steps, kept for those to come: asking the driver for memory takes as long as a layer.
pub(super) type Pool<B> = Arc<Mutex<Vec<(usize, B)>>>;

/// A checked placement: positions, sequences and the page table, one after the other in one buffer.
#[derive(Debug)]
pub struct KernelPlacement<B> {
    /// `None` while it is dropped.
    pub(super) buffer: Option<B>,
    pub(super) capacity: usize,
    pub(super) pool: Pool<B>,
    pub(super) positions: Vec<u32>,
    pub(super) sequences: Vec<u32>,
    pub(super) page_table: Vec<u32>,
    pub(super) pages_per_sequence: usize,
    /// The length and the number of pages that the placement was found to fit, by the first layer.
    pub(super) fits: Cell<Option<(usize, usize)>>,
}

impl<B> Drop for KernelPlacement<B> {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            // A buffer is whole whatever a thread that panicked left behind.
            self.pool.lock().unwrap_or_else(PoisonError::into_inner).push((self.capacity, buffer));
        }
    }
}

impl<B> KernelPlacement<B> {
    pub(super) fn rows(&self) -> usize {
        self.positions.len()
    }

    /// Page table, sequences and positions, as the kernels take them.
    pub(super) fn arguments(&self) -> Result<[Argument<'_, B>; 3], DeviceError> {
        let buffer = self.buffer.as_ref().ok_or_else(|| shape_error("placement", "it was dropped".to_owned()))?;
        let sequences = size_of_val(&*self.positions);
        let page_table = sequences + size_of_val(&*self.sequences);
        Ok([Argument::Buffer(buffer, page_table), Argument::Buffer(buffer, sequences), Argument::Buffer(buffer, 0)])
    }

    /// Whether every page that is needed is in the cache, and the layer too.
    pub(super) fn check(&self, operation: &'static str, layer: usize, shape: &KvCacheShape) -> Result<(), DeviceError> {
        if layer >= shape.layers {
            return Err(shape_error(operation, format!("layer {layer} is not in the cache of {}", shape.layers)));
        }
        let fits = (shape.page_length, shape.pages);
        if self.fits.get() == Some(fits) {
            return Ok(());
        }
        for (row, (&position, &sequence)) in self.positions.iter().zip(&self.sequences).enumerate() {
            let used = position as usize / shape.page_length + 1;
            let pages = &self.page_table[sequence as usize * self.pages_per_sequence..][..self.pages_per_sequence];
            if pages.len() < used || pages[..used].iter().any(|&page| page as usize >= shape.pages) {
                return Err(shape_error(operation, format!("position {position} of row {row} has no page")));
            }
        }
        self.fits.set(Some(fits));
        Ok(())
    }
}

pub(super) fn shape_error(operation: &'static str, problem: String) -> DeviceError {
    DeviceError::Shape { operation, problem }
}
