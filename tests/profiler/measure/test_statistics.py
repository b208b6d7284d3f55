"""The hierarchical bootstrap: coverage on simulated runs, and what must not change its result."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler.measure.statistics import Bootstrap, Panel, bootstrap, is_level, percentile_interval


def simulated(
    generator: np.random.Generator, *, processes: int, rounds: int, between: float, within: float, cells: int = 1
) -> Panel[int]:
    """Draw seconds per call around 1, with a deviation between processes and one within them."""
    levels = np.exp(between * generator.standard_normal((cells, processes, 1)))
    values = levels * np.exp(within * generator.standard_normal((cells, processes, rounds)))
    return Panel(tuple(range(cells)), tuple(range(processes)), values)


def columns(panel: Panel[int]) -> list[tuple[int, int, int, float]]:
    cells, processes, rounds = panel.values.shape
    return [
        (cell, process, number, float(panel.values[cell, process, number]))
        for cell, process, number in itertools.product(range(cells), range(processes), range(rounds))
    ]


def panel_of(rows: list[tuple[int, int, int, float]]) -> Panel[int]:
    return Panel.of(*map(list, zip(*rows, strict=True)))


def test_a_panel_holds_each_value_in_its_place() -> None:
    panel = panel_of([(7, 2, 0, 1.0), (7, 1, 1, 2.0), (5, 2, 1, 3.0)])
    assert panel.cells == (7, 5)
    assert panel.process_labels == (1, 2)
    nan = math.nan
    expected = [[[nan, 2.0], [1.0, nan]], [[nan, nan], [nan, 3.0]]]
    np.testing.assert_array_equal(panel.values, expected)
    assert panel.medians().tolist() == [1.5, 3.0]
    np.testing.assert_array_equal(panel.process_medians(), [[2.0, 1.0], [nan, 3.0]])
    assert panel.process_counts().tolist() == [2, 1]


def test_a_panel_refuses_two_values_in_one_place() -> None:
    with pytest.raises(ValueError, match="two values"):
        panel_of([(0, 1, 1, 1.0), (0, 1, 1, 2.0)])


def test_a_panel_refuses_columns_of_different_lengths() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        Panel.of([0], [1, 2], [1], [1.0])


def test_nothing_measured_gives_nothing() -> None:
    empty: Panel[str] = Panel.of([], [], [], [])
    assert empty.medians().tolist() == []
    assert empty.drifting().shape == (0, 0)
    assert empty.process_spread().tolist() == []
    assert empty.process_disagreement().tolist() == []
    result = bootstrap(empty, replicates=10)
    assert result.replicates.shape == (10, 0)
    assert "anything" not in result


@pytest.mark.parametrize(
    ("medians", "disagreement"),
    [((1.0, 1.0, 1.0, 1.3, 1.0), 0.0), ((1.0, 1.0, 1.3, 1.2, 1.0), 0.2), ((1.0, 1.0, 1.3), 0.3), ((1.0,), math.nan)],
)
def test_one_of_five_processes_may_lie_elsewhere(medians: tuple[float, ...], disagreement: float) -> None:
    processes = list(range(len(medians)))
    panel = Panel.of(["a"] * len(medians), processes, [1] * len(medians), medians)
    assert panel.process_disagreement()[0] == pytest.approx(disagreement, nan_ok=True)


def test_process_spread_is_the_largest_distance_of_a_process() -> None:
    panel = panel_of([(0, 1, 0, 1.0), (0, 2, 1, 1.0), (0, 3, 2, 1.3), (1, 1, 0, 5.0)])
    assert panel.process_spread()[0] == pytest.approx(0.3)
    assert math.isnan(panel.process_spread()[1])


@pytest.mark.parametrize(
    ("processes", "between", "within"), [(5, 0.03, 0.02), (5, 0.0, 0.05), (10, 0.03, 0.1)], ids=str
)
def test_the_interval_covers_the_truth(processes: int, between: float, within: float) -> None:
    covered = 0
    for seed in range(200):
        panel = simulated(np.random.default_rng(seed), processes=processes, rounds=15, between=between, within=within)
        estimate = bootstrap(panel, replicates=300, seed=seed).median(0)
        covered += estimate.low <= 1.0 <= estimate.high
    assert covered / 200 >= 0.85


def test_a_shared_disturbance_leaves_the_ratio_alone() -> None:
    generator = np.random.default_rng(3)
    disturbance = np.exp(0.3 * generator.standard_normal((1, 6, 20)))
    panel = Panel(("a", "b"), tuple(range(6)), np.concatenate([disturbance, 2 * disturbance]))
    result = bootstrap(panel, replicates=500)
    assert result.median("a").half_width > 0.05
    ratio = result.ratio("b", "a")
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2.0, 2.0, 2.0))


def test_a_gap_is_the_difference_of_medians() -> None:
    result = bootstrap(panel_of([(0, 1, 0, 3.0), (0, 2, 0, 3.0), (1, 1, 0, 1.0), (1, 2, 0, 1.0)]), replicates=50)
    gap = result.gap(0, 1)
    assert (gap.value, gap.low, gap.high) == (2.0, 2.0, 2.0)


def test_one_process_has_a_median_but_no_interval() -> None:
    result = bootstrap(panel_of([(0, 1, number, 1.0 + number) for number in range(9)]), replicates=100)
    estimate = result.median(0)
    assert estimate.value == 5.0
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.high)
    assert math.isnan(result.floor(0, 0))


def test_a_cell_that_few_rounds_hold_is_estimated_from_those() -> None:
    generator = np.random.default_rng(4)
    panel = simulated(generator, processes=5, rounds=20, between=0.01, within=0.01, cells=2)
    panel.values[1, :, 3:] = np.nan
    estimate = bootstrap(panel, replicates=500).median(1)
    assert estimate.low < 1.0 < estimate.high
    assert estimate.value == pytest.approx(1.0, abs=0.05)


def test_the_floor_of_identical_sides_is_what_they_differ_by() -> None:
    generator = np.random.default_rng(5)
    panel = simulated(generator, processes=8, rounds=30, between=0.0, within=0.05, cells=2)
    floor = bootstrap(panel, replicates=1000).floor(0, 1)
    assert 0.0 < floor < 0.1
    assert bootstrap(panel, replicates=1000).floor(0, 0) == 0.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**20), order=st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(seed: int, order: random.Random) -> None:
    panel = simulated(np.random.default_rng(seed), processes=3, rounds=4, between=0.1, within=0.1, cells=2)
    rows = columns(panel)
    shuffled = list(rows)
    order.shuffle(shuffled)
    one, other = (bootstrap(panel_of(each), replicates=50, seed=seed) for each in (rows, shuffled))
    for cell in (0, 1):
        np.testing.assert_array_equal(one.column(cell), other.column(cell))
        assert one.median(cell) == other.median(cell)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**20), factor=st.floats(1e-9, 1e9))
def test_another_unit_of_time_scales_medians_and_leaves_ratios(seed: int, factor: float) -> None:
    panel = simulated(np.random.default_rng(seed), processes=4, rounds=5, between=0.1, within=0.1, cells=2)
    scaled = Panel(panel.cells, panel.process_labels, factor * panel.values)
    one, other = (bootstrap(each, replicates=50, seed=seed) for each in (panel, scaled))
    np.testing.assert_allclose(other.replicates, factor * one.replicates, rtol=1e-12)
    assert other.ratio(0, 1).value == pytest.approx(one.ratio(0, 1).value)
    assert other.ratio(0, 1).low == pytest.approx(one.ratio(0, 1).low)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 4)), min_size=1, unique=True))
def test_replicates_stay_within_what_was_measured(places: list[tuple[int, int, int]]) -> None:
    rows = [(*place, 1.0 + index) for index, place in enumerate(places)]
    result: Bootstrap[int] = bootstrap(panel_of(rows), replicates=40)
    for cell in result.cells:
        values = [value for each, _, _, value in rows if each == cell]
        column = result.column(cell)
        column = column[np.isfinite(column)]
        assert np.all((column >= min(values)) & (column <= max(values)))


def test_replicates_match_medians_drawn_one_by_one() -> None:
    """The weighted medians are those of the resampled values themselves, odd and even in number."""
    values = np.array([[[1.0, 5.0, 2.0], [4.0, np.nan, 3.0]]])
    result = bootstrap(Panel(("only",), (0, 1), values), replicates=4000, seed=1).column("only")
    generator = np.random.default_rng(2)
    drawn = []
    for _ in range(4000):
        pool: list[float] = []
        for process in generator.integers(0, 2, size=2):
            measured = values[0, process][np.isfinite(values[0, process])]
            pool += list(generator.choice(measured, size=len(measured)))
        drawn.append(np.median(pool))
    for level in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert np.quantile(result, level) == pytest.approx(np.quantile(drawn, level), abs=0.51)
    assert result.mean() == pytest.approx(np.mean(drawn), abs=0.08)


def test_percentiles_reach_further_out_with_fewer_processes() -> None:
    replicates = np.random.default_rng(6).standard_normal(20_000)
    widths = [np.subtract(*percentile_interval(replicates, processes)[::-1]) for processes in (5, 20, 1000)]
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] == pytest.approx(2 * 1.96, rel=0.03)


def test_noise_is_level_and_a_trend_is_not() -> None:
    generator = np.random.default_rng(7)
    noise = 1 + 0.1 * generator.standard_normal(20)
    assert is_level(noise, 0.02)
    assert not is_level(noise + np.linspace(0.5, 0, 20), 0.02)
    assert not is_level([2.0, 1.0], 0.05)
    assert is_level([1.02, 1.0], 0.05)
    assert not is_level([1.0], 0.05)


def test_one_interrupt_does_not_undo_the_steady_state() -> None:
    assert is_level([1.0, 1.0, 1.01, 9.0, 1.0, 1.0, 1.01, 1.0, 1.0, 1.0], 0.02)


def test_drifting_names_the_process() -> None:
    steady, falling = np.full(10, 1.0), np.linspace(2.0, 1.0, 10)
    panel = Panel(("a",), (0, 1, 2), np.stack([steady, falling, np.where(np.arange(10) < 3, falling, np.nan)])[None])
    assert panel.drifting().tolist() == [[False, True, False]]
