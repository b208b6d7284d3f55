"""Medians and intervals of measurements on two levels: worker processes, and interleaved rounds within them.

Rounds of one process share its memory layout, its processor and its neighbours, so they are no independent repetitions;
the interval must come from resampling processes first and rounds within them (Kalibera & Jones, "Rigorous Benchmarking
in Reasonable Time", ISMM 2013). Every cell is resampled with the same processes and the same rounds, so that a ratio or
a gap is computed within each replicate and what disturbed a round disturbs both its sides.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "STEADY_TOLERANCE",
    "Bootstrap",
    "Estimate",
    "Panel",
    "bootstrap",
    "is_level",
    "joined",
    "percentile_interval",
]

Cell = TypeVar("Cell", bound=Hashable)
Floats = NDArray[np.float64]
Counts = NDArray[np.int32]

# A change of less than this within a process is no matter of warm-up; DESIGN lets processes differ as much.
STEADY_TOLERANCE = 0.05
_FEWEST_FOR_NOISE = 8  # with fewer values the noise of a half's median cannot be estimated
_STANDARD_ERRORS = 3.0
_FEWEST_FOR_OUTLIER = 5
# Student's t at 97.5 % for 1 to 10 degrees of freedom; beyond, the expansion below is right to 0.1 %.
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_NORMAL = 1.959964


@dataclass(frozen=True)
class Estimate:
    """Hold a figure and its 95 % interval; the ends are NaN where a single process allows none."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Give half the interval's width, in the figure's unit."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Panel(Generic[Cell]):
    """Hold one value per cell, process and round; NaN where a cell was not measured in a round.

    `values` has the shape (cells, processes, rounds); `process_labels` are in ascending order. Make one panel per
    thread condition: a process serves one condition only.
    """

    cells: tuple[Cell, ...]
    process_labels: tuple[int, ...]
    values: Floats

    @classmethod
    def of(
        cls, cells: Sequence[Cell], processes: Sequence[int], rounds: Sequence[int], values: Sequence[float]
    ) -> Panel[Cell]:
        """Build a panel from four columns of one length, in any order.

        Raises ValueError where lengths differ or one cell has two values in one round of one process.
        """
        if not len(cells) == len(processes) == len(rounds) == len(values):
            raise ValueError("cells, processes, rounds and values differ in length; give one of each per sample")
        names = tuple(dict.fromkeys(cells))
        position = {name: index for index, name in enumerate(names)}
        process_labels, process_index = np.unique(np.asarray(processes, dtype=np.int64), return_inverse=True)
        _, round_index = np.unique(np.asarray(rounds, dtype=np.int64), return_inverse=True)
        rounds_in_all = int(round_index.max(initial=-1)) + 1
        table = np.full((len(names), len(process_labels), rounds_in_all), np.nan)
        places = (np.array([position[cell] for cell in cells], dtype=np.int64), process_index, round_index)
        flat = np.ravel_multi_index(places, table.shape) if len(cells) else np.empty(0, dtype=np.int64)
        if len(np.unique(flat)) < len(flat):
            raise ValueError("a cell has two values in one round of one process; number the rounds of a process once")
        table.reshape(-1)[flat] = np.asarray(values, dtype=np.float64)
        return cls(names, tuple(int(label) for label in process_labels), table)

    def medians(self) -> Floats:
        """Give each cell's median over all processes and rounds; shape (cells,)."""
        return _medians(_by_cell(self.values))

    def process_medians(self) -> Floats:
        """Give each cell's median in each process; shape (cells, processes)."""
        cells, processes, rounds = self.values.shape
        return _medians(self.values.reshape(cells * processes, rounds)).reshape(cells, processes)

    def process_counts(self) -> NDArray[np.int64]:
        """Count the processes that measured each cell; shape (cells,)."""
        counts: NDArray[np.int64] = np.isfinite(self.values).any(axis=2).sum(axis=1)
        return counts

    def process_spread(self) -> Floats:
        """Give each cell's largest relative distance of a process's median from the median; NaN for one process."""
        distance = np.abs(self.process_medians() / self.medians()[:, None] - 1.0)
        distance[self.process_counts() < 2] = np.nan
        spread: Floats = np.fmax.reduce(distance, axis=1, initial=np.nan)
        return spread

    def process_disagreement(self) -> Floats:
        """Give the same without the farthest of five or more processes; NaN for one process.

        One process that lies elsewhere moves neither the median nor, by much, its interval; two are a disagreement.
        """
        distance = np.abs(self.process_medians() / self.medians()[:, None] - 1.0)
        ordered = np.sort(np.where(np.isfinite(distance), distance, -np.inf), axis=1)
        counts = self.process_counts()
        chosen = np.where(counts >= _FEWEST_FOR_OUTLIER, -2, -1)
        found = ordered[np.arange(len(ordered)), chosen] if ordered.shape[1] > 1 else np.full(len(ordered), np.nan)
        result: Floats = np.where(counts < 2, np.nan, found)
        return result

    def drifting(self, tolerance: float = STEADY_TOLERANCE) -> NDArray[np.bool_]:
        """Say where a cell's rounds rise or fall within a process (see `is_level`); shape (cells, processes).

        False where a cell has too few rounds in a process to tell.
        """
        cells, processes, _ = self.values.shape
        found = np.zeros((cells, processes), dtype=np.bool_)
        for cell in range(cells):
            for process in range(processes):
                series = self.values[cell, process]
                series = series[np.isfinite(series)]
                found[cell, process] = len(series) >= _FEWEST_FOR_NOISE and not is_level(series, tolerance)
        return found

    def settled(self) -> NDArray[np.bool_]:
        """Say which cells reached a steady state: in every process, or all but one of several; shape (cells,).

        One process of several may have been disturbed; more than that is the implementation's own doing.
        """
        drifting = self.drifting().sum(axis=1)
        reached: NDArray[np.bool_] = (drifting <= 1) & (drifting < self.process_counts())
        return reached


