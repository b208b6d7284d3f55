"""What the calls of a device's runtime do, told from their names: CUDA's runtime and driver, HIP, and OpenCL."""

from __future__ import annotations

import re
from typing import Literal, get_args

__all__ = [
    "LAUNCHING",
    "RUNTIME_CATEGORIES",
    "RUNTIME_WORKS",
    "RuntimeWork",
    "counts_threads",
    "runtime_work",
]

RuntimeWork = Literal[
    "kernel_launches", "graph_launches", "memcpys", "memsets", "synchronizations", "device_allocations"
]

RUNTIME_WORKS: tuple[RuntimeWork, ...] = get_args(RuntimeWork)
RUNTIME_CATEGORIES = ("cuda_runtime", "cuda_driver", "opencl_runtime")

# What puts work into a device's queue.
LAUNCHING: tuple[RuntimeWork, ...] = ("kernel_launches", "graph_launches", "memcpys", "memsets")

_PREFIX = r"(?:cuda|cu|hip)"
# Names go on with what tells variants apart: _v2, _ptsz (per-thread stream), Async, 2D, ToSymbol.
_PATTERNS: tuple[tuple[RuntimeWork, re.Pattern[str]], ...] = (
    ("graph_launches", re.compile(rf"{_PREFIX}GraphLaunch")),
    (
        "kernel_launches",
        re.compile(
            rf"{_PREFIX}(?:Ext|Drv|Hcc)?(?:Module)?Launch(?:Cooperative)?(?:Multi)?Kernel"
            r"|hipLaunchByPtr|cuLaunchGrid|(?:cuda|cu)Launch(?:_|$)|clEnqueue(?:NDRangeKernel|Task)"
        ),
    ),
    ("memcpys", re.compile(rf"{_PREFIX}Memcpy|clEnqueue(?:Read|Write|Copy)(?:Buffer|Image)|clEnqueueSVMMemcpy")),
    ("memsets", re.compile(rf"{_PREFIX}Memset|clEnqueue(?:Fill(?:Buffer|Image)|SVMMemFill)")),
    ("synchronizations", re.compile(rf"{_PREFIX}\w*Synchronize|clFinish|clWaitForEvents")),
    (
        "device_allocations",
        re.compile(
            rf"{_PREFIX}(?:Ext)?(?:Malloc|Free|Host(?:Alloc|Malloc|Free|Register|Unregister))"
            r"|cuMem(?:Alloc|Free|HostAlloc|Create|Release|Map|Unmap|AddressReserve|AddressFree|SetAccess)"
            r"|cl(?:CreateBuffer|CreateImage|ReleaseMemObject|SVMAlloc|SVMFree)"
        ),
    ),
)
# https://rocm.docs.amd.com/projects/HIP: its sizes are those of the whole problem, as in OpenCL, not of blocks.
_COUNTS_THREADS = re.compile(r"hip(?:Ext|Hcc)ModuleLaunchKernel")


def runtime_work(name: str) -> RuntimeWork | None:
    """Say what a runtime call of this name does; None for one that only asks or sets something."""
    return next((work for work, pattern in _PATTERNS if pattern.match(name)), None)


def counts_threads(name: str) -> bool:
    """Say whether a launch of this name gives its grid in threads; all others count blocks."""
    return _COUNTS_THREADS.match(name) is not None
