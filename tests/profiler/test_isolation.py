"""Worker processes that end in every way; the workers are small modules written for each test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from profiler.isolation import Ending, describe_exit, run_worker
from profiler.records import AnyRecord, Notice, Starting

STARTING = Starting(implementation="mine:f", case="c", stage="steady", limit_s=20.0)
HEAD = """
import os, sys, time
from profiler.isolation import RecordPipe
from profiler.records import Notice, Starting
pipe = RecordPipe.from_environment()
job = sys.stdin.read()
def start(limit_s=20.0, implementation="mine:f"):
    pipe.send(Starting(implementation=implementation, case="c", stage="steady", limit_s=limit_s))
def say(text):
    pipe.send(Notice(code="said", text=text))
"""


class Workshop:
    """Write a worker, run it, and keep what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "worker.log"
        self.said: list[str] = []

    def run(self, source: str, job: str = "", **options: str) -> Ending:
        (self.folder / "made_worker.py").write_text(HEAD + source)
        return run_worker(
            "made_worker",
            job.encode(),
            on_record=self.hear,
            log=self.log,
            environment={"PYTHONPATH": str(self.folder), **options},
        )

    def hear(self, record: AnyRecord) -> None:
        assert isinstance(record, Notice)
        self.said.append(record.text)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_records_come_in_order_and_prints_go_to_the_log(workshop: Workshop) -> None:
    ending = workshop.run("print('noise'); say(job); say(os.environ['EXTRA']); start()", job="the job", EXTRA="more")
    assert ending == Ending("finished", "", STARTING)
    assert workshop.said == ["the job", "more"]
    assert workshop.log.read_text() == "noise\n"


def test_a_large_record_arrives_whole(workshop: Workshop) -> None:
    workshop.run("say('x' * 300_000)")
    assert [len(text) for text in workshop.said] == [300_000]


@pytest.mark.parametrize(
    ("source", "kind", "detail"),
    [
        ("start(); sys.exit(7)", "exited", "exited with code 7"),
        ("start(); raise ValueError('boom')", "exited", "exited with code 1"),
        ("start(); os._exit(0)", "finished", ""),
        ("start(); import ctypes; ctypes.string_at(0)", "crashed", "killed by SIGSEGV"),
        ("start(); os.kill(os.getpid(), 9)", "crashed", "killed by SIGKILL"),
        ("start(limit_s=0.3); time.sleep(60)", "hung", "no sign of life for 0.3 s"),
        ("start(limit_s=0.3); os.closerange(3, 64); time.sleep(60)", "hung", "no sign of life for 0.3 s"),
    ],
)
def test_an_ending_is_told_and_blamed(workshop: Workshop, source: str, kind: str, detail: str) -> None:
    ending = workshop.run(source)
    assert (ending.kind, ending.detail) == (kind, detail)
    assert ending.blamed is not None
    assert ending.blamed.implementation == "mine:f"


def test_a_death_before_anything_was_started_blames_nobody(workshop: Workshop) -> None:
    assert workshop.run("sys.exit(3)") == Ending("exited", "exited with code 3", None)


def test_the_mark_is_blamed_and_leaves_the_limit_alone(workshop: Workshop) -> None:
    source = """
start()
pipe.mark(Starting(implementation="a name much longer than the next", case="c", stage="steady", limit_s=0.0))
pipe.mark(Starting(implementation="next", case="c", stage="steady", limit_s=0.0))
time.sleep(0.5)
os.kill(os.getpid(), 11)
"""
    ending = workshop.run(source)
    assert ending.kind == "crashed"
    assert ending.blamed == Starting(implementation="next", case="c", stage="steady", limit_s=0.0)


def test_a_line_that_is_no_record_is_passed_over(workshop: Workshop) -> None:
    source = "os.write(int(os.environ['CONVPROF_RECORDS_FD']), b'garbage\\n{\"record\":\\n'); say('still here')"
    assert workshop.run(source).kind == "finished"
    assert workshop.said == ["still here"]


def test_a_process_left_behind_does_not_hold_the_parent_up_and_is_ended(workshop: Workshop) -> None:
    source = """
start()
pid = os.fork()
if pid == 0:
    time.sleep(600)
say(str(pid))
"""
    assert workshop.run(source).kind == "finished"
    assert gone(int(workshop.said[0]))


def test_a_module_in_the_user_s_folder_does_not_shadow_a_library(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "msgspec.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(folder)
    assert workshop.run("say('right')").kind == "finished"


def test_an_interrupt_ends_the_worker(workshop: Workshop) -> None:
    with interrupted_after(1.0), pytest.raises(KeyboardInterrupt):
        workshop.run("start(); say(str(os.getpid())); time.sleep(600)")
    assert gone(int(workshop.said[0]))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a worker with its parent")
def test_a_killed_parent_takes_its_worker_along(workshop: Workshop) -> None:
    (workshop.folder / "made_worker.py").write_text(HEAD + "start(); say(str(os.getpid())); time.sleep(600)")
    source = (
        "from pathlib import Path; from profiler.isolation import run_worker\n"
        "run_worker('made_worker', b'', on_record=lambda record: print(record.text, flush=True), log=Path('log'))"
    )
    variables = {**os.environ, "PYTHONPATH": str(workshop.folder)}
    with subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, env=variables, cwd=workshop.folder
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert psutil.pid_exists(worker)
        parent.kill()
    assert gone(worker)


def test_a_worker_is_pinned_where_that_is_permitted(workshop: Workshop) -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system pins nothing")
    one = max(os.sched_getaffinity(0))
    (workshop.folder / "made_worker.py").write_text(HEAD + "say(str(os.sched_getaffinity(0)))")
    run_worker(
        "made_worker",
        b"",
        on_record=workshop.hear,
        log=workshop.log,
        environment={"PYTHONPATH": str(workshop.folder)},
        processors={one},
    )
    assert workshop.said == [str({one})]


def test_return_codes_are_put_into_words() -> None:
    assert describe_exit(0) == ("finished", "")
    assert describe_exit(4) == ("exited", "exited with code 4")
    assert describe_exit(-signal.SIGABRT) == ("crashed", "killed by SIGABRT")
    assert describe_exit(-250) == ("crashed", "killed by signal 250")


def gone(pid: int) -> bool:
    """Wait a while for a process to end; its parent may have to reap it first."""
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_worker_under_another_program_is_heard_blamed_and_ended_with_it(workshop: Workshop, tmp_path: Path) -> None:
    wrapper = tmp_path / "wrapper.py"
    wrapper.write_text("import subprocess, sys\nsubprocess.run(sys.argv[1:], close_fds=False, start_new_session=True)")
    (tmp_path / "made_worker.py").write_text(HEAD + "start(limit_s=0.5)\nsay(f'{job} {os.getpid()}')\ntime.sleep(60)")
    ending = run_worker(
        "made_worker",
        b"a job",
        on_record=workshop.hear,
        log=workshop.log,
        environment={"PYTHONPATH": str(tmp_path)},
        under=[sys.executable, str(wrapper)],
    )
    assert (ending.kind, ending.blamed and ending.blamed.stage) == ("hung", "steady")
    job, number = workshop.said[0].rsplit(" ", 1)
    assert job == "a job"
    assert sys.platform != "linux" or gone(int(number))  # it is in a session of its own, which no one kills
