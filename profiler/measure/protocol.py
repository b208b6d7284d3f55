"""What the parent asks of a worker process: one job, as JSON on its standard input."""

from __future__ import annotations

from typing import Literal

import msgspec

from profiler.manifest import PlannedImplementation
from profiler.records import Starting

__all__ = ["DONE", "Attempt", "ColdJob", "Job", "SteadyCase", "SteadyJob", "decode_job", "encode_job"]

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
    """Name one case and what is measured on it; `units` are smallest inputs, by name, for those that can do them."""

    case: str
    implementations: list[PlannedImplementation]
    units: dict[str, list[str]]


class SteadyJob(msgspec.Struct, frozen=True, kw_only=True, tag="steady"):
    """Ask for interleaved rounds in one process for about `seconds`, ceilings and imports not counted."""

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


Job = ColdJob | SteadyJob


def encode_job(job: Job) -> bytes:
    """Write a job as JSON."""
    return msgspec.json.encode(job)


def decode_job(content: bytes) -> Job:
    """Read a job; raises msgspec.DecodeError."""
    return msgspec.json.decode(content, type=ColdJob | SteadyJob)
