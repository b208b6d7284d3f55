/* The fastest convolution here: one channel a plane, stride 1, float, by hand-written vectors.

   A block of outputs stays in registers while the kernel passes over it (`simd_block.h`). Edges are loads of a part of a
   vector, so the padding is never stored; the last block of a row or of a plane overlaps the one before. Kernels of 11x11
   may take fast FIR instead (`simd_fast_fir.h`). The instruction set is chosen when called: AVX-512, AVX2 with FMA, NEON,
   or four lanes in plain C. */

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum {
    MOST_THREADS = 64,
    LEAST_WORK = 1500000, /* multiply-adds that are worth a thread: starting one takes as long */
    TILE_ROWS = 32,   /* quads of outputs that are split together: their parts fit into a second cache */
    TILE_QUADS = 128, /* in a row */
    WAY = 4096 /* bytes that most first-level caches hold in one way: rows so far apart push each other out */
};

struct problem {
    ptrdiff_t planes, kernels; /* plane i is convolved with kernel i % kernels */
    ptrdiff_t height, width;
    ptrdiff_t output_height, output_width;
    ptrdiff_t kernel_height, kernel_width;
    ptrdiff_t padding_height, padding_width;
    ptrdiff_t level;   /* of simd_level: at most this one is used */
    ptrdiff_t threads; /* to share the rows of each plane */
    ptrdiff_t streams; /* 1 where outputs are so large that they had better not enter the caches */
    ptrdiff_t fast_fir; /* 1 for fewer multiplications, rounded otherwise; the kernel is then 11x11 */
    const float *image, *weight, *bias; /* bias is NULL for none */
};

struct block {
    ptrdiff_t image_stride, output_stride;
    ptrdiff_t rows, columns;           /* to store */
    ptrdiff_t first_row, end_row;      /* of the image rows under the block, those that exist */
    ptrdiff_t first_column, end_column;
    ptrdiff_t kernel_height, kernel_width;
    int streams;
};

typedef void block_function(const struct block *, const float *, const float *, float, float *);
typedef void rows_function(const struct problem *, const float *, const float *, float, float *, ptrdiff_t, ptrdiff_t);

enum fast_fir_part { EVEN, ODD, BOTH }; /* of the rows or columns of an image; see simd_fast_fir.h */
#define EACH_ROW _Pragma("GCC unroll 16")

typedef float four __attribute__((vector_size(16)));

static inline four four_times(float value)
{
    return (four){value, value, value, value};
}

static inline four four_from(const float *from)
{
    four value;
    memcpy(&value, from, sizeof value);
    return value;
}

struct part {
    ptrdiff_t first, end;
};

static inline four four_part(const float *from, struct part lanes)
{
    four value = {0, 0, 0, 0};
    for (ptrdiff_t lane = lanes.first > 0 ? lanes.first : 0; lane < (lanes.end < 4 ? lanes.end : 4); lane++)
        value[lane] = from[lane];
    return value;
}

static inline void four_to(float *to, four value)
{
    memcpy(to, &value, sizeof value);
}

static inline void four_part_to(float *to, four value, ptrdiff_t n)
{
    for (ptrdiff_t lane = 0; lane < (n < 4 ? n : 4); lane++)
        to[lane] = value[lane];
}

/* The row of the table of blocks that a kernel has; 0 where none is made for its size. */
static int size_class(const struct problem *p)
{
    if (p->kernel_height != p->kernel_width)
        return 0;
    switch (p->kernel_height) {
    case 3: return 1;
    case 5: return 2;
    case 7: return 3;
    case 11: return p->width * sizeof(float) % WAY ? 4 : 5;
    default: return 0;
    }
}

#if defined(__x86_64__)
static inline unsigned lanes_below(ptrdiff_t end)
{
    return (1u << (end < 0 ? 0 : end > 16 ? 16 : end)) - 1;
}

static inline __mmask16 lanes_between(ptrdiff_t first, ptrdiff_t end)
{
    return (__mmask16)(lanes_below(end) & ~lanes_below(first));
}

__attribute__((target("avx2"))) static inline __m256i avx2_lanes_between(ptrdiff_t first, ptrdiff_t end)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const int least = first < -1 ? -1 : first > 8 ? 8 : (int)first, most = end < 0 ? 0 : end > 8 ? 8 : (int)end;
    return _mm256_and_si256(_mm256_cmpgt_epi32(lanes, _mm256_set1_epi32(least - 1)),
                            _mm256_cmpgt_epi32(_mm256_set1_epi32(most), lanes));
}

