"""The report of a run on a GPU, made from a journal that was written by hand: no GPU was there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler.attribution.run import attribute
from profiler.manifest import MANIFEST_VERSION, DeviceFacts, Environment, Manifest, PlannedImplementation
from profiler.measure.samples import write_samples
from profiler.records import (
    AnyRecord,
    Captured,
    Ceiling,
    Clocks,
    ColdStage,
    Mode,
    Notice,
    Outcome,
    ProcessEnded,
    Sample,
)
from profiler.report.run import write_report
from profiler.store import RunDirectory
from profiler.tables.build import build_tables

CASE = "ic1ih1000oc1kh3ph1"
DEVICE = "cuda"
PROCESSES, ROUNDS = 5, 6
_GOLDEN = Path(__file__).parent / "golden_device_sections.md"
_SECTIONS = ("On the device", "Cold and steady", "The machine", "How it was measured", "Warnings")

# Microseconds a call, of the size one meets on a large GPU: a library call that the host cannot issue faster than the
# device computes it, a kernel of one's own, shifted adds, and a loop over pixels of which a queue holds no call.
_FIGURES: dict[str, dict[Mode, float]] = {
    "torch.conv2d": {
        "steady": 19.0,
        "twin": 19.1,
        "latency": 27.0,
        "device_only": 11.2,
        "cache_warm": 11.9,
        "cache_flushed": 16.4,
    },
    "cuda.direct": {
        "steady": 7.8,
        "twin": 7.8,
        "latency": 14.5,
        "device_only": 6.1,
        "cache_warm": 6.6,
        "cache_flushed": 10.9,
    },
    "torch.shift_add": {
        "steady": 118.0,
        "twin": 118.5,
        "latency": 131.0,
        "device_only": 92.0,
        "cache_warm": 93.0,
        "cache_flushed": 97.5,
    },
    "article.torch_loop": {"steady": 9.4e6, "latency": 9.41e6},
}
_COLD = {
    "context": 210_000.0,
    "prepare": 900.0,
    "first_call": 310_000.0,
    "second_call": 90.0,
    "article_time": 309_900.0,
}
_START = {"context": 212_000.0, "first_launch": 31_000.0, "library_load": 260_000.0, "algorithm_choice": 4_100.0}


def _manifest() -> Manifest:
    return Manifest(
        version=MANIFEST_VERSION,
        convprof="0.1.0",
        created="2025-01-30T12:00:00+00:00",
        command=["convprof", "analyze", "--device", "cuda"],
        seed=7,
        device=DEVICE,
        cases=[CASE],
        implementations=[
            PlannedImplementation(
                name=name,
                family="library" if name == "torch.conv2d" else "manual",
                summary="",
                source="catalog",
            )
            for name in _FIGURES
        ],
        unavailable=[],
        baseline="torch.conv2d",
        threads=[1],
        time_s=80.0,
        call_limit_s=10.0,
        environment=Environment(
            processor="Example CPU @ 2.60GHz",
            cores=16,
            usable_cores=16,
            memory_bytes=128 * 1024**3,
            caches={},
            system="Linux",
            kernel="6.1.0",
            libc="glibc 2.36",
            python="CPython 3.11.9",
            packages={"torch": "2.13.0", "numpy": "2.4.6"},
            compiler="",
            blas="",
            openmp="",
            load_average=0.1,
            governor="performance",
            virtual="",
            accelerator=DeviceFacts(
                name="Example GPU|x",
                capability="9.0",
                multiprocessors=132,
                memory_bytes=80 * 1024**3,
                cache_bytes=50 * 1024**2,
                runtime="13.0",
                cudnn="9.15.1",
                driver="580.65.06",
                clocks="up to 1980 MHz, memory 2619 MHz",
                power_limit="700 W",
                ecc="on",
                mig="off",
            ),
        ),
    )


def _samples() -> Iterator[Sample]:
    for index, (name, figures) in enumerate(_FIGURES.items()):
        for mode, microseconds in figures.items():
            for process in range(1, PROCESSES + 1):
                for number in range(ROUNDS):
                    noise = 1 + 0.004 * math.sin(12.9898 * (31 * process + 7 * number + 3 * index))
                    yield Sample(
                        implementation=name,
                        variant="",
                        case=CASE,
                        device=DEVICE,
                        threads=1,
                        mode=mode,
                        process=process,
                        round=number,
                        calls=64,
                        seconds_per_call=microseconds * 1e-6 * noise,
                        cpu_seconds_per_call=microseconds * 1e-6,
                        minor_faults_per_call=0.0,
                        involuntary_switches=0,
                    )


def _cold() -> Iterator[ColdStage]:
    for process in range(11, 11 + PROCESSES):
        stages = [("", "", "import", 1.9e6)]
        stages += [("", CASE if stage == "algorithm_choice" else "", stage, value) for stage, value in _START.items()]
        for name, figures in _FIGURES.items():
            calls = {stage: value + ("call" in stage) * figures["steady"] for stage, value in _COLD.items()}
            stages += [(name, CASE, stage, value) for stage, value in calls.items()]
        for name, case, stage, microseconds in stages:
            yield ColdStage(
                implementation=name,
                case=case,
                device=DEVICE,
                threads=1,
                process=process,
                stage=stage,
                seconds=microseconds * 1e-6 * (1 + 0.01 * (process - 13)),
            )


def _ceilings() -> Iterator[Ceiling]:
    limits = (
        ("copy_bandwidth", 32 * 1024**2, 5.1e12),
        ("copy_bandwidth", 256 * 1024**2, 2.9e12),
        ("multiply_add_peak", 0, 51e12),
        ("launch", 0, 4.1e-6),
        ("synchronize", 0, 2.6e-6),
        ("instruction", 0, 6e-9),
    )
    for name, working_set, value in limits:
        yield Ceiling(
            name=name,
            device=DEVICE,
            threads=1,
            process=1,
            value=value,
            low=0.97 * value,
            high=1.02 * value,
            working_set_bytes=working_set,
        )


def _records() -> Iterator[AnyRecord]:
    yield from _samples()
    yield from _cold()
    yield from _ceilings()
    for process in range(1, PROCESSES + 1):
        for number in range(ROUNDS):
            held = process == 3 and number == 2
            yield Clocks(
                device=DEVICE,
                process=process,
                round=number,
                least_mhz=1410 if held else 1935,
                most_mhz=1980,
                memory_mhz=2619,
                celsius=48 + process,
                watts=310.5,
                slowed=["the power limit"] if held else [],
            )
        yield ProcessEnded(purpose="steady", process=process, threads=1, rounds=ROUNDS, complete=True)
    for name in _FIGURES:
        yield Outcome(
            implementation=name,
            case=CASE,
            device=DEVICE,
            threads=1,
            phase="steady",
            status="ok",
            max_error=2e-7,
            error_bound=5e-6,
        )
        yield Captured(
            implementation=name, case=CASE, device=DEVICE, threads=1, trace="", counts="", calls=0, reason="by hand"
        )
    yield Notice(code="device_clocks", text="the device's clocks went from 1410 to 1980 MHz while measuring")
    yield ProcessEnded(purpose="measure", process=900, threads=1, rounds=0, complete=True)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the report of the run, made by the phases after measuring."""
    run = RunDirectory(tmp_path_factory.mktemp("device") / "run")
    run.write_manifest(_manifest())
    with run.journal() as journal:
        for record in _records():
            journal.append(record)
    write_samples(run)
    build_tables(run)
    attribute(run)
    write_report(run)
    return run.report_path.read_text()


