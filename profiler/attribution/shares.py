"""Where the CPU samples of one implementation fell: counts by cause, and what they could have been."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from profiler.attribution.symbols import short_symbol

__all__ = ["COMPUTE", "UNCLASSIFIED", "Shares", "shares_of"]

# What samples are classed as beside the causes themselves: kernels, which are split over floor, traffic and arithmetic.
COMPUTE = "compute"
_CALLING = "calling"  # split by what is called
UNCLASSIFIED = "residual"

# Samples of one process in a row are not independent: calls repeat, the timer ticks evenly, and another process would
# lie elsewhere in memory. Counted as half as many, planted causes are covered as often as the interval says
# (`scripts/bench plants`).
_INDEPENDENT = 0.5


@dataclass(frozen=True)
class Shares:
    """Hold the samples of the calling thread by cause; `leading` names the symbol with most samples of each cause."""

    label: str
    counts: Mapping[str, float]
    leading: Mapping[str, str]

    @property
    def total(self) -> float:
        """Count all samples."""
        return sum(self.counts.values())

    def share(self, cause: str) -> float:
        """Give the share of a cause, between 0 and 1; 0 where there are no samples."""
        return self.counts.get(cause, 0) / self.total if self.total else 0.0

    def without(self, cause: str) -> Shares:
        """Give the same without the samples of a cause."""
        return replace(self, counts={name: number for name, number in self.counts.items() if name != cause})

    def replicates(self, cause: str, seed: int, number: int) -> NDArray[np.float64]:
        """Draw the share of a cause; shape (number,).

        Shares of one implementation are drawn together, from the Dirichlet distribution that the counts leave (the
        posterior of a multinomial under Jeffreys' prior), so that they sum to 1 in each replicate.
        """
        return self._drawn(seed, number)[cause] if cause in self.counts else np.zeros(number)

    def _drawn(self, seed: int, number: int) -> dict[str, NDArray[np.float64]]:
        causes = sorted(self.counts)
        generator = np.random.default_rng([seed, zlib.crc32(self.label.encode())])
        weights = np.array([self.counts[cause] * _INDEPENDENT + 0.5 for cause in causes])
        drawn = generator.dirichlet(weights, size=number)
        return {cause: drawn[:, place] for place, cause in enumerate(causes)}


def shares_of(rows: pd.DataFrame, label: str, operators: float) -> Shares | None:
    """Sum the rows of one implementation in the table `cpu_samples`; None where there are none.

    `label` tells its draws from those of others. `operators` is the share of operators among all that Python calls: the
    interpreter's way to them is part of what calling an operator costs, its way to anything else is its own.
    """
    if rows.empty:
        return None
    counts = {str(cause): float(number) for cause, number in rows.groupby("cause")["samples"].sum().items()}
    calling = counts.pop(_CALLING, 0.0)
    for cause, share in (("dispatch", operators), ("interpreter", 1 - operators)):
        if calling * share:
            counts[cause] = counts.get(cause, 0.0) + calling * share
    ordered = rows.sort_values("samples", ascending=False, kind="stable").drop_duplicates("cause")
    leading = {
        str(cause): short_symbol(str(symbol)) for cause, symbol in zip(ordered["cause"], ordered["symbol"], strict=True)
    }
    return Shares(label, counts, leading)
