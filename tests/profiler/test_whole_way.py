"""From the command to the report, with real workers: what a user gets, whatever an implementation does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from profiler.measure.samples import kept_samples
from profiler.records import ProcessEnded, Sample
from profiler.store import RunDirectory

_CASE = "ic1ih6oc1kh3ph1"
_FAULTS = '''
import ctypes, os, sys, time
import numpy as np
import torch


def right(image: torch.Tensor, weight: torch.Tensor):
    """Compute it with the library."""
    return torch.nn.functional.conv2d(image, weight, padding=1)


def raises(image, weight):
    raise ValueError("a message with a | and\\na second line")


def wrong_shape(image, weight):
    return image[:, :, 1:]


def wrong_type(image, weight):
    return "not a tensor"


def not_a_number(image, weight):
    return right(image, weight) * float("nan")


def off_by_little(image: np.ndarray, weight: np.ndarray):
    return right(torch.from_numpy(image), torch.from_numpy(weight)).numpy() * np.float32(1.001)


def exits(image, weight):
    sys.exit(0)


def exits_hard(image, weight):
    os._exit(7)


def crashes(image, weight):
    ctypes.string_at(0)


def hangs(image, weight):
    time.sleep(600)
'''
_EXPECTED = {
    "faults:right": ("ok", ""),
    "faults:raises": ("raised", "ValueError: a message"),
    "faults:wrong_shape": ("wrong", "shape"),
    "faults:wrong_type": ("wrong", "str"),
    "faults:not_a_number": ("wrong", "NaN"),
    "faults:off_by_little": ("wrong", "bound"),
    "faults:exits": ("exited", ""),
    "faults:exits_hard": ("exited", "7"),
    "faults:crashes": ("crashed", "SIGSEGV"),
    "faults:hangs": ("hung", "2"),
    "faults:absent": ("missing", "absent"),
    "nowhere:f": ("missing", "nowhere.py"),
}


def convprof(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "profiler.cli", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_every_fault_of_a_reader_s_function_has_its_row_and_the_others_are_measured(tmp_path: Path) -> None:
    (tmp_path / "faults.py").write_text(_FAULTS)
    named = [option for name in _EXPECTED for option in ("--impl", f"{name.split(':')[0]}.py:{name.split(':')[1]}")]
    answer = convprof(
        "analyze", "--case", _CASE, *named, "--impl", "torch.conv2d", "--impl", "article.numpy_loop",
        "--time", "20", "--call-limit", "2", "--threads", "1", "--json", "--out", "run",
        cwd=tmp_path,
    )  # fmt: skip
    assert answer.returncode == 3, answer.stderr
    json.loads(answer.stdout)
    run = RunDirectory.open(tmp_path / "run")
    summary = pd.read_parquet(run.tables / "summary.parquet").set_index("implementation")
    for name, (status, fragment) in _EXPECTED.items():
        row = summary.loc[name]
        assert row["status"] == status, (name, row["status"], row["reason"])
        assert fragment in row["reason"], (name, row["reason"])
        assert "\n" not in row["reason"]
        failed = [line for line in answer.stderr.splitlines() if line.startswith(f"convprof: {name} ")]
        assert len(failed) == (0 if status == "ok" else 1), (name, failed)
    for name in ("faults:right", "torch.conv2d", "article.numpy_loop"):
        assert summary.loc[name, "status"] == "ok"
        assert summary.loc[name, "median_s"] > 0
    ranked = summary["ratio"].notna()
    assert set(summary.index[ranked]) == {"faults:right", "torch.conv2d", "article.numpy_loop"}
    report = run.report_path.read_text()
    assert all(name in report for name in _EXPECTED)
    budget = pd.read_parquet(run.tables / "budget.parquet")
    sums = budget[budget["threads"] == 1].groupby("implementation")["seconds"].sum()
    assert sums.to_dict() == pytest.approx(summary.loc[sums.index, "median_s"].to_dict())


def _start(tmp_path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable, "-m", "profiler.cli", "analyze", "--case", _CASE, "--impl", "numpy.shift_add",
            "--threads", "1", "--time", "25", "--out", "run",
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_interruptible,  # noqa: PLW1509 - no other thread runs here
    )  # fmt: skip


def _interruptible() -> None:
    """Take Ctrl-C, which a shell has its jobs in the background ignore, the tests among them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _wait_for_samples(run: RunDirectory) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if sum(isinstance(record, Sample) and record.mode == "steady" for record in run.records()) > 6:
            return
        time.sleep(0.1)
    pytest.fail("no sample within two minutes")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_was_stopped_is_readable_and_resume_completes_it(tmp_path: Path, how: signal.Signals) -> None:
    process = _start(tmp_path)
    run = RunDirectory(tmp_path / "run")
    _wait_for_samples(run)
    os.kill(process.pid, how)
    _, progress = process.communicate(timeout=120)
    before = [record for record in run.records() if isinstance(record, Sample)]
    if how == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        assert "--resume" in progress
        assert "--resume" in run.report_path.read_text()
        assert len(pd.read_parquet(run.samples_path)) == len(kept_samples(run.records()))

    answer = convprof("analyze", "--resume", "run", cwd=tmp_path)

    assert answer.returncode == 0, answer.stderr
    records = run.records()
    assert [record for record in records if isinstance(record, Sample)][: len(before)] == before
    assert any(isinstance(record, ProcessEnded) and record.purpose == "measure" for record in records)
    # How many processes time allows depends on the machine; at least one more ran to its end.
    steady = [r for r in records if isinstance(r, ProcessEnded) and r.purpose == "steady" and r.complete]
    assert any(record.process not in {sample.process for sample in before} for record in steady)
    assert len(pd.read_parquet(run.samples_path)) == len(kept_samples(records))
    assert "--resume" not in run.report_path.read_text()


