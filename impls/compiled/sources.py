"""The C sources that ship, from the first thing one writes to a fast algorithm, and the look-up by name."""

from __future__ import annotations

import re

from impls.case import ConvCase
from impls.compiled.factory import DEFAULT_FLAGS, Source
from impls.contract import AVAILABLE, Availability

__all__ = ["BLOCKED", "BOUNDS_TEST", "CONSTANT_KERNEL", "DIRECT", "FAST_FIR", "INTERIOR", "SOURCES", "named"]

# Kernels up to this fit the tiles that are copied, and those the first two caches.
_LARGEST_KERNEL = 64
# An output costs 16 products instead of 25 at 5x5, and 6 instead of 9 at 3x3; 5 additions come on top of either.
_SMALLEST_FAST_KERNEL = 5

_NAME = re.compile(r"c\.(\w+)(?:\[(.*)\])?")


def _kernel_constants(case: ConvCase) -> tuple[str, ...]:
    return (
        f"KERNEL_WIDTH={case.kernel_width}",
        f"STRIDE_HEIGHT={case.stride_height}",
        f"STRIDE_WIDTH={case.stride_width}",
        f"DILATION_HEIGHT={case.dilation_height}",
        f"DILATION_WIDTH={case.dilation_width}",
    )


def _kernel_size(case: ConvCase) -> tuple[str, ...]:
    return (f"KERNEL_HEIGHT={case.kernel_height}", f"KERNEL_WIDTH={case.kernel_width}")


def _dense(case: ConvCase) -> Availability:
    """Answer for what copies a tile of neighbouring rows and columns."""
    if (case.stride_height, case.stride_width, case.dilation_height, case.dilation_width) != (1, 1, 1, 1):
        return Availability.no(f"its tiles are for stride 1 and dilation 1, and the case is {case.name}; see c.direct")
    if max(case.kernel_height, case.kernel_width) > _LARGEST_KERNEL:
        return Availability.no(
            f"its tiles are for kernels up to {_LARGEST_KERNEL}x{_LARGEST_KERNEL}, and the case has "
            f"{case.kernel_height}x{case.kernel_width}; see c.direct"
        )
    return AVAILABLE


def _dense_and_large(case: ConvCase) -> Availability:
    if min(case.kernel_height, case.kernel_width) < _SMALLEST_FAST_KERNEL:
        return Availability.no(
            f"it saves nothing below {_SMALLEST_FAST_KERNEL}x{_SMALLEST_FAST_KERNEL}, and the case has "
            f"{case.kernel_height}x{case.kernel_width}; see c.constant_kernel"
        )
    return _dense(case)


DIRECT = Source("direct", "one row at a time")
BOUNDS_TEST = Source("bounds_test", "one pixel at a time, every tap tested against the image's bounds")
INTERIOR = Source("interior", "one pixel at a time, the border apart, no tests in between")
CONSTANT_KERNEL = Source(
    "constant_kernel", "one row at a time, the kernel's size, stride and dilation compiled in", _kernel_constants
)
BLOCKED = Source(
    "blocked",
    "one row at a time on tiles copied to fit the first cache",
    lambda _case: (f"LARGEST_KERNEL={_LARGEST_KERNEL}",),
    _dense,
)
FAST_FIR = Source(
    "fast_fir",
    "fast FIR on tiles: for an 11x11 kernel 72 products an output, not 121",
    _kernel_size,
    _dense_and_large,
    error_bound="transform",
)

SOURCES: tuple[Source, ...] = (BOUNDS_TEST, INTERIOR, DIRECT, CONSTANT_KERNEL, BLOCKED, FAST_FIR)


def named(name: str) -> tuple[Source, str] | None:
    """Give source and flags of `c.NAME[FLAGS]`, the default flags where a name has none; None for any other name."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    flags = DEFAULT_FLAGS if found[2] is None else found[2]
    return next(((source, flags) for source in SOURCES if source.name == found[1]), None)
