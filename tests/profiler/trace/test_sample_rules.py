"""Every rule decides a frame that no earlier rule decides."""

from __future__ import annotations

import pytest

from profiler.trace.sample_kinds import KINDS
from profiler.trace.sample_rules import PASSED_OVER, RULES

_TORCH, _NUMPY = "libtorch_cpu.so", "_multiarray_umath.cpython-311-x86_64-linux-gnu.so"

EXAMPLES = {
    "OpenMP runtime": ("gomp_team_barrier_wait_end", "libgomp.so.1"),
    "BLAS's own threads": ("blas_thread_server", "libscipy_openblas64_-32a4b2a6.so"),
    "thread pool of NNPACK and XNNPACK": ("pthreadpool_parallelize_1d", _TORCH),
    "sleep": ("pysleep", "libpython3.11.so.1.0"),
    "wait in the C library": ("__futex_abstimed_wait_common", "libc.so.6"),
    "BLAS library": ("sgemv_n_SKYLAKEX", "libscipy_openblas64_-32a4b2a6.so"),
    "MKL in torch": ("mkl_blas_avx512_xsgemv", _TORCH),
    "oneDNN reorder": (
        "dnnl::impl::cpu::simple_reorder_t<float>::execute(dnnl::exec_ctx_t const&) const",
        _TORCH,
    ),
    "oneDNN kernel": ("dnnl::impl::cpu::x64::jit_avx512_common_convolution_fwd_t::execute_forward_thr", _TORCH),
    "oneDNN set-up": ("dnnl::impl::primitive_hashing::get_md_hash", _TORCH),
    "view of a tensor": ("torch::autograd::DifferentiableViewMeta::DifferentiableViewMeta", _TORCH),
    "autograd": ("torch::autograd::collect_next_edges", _TORCH),
    "autograd, wrapped": ("c10::impl::wrap_kernel_functor_unboxed_<torch::autograd::VariableType::conv>::call", _TORCH),
    "ATen copy": ("at::native::(anonymous namespace)::unfolded2d_copy<float>(float const*)", _TORCH),
    "ATen kernel": ("at::native::AVX2::VectorizedLoop2d<at::native::add_clamp>::operator()", _TORCH),
    "c10": ("c10::alloc_cpu", "libc10.so"),
    "ATen and dispatcher": ("at::_ops::neg::call", _TORCH),
    "torch's bindings": ("torch::autograd::THPVariable_neg", "libtorch_python.so"),
    "NumPy copy": ("_aligned_strided_to_contig_size4_srcstride0", _NUMPY),
    "NumPy loop": ("FLOAT_multiply_X86_V3", _NUMPY),
    "NumPy's machinery": ("ufunc_generic_fastcall", _NUMPY),
    "OpenCL's runtime": ("pthread_scheduler_push_command", "libpocl-21062cec.so"),
    "foreign functions": ("_ctypes_callproc", "_ctypes.cpython-311-x86_64-linux-gnu.so"),
    "evaluation loop": ("_PyEval_EvalFrameDefault", "libpython3.11.so.1.0"),
    "standard library": ("math_sqrt", "math.cpython-311-x86_64-linux-gnu.so"),
    "C API": ("PyTuple_New", "python3.11"),
    "C library": ("malloc", "libc.so.6"),
    "clock page": ("__vdso_clock_gettime", "[vdso]"),
    "kernel": ("do_syscall_64", "[kernel]"),
    "misread stack": ("", ""),
    "generated code": ("", "[jit]"),
    "own code": ("direct", "direct-3ac604e15fb8434b.so"),
}


def test_every_rule_has_an_example_and_a_known_kind() -> None:
    assert list(EXAMPLES) == [rule.name for rule in RULES]
    assert {rule.kind for rule in RULES} <= {kind.id for kind in KINDS} | {PASSED_OVER}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_rule_decides_its_example_and_none_before_it(name: str) -> None:
    symbol, library = EXAMPLES[name]
    assert next(rule.name for rule in RULES if rule.fits(symbol, library)) == name
