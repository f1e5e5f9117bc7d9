// Samples a token from each row of logits: temperature, top-k, top-p, min-p and a seeded draw, as
// gpu_runtime::Sampler defines them. sample reads logits that are masked already; masked_sample also reads the mask and
// leaves the logits as they are.
//
//   tokens        [row_count]                        token ids, or ALL_MASKED or INVALID_LOGIT of rank.cuh
//   logits        [row_count, width]                 f32, contiguous
//   parameters    [row_count, PARAMETER_WORDS]       the words of enum Word; the host has checked their ranges
//   bitmask, row_indices, bitmask_row_count, words_per_row: as in apply_bitmask.cu
//
// * width is at most 2^21, so that sums of weights stay below 2^63.
// * A weight, exp((logit - largest) / temperature), is worked out in double precision and rounded to a multiple of
//   2^-42. Sums of weights are then sums of integers: they do not depend on the order, so that equal inputs give equal
//   tokens in every launch on every device. The CPU sampler sums doubles; a token differs only if a draw or a bound
//   falls within that rounding.
// * The tokens that stay are those of at least some rank. The bound is found digit by digit from the top: a histogram
//   of the sums by the next 8 bits says which value of them the bound has. The loop ends as soon as the whole bin stays,
//   which is after the few digits that tell logits apart.
//
// Any grid is correct: rows are strided over blockIdx.x. A grid of row_count gives each row a block. The bounds ask for
// one block at a time on a multiprocessor, because ptxas makes room for three otherwise, and spills for it.

#include "rank.cuh"

namespace {

enum : u32 {
    BLOCK_SIZE = 512,
    WARPS = BLOCK_SIZE / WARP_SIZE,
    DIGIT_BITS = 8,
    BINS = 1u << DIGIT_BITS,
    BINS_PER_LANE = BINS / WARP_SIZE,
    BITS_PER_WORD = 32,
    FRACTION_BITS = 42,
};

// The words of a row's parameters. Those of 64 bits have their lower half first.
enum Word : u32 {
    TEMPERATURE = 0,  // f32; 0 takes the token of highest rank
    TOP_K = 1,        // 0 is off
    TOP_P = 2,        // f32; 1 is off
    MIN_P = 3,        // f32; 0 is off
    SEED = 4,
    STEP = 6,
    PARAMETER_WORDS = 8,
};

// A row of logits, seen through its mask.
struct Row {
    const float* logits;
    const u32* mask;
    u32 words;
    bool constrained;

    __device__ __forceinline__ u64 rank(u32 token) const
    {
        if (constrained) {
            const u32 word = token / BITS_PER_WORD < words ? mask[token / BITS_PER_WORD] : 0;
            if ((word >> token % BITS_PER_WORD & 1) == 0) {
                return NO_RANK;
            }
        }
        return rank_of(logits[token], token);
    }
};

struct Weights {
    double largest_logit;
    double temperature;

