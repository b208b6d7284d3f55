"""Measuring on a device that works through a queue: the stand-in's own thread, in real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from impls.case import ConvCase
from impls.catalog import find
from profiler.isolation import Ending, run_worker
from profiler.manifest import PlannedImplementation
from profiler.measure.launch import is_complete
from profiler.measure.protocol import Attempt, ColdJob, Job, SteadyCase, SteadyJob, encode_job
from profiler.measure.switches import switches_of
from profiler.records import AnyRecord, ColdStage, Notice, Outcome, Sample

Planned = Callable[[str], PlannedImplementation]
CASE = "ic1ih8oc1kh3ph1"
HERE = Path(__file__).parent
STANDIN = HERE.parents[1] / "standin"
OPERATOR_S, HOST_S = 0.002, 0.004
_FILE = """
import numpy as np
import torch


def on_tensors(image: torch.Tensor, weight: torch.Tensor):
    return torch.nn.functional.conv2d(image, weight, padding=1)


def on_arrays(image: np.ndarray, weight: np.ndarray):
    return image


def wrong(image: torch.Tensor, weight: torch.Tensor):
    return torch.nn.functional.conv2d(image, weight, padding=1) * 1.001
"""


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    """Take every figure in a process that has the stand-in."""
    done = subprocess.run(
        [sys.executable, HERE / "standin_figures.py"],
        env={**os.environ, "PYTHONPATH": str(STANDIN), "STANDIN_OPERATOR_S": str(OPERATOR_S)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_three_figures_of_a_call_are_different_things(figures: dict[str, Any]) -> None:
    # Sleeps last at least as long as asked for: of a call that keeps the host busy for 4 ms and the device for 2 ms,
    # throughput has the longer of both, latency their sum, and the device's own time is free of the host's.
    assert figures["throughput"] >= HOST_S
    assert figures["latency"] >= HOST_S + OPERATOR_S
    assert OPERATOR_S <= figures["device_only"] < figures["latency"]


def test_a_block_counts_only_where_the_host_ran_ahead_of_the_device(figures: dict[str, Any]) -> None:
    assert figures["ahead"] is True
    assert figures["not_ahead"] is False
    assert figures["cache_warm"][1] is True
    assert figures["cache_flushed"][1] is True


def test_each_call_is_timed_by_marks_of_its_own_without_the_pass_that_flushes(figures: dict[str, Any]) -> None:
    assert figures["pass"] >= OPERATOR_S
    assert min(figures["cache_warm"][0], figures["cache_flushed"][0]) >= OPERATOR_S


def test_where_the_host_was_too_slow_fewer_calls_are_tried_behind_more_work(figures: dict[str, Any]) -> None:
    seconds, calls, lead_s = figures["retried"]
    assert seconds >= OPERATOR_S
    assert calls < 8
    assert lead_s > 0.001


def test_a_call_that_waits_for_the_device_itself_has_no_time_of_the_device_alone(figures: dict[str, Any]) -> None:
    assert figures["hopeless"] == [
        True,
        "the host did not run ahead of the device, so there is no figure `device_only`",
    ]


def test_a_device_without_statistics_of_its_allocator_tells_no_peak(figures: dict[str, Any]) -> None:
    assert figures["peak"] is None


def _run(job: Job, folder: Path) -> tuple[Ending, list[AnyRecord]]:
    records: list[AnyRecord] = []
    ending = run_worker(
        "profiler.measure.worker",
        encode_job(job),
        on_record=records.append,
        log=folder / "log",
        environment={"PYTHONPATH": str(STANDIN), "OMP_NUM_THREADS": "1"},
    )
    assert is_complete(ending), (folder / "log").read_text()
    return ending, records


@pytest.fixture
def mine(tmp_path: Path) -> Planned:
    """Plan a function of a reader's file."""
    (tmp_path / "mine.py").write_text(_FILE)

    def make(name: str) -> PlannedImplementation:
        location = f"{tmp_path / 'mine.py'}:{name}"
        return PlannedImplementation(
            name=f"mine:{name}", family="manual", summary="", source="file", location=location, asked_for=True
        )

    return make


def test_a_steady_process_takes_every_figure_in_the_same_rounds(
    mine: Planned, planned: Planned, tmp_path: Path
) -> None:
    names = ["torch.conv2d", "mine:on_tensors"]
    part = SteadyCase(case=CASE, implementations=[planned(names[0]), mine("on_tensors")], units={})
    job = SteadyJob(
        process=1,
        seed=1,
        device="standin",
        threads=1,
        processors=[],
        seconds=0.5,
        call_limit_s=10.0,
        check=False,
        ceilings=False,
        cases=[part],
    )
    _, records = _run(job, tmp_path)
    samples = [record for record in records if isinstance(record, Sample)]
    modes = {"steady", "warmup", "latency", "device_only", "cache_warm", "cache_flushed"}
    # The machine may be too busy for the host to run ahead; then it is said, and the figure is absent.
    missing = {record.text.split("`")[1] for record in records if isinstance(record, Notice)}
    for name in names:
        assert modes <= {each.mode for each in samples if each.implementation == name} | missing
    rounds = {mode: {each.round for each in samples if each.mode == mode} for mode in ("steady", "latency")}
    assert rounds["steady"] == rounds["latency"]
    assert {each.device for each in samples} == {"standin"}
    assert all(each.seconds_per_call > 0 for each in samples)


def test_a_cold_process_checks_on_the_cpu_and_takes_the_first_steps_apart(mine: Planned, tmp_path: Path) -> None:
    attempts = [
        Attempt(implementation=each, case=CASE, phase="check")
        for each in (mine("on_tensors"), mine("on_arrays"), mine("wrong"))
    ]
    job = ColdJob(process=1, seed=1, device="standin", call_limit_s=20.0, attempts=attempts)
    _, records = _run(job, tmp_path)
    outcomes = {each.implementation: each for each in records if isinstance(each, Outcome)}
    assert {name: each.status for name, each in outcomes.items()} == {
        "mine:on_tensors": "ok",
        "mine:on_arrays": "unavailable",
        "mine:wrong": "wrong",
    }
    assert outcomes["mine:on_arrays"].reason == (
        "it does not compute on standin: it takes arrays or tensors of the CPU only"
    )
    stages = [record for record in records if isinstance(record, ColdStage)]
    shared = [(each.stage, each.case) for each in stages if not each.implementation]
    assert shared == [
        ("import", ""),
        ("context", ""),
        ("first_launch", ""),
        ("library_load", ""),
        ("algorithm_choice", CASE),
    ]
    own = [each.stage for each in stages if each.implementation == "mine:on_tensors"]
    assert own == ["context", "prepare", "article_time", "first_call", "second_call"]


def test_settings_of_the_host_are_no_switches_on_a_device() -> None:
    case = ConvCase.parse("ic1ih300oc1kh3ph1")
    module, library = find("article.module"), find("torch.conv2d")
    host = {"denormals_flushed", "without_onednn", "recycled_memory", "one_thread", "passive_wait"}
    on_host = set(switches_of(module, case, 2)) | set(switches_of(library, case, 2))
    on_device = set(switches_of(module, case, 2, "cuda")) | set(switches_of(library, case, 2, "cuda"))
    assert on_host - on_device == host | {"backend_operator", "prepacked_weights"}
    assert {"no_grad", "inference_mode", "channels_last", "functional"} <= on_device
