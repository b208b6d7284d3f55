/* A convolution as OpenCL kernels: one work-item an output element, over the output's columns, rows and planes.

   REAL is float or double (-DREAL=...). Sizes are in elements; arrays are dense, in the order of the comments. The zero
   padding is never stored. Work-items beyond the output's columns and rows fill up the last work-groups. */

#ifdef NEEDS_FP64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

struct convolution {
    int groups, group_inputs, group_outputs; /* channels a group */
    int height, width;
    int output_height, output_width;
    int kernel_height, kernel_width;
    int stride_height, stride_width;
    int padding_height, padding_width;
    int dilation_height, dilation_width;
};

/* What a work-item needs of the arrays: its plane's image planes and kernels, its bias and where its output goes. */
struct place {
    __global const REAL *image;  /* group_inputs, height, width */
    __global const REAL *weight; /* group_inputs, kernel_height, kernel_width */
    REAL bias;
    size_t output;
};

static struct place place_of(
    __global const REAL *image,  /* batch, groups * group_inputs, height, width */
    __global const REAL *weight, /* groups * group_outputs, group_inputs, kernel_height, kernel_width */
    __global const REAL *bias,   /* groups * group_outputs, or NULL */
    const struct convolution *p)
{
    const int outputs = p->groups * p->group_outputs;
    const int sample = (int)get_global_id(2) / outputs, channel = (int)get_global_id(2) % outputs;
    const size_t first_plane = ((size_t)sample * p->groups + channel / p->group_outputs) * p->group_inputs;
    struct place found;
    found.image = image + first_plane * p->height * p->width;
    found.weight = weight + (size_t)channel * p->group_inputs * p->kernel_height * p->kernel_width;
    found.bias = bias ? bias[channel] : (REAL)0;
    found.output = (get_global_id(2) * p->output_height + get_global_id(1)) * p->output_width + get_global_id(0);
    return found;
}

static bool has_output(const struct convolution *p)
{
    return (int)get_global_id(0) < p->output_width && (int)get_global_id(1) < p->output_height;
}

/* The padded image: 0 outside. */
static REAL pixel(__global const REAL *plane, int row, int column, const struct convolution *p)
{
    const bool inside = row >= 0 && row < p->height && column >= 0 && column < p->width;
    return inside ? plane[(size_t)row * p->width + column] : (REAL)0;
}

/* Read each operand from global memory, as often as it is needed. */
__kernel void convolution_direct(
    __global const REAL *image,
    __global const REAL *weight,
    __global const REAL *bias,
    __global REAL *output,
    const struct convolution problem)
{
    if (!has_output(&problem)) {
        return;
    }
    struct place here = place_of(image, weight, bias, &problem);
    const int top = (int)get_global_id(1) * problem.stride_height - problem.padding_height;
    const int left = (int)get_global_id(0) * problem.stride_width - problem.padding_width;
    REAL sum = here.bias;
    for (int channel = 0; channel < problem.group_inputs; channel++) {
        for (int i = 0; i < problem.kernel_height; i++) {
            for (int j = 0; j < problem.kernel_width; j++) {
                const int row = top + i * problem.dilation_height, column = left + j * problem.dilation_width;
                sum += *here.weight++ * pixel(here.image, row, column, &problem);
            }
        }
        here.image += (size_t)problem.height * problem.width;
    }
    output[here.output] = sum;
}

/* Copy the part of a channel that a work-group's windows span, its halo included, into local memory first. */
__kernel void convolution_local_memory(
    __global const REAL *image,
    __global const REAL *weight,
    __global const REAL *bias,
    __global REAL *output,
    const struct convolution problem,
    __local REAL *tile)
{
    const int columns = (int)get_local_size(0), rows = (int)get_local_size(1);
    const int tile_width =
        (columns - 1) * problem.stride_width + (problem.kernel_width - 1) * problem.dilation_width + 1;
    const int tile_height =
        (rows - 1) * problem.stride_height + (problem.kernel_height - 1) * problem.dilation_height + 1;
    const int top = (int)get_group_id(1) * rows * problem.stride_height - problem.padding_height;
    const int left = (int)get_group_id(0) * columns * problem.stride_width - problem.padding_width;
    __local const REAL *window = tile + (int)get_local_id(1) * problem.stride_height * tile_width
        + (int)get_local_id(0) * problem.stride_width;
    struct place here = place_of(image, weight, bias, &problem);
    REAL sum = here.bias;
    for (int channel = 0; channel < problem.group_inputs; channel++) {
        for (int row = (int)get_local_id(1); row < tile_height; row += rows) {
            for (int column = (int)get_local_id(0); column < tile_width; column += columns) {
                tile[row * tile_width + column] = pixel(here.image, top + row, left + column, &problem);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE); /* every element is written before one is read */
        for (int i = 0; i < problem.kernel_height; i++) {
            for (int j = 0; j < problem.kernel_width; j++) {
                sum += *here.weight++
                    * window[i * problem.dilation_height * tile_width + j * problem.dilation_width];
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE); /* every element is read before the next channel overwrites it */
        here.image += (size_t)problem.height * problem.width;
    }
    if (has_output(&problem)) {
        output[here.output] = sum;
    }
}
