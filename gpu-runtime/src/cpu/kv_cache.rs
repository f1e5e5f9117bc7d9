//! Keys and values of past positions, in pages.

use super::unused_zeros;
use crate::device::{DeviceError, KvCacheShape};

/// A paged key/value cache of f32: `[layers, pages, kv_heads, page_length, head_dim]`, so that the keys of one head in
/// one page are contiguous. Pages take memory from when they are first written.
#[derive(Debug)]
pub struct CpuKvCache {
    shape: KvCacheShape,
    keys: Box<[f32]>,
    values: Box<[f32]>,
}

impl CpuKvCache {
    pub(super) fn new(shape: KvCacheShape) -> Result<Self, DeviceError> {
        if shape.page_length == 0 {
            return Err(super::shape_error("kv_cache", "pages need a length".to_owned()));
        }
        let length = [shape.layers, shape.pages, shape.page_length, shape.heads.kv_width()]
            .into_iter()
            .try_fold(1_usize, usize::checked_mul);
        let what = "the key/value cache";
        Ok(Self { shape, keys: unused_zeros(what, length)?, values: unused_zeros(what, length)? })
    }

    pub(super) fn shape(&self) -> &KvCacheShape {
        &self.shape
    }

    /// The keys and the values of `head` in `page`, `[page_length, head_dim]` each.
    #[inline]
    pub(super) fn page(&self, layer: usize, page: usize, head: usize) -> (&[f32], &[f32]) {
        let KvCacheShape { pages, page_length, heads, .. } = self.shape;
        let length = page_length * heads.head_dim;
        let start = ((layer * pages + page) * heads.kv_heads + head) * length;
        (&self.keys[start..][..length], &self.values[start..][..length])
    }

    /// Stores the keys and values of one position, `[kv_heads, head_dim]` each.
    pub(super) fn store(&mut self, layer: usize, page: usize, offset: usize, keys: &[f32], values: &[f32]) {
        let KvCacheShape { pages, page_length, heads, .. } = self.shape;
        let dim = heads.head_dim;
        for (head, (key, value)) in keys.chunks_exact(dim).zip(values.chunks_exact(dim)).enumerate() {
            let start = (((layer * pages + page) * heads.kv_heads + head) * page_length + offset) * dim;
            self.keys[start..][..dim].copy_from_slice(key);
            self.values[start..][..dim].copy_from_slice(value);
        }
    }
}
