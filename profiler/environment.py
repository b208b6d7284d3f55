"""What the machine and the software are, without names of hosts, users or folders; and how busy the machine is."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import re
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

from impls.compiled.compiler import find_compiler
from profiler.manifest import Environment

__all__ = ["HostTimes", "host_load", "read_environment", "throttled_count", "usable_cores", "usable_processors"]

# What can change a measurement or an analysis; a package that is not installed is left out.
_PACKAGES = ("convprof", "torch", "numpy", "pandas", "pyarrow", "nvtx", "msgspec", "threadpoolctl", "numba", "ziglang")
_CPU = Path("/sys/devices/system/cpu")
_LOAD_WINDOW_S = 0.25


def read_environment() -> Environment:
    """Read the environment; what this system does not tell is ''."""
    return Environment(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        usable_cores=usable_cores(),
        memory_bytes=psutil.virtual_memory().total,
        caches=_caches(),
        system=platform.system(),
        kernel=platform.release(),
        libc=" ".join(platform.libc_ver()).strip(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages=_packages(),
        compiler=_compiler(),
        blas=_blas(),
        openmp=_openmp(),
        load_average=os.getloadavg()[0],
        governor=_read(_CPU / "cpu0/cpufreq/scaling_governor"),
        virtual=_virtual(),
    )


def usable_processors() -> set[int]:
    """Give the processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def usable_cores() -> int:
    """Count the processors this process may keep busy: those allowed, within the control group's quota."""
    return max(1, min(len(usable_processors()), int(_quota())))


@dataclass(frozen=True)
class HostTimes:
    """Hold the seconds that the usable processors have been busy, and robbed by the hypervisor, up to a moment."""

    moment: float
    busy_s: float
    steal_s: float
    own_s: float

    @classmethod
    def now(cls) -> HostTimes:
        """Read the times; `own_s` is what this process and the children it has waited for have used."""
        every = psutil.cpu_times(percpu=True)
        times = [every[processor] for processor in usable_processors() if processor < len(every)]
        idle = sum(each.idle + getattr(each, "iowait", 0.0) for each in times)
        # Guest time is contained in user time; see proc_stat(5).
        guest = sum(getattr(each, "guest", 0.0) + getattr(each, "guest_nice", 0.0) for each in times)
        steal = sum(getattr(each, "steal", 0.0) for each in times)
        own = os.times()
        return cls(
            moment=time.monotonic(),
            busy_s=sum(sum(each) for each in times) - idle - guest - steal,
            steal_s=steal,
            own_s=own.user + own.system + own.children_user + own.children_system,
        )

    def others_since(self, before: HostTimes) -> float:
        """Give how many processors others kept busy, on average, since an earlier reading."""
        elapsed = max(self.moment - before.moment, 1e-9)
        return max(0.0, (self.busy_s - before.busy_s - (self.own_s - before.own_s)) / elapsed)

    def steal_since(self, before: HostTimes) -> float:
        """Give how many processors the hypervisor took away, on average, since an earlier reading."""
        return max(0.0, (self.steal_s - before.steal_s) / max(self.moment - before.moment, 1e-9))


def host_load() -> float:
    """Give how many of the usable processors others keep busy, over a quarter of a second from now.

    The load average would do for an idle host only: it remembers for a minute what this program itself did.
    """
    before = HostTimes.now()
    time.sleep(_LOAD_WINDOW_S)
    return HostTimes.now().others_since(before)


def throttled_count() -> int | None:
    """Count how often the processors ran hot or the control group ran out of quota; None where nothing tells."""
    thermal = [_read(path) for path in _CPU.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")]
    quota = re.findall(r"^nr_throttled (\d+)", _read(_control_group() / "cpu.stat"), flags=re.MULTILINE)
    counts = [int(text) for text in [*thermal, *quota] if text.isdigit()]
    return sum(counts) if counts else None


def _read(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text().strip()
    return ""


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _read(Path("/proc/cpuinfo")), flags=re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _caches() -> dict[str, str]:
    """Give the sizes of the first processor's caches, by level and type."""
    caches: dict[str, str] = {}
    for folder in sorted(_CPU.glob("cpu0/cache/index*")):
        level, kind, size = (_read(folder / name) for name in ("level", "type", "size"))
        if level and size:
            caches[f"L{level} {kind.lower()}"] = size
    return caches


def _packages() -> dict[str, str]:
    versions: dict[str, str] = {}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def _compiler() -> str:
    """Name the compiler that `c.` implementations are built with; $CC may hold the paths of folders, which go."""
    return re.sub(r"(?<![\w:/])/\S*/", "", str(find_compiler() or ""))


def _blas() -> str:
    """Name NumPy's BLAS; torch brings its own, which only importing torch would tell."""
    if find_spec("numpy") is None:
        return ""
    import numpy  # noqa: F401 - loads the library that is then looked for
    from threadpoolctl import threadpool_info

    for pool in threadpool_info():
        if pool["user_api"] == "blas":
            return " ".join(str(pool[key]) for key in ("internal_api", "version", "architecture") if pool.get(key))
    return ""


def _openmp() -> str:
    """Name the OpenMP library that torch brings, from its files."""
    torch = find_spec("torch")
    if torch is None or torch.origin is None:
        return ""
    for library, name in (("libgomp", "GNU libgomp"), ("libiomp5", "Intel libiomp5"), ("libomp", "LLVM libomp")):
        for folder in ("torch/lib", "torch.libs", "functorch/.dylibs"):
            if any((Path(torch.origin).parents[1] / folder).glob(f"{library}*")):
                return f"{name} (torch's)"
    return ""


def _virtual() -> str:
    """Say whether this is a container or a virtual machine, as far as it shows."""
    found = []
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        found.append("container")
    if re.search(r"^flags\s*:.*\bhypervisor\b", _read(Path("/proc/cpuinfo")), flags=re.MULTILINE):
        found.append("virtual machine")
    return ", ".join(found)


def _control_group() -> Path:
    """Give this process's control group (version 2), or the root that a container sees."""
    root = Path("/sys/fs/cgroup")
    found = re.search(r"^0::/(.*)$", _read(Path("/proc/self/cgroup")), flags=re.MULTILINE)
    own = root / found[1] if found else root
    return own if (own / "cpu.max").exists() else root


def _quota() -> float:
    """Give the processors' worth of time that the control group may use; all where it is not limited."""
    limit = re.match(r"(\d+) (\d+)", _read(_control_group() / "cpu.max"))
    return int(limit[1]) / int(limit[2]) if limit else float(os.cpu_count() or 1)
