"""The kernels of convolution.cu as implementations, compiled when first prepared."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.cuda.device import cuda_device
from impls.cuda.kernels import SOURCE, Kernel, launch_of
from impls.cuda.launcher import Inputs, Outputs, bind
from impls.cuda.nvrtc_library import find_nvrtc, missing_nvrtc
from impls.errors import BuildError
from impls.output import output_buffer

__all__ = ["DIRECT", "KERNEL_OF", "REGISTER_BLOCKED", "SHARED_MEMORY"]


def _implementation(name: str, kernel: Kernel, summary: str) -> Implementation:
    prepare = functools.partial(_prepare, kernel)
    return Implementation(
        name=name,
        family="manual",
        arrays="torch",
        summary=f"CUDA C++, {summary}, compiled at run time",
        prepare=prepare,
        available=functools.partial(_available, kernel),
        switches=(output_buffer(functools.partial(prepare, reuse=True)),),
        devices=("cuda",),
    )


def _available(kernel: Kernel, case: ConvCase) -> Availability:
    device = cuda_device()
    if not device.available:
        return device
    if find_nvrtc() is None:
        return Availability.no(missing_nvrtc())
    launch = launch_of(kernel, case)
    return launch if isinstance(launch, Availability) else AVAILABLE


def _prepare(kernel: Kernel, case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Compile or find the kernel, load it and lay its arguments out; raises BuildError and DeviceError."""
    launch = launch_of(kernel, case)
    if isinstance(launch, Availability):
        raise BuildError(launch.reason)
    fresh = _maker(image, case.output_shape)
    return bind(SOURCE, launch, Inputs(image, weight, bias), Outputs(fresh, fresh() if reuse else None))


def _maker(image: Any, shape: tuple[int, ...]) -> Callable[[], Any]:
    """Give a maker of dense outputs beside the image."""
    import torch

    # From an example, which takes one element of memory: a third less time than from a shape, which is parsed anew.
    example = image.new_empty(1).expand(shape)
    return functools.partial(torch.empty_like, example, memory_format=torch.contiguous_format)


DIRECT = _implementation("cuda.direct", "convolution_direct", "one output a thread, all read from global memory")
SHARED_MEMORY = _implementation(
    "cuda.shared_memory", "convolution_shared_memory", "tiles with their halo in shared memory"
)
REGISTER_BLOCKED = _implementation(
    "cuda.register_blocked",
    "convolution_register_blocked",
    "several outputs a thread, read as vectors, weights in constant memory",
)

KERNEL_OF: dict[str, Kernel] = {
    DIRECT.name: "convolution_direct",
    SHARED_MEMORY.name: "convolution_shared_memory",
    REGISTER_BLOCKED.name: "convolution_register_blocked",
}
