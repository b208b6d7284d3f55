"""The first steps on a device in a fresh process, one after the other: what a first call there pays for."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch.nn import functional

from impls.case import ConvCase
from profiler.measure.device import open_device
from profiler.records import ALGORITHM_CHOICE

__all__ = ["start_device"]


def start_device(name: str, case: ConvCase, clock: Callable[[], int] = time.perf_counter_ns) -> dict[str, float]:
    """Give the seconds of each stage, in the order in which they must come; `clock` counts nanoseconds.

    Drivers load kernels and libraries when they are first asked for (CUDA_MODULE_LOADING=LAZY), so that each stage pays
    for its own. A library may choose its algorithm for a problem when it first sees it, by rules or by trying.
    """
    device = open_device(name)

    def timed(step: Callable[[], object]) -> float:
        start = clock()
        step()
        device.synchronize()
        return (clock() - start) / 1e9

    with torch.inference_mode():
        stages = {"context": timed(device.synchronize)}
        stages["first_launch"] = timed(lambda: torch.ones(1, device=name).add_(1.0))
        pixel = torch.ones((1, 1, 1, 1), device=name)
        stages["library_load"] = timed(lambda: functional.conv2d(pixel, pixel))
        dtype = getattr(torch, case.dtype)
        image = torch.ones(case.image_shape, dtype=dtype, device=name)
        weight = torch.ones(case.weight_shape, dtype=dtype, device=name)

        def convolution() -> object:
            stride, padding = (case.stride_height, case.stride_width), (case.padding_height, case.padding_width)
            dilation = (case.dilation_height, case.dilation_width)
            return functional.conv2d(image, weight, None, stride, padding, dilation, case.groups)

        device.synchronize()
        first, second = timed(convolution), timed(convolution)
        stages[ALGORITHM_CHOICE] = max(0.0, first - second)
    return stages
