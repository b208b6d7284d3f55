/* What the implementations here compute, and what they share of it.

   REAL is float or double (-DREAL=...). Sizes are in elements; arrays are dense, in the order of the comments. The zero
   padding is never stored. */

#ifndef PROBLEM_H
#define PROBLEM_H

#include <stddef.h>

struct problem {
    ptrdiff_t batch, groups;
    ptrdiff_t group_inputs, group_outputs; /* channels a group */
    ptrdiff_t height, width;
    ptrdiff_t output_height, output_width;
    ptrdiff_t kernel_height, kernel_width;
    ptrdiff_t stride_height, stride_width;
    ptrdiff_t padding_height, padding_width;
    ptrdiff_t dilation_height, dilation_width;
    const REAL *image;  /* batch, groups * group_inputs, height, width */
    const REAL *weight; /* groups * group_outputs, group_inputs, kernel_height, kernel_width */
    const REAL *bias;   /* groups * group_outputs, or NULL */
};

/* Compute `output`, one channel of one sample, from `image`, the input channels of its group, and their kernels. */
typedef void plane_function(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, REAL *output);

/* Compute `output`, a plane at a time: batch, groups * group_outputs, output_height, output_width. */
static inline void each_plane(const struct problem *p, plane_function *plane, REAL *output)
{
    const ptrdiff_t outputs = p->groups * p->group_outputs;
    const ptrdiff_t group_size = p->group_inputs * p->height * p->width;
    const ptrdiff_t kernel_size = p->group_inputs * p->kernel_height * p->kernel_width;
    for (ptrdiff_t sample = 0; sample < p->batch; sample++) {
        for (ptrdiff_t channel = 0; channel < outputs; channel++) {
            const REAL *image = p->image + (sample * p->groups + channel / p->group_outputs) * group_size;
            plane(p, image, p->weight + channel * kernel_size, p->bias ? p->bias[channel] : (REAL)0, output);
            output += p->output_height * p->output_width;
        }
    }
}

/* The first output index whose image index, index * stride + offset, is not negative. */
static inline ptrdiff_t first_inside(ptrdiff_t offset, ptrdiff_t stride)
{
    return offset >= 0 ? 0 : (-offset + stride - 1) / stride;
}

/* One past the last output index whose image index is below size, and `limit` at most. */
static inline ptrdiff_t end_inside(ptrdiff_t offset, ptrdiff_t stride, ptrdiff_t size, ptrdiff_t limit)
{
    const ptrdiff_t end = offset >= size ? 0 : (size - 1 - offset) / stride + 1;
    return end < limit ? end : limit;
}

#endif
