"""Asks for the device of a run before anything is planned for it, without importing torch here."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import msgspec

from profiler.errors import UsageError
from profiler.manifest import DeviceFacts
from profiler.measure.device import CPU
from profiler.measure.device_facts import Answer

__all__ = ["facts_of"]

_PROBE = "profiler.measure.device_facts"
_LIMIT_S = 120.0


def facts_of(device: str) -> DeviceFacts | None:
    """Give what is known of a device, None of the CPU; raises UsageError where it cannot be measured on."""
    if device == CPU:
        return None
    if device != "cuda":
        raise UsageError(f"--device {device} is not known; use --device cpu or --device cuda")
    _refuse_cpu_build()
    answer = _answer()
    if answer.facts is None:
        raise UsageError(f"--device cuda: {answer.reason}")
    return answer.facts


def _refuse_cpu_build() -> None:
    """Answer at once where the name of the installed torch says it."""
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        raise UsageError("--device cuda: torch is not installed; pip install torch") from None
    if version.endswith("+cpu"):
        raise UsageError(
            f"--device cuda: torch {version} is a CPU build; install a CUDA build (pytorch.org/get-started) and run on "
            "a machine with an NVIDIA GPU"
        )


def _answer() -> Answer:
    command = [sys.executable, "-P", "-m", _PROBE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise UsageError(f"--device cuda: the driver does not answer within {_LIMIT_S:g} s; run nvidia-smi") from None
    lines = done.stdout.strip().splitlines()
    try:
        return msgspec.json.decode(lines[-1] if lines else "", type=Answer)
    except msgspec.DecodeError:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UsageError(
            f"--device cuda: asking torch for the device fails: {last}; mend torch or its driver"
        ) from None
