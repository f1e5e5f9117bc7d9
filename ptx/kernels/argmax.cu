// The token of the largest logit of each row; among equals the smallest id.
//
//   tokens   [row_count]          token ids, or ALL_MASKED or INVALID_LOGIT of rank.cuh
//   logits   [row_count, width]   f32, contiguous
//
// Any grid is correct: rows are strided over blockIdx.x. A grid of row_count gives each row a block.

#include "rank.cuh"

namespace {

enum : u32 { BLOCK_SIZE = 512 };

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) argmax(
    unsigned int* __restrict__ tokens,
    const float* __restrict__ logits,
    unsigned int row_count,
    unsigned int width)
{
    for (u64 row = blockIdx.x; row < row_count; row += gridDim.x) {
        u64 best = NO_RANK;
        for (u32 token = threadIdx.x; token < width; token += BLOCK_SIZE) {
            best = max(best, rank_of(logits[row * width + token], token));
        }
        best = block_max<BLOCK_SIZE>(best);
        if (threadIdx.x == 0) {
            tokens[row] = best == NO_RANK ? ALL_MASKED : best == INVALID_RANK ? INVALID_LOGIT : token_of(best);
        }
    }
}
