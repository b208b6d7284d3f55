"""What this machine allows: one small check each, with what is lost and how to get it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from impls.compiled.compiler import missing_compiler
from impls.compiled.extension import EXTENSION, extension_origin
from impls.cuda.nvrtc_library import find_nvrtc, missing_nvrtc
from profiler.capture.perf import why_not
from profiler.environment import host_load, read_environment
from profiler.manifest import Environment
from profiler.measure.notices import busy_limit
from profiler.nsys import SEEN_BY_ALL_NSYS, find_nsys, nsys_version

__all__ = ["CHECKS", "Finding", "diagnose", "diagnosis_text"]

_PROBE_LIMIT_S = 120.0

State = Literal["good", "note", "broken"]


@dataclass(frozen=True)
class Finding:
    """Say one thing about the machine: `good`, `note` (something is lost) or `broken` (nothing can be measured)."""

    subject: str
    state: State
    text: str
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give the finding as plain values."""
        return asdict(self)


def _python(_: Environment) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "good", f"{version}, {sys.implementation.name}")


def _torch(_: Environment) -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("torch", "broken", "not installed; reports can be read, nothing measured", "pip install torch")
    return Finding("torch", "good", importlib.metadata.version("torch"))


def _profiler_ranges(_: Environment) -> Finding:
    """Check for the private fast range in a process of its own, since importing torch here would slow every command."""
    probe = "import torch; print(hasattr(torch._C._profiler, '_RecordFunctionFast'))"
    command = [sys.executable, "-c", probe]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return Finding(
            "profiler ranges",
            "broken",
            f"importing torch takes longer than {_PROBE_LIMIT_S:g} s, and workers do not wait so long",
            "look whether the disk is slow or memory is short, then run this again",
        )
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["no message"])[-1]
        return Finding("profiler ranges", "broken", f"torch does not import: {last}", "reinstall torch")
    if answer.stdout.strip() == "True":
        return Finding("profiler ranges", "good", "fast ranges for NumPy's operators")
    return Finding(
        "profiler ranges",
        "note",
        "this torch has no _RecordFunctionFast; NumPy's operators are captured with slower ranges",
        "pip install 'torch>=2.6'",
    )


def _compiler(environment: Environment) -> Finding:
    if not environment.compiler:
        return Finding("C compiler", "note", f"c.direct is unavailable: {missing_compiler()}")
    return Finding("C compiler", "good", environment.compiler)


def _calls(environment: Environment) -> Finding:
    """Say by which way Python calls compiled code: on a small image that is most of a call."""
    if not environment.compiler:
        return Finding("calls into C", "note", "no compiled implementation can be called: there is no C compiler")
    answer = EXTENSION.available()
    if not answer.available:
        return Finding("calls into C", "note", f"by ctypes, which takes microseconds: {answer.reason}")
    origin = "that came with the wheel" if extension_origin() == "wheel" else "compiled here"
    return Finding("calls into C", "good", f"by an extension module of our own, {origin}")


def _cores(environment: Environment) -> Finding:
    if environment.usable_cores < 2:
        return Finding(
            "cores",
            "note",
            "one usable core: convprof disturbs what it measures, and there is no second thread condition",
            "allow two cores or more",
        )
    return Finding(
        "cores", "good", f"{environment.usable_cores} of {environment.cores} usable: {environment.processor}"
    )


def _load(environment: Environment) -> Finding:
    busy, cores = host_load(), environment.usable_cores
    text = f"other programs keep {busy:.1f} of {cores} processors busy"
    if busy > busy_limit(cores):
        return Finding("load", "note", f"{text}; samples will be disturbed and gaps refused", "stop other work")
    return Finding("load", "good", text)


def _pinning(_: Environment) -> Finding:
    if not hasattr(os, "sched_setaffinity"):
        return Finding("pinning", "note", "not offered by this system; one-thread samples may move between cores")
    try:
        os.sched_setaffinity(0, os.sched_getaffinity(0))
    except PermissionError:
        return Finding("pinning", "note", "not permitted here; one-thread samples may move between cores")
    return Finding("pinning", "good", "permitted")