/* The lanes from `odd` on, every other, of two vectors in a row. */
__attribute__((target("avx2"))) static inline __attribute__((always_inline)) __m256
avx2_every_other(__m256 low, __m256 high, const int odd)
{
    const __m256 mixed = odd ? _mm256_shuffle_ps(low, high, 0xdd) : _mm256_shuffle_ps(low, high, 0x88);
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(mixed), 0xd8));
}

/* The lanes of x and y in turn, of their lower or their upper halves. */
__attribute__((target("avx2"))) static inline __attribute__((always_inline)) __m256 avx2_pairs(__m256 x, __m256 y,
                                                                                               const int upper)
{
    const __m256 low = _mm256_unpacklo_ps(x, y), high = _mm256_unpackhi_ps(x, y);
    return upper ? _mm256_permute2f128_ps(low, high, 0x31) : _mm256_permute2f128_ps(low, high, 0x20);
}

#define avx512_even_lanes _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define avx512_odd_lanes _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#define avx512_first_pairs _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define avx512_last_pairs _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

#define SET avx512
#include "simd_plane.h"
#define SET avx2
#include "simd_plane.h"
#elif defined(__aarch64__)
#define SET neon
#include "simd_plane.h"
#endif
#define SET portable
#include "simd_plane.h"

/* The best instruction set that this processor has: 2 for AVX-512, 1 for AVX2 or NEON, 0 for plain C. */
ptrdiff_t simd_level(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        return 2;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 1 : 0;
#elif defined(__aarch64__)
    return 1;
#else
    return 0;
#endif
}

#define ROWS_FUNCTION(set) p->fast_fir ? fast_fir_##set##_11 : rows_##set##_of_plane

static rows_function *rows_of(const struct problem *p)
{
#if defined(__x86_64__)
    if (p->level >= 2)
        return ROWS_FUNCTION(avx512);
    if (p->level == 1)
        return ROWS_FUNCTION(avx2);
#elif defined(__aarch64__)
    if (p->level >= 1)
        return ROWS_FUNCTION(neon);
#endif
    return ROWS_FUNCTION(portable);
}

struct band {
    const struct problem *problem;
    float *output;
    ptrdiff_t begin, end;
};

static void *compute_band(void *given)
{
    const struct band *band = given;
    const struct problem *p = band->problem;
    rows_function *const rows = rows_of(p);
    const ptrdiff_t image_size = p->height * p->width, output_size = p->output_height * p->output_width;
    for (ptrdiff_t plane = 0; plane < p->planes; plane++) {
        const ptrdiff_t kernel = plane % p->kernels;
        rows(p, p->image + plane * image_size, p->weight + kernel * p->kernel_height * p->kernel_width,
             p->bias ? p->bias[kernel] : 0.0f, band->output + plane * output_size, band->begin, band->end);
    }
    return NULL;
}

/* Compute every plane of `output`; a thread that cannot be started leaves its rows to the caller. */
void simd(const struct problem *p, float *output)
{
    struct band bands[MOST_THREADS];
    pthread_t others[MOST_THREADS];
    int started[MOST_THREADS] = {0};
    ptrdiff_t threads = p->threads < MOST_THREADS ? p->threads : MOST_THREADS;
    const ptrdiff_t work = p->planes * p->output_height * p->output_width * p->kernel_height * p->kernel_width;
    if (threads > work / LEAST_WORK)
        threads = work / LEAST_WORK;
    if (threads > p->output_height / 8)
        threads = p->output_height / 8;
    if (threads < 2) {
        struct band whole = {p, output, 0, p->output_height};
        compute_band(&whole);
        return;
    }
    const ptrdiff_t share = (p->output_height / threads + 7) / 8 * 8;
    for (ptrdiff_t i = 0; i < threads; i++) {
        const ptrdiff_t begin = i * share < p->output_height ? i * share : p->output_height;
        bands[i] = (struct band){p, output, begin, i + 1 < threads && begin + share < p->output_height ? begin + share
                                                                                                       : p->output_height};
        if (i && bands[i].begin < bands[i].end)
            started[i] = pthread_create(&others[i], NULL, compute_band, &bands[i]) == 0;
    }
    compute_band(&bands[0]);
    for (ptrdiff_t i = 1; i < threads; i++) {
        if (started[i])
            pthread_join(others[i], NULL);
        else if (bands[i].begin < bands[i].end)
            compute_band(&bands[i]);
    }
}
