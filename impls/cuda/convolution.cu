/* Direct convolution on a GPU, three times: every tap read from global memory; from a tile with its halo in shared
   memory; and with several outputs a thread, read by vectors, the weights in constant memory.

   Tensors are dense float32 in the order that torch has them (see struct convolution), and none has more than 2^31 - 1
   elements, so that offsets are ints. The zero padding is never stored. impls/cuda/kernels.py chooses blocks and grids,
   and gives as macros what a case fixes: always the block's size, and where loops are short enough to unroll, the
   kernel's size, stride and dilation. Where those are not given, they come from `problem`: any case is right.

   Needs no header, so that NVRTC compiles it with no toolkit around. */

struct convolution {
    int batch, groups;
    int group_inputs, group_outputs; /* channels a group */
    int height, width;
    int output_height, output_width;
    int kernel_height, kernel_width;
    int stride_height, stride_width;
    int padding_height, padding_width;
    int dilation_height, dilation_width;
    int tile_pitch; /* from one row of a tile in shared memory to the next, in elements */
};

#ifndef KERNEL_HEIGHT /* then none of them is given */
#define KERNEL_HEIGHT problem.kernel_height
#define KERNEL_WIDTH problem.kernel_width
#define STRIDE_HEIGHT problem.stride_height
#define STRIDE_WIDTH problem.stride_width
#define DILATION_HEIGHT problem.dilation_height
#define DILATION_WIDTH problem.dilation_width
#else
#define UNROLLED
#endif
#define KERNEL_SIZE (KERNEL_HEIGHT * KERNEL_WIDTH)

#ifdef ONE_CHANNEL /* one input and one output channel: weights lie at addresses that are known here */
#define GROUPS 1
#define GROUP_INPUTS 1
#define GROUP_OUTPUTS 1
#else
#define GROUPS problem.groups
#define GROUP_INPUTS problem.group_inputs
#define GROUP_OUTPUTS problem.group_outputs
#endif

/* Blocks that a multiprocessor has to hold at once. Two of 256 threads leave each thread 128 registers, enough for
   every kernel here; where no number is given, CUDA 13.5's assembler aims at more blocks, and spills for it. */
#define FEW_BLOCKS 2

/* Where a plane of the output begins, and all that it is computed from; in elements. */
struct plane {
    int image, weight, channel, output;
};

/* Find the plane of `channel` (and of those after it, in the same group) in a sample. */
static __device__ __forceinline__ struct plane plane_at(const struct convolution &problem, int sample, int channel)
{
    const int outputs = GROUPS * GROUP_OUTPUTS;
    struct plane p;
    p.image = (sample * GROUPS + channel / GROUP_OUTPUTS) * GROUP_INPUTS * problem.height * problem.width;
    p.weight = channel * GROUP_INPUTS * KERNEL_SIZE;
    p.channel = channel;
    p.output = (sample * outputs + channel) * problem.output_height * problem.output_width;
    return p;
}

/* Say whether 0 <= index < size, in one comparison. */
static __device__ __forceinline__ bool inside(int index, int size)
{
    return (unsigned)index < (unsigned)size;
}

/* ---- Direct: a thread computes one output, and reads every tap from global memory.

   The threads of a warp compute neighbours in a row, so each load of a tap is coalesced; all read the same weight,
   which is one broadcast. What neighbours share comes from the first cache: that is what the next kernel is compared
   with. */

extern "C" __global__ void __launch_bounds__(BLOCK_WIDTH *BLOCK_HEIGHT, FEW_BLOCKS)
convolution_direct(const float *__restrict__ image, const float *__restrict__ weight, const float *__restrict__ bias,
                   float *__restrict__ output, const struct convolution problem)
{
    const int x = blockIdx.x * BLOCK_WIDTH + threadIdx.x, y = blockIdx.y * BLOCK_HEIGHT + threadIdx.y;
    if (x >= problem.output_width || y >= problem.output_height)
        return;
    const int outputs = GROUPS * GROUP_OUTPUTS, planes = problem.batch * outputs;
    const int top = y * STRIDE_HEIGHT - problem.padding_height, left = x * STRIDE_WIDTH - problem.padding_width;
    for (int index = blockIdx.z; index < planes; index += gridDim.z) { /* a grid is at most 65535 deep */
        const struct plane p = plane_at(problem, index / outputs, index % outputs);
        const float *channel_image = image + p.image, *taps = weight + p.weight;
        float sum = bias ? bias[p.channel] : 0.0f;
        for (int channel = 0; channel < GROUP_INPUTS; channel++) {
#pragma unroll
            for (int tap_row = 0; tap_row < KERNEL_HEIGHT; tap_row++) {
                const int row = top + tap_row * DILATION_HEIGHT;
                if (!inside(row, problem.height))
                    continue;
#pragma unroll
                for (int tap = 0; tap < KERNEL_WIDTH; tap++) {
                    const int column = left + tap * DILATION_WIDTH;
                    if (inside(column, problem.width))
                        sum += taps[tap_row * KERNEL_WIDTH + tap] * channel_image[row * problem.width + column];
                }
            }
            channel_image += problem.height * problem.width;
            taps += KERNEL_SIZE;
        }
        output[p.output + y * problem.output_width + x] = sum;
    }
}

