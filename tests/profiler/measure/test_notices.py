"""What is said of the conditions under which was measured, from samples made by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from profiler.manifest import Manifest
from profiler.measure import notices
from profiler.measure.convergence import widest_gap
from profiler.measure.ledger import Ledger
from profiler.measure.notices import HostWatch, busy_limit, findings, left_out
from profiler.records import Clocks, Outcome, ProcessEnded, Sample
from profiler.store import RunDirectory

CASE = "ic1ih8oc1kh3ph1"
MakeSample = Callable[..., Sample]
BASE, OTHER = "torch.conv2d", "numpy.im2col"


@pytest.fixture
def told(tmp_path: Path, make_manifest: Callable[..., Manifest]) -> Callable[..., dict[str, str]]:
    """Give the notices on samples, by code."""

    def tell(samples: Sequence[Sample | Clocks], *, processes: int = 5, **changes: object) -> dict[str, str]:
        manifest = make_manifest([BASE, OTHER], **changes)
        with Ledger(RunDirectory(tmp_path / "run"), manifest) as ledger:
            for sample in samples:
                ledger.add(sample)
            for process in range(processes):
                ledger.add(ProcessEnded(purpose="steady", process=process, threads=1, rounds=9, complete=True))
            for name in (BASE, OTHER):
                ledger.add(
                    Outcome(
                        implementation=name,
                        case=CASE,
                        device="cpu",
                        threads=1,
                        phase="check",
                        status="ok",
                        seconds_per_call=0.5,
                    )
                )
            found = list(findings(manifest, ledger))
        assert all("\n" not in notice.text for notice in found)
        return {notice.code: notice.text for notice in found}

    return tell


def quiet(make_sample: MakeSample, processes: int = 5) -> Iterator[Sample]:
    for process in range(processes):
        for number in range(10):
            yield make_sample(BASE, process, number, 1.0)
            yield make_sample(OTHER, process, number, 2.0)


def test_a_quiet_run_has_nothing_to_say(told: Callable[..., dict[str, str]], make_sample: MakeSample) -> None:
    assert told(list(quiet(make_sample))) == {}


def test_processes_that_disagree_are_named(told: Callable[..., dict[str, str]], make_sample: MakeSample) -> None:
    samples = [
        msgspec.structs.replace(sample, seconds_per_call=2.4)
        if (sample.implementation, sample.process) in ((OTHER, 2), (OTHER, 3))
        else sample
        for sample in quiet(make_sample)
    ]
    found = told(samples)
    assert found["process_disagreement"] == (
        f"processes disagree by more than 5 % on {CASE} with one thread: {OTHER} (20%)"
    )
    assert OTHER in found["wide_interval"]
    assert "--time 8" in found["wide_interval"]


def test_a_drift_in_several_processes_is_no_steady_state(
    told: Callable[..., dict[str, str]], make_sample: MakeSample
) -> None:
    samples = [
        msgspec.structs.replace(sample, seconds_per_call=2.0 + 0.1 * sample.round)
        if sample.implementation == OTHER and sample.process < 3
        else sample
        for sample in quiet(make_sample)
    ]
    assert f"no steady state: {OTHER} (3 of 5) processes" in told(samples)["no_steady_state"]


def test_too_little_time_is_said(told: Callable[..., dict[str, str]], make_sample: MakeSample) -> None:
    only_base = [sample for sample in quiet(make_sample, processes=2) if sample.implementation == BASE]
    found = told(only_base, processes=2)
    assert found == {
        "few_processes": "time allowed 2 of 5 processes with one thread; allow more --time",
        "too_slow": (
            f"no time in 2 s for steady samples on {CASE} with one thread of {OTHER} (0.5 s a call); allow more --time"
        ),
    }


def test_a_processor_taken_away_is_said(told: Callable[..., dict[str, str]], make_sample: MakeSample) -> None:
    samples = [msgspec.structs.replace(sample, involuntary_switches=150) for sample in quiet(make_sample)]
    assert re.fullmatch(
        r"the kernel took the processor away \d+ times a second during one-thread blocks", told(samples)["busy_host"]
    )


def test_an_implementation_that_is_switched_between_its_own_threads_makes_no_busy_host(
    told: Callable[..., dict[str, str]], make_sample: MakeSample
) -> None:
    samples = [
        msgspec.structs.replace(sample, implementation=name, involuntary_switches=150 * (name == "threaded"))
        for sample in quiet(make_sample)
        for name in (BASE, OTHER, "threaded")
        if sample.implementation == BASE
    ]
    assert "busy_host" not in told(samples)


def test_more_threads_than_cores_are_said(
    told: Callable[..., dict[str, str]], make_sample: MakeSample, make_manifest: Callable[..., Manifest]
) -> None:
    environment = msgspec.structs.replace(make_manifest([]).environment, usable_cores=2)
    found = told(list(quiet(make_sample)), threads=[1, 8], environment=environment)
    assert found["short_of_cores"] == "8 threads were measured on 2 usable cores: they wait for each other"


def test_the_widest_gap_is_relative_to_the_larger_side(
    make_sample: MakeSample, make_manifest: Callable[..., Manifest]
) -> None:
    manifest = make_manifest([BASE, OTHER])
    samples = list(quiet(make_sample))
    gap = widest_gap(samples, manifest, 1)
    assert gap is not None
    assert gap.relative == 0.0
    assert widest_gap([], manifest, 1) is None
    assert widest_gap(quiet(make_sample, processes=1), manifest, 1) is None
    shaken = [
        msgspec.structs.replace(sample, seconds_per_call=2.0 + 0.2 * sample.process)
        if sample.implementation == OTHER
        else sample
        for sample in samples
    ]
    gap = widest_gap(shaken, manifest, 1)
    assert gap is not None
    assert gap.subject == OTHER
    assert gap.relative == pytest.approx(0.4 / 2.4, rel=0.1)


def test_a_busy_host_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    before = notices.HostTimes.now()
    after = replace(before, moment=before.moment + 10, busy_s=before.busy_s + 8, steal_s=before.steal_s + 2)
    times = iter([before, after])
    counts = iter([3, 8])
    monkeypatch.setattr(notices, "host_load", lambda: 0.9)
    monkeypatch.setattr(notices, "usable_cores", lambda: 2)
    monkeypatch.setattr(notices, "throttled_count", lambda: next(counts))
    monkeypatch.setattr(notices.HostTimes, "now", classmethod(lambda _: next(times)))
    assert [(notice.code, notice.text) for notice in HostWatch().notices()] == [
        ("busy_host", "other programs kept 0.9 of 2 processors busy before the start"),
        ("busy_host", "other programs kept 0.8 of 2 processors busy while measuring"),
        ("busy_host", "the hypervisor took 0.20 of 2 processors away while measuring"),
        ("throttled", "processors were throttled 5 times while measuring, by heat or by the control group's quota"),
    ]


def test_of_many_processors_more_may_be_busy() -> None:
    assert busy_limit(2) == 0.3
    assert busy_limit(64) == pytest.approx(9.6)


def test_an_installed_implementation_that_is_left_out_is_named(
    make_manifest: Callable[..., Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "entry_point_names", lambda: ["installed.one", BASE, "torch.unfold"])
    assert [(notice.code, notice.text) for notice in left_out(make_manifest([BASE, OTHER]))] == [
        (
            "entry_point_left_out",
            "an installed package offers another torch.conv2d; the one that ships was measured. Rename the entry point "
            "to measure both",
        )
    ]


def clocks(number: int, **changes: Any) -> Clocks:
    reading = Clocks(
        device="cuda",
        process=number % 5,
        round=number,
        least_mhz=1950,
        most_mhz=1980,
        memory_mhz=2619,
        celsius=50,
        watts=300.0,
        slowed=[],
    )
    return msgspec.structs.replace(reading, **changes)


@pytest.mark.parametrize(
    ("held", "text"),
    [
        (1, None),
        (3, "the device's clocks were held back in 3 of 30 rounds, by the power limit"),
    ],
)
def test_a_device_that_was_held_back_is_said(
    told: Callable[..., dict[str, str]], make_sample: MakeSample, held: int, text: str | None
) -> None:
    rounds = [clocks(number, slowed=["the power limit"] if number < held else []) for number in range(30)]
    assert told([*quiet(make_sample), *rounds]) == ({} if text is None else {"throttled": text})


def test_clocks_that_go_up_and_down_are_said(told: Callable[..., dict[str, str]], make_sample: MakeSample) -> None:
    found = told([*quiet(make_sample), clocks(0), clocks(1, least_mhz=1410)])
    assert found == {
        "device_clocks": "the device's clocks went from 1410 to 1980 MHz while measuring; nvidia-smi -lgc fixes them"
    }
