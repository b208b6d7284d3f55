"""Where the leaf is ambiguous, the context decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.attribution.causes import CAUSE_IDS
from profiler.stacks import KERNEL, VDSO, Frame
from profiler.trace.sample_kinds import KINDS, cause_of, classify

_LIBRARIES = {
    "k": KERNEL, "v": VDSO, "c": "libc.so.6", "py": "libpython3.11.so.1.0", "tp": "libtorch_python.so", "j": "[jit]",
    "t": "libtorch_cpu.so", "c10": "libc10.so", "np": "_multiarray_umath.cpython-311-x86_64-linux-gnu.so",
    "omp": "libgomp.so.1", "own": "mine.so", "mmap": "mmap.cpython-311-x86_64-linux-gnu.so", "": "",
}  # fmt: skip
_EVAL = "py:_PyEval_EvalFrameDefault"
_FAULT = "k:clear_page_erms k:do_anonymous_page k:handle_mm_fault k:exc_page_fault k:asm_exc_page_fault"


def _kind(stack: str) -> str:
    """Class a stack written as 'library:symbol ...', the innermost first."""
    frames = [
        Frame(symbol, _LIBRARIES[library]) for library, _, symbol in (each.partition(":") for each in stack.split())
    ]
    return classify(frames).kind


@pytest.mark.parametrize(
    ("stack", "kind"),
    [
        # Fresh memory: the interpreter's for its own objects, allocation for anything else.
        (f"{_FAULT} c:__memmove_evex t:at::native::unfolded2d_copy {_EVAL}", "page_fault"),
        (f"{_FAULT} j: t:dnnl::impl::cpu::execute", "page_fault"),
        (f"{_FAULT} py:list_resize {_EVAL}", "interpreter"),
        (f"{_FAULT} py:_PyObject_Malloc py:PyFloat_FromDouble {_EVAL}", "interpreter"),
        (f"{_FAULT} c:__memmove_evex py:bytearray_init {_EVAL}", "page_fault"),
        (f"{_FAULT} mmap:mmap_ass_sub {_EVAL}", "page_fault"),
        (f"{_FAULT} np:UBYTE_copyswap {_EVAL}", "page_fault"),
        ("k:unmap_vmas k:__x64_sys_munmap c:munmap c:free c10:c10::free_cpu", "mapping"),
        (f"k:__x64_sys_mmap c:mmap py:_PyObject_ArenaMmap py:new_arena {_EVAL}", "interpreter"),
        (
            f"k:perf_event_mmap k:__mmap_region k:do_mmap k:vm_mmap_pgoff c:__mmap mmap:new_mmap_object {_EVAL}",
            "mapping",
        ),
        (f"c:__munmap mmap:mmap__exit__method {_EVAL}", "mapping"),
        # A block from the free lists is part of what asked for it.
        ("c:malloc c10:c10::alloc_cpu t:at::_ops::empty::call", "dispatcher"),
        (f"c:_int_free py:list_dealloc {_EVAL}", "interpreter"),
        ("c:malloc c:start_thread", "malloc"),
        # What the interpreter does for others, and on its way to them.
        (f"py:PyTuple_New tp:torch::autograd::THPVariable_neg {_EVAL}", "bindings"),
        (f"py:unicode_split {_EVAL}", "interpreter"),
        (f"py:method_vectorcall_NOARGS py:PyObject_Vectorcall {_EVAL}", "calling"),
        (f"py:_PyObject_Free py:subtype_dealloc {_EVAL}", "calling"),
        ("py:PyLong_FromLong py:unicode_new", "interpreter"),
        # Bytes moved inside a loop are a copy; a few inside the dispatcher are its bookkeeping.
        ("c:__memmove_evex t:at::native::AVX2::add_kernel", "copy"),
        ("c:__memset_evex own:convolve", "copy"),
        ("c:__memmove_evex t:at::_ops::neg::call", "dispatcher"),
        ("c:__memmove_evex t:at::native::structured_cat_out_cpu::impl", "copy"),
        # Interrupts and clock reads belong to what they interrupted or to whoever asked.
        ("k:update_process_times k:asm_sysvec_apic_timer_interrupt t:at::native::AVX2::add_kernel", "kernel"),
        (f"v:__vdso_clock_gettime c:clock_gettime py:pytime {_EVAL}", "interpreter"),
        ("k:__x64_sys_getrusage c:getrusage own:convolve", "own_code"),
        # Waits.
        ("k:__x64_sys_futex c:syscall omp:gomp_team_barrier_wait_end", "threads"),
        (f"k:__x64_sys_futex c:pthread_cond_timedwait py:take_gil {_EVAL}", "waiting"),
        (f"k:__x64_sys_clock_nanosleep c:clock_nanosleep py:pysleep {_EVAL}", "waiting"),
        ("omp:gomp_barrier_wait", "threads"),
        # Gradients, and what views keep without them.
        ("t:torch::autograd::VariableType::conv tp:THPVariable_conv", "autograd"),
        ("t:torch::autograd::as_view tp:THPVariable_view", "dispatcher"),
        # What autograd asks for is its own, until it hands over to the operator.
        ("t:at::TensorBase::grad_fn t:torch::autograd::set_history t:torch::autograd::VariableType::neg", "autograd"),
        ("tp:gil_scoped_acquire c10:c10::incref_pyobject t:torch::autograd::VariableType::neg", "autograd"),
        ("c:malloc c10:c10::alloc_cpu t:at::_ops::neg::redispatch t:torch::autograd::VariableType::neg", "dispatcher"),
        (f"c10:c10::TensorImpl::release {_EVAL} t:torch::autograd::VariableType::neg", "dispatcher"),
        ("t:at::native::neg_kernel t:torch::autograd::VariableType::neg", "kernel"),
        ("k:do_syscall_64", "unclassified"),
        ("", "unclassified"),
    ],
)
def test_the_context_decides(stack: str, kind: str) -> None:
    assert _kind(stack) == kind


def test_every_kind_has_a_cause() -> None:
    assert {cause_of(kind.id) for kind in KINDS} <= {*CAUSE_IDS, "compute", "calling"}


_frames = st.builds(
    Frame, st.sampled_from(["", "malloc", "memcpy", "exc_page_fault", "sys_futex", "_PyEval_EvalFrameDefault", "x"]),
    st.sampled_from(list(_LIBRARIES.values())),
)  # fmt: skip


@given(st.lists(_frames, max_size=8))
def test_any_stack_has_a_known_kind(frames: list[Frame]) -> None:
    assert classify(frames).kind in {kind.id for kind in KINDS}
