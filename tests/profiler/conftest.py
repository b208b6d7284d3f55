"""A run directory built by hand: the article's case with thirteen implementations and two thread conditions.

Times, counts and limits are of the size one meets on a two-core machine; noise is a sine of process and round, so that
every value is the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from impls.case import ConvCase
from profiler.manifest import MANIFEST_VERSION, Environment, Manifest, PlannedImplementation, Unavailable
from profiler.measure.statistics import Panel, bootstrap
from profiler.records import Captured, Notice, ProcessEnded, Screened
from profiler.store import RunDirectory, file_stem
from profiler.tables.ceilings import CEILINGS
from profiler.tables.cold import COLD
from profiler.tables.counts import COUNTS
from profiler.tables.files import write_table
from profiler.tables.launches import LAUNCHES
from profiler.tables.library_path import LIBRARY_PATH
from profiler.tables.memory import MEMORY
from profiler.tables.ops import OPS
from profiler.tables.python import PYTHON
from profiler.tables.samples import SAMPLES
from profiler.tables.summary import SUMMARY
from profiler.trace.runtime_calls import RUNTIME_WORKS

CASE = "ic1ih100oc1kh3ph1"
PROCESSES = 5
ROUNDS = 8


@dataclass(frozen=True)
class Subject:
    """Hold how one implementation behaves: times in microseconds, `*_pixel` per output, `extra` on the case alone."""

    name: str
    family: str
    call_us: float
    pixel_us: float
    extra_us: float
    ops: float
    ops_pixel: float
    instructions: float
    instructions_pixel: float
    bytes_pixel: float
    faults: float = 0.0
    peak_bytes: float = 40_000.0
    threaded: float = 1.0
    cold_us: float = 900.0
    variants: tuple[tuple[str, float], ...] = ()


_GRAD = (("inference_mode", -4.0),)  # the switch, and what it changes in microseconds
SUBJECTS = (
    Subject("article.module", "library", 22.0, 0, 10.0, 1, 0, 260, 0, 8, cold_us=5200, variants=_GRAD),
    Subject("article.numpy_loop", "manual", 30.0, 3.6, 900.0, 3, 2, 900, 46, 116, cold_us=39_000),
    Subject("article.torch_loop", "manual", 25.0, 8.5, 2200.0, 2, 8, 700, 102, 160, cold_us=91_000),
    Subject("torch.conv2d", "library", 15.0, 0, 11.0, 1, 0, 40, 0, 8, threaded=0.93, cold_us=4900),
    Subject("torch.unfold", "manual", 31.0, 0, 64.0, 6, 0, 150, 0, 100, peak_bytes=480_000, threaded=0.8, cold_us=2100),
    Subject("torch.shift_add", "manual", 78.0, 0, 40.0, 38, 0, 620, 0, 150, peak_bytes=160_000, cold_us=1500),
    Subject("numpy.shift_add", "manual", 41.0, 0, 35.0, 21, 0, 560, 0, 150, peak_bytes=160_000, cold_us=300),
    Subject("numpy.sliding_window", "manual", 44.0, 0, 170.0, 6, 0, 800, 0, 100, peak_bytes=160_000, cold_us=700),
    Subject("numpy.im2col", "manual", 46.0, 0, 210.0, 7, 0, 830, 0, 190, faults=88.0, peak_bytes=480_000, cold_us=900),
    Subject("python.loop", "manual", 8.0, 0.95, 240.0, 0, 0, 300, 84, 0, cold_us=11_000),
    Subject("c.direct", "manual", 2.4, 0, 5.2, 1, 0, 36, 0, 4, cold_us=60),
    Subject("c.direct[-O0]", "manual", 2.4, 0, 208.0, 1, 0, 36, 0, 4, cold_us=280),
    Subject("c.direct[-O3 -march=native]", "manual", 2.4, 0, 3.6, 1, 0, 36, 0, 4, cold_us=55),
)  # fmt: skip
FAILED = (
    ("mine:shifted", "manual", "wrong", "element (0, 0, 0, 7) is off by 0.31, bound 1.9e-06", 0.31, 1.9e-6),
    ("mine:<b>x|y`", "manual", "crashed", "killed by SIGSEGV | see\n**log**", None, None),
)
_SAMPLED = ["implementation", "variant", "case", "device", "threads", "mode"]


def _times(subject: Subject, threads: int) -> Iterator[tuple[str, str, str, float]]:
    """Give variant, case, mode and seconds for every cell of one implementation."""
    case = ConvCase.parse(CASE)
    steady = (subject.call_us + subject.pixel_us * case.outputs + subject.extra_us) * 1e-6
    steady *= 1.0 if threads == 1 else subject.threaded
    yield "", CASE, "steady", steady
    if steady < 0.01:
        yield "", CASE, "twin", steady * 1.002
    if threads > 1:
        return
    for variant, change in subject.variants:
        yield variant, CASE, "steady", steady + change * 1e-6
    for unit in case.smallest:
        yield "", unit.name, "unit", (subject.call_us + subject.pixel_us * unit.outputs) * 1e-6


def _noise(index: int, process: int, number: int) -> float:
    return (
        1
        + 0.006 * math.sin(12.9898 * (31 * process + 7 * number + 3 * index))
        + 0.003 * math.sin(2.3 * process + index)
    )


def make_samples(threads: list[int]) -> pd.DataFrame:
    rows = []
    for condition in threads:
        for index, subject in enumerate(SUBJECTS):
            for variant, case, mode, value in _times(subject, condition):
                for process in range(1, PROCESSES + 1):
                    for number in range(1, ROUNDS + 1):
                        # A unit's calls come from the same rounds, so its noise is the round's.
                        measured = value * _noise(index + 5 * (mode == "twin"), process, number)
                        rows.append(
                            {
                                "implementation": subject.name,
                                "variant": variant,
                                "case": case,
                                "device": "cpu",
                                "threads": condition,
                                "mode": mode,
                                "process": 100 * condition + process,
                                "round": number,
                                "calls": max(1, round(1e-3 / measured)),
                                "seconds_per_call": measured,
                                "cpu_seconds_per_call": measured,
                                "minor_faults_per_call": subject.faults if mode != "unit" else 0.0,
                                "involuntary_switches": 0,
                                "thread_cpu_seconds_per_call": measured,
                                "thread_waits_per_call": 0.0,
                            }
                        )
    return SAMPLES.frame(rows)


def make_summary(samples: pd.DataFrame, threads: list[int]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for condition in threads:
        kept = samples[(samples["threads"] == condition) & samples["mode"].isin(("steady", "twin"))]
        kept = kept[kept["variant"] == ""]
        cells = [(str(name), str(mode)) for name, mode in zip(kept["implementation"], kept["mode"], strict=True)]
        panel = Panel.of(cells, list(kept["process"]), list(kept["round"]), list(kept["seconds_per_call"]))
        found = bootstrap(panel, replicates=500)
        spread = dict(zip(panel.cells, panel.process_spread(), strict=True))
        inner = dict(zip(panel.cells, panel.process_disagreement(), strict=True))
        for subject in SUBJECTS:
            cell, twin = (subject.name, "steady"), (subject.name, "twin")
            median, ratio = found.median(cell), found.ratio(cell, ("torch.conv2d", "steady"))
            rows.append(
                {
                    "implementation": subject.name,
                    "family": subject.family,
                    "case": CASE,
                    "device": "cpu",
                    "threads": condition,
                    "status": "ok",
                    "reason": "",
                    "median_s": median.value,
                    "ci_low_s": median.low,
                    "ci_high_s": median.high,
                    "samples": PROCESSES * ROUNDS,
                    "processes": PROCESSES,
                    "ratio": ratio.value,
                    "ratio_ci_low": ratio.low,
                    "ratio_ci_high": ratio.high,
                    "aa_floor": found.floor(cell, twin) if twin in found else None,
                    "process_spread": float(spread[cell]),
                    "process_disagreement": float(inner[cell]),
                    "steady": True,
                    "max_error": 2.4e-7,
                    "error_bound": 1.9e-6,
                }
            )
        rows += [
            {
                **dict.fromkeys((column.name for column in SUMMARY.columns), None),
                "implementation": name,
                "family": family,
                "case": CASE,
                "device": "cpu",
                "threads": condition,
                "status": status,
                "reason": reason,
                "max_error": error,
                "error_bound": bound,
            }
            for name, family, status, reason, error, bound in FAILED
        ]
    return SUMMARY.frame(rows)


def _here(name: str, case: str = CASE) -> dict[str, Any]:
    return {"implementation": name, "case": case, "device": "cpu", "threads": 1}


def make_counts() -> pd.DataFrame:
    case = ConvCase.parse(CASE)
    return COUNTS.frame(
        {
            **_here(subject.name, each.name),
            "ops": subject.ops + subject.ops_pixel * each.outputs,
            "op_bytes": subject.bytes_pixel * each.outputs,
            "copy_bytes": 0.0,
            "allocated_bytes": 4.0 * each.outputs,
            "flops": None,
            "instructions": subject.instructions + subject.instructions_pixel * each.outputs,
            "python_calls": 12.0,
            "c_calls": 9.0,
        }
        for subject in SUBJECTS
        for each in (case, *case.smallest)
    )


def _work_tables(run: RunDirectory) -> None:
    case = ConvCase.parse(CASE)
    nothing = dict.fromkeys(RUNTIME_WORKS, 0.0) | dict.fromkeys(("kernels", "queue_depth", "exposed_launch_s"))
    write_table(
        run,
        LAUNCHES,
        LAUNCHES.frame(
            {
                **_here(subject.name),
                "ops": 2 * (subject.ops + subject.ops_pixel * case.outputs),
                "leaf_ops": subject.ops + subject.ops_pixel * case.outputs,
                **nothing,
            }
            for subject in SUBJECTS
        ),
    )
    write_table(
        run,
        MEMORY,
        MEMORY.frame(
            {
                **_here(subject.name),
                "compulsory_bytes": case.compulsory_bytes,
                "op_bytes": subject.bytes_pixel * case.outputs or None,
                "allocated_bytes": 4.0 * case.outputs,
                "scratch_bytes": 0.0,
                "allocations": 1.0,
                "peak_bytes": subject.peak_bytes,
                "minor_faults": subject.faults,
                "h2d_bytes": 0.0,
                "d2h_bytes": 0.0,
                "d2d_bytes": None,
                "set_bytes": None,
            }
            for subject in SUBJECTS
        ),
    )
    write_table(
        run,
        PYTHON,
        PYTHON.frame(
            {
                **_here(subject.name),
                "python_s": 1e-5,
                "python_share": 0.1,
                "python_calls": 12.0,
                "c_calls": 9.0,
                "instructions": subject.instructions + subject.instructions_pixel * case.outputs,
                "range_s": 1e-4,
            }
            for subject in SUBJECTS
        ),
    )
    write_table(
        run,
        OPS,
        OPS.frame(
            {
                **_here(name),
                "op": op,
                "calls": calls,
                "leaf_calls": calls,
                "self_s": 1e-6,
                "bytes_read": 40_036.0,
                "bytes_written": 40_000.0,
                "flops": None,
            }
            for name, op, calls in (
                ("torch.conv2d", "aten::mkldnn_convolution", 1.0),
                ("article.torch_loop", "aten::sum", 10_000.0),
                ("article.torch_loop", "aten::mul", 10_000.0),
                ("article.torch_loop", "aten::slice", 20_000.0),
                ("article.torch_loop", "evil|<i>op</i>", 1.0),
            )
        ),
    )


def make_library_path() -> pd.DataFrame:
    """Let the library be oneDNN here, which it is not on so small an image: a convolution and two reorders a call."""
    problem = "mb1_ic1oc1_ih100oh100kh3sh1dh0ph1_iw100ow100kw3sw1dw0pw1"
    names = ("kind", "primitive", "primitive_implementation", "source_layout", "destination_layout", "problem", "words")
    steps = (
        ("backend", "Mkldnn", "", "", "", "", "torch chooses Mkldnn (oneDNN v3.12.0, Intel AVX-512)"),
        ("exec", "reorder", "jit:uni", "abcd", "Acdb16a", "1x1x3x3", "oneDNN copies 1x1x3x3 from abcd to Acdb16a"),
        ("exec", "convolution", "jit:avx512_core", "abcd", "aBcd16b", problem,
         "oneDNN runs jit:avx512_core on source abcd, weights Acdb16a, destination aBcd16b: the one output channel is "
         "written as a block of 16 (aBcd16b), 16 times the values"),
        ("exec", "reorder", "jit:uni", "aBcd16b", "abcd", "1x1x100x100",
         "oneDNN copies 1x1x100x100 from aBcd16b to abcd"),
    )  # fmt: skip
    return LIBRARY_PATH.frame(
        {
            **_here(implementation),
            **dict.fromkeys(("cache", "propagation", "algorithm", "weights_layout"), ""),
            "call": "later",
            "step": place,
            **dict(zip(names, step, strict=True)),
            "calls": 1,
            "time_ms": None if step[0] == "backend" else 0.01,
        }
        for implementation in ("article.module", "torch.conv2d")
        for place, step in enumerate(steps, start=1)
    )


def make_cold() -> pd.DataFrame:
    rows = []
    for subject in SUBJECTS:
        stages = {
            "prepare": 300.0,
            "first_call": subject.cold_us,
            "second_call": subject.cold_us / 4,
            "article_time": subject.cold_us * 1.02,
        }
        rows += [
            {
                **_here(subject.name),
                "stage": stage,
                "median_s": value * 1e-6,
                "ci_low_s": value * 0.93e-6,
                "ci_high_s": value * 1.08e-6,
                "first_s": value * 1e-6,
                "processes": 7,
            }
            for stage, value in stages.items()
        ]
    return COLD.frame(rows)


def make_ceilings(threads: list[int]) -> pd.DataFrame:
    limits = (
        ("copy_bandwidth", 16_384, 42e9, 38e9, 45e9),
        ("copy_bandwidth", 262_144, 30e9, 27e9, 32e9),
        ("copy_bandwidth", 1_048_576, 17e9, 15e9, 18e9),
        ("copy_bandwidth", 67_108_864, 8e9, 7e9, 9e9),
        ("multiply_add_peak", 0, 95e9, 90e9, 99e9),
        ("page_fault", 0, 0.25e-6, 0.2e-6, 0.35e-6),
        ("instruction", 0, 11e-9, 6e-9, 22e-9),
        ("clock", 0, 40e-9, 38e-9, 44e-9),
    )
    return CEILINGS.frame(
        {
            "name": name,
            "device": "cpu",
            "threads": condition,
            "working_set_bytes": working_set,
            "value": value,
            "low": low,
            "high": high,
            "processes": 3,
        }
        for condition in threads
        for name, working_set, value, low, high in limits
    )


def make_manifest(threads: list[int]) -> Manifest:
    planned = [(subject.name, subject.family, False) for subject in SUBJECTS]
    planned += [(name, family, True) for name, family, *_ in FAILED]
    return Manifest(
        version=MANIFEST_VERSION,
        convprof="0.1.0",
        created="2025-01-30T12:00:00+00:00",
        command=["convprof", "analyze"],
        seed=7,
        device="cpu",
        cases=[CASE],
        implementations=[
            PlannedImplementation(
                name=name,
                family="library" if family == "library" else "manual",
                summary=f"what {name} does",
                source="file" if asked else "catalog",
                location="mine.py:shifted" if asked else "",
                asked_for=asked,
            )
            for name, family, asked in planned
        ],
        unavailable=[Unavailable(implementation="numba.direct", case=CASE, reason="Numba is not installed")],
        baseline="torch.conv2d",
        threads=threads,
        time_s=80.0,
        call_limit_s=10.0,
        environment=Environment(
            processor="Example CPU @ 2.60GHz",
            cores=2,
            usable_cores=2,
            memory_bytes=8 * 1024**3,
            caches={"L1d": "32K", "L2": "1M", "L3": "32M"},
            system="Linux",
            kernel="6.1.0",
            libc="glibc 2.36",
            python="CPython 3.11.9",
            packages={"torch": "2.13.0", "numpy": "2.4.6"},
            compiler="gcc 12.2.0",
            blas="mkl",
            openmp="libgomp, 2 threads",
            load_average=0.1,
            governor="",
            virtual="kvm",
        ),
    )


def write_journal(run: RunDirectory, threads: list[int]) -> None:
    with run.journal() as journal:
        for condition in threads:
            for process in range(1, PROCESSES + 1):
                journal.append(
                    ProcessEnded(
                        purpose="steady",
                        process=100 * condition + process,
                        threads=condition,
                        rounds=ROUNDS,
                        complete=True,
                    )
                )
        journal.append(ProcessEnded(purpose="measure", process=900, threads=1, rounds=0, complete=True))
        for subject in SUBJECTS:
            stem = file_stem(subject.name, CASE)
            trace = f"traces/{stem}.json.gz" if subject.name != "python.loop" else ""
            journal.append(
                Captured(
                    implementation=subject.name,
                    case=CASE,
                    device="cpu",
                    threads=1,
                    trace=trace,
                    counts=f"traces/{stem}.counts.json",
                    calls=1,
                    reason="" if trace else "no events to record",
                )
            )
            if trace:
                run.traces.mkdir(exist_ok=True)
                (run.path / trace).write_bytes(b"")
        for condition in threads:
            journal.append(
                Screened(implementation="article.module", case=CASE, device="cpu", threads=condition,
                         switch="inference_mode", cause="autograd", summary="called under torch.inference_mode()",
                         scope="call", composable=True, kept=True)
            )  # fmt: skip
        journal.append(Notice(code="not_pinned", text="pinning is not permitted here"))


BuildRun = Callable[..., RunDirectory]


def build_article_run(path: Path, threads: list[int] | None = None) -> RunDirectory:
    """Write the hand-built run into a folder, up to the phase `tables`."""
    conditions = threads or [1, 2]
    run = RunDirectory(path)
    run.write_manifest(make_manifest(conditions))
    write_journal(run, conditions)
    samples = make_samples(conditions)
    run.write_frame(samples, run.samples_path)
    write_table(run, SUMMARY, make_summary(samples, conditions))
    write_table(run, COUNTS, make_counts())
    write_table(run, COLD, make_cold())
    write_table(run, CEILINGS, make_ceilings(conditions))
    write_table(run, LIBRARY_PATH, make_library_path())
    _work_tables(run)
    return run


@pytest.fixture
def build_run(tmp_path: Path) -> BuildRun:
    """Give a function that writes the hand-built run, up to the phase `tables`, into a new folder."""

    def build(name: str = "run", threads: list[int] | None = None) -> RunDirectory:
        return build_article_run(tmp_path / name, threads)

    return build


@pytest.fixture(scope="session")
def article_run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Give the hand-built run, attributed; shared, so read it only."""
    from profiler.attribution.run import attribute

    run = build_article_run(tmp_path_factory.mktemp("article") / "run")
    attribute(run)
    return run
