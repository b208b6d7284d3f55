/* Fast FIR of one plane for one kernel size, KERNEL, and one instruction set: nine short correlations instead of one.

   The method, its parts and its source are those of `fast_fir.c`. A tile of the image is split into its nine parts once;
   then a block of quads, ROWS by two vectors of them, is summed in registers for one part after the other, each beginning
   with the sums of those before that its outputs share.
   Makes FAST_FIR(p, image, kernel, bias, output, begin, end), which computes the rows begin <= y < end; begin is even. */

#define EVEN_TAPS ((KERNEL + 1) / 2) /* along one axis, of h0 and of h0 + h1 */
#define ODD_TAPS (KERNEL / 2)
#define BLOCK_QUADS (2 * LANES)
#define PITCH (TILE_QUADS + BLOCK_QUADS) /* of a part's rows: no multiple of 1 kB, so that they share no place in a cache */
#define PART_ROWS (TILE_ROWS + EVEN_TAPS - 1)

#define FAST_FIR PASTE(fast_fir, SET, KERNEL)
#define PARTS PASTE(fast_fir_parts, SET, KERNEL)
#define WEIGHTS PASTE(fast_fir_weights, SET, KERNEL)
#define SPLIT_ROW PASTE(fast_fir_split_row, SET, KERNEL)
#define SPLIT PASTE(fast_fir_split, SET, KERNEL)
#define WEIGH PASTE(fast_fir_weigh, SET, KERNEL)
#define CORRELATE PASTE(fast_fir_correlate, SET, KERNEL)
#define WRITE PASTE(fast_fir_write, SET, KERNEL)
#define QUADS PASTE(fast_fir_quads, SET, KERNEL)

typedef float PARTS[3][3][PART_ROWS][PITCH] __attribute__((aligned(64))); /* by part of the rows, part of the columns */
typedef float WEIGHTS[3][3][EVEN_TAPS * EVEN_TAPS];                       /* the same; columns of taps one by one */

/* Add up the taps that one tap of a part stands for: one, or two along each axis. */
static void WEIGH(const float *kernel, WEIGHTS weights)
{
    float lines[3][EVEN_TAPS][2 * EVEN_TAPS]; /* by part of the rows; a last row or column of zeros makes them even */
    for (int y = 0; y < EVEN_TAPS; y++)
        for (int x = 0; x < 2 * EVEN_TAPS; x++) {
            const float even = x < KERNEL ? kernel[2 * y * KERNEL + x] : 0.0f;
            const float odd = x < KERNEL && y < ODD_TAPS ? kernel[(2 * y + 1) * KERNEL + x] : 0.0f;
            lines[EVEN][y][x] = even;
            lines[ODD][y][x] = odd;
            lines[BOTH][y][x] = even + odd;
        }
    for (int rows = EVEN; rows <= BOTH; rows++) {
        const int height = rows == ODD ? ODD_TAPS : EVEN_TAPS;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < EVEN_TAPS; x++) {
                const float even = lines[rows][y][2 * x], odd = lines[rows][y][2 * x + 1];
                weights[rows][EVEN][x * height + y] = even;
                weights[rows][ODD][x * height + y] = odd;
                weights[rows][BOTH][x * height + y] = even + odd;
            }
    }
}

/* Split a vector of pairs of one image row, from `line` on, by part of the columns; `first` and `end` bound what exists. */
TARGET static inline __attribute__((always_inline)) void SPLIT_ROW(const float *line, const int edge, ptrdiff_t first,
                                                                   ptrdiff_t end, VECTOR *even, VECTOR *odd, VECTOR *both)
{
    VECTOR own, next;
    if (edge) {
        const VECTOR low = LOAD_IN(LANES_BETWEEN(first, end), line);
        const VECTOR high = LOAD_IN(LANES_BETWEEN(first - LANES, end - LANES), line + LANES);
        const VECTOR next_low = LOAD_IN(LANES_BETWEEN(first - 2, end - 2), line + 2);
        const VECTOR next_high = LOAD_IN(LANES_BETWEEN(first - 2 - LANES, end - 2 - LANES), line + 2 + LANES);
        own = EVENS(low, high);
        next = EVENS(next_low, next_high);
        *both = ODDS(low, high);
    } else {
        const VECTOR low = LOAD(line), high = LOAD(line + LANES);
        own = EVENS(low, high);
        next = NEXT_EVENS(own, line);
        *both = ODDS(low, high);
    }
    *even = SUBTRACT(own, *both);
    *odd = SUBTRACT(next, *both);
}

