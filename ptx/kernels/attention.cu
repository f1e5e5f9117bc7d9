// Causal grouped-query attention over the cache of cache.cuh: each query attends to positions 0 ..= its own.
//
//   output    [token_count, head_count, head_width]   f32, contiguous
//   queries   [token_count, head_count, head_width]   f32, a token's heads contiguous, tokens row_stride elements apart
//
// * Query head h reads key-value head h / (head_count / kv_head_count). The keys and values of the tokens themselves
//   must be in the cache already.
// * head_width is even and at most MAX_HEAD_WIDTH; the score of a key is its product with the query times `scale`.
//
// The grid is (token_count, head_count): each query has a block. The warps of a block take the positions in turn, KEYS_AT_ONCE each time, and keep a running
// maximum and sum, so that one pass over keys and values is enough; then they merge. Source: M. Milakov,
// N. Gimelshein, "Online normalizer calculation for softmax", 2018.

#include <math_constants.h>

#include "cache.cuh"

namespace {

enum : u32 {
    BLOCK_SIZE = 256,
    WARPS = BLOCK_SIZE / WARP_SIZE,
    MAX_HEAD_WIDTH = 256,
    // Each lane holds the columns 2 * (lane + 32 * i) and the next one.
    PAIRS_PER_LANE = MAX_HEAD_WIDTH / 2 / WARP_SIZE,
    KEYS_AT_ONCE = 4,
};

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) attention(
    float* __restrict__ output,
    const float* __restrict__ queries,
    const __nv_bfloat16* __restrict__ keys,
    const __nv_bfloat16* __restrict__ values,
    const unsigned int* __restrict__ page_tables,
    const unsigned int* __restrict__ sequences,
    const unsigned int* __restrict__ positions,
    unsigned int head_count,
    unsigned int kv_head_count,
    unsigned int head_width,
    unsigned int row_stride,
    unsigned int page_size,
    unsigned int pages_per_sequence,
    float scale)
{
    __shared__ float warp_maximum[WARPS];
    __shared__ float warp_total[WARPS];
    __shared__ float warp_output[WARPS][MAX_HEAD_WIDTH];

    const u32 lane = threadIdx.x % WARP_SIZE;
    const u32 warp = threadIdx.x / WARP_SIZE;
    const u32 pairs = head_width / 2;
    const float log2_e = 1.44269504f;
    const u64 token = blockIdx.x;
    const u32 head = blockIdx.y;
    const u32* page_table = page_tables + u64(sequences[token]) * pages_per_sequence;
    const u32 length = positions[token] + 1;
    const u32 head_offset = head / (head_count / kv_head_count) * head_width;
    const float* query_row = queries + token * row_stride + u64(head) * head_width;
    float2 query[PAIRS_PER_LANE];
    float2 sum[PAIRS_PER_LANE];
    #pragma unroll
    for (u32 i = 0; i < PAIRS_PER_LANE; ++i) {
        const u32 pair = lane + WARP_SIZE * i;
        query[i] = pair < pairs ? make_float2(query_row[2 * pair], query_row[2 * pair + 1]) : float2{};
        sum[i] = float2{};
    }
    float maximum = -CUDART_INF_F;
    float total = 0.0f;

    for (u32 first = warp * KEYS_AT_ONCE; first < length; first += WARPS * KEYS_AT_ONCE) {
        u64 offset[KEYS_AT_ONCE];
        float score[KEYS_AT_ONCE];
        #pragma unroll
        for (u32 k = 0; k < KEYS_AT_ONCE; ++k) {
            // A key beyond the end is read as the last one and then weighs nothing.
            const u32 position = min(first + k, length - 1);
            offset[k] = cache_offset(page_table, position, page_size, kv_head_count, head_width) + head_offset;
            const u32* key = reinterpret_cast<const u32*>(keys + offset[k]);
            score[k] = 0.0f;
            #pragma unroll
            for (u32 i = 0; i < PAIRS_PER_LANE; ++i) {
                const u32 pair = lane + WARP_SIZE * i;
                if (pair < pairs) {
                    const float2 element = unpack(key[pair]);
                    score[k] = fmaf(query[i].x, element.x, score[k]);
                    score[k] = fmaf(query[i].y, element.y, score[k]);
                }
            }
        }
        float larger = maximum;
        #pragma unroll
        for (u32 k = 0; k < KEYS_AT_ONCE; ++k) {
            score[k] = warp_sum(score[k]) * (scale * log2_e);
            if (first + k >= length) {
                score[k] = -CUDART_INF_F;
            }
            larger = fmaxf(larger, score[k]);
        }
        const float correction = exp2f(maximum - larger);
        maximum = larger;
        total *= correction;
        #pragma unroll
        for (u32 i = 0; i < PAIRS_PER_LANE; ++i) {
            sum[i].x *= correction;
            sum[i].y *= correction;
        }
        #pragma unroll
        for (u32 k = 0; k < KEYS_AT_ONCE; ++k) {
            const float weight = exp2f(score[k] - maximum);
            total += weight;
            const u32* value = reinterpret_cast<const u32*>(values + offset[k]);
            #pragma unroll
            for (u32 i = 0; i < PAIRS_PER_LANE; ++i) {
                const u32 pair = lane + WARP_SIZE * i;
                if (pair < pairs) {
                    const float2 element = unpack(value[pair]);
                    sum[i].x = fmaf(weight, element.x, sum[i].x);
                    sum[i].y = fmaf(weight, element.y, sum[i].y);
                }
            }
        }
    }

    if (lane == 0) {
        warp_maximum[warp] = maximum;
        warp_total[warp] = total;
    }
    #pragma unroll
    for (u32 i = 0; i < PAIRS_PER_LANE; ++i) {
        const u32 pair = lane + WARP_SIZE * i;
        if (pair < pairs) {
            warp_output[warp][2 * pair] = sum[i].x;
            warp_output[warp][2 * pair + 1] = sum[i].y;
        }
    }
    __syncthreads();

    float largest = warp_maximum[0];
    #pragma unroll
    for (u32 other = 1; other < WARPS; ++other) {
        largest = fmaxf(largest, warp_maximum[other]);
    }
    float merged_total = 0.0f;
    float merged = 0.0f;
    const bool writes = threadIdx.x < head_width;
    #pragma unroll
    for (u32 other = 0; other < WARPS; ++other) {
        // A warp that saw no position has the maximum -inf and weighs nothing.
        const float weight = exp2f(warp_maximum[other] - largest);
        merged_total = fmaf(weight, warp_total[other], merged_total);
        if (writes && weight > 0.0f) {
            merged = fmaf(weight, warp_output[other][threadIdx.x], merged);
        }
    }
    if (writes) {
        output[(token * head_count + head) * head_width + threadIdx.x] = merged / merged_total;
    }
}