/* ---- Shared memory: the threads of a block copy a tile of the image with its halo, zeros where padding is, and each
   computes one output from it.

   A tile's columns lie in `STRIDE_WIDTH` runs, by column modulo the stride: the threads of a warp read neighbours in
   a run, whatever the stride, and so 32 different banks. Where a block is narrower than a warp, `tile_pitch` keeps the
   warp's rows on different banks too (kernels.py chooses it). All read the same weight: one broadcast. At strides above
   one, some stores of the copy meet on a bank; there is one of them for many reads. */

#define TILE_HEIGHT ((BLOCK_HEIGHT - 1) * STRIDE_HEIGHT + (KERNEL_HEIGHT - 1) * DILATION_HEIGHT + 1)
#define TILE_WIDTH ((BLOCK_WIDTH - 1) * STRIDE_WIDTH + (KERNEL_WIDTH - 1) * DILATION_WIDTH + 1)
#define TILE_RUN ((TILE_WIDTH + STRIDE_WIDTH - 1) / STRIDE_WIDTH)

/* A tile, and behind it one channel's weights. */
extern __shared__ float shared[];

/* Copy one channel's tile, whose corner lies at row `top` and column `left` of the image, and its weights. */
static __device__ __forceinline__ void fill_tile(const struct convolution &problem, const float *__restrict__ image,
                                                 const float *__restrict__ weight, int top, int left,
                                                 float *__restrict__ tile, float *__restrict__ taps)
{
    const int thread = threadIdx.y * BLOCK_WIDTH + threadIdx.x;
    /* Counted through, not row by row: with a row of 34 columns, a second load would have 2 of 32 lanes at work. */
    for (int cell = thread; cell < TILE_HEIGHT * TILE_WIDTH; cell += BLOCK_WIDTH * BLOCK_HEIGHT) {
        const int tile_row = cell / TILE_WIDTH, tile_column = cell % TILE_WIDTH;
        const int row = top + tile_row, column = left + tile_column;
        const bool exists = inside(row, problem.height) && inside(column, problem.width);
        const int place = tile_column % STRIDE_WIDTH * TILE_RUN + tile_column / STRIDE_WIDTH;
        tile[tile_row * problem.tile_pitch + place] = exists ? image[row * problem.width + column] : 0.0f;
    }
    for (int tap = thread; tap < KERNEL_SIZE; tap += BLOCK_WIDTH * BLOCK_HEIGHT)
        taps[tap] = weight[tap];
}

/* Sum the products of one channel under this thread's output. */
static __device__ __forceinline__ float sum_of_tile(const struct convolution &problem, const float *__restrict__ tile,
                                                    const float *__restrict__ taps)
{
    float sum = 0.0f;
#pragma unroll
    for (int tap_row = 0; tap_row < KERNEL_HEIGHT; tap_row++) {
        const int row = threadIdx.y * STRIDE_HEIGHT + tap_row * DILATION_HEIGHT;
#pragma unroll
        for (int tap = 0; tap < KERNEL_WIDTH; tap++) {
            const int offset = tap * DILATION_WIDTH;
            const int place = offset % STRIDE_WIDTH * TILE_RUN + offset / STRIDE_WIDTH + threadIdx.x;
            sum += taps[tap_row * KERNEL_WIDTH + tap] * tile[row * problem.tile_pitch + place];
        }
    }
    return sum;
}

