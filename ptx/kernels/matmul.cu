// The product of a weight matrix with many vectors, for prompts: output (+)= input * weight^T, tile by tile.
//
//   output   [token_count, row_count]      f32, contiguous; overwritten, or added to when `accumulate` is not 0: the end
//                                          of a residual connection
//   weight   [row_count, column_count]     bfloat16, row-major, contiguous
//   input    [token_count, column_count]   f32, contiguous
//
// Weights are widened to f32, which is exact; products are summed in f32, in order of columns. It runs on the ordinary
// f32 units: tensor cores would take the input in bfloat16 and cost the agreement with the matrix-vector products.
//
// Any grid is correct: tiles of TILE rows are strided over blockIdx.x, tiles of TILE vectors over blockIdx.y. Each of
// the BLOCK_SIZE threads works out a square of EDGE by EDGE.

#include "common.cuh"

namespace {

enum : u32 {
    BLOCK_SIZE = 256,
    TILE = 64,
    // Columns in shared memory at once.
    DEPTH = 16,
    EDGE = 4,
    THREADS_ACROSS = TILE / EDGE,
    // Keeps the columns of a tile in different banks as they are stored, and its rows aligned for 16-byte reads.
    PADDING = 4,
};

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE) matmul(
    float* __restrict__ output,
    const __nv_bfloat16* __restrict__ weight,
    const float* __restrict__ input,
    unsigned int token_count,
    unsigned int row_count,
    unsigned int column_count,
    unsigned int accumulate)
{
    __shared__ __align__(16) float weight_tile[DEPTH][TILE + PADDING];
    __shared__ __align__(16) float input_tile[DEPTH][TILE + PADDING];

    const u32 across = threadIdx.x % THREADS_ACROSS;
    const u32 down = threadIdx.x / THREADS_ACROSS;

    for (u64 first_token = u64(blockIdx.y) * TILE; first_token < token_count; first_token += u64(gridDim.y) * TILE) {
        for (u64 first_row = u64(blockIdx.x) * TILE; first_row < row_count; first_row += u64(gridDim.x) * TILE) {
            float sum[EDGE][EDGE] = {};
            for (u64 first_column = 0; first_column < column_count; first_column += DEPTH) {
                #pragma unroll
                for (u32 element = threadIdx.x; element < TILE * DEPTH; element += BLOCK_SIZE) {
                    const u32 depth = element % DEPTH;
                    const u32 line = element / DEPTH;
                    const u64 column = first_column + depth;
                    const u64 row = first_row + line;
                    const u64 token = first_token + line;
                    weight_tile[depth][line] = row < row_count && column < column_count
                        ? __bfloat162float(weight[row * column_count + column]) : 0.0f;
                    input_tile[depth][line] = token < token_count && column < column_count
                        ? input[token * column_count + column] : 0.0f;
                }
                __syncthreads();
                #pragma unroll
                for (u32 depth = 0; depth < DEPTH; ++depth) {
                    const float4 weights = *reinterpret_cast<const float4*>(&weight_tile[depth][across * EDGE]);
                    const float4 inputs = *reinterpret_cast<const float4*>(&input_tile[depth][down * EDGE]);
                    const float left[EDGE] = {inputs.x, inputs.y, inputs.z, inputs.w};
                    const float right[EDGE] = {weights.x, weights.y, weights.z, weights.w};
                    #pragma unroll
                    for (u32 i = 0; i < EDGE; ++i) {
                        #pragma unroll
                        for (u32 j = 0; j < EDGE; ++j) {
                            sum[i][j] = fmaf(left[i], right[j], sum[i][j]);
                        }
                    }
                }
                __syncthreads();
            }
            #pragma unroll
            for (u32 i = 0; i < EDGE; ++i) {
                #pragma unroll
                for (u32 j = 0; j < EDGE; ++j) {
                    const u64 token = first_token + down * EDGE + i;
                    const u64 row = first_row + across * EDGE + j;
                    if (token < token_count && row < row_count) {
                        float* target = output + token * row_count + row;
                        *target = accumulate != 0 ? *target + sum[i][j] : sum[i][j];
                    }
                }
            }
        }
    }
}
