/* The blocks of one kernel size, KERNEL, under the name SIZE: two vectors wide, and one for what is left of a row; inside the image, and at its edges. */

#define VECTORS 2
#define EDGE 0
#define NAME BLOCK(SIZE, 2, 0)
#include "simd_block.h"
#undef NAME
#undef EDGE
#define EDGE 1
#define NAME BLOCK(SIZE, 2, 1)
#include "simd_block.h"
#undef NAME
#undef EDGE
#define EDGE 2
#define NAME BLOCK(SIZE, 2, 2)
#include "simd_block.h"
#undef NAME
#undef EDGE
#undef VECTORS
#define VECTORS 1
#define EDGE 0
#define NAME BLOCK(SIZE, 1, 0)
#include "simd_block.h"
#undef NAME
#undef EDGE
#define EDGE 1
#define NAME BLOCK(SIZE, 1, 1)
#include "simd_block.h"
#undef NAME
#undef EDGE
#define EDGE 2
#define NAME BLOCK(SIZE, 1, 2)
#include "simd_block.h"
#undef NAME
#undef EDGE
#undef VECTORS
#undef KERNEL
#undef SIZE
