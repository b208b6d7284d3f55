/* What implementations share that copy a tile of the image, its padding included, before they compute on it. */

#ifndef TILES_H
#define TILES_H

#include "problem.h"

static inline ptrdiff_t smaller(ptrdiff_t one, ptrdiff_t other)
{
    return one < other ? one : other;
}

/* Copy `count` elements of an image row from column `left` on into `line`; outside the image they are 0. */
static inline void copy_line(const struct problem *p, const REAL *image, ptrdiff_t row, ptrdiff_t left, ptrdiff_t count,
                             REAL *restrict line)
{
    const int exists = row >= 0 && row < p->height;
    const ptrdiff_t begin = smaller(exists ? first_inside(left, 1) : count, count);
    const ptrdiff_t end = exists ? end_inside(left, 1, p->width, count) : begin;
    ptrdiff_t x = 0;
    for (; x < begin; x++)
        line[x] = 0;
    for (; x < end; x++)
        line[x] = image[row * p->width + left + x];
    for (; x < count; x++)
        line[x] = 0;
}

#endif
