/* Vectors of floats in one instruction set: with SET defined as avx512, avx2, neon or portable, defines VECTOR, LANES,
   ROWS (as many as the registers hold) and what is done with vectors; without, takes them back.

   LANES_BETWEEN(first, end) is the MASK of the lanes first <= lane < end; LOAD_IN(mask, from) reads those and sets the
   others to 0; STORE_PART(to, value, n) writes the first n. Neither touches the memory of other lanes. */

#ifdef SET
#define IS_avx512 1
#define IS_avx2 2
#define IS_neon 3
#define IS_portable 4
#define IS_(set) IS_##set
#define IS(set) IS_(set)

#if IS(SET) == 1
#define TARGET __attribute__((target("avx512f,avx512vl,avx2,fma")))
#define VECTOR __m512
#define LANES 16
#define ROWS 8
#define SPREAD(value) _mm512_set1_ps(value)
#define LOAD(from) _mm512_loadu_ps(from)
#define MASK __mmask16
#define LANES_BETWEEN(first, end) lanes_between(first, end)
#define LOAD_IN(mask, from) _mm512_maskz_loadu_ps(mask, from)
#define STORE(to, value) _mm512_storeu_ps(to, value)
#define STORE_PART(to, value, n) _mm512_mask_storeu_ps(to, lanes_between(0, n), value)
#define STREAM(to, value) _mm512_stream_ps(to, value)
#define MULTIPLY_ADD(x, w, sum) _mm512_fmadd_ps(x, w, sum)
#define SHIFT(low, high, n) /* the lanes from n on of both in a row */                                                 \
    _mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(high), _mm512_castps_si512(low), n))
#define FENCE() _mm_sfence()
#elif IS(SET) == 2
#define TARGET __attribute__((target("avx2,fma")))
#define VECTOR __m256
#define LANES 8
#define ROWS 4
#define SPREAD(value) _mm256_set1_ps(value)
#define LOAD(from) _mm256_loadu_ps(from)
#define MASK __m256i
#define LANES_BETWEEN(first, end) avx2_lanes_between(first, end)
#define LOAD_IN(mask, from) _mm256_maskload_ps(from, mask)
#define STORE(to, value) _mm256_storeu_ps(to, value)
#define STORE_PART(to, value, n) _mm256_maskstore_ps(to, avx2_lanes_between(0, n), value)
#define STREAM(to, value) _mm256_stream_ps(to, value)
#define MULTIPLY_ADD(x, w, sum) _mm256_fmadd_ps(x, w, sum)
#define FENCE() _mm_sfence()
#else
#define TARGET
#define VECTOR four
#define LANES 4
#define SPREAD(value) four_times(value)
#define LOAD(from) four_from(from)
#define MASK struct part
#define LANES_BETWEEN(first, end) ((struct part){first, end})
#define LOAD_IN(mask, from) four_part(from, mask)
#define STORE(to, value) four_to(to, value)
#define STORE_PART(to, value, n) four_part_to(to, value, n)
#define STREAM(to, value) four_to(to, value)
#define FENCE() ((void)0)
#if IS(SET) == 3
#define ROWS 8
#define MULTIPLY_ADD(x, w, sum) ((four)vfmaq_f32((float32x4_t)(sum), (float32x4_t)(x), (float32x4_t)(w)))
#else
#define ROWS 4
#define MULTIPLY_ADD(x, w, sum) ((sum) + (x) * (w))
#endif
#endif

#else
#undef IS_avx512
#undef IS_avx2
#undef IS_neon
#undef IS_portable
#undef IS_
#undef IS
#undef TARGET
#undef VECTOR
#undef LANES
#undef ROWS
#undef SPREAD
#undef LOAD
#undef MASK
#undef LANES_BETWEEN
#undef LOAD_IN
#undef STORE
#undef STORE_PART
#undef STREAM
#undef MULTIPLY_ADD
#undef SHIFT
#undef FENCE
#endif
