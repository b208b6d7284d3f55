"""What a device is, told by a process of its own: `python -m profiler.measure.device_facts`, started by the plan.

Importing torch takes seconds and asking CUDA leaves a context behind; the process that plans a run wants neither.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from impls.cuda.device import cuda_device
from profiler.manifest import DeviceFacts
from profiler.measure.clocks import nvml_handle

__all__ = ["Answer", "main", "read_facts"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Give a device's facts, or say why there is none."""

    facts: DeviceFacts | None = None
    reason: str = ""


def main() -> None:
    """Print an answer as one JSON line."""
    available = cuda_device()
    answer = Answer(facts=read_facts()) if available.available else Answer(reason=available.reason)
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")


def read_facts() -> DeviceFacts:
    """Read what torch and, where its package is installed, NVML tell of torch's current CUDA device.

    Not run without a GPU but against a driver library made for the tests.
    """
    import torch

    found = torch.cuda.get_device_properties(torch.cuda.current_device())
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return DeviceFacts(
        name=found.name,
        capability=f"{found.major}.{found.minor}",
        multiprocessors=found.multi_processor_count,
        memory_bytes=found.total_memory,
        cache_bytes=int(getattr(found, "L2_cache_size", 0)),
        runtime=str(torch.version.cuda),
        cudnn="" if cudnn is None else _cudnn_version(cudnn),
        **driver_facts(nvml_handle()),
    )


def driver_facts(handle: Any | None) -> dict[str, str]:
    """Read what NVML tells of a card, in words; what it does not tell of this one is left out."""
    if handle is None:
        return {}
    import pynvml

    def switched(state: Any) -> str:
        return "on" if state else "off"

    questions: dict[str, Callable[[], str]] = {
        "driver": lambda: str(pynvml.nvmlSystemGetDriverVersion()),
        "clocks": lambda: (
            f"up to {pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_SM)} MHz, "
            f"memory {pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_MEM)} MHz"
        ),
        "power_limit": lambda: f"{pynvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1e3:g} W",
        "ecc": lambda: switched(pynvml.nvmlDeviceGetEccMode(handle)[0]),
        "mig": lambda: switched(pynvml.nvmlDeviceGetMigMode(handle)[0]),
    }
    told: dict[str, str] = {}
    for name, ask in questions.items():
        with contextlib.suppress(pynvml.NVMLError):  # such as ECC on a card without it
            told[name] = ask()
    return told


def _cudnn_version(number: int) -> str:
    """Write cuDNN's number as its version: 8902 is 8.9.2, 91002 is 9.10.2. Source: cudnn_version.h."""
    major, rest = divmod(number, 10_000) if number >= 90_000 else divmod(number, 1_000)
    return f"{major}.{rest // 100}.{rest % 100}"


if __name__ == "__main__":
    main()