@dataclass(frozen=True)
class Bootstrap(Generic[Cell]):
    """Hold replicates of every cell's median, made together.

    `replicates` has the shape (replicates, cells), `medians` and `processes` (how many measured the cell) the shape
    (cells,). A figure of several cells is computed column by column, then read off with `estimate`.
    """

    cells: tuple[Cell, ...]
    medians: Floats
    processes: NDArray[np.int64]
    replicates: Floats

    def __contains__(self, cell: object) -> bool:
        return cell in self.cells

    def column(self, cell: Cell) -> Floats:
        """Give a cell's replicates; raises ValueError for a cell that was not measured."""
        return self.replicates[:, self._index(cell)]

    def value(self, cell: Cell) -> float:
        """Give a cell's median."""
        return float(self.medians[self._index(cell)])

    def median(self, cell: Cell) -> Estimate:
        """Give a cell's median and its interval."""
        return self.estimate(self.value(cell), self.column(cell), cell)

    def ratio(self, subject: Cell, baseline: Cell) -> Estimate:
        """Give the ratio of two medians and its interval."""
        value = self.value(subject) / self.value(baseline)
        return self.estimate(value, self.column(subject) / self.column(baseline), subject, baseline)

    def gap(self, subject: Cell, baseline: Cell) -> Estimate:
        """Give the difference of two medians, subject less baseline, and its interval."""
        value = self.value(subject) - self.value(baseline)
        return self.estimate(value, self.column(subject) - self.column(baseline), subject, baseline)

    def floor(self, cell: Cell, twin: Cell) -> float:
        """Give the A/A floor: the upper end of the interval of |ln(cell / twin)|, as a relative difference.

        Two identical sides differ by as much in this run, so no smaller difference means anything. NaN for one process.
        """
        logarithm = np.abs(np.log(self.column(cell) / self.column(twin)))
        return math.expm1(percentile_interval(logarithm, self._fewest(cell, twin))[1])

    def estimate(self, value: float, replicates: Floats, *cells: Cell) -> Estimate:
        """Give a figure computed from the cells' medians with the interval of its replicates.

        The interval always holds the figure itself.
        """
        low, high = percentile_interval(replicates, self._fewest(*cells))
        if math.isnan(low):
            return Estimate(value, low, high)
        return Estimate(value, min(low, value), max(high, value))

    def _index(self, cell: Cell) -> int:
        return self.cells.index(cell)

    def _fewest(self, *cells: Cell) -> int:
        return min(int(self.processes[self._index(cell)]) for cell in cells)


def bootstrap(panel: Panel[Cell], *, replicates: int = 2000, seed: int = 0) -> Bootstrap[Cell]:
    """Resample processes, then rounds within each, for all cells alike.

    Drawing a process c times and its R rounds anew each time gives its rounds a multinomial weight of c R draws, so a
    replicate is a table of weights, and a cell's replicate is a weighted median of values sorted once.
    """
    weights = _weights(panel, replicates, np.random.default_rng(seed))
    columns = [_weighted_medians(row, weights) for row in _by_cell(panel.values)]
    stacked = np.stack(columns, axis=1) if columns else np.empty((replicates, 0))
    return Bootstrap(panel.cells, panel.medians(), panel.process_counts(), stacked)


def joined(parts: Sequence[Bootstrap[Cell]]) -> Bootstrap[Cell]:
    """Put cells that were resampled apart side by side: they come from different processes, so their draws share none.

    Raises ValueError where parts differ in their number of replicates or have a cell in common.
    """
    cells = tuple(cell for part in parts for cell in part.cells)
    if len(set(cells)) < len(cells):
        raise ValueError("a cell is in two parts; resample each cell once")
    return Bootstrap(
        cells,
        np.concatenate([part.medians for part in parts]),
        np.concatenate([part.processes for part in parts]),
        np.concatenate([part.replicates for part in parts], axis=1),
    )


