// Writes the keys and values of new tokens into the cache of cache.cuh, rounded to bfloat16 (to nearest, ties to even).
//
//   new_keys, new_values   [token_count, kv_head_count * head_width]   f32; tokens lie row_stride elements apart
//
// A sequence that has no such page is the caller's mistake, which the host refuses before a launch: positions must be
// less than page_size * pages_per_sequence, and the tables must name pages of the cache.
//
// Any grid is correct: tokens are strided over blockIdx.x.

#include "cache.cuh"

namespace {

enum : u32 { BLOCK_SIZE = 128 };

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) append_cache(
    __nv_bfloat16* __restrict__ keys,
    __nv_bfloat16* __restrict__ values,
    const float* __restrict__ new_keys,
    const float* __restrict__ new_values,
    const unsigned int* __restrict__ page_tables,
    const unsigned int* __restrict__ sequences,
    const unsigned int* __restrict__ positions,
    unsigned int token_count,
    unsigned int kv_head_count,
    unsigned int head_width,
    unsigned int row_stride,
    unsigned int page_size,
    unsigned int pages_per_sequence)
{
    for (u64 token = blockIdx.x; token < token_count; token += gridDim.x) {
        const u32* page_table = page_tables + u64(sequences[token]) * pages_per_sequence;
        const u64 target = cache_offset(page_table, positions[token], page_size, kv_head_count, head_width);
        const u64 source = token * row_stride;
        for (u32 column = threadIdx.x; column < kv_head_count * head_width; column += blockDim.x) {
            keys[target + column] = __float2bfloat16(new_keys[source + column]);
            values[target + column] = __float2bfloat16(new_values[source + column]);
        }
    }
}
