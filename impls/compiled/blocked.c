/* Cache blocking: a tile of the image is copied, padding included, into a buffer whose rows lie close together, and
   every tap reads it from there. What the taps of an output row touch stays in the first cache, however wide the image
   and whatever the distance of its rows; at multiples of 4096 bytes those would compete for the same places in it.

   Flags may give blocks another size (-DBLOCK_COLUMNS=512). Stride and dilation are 1, and kernels have up to
   LARGEST_KERNEL rows and columns. */

#include "tiles.h"

#ifndef BLOCK_ROWS
#define BLOCK_ROWS 16
#endif
#ifndef BLOCK_COLUMNS
#define BLOCK_COLUMNS 256
#endif
#define PITCH (BLOCK_COLUMNS + LARGEST_KERNEL) /* of the buffer's rows */

/* A block of outputs. */
struct block {
    ptrdiff_t top, left, rows, columns;
};

/* Add one input channel to a block's sums. */
static void add_channel(const struct problem *p, const REAL *image, const REAL *weight, const struct block *b,
                        REAL sums[BLOCK_ROWS][BLOCK_COLUMNS])
{
    REAL tile[BLOCK_ROWS + LARGEST_KERNEL][PITCH];
    for (ptrdiff_t y = 0; y < b->rows + p->kernel_height - 1; y++)
        copy_line(p, image, b->top + y - p->padding_height, b->left - p->padding_width,
                  b->columns + p->kernel_width - 1, tile[y]);
    for (ptrdiff_t y = 0; y < b->rows; y++)
        for (ptrdiff_t row = 0; row < p->kernel_height; row++)
            for (ptrdiff_t tap = 0; tap < p->kernel_width; tap++) {
                const REAL factor = weight[row * p->kernel_width + tap], *restrict shifted = tile[y + row] + tap;
                REAL *restrict sum = sums[y];
                for (ptrdiff_t x = 0; x < b->columns; x++)
                    sum[x] += factor * shifted[x];
            }
}

static void compute_block(const struct problem *p, const REAL *image, const REAL *weight, REAL bias,
                          const struct block *b, REAL *output)
{
    REAL sums[BLOCK_ROWS][BLOCK_COLUMNS];
    for (ptrdiff_t y = 0; y < b->rows; y++)
        for (ptrdiff_t x = 0; x < b->columns; x++)
            sums[y][x] = bias;
    for (ptrdiff_t channel = 0; channel < p->group_inputs; channel++)
        add_channel(p, image + channel * p->height * p->width, weight + channel * p->kernel_height * p->kernel_width, b,
                    sums);
    for (ptrdiff_t y = 0; y < b->rows; y++)
        for (ptrdiff_t x = 0; x < b->columns; x++)
            output[(b->top + y) * p->output_width + b->left + x] = sums[y][x];
}

static void plane(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, REAL *output)
{
    for (ptrdiff_t top = 0; top < p->output_height; top += BLOCK_ROWS)
        for (ptrdiff_t left = 0; left < p->output_width; left += BLOCK_COLUMNS) {
            const struct block b = {top, left, smaller(BLOCK_ROWS, p->output_height - top),
                                    smaller(BLOCK_COLUMNS, p->output_width - left)};
            compute_block(p, image, weight, bias, &b, output);
        }
}

void blocked(const struct problem *p, REAL *output)
{
    each_plane(p, plane, output);
}
