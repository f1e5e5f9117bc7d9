// Copies chosen rows: output[i] = input[rows[i]].
//
//   output   [row_count, width]         f32, row-major, contiguous
//   input    [input_row_count, width]   f32, likewise
//   rows     [row_count]                rows of the input
//
// A row >= input_row_count is the caller's mistake, which the host refuses before a launch. Here it becomes NaN: nothing
// is read outside the input, and the mistake cannot pass for an answer.
//
// Any grid is correct: rows are strided over blockIdx.x. A grid of row_count gives each row a block.

#include <math_constants.h>

#include "common.cuh"

namespace {

enum : u32 { BLOCK_SIZE = 256 };

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) select_rows(
    float* __restrict__ output,
    const float* __restrict__ input,
    const unsigned int* __restrict__ rows,
    unsigned int row_count,
    unsigned int width,
    unsigned int input_row_count)
{
    for (u64 row = blockIdx.x; row < row_count; row += gridDim.x) {
        const u32 chosen = rows[row];
        const bool known = chosen < input_row_count;
        const float* source = input + u64(known ? chosen : 0) * width;
        float* target = output + row * width;
        for (u32 column = threadIdx.x; column < width; column += blockDim.x) {
            target[column] = known ? source[column] : CUDART_NAN_F;
        }
    }
}
