/* A pixel at a time, as one writes it first: the innermost loop asks of every tap whether it meets the image. */

#include "problem.h"

/* Sum the taps of one output in every channel. */
static REAL tested_pixel(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, ptrdiff_t y,
                         ptrdiff_t x)
{
    REAL sum = bias;
    for (ptrdiff_t channel = 0; channel < p->group_inputs; channel++) {
        for (ptrdiff_t tap_row = 0; tap_row < p->kernel_height; tap_row++) {
            for (ptrdiff_t tap = 0; tap < p->kernel_width; tap++) {
                const ptrdiff_t row = y * p->stride_height + tap_row * p->dilation_height - p->padding_height;
                const ptrdiff_t column = x * p->stride_width + tap * p->dilation_width - p->padding_width;
                if (row >= 0 && row < p->height && column >= 0 && column < p->width)
                    sum += weight[(channel * p->kernel_height + tap_row) * p->kernel_width + tap] *
                           image[(channel * p->height + row) * p->width + column];
            }
        }
    }
    return sum;
}

static void plane(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, REAL *output)
{
    for (ptrdiff_t y = 0; y < p->output_height; y++)
        for (ptrdiff_t x = 0; x < p->output_width; x++)
            output[y * p->output_width + x] = tested_pixel(p, image, weight, bias, y, x);
}

void bounds_test(const struct problem *p, REAL *output)
{
    each_plane(p, plane, output);
}
