"""The pass under Nsight Systems: with a stand-in for nsys that starts the real worker, and with a real nsys.

The stand-in does what nsys does as far as convprof sees it: it starts the program, writes a report at its end, and
exports the report as a database, which here holds the ranges that the test asks for.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from profiler.capture import nsys as nsys_pass
from profiler.capture.nsys import capture_under_nsys, require_nsys, waiting_tasks
from profiler.capture.nsys_protocol import ENDED
from profiler.errors import UsageError
from profiler.isolation import Ending
from profiler.labels import CallLabel, write_label
from profiler.manifest import MANIFEST_VERSION, Environment, Manifest, PlannedImplementation
from profiler.progress import Silent
from profiler.records import Notice, NsysCaptured, Outcome, Starting
from profiler.store import RunDirectory
from profiler.trace.nsight.reader import read_nsight

CASE = "ic1ih4oc1kh3ph1"
_FILE = """
import os, signal
import torch


def right(image: torch.Tensor, weight: torch.Tensor):
    return torch.nn.functional.conv2d(image, weight, padding=1)


def raises(image, weight):
    raise ValueError("not this time")


def crashes(image, weight):
    os.kill(os.getpid(), signal.SIGSEGV)
"""
_STAND_IN = """#!{python}
import json, os, sqlite3, subprocess, sys
from pathlib import Path

arguments = sys.argv[1:]
output = next((each.split("=", 1)[1] for each in arguments if each.startswith("--output=")), "")
with open({calls!r}, "a") as file:
    file.write(json.dumps(arguments) + "\\n")
if arguments[0] == "--version":
    print("NVIDIA Nsight Systems version 2022.4.2.1-df9881f")
elif arguments[0] == "profile":
    program = arguments[arguments.index({python!r}):]
    code = subprocess.run(program, close_fds=False).returncode
    Path(output + ".nsys-rep").write_text("report")
    sys.exit(128 - code if code < 0 else code)
elif arguments[0] == "export":
    database = sqlite3.connect(output)
    database.execute("CREATE TABLE StringIds (id INTEGER, value TEXT)")
    database.execute("CREATE TABLE NVTX_EVENTS (eventType INTEGER, text TEXT, textId INTEGER)")
    for number, text in enumerate({ranges!r}):
        database.execute("INSERT INTO StringIds VALUES (?, ?)", (number, text))
        database.execute("INSERT INTO NVTX_EVENTS VALUES (59, NULL, ?)", (number,))
    database.commit()
"""

StandIn = Callable[..., Path]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Give a function that puts the stand-in on PATH; its answer is the file that its calls are written to."""

    def put(*ranges: str) -> Path:
        folder, calls = tmp_path / "bin", tmp_path / "calls.jsonl"
        folder.mkdir()
        script = folder / "nsys"
        script.write_text(_STAND_IN.format(python=sys.executable, calls=str(calls), ranges=ranges))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
        return calls

    return put


def run_of(path: Path, *names: str, asked: bool = True) -> RunDirectory:
    """Write the plan of a run and the outcomes of a measurement that found all of it right."""
    (path / "mine.py").write_text(_FILE)
    run = RunDirectory(path / "run")
    empty = dict.fromkeys(Environment.__struct_fields__, "") | {"accelerator": None}
    environment = msgspec.convert(
        {**empty, "cores": 1, "usable_cores": 1, "memory_bytes": 1, "caches": {}, "packages": {}, "load_average": 0.0},
        Environment,
    )
    planned = [
        PlannedImplementation(
            name=f"mine:{name}", family="manual", summary="", source="file", location=f"{path / 'mine.py'}:{name}"
        )
        for name in names
    ]
    run.write_manifest(
        Manifest(
            version=MANIFEST_VERSION, convprof="0", created="2025-01-30T12:00:00+00:00", command=[], seed=1,
            device="cpu", cases=[CASE], implementations=planned, unavailable=[], baseline="mine:right",
            threads=[1, 2], time_s=10.0, call_limit_s=5.0, environment=environment, nsys=asked,
        )
    )  # fmt: skip
    with run.journal() as journal:
        for name in names:
            journal.append(outcome(f"mine:{name}"))
    return run