/* Split what lies under `rows` by `vectors` of quads, whose first tap is at (top, left) of the image. */
TARGET static void SPLIT(const struct problem *p, const float *image, ptrdiff_t top, ptrdiff_t left, ptrdiff_t rows,
                         ptrdiff_t vectors, PARTS parts)
{
    enum { GROUP = 4 }; /* rows whose shared lines are split once, without reading far down at every vector */
    for (ptrdiff_t first = 0; first < rows; first += GROUP) {
        const ptrdiff_t end_row = first + GROUP < rows ? first + GROUP : rows;
        for (ptrdiff_t vector = 0; vector < vectors; vector++) {
            const ptrdiff_t x = left + vector * 2 * LANES, end = p->width - x;
            const int edge = x < 0 || end < 2 * LANES + 2;
            VECTOR even, odd, both; /* of the line that two rows of quads share */
#define SPLIT_LINE(y, even, odd, both)                                                                                 \
    if ((y) < 0 || (y) >= p->height)                                                                                   \
        even = odd = both = SPREAD(0.0f);                                                                              \
    else if (edge)                                                                                                     \
        SPLIT_ROW(image + (y) * p->width + x, 1, -x, end, &even, &odd, &both);                                         \
    else                                                                                                               \
        SPLIT_ROW(image + (y) * p->width + x, 0, 0, 0, &even, &odd, &both);
#define STORE_PARTS(columns, above, middle, below)                                                                     \
    STORE(parts[EVEN][columns][row] + vector * LANES, SUBTRACT(above, middle));                                        \
    STORE(parts[ODD][columns][row] + vector * LANES, SUBTRACT(below, middle));                                         \
    STORE(parts[BOTH][columns][row] + vector * LANES, middle);
            SPLIT_LINE(top + 2 * first, even, odd, both)
            for (ptrdiff_t row = first; row < end_row; row++) {
                VECTOR middle_even, middle_odd, middle_both, below_even, below_odd, below_both;
                SPLIT_LINE(top + 2 * row + 1, middle_even, middle_odd, middle_both)
                SPLIT_LINE(top + 2 * row + 2, below_even, below_odd, below_both)
                STORE_PARTS(EVEN, even, middle_even, below_even)
                STORE_PARTS(ODD, odd, middle_odd, below_odd)
                STORE_PARTS(BOTH, both, middle_both, below_both)
                even = below_even;
                odd = below_odd;
                both = below_both;
            }
#undef SPLIT_LINE
#undef STORE_PARTS
        }
    }
}

/* Sum `height` by `width` taps over a block of quads, beginning with the sums `first` and, where there are, `second`. */
TARGET static inline __attribute__((always_inline)) void CORRELATE(const float *part, const float *weights,
                                                                   const int height, const int width,
                                                                   const float *first, const float *second, float *sums)
{
    VECTOR a[ROWS], b[ROWS];
    EACH_ROW for (int o = 0; o < ROWS; o++) {
        a[o] = LOAD(first + o * BLOCK_QUADS);
        b[o] = LOAD(first + o * BLOCK_QUADS + LANES);
        if (second) {
            a[o] = ADD_VECTORS(a[o], LOAD(second + o * BLOCK_QUADS));
            b[o] = ADD_VECTORS(b[o], LOAD(second + o * BLOCK_QUADS + LANES));
        }
    }
    for (int x = 0; x < width; x++) {
        VECTOR column[EVEN_TAPS];
        EACH_ROW for (int y = 0; y < height; y++)
            column[y] = SPREAD(weights[x * height + y]);
        EACH_ROW for (int row = 0; row < ROWS + height - 1; row++) {
            const VECTOR x0 = LOAD(part + row * PITCH + x), x1 = LOAD(part + row * PITCH + x + LANES);
            EACH_ROW for (int o = 0; o < ROWS; o++) {
                if (row - o >= 0 && row - o < height) {
                    a[o] = MULTIPLY_ADD(x0, column[row - o], a[o]);
                    b[o] = MULTIPLY_ADD(x1, column[row - o], b[o]);
                }
            }
        }
    }
    EACH_ROW for (int o = 0; o < ROWS; o++) {
        STORE(sums + o * BLOCK_QUADS, a[o]);
        STORE(sums + o * BLOCK_QUADS + LANES, b[o]);
    }
}

/* Write the even and odd columns of a row of a block of quads, `columns` at most. */
TARGET static inline void WRITE(const float *even, const float *odd, ptrdiff_t columns, int streams, float *output)
{
    for (int vector = 0; vector < 2 && columns > 0; vector++) {
        const VECTOR e = LOAD(even + vector * LANES), o = LOAD(odd + vector * LANES);
        const VECTOR low = FIRST_PAIRS(e, o), high = LAST_PAIRS(e, o);
        if (columns < 2 * LANES) {
            STORE_PART(output, low, columns < LANES ? columns : LANES);
            if (columns > LANES)
                STORE_PART(output + LANES, high, columns - LANES);
        } else if (streams) {
            STREAM(output, low);
            STREAM(output + LANES, high);
        } else {
            STORE(output, low);
            STORE(output + LANES, high);
        }
        output += 2 * LANES;
        columns -= 2 * LANES;
    }
}

