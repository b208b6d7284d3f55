/* An operator of torch's, written in C: torch's dispatcher calls it, and it calls a compiled function with its problem.

   What torch keeps stable for compiled code is a C interface, but its header (torch/csrc/inductor/aoti_torch/c/shim.h)
   is C++; so the functions used are declared here, and neither torch's headers nor a C++ compiler are needed. All but
   the kernel return 0 where they succeed. */

#include <stdint.h>

typedef uint64_t stable_value; /* an integer, or a handle that its receiver owns */
typedef void kernel_type(stable_value *stack, uint64_t inputs, uint64_t outputs);
typedef struct library *library_handle;
typedef struct tensor *tensor_handle;

int32_t aoti_torch_library_init_def(const char *space, const char *file, uint32_t line, library_handle *library);
int32_t aoti_torch_library_init_impl(
    const char *space, const char *key, const char *file, uint32_t line, library_handle *library);
int32_t aoti_torch_library_def(library_handle library, const char *schema);
int32_t aoti_torch_library_impl(library_handle library, const char *name, kernel_type *kernel);
int32_t aoti_torch_get_data_ptr(tensor_handle tensor, void **data);
int32_t aoti_torch_delete_tensor_object(tensor_handle tensor);

typedef void function_type(const void *problem, void *output);

static void call(stable_value *stack, uint64_t inputs, uint64_t outputs)
{
    (void)inputs, (void)outputs;
    tensor_handle const output = (tensor_handle)stack[0];
    function_type *const function = (function_type *)stack[1];
    void *data;
    if (aoti_torch_get_data_ptr(output, &data) == 0)
        function((const void *)stack[2], data);
    aoti_torch_delete_tensor_object(output);
}

/* Both handles live as long as the process: deleting one takes what it registered away. */
int32_t register_operator(void)
{
    static library_handle definition, implementation;
    int32_t failed = aoti_torch_library_init_def("convprof", __FILE__, __LINE__, &definition);
    failed = failed || aoti_torch_library_def(definition, "compiled(Tensor(a!) output, int function, int problem) -> ()");
    failed = failed || aoti_torch_library_init_impl("convprof", "CPU", __FILE__, __LINE__, &implementation);
    return failed || aoti_torch_library_impl(implementation, "compiled", call);
}
