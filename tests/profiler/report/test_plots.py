"""The pictures are well-formed SVG with text, the same each time, and drawn whatever a name holds."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from profiler.report.plots import gaps_plot, plot_name, ranking_plot
from profiler.report.view import RunView
from profiler.store import RunDirectory

BuildRun = Callable[..., RunDirectory]


def _texts(svg: str) -> list[str]:
    tree = ElementTree.fromstring(svg)  # noqa: S314 - we drew it
    return ["".join(text.itertext()).strip() for text in tree.iter() if text.tag.endswith("}text")]


def test_the_ranking_names_everyone_and_the_axis_has_units(view: RunView) -> None:
    texts = _texts(ranking_plot(view, view.conditions[0]))
    assert {each.implementation for each in view.ranking(view.conditions[0])} <= set(texts)
    assert {"10 µs", "1 ms", "100 ms"} <= set(texts)
    assert "36.9 ms, 1,420x" in texts
    assert "26.0 µs, baseline" in texts


def test_the_gaps_name_manual_implementations_and_causes(view: RunView) -> None:
    texts = _texts(gaps_plot(view, view.conditions[0]))
    assert "article.module" not in texts
    assert {"article.numpy_loop", "c.direct", "dispatch", "interpreter", "traffic", "residual", "+36.9 ms"} <= set(
        texts
    )


def test_the_gaps_say_what_they_are_and_where_a_bar_goes_on(view: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = _texts(gaps_plot(view, view.conditions[0]))
    assert {"Gaps to torch.conv2d by cause, ic1ih100oc1kh3ph1, 1 thread", "pale: refused"} <= set(texts)
    gap = view.gap("torch.shift_add", view.conditions[0])
    gap = gap.assign(share=[-0.7 if cause == "residual" else 0.17 for cause in gap.index])
    monkeypatch.setattr(RunView, "gap", lambda *_: gap)
    drawn = _texts(gaps_plot(view, view.conditions[0]))
    subjects = sum(each.family == "manual" for each in view.ranking(view.conditions[0]))
    assert drawn.count("…") == subjects
    assert sum(text.startswith("…  ") for text in drawn) == subjects
    assert "pale: refused" not in drawn


def test_the_same_data_give_the_same_file(view: RunView, reported: RunDirectory) -> None:
    for kind, draw in (("ranking", ranking_plot), ("gaps", gaps_plot)):
        condition = view.conditions[0]
        assert draw(view, condition).encode() == (reported.plots / plot_name(kind, condition)).read_bytes()


def test_a_condition_without_split_gaps_has_no_picture_of_them(view: RunView) -> None:
    assert gaps_plot(view, view.conditions[1]) == ""


def test_any_name_can_be_drawn(view: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ('<b>&"x', "$\\frac{1}{", "\x1b[31m", "漢字 🎉", "x" * 90)
    ranking = view.ranking(view.conditions[0])
    renamed = tuple(replace(each, implementation=name) for each, name in zip(ranking, names, strict=False))
    monkeypatch.setattr(RunView, "ranking", lambda *_: renamed)
    texts = _texts(ranking_plot(view, view.conditions[0]))
    assert {'<b>&"x', "$\\frac{1}{", "␛[31m", "漢字 🎉", "x" * 42 + "…"} <= set(texts)


def test_one_implementation_without_an_interval_can_be_drawn(view: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = replace(view.ranking(view.conditions[0])[0], low_s=math.nan, high_s=math.nan, ratio=math.nan)
    monkeypatch.setattr(RunView, "ranking", lambda *_: (alone,))
    assert alone.implementation in _texts(ranking_plot(view, view.conditions[0]))


def test_no_global_figure_is_made(view: RunView) -> None:
    ranking_plot(view, view.conditions[0])
    assert "matplotlib.pyplot" not in sys.modules
