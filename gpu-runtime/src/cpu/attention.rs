//! Causal attention over a paged cache.

use pulp::Arch;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::dot::dot;
use super::{CpuKvCache, CpuPlacement};

/// `output[row, head] = softmax(query · keysᵀ / √head_dim) · values`, each row over the positions up to its own.
pub(super) fn attend(
    arch: Arch,
    pool: Option<&ThreadPool>,
    qkv: &[f32],
    placement: &CpuPlacement,
    layer: usize,
    cache: &CpuKvCache,
    output: &mut [f32],
) {
    let heads = cache.shape().heads;
    let one = |scores: &mut Vec<f32>, (index, output): (usize, &mut [f32])| {
        let (row, head) = (index / heads.query_heads, index % heads.query_heads);
        let query = &qkv[row * heads.qkv_width() + head * heads.head_dim..][..heads.head_dim];
        let past = Past {
            pages: placement.pages(row),
            length: placement.positions[row] as usize + 1,
            layer,
            head: head / (heads.query_heads / heads.kv_heads),
        };
        arch.dispatch(|| attend_head(query, &past, cache, scores, output));
    };
    match pool {
        Some(pool) => {
            pool.install(|| output.par_chunks_exact_mut(heads.head_dim).enumerate().for_each_init(Vec::new, one))
        }
        None => {
            let mut scores = Vec::new();
            output.chunks_exact_mut(heads.head_dim).enumerate().for_each(|job| one(&mut scores, job));
        }
    }
}

/// What one query looks at: the first `length` positions in `pages`.
struct Past<'a> {
    pages: &'a [u32],
    length: usize,
    layer: usize,
    head: usize,
}

#[inline(always)]
fn attend_head(query: &[f32], past: &Past<'_>, cache: &CpuKvCache, scores: &mut Vec<f32>, output: &mut [f32]) {
    let dim = query.len();
    let page_length = cache.shape().page_length;
    let scale = 1.0 / (dim as f32).sqrt();
    scores.clear();
    let pages = || past.pages.iter().map(|&page| cache.page(past.layer, page as usize, past.head));
    for (keys, _) in pages().take(past.length.div_ceil(page_length)) {
        let count = page_length.min(past.length - scores.len());
        scores.extend(keys.chunks_exact(dim).take(count).map(|key| dot(key, query) * scale));
    }
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut total = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - largest).exp();
        total += *score;
    }
    output.fill(0.0);
    for (scores, (_, values)) in scores.chunks(page_length).zip(pages()) {
        for (score, value) in scores.iter().zip(values.chunks_exact(dim)) {
            let weight = score / total;
            output.iter_mut().zip(value).for_each(|(output, value)| *output += weight * value);
        }
    }
}
