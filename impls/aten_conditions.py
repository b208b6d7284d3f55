"""F.conv2d under another condition: another memory format, or with oneDNN switched off."""

from __future__ import annotations

from typing import Any

from impls.aten import backend_of, prepare_conv2d
from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.installed import loaded_torch, needs_torch
from impls.padding import PADDED_BEFOREHAND

__all__ = ["CHANNELS_LAST", "WITHOUT_ONEDNN"]


def _prepare_channels_last(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Lay image and weight out with the channels innermost, as a user does once for a whole model."""
    import torch

    def in_format(tensor: Any) -> Any:
        return tensor.contiguous(memory_format=torch.channels_last)

    return prepare_conv2d(case, in_format(image), in_format(weight), bias)


def _prepare_without_onednn(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    import torch

    convolve = prepare_conv2d(case, image, weight, bias)
    # What torch.backends.mkldnn.set_flags comes to; that function takes microseconds itself.
    is_enabled, set_enabled = torch._C._get_mkldnn_enabled, torch._C._set_mkldnn_enabled

    def call() -> Any:
        before = is_enabled()
        set_enabled(False)
        try:
            return convolve()
        finally:
            set_enabled(before)

    return call


def _without_onednn_available(case: ConvCase) -> Availability:
    torch = loaded_torch()
    if torch is None:
        return needs_torch(case)
    if not torch.backends.mkldnn.is_available():
        return Availability.no("this torch is built without oneDNN, so that torch.conv2d is the same; choose that")
    before = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        backend = backend_of(case)
    finally:
        torch._C._set_mkldnn_enabled(before)
    if backend == "NnpackSpatial":
        return Availability.no("without oneDNN torch chooses NNPACK for this case; choose torch.nnpack")
    return AVAILABLE


CHANNELS_LAST = Implementation(
    name="torch.conv2d[channels_last]",
    family="library",
    arrays="torch",
    summary="F.conv2d with image and weight laid out in channels_last beforehand",
    prepare=_prepare_channels_last,
    available=needs_torch,
    switches=(PADDED_BEFOREHAND,),
    primary=False,
    error_bound="library",
    devices=("cpu", "cuda"),
)

WITHOUT_ONEDNN = Implementation(
    name="torch.conv2d[no onednn]",
    family="library",
    arrays="torch",
    summary="F.conv2d with oneDNN switched off around each call",
    prepare=_prepare_without_onednn,
    available=_without_onednn_available,
    switches=(PADDED_BEFOREHAND,),
    primary=False,
)
