"""Cold costs: a fresh process, stage by stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from profiler.manifest import Manifest
from profiler.measure.statistics import Bootstrap, Panel, bootstrap
from profiler.records import LEAST_PROCESSES, ColdStage
from profiler.tables.schema import Table, count, number, text

__all__ = ["COLD", "build"]

COLD = Table(
    "cold",
    "one stage of one implementation in fresh processes",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text(
            "stage",
            "import, prepare, first_call, second_call or article_time; on a device also context, and of no "
            "implementation first_launch, library_load and algorithm_choice",
        ),
        number("median_s", "median over processes", "s"),
        number("ci_low_s", "95 % interval of the median, lower end; NaN with fewer than 5 processes", "s"),
        number("ci_high_s", "95 % interval of the median, upper end; NaN with fewer than 5 processes", "s"),
        number("first_s", "in the first of the processes, which compiles what no cache holds yet", "s"),
        count("processes", "fresh processes measured"),
    ),
)

_DEVICE_STAGES = ("context", "first_launch", "library_load", "algorithm_choice")
_STAGES = ("import", *_DEVICE_STAGES, "prepare", "first_call", "second_call", "article_time")

_Cell = tuple[str, str, str, int, str]


def build(stages: Sequence[ColdStage], manifest: Manifest) -> pd.DataFrame:
    """Give a row per stage, implementations as planned; importing, which all share, first and without a name."""
    names = {name: place for place, name in enumerate(["", *(each.name for each in manifest.implementations)])}
    cases = {name: place for place, name in enumerate(["", *manifest.cases])}
    panel = _panel(stages)
    result, first = bootstrap(panel, seed=manifest.seed), _first(stages)

    def place(cell: _Cell) -> tuple[int, ...]:
        implementation, case, _, threads, stage = cell
        return (
            cases.get(case, len(cases)),
            names.get(implementation, len(names)),
            threads,
            _STAGES.index(stage) if stage in _STAGES else len(_STAGES),
        )

    return COLD.frame(_row(cell, result, first[cell]) for cell in sorted(panel.cells, key=place))


def _cell(stage: ColdStage) -> _Cell:
    return stage.implementation, stage.case, stage.device, stage.threads, stage.stage


def _first(stages: Sequence[ColdStage]) -> dict[_Cell, float]:
    """Give the seconds of each stage in the first process that reported it."""
    latest_first = sorted(stages, key=lambda each: each.process, reverse=True)
    return {_cell(each): each.seconds for each in latest_first}


def _panel(stages: Sequence[ColdStage]) -> Panel[_Cell]:
    """Collect the stages, a cell each; what a process reports of one stage is numbered, though it mostly is one."""
    cells = [_cell(each) for each in stages]
    times: Counter[tuple[_Cell, int]] = Counter()
    rounds: list[int] = []
    for cell, stage in zip(cells, stages, strict=True):
        rounds.append(times[cell, stage.process])
        times[cell, stage.process] += 1
    return Panel.of(cells, [stage.process for stage in stages], rounds, [stage.seconds for stage in stages])


def _row(cell: _Cell, result: Bootstrap[_Cell], first_s: float) -> dict[str, object]:
    implementation, case, device, threads, stage = cell
    estimate, processes = result.median(cell), int(result.processes[result.cells.index(cell)])
    enough = processes >= LEAST_PROCESSES
    return {
        "implementation": implementation,
        "case": case,
        "device": device,
        "threads": threads,
        "stage": stage,
        "median_s": estimate.value,
        "ci_low_s": estimate.low if enough else None,
        "ci_high_s": estimate.high if enough else None,
        "first_s": first_s,
        "processes": processes,
    }
