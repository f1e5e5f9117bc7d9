//! Products of activations with a weight matrix.

use pulp::Arch;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::dot::{self, Weight};
use super::matrix::{CpuMatrix, Values};

/// From this many rows on, a GEMM is faster than one dot product after the other.
const GEMM_ROWS: usize = 8;

/// How many weight rows are widened and multiplied at once, so that they stay in the cache.
const GEMM_OUTPUTS: usize = 128;

/// `output += input · weightᵀ`. Shapes: `input` `[rows, inputs]`, `weight` `[outputs, inputs]`, `output`
/// `[rows, outputs]`.
pub(super) fn multiply_add(
    arch: Arch,
    pool: Option<&ThreadPool>,
    rows: usize,
    input: &[f32],
    weight: &CpuMatrix,
    output: &mut [f32],
) {
    let shape = Shape { rows, inputs: weight.columns(), outputs: weight.rows() };
    if rows == 0 || shape.inputs == 0 || shape.outputs == 0 {
        return;
    }
    match weight.values() {
        Values::F32(weights) => multiply_add_typed(arch, pool, shape, input, weights, output),
        Values::Bf16(weights) => multiply_add_typed(arch, pool, shape, input, weights, output),
    }
}

#[derive(Debug, Clone, Copy)]
struct Shape {
    rows: usize,
    inputs: usize,
    outputs: usize,
}

fn multiply_add_typed<W: Weight>(
    arch: Arch,
    pool: Option<&ThreadPool>,
    shape: Shape,
    input: &[f32],
    weights: &[W],
    output: &mut [f32],
) {
    let Shape { rows, inputs, outputs } = shape;
    if rows >= GEMM_ROWS {
        let mut blocks = column_blocks(output, outputs, GEMM_OUTPUTS);
        let block = |(index, output): (usize, &mut Vec<&mut [f32]>)| {
            let first = index * GEMM_OUTPUTS;
            let count = GEMM_OUTPUTS.min(outputs - first);
            multiply_add_block(shape, input, &weights[first * inputs..][..count * inputs], output);
        };
        match pool {
            Some(pool) => pool.install(|| blocks.par_iter_mut().enumerate().for_each(block)),
            None => blocks.iter_mut().enumerate().for_each(block),
        }
        return;
    }
    match pool {
        Some(pool) => {
            let length = outputs.div_ceil(pool.current_num_threads() * 2).max(1);
            let mut blocks = column_blocks(output, outputs, length);
            pool.install(|| {
                blocks.par_iter_mut().enumerate().for_each(|(index, output)| {
                    let weights = &weights[index * length * inputs..];
                    let rows = input.chunks_exact(inputs).zip(output);
                    arch.dispatch(|| rows.for_each(|(input, output)| dot::multiply_add_row(weights, input, output)));
                });
            });
        }
        None => {
            let rows = input.chunks_exact(inputs).zip(output.chunks_exact_mut(outputs));
            arch.dispatch(|| rows.for_each(|(input, output)| dot::multiply_add_row(weights, input, output)));
        }
    }
}

/// The blocks of `length` columns of a matrix of `width` columns, each as its rows.
fn column_blocks(matrix: &mut [f32], width: usize, length: usize) -> Vec<Vec<&mut [f32]>> {
    let mut blocks: Vec<Vec<&mut [f32]>> = (0..width.div_ceil(length)).map(|_| Vec::new()).collect();
    for row in matrix.chunks_exact_mut(width) {
        for (block, part) in blocks.iter_mut().zip(row.chunks_mut(length)) {
            block.push(part);
        }
    }
    blocks
}

/// `output += input · weightsᵀ` for some of the outputs: widened to f32, multiplied, added.
fn multiply_add_block<W: Weight>(shape: Shape, input: &[f32], weights: &[W], output: &mut [&mut [f32]]) {
    let Shape { rows, inputs, .. } = shape;
    let outputs = weights.len() / inputs;
    let weights: Vec<f32> = weights.iter().map(|weight| weight.widen()).collect();
    let mut product = vec![0.0; rows * outputs];
    gemm(rows, inputs, outputs, input, &weights, &mut product);
    for (product, output) in product.chunks_exact(outputs).zip(output) {
        output.iter_mut().zip(product).for_each(|(output, product)| *output += product);
    }
}

/// `product = input · weightsᵀ`. Shapes: `input` `[rows, inputs]`, `weights` `[outputs, inputs]`, `product`
/// `[rows, outputs]`.
fn gemm(rows: usize, inputs: usize, outputs: usize, input: &[f32], weights: &[f32], product: &mut [f32]) {
    assert!(input.len() == rows * inputs && weights.len() == outputs * inputs && product.len() == rows * outputs);
    // Strides of slices that exist fit into `isize`.
    let (inputs_stride, outputs_stride) = (inputs as isize, outputs as isize);
    // SAFETY: with these strides the call reads [rows, inputs] of `input`, [inputs, outputs] of `weights` transposed, and
    // writes [rows, outputs] of `product`; the assertion above says that the slices are exactly that long, and `product`
    // is borrowed exclusively, so it overlaps neither.
    #[allow(unsafe_code, reason = "the GEMM takes pointers")]
    unsafe {
        matrixmultiply::sgemm(
            rows,
            inputs,
            outputs,
            1.0,
            input.as_ptr(),
            inputs_stride,
            1,
            weights.as_ptr(),
            1,
            inputs_stride,
            0.0,
            product.as_mut_ptr(),
            outputs_stride,
            1,
        );
    }
}
