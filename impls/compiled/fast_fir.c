/* Fast FIR: a 2x2 quad of outputs from fewer products than four kernels hold, at the price of additions.

   Along one axis let y0[n] = y[2n], y1[n] = y[2n+1], x0, x1 and h0, h1 likewise the even and odd elements of image and
   kernel, and * correlation. Then, with x0'[n] = x0[n+1],

       y0 = h0 * (x0 - x1)  + (h0 + h1) * x1
       y1 = h1 * (x0' - x1) + (h0 + h1) * x1

   whose last term both share: three correlations of half the length instead of four. Of 11 taps they take 6 + 5 + 6 for
   two outputs, and nested over both axes 17 * 17 / 4 = 72 products an output instead of 121. The difference x0 - x1 may
   be larger than what it stands for, so the rounding error is bounded by norms, not element by element.
   Source: K. K. Parhi, VLSI Digital Signal Processing Systems, 1999, section 9.2 (the transposed two-parallel filter).

   Tiles keep the parts in the first two caches; flags may give them other sizes. Kernel sizes are constants
   (-DKERNEL_HEIGHT=11 ...), stride and dilation are 1. */

#include "tiles.h"

#ifndef TILE_ROWS /* of quads */
#define TILE_ROWS 16
#endif
#ifndef TILE_COLUMNS
#define TILE_COLUMNS 128
#endif
#define LANES 8 /* quads come in multiples of this, so that a vector loop has no remainder; divides TILE_COLUMNS */

enum part { EVEN, ODD, BOTH }; /* h0 on x0 - x1, h1 on x0' - x1, h0 + h1 on x1 */

#define EVEN_ROWS ((KERNEL_HEIGHT + 1) / 2) /* taps of h0, and of h0 + h1 */
#define ODD_ROWS (KERNEL_HEIGHT / 2)
#define EVEN_COLUMNS ((KERNEL_WIDTH + 1) / 2)
#define ODD_COLUMNS (KERNEL_WIDTH / 2)
#define REACH_ROWS (TILE_ROWS + EVEN_ROWS - 1) /* of a part of the image, for a whole tile */
#define REACH_COLUMNS (TILE_COLUMNS + EVEN_COLUMNS - 1)

typedef REAL kernels[3][3][EVEN_ROWS * EVEN_COLUMNS];           /* by part of the rows, part of the columns */
typedef REAL sums[3][3][TILE_ROWS][TILE_COLUMNS];               /* the same, for each quad */
typedef REAL split_lines[3][2 * REACH_ROWS + 1][REACH_COLUMNS]; /* image rows, by part of the columns */

/* Where a tile lies: its first quad's output, and its quads. */
struct tile {
    ptrdiff_t top, left, rows, columns;
};

/* Sum the taps of the kernel that one tap of a part stands for: one, or two along each axis. */
static REAL part_tap(const REAL *kernel, enum part rows, int row, enum part columns, int column)
{
    REAL sum = 0;
    for (int y = 2 * row + (rows == ODD); y <= 2 * row + (rows != EVEN) && y < KERNEL_HEIGHT; y++)
        for (int x = 2 * column + (columns == ODD); x <= 2 * column + (columns != EVEN) && x < KERNEL_WIDTH; x++)
            sum += kernel[y * KERNEL_WIDTH + x];
    return sum;
}

static void split_kernel(const REAL *kernel, kernels split)
{
    for (int rows = EVEN; rows <= BOTH; rows++)
        for (int columns = EVEN; columns <= BOTH; columns++) {
            REAL *part = split[rows][columns];
            for (int row = 0; row < (rows == ODD ? ODD_ROWS : EVEN_ROWS); row++)
                for (int column = 0; column < (columns == ODD ? ODD_COLUMNS : EVEN_COLUMNS); column++)
                    *part++ = part_tap(kernel, rows, row, columns, column);
        }
}

