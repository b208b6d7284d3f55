/* Direct convolution, a row at a time: every tap adds one scaled row of the image to one row of the output.

   REAL is float or double (-DREAL=...). Sizes are in elements; arrays are dense, in the order of `problem`'s comments.
   The zero padding is never stored: each tap visits only the outputs whose image element exists. */

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

/* The first output index whose image index, index * stride + offset, is not negative. */
static ptrdiff_t first_inside(ptrdiff_t offset, ptrdiff_t stride)
{
    return offset >= 0 ? 0 : (-offset + stride - 1) / stride;
}

/* One past the last output index whose image index is below size. */
static ptrdiff_t end_inside(ptrdiff_t offset, ptrdiff_t stride, ptrdiff_t size, ptrdiff_t outputs)
{
    ptrdiff_t end = offset >= size ? 0 : (size - 1 - offset) / stride + 1;
    return end < outputs ? end : outputs;
}

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

/* Compute `output`: batch, groups * group_outputs, output_height, output_width. */
void direct(const struct problem *p, REAL *output)
{
    const ptrdiff_t outputs = p->groups * p->group_outputs;
    const ptrdiff_t group_size = p->group_inputs * p->height * p->width;
    const ptrdiff_t kernel_size = p->group_inputs * p->kernel_height * p->kernel_width;
    for (ptrdiff_t sample = 0; sample < p->batch; sample++) {
        for (ptrdiff_t channel = 0; channel < outputs; channel++) {
            const REAL *image = p->image + (sample * p->groups + channel / p->group_outputs) * group_size;
            const REAL bias = p->bias ? p->bias[channel] : (REAL)0;
            for (ptrdiff_t y = 0; y < p->output_height; y++) {
                output_row(p, image, p->weight + channel * kernel_size, bias, y, output);
                output += p->output_width;
            }
        }
    }
}
