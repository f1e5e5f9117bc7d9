// Applies packed token masks to logits, in place: a logit whose bit is 0 becomes -inf, every other one keeps its bits.
//
//   logits       [row_count, logits_width]           row-major, contiguous, aligned to its element
//   bitmask      [bitmask_row_count, words_per_row]  bit t % 32 of word t / 32 is token t, 1 = allowed
//   row_indices  [row_count]                         the mask row of each row of logits; negative = unconstrained
//
// * Columns beyond the row (t >= 32 * words_per_row) have no bit and become -inf. The bits of the last word beyond the
//   vocabulary are 0 by the contract of a mask row, so the whole padded tail of the logits is masked.
// * An unconstrained row is not touched, its padded tail included.
// * An index >= bitmask_row_count is the caller's mistake, which the host refuses before a launch. Here it masks the
//   whole row: nothing is read outside the bitmask, and no token can be sampled from a row whose mask is unknown.
//
// Any grid is correct, because rows are strided over blockIdx.y and columns over blockIdx.x; the block is
// one-dimensional. A grid of (ceil(logits_width / (block * columns per thread)), row_count) gives each thread one
// 16-byte vector: 4 columns of f32, 8 of bf16.
//
// Logits are never read, so a launch moves at most the bytes of the masked logits and of the mask rows.

#include <cuda_bf16.h>
#include <math_constants.h>

namespace {

using u32 = unsigned int;
using u64 = unsigned long long;

// Enumerators, because nvrtc gives a named constant at this scope a place in global memory.
enum : u32 { BLOCK_SIZE = 256, BITS_PER_WORD = 32 };

// As many logits as one 16-byte store holds.
template <typename Logit>
union Vector {
    enum : u32 { LENGTH = sizeof(uint4) / sizeof(Logit) };
    Logit logits[LENGTH];
    uint4 packed;
};

template <typename Logit>
__device__ __forceinline__ void apply_bitmask(
    Logit* logits,
    const u32* bitmask,
    const int* row_indices,
    u32 row_count,
    u32 logits_width,
    u32 bitmask_row_count,
    u32 words_per_row,
    Logit negative_infinity)
{
    // A vector of columns starts at a multiple of its length, which divides 32: its bits are in one word.
    constexpr u32 LENGTH = Vector<Logit>::LENGTH;
    constexpr u32 ALL_ALLOWED = (1u << LENGTH) - 1;
    static_assert(u32(BITS_PER_WORD) % LENGTH == 0, "a vector spans two mask words");

    Vector<Logit> masked;
    #pragma unroll
    for (u32 lane = 0; lane < LENGTH; ++lane) {
        masked.logits[lane] = negative_infinity;
    }

    const u64 first_column = (u64(blockIdx.x) * blockDim.x + threadIdx.x) * LENGTH;
    const u64 column_stride = u64(gridDim.x) * blockDim.x * LENGTH;

    for (u64 row = blockIdx.y; row < row_count; row += gridDim.y) {
        const int index = row_indices[row];
        if (index < 0) {
            continue;
        }
        const u32 words = u32(index) < bitmask_row_count ? words_per_row : 0;
        const u32* mask_row = bitmask + u64(index) * words;
        Logit* logits_row = logits + row * logits_width;
        // Rows of an odd width start anywhere, and a 16-byte store must not.
        const bool aligned = reinterpret_cast<u64>(logits_row) % sizeof(uint4) == 0;

        for (u64 column = first_column; column < logits_width; column += column_stride) {
            const u64 word_index = column / BITS_PER_WORD;
            const u32 word = word_index < words ? mask_row[word_index] : 0;
            const u32 allowed = (word >> (column % BITS_PER_WORD)) & ALL_ALLOWED;
            if (allowed == ALL_ALLOWED) {
                continue;
            }
            if (allowed == 0 && aligned && column + LENGTH <= logits_width) {
                *reinterpret_cast<uint4*>(logits_row + column) = masked.packed;
                continue;
            }
            #pragma unroll
            for (u32 lane = 0; lane < LENGTH; ++lane) {
                if ((allowed >> lane & 1) == 0 && column + lane < logits_width) {
                    logits_row[column + lane] = negative_infinity;
                }
            }
        }
    }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) apply_bitmask_f32(
    float* __restrict__ logits,
    const unsigned int* __restrict__ bitmask,
    const int* __restrict__ row_indices,
    unsigned int row_count,
    unsigned int logits_width,
    unsigned int bitmask_row_count,
    unsigned int words_per_row)
{
    apply_bitmask(
        logits, bitmask, row_indices, row_count, logits_width, bitmask_row_count, words_per_row, -CUDART_INF_F);
}

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) apply_bitmask_bf16(
    __nv_bfloat16* __restrict__ logits,
    const unsigned int* __restrict__ bitmask,
    const int* __restrict__ row_indices,
    unsigned int row_count,
    unsigned int logits_width,
    unsigned int bitmask_row_count,
    unsigned int words_per_row)
{
    apply_bitmask(
        logits, bitmask, row_indices, row_count, logits_width, bitmask_row_count, words_per_row,
        __ushort_as_bfloat16(0xFF80u));
}
