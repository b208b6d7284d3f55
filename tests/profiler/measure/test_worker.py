"""Real worker processes with small jobs: what each kind of fault becomes, and what a steady job measures."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from profiler.isolation import Ending, run_worker
from profiler.manifest import PlannedImplementation
from profiler.measure.cold_phase import unit_names
from profiler.measure.launch import is_complete
from profiler.measure.protocol import Attempt, ColdJob, Job, SteadyCase, SteadyJob, encode_job
from profiler.records import AnyRecord, Ceiling, ColdStage, Notice, Outcome, Sample

Planned = Callable[[str], PlannedImplementation]
CASE = "ic1ih8oc1kh3ph1"
WORKER = "profiler.measure.worker"
SMALLEST = unit_names(CASE)[0]
FAULTS = {
    "good": ("ok", ""),
    "good_at_stride_two": ("ok", ""),
    "raises": ("raised", "ValueError: no luck (faults.py:25)"),
    "exits": ("exited", "ended its process with exit code 5 in its first call"),
    "leaves": ("exited", "ended its process with exit code 0 in its first call"),
    "dies": ("crashed", "killed by SIGSEGV in its first call"),
    "hangs": ("hung", "no answer within 0.7 s in its first call; raise --call-limit if it needs longer"),
    "hangs_against_alarms": ("hung", "no answer within 0.7 s in its first call; raise --call-limit if it needs longer"),
    "returns_another_shape": ("wrong", "returned shape (1, 1, 6, 6), expected (1, 1, 8, 8)"),
    "returns_nan": ("wrong", "64 of 64 elements are NaN or infinite"),
    "returns_text": ("wrong", "returned str, not a tensor or an array"),
    "returns_nothing": ("wrong", "returned NoneType, not a tensor or an array"),
    "is_wrong": ("wrong", "64 of 64 elements are beyond the error bound"),
    "is_right_once": ("wrong", "the second call on the same inputs: "),
    "needs_one_thread": ("ok", ""),
    "is_not_there": ("missing", "has no function 'is_not_there'"),
}
STAGES = ["prepare", "article_time", "first_call", "second_call"]


@dataclass
class Heard:
    """Keep what a worker said, and how it ended."""

    ending: Ending
    records: list[AnyRecord] = field(default_factory=list)

    def outcomes(self, phase: str) -> dict[tuple[str, str], Outcome]:
        found = [record for record in self.records if isinstance(record, Outcome) and record.phase == phase]
        assert len({(each.implementation, each.case) for each in found}) == len(found)
        return {(each.implementation, each.case): each for each in found}

    def samples(self) -> list[Sample]:
        return [record for record in self.records if isinstance(record, Sample)]


def run(job: Job, folder: Path) -> Heard:
    records: list[AnyRecord] = []
    variables = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    log = folder / "worker.log"
    ending = run_worker(WORKER, encode_job(job), on_record=records.append, log=log, environment=variables)
    return Heard(ending, records)


def test_each_fault_gets_its_own_outcome_and_the_others_are_measured(tmp_path: Path, planned: Planned) -> None:
    names = [f"faults:{name}" for name in FAULTS] + ["torch.conv2d", "faults:fails_when_small"]
    random.Random(1).shuffle(names)
    attempts = [Attempt(implementation=planned(name), case=CASE, phase="check") for name in names]
    attempts += [
        Attempt(implementation=planned(name), case=SMALLEST, phase="unit")
        for name in ("faults:good", "faults:fails_when_small", "faults:dies")
    ]
    job = ColdJob(process=3, seed=5, device="cpu", call_limit_s=0.7, attempts=attempts)
    heard = run(job, tmp_path)
    assert is_complete(heard.ending)
    checked = heard.outcomes("check")
    assert set(checked) == {(name, CASE) for name in names}
    for name, (status, reason) in FAULTS.items():
        outcome = checked[f"faults:{name}", CASE]
        assert (name, outcome.status) == (name, status)
        assert reason in outcome.reason
        assert "\n" not in outcome.reason
    right = checked["torch.conv2d", CASE]
    assert right.max_error is not None
    assert right.error_bound is not None
    assert right.max_error <= right.error_bound
    assert right.seconds_per_call is not None
    # A smallest input that fails is no fault of the implementation; that of a failed one is not tried.
    units = heard.outcomes("unit")
    assert {name: outcome.status for (name, _), outcome in units.items()} == {
        "faults:good": "ok",
        "faults:fails_when_small": "raised",
    }
    assert stages_of(heard) == {
        **{name: STAGES for name, _ in checked if checked[name, CASE].status == "ok"},
        "": ["import"],
    }


def stages_of(heard: Heard) -> dict[str, list[str]]:
    stages: dict[str, list[str]] = {}
    for record in heard.records:
        if isinstance(record, ColdStage):
            assert record.process == 3
            assert record.seconds > 0
            stages.setdefault(record.implementation, []).append(record.stage)
    return stages


def test_what_kills_the_whole_process_is_blamed(tmp_path: Path, planned: Planned) -> None:
    attempts = [Attempt(implementation=planned("faults:kills_its_group"), case=CASE, phase="check")]
    heard = run(ColdJob(process=3, seed=5, device="cpu", call_limit_s=5.0, attempts=attempts), tmp_path)
    assert not is_complete(heard.ending)
    assert (heard.ending.kind, heard.ending.detail) == ("crashed", "killed by SIGKILL")
    assert heard.ending.blamed is not None
    assert heard.ending.blamed.implementation == "faults:kills_its_group"


def steady_job(planned: Planned, names: list[str], units: dict[str, list[str]], **changes: object) -> SteadyJob:
    case = SteadyCase(case=CASE, implementations=[planned(name) for name in names], units=units)
    options: dict[str, object] = {
        "process": 9,
        "seed": 5,
        "device": "cpu",
        "threads": 1,
        "processors": [],
        "seconds": 0.5,
        "call_limit_s": 5.0,
        "check": True,
        "ceilings": False,
        "cases": [case],
        **changes,
    }
    return SteadyJob(**options)  # type: ignore[arg-type]


def test_a_steady_job_interleaves_rounds_of_every_cell(tmp_path: Path, planned: Planned) -> None:
    names = ["torch.conv2d", "article.module", "faults:is_slow", "faults:changes_threads"]
    units = {"torch.conv2d": unit_names(CASE)}
    part = SteadyCase(
        case=CASE,
        implementations=[planned(name) for name in names],
        units=units,
        variants={"article.module": [["inference_mode"], ["inference_mode", "padded_beforehand"]]},
    )
    heard = run(steady_job(planned, [], {}, ceilings=True, cases=[part]), tmp_path)
    assert is_complete(heard.ending)
    samples = heard.samples()
    for sample in samples:
        assert sample.seconds_per_call > 0
        assert (sample.process, sample.threads, sample.device) == (9, 1, "cpu")
    timed = Counter((each.implementation, each.variant, each.case, each.mode) for each in samples)
    cells = {
        ("torch.conv2d", "", CASE, "steady"),
        ("torch.conv2d", "", CASE, "twin"),
        ("article.module", "", CASE, "steady"),
        ("article.module", "", CASE, "twin"),
        ("faults:is_slow", "", CASE, "steady"),
        ("faults:changes_threads", "", CASE, "steady"),
        ("faults:changes_threads", "", CASE, "twin"),
        *[("torch.conv2d", "", unit, "unit") for unit in unit_names(CASE)],
    }
    assert {cell for cell in timed if cell[1] == "" and cell[3] != "warmup"} == cells
    variants = {cell[1] for cell in timed if cell[0] == "article.module"}
    assert variants == {"", "inference_mode", "inference_mode+padded_beforehand"}
    assert min(timed[cell] for cell in cells) >= 3
    quick = [each for each in samples if (each.implementation, each.mode) == ("torch.conv2d", "steady")]
    assert len({sample.calls for sample in quick}) == 1
    assert quick[0].calls > 1
    assert [sample.round for sample in quick] == list(range(len(quick)))
    orders = [
        [each.implementation for each in samples if each.round == number and each.mode != "warmup"]
        for number in range(3)
    ]
    assert len({tuple(order) for order in orders}) > 1
    assert any(isinstance(record, Ceiling) for record in heard.records)
    told = {record.text for record in heard.records if isinstance(record, Notice)}
    assert told == {
        "faults:changes_threads changes torch's number of threads; it was set back after each of its blocks"
    }


def test_a_smallest_input_of_several_cases_is_timed_with_one_of_them(tmp_path: Path, planned: Planned) -> None:
    another = "ic1ih9oc1kh3ph1"
    assert unit_names(another) == unit_names(CASE)
    units = {"torch.conv2d": unit_names(CASE)}
    cases = [SteadyCase(case=case, implementations=[planned("torch.conv2d")], units=units) for case in (CASE, another)]
    heard = run(steady_job(planned, [], {}, cases=cases), tmp_path)
    assert is_complete(heard.ending)
    rounds = {
        (mode, case): {each.round for each in heard.samples() if (each.mode, each.case) == (mode, case)}
        for mode, case in [("steady", CASE), ("steady", another), *[("unit", unit) for unit in unit_names(CASE)]]
    }
    assert all(rounds.values())
    start_of_the_second = max(min(rounds["steady", CASE]), min(rounds["steady", another]))
    for unit in unit_names(CASE):
        assert max(rounds["unit", unit]) < start_of_the_second


@pytest.mark.parametrize(
    ("fault", "kind"), [("dies_later", "crashed"), ("leaves_later", "finished"), ("raises_later", "exited")]
)
def test_an_implementation_that_ends_the_process_while_timed_is_blamed(
    tmp_path: Path, planned: Planned, fault: str, kind: str
) -> None:
    heard = run(steady_job(planned, ["torch.conv2d", f"faults:{fault}"], {}), tmp_path)
    assert not is_complete(heard.ending)
    assert heard.ending.kind == kind
    assert heard.ending.blamed is not None
    assert heard.ending.blamed.implementation == f"faults:{fault}"
    raised = [each for each in heard.records if isinstance(each, Outcome) and each.status == "raised"]
    assert [each.reason.split("(")[0] for each in raised] == (["RuntimeError: tired "] if kind == "exited" else [])


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two threads need two processors")
def test_what_several_threads_compute_is_checked_as_well(tmp_path: Path, planned: Planned) -> None:
    job = steady_job(planned, ["torch.conv2d", "faults:needs_one_thread"], {}, threads=2)
    heard = run(job, tmp_path)
    assert is_complete(heard.ending)
    statuses = {name: outcome.status for (name, _), outcome in heard.outcomes("steady").items()}
    assert statuses == {"torch.conv2d": "ok", "faults:needs_one_thread": "wrong"}
    assert {sample.implementation for sample in heard.samples()} == {"torch.conv2d"}
