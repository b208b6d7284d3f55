"""From a plan to the report on a device that works through a queue: the stand-in, in real workers of every phase."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from profiler.measure.plan import make_manifest
from profiler.store import RunDirectory

_STANDIN = Path(__file__).parents[1] / "standin"
_CASE = "ic1ih6oc1kh3ph1"
_NAMES = ["torch.conv2d", "article.module", "torch.shift_add"]
_TIME_S = 9.0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Plan a run by hand, since the command knows no device of this name, and let the command carry it out."""
    made = RunDirectory(tmp_path_factory.mktemp("device") / "run")
    planned = make_manifest(
        cases=[_CASE],
        implementations=_NAMES,
        baseline=None,
        device="cpu",
        threads=1,
        time_s=_TIME_S,
        call_limit_s=10.0,
        command=["convprof", "analyze"],
        seed=7,
    )
    made.write_manifest(msgspec.structs.replace(planned, device="standin"))
    done = subprocess.run(
        [sys.executable, "-m", "profiler.cli", "analyze", "--resume", str(made.path)],
        env={**os.environ, "PYTHONPATH": str(_STANDIN)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return made


def _table(run: RunDirectory, name: str) -> pd.DataFrame:
    return pd.read_parquet(run.tables / f"{name}.parquet")


def test_everything_computes_on_the_device_and_is_right(run: RunDirectory) -> None:
    summary = _table(run, "summary")
    assert dict(zip(summary["implementation"], summary["status"], strict=True)) == dict.fromkeys(_NAMES, "ok"), [
        str(reason) for reason in summary["reason"]
    ]


def test_every_table_is_of_that_device_alone_and_of_threads_of_the_host(run: RunDirectory) -> None:
    keyed = {path.stem: pd.read_parquet(path) for path in run.tables.glob("*.parquet")}
    keyed = {name: frame for name, frame in keyed.items() if "device" in frame and len(frame)}
    assert {"summary", "cold", "ops", "launches", "memory", "budget", "attribution", "device_times"} <= set(keyed)
    # What a bytecode instruction, a page fault or a wait costs is the host's, and stands under the run's device too.
    assert {(name, device) for name, frame in keyed.items() for device in frame["device"]} == {
        (name, "standin") for name in keyed
    }
    assert {threads for frame in keyed.values() for threads in frame["threads"]} == {1}


def test_every_figure_of_the_device_is_there(run: RunDirectory) -> None:
    times = _table(run, "device_times")
    missing = run.report_path.read_text().count("there is no figure")
    figures = {"throughput", "isolated_latency", "device_only", "cache_warm", "cache_flushed"}
    for name in _NAMES:
        found = set(times["figure"][times["implementation"] == name])
        assert {"throughput", "isolated_latency"} <= found
        assert missing or figures <= found  # a busy machine may not run ahead, and the report says so


def test_gaps_sum_and_nothing_of_the_processor_explains_them(run: RunDirectory) -> None:
    budgets = _table(run, "budget").pivot_table(index="implementation", columns="cause", values="seconds")
    medians = _table(run, "summary").set_index("implementation")["median_s"]
    assert budgets.sum(axis="columns").to_dict() == pytest.approx(medians.to_dict(), rel=1e-9)
    # torch's profiler sees nothing of this device, so that only the floor and the switch of gradients can be told.
    told = budgets.columns[(budgets != 0).any()]
    assert set(told) <= {"floor", "autograd", "allocation", "residual"}
    assert (budgets["floor"] > 0).all()


def test_the_report_speaks_of_the_device_and_of_host_threads(run: RunDirectory) -> None:
    report = run.report_path.read_text()
    first, *_ = report.splitlines()
    assert "`standin`" in first
    for said in (
        "standin, 1 host thread\n",
        "## On the device",
        "torch's profiler saw nothing of this device",
        "The first steps on the device",
        "copies and peak those of standin",
        "CPU samples and oneDNN's words are of calls on the CPU, and are not taken here.",
    ):
        assert said in report
    for unsaid in ("Where the processor was", "What the library does inside", "without_onednn", "denormals_flushed"):
        assert unsaid not in report
