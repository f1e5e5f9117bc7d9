// The order of tokens in which a sampler chooses: by logit, and among equals the smaller id is higher.
#pragma once

#include <math_constants.h>

#include "common.cuh"

// What is written instead of a token id.
enum : u32 {
    // Every logit is -inf.
    ALL_MASKED = 0xFFFFFFFFu,
    // A logit is NaN or +inf, which has no softmax.
    INVALID_LOGIT = 0xFFFFFFFEu,
};

enum : u64 {
    // The rank of a token that cannot be chosen.
    NO_RANK = 0,
    // Above every rank of a token.
    INVALID_RANK = 0xFFFFFFFFFFFFFFFFu,
};

// A number for each token of finite logit, the larger the higher it ranks. The upper half is the logit's bits, put in
// order; the lower half tells equals apart. 0 and -0 are equal.
__device__ __forceinline__ u64 rank_of(float logit, u32 token)
{
    if (logit == -CUDART_INF_F) {
        return NO_RANK;
    }
    if (!(logit < CUDART_INF_F)) {
        return INVALID_RANK;
    }
    const u32 bits = __float_as_uint(logit + 0.0f);
    const u32 ordered = bits ^ (bits >> 31 ? 0xFFFFFFFFu : 0x80000000u);
    return u64(ordered) << 32 | u32(~token);
}

__device__ __forceinline__ u32 token_of(u64 rank)
{
    return ~u32(rank);
}

__device__ __forceinline__ float logit_of(u64 rank)
{
    const u32 ordered = u32(rank >> 32);
    return __uint_as_float(ordered ^ (ordered >> 31 ? 0x80000000u : 0xFFFFFFFFu));
}

// The largest rank over the BLOCK_SIZE threads of a block, in every thread. Every thread must call it.
template <u32 BLOCK_SIZE>
__device__ __forceinline__ u64 block_max(u64 rank)
{
    __shared__ u64 partial[BLOCK_SIZE / WARP_SIZE];
    #pragma unroll
    for (u32 distance = WARP_SIZE / 2; distance > 0; distance /= 2) {
        rank = max(rank, __shfl_xor_sync(ALL_LANES, rank, distance));
    }
    // The maximum before this one may still be read.
    __syncthreads();
    if (threadIdx.x % WARP_SIZE == 0) {
        partial[threadIdx.x / WARP_SIZE] = rank;
    }
    __syncthreads();
    #pragma unroll
    for (u32 warp = 0; warp < BLOCK_SIZE / WARP_SIZE; ++warp) {
        rank = max(rank, partial[warp]);
    }
    return rank;
}
