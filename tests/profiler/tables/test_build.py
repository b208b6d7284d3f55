"""Whole tables from hand-built runs: columns, rows, order and values."""

from __future__ import annotations

import gzip
import importlib.util
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from profiler.counts import OpCount
from profiler.records import AnyRecord, Captured, LoadedKernel, Notice
from profiler.store import RunDirectory
from profiler.tables.build import BUILDERS, build_tables
from profiler.tables.ceilings import CEILINGS
from profiler.tables.cold import COLD
from profiler.tables.counts import COUNTS, copied_bytes
from profiler.tables.device_states import DEVICE_STATES
from profiler.tables.files import read_table
from profiler.tables.kernels import KERNELS
from profiler.tables.launches import LAUNCHES
from profiler.tables.memory import MEMORY
from profiler.tables.ops import OPS
from profiler.tables.python import PYTHON
from profiler.tables.samples import SAMPLES
from profiler.tables.schema import Table
from profiler.tables.summary import SUMMARY
from profiler.trace.device_states import STATES


def _helpers() -> ModuleType:
    """Import the folder's conftest as a module: its builders are functions, not fixtures."""
    spec = importlib.util.spec_from_file_location("tables_conftest", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hand = _helpers()
CASE, ONE = hand.CASE, hand.ONE
HERE = {"case": CASE, "device": "cpu", "threads": 1}
NAN = math.nan


def assert_table(run: RunDirectory, table: Table, rows: list[dict[str, Any]]) -> None:
    """Compare a table as a whole: columns and their types, the number of rows and their order, then the values."""
    found, expected = read_table(run, table), table.frame(rows)
    assert list(found.columns) == [column.name for column in table.columns]
    assert len(found) == len(rows)
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-9, atol=0)
    written = pd.read_csv(run.tables / f"{table.name}.csv")
    assert list(written.columns) == list(found.columns)
    assert len(written) == len(rows)


