/* One block of outputs: ROWS rows of VECTORS vectors, held in registers while the kernel passes over them.

   Included once for each instruction set, kernel size and block; the includer defines
     NAME            the function to make
     VECTORS         the block's width, 1 or 2 (ROWS is the instruction set's)
     KERNEL          the kernel's height and width, or 0 for any, which then come from the problem
     EDGE            0: all that is under the block is in the image; 1: columns are missing; 2: rows as well, or the
                     output ends within the block
   A shifted load of an image row serves all the outputs that the row reaches, so that there are several multiply-adds
   to a load. Where vectors can be shifted, small kernels read each row of the image once and shift it; others pass over
   the block once for each column of the kernel, which is held in registers, or (BY_ROW) once for each row of the image,
   for images whose rows lie in the same places of the first cache. */

#ifdef SHIFT
#define SHIFTS (KERNEL && KERNEL <= 7)
#else
#define SHIFTS 0
#endif

#if EDGE
#define LOAD_AT(from, place) LOAD_IN(missing_##place, from)
#define MASKS(x)                                                                                                       \
    const MASK missing_0 = LANES_BETWEEN(b->first_column - (x), b->end_column - (x));                                  \
    const MASK missing_1 = LANES_BETWEEN(b->first_column - (x) - LANES, b->end_column - (x) - LANES);                  \
    (void)missing_1;
#else
#define LOAD_AT(from, place) LOAD(from)
#define MASKS(x)
#endif
#if EDGE == 2
#define HAS_ROW(r) ((r) >= b->first_row && (r) < b->end_row)
#else
#define HAS_ROW(r) 1
#endif

#define LOADS(from)                                                                                                    \
    const VECTOR x0 = LOAD_AT(from, 0);                                                                                \
    const VECTOR x1 = VECTORS > 1 ? LOAD_AT((from) + LANES, 1) : x0;                                                   \
    (void)x1;
#define ADD(o, weight)                                                                                                 \
    {                                                                                                                  \
        const VECTOR w = weight;                                                                                       \
        a##o = MULTIPLY_ADD(x0, w, a##o);                                                                              \
        if (VECTORS > 1)                                                                                               \
            b##o = MULTIPLY_ADD(x1, w, b##o);                                                                          \
    }
#define REACHES(o) ((o) < ROWS && row - (o) >= 0 && row - (o) < KERNEL)

/* A column of the kernel at a time. */
#define TAP(o) if (REACHES(o)) ADD(o, column[(row - (o)) & 15])
#define STEP(r)                                                                                                        \
    {                                                                                                                  \
        enum { row = (r) };                                                                                            \
        if (row < ROWS + KERNEL - 1 && HAS_ROW(row)) {                                                                 \
            LOADS(image + row * b->image_stride + x)                                                                   \
            TAP(0) TAP(1) TAP(2) TAP(3) TAP(4) TAP(5) TAP(6) TAP(7)                                                    \
        }                                                                                                              \
    }

/* A row of the image at a time; of a kernel of 3x3 all weights stay in registers. */
#if KERNEL == 3 && SHIFTS
#define WEIGHT(y, x) weights[(y) * 3 + (x)]
#else
#define WEIGHT(y, x) SPREAD(taps[(y) * KERNEL + (x)])
#endif
/* Keeps the compiler from holding more weights than there are registers, and so from storing and loading them again. */
#define HIDE(pointer) __asm__("" : "+r"(pointer));
#define ROW_TAP(o, x) if (REACHES(o)) ADD(o, WEIGHT(row - (o), x))
#define ROW_TAPS(x)                                                                                                    \
    ROW_TAP(0, x) ROW_TAP(1, x) ROW_TAP(2, x) ROW_TAP(3, x) ROW_TAP(4, x) ROW_TAP(5, x) ROW_TAP(6, x) ROW_TAP(7, x)
#if SHIFTS
/* Two loads and the first lanes of a third give all shifts: most loads would straddle two cache lines. */
#define LAST_LANES (VECTORS * LANES)
#if EDGE
#define MASKS_OF_ROWS                                                                                                  \
    MASKS(0)                                                                                                           \
    const MASK missing_last =                                                                                          \
        LANES_BETWEEN(b->first_column - LAST_LANES,                                                                    \
                      b->end_column - LAST_LANES < KERNEL - 1 ? b->end_column - LAST_LANES : KERNEL - 1);
#else
#define MASKS_OF_ROWS const MASK missing_last = LANES_BETWEEN(0, KERNEL - 1);
#endif
#define SHIFTED(x)                                                                                                     \
    if ((x) < KERNEL) {                                                                                                \
        const VECTOR x0 = (x) ? SHIFT(low, middle, x) : low;                                                           \
        const VECTOR x1 = (x) ? SHIFT(middle, last, x) : middle;                                                       \
        (void)x1;                                                                                                      \
        ROW_TAPS(x)                                                                                                    \
    }
#define ROW(r)                                                                                                         \
    {                                                                                                                  \
        enum { row = (r) };                                                                                            \
        if (row < ROWS + KERNEL - 1 && HAS_ROW(row)) {                                                                 \
            const float *line = image + row * b->image_stride, *taps = kernel;                                         \
            HIDE(taps)                                                                                                 \
            const VECTOR low = LOAD_AT(line, 0), last = LOAD_IN(missing_last, line + LAST_LANES);                      \
            const VECTOR middle = VECTORS > 1 ? LOAD_AT(line + LANES, 1) : last;                                       \
            SHIFTED(0) SHIFTED(1) SHIFTED(2) SHIFTED(3) SHIFTED(4) SHIFTED(5) SHIFTED(6)                               \
        }                                                                                                              \
    }
