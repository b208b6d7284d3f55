"""Budgets and gaps of a run on a GPU, from traces of Kineto's form whose every microsecond was laid out by hand.

Each trace holds five calls that are alike. The host's clock and the device's are the same; times are in microseconds
from the begin of a call.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pandas as pd
import pytest

from impls.contract import Family
from profiler.attribution.causes import CAUSE_IDS
from profiler.attribution.run import attribute
from profiler.labels import CallLabel, write_label
from profiler.manifest import MANIFEST_VERSION, Environment, Manifest, PlannedImplementation
from profiler.measure.samples import write_samples
from profiler.records import AnyRecord, Captured, Ceiling, Outcome, ProcessEnded, Sample
from profiler.report.markdown import verdicts
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.build import build_tables
from profiler.tables.files import read_table
from profiler.tables.launches import LAUNCHES

CASE, DEVICE = "ic1ih1000oc1kh3ph1", "cuda"
LIBRARY, KERNEL, OPERATORS = "torch.conv2d", "cuda.direct", "torch.shift_add"
MEDIANS = {LIBRARY: 19.0, KERNEL: 7.8, OPERATORS: 118.0}
CALLS, APART = 5, 1000.0
# 8,000,036 bytes at 5 TB/s take longer than 18,000,000 FLOP at 50 TFLOP/s.
BANDWIDTH, PEAK = 5e12, 50e12
FLOOR = 8_000_036 / BANDWIDTH * 1e6

Event = dict[str, Any]


def _host(category: str, name: str, begin: float, end: float, correlation: int | None = None) -> Event:
    arguments = {} if correlation is None else {"correlation": correlation}
    where = {"ph": "X", "pid": 1, "tid": 1, "cat": category, "name": name, "args": arguments}
    return where | {"ts": begin, "dur": end - begin}


def _launch(begin: float, end: float, correlation: int) -> Event:
    return _host("cuda_runtime", "cudaLaunchKernel", begin, end, correlation)


def _wait(begin: float, end: float) -> Event:
    return _host("cuda_runtime", "cudaDeviceSynchronize", begin, end, 999)


def _kernel(name: str, begin: float, end: float, correlation: int) -> Event:
    details = {"device": 0, "stream": 7, "correlation": correlation, "grid": [32, 125, 1], "block": [32, 8, 1]}
    where = {"ph": "X", "pid": 0, "tid": 7, "cat": "kernel", "name": name, "args": details}
    return where | {"ts": begin, "dur": end - begin}


def _kernel_call() -> tuple[float, list[Event]]:
    """Launch once from Python. Idle: 6 in it, 4 in the launch, 2 on its way; the capture waits; and 2 in Python."""
    return 24, [_launch(6, 10, 1), _kernel("convolution_direct", 14, 20.1, 1), _wait(12, 22)]


def _library_call() -> tuple[float, list[Event]]:
    """Launch once in an operator. Idle: 2 in Python, 18 in it, 5 in the launch, 4 on its way, and 2 in Python."""
    operator = _host("cpu_op", "aten::conv2d", 2, 30)
    return 44, [operator, _launch(20, 25, 1), _kernel("implicit_convolve_sgemm", 29, 40.2, 1), _wait(33, 42)]


def _operators_call() -> tuple[float, list[Event]]:
    """Pad, then compute nine products and nine sums, each an operator with a launch of its own.

    Idle before the padding: 4 in Python, 4 in the operator, 2 in its launch, 3 on its way; before the first product 5,
    2, 2 and 2. The next sixteen are launched when the one before has ended, 2 and 2 on the way; the last while a longer
    one runs, after which the device pauses for 1. The end is 2 of waiting, 2 of Python.
    """
    events = [_host("cpu_op", "aten::constant_pad_nd", 4, 12), _launch(8, 10, 1), _wait(185, 190)]
    events.append(_kernel("constant_pad_kernel", 13, 15, 1))
    for number in range(18):
        begin = 20 + 9 * number
        name = "aten::add_" if number % 2 else "aten::mul"
        events += [_host("cpu_op", name, begin, begin + 6), _launch(begin + 2, begin + 4, number + 2)]
        started = 183 if number == 17 else begin + 6
        ended = {16: 182, 17: 188}.get(number, begin + 11)
        events.append(_kernel("vectorized_elementwise_kernel", started, ended, number + 2))
    return 192, events


_CALLS = {KERNEL: _kernel_call, LIBRARY: _library_call, OPERATORS: _operators_call}

# Of the time that the median leaves beside the device's work and its gaps, by the sums above.
_KERNEL_IDLE, _LIBRARY_IDLE, _OPERATORS_IDLE = 7.8 - 6.1, 19 - 11.2, 118 - 99 - 1
EXPECTED = {
    KERNEL: {
        "interpreter": _KERNEL_IDLE * 8 / 14,
        "launch": _KERNEL_IDLE * 6 / 14,
        "arithmetic": 6.1 - FLOOR,
        "floor": FLOOR,
    },
    LIBRARY: {
        "interpreter": _LIBRARY_IDLE * 4 / 31,
        "dispatch": _LIBRARY_IDLE * 18 / 31,
        "launch": _LIBRARY_IDLE * 9 / 31,
        "arithmetic": 11.2 - FLOOR,
        "floor": FLOOR,
    },
    OPERATORS: {
        "interpreter": _OPERATORS_IDLE * 11 / 90,
        "dispatch": _OPERATORS_IDLE * 6 / 90,
        "launch": _OPERATORS_IDLE * 73 / 90,
        "idle": 1.0,
        "traffic": 2.0,
        "arithmetic": 97 - FLOOR,
        "floor": FLOOR,
    },
}


def _trace(name: str) -> bytes:
    length, one = _CALLS[name]()
    events = []
    for number in range(CALLS):
        start = 1e9 + number * APART
        label = write_label(CallLabel(name, CASE, number))
        for event in [_host("user_annotation", label, 0, length), *one]:
            moved = {key: value + 100 * number for key, value in event["args"].items() if key == "correlation"}
            events.append({**event, "ts": start + event["ts"], "args": event["args"] | moved})
    return gzip.compress(json.dumps({"schemaVersion": 1, "traceEvents": events}).encode())


def _manifest() -> Manifest:
    empty = dict.fromkeys(Environment.__struct_fields__, "")
    numbers = {"cores": 8, "usable_cores": 8, "memory_bytes": 1, "load_average": 0.0, "caches": {}, "packages": {}}
    families: dict[str, Family] = {LIBRARY: "library", KERNEL: "manual", OPERATORS: "manual"}
    return Manifest(
        version=MANIFEST_VERSION,
        convprof="0.1.0",
        created="2025-01-30T12:00:00+00:00",
        command=[],
        seed=7,
        device=DEVICE,
        cases=[CASE],
        implementations=[
            PlannedImplementation(name=name, family=family, summary="", source="catalog")
            for name, family in families.items()
        ],
        unavailable=[],
        baseline=LIBRARY,
        threads=[1],
        time_s=10.0,
        call_limit_s=5.0,
        environment=msgspec.convert({**empty, **numbers, "accelerator": None}, Environment),
    )


def _records() -> Iterator[AnyRecord]:
    for name, microseconds in MEDIANS.items():
        for process in range(1, 6):
            for number in range(3):
                yield Sample(
                    implementation=name, variant="", case=CASE, device=DEVICE, threads=1, mode="steady",
                    process=process, round=number, calls=100, seconds_per_call=microseconds * 1e-6,
                    cpu_seconds_per_call=microseconds * 1e-6, minor_faults_per_call=0.0, involuntary_switches=0,
                )  # fmt: skip
        yield Outcome(implementation=name, case=CASE, device=DEVICE, threads=1, phase="steady", status="ok",
                      max_error=2e-7, error_bound=5e-6)  # fmt: skip
        yield Captured(implementation=name, case=CASE, device=DEVICE, threads=1, trace=f"traces/{name}.json.gz",
                       counts="", calls=CALLS, reason="")  # fmt: skip
    for process in range(1, 6):
        yield ProcessEnded(purpose="steady", process=process, threads=1, rounds=3, complete=True)
    for limit, working_set, value in (("copy_bandwidth", 32 << 20, BANDWIDTH), ("multiply_add_peak", 0, PEAK)):
        # A host with limits of its own stands beside it: a GPU's floor is not made of them.
        for device, share in ((DEVICE, 1.0), ("cpu", 1e-3)):
            yield Ceiling(name=limit, device=device, threads=1, process=1, value=share * value, low=share * value,
                          high=share * value, working_set_bytes=working_set)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    made = RunDirectory(tmp_path_factory.mktemp("gpu") / "run")
    made.write_manifest(_manifest())
    made.traces.mkdir()
    for name in MEDIANS:
        (made.traces / f"{name}.json.gz").write_bytes(_trace(name))
    with made.journal() as journal:
        for record in _records():
            journal.append(record)
    write_samples(made)
    build_tables(made)
    attribute(made)
    return made


def _table(run: RunDirectory, name: str, *columns: str) -> pd.DataFrame:
    return pd.read_parquet(run.tables / f"{name}.parquet")[list(columns)]


def _seconds(name: str, cause: str) -> float:
    explained = EXPECTED[name].get(cause, 0.0)
    return 1e-6 * (MEDIANS[name] - sum(EXPECTED[name].values()) if cause == "residual" else explained)


def test_every_budget_is_what_the_hand_says(run: RunDirectory) -> None:
    expected = pd.DataFrame(
        [(name, CASE, DEVICE, 1, cause, _seconds(name, cause)) for name in MEDIANS for cause in CAUSE_IDS],
        columns=["implementation", "case", "device", "threads", "cause", "seconds"],
    )
    found = _table(run, "budget", *expected.columns)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9, atol=1e-14)


def test_every_gap_is_the_difference_of_budgets_and_its_rows_sum_to_it(run: RunDirectory) -> None:
    expected = pd.DataFrame(
        [
            (name, LIBRARY, CASE, DEVICE, 1, cause, _seconds(name, cause) - _seconds(LIBRARY, cause))
            for name in (KERNEL, OPERATORS)
            for cause in CAUSE_IDS
        ],
        columns=["subject", "baseline", "case", "device", "threads", "cause", "seconds"],
    )
    found = _table(run, "attribution", *expected.columns)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9, atol=1e-14)
    sums = found.groupby("subject")["seconds"].sum().to_dict()
    assert sums == pytest.approx({KERNEL: (7.8 - 19) * 1e-6, OPERATORS: (118 - 19) * 1e-6}, rel=1e-12)


def test_no_gap_is_refused_and_only_the_floor_is_confirmed(run: RunDirectory) -> None:
    found = _table(run, "attribution", "cause", "status", "refusal")
    assert set(found["refusal"]) == {""}
    known = found[found["cause"].isin(("launch", "dispatch", "interpreter", "arithmetic", "floor"))]
    assert set(known["status"][known["cause"] == "floor"]) == {"confirmed"}
    assert set(known["status"][known["cause"] != "floor"]) == {"unconfirmed"}


def test_launches_are_counted_without_the_wait_of_whoever_recorded(run: RunDirectory) -> None:
    found = read_table(run, LAUNCHES).set_index("implementation")
    counted = found[["kernel_launches", "kernels", "synchronizations", "memcpys"]]
    assert {str(name): list(row) for name, row in counted.iterrows()} == {
        LIBRARY: [1, 1, 0, 0],
        KERNEL: [1, 1, 0, 0],
        OPERATORS: [19, 19, 0, 0],
    }


def test_the_headline_names_causes_in_a_device_s_words(run: RunDirectory) -> None:
    (headline,) = verdicts(RunView(run))
    assert headline == (
        "Here, on `ic1ih1000oc1kh3ph1` with `cuda`, `torch.shift_add` takes 6.21x the time of `torch.conv2d` (95 %: "
        "6.21x to 6.21x), because of work in the device's kernels beyond the floor (87 % of the gap, unconfirmed); "
        "`cuda.direct` takes 0.411x (95 %: 0.411x to 0.411x), because it saves work in the device's kernels beyond the "
        "floor (46 % of the gap, unconfirmed) and operator dispatch (40 % of the gap, unconfirmed)."
    )