def test_every_table_is_declared_once_and_written(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    names = [table.name for table, _ in BUILDERS]
    assert names == [
        *(
            "samples",
            "summary",
            "cold",
            "ops",
            "launches",
            "launch_latency",
            "memory",
            "kernels",
            "device_states",
            "python",
            "counts",
        ),
        *("cpu_samples", "library_path", "criticality", "ceilings"),
        *("device_times", "clocks"),
    ]
    assert sorted(path.name for path in whole_run.tables.iterdir()) == sorted(
        f"{name}.{ending}" for name in names for ending in ("csv", "parquet")
    )


def test_summary(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    nothing = dict.fromkeys(column.name for column in SUMMARY.columns)
    library = {"family": "library", "status": "ok", "reason": "", "max_error": 1e-7, "error_bound": 2e-7}
    mine = {"family": "manual", "status": "ok", "max_error": 3e-7, "error_bound": 9e-7}
    exact = {
        "samples": 15,
        "processes": 5,
        "aa_floor": 0.0,
        "process_spread": 0.0,
        "process_disagreement": 0.0,
        "steady": True,
    }
    wrong = {"status": "wrong", "reason": "off by 3", "max_error": 3.0, "error_bound": 9e-7}
    dead = {"status": "crashed", "reason": "killed by SIGSEGV while being measured", "max_error": 0.0}
    gone = {"status": "unavailable", "reason": "no C compiler: install gcc"}
    late = {"status": "missing", "reason": "the run ended before its turn; complete it with --resume"}
    not_timed = "right, but not timed in the steady state"
    median = {name: dict.fromkeys(("median_s", "ci_low_s", "ci_high_s"), s) for name, s in hand.SECONDS.items()}
    ratio = {value: dict.fromkeys(("ratio", "ratio_ci_low", "ratio_ci_high"), value) for value in (1.0, 3.0)}
    one: dict[str, dict[str, Any]] = {
        "torch.conv2d": {**library, **median["torch.conv2d"], **exact, **ratio[1.0]},
        "mine:f": {**mine, "reason": "", **median["mine:f"], **exact, **ratio[3.0]},
        "mine:wrong": wrong,
        "mine:dead": {**dead, "error_bound": 9e-7},
        "gone": gone,
        "mine:late": late,
    }
    # A single process gives a median and no interval.
    single = {"median_s": 8e-6, "samples": 1, "processes": 1, "ratio": 1.0, "steady": True}
    two: dict[str, dict[str, Any]] = {
        "torch.conv2d": {**library, **single},
        "mine:f": {**mine, "reason": not_timed},
        "mine:wrong": wrong,
        "mine:dead": {"status": "ok", "reason": not_timed, "max_error": 0.0, "error_bound": 9e-7},
        "gone": gone,
        "mine:late": late,
    }
    rows = [
        {**nothing, **HERE, "threads": threads, "implementation": name, "family": hand.FAMILIES[name], **row}
        for threads, condition in ((1, one), (2, two))
        for name, row in condition.items()
    ]
    assert_table(whole_run, SUMMARY, rows)


def test_samples_are_those_that_count_in_the_order_measured(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    expected = [record for record in whole_run.records() if isinstance(record, hand.Sample) and record.process != 9]
    names = [column.name for column in SAMPLES.columns]
    assert_table(whole_run, SAMPLES, [{name: getattr(each, name) for name in names} for each in expected])


def test_cold(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    rows = [
        ("", "", "import", 1.5, 1.5, 1.5, 1.5, 5),
        ("torch.conv2d", CASE, "prepare", 2e-3, NAN, NAN, 1e-3, 2),
        ("mine:f", CASE, "first_call", 4e-3, 4e-3, 4e-3, 4e-3, 5),
    ]
    names = ("implementation", "case", "stage", "median_s", "ci_low_s", "ci_high_s", "first_s", "processes")
    assert_table(whole_run, COLD, [{**HERE, **dict(zip(names, row, strict=True))} for row in rows])


def test_ops(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    rows = [
        # Without a trace, what the dispatcher counted.
        ("torch.conv2d", "aten::convolution", 1.0, NAN, NAN, 100.0, 64.0, 288.0),
        # aten::add lies around one of two aten::mul; its bytes are not seen by the dispatcher.
        ("mine:f", "aten::add", 1.0, 0.0, 4e-6, NAN, NAN, NAN),
        ("mine:f", "aten::mul", 2.0, 2.0, 3e-6, 128.0, 64.0, 16.0),
    ]
    names = ("implementation", "op", "calls", "leaf_calls", "self_s", "bytes_read", "bytes_written", "flops")
    assert_table(whole_run, OPS, [{**HERE, **dict(zip(names, row, strict=True))} for row in rows])


def test_launches(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    nothing = dict.fromkeys(column.name for column in LAUNCHES.columns)
    mine = {
        "ops": 3, "leaf_ops": 2, "kernel_launches": 1, "graph_launches": 0, "memcpys": 1, "memsets": 0,
        "synchronizations": 0, "device_allocations": 0, "kernels": 1, "queue_depth": 0.5,
        # From the first launch at 5 to the kernel's start at 40; the copy was launched while the kernel was waiting.
        "exposed_launch_s": 35e-6,
    }  # fmt: skip
    assert_table(
        whole_run,
        LAUNCHES,
        [
            {**nothing, **HERE, "implementation": "torch.conv2d"},
            {**HERE, "implementation": "mine:f", **mine},
        ],
    )


def test_memory(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    # 4x4 image and output and a 3x3 kernel of float32; faults are 0, 2 and 4 in the rounds of each process.
    common = {**HERE, "compulsory_bytes": 4 * (16 + 9 + 16), "minor_faults": 2.0}
    nothing = dict.fromkeys(column.name for column in MEMORY.columns)
    mine = {
        "op_bytes": 128 + 64 + 64 + 144,
        "allocated_bytes": (64 + 32 + 16) + 144,  # torch's, and NumPy's padding
        "scratch_bytes": (64 + 32 + 16) - 64,  # aten::mul's output is 64 bytes; the rest is inside
        "allocations": 3 + 1,
        "peak_bytes": (64 + 32) + 200,
        "h2d_bytes": 64,
        "d2h_bytes": 0,
        "d2d_bytes": 0,
        "set_bytes": 0,
    }
    assert_table(
        whole_run,
        MEMORY,
        [
            {**nothing, **common, "implementation": "torch.conv2d", "op_bytes": 164},
            {**common, "implementation": "mine:f", **mine},
        ],
    )


def test_kernels(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    row = {
        "kernel": "convolve", "device_number": 0, "stream": "7", "launches": 1.0, "device_s": 2e-6, "share": 1.0,
        "median_s": 2e-6, "grid": "2x1x1", "block": "32x4x1", "registers": 40, "shared_bytes": 512,
        "local_bytes_per_thread": None, "occupancy": 0.5, "kind": "compute", "operator": "aten::add", "bytes": NAN,
        "bytes_basis": "unknown", "bytes_per_s": NAN, "bandwidth_share": NAN, "flops": NAN, "flops_basis": "unknown",
        "flops_per_s": NAN, "peak_share": NAN,
    }  # fmt: skip
    assert_table(whole_run, KERNELS, [{**HERE, "implementation": "mine:f", **row}])


@pytest.mark.parametrize(
    ("loaded", "expected"),
    [
        ([("convolve", 40, 512, 24)], 24),
        ([("convolve", 40, 512, 24), ("convolve", 41, 512, 8), ("other", 40, 512, 8)], 24),
        ([("convolve", 40, 512, 24), ("convolve", 40, 0, 8)], None),  # two that it may have been
        ([("convolve", 40, 513, 24)], None),  # launched with less than that one takes
    ],
)
def test_local_memory_is_what_the_process_says_of_the_one_kernel_that_fits(
    loaded: list[tuple[str, int, int, int]], expected: int | None, whole_run: RunDirectory
) -> None:
    kernels = tuple(
        LoadedKernel(kernel=kernel, registers=registers, shared_bytes=shared, local_bytes=local)
        for kernel, registers, shared, local in loaded
    )
    told = next(each for each in whole_run.records() if isinstance(each, Captured) and each.implementation == "mine:f")
    with whole_run.journal() as journal:
        journal.append(msgspec.structs.replace(told, kernels=kernels))
    build_tables(whole_run)
    found = read_table(whole_run, KERNELS)["local_bytes_per_thread"].tolist()
    assert [None if pd.isna(each) else each for each in found] == [expected]


def test_device_states(whole_run: RunDirectory) -> None:
    """A call lasts until its copy has ended, 51 microseconds after its start, whatever its range says."""
    build_tables(whole_run)
    microseconds = {
        "kernel": 2, "copy": 1, "gap": 50 - 42, "launch": 2, "latency": 40 - 7, "operator": 3.5, "python": 1.5,
    }  # fmt: skip
    rows = [
        {
            "device_number": 0, "stream": "all", "state": state, "seconds": microseconds.get(state, 0) * 1e-6,
            "share": microseconds.get(state, 0) / 51, "share_low": NAN, "share_high": NAN, "calls": 3,
        }
        for state in STATES
    ]  # fmt: skip
    assert_table(whole_run, DEVICE_STATES, [{**HERE, "implementation": "mine:f", **row} for row in rows])


def test_a_kernel_that_was_dropped_is_named_and_no_device_is_told_of(whole_run: RunDirectory) -> None:
    events = [each for each in hand.one_call(0, 10.5, 10) if each["cat"] != "kernel"]
    hand.write_trace(whole_run, "mine_f", events)
    with whole_run.journal() as journal:
        journal.append(hand.captured("mine:f", "traces/mine_f.json.gz", "traces/mine_f.counts.json", 1))
    build_tables(whole_run)
    (notice,) = _notices(whole_run)
    assert "1 of 1 launches have no kernel in the trace (cudaLaunchKernel)" in notice.text
    assert read_table(whole_run, KERNELS).empty
    assert read_table(whole_run, DEVICE_STATES).empty
    assert read_table(whole_run, LAUNCHES)["kernel_launches"].sum() == 1


def test_python(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    counts = {"python_calls": 7, "c_calls": 5, "instructions": 120}
    times = {"python_s": 3e-6, "python_share": 0.3, "range_s": 10e-6}
    assert_table(
        whole_run,
        PYTHON,
        [
            {**HERE, "implementation": "torch.conv2d", **dict.fromkeys(times), **counts},
            {**HERE, "implementation": "mine:f", **times, **counts},
        ],
    )


def test_counts(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    rows = [
        ("torch.conv2d", CASE, 1.0, 164.0, 64.0, 288.0),
        ("torch.conv2d", ONE, 0.0, NAN, NAN, NAN),
        ("mine:f", CASE, 3.0, 400.0, 208.0, 16.0),
        ("mine:f", ONE, 2.0, 12.0, 0.0, NAN),
    ]
    names = ("implementation", "case", "ops", "op_bytes", "allocated_bytes", "flops")
    python = {"instructions": 120, "python_calls": 7, "c_calls": 5}
    copies = [0.0, NAN, 208.0, 0.0]
    expected = [
        {**HERE, **python, "copy_bytes": copied, **dict(zip(names, row, strict=True))}
        for row, copied in zip(rows, copies, strict=True)
    ]
    assert_table(whole_run, COUNTS, expected)


@pytest.mark.parametrize(
    ("op", "copies"),
    [("aten::copy_", True), ("aten::constant_pad_nd", True), ("numpy.copyto", True), ("numpy.pad", True),
     ("numpy.ndarray.__setitem__", True), ("aten::mul", False), ("aten::convolution", False), ("numpy.add", False),
     ("aten::addcmul_", False), ("aten::_to_copy", True), ("aten::fill_", True)],
)  # fmt: skip
def test_operators_that_only_copy_are_known_by_name(op: str, copies: bool) -> None:
    assert copied_bytes([OpCount(op=op, calls=1, bytes_read=3, bytes_written=4, allocated_bytes=0, allocations=0)]) == (
        7 if copies else 0
    )


def test_ceilings(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    rows = [("copy_bandwidth", 4096, 11e9, 8e9, 13e9, 3), ("instruction", 0, 1e-9, 1e-9, 2e-9, 1)]
    names = ("name", "working_set_bytes", "value", "low", "high", "processes")
    here = {"device": "cpu", "threads": 1}
    assert_table(whole_run, CEILINGS, [{**here, **dict(zip(names, row, strict=True))} for row in rows])


def test_what_operators_and_python_take_is_the_whole_of_a_call(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    own = read_table(whole_run, OPS).groupby("implementation")["self_s"].sum()["mine:f"]
    python = read_table(whole_run, PYTHON).set_index("implementation").loc["mine:f"]
    assert own + python["python_s"] == pytest.approx(python["range_s"], rel=1e-12)


def test_an_interval_of_a_ratio_is_never_narrower_than_what_two_instances_show(tmp_path: Path) -> None:
    def records() -> list[AnyRecord]:
        found: list[AnyRecord] = [hand.outcome("torch.conv2d"), hand.outcome("mine:f")]
        for process in range(1, 6):
            for number in range(3):
                found += [
                    hand.sample("torch.conv2d", 10e-6, process, number),
                    hand.sample("torch.conv2d", 11e-6, process, number, mode="twin"),
                    hand.sample("mine:f", 30e-6, process, number),
                ]
            found.append(hand.ProcessEnded(purpose="steady", process=process, threads=1, rounds=3, complete=True))
        return found

    run = hand.tiny_run(tmp_path / "run", records(), threads=[1])
    build_tables(run)
    summary = read_table(run, SUMMARY).set_index("implementation")
    assert summary.loc["torch.conv2d", "aa_floor"] == pytest.approx(0.1)
    assert math.isnan(summary.loc["mine:f", "aa_floor"])
    for name, ratio in (("torch.conv2d", 1.0), ("mine:f", 3.0)):
        row = summary.loc[name, ["ratio", "ratio_ci_low", "ratio_ci_high"]]
        assert row.tolist() == pytest.approx([ratio, ratio / 1.1, ratio * 1.1])


@pytest.mark.parametrize(("rising", "steady"), [(1, True), (2, False)])
def test_a_steady_state_needs_more_than_all_processes_but_one(tmp_path: Path, rising: int, steady: bool) -> None:
    records: list[AnyRecord] = [hand.outcome("torch.conv2d")]
    for process in range(1, 6):
        for number in range(10):
            seconds = 10e-6 * (1 + (0.1 * number if process <= rising else 0))
            records.append(hand.sample("torch.conv2d", seconds, process, number))
        records.append(hand.ProcessEnded(purpose="steady", process=process, threads=1, rounds=10, complete=True))
    run = hand.tiny_run(tmp_path / "run", records, threads=[1])
    build_tables(run)
    assert read_table(run, SUMMARY).set_index("implementation").loc["torch.conv2d", "steady"] == steady


def test_without_a_baseline_that_is_right_nothing_is_compared(tmp_path: Path) -> None:
    records = [
        record
        for record in hand.measured()
        if not (isinstance(record, hand.Outcome) and record.implementation == "torch.conv2d")
    ]
    run = hand.tiny_run(tmp_path / "run", [*records, hand.outcome("torch.conv2d", "hung", reason="no answer")])
    build_tables(run)
    summary = read_table(run, SUMMARY)
    assert summary["ratio"].isna().all()
    assert summary["median_s"].notna().sum() == 1


@pytest.mark.parametrize("measured", [0, 1, 8, 30])
def test_a_run_that_was_cut_short_has_every_table(tmp_path: Path, measured: int) -> None:
    run = hand.tiny_run(tmp_path / "run", list(hand.measured())[:measured])
    build_tables(run)
    for table, _ in BUILDERS:
        read_table(run, table)
    summary = read_table(run, SUMMARY)
    assert len(summary) == 2 * len(hand.FAMILIES)
    assert summary["status"].isin(["ok", "wrong", "crashed", "unavailable", "missing"]).all()
    right = summary[(summary["status"] == "ok") & (summary["threads"] == 1)]
    for table in (LAUNCHES, MEMORY, PYTHON):
        assert list(read_table(run, table)["implementation"]) == list(right["implementation"])
    assert read_table(run, LAUNCHES)["ops"].isna().all()


def _notices(run: RunDirectory) -> list[Notice]:
    return [record for record in run.records() if isinstance(record, Notice)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(json.dumps({"traceEvents": hand.one_call(0, 10.5, 10)}).encode()), "2 of 3 labelled calls"),
        (gzip.compress(json.dumps({"traceEvents": []}).encode())[:-4], "cut short"),
        (b"nonsense", "not whole JSON"),
    ],
)
def test_an_unsound_trace_is_named_once_and_not_averaged(whole_run: RunDirectory, content: bytes, words: str) -> None:
    (whole_run.traces / "mine_f.json.gz").write_bytes(content)
    build_tables(whole_run)
    build_tables(whole_run)
    (notice,) = _notices(whole_run)
    assert notice.code == "unsound_trace"
    assert notice.text.startswith(f"mine:f on {CASE}: ")
    assert words in notice.text
    assert str(whole_run.path) not in notice.text
    assert read_table(whole_run, LAUNCHES)["ops"].isna().all()
    python = read_table(whole_run, PYTHON).set_index("implementation").loc["mine:f"]
    assert math.isnan(python["python_s"])
    assert python["instructions"] == 120  # counted in another pass
    memory = read_table(whole_run, MEMORY).set_index("implementation").loc["mine:f"]
    assert math.isnan(memory["allocated_bytes"])
    assert memory["op_bytes"] == 400


def test_a_trace_that_was_taken_away_is_no_unsound_one(whole_run: RunDirectory) -> None:
    (whole_run.traces / "mine_f.json.gz").unlink()
    build_tables(whole_run)
    (notice,) = _notices(whole_run)
    assert (notice.code, notice.implementation) == ("trace_not_kept", "mine:f")


def test_counts_that_cannot_be_read_are_named(whole_run: RunDirectory) -> None:
    (whole_run.traces / "mine_f.counts.json").write_bytes(b"[{}]")
    build_tables(whole_run)
    (notice,) = _notices(whole_run)
    assert notice.code == "unreadable_counts"
    assert notice.text.startswith(f"mine:f on {CASE}: ")
    assert set(read_table(whole_run, COUNTS)["implementation"]) == {"torch.conv2d"}
    assert read_table(whole_run, LAUNCHES).set_index("implementation").loc["mine:f", "ops"] == 3


def test_operators_that_were_not_counted_are_not_0(tmp_path: Path) -> None:
    run = hand.tiny_run(tmp_path / "run", hand.measured())
    counts = hand.write_counts(run, "mine_f", None, [], instructions=None, python_calls=None, c_calls=None)
    with run.journal() as journal:
        journal.append(hand.captured("mine:f", "", counts, 0, "more than 600,000 in a call"))
    build_tables(run)
    row = read_table(run, COUNTS).set_index(["implementation", "case"]).loc[("mine:f", CASE)]
    assert row[["ops", "op_bytes", "allocated_bytes", "flops", "instructions"]].isna().all()
    assert read_table(run, OPS).empty


def test_tables_are_built_without_torch(whole_run: RunDirectory) -> None:
    import subprocess
    import sys

    program = (
        "import sys\nfrom pathlib import Path\nfrom profiler.store import RunDirectory\n"
        "from profiler.tables.build import build_tables\n"
        "sys.modules['torch'] = None\nsys.modules['nvtx'] = None\n"
        f"build_tables(RunDirectory(Path({str(whole_run.path)!r})))\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
    assert len(read_table(whole_run, OPS)) == 3


def test_the_same_run_gives_the_same_tables(whole_run: RunDirectory) -> None:
    build_tables(whole_run)
    first = {path.name: path.read_bytes() for path in whole_run.tables.glob("*.csv")}
    build_tables(whole_run)
    assert {path.name: path.read_bytes() for path in whole_run.tables.glob("*.csv")} == first
    assert not np.isinf(read_table(whole_run, SUMMARY).select_dtypes("float64").to_numpy()).any()