#else
#define ROW(r)                                                                                                         \
    {                                                                                                                  \
        enum { row = (r) };                                                                                            \
        if (row < ROWS + KERNEL - 1 && HAS_ROW(row)) {                                                                 \
            const float *line = image + row * b->image_stride, *taps = kernel;                                         \
            for (ptrdiff_t x = 0; x < KERNEL; x++) {                                                                   \
                MASKS(x)                                                                                               \
                LOADS(line + x)                                                                                        \
                ROW_TAPS(x)                                                                                            \
            }                                                                                                          \
        }                                                                                                              \
    }

#endif

/* A tap of a kernel of any size at a time. */
#define ANY_TAP(o)                                                                                                     \
    if ((o) < ROWS && HAS_ROW(y + (o))) {                                                                              \
        LOADS(image + (y + (o)) * b->image_stride + x)                                                                 \
        ADD(o, weight)                                                                                                 \
    }

#define LET(o) VECTOR a##o = start, b##o = start;
#define STORE_ROW(o, HOW)                                                                                              \
    if ((o) < ROWS) {                                                                                                  \
        HOW(output + (o) * b->output_stride, a##o);                                                                    \
        if (VECTORS > 1)                                                                                               \
            HOW(output + (o) * b->output_stride + LANES, b##o);                                                        \
    }
#define STORE_ROW_IN_PART(o)                                                                                           \
    if ((o) < ROWS && (o) < b->rows) {                                                                                 \
        STORE_PART(output + (o) * b->output_stride, a##o, b->columns);                                                 \
        if (VECTORS > 1 && b->columns > LANES)                                                                         \
            STORE_PART(output + (o) * b->output_stride + LANES, b##o, b->columns - LANES);                             \
    }

TARGET static void NAME(const struct block *b, const float *image, const float *kernel, float bias, float *output)
{
    const VECTOR start = SPREAD(bias);
    LET(0) LET(1) LET(2) LET(3) LET(4) LET(5) LET(6) LET(7)
#if KERNEL == 3 && SHIFTS
    VECTOR weights[9];
    for (int i = 0; i < 9; i++)
        weights[i] = SPREAD(kernel[i]);
#endif
#if SHIFTS
    MASKS_OF_ROWS
#endif
#if SHIFTS || BY_ROW
    ROW(0) ROW(1) ROW(2) ROW(3) ROW(4) ROW(5) ROW(6) ROW(7) ROW(8) ROW(9) ROW(10) ROW(11) ROW(12)
    ROW(13) ROW(14) ROW(15) ROW(16) ROW(17)
#elif KERNEL
    for (ptrdiff_t x = 0; x < KERNEL; x++) {
        VECTOR column[16];
        for (int y = 0; y < KERNEL; y++)
            column[y] = SPREAD(kernel[y * KERNEL + x]);
        MASKS(x)
        STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10) STEP(11) STEP(12)
        STEP(13) STEP(14) STEP(15) STEP(16) STEP(17)
    }
#else
    for (ptrdiff_t y = 0; y < b->kernel_height; y++) {
        for (ptrdiff_t x = 0; x < b->kernel_width; x++) {
            const VECTOR weight = SPREAD(kernel[y * b->kernel_width + x]);
            MASKS(x)
            ANY_TAP(0) ANY_TAP(1) ANY_TAP(2) ANY_TAP(3) ANY_TAP(4) ANY_TAP(5) ANY_TAP(6) ANY_TAP(7)
        }
    }
#endif
#if EDGE == 2
    if (b->rows < ROWS || b->columns < VECTORS * LANES) {
        STORE_ROW_IN_PART(0) STORE_ROW_IN_PART(1) STORE_ROW_IN_PART(2) STORE_ROW_IN_PART(3)
        STORE_ROW_IN_PART(4) STORE_ROW_IN_PART(5) STORE_ROW_IN_PART(6) STORE_ROW_IN_PART(7)
        return;
    }
#endif
    if (b->streams) {
        STORE_ROW(0, STREAM) STORE_ROW(1, STREAM) STORE_ROW(2, STREAM) STORE_ROW(3, STREAM)
        STORE_ROW(4, STREAM) STORE_ROW(5, STREAM) STORE_ROW(6, STREAM) STORE_ROW(7, STREAM)
    } else {
        STORE_ROW(0, STORE) STORE_ROW(1, STORE) STORE_ROW(2, STORE) STORE_ROW(3, STORE)
        STORE_ROW(4, STORE) STORE_ROW(5, STORE) STORE_ROW(6, STORE) STORE_ROW(7, STORE)
    }
}

#undef LOAD_AT
#undef MASKS
#undef HAS_ROW
#undef LOADS
#undef ADD
#undef REACHES
#undef TAP
#undef STEP
#undef ROW_TAP
#undef ROW_TAPS
#undef WEIGHT
#undef HIDE
#undef SHIFTS
#undef ROW
#undef LAST_LANES
#undef MASKS_OF_ROWS
#undef SHIFTED
#undef ANY_TAP
#undef LET
#undef STORE_ROW
#undef STORE_ROW_IN_PART
