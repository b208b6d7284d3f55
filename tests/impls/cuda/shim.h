/* What CUDA C++ has beyond C++, as far as convolution.cu uses it, for a program that runs its kernels on the CPU.

   Shared memory is a section of its own, which is poisoned before each block; so it has to be declared outside functions
   (a local variable has no section, and does not compile). Launch bounds mean nothing on a CPU. */

#pragma once

struct dim3 {
    unsigned x, y, z;
};

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

struct alignas(16) float4 {
    float x, y, z, w;
};

static inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}

/* Wait until all threads of the block are at this line. */
void wait_for_block(int line);

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __constant__ static
#define __shared__ __attribute__((section("shared_memory")))
#define __syncthreads() wait_for_block(__LINE__)

/* What launches give as constants, where one program is to serve many launches: -DKERNEL_WIDTH=given.kernel_width. */
struct constants {
    int block_width, block_height;
    int kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
    int register_block_threads, thread_rows, thread_channels, padding_width;
};
extern constants given;
