/* The fastest direct convolution here: one channel a plane, stride 1, float, by hand-written vectors.

   A block of outputs stays in registers while the kernel passes over it (`simd_block.h`). Edges are loads of a part of a
   vector, so the padding is never stored; the last block of a row or of a plane overlaps the one before. The instruction
   set is chosen when called: AVX-512, AVX2 with FMA, NEON, or four lanes in plain C. */

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
    return end <= 0 ? 0 : end >= 16 ? 0xffffu : (1u << end) - 1;
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

static rows_function *rows_of(ptrdiff_t level)
{
#if defined(__x86_64__)
    if (level >= 2)
        return rows_avx512_of_plane;
    if (level == 1)
        return rows_avx2_of_plane;
#elif defined(__aarch64__)
    if (level >= 1)
        return rows_neon_of_plane;
#endif
    (void)level;
    return rows_portable_of_plane;
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
    rows_function *const rows = rows_of(p->level);
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