def _sections(report: str) -> str:
    parts = report.split("\n## ")
    return "\n## ".join(["", *(part.rstrip("\n") + "\n" for part in parts if part.startswith(_SECTIONS))]).lstrip("\n")


def test_the_sections_that_speak_of_the_device(report: str, *, regenerate: bool) -> None:
    if regenerate:
        _GOLDEN.write_text(_sections(report))
    assert _sections(report) == _GOLDEN.read_text(), "look at the change; scripts/test --regenerate writes it"


def test_threads_are_the_host_s_and_the_title_names_the_device(report: str) -> None:
    assert "# Manual and library convolution on ic1ih1000oc1kh3ph1, cuda, 1 host thread\n" in report
    assert "\n## Ranking, 1 host thread\n" in report
    assert "page faults of the host" in report
    assert report.startswith("Here, on `ic1ih1000oc1kh3ph1` with `cuda`, `article.torch_loop` takes ")


def test_each_figure_has_its_row_and_what_was_not_taken_has_none(report: str) -> None:
    rows = [line for line in report.splitlines() if line.startswith("| `article.torch_loop` |")]
    assert any([cell.strip() for cell in row.split("|")[2:-1]] == ["9.40 s", "9.41 s", *["-"] * 5] for row in rows)


def test_nothing_in_it_speaks_of_threads_that_compute(report: str) -> None:
    assert "1 thread" not in report.replace("1 host thread", "")
    assert "one thread" not in report
    assert "this machine's limits" not in report
