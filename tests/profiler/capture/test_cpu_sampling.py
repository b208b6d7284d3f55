"""The sampling pass: what is sampled for how long, what happens where it is refused, and a real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from profiler.analysis import Request, analyze_run, open_run
from profiler.capture.cpu_sampling import sample_cpu, waiting_tasks
from profiler.capture.perf import why_not
from profiler.progress import Silent
from profiler.records import Notice, Sample, Sampled
from profiler.store import RunDirectory
from profiler.tables.cpu_samples import CPU_SAMPLES
from profiler.tables.files import read_table

BuildRun = Callable[..., RunDirectory]


def _sample(name: str, threads: int = 1) -> Sample:
    return Sample(implementation=name, variant="", case="ic1ih100oc1kh3ph1", device="cpu", threads=threads,
                  mode="steady", process=1, round=0, calls=1, seconds_per_call=1e-3, cpu_seconds_per_call=1e-3,
                  minor_faults_per_call=0.0, involuntary_switches=0)  # fmt: skip


def test_the_baseline_is_sampled_longer_and_nothing_twice(build_run: BuildRun) -> None:
    manifest = build_run(threads=[1]).manifest()
    records = [_sample("torch.conv2d"), _sample("c.direct"), _sample("numpy.shift_add")]
    tasks = {task.implementation.name: task for task in waiting_tasks(manifest, records)[1]}
    assert set(tasks) == {"torch.conv2d", "c.direct", "numpy.shift_add"}
    assert tasks["torch.conv2d"].seconds >= tasks["c.direct"].seconds >= 0.25
    done = Sampled(implementation="c.direct", case="ic1ih100oc1kh3ph1", device="cpu", threads=1, stacks="", samples=0,
                   rate_hz=3001, calls=0, seconds=0.0)  # fmt: skip
    left = waiting_tasks(manifest, [*records, done])[1]
    assert [task.implementation.name for task in left] == ["numpy.shift_add", "torch.conv2d"] or len(left) == 2


def test_where_it_is_refused_the_reader_is_told_once(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    with run.journal() as journal:
        journal.append(_sample("c.direct"))
    for _ in range(2):
        sample_cpu(run, Silent(), refusal=lambda: "perf is not installed")
    told = [record.text for record in run.records() if isinstance(record, Notice) and record.code == "no_cpu_samples"]
    assert len(told) == 1
    assert told[0].startswith("no CPU samples: perf is not installed")


_MINE = """
import os
import torch
calls = 0

def fine(image: torch.Tensor, weight: torch.Tensor):
    return torch.nn.functional.conv2d(image, weight, padding=1)

def dies(image: torch.Tensor, weight: torch.Tensor):
    if any("cpu_sampling_worker" in word for word in open("/proc/self/cmdline").read().split("\\0")):
        os._exit(3)
    return torch.nn.functional.conv2d(image, weight, padding=1)
"""


@pytest.mark.skipif(bool(why_not()), reason=f"CPU samples cannot be taken here: {why_not()}")
def test_one_that_dies_while_being_sampled_loses_its_samples_only(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(_MINE)
    names = [f"{file}:fine", f"{file}:dies", "torch.conv2d"]
    run = open_run(Request(cases=["ic1ih16oc1kh3ph1"], implementations=names, threads=1, time_s=12.0,
                           out=tmp_path / "run", seed=1))  # fmt: skip
    analyze_run(run, Silent())
    table = read_table(run, CPU_SAMPLES)
    assert {"mine:fine", "torch.conv2d"} <= set(table["implementation"])
    assert "mine:dies" not in set(table["implementation"])
    reasons = [r.reason for r in run.records() if isinstance(r, Sampled) and r.implementation == "mine:dies"]
    assert reasons
    assert "while being sampled" in reasons[0]
    shares = table.groupby(["implementation", "case"])["share"].sum()
    assert shares.tolist() == pytest.approx([1.0] * len(shares))