/* Compute a block of quads, of which `rows` by `columns` outputs are wanted. */
TARGET static void QUADS(const struct problem *p, PARTS parts, WEIGHTS w, ptrdiff_t row, ptrdiff_t column, float bias,
                         ptrdiff_t rows, ptrdiff_t columns, int streams, float *output)
{
    enum { SIZE_OF_SUMS = ROWS * BLOCK_QUADS };
    float nothing[SIZE_OF_SUMS] __attribute__((aligned(64))), start[SIZE_OF_SUMS] __attribute__((aligned(64)));
    float shared[3][SIZE_OF_SUMS] __attribute__((aligned(64))); /* by part of the columns: what both rows share */
    float both[SIZE_OF_SUMS] __attribute__((aligned(64))), outer[2][SIZE_OF_SUMS] __attribute__((aligned(64)));
    for (int i = 0; i < SIZE_OF_SUMS; i++) {
        nothing[i] = 0.0f;
        start[i] = bias;
    }
#define PART(rows, columns) (&parts[rows][columns][row][column])
    CORRELATE(PART(BOTH, BOTH), w[BOTH][BOTH], EVEN_TAPS, EVEN_TAPS, start, NULL, shared[BOTH]);
    CORRELATE(PART(BOTH, EVEN), w[BOTH][EVEN], EVEN_TAPS, EVEN_TAPS, shared[BOTH], NULL, shared[EVEN]);
    CORRELATE(PART(BOTH, ODD), w[BOTH][ODD], EVEN_TAPS, ODD_TAPS, shared[BOTH], NULL, shared[ODD]);
    CORRELATE(PART(EVEN, BOTH), w[EVEN][BOTH], EVEN_TAPS, EVEN_TAPS, nothing, NULL, both);
    CORRELATE(PART(EVEN, EVEN), w[EVEN][EVEN], EVEN_TAPS, EVEN_TAPS, shared[EVEN], both, outer[EVEN]);
    CORRELATE(PART(EVEN, ODD), w[EVEN][ODD], EVEN_TAPS, ODD_TAPS, shared[ODD], both, outer[ODD]);
    for (int y = 0; y < ROWS && 2 * y < rows; y++)
        WRITE(outer[EVEN] + y * BLOCK_QUADS, outer[ODD] + y * BLOCK_QUADS, columns, streams,
              output + 2 * y * p->output_width);
    CORRELATE(PART(ODD, BOTH), w[ODD][BOTH], ODD_TAPS, EVEN_TAPS, nothing, NULL, both);
    CORRELATE(PART(ODD, EVEN), w[ODD][EVEN], ODD_TAPS, EVEN_TAPS, shared[EVEN], both, outer[EVEN]);
    CORRELATE(PART(ODD, ODD), w[ODD][ODD], ODD_TAPS, ODD_TAPS, shared[ODD], both, outer[ODD]);
    for (int y = 0; y < ROWS && 2 * y + 1 < rows; y++)
        WRITE(outer[EVEN] + y * BLOCK_QUADS, outer[ODD] + y * BLOCK_QUADS, columns, streams,
              output + (2 * y + 1) * p->output_width);
#undef PART
}

TARGET static void FAST_FIR(const struct problem *p, const float *image, const float *kernel, float bias, float *output,
                            ptrdiff_t begin, ptrdiff_t end)
{
    PARTS parts;
    WEIGHTS weights;
    const int streams = p->streams && (uintptr_t)output % 64 == 0 && p->output_width % LANES == 0;
    WEIGH(kernel, weights);
    for (ptrdiff_t top = begin; top < end; top += 2 * TILE_ROWS) {
        const ptrdiff_t rows = end - top < 2 * TILE_ROWS ? end - top : 2 * TILE_ROWS;
        const ptrdiff_t row_blocks = ((rows + 1) / 2 + ROWS - 1) / ROWS;
        for (ptrdiff_t left = 0; left < p->output_width; left += 2 * TILE_QUADS) {
            const ptrdiff_t wanted = p->output_width - left;
            const ptrdiff_t columns = wanted < 2 * TILE_QUADS ? wanted : 2 * TILE_QUADS;
            const ptrdiff_t column_blocks = (columns + 2 * BLOCK_QUADS - 1) / (2 * BLOCK_QUADS);
            SPLIT(p, image, top - p->padding_height, left - p->padding_width, row_blocks * ROWS + EVEN_TAPS - 1,
                  column_blocks * 2 + (EVEN_TAPS + LANES - 2) / LANES, parts);
            for (ptrdiff_t row = 0; row < row_blocks; row++)
                for (ptrdiff_t column = 0; column < column_blocks; column++)
                    QUADS(p, parts, weights, row * ROWS, column * BLOCK_QUADS, bias, rows - row * 2 * ROWS,
                          columns - column * 2 * BLOCK_QUADS, streams,
                          output + (top + row * 2 * ROWS) * p->output_width + left + column * 2 * BLOCK_QUADS);
        }
    }
    FENCE();
}

#undef KERNEL
#undef EVEN_TAPS
#undef ODD_TAPS
#undef BLOCK_QUADS
#undef PITCH
#undef PART_ROWS
#undef FAST_FIR
#undef PARTS
#undef WEIGHTS
#undef SPLIT_ROW
#undef SPLIT
#undef WEIGH
#undef CORRELATE
#undef WRITE
#undef QUADS
