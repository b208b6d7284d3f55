"""The backends that F.conv2d chooses between, each called directly, whatever torch would choose for the case.

By torch's own bindings where it has them: `torch.ops` takes microseconds more, which would be put down to the backend.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.installed import loaded_torch, needs_torch
from impls.padding import PADDED_BEFOREHAND

__all__ = ["MKLDNN", "NNPACK", "SLOW_CONV2D", "geometry", "prepare_mkldnn", "prepare_slow_conv2d"]

_INSTEAD = "choose torch.conv2d for it"
_LARGEST_NNPACK_KERNEL = 16


def geometry(case: ConvCase) -> tuple[list[int], list[int], list[int]]:
    """Give stride, padding and dilation."""
    return (
        [case.stride_height, case.stride_width],
        [case.padding_height, case.padding_width],
        [case.dilation_height, case.dilation_width],
    )


def prepare_mkldnn(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Bind oneDNN's operator to its arguments."""
    import torch

    stride, padding, dilation = geometry(case)
    return partial(torch.mkldnn_convolution, image, weight, bias, padding, stride, dilation, case.groups)


def _mkldnn_available(case: ConvCase) -> Availability:
    torch = loaded_torch()
    if torch is not None and not torch.backends.mkldnn.is_available():
        return Availability.no("this torch is built without oneDNN; install one that has it, or choose torch.conv2d")
    if case.dtype != "float32":
        return Availability.no(f"oneDNN convolves no {case.dtype} on the CPU; {_INSTEAD}")
    return needs_torch(case)


def prepare_slow_conv2d(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Bind the operator of im2col and BLAS to its arguments; by `torch.ops` where this torch has no binding of it."""
    import torch

    stride, padding, _ = geometry(case)
    general = torch.ops.aten._slow_conv2d_forward.default
    kernel = [case.kernel_height, case.kernel_width]
    return partial(getattr(torch._C._nn, "thnn_conv2d", general), image, weight, kernel, bias, stride, padding)


def _slow_conv2d_available(case: ConvCase) -> Availability:
    limits = _dense_only(case, "thnn_conv2d")
    return limits if not limits.available else needs_torch(case)


def _prepare_nnpack(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    import torch

    torch._nnpack_available()  # initialises NNPACK too: without it, every convolution fails
    stride, padding, _ = geometry(case)
    return partial(torch._nnpack_spatial_convolution, image, weight, bias, padding, stride)


def _nnpack_available(case: ConvCase) -> Availability:
    limits, torch = _nnpack_limits(case), loaded_torch()
    if torch is not None and not torch._nnpack_available():
        return Availability.no("this torch has no NNPACK for this processor; choose torch.conv2d")
    return needs_torch(case) if limits.available else limits


def _nnpack_limits(case: ConvCase) -> Availability:
    """Say what NNPACK refuses: it has float32 only, kernels of one tile, and padding that every window looks beyond."""
    if case.dtype != "float32":
        return Availability.no(f"NNPACK has no {case.dtype}; {_INSTEAD}")
    largest = max(case.kernel_height, case.kernel_width)
    if largest > _LARGEST_NNPACK_KERNEL:
        return Availability.no(f"NNPACK's kernels have at most {_LARGEST_NNPACK_KERNEL} taps a side, not {largest}")
    if case.padding_height >= case.kernel_height or case.padding_width >= case.kernel_width:
        return Availability.no(f"NNPACK takes padding smaller than the kernel only; {_INSTEAD}")
    return _dense_only(case, "NNPACK")


def _dense_only(case: ConvCase, backend: str) -> Availability:
    if (case.dilation_height, case.dilation_width) != (1, 1):
        dilation = f"{case.dilation_height}x{case.dilation_width}"
        return Availability.no(f"{backend} knows no dilation, and the case's is {dilation}; {_INSTEAD}")
    if case.groups != 1:
        return Availability.no(f"{backend} knows no groups, and the case has {case.groups}; {_INSTEAD}")
    return AVAILABLE


MKLDNN = Implementation(
    name="torch.mkldnn",
    family="library",
    arrays="torch",
    summary="oneDNN's convolution by torch.mkldnn_convolution, whatever torch would choose",
    prepare=prepare_mkldnn,
    available=_mkldnn_available,
    switches=(PADDED_BEFOREHAND,),
    primary=False,
)

SLOW_CONV2D = Implementation(
    name="torch.slow_conv2d",
    family="library",
    arrays="torch",
    summary="torch's own im2col and BLAS by thnn_conv2d, whatever torch would choose",
    prepare=prepare_slow_conv2d,
    available=_slow_conv2d_available,
    switches=(PADDED_BEFOREHAND,),
    primary=False,
)

NNPACK = Implementation(
    name="torch.nnpack",
    family="library",
    arrays="torch",
    summary="NNPACK's convolution, through Winograd tiles or an FFT, whatever torch would choose",
    prepare=_prepare_nnpack,
    available=_nnpack_available,
    switches=(PADDED_BEFOREHAND,),
    primary=False,
    error_bound="transform",
)