    __device__ __forceinline__ double exact(u64 rank) const
    {
        return exp((double(logit_of(rank)) - largest_logit) / temperature);
    }
};

__device__ __forceinline__ u64 fixed_point(double weight)
{
    return __double2ull_rn(weight * double(1ull << FRACTION_BITS));
}

// The Philox4x32-10 number of `step` under `seed`: 64 bits. Source: J. K. Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011.
__device__ __forceinline__ u64 random_bits(const u32* seed, const u32* step)
{
    u32 words[4] = {step[0], step[1], 0, 0};
    u32 keys[2] = {seed[0], seed[1]};
    #pragma unroll
    for (u32 round = 0; round < 10; ++round) {
        const u64 first = u64(words[0]) * 0xD2511F53u;
        const u64 second = u64(words[2]) * 0xCD9E8D57u;
        words[0] = u32(second >> 32) ^ words[1] ^ keys[0];
        words[1] = u32(second);
        words[2] = u32(first >> 32) ^ words[3] ^ keys[1];
        words[3] = u32(first);
        keys[0] += 0x9E3779B9u;
        keys[1] += 0xBB67AE85u;
    }
    return u64(words[1]) << 32 | words[0];
}

// The bound of the shortest run of highest ranks whose measures reach `enough`: the lowest rank in it. Only ranks of at
// least `floor` take part; if they do not reach it together, the answer is `floor`. Every thread must call it.
template <typename Measure>
__device__ __forceinline__ u64 lowest_rank(const Row& row, u32 width, u64 floor, u64 enough, Measure measure)
{
    __shared__ u64 bins[BINS];
    __shared__ u32 chosen_bin;
    __shared__ u64 missing;
    __shared__ u64 chosen_sum;

    u64 prefix = 0;
    for (u32 shift = 64 - DIGIT_BITS;; shift -= DIGIT_BITS) {
        // The bins before may still be read.
        __syncthreads();
        for (u32 bin = threadIdx.x; bin < BINS; bin += BLOCK_SIZE) {
            bins[bin] = 0;
        }
        if (threadIdx.x == 0) {
            chosen_bin = BINS;
        }
        __syncthreads();
        // Neighbours of one bin are added up before they are put there: most logits share their first bits.
        u32 pending_bin = 0;
        u64 pending = 0;
        #pragma unroll 1
        for (u32 token = threadIdx.x; token < width; token += BLOCK_SIZE) {
            const u64 rank = row.rank(token);
            // Two shifts, because one by 64 is undefined.
            if (rank < floor || rank == NO_RANK || (rank ^ prefix) >> shift >> DIGIT_BITS != 0) {
                continue;
            }
            const u32 bin = u32(rank >> shift) % BINS;
            if (bin != pending_bin && pending != 0) {
                atomicAdd(&bins[pending_bin], pending);
                pending = 0;
            }
            pending_bin = bin;
            pending += measure(rank);
        }
        if (pending != 0) {
            atomicAdd(&bins[pending_bin], pending);
        }
        __syncthreads();

        if (threadIdx.x < WARP_SIZE) {
            // Lane 0 has the highest bins.
            const u32 first = BINS - 1 - threadIdx.x * BINS_PER_LANE;
            u64 sum = 0;
            #pragma unroll
            for (u32 i = 0; i < BINS_PER_LANE; ++i) {
                sum += bins[first - i];
            }
            u64 through = sum;
            #pragma unroll
            for (u32 distance = 1; distance < WARP_SIZE; distance *= 2) {
                const u64 before = __shfl_up_sync(ALL_LANES, through, distance);
                through += threadIdx.x >= distance ? before : 0;
            }
            u64 above = through - sum;
            if (above < enough && through >= enough) {
                u32 bin = first;
                while (above + bins[bin] < enough) {
                    above += bins[bin];
                    bin -= 1;
                }
                chosen_bin = bin;
                chosen_sum = bins[bin];
                missing = enough - above;
            }
        }
        __syncthreads();

        if (chosen_bin == BINS) {
            return floor;
        }
        prefix |= u64(chosen_bin) << shift;
        enough = missing;
        if (shift == 0 || missing == chosen_sum) {
            return max(prefix, floor);
        }
    }
}

// Draws one of the tokens that stay, each in proportion to its weight, in order of ids. Every thread must call it; the
// answer is the same in each.
template <typename Measure>
__device__ __forceinline__ u32 draw(u32 width, u64 bits, Measure measure)
{
    __shared__ u64 warp_sums[WARPS];
    __shared__ u32 answer;

    const u32 lane = threadIdx.x % WARP_SIZE;
    const u32 warp = threadIdx.x / WARP_SIZE;
    // Each warp has a run of ids, of whole strides of a warp.
    const u32 run = (width + BLOCK_SIZE - 1) / BLOCK_SIZE * WARP_SIZE;
    const u32 start = min(warp * run, width);
    const u32 end = min(start + run, width);
    u64 sum = 0;
    #pragma unroll 1
    for (u32 token = start + lane; token < end; token += WARP_SIZE) {
        sum += measure(token);
    }
    sum = warp_sum(sum);
    // The draw before this one may still be read.
    __syncthreads();
    if (lane == 0) {
        warp_sums[warp] = sum;
    }
    __syncthreads();

    u64 before = 0;
    u64 total = 0;
    for (u32 other = 0; other < WARPS; ++other) {
        before += other < warp ? warp_sums[other] : 0;
        total += warp_sums[other];
    }
    // In [0, total): the one warp whose run it falls in finds the token.
    const u64 target = __umul64hi(bits, total);
    if (before <= target && target < before + sum) {
        #pragma unroll 1
        for (u32 first = start; first < end; first += WARP_SIZE) {
            const u32 token = first + lane;
            const u64 own = token < end ? measure(token) : 0;
            u64 through = own;
            #pragma unroll
            for (u32 distance = 1; distance < WARP_SIZE; distance *= 2) {
                const u64 neighbour = __shfl_up_sync(ALL_LANES, through, distance);
                through += lane >= distance ? neighbour : 0;
            }
            through += before;
            if (through - own <= target && target < through) {
                answer = token;
            }
            before = __shfl_sync(ALL_LANES, through, WARP_SIZE - 1);
            if (target < before) {
                break;
            }
        }
    }
    __syncthreads();
    return answer;
}

__device__ __forceinline__ u32 sample_row(const Row& row, u32 width, const u32* parameters)
{
    u64 best = NO_RANK;
    for (u32 token = threadIdx.x; token < width; token += BLOCK_SIZE) {
        best = max(best, row.rank(token));
    }
    best = block_max<BLOCK_SIZE>(best);
    if (best == NO_RANK) {
        return ALL_MASKED;
    }
    if (best == INVALID_RANK) {
        return INVALID_LOGIT;
    }
    const float temperature = __uint_as_float(parameters[TEMPERATURE]);
    const u32 top_k = parameters[TOP_K];
    const float top_p = __uint_as_float(parameters[TOP_P]);
    const double min_p = __uint_as_float(parameters[MIN_P]);
    if (temperature == 0.0f || top_k == 1) {
        return token_of(best);
    }

    const Weights weights{logit_of(best), temperature};
    u64 floor = NO_RANK + 1;
    if (top_k != 0) {
        floor = lowest_rank(row, width, floor, top_k, [](u64) { return 1ull; });
    }
    if (top_p < 1.0f) {
        u64 total = 0;
        #pragma unroll 1
        for (u32 token = threadIdx.x; token < width; token += BLOCK_SIZE) {
            const u64 rank = row.rank(token);
            total += rank >= floor ? fixed_point(weights.exact(rank)) : 0;
        }
        total = block_sum<BLOCK_SIZE>(total);
        const u64 enough = max(1ull, __double2ull_ru(double(top_p) * double(total)));
        floor = lowest_rank(
            row, width, floor, enough, [&](u64 rank) { return fixed_point(weights.exact(rank)); });
    }
    return draw(width, random_bits(parameters + SEED, parameters + STEP), [&](u32 token) {
        const u64 rank = row.rank(token);
        if (rank < floor) {
            return 0ull;
        }
        const double weight = weights.exact(rank);
        return weight >= min_p ? fixed_point(weight) : 0ull;
    });
}

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE, 1) sample(
    unsigned int* __restrict__ tokens,
    const float* __restrict__ logits,
    const unsigned int* __restrict__ parameters,
    unsigned int row_count,
    unsigned int width)
{
    for (u64 row = blockIdx.x; row < row_count; row += gridDim.x) {
        const Row view{logits + row * width, nullptr, 0, false};
        const u32 token = sample_row(view, width, parameters + row * PARAMETER_WORDS);
        if (threadIdx.x == 0) {
            tokens[row] = token;
        }
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK_SIZE, 1) masked_sample(
    unsigned int* __restrict__ tokens,
    const float* __restrict__ logits,
    const unsigned int* __restrict__ parameters,
    const unsigned int* __restrict__ bitmask,
    const int* __restrict__ row_indices,
    unsigned int row_count,
    unsigned int width,
    unsigned int bitmask_row_count,
    unsigned int words_per_row)
{
    for (u64 row = blockIdx.x; row < row_count; row += gridDim.x) {
        const int index = row_indices[row];
        const u32 words = index >= 0 && u32(index) < bitmask_row_count ? words_per_row : 0;
        const u32* mask = bitmask + (words != 0 ? u64(index) * words : 0);
        const Row view{logits + row * width, mask, words, index >= 0};
        const u32 token = sample_row(view, width, parameters + row * PARAMETER_WORDS);
        if (threadIdx.x == 0) {
            tokens[row] = token;
        }
    }
}
