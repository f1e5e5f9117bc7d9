// What several kernels share: integer names, sums over a warp and a block, reads of weights.
#pragma once

#include <cuda_bf16.h>

using u32 = unsigned int;
using u64 = unsigned long long;

// Enumerators, because nvrtc gives a named constant at this scope a place in global memory.
enum : u32 { WARP_SIZE = 32, ALL_LANES = 0xFFFFFFFFu };

// The sum over the lanes of a warp, in every lane; in the same order in every launch.
template <typename Value>
__device__ __forceinline__ Value warp_sum(Value value)
{
    #pragma unroll
    for (u32 distance = WARP_SIZE / 2; distance > 0; distance /= 2) {
        value += __shfl_xor_sync(ALL_LANES, value, distance);
    }
    return value;
}

// The sum over the BLOCK_SIZE threads of a block, in every thread. Every thread must call it.
template <u32 BLOCK_SIZE, typename Value>
__device__ __forceinline__ Value block_sum(Value value)
{
    __shared__ Value partial[BLOCK_SIZE / WARP_SIZE];
    value = warp_sum(value);
    // The sum before this one may still be read.
    __syncthreads();
    if (threadIdx.x % WARP_SIZE == 0) {
        partial[threadIdx.x / WARP_SIZE] = value;
    }
    __syncthreads();
    Value sum = partial[0];
    #pragma unroll
    for (u32 warp = 1; warp < BLOCK_SIZE / WARP_SIZE; ++warp) {
        sum += partial[warp];
    }
    return sum;
}

// The two bfloat16 of a word, the one at the lower address first. Exact.
__device__ __forceinline__ float2 unpack(u32 pair)
{
    return make_float2(__uint_as_float(pair << 16), __uint_as_float(pair & 0xFFFF0000u));
}
