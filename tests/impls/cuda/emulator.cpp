/* Runs one launch of a CUDA source on the CPU: standard input has the launch and the tensors, standard output gets the
   output. The kernels are in kernels.cpp, which is compiled with the launch's constants.

   The threads of a block are fibers. Each runs to its next barrier before the others come on, in the order asked for:
   what a missing barrier lets a thread read too early, it reads. All that is not written yet is NaN: shared memory
   before each block, and the output. Tensors are allocated with exactly their size, for AddressSanitizer's red zones;
   without it, guards behind them tell of stores out of bounds.

   Exit codes: 0; 3 with a line on standard error, where the launch would be wrong on a GPU; 4 on bad input. */

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <ucontext.h>
#include <vector>

#include "launch.h"

dim3 threadIdx, blockIdx, blockDim, gridDim;
constants given;

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
static const bool sanitized = true;
#else
static const bool sanitized = false;
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
static void __sanitizer_start_switch_fiber(void **, const void *, size_t) {}
static void __sanitizer_finish_switch_fiber(void *, const void **, size_t *) {}
#endif

[[noreturn]] static void fail(int code, const char *format, int a = 0, int b = 0, int c = 0, int d = 0)
{
    fprintf(stderr, format, a, b, c, d);
    fputc('\n', stderr);
    exit(code);
}

/* ---- Shared memory: that of fixed size, and as much of dynamic size as a block may have, of which what the launch did
   not ask for is out of bounds. */

extern float __start_shared_memory[], __stop_shared_memory[]; /* the linker's, for a section of this name */

static const int shared_limit = 48 * 1024 / sizeof(float), guards = 64;
alignas(16) float shared[shared_limit + guards] __attribute__((section("shared_memory")));

static void poison_shared(int elements)
{
    ASAN_UNPOISON_MEMORY_REGION(shared, sizeof shared);
    std::fill(__start_shared_memory, __stop_shared_memory, NAN);
    ASAN_POISON_MEMORY_REGION(shared + elements, (shared_limit + guards - elements) * sizeof(float));
}

/* NaNs of one kind are what guards hold; no computation makes this one. */
static bool untouched(const float *from, const float *to)
{
    const float nan = NAN;
    return std::all_of(from, to, [&](const float &value) { return !memcmp(&value, &nan, sizeof nan); });
}

/* ---- The threads of a block. */

static const size_t stack_bytes = 64 * 1024;
static const int at_start = 0, at_end = -1; /* else the line of the barrier that a thread waits at */

struct fiber {
    ucontext_t context;
    std::vector<char> stack = std::vector<char>(stack_bytes);
    void *fake_stack; /* AddressSanitizer's */
    int place;
};

static std::vector<fiber> fibers;
static fiber *running;
static ucontext_t scheduler;
static void *scheduler_fake_stack;
static const void *scheduler_stack;
static size_t scheduler_stack_bytes;
static void run_thread_of_kernel();

static void thread_main()
{
    __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_bytes);
    run_thread_of_kernel();
    running->place = at_end;
    __sanitizer_start_switch_fiber(nullptr, scheduler_stack, scheduler_stack_bytes);
    swapcontext(&running->context, &scheduler);
}

void wait_for_block(int line)
{
    running->place = line;
    __sanitizer_start_switch_fiber(&running->fake_stack, scheduler_stack, scheduler_stack_bytes);
    swapcontext(&running->context, &scheduler);
    __sanitizer_finish_switch_fiber(running->fake_stack, &scheduler_stack, &scheduler_stack_bytes);
}

/* Let one thread run to its next barrier, or its end. */
static void resume(int index)
{
    running = &fibers[index];
    threadIdx = {index % blockDim.x, index / blockDim.x % blockDim.y, index / (blockDim.x * blockDim.y)};
    __sanitizer_start_switch_fiber(&scheduler_fake_stack, running->stack.data(), stack_bytes);
    swapcontext(&scheduler, &running->context);
    __sanitizer_finish_switch_fiber(scheduler_fake_stack, nullptr, nullptr);
}