def outcome(name: str, **values: Any) -> Outcome:
    usual = {"case": CASE, "device": "cpu", "threads": 1, "phase": "check", "status": "ok", "seconds_per_call": 1e-4}
    return Outcome(implementation=name, **{**usual, **values})


def captured(name: str, **values: Any) -> NsysCaptured:
    usual = {"report": "traces/nsys.nsys-rep", "calls": 5, "ranges": 5}
    return NsysCaptured(implementation=f"mine:{name}", case=CASE, device="cpu", threads=1, **{**usual, **values})


def labels(*names: str) -> list[str]:
    return [write_label(CallLabel(f"mine:{name}", CASE, number)) for name in names for number in range(5)]


def recorded(run: RunDirectory) -> list[NsysCaptured | Notice]:
    return [record for record in run.records() if isinstance(record, NsysCaptured | Notice)]


def test_without_nsys_the_option_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        require_nsys()
    assert str(caught.value) == (
        "--nsys: nsys is not on PATH; install Nsight Systems from https://developer.nvidia.com/nsight-systems, or "
        "leave --nsys out"
    )


def test_a_run_that_did_not_ask_has_no_such_pass(stand_in: StandIn, tmp_path: Path) -> None:
    calls = stand_in()
    run = run_of(tmp_path, "right", asked=False)
    capture_under_nsys(run, Silent())
    assert recorded(run) == []
    assert not calls.exists()


def test_what_ends_its_worker_loses_its_own_ranges_and_the_rest_go_on(stand_in: StandIn, tmp_path: Path) -> None:
    calls = stand_in(*labels("right", "crashes", "raises"), "another tool's range")
    run = run_of(tmp_path, "crashes", "right")
    capture_under_nsys(run, Silent())
    assert recorded(run) == [
        captured("crashes", report="", calls=0, ranges=0, reason="exited with code 139 while being recorded with nsys"),
        captured("right", report="traces/nsys-2.nsys-rep"),
    ]
    first = msgspec.json.decode(calls.read_bytes().splitlines()[0], type=list[str])
    program = first.index(sys.executable)
    session = f"--session-new=convprof-{os.getpid()}-1"
    output = f"--output={(run.path / 'traces' / 'nsys').absolute()}"
    assert first[:program] == [
        *("profile", "--trace=cuda,nvtx,osrt", "--sample=none", "--cpuctxsw=none"),
        *(session, output),
    ]
    assert first[program + 1 :] == ["-P", "-m", "profiler.capture.nsys_worker"]
    before = run.journal_path.read_bytes()
    capture_under_nsys(run, Silent())
    assert run.journal_path.read_bytes() == before


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[bytes]]:
    """Give a function that puts scripted workers in the place of real ones; it answers with the jobs they are given."""

    def script(*turns: tuple[list[NsysCaptured], Ending], said: str = "") -> list[bytes]:
        jobs: list[bytes] = []
        waiting = list(turns)

        def run_worker(_module: str, job: bytes, *, on_record: Any, under: list[str], log: Path, **_: Any) -> Ending:
            jobs.append(job)
            records, ending = waiting.pop(0)
            for record in records:
                on_record(record)
            output = next(each.split("=", 1)[1] for each in under if each.startswith("--output="))
            if ending.kind != "hung" and not said:
                Path(f"{output}.nsys-rep").write_text("report")
            with log.open("a") as file:
                file.write(said)
            return ending

        monkeypatch.setattr(nsys_pass, "run_worker", run_worker)
        return jobs

    return script


_DONE = Ending("finished", "", ENDED)


