"""Intel IPP's FilterBorder, called through ctypes: one plane at a time, a border of zeros, one thread."""

from __future__ import annotations

import ctypes
import functools
import platform
import re
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.output import output_buffer
from impls.peers.planes import Place, by_planes, too_much_padding

__all__ = ["FILTER_BORDER"]

# IPP's numbers, from its headers: ipp32f, ipp64f, ippBorderConst and ippRndNear (ipptypes.h), ippCPUID_* (ippbase.h).
_ELEMENTS = {"float32": ("32f", 13, ctypes.c_float), "float64": ("64f", 19, ctypes.c_double)}
_CONSTANT_BORDER, _ROUND_TO_NEAREST = 6, 1
_AVX2, _AVX512, _AVX10 = 0x8000, 0x0730_0000, 0x100_0000_0000  # AVX512: F, CD, BW, DQ and VL together
_LIBRARIES = (("d1", _AVX10), ("k0", _AVX512), ("l9", _AVX2), ("y8", 0))
_ALIGNMENT = 64


class _Size(ctypes.Structure):
    _fields_ = (("width", ctypes.c_int), ("height", ctypes.c_int))


def _available(case: ConvCase) -> Availability:
    height, width = case.reach
    reason = _missing() or too_much_padding(case, "Intel IPP's FilterBorder", ((height - 1) // 2, (width - 1) // 2))
    return Availability.no(reason) if reason else AVAILABLE


def _missing() -> str:
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        return f"Intel IPP is called on Linux on x86_64 only, not on {system} on {machine}; use opencv.filter2d"
    return "" if _wheel() is not None else "Intel IPP is not installed: pip install 'convprof[ipp]'"


def _wheel() -> Distribution | None:
    """Find the package by what it says of itself: it has shared libraries and no module."""
    try:
        return distribution("ipp")
    except PackageNotFoundError:
        return None


def _prepare(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Initialise a filter for each kernel plane; its anchor is the middle one, the upper left of two."""
    height, width = case.reach
    place = Place(
        (height - 1) // 2 - case.padding_height, (width - 1) // 2 - case.padding_width, case.height, case.width
    )
    bind = functools.partial(_bound, case, reuse=reuse)
    return by_planes(case, image, weight, bias, bind, place, reuse=reuse)


def _bound(case: ConvCase, plane: Any, kernel: Any, *, reuse: bool) -> Call:
    suffix, element, real = _ELEMENTS[case.dtype]
    function = getattr(_loaded(), f"ippiFilterBorder_{suffix}_C1R")
    shape, size, step = plane.shape, _Size(case.width, case.height), case.width * case.item_bytes
    specification, workspace = _initialised(kernel, size, suffix, element)
    zero, source = (real * 1)(0), plane.ctypes.data
    memory_of = (ctypes.c_char * (plane.size * case.item_bytes)).from_buffer
    buffer = np.empty(shape, case.dtype) if reuse else None

    def call() -> Any:
        output: Any = np.empty(shape, plane.dtype) if buffer is None else buffer
        status = function(source, step, memory_of(output), step, size, _CONSTANT_BORDER, zero, specification, workspace)
        if status:
            raise _failure(status)
        return output

    return call


def _initialised(kernel: Any, size: _Size, suffix: str, element: int) -> tuple[Any, Any]:
    """Give the filter's specification and the memory it works in, both aligned."""
    library = _loaded()
    span = _Size(kernel.shape[1], kernel.shape[0])
    specification_bytes, workspace_bytes = ctypes.c_int(), ctypes.c_int()
    status = library.ippiFilterBorderGetSize(
        span, size, element, element, 1, ctypes.byref(specification_bytes), ctypes.byref(workspace_bytes)
    )
    if status:
        raise _failure(status)
    specification, workspace = _aligned(specification_bytes.value), _aligned(workspace_bytes.value)
    initialise = getattr(library, f"ippiFilterBorderInit_{suffix}")
    # FilterBorder correlates, as torch does, though Intel's older filters convolve: the kernel goes in as it is.
    status = initialise(kernel.ctypes.data, span, element, 1, _ROUND_TO_NEAREST, specification)
    if status:
        raise _failure(status)
    return specification, workspace


def _aligned(size: int) -> Any:
    memory = ctypes.create_string_buffer(size + _ALIGNMENT)
    offset = -ctypes.addressof(memory) % _ALIGNMENT
    return (ctypes.c_char * size).from_buffer(memory, offset)


def _failure(status: int) -> RuntimeError:
    return RuntimeError(f"Intel IPP answers with status {status}; see IppStatus in its header ipptypes.h")


@functools.cache
def _loaded() -> Any:
    """Load IPP's image functions for this processor, and say how they are called.

    Its dispatching library is passed over: it seeks the processor's library under a name that the wheel does not have,
    and ends the process when it does not find it.
    """
    wheel = _wheel()
    if wheel is None:
        raise RuntimeError(_missing())
    core = ctypes.CDLL(_path(wheel, "core"), mode=ctypes.RTLD_GLOBAL)  # the others find it by its being loaded
    core.ippInit()
    features = ctypes.c_uint64()
    core.ippGetCpuFeatures(ctypes.byref(features), None)
    code = next(code for code, needed in _LIBRARIES if features.value & needed == needed)
    library = ctypes.CDLL(_path(wheel, f"i{code}"))
    pointer, number = ctypes.c_void_p, ctypes.c_int
    _declare(library, "ippiFilterBorderGetSize", [_Size, _Size, number, number, number, pointer, pointer])
    for suffix, _, _ in _ELEMENTS.values():
        _declare(library, f"ippiFilterBorderInit_{suffix}", [pointer, _Size, number, number, number, pointer])
        _declare(
            library,
            f"ippiFilterBorder_{suffix}_C1R",
            [pointer, number, pointer, number, _Size, number, pointer, pointer, pointer],
        )
    return library


def _declare(library: Any, name: str, arguments: Sequence[Any]) -> None:
    getattr(library, name).argtypes = arguments


def _path(wheel: Distribution, part: str) -> str:
    """Give the path of a library of the wheel, whose name ends in a version."""
    name = re.compile(rf"libipp{part}\.so\.\d+")
    return next(str(file.locate()) for file in wheel.files or () if name.fullmatch(file.name))


FILTER_BORDER = Implementation(
    name="ipp.filter_border",
    family="library",
    arrays="numpy",
    summary="Intel IPP: ippiFilterBorder with a constant border, through ctypes",
    prepare=_prepare,
    available=_available,
    switches=(output_buffer(functools.partial(_prepare, reuse=True)),),
    primary=False,
)
