/* A pixel at a time, with the border handled apart: near an edge the loops end where the image does, and in between,
   where all taps of a row exist, nothing is asked at all. */

#include "pixels.h"

static void plane(const struct problem *p, const REAL *image, const REAL *weight, REAL bias, REAL *output)
{
    const struct range inner = interior_columns(p), all_taps = {0, p->kernel_width};
    for (ptrdiff_t y = 0; y < p->output_height; y++) {
        const struct range tap_rows = tap_rows_inside(p, y);
        REAL *output_row = output + y * p->output_width;
        border_columns(p, image, weight, bias, y, inner, output_row);
        for (ptrdiff_t x = inner.begin; x < inner.end; x++)
            output_row[x] = pixel(p, image, weight, bias, y, x, tap_rows, all_taps);
    }
}

void interior(const struct problem *p, REAL *output)
{
    each_plane(p, plane, output);
}
