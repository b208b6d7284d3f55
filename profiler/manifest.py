"""The plan of a run: what is to be done, decided once and kept in `manifest.json`."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["MANIFEST_VERSION", "DeviceFacts", "Environment", "Manifest", "PlannedImplementation", "Unavailable"]

# 1: first version
MANIFEST_VERSION = 1


class PlannedImplementation(msgspec.Struct, frozen=True, kw_only=True):
    """Name one implementation of the plan and where a worker finds it.

    `source`: `catalog` (by name), `file` (`location` is 'path.py:function', absolute), `entry_point` (by name).
    `asked_for`: the user named it, so its failure is exit code 3.
    """

    name: str
    family: Literal["manual", "library"]
    summary: str
    source: Literal["catalog", "file", "entry_point"]
    location: str = ""
    asked_for: bool = False


class Unavailable(msgspec.Struct, frozen=True, kw_only=True):
    """Say why one implementation of the plan cannot run one case here."""

    implementation: str
    case: str
    reason: str


class DeviceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Describe a device other than the CPU; '' and 0 where nothing tells. `cache_bytes` is its last cache."""

    name: str
    capability: str
    multiprocessors: int
    memory_bytes: int
    cache_bytes: int
    runtime: str
    cudnn: str
    driver: str = ""
    clocks: str = ""
    power_limit: str = ""
    ecc: str = ""
    mig: str = ""


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Describe the machine and the software, without names of hosts, users or folders."""

    processor: str
    cores: int
    usable_cores: int
    memory_bytes: int
    caches: dict[str, str]
    system: str
    kernel: str
    libc: str
    python: str
    packages: dict[str, str]
    compiler: str
    blas: str
    openmp: str
    load_average: float
    governor: str
    virtual: str
    accelerator: DeviceFacts | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the plan. `threads` are the conditions measured, 1 first; `time_s` is the budget of the whole run.

    `nsys` asks for a further pass under Nsight Systems.
    """

    version: int
    convprof: str
    created: str
    command: list[str]
    seed: int
    device: str
    cases: list[str]
    implementations: list[PlannedImplementation]
    unavailable: list[Unavailable]
    baseline: str
    threads: list[int]
    time_s: float
    call_limit_s: float
    environment: Environment
    nsys: bool = False
