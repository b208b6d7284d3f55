"""The capture phase with real workers: what fails loses its own capture only, and what is there is not made again."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from impls.case import ConvCase
from profiler.capture import run as capture_run
from profiler.capture.run import capture, waiting_tasks
from profiler.counts import CallCounts
from profiler.isolation import Ending
from profiler.manifest import MANIFEST_VERSION, Environment, Manifest, PlannedImplementation
from profiler.progress import Silent
from profiler.records import Captured, Notice, Outcome, Starting
from profiler.store import RunDirectory

CASE = "ic1ih4oc1kh3ph1"
UNITS = [unit.name for unit in ConvCase.parse(CASE).smallest]
_FILE = """
import os, signal
import numpy as np
import torch


def right(image: torch.Tensor, weight: torch.Tensor):
    return torch.nn.functional.conv2d(image, weight, padding=1)


def crashes(image, weight):
    os.kill(os.getpid(), signal.SIGSEGV)


def raises(image, weight):
    raise ValueError("not | this\\ntime")


def exits(image, weight):
    os._exit(0)


KEPT = []


def keeps(image: torch.Tensor, weight: torch.Tensor):
    KEPT.append(torch.empty_like(image))
    KEPT[0].copy_(image)
    return right(KEPT[0], weight)


def changes(image, weight):
    torch.set_num_threads(2)
    return right(image, weight)


def arrays(image: np.ndarray, weight: np.ndarray):
    return np.asarray(right(torch.from_numpy(image), torch.from_numpy(weight * 1)))
"""


def planned(path: Path, *names: str) -> list[PlannedImplementation]:
    return [
        PlannedImplementation(
            name=f"mine:{name}", family="manual", summary="", source="file", location=f"{path / 'mine.py'}:{name}"
        )
        for name in names
    ]


def prepared_run(path: Path, *names: str) -> RunDirectory:
    """Write the plan of a run and the outcomes of a measurement that found all of it right."""
    (path / "mine.py").write_text(_FILE)
    run = RunDirectory(path / "run")
    empty = dict.fromkeys(Environment.__struct_fields__, "")
    environment = msgspec.convert(
        {
            **empty,
            "cores": 1,
            "usable_cores": 1,
            "memory_bytes": 1,
            "caches": {},
            "packages": {},
            "load_average": 0.0,
            "accelerator": None,
        },
        Environment,
    )
    run.write_manifest(
        Manifest(
            version=MANIFEST_VERSION, convprof="0", created="2025-01-30T12:00:00+00:00", command=[], seed=1,
            device="cpu", cases=[CASE], implementations=planned(path, *names), unavailable=[], baseline="mine:right",
            threads=[1, 2], time_s=10.0, call_limit_s=5.0, environment=environment,
        )
    )  # fmt: skip
    with run.journal() as journal:
        for name in names:
            for case in (CASE, *UNITS):
                phase = "check" if case == CASE else "unit"
                journal.append(outcome(f"mine:{name}", case, phase))
    return run


def outcome(name: str, case: str, phase: str, status: Any = "ok", threads: int = 1) -> Outcome:
    return Outcome(
        implementation=name, case=case, device="cpu", threads=threads, phase=phase, status=status, seconds_per_call=1e-4
    )


def captured(run: RunDirectory) -> dict[str, Captured]:
    return {record.implementation: record for record in run.records() if isinstance(record, Captured)}


def test_what_fails_loses_its_capture_and_the_rest_go_on(tmp_path: Path) -> None:
    run = prepared_run(tmp_path, "right", "crashes", "raises", "exits", "changes", "arrays")
    capture(run, Silent())
    found = captured(run)
    assert list(found) == ["mine:right", "mine:crashes", "mine:raises", "mine:exits", "mine:changes", "mine:arrays"]
    assert found["mine:crashes"].reason == "killed by SIGSEGV while being captured (count)"
    assert found["mine:raises"].reason == "ValueError: not | this time (mine.py:16)"
    assert found["mine:exits"].reason == "ended its process with exit code 0 while being captured (count)"
    for name in ("crashes", "raises", "exits"):
        assert (found[f"mine:{name}"].trace, found[f"mine:{name}"].calls) == ("", 0)
    for name in ("right", "changes", "arrays"):
        record = found[f"mine:{name}"]
        assert (record.device, record.threads, record.calls, record.reason) == ("cpu", 1, 5, "")
        events = json.loads(gzip.decompress((run.path / record.trace).read_bytes()))["traceEvents"]
        assert sum(event["name"] == "aten::conv2d" for event in events) == 5
        counts = msgspec.json.decode((run.path / record.counts).read_bytes(), type=list[CallCounts])
        assert [each.case for each in counts] == [CASE, *UNITS]
    assert [record for record in run.records() if isinstance(record, Notice)] == [
        Notice(
            code="state_changed",
            text="mine:changes changed the state of its process: torch threads (1 before, 2 after)",
        )
    ]
    before = run.journal_path.read_bytes()
    capture(run, Silent())
    assert run.journal_path.read_bytes() == before


def test_what_keeps_memory_for_the_first_size_is_captured_without_the_smallest_inputs(tmp_path: Path) -> None:
    run = prepared_run(tmp_path, "keeps", "right")
    capture(run, Silent())
    record = captured(run)["mine:keeps"]
    assert record.reason == ""
    assert record.trace
    counts = msgspec.json.decode((run.path / record.counts).read_bytes(), type=list[CallCounts])
    assert [each.case for each in counts] == [CASE]


def test_only_what_is_right_and_not_captured_waits(tmp_path: Path) -> None:
    run = prepared_run(tmp_path, "right", "raises", "exits", "changes", "arrays")
    with run.journal() as journal:
        journal.append(outcome("mine:raises", CASE, "steady", status="raised"))
        journal.append(outcome("mine:changes", CASE, "steady", status="raised", threads=2))
        journal.append(outcome("mine:arrays", UNITS[0], "unit", status="raised"))
        journal.append(
            Captured(implementation="mine:exits", case=CASE, device="cpu", threads=1, trace="", counts="", calls=0)
        )
    tasks = waiting_tasks(run.manifest(), run.records())
    assert {task.implementation.name: task.units for task in tasks} == {
        "mine:right": UNITS,
        "mine:changes": UNITS,
        "mine:arrays": UNITS[1:],
    }
    assert all(task.seconds_per_call == 1e-4 for task in tasks)


def test_a_hang_is_blamed_on_what_hung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = prepared_run(tmp_path, "right", "exits")
    endings = iter(["mine:exits", "mine:right"])

    def hung(*_: Any, **__: Any) -> Ending:
        blamed = Starting(implementation=next(endings), case=CASE, stage="record", limit_s=1.0)
        return Ending("hung", "no sign of life for 1 s", blamed)

    monkeypatch.setattr(capture_run, "run_worker", hung)
    capture(run, Silent())
    assert {name: record.reason for name, record in captured(run).items()} == dict.fromkeys(
        ("mine:exits", "mine:right"), "no sign of life for 1 s while being captured (record)"
    )


def test_a_worker_that_cannot_start_is_said_once_and_captures_wait_for_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepared_run(tmp_path, "right")
    monkeypatch.setattr(capture_run, "run_worker", lambda *_, **__: Ending("exited", "exited with code 1", None))
    capture(run, Silent())
    capture(run, Silent())
    (notice,) = [record for record in run.records() if isinstance(record, Notice)]
    assert (notice.code, "exited with code 1" in notice.text) == ("capture_failed", True)
    assert captured(run) == {}
    assert len(waiting_tasks(run.manifest(), run.records())) == 1
