//! Dot products of weight rows with a few inputs at once.
//!
//! Sums are kept in [`LANES`] parts in a fixed order and products are rounded before they are added, so that every
//! machine computes the same bits, whatever its vectors are wide.

use half::bf16;

/// How many partial sums there are: four AVX2 registers.
const LANES: usize = 32;

/// An element of a weight.
pub(super) trait Weight: Copy + Send + Sync {
    /// Its value.
    fn widen(self) -> f32;
}

impl Weight for f32 {
    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }
}

impl Weight for bf16 {
    /// As `to_f32`, but that a NaN is not made quiet, which would cost a comparison for each weight.
    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

/// Σ `weights`ᵢ · `inputs`ᵢ. Equal lengths.
#[inline(always)]
pub(super) fn dot<W: Weight>(weights: &[W], inputs: &[f32]) -> f32 {
    let (weight_blocks, weight_rest) = weights.as_chunks::<LANES>();
    let (input_blocks, input_rest) = inputs.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (weights, inputs) in weight_blocks.iter().zip(input_blocks) {
        for lane in 0..LANES {
            sums[lane] += weights[lane].widen() * inputs[lane];
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    let rest: f32 = weight_rest.iter().zip(input_rest).map(|(weight, input)| weight.widen() * input).sum();
    sums[0] + rest
}

/// `output[n] += weights[n] · input`. Shapes: `weights` `[outputs, inputs]`, `input` `[inputs]`, `output` `[outputs]`.
#[inline(always)]
pub(super) fn multiply_add_row<W: Weight>(weights: &[W], input: &[f32], output: &mut [f32]) {
    for (weights, output) in weights.chunks_exact(input.len()).zip(output) {
        *output += dot(weights, input);
    }
}
