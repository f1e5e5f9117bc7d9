// The gated activation of a feed-forward layer: output = silu(gate) * up, where silu(x) = x / (1 + exp(-x)).
//
//   output     [row_count, width]   f32, contiguous
//   gate, up   [row_count, width]   f32; rows lie row_stride elements apart, so that both can be halves of one product
//
// Source: N. Shazeer, "GLU variants improve transformer", 2020.
//
// Any grid is correct: columns are strided over blockIdx.x, rows over blockIdx.y.

#include "common.cuh"

namespace {

enum : u32 { BLOCK_SIZE = 256 };

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) swiglu(
    float* __restrict__ output,
    const float* __restrict__ gate,
    const float* __restrict__ up,
    unsigned int row_count,
    unsigned int width,
    unsigned int row_stride)
{
    const u64 first_column = u64(blockIdx.x) * blockDim.x + threadIdx.x;
    const u64 column_stride = u64(gridDim.x) * blockDim.x;
    for (u64 row = blockIdx.y; row < row_count; row += gridDim.y) {
        for (u64 column = first_column; column < width; column += column_stride) {
            const float value = gate[row * row_stride + column];
            output[row * width + column] = value / (1.0f + expf(-value)) * up[row * row_stride + column];
        }
    }
}