def test_ranges_that_are_missing_are_noticed(
    stand_in: StandIn, worker: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(*labels("right")[:3])
    run = run_of(tmp_path, "right")
    worker(([captured("right", ranges=0)], _DONE))
    monkeypatch.setattr(nsys_pass.importlib.metadata, "version", {"nvtx": "0.2.12"}.__getitem__)
    capture_under_nsys(run, Silent())
    assert recorded(run) == [
        captured("right", ranges=3),
        Notice(
            code="nsys",
            text="traces/nsys.nsys-rep lacks ranges of the calls that were recorded (nsys 2022.4.2.1, nvtx 0.2.12): "
            "older nsys sees none of nvtx after 0.2.11; pip install nvtx==0.2.11",
        ),
    ]


def test_a_hang_costs_the_report_and_the_others_are_recorded_anew(
    stand_in: StandIn, worker: Any, tmp_path: Path
) -> None:
    calls = stand_in(*labels("right"))
    run = run_of(tmp_path, "right", "crashes")
    stuck = Starting(implementation="mine:crashes", case=CASE, stage="nsys", limit_s=1.0)
    hang = Ending("hung", "no sign of life for 1 s", stuck)
    jobs = worker(([captured("right")], hang), ([captured("right")], _DONE))
    capture_under_nsys(run, Silent())
    assert recorded(run) == [
        captured(
            "crashes", report="", calls=0, ranges=0, reason="no sign of life for 1 s while being recorded with nsys"
        ),
        captured("right"),
    ]
    assert [b"mine:crashes" in job for job in jobs] == [True, False]
    said = [msgspec.json.decode(line, type=list[str]) for line in calls.read_bytes().splitlines()]
    assert ["shutdown", f"--session=convprof-{os.getpid()}-1", "--kill=sigkill"] in said


def test_an_interrupt_ends_nsys_s_daemon_too(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = stand_in()

    def interrupted(*_: Any, **__: Any) -> Ending:
        raise KeyboardInterrupt

    monkeypatch.setattr(nsys_pass, "run_worker", interrupted)
    run = run_of(tmp_path, "right")
    with pytest.raises(KeyboardInterrupt):
        capture_under_nsys(run, Silent())
    assert b'"shutdown"' in calls.read_bytes()


def test_an_nsys_that_leaves_no_report_is_noticed_in_its_words_and_not_tried_for_ever(
    stand_in: StandIn, worker: Any, tmp_path: Path
) -> None:
    stand_in()
    run = run_of(tmp_path, "right")
    said = "Generating 'x.qdstrm'\r[1/1]\rImporter error status: The importer binary was not found.\n"
    worker(([captured("right")], _DONE), said=said)
    capture_under_nsys(run, Silent())
    assert recorded(run) == [
        Notice(
            code="nsys",
            text="nothing was recorded with nsys: Importer error status: The importer binary was not found.",
        )
    ]
    assert len(waiting_tasks(run.manifest(), run.records())) == 1


def test_only_what_came_out_right_waits_and_once(tmp_path: Path) -> None:
    run = run_of(tmp_path, "right", "crashes", "raises")
    records = [*run.records(), outcome("mine:raises", status="wrong"), captured("right")]
    assert [task.implementation.name for task in waiting_tasks(run.manifest(), records)] == ["mine:crashes"]


@pytest.mark.skipif(shutil.which("nsys") is None, reason="nsys is not installed; Debian's is in nsight-systems")
def test_a_real_nsys_records_every_call_in_its_range(tmp_path: Path) -> None:
    run = run_of(tmp_path, "right", "raises")
    capture_under_nsys(run, Silent())
    assert recorded(run) == [
        captured("right"),
        captured("raises", report="", calls=0, ranges=0, reason="ValueError: not this time (mine.py:11)"),
    ]
    trace = read_nsight(run.path / "traces" / "nsys.nsys-rep")
    assert [trace.ranges.name_of(row) for row in range(len(trace.ranges))] == labels("right")
    assert trace.ranges.domains == ("convprof",)
    assert len(set(trace.ranges.thread_codes.tolist())) == 1
    assert (trace.ranges.start_ns[1:] >= trace.ranges.end_ns[:-1]).all()
    assert len(trace.os_calls) > 0
