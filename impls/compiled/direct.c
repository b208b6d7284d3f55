/* Direct convolution, a row at a time: every tap adds one scaled row of the image to one row of the output.

   Each tap visits only the outputs whose image element exists. */

#include "problem.h"

/* Add one kernel row times one image row to an output row. */
static void add_row(const struct problem *p, const REAL *restrict image_row, const REAL *restrict kernel_row,
                    REAL *restrict output_row)
{
    for (ptrdiff_t tap = 0; tap < p->kernel_width; tap++) {
        const REAL weight = kernel_row[tap];
        const ptrdiff_t offset = tap * p->dilation_width - p->padding_width;
        const ptrdiff_t begin = first_inside(offset, p->stride_width);
        const ptrdiff_t end = end_inside(offset, p->stride_width, p->width, p->output_width);
        if (p->stride_width == 1) { /* a loop of its own: neighbours in memory are what a compiler vectorises best */
            for (ptrdiff_t x = begin; x < end; x++)
                output_row[x] += weight * image_row[x + offset];
        } else {
            for (ptrdiff_t x = begin; x < end; x++)
                output_row[x] += weight * image_row[x * p->stride_width + offset];
        }
    }
}

/* Compute one output row: the bias, then every channel and kernel row that reaches into the image. */
static void output_row(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, ptrdiff_t y,
                       REAL *output)
{
    for (ptrdiff_t x = 0; x < p->output_width; x++)
        output[x] = bias;
    for (ptrdiff_t channel = 0; channel < p->group_inputs; channel++) {
        for (ptrdiff_t tap = 0; tap < p->kernel_height; tap++) {
            const ptrdiff_t row = y * p->stride_height + tap * p->dilation_height - p->padding_height;
            if (row < 0 || row >= p->height)
                continue;
            add_row(p, image + (channel * p->height + row) * p->width,
                    weight + (channel * p->kernel_height + tap) * p->kernel_width, output);
        }
    }
}

static void plane(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, REAL *output)
{
    for (ptrdiff_t y = 0; y < p->output_height; y++)
        output_row(p, image, weight, bias, y, output + y * p->output_width);
}

void direct(const struct problem *p, REAL *output)
{
    each_plane(p, plane, output);
}
