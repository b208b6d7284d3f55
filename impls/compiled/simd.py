"""The convolution in hand-written vectors, through every way into compiled code and for every instruction set.

One channel a plane (so depthwise too), stride 1, no dilation, float32; other cases take the loop of `direct`.
"""

from __future__ import annotations

import ctypes
import functools
import os
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.compiled.calling import WAYS, quickest
from impls.compiled.compiler import build, find_compiler, missing_compiler
from impls.compiled.factory import Source, compiled
from impls.compiled.placement import empty_apart
from impls.compiled.sources import DIRECT
from impls.compiled.way import Entry, Outputs, Way
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.errors import BuildError
from impls.output import output_buffer

__all__ = ["SIMD", "built_from", "fits"]

_SOURCE = Source("simd", "hand-written vectors")
# Instruction sets are chosen function by function, so nothing here depends on the processor that compiles.
_FLAGS = ("-O3", "-pthread")
_LEVELS = {"avx512": 2, "avx2": 1, "neon": 1, "portable": 0}
_BEST = 2
_FAST_FIR_KERNEL = 11  # at 7x7 it is as fast as summing directly, and rounds more
# Larger outputs go past the caches: they would only push out what the next call reads.
_STREAMED_BYTES = 12 << 20
_PLACED_BYTES = 1 << 20  # from here on a fresh output is worth the microsecond that choosing its place takes


class _Problem(ctypes.Structure):
    """Mirror `struct problem` of simd.c, field by field; `kept_alive` are the arrays whose addresses it holds."""

    kept_alive: tuple[Any, ...]

    _fields_ = (
        *(
            (size, ctypes.c_ssize_t)
            for size in (
                *("planes", "kernels", "height", "width", "output_height", "output_width"),
                *("kernel_height", "kernel_width", "padding_height", "padding_width"),
                *("level", "threads", "streams", "fast_fir"),
            )
        ),
        *((array, ctypes.c_void_p) for array in ("image", "weight", "bias")),
    )


def fits(case: ConvCase) -> bool:
    """Say whether the vectors are made for a case: one channel a plane, stride 1, no dilation, float32."""
    return (
        case.groups == case.in_channels == case.out_channels
        and (case.stride_height, case.stride_width, case.dilation_height, case.dilation_width) == (1, 1, 1, 1)
        and case.dtype == "float32"
    )


def built_from(name: str) -> tuple[Source, str] | None:
    """Give the source and flags of `c.simd`, whatever way it is called; None for any other name."""
    return (_SOURCE, " ".join(_FLAGS)) if name in {each.name for each in SIMD} else None


def _implementation(
    name: str, summary: str, *, way: Way | None = None, level: int = _BEST, fast_fir: bool = False
) -> Implementation:
    prepare = functools.partial(_prepare, way, level, fast_fir)
    return Implementation(
        name=name,
        family="manual",
        arrays="numpy",
        summary=summary,
        prepare=prepare,
        available=functools.partial(_available, way, level, fast_fir),
        switches=(output_buffer(functools.partial(prepare, reuse=True)),),
        primary=name == "c.simd",
        error_bound="transform" if fast_fir else "direct",
    )


def _available(way: Way | None, level: int, fast_fir: bool, case: ConvCase) -> Availability:
    if find_compiler() is None:
        return Availability.no(missing_compiler())
    if fast_fir and not (fits(case) and case.kernel_height == case.kernel_width == _FAST_FIR_KERNEL):
        return Availability.no("fast FIR pays for one channel and a kernel of 11x11 alone; use c.simd")
    if way is not None and not way.available().available:
        return way.available()
    if level == _BEST:
        return AVAILABLE
    try:
        found = _library().simd_level()
    except BuildError as error:
        return Availability.no(str(error))
    return AVAILABLE if level <= found else Availability.no("this processor lacks the instruction set")


def _prepare(
    way: Way | None,
    level: int,
    fast_fir: bool,
    case: ConvCase,
    image: Any,
    weight: Any,
    bias: Any,
    *,
    reuse: bool = False,
) -> Call:
    """Compile or find the library, fill in the problem, and bind both; raises BuildError."""
    if not fits(case):
        return _general(case, image, weight, bias, reuse=reuse)
    library = _library()
    problem = _problem(case, image, weight, bias, level=min(level, library.simd_level()), fast_fir=fast_fir)
    outputs = Outputs(_fresh(case, problem.image), _kept(case, problem.image) if reuse else None)
    return (way or quickest()).bind(Entry(library.simd, problem), outputs)


def _general(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool) -> Call:
    loop = compiled(DIRECT)
    switched = [switch.prepare for switch in loop.switches if switch.name == "output_buffer"]
    prepare = switched[0] if reuse and switched[0] is not None else loop.prepare
    return prepare(case, image, weight, bias)


def _fresh(case: ConvCase, image: int) -> Any:
    """Make a maker of outputs for an image at an address; large ones have a place of their own within their page."""
    if case.outputs * case.item_bytes < _PLACED_BYTES:
        return functools.partial(np.empty, case.output_shape, np.dtype(case.dtype))
    return functools.partial(_kept, case, image)


def _kept(case: ConvCase, image: int) -> Any:
    return empty_apart(case.output_shape, np.dtype(case.dtype), image)


def _problem(case: ConvCase, image: Any, weight: Any, bias: Any, *, level: int, fast_fir: bool) -> _Problem:
    arrays = [None if array is None else np.ascontiguousarray(array) for array in (image, weight, bias)]
    problem = _Problem(
        case.batch * case.in_channels,
        case.in_channels,
        case.height,
        case.width,
        case.output_height,
        case.output_width,
        case.kernel_height,
        case.kernel_width,
        case.padding_height,
        case.padding_width,
        level,
        _threads(),
        case.outputs * case.item_bytes >= _STREAMED_BYTES,
        fast_fir,
        *(None if array is None else array.ctypes.data for array in arrays),
    )
    problem.kept_alive = tuple(arrays)
    return problem


def _threads() -> int:
    """Give the threads that the environment allows, as every threading library reads it; else one."""
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return int(allowed) if allowed.isdecimal() and int(allowed) > 0 else 1


@functools.cache
def _library() -> Any:
    path = build(_SOURCE.path, _FLAGS, ["REAL=float"])
    try:
        library = ctypes.CDLL(str(path))
        library.simd_level.restype = ctypes.c_ssize_t
    except (OSError, AttributeError) as error:
        raise BuildError(f"{path} cannot be loaded ({error}); remove it, or set another $CC") from error
    return library


SIMD: tuple[Implementation, ...] = (
    _implementation("c.simd", "C in hand-written vectors, the best instruction set here, by the quickest way in"),
    _implementation("c.simd[avx2]", "the same with AVX2 and FMA", level=_LEVELS["avx2"]),
    _implementation("c.simd[portable]", "the same with four lanes in plain C", level=_LEVELS["portable"]),
    _implementation(
        "c.simd[fast_fir]", "hand-written vectors and fewer multiplications (11x11 kernels)", fast_fir=True
    ),
    *(_implementation(f"c.simd[{way.name}]", f"the same, called through {way.summary}", way=way) for way in WAYS),
)
