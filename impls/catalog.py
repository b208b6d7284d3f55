"""Every implementation that ships, in one visible tuple, and the look-up by name.

Importing this imports no torch: implementations import it when they are prepared.
"""

from __future__ import annotations

import difflib
import fnmatch

from impls import (
    array_fft,
    array_row_loop,
    array_tensordot,
    arrays,
    article,
    aten,
    aten_backends,
    aten_compiled,
    aten_conditions,
    aten_fft,
    lists,
)
from impls.compiled import jitted
from impls.compiled.factory import compiled
from impls.compiled.simd import SIMD
from impls.compiled.sources import BLOCKED, BOUNDS_TEST, CONSTANT_KERNEL, DIRECT, FAST_FIR, INTERIOR, named
from impls.contract import Implementation
from impls.cuda import graph, library_conditions, triton_direct
from impls.cuda import implementations as cuda
from impls.errors import UnknownImplementation
from impls.opencl import implementations as opencl_kernels
from impls.peers import (
    halide_pipeline,
    intel_ipp,
    ndimage,
    onnx_runtime,
    opencv,
    openvino_model,
    signal_processing,
    xla,
)

__all__ = ["CATALOG", "find", "matching"]

CATALOG: tuple[Implementation, ...] = (
    article.MODULE,
    article.NUMPY_LOOP,
    article.TORCH_LOOP,
    article.TORCH_LOOP_ON_CPU,
    aten.CONV2D,
    aten.UNFOLD,
    aten.SHIFT_ADD,
    arrays.SHIFT_ADD,
    arrays.SLIDING_WINDOW,
    arrays.IM2COL,
    lists.LOOP,
    compiled(DIRECT, name="c.direct", primary=True),
    compiled(DIRECT, "-O0", primary=True),
    compiled(DIRECT, "-O1"),
    compiled(DIRECT, "-O2"),
    compiled(DIRECT, "-O3 -march=native", primary=True),
    compiled(DIRECT, "-O3 -march=native -mprefer-vector-width=512"),
    compiled(DIRECT, "-O3 -march=native -ffast-math", primary=True),
    compiled(DIRECT, "-Ofast -march=native"),
    compiled(BOUNDS_TEST, name="c.bounds_test"),
    compiled(INTERIOR, name="c.interior"),
    compiled(CONSTANT_KERNEL, name="c.constant_kernel"),
    compiled(BLOCKED, name="c.blocked"),
    compiled(FAST_FIR, name="c.fast_fir"),
    *SIMD,
    array_row_loop.ROW_LOOP,
    array_tensordot.TENSORDOT,
    array_fft.FFT,
    aten_fft.FFT,
    aten_compiled.SHIFT_ADD,
    aten_compiled.CONV2D,
    aten_backends.MKLDNN,
    aten_backends.SLOW_CONV2D,
    aten_backends.NNPACK,
    aten_conditions.CHANNELS_LAST,
    aten_conditions.WITHOUT_ONEDNN,
    library_conditions.BENCHMARK,
    library_conditions.DETERMINISTIC,
    library_conditions.TF32,
    library_conditions.WITHOUT_TF32,
    library_conditions.WITHOUT_CUDNN,
    cuda.DIRECT,
    cuda.SHARED_MEMORY,
    cuda.REGISTER_BLOCKED,
    triton_direct.DIRECT,
    graph.replayed(aten.CONV2D),
    graph.replayed(cuda.REGISTER_BLOCKED),
    jitted.LOOPS,
    jitted.FASTMATH,
    jitted.CONSTANT_KERNEL,
    jitted.PARALLEL,
    opencv.FILTER2D,
    ndimage.CORRELATE,
    signal_processing.CORRELATE2D,
    signal_processing.FFTCONVOLVE,
    signal_processing.OACONVOLVE,
    intel_ipp.FILTER_BORDER,
    onnx_runtime.CONV,
    openvino_model.CONVOLUTION,
    xla.CONV,
    halide_pipeline.CONV,
    opencl_kernels.DIRECT,
    opencl_kernels.LOCAL_MEMORY,
)


def find(name: str) -> Implementation:
    """Give the implementation of this name; `c.NAME[FLAGS]` is made for any flags. Raises UnknownImplementation."""
    for implementation in CATALOG:
        if implementation.name == name:
            return implementation
    found = named(name)
    if found is None:
        raise UnknownImplementation(f"no implementation is named {name!r}{_resembling(name)}; see `convprof list`")
    try:
        return compiled(*found)
    except ValueError as error:
        raise UnknownImplementation(f"the flags of {name!r} cannot be read ({error}); correct them") from error


def matching(pattern: str) -> list[Implementation]:
    """Give what ships under names that a shell's pattern fits, such as `c.*`; brackets stand for themselves.

    Raises UnknownImplementation where there is none.
    """
    found = [each for each in CATALOG if fnmatch.fnmatchcase(each.name, pattern.replace("[", "[[]"))]
    if not found:
        raise UnknownImplementation(f"no implementation has a name like {pattern!r}; see `convprof list`")
    return found


def _resembling(name: str) -> str:
    close = difflib.get_close_matches(name, [implementation.name for implementation in CATALOG])
    return f", did you mean {' or '.join(close)}?" if close else ""
