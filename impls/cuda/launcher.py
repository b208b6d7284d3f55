"""Launches a compiled kernel on torch's current stream.

A call changes two addresses, the output's and the stream's; the rest is laid out once. Without a GPU it is run against
a stand-in of the driver, which checks every argument and computes nothing.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impls.contract import Call
from impls.cuda.driver import Driver, driver
from impls.cuda.kernels import Launch
from impls.cuda.nvrtc import Compiled, architecture_for, compile_source
from impls.cuda.nvrtc_library import find_nvrtc, missing_nvrtc
from impls.cuda.resources import KernelResources, compiled_resources, remember
from impls.errors import BuildError

__all__ = ["Inputs", "Outputs", "bind", "stream_of"]

Stream = Callable[[], int]


@dataclass(frozen=True)
class Inputs:
    """Hold what a kernel reads: dense tensors on one device, `bias` or None."""

    image: Any
    weight: Any
    bias: Any


@dataclass(frozen=True)
class Outputs:
    """Say where results go: `fresh` makes a tensor for every call, `kept` is one for all calls or None."""

    fresh: Callable[[], Any]
    kept: Any = None


def stream_of(device: Any) -> Stream:
    """Give the function that tells the handle of torch's current stream on a device."""
    # What torch.cuda.current_stream(device).cuda_stream comes to without the objects around it; the code that
    # torch.compile and Triton make asks the same way.
    from torch._C import _cuda_getCurrentRawStream

    return functools.partial(_cuda_getCurrentRawStream, device.index)


def bind(source: Path, launch: Launch, inputs: Inputs, outputs: Outputs) -> Call:
    """Compile, load and lay out a launch; the call only launches, and does not wait for the device.

    Its arguments lie in memory that every call writes to, so one call serves one thread at a time.
    The inputs' device has to be the current one, here and when it is called. Raises BuildError and DeviceError.
    """
    image, weight, bias = (_placed(each, launch.alignment) for each in (inputs.image, inputs.weight, inputs.bias))
    current_stream = stream_of(image.device)
    found, compiled = driver(), _compiled(source, launch.defines)
    function = _function(found, compiled, launch, weight, current_stream)
    return _laid_out(found, function, launch, Inputs(image, weight, bias), outputs, current_stream)


def _laid_out(
    found: Driver, function: int, launch: Launch, inputs: Inputs, outputs: Outputs, current_stream: Stream
) -> Call:
    """Lay the arguments out in memory, in the order of the kernel's parameters, and give the call that launches."""
    pointers = [ctypes.c_void_p(None if each is None else each.data_ptr()) for each in _in_order(inputs)]
    output_pointer, stream = ctypes.c_void_p(), ctypes.c_void_p()
    problem = ctypes.create_string_buffer(launch.problem_bytes, len(launch.problem_bytes))
    parameters = (*pointers, output_pointer, problem)
    addresses = (ctypes.c_void_p * len(parameters))(*map(ctypes.addressof, parameters))
    sizes = map(ctypes.c_uint, (*launch.grid, *launch.block, launch.shared_bytes))
    arguments = (ctypes.c_void_p(function), *sizes, stream, addresses, None)
    enqueue, fresh, kept = found.launch, outputs.fresh, outputs.kept

    # Addresses alone keep nothing alive.
    def call(_alive: Any = (inputs, parameters)) -> Any:
        output = fresh() if kept is None else kept
        output_pointer.value = output.data_ptr()
        stream.value = current_stream()
        code = enqueue(*arguments)
        if code:
            found.check(code, f"launch {launch.kernel} with grid {launch.grid} and block {launch.block}")
        return output

    return call


def _in_order(inputs: Inputs) -> tuple[Any, Any, Any]:
    return inputs.image, inputs.weight, inputs.bias


def _placed(tensor: Any, alignment: int) -> Any:
    """Give a dense tensor at an address that vectors can be loaded from: the same where it is so already."""
    if tensor is None:
        return None
    dense = tensor.contiguous()
    return dense if dense.data_ptr() % alignment == 0 else dense.clone()


def _compiled(source: Path, defines: tuple[str, ...]) -> Compiled:
    """Compile for the current device."""
    nvrtc = find_nvrtc()
    if nvrtc is None:
        raise BuildError(missing_nvrtc())
    driver().context()
    return compile_source(source, architecture_for(driver().capability(), nvrtc), [f"-D{define}" for define in defines])


def _function(found: Driver, compiled: Compiled, launch: Launch, weight: Any, current_stream: Stream) -> int:
    """Load the kernel, and put the weight into constant memory where it is expected there."""
    if not launch.constant_symbol:
        module = _module(found, found.context(), compiled)
    else:
        # Constant memory belongs to the module, so that each weight has a module of its own.
        module = found.load(compiled.image, _described(compiled))
        address = found.variable(module, launch.constant_symbol)
        found.copy_on_device(address, weight.data_ptr(), weight.nbytes, current_stream())
    function = found.function(module, launch.kernel)
    remember(_resources(found, function, launch, compiled))
    return function


@functools.cache
def _module(found: Driver, _context: int, compiled: Compiled) -> int:
    """Load once a context."""
    return found.load(compiled.image, _described(compiled))


def _described(compiled: Compiled) -> str:
    return f"{compiled.source} as {compiled.compiler} made it for {compiled.architecture}"


def _resources(found: Driver, function: int, launch: Launch, compiled: Compiled) -> KernelResources:
    told = {each.kernel: each.spill_bytes for each in compiled_resources(compiled)}
    return KernelResources(
        kernel=launch.kernel,
        architecture=compiled.architecture,
        registers=found.function_attribute(function, "registers"),
        shared_bytes=found.function_attribute(function, "shared_bytes"),
        constant_bytes=found.function_attribute(function, "constant_bytes"),
        local_bytes=found.function_attribute(function, "local_bytes"),
        spill_bytes=told.get(launch.kernel),
        max_threads=found.function_attribute(function, "max_threads"),
    )
