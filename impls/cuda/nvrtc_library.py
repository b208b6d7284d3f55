"""Finds NVIDIA's run-time compiler, NVRTC: the one that torch's CUDA wheel brings, or any other that is installed."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["Nvrtc", "candidates", "find_nvrtc", "load_first", "missing_nvrtc"]

_REMEDY = "pip install nvidia-cuda-nvrtc, or a CUDA build of torch, which brings it"

# libnvrtc.so.13 in NVIDIA's wheels and toolkits, libnvrtc-672ee683.so.11.2 where a wheel of torch's holds its libraries
# itself, nvrtc64_120_0.dll on Windows. Not libnvrtc-builtins, which it loads, nor libnvrtc.alt.so.12, a variant.
_NAME = re.compile(r"(?:libnvrtc(?:-[0-9a-f]{8})?\.so\.|nvrtc64_)(\d\d)[\d._]*(?:dll)?")
_BUILTINS = ("libnvrtc-builtins.so.*", "nvrtc-builtins64_*.dll")
# Where NVIDIA's wheels put it, below the package `nvidia`: CUDA 13's, and those before.
_IN_WHEELS = ("cu*/lib", "cu*/bin/x86_64", "cu*/bin", "cuda_nvrtc/lib", "cuda_nvrtc/bin")
_IN_TOOLKITS = ("lib64", "lib", "bin", "bin/x64")
# What the system's loader is asked for when nothing was found by looking.
_SONAMES = ("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "nvrtc64_130_0.dll", "nvrtc64_120_0.dll")


@dataclass(frozen=True)
class Nvrtc:
    """Hold the loaded library, its version (major, minor), and the compute capabilities it compiles for (80 is 8.0)."""

    library: Any
    path: str
    version: tuple[int, int]
    capabilities: tuple[int, ...]

    def __str__(self) -> str:
        return f"NVRTC {self.version[0]}.{self.version[1]}"


@functools.cache
def find_nvrtc() -> Nvrtc | None:
    """Give the NVRTC that CUDA sources are compiled with, None where there is none; looks once a process."""
    return load_first(candidates())[0]


def missing_nvrtc() -> str:
    """Say why `find_nvrtc` finds none, and the remedy."""
    failed = load_first(candidates())[1]
    return f"no NVRTC ({failed}): {_REMEDY}" if failed else f"no NVRTC: {_REMEDY}"


def candidates() -> list[str]:
    """Give the files that may be it: what this process has loaded, then torch's CUDA version, then the newest."""
    loaded, installed = list(_loaded()), sorted(_installed(), key=_preference)
    return list(dict.fromkeys([*loaded, *installed, *_SONAMES]))


def load_first(paths: Iterable[str]) -> tuple[Nvrtc | None, str]:
    """Load the first that can be loaded; else say why the first file that is there cannot."""
    reason = ""
    for path in paths:
        try:
            return _load(path), ""
        except (OSError, AttributeError) as error:  # AttributeError: from before a function that is needed
            reason = reason or (str(error) if Path(path).is_file() else "")
    return None, reason


def _load(path: str) -> Nvrtc:
    _load_builtins(Path(path))
    library = ctypes.CDLL(path)
    library.nvrtcGetErrorString.restype = ctypes.c_char_p
    library.nvrtcGetErrorString.argtypes = (ctypes.c_int,)
    major, minor, count = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    library.nvrtcGetNumSupportedArchs(ctypes.byref(count))
    capabilities = (ctypes.c_int * count.value)()
    library.nvrtcGetSupportedArchs(capabilities)
    library.nvrtcGetCUBIN  # noqa: B018 - from 11.1 on; without it the library is of no use here
    return Nvrtc(library, path, (major.value, minor.value), tuple(sorted(capabilities)))


def _load_builtins(path: Path) -> None:
    """Load the library that NVRTC itself looks for by name alone: CUDA 13.0's wheel has no path in it to the folder."""
    for builtins in (found for pattern in _BUILTINS for found in path.parent.glob(pattern)):
        with contextlib.suppress(OSError):  # where it matters, compiling says so
            ctypes.CDLL(str(builtins))


def _loaded() -> Iterator[str]:
    """Find it among the files that are mapped into this process; Linux only."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            path = line.partition("/")[2]
            if path and _NAME.fullmatch(Path(path).name):
                yield f"/{path}"


def _installed() -> Iterator[str]:
    for folder in _folders():
        yield from (str(path) for path in folder.glob("*nvrtc*") if _NAME.fullmatch(path.name))


def _folders() -> Iterator[Path]:
    for place in _package_folders("nvidia"):
        yield from (folder for pattern in _IN_WHEELS for folder in place.glob(pattern))
    yield from (place / "lib" for place in _package_folders("torch"))
    toolkits = [os.environ.get("CUDA_PATH", ""), os.environ.get("CUDA_HOME", ""), sys.prefix, "/usr/local/cuda"]
    yield from (Path(toolkit) / folder for toolkit in toolkits if toolkit for folder in _IN_TOOLKITS)


def _package_folders(package: str) -> list[Path]:
    spec = find_spec(package)
    return [] if spec is None else [Path(place) for place in spec.submodule_search_locations or ()]


def _preference(path: str) -> tuple[bool, int]:
    """Order by whether it is of the CUDA version that torch is built for, as the driver then is, and newest first."""
    torch = sys.modules.get("torch")
    wanted = torch.version.cuda if torch is not None and hasattr(torch, "version") else None
    found = _NAME.fullmatch(Path(path).name)
    major = found[1] if found else "0"
    return not (wanted or "").startswith(f"{major}."), -int(major)
