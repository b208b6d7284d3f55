/* The convolution of one plane in blocks, for one instruction set: `simd_vectors.h` with SET chosen, then this.

   Makes PLANE(p, image, kernel, bias, output, begin, end), which computes the rows begin <= y < end. */

#include "simd_vectors.h"

#define PASTE_(a, b, c) a##_##b##_##c
#define PASTE(a, b, c) PASTE_(a, b, c)
#define BLOCK_(set, size, vectors, edge) block_##set##_##size##_##vectors##_##edge
#define BLOCK__(set, size, vectors, edge) BLOCK_(set, size, vectors, edge)
#define BLOCK(size, vectors, edge) BLOCK__(SET, size, vectors, edge)
#define BLOCKS(size)                                                                                                   \
    {                                                                                                                  \
        {BLOCK(size, 1, 0), BLOCK(size, 1, 1), BLOCK(size, 1, 2)}, {BLOCK(size, 2, 0), BLOCK(size, 2, 1),              \
                                                                    BLOCK(size, 2, 2)}                                 \
    }

#define BY_ROW 0
#define KERNEL 0
#define SIZE any
#include "simd_blocks.h"
#define KERNEL 3
#define SIZE 3
#include "simd_blocks.h"
#define KERNEL 5
#define SIZE 5
#include "simd_blocks.h"
#define KERNEL 7
#define SIZE 7
#include "simd_blocks.h"
#define KERNEL 11
#define SIZE 11
#include "simd_blocks.h"
#undef BY_ROW
#define BY_ROW 1
#define KERNEL 11
#define SIZE 11_by_row
#include "simd_blocks.h"
#undef BY_ROW

/* By `size_class`, by width in vectors less one, by edge. */
static block_function *const PASTE(blocks, SET, of_sizes)[6][2][3] = {BLOCKS(any), BLOCKS(3),  BLOCKS(5),
                                                                      BLOCKS(7),   BLOCKS(11), BLOCKS(11_by_row)};

TARGET static void PASTE(rows, SET, of_plane)(const struct problem *p, const float *image, const float *kernel,
                                              float bias, float *output, ptrdiff_t begin, ptrdiff_t end)
{
    block_function *const(*const blocks)[3] = PASTE(blocks, SET, of_sizes)[size_class(p)];
    struct block b = {.image_stride = p->width,
                      .output_stride = p->output_width,
                      .kernel_height = p->kernel_height,
                      .kernel_width = p->kernel_width,
                      .streams = p->streams && ((uintptr_t)output % 64 == 0) && p->output_width % LANES == 0};
    for (ptrdiff_t y = begin; y < end; y += ROWS) {
        if (end - begin >= ROWS && y + ROWS > end)
            y = end - ROWS; /* the last block overlaps the one before instead of being partial */
        b.rows = end - y < ROWS ? end - y : ROWS;
        b.first_row = p->padding_height - y > 0 ? p->padding_height - y : 0;
        b.end_row = p->height + p->padding_height - y;
        const int lacks_rows = b.rows < ROWS || b.first_row > 0 || b.end_row < ROWS + p->kernel_height - 1;
        ptrdiff_t x = 0;
        while (x < p->output_width) {
            ptrdiff_t left = p->output_width - x, lanes = LANES;
            if (left > LANES && p->output_width >= 2 * LANES) {
                lanes = 2 * LANES;
                if (left < lanes)
                    x = p->output_width - lanes;
            } else if (left < LANES && p->output_width >= LANES) {
                x = p->output_width - LANES;
            }
            b.columns = p->output_width - x < lanes ? p->output_width - x : lanes;
            b.first_column = p->padding_width - x;
            b.end_column = p->width + p->padding_width - x;
            const int lacks_columns = b.first_column > 0 || b.end_column < lanes + p->kernel_width - 1;
            const int edge = lacks_rows || b.columns < lanes ? 2 : lacks_columns;
            const float *from = image + (y - p->padding_height) * p->width + x - p->padding_width;
            blocks[lanes > LANES][edge](&b, from, kernel, bias, output + y * p->output_width + x);
            x += lanes;
        }
    }
    FENCE();
}

#define KERNEL 11
#include "simd_fast_fir.h"

#undef PASTE_
#undef PASTE
#undef BLOCK_
#undef BLOCK__
#undef BLOCK
#undef BLOCKS
#undef SET
#include "simd_vectors.h"
