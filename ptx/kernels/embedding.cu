// Looks up the embedding of each token.
//
//   output           [token_count, width]       f32, row-major, contiguous
//   table            [vocabulary_size, width]   bfloat16
//   tokens           [token_count]              token ids
//
// An id >= vocabulary_size is the caller's mistake, which the host refuses before a launch. Here its row becomes NaN:
// nothing is read outside the table, and the mistake cannot pass for an answer.
//
// Any grid is correct: rows are strided over blockIdx.x. A grid of token_count gives each token a block.

#include <math_constants.h>

#include "common.cuh"

namespace {

enum : u32 { BLOCK_SIZE = 256 };

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) embedding(
    float* __restrict__ output,
    const __nv_bfloat16* __restrict__ table,
    const unsigned int* __restrict__ tokens,
    unsigned int token_count,
    unsigned int width,
    unsigned int vocabulary_size)
{
    for (u64 row = blockIdx.x; row < token_count; row += gridDim.x) {
        const u32 token = tokens[row];
        const bool known = token < vocabulary_size;
        const __nv_bfloat16* source = table + u64(known ? token : 0) * width;
        float* target = output + row * width;
        for (u32 column = threadIdx.x; column < width; column += blockDim.x) {
            target[column] = known ? __bfloat162float(source[column]) : CUDART_NAN_F;
        }
    }
}
