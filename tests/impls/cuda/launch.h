/* One launch: what the two halves of an emulator hand each other. */

#pragma once

#include "shim.h"

struct launch {
    int kernel; /* its place among KERNELS of impls/cuda/kernels.py */
    int grid[3], block[3];
    int shared_bytes;
    int order, seed;                 /* of the threads */
    int image, weight, bias, output; /* elements */
    constants given;
    int problem[64]; /* the kernel's last argument; the rest is not used */
};

struct tensors {
    float *image, *weight, *bias, *output;
};

/* Copy the weight to constant memory, if the kernel wants it there. */
void copy_to_constant_memory(const launch &l, const float *weight);

/* Run one thread of a kernel; false where the source has no such kernel with these constants. */
bool run_thread(const launch &l, const tensors &t);
