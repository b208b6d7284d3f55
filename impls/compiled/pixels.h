/* One output at a time from a range of taps that all meet the image: nothing is tested in the loops over them. */

#ifndef PIXELS_H
#define PIXELS_H

#include "problem.h"

/* Indices from `begin` to before `end`. */
struct range {
    ptrdiff_t begin, end;
};

/* The taps of one axis whose image element exists, for output `place`. */
static inline struct range taps_inside(ptrdiff_t place, ptrdiff_t stride, ptrdiff_t padding, ptrdiff_t dilation,
                                       ptrdiff_t size, ptrdiff_t taps)
{
    const ptrdiff_t offset = place * stride - padding;
    const struct range found = {first_inside(offset, dilation), end_inside(offset, dilation, size, taps)};
    return found;
}

static inline struct range tap_rows_inside(const struct problem *p, ptrdiff_t y)
{
    return taps_inside(y, p->stride_height, p->padding_height, p->dilation_height, p->height, p->kernel_height);
}

static inline struct range taps_of_row_inside(const struct problem *p, ptrdiff_t x)
{
    return taps_inside(x, p->stride_width, p->padding_width, p->dilation_width, p->width, p->kernel_width);
}

/* The columns of the output whose taps all meet the image; all others are before `begin`, or from `end` on. */
static inline struct range interior_columns(const struct problem *p)
{
    const ptrdiff_t first = first_inside(-p->padding_width, p->stride_width);
    const ptrdiff_t reach = (p->kernel_width - 1) * p->dilation_width;
    struct range found;
    found.begin = first < p->output_width ? first : p->output_width;
    found.end = end_inside(reach - p->padding_width, p->stride_width, p->width, p->output_width);
    if (found.end < found.begin)
        found.end = found.begin;
    return found;
}

/* Sum these rows and columns of the kernel for the output at (y, x), in every channel. */
static inline REAL pixel(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, ptrdiff_t y,
                         ptrdiff_t x, struct range tap_rows, struct range taps)
{
    REAL sum = bias;
    for (ptrdiff_t channel = 0; channel < p->group_inputs; channel++) {
        for (ptrdiff_t tap_row = tap_rows.begin; tap_row < tap_rows.end; tap_row++) {
            const ptrdiff_t row = y * p->stride_height + tap_row * p->dilation_height - p->padding_height;
            const ptrdiff_t first = (channel * p->height + row) * p->width + x * p->stride_width - p->padding_width;
            const REAL *kernel_row = weight + (channel * p->kernel_height + tap_row) * p->kernel_width;
            for (ptrdiff_t tap = taps.begin; tap < taps.end; tap++)
                sum += kernel_row[tap] * image[first + tap * p->dilation_width];
        }
    }
    return sum;
}

/* Compute the columns of output row y that are not interior. */
static inline void border_columns(const struct problem *p, const REAL *image, const REAL *weight, REAL bias,
                                  ptrdiff_t y, struct range interior, REAL *output_row)
{
    const struct range tap_rows = tap_rows_inside(p, y);
    for (ptrdiff_t x = 0; x < interior.begin; x++)
        output_row[x] = pixel(p, image, weight, bias, y, x, tap_rows, taps_of_row_inside(p, x));
    for (ptrdiff_t x = interior.end; x < p->output_width; x++)
        output_row[x] = pixel(p, image, weight, bias, y, x, tap_rows, taps_of_row_inside(p, x));
}

#endif
