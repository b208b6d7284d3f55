"""Rules that class one frame of a CPU sample by its library and symbol: data, the first that fits decides.

The names are those of CPython 3.11 to 3.13, PyTorch's ATen and c10 with oneDNN and MKL, NumPy 2, OpenBLAS, glibc, the
OpenMP runtimes of gcc, LLVM and Intel, and Linux. A frame that only works for its caller is `PASSED_OVER`: the next
one out is asked.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

__all__ = [
    "CALLING",
    "EVALUATION",
    "HAND_OVER",
    "MAPPING",
    "MAPPING_CALL",
    "MEMORY_MOVES",
    "MOVING_OPERATOR",
    "PAGE_FAULT",
    "PASSED_OVER",
    "PYTHON_MEMORY",
    "RULES",
    "TAKING_MEMORY",
    "USER_BUFFER",
    "WAIT",
    "Rule",
]

PASSED_OVER = "passed over"


@dataclass(frozen=True)
class Rule:
    """Say what a frame is whose library and symbol match; both patterns are searched, not anchored."""

    name: str
    library: str
    symbol: str
    kind: str

    def fits(self, symbol: str, library: str) -> bool:
        """Say whether the rule knows a frame."""
        return re.search(self.library, library) is not None and re.search(self.symbol, symbol) is not None


_PYTHON = r"^(libpython3|python3?(\.\d+)?$)"
_TORCH_CPU = r"^libtorch(_cpu)?\.so"
_NUMPY = r"^(_multiarray_umath|_umath_linalg|_pocketfft_umath)"
# Modules of the standard library that are files of their own, by the name that Python gives them.
_STANDARD = rf"^({'|'.join(sorted(map(re.escape, sys.stdlib_module_names)))})\.(cpython-|abi3|so)"
_NUMBER = r"(BOOL|U?BYTE|U?SHORT|U?INT|U?LONG|U?LONGLONG|HALF|C?FLOAT|C?DOUBLE|C?LONGDOUBLE|OBJECT)"

RULES: tuple[Rule, ...] = (
    # What waits, and what runs threads.
    Rule("OpenMP runtime", r"^lib(gomp|omp|iomp5)\b", r"", "threads"),
    Rule("BLAS's own threads", r"(openblas|libblas|mkl)", r"blas_thread|exec_blas|blas_server|sched_yield", "threads"),
    Rule(
        "thread pool of NNPACK and XNNPACK", _TORCH_CPU, r"^(pthreadpool_|thread_main$|wait_worker_threads)", "threads"
    ),
    Rule("sleep", _PYTHON, r"^(time_sleep|pysleep)", "waiting"),
    Rule(
        "wait in the C library",
        r"^(libc|libpthread)[-.]",
        r"nanosleep|futex|cond_(timed|clock)?wait|sem_.*wait",
        "waiting",
    ),
    # BLAS.
    Rule("BLAS library", r"(openblas|libblas|libcblas|^libmkl)", r"", "blas"),
    Rule("MKL in torch", _TORCH_CPU, r"^(mkl_|cblas_|fpk_)|^[sdcz](gemm|gemv|dot|axpy|scal)_", "blas"),
    # oneDNN in torch: what prepares, what copies, what computes.
    Rule("oneDNN reorder", _TORCH_CPU, r"dnnl::.*reorder.*(execute|ker|lambda|operator\(\))", "copy"),
    Rule("oneDNN kernel", _TORCH_CPU, r"dnnl::.*(execute|_kernel_t::|::ker\b|lambda|_driver)", "kernel"),
    Rule("oneDNN set-up", _TORCH_CPU, r"dnnl::|dnnl_|ideep::|Xbyak::", "onednn_setup"),
    # Gradients. Views keep their base whether or not gradients are recorded; that part is no gradient's.
    Rule(
        "view of a tensor",
        _TORCH_CPU,
        r"torch::autograd::.*(View|_view)|torch::autograd::impl::|torch::ADInplaceOrView::",
        "dispatcher",
    ),
    Rule("autograd", _TORCH_CPU, r"^(void |bool )?torch::autograd::", "autograd"),
    Rule("autograd, wrapped", _TORCH_CPU, r"wrap_kernel_functor.*torch::autograd::", "autograd"),
    # ATen's loops; what copies and fills before what computes.
    Rule(
        "ATen copy",
        _TORCH_CPU,
        r"(direct_copy|copy|fill|cat(_serial)?|stack_serial|(reflection|replication|constant)_pad\w*)_kernel"
        r"|unfolded2d_copy|im2col|col2im|compute_columns|copy_transpose|cat_serial|cpu_padding|cpublas::copy",
        "copy",
    ),
    Rule(
        "ATen kernel",
        _TORCH_CPU,
        r"at::native::(\(anonymous namespace\)::)?(AVX\w*|DEFAULT|ZVECTOR|VSX|SVE\w*|CPU_CAPABILITY\w*)::"
        r"|[Vv]ectorized_?[Ll]oop|vectorized_(inner|outer)|\w+_kernel(_impl)?\b|loop_?2d|basic_loop|cascade_sum|at::vec::"
        r"|^(xnn|nnp)_|cpu_(max|avg|upsample|batch_norm)\w*|fbgemm::",
        "kernel",
    ),
    Rule("c10", r"^libc10", r"", "dispatcher"),
    Rule("ATen and dispatcher", _TORCH_CPU, r"", "dispatcher"),
    Rule("torch's bindings", r"^(libtorch_python|_C\.cpython)", r"", "bindings"),
    # NumPy.
    Rule(
        "NumPy copy",
        _NUMPY,
        r"to_(strided|contig)|raw_array_assign|PyArray_AssignRawScalar|_cast_to|_cast_\w+_to_|TransferNDim"
        r"|PyArray_Fill|array_assign_array|PyArray_CopyInto|npy_memchr|simd_copy|_copyswap",
        "copy",
    ),
    Rule(
        "NumPy loop",
        _NUMPY,
        rf"^{_NUMBER}_|_(pairwise|reduce)_sum|_sum_of_products|npyiter_(buffered|goto|copy_(to|from)|iternext)"
        r"|PyArray_EinsteinSum|^simd_|gemm|_matmul|^run_(unary|binary)|_correlate|npyiter_\w*iters\d",
        "kernel",
    ),
    Rule("NumPy's machinery", _NUMPY, r"", "bindings"),
    # Python itself.
    # The calling thread's part: PoCL's own threads run the kernels, from files that it compiled.
    Rule("OpenCL's runtime", r"^(libpocl|libOpenCL|_cl\.)", r"", "bindings"),
    Rule("foreign functions", r"^(_ctypes\.|libffi|_cffi_backend)", r"", "bindings"),
    Rule("evaluation loop", _PYTHON, r"^(_PyEval_(EvalFrameDefault|Vector)|PyEval_EvalCode|Py_RunMain)", "interpreter"),
    Rule("standard library", _STANDARD, r"", "interpreter"),
    Rule("C API", _PYTHON, r"", PASSED_OVER),
    # Who works for the caller.
    Rule(
        "C library",
        r"^(libc|libm|libdl|librt|libpthread|ld-linux[\w-]*|ld|libstdc\+\+|libc\+\+|libgcc_s)[-.]",
        r"",
        PASSED_OVER,
    ),
    Rule("clock page", r"^\[vdso\]$", r"", PASSED_OVER),
    Rule("kernel", r"^\[kernel\]$", r"", PASSED_OVER),
    Rule("misread stack", r"^$", r"", PASSED_OVER),
    # Code made while running, and what is left: libraries that the implementation brought.
    Rule("generated code", r"^\[jit\]$", r"", "jit"),
    Rule("own code", r"", r"", "own_code"),
)

# Leaves that need their context: see `profiler.trace.sample_kinds`.
PAGE_FAULT = re.compile(r"page_fault|do_user_addr_fault|handle_mm_fault|do_anonymous_page|clear_page|clear_huge_page")
MAPPING = re.compile(
    r"sys_(mmap|munmap|brk|madvise|mremap|mprotect)|(^|_)(vm_|do_)?(mmap_(region|pgoff)|munmap|brk_flags)|^do_mmap"
    r"|unmap_(region|vmas)|unmapped_area"
)
# The C library's entries to the kernel, for stacks whose kernel part names none of these.
MAPPING_CALL = re.compile(r"^(__)?(mmap|munmap|brk|sbrk|madvise|mremap)(64)?$")
WAIT = re.compile(r"sys_(futex|\w*nanosleep|sched_yield|poll|ppoll|select|pselect6|epoll_\w*wait|wait4)")
MEMORY_MOVES = re.compile(r"(mem(cpy|move|set)|bcopy|bzero)")
# Operators of the dispatcher's kind that move data by the C library's own loops.
MOVING_OPERATOR = re.compile(r"(cat|stack|copy|clone|fill|zero|pad|roll|flip)\w*(_out|_cpu|_\b|\b)")
TAKING_MEMORY = re.compile(
    r"^(__libc_|_int_|__)?(malloc|free|calloc|realloc|memalign|posix_memalign|aligned_alloc|cfree)"
    r"|malloc_consolidate|unlink_chunk|sysmalloc|systrim|tcache|_mid_memalign|munmap_chunk|mremap_chunk|arena_get"
)
EVALUATION = re.compile(r"^(_PyEval_(EvalFrameDefault|Vector)|PyEval_EvalCode|Py_RunMain)")
# How the evaluation loop gets to a function, an attribute or an item of any object, and rids itself of the result.
CALLING = re.compile(
    r"^(_?PyObject_(Vectorcall|Fast[Cc]all|MakeTpCall|Call|GetMethod|GetAttr|GenericGetAttr|GetItem|SetItem)\w*"
    r"|method_vectorcall|cfunction_|_Py_CheckFunctionResult|PyVectorcall|partial_vectorcall|type_call|wrapperdescr_call"
    r"|subtype_dealloc|_PyObject_FreeInstanceAttributes|PyObject_ClearWeakRefs|PyObject_GC_(Un)?Track|_PyTrash|_Py_Dealloc"
    r"|_PyType_Lookup|find_name_in_mro|binary_op|PyNumber_|slot_|wrap_|tupledealloc|PySlice_New|PyThreadState_Get)"
)
# Where one operator hands over to the next: what is inside is no longer the outer one's.
HAND_OVER = re.compile(
    r"^at::_ops::|^c10::(Dispatcher|KernelFunction)|c10::impl::(Boxed|make_boxed|wrap_kernel)|callBoxed|callUnboxed"
)
PYTHON_MEMORY = re.compile(
    r"^_?PyObject_(Malloc|Free|Calloc|Realloc|Alloc)|^pymalloc_|^_?PyMem_|^insert_to_|^new_arena"
)
# Objects of Python whose memory is the user's data, not the interpreter's own.
USER_BUFFER = re.compile(r"^(bytearray|PyByteArray|bytes_|_?PyBytes|memory_|_?PyMemoryView|mmap|array_|_io_Bytes)")
