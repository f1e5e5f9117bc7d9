// Root-mean-square normalisation: output = weight * input / sqrt(mean(input^2) + epsilon), row by row.
//
//   output, input   [row_count, width]   f32, row-major, contiguous; may be the same
//   weight          [width]              f32
//
// Source: B. Zhang, R. Sennrich, "Root mean square layer normalization", NeurIPS 2019.
//
// Any grid is correct: rows are strided over blockIdx.x. The block is BLOCK_SIZE threads, as the sum needs.

#include "common.cuh"

namespace {

enum : u32 { BLOCK_SIZE = 256 };

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) rmsnorm(
    float* output,
    const float* input,
    const float* __restrict__ weight,
    unsigned int row_count,
    unsigned int width,
    float epsilon)
{
    for (u64 row = blockIdx.x; row < row_count; row += gridDim.x) {
        const float* source = input + row * width;
        float* target = output + row * width;
        float squares = 0.0f;
        for (u32 column = threadIdx.x; column < width; column += BLOCK_SIZE) {
            squares = fmaf(source[column], source[column], squares);
        }
        const float mean = block_sum<BLOCK_SIZE>(squares) / float(width);
        const float scale = 1.0f / sqrtf(mean + epsilon);
        for (u32 column = threadIdx.x; column < width; column += BLOCK_SIZE) {
            target[column] = source[column] * scale * weight[column];
        }
    }
}
