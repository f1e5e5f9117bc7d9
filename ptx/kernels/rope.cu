// Rotary position embedding, in place: column i of a head is rotated against column i + half_width by the angle of
// (position, i).
//
//   values      [token_count, head_count, 2 * half_width]   f32; a token's heads are contiguous, tokens lie row_stride
//                                                           elements apart
//   rotations   [position_count, 2, half_width]             f32: the cosines of a position's angles, then their sines
//   positions   [token_count]
//
// The pairing is that of Llama in Hugging Face's form ("rotate half"). Source: J. Su et al., "RoFormer: Enhanced
// transformer with rotary position embedding", 2021. The table comes from the host, because it is made once, in
// double precision, and a scaling of frequencies then needs no kernel.
//
// A position >= position_count is the caller's mistake, which the host refuses before a launch. Here the token becomes
// NaN: nothing is read outside the table.
//
// Any grid is correct: tokens are strided over blockIdx.x.

#include <math_constants.h>

#include "common.cuh"

namespace {

enum : u32 { BLOCK_SIZE = 128 };

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) rope(
    float* __restrict__ values,
    const float* __restrict__ rotations,
    const unsigned int* __restrict__ positions,
    unsigned int token_count,
    unsigned int head_count,
    unsigned int half_width,
    unsigned int row_stride,
    unsigned int position_count)
{
    for (u64 token = blockIdx.x; token < token_count; token += gridDim.x) {
        const u32 position = positions[token];
        const bool known = position < position_count;
        const float* cosines = rotations + u64(known ? position : 0) * 2 * half_width;
        const float* sines = cosines + half_width;
        float* row = values + token * row_stride;
        for (u32 pair = threadIdx.x; pair < head_count * half_width; pair += blockDim.x) {
            const u32 head = pair / half_width;
            const u32 column = pair % half_width;
            float* first = row + u64(head) * 2 * half_width + column;
            float* second = first + half_width;
            const float cosine = known ? cosines[column] : CUDART_NAN_F;
            const float sine = known ? sines[column] : CUDART_NAN_F;
            const float left = *first;
            const float right = *second;
            *first = left * cosine - right * sine;
            *second = right * cosine + left * sine;
        }
    }
}
