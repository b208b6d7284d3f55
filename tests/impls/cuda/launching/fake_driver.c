/* A stand-in for libcuda.so.1: it writes down every call with its arguments, reads the arguments of a launch as the
   driver would, computes nothing, and fails the call that it is told to. Addresses are the host's. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define KERNELS 16
#define PARAMETERS 16

static char fake_text[1 << 16];
static char failing[64];
static int failing_code;
static int major = 8, minor = 0;
static int modules, kernels;
static char kernel_names[KERNELS][64];
static int parameter_count, parameter_sizes[PARAMETERS];
static float constant_memory[16384];
static void *current_context = (void *)0xC0;

EXPORT const char *fake_log(void) { return fake_text; }
EXPORT void *fake_constant_memory(void) { return constant_memory; }
EXPORT void fake_capability(int capability) { major = capability / 10, minor = capability % 10; }
EXPORT void fake_no_context(void) { current_context = NULL; }

EXPORT void fake_reset(void)
{
    fake_text[0] = failing[0] = 0;
    modules = kernels = parameter_count = 0;
    major = 8, minor = 0;
    current_context = (void *)0xC0;
    memset(constant_memory, 0, sizeof constant_memory);
}

EXPORT void fake_fail(const char *function, int code)
{
    snprintf(failing, sizeof failing, "%s", function);
    failing_code = code;
}

/* What the driver knows from the image: the sizes of a kernel's parameters, in their order. */
EXPORT void fake_parameters(int count, const int *sizes)
{
    parameter_count = count;
    memcpy(parameter_sizes, sizes, count * sizeof *sizes);
}

#define SAY(...) snprintf(fake_text + strlen(fake_text), sizeof fake_text - strlen(fake_text), __VA_ARGS__)

static int result(const char *function)
{
    return strcmp(function, failing) ? 0 : failing_code;
}

EXPORT int cuInit(unsigned flags)
{
    SAY("cuInit %u\n", flags);
    return result(__func__);
}

EXPORT int cuGetErrorName(int code, const char **name)
{
    static const struct { int code; const char *name; } known[] = {
        {1, "CUDA_ERROR_INVALID_VALUE"}, {2, "CUDA_ERROR_OUT_OF_MEMORY"}, {100, "CUDA_ERROR_NO_DEVICE"},
        {200, "CUDA_ERROR_INVALID_IMAGE"}, {209, "CUDA_ERROR_NO_BINARY_FOR_GPU"}, {218, "CUDA_ERROR_INVALID_PTX"},
        {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"}, {400, "CUDA_ERROR_INVALID_HANDLE"}, {500, "CUDA_ERROR_NOT_FOUND"},
        {700, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"}, {999, "CUDA_ERROR_UNKNOWN"},
    };
    *name = NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == code)
            *name = known[i].name;
    return *name ? 0 : 1;
}

EXPORT int cuGetErrorString(int code, const char **text)
{
    const char *name;
    *text = cuGetErrorName(code, &name) ? NULL : "as the driver explains it";
    return *text ? 0 : 1;
}

EXPORT int cuCtxGetCurrent(void **context)
{
    *context = current_context;
    return result(__func__);
}

EXPORT int cuCtxGetDevice(int *device)
{
    *device = 3;
    return result(__func__);
}

EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    if (device != 3)
        return 101;
    *value = attribute == 75 ? major : attribute == 76 ? minor : -1;
    return result(__func__);
}

EXPORT int cuModuleLoadDataEx(void **module, const void *image, unsigned count, int *options, void **values)
{
    const char *kind = memcmp(image, "\177ELF", 4) ? "ptx" : "cubin";
    SAY("cuModuleLoadDataEx %s", kind);
    if (!strcmp(kind, "ptx"))
        SAY(" of %zu characters", strlen(image)); /* the driver reads up to the zero */
    SAY("\n");
    for (unsigned i = 0; i + 1 < count && result(__func__); i++)
        if (options[i] == 5 && options[i + 1] == 6)
            snprintf(values[i], (size_t)values[i + 1], "ptxas fatal:\n  %s", "a line of the assembler's");
    *module = (void *)(size_t)(0x1000 + ++modules);
    return result(__func__);
}

EXPORT int cuModuleGetFunction(void **function, void *module, const char *name)
{
    SAY("cuModuleGetFunction %s of %zx\n", name, (size_t)module);
    snprintf(kernel_names[kernels], sizeof kernel_names[0], "%s", name);
    *function = (void *)(size_t)(0x2000 + kernels++);
    return result(__func__);
}

EXPORT int cuModuleGetGlobal_v2(void **address, size_t *size, void *module, const char *name)
{
    SAY("cuModuleGetGlobal %s of %zx\n", name, (size_t)module);
    *address = constant_memory;
    if (size)
        *size = sizeof constant_memory;
    return result(__func__);
}

EXPORT int cuMemcpyDtoDAsync_v2(void *target, void *source, size_t size, void *stream)
{
    SAY("cuMemcpyDtoDAsync %zu on stream %zx\n", size, (size_t)stream);
    if (target == constant_memory && size > sizeof constant_memory)
        return 1;
    if (!result(__func__))
        memcpy(target, source, size);
    return result(__func__);
}

EXPORT int cuStreamSynchronize(void *stream)
{
    SAY("cuStreamSynchronize %zx\n", (size_t)stream);
    return result(__func__);
}

EXPORT int cuFuncGetAttribute(int *value, int attribute, void *function)
{
    *value = 1000 * ((int)(size_t)function - 0x2000 + 1) + attribute;
    return result(__func__);
}

EXPORT int cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                          unsigned block_y, unsigned block_z, unsigned shared_bytes, void *stream, void **parameters,
                          void **extra)
{
    size_t kernel = (size_t)function - 0x2000;
    if (kernel >= (size_t)kernels || !parameters || extra)
        return 400;
    SAY("cuLaunchKernel %s grid %u %u %u block %u %u %u shared %u stream %zx", kernel_names[kernel], grid_x, grid_y,
        grid_z, block_x, block_y, block_z, shared_bytes, (size_t)stream);
    for (int i = 0; i < parameter_count; i++) {
        SAY(" ");
        for (int byte = 0; byte < parameter_sizes[i]; byte++)
            SAY("%02x", ((unsigned char *)parameters[i])[byte]);
    }
    SAY("\n");
    return result(__func__);
}
