"""The whole phase with real workers: faults beside others, interrupts, kills, and what resuming does."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pytest

from profiler.manifest import Manifest
from profiler.measure.run import measure, write_samples
from profiler.progress import Silent
from profiler.records import AnyRecord, Notice, Outcome, ProcessEnded, Sample
from profiler.store import RunDirectory

CASE = "ic1ih8oc1kh3ph1"
MakeManifest = Callable[..., Manifest]


class Told:
    """Keep what progress was told, and raise where a test wants to interrupt."""

    def __init__(self, interrupt_at: str = "") -> None:
        self.said: list[tuple[float, str]] = []
        self._interrupt_at = interrupt_at

    def at(self, share: float, doing: str) -> None:
        self.said.append((share, doing))
        if self._interrupt_at and self._interrupt_at in doing:
            raise KeyboardInterrupt


def of_kind(records: list[AnyRecord], kind: type) -> list[AnyRecord]:
    return [record for record in records if isinstance(record, kind)]


def complete(records: list[AnyRecord], purpose: str) -> list[int]:
    return [
        record.process
        for record in records
        if isinstance(record, ProcessEnded) and record.purpose == purpose and record.complete
    ]


def last_outcomes(records: list[AnyRecord]) -> dict[str, str]:
    outcomes = [record for record in records if isinstance(record, Outcome) and record.case == CASE]
    return {outcome.implementation: outcome.status for outcome in outcomes}


def test_faults_do_not_keep_the_others_from_being_measured(tmp_path: Path, make_manifest: MakeManifest) -> None:
    run = RunDirectory(tmp_path / "run")
    names = ["torch.conv2d", "faults:good", "faults:raises", "faults:kills_its_group", "faults:dies_later"]
    run.write_manifest(make_manifest(names, time_s=2.0))
    progress = Told()
    measure(run, progress)
    records = run.records()
    assert last_outcomes(records) == {
        "torch.conv2d": "ok",
        "faults:good": "ok",
        "faults:raises": "raised",
        "faults:kills_its_group": "crashed",
        "faults:dies_later": "crashed",
    }
    frame = pd.read_parquet(run.samples_path)
    steady = frame[frame["mode"] == "steady"]
    assert set(steady["implementation"]) == {"torch.conv2d", "faults:good"}
    assert set(steady["process"]) == set(complete(records, "steady"))
    assert len(complete(records, "measure")) == 1
    assert {"few_processes"} <= {record.code for record in records if isinstance(record, Notice)}
    shares = [share for share, _ in progress.said]
    assert shares == sorted(shares)
    assert shares[-1] <= 0.75
    # A run that is complete is left as it is.
    before = run.journal_path.read_bytes()
    measure(run, Silent())
    assert run.journal_path.read_bytes() == before


def test_an_interrupt_keeps_what_was_measured_and_resuming_goes_on(tmp_path: Path, make_manifest: MakeManifest) -> None:
    run = RunDirectory(tmp_path / "run")
    run.write_manifest(make_manifest(["torch.conv2d", "faults:good"]))
    with pytest.raises(KeyboardInterrupt):
        measure(run, Told(interrupt_at="timing"))
    kept = run.records()
    assert complete(kept, "cold")
    assert last_outcomes(kept) == {"torch.conv2d": "ok", "faults:good": "ok"}
    write_samples(run)
    assert len(pd.read_parquet(run.samples_path)) == 0
    measure(run, Silent())
    records = run.records()
    assert records[: len(kept)] == kept
    checks = [each for each in of_kind(records, Outcome) if isinstance(each, Outcome) and each.phase == "check"]
    assert len(checks) == 2
    assert complete(records, "measure")
    assert len(pd.read_parquet(run.samples_path)) > 0


_MEASURING = (
    "import sys; from pathlib import Path\n"
    "from profiler.measure.run import measure; from profiler.progress import Silent\n"
    "from profiler.store import RunDirectory\n"
    "measure(RunDirectory(Path(sys.argv[1])), Silent())"
)


def test_a_kill_loses_the_process_in_hand_at_most(tmp_path: Path, make_manifest: MakeManifest) -> None:
    run = RunDirectory(tmp_path / "run")
    run.write_manifest(make_manifest(["torch.conv2d"], time_s=2.0))
    with subprocess.Popen([sys.executable, "-c", _MEASURING, str(run.path)]) as parent:
        wait_for(lambda: any(each.mode == "steady" for each in samples_of(run)))
        workers = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
    assert workers
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive or sys.platform != "linux"
    with run.journal_path.open("ab") as journal:
        journal.write(b'{"record":"sample","impl')
    kept = run.records()
    interrupted = {each.process for each in samples_of(run)}
    assert complete(kept, "cold")
    measure(run, Silent())
    records = run.records()
    assert records[: len(kept)] == kept
    assert complete(records, "measure")
    assert not interrupted & set(complete(records, "steady"))
    frame = pd.read_parquet(run.samples_path)
    steady = frame[frame["mode"] == "steady"]
    assert set(complete(records, "steady")) <= set(steady["process"])
    assert not steady.duplicated(["implementation", "variant", "case", "process", "round"]).any()
    rounds = steady.groupby("process")["round"].nunique()
    assert (rounds >= 3).all()


def samples_of(run: RunDirectory) -> list[Sample]:
    return [record for record in run.records() if isinstance(record, Sample)]


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not come"
        time.sleep(0.02)
