/* A CUDA source (-DSOURCE) with a launch's constants, for emulator.cpp. */

#include "launch.h"

#include SOURCE

#include <math.h>
#include <string.h>

void copy_to_constant_memory(const launch &l, const float *weight)
{
#ifdef THREAD_ROWS
    for (int i = 0; i < CONSTANT_WEIGHTS; i++)
        constant_weight[i] = i < l.weight ? weight[i] : NAN;
#endif
}

bool run_thread(const launch &l, const tensors &t)
{
    convolution problem;
    static_assert(sizeof problem <= sizeof l.problem, "launch.h has too little room for it");
    memcpy(&problem, l.problem, sizeof problem);
    switch (l.kernel) {
    case 0:
        convolution_direct(t.image, t.weight, t.bias, t.output, problem);
        return true;
    case 1:
        convolution_shared_memory(t.image, t.weight, t.bias, t.output, problem);
        return true;
#ifdef THREAD_ROWS
    case 2:
        convolution_register_blocked(t.image, t.weight, t.bias, t.output, problem);
        return true;
#endif
    default:
        return false;
    }
}
