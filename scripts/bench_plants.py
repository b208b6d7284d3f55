"""Plant known causes in functions handed in through --impl, and compare what a run says with what was planted.

plants [--quick] [--only NAME] [--keep FOLDER] [--time SECONDS] [--json FILE]

Prints, for each planted cause: its truth, the estimate, the error, whether it is within what is allowed (10 % or the
A/A floor of the pair), whether the interval holds the truth, and the status; then totals. The truth is timed alone in
another process and scaled by `gap / alone`: what the work added in the run's own rounds over what it adds there, caches
that it leaves cold for the convolution included, since a shared machine's speed drifts. Judges nothing: exit code 0.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plants.catalog import PLANTS, plant_named
from plants.judging import Judged, Row, false_causes, judge, scaled, totals

from profiler.store import RunDirectory
from profiler.tables.attribution import ATTRIBUTION
from profiler.tables.files import read_table
from profiler.tables.summary import SUMMARY

_SCRIPTS = Path(__file__).parent
_SMALL, _LARGE = "ic1ih100oc1kh3ph1", "ic1ih512oc1kh3ph1"
_BATCH = 9  # functions of one run, beside their base and its twin


@dataclass(frozen=True)
class Field:
    """Say what is planted where: a case, the base, magnitudes, plants (none for all), and how much longer it takes."""

    case: str
    onto: str
    seconds: tuple[float, ...]
    plants: tuple[str, ...] = ()
    patience: float = 1.0


# What works on arrays: copies and gradients are torch's.
_ON_ARRAYS = ("numbers", "calls", "numpy_adds", "mapped_pages", "unoptimised_code", "denormals", "sleep",
              "exposed_thread", "numbers_and_pages")  # fmt: skip
_OF_ANY_SIZE = ("numbers", "torch_negations", "numpy_adds", "unoptimised_code", "denormals")
FIELDS = (
    Field(_SMALL, "base", (50e-6, 1e-3)),
    Field(_SMALL, "base", (10e-6,), _OF_ANY_SIZE),
    Field(_SMALL, "base_arrays", (500e-6,), _ON_ARRAYS),
    Field(_LARGE, "base", (2e-3,)),
    Field(_LARGE, "base", (20e-3,), patience=2.0),
    Field(_LARGE, "base", (50e-3,), ("numbers", "torch_views", "filled_pages", "copies", "sleep"), patience=2.0),
)
QUICK = (Field(_SMALL, "base", (500e-6,)),)


def main() -> None:
    """Run the suite."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one magnitude, the article's case only")
    parser.add_argument("--only", default="", help="plants whose name holds this")
    parser.add_argument("--keep", type=Path, help="folder for the runs, kept")
    parser.add_argument("--time", type=float, default=75.0, help="seconds for each run")
    parser.add_argument("--json", type=Path, help="write all rows to this file too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        outcomes: list[dict[str, Any]] = []
        for number, (field, wishes) in enumerate(batches(QUICK if given.quick else FIELDS, given.only)):
            outcomes += _run(folder / f"run-{number}", field, _told_truth(wishes), given.time * field.patience)
    _print_totals(outcomes)
    if given.json is not None:
        given.json.write_text(json.dumps(outcomes, indent=1))


def batches(fields: Sequence[Field], only: str = "") -> Iterator[tuple[Field, list[dict[str, Any]]]]:
    """Give the fields with the plants of one run each; a plant comes with the magnitudes that make sense for it."""
    for field in fields:
        chosen = [
            (plant.name, min(plant.largest_s, max(plant.smallest_s, size)))
            for size in field.seconds
            for plant in PLANTS
            if only in plant.name and plant.cases in field.case and (not field.plants or plant.name in field.plants)
        ]
        wishes = [
            {"plant": name, "case": field.case, "onto": field.onto, "seconds": seconds}
            for name, seconds in dict.fromkeys(chosen)  # two magnitudes may both be under the least of a plant
        ]
        for start in range(0, len(wishes), _BATCH):
            yield field, wishes[start : start + _BATCH]


def _environment() -> dict[str, str]:
    paths = [str(_SCRIPTS), str(_SCRIPTS.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _told_truth(wishes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "plants.truth"]
    answer = subprocess.run(
        command, input=json.dumps(wishes), capture_output=True, text=True, check=True, env=_environment()
    )
    found: list[dict[str, Any]] = json.loads(answer.stdout)
    return found


def _run(folder: Path, field: Field, wishes: Sequence[dict[str, Any]], seconds: float) -> list[dict[str, Any]]:
    """Measure one batch beside its base and the base once more, print its rows, and give them."""
    file = folder.with_suffix(".py")
    names = [f"p{number}_{wish['plant']}" for number, wish in enumerate(wishes)]
    again = field.onto.replace("base", "again")
    lines = [f"from plants.catalog import {again} as again, {field.onto} as base, planted"]
    lines += [
        f"{name} = planted({wish['plant']!r}, {wish['amount']}, {field.onto!r})"
        for name, wish in zip(names, wishes, strict=True)
    ]
    file.write_text("\n".join(lines) + "\n")
    functions = ["base", "again", *names]
    command = [sys.executable, "-P", "-m", "profiler.cli", "analyze", "--case", field.case, "--threads", "1"]
    command += [word for name in functions for word in ("--impl", f"{file}:{name}")]
    command += ["--impl", "torch.conv2d", "--baseline", f"{file}:base", "--time", str(seconds), "--out", str(folder)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    if finished.returncode:
        raise SystemExit(f"analyze ended with {finished.returncode}: {finished.stderr.strip().splitlines()[-1]}")
    return _compared(
        RunDirectory.open(folder),
        file.stem,
        [*names, "again"],
        [*wishes, {"plant": "again", "case": field.case, "onto": field.onto, "truth": {}}],
    )


def _compared(
    run: RunDirectory, stem: str, names: Sequence[str], wishes: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    gaps, summary = read_table(run, ATTRIBUTION), read_table(run, SUMMARY).set_index("implementation")
    outcomes = []
    for name, wish in zip(names, wishes, strict=True):
        rows = gaps[gaps["subject"] == f"{stem}:{name}"]
        listed = [Row(r.cause, r.seconds, r.ci_low_s, r.ci_high_s, r.status) for r in rows.itertuples()]
        medians = [float(summary.loc[f"{stem}:{each}", "median_s"]) for each in (name, "base")]
        ratios = [float(summary.loc[f"{stem}:{each}", "aa_floor"]) for each in (name, "base")]
        floor = max((ratio * seconds for ratio, seconds in zip(ratios, medians, strict=True) if math.isfinite(ratio)),
                    default=0.0)  # fmt: skip
        gap = sum(row.seconds for row in listed)
        drift, truth = scaled(wish["truth"], wish.get("alone", 0.0), gap)
        judged = [judge(row, truth[row.cause], floor) for row in listed if row.cause in truth]
        beside = plant_named(wish["plant"]).beside if wish["truth"] else ()
        false = false_causes(listed, [*wish["truth"], *beside], gap, floor)
        refusal = str(rows["refusal"].iloc[0]) if len(rows) else "no gap"
        _print(wish, judged, false, refusal, drift)
        outcomes.append({**wish, "gap": gap, "floor": floor, "judged": [asdict(each) for each in judged],
                         "false": [asdict(each) for each in false], "refusal": refusal})  # fmt: skip
    return outcomes


def _print(wish: dict[str, Any], judged: Sequence[Judged], false: Sequence[Row], refusal: str, drift: float) -> None:
    for each in judged:
        error = abs(each.estimate - each.truth) / each.truth if each.truth else math.nan
        words = "right" if each.right else "WRONG"
        covered = "covered" if each.covered else "not covered"
        print(
            f"{wish['plant']:<20} {wish['case']:<17} {wish['onto']:<11} {each.cause:<12} "
            f"truth {each.truth * 1e6:>9.1f} us estimate {each.estimate * 1e6:>9.1f} us "
            f"{error:>6.1%} {words} {covered:<11} {each.status:<11} "
            f"gap / alone {drift:.2f}",
            flush=True,
        )
    for row in false:
        print(f"{wish['plant']:<20} false cause {row.cause}: {row.seconds * 1e6:.1f} us", flush=True)
    if refusal and refusal != "nan":
        print(f"{wish['plant']:<20} refused: {refusal}", flush=True)


def _print_totals(outcomes: Sequence[dict[str, Any]]) -> None:
    judged = [Judged(**each) for outcome in outcomes for each in outcome["judged"]]
    found = totals(judged, [[Row(**row) for row in outcome["false"]] for outcome in outcomes])
    refused = sum(bool(outcome["refusal"]) and outcome["refusal"] != "nan" for outcome in outcomes)
    print(
        f"\n{found.right} of {found.planted} planted causes within max(10 %, A/A floor); {found.covered} of "
        f"{found.planted} intervals hold the truth; {found.with_false_cause} of {found.gaps} gaps name another cause; "
        f"{refused} gaps refused"
    )


if __name__ == "__main__":
    main()
