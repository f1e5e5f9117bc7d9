// The paged cache of keys and values.
//
//   keys, values     [page_count, page_size, kv_head_count, head_width]   bfloat16, contiguous
//   page_tables      [sequence_count, pages_per_sequence]                 the page of each run of page_size positions
//   sequences        [token_count]                                        whose table a token's is
//   positions        [token_count]                                        where in its sequence a token stands
//
// A contiguous cache is the case of one page per sequence. Pages may be shared and lie in any order.
#pragma once

#include "common.cuh"

// Where the keys (or values) of a position begin, in elements.
__device__ __forceinline__ u64 cache_offset(
    const u32* page_table, u32 position, u32 page_size, u32 kv_head_count, u32 head_width)
{
    const u64 slot = u64(page_table[position / page_size]) * page_size + position % page_size;
    return slot * kv_head_count * head_width;
}
