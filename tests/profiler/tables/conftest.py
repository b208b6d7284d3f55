"""A hand-built run: six implementations of one case, each with another fate, and everything that a run may leave."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from profiler.counts import CallCounts, OpCount
from profiler.labels import CallLabel, write_label
from profiler.manifest import MANIFEST_VERSION, Environment, Manifest, PlannedImplementation, Unavailable
from profiler.records import AnyRecord, Captured, Ceiling, ColdStage, Mode, Outcome, ProcessEnded, Sample, Status
from profiler.store import RunDirectory

CASE = "ic1ih4oc1kh3ph1"
ONE = "ic1ih1oc1kh3ph1"
FAMILIES = {
    "torch.conv2d": "library",
    "mine:f": "manual",
    "mine:wrong": "manual",
    "mine:dead": "manual",
    "gone": "manual",
    "mine:late": "manual",
}
PROCESSES, ROUNDS = 5, 3
SECONDS = {"torch.conv2d": 10e-6, "mine:f": 30e-6}


def manifest(threads: list[int]) -> Manifest:
    """Plan six implementations; one is unavailable."""
    empty = dict.fromkeys(Environment.__struct_fields__, "")
    numbers = {
        "cores": 2,
        "usable_cores": 2,
        "memory_bytes": 1,
        "load_average": 0.0,
        "caches": {},
        "packages": {},
        "accelerator": None,
    }
    return Manifest(
        version=MANIFEST_VERSION,
        convprof="0.1.0",
        created="2025-01-30T12:00:00+00:00",
        command=[],
        seed=7,
        device="cpu",
        cases=[CASE],
        implementations=[
            PlannedImplementation(name=name, family=family, summary="", source="catalog")  # type: ignore[arg-type]
            for name, family in FAMILIES.items()
        ],
        unavailable=[Unavailable(implementation="gone", case=CASE, reason="no C compiler: install gcc")],
        baseline="torch.conv2d",
        threads=threads,
        time_s=10.0,
        call_limit_s=5.0,
        environment=msgspec.convert({**empty, **numbers}, Environment),
    )


def outcome(name: str, status: Status = "ok", threads: int = 1, **more: Any) -> Outcome:
    """Give what became of an implementation."""
    usual = {"implementation": name, "case": CASE, "device": "cpu", "threads": threads, "phase": "check"}
    return Outcome(**{**usual, "status": status, **more})


def sample(name: str, seconds: float, process: int, number: int, **more: Any) -> Sample:
    """Give one timed block."""
    mode: Mode = more.pop("mode", "steady")
    usual: dict[str, Any] = {
        "variant": "", "case": CASE, "device": "cpu", "threads": 1, "calls": 10, "cpu_seconds_per_call": seconds,
        "minor_faults_per_call": 2.0 * number, "involuntary_switches": 0,
    }  # fmt: skip
    return Sample(
        implementation=name, mode=mode, process=process, round=number, seconds_per_call=seconds, **{**usual, **more}
    )


def cold(name: str, stage: str, seconds: float, process: int) -> ColdStage:
    """Give one stage of a cold start."""
    return ColdStage(
        implementation=name,
        case=CASE if name else "",
        device="cpu",
        threads=1,
        process=process,
        stage=stage,
        seconds=seconds,
    )


def ceiling(value: float, low: float, high: float, process: int, **more: Any) -> Ceiling:
    """Give one limit of the machine."""
    usual = {"name": "copy_bandwidth", "device": "cpu", "threads": 1, "working_set_bytes": 4096}
    return Ceiling(**{**usual, "value": value, "low": low, "high": high, "process": process, **more})


def measured() -> Iterable[AnyRecord]:
    """Give what measuring left in the journal."""
    yield outcome("torch.conv2d", max_error=1e-7, error_bound=2e-7)
    yield outcome("torch.conv2d", threads=2, max_error=1e-7, error_bound=2e-7)
    for threads in (1, 2):
        yield outcome("mine:f", threads=threads, max_error=3e-7, error_bound=9e-7)
        yield outcome("mine:wrong", "wrong", threads, reason="off by 3", max_error=3.0, error_bound=9e-7)
    yield outcome("mine:f", phase="steady")
    yield outcome("mine:dead", max_error=0.0, error_bound=9e-7)
    yield outcome("mine:dead", threads=2, max_error=0.0, error_bound=9e-7)
    yield outcome("mine:dead", "crashed", phase="steady", reason="killed by SIGSEGV while being measured")
    yield outcome("mine:f", "raised", phase="unit", case=ONE, reason="too small")
    for process in range(1, PROCESSES + 1):
        for number in range(ROUNDS):
            for name, seconds in SECONDS.items():
                yield sample(name, seconds, process, number)
                yield sample(name, seconds, process, number, mode="twin")
        yield sample("mine:f", 1.0, process, 0, mode="warmup")
        yield sample("mine:f", 1.0, process, 0, variant="no_grad")
        yield sample("mine:f", 1e-6, process, 0, mode="unit", case=ONE)
        yield ProcessEnded(purpose="steady", process=process, threads=1, rounds=ROUNDS, complete=True)
    # One process with two threads; of another one, killed in its first round, nothing counts.
    yield sample("torch.conv2d", 8e-6, 8, 0, threads=2)
    yield ProcessEnded(purpose="steady", process=8, threads=2, rounds=1, complete=True)
    yield sample("torch.conv2d", 800.0, 9, 0, threads=2)
    yield ProcessEnded(purpose="steady", process=9, threads=2, rounds=1, complete=False)
    for process in range(20, 25):
        yield cold("", "import", 1.5, process)
        yield cold("mine:f", "first_call", 4e-3, process)
    yield cold("torch.conv2d", "prepare", 1e-3, 20)
    yield cold("torch.conv2d", "prepare", 3e-3, 21)
    yield ceiling(10e9, 9e9, 11e9, 1)
    yield ceiling(12e9, 8e9, 13e9, 2)
    yield ceiling(11e9, 10e9, 12e9, 3)
    yield ceiling(1e-9, 1e-9, 2e-9, 1, name="instruction", working_set_bytes=0)


def event(name: str, ts: float, dur: float, **more: Any) -> dict[str, Any]:
    """Give an operator, or what `more` makes of it."""
    return {"ph": "X", "cat": "cpu_op", "name": name, "pid": 1, "tid": 1, "ts": ts, "dur": dur, **more}


def call_range(name: str, number: int, ts: float, dur: float) -> dict[str, Any]:
    """Give the range of a labelled call."""
    return event(write_label(CallLabel(name, CASE, number)), ts, dur, cat="user_annotation")


def memory(ts: float, amount: int) -> dict[str, Any]:
    """Give an allocation or a release."""
    return event("[memory]", ts, 0, ph="i", cat="cpu_instant_event", args={"Bytes": amount, "Device Type": 0})


def one_call(number: int, ts: float, dur: float) -> list[dict[str, Any]]:
    """Give one call of mine:f on an imagined device: mul within add, a kernel, a copy to it, three allocations."""
    launch = {"cat": "cuda_runtime", "args": {"correlation": 100 * number + 1}}
    copy = {"cat": "cuda_runtime", "args": {"correlation": 100 * number + 2}}
    kernel = {"device": 0, "stream": 7, "grid": [2, 1, 1], "block": [32, 4, 1], "registers per thread": 40}
    kernel |= {"shared memory": 512, "est. achieved occupancy %": 50, "correlation": 100 * number + 1}
    copied = {"cat": "gpu_memcpy", "pid": 0, "tid": 7, "args": {"bytes": 64, "correlation": 100 * number + 2}}
    return [
        call_range("mine:f", number, ts, dur),
        event("aten::add", ts + 1.5, 6),
        event("aten::mul", ts + 2, 2),
        event("cudaLaunchKernel", ts + 5, 1, **launch),
        event("cudaMemcpyAsync", ts + 6, 1, **copy),
        event("convolve", ts + 40, 2, cat="kernel", pid=0, tid=7, args=kernel),
        event("Memcpy HtoD (Pageable -> Device)", ts + 50, 1, **copied),
        event("aten::mul", ts + 8, 1),
        memory(ts + 2.1, 64),
        memory(ts + 2.2, 32),
        memory(ts + 3, -64),
        memory(ts + 4, 16),
    ]


def write_trace(run: RunDirectory, name: str, events: list[dict[str, Any]]) -> str:
    """Write a trace file and give its path as the journal has it."""
    run.traces.mkdir(parents=True, exist_ok=True)
    (run.traces / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps({"traceEvents": events}).encode()))
    return f"traces/{name}.json.gz"


def op_count(op: str, calls: int, read: int, written: int, allocated: int = 0, flops: int | None = None) -> OpCount:
    """Count one operator."""
    return OpCount(
        op=op,
        calls=calls,
        bytes_read=read,
        bytes_written=written,
        allocated_bytes=allocated,
        allocations=1 if allocated else 0,
        flops=flops,
    )


def write_counts(run: RunDirectory, name: str, *ops: list[OpCount] | None, **more: Any) -> str:
    """Write the counts of a call on the case and, where two lists are given, on the smallest input."""
    usual = {"instructions": 120, "python_calls": 7, "c_calls": 5, "peak_bytes": None}
    counts = [
        CallCounts(implementation=name.replace("_", ":"), case=case, ops=each, **{**usual, **more})
        for case, each in zip((CASE, ONE), ops, strict=False)
    ]
    run.traces.mkdir(parents=True, exist_ok=True)
    (run.traces / f"{name}.counts.json").write_bytes(msgspec.json.encode(counts))
    return f"traces/{name}.counts.json"


def captured(name: str, trace: str, counts: str, calls: int, reason: str = "") -> Captured:
    """Give one capture."""
    return Captured(
        implementation=name, case=CASE, device="cpu", threads=1, trace=trace, counts=counts, calls=calls, reason=reason
    )


def tiny_run(path: Path, records: Iterable[AnyRecord], threads: list[int] | None = None) -> RunDirectory:
    """Write a plan and a journal."""
    run = RunDirectory(path)
    run.write_manifest(manifest(threads or [1, 2]))
    with run.journal() as journal:
        for record in records:
            journal.append(record)
    return run


@pytest.fixture
def whole_run(tmp_path: Path) -> RunDirectory:
    """Give the run with two captures: mine:f with a trace of three calls, torch.conv2d with counts alone."""
    run = tiny_run(tmp_path / "run", measured())
    # The second call takes twice as long as the others: what it adds to times is no part of the tables.
    events = [*one_call(0, 10.5, 10), *one_call(1, 100.5, 20), *one_call(2, 200.5, 10)]
    trace = write_trace(run, "mine_f", events)
    mine = write_counts(
        run,
        "mine_f",
        [op_count("aten::mul", 2, 128, 64, 64, 16), op_count("numpy.pad", 1, 64, 144, 144)],
        [op_count("aten::mul", 2, 8, 4)],
        peak_bytes=200,
    )
    library = write_counts(run, "torch.conv2d", [op_count("aten::convolution", 1, 100, 64, 64, 288)], [])
    with run.journal() as journal:
        journal.append(captured("mine:f", trace, mine, 3))
        journal.append(captured("torch.conv2d", "", library, 0, "killed by SIGSEGV while being captured (record)"))
    return run