/* Split the image rows under a tile into the parts of their columns. */
static void split_columns(const struct problem *p, const REAL *image, const struct tile *t, split_lines split)
{
    const ptrdiff_t lines = 2 * (t->rows + EVEN_ROWS - 1) + 1, count = t->columns + EVEN_COLUMNS - 1;
    REAL line[2 * REACH_COLUMNS + 1];
    for (ptrdiff_t y = 0; y < lines; y++) {
        REAL *restrict even = split[EVEN][y], *restrict odd = split[ODD][y], *restrict both = split[BOTH][y];
        copy_line(p, image, t->top + y - p->padding_height, t->left - p->padding_width, 2 * count + 1, line);
        for (ptrdiff_t x = 0; x < count; x++) {
            const REAL middle = line[2 * x + 1];
            even[x] = line[2 * x] - middle;
            odd[x] = line[2 * x + 2] - middle;
            both[x] = middle;
        }
    }
}

/* Subtract every odd line from a neighbour: the line before it for the even part, the line after it for the odd one. */
static void split_rows(REAL lines[][REACH_COLUMNS], enum part part, const struct tile *t,
                       REAL plane[REACH_ROWS][REACH_COLUMNS])
{
    const ptrdiff_t rows = t->rows + EVEN_ROWS - 1, columns = t->columns + EVEN_COLUMNS - 1;
    for (ptrdiff_t y = 0; y < rows; y++) {
        const REAL *restrict outer = lines[2 * y + (part == ODD ? 2 : 0)], *restrict middle = lines[2 * y + 1];
        REAL *restrict difference = plane[y];
        for (ptrdiff_t x = 0; x < columns; x++)
            difference[x] = outer[x] - middle[x];
    }
}

/* Add a kernel row times an image row to a row of sums. */
static inline void add_to_one(const REAL *restrict image, const REAL *restrict kernel, const int taps,
                              ptrdiff_t columns, REAL *restrict sum)
{
    for (ptrdiff_t x = 0; x < columns; x++) {
        REAL total = sum[x];
#pragma GCC unroll 16
        for (int tap = 0; tap < taps; tap++)
            total += kernel[tap] * image[x + tap];
        sum[x] = total;
    }
}

/* Add two kernel rows times one image row to two rows of sums: what is loaded once serves both. */
static inline void add_to_two(const REAL *restrict image, const REAL *restrict kernel, const int taps,
                              ptrdiff_t columns, REAL *restrict upper, REAL *restrict lower)
{
    for (ptrdiff_t x = 0; x < columns; x++) {
        REAL above = upper[x], below = lower[x];
#pragma GCC unroll 16
        for (int tap = 0; tap < taps; tap++) {
            above += kernel[taps + tap] * image[x + tap];
            below += kernel[tap] * image[x + tap];
        }
        upper[x] = above;
        lower[x] = below;
    }
}

/* Add the correlation of a plane (rows `pitch` apart) with a kernel of `tap_rows` x `taps` to a part's sums. */
static inline void correlate(const REAL *plane, ptrdiff_t pitch, const REAL *kernel, int tap_rows, const int taps,
                             const struct tile *t, REAL sum[TILE_ROWS][TILE_COLUMNS])
{
    if (tap_rows == 0)
        return;
    for (ptrdiff_t y = 0; y + 1 < t->rows; y += 2) {
        add_to_one(plane + y * pitch, kernel, taps, t->columns, sum[y]);
        for (int row = 1; row < tap_rows; row++)
            add_to_two(plane + (y + row) * pitch, kernel + (row - 1) * taps, taps, t->columns, sum[y], sum[y + 1]);
        add_to_one(plane + (y + tap_rows) * pitch, kernel + (tap_rows - 1) * taps, taps, t->columns, sum[y + 1]);
    }
    if (t->rows % 2)
        for (int row = 0; row < tap_rows; row++)
            add_to_one(plane + (t->rows - 1 + row) * pitch, kernel + row * taps, taps, t->columns, sum[t->rows - 1]);
}

