"""OpenCL kernels as implementations: image and output are copied to and from the device in every call.

That is what a user of a device with memory of its own has to do; the device here is a CPU, which could do without.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any, Literal

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.opencl.commands import Launch, current_commands
from impls.opencl.device import context, device, opencl_device
from impls.opencl.geometry import problem_of, tile_bytes, work_group, work_groups
from impls.opencl.recording import device_events
from impls.output import output_buffer

__all__ = ["DIRECT", "LOCAL_MEMORY", "SOURCE", "prepared_with"]

Kernel = Literal["convolution_direct", "convolution_local_memory"]

SOURCE = files("impls.opencl") / "convolution.cl"
_REALS = {"float32": ("-DREAL=float",), "float64": ("-DREAL=double", "-DNEEDS_FP64")}


def _available(case: ConvCase, *, kernel: Kernel) -> Availability:
    found = opencl_device()
    if not found.available:
        return found
    if case.dtype == "float64" and not device().double_fp_config:
        return Availability.no(f"the OpenCL device {device().name} has no float64; choose a case without _f64")
    largest = max(np.prod(shape) for shape in (case.image_shape, case.weight_shape, case.output_shape))
    most_bytes = device().max_mem_alloc_size
    if largest * case.item_bytes > most_bytes:
        return Availability.no(
            f"an array of {largest * case.item_bytes} bytes does not fit into a buffer of the OpenCL device, "
            f"which holds at most {most_bytes}; choose a smaller case"
        )
    if _work_group(case, kernel) is None:
        return Availability.no(
            f"the window takes {tile_bytes(case, (1, 1))} bytes of local memory, and the OpenCL device has "
            f"{device().local_mem_size}; use opencl.direct"
        )
    return AVAILABLE


def _work_group(case: ConvCase, kernel: Kernel) -> tuple[int, int] | None:
    has_tile = kernel == "convolution_local_memory"
    return work_group(case, device().max_work_group_size, device().local_mem_size if has_tile else None)


def prepared_with(
    program: Any, kernel: Kernel, case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False
) -> Call:
    """Send weight and bias, set the arguments and launch once; the call copies, launches, copies back and waits."""
    import pyopencl

    flags = pyopencl.mem_flags
    given = pyopencl.Buffer(context(), flags.READ_ONLY, image.nbytes)
    result = pyopencl.Buffer(context(), flags.WRITE_ONLY, case.outputs * case.item_bytes)
    launch = _launch(program, kernel, case, (given, _sent(weight), _sent(bias), result))
    commands = current_commands()
    buffer = np.empty(case.output_shape, case.dtype) if reuse else None

    def call() -> Any:
        output: Any = np.empty(case.output_shape, case.dtype) if buffer is None else buffer
        queue = commands()
        pending = [queue.write(given, image), queue.launch(launch), queue.read(output, result)]
        queue.finish()
        del pending
        return output

    call()  # PoCL compiles a kernel for a work-group of its size when it is first launched
    return call


def _sent(array: Any) -> Any:
    import pyopencl

    flags = pyopencl.mem_flags
    if array is None:
        return None  # the kernel is given a null pointer
    return pyopencl.Buffer(context(), flags.READ_ONLY | flags.COPY_HOST_PTR, hostbuf=np.ascontiguousarray(array))


def _launch(program: Any, kernel: Kernel, case: ConvCase, buffers: tuple[Any, ...]) -> Launch:
    import pyopencl

    group = _work_group(case, kernel)
    assert group is not None  # noqa: S101 - available says so
    has_tile = kernel == "convolution_local_memory"
    local_bytes = tile_bytes(case, group) if has_tile else 0
    tile = [pyopencl.LocalMemory(local_bytes)] if has_tile else []
    made = pyopencl.Kernel(program, kernel)
    made.set_args(*buffers, problem_of(case), *tile)
    return Launch(kernel, made, buffers, work_groups(case, group), (*group, 1), local_bytes)


@functools.cache
def _program(dtype: str) -> Any:
    """Build the kernels for one dtype; PoCL keeps what it compiled on disk, so pyopencl need not."""
    import pyopencl

    return pyopencl.Program(context(), SOURCE.read_text()).build(list(_REALS[dtype]), cache_dir=False)


def _prepare(case: ConvCase, image: Any, weight: Any, bias: Any, *, kernel: Kernel, reuse: bool = False) -> Call:
    return prepared_with(_program(case.dtype), kernel, case, image, weight, bias, reuse=reuse)


def _implementation(name: str, kernel: Kernel, summary: str) -> Implementation:
    prepare: Callable[..., Call] = partial(_prepare, kernel=kernel)
    return Implementation(
        name=name,
        family="manual",
        arrays="numpy",
        summary=f"OpenCL on a CPU through PoCL, not a GPU: {summary}",
        prepare=prepare,
        available=partial(_available, kernel=kernel),
        switches=(output_buffer(partial(prepare, reuse=True)),),
        primary=False,
        device_events=device_events,
    )


DIRECT = _implementation("opencl.direct", "convolution_direct", "each operand read from global memory")
LOCAL_MEMORY = _implementation(
    "opencl.local_memory", "convolution_local_memory", "tiles with their halo copied to local memory by work-groups"
)