_MECHANISMS = """
import time
from concurrent.futures import ThreadPoolExecutor
import torch

POOL = ThreadPoolExecutor(1)


def right(image: torch.Tensor, weight: torch.Tensor):
    return torch.nn.functional.conv2d(image, weight, padding=1)


def hides(image, weight):
    task = POOL.submit(time.sleep, 1e-3)
    time.sleep(3e-3)
    task.result()
    return right(image, weight)


def fills(image: torch.Tensor, weight: torch.Tensor):
    torch.empty(10_000_000)[: 1024 * 1024].fill_(1.0)  # beyond what glibc's heap ever holds: mapped anew each call
    return right(image, weight)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings and Linux's fault counts")
def test_hidden_work_and_page_faults_of_a_reader_s_function_are_found_by_switch_and_delay(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(_MECHANISMS)
    answer = convprof(
        "analyze", "--case", _CASE, "--impl", "mine.py:right", "--impl", "mine.py:hides", "--impl", "mine.py:fills",
        "--impl", "torch.conv2d", "--baseline", "mine.py:right", "--time", "40", "--threads", "1", "--out", "run",
        cwd=tmp_path,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    run = RunDirectory.open(tmp_path / "run")
    (handed,) = pd.read_parquet(run.tables / "criticality.parquet").itertuples()
    assert (handed.implementation, handed.tasks) == ("mine:hides", 1.0)
    assert handed.exposed_s < handed.work_s / 2  # three times as long a sleep hides it
    switches = pd.read_parquet(run.tables / "switches.parquet")
    own = switches[(switches["implementation"] == "mine:fills") & (switches["switch"] == "recycled_memory")]
    (switch,) = own.itertuples()
    assert switch.measured
    assert switch.minor_faults_as_is > 500  # 4 MiB, page by page
    assert switch.minor_faults_switched < switch.minor_faults_as_is / 10
    budget = pd.read_parquet(run.tables / "budget.parquet")
    told = budget[budget["cause"] == "allocation"].set_index("implementation")
    assert told.loc["mine:fills", "method"] == "switch"
    assert f"{switch.minor_faults_as_is:,.0f} minor page faults per call" in told.loc["mine:fills", "evidence"]
