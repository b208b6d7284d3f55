"""What counts as done, and which samples count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from profiler.manifest import Manifest
from profiler.measure.ledger import Ledger
from profiler.measure.samples import kept_samples, write_samples
from profiler.records import Ceiling, Notice, Outcome, ProcessEnded, Sample
from profiler.store import RunDirectory

CASE = "ic1ih8oc1kh3ph1"


def ended(process: int, *, complete: bool, purpose: str = "steady") -> ProcessEnded:
    return ProcessEnded(purpose=purpose, process=process, threads=1, rounds=0, complete=complete)


def ceiling(process: int) -> Ceiling:
    return Ceiling(name="clock", device="cpu", threads=1, process=process, value=1.0, low=1.0, high=1.0)


def outcome(phase: str, status: str = "ok", threads: int = 1, case: str = CASE) -> Outcome:
    return Outcome(implementation="a", case=case, device="cpu", threads=threads, phase=phase, status=status)  # type: ignore[arg-type]


def test_samples_count_from_complete_processes_and_from_three_rounds_on(make_sample: Callable[..., Sample]) -> None:
    samples = {
        process: [make_sample("a", process, number, 1.0) for number in range(rounds)]
        for process, rounds in ((1, 1), (2, 2), (3, 3), (4, 2))
    }
    warm = [make_sample("a", 4, number, 1.0, mode="warmup") for number in range(9)]
    records = [*samples[1], ended(1, complete=True), *samples[2], ended(2, complete=False), *samples[3], *samples[4]]
    assert kept_samples([*records, *warm]) == [*samples[1], *samples[3]]


def test_a_case_cut_short_does_not_live_on_those_before_it(make_sample: Callable[..., Sample]) -> None:
    def cell(number: int, **changes: Any) -> Sample:
        return make_sample("a", 1, number, 1.0, **changes)

    first = [cell(number, mode=mode) for number in range(3) for mode in ("steady", "twin")]
    first += [cell(number, mode="unit", case="small") for number in range(3)]
    second = [cell(3, mode=mode, case="second") for mode in ("steady", "twin")]
    second += [cell(3, mode="unit", case="small of second")]
    # A smallest input that is a case itself: its rounds say nothing of the case's.
    second += [cell(3, case="small")]
    warm = [cell(0, mode="warmup"), cell(0, mode="warmup", case="small"), cell(0, mode="warmup", case="second")]
    assert kept_samples([*warm, *first, *second]) == [*warm[:2], *first]
    assert kept_samples([*warm, *first, *second, ended(1, complete=True)]) == [*warm, *first, *second]


def test_the_samples_file_has_the_fields_as_columns(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    run = RunDirectory(tmp_path)
    write_samples(run)
    assert list(pd.read_parquet(run.samples_path).columns) == list(Sample.__struct_fields__)
    with run.journal() as journal:
        for number in range(3):
            journal.append(make_sample("a", 1, number, 0.25 + number))
    write_samples(run)
    frame = pd.read_parquet(run.samples_path)
    assert frame["seconds_per_call"].tolist() == [0.25, 1.25, 2.25]
    assert frame["round"].tolist() == [0, 1, 2]
    assert frame.loc[0].to_dict() == {
        field: getattr(make_sample("a", 1, 0, 0.25), field) for field in Sample.__struct_fields__
    }


def test_a_failed_check_stands_in_every_condition(tmp_path: Path, make_manifest: Callable[..., Manifest]) -> None:
    run = RunDirectory(tmp_path)
    manifest = make_manifest(["torch.conv2d"], threads=[1, 2])
    with Ledger(run, manifest) as ledger:
        ledger.add(outcome("check", "wrong"))
        ledger.add(outcome("unit", "raised", case="small"))
        ledger.add(outcome("steady", "ok", threads=2))
    with Ledger(run, manifest) as again:
        assert [again.outcome("a", CASE, threads) for threads in (1, 2)] == [
            outcome("check", "wrong"),
            outcome("steady", "ok", threads=2),
        ]
        assert again.unit_outcome("a", "small") == outcome("unit", "raised", case="small")
        assert again.outcome("a", "small") is None
    assert len(run.records()) == 4


def test_a_notice_is_written_once(tmp_path: Path, make_manifest: Callable[..., Manifest]) -> None:
    run = RunDirectory(tmp_path)
    for _ in range(2):
        with Ledger(run, make_manifest([])) as ledger:
            ledger.add(Notice(code="one", text="1"))
            ledger.add(Notice(code="one", text="1"))
    assert run.records() == [Notice(code="one", text="1")]


def test_processes_are_counted_and_numbered_on(
    tmp_path: Path, make_manifest: Callable[..., Manifest], make_sample: Callable[..., Sample]
) -> None:
    run = RunDirectory(tmp_path)
    with Ledger(run, make_manifest([])) as ledger:
        assert ledger.next_process == 1
        ledger.add(ended(1, complete=True, purpose="cold"))
        ledger.add(ended(2, complete=True))
        ledger.add(ended(3, complete=False))
        ledger.add(make_sample("a", 4, 0, 1.0))
        ledger.add(ceiling(5))
    with Ledger(run, make_manifest([])) as again:
        assert again.next_process == 6
        assert (again.complete("steady", 1), again.complete("cold", 1), again.complete("steady", 2)) == (1, 1, 0)
        assert again.samples() == []
        assert again.samples_of(4) == [make_sample("a", 4, 0, 1.0)]
        assert not again.measured
        again.add(ended(0, complete=True, purpose="measure"))
        assert again.measured
