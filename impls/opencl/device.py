"""The OpenCL device that kernels run on here: a CPU, PoCL's where it is installed."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from typing import Any

from impls.contract import AVAILABLE, Availability
from impls.peers.extras import not_installed
from impls.peers.threads import environment_variable, thread_count

__all__ = ["context", "device", "device_name", "opencl_device"]

_POCL = "Portable Computing Language"
_REMEDY = "pip install 'convprof[opencl]', which brings PoCL"


def opencl_device() -> Availability:
    """Say whether there is an OpenCL device on a CPU, and if not why and what would remedy it."""
    reason = not_installed("pyopencl", "opencl", "pyopencl")
    if reason:
        return Availability.no(reason)
    if not _platforms():
        return Availability.no(f"no OpenCL platform: {_REMEDY}")
    if _found() is None:
        names = ", ".join(platform.name for platform in _platforms())
        return Availability.no(f"no OpenCL device on a CPU, only those of {names}: {_REMEDY}")
    return AVAILABLE


def device() -> Any:
    """Give the device; raises RuntimeError where there is none."""
    found = _found()
    if found is None:
        raise RuntimeError(opencl_device().reason)
    return found


def device_name() -> str:
    """Say in words which device it is and whose: `pthread-... (Portable Computing Language 3.0)`."""
    chosen = device()
    return f"{chosen.name} ({chosen.platform.name} {chosen.driver_version})"


@functools.cache
def context() -> Any:
    """Make the one context of this process."""
    import pyopencl

    return pyopencl.Context([device()])


@functools.cache
def _platforms() -> tuple[Any, ...]:
    import pyopencl

    with _limited_threads():
        try:
            return tuple(pyopencl.get_platforms())
        except pyopencl.LogicError as error:  # the loader's word for finding none
            if error.code != pyopencl.status_code.PLATFORM_NOT_FOUND_KHR:
                raise
            return ()


@functools.cache
def _found() -> Any | None:
    """Find a CPU, PoCL's before others: another kind of device would make the figures those of something else."""
    import pyopencl

    with _limited_threads():
        for platform in sorted(_platforms(), key=lambda platform: str(platform.name) != _POCL):
            for found in platform.get_devices(pyopencl.device_type.CPU):
                return found
    return None


def _limited_threads() -> AbstractContextManager[None]:
    """Let PoCL start as many threads as the process is to use; it reads the variable when it looks for devices."""
    return environment_variable("POCL_MAX_PTHREAD_COUNT", str(thread_count()))
