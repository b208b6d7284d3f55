/* The interior with the kernel compiled in: its width, stride and dilation are constants (-DKERNEL_WIDTH=3 ...), so the
   loop over a kernel row unrolls, and `restrict` says that no store changes a weight, so that neighbouring outputs
   share vectors while the weights of the row stay in registers. */

#include "pixels.h"

/* Add one kernel row times one image row to `count` outputs. */
static void add_row(const REAL *restrict image_row, const REAL *restrict kernel_row, ptrdiff_t count,
                    REAL *restrict output_row)
{
    for (ptrdiff_t x = 0; x < count; x++) {
        REAL sum = output_row[x];
#pragma GCC unroll 16
        for (int tap = 0; tap < KERNEL_WIDTH; tap++)
            sum += kernel_row[tap] * image_row[x * STRIDE_WIDTH + tap * DILATION_WIDTH];
        output_row[x] = sum;
    }
}

/* Compute the interior columns of output row y. */
static void inner_row(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, ptrdiff_t y,
                      struct range inner, REAL *output_row)
{
    const struct range tap_rows = tap_rows_inside(p, y);
    const ptrdiff_t left = inner.begin * STRIDE_WIDTH - p->padding_width;
    for (ptrdiff_t x = inner.begin; x < inner.end; x++)
        output_row[x] = bias;
    for (ptrdiff_t channel = 0; channel < p->group_inputs; channel++)
        for (ptrdiff_t tap_row = tap_rows.begin; tap_row < tap_rows.end; tap_row++) {
            const ptrdiff_t row = y * STRIDE_HEIGHT + tap_row * DILATION_HEIGHT - p->padding_height;
            add_row(image + (channel * p->height + row) * p->width + left,
                    weight + (channel * p->kernel_height + tap_row) * KERNEL_WIDTH, inner.end - inner.begin,
                    output_row + inner.begin);
        }
}

static void plane(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, REAL *output)
{
    const struct range inner = interior_columns(p);
    for (ptrdiff_t y = 0; y < p->output_height; y++) {
        REAL *output_row = output + y * p->output_width;
        border_columns(p, image, weight, bias, y, inner, output_row);
        if (inner.begin < inner.end)
            inner_row(p, image, weight, bias, y, inner, output_row);
    }
}

void constant_kernel(const struct problem *p, REAL *output)
{
    each_plane(p, plane, output);
}