def percentile_interval(replicates: ArrayLike, processes: int) -> tuple[float, float]:
    """Give the ends of the 95 % interval of bootstrap replicates; NaN where fewer than two processes were resampled.

    Few processes make plain percentiles too narrow: their spread is short by sqrt((n - 1) / n), and a normal quantile
    stands where Student's belongs. The levels are moved out to make up for both: the expanded percentile interval of
    Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69 (2015), section 5.3.
    """
    finite = np.asarray(replicates, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    if processes < 2 or not len(finite):
        return math.nan, math.nan
    quantile = math.sqrt(processes / (processes - 1)) * _student(processes - 1)
    tail = 0.5 * math.erfc(quantile / math.sqrt(2.0))
    low, high = np.quantile(finite, [tail, 1.0 - tail])
    return float(low), float(high)


def is_level(series: ArrayLike, tolerance: float) -> bool:
    """Say whether a series neither rises nor falls: the medians of its halves agree within the tolerance or the noise.

    Georges, Buytaert & Eeckhout ("Statistically Rigorous Java Performance Evaluation", OOPSLA 2007) call a process
    steady once the coefficient of variation of its last k iterations falls below 1 or 2 %. One interrupt in a block of
    1 ms defeats that, so medians stand for means, and a difference of less than three standard errors of the halves'
    medians counts as noise. Fewer than 8 values allow no estimate of the noise, fewer than 2 say nothing: False.
    """
    values = np.asarray(series, dtype=np.float64)
    if len(values) < 2:
        return False
    halves = values[: len(values) // 2], values[len(values) // 2 :]
    first, second = (float(np.median(half)) for half in halves)
    difference = abs(second - first)
    if difference <= tolerance * float(np.median(values)):
        return True
    if len(values) < _FEWEST_FOR_NOISE:
        return False
    deviations = np.concatenate([np.abs(halves[0] - first), np.abs(halves[1] - second)])
    # 1.4826 makes a median absolute deviation of normal noise its standard deviation; 1.2533 / sqrt(n) of it is the
    # standard error of a median.
    error = 1.4826 * float(np.median(deviations)) * 1.2533 * math.sqrt(1 / len(halves[0]) + 1 / len(halves[1]))
    return difference <= _STANDARD_ERRORS * error


def _weights(panel: Panel[Cell], replicates: int, generator: np.random.Generator) -> Counts:
    """Draw how often each replicate holds each round; shape (processes x rounds, replicates)."""
    measured: NDArray[np.bool_] = np.asarray(np.isfinite(panel.values).any(axis=0))
    processes, rounds = measured.shape
    weights = np.zeros((processes, rounds, replicates), dtype=np.int32)
    if not processes:
        return weights.reshape(0, replicates)
    draws = generator.multinomial(processes, np.full(processes, 1 / processes), size=replicates)
    for process in range(processes):
        here = np.flatnonzero(measured[process])
        if len(here):
            drawn = generator.multinomial(draws[:, process] * len(here), np.full(len(here), 1 / len(here)))
            weights[process, here] = drawn.T
    return weights.reshape(processes * rounds, replicates)


def _weighted_medians(values: Floats, weights: Counts) -> Floats:
    """Give the median of the values under each column of weights; NaN where a column holds none of them."""
    finite = np.flatnonzero(np.isfinite(values))
    if not len(finite):
        return np.full(weights.shape[1], np.nan)
    order = finite[np.argsort(values[finite], kind="stable")]
    ordered = values[order]
    reached = np.cumsum(weights[order], axis=0, dtype=np.int32)
    total = reached[-1]
    # The two middle ranks, counted from 1; they coincide where the total is odd.
    lower = (reached < (total + 1) // 2).sum(axis=0)
    upper = (reached < total // 2 + 1).sum(axis=0)
    last = len(ordered) - 1
    medians: Floats = (ordered[np.minimum(lower, last)] + ordered[np.minimum(upper, last)]) / 2
    return np.where(total > 0, medians, np.nan)


def _by_cell(values: Floats) -> Floats:
    cells, processes, rounds = values.shape
    return values.reshape(cells, processes * rounds)


def _medians(rows: Floats) -> Floats:
    """Give the median of each row's finite values; NaN where it has none (np.nanmedian would warn)."""
    result = np.full(len(rows), np.nan)
    for index, row in enumerate(rows):
        finite = row[np.isfinite(row)]
        if len(finite):
            result[index] = np.median(finite)
    return result


def _student(degrees: int) -> float:
    """Give Student's t at 97.5 %; beyond the table by Cornish and Fisher's expansion (Abramowitz & Stegun 26.7.5)."""
    if degrees <= len(_STUDENT):
        return _STUDENT[degrees - 1]
    z = _NORMAL
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
