"""Each rung is foretold from the rung before, and told whether that came true."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from profiler.attribution.ladder import RUNGS
from profiler.store import RunDirectory
from profiler.tables.files import read_table
from profiler.tables.ladder import LADDER

BuildRun = Callable[..., RunDirectory]


def test_the_rungs_of_the_hand_built_run(article_run: RunDirectory) -> None:
    ladder = read_table(article_run, LADDER)
    one = ladder[ladder["threads"] == 1].set_index("rung")
    assert list(one["implementation"]) == [
        *("article.numpy_loop", "python.loop", "numpy.shift_add", "c.direct", "c.direct[-O3 -march=native]"),
        *("torch.conv2d", "article.module", "article.module"),
    ]
    assert list(one["variant"]) == ["", "", "", "", "", "", "inference_mode", ""]
    assert list(one.index) == list(range(1, 9))
    # 20,003 operators less at 1.55 us, 379,400 bytecode instructions more at 11 ns, of 36.9 ms.
    assert one.loc[2, "predicted_s"] == pytest.approx(36.9e-3 - 20_003 * 1.55e-6 + 379_400 * 11e-9, rel=0.02)
    assert one.loc[2, "verdict"] == "came true"
    assert one.loc[2, "saved_s"] == pytest.approx(one.loc[1, "median_s"] - one.loc[2, "median_s"])
    assert one.loc[1, "verdict"] == "no prediction"
    assert math.isnan(one.loc[1, "saved_s"])
    assert set(one["verdict"]) <= {"came true", "missed", "no prediction"}


def test_every_rung_but_the_first_names_one_thing() -> None:
    assert [bool(rung.removes) for rung in RUNGS] == [False] + [True] * (len(RUNGS) - 1)