extern "C" __global__ void __launch_bounds__(BLOCK_WIDTH *BLOCK_HEIGHT, FEW_BLOCKS)
convolution_shared_memory(const float *__restrict__ image, const float *__restrict__ weight,
                          const float *__restrict__ bias, float *__restrict__ output, const struct convolution problem)
{
    float *tile = shared, *taps = shared + TILE_HEIGHT * problem.tile_pitch;
    const int x = blockIdx.x * BLOCK_WIDTH + threadIdx.x, y = blockIdx.y * BLOCK_HEIGHT + threadIdx.y;
    const bool exists = x < problem.output_width && y < problem.output_height;
    const int top = blockIdx.y * BLOCK_HEIGHT * STRIDE_HEIGHT - problem.padding_height;
    const int left = blockIdx.x * BLOCK_WIDTH * STRIDE_WIDTH - problem.padding_width;
    const int outputs = GROUPS * GROUP_OUTPUTS, planes = problem.batch * outputs;
    for (int index = blockIdx.z; index < planes; index += gridDim.z) {
        const struct plane p = plane_at(problem, index / outputs, index % outputs);
        float sum = bias ? bias[p.channel] : 0.0f;
        /* Threads without an output stay: they copy, and every thread of a block has to come to each barrier. */
        for (int channel = 0; channel < GROUP_INPUTS; channel++) {
            fill_tile(problem, image + p.image + channel * problem.height * problem.width,
                      weight + p.weight + channel * KERNEL_SIZE, top, left, tile, taps);
            __syncthreads(); /* the tile is whole */
            sum += sum_of_tile(problem, tile, taps);
            __syncthreads(); /* no thread reads it any more */
        }
        if (exists)
            output[p.output + y * problem.output_width + x] = sum;
    }
}

/* ---- Register-blocked: a thread computes THREAD_ROWS x 4 outputs of THREAD_CHANNELS channels.

   An image row under them is loaded once, into registers, and serves all of them; where rows are multiples of four
   elements long (VECTOR_LOADS, VECTOR_STORES), by float4, whose lanes are either all inside or all outside the image. A
   weight serves 4 THREAD_ROWS products. It comes from constant memory, where the threads of a warp ask for the same
   address at once: with one channel the multiplication itself names it, and no load is left. */

#ifdef THREAD_ROWS /* else the weights are too many for constant memory */

#define THREAD_COLUMNS 4
#define CONSTANT_WEIGHTS 16384 /* all of constant memory, 64 KiB */

__constant__ float constant_weight[CONSTANT_WEIGHTS];

/* One thread's outputs: channel, row, column. */
#define SUMS (THREAD_CHANNELS * THREAD_ROWS * THREAD_COLUMNS)
#define SUM(channel, row, column) (((channel) * THREAD_ROWS + (row)) * THREAD_COLUMNS + (column))

#ifdef UNROLLED

#ifdef VECTOR_LOADS
#define LEAD ((4 - PADDING_WIDTH % 4) % 4) /* columns before the window, from the last multiple of four on */
#else
#define LEAD 0
#endif
#define WINDOW (LEAD + (THREAD_COLUMNS - 1) * STRIDE_WIDTH + (KERNEL_WIDTH - 1) * DILATION_WIDTH + 1)
#define WINDOW_ROWS ((THREAD_ROWS - 1) * STRIDE_HEIGHT + (KERNEL_HEIGHT - 1) * DILATION_HEIGHT + 1)
/* The rows unroll too while there are few products: beyond, the compiler loads rows and weights early, and runs out of
   registers. */
#define FEW_PRODUCTS (THREAD_CHANNELS <= 2 && KERNEL_SIZE * THREAD_ROWS * THREAD_CHANNELS <= 72)

/* Load what lies from column `left` on in an image row, zeros where nothing is. */
static __device__ __forceinline__ void load_window(const struct convolution &problem, const float *__restrict__ image,
                                                   int row, int left, float *window)
{
    const bool exists = inside(row, problem.height);
#ifdef VECTOR_LOADS
#pragma unroll
    for (int i = 0; i < WINDOW; i += 4) {
        float4 four = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        if (exists && inside(left + i, problem.width))
            four = *reinterpret_cast<const float4 *>(image + row * problem.width + left + i);
        window[i] = four.x;
        window[i + 1] = four.y;
        window[i + 2] = four.z;
        window[i + 3] = four.w;
    }
#else
#pragma unroll
    for (int i = 0; i < WINDOW; i++)
        window[i] = exists && inside(left + i, problem.width) ? image[row * problem.width + left + i] : 0.0f;
#endif
}

/* Add what one window, `window_row` rows below the first, gives to the sums. */
static __device__ __forceinline__ void add_window(const struct convolution &problem, const float *window,
                                                  int window_row, int weight, float *sums)
{
#pragma unroll
    for (int y = 0; y < THREAD_ROWS; y++) {
        const int below = window_row - y * STRIDE_HEIGHT, tap_row = below / DILATION_HEIGHT;
        if (below < 0 || below % DILATION_HEIGHT || tap_row >= KERNEL_HEIGHT)
            continue;
#pragma unroll
        for (int tap = 0; tap < KERNEL_WIDTH; tap++)
#pragma unroll
            for (int channel = 0; channel < THREAD_CHANNELS; channel++) {
                const float factor = constant_weight[weight + channel * GROUP_INPUTS * KERNEL_SIZE +
                                                     tap_row * KERNEL_WIDTH + tap];
#pragma unroll
                for (int x = 0; x < THREAD_COLUMNS; x++)
                    sums[SUM(channel, y, x)] += factor * window[LEAD + x * STRIDE_WIDTH + tap * DILATION_WIDTH];
            }
    }
}

