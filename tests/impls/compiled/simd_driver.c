/* Computes the problems that stand on its input, one after the other: sizes, fast_fir, image and weight as simd.c takes
   them; writes the outputs. For processors other than the one that the tests run on, under emulation. */

#include "simd.c"

#include <stdio.h>
#include <stdlib.h>

static float *floats(ptrdiff_t count)
{
    float *values = malloc(count * sizeof(float));
    if (!values)
        exit(3);
    return values;
}

int main(void)
{
    int32_t sizes[11];
    while (fread(sizes, sizeof sizes, 1, stdin) == 1) {
        struct problem p = {sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], sizes[7],
                            sizes[8], sizes[9], simd_level(), 1, 0, sizes[10], NULL, NULL, NULL};
        const ptrdiff_t inputs = p.planes * p.height * p.width, taps = p.kernels * p.kernel_height * p.kernel_width;
        const ptrdiff_t outputs = p.planes * p.output_height * p.output_width;
        float *image = floats(inputs), *weight = floats(taps), *output = floats(outputs);
        if (fread(image, sizeof(float), inputs, stdin) != (size_t)inputs ||
            fread(weight, sizeof(float), taps, stdin) != (size_t)taps)
            return 2;
        p.image = image;
        p.weight = weight;
        simd(&p, output);
        fwrite(output, sizeof(float), outputs, stdout);
        free(image);
        free(weight);
        free(output);
    }
    return 0;
}
