/* Vectors of floats in one instruction set: with SET defined as avx512, avx2, neon or portable, defines VECTOR, LANES,
   ROWS (as many as the registers hold) and what is done with vectors; without, takes them back.

   LANES_BETWEEN(first, end) is the MASK of the lanes first <= lane < end; LOAD_IN(mask, from) reads those and sets the
   others to 0; STORE_PART(to, value, n) writes the first n. Neither touches the memory of other lanes. EVENS and ODDS take
   every other lane of two vectors in a row; FIRST_PAIRS and LAST_PAIRS put them back in turn. */

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
#define ADD_VECTORS(x, y) _mm512_add_ps(x, y)
#define SUBTRACT(x, y) _mm512_sub_ps(x, y)
#define EVENS(low, high) _mm512_permutex2var_ps(low, avx512_even_lanes, high)
#define NEXT_EVENS(evens, from) SHIFT(evens, SPREAD((from)[2 * LANES]), 1)
#define ODDS(low, high) _mm512_permutex2var_ps(low, avx512_odd_lanes, high)
#define FIRST_PAIRS(x, y) _mm512_permutex2var_ps(x, avx512_first_pairs, y)
#define LAST_PAIRS(x, y) _mm512_permutex2var_ps(x, avx512_last_pairs, y)
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
#define ADD_VECTORS(x, y) _mm256_add_ps(x, y)
#define SUBTRACT(x, y) _mm256_sub_ps(x, y)
#define EVENS(low, high) avx2_every_other(low, high, 0)
#define NEXT_EVENS(evens, from) EVENS(LOAD((from) + 2), LOAD((from) + 2 + LANES))
#define ODDS(low, high) avx2_every_other(low, high, 1)
#define FIRST_PAIRS(x, y) avx2_pairs(x, y, 0)
#define LAST_PAIRS(x, y) avx2_pairs(x, y, 1)
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
#define ADD_VECTORS(x, y) ((x) + (y))
#define SUBTRACT(x, y) ((x) - (y))
#define EVENS(low, high) ((four){(low)[0], (low)[2], (high)[0], (high)[2]})
#define NEXT_EVENS(evens, from) EVENS(LOAD((from) + 2), LOAD((from) + 2 + LANES))
#define ODDS(low, high) ((four){(low)[1], (low)[3], (high)[1], (high)[3]})
#define FIRST_PAIRS(x, y) ((four){(x)[0], (y)[0], (x)[1], (y)[1]})
#define LAST_PAIRS(x, y) ((four){(x)[2], (y)[2], (x)[3], (y)[3]})
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
#undef ADD_VECTORS
#undef SUBTRACT
#undef EVENS
#undef ODDS
#undef NEXT_EVENS
#undef FIRST_PAIRS
#undef LAST_PAIRS
#undef FENCE
#endif
