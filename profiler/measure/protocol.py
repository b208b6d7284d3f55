"""What the parent asks of a worker process: one job, as JSON on its standard input."""

from __future__ import annotations

from typing import Literal

import msgspec

from profiler.manifest import PlannedImplementation
from profiler.records import Starting

__all__ = [
    "DONE",
    "Attempt",
    "ColdJob",
    "Job",
    "ScreenJob",
    "ScreenTask",
    "SteadyCase",
    "SteadyJob",
    "decode_job",
    "encode_job",
]

# The last thing a worker starts. An implementation that ends the process with exit code 0 does not get there.
DONE = Starting(implementation="", case="", stage="done", limit_s=30.0)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for one implementation on one case in a process that has computed nothing yet.

    `check` compares with the oracle and reports the stages of a cold start; `cold` reports the stages only; `unit`
    compares only, on a smallest input.
    """

    implementation: PlannedImplementation
    case: str
    phase: Literal["check", "cold", "unit"]


class ColdJob(msgspec.Struct, frozen=True, kw_only=True, tag="cold"):
    """Ask for cold starts, each in its own child of a process that has imported the libraries and no more."""

    process: int
    seed: int
    device: str
    call_limit_s: float
    attempts: list[Attempt]


class SteadyCase(msgspec.Struct, frozen=True, kw_only=True):
    """Name one case and what is measured on it.

    `units` are smallest inputs, by name, for those that can do them; `variants` the switches thrown, variant by
    variant. In the worker of an environment nothing is measured as it is.
    """

    case: str
    implementations: list[PlannedImplementation]
    units: dict[str, list[str]]
    variants: dict[str, list[list[str]]] = {}


class SteadyJob(msgspec.Struct, frozen=True, kw_only=True, tag="steady"):
    """Ask for interleaved rounds in one process for about `seconds`, ceilings and imports not counted.

    `environment` names the switch whose variables this process was started with.
    """

    process: int
    seed: int
    device: str
    threads: int
    processors: list[int]
    seconds: float
    call_limit_s: float
    check: bool
    ceilings: bool
    cases: list[SteadyCase]
    environment: str = ""


class ScreenTask(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for a trial of every switch of one implementation on one case, for about so many seconds."""

    implementation: PlannedImplementation
    case: str
    seconds: float


class ScreenJob(msgspec.Struct, frozen=True, kw_only=True, tag="screen"):
    """Ask for trials, one task after the other."""

    process: int
    seed: int
    device: str
    threads: int
    call_limit_s: float
    tasks: list[ScreenTask]


Job = ColdJob | SteadyJob | ScreenJob


def encode_job(job: Job) -> bytes:
    """Write a job as JSON."""
    return msgspec.json.encode(job)


def decode_job(content: bytes) -> Job:
    """Read a job; raises msgspec.DecodeError."""
    return msgspec.json.decode(content, type=ColdJob | SteadyJob | ScreenJob)
