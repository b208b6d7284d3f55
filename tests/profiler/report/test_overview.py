"""The run in short, as an object and as text, and one gap."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from profiler.errors import UsageError
from profiler.report.gap import gap_object, gap_text
from profiler.report.overview import overview, overview_text, spoken
from profiler.store import RunDirectory

BuildRun = Callable[..., RunDirectory]


def test_the_overview_is_json_with_the_verdict_the_ranking_and_the_failures(reported: RunDirectory) -> None:
    answer = json.loads(json.dumps(overview(reported), allow_nan=False))
    assert answer["verdict"].startswith(
        "Here, on ic1ih100oc1kh3ph1 with one thread, article.numpy_loop takes 1,420x the time of torch.conv2d"
    )
    assert answer["complete"] is True
    assert [row["implementation"] for row in answer["ranking"] if row["threads"] == 1][:3] == [
        "c.direct[-O3 -march=native]",
        "c.direct",
        "torch.conv2d",
    ]
    assert len(answer["ranking"]) == 26
    assert {(failure["implementation"], failure["status"]) for failure in answer["failures"]} == {
        ("numba.direct", "unavailable"),
        ("mine:shifted", "wrong"),
        ("mine:<b>x|y`", "crashed"),
    }
    assert set(answer["files"]) == {"report", "html", "tables", "traces", "samples"}


def test_the_text_has_no_markdown_and_shows_every_rank_once(reported: RunDirectory) -> None:
    text = overview_text(reported)
    assert "`" not in text
    assert "\\" not in text
    assert text.count("article.torch_loop") == 1
    assert "3 not ranked; the report says why." in text
    assert str(reported.report_path) in text


def test_a_run_without_anything_has_an_overview(build_run: BuildRun, tmp_path: Path) -> None:
    bare = RunDirectory(tmp_path / "bare")
    bare.write_manifest(build_run().manifest())
    answer = overview(bare)
    assert answer["complete"] is False
    assert answer["ranking"] == []
    assert overview_text(bare).startswith("Partial run: nothing was measured yet")


def test_markdown_is_taken_out() -> None:
    assert spoken("`a_b` takes 2x, \\*not\\* \\`this\\` \\| that") == "a_b takes 2x, *not* `this` | that"


def test_a_gap_as_an_object_sums(reported: RunDirectory) -> None:
    answer = json.loads(json.dumps(gap_object(reported, "numpy.im2col", "numpy.shift_add"), allow_nan=False))
    assert [gap["threads"] for gap in answer["gaps"]] == [1, 2]
    for gap in answer["gaps"]:
        assert sum(row["seconds"] for row in gap["causes"]) == pytest.approx(gap["seconds"])
        assert len(gap["causes"]) == 11


def test_a_gap_as_text_says_why_it_is_refused_once(reported: RunDirectory) -> None:
    first = gap_text(reported, "c.direct", "torch.conv2d").split("\n\nc.direct takes")[0]
    assert first.startswith(
        "c.direct takes 18.4 µs less a call than torch.conv2d on ic1ih100oc1kh3ph1, 1 thread (95 %: "
    )
    assert first.count("the residual is 32 % of the gap") == 1
    assert "dispatch: subject: 1 operator; fixed cost 2.40 µs" in first
    assert max(map(len, first.splitlines()[1:])) <= 110


def test_a_gap_that_is_not_there_is_a_usage_error(reported: RunDirectory) -> None:
    with pytest.raises(UsageError, match="mine:shifted"):
        gap_text(reported, "mine:shifted", "torch.conv2d")