static void start(fiber &thread)
{
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack.data();
    thread.context.uc_stack.ss_size = stack_bytes;
    thread.context.uc_link = nullptr;
    makecontext(&thread.context, thread_main, 0);
    thread.fake_stack = nullptr;
    thread.place = at_start;
}

enum order { ascending, descending, shuffled };

static void run_block(enum order order, std::mt19937 &random)
{
    std::vector<int> turns(fibers.size());
    for (size_t i = 0; i < turns.size(); i++)
        turns[i] = order == descending ? turns.size() - 1 - i : i;
    std::for_each(fibers.begin(), fibers.end(), start);
    do {
        if (order == shuffled)
            std::shuffle(turns.begin(), turns.end(), random);
        std::for_each(turns.begin(), turns.end(), resume);
        for (size_t i = 1; i < fibers.size(); i++)
            if (fibers[i].place != fibers[0].place)
                fail(3, "divergent barrier: thread 0 is at line %d and thread %d at line %d (-1: its end)",
                     fibers[0].place, i, fibers[i].place);
    } while (fibers[0].place != at_end);
}

/* ---- The launch. */

static launch asked;
static tensors arguments;

static void run_thread_of_kernel()
{
    if (!run_thread(asked, arguments))
        fail(4, "the source has no kernel %d with these constants", asked.kernel);
}

/* Allocate a tensor, with guards if there is no sanitizer, and read it; NaN where nothing is to be read. */
static float *tensor(int elements, bool given_values)
{
    const int allocated = elements + (sanitized ? 0 : guards);
    float *values = static_cast<float *>(malloc(allocated * sizeof(float)));
    std::fill(values, values + allocated, NAN);
    if (given_values && fread(values, sizeof(float), elements, stdin) != static_cast<size_t>(elements))
        fail(4, "the input ends before a tensor of %d elements", elements);
    return values;
}

static void check_guards(int shared_elements)
{
    if (sanitized)
        return;
    const float *end = arguments.output + asked.output;
    if (!untouched(end, end + guards))
        fail(3, "a store behind the output's end, in block (%d, %d, %d)", blockIdx.x, blockIdx.y, blockIdx.z);
    if (!untouched(shared + shared_elements, shared + shared_limit + guards))
        fail(3, "a store behind shared memory's end, in block (%d, %d, %d)", blockIdx.x, blockIdx.y, blockIdx.z);
}

static void read_input()
{
    if (fread(&asked, offsetof(launch, problem), 1, stdin) != 1)
        fail(4, "the input ends before the launch");
    int problem_bytes;
    if (fread(&problem_bytes, sizeof problem_bytes, 1, stdin) != 1 || problem_bytes > int(sizeof asked.problem) ||
        fread(asked.problem, problem_bytes, 1, stdin) != 1)
        fail(4, "the input ends before the problem");
    given = asked.given;
    arguments.image = tensor(asked.image, true);
    arguments.weight = tensor(asked.weight, true);
    arguments.bias = asked.bias ? tensor(asked.bias, true) : nullptr;
    arguments.output = tensor(asked.output, false);
}

static void run_grid()
{
    const int shared_elements = asked.shared_bytes / sizeof(float);
    gridDim = {unsigned(asked.grid[0]), unsigned(asked.grid[1]), unsigned(asked.grid[2])};
    blockDim = {unsigned(asked.block[0]), unsigned(asked.block[1]), unsigned(asked.block[2])};
    const int threads = blockDim.x * blockDim.y * blockDim.z;
    if (shared_elements > shared_limit || threads > 1024)
        fail(4, "a block of %d threads and %d elements of shared memory is too large", threads, shared_elements);
    fibers = std::vector<fiber>(threads);
    std::mt19937 random(asked.seed);
    for (blockIdx.z = 0; blockIdx.z < gridDim.z; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < gridDim.y; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++) {
                poison_shared(shared_elements);
                run_block(static_cast<enum order>(asked.order), random);
                check_guards(shared_elements);
            }
}

int main()
{
    read_input();
    copy_to_constant_memory(asked, arguments.weight);
    run_grid();
    fwrite(arguments.output, sizeof(float), asked.output, stdout);
}