def _frequency(environment: Environment) -> Finding:
    governor = environment.governor
    if governor in ("", "unknown"):
        return Finding(
            "frequency", "note", "the governor cannot be read (a virtual machine hides it); changes go unseen"
        )
    if governor != "performance":
        return Finding(
            "frequency",
            "note",
            f"governor {governor}: the clock follows the load, and the first blocks run slower",
            "cpupower frequency-set -g performance",
        )
    return Finding("frequency", "good", f"governor {governor}")


def _cpu_samples(_: Environment) -> Finding:
    why = why_not()
    if why:
        lost = "without CPU samples, arithmetic and threads are not estimated and other rows rest on counts alone"
        return Finding("CPU samples", "note", f"{why}; {lost}")
    return Finding("CPU samples", "good", "perf may sample, the kernel's work included")


def _nvtx(_: Environment) -> Finding:
    if importlib.util.find_spec("nvtx") is None:
        return Finding("nvtx", "note", "not installed; Nsight Systems would show no ranges", "pip install nvtx==0.2.11")
    version = importlib.metadata.version("nvtx")
    if version != SEEN_BY_ALL_NSYS and find_nsys() is not None:
        text = f"{version}; Nsight Systems 2022.4, for one, sees no range of nvtx after {SEEN_BY_ALL_NSYS}"
        return Finding(
            "nvtx", "note", text, f"pip install nvtx=={SEEN_BY_ALL_NSYS} if --nsys says that ranges are missing"
        )
    return Finding("nvtx", "good", version)


def _nsight(_: Environment) -> Finding:
    nsys = find_nsys()
    if nsys is None:
        return Finding(
            "Nsight Systems", "note", "nsys is not on PATH: no --nsys; Chrome traces are written all the same"
        )
    return Finding("Nsight Systems", "good", f"nsys {nsys_version(nsys)}".strip())


def _device(_: Environment) -> Finding:
    if shutil.which("nvidia-smi") is None and not Path("/proc/driver/nvidia").exists():
        return Finding(
            "GPU", "note", "no NVIDIA driver; the article's CUDA listing runs on the CPU, and the report says so"
        )
    if importlib.util.find_spec("pynvml") is None:
        text = "an NVIDIA driver is present; without nvidia-ml-py, clocks and throttling of the device are not read"
        return Finding("GPU", "note", text, "pip install 'convprof[nvml]'")
    return Finding("GPU", "good", "an NVIDIA driver is present; measure on it with --device cuda")


def _cuda_compiler(_: Environment) -> Finding:
    nvrtc = find_nvrtc()
    if nvrtc is None:
        return Finding("CUDA compiler", "note", f"CUDA C++ can be neither run nor looked at: {missing_nvrtc()}")
    newest = max(nvrtc.capabilities)
    return Finding("CUDA compiler", "good", f"{nvrtc}, up to compute capability {newest // 10}.{newest % 10}")


CHECKS: tuple[Callable[[Environment], Finding], ...] = (
    _python,
    _torch,
    _profiler_ranges,
    _compiler,
    _calls,
    _cores,
    _load,
    _pinning,
    _frequency,
    _cpu_samples,
    _nvtx,
    _nsight,
    _device,
    _cuda_compiler,
)


def diagnose() -> list[Finding]:
    """Run every check."""
    environment = read_environment()
    return [check(environment) for check in CHECKS]


def diagnosis_text(findings: list[Finding]) -> str:
    """Align the findings for a terminal, remedies below what they remedy."""
    width = max(len(finding.subject) for finding in findings)
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.state:<6}  {finding.subject:<{width}}  {finding.text}")
        if finding.remedy:
            lines.append(f"{'':<6}  {'':<{width}}  -> {finding.remedy}")
    return "\n".join(lines)
