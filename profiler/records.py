"""What workers and phases tell each other: one frozen record a fact, written as one JSON line.

Workers send records over a pipe; the parent appends them to the run's journal; tables are made from the journal and the
traces alone. Every duration is in seconds, every size in bytes.
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = [
    "ALGORITHM_CHOICE",
    "LEAST_PROCESSES",
    "MEASURED",
    "AnyRecord",
    "Captured",
    "Ceiling",
    "Clocks",
    "ColdStage",
    "DeviceMode",
    "Exposed",
    "LibraryPath",
    "LoadedKernel",
    "Mode",
    "Notice",
    "NsysCaptured",
    "Outcome",
    "ProcessEnded",
    "Sample",
    "Sampled",
    "Screened",
    "Starting",
    "Status",
    "decode",
    "encode",
]

# How many worker processes a figure should rest on: a bootstrap of fewer gives an interval of its own values only.
LEAST_PROCESSES = 5
# The purpose of the record that ends the measure phase.
MEASURED = "measure"
ALGORITHM_CHOICE = "algorithm_choice"

DeviceMode = Literal["device_only", "cache_warm", "cache_flushed"]
Mode = Literal["steady", "twin", "warmup", "unit", "latency"] | DeviceMode
Status = Literal["ok", "wrong", "unavailable", "missing", "raised", "exited", "crashed", "hung"]


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="record"):
    """Be one fact in the journal."""


class Starting(Record, frozen=True, kw_only=True, tag="starting"):
    """Announce what a worker does next, so that a death or a silence can be blamed; not kept in the journal.

    Silence of more than `limit_s` seconds after it counts as a hang.
    """

    implementation: str
    case: str
    stage: str
    limit_s: float


class Sample(Record, frozen=True, kw_only=True, tag="sample"):
    """One timed block of calls.

    `mode`: `steady` (as is), `twin` (a second instance of the same thing, for the A/A floor), `warmup` (before the
    steady state), `unit` (the same implementation on a smallest legal input, whose name `case` then holds); on a device
    also `latency` (each call waited for), and by the device's clock, behind a filled queue, `device_only` (calls in one
    go), `cache_warm` and `cache_flushed` (calls one by one, after a call or after a pass over other data).
    `variant` names the switches removed, sorted and joined by '+' ('' for the implementation as it is).
    `cpu_seconds_per_call` is all threads' together, `thread_cpu_seconds_per_call` that of the thread that calls, and
    `thread_waits_per_call` how often that thread gave up the processor of its own accord.
    """

    implementation: str
    variant: str
    case: str
    device: str
    threads: int
    mode: Mode
    process: int
    round: int
    calls: int
    seconds_per_call: float
    cpu_seconds_per_call: float
    minor_faults_per_call: float
    involuntary_switches: int
    thread_cpu_seconds_per_call: float | None = None
    thread_waits_per_call: float | None = None


class ColdStage(Record, frozen=True, kw_only=True, tag="cold"):
    """One stage of a fresh process: `import`, `prepare`, `first_call`, `second_call` or `article_time`.

    On a device also `context` (its first synchronisation), and in a process that calls no implementation, whose name is
    then '': `first_launch` (a first operator of one element), `library_load` (a first convolution, of one pixel) and
    `algorithm_choice` (what the first call of the case's convolution takes longer than its second).
    """

    implementation: str
    case: str
    device: str
    threads: int
    process: int
    stage: str
    seconds: float


class Outcome(Record, frozen=True, kw_only=True, tag="outcome"):
    """What became of one implementation on one case in one condition; the last one written counts."""

    implementation: str
    case: str
    device: str
    threads: int
    phase: str
    status: Status
    reason: str = ""
    max_error: float | None = None
    error_bound: float | None = None
    seconds_per_call: float | None = None


class Ceiling(Record, frozen=True, kw_only=True, tag="ceiling"):
    """One limit or unit cost measured on this machine, unprofiled.

    `name` is one of: `copy_bandwidth` (bytes moved, read plus written, per second, at `working_set_bytes`),
    `multiply_add_peak` (floating-point operations per second), `page_fault` (seconds each), `instruction` (seconds per
    bytecode instruction), `clock` (seconds per pair of clock reads). low and high bound what was seen.
    """

    name: str
    device: str
    threads: int
    process: int
    value: float
    low: float
    high: float
    working_set_bytes: int = 0


class Clocks(Record, frozen=True, kw_only=True, tag="clocks"):
    """What a device's clocks were in one round: read after each block, the least and the most of each.

    Frequencies are in MHz, as the driver gives them. `slowed` names what held the clocks back, '' where nothing did.
    """

    device: str
    process: int
    round: int
    least_mhz: int
    most_mhz: int
    memory_mhz: int
    celsius: int
    watts: float
    slowed: list[str]


class LoadedKernel(msgspec.Struct, frozen=True, kw_only=True):
    """What a kernel that the process itself loaded takes: registers and local memory of a thread, static shared memory.

    Local memory is what registers were spilled to, and arrays; traces of CUDA kernels do not tell it.
    """

    kernel: str
    registers: int
    shared_bytes: int
    local_bytes: int


class Captured(Record, frozen=True, kw_only=True, tag="captured"):
    """One capture: paths relative to the run directory, '' where there is none, `reason` then says why.

    `calls` is how many labelled calls the trace holds, `kernels` what the process had loaded of its own by their end.
    """

    implementation: str
    case: str
    device: str
    threads: int
    trace: str
    counts: str
    calls: int
    reason: str = ""
    kernels: tuple[LoadedKernel, ...] = ()


class NsysCaptured(Record, frozen=True, kw_only=True, tag="nsys_captured"):
    """One implementation's calls under Nsight Systems; a report holds those of many.

    `report` is a path relative to the run directory, '' where there is none, `reason` then says why. `ranges` is how
    many of the `calls` labelled calls were found in it afterwards.
    """

    implementation: str
    case: str
    device: str
    threads: int
    report: str
    calls: int
    ranges: int
    reason: str = ""


class Screened(Record, frozen=True, kw_only=True, tag="screened"):
    """One switch tried on one implementation before the steady state, and whether its cells are measured.

    `seconds_as_is` and `seconds_switched` are medians of a few alternating blocks; `composable` switches are measured
    in every combination, others alone. `scope` is `call` or `process` (workers of another environment).
    """

    implementation: str
    case: str
    device: str
    threads: int
    switch: str
    cause: str
    summary: str
    scope: Literal["call", "process"]
    composable: bool
    kept: bool
    seconds_as_is: float | None = None
    seconds_switched: float | None = None
    reason: str = ""


class Exposed(Record, frozen=True, kw_only=True, tag="exposed"):
    """What delaying the work that a call hands to other threads did to the call.

    Per call `tasks` of `work_s` seconds together; `slopes` are, round by round, the seconds that the call became longer
    over the `delay_s` seconds by which each task started later.
    """

    implementation: str
    case: str
    device: str
    threads: int
    tasks: float
    work_s: float
    delay_s: float
    slopes: list[float]


class Sampled(Record, frozen=True, kw_only=True, tag="sampled"):
    """One implementation's CPU samples: `stacks` is a path relative to the run directory, '' where there is none.

    `samples` counts those of the calling thread, taken at `rate_hz` while it made `calls` calls in `seconds`.
    """

    implementation: str
    case: str
    device: str
    threads: int
    stacks: str
    samples: int
    rate_hz: float
    calls: int
    seconds: float
    reason: str = ""


class LibraryPath(Record, frozen=True, kw_only=True, tag="library_path"):
    """What torch and oneDNN said of the way that an implementation's calls take inside the library.

    `backends` are those that torch chose for the convolutions of one call, in order, '' where it does not say. `lines`
    is the path, relative to the run directory, of what oneDNN wrote; '' where there is none, `reason` then says why.
    """

    implementation: str
    case: str
    device: str
    threads: int
    backends: list[str]
    lines: str
    reason: str = ""


class ProcessEnded(Record, frozen=True, kw_only=True, tag="process_ended"):
    """One worker process came to its end; `complete` is false where it died or was stopped early."""

    purpose: str
    process: int
    threads: int
    rounds: int
    complete: bool
    detail: str = ""


class Notice(Record, frozen=True, kw_only=True, tag="notice"):
    """A warning for the reader of the report; one per code and text. '' where it concerns all."""

    code: str
    text: str
    implementation: str = ""
    case: str = ""


AnyRecord = (
    Starting
    | Sample
    | ColdStage
    | Outcome
    | Ceiling
    | Clocks
    | Captured
    | NsysCaptured
    | Sampled
    | LibraryPath
    | Screened
    | Exposed
    | ProcessEnded
    | Notice
)

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


def encode(record: AnyRecord) -> bytes:
    """Write one record as one JSON line."""
    return _ENCODER.encode(record) + b"\n"


def decode(line: bytes) -> AnyRecord:
    """Read one JSON line; raises msgspec.DecodeError."""
    return _DECODER.decode(line)