/* Add one input channel to the sums; `top` and `left` are where the first output's window begins in the image. */
static __device__ __forceinline__ void add_channel(const struct convolution &problem, const float *__restrict__ image,
                                                   int weight, int top, int left, float *sums)
{
    const int unrolled_rows = FEW_PRODUCTS ? WINDOW_ROWS : 1; /* a name: not every compiler expands macros in pragmas */
#pragma unroll unrolled_rows
    for (int window_row = 0; window_row < WINDOW_ROWS; window_row++) {
        float window[WINDOW + 3];
        load_window(problem, image, top + window_row, left - LEAD, window);
        add_window(problem, window, window_row, weight, sums);
    }
}

#else /* a tap at a time, for any kernel: a weight still serves all of the thread's outputs */

static __device__ __forceinline__ void add_tap(const struct convolution &problem, const float *__restrict__ image,
                                               int weight, int top, int left, float *sums)
{
#pragma unroll
    for (int y = 0; y < THREAD_ROWS; y++) {
        const int row = top + y * STRIDE_HEIGHT;
#pragma unroll
        for (int x = 0; x < THREAD_COLUMNS; x++) {
            const int column = left + x * STRIDE_WIDTH;
            const bool exists = inside(row, problem.height) && inside(column, problem.width);
            const float pixel = exists ? image[row * problem.width + column] : 0.0f;
#pragma unroll
            for (int channel = 0; channel < THREAD_CHANNELS; channel++)
                sums[SUM(channel, y, x)] += constant_weight[weight + channel * GROUP_INPUTS * KERNEL_SIZE] * pixel;
        }
    }
}

static __device__ __forceinline__ void add_channel(const struct convolution &problem, const float *__restrict__ image,
                                                   int weight, int top, int left, float *sums)
{
    for (int tap_row = 0; tap_row < KERNEL_HEIGHT; tap_row++)
        for (int tap = 0; tap < KERNEL_WIDTH; tap++)
            add_tap(problem, image, weight + tap_row * KERNEL_WIDTH + tap, top + tap_row * DILATION_HEIGHT,
                    left + tap * DILATION_WIDTH, sums);
}

#endif

/* Store four sums from column x of an output row on, of which the first exists. */
static __device__ __forceinline__ void store_row(float *__restrict__ row, int x, int width,
                                                 const float *sums)
{
#ifdef VECTOR_STORES
    *reinterpret_cast<float4 *>(row + x) = make_float4(sums[0], sums[1], sums[2], sums[3]);
#else
#pragma unroll
    for (int i = 0; i < THREAD_COLUMNS; i++)
        if (x + i < width)
            row[x + i] = sums[i];
#endif
}

extern "C" __global__ void __launch_bounds__(REGISTER_BLOCK_THREADS, FEW_BLOCKS)
convolution_register_blocked(const float *__restrict__ image, const float *__restrict__,
                             const float *__restrict__ bias, float *__restrict__ output,
                             const struct convolution problem)
{
    const int x = (blockIdx.x * blockDim.x + threadIdx.x) * THREAD_COLUMNS;
    const int y = (blockIdx.y * blockDim.y + threadIdx.y) * THREAD_ROWS;
    if (x >= problem.output_width || y >= problem.output_height)
        return;
    const int top = y * STRIDE_HEIGHT - problem.padding_height, left = x * STRIDE_WIDTH - problem.padding_width;
    const int blocks = GROUPS * GROUP_OUTPUTS / THREAD_CHANNELS; /* of channels; kernels.py has them divide a group */
    for (int index = blockIdx.z; index < problem.batch * blocks; index += gridDim.z) {
        const struct plane p = plane_at(problem, index / blocks, index % blocks * THREAD_CHANNELS);
        float sums[SUMS];
#pragma unroll
        for (int i = 0; i < SUMS; i++)
            sums[i] = bias ? bias[p.channel + i / (THREAD_ROWS * THREAD_COLUMNS)] : 0.0f;
#pragma unroll 1 /* the windows of one channel fill the registers */
        for (int channel = 0; channel < GROUP_INPUTS; channel++)
            add_channel(problem, image + p.image + channel * problem.height * problem.width,
                        p.weight + channel * KERNEL_SIZE, top, left, sums);
#pragma unroll
        for (int channel = 0; channel < THREAD_CHANNELS; channel++)
#pragma unroll
            for (int i = 0; i < THREAD_ROWS; i++)
                if (y + i < problem.output_height)
                    store_row(output + p.output + (channel * problem.output_height + y + i) * problem.output_width, x,
                              problem.output_width, sums + SUM(channel, i, 0));
    }
}

#endif
