// Products of a weight matrix with few vectors, for decoding: output[t] (+)= weight * input[t].
//
//   output   [token_count, row_count]      f32, contiguous; overwritten, or added to when `accumulate` is not 0: the end
//                                          of a residual connection
//   weight   [row_count, column_count]     bfloat16, row-major, contiguous
//   input    [token_count, column_count]   f32, contiguous
//
// Weights are widened to f32, which is exact; products are summed in f32. A warp works out one row of the output for
// TOKENS vectors, so that a weight is read once for all of them: matvec_1 for one, matvec_4 for up to four at a time.
// Rows whose length is a multiple of 8 and whose start is aligned are read 16 bytes at a time.
//
// Any grid is correct: rows are strided over the warps of blockIdx.x, groups of TOKENS vectors over blockIdx.y. A grid
// of (ceil(row_count / 8), ceil(token_count / TOKENS)) gives each warp one row.

#include "common.cuh"

namespace {

enum : u32 { BLOCK_SIZE = 256, WEIGHTS_PER_LOAD = 8 };

template <u32 TOKENS>
__device__ __forceinline__ void add_products(
    float (&sum)[TOKENS], uint4 packed, const float* input, u32 column_count, u32 present)
{
    const float2 weights[4] = {unpack(packed.x), unpack(packed.y), unpack(packed.z), unpack(packed.w)};
    #pragma unroll
    for (u32 token = 0; token < TOKENS; ++token) {
        if (token < present) {
            const float4* source = reinterpret_cast<const float4*>(input + u64(token) * column_count);
            const float4 low = source[0];
            const float4 high = source[1];
            sum[token] = fmaf(weights[0].x, low.x, sum[token]);
            sum[token] = fmaf(weights[0].y, low.y, sum[token]);
            sum[token] = fmaf(weights[1].x, low.z, sum[token]);
            sum[token] = fmaf(weights[1].y, low.w, sum[token]);
            sum[token] = fmaf(weights[2].x, high.x, sum[token]);
            sum[token] = fmaf(weights[2].y, high.y, sum[token]);
            sum[token] = fmaf(weights[3].x, high.z, sum[token]);
            sum[token] = fmaf(weights[3].y, high.w, sum[token]);
        }
    }
}

template <u32 TOKENS>
__device__ __forceinline__ void matvec(
    float* output,
    const __nv_bfloat16* weight,
    const float* input,
    u32 token_count,
    u32 row_count,
    u32 column_count,
    u32 accumulate)
{
    const u32 lane = threadIdx.x % WARP_SIZE;
    const u32 warps = blockDim.x / WARP_SIZE;
    const u64 first_row = u64(blockIdx.x) * warps + threadIdx.x / WARP_SIZE;
    const u64 row_stride = u64(gridDim.x) * warps;
    const bool aligned = column_count % WEIGHTS_PER_LOAD == 0 && reinterpret_cast<u64>(weight) % sizeof(uint4) == 0
        && reinterpret_cast<u64>(input) % sizeof(float4) == 0;

    for (u64 first = u64(blockIdx.y) * TOKENS; first < token_count; first += u64(gridDim.y) * TOKENS) {
        const u32 present = min(u32(token_count - first), TOKENS);
        const float* vectors = input + first * column_count;
        for (u64 row = first_row; row < row_count; row += row_stride) {
            const __nv_bfloat16* weights = weight + row * column_count;
            float sum[TOKENS] = {};
            if (aligned) {
                const uint4* loads = reinterpret_cast<const uint4*>(weights);
                #pragma unroll 4
                for (u32 load = lane; load < column_count / WEIGHTS_PER_LOAD; load += WARP_SIZE) {
                    add_products<TOKENS>(
                        sum, __ldcs(loads + load), vectors + u64(load) * WEIGHTS_PER_LOAD, column_count, present);
                }
            } else {
                for (u32 column = lane; column < column_count; column += WARP_SIZE) {
                    const float element = __bfloat162float(weights[column]);
                    #pragma unroll
                    for (u32 token = 0; token < TOKENS; ++token) {
                        if (token < present) {
                            sum[token] = fmaf(element, vectors[u64(token) * column_count + column], sum[token]);
                        }
                    }
                }
            }
            #pragma unroll
            for (u32 token = 0; token < TOKENS; ++token) {
                const float product = warp_sum(sum[token]);
                if (lane == 0 && token < present) {
                    float* target = output + (first + token) * row_count + row;
                    *target = accumulate != 0 ? *target + product : product;
                }
            }
        }
    }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) matvec_1(
    float* __restrict__ output,
    const __nv_bfloat16* __restrict__ weight,
    const float* __restrict__ input,
    unsigned int token_count,
    unsigned int row_count,
    unsigned int column_count,
    unsigned int accumulate)
{
    matvec<1>(output, weight, input, token_count, row_count, column_count, accumulate);
}

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) matvec_4(
    float* __restrict__ output,
    const __nv_bfloat16* __restrict__ weight,
    const float* __restrict__ input,
    unsigned int token_count,
    unsigned int row_count,
    unsigned int column_count,
    unsigned int accumulate)
{
    matvec<4>(output, weight, input, token_count, row_count, column_count, accumulate);
}
