"""Planted causes: the judging by hand, and a short real run that asserts no times."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def judging(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(_ROOT / "scripts"))
    return importlib.import_module("plants.judging")


def test_a_row_is_right_within_a_tenth_or_the_floor(judging: Any) -> None:
    row = judging.Row("dispatch", 95e-6, 90e-6, 99e-6, "confirmed")
    near = judging.judge(row, 100e-6, floor=1e-6)
    assert (near.right, near.covered, near.allowed) == (True, False, pytest.approx(10e-6))
    far = judging.judge(row, 200e-6, floor=1e-6)
    assert not far.right
    assert judging.judge(row, 200e-6, floor=150e-6).right


def test_a_machine_that_became_slower_makes_work_longer_and_no_sleep(judging: Any) -> None:
    factor, truth = judging.scaled({"dispatch": 2.0, "idle": 5.0}, alone=8.0, gap=11.0)
    assert factor == 2.0
    assert truth == {"dispatch": 4.0, "idle": 5.0}
    assert judging.scaled({}, 0.0, 0.1) == (1.0, {})


def test_a_cause_that_was_not_planted_is_false_where_it_is_told(judging: Any) -> None:
    rows = [
        judging.Row("dispatch", 50e-6, 40e-6, 60e-6, "confirmed"),  # planted
        judging.Row("idle", 20e-6, 10e-6, 30e-6, "confirmed"),
        judging.Row("traffic", 20e-6, -1e-6, 30e-6, "unconfirmed"),  # may be 0
        judging.Row("allocation", 5e-6, 4e-6, 6e-6, "confirmed"),  # under a tenth of the gap
        judging.Row("threads", 20e-6, 10e-6, 30e-6, "refused"),
        judging.Row("residual", 20e-6, 10e-6, 30e-6, "unconfirmed"),
    ]
    assert [row.cause for row in judging.false_causes(rows, ["dispatch"], 100e-6, 1e-6)] == ["idle"]
    judged = [judging.judge(rows[0], 51e-6, 1e-6)]
    found = judging.totals(judged, [judging.false_causes(rows, ["dispatch"], 100e-6, 1e-6), []])
    assert (found.planted, found.right, found.covered, found.gaps, found.with_false_cause) == (1, 1, 1, 2, 1)


def test_the_suite_has_enough_plants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(_ROOT / "scripts"))
    bench = importlib.import_module("bench_plants")
    wishes = [wish for _, batch in bench.batches(bench.FIELDS) for wish in batch]
    assert len(wishes) >= 50
    assert len({wish["plant"] for wish in wishes}) >= 13


def test_a_short_suite_runs_for_real(tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    answer = subprocess.run(
        [sys.executable, str(_ROOT / "scripts" / "bench_plants.py"), "--quick", "--only", "numbers", "--time", "15",
         "--keep", str(tmp_path / "runs"), "--json", str(out)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT / "scripts"), str(_ROOT)])},
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    outcomes = json.loads(out.read_text())
    assert [each["plant"] for each in outcomes] == ["numbers", "numbers_and_pages", "again"]
    for outcome in outcomes:
        assert {each["cause"] for each in outcome["judged"]} == set(outcome["truth"])
    assert "planted causes within" in answer.stdout