/* Add one input channel to a tile's nine sums. */
static void add_channel(const struct problem *p, const REAL *image, const REAL *weight, const struct tile *t, sums sum)
{
    kernels kernel;
    split_lines split;
    REAL differences[REACH_ROWS][REACH_COLUMNS];
    split_kernel(weight, kernel);
    split_columns(p, image, t, split);
    for (int rows = EVEN; rows <= BOTH; rows++)
        for (int columns = EVEN; columns <= BOTH; columns++) {
            const REAL *plane = rows == BOTH ? split[columns][1] : differences[0];
            const ptrdiff_t pitch = rows == BOTH ? 2 * REACH_COLUMNS : REACH_COLUMNS;
            const int tap_rows = rows == ODD ? ODD_ROWS : EVEN_ROWS;
            if (rows != BOTH)
                split_rows(split[columns], rows, t, differences);
            if (columns == ODD) /* a call for each constant number of taps, so that their loop unrolls */
                correlate(plane, pitch, kernel[rows][columns], tap_rows, ODD_COLUMNS, t, sum[rows][columns]);
            else
                correlate(plane, pitch, kernel[rows][columns], tap_rows, EVEN_COLUMNS, t, sum[rows][columns]);
        }
}

/* Write one row of outputs: the sums of its own part of the rows and those that both rows share. */
static void write_row(sums sum, enum part own, ptrdiff_t row, REAL bias, ptrdiff_t width, REAL *restrict output)
{
    const REAL *even = sum[own][EVEN][row], *odd = sum[own][ODD][row], *both = sum[own][BOTH][row];
    const REAL *shared_even = sum[BOTH][EVEN][row], *shared_odd = sum[BOTH][ODD][row];
    const REAL *shared_both = sum[BOTH][BOTH][row];
    for (ptrdiff_t x = 0; x < width / 2; x++) {
        const REAL shared = both[x] + shared_both[x] + bias;
        output[2 * x] = even[x] + shared_even[x] + shared;
        output[2 * x + 1] = odd[x] + shared_odd[x] + shared;
    }
    if (width % 2) {
        const ptrdiff_t x = width / 2;
        output[2 * x] = even[x] + shared_even[x] + (both[x] + shared_both[x] + bias);
    }
}

static void compute_tile(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, REAL *output,
                         ptrdiff_t top, ptrdiff_t left)
{
    const ptrdiff_t height = smaller(2 * TILE_ROWS, p->output_height - top);
    const ptrdiff_t width = smaller(2 * TILE_COLUMNS, p->output_width - left);
    const struct tile t = {top, left, (height + 1) / 2, ((width + 1) / 2 + LANES - 1) / LANES * LANES};
    sums sum;
    for (int rows = EVEN; rows <= BOTH; rows++)
        for (int columns = EVEN; columns <= BOTH; columns++)
            for (ptrdiff_t y = 0; y < t.rows; y++)
                for (ptrdiff_t x = 0; x < t.columns; x++)
                    sum[rows][columns][y][x] = 0;
    for (ptrdiff_t channel = 0; channel < p->group_inputs; channel++)
        add_channel(p, image + channel * p->height * p->width, weight + channel * KERNEL_HEIGHT * KERNEL_WIDTH, &t,
                    sum);
    for (ptrdiff_t y = 0; y < height; y++)
        write_row(sum, y % 2 ? ODD : EVEN, y / 2, bias, width, output + (top + y) * p->output_width + left);
}

static void plane(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, REAL *output)
{
    for (ptrdiff_t top = 0; top < p->output_height; top += 2 * TILE_ROWS)
        for (ptrdiff_t left = 0; left < p->output_width; left += 2 * TILE_COLUMNS)
            compute_tile(p, image, weight, bias, output, top, left);
}

void fast_fir(const struct problem *p, REAL *output)
{
    each_plane(p, plane, output);
}
